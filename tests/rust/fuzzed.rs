//! What the fuzzers found, and their corpus once more through the same code: see fuzz/run.sh.

use crate::fuzz;
use crate::fuzz::common::{built, plain, random_items, saved, scratch, Struct, SUPERBLOCK};
use crate::fuzz::mutate::{reseal, ENTRY, TABLE};
use annoy_rs::{Access, Error, GraphPlan, Index, Metric, Options, Search, Work, MAX_METADATA};
use std::fs;
use std::path::Path;

/// Runs every input that is checked in for a target.
fn replay(target: &str, least: usize, run: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut n = 0;
    for directory in ["corpus", "regressions"] {
        // Not all targets have found something.
        let Ok(entries) = fs::read_dir(root.join(directory).join(target)) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display()); // shown when it fails
            run(&fs::read(path).unwrap());
            n += 1;
        }
    }
    assert!(n >= least, "{n} inputs");
}

#[test]
fn file() {
    replay("file", 50, fuzz::file::run);
}

#[test]
fn manifest() {
    replay("manifest", 4, fuzz::manifest::run);
}

#[test]
fn superblock() {
    replay("superblock", 50, fuzz::superblock::run);
}

#[test]
fn calls() {
    replay("calls", 50, fuzz::calls::run);
}

/// An index of this file, loaded, and the room it lies in.
fn load(options: Options, bytes: &[u8]) -> annoy_rs::Result<(Index, tempfile::TempDir)> {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    fs::write(&path, bytes).unwrap();
    let mut index = Index::with_options(options)?;
    index.load(&path, Access::Map)?;
    Ok((index, directory))
}

fn refused(options: Options, bytes: &[u8], words: &str) {
    let text = load(options, bytes).err().expect(words).to_string();
    assert!(text.contains(words), "{text}");
}

/// It was loaded, and what was saved of it was not.
#[test]
fn roots_without_trees() {
    let options = Options::new(Metric::Manhattan, 3);
    let layout = Struct::of(options);
    let bytes = plain(
        options,
        &saved(&built(options, &random_items(options, 24, 3), 1)),
    );
    let (items, root) = (24 * layout.size, bytes.len() - layout.size);
    let mut bytes = [&bytes[..items], &bytes[root..]].concat();
    // Two items, so that no child is missing.
    for side in 0..2 {
        layout.set_child(&mut bytes, 24, side, side as i64);
    }
    refused(
        options,
        &bytes,
        "its last node counts 24 items, expected 0 to 23",
    );
}

/// It was loaded, and what was saved of it was not: that had its superblock at the place it spoke
/// of, and the last root named another.
#[test]
fn superblock_that_counts_otherwise_than_the_last_root() {
    let options = Options::new(Metric::Hamming, 64);
    let layout = Struct::of(options);
    let mut bytes = saved(&built(options, &random_items(options, 0, 3), 3));
    // As if there were one item; sections move along.
    let size = layout.size as u64;
    let long = |at: usize, add: u64, bytes: &mut [u8]| {
        let now = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        bytes[at..at + 8].copy_from_slice(&now.wrapping_add(add).to_le_bytes());
    };
    long(40, 1, &mut bytes);
    long(TABLE + 16, size, &mut bytes);
    long(TABLE + ENTRY + 8, size, &mut bytes);
    long(TABLE + ENTRY + 16, 0u64.wrapping_sub(size), &mut bytes);
    reseal(&mut bytes[..SUPERBLOCK]);
    refused(
        options,
        &bytes,
        "counts 1 items of 24 bytes, but stands at 0",
    );
}

/// Its children were followed, and are others in what was saved of it.
#[test]
fn item_that_counts_as_a_split() {
    let options = Options::new(Metric::Euclidean, 4);
    let layout = Struct::of(options);
    let n = 1000; // more than are looked at when it is loaded
    let mut bytes = saved(&built(options, &random_items(options, n, 3), 40));
    // Of so many, some are a split's child.
    for id in 500..n {
        bytes[id * layout.size..][..4].copy_from_slice(&700i32.to_le_bytes());
    }
    let (index, _directory) = load(options, &bytes).unwrap();
    let found = index.get_nns_by_vector(&[0.5f32; 4], 3, Some(u64::MAX));
    let text = found.unwrap_err().to_string();
    assert!(
        text.contains("it is no item: it counts 700 descendants"),
        "{text}"
    );
}

