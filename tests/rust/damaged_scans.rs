//! Files with the lists of a scan, damaged, with checksums made right again, as who means harm
//! would: a refusal in words or a fault named by verifying, no panic.

use crate::common::graphs::kind;
use crate::common::scans::{is_missing, small_scans, SMALL};
use crate::common::sections::{entry, place, reseal};
use crate::common::{built, ids, name, random_items, sample, saved, Item, Struct};
use annoy_rs::{Bitmap, Error, Index, Metric, Options, ScalarType, Search, Way, Work};

const SCAN: u32 = 9;
const HEADER: usize = 128;
const LIST: usize = 8;

/// What came of searches.
#[derive(Clone, Copy, PartialEq)]
struct Asked {
    is_answered: bool,
    is_twice: bool,
}

/// Searches of every kind.
fn ask(index: &Index, context: &str) -> Asked {
    let options = index.options();
    let mut asked = Asked {
        is_answered: true,
        is_twice: false,
    };
    let words = [!0b1011_0100u64; SMALL.div_ceil(64)];
    let filter = |id: i64| id % 3 != 0;
    let directions = [[0.0, 0.0, 0.0], [-1.0, -2.0, -3.0], [0.1, 0.2, 1e6]];
    for (n, search_k) in [
        (3, None),
        (10, Some(20)),
        (40, Some(130)),
        (SMALL, Some(198)),
    ] {
        let plain = Search {
            search_k,
            way: Way::Scan,
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
                let query = Item::new(options, |i| direction[i % 3]);
                match index.search(&query, search) {
                    Ok(found) => {
                        let mut ids = ids(&found);
                        assert!(
                            ids.iter().all(|id| (0..SMALL as i64).contains(id)),
                            "{context}"
                        );
                        assert!(ids.len() <= n, "{context}");
                        ids.sort_unstable();
                        ids.dedup();
                        asked.is_twice |= ids.len() < found.len();
                    }
                    Err(Error::Corrupt { .. }) => asked.is_answered = false,
                    Err(other) => panic!("{context}: {other:?}"),
                }
            }
        }
    }
    asked
}

