//! The edges of numbers: nothing, one, K and K + 1 items, far ids, trees and threads of any number,
//! files in use.

use crate::common::{
    all_types, built, checksum, filled, ids, loaded, name, options, plain, random_items,
    round_trip, saved, scratch, Item, Snapshot, Struct,
};
use annoy_rs::{Access, Error, IdWidth, Index, Metric, Options, ScalarType};
use std::time::{Duration, Instant};

#[test]
fn no_items_at_all() {
    for options in all_types(5, 70) {
        for n_trees in [None, Some(1), Some(10)] {
            let mut index = Index::with_options(options).unwrap();
            index
                .add_items(None, [].iter() as std::slice::Iter<'_, Item>)
                .unwrap();
            index.build(n_trees, None).unwrap();
            assert_eq!(
                (index.n_items(), index.n_trees()),
                (0, n_trees.unwrap_or(1))
            );
            let again = round_trip(&index, &name(options));
            for index in [&index, &again] {
                let query = Item::zero(options);
                assert!(index
                    .get_nns_by_vector(&query, 10, None)
                    .unwrap()
                    .is_empty());
                assert!(index
                    .get_nns_by_vector(&query, 10, Some(u64::MAX))
                    .unwrap()
                    .is_empty());
            }
        }
    }
}

/// From one item to some more than fit one leaf: every item is found, the count of trees is right.
#[test]
fn few_items() {
    for options in all_types(5, 70) {
        let leaf = Struct::of(options).leaf;
        for n in [1, 2, 3, leaf - 1, leaf, leaf + 1, leaf + 2] {
            for n_trees in [1, 2, 10] {
                let context = format!("{}, {n} items, {n_trees} trees", name(options));
                let index = built(options, &random_items(options, n, 1), n_trees);
                assert_eq!(
                    (index.n_items(), index.n_trees()),
                    (n, n_trees),
                    "{context}"
                );
                let again = round_trip(&index, &context);
                for id in 0..n as i64 {
                    let mut found = ids(&again.get_nns_by_item(id, n, Some(u64::MAX)).unwrap());
                    found.sort_unstable();
                    assert_eq!(found, (0..n as i64).collect::<Vec<_>>(), "{context}");
                }
            }
        }
    }
}

/// Where threads of Annoy's come to their ends at once, several roots stand before the copies, in
/// any order. (Annoy itself then counts some of its trees twice.)
#[test]
fn roots_of_several_threads() {
    for options in all_types(5, 70) {
        let leaf = Struct::of(options).leaf;
        let index = built(options, &random_items(options, 4 * leaf, 1), 7);
        let bytes = plain(options, &saved(&index));
        let size = Struct::of(options).size;
        let copies = bytes.len() - 7 * size;
        let last = copies - size;
        for others in [&[0][..], &[6], &[5, 2], &[3, 6, 0, 1]] {
            let mut file = bytes[..last].to_vec();
            for root in others {
                file.extend_from_slice(&bytes[copies + root * size..][..size]);
            }
            file.extend_from_slice(&bytes[last..]);
            let mut read = Index::with_options(options).unwrap();
            read.load_bytes(file).unwrap();
            assert_eq!(read.n_trees(), 7, "{}, {others:?}", name(options));
            for id in 0..9 {
                assert_eq!(
                    ids(&read.get_nns_by_item(id, 5, Some(20)).unwrap()),
                    ids(&index.get_nns_by_item(id, 5, Some(20)).unwrap()),
                    "{}, {others:?}",
                    name(options)
                );
            }
        }
    }
}

/// Many ids with room between them, more than a tree's subset in the cache: the forest is the one
/// of ids without gaps, whether the gaps are few or most.
#[test]
fn ids_with_gaps() {
    const ITEMS: usize = 3000;
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        let options = Options::new(metric, 200);
        let items = random_items(options, ITEMS, 7);
        let build = |step: i64| {
            let ids: Vec<i64> = (0..ITEMS as i64).map(|id| id * step).collect();
            let mut index = Index::with_options(options).unwrap();
            index.add_items(Some(&ids), items.iter()).unwrap();
            index.build(Some(3), Some(1)).unwrap();
            index
        };
        let near = build(1);
        for step in [3, 50] {
            let far = build(step);
            for query in items.iter().step_by(100) {
                let near = near.get_nns_by_vector(query, 10, Some(300)).unwrap();
                let far = far.get_nns_by_vector(query, 10, Some(300)).unwrap();
                let near: Vec<(i64, f64)> =
                    near.iter().map(|n| (n.id * step, n.distance)).collect();
                let far: Vec<(i64, f64)> = far.iter().map(|n| (n.id, n.distance)).collect();
                assert_eq!(near, far, "{metric} {step}");
            }
        }
    }
}

