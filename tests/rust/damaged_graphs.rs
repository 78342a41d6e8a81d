//! Graphs that are walked by vectors and graphs with zero vectors, damaged, with checksums made
//! right again, as who means harm would: a refusal in words or a fault named by verifying, no
//! panic, nothing found twice.

use crate::common::graphs::small_files;
use crate::common::sections::{entry, place, reseal};
use crate::common::{ids, name, sample, Item};
use annoy_rs::{Bitmap, Error, Index, Metric, Options, Search, Way};

const N: usize = 48;
const DEGREE: usize = 4;
const CODES: u32 = 7;
const GRAPH: u32 = 8;
const HEADER: usize = 64;

/// Walks of every kind; whether all were answered.
fn ask(index: &Index, context: &str) -> bool {
    let options = index.options();
    let mut answered = true;
    let words = [!0b1011_0100u64];
    let filter = |id: i64| id % 3 != 0;
    let directions = [[0.0, 0.0, 0.0], [-1.0, -2.0, -3.0], [0.1, 0.2, 1e6]];
    for (n, search_k) in [(3, 5), (10, 20), (N, 40)] {
        let plain = Search {
            search_k: Some(search_k),
            way: Way::Graph,
            ..Search::new(n)
        };
        let bitmap = Some(Bitmap {
            words: &words,
            deny: false,
        });
        let searches = [
            plain,
            Search { bitmap, ..plain },
            Search {
                filter: Some(&filter),
                ..plain
            },
        ];
        for search in &searches {
            for direction in &directions {
                let query = Item::new(options, |i| direction[i]);
                match index.search(&query, search) {
                    Ok(found) => {
                        let mut ids = ids(&found);
                        assert!(ids.iter().all(|id| (0..N as i64).contains(id)), "{context}");
                        assert!(ids.len() <= n, "{context}");
                        ids.sort_unstable();
                        ids.dedup();
                        assert_eq!(ids.len(), found.len(), "{context}: one is there twice");
                    }
                    Err(Error::Corrupt { .. }) => answered = false,
                    Err(other) => panic!("{context}: {other:?}"),
                }
            }
        }
    }
    answered
}

/// What refuses the file or is wrong with it, in words; none when it is taken for sound.
fn noticed(bytes: &[u8], context: &str) -> Option<String> {
    let index = match Index::open_bytes(bytes.to_vec()) {
        Ok(index) => index,
        Err(error @ Error::Format { .. }) => return Some(error.to_string()),
        Err(other) => panic!("{context}: {other:?}"),
    };
    let answered = ask(&index, context);
    let report = index.verify(9).unwrap();
    let told = index.info().unwrap().graph_recall;
    assert!(
        told.is_none_or(|told| (0.0..=1.0).contains(&told)),
        "{context}"
    );
    if let Ok(again) = index.to_bytes() {
        let again = Index::open_bytes(again).unwrap_or_else(|error| panic!("{context}: {error}"));
        ask(&again, context);
    }
    if report.is_sound() {
        assert!(answered, "{context}: sound, and searches fail");
        return None;
    }
    let texts: Vec<_> = report
        .faults
        .iter()
        .map(|fault| fault.text.as_str())
        .collect();
    Some(texts.join("; "))
}

/// A number of as many bytes.
fn put(bytes: &mut [u8], at: usize, value: u64, len: usize) {
    bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
}

/// One that is put into a section, with what is said of it.
fn says(good: &[u8], kind: u32, at: usize, value: u64, len: usize, words: &str) {
    let mut bytes = good.to_vec();
    put(&mut bytes, place(good, kind).start + at, value, len);
    if bytes == good {
        return;
    }
    reseal(&mut bytes, kind);
    let context = format!("section {kind}, {at}: {value:#x}");
    let text = noticed(&bytes, &context).unwrap_or_else(|| panic!("{context}: not noticed"));
    assert!(text.contains(words), "{context}: {text}");
}

fn of_kind(wanted: impl Fn(&(Options, Vec<u8>)) -> bool) -> Vec<(Options, Vec<u8>)> {
    let files: Vec<_> = small_files().into_iter().filter(wanted).collect();
    assert!(files.len() >= 2);
    files
}

fn is_by_vectors(file: &(Options, Vec<u8>)) -> bool {
    let codes = place(&file.1, CODES);
    file.1[codes.start + 48] == 1
}