/// It was searched as a graph in which no item has a neighbour, and what was saved of it was a
/// forest.
#[test]
fn graph_section_of_no_bytes() {
    let options = common_options();
    let mut index = built(options, &random_items(options, 24, 3), 1);
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let mut bytes = saved(&index);
    // Behind trees, copies of roots and codes; bytes that then belong to nothing are for verify to
    // find.
    let (block, at) = (24 * Struct::of(options).size, TABLE + 4 * ENTRY);
    let entry = &mut bytes[block + at..][..ENTRY];
    assert_eq!(entry[0], 8);
    entry[16..24].fill(0);
    reseal(&mut bytes[block..][..SUPERBLOCK]);
    refused(
        options,
        &bytes,
        "its graph section has 0 bytes, expected 64 at least",
    );
}

/// A file with as many sections as there can be, none of them metadata.
fn crowded(options: Options) -> Vec<u8> {
    let mut index = built(options, &random_items(options, 0, 1), 1);
    index.set_metadata(b"some").unwrap();
    let mut bytes = saved(&index);
    let metadata = TABLE + 3 * ENTRY;
    let entry = bytes[metadata..metadata + ENTRY].to_vec();
    for i in 3..16 {
        let at = TABLE + i * ENTRY;
        bytes[at..at + ENTRY].copy_from_slice(&entry);
        bytes[at] = 100 + i as u8;
    }
    bytes[84] = 16;
    reseal(&mut bytes[..SUPERBLOCK]);
    bytes
}

/// The superblock has no room for one more: writing it was a panic, or the file was one that does
/// not open.
#[test]
fn metadata_for_a_file_with_all_the_sections_there_can_be() {
    let options = common_options();
    let (mut index, directory) = load(options, &crowded(options)).unwrap();
    let path = directory.path().join("y.ann");
    index.save(&path).unwrap();
    load(options, &fs::read(&path).unwrap()).unwrap();
    fs::remove_file(&path).unwrap();
    index.set_metadata(b"one more").unwrap();
    let error = index.save(&path).unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error}");
    assert!(
        error.to_string().contains("17 sections in the file"),
        "{error}"
    );
    assert!(!path.exists());
}

/// A graph over long vectors, whose codes are made short, and where the superblock and the sections
/// of codes and graph begin.
fn with_short_codes() -> (Options, Vec<u8>, [usize; 3]) {
    let options = Options::new(Metric::Euclidean, 193);
    let mut index = built(options, &random_items(options, 24, 3), 2);
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let bytes = saved(&index);
    let block = 24 * Struct::of(options).size;
    let section = |number: usize, kind: u8| {
        let entry = &bytes[block + TABLE + number * ENTRY..][..ENTRY];
        assert_eq!(entry[0], kind);
        u64::from_le_bytes(entry[8..16].try_into().unwrap()) as usize
    };
    let starts = [block, section(3, 7), section(4, 8)];
    (options, bytes, starts)
}

/// What headers say of short codes.
#[test]
fn lengths_of_short_codes() {
    let (options, bytes, [_, codes, graph]) = with_short_codes();
    // Short vectors have none.
    for f in [3, 32, 192] {
        let options = Options::new(Metric::Euclidean, f);
        let mut index = built(options, &random_items(options, 24, 3), 2);
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        let mut bytes = saved(&index);
        let at = bytes.len();
        let entry = 24 * Struct::of(options).size;
        let place = (entry..at).find(|&i| {
            bytes[i..].starts_with(&7u32.to_le_bytes()) && (i - entry) % ENTRY == TABLE % ENTRY
        });
        let place = place.unwrap();
        let codes = u64::from_le_bytes(bytes[place + 8..][..8].try_into().unwrap()) as usize;
        bytes[codes + 32..][..8].copy_from_slice(&64u64.to_le_bytes());
        refused(
            options,
            &bytes,
            "made 64 numbers long, expected 0 or one of []",
        );
    }
    for (at, value, words) in [
        (codes + 32, 63u64, "made 63 numbers long, expected 0 or"),
        (
            codes + 32,
            128,
            "made 128 numbers long, expected 0 or one of [64]",
        ),
        (codes + 32, 0, "its codes section has stride"),
        (codes + 40, 0, "a step of"),
        (codes + 40, f64::NAN.to_bits(), "or NaN"),
        (
            codes + 64 + 8 * 200,
            f64::INFINITY.to_bits(),
            "an offset that is no number",
        ),
        (graph + 24, 1 << 60, "1152921504606846976 to start from"),
        (graph + 24, 25, "25 to start from"),
        (graph + 24, 0, "0 to start from"),
    ] {
        let mut bytes = bytes.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        refused(options, &bytes, words);
    }
}