/// Ids far apart: what is between does not exist, and the item or two that do are found, also after
/// a load.
#[test]
fn only_far_ids() {
    for options in all_types(5, 70) {
        let items = random_items(options, 2, 1);
        for far in [&[100_000][..], &[0, 100_000], &[99_999, 100_000]] {
            for n_trees in [1, 3] {
                let context = format!("{}, only {far:?}, {n_trees} trees", name(options));
                let mut index = Index::with_options(options).unwrap();
                index
                    .add_items(Some(far), items[..far.len()].iter())
                    .unwrap();
                index.build(Some(n_trees), Some(1)).unwrap();
                let check = |index: &Index| {
                    assert_eq!(
                        (index.n_items(), index.n_trees()),
                        (100_001, n_trees),
                        "{context}"
                    );
                    for k in [None, Some(u64::MAX)] {
                        let mut found = ids(&index.get_nns_by_vector(&items[0], 10, k).unwrap());
                        found.sort_unstable();
                        assert_eq!(found, far, "{context}");
                    }
                    assert_eq!(Item::read(index, 50_000).unwrap(), Item::zero(options));
                };
                check(&index);
                check(&loaded(options, &saved(&index)).unwrap());
            }
        }
    }
}

/// Taking up no memory, as long as nobody builds; or refused. Never an abort.
#[test]
fn ids_beyond_memory() {
    for options in all_types(1, 8) {
        let farthest = match options.id_width {
            IdWidth::Bits32 => vec![i64::from(i32::MAX) - 3],
            IdWidth::Bits64 => vec![i64::from(i32::MAX) - 3, 1 << 40, 1 << 60, i64::MAX - 3],
        };
        let items = random_items(options, 3, 1);
        for far in farthest {
            let mut index = filled(options, &items[..2]);
            match index.add_item(far, &items[2]) {
                Ok(()) => {
                    assert_eq!(index.n_items() as i64, far + 1);
                    assert_eq!(Item::read(&index, far).unwrap(), items[2]);
                    assert_eq!(Item::read(&index, far / 2).unwrap(), Item::zero(options));
                }
                Err(error) => {
                    assert!(matches!(error, Error::NoMemory { .. }), "{error:?}");
                    assert!(error.to_string().contains("bytes of memory"), "{error}");
                    assert_eq!(index.n_items(), 2);
                    let fresh = Snapshot::of(&filled(options, &items[..2]));
                    assert_eq!(fresh, Snapshot::of(&index));
                }
            }
            assert_eq!(Item::read(&index, 1).unwrap(), items[1]);
            index.unload();
        }
    }
}

#[test]
fn unbuild_add_build_is_a_fresh_build() {
    for options in all_types(5, 70) {
        let items = random_items(options, 300, 1);
        let mut index = built(options, &items[..100], 4);
        for n in [101, 150, 300] {
            index.unbuild().unwrap();
            index
                .add_items(None, items[index.n_items()..n].iter())
                .unwrap();
            index.add_item(0, &items[n - 1]).unwrap();
            index.add_item(0, &items[0]).unwrap();
            index.build(Some(3), Some(2)).unwrap();
            assert!(
                saved(&index) == saved(&built(options, &items[..n], 3)),
                "{}",
                name(options)
            );
        }
    }
}

/// `None` adds trees until there are twice as many nodes as items, and not one more.
#[test]
fn number_of_trees_left_to_the_library() {
    for options in all_types(20, 600) {
        for n in [1, 2, 10, 500] {
            let items = random_items(options, n, 1);
            let mut index = filled(options, &items);
            index.build(None, Some(1)).unwrap();
            let nodes = |index: &Index| {
                let file = plain(options, &saved(index));
                Struct::of(options).count(&file) - index.n_trees()
            };
            assert!(nodes(&index) >= 2 * n, "{}, {n} items", name(options));
            if index.n_trees() > 1 {
                let fewer = built(options, &items, index.n_trees() - 1);
                assert!(nodes(&fewer) < 2 * n, "{}, {n} items", name(options));
            }
        }
    }
}

/// A far id alone: nodes cannot come to twice the items but by very many trees that are all the
/// same.
#[test]
fn one_tree_is_enough_for_one_item() {
    for n_threads in [1, 4] {
        let options = Options::new(Metric::Angular, 4);
        let mut index = Index::with_options(options).unwrap();
        index.add_item(2_000_000, &[1.0f32; 4]).unwrap();
        index.build(None, Some(n_threads)).unwrap();
        assert_eq!(index.n_trees(), 1);
        let found = index.get_nns_by_item(2_000_000, 3, None).unwrap();
        assert_eq!(ids(&found), [2_000_000]);
    }
}

