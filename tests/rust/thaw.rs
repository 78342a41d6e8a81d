//! Thawing: a loaded index becomes one that items can be added to, as if it had never been built.

use crate::common::{
    all_types, built, filled, loaded, name, options, plain, random_items, saved, scratch, section,
    Item, Snapshot, Struct,
};
use annoy_rs::{Access, Error, IdWidth, Index, Metric, Options, ScalarType};
use std::fs;

const N: usize = 40;

/// Items with holes; labels, removed items, metadata and a seed of its own.
fn items_of(options: Options) -> Index {
    let mut index = Index::with_options(options).unwrap();
    for (id, item) in random_items(options, N, 3).iter().enumerate() {
        if id % 7 != 3 {
            index.add_item(id as i64, item).unwrap();
        }
    }
    index.set_seed(99);
    index
}

fn name_them(index: &mut Index, is_text: bool) {
    for id in (0..N as i64).step_by(4) {
        match is_text {
            true => index.set_label(id, &format!("item {id}")).unwrap(),
            false => index.set_label(id, id as u64 * 11).unwrap(),
        }
    }
    for id in [0, 5, 33] {
        index.remove_item(id).unwrap();
    }
    index.set_metadata(b"the user's own").unwrap();
}

/// What is done once items can be added again.
fn go_on(index: &mut Index) -> Vec<u8> {
    let options = index.options();
    let more = random_items(options, N + 10, 8);
    // A new one far behind, one in place of another, one for a hole, one that was removed.
    for id in [N + 9, 1, 3, 5] {
        index.add_item(id as i64, &more[id]).unwrap();
    }
    index.build(Some(3), Some(2)).unwrap();
    assert!(index.verify(1).unwrap().is_sound());
    saved(index)
}

#[test]
fn a_thawed_index_is_as_if_it_had_never_been_built() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    for options in all_types(3, 40) {
        for is_text in [false, true] {
            let context = format!("{}, text {is_text}", name(options));
            let mut fresh = items_of(options);
            name_them(&mut fresh, is_text);
            let expected = go_on(&mut fresh);
            // Labels and marks are given after the build, or else that would leave items out.
            let mut forest = items_of(options);
            forest.build(Some(5), Some(1)).unwrap();
            name_them(&mut forest, is_text);
            forest.save(&path).unwrap();
            let file = fs::read(&path).unwrap();
            type Load = fn(&mut Index, &std::path::Path, &[u8]);
            let loads: [Load; 3] = [
                |index, path, _| index.load(path, Access::Map).unwrap(),
                |index, path, _| index.load(path, Access::Copy).unwrap(),
                |index, _, bytes| index.load_bytes(bytes.to_vec()).unwrap(),
            ];
            for load in loads {
                let mut index = Index::with_options(options).unwrap();
                index.set_seed(99);
                load(&mut index, &path, &file);
                index.thaw().unwrap();
                let info = index.info().unwrap();
                assert_eq!((info.n_trees, info.is_loaded), (0, false), "{context}");
                assert_eq!((info.n_items, info.n_removed), (N, 3), "{context}");
                assert_eq!(index.metadata(), b"the user's own");
                assert!(go_on(&mut index) == expected, "{context}");
            }
            assert!(fs::read(&path).unwrap() == file, "the file stays");
            // A plain file has items only.
            let mut fresh = items_of(options);
            let expected = go_on(&mut fresh);
            let mut index = loaded(options, &plain(options, &file)).unwrap();
            index.set_seed(99);
            index.thaw().unwrap();
            assert!(go_on(&mut index) == expected, "{context}, plain");
        }
    }
}

/// What was changed on the loaded index comes along; what it had taken away does not.
#[test]
fn changes_since_the_load_stay() {
    let options = Options::new(Metric::Euclidean, 3);
    let mut index = items_of(options);
    index.build(Some(2), Some(1)).unwrap();
    name_them(&mut index, true);
    let file = saved(&index);
    let mut index = loaded(options, &file).unwrap();
    index.set_label(1, "one").unwrap();
    index.restore_item(0).unwrap();
    index.remove_item(2).unwrap();
    index.set_metadata(b"new").unwrap();
    index.thaw().unwrap();
    assert_eq!(index.find_label("one").unwrap(), Some(1));
    assert_eq!(index.find_label("item 4").unwrap(), Some(4));
    let removed: Vec<i64> = (0..N as i64).filter(|&id| index.is_removed(id)).collect();
    assert_eq!((removed, index.n_removed()), (vec![2, 5, 33], 3));
    assert_eq!(index.metadata(), b"new");
    let mut index = loaded(options, &file).unwrap();
    index.clear_labels();
    for id in [0, 5, 33] {
        index.restore_item(id).unwrap();
    }
    index.thaw().unwrap();
    assert_eq!((index.n_labels(), index.n_removed()), (0, 0));
    assert_eq!(index.label(4).unwrap(), None);
}

