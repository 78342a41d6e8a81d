//! How much is read of files that do not say what they are: no more the longer they are, or the
//! more they might be.
#![cfg(target_os = "linux")]

use crate::common::{built, plain, random_items, saved, scratch};
use annoy_rs::{probe, Access, Error, Index, Metric, Options};
use std::fs::File;
use std::path::Path;

/// Bytes that a call may read: 256 MiB to find trees, and what finding out that the file is none of
/// ours takes.
const MOST: u64 = 260 << 20;
const MOST_CALLS: u64 = 600_000;

/// Bytes and calls of reading, of this thread.
fn read_so_far() -> [u64; 2] {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    ["rchar: ", "syscr: "].map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().parse().unwrap()
    })
}

fn is_bounded<R>(what: &str, call: impl FnOnce() -> R) -> R {
    let before = read_so_far();
    let result = call();
    let after = read_so_far();
    let (bytes, calls) = (after[0] - before[0], after[1] - before[1]);
    println!("{what}: {bytes} bytes, {calls} calls");
    assert!(
        bytes <= MOST && calls <= MOST_CALLS,
        "{what}: {bytes}, {calls}"
    );
    result
}

fn zeros(path: &Path, len: u64) {
    File::create(path).unwrap().set_len(len).unwrap();
}

fn refused<R>(result: Result<R, Error>, len: u64) {
    match result {
        Err(Error::Format { reason, .. }) => println!("{len}: {reason}"),
        Err(other) => panic!("{len}: {other:?}"),
        Ok(_) => panic!("{len}: it is taken for an index"),
    }
}

/// Lengths with many divisors, each of which could be the size of a node.
#[test]
fn probing_zeros() {
    let directory = scratch();
    let path = directory.path().join("zeros");
    for len in [
        3_603_600,
        14_414_400,
        6_983_776_800,
        1 << 40,
        963_761_198_400,
    ] {
        zeros(&path, len);
        refused(is_bounded(&len.to_string(), || probe(&path)), len);
        refused(is_bounded("open", || Index::open(&path, Access::Map)), len);
    }
}

/// Up to twice as many nodes as there can be trees, each of which could be the root of one without
/// items.
#[test]
fn loading_zeros() {
    let directory = scratch();
    let path = directory.path().join("zeros");
    // Not dot nor hamming, of which such a length may be that of another layout.
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Manhattan] {
        for f in [1, 100, 4_000, 16_000] {
            let mut index = Index::new(metric, f).unwrap();
            let size = {
                index.add_item(0, vec![0.0f32; f].as_slice()).unwrap();
                index.build(Some(1), Some(1)).unwrap();
                index.info().unwrap().node_size as u64
            };
            for n_nodes in [131_074, 140_000, 10_000_001] {
                let len = size * n_nodes;
                zeros(&path, len);
                let loaded = is_bounded(&len.to_string(), || index.load(&path, Access::Map));
                refused(loaded, len);
            }
            // Of as many as may be it cannot be told, but it is not all read.
            zeros(&path, size * 131_072);
            let loaded = is_bounded("the most", || index.load(&path, Access::Map));
            println!("{metric} {f}: {loaded:?}");
        }
    }
}

/// The most trees that a file may have are found.
#[test]
fn many_trees() {
    let options = Options::new(Metric::Euclidean, 2);
    let directory = scratch();
    let path = directory.path().join("many.ann");
    // One leaf each, and one split each.
    for n_items in [3, 5] {
        // Probing looks at the same trees once for each kind that the file might be.
        for (n_trees, is_probed) in [(4096, true), (65_536, false)] {
            let index = built(options, &random_items(options, n_items, 1), n_trees);
            std::fs::write(&path, plain(options, &saved(&index))).unwrap();
            let mut loaded = Index::with_options(options).unwrap();
            is_bounded("load", || loaded.load(&path, Access::Map)).unwrap();
            assert_eq!(loaded.n_trees(), n_trees);
            if is_probed {
                let kinds = is_bounded("probe", || probe(&path)).unwrap();
                assert!(kinds.iter().any(|kind| kind.options == options));
            }
        }
    }
}