/// However many threads there are, -1 builds the same trees, and not many more than it needs.
#[test]
fn number_of_trees_left_to_the_library_is_the_same_for_any_threads() {
    let options = Options::new(Metric::Euclidean, 4);
    let items = random_items(options, 3000, 1);
    let built = [1, 2, 7, 200].map(|n_threads| {
        let mut index = filled(options, &items);
        index.build(None, Some(n_threads)).unwrap();
        saved(&index)
    });
    assert!(built.iter().all(|bytes| *bytes == built[0]));
}

/// A file in the layout of Annoy 1.16 opens, but saving it as it is would make a file that 1.17
/// cannot read.
#[test]
fn old_layouts_are_read_and_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old"), directory.path().join("new"));
    // Hamming of one word, packed: n_descendants, two children, the word. Two items, a root, its
    // copy.
    let node = |fields: [i32; 3], word: u64| {
        let mut bytes: Vec<u8> = fields.iter().flat_map(|x| x.to_le_bytes()).collect();
        bytes.extend(word.to_le_bytes());
        bytes
    };
    let root = node([2, 0, 1], 0);
    let file = [
        node([1, 0, 0], 0b1),
        node([1, 0, 0], 0b111),
        root.clone(),
        root,
    ]
    .concat();
    std::fs::write(&old, file).unwrap();
    let mut index = Index::new(Metric::Hamming, 64).unwrap();
    index.load(&old, Access::Map).unwrap();
    assert_eq!((index.n_items(), index.n_trees()), (2, 1));
    assert_eq!(index.get_distance(0, 1).unwrap(), 2.0);
    let error = index.save(&new).unwrap_err();
    assert!(error.to_string().contains("1.16"), "{error}");
    assert!(!new.exists());
}

/// Preallocated and never written to: an empty index would look like this, with as many trees as
/// the file is long.
#[test]
fn long_file_of_zeros() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("zeros");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 36).unwrap();
    let mut index = Index::new(Metric::Angular, 1).unwrap();
    let error = index.load(&path, Access::Map).unwrap_err();
    assert!(error.to_string().contains("zeros"), "{error}");
}

#[cfg(unix)]
#[test]
fn saving_keeps_the_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.ann");
    let index = built(Options::new(Metric::Dot, 2), &[], 1);
    index.save(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    index.save(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Squares overflow, and the angle is right all the same.
#[test]
fn angles_of_huge_vectors() {
    let mut index = Index::new(Metric::Angular, 2).unwrap();
    for (id, row) in [[3e19f32, 3e19], [-3e19, -3e19], [2e19, 2e19]]
        .iter()
        .enumerate()
    {
        index.add_item(id as i64, row).unwrap();
    }
    index.build(Some(2), Some(1)).unwrap();
    assert_eq!(index.get_distance(0, 1).unwrap(), 2.0);
    let found = index.get_nns_by_item(0, 3, None).unwrap();
    assert_eq!(ids(&found), [0, 2, 1]);
    assert!(found[1].distance < 1e-3, "{found:?}");
}

/// What is heard comes when it has happened, so a panic there changes nothing.
#[test]
fn panicking_log() {
    let mut index = Index::new(Metric::Angular, 2).unwrap();
    index.add_item(0, &[1.0f32, 2.0]).unwrap();
    index.set_log(Some(Box::new(|_, text| panic!("{text}"))));
    let build = std::panic::AssertUnwindSafe(|| index.build(Some(1), Some(1)));
    assert!(std::panic::catch_unwind(build).is_err());
    index.set_log(None);
    assert_eq!(index.n_trees(), 1);
    assert_eq!(ids(&index.get_nns_by_item(0, 1, None).unwrap()), [0]);
}

#[test]
fn more_threads_than_trees() {
    let options = Options::new(Metric::Manhattan, 5);
    let items = random_items(options, 300, 1);
    for threads in [2, 64, 300, usize::MAX] {
        let mut index = filled(options, &items);
        index.build(Some(2), Some(threads)).unwrap();
        assert!(
            saved(&index) == saved(&built(options, &items, 2)),
            "{threads} threads"
        );
    }
}

/// Nor do threads run ahead that have nothing to do, when nobody says how many trees there will be.
#[test]
fn more_threads_than_trees_that_are_needed() {
    let start = Instant::now();
    let mut index = filled(
        options(Metric::Angular, ScalarType::F32, IdWidth::Bits32, 4),
        &[],
    );
    index.add_items(None, [[1.0f32; 4]; 10].iter()).unwrap();
    index.build(None, Some(400)).unwrap();
    assert!(index.n_trees() <= 10);
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn eight_threads_search_one_index() {
    for options in all_types(12, 200) {
        let items = random_items(options, 1000, 1);
        let index = built(options, &items, 4);
        let again = loaded(options, &saved(&index)).unwrap();
        let search = |index: &Index, id: i64| {
            let by_item = index.get_nns_by_item(id, 10, Some(200)).unwrap();
            let by_vector = index
                .get_nns_by_vector(&items[id as usize], 10, Some(200))
                .unwrap();
            assert_eq!(by_item, by_vector);
            by_item
        };
        let expected: Vec<_> = (0..100).map(|id| search(&index, id)).collect();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (again, expected, search, index) = (&again, &expected, &search, &index);
                scope.spawn(move || {
                    for i in 0..100 {
                        let id = (i * 7 + thread * 13) % 100;
                        let index = if i % 2 == 0 { again } else { index };
                        assert_eq!(search(index, id), expected[id as usize]);
                    }
                });
            }
        });
    }
}