/// Where the fields lie in the layouts that are read and not written: children, vector. From the
/// tables of FORMAT.md.
const OTHER_LAYOUTS: [(Metric, ScalarType, IdWidth, [usize; 2], &str); 11] = {
    use Metric::*;
    use ScalarType::*;
    const PACKED: &str = "1.16 (packed)";
    [
        (
            Hamming,
            ScalarType::Bits64,
            IdWidth::Bits32,
            [4, 12],
            PACKED,
        ),
        (Angular, F64, IdWidth::Bits32, [4, 12], PACKED),
        (Dot, F64, IdWidth::Bits32, [4, 20], PACKED),
        (Euclidean, F64, IdWidth::Bits32, [12, 20], PACKED),
        (Manhattan, F64, IdWidth::Bits32, [12, 20], PACKED),
        (Euclidean, F32, IdWidth::Bits64, [12, 28], PACKED),
        (Manhattan, F32, IdWidth::Bits64, [12, 28], PACKED),
        (Dot, F32, IdWidth::Bits32, [4, 24], "main"),
        (Dot, F64, IdWidth::Bits32, [4, 40], "main"),
        (Dot, F32, IdWidth::Bits64, [8, 36], "main"),
        (Dot, F64, IdWidth::Bits64, [8, 48], "main"),
    ]
};

/// A plain file of few enough items for one leaf, in another layout than ours.
fn old_file(options: Options, [children, vector]: [usize; 2], items: &[Item]) -> Vec<u8> {
    let ids = options.id_width.size();
    let elements = vector_bytes(options, &items[0]).len();
    let size = vector + elements;
    let id = |n: usize| (n as u64).to_le_bytes()[..ids].to_vec();
    let mut bytes = Vec::new();
    for item in items {
        let mut node = vec![0; size];
        node[..ids].copy_from_slice(&id(1));
        node[vector..].copy_from_slice(&vector_bytes(options, item));
        bytes.extend(node);
    }
    let mut root = vec![0; size];
    root[..ids].copy_from_slice(&id(items.len()));
    for i in 0..items.len() {
        root[children + i * ids..][..ids].copy_from_slice(&id(i));
    }
    [bytes, root.clone(), root].concat()
}

fn vector_bytes(options: Options, item: &Item) -> Vec<u8> {
    let all: Vec<u8> = match item {
        Item::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Item::F64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Item::Bits(words) => words.iter().flat_map(|x| x.to_le_bytes()).collect(),
    };
    let size = options.elements() * options.scalar.size();
    all[..size].to_vec()
}

#[test]
fn files_in_layouts_that_are_not_written_can_be_saved_then() {
    for (metric, scalar, ids, fields, layout) in OTHER_LAYOUTS {
        let f = if metric == Metric::Hamming { 512 } else { 19 };
        let options = options(metric, scalar, ids, f);
        let items = random_items(options, 7, 3);
        let context = format!("{}, {layout}", name(options));
        let file = old_file(options, fields, &items);
        let mut index = loaded(options, &file).unwrap_or_else(|e| panic!("{context}: {e}"));
        let refused = index.to_bytes().unwrap_err().to_string();
        assert!(
            refused.contains(layout) && refused.contains("thaw"),
            "{context}: {refused}"
        );
        index.thaw().unwrap();
        index.build(Some(2), Some(1)).unwrap();
        assert!(
            saved(&index) == saved(&built(options, &items, 2)),
            "{context}"
        );
    }
}

