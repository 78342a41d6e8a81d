//! Bad input: every kind gives an error that names what was found and what was expected, and leaves
//! the index as it was. (NULL and numbers below 0 that Rust's types rule out belong to the tests of
//! the C ABI; calls in a wrong state to states.rs; damaged files to corrupt.rs; the disk to
//! disk.rs.)

use crate::common::{
    all_types, built, directory, filled, name, plain, random_items, saved, Item, Snapshot,
};
use annoy_rs::{
    Access, Error, IdWidth, Index, Metric, Options, ScalarType, Vector, VectorMut, MAX_TREES,
};
use std::fs;
use std::path::Path;

const N: usize = 40;

/// An index not built and one that is.
fn both(options: Options) -> [Index; 2] {
    let items = random_items(options, N, 1);
    [filled(options, &items), built(options, &items, 3)]
}

/// The call must fail with these words and change nothing.
fn refused<R>(
    index: &mut Index,
    words: &[&str],
    call: impl FnOnce(&mut Index) -> annoy_rs::Result<R>,
) -> Error {
    let before = Snapshot::of(index);
    let Err(error) = call(index) else {
        panic!("{words:?}: accepted by {}", name(index.options()));
    };
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} lacks {word:?}");
    }
    assert_eq!(before, Snapshot::of(index), "{text}");
    error
}

#[test]
fn metric_names() {
    for wrong in ["cos", "", "Angular", "angular ", "l3"] {
        let error = wrong.parse::<Metric>().unwrap_err();
        assert!(matches!(error, Error::Argument { .. }));
        let text = error.to_string();
        for word in [
            "metric",
            &format!("{wrong:?}"),
            "angular, euclidean, manhattan, dot, hamming, or cosine",
        ] {
            assert!(text.contains(word), "{text:?} lacks {word:?}");
        }
    }
}

#[test]
fn f_out_of_range() {
    for options in all_types(1, 1) {
        let most = match options.metric {
            Metric::Hamming => 65_536 * options.scalar.size() * 8,
            _ => 65_536,
        };
        for f in [0, most + 1, usize::MAX] {
            let error = Index::with_options(Options { f, ..options }).err().unwrap();
            assert!(matches!(error, Error::Argument { .. }), "{error:?}");
            let text = error.to_string();
            assert!(
                text.contains(&format!("f is {f}, expected 1 to {most}")),
                "{text}"
            );
        }
        assert!(Index::with_options(Options { f: most, ..options }).is_ok());
    }
}