#[test]
#[cfg_attr(windows, ignore = "wine 8 does not replace a file that is mapped")]
fn saving_onto_a_file_in_use() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    for options in all_types(5, 70) {
        let (first, second) = (random_items(options, 100, 1), random_items(options, 200, 2));
        built(options, &first, 2).save(&path).unwrap();
        let open = || {
            let mut index = Index::with_options(options).unwrap();
            index.load(&path, Access::Map).unwrap();
            index
        };
        let (mut one, two) = (open(), open());
        let old = Snapshot::of(&one);
        // Onto the file it is loaded from, and again with the load that belongs to it.
        one.save(&path).unwrap();
        one.save_and_load(&path, Access::MapPrefaulted).unwrap();
        assert!(
            old == Snapshot::of(&one) && old == Snapshot::of(&two),
            "{}",
            name(options)
        );
        // Another index takes the name: who has the old file keeps it, who opens gets the new one.
        let other = built(options, &second, 2);
        other.save(&path).unwrap();
        assert!(old == Snapshot::of(&one) && old == Snapshot::of(&two));
        assert!(Snapshot::of(&other) == Snapshot::of(&open()));
        one.load(&path, Access::Map).unwrap();
        assert!(Snapshot::of(&other) == Snapshot::of(&one));
        // And back, from the file that has no name any more.
        two.save(&path).unwrap();
        assert!(old == Snapshot::of(&two) && old == Snapshot::of(&open()));
        std::fs::remove_file(&path).unwrap();
        assert!(old == Snapshot::of(&two));
    }
}

#[test]
#[cfg_attr(windows, ignore = "wine 8 does not replace a file that is mapped")]
fn a_build_on_disk_onto_the_file_that_is_loaded() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    let options = Options::new(Metric::Dot, 6);
    let items = random_items(options, 300, 1);
    built(options, &items[..100], 2).save(&path).unwrap();
    let mut reader = Index::with_options(options).unwrap();
    reader.load(&path, Access::Map).unwrap();
    let before = Snapshot::of(&reader);
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(&path).unwrap();
    index.add_items(None, items.iter()).unwrap();
    index.build(Some(2), Some(2)).unwrap();
    assert!(before == Snapshot::of(&reader));
    let expected = checksum(&saved(&built(options, &items, 2)));
    assert_eq!(checksum(&std::fs::read(&path).unwrap()), expected);
    // The one built on disk saves onto its own file, and is unbuilt and built once more.
    index.save(&path).unwrap();
    index.unbuild().unwrap();
    assert_eq!(checksum(&std::fs::read(&path).unwrap()), expected);
    index.build(Some(2), Some(1)).unwrap();
    assert_eq!(checksum(&std::fs::read(&path).unwrap()), expected);
}

/// Longer than what Windows takes without being asked for more, and in letters of several scripts.
#[test]
fn names_long_and_in_any_script() {
    let directory = scratch();
    let mut path = directory.path().to_path_buf();
    path.extend([
        "\u{dc}bung",
        "\u{7d22}\u{5f15}",
        &"x".repeat(120),
        &"\u{e9}".repeat(100),
    ]);
    std::fs::create_dir_all(&path).unwrap();
    path.push("\u{440}\u{44f}\u{434}.ann");
    assert!(path.as_os_str().len() > 300);
    let options = Options::new(Metric::Angular, 4);
    let items = random_items(options, 60, 1);
    built(options, &items, 2).save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(Index::open(&path, Access::Map).unwrap().n_items(), 60);
    std::fs::remove_file(&path).unwrap();
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(&path).unwrap();
    index.add_items(None, items.iter()).unwrap();
    index.build(Some(2), Some(1)).unwrap();
    assert_eq!(checksum(&std::fs::read(&path).unwrap()), checksum(&bytes));
    let error = index.load(path.join("none"), Access::Map).unwrap_err();
    assert!(
        error.to_string().contains("\u{440}\u{44f}\u{434}.ann"),
        "{error}"
    );
}