/// Thawing fails with these words, and nothing has changed.
fn refused(options: Options, bytes: &[u8], words: &[&str]) -> Error {
    let mut index = loaded(options, bytes).unwrap();
    let look = |index: &Index| {
        let file = index.to_bytes().map_err(|error| error.to_string());
        (index.info().unwrap(), file)
    };
    let before = look(&index);
    let error = index.thaw().unwrap_err();
    for word in words {
        assert!(error.to_string().contains(word), "{error} lacks {word:?}");
    }
    assert!(before == look(&index), "{words:?}");
    assert!(before.0.is_loaded);
    error
}

/// Items that load does not look at.
const FAR: usize = 700;

fn forest(options: Options) -> Index {
    built(options, &random_items(options, 1000, 3), 2)
}

#[test]
fn damaged_items_are_refused_by_name() {
    for options in all_types(3, 40) {
        let layout = Struct::of(options);
        let good = saved(&forest(options));
        let mut bytes = good.clone();
        layout.set_descendants(&mut bytes, FAR, 5);
        let words = ["corrupt at node 700", "it counts 5 descendants"];
        let error = refused(options, &bytes, &words);
        assert!(matches!(error, Error::Corrupt { .. }));
        let mut bytes = good;
        let at = FAR * layout.size + layout.vector;
        match options.scalar {
            ScalarType::F32 => {
                bytes[at + 4..at + 8].copy_from_slice(&f32::INFINITY.to_le_bytes());
            }
            ScalarType::F64 => bytes[at + 8..at + 16].copy_from_slice(&f64::NAN.to_le_bytes()),
            scalar => {
                // 40 bits fill words of 8, and leave some of the others.
                if scalar != ScalarType::Bits8 {
                    let last = at + (options.elements() - 1) * scalar.size() + scalar.size() - 1;
                    bytes[last] |= 0x80;
                    let words = ["corrupt at node 700", "in the bits past f = 40"];
                    refused(options, &bytes, &words);
                }
                continue;
            }
        }
        let error = refused(options, &bytes, &["value 1 of the vector of item 700 is "]);
        assert!(matches!(error, Error::NotFinite { id: Some(700), .. }));
    }
}

#[test]
fn damaged_labels_and_marks_are_refused() {
    let options = Options::new(Metric::Euclidean, 3);
    let layout = Struct::of(options);
    let mut index = forest(options);
    index.set_label(3, "three").unwrap();
    index.set_label(FAR as i64, "far").unwrap();
    index.remove_item(FAR as i64).unwrap();
    let good = saved(&index);
    let place = |kind| section(&good, kind).unwrap().as_ptr() as usize - good.as_ptr() as usize;
    // No UTF-8.
    let mut bytes = good.clone();
    let text = bytes.windows(8).position(|w| w == b"threefar").unwrap();
    bytes[text] = 0xff;
    let error = refused(options, &bytes, &["UTF-8"]);
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    // An item that is missing by now.
    let mut bytes = good.clone();
    bytes[FAR * layout.size..][..layout.size].fill(0);
    let words = ["corrupt at node 700", "marked as removed"];
    refused(options, &bytes, &words);
    // A number of marks that is wrong is counted anew.
    let mut bytes = good.clone();
    bytes[place(6)] = 77;
    let mut index = loaded(options, &bytes).unwrap();
    assert_eq!(index.n_removed(), 77);
    index.thaw().unwrap();
    assert_eq!((index.n_removed(), index.is_removed(700)), (1, true));
    index.build(Some(1), Some(1)).unwrap();
    assert_eq!(index.info().unwrap().n_present, 999);
}

/// In every other state it does what unbuild does.
#[test]
fn what_is_not_loaded_is_unbuilt() {
    let options = Options::new(Metric::Angular, 3);
    let items = random_items(options, 30, 1);
    let mut index = built(options, &items, 2);
    index.thaw().unwrap();
    assert_eq!((index.n_trees(), index.n_items()), (0, 30));
    index.thaw().unwrap();
    assert_eq!(index.n_items(), 30);
    assert!(Snapshot::of(&index) == Snapshot::of(&filled(options, &items)));
    let mut none = built(options, &[], 3);
    let bytes = none.to_bytes().unwrap();
    none.load_bytes(bytes.clone()).unwrap();
    none.thaw().unwrap();
    none.build(Some(3), Some(1)).unwrap();
    assert!(none.to_bytes().unwrap() == bytes);
}
