//! Files made by Annoy itself: each opens, and every recorded query gives the recorded answer.

use crate::common::Item;
use annoy_rs::{Access, IdWidth, Index, Metric, Options, ScalarType, Vector};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/annoy-1.17.3");
    let more = std::env::var_os("ANNOY_RS_GOLDEN").map(PathBuf::from);
    std::iter::once(own).chain(more).collect()
}

fn options(case: &Value) -> Options {
    let metric: Metric = case["metric"].as_str().unwrap().parse().unwrap();
    let scalar = match case["scalar"].as_str().unwrap() {
        "f32" => ScalarType::F32,
        "f64" => ScalarType::F64,
        "u64" => ScalarType::Bits64,
        "u32" => ScalarType::Bits32,
        "u8" => ScalarType::Bits8,
        other => panic!("scalar {other}"),
    };
    let elements = case["f"].as_u64().unwrap() as usize;
    Options {
        metric,
        scalar,
        f: match metric {
            Metric::Hamming => elements * scalar.size() * 8,
            _ => elements,
        },
        id_width: match case["ids"].as_str().unwrap() {
            "i32" => IdWidth::Bits32,
            "i64" => IdWidth::Bits64,
            other => panic!("ids {other}"),
        },
    }
}

/// Bytes of the words, least significant first, as 64-bit words.
fn bits(words: &[Value], scalar: ScalarType) -> Vec<u64> {
    let bytes: Vec<u8> = words
        .iter()
        .flat_map(|word| word.as_u64().unwrap().to_le_bytes()[..scalar.size()].to_vec())
        .collect();
    bytes
        .chunks(8)
        .map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        })
        .collect()
}

fn numbers(values: &[Value]) -> Vec<f64> {
    values.iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Runs all queries of one file and returns how many.
fn check(path: &Path) -> usize {
    let case: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let options = options(&case);
    let mut index = Index::with_options(options).unwrap();
    index.load(path.with_extension("ann"), Access::Map).unwrap();
    assert_eq!(index.n_items() as u64, case["n_items"], "{path:?}");
    assert_eq!(index.n_trees() as u64, case["n_trees"], "{path:?}");
    let report = index.verify(5).unwrap();
    assert!(
        report.is_sound() && !report.has_checksums,
        "{path:?}: {report:?}"
    );
    let queries = case["queries"].as_array().unwrap();
    for (number, query) in queries.iter().enumerate() {
        let values = query["vector"].as_array().unwrap();
        let n = query["n"].as_u64().unwrap() as usize;
        let search_k = u64::try_from(query["search_k"].as_i64().unwrap()).ok();
        let (f32s, f64s, words): (Vec<f32>, _, _);
        let vector = match options.scalar {
            ScalarType::F32 => {
                f32s = numbers(values).iter().map(|&x| x as f32).collect();
                Vector::from(&f32s)
            }
            ScalarType::F64 => {
                f64s = numbers(values);
                Vector::from(&f64s)
            }
            scalar => {
                words = bits(values, scalar);
                Vector::Bits(&words)
            }
        };
        let found = index.get_nns_by_vector(vector, n, search_k).unwrap();
        let ids: Vec<i64> = found.iter().map(|neighbor| neighbor.id).collect();
        let expected: Vec<i64> = query["ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_i64().unwrap())
            .collect();
        assert_eq!(ids, expected, "{path:?}, query {number}");
        let distances = numbers(query["distances"].as_array().unwrap());
        for (neighbor, expected) in found.iter().zip(distances) {
            let off = (neighbor.distance - expected).abs();
            // An angle of 0 comes out as the square root of a rounding error.
            let both_zero = options.metric == Metric::Angular && off < 1e-3 && expected < 1e-3;
            assert!(
                off <= 1e-5 * expected.abs().max(1e-2) || both_zero,
                "{path:?}, query {number}: {neighbor:?}, expected distance {expected}"
            );
        }
    }
    thaw(&index, path);
    queries.len()
}

/// The same items, thawed, one more added, built and saved: what Annoy stored is there, and all is
/// sound.
fn thaw(loaded: &Index, path: &Path) {
    let mut index = Index::with_options(loaded.options()).unwrap();
    index.load(path.with_extension("ann"), Access::Map).unwrap();
    index.thaw().unwrap();
    let n_items = loaded.n_items() as i64;
    let one = Item::read(loaded, 10).unwrap();
    index.add_item(n_items, &one).unwrap();
    index.build(Some(2), Some(1)).unwrap();
    let index = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
    assert_eq!(index.n_items() as i64, n_items + 1, "{path:?}");
    for id in 0..n_items {
        let read = |index: &Index| Item::read(index, id).unwrap();
        assert_eq!(read(&index), read(loaded), "{path:?}, item {id}");
    }
    assert_eq!(Item::read(&index, n_items).unwrap(), one, "{path:?}");
    let found = index.get_nns_by_item(n_items, 4, Some(u64::MAX)).unwrap();
    let ids: Vec<i64> = found.iter().map(|neighbor| neighbor.id).collect();
    if loaded.options().metric != Metric::Dot {
        assert!(
            ids.contains(&10) && ids.contains(&n_items),
            "{path:?}: {ids:?}"
        );
    }
    let report = index.verify(5).unwrap();
    assert!(
        report.is_sound() && report.has_checksums,
        "{path:?}: {report:?}"
    );
    let there = |index: &Index| index.info().unwrap().n_present;
    assert_eq!(there(&index), there(loaded) + 1, "{path:?}");
}

#[test]
fn every_golden_file_answers_as_recorded() {
    let (mut files, mut queries) = (0, 0);
    for folder in folders() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                queries += check(&path);
                files += 1;
            }
        }
    }
    println!("{files} files, {queries} queries");
    assert!(files >= 20 && queries >= 1900);
}

/// The file of Annoy's own test suite, where it is at hand.
#[test]
fn annoys_own_test_tree() {
    for folder in folders() {
        let path = folder.join("test.tree");
        if path.exists() {
            let mut index = Index::new(Metric::Angular, 10).unwrap();
            index.load(&path, Access::MapPrefaulted).unwrap();
            let found = index.get_nns_by_item(0, 10, None).unwrap();
            let ids: Vec<i64> = found.iter().map(|neighbor| neighbor.id).collect();
            assert_eq!(ids, [0, 85, 42, 11, 54, 38, 53, 66, 19, 31]);
        }
    }
}