/// What refuses the file or is wrong with it, in words; none when it is taken for sound.
fn noticed(bytes: &[u8], context: &str) -> Option<String> {
    let index = match Index::open_bytes(bytes.to_vec()) {
        Ok(index) => index,
        Err(error @ Error::Format { .. }) => return Some(error.to_string()),
        Err(other) => panic!("{context}: {other:?}"),
    };
    let asked = ask(&index, context);
    let report = index.verify(9).unwrap();
    let told = index.info().unwrap().scan_recall;
    assert!(
        told.is_none_or(|told| (0.0..=1.0).contains(&told)),
        "{context}"
    );
    if let Ok(again) = index.to_bytes() {
        let again = Index::open_bytes(again).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(ask(&again, context) == asked, "{context}: saved again");
    }
    if report.is_sound() {
        assert!(asked.is_answered, "{context}: sound, and searches fail");
        assert!(!asked.is_twice, "{context}: sound, and one is there twice");
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

fn get(bytes: &[u8], at: usize, len: usize) -> u64 {
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(&bytes[at..at + len]);
    u64::from_le_bytes(wide)
}

/// Numbers put into the section at (place, bytes), with what is said of it.
fn says(good: &[u8], puts: &[(usize, usize, u64)], words: &str) {
    let mut bytes = good.to_vec();
    for &(at, len, value) in puts {
        put(&mut bytes, place(good, SCAN).start + at, value, len);
    }
    if bytes == good {
        return;
    }
    reseal(&mut bytes, SCAN);
    let context = format!("{puts:x?}");
    let text = noticed(&bytes, &context).unwrap_or_else(|| panic!("{context}: not noticed"));
    assert!(text.contains(words), "{context}: {text}");
}

/// Where the parts of a section are, by FORMAT.md and not by the library: offsets, centroids,
/// lists, adds, least biases, codebooks, ids, blocks.
fn parts(options: Options, good: &[u8]) -> [std::ops::Range<usize>; 8] {
    let start = place(good, SCAN).start;
    let field = |at, len| get(good, start + at, len) as usize;
    let (stride, n_groups, group, n_lists) = (field(0, 4), field(4, 4), field(16, 4), field(20, 4));
    let has_biases = usize::from(options.metric != Metric::Dot);
    let sizes = [
        8 * options.f,
        n_lists * stride,
        (n_lists + 1) * LIST,
        8 * n_lists,
        8 * n_lists * has_biases,
        n_groups * group * 32,
        4 * field(24, 8),
        field(32, 8) * (n_groups / 2 * 64 + 128 * has_biases),
    ];
    let mut end = HEADER;
    sizes.map(|size| {
        let start = end.next_multiple_of(64);
        end = start + size;
        start..end
    })
}

#[test]
fn sound_as_they_are() {
    for (options, good) in small_scans() {
        assert_eq!(noticed(&good, "undamaged"), None);
        let [.., ids, blocks] = parts(options, &good);
        let scan = place(&good, SCAN);
        assert!(scan.start.is_multiple_of(64));
        assert_eq!(blocks.end, scan.len());
        let mut listed: Vec<u64> = (ids.step_by(4))
            .map(|at| get(&good, scan.start + at, 4))
            .collect();
        listed.sort_unstable();
        let there = (0..SMALL).filter(|&id| !is_missing(id));
        assert_eq!(listed, there.map(|id| id as u64).collect::<Vec<_>>());
    }
}

/// Of each byte of the section two bits. What only says how near something is may change, and how
/// it was tried.
#[test]
fn flips() {
    let (mut tries, mut unnoticed) = (0, 0);
    for (options, good) in small_scans() {
        let scan = place(&good, SCAN);
        let [offsets, _, lists, .., ids, _] = parts(options, &good);
        // Long vectors: codebooks alone are most of it.
        let step = sample() * if options.f > 3 { 29 } else { 1 };
        for at in scan.clone().step_by(step) {
            for bit in [at % 8, 7 - at % 8] {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                reseal(&mut bytes, SCAN);
                let at = at - scan.start;
                let context = format!("{}, byte {at}, bit {bit}", name(options));
                let is_noticed = noticed(&bytes, &context).is_some();
                let plays_no_part = match at {
                    // Step, search_k, recall, shift and what is re-ranked; what is 0.
                    40..HEADER => true,
                    at if lists.contains(&at) || ids.contains(&at) => false,
                    at => at >= offsets.start,
                };
                assert!(is_noticed || plays_no_part, "{context}: not noticed");
                unnoticed += usize::from(!is_noticed);
                tries += 1;
            }
        }
    }
    println!("{tries} flips, {unnoticed} of them play no part");
    assert!(tries > 3000 / sample(), "{tries}");
}

/// What headers cannot say.
#[test]
fn wild_headers() {
    let (nan, two) = (f64::NAN.to_bits(), 2.0f64.to_bits());
    let below = (-1e-9f64).to_bits();
    for (options, good) in small_scans() {
        for (at, len) in [(0, 4), (4, 4), (8, 8), (16, 4), (20, 4), (24, 8), (32, 8)] {
            for value in [1, 11, 49, 1 << 16, 1 << 31, 1 << 60, u64::MAX, u64::MAX / 4] {
                // One list may take no less room, for what is behind it starts at a multiple of 64.
                let words = match (at, value) {
                    (20, 1) => "scan",
                    _ => "its scan section has stride, groups, numbers of a group, items and bytes",
                };
                says(&good, &[(at, len, value)], words);
            }
        }
        let [offsets, ..] = parts(options, &good);
        let numbers = [nan, f64::INFINITY.to_bits(), f64::NEG_INFINITY.to_bits()];
        let mut cases = vec![
            (40, 8, 0),
            (40, 8, below),
            (48, 8, 0),
            (56, 8, two),
            (56, 8, below),
        ];
        for number in numbers {
            for at in [40, 56, offsets.start, offsets.end - 8] {
                cases.push((at, 8, number));
            }
        }
        cases.extend([31, 32, 63, 64, 1 << 31, u64::MAX].map(|shift| (64, 4, shift)));
        cases.extend([0, 65_537, u64::MAX].map(|n| (68, 4, n)));
        for case in cases {
            says(&good, &[case], "its scan section does not hold together");
        }
        // Read all the same, whatever is nearest then.
        for (at, len, value) in [
            (40, 8, f64::MAX.to_bits()),
            (40, 8, f64::MIN_POSITIVE.to_bits()),
            (40, 8, 1),
            (48, 8, 1),
            (48, 8, u64::MAX),
            (64, 4, 0),
            (64, 4, 30),
            (68, 4, 1),
            (68, 4, 65_536),
            (offsets.start, 8, f64::MAX.to_bits()),
            (offsets.start, 8, f64::MIN.to_bits()),
        ] {
            let mut bytes = good.clone();
            put(&mut bytes, place(&good, SCAN).start + at, value, len);
            reseal(&mut bytes, SCAN);
            let context = format!("{}, {at}: {value:#x}", name(options));
            assert_eq!(noticed(&bytes, &context), None, "{context}");
        }
        // Shorter and longer.
        for len in [0, 1, HEADER - 1, HEADER, place(&good, SCAN).len() - 1] {
            let mut bytes = good.clone();
            put(&mut bytes, entry(&good, SCAN) + 16, len as u64, 8);
            let rest = place(&good, SCAN).start + len..place(&good, SCAN).end;
            bytes[rest].fill(0);
            reseal(&mut bytes, SCAN);
            let text = noticed(&bytes, "shorter").unwrap();
            assert!(text.contains("scan section has"), "{len}: {text}");
        }
    }
}

/// Lists that start elsewhere, end before they start, or are longer than there is room for.
#[test]
fn lists_out_of_order() {
    for (options, good) in small_scans() {
        let [_, _, lists, ..] = parts(options, &good);
        let n_lists = lists.len() / LIST - 1;
        let values = [
            0,
            1,
            63,
            64,
            65,
            SMALL as u64,
            1 << 15,
            1 << 31,
            u64::from(u32::MAX),
        ];
        for list in 0..=n_lists {
            for field in [0, 4] {
                for value in values {
                    let at = lists.start + list * LIST + field;
                    says(&good, &[(at, 4, value)], "of the scan");
                }
            }
        }
        // All of them.
        for value in values {
            let all: Vec<_> = (0..=n_lists)
                .flat_map(|list| [0, 4].map(|field| (lists.start + list * LIST + field, 4, value)))
                .collect();
            let words = match value {
                0 => "it is in no list",
                _ => "is not where the one before it ends",
            };
            says(&good, &all, words);
        }
    }
}

/// Ids of no items, of missing ones, and one twice.
#[test]
fn ids_that_cannot_be() {
    for (options, good) in small_scans() {
        let [.., ids, _] = parts(options, &good);
        let start = place(&good, SCAN).start;
        let other = |at: usize| get(&good, start + at, 4);
        for at in ids.clone().step_by(4 * sample().min(7)) {
            let twice = other(if at + 4 < ids.end { at + 4 } else { ids.start });
            let n = SMALL as u64;
            for id in [3, n, n + 1, 1 << 31, u64::from(u32::MAX), twice] {
                says(&good, &[(at, 4, id)], "which cannot be there");
            }
        }
        for id in [3, 0, SMALL as u64 - 1, u64::from(u32::MAX)] {
            let all: Vec<_> = ids.clone().step_by(4).map(|at| (at, 4, id)).collect();
            says(&good, &all, "which cannot be there");
        }
    }
}

/// What is summed may be anything: no sum goes over.
#[test]
fn numbers_without_measure() {
    for (options, good) in small_scans() {
        let [_, centroids, _, adds, leasts, books, _, blocks] = parts(options, &good);
        let start = place(&good, SCAN).start;
        for value in [0, 0x7f, 0x80, 0xff] {
            for part in [&centroids, &books, &blocks] {
                let mut bytes = good.clone();
                bytes[start + part.start..start + part.end].fill(value);
                reseal(&mut bytes, SCAN);
                let context = format!("{}, {part:?} of {value:#x}", name(options));
                assert_eq!(noticed(&bytes, &context), None, "{context}");
            }
            // As far from each other as can be.
            let mut bytes = good.clone();
            for at in books.clone().step_by(2) {
                put(&mut bytes, start + at, [0x7fff, 0x8000][at / 2 % 2], 2);
            }
            reseal(&mut bytes, SCAN);
            assert_eq!(noticed(&bytes, "books"), None);
        }
        let numbers = [0, 1, i64::MAX as u64, i64::MIN as u64, u64::MAX, 1 << 40];
        for add in numbers {
            for least_bias in numbers {
                let mut bytes = good.clone();
                for at in adds.clone().step_by(8) {
                    let is_odd = at / 8 % 2 == 1;
                    put(&mut bytes, start + at, if is_odd { !add } else { add }, 8);
                }
                for at in leasts.clone().step_by(8) {
                    put(&mut bytes, start + at, least_bias, 8);
                }
                reseal(&mut bytes, SCAN);
                let context = format!("{}: {add:x} {least_bias:x}", name(options));
                assert_eq!(noticed(&bytes, &context), None, "{context}");
            }
        }
    }
}

/// A section in a file of a metric that has none.
#[test]
fn of_a_metric_without_scans() {
    let options = Options::new(Metric::Manhattan, 3);
    let mut index = built(options, &random_items(options, 24, 1), 2);
    // A section of the user's in its place.
    index.set_metadata(&[1; 4096]).unwrap();
    let good = saved(&index);
    const METADATA: u32 = 4;
    for len in [0, 1, HEADER, 4096] {
        let mut bytes = good.clone();
        let entry = entry(&good, METADATA);
        let place = place(&good, METADATA);
        bytes[place.start + len..place.end].fill(0);
        put(&mut bytes, entry, SCAN.into(), 4);
        put(&mut bytes, entry + 16, len as u64, 8);
        reseal(&mut bytes, SCAN);
        let error = Index::open_bytes(bytes).err().expect("refused").to_string();
        let words = match len {
            HEADER.. => "it has a scan section, which manhattan has not",
            _ => "bytes, expected 128 at least",
        };
        assert!(error.contains(words), "{error}");
    }
}

/// Lists of items that are no numbers: they are built or refused, and what is saved opens.
#[test]
fn items_that_are_no_numbers() {
    const ITEMS: u32 = 1;
    for metric in [Metric::Euclidean, Metric::Dot, Metric::Angular] {
        for scalar in [ScalarType::F32, ScalarType::F64] {
            let options = kind(metric, scalar, 3);
            let good = saved(&built(options, &random_items(options, SMALL, 1), 2));
            let layout = Struct::of(options);
            let size = scalar.size();
            for value in [
                f64::NAN,
                f64::INFINITY,
                f64::MIN,
                f64::MAX,
                -0.0,
                1e300,
                1e38,
            ] {
                for step in [1, 2, SMALL] {
                    let mut bytes = good.clone();
                    for id in (0..SMALL).step_by(step) {
                        let at = id * layout.size + layout.vector;
                        let value = match scalar {
                            ScalarType::F64 => value.to_bits(),
                            _ => (value as f32).to_bits().into(),
                        };
                        put(&mut bytes, at + id % 3 * size, value, size);
                    }
                    reseal(&mut bytes, ITEMS);
                    let context = format!("{}: {value}, {step}", name(options));
                    let mut index = Index::open_bytes(bytes).unwrap();
                    match index.build_scan(&mut Work::default()) {
                        Ok(()) => {
                            let asked = ask(&index, &context);
                            assert!(!asked.is_twice, "{context}");
                            let again = Index::open_bytes(index.to_bytes().unwrap());
                            let again = again.unwrap_or_else(|error| panic!("{context}: {error}"));
                            assert!(ask(&again, &context) == asked, "{context}");
                        }
                        Err(Error::Corrupt { .. } | Error::Unsupported(_)) => {}
                        Err(other) => panic!("{context}: {other:?}"),
                    }
                }
            }
        }
    }
}

/// An id in two places, as each place names it.
#[test]
fn nothing_is_found_twice() {
    for (options, good) in small_scans() {
        let [.., ids, _] = parts(options, &good);
        let start = place(&good, SCAN).start;
        let mut bytes = good.clone();
        let id = get(&good, start + ids.start, 4);
        for at in ids.step_by(4) {
            put(&mut bytes, start + at, id, 4);
        }
        reseal(&mut bytes, SCAN);
        let index = Index::open_bytes(bytes).unwrap();
        let asked = ask(&index, "all of one");
        assert!(!asked.is_twice, "{}", name(options));
    }
}