/// Items to start from that are none, or have another code there, are found by verifying, and the
/// first by searching too.
#[test]
fn entries_that_cannot_be() {
    let (options, bytes, [_, _, graph]) = with_short_codes();
    let n_entries = u64::from_le_bytes(bytes[graph + 24..][..8].try_into().unwrap()) as usize;
    assert!(n_entries > 1);
    let ids = graph + 64 + 24 * 32 * 4;
    let codes = graph + (ids - graph + 4 * n_entries).next_multiple_of(64);
    for (at, value) in [(ids, 0xff), (codes, bytes[codes] ^ 1)] {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        let (index, _directory) = load(options, &bytes).unwrap();
        let report = index.verify(3).unwrap();
        let words = "cannot be one to start from in the graph";
        assert!(
            report.faults.iter().any(|fault| fault.text.contains(words)),
            "{report:?}"
        );
        let search = Search {
            search_k: Some(10),
            ..Search::new(3)
        };
        let found = index.search(&[0.0f32; 193], &search);
        assert_eq!(found.is_err(), at == ids, "{found:?}");
    }
}

/// An index with routes: its bytes, and where its graph section starts.
fn with_routes(metric: Metric, n: usize) -> (Options, Vec<u8>, usize) {
    let f = if metric == Metric::Hamming { 128 } else { 5 };
    let options = Options::new(metric, f);
    let mut index = built(options, &random_items(options, n, 3), 2);
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let bytes = saved(&index);
    let kind = 8u32.to_le_bytes();
    let block = n * Struct::of(options).size;
    let entries = (block + TABLE..).step_by(ENTRY);
    let entry = entries.clone().find(|&at| bytes[at..].starts_with(&kind));
    let start = bytes[entry.unwrap() + 8..][..8].try_into().unwrap();
    (options, bytes, u64::from_le_bytes(start) as usize)
}

/// Numbers of routes that do not fit the section, and routes of bits.
#[test]
fn as_many_routes_as_cannot_be() {
    let (options, bytes, graph) = with_routes(Metric::Euclidean, 200);
    for (at, value, words) in [
        (
            graph + 32,
            1u64 << 60,
            "1152921504606846976 routes of 2 trees",
        ),
        (graph + 32, 1, "1 routes of 2 trees"),
        (graph + 40, 11, "routes of 11 trees"),
        (graph + 40, 1 << 31, "routes of 2147483648 trees"),
    ] {
        let mut bytes = bytes.clone();
        let len = if at == graph + 40 { 4 } else { 8 };
        bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        refused(options, &bytes, words);
    }
    let (options, mut bytes, graph) = with_routes(Metric::Hamming, 200);
    assert_eq!(bytes[graph + 32..graph + 44], [0; 12]);
    let good = bytes.clone();
    bytes[graph + 40] = 1;
    refused(options, &bytes, "0 routes of 1 trees");
    // There is room for a row where the neighbours of an item were.
    let mut bytes = good;
    bytes[graph + 32] = 1;
    refused(options, &bytes, "1 routes of 0 trees");
}

