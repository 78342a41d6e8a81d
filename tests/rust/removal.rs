//! Removed items and the estimate of recall: against models.

use crate::common::{built, ids, random_items, saved, scratch, Item};
use annoy_rs::{Access, Bitmap, Cancel, Error, Index, Metric, Options, Search, Way, Work};
use proptest::prelude::*;
use std::collections::BTreeSet;

const N: usize = 200;

fn items() -> Vec<Item> {
    random_items(Options::new(Metric::Euclidean, 4), N, 5)
}

fn index() -> Index {
    built(Options::new(Metric::Euclidean, 4), &items(), 3)
}

fn reopened(index: &Index) -> Index {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    index.save(&path).unwrap();
    Index::open(&path, Access::Copy).unwrap()
}

/// No form of search finds what is removed, and an exact one finds all else.
fn agrees(index: &Index, removed: &BTreeSet<i64>, missing: &BTreeSet<i64>, query: &Item) {
    assert_eq!(index.n_removed(), removed.len());
    let there: Vec<i64> = (0..N as i64)
        .filter(|id| !removed.contains(id) && !missing.contains(id))
        .collect();
    let all = Search {
        way: Way::Exact,
        ..Search::new(N)
    };
    let sorted = |found: Vec<annoy_rs::Neighbor>| {
        let mut ids = ids(&found);
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(index.search(query, &all).unwrap()), there);
    let forest = Search {
        search_k: Some(u64::MAX),
        ..Search::new(N)
    };
    assert_eq!(sorted(index.search(query, &forest).unwrap()), there);
    let few = index.get_nns_by_vector(query, 10, None).unwrap();
    assert_eq!(few.len(), there.len().min(10));
    assert!(few.iter().all(|one| there.contains(&one.id)));
    // Filters on top.
    let words = vec![0x5555_5555_5555_5555u64; N.div_ceil(64)];
    let even = Search {
        bitmap: Some(Bitmap {
            words: &words,
            deny: false,
        }),
        ..forest
    };
    let expected: Vec<i64> = there.iter().copied().filter(|id| id % 2 == 0).collect();
    assert_eq!(sorted(index.search(query, &even).unwrap()), expected);
    let mut n_batched = 0;
    index
        .search_batch(
            |_| query,
            20,
            &all,
            &mut Work::default(),
            |_, found| {
                assert_eq!(sorted(found), there);
                n_batched += 1;
            },
        )
        .unwrap();
    assert_eq!(n_batched, 20);
    for id in 0..N as i64 {
        assert_eq!(index.is_removed(id), removed.contains(&id), "{id}");
        let from = index.search_item(id, &Search::new(1));
        let batch =
            index.search_batch_items(&[id], &Search::new(1), &mut Work::default(), |_, _| ());
        assert_eq!(from.is_err(), removed.contains(&id), "{id}");
        assert_eq!(batch.is_err(), removed.contains(&id), "{id}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Remove(i64),
    RemoveFrom(i64),
    Restore(i64),
    Add(i64),
    Rebuild,
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..N as i64;
    prop_oneof![
        6 => id.clone().prop_map(Step::Remove),
        1 => id.clone().prop_map(Step::RemoveFrom),
        3 => id.clone().prop_map(Step::Restore),
        2 => id.prop_map(Step::Add),
        2 => Just(Step::Rebuild),
        1 => Just(Step::Reload),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn removed_items_are_those_of_a_model(steps in prop::collection::vec(step(), 0..20)) {
        let (mut index, items) = (index(), items());
        let (mut removed, mut missing) = (BTreeSet::new(), BTreeSet::new());
        let mut is_loaded = false;
        for step in steps {
            match step {
                Step::Remove(id) => {
                    prop_assert_eq!(index.remove_item(id).is_err(), missing.contains(&id));
                    if !missing.contains(&id) {
                        removed.insert(id);
                    }
                }
                Step::RemoveFrom(first) => {
                    for id in first..N as i64 {
                        if index.remove_item(id).is_ok() {
                            removed.insert(id);
                        }
                    }
                }
                Step::Restore(id) => {
                    index.restore_item(id).unwrap();
                    removed.remove(&id);
                }
                Step::Add(id) if !is_loaded => {
                    index.unbuild().unwrap();
                    index.add_item(id, &items[id as usize]).unwrap();
                    removed.remove(&id);
                    missing.remove(&id);
                    index.build(Some(3), Some(1)).unwrap();
                    missing.append(&mut removed);
                }
                Step::Rebuild if !is_loaded => {
                    index.unbuild().unwrap();
                    index.build(Some(3), Some(1)).unwrap();
                    missing.append(&mut removed);
                    prop_assert_eq!(index.info().unwrap().n_present, N - missing.len());
                }
                Step::Add(_) | Step::Rebuild => {}
                Step::Reload => {
                    index = reopened(&index);
                    is_loaded = true;
                }
            }
            prop_assert_eq!(index.n_items(), N);
            index.verify(3).unwrap().into_result().unwrap();
            agrees(&index, &removed, &missing, &items[7]);
        }
    }
}

#[test]
fn what_cannot_be_removed() {
    let mut index = index();
    for id in [-1, N as i64, i64::MAX, i64::MIN] {
        assert!(matches!(index.remove_item(id), Err(Error::Item { .. })));
        assert!(matches!(index.restore_item(id), Err(Error::Item { .. })));
        assert!(!index.is_removed(id));
    }
    index.remove_item(3).unwrap();
    index.remove_item(3).unwrap();
    // A batch hands nothing over before all its items are found to be good.
    let batch = |_, _| panic!("handed over");
    let refused = index.search_batch_items(&[4, 3], &Search::new(1), &mut Work::default(), batch);
    assert!(matches!(refused, Err(Error::Item { id: 3, .. })));
    assert_eq!(index.n_removed(), 1);
    let error = index.get_nns_by_item(3, 1, None).unwrap_err().to_string();
    assert_eq!(error, "item id is 3, expected an item that is not removed");
    // It can still be read.
    assert!(index.get_distance(3, 4).unwrap() > 0.0);
    index.unbuild().unwrap();
    index.build(Some(2), Some(1)).unwrap();
    let error = index.remove_item(3).unwrap_err().to_string();
    assert_eq!(error, "item id is 3, expected an item that is not missing");
}

#[test]
fn a_build_without_the_removed_is_one_without_them() {
    let options = Options::new(Metric::Angular, 4);
    let items = random_items(options, N, 8);
    let (mut with, mut without) = (
        Index::with_options(options).unwrap(),
        Index::with_options(options).unwrap(),
    );
    for (id, item) in items.iter().enumerate() {
        with.add_item(id as i64, item).unwrap();
        if id % 7 != 0 {
            without.add_item(id as i64, item).unwrap();
        }
    }
    for id in (0..N as i64).step_by(7) {
        with.set_label(id, id as u64).unwrap();
        with.remove_item(id).unwrap();
    }
    for index in [&mut with, &mut without] {
        index.build(Some(4), Some(2)).unwrap();
    }
    assert!(saved(&with) == saved(&without));
    assert_eq!((with.n_removed(), with.n_labels()), (0, 0));
}

#[test]
fn a_build_that_fails_brings_them_back() {
    let mut index = index();
    index.unbuild().unwrap();
    index.set_label(5, "five").unwrap();
    index.remove_item(5).unwrap();
    let before = Item::read(&index, 5).unwrap();
    let directory = scratch();
    let mut on_disk = Index::with_options(index.options()).unwrap();
    on_disk
        .on_disk_build(directory.path().join("x.ann"))
        .unwrap();
    for (id, item) in items().iter().enumerate() {
        on_disk.add_item(id as i64, item).unwrap();
    }
    on_disk.set_label(5, "five").unwrap();
    on_disk.remove_item(5).unwrap();
    let cancel = Cancel::new();
    let mut give_up = |_, _, _| cancel.cancel();
    let mut work = Work {
        cancel: Some(&cancel),
        progress: Some(&mut give_up),
        ..Work::default()
    };
    let built = on_disk.build_with(Some(2), &mut work);
    assert!(matches!(built, Err(Error::Cancelled)));
    assert!(on_disk.is_removed(5));
    assert_eq!(Item::read(&on_disk, 5).unwrap().numbers(), before.numbers());
    assert_eq!(on_disk.find_label("five").unwrap(), Some(5));
}

#[test]
fn nothing_removed_leaves_no_section() {
    let mut index = index();
    let before = saved(&index);
    index.remove_item(9).unwrap();
    assert_eq!(index.info().unwrap().n_removed, 1);
    let mut loaded = reopened(&index);
    assert!(loaded.is_removed(9));
    loaded.restore_item(9).unwrap();
    assert!(saved(&loaded) == before);
    loaded.remove_item(9).unwrap();
    assert!(saved(&loaded) == saved(&index));
    loaded.unload();
    assert_eq!(loaded.n_removed(), 0);
}

#[test]
fn recall_is_what_counting_gives() {
    for metric in Metric::ALL {
        let options = Options::new(metric, if metric == Metric::Hamming { 40 } else { 4 });
        let items = random_items(options, N, 6);
        let mut index = built(options, &items, 2);
        index.remove_item(3).unwrap();
        let estimate = |search_k, n_threads| {
            let mut work = Work {
                n_threads: Some(n_threads),
                ..Work::default()
            };
            index
                .estimate_recall(N, 10, Some(search_k), 1, &mut work)
                .unwrap()
        };
        // By hand, over all items, as the sample is larger than the index.
        let (mut hits, mut wanted) = (0, 0);
        for id in (0..N as i64).filter(|&id| id != 3) {
            let search = Search {
                exclude_self: true,
                search_k: Some(20),
                ..Search::new(10)
            };
            let exact = Search {
                way: Way::Exact,
                ..search
            };
            let found = index.search_item(id, &search).unwrap();
            let truth = index.search_item(id, &exact).unwrap();
            let last = truth.last().unwrap().distance;
            let is_near = |distance: f64| match metric {
                Metric::Dot => distance >= last,
                _ => distance <= last,
            };
            hits += found.iter().filter(|one| is_near(one.distance)).count();
            wanted += truth.len();
        }
        let expected = hits as f64 / wanted as f64;
        assert!(expected < 0.95, "{metric}: {expected}");
        assert_eq!(estimate(20, 1), expected, "{metric}");
        assert_eq!(estimate(20, 3), expected, "{metric}");
        assert_eq!(estimate(u64::MAX, 1), 1.0, "{metric}");
    }
}

#[test]
fn recall_samples_by_its_seed() {
    let index = index();
    let estimate = |seed| {
        let mut work = Work::default();
        index
            .estimate_recall(20, 10, Some(40), seed, &mut work)
            .unwrap()
    };
    assert_eq!(estimate(1), estimate(1));
    assert!((2..20).any(|seed| estimate(seed) != estimate(1)));
    for (n_sample, n) in [(0, 1), (1, 0)] {
        let refused = index.estimate_recall(n_sample, n, None, 1, &mut Work::default());
        assert!(matches!(refused, Err(Error::Argument { .. })));
    }
    let alone = built(index.options(), &items()[..1], 1);
    assert_eq!(
        alone
            .estimate_recall(5, 5, None, 1, &mut Work::default())
            .unwrap(),
        1.0
    );
    let empty = Index::with_options(index.options()).unwrap();
    let refused = empty.estimate_recall(1, 1, None, 1, &mut Work::default());
    assert!(matches!(refused, Err(Error::State { .. })));
}

/// Nothing is left, in one leaf's worth of items and in more: trees over missing items only are
/// sound.
#[test]
fn all_items_removed() {
    for n in [1, 2, 5, 100] {
        let options = Options::new(Metric::Euclidean, 4);
        let mut index = built(options, &random_items(options, n, 5), 2);
        (0..n as i64).for_each(|id| index.remove_item(id).unwrap());
        index.unbuild().unwrap();
        index.build(Some(2), Some(1)).unwrap();
        for index in [&index, &reopened(&index)] {
            let report = index.verify(1).unwrap();
            assert!(report.is_sound(), "{n}: {report:?}");
            assert_eq!((index.n_items(), index.info().unwrap().n_present), (n, 0));
            let found = index.get_nns_by_vector(&items()[0], n, Some(u64::MAX));
            assert!(found.unwrap().is_empty(), "{n}");
        }
    }
}