fn has_null(file: &(Options, Vec<u8>)) -> bool {
    file.0.metric == Metric::Angular
}

/// The ids of the items without neighbours, and where they stand.
fn null(bytes: &[u8]) -> (Vec<u32>, usize) {
    let graph = place(bytes, GRAPH);
    let count = u64::from_le_bytes(bytes[graph.start + 48..][..8].try_into().unwrap()) as usize;
    let start = graph.end - 4 * count;
    let ids = bytes[start..graph.end].as_chunks::<4>().0.iter();
    (ids.map(|&id| u32::from_le_bytes(id)).collect(), start)
}

#[test]
fn sound_as_they_are() {
    for file in small_files() {
        assert_eq!(noticed(&file.1, "undamaged"), None);
        let zeros: Vec<u32> = (0..N as u32)
            .filter(|id| id % 7 == 5 && id % 13 != 3)
            .collect();
        assert_eq!(
            null(&file.1).0,
            if has_null(&file) { zeros } else { Vec::new() }
        );
    }
}

/// Of each byte of both sections two bits. What plays no part in reading may change: how it was
/// built and tried, and what is 0; and a neighbour may become another.
#[test]
fn flips() {
    let (mut tries, mut unnoticed) = (0, 0);
    for file in small_files() {
        let is_by_vectors = is_by_vectors(&file);
        let (options, good) = file;
        for kind in [CODES, GRAPH] {
            let start = place(&good, kind).start;
            for at in place(&good, kind).step_by(sample()) {
                for bit in [at % 8, 7 - at % 8] {
                    let mut bytes = good.clone();
                    bytes[at] ^= 1 << bit;
                    reseal(&mut bytes, kind);
                    let context = format!(
                        "{}, section {kind}, byte {}, bit {bit}",
                        name(options),
                        at - start
                    );
                    let is_noticed = noticed(&bytes, &context).is_some();
                    let plays_no_part = match (kind, at - start) {
                        (CODES, 24..32 | 40..48 | 52..64) => true,
                        // The last bits of an offset, and what is left behind those.
                        (CODES, at) => (HEADER..2 * HEADER).contains(&at),
                        (GRAPH, 16..24 | 56..64) => true,
                        // Neighbours, and what is left behind where two trees start.
                        (GRAPH, at) => {
                            let starts = HEADER + 4 * DEGREE * N;
                            (HEADER..starts).contains(&at)
                                || !is_by_vectors && (starts + 8..starts + 64).contains(&at)
                        }
                        _ => false,
                    };
                    assert!(is_noticed || plays_no_part, "{context}: not noticed");
                    unnoticed += usize::from(!is_noticed);
                    tries += 1;
                }
            }
        }
    }
    println!("{tries} flips, {unnoticed} of them play no part");
    assert!(
        tries > 3000 / sample() && unnoticed < tries / 2,
        "{tries} {unnoticed}"
    );
}

/// What headers cannot say.
#[test]
fn wild_headers() {
    let (nan, two) = (f64::NAN.to_bits(), 2.0f64.to_bits());
    let below = (-1e-9f64).to_bits();
    for file in small_files() {
        let good = &file.1;
        for other in [2, 7, 1 << 31, u32::MAX] {
            says(
                good,
                CODES,
                48,
                other.into(),
                4,
                "walked by what is not known here",
            );
        }
        // Vectors with codes there, and codes that are not there.
        let other = u64::from(!is_by_vectors(&file));
        says(good, CODES, 48, other, 4, "its codes section has stride");
        for (at, len) in [(0, 4), (4, 4), (8, 8), (16, 8)] {
            for value in [3, 1 << 20, u64::MAX] {
                says(good, CODES, at, value, len, "its codes section has stride");
            }
        }
        for value in [1, 64, 1 << 40, u64::MAX] {
            says(
                good,
                CODES,
                32,
                value,
                8,
                "numbers long, expected 0 or one of",
            );
        }
        for (at, value, len) in [
            (44, 0, 4),
            (44, 2, 4),
            (44, 7, 4),
            (44, u64::MAX, 4),
            (56, nan, 8),
            (56, two, 8),
            (56, below, 8),
            (56, f64::INFINITY.to_bits(), 8),
        ] {
            says(good, GRAPH, at, value, len, "of how it was tried");
        }
        // Of more trees than there are routes have room to start, and are not what they should be.
        for value in [1, 3, 10] {
            says(good, GRAPH, 40, value, 4, "graph");
        }
        for (at, len) in [(0, 4), (4, 4), (8, 8), (24, 8), (32, 8), (40, 4), (48, 8)] {
            for value in [11, 49, 1 << 31, 1 << 60, u64::MAX, u64::MAX / 4] {
                says(
                    good,
                    GRAPH,
                    at,
                    value,
                    len,
                    "its graph section does not hold together",
                );
            }
        }
    }
}