/// Routes that lead in a circle, out of the forest or to no leaf are found by verifying, and by the
/// search that comes there.
#[test]
fn routes_that_cannot_be() {
    for metric in [
        Metric::Euclidean,
        Metric::Angular,
        Metric::Dot,
        Metric::Manhattan,
    ] {
        let (options, bytes, graph) = with_routes(metric, 200);
        let count = u64::from_le_bytes(bytes[graph + 32..][..8].try_into().unwrap()) as usize;
        assert!(count > 2, "{metric}: {count}");
        let starts = graph + 64 + 200 * 32 * 4;
        let rows = graph + (starts - graph + 4 * 2).next_multiple_of(64);
        let faults = |bytes: &[u8]| {
            let (index, _directory) = load(options, bytes).unwrap();
            let report = index.verify(9).unwrap();
            let words = "the routes in the graph are not those of the trees";
            let search = Search {
                search_k: Some(50),
                ..Search::new(3)
            };
            let found = index.search(&[0.5f32; 5], &search);
            (
                report.faults.iter().any(|one| one.text.contains(words)),
                found,
            )
        };
        let (is_fault, found) = faults(&bytes);
        assert!(!is_fault && found.is_ok(), "{metric}");
        // Of the first row both ways: to itself, past the last row, past the last node.
        for to in [0, count as u32, u32::MAX] {
            let mut bytes = bytes.clone();
            for side in [4, 8] {
                bytes[rows + 32 - side..][..4].copy_from_slice(&to.to_le_bytes());
            }
            let (is_fault, found) = faults(&bytes);
            assert!(is_fault, "{metric}: {to:#x}");
            let error = found.unwrap_err().to_string();
            assert!(error.contains("a way in the graph leads to"), "{error}");
        }
        // To a split. That a limit is another only verifying tells.
        let mut other = bytes.clone();
        other[starts..starts + 4].copy_from_slice(&(1u32 << 31 | 201).to_le_bytes());
        let (is_fault, found) = faults(&other);
        assert!(is_fault);
        let error = found.unwrap_err().to_string();
        assert!(error.contains("no node of a tree"), "{error}");
        let mut other = bytes.clone();
        other[rows + 32 - 12] ^= 1;
        let (is_fault, found) = faults(&other);
        assert!(is_fault && found.is_ok());
    }
}

/// A search that fails half-way leaves nothing behind that others on its thread could miss items
/// by.
#[test]
fn marks_of_a_search_that_failed() {
    let n = 6000;
    let (options, bytes, graph) = with_routes(Metric::Euclidean, n);
    let (good, _directory) = load(options, &bytes).unwrap();
    let search = Search {
        search_k: Some(300),
        ..Search::new(10)
    };
    let [here, there] = [[0.5f32; 5], [-2.0; 5]];
    let expected = good.search(&there, &search).unwrap();
    // All items have those as their neighbours, and then one that cannot be.
    let mut row = [0xff; 32 * 4];
    for (to, near) in row.chunks_exact_mut(4).zip(&expected) {
        to.copy_from_slice(&(near.id as u32).to_le_bytes());
    }
    row[4 * 10..][..4].copy_from_slice(&0xffff_0000u32.to_le_bytes());
    let mut broken = bytes;
    for to in broken[graph + 64..][..n * row.len()].chunks_exact_mut(row.len()) {
        to.copy_from_slice(&row);
    }
    let (broken, _directory) = load(options, &broken).unwrap();
    let filter = |_: i64| true;
    for filter in [None, Some(&filter as &(dyn Fn(i64) -> bool + Sync))] {
        let search = Search { filter, ..search };
        let error = broken.search(&here, &search).unwrap_err().to_string();
        let words = "its neighbour 4294901760 is no item";
        assert!(error.contains(words), "{error}");
        assert_eq!(good.search(&there, &search).unwrap(), expected);
    }
}

/// Nodes of 20 bytes, of which the superblock takes exactly 32.
fn common_options() -> Options {
    Options::new(Metric::Angular, 2)
}

/// Sections lie behind the trees; metadata is no longer than it may be set.
#[test]
fn sections_where_none_can_be() {
    let options = common_options();
    let index = built(options, &random_items(options, 0, 1), 1);
    let mut bytes = saved(&index);
    let trees = bytes[TABLE + ENTRY..][..ENTRY].to_vec();
    let at = TABLE + 3 * ENTRY;
    bytes[at..at + ENTRY].copy_from_slice(&trees);
    bytes[at] = 4;
    bytes[84] = 4;
    reseal(&mut bytes[..SUPERBLOCK]);
    refused(options, &bytes, "metadata section cannot lie there");

    let mut index = index;
    index.set_metadata(&vec![7; MAX_METADATA]).unwrap();
    let mut bytes = saved(&index);
    let long = bytes[at + 16..at + 24].to_vec();
    assert_eq!(long, (MAX_METADATA as u64).to_le_bytes());
    bytes[at + 16..at + 24].copy_from_slice(&(MAX_METADATA as u64 + 1).to_le_bytes());
    reseal(&mut bytes[..SUPERBLOCK]);
    refused(options, &bytes, "65537 bytes of metadata, expected 65536");
}