#[test]
fn scalar_types_that_do_not_fit() {
    for (metric, scalar, words) in [
        (
            Metric::Hamming,
            ScalarType::F32,
            "scalar is f32, expected u64, u32 or u8 for hamming",
        ),
        (
            Metric::Dot,
            ScalarType::Bits8,
            "scalar is u8, expected f32 or f64 for dot",
        ),
    ] {
        let options = Options {
            scalar,
            ..Options::new(metric, 8)
        };
        let error = Index::with_options(options).err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn ids_that_cannot_be() {
    for options in all_types(5, 70) {
        let [mut index, _] = both(options);
        let most = match options.id_width {
            IdWidth::Bits32 => i64::from(i32::MAX) - 2,
            IdWidth::Bits64 => i64::MAX - 2,
        };
        let item = Item::zero(options);
        for id in [-1, i64::MIN, i64::from(i32::MIN), most, i64::MAX] {
            let expected = format!("item id is {id}, expected 0 to {}", most - 1);
            if (0..most).contains(&id) {
                continue; // 64-bit ids: far, but possible
            }
            let error = refused(&mut index, &[&expected], |i| i.add_item(id, &item));
            assert!(matches!(error, Error::Item { .. }));
            // All or none: the good id before the bad one must not appear either.
            let (ids, items) = ([N as i64, id, 0], [&item, &item, &item]);
            refused(&mut index, &[&expected], |i| {
                i.add_items(Some(&ids), items.iter().copied())
            });
        }
        let rows = [&item, &item];
        for ids in [&[][..], &[1], &[1, 2, 3]] {
            let words = [
                format!("is {}", ids.len()),
                "one for each of 2 rows".to_string(),
            ];
            refused(&mut index, &[&words[0], &words[1]], |i| {
                i.add_items(Some(ids), rows.iter().copied())
            });
        }
    }
}

#[test]
fn ids_past_n_items() {
    for options in all_types(5, 70) {
        for mut index in both(options) {
            for id in [-1, N as i64, i64::MAX, i64::MIN] {
                let words = format!("item id is {id}, expected 0 to {}", N - 1);
                refused(&mut index, &[&words], |i| Item::read(i, id));
                refused(&mut index, &[&words], |i| i.get_distance(id, 0));
                refused(&mut index, &[&words], |i| i.get_distance(0, id));
                if index.n_trees() > 0 {
                    refused(&mut index, &[&words], |i| i.get_nns_by_item(id, 3, None));
                }
            }
        }
        let mut empty = Index::with_options(options).unwrap();
        refused(
            &mut empty,
            &["item id is 0", "the index has no items"],
            |i| Item::read(i, 0),
        );
        empty.build(Some(2), Some(1)).unwrap();
        refused(&mut empty, &["item id is 0", "no items"], |i| {
            i.get_nns_by_item(0, 1, None)
        });
    }
}

#[test]
fn values_that_are_not_finite() {
    for options in all_types(20, 70) {
        let f = options.f;
        for (bad, shown) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            for at in [0, 7, f - 1] {
                let (mut singles, mut doubles) = (vec![0.25f32; f], vec![0.25f64; f]);
                (singles[at], doubles[at]) = (bad as f32, bad);
                let given: &[Vector<'_>] = match options.scalar {
                    ScalarType::F32 => &[Vector::F32(&singles)],
                    ScalarType::F64 => &[Vector::F64(&doubles)],
                    _ => &[Vector::F32(&singles), Vector::F64(&doubles)],
                };
                for &vector in given {
                    let [mut open, mut done] = both(options);
                    let value = format!("value {at} of the vector");
                    let words = [&value, shown, "expected a finite number"];
                    let error = refused(&mut open, &words, |i| i.add_item(3, vector));
                    assert!(matches!(error, Error::NotFinite { id: Some(3), .. }));
                    refused(&mut open, &words, |i| i.add_item(N as i64 + 9, vector));
                    let good = Item::zero(options);
                    let rows = [Vector::from(&good), vector, Vector::from(&good)];
                    let all = [words[0], shown, "of item 99"];
                    refused(&mut open, &all, |i| {
                        i.add_items(Some(&[0, 99, 100]), rows.iter().copied())
                    });
                    refused(&mut open, &[shown, &format!("of item {}", N + 1)], |i| {
                        i.add_items(None, rows.iter().copied())
                    });
                    refused(&mut done, &words, |i| i.get_nns_by_vector(vector, 3, None));
                }
            }
        }
    }
}

#[test]
fn lengths_and_types_that_are_wrong() {
    for options in all_types(20, 70) {
        let [mut open, mut done] = both(options);
        let f = options.f;
        let bits = options.metric == Metric::Hamming;
        let words_of = |n: usize| {
            (
                vec![0u64; n],
                format!("vector has {n} 64-bit words, expected 2"),
            )
        };
        for wrong in [0, 1, f - 1, f + 1, 10 * f] {
            let expected = format!("vector has {wrong} values, expected {f}");
            let (mut singles, mut doubles) = (vec![0.0f32; wrong], vec![0.0f64; wrong]);
            if options.scalar != ScalarType::F64 {
                refused(&mut open, &[&expected], |i| i.add_item(0, &singles));
                refused(&mut done, &[&expected], |i| {
                    i.get_nns_by_vector(&singles, 1, None)
                });
                refused(&mut done, &[&expected], |i| {
                    i.get_item(0, VectorMut::F32(&mut singles))
                });
            }
            if options.scalar != ScalarType::F32 {
                refused(&mut open, &[&expected], |i| i.add_item(0, &doubles));
                refused(&mut done, &[&expected], |i| {
                    i.get_nns_by_vector(&doubles, 1, None)
                });
                refused(&mut done, &[&expected], |i| {
                    i.get_item(0, VectorMut::F64(&mut doubles))
                });
            }
        }
        if bits {
            for wrong in [0, 1, 3] {
                let (mut words, expected) = words_of(wrong);
                refused(&mut open, &[&expected], |i| {
                    i.add_item(0, Vector::Bits(&words))
                });
                refused(&mut done, &[&expected], |i| {
                    i.get_nns_by_vector(Vector::Bits(&words), 1, None)
                });
                refused(&mut done, &[&expected], |i| {
                    i.get_item(0, VectorMut::Bits(&mut words))
                });
            }
            let past = [0, 1 << 6];
            refused(&mut open, &["0x40", "0 in its 58 bits past f = 70"], |i| {
                i.add_item(0, Vector::Bits(&past))
            });
        } else {
            let words = [0u64];
            let expected = format!("words of bits, expected {}", options.scalar);
            refused(&mut open, &[&expected], |i| {
                i.add_item(0, Vector::Bits(&words))
            });
            let (singles, doubles) = (vec![0.0f32; f], vec![0.0f64; f]);
            let (other, given) = match options.scalar {
                ScalarType::F32 => (Vector::F64(&doubles), "f64"),
                _ => (Vector::F32(&singles), "f32"),
            };
            let expected = format!("{given}, expected {}", options.scalar);
            let error = refused(&mut open, &[&expected], |i| i.add_item(0, other));
            assert!(matches!(error, Error::Unsupported(_)));
            refused(&mut done, &[&expected], |i| {
                i.get_nns_by_vector(other, 1, None)
            });
        }
    }
}

#[test]
fn numbers_of_trees_and_threads() {
    for options in all_types(5, 70) {
        let [mut index, _] = both(options);
        for n in [0, MAX_TREES + 1, usize::MAX] {
            let words = [format!("n_trees is {n}"), format!("1 to {MAX_TREES}")];
            refused(&mut index, &[&words[0], &words[1]], |i| {
                i.build(Some(n), Some(1))
            });
        }
        refused(&mut index, &["n_threads is 0", "at least 1"], |i| {
            i.build(Some(1), Some(0))
        });
    }
}

/// Not an error, as far as Rust's types let them through: any n and any search_k.
#[test]
fn any_n_and_search_k() {
    for options in all_types(5, 70) {
        let [_, index] = both(options);
        for n in [0, 1, N, N + 1, usize::MAX] {
            for search_k in [None, Some(0), Some(1), Some(u64::MAX)] {
                let found = index.get_nns_by_item(0, n, search_k).unwrap();
                assert!(found.len() <= n.min(N));
                if search_k == Some(u64::MAX) {
                    assert_eq!(found.len(), n.min(N));
                }
            }
        }
    }
}

/// Refuses to load `path` in every state; nothing in the directory changes.
fn not_loaded(path: &Path, options: Options, words: &[&str]) {
    for mut index in both(options) {
        let all: Vec<_> = path
            .parent()
            .filter(|p| p.is_dir())
            .map(directory)
            .into_iter()
            .collect();
        for access in [Access::Map, Access::MapPrefaulted, Access::Copy] {
            refused(&mut index, words, |i| i.load(path, access));
        }
        let after: Vec<_> = path
            .parent()
            .filter(|p| p.is_dir())
            .map(directory)
            .into_iter()
            .collect();
        assert_eq!(all, after);
    }
}

#[test]
fn paths_that_cannot_be_loaded() {
    let options = Options::new(Metric::Angular, 5);
    let root = crate::common::scratch();
    let at = |name: &str| root.path().join(name);
    fs::write(at("empty"), []).unwrap();
    fs::write(at("file"), b"x").unwrap();
    let named = |name: &str| format!("{:?}", at(name));
    let (none, below) = if cfg!(windows) {
        ("(os error 2)", "(os error 3)")
    } else {
        ("No such file", "Not a directory")
    };
    not_loaded(&at("none"), options, &["cannot open", &named("none"), none]);
    not_loaded(
        &at("file/below"),
        options,
        &["cannot open", &named("file/below"), below],
    );
    not_loaded(&at("nul\0nul"), options, &["cannot open"]);
    not_loaded(Path::new(""), options, &["cannot open"]);
    let kind = "angular index of f = 5 (f32, 32-bit ids)";
    not_loaded(
        &at("empty"),
        options,
        &[
            &named("empty"),
            kind,
            "it is empty, expected at least one node",
        ],
    );
    not_loaded(
        &at("file"),
        options,
        &[kind, "1 bytes", "multiple of the node size 32"],
    );
    let what = "it is a directory, expected a regular file";
    let error = both(options)[0].load(root.path(), Access::Map).unwrap_err();
    assert!(error.to_string().contains(what), "{error}");
    #[cfg(unix)]
    {
        let what = "it is a device, pipe or socket, expected a regular file";
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        if made.is_ok_and(|status| status.success()) {
            let error = both(options)[0].load(at("pipe"), Access::Map).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
        let error = both(options)[0].load("/dev/zero", Access::Map).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn files_that_are_no_index() {
    let options = Options::new(Metric::Euclidean, 5);
    let root = crate::common::scratch();
    let path = root.path().join("x.ann");
    let layout = crate::common::Struct::of(options);
    let good = plain(
        options,
        &saved(&built(options, &random_items(options, N, 1), 3)),
    );
    let last = layout.count(&good) - 1;
    let kind = "euclidean index of f = 5 (f32, 32-bit ids)";
    let try_out = |words: &[&str], damage: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let words: Vec<&str> = words.iter().copied().chain([kind]).collect();
        not_loaded(&path, options, &words);
    };
    let size = (good.len() + 1).to_string();
    try_out(&[&size, "not a multiple of the node size 36"], &|b| {
        b.push(0)
    });
    try_out(&["not a multiple"], &|b| b.truncate(good.len() - 1));
    let most = format!("expected 0 to {}", last - 1);
    for n in [-1, last as i64, i64::from(i32::MAX), i64::from(i32::MIN)] {
        let found = format!("last node counts {n} items");
        try_out(&[&found, &most], &|b| layout.set_descendants(b, last, n));
    }
    for child in [-1, last as i64 - 2, last as i64 + 1, i64::from(i32::MAX)] {
        let found = format!("node {last}: it names node {child}, expected 0 to");
        try_out(&[&found], &|b| layout.set_child(b, last, 0, child));
    }
    for n in [-1, 2, i64::from(i32::MAX)] {
        let found = format!("node 0 is no item: it counts {n} descendants");
        try_out(&[&found], &|b| layout.set_descendants(b, 0, n));
    }
}

/// Not bad input at all on Unix: any bytes but NUL make a file name.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let root = crate::common::scratch();
    let path: std::path::PathBuf = root
        .path()
        .join(std::ffi::OsStr::from_bytes(b"\xff\xfe.ann"));
    let options = Options::new(Metric::Dot, 5);
    let [mut index, done] = both(options);
    done.save(&path).unwrap();
    index.load(&path, Access::MapPrefaulted).unwrap();
    assert_eq!(Snapshot::of(&index), Snapshot::of(&done));
    index.unload();
    index.on_disk_build(&path).unwrap();
    index.add_item(0, &Item::zero(options)).unwrap();
    index.build(Some(1), Some(1)).unwrap();
}