/// A header that says so while the section has been made as long as that takes.
#[test]
fn headers_with_the_room_they_speak_of() {
    for file in small_files() {
        let good = &file.1;
        let graph = place(good, GRAPH);
        // Ids of items to start from, routes, and items without neighbours, in what is left of the
        // lists of neighbours.
        for (fields, words) in [
            ([(24, 8, 1), (48, 8, 0)], "does not hold together"),
            ([(40, 4, 1), (48, 8, 0)], "does not hold together"),
            (
                [(24, 8, 0), (48, 8, N as u64 + 1)],
                "does not hold together",
            ),
        ] {
            let mut bytes = good.clone();
            for (at, len, value) in fields {
                put(&mut bytes, graph.start + at, value, len);
            }
            reseal(&mut bytes, GRAPH);
            let text = noticed(&bytes, words).unwrap();
            assert!(text.contains(words), "{text}");
        }
        // Degree and ids in one room: as many bytes, otherwise cut.
        let (zeros, _) = null(good);
        if !is_by_vectors(&file) || !zeros.is_empty() {
            continue;
        }
        let mut bytes = good.clone();
        put(&mut bytes, graph.start + 4, DEGREE as u64 - 1, 4);
        put(&mut bytes, graph.start + 48, N as u64, 8);
        reseal(&mut bytes, GRAPH);
        let text = noticed(&bytes, "every item without neighbours").unwrap();
        assert!(text.contains("whether it can have neighbours"), "{text}");
        // More than there are items; items to start from, which have no codes.
        for fields in [[(4, 4, 2), (48, 8, 2 * N as u64)], [(4, 4, 3), (24, 8, 8)]] {
            let mut bytes = good.clone();
            for (at, len, value) in fields {
                put(&mut bytes, graph.start + at, value, len);
            }
            reseal(&mut bytes, GRAPH);
            let text = noticed(&bytes, "more than can be").unwrap();
            assert!(text.contains("does not hold together"), "{text}");
        }
        // The same section, shorter.
        let mut bytes = good.clone();
        let at = entry(good, GRAPH);
        put(&mut bytes, at + 16, graph.len() as u64 - 4, 8);
        reseal(&mut bytes, GRAPH);
        let text = noticed(&bytes, "shorter").unwrap();
        assert!(text.contains("does not hold together"), "{text}");
    }
}

/// Ids past the last, out of order, twice, of items that have a direction, of missing ones.
#[test]
fn items_without_neighbours_that_have_some() {
    for (options, good) in of_kind(has_null) {
        let (zeros, start) = null(&good);
        let n = zeros.len();
        assert!(n >= 5);
        let with = |ids: &[u32]| {
            let mut bytes = good.clone();
            for (i, &id) in ids.iter().enumerate() {
                put(&mut bytes, start + 4 * i, id.into(), 4);
            }
            reseal(&mut bytes, GRAPH);
            let context = format!("{}: {ids:?}", name(options));
            let text =
                noticed(&bytes, &context).unwrap_or_else(|| panic!("{context}: not noticed"));
            let is_named = text.contains("without neighbours")
                || text.contains("whether it can have neighbours");
            assert!(is_named, "{context}: {text}");
        };
        let changed = |at: usize, id: u32| {
            let mut ids = zeros.clone();
            ids[at] = id;
            if ids != zeros {
                with(&ids);
            }
        };
        for at in 0..n {
            // Missing, with a direction, the last and past it, one that is there already.
            for id in [
                3,
                4,
                47,
                48,
                49,
                1 << 30,
                1 << 31,
                u32::MAX,
                zeros[(at + 1) % n],
            ] {
                changed(at, id);
            }
        }
        let mut ids = zeros.clone();
        ids.reverse();
        with(&ids);
        with(&vec![u32::MAX; n]);
        with(&vec![zeros[0]; n]);
        with(&(0..n as u32).collect::<Vec<_>>());
        ids.fill(0);
        with(&ids);
    }
}

