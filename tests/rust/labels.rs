//! Labels of items: against a model, through files, and what is refused.

use annoy_rs::{Access, Cancel, Error, Index, Label, LabelKind, Metric, Stage, Work};
use proptest::prelude::*;
use std::collections::HashMap;

fn index(n: i64) -> Index {
    let mut index = Index::new(Metric::Euclidean, 2).unwrap();
    for id in 0..n {
        index.add_item(id, &[id as f32, 1.0]).unwrap();
    }
    index
}

fn saved(index: &Index) -> (tempfile::TempDir, Index, Vec<u8>) {
    let dir = crate::common::scratch();
    let path = dir.path().join("a.ann");
    index.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (dir, Index::open(&path, Access::Map).unwrap(), bytes)
}

/// A label of either kind for each number.
fn label(kind: LabelKind, number: u64, text: &mut String) -> Label<'_> {
    match kind {
        LabelKind::U64 => Label::U64(number),
        LabelKind::Utf8 => {
            *text = "é".repeat(number as usize % 5) + &number.to_string();
            Label::Utf8(text)
        }
    }
}

/// What the index says is what the model says.
fn agrees(index: &Index, kind: LabelKind, model: &HashMap<i64, u64>) {
    assert_eq!(index.n_labels(), model.len());
    assert_eq!(index.label_kind(), (!model.is_empty()).then_some(kind));
    let (mut text, mut by_label) = (String::new(), HashMap::new());
    for id in 0..index.n_items() as i64 {
        let expected = model.get(&id).map(|&number| label(kind, number, &mut text));
        assert_eq!(index.label(id).unwrap(), expected, "{id}");
    }
    by_label.extend(model.iter().map(|(id, number)| (*number, *id)));
    for number in 0..40 {
        let found = index.find_label(label(kind, number, &mut text)).unwrap();
        assert_eq!(found, by_label.get(&number).copied(), "{number}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(i64, u64),
    SetAll(Vec<(i64, u64)>),
    Clear(i64),
    ClearAll,
    Remove(i64),
    Rebuild,
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    let (id, number) = (0..20i64, 0..40u64);
    prop_oneof![
        8 => (id.clone(), number.clone()).prop_map(|(id, number)| Step::Set(id, number)),
        4 => prop::collection::vec((id.clone(), number), 0..8).prop_map(Step::SetAll),
        3 => id.clone().prop_map(Step::Clear),
        1 => Just(Step::ClearAll),
        2 => id.prop_map(Step::Remove),
        2 => Just(Step::Rebuild),
        2 => Just(Step::Reload),
    ]
}

/// All or nothing: takes the old labels away first, as items may swap.
fn set_all(model: &mut HashMap<i64, u64>, pairs: &[(i64, u64)]) -> bool {
    let mut new = model.clone();
    for (id, _) in pairs {
        new.remove(id);
    }
    for (id, number) in pairs {
        if new
            .iter()
            .any(|(other, taken)| taken == number && other != id)
        {
            return false;
        }
        new.insert(*id, *number);
    }
    *model = new;
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn labels_are_those_of_a_model(
        steps in prop::collection::vec(step(), 0..40),
        is_text in any::<bool>(),
    ) {
        let kind = if is_text { LabelKind::Utf8 } else { LabelKind::U64 };
        let (mut index, mut model) = (index(20), HashMap::new());
        index.build(Some(2), Some(1)).unwrap();
        let (mut text, mut dirs, mut is_loaded) = (String::new(), Vec::new(), false);
        for step in steps {
            match step {
                Step::Set(id, number) => {
                    let set = index.set_label(id, label(kind, number, &mut text));
                    prop_assert_eq!(set.is_ok(), set_all(&mut model, &[(id, number)]));
                }
                Step::SetAll(pairs) => {
                    let ids: Vec<i64> = pairs.iter().map(|(id, _)| *id).collect();
                    let mut texts = vec![String::new(); pairs.len()];
                    let numbers = pairs.iter().zip(&mut texts);
                    let labels: Vec<Label> =
                        numbers.map(|((_, number), text)| label(kind, *number, text)).collect();
                    let set = index.set_labels(Some(&ids), labels.iter().copied());
                    prop_assert_eq!(set.is_ok(), set_all(&mut model, &pairs));
                }
                Step::Clear(id) => {
                    index.clear_label(id).unwrap();
                    model.remove(&id);
                }
                Step::ClearAll => {
                    index.clear_labels();
                    model.clear();
                }
                Step::Remove(id) if !is_loaded => {
                    // Missing ones cannot be removed again.
                    if index.remove_item(id).is_ok() {
                        index.unbuild().unwrap();
                        index.build(Some(2), Some(1)).unwrap();
                        model.remove(&id);
                    }
                }
                Step::Rebuild if !is_loaded => {
                    index.unbuild().unwrap();
                    index.build(Some(3), Some(1)).unwrap();
                }
                Step::Remove(_) | Step::Rebuild => {}
                Step::Reload => {
                    let (dir, loaded, _) = saved(&index);
                    loaded.verify(3).unwrap().into_result().unwrap();
                    index = loaded;
                    dirs.push(dir);
                    is_loaded = true;
                }
            }
            agrees(&index, kind, &model);
        }
        // The same labels make the same bytes, however they came about.
        let mut fresh = self::index(20);
        for id in 0..20 {
            if index.label(id).unwrap().is_some() {
                fresh.set_label(id, index.label(id).unwrap().unwrap()).unwrap();
            }
        }
        fresh.build(Some(2), Some(1)).unwrap();
        let (one, other) = (saved(&index).2, saved(&fresh).2);
        prop_assert_eq!(crate::common::section(&one, 5), crate::common::section(&other, 5));
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut index = index(3);
    index.set_labels(None, ["a", "b"].into_iter()).unwrap();
    let error = index.set_label(2, "a").unwrap_err();
    assert!(matches!(error, Error::Label(_)));
    assert_eq!(
        error.to_string(),
        "item 2 cannot have the label \"a\": it is that of item 0"
    );
    let error = index.set_label(1, 7).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the labels of the index are strings, not numbers"
    );
    assert!(matches!(index.find_label(7), Err(Error::Unsupported(_))));
    for id in [-1, 3, i64::MAX] {
        assert!(matches!(index.set_label(id, "c"), Err(Error::Item { .. })));
        assert!(matches!(index.label(id), Err(Error::Item { .. })));
        assert!(matches!(index.clear_label(id), Err(Error::Item { .. })));
    }
    let error = index
        .set_labels(Some(&[1]), ["c", "d"].into_iter())
        .unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error}");
    // The second of them is at fault: the first is taken back.
    assert!(index
        .set_labels(Some(&[1, 2]), ["c", "a"].into_iter())
        .is_err());
    assert!(index
        .set_labels(None, ["a", "b", "c", "d"].into_iter())
        .is_err());
    assert_eq!(index.label(0).unwrap(), Some("a".into()));
    assert_eq!(index.label(1).unwrap(), Some("b".into()));
    assert_eq!(index.label(2).unwrap(), None);
    assert_eq!(index.find_label("c").unwrap(), None);
    assert_eq!(index.n_labels(), 2);
    // Long ones are cut off in messages.
    let long = "x".repeat(1000);
    index.set_label(0, &long).unwrap();
    let error = index.set_label(2, &long).unwrap_err().to_string();
    assert!(
        error.contains("(1000 bytes)") && error.len() < 200,
        "{error}"
    );
}

#[test]
fn items_swap_labels() {
    let mut index = index(2);
    index.set_labels(None, [1, 2].into_iter()).unwrap();
    index.set_labels(None, [2, 1].into_iter()).unwrap();
    assert_eq!(index.find_label(1).unwrap(), Some(1));
    assert_eq!(index.find_label(2).unwrap(), Some(0));
}

#[test]
fn empty_and_long_strings_and_all_numbers() {
    let long = "ü".repeat(1 << 19);
    let mut texts = index(3);
    texts
        .set_labels(Some(&[0, 2]), ["", long.as_str()].into_iter())
        .unwrap();
    texts.build(Some(1), Some(1)).unwrap();
    let (_dir, loaded, _) = saved(&texts);
    assert_eq!(loaded.label(0).unwrap(), Some("".into()));
    assert_eq!(loaded.label(1).unwrap(), None);
    assert_eq!(loaded.label(2).unwrap(), Some(long.as_str().into()));
    assert_eq!(loaded.find_label("").unwrap(), Some(0));
    assert_eq!(loaded.find_label(&long).unwrap(), Some(2));
    loaded.verify(3).unwrap().into_result().unwrap();

    let mut numbers = index(3);
    numbers
        .set_labels(None, [u64::MAX, 0, 1 << 63].into_iter())
        .unwrap();
    numbers.build(Some(1), Some(1)).unwrap();
    let (_dir, loaded, _) = saved(&numbers);
    assert_eq!(loaded.find_label(u64::MAX).unwrap(), Some(0));
    assert_eq!(loaded.find_label(0).unwrap(), Some(1));
    assert_eq!(loaded.label(2).unwrap(), Some((1 << 63).into()));
}

#[test]
fn labels_go_where_the_index_goes() {
    let mut index = index(30);
    index
        .set_labels(None, (0..30u32).map(|i| u64::from(i) * 1000))
        .unwrap();
    index.build(Some(2), Some(1)).unwrap();
    index.unbuild().unwrap();
    index.build(Some(2), Some(1)).unwrap();
    let (dir, mut loaded, bytes) = saved(&index);
    assert_eq!(loaded.find_label(7000).unwrap(), Some(7));
    // A copy of a loaded file is the file, also after its labels were copied to memory and set
    // back.
    assert!(saved(&loaded).2 == bytes);
    loaded.set_label(7, 1).unwrap();
    assert_eq!(loaded.find_label(7000).unwrap(), None);
    loaded.set_label(7, 7000).unwrap();
    assert!(saved(&loaded).2 == bytes);
    loaded.unload();
    assert_eq!((loaded.n_labels(), loaded.label_kind()), (0, None));
    // A load replaces those there were.
    let mut other = self::index(5);
    other.set_label(0, "x").unwrap();
    other.load(dir.path().join("a.ann"), Access::Copy).unwrap();
    assert_eq!(other.find_label(7000).unwrap(), Some(7));
}

#[test]
fn an_on_disk_build_has_the_bytes_of_a_save() {
    let dir = crate::common::scratch();
    let path = dir.path().join("disk.ann");
    let fill = |index: &mut Index| {
        for id in 0..100 {
            index.add_item(id, &[id as f32, 1.0]).unwrap();
        }
        let texts: Vec<String> = (0..100).map(|i| format!("item {i}")).collect();
        index.set_labels(None, texts.iter()).unwrap();
        index.set_metadata(b"of mine").unwrap();
        index.remove_item(50).unwrap();
        index.build(Some(3), Some(1)).unwrap();
    };
    let mut on_disk = Index::new(Metric::Euclidean, 2).unwrap();
    on_disk.on_disk_build(&path).unwrap();
    fill(&mut on_disk);
    let mut in_memory = Index::new(Metric::Euclidean, 2).unwrap();
    fill(&mut in_memory);
    assert!(std::fs::read(&path).unwrap() == saved(&in_memory).2);
    let loaded = Index::open(&path, Access::Map).unwrap();
    assert_eq!(
        (loaded.n_labels(), loaded.find_label("item 50").unwrap()),
        (99, None)
    );
}

/// The number whose hash with a seed, XXH3 of 64 bits, is this: the steps for inputs of eight
/// bytes, backwards.
fn with_hash(hash: u64, seed: u64) -> u64 {
    const PRIME: u64 = 0x9fb2_1c65_1e98_df25;
    let inverse = (0..6).fold(PRIME, |x, _| {
        x.wrapping_mul(2u64.wrapping_sub(PRIME.wrapping_mul(x)))
    });
    let mut h = hash ^ hash >> 28 ^ hash >> 56;
    h = h.wrapping_mul(inverse);
    h ^= (h >> 35) + 8;
    h = h.wrapping_mul(inverse);
    // Two rotations and the number itself, added without carry: 64 times that is nothing, so 63
    // times undo it.
    for _ in 0..63 {
        h ^= h.rotate_left(49) ^ h.rotate_left(24);
    }
    let secret = 0x1cad_21f7_2c81_017c ^ 0xdb97_9083_e96d_d4deu64;
    let seed = seed ^ u64::from((seed as u32).swap_bytes()) << 32;
    (h ^ secret.wrapping_sub(seed)).rotate_left(32)
}

/// Labels that have one home with the last seed, and of each other seed more than can be near
/// theirs. `0` and up are no labels.
fn made_to_collide(n_last: usize) -> Vec<u64> {
    const EACH: usize = 300;
    let n = n_last + 15 * EACH;
    let at = |slot: u64, i: usize| (slot << 32) / (2 * n as u64) * (1 << 32) + (1 << 20) + i as u64;
    let last = (0..n_last).map(|i| with_hash(at(5, i), 15));
    let others = (0..15).flat_map(|seed| (0..EACH).map(move |i| (seed, i)));
    let others = others.map(|(seed, i)| with_hash(at(7 + 1000 * seed, i), seed));
    last.chain(others).collect()
}

#[test]
fn labels_made_to_collide() {
    let made = made_to_collide(60_000);
    for (i, &number) in made.iter().enumerate().take(10) {
        let hash = twox_hash::XxHash3_64::oneshot_with_seed(15, &number.to_le_bytes());
        let home = (u128::from(hash) * 2 * made.len() as u128) >> 64;
        assert!((4..7).contains(&home), "{i}: {home}");
    }
    let usual: Vec<u64> = (0..made.len() as u64).map(|i| i * 2_654_435_761).collect();
    let [usual, made] = [usual, made].map(|labels| {
        let mut index = index(labels.len() as i64);
        index.set_labels(None, labels.iter().copied()).unwrap();
        index.build(Some(1), Some(1)).unwrap();
        let start = std::time::Instant::now();
        let bytes = index.to_bytes().unwrap();
        let saving = start.elapsed();
        let loaded = Index::open_bytes(bytes.clone()).unwrap();
        let start = std::time::Instant::now();
        let found = |label: &u64| loaded.find_label(*label).unwrap();
        for id in (0..labels.len()).rev().step_by(97) {
            assert_eq!(found(&labels[id]), Some(id as i64));
        }
        for none in 1..500u64 {
            assert_eq!(found(&(none << 50 | 1)), None);
        }
        let finding = start.elapsed();
        assert!(loaded.verify(1).unwrap().is_sound());
        // Copied to memory and set again they are the same bytes.
        let mut again = Index::open_bytes(bytes.clone()).unwrap();
        again.set_label(3, 1 << 63).unwrap();
        assert_eq!(again.find_label(1u64 << 63).unwrap(), Some(3));
        again.set_label(3, labels[3]).unwrap();
        assert!(again.to_bytes().unwrap() == bytes);
        println!("saved in {saving:?}, found in {finding:?}");
        [saving, finding]
    });
    for (what, (usual, made)) in ["saving", "finding"].iter().zip(usual.iter().zip(made)) {
        assert!(made < *usual * 100, "{what}: {made:?}, others {usual:?}");
    }
}

/// While the table of labels is made, too, a save looks at the token and tells its progress: all of
/// it is still to come.
#[test]
fn a_save_is_cancelled_while_its_table_of_labels_is_made() {
    let n = 300_000u64;
    let mut index = Index::new(Metric::Euclidean, 1).unwrap();
    index.add_item(n as i64 - 1, &[1.0f32]).unwrap();
    index
        .set_labels(None, (0..n as u32).map(|i| u64::from(i) * 7))
        .unwrap();
    index.build(Some(1), Some(1)).unwrap();
    let dir = crate::common::scratch();
    let path = dir.path().join("a.ann");
    let size = index.saved_size().unwrap() as u64;
    for end in 1..=6 {
        let (cancel, mut calls) = (Cancel::new(), 0);
        let mut tell = |stage, done, total| {
            calls += 1;
            assert_eq!((stage, done, total), (Stage::Save, 0, size));
            if calls == end {
                cancel.cancel();
            }
        };
        let mut work = Work {
            cancel: Some(&cancel),
            progress: Some(&mut tell),
            ..Work::default()
        };
        let saved = index.save_with(&path, &mut work);
        assert!(matches!(saved, Err(Error::Cancelled)), "{saved:?}");
        assert!(!path.exists() && std::fs::read_dir(dir.path()).unwrap().count() == 0);
    }
    index.save(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), size);
}