/// All that are right, and behind them others that are none.
#[test]
fn more_items_without_neighbours() {
    let (_, good) = of_kind(has_null).into_iter().find(is_by_vectors).unwrap();
    let (graph, (zeros, _)) = (place(&good, GRAPH), null(&good));
    let lists = graph.start + HEADER;
    for wrong in [u32::MAX, N as u32, zeros[0], 0] {
        let mut bytes = good.clone();
        // The same lists without their last places leave room.
        let rows = good[lists..].chunks(4 * DEGREE).take(N);
        let mut rest: Vec<u8> = rows.flat_map(|row| row[4..].to_vec()).collect();
        let all = zeros.iter().chain(std::iter::repeat(&wrong)).take(N);
        rest.extend(all.flat_map(|id| id.to_le_bytes()));
        bytes[lists..][..rest.len()].copy_from_slice(&rest);
        put(&mut bytes, graph.start + 4, DEGREE as u64 - 1, 4);
        put(&mut bytes, graph.start + 48, N as u64, 8);
        let len = HEADER + rest.len();
        put(&mut bytes, entry(&good, GRAPH) + 16, len as u64, 8);
        reseal(&mut bytes, GRAPH);
        let text = noticed(&bytes, "more").expect("noticed");
        assert!(text.contains("that are none, or out of order"), "{text}");
    }
}

/// Lists whose neighbours are zero vectors, missing, the item itself, or no items; neighbours of
/// zero vectors; all of one.
#[test]
fn neighbours_that_cannot_be() {
    for file in small_files() {
        let (options, good) = &file;
        let graph = place(good, GRAPH);
        let row = |id: usize| graph.start + HEADER + 4 * DEGREE * id;
        let (zeros, _) = null(good);
        let (missing, zero) = (3, zeros.first().copied().unwrap_or(16));
        for item in 0..N {
            for place in 0..DEGREE {
                for other in [missing, zero, item as u32, N as u32, u32::MAX - 1, 1 << 31] {
                    let mut bytes = good.clone();
                    let at = row(item) + 4 * place;
                    if has_null(&file) || other != zero {
                        put(&mut bytes, at, other.into(), 4);
                    }
                    if bytes == *good {
                        continue;
                    }
                    reseal(&mut bytes, GRAPH);
                    let context = format!("{}: {other} of {item}", name(*options));
                    let text = noticed(&bytes, &context)
                        .unwrap_or_else(|| panic!("{context}: not noticed"));
                    assert!(
                        text.contains("cannot be its neighbour"),
                        "{context}: {text}"
                    );
                }
            }
        }
        for other in [missing, zero, 0, N as u32 - 1] {
            let mut bytes = good.clone();
            for item in 0..N {
                (0..DEGREE).for_each(|i| put(&mut bytes, row(item) + 4 * i, other.into(), 4));
            }
            reseal(&mut bytes, GRAPH);
            let text = noticed(&bytes, "all of one").unwrap();
            assert!(text.contains("cannot be its neighbour"), "{text}");
        }
    }
}

/// Trees that lead a walk by vectors to where nothing is: to themselves, out of the forest, to what
/// is no item.
#[test]
fn trees_that_lead_walks_astray() {
    const TREES: [u32; 2] = [2, 3];
    let mut failed = 0;
    for (options, good) in of_kind(is_by_vectors) {
        let layout = crate::common::Struct::of(options);
        for kind in TREES {
            let nodes = place(&good, kind);
            assert!(
                nodes.len().is_multiple_of(layout.size) && nodes.start.is_multiple_of(layout.size)
            );
            for node in nodes.start / layout.size..nodes.end / layout.size {
                let ids = [
                    -1,
                    0,
                    3,
                    node as i64,
                    N as i64,
                    layout.count(&good) as i64 - 1,
                    1 << 30,
                ];
                let tries = ids
                    .iter()
                    .flat_map(|&id| (0..3).map(move |what| (what, id)));
                for (what, id) in tries {
                    let mut bytes = good.clone();
                    match what {
                        2 => layout.set_descendants(&mut bytes, node, id),
                        side => layout.set_child(&mut bytes, node, side, id),
                    }
                    if bytes == good {
                        continue;
                    }
                    reseal(&mut bytes, kind);
                    let context = format!("{}, node {node}, {what}: {id}", name(options));
                    failed += usize::from(noticed(&bytes, &context).is_some());
                }
            }
        }
    }
    assert!(failed > 100, "{failed}");
}
