//! Directories of shards: what is found in them is what one index finds, and they change all at
//! once.

use crate::common::{
    all_types, built, ids, in_turn, name, random_items, sample, scratch, Item, Random,
};
use annoy_rs::{
    Bitmap, Error, Index, Label, Metric, Neighbor, NewShard, Options, Search, ShardAccess, Shards,
    Way, Work,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Saves items as shards of these sizes and commits them; labels say which item it is.
fn sharded(path: &Path, options: Options, items: &[Item], sizes: &[usize], labels: bool) {
    let mut start = 0;
    let mut names = Vec::new();
    for (i, size) in sizes.iter().enumerate() {
        let mut index = built(options, &items[start..start + size], 5);
        if labels {
            let labels = (start..start + size).map(|label| Label::U64(label as u64));
            index.set_labels(None, labels).unwrap();
        }
        names.push(format!("s{i}.ann"));
        index.save(path.join(&names[i])).unwrap();
        start += size;
    }
    commit(path, 0, &names).unwrap();
}

fn commit(path: &Path, expected: u64, names: &[impl AsRef<str>]) -> annoy_rs::Result<u64> {
    let new: Vec<_> = names
        .iter()
        .map(|name| NewShard::file(name.as_ref()))
        .collect();
    Shards::commit(path, expected, &new)
}

fn open(path: &Path) -> Shards {
    Shards::open(path, ShardAccess::default()).unwrap()
}

/// Nearly the same: of the same items, the last bits of distances may differ, and with them the
/// order of those that are as far.
fn same(context: &str, found: &[Neighbor], expected: &[Neighbor]) {
    assert_eq!(found.len(), expected.len(), "{context}");
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a.distance - b.distance).abs() < 1e-6,
            "{context}: {a:?} {b:?}"
        );
    }
    let ties = expected
        .windows(2)
        .any(|pair| (pair[0].distance - pair[1].distance).abs() < 1e-6);
    assert!(ties || ids(found) == ids(expected), "{context}");
}

#[test]
fn exact_answers_are_those_of_one_index() {
    for (i, options) in in_turn(all_types(9, 70), 0).into_iter().enumerate() {
        let items = random_items(options, 200, i as u64);
        let one = built(options, &items, 5);
        let directory = scratch();
        // Starts that are multiples of 64 and others, and an empty one.
        sharded(
            directory.path(),
            options,
            &items,
            &[64, 37, 0, 99],
            i % 2 == 0,
        );
        let shards = open(directory.path()).now().unwrap();
        assert_eq!(
            (shards.n_items(), shards.n_shards(), shards.f()),
            (200, 4, options.f)
        );
        let bits: Vec<u64> = (0..4).map(|i| 0x5a5a_1234_9999_0f0f >> i).collect();
        let filter = |id: i64| id % 3 != 0;
        let exclude = [150, 3, 64, 101, -5, 1000];
        let base = Search {
            way: Way::Exact,
            ..Search::new(12)
        };
        let bitmap = |deny| Some(Bitmap { words: &bits, deny });
        let searches = [
            base,
            Search {
                exclude: &exclude,
                ..base
            },
            Search {
                bitmap: bitmap(false),
                ..base
            },
            Search {
                bitmap: bitmap(true),
                filter: Some(&filter),
                ..base
            },
            Search {
                max_distance: Some(0.9),
                ..base
            },
            Search {
                exclude_self: true,
                filter: Some(&filter),
                ..base
            },
            Search { n: 1000, ..base },
            Search { n: 0, ..base },
        ];
        for (s, search) in searches.iter().enumerate() {
            for id in [0i64, 63, 64, 100, 101, 199] {
                let context = format!("{} search {s} item {id}", name(options));
                let item = &items[id as usize];
                same(
                    &context,
                    &shards.search(item, search).unwrap(),
                    &one.search(item, search).unwrap(),
                );
                let found = shards.search_item(id, search).unwrap();
                same(&context, &found, &one.search_item(id, search).unwrap());
                let mut room = Item::zero(options);
                assert!(crate::common::Item::read(&one, id).is_ok());
                read(&shards, id, &mut room);
                assert_eq!(room, Item::read(&one, id).unwrap());
            }
        }
        let (a, b) = (
            shards.get_distance(3, 150).unwrap(),
            one.get_distance(3, 150).unwrap(),
        );
        assert_eq!(a, b, "{}", name(options));
        assert!(shards
            .verify_with(9, &mut Work::default())
            .unwrap()
            .is_sound());
        assert_eq!(shards.info().unwrap().n_present, 200);
        assert!(shards.search_item(200, &base).is_err() && shards.search_item(-1, &base).is_err());
    }
}

fn read(shards: &annoy_rs::View, id: i64, to: &mut Item) {
    let room = match to {
        Item::F32(values) => annoy_rs::VectorMut::F32(values),
        Item::F64(values) => annoy_rs::VectorMut::F64(values),
        Item::Bits(words) => annoy_rs::VectorMut::Bits(words),
    };
    shards.get_item(id, room).unwrap();
}

#[test]
fn batches_are_single_searches_for_any_number_of_threads() {
    let options = Options::new(Metric::Euclidean, 8);
    let items = random_items(options, 900, 1);
    let directory = scratch();
    sharded(directory.path(), options, &items, &[300, 200, 400], true);
    let shards = open(directory.path()).now().unwrap();
    for way in [Way::Fastest, Way::Exact] {
        let search = Search {
            way,
            ..Search::new(7)
        };
        for n in [1, 2, 70] {
            let single: Vec<_> = items[..n]
                .iter()
                .map(|i| shards.search(i, &search).unwrap())
                .collect();
            let by_id: Vec<_> = (0..n as i64)
                .map(|i| shards.search_item(i, &search).unwrap())
                .collect();
            let all: Vec<i64> = (0..n as i64).collect();
            for n_threads in [1, 2, 5] {
                let mut work = Work {
                    n_threads: Some(n_threads),
                    ..Work::default()
                };
                let mut found = vec![None; n];
                let take = |i: usize, one: Vec<Neighbor>| found[i] = Some(one);
                shards
                    .search_batch(|i| &items[i], n, &search, &mut work, take)
                    .unwrap();
                assert!(found
                    .iter()
                    .zip(&single)
                    .all(|(a, b)| a.as_ref() == Some(b)));
                let mut found = vec![None; n];
                let take = |i: usize, one: Vec<Neighbor>| found[i] = Some(one);
                shards
                    .search_batch_items(&all, &search, &mut work, take)
                    .unwrap();
                assert!(found.iter().zip(&by_id).all(|(a, b)| a.as_ref() == Some(b)));
            }
        }
    }
    let bad = [f32::NAN; 8];
    let good = [0f32; 8];
    let query = |i: usize| if i == 1 { &bad } else { &good };
    let search = Search::new(3);
    let take = |_: usize, _: Vec<Neighbor>| panic!("nothing is handed over");
    let failed = shards.search_batch(query, 3, &search, &mut Work::default(), take);
    assert!(matches!(failed, Err(Error::NotFinite { .. })));
    let some = Search {
        shards: &[1],
        ..search
    };
    assert!(shards
        .search(&items[0], &some)
        .unwrap()
        .iter()
        .all(|n| (300..500).contains(&n.id)));
    assert!(shards
        .search(
            &items[0],
            &Search {
                shards: &[3],
                ..search
            }
        )
        .is_err());
}

#[test]
fn equal_distances_are_in_the_order_of_labels_whatever_the_shards() {
    let options = Options::new(Metric::Euclidean, 1);
    let mut answers = BTreeSet::new();
    for n_shards in [1usize, 2, 5] {
        let directory = scratch();
        let mut names = Vec::new();
        for s in 0..n_shards {
            let mut index = Index::with_options(options).unwrap();
            // All alike; the largest labels are in the first shards, in each ascending.
            let labels: Vec<u64> = (0..20)
                .filter(|l| (19 - l) % n_shards == s)
                .map(|l| l as u64)
                .collect();
            for (id, label) in labels.iter().enumerate() {
                index.add_item(id as i64, &[1.0f32]).unwrap();
                index.set_label(id as i64, *label).unwrap();
            }
            index.build(Some(1), None).unwrap();
            names.push(format!("{s}.ann"));
            index.save(directory.path().join(&names[s])).unwrap();
        }
        commit(directory.path(), 0, &names).unwrap();
        let view = open(directory.path()).now().unwrap();
        let found = view.search(&[0f32], &Search::new(20)).unwrap();
        let labels: Vec<_> = found
            .iter()
            .map(|n| format!("{:?}", view.label(n.id).unwrap()))
            .collect();
        answers.insert(labels);
        for label in 0..20u64 {
            let id = view.find_label(label).unwrap().unwrap();
            assert_eq!(view.label(id).unwrap(), Some(Label::U64(label)));
        }
        assert_eq!(view.find_label(20).unwrap(), None);
        assert!(matches!(view.find_label("a"), Err(Error::Unsupported(_))));
    }
    assert_eq!(answers.len(), 1);
}

#[test]
fn removed_items_are_marks_beside_a_shard_that_stays() {
    let options = Options::new(Metric::Angular, 4);
    let items = random_items(options, 100, 7);
    let directory = scratch();
    let path = directory.path();
    sharded(path, options, &items, &[50, 50], true);
    let bytes = std::fs::read(path.join("s1.ann")).unwrap();
    let remove = |expected, removed: &[i64]| {
        let second = NewShard {
            removed,
            ..NewShard::file("s1.ann")
        };
        Shards::commit(path, expected, &[NewShard::file("s0.ann"), second])
    };
    assert!(matches!(remove(1, &[50]), Err(Error::Item { id: 50, .. })));
    assert_eq!(remove(1, &[3, 9, 3]).unwrap(), 2);
    assert_eq!(remove(2, &[4]).unwrap(), 3);
    assert_eq!(bytes, std::fs::read(path.join("s1.ann")).unwrap());
    let view = open(path).now().unwrap();
    assert_eq!(view.n_removed(), 3);
    let everything = Search {
        way: Way::Exact,
        ..Search::new(100)
    };
    let found = view.search(&items[53], &everything).unwrap();
    assert_eq!(found.len(), 97);
    assert!(found.iter().all(|n| ![53, 54, 59].contains(&n.id)));
    assert!(view.is_removed(54) && !view.has_item(54) && view.has_item(4));
    assert!(matches!(
        view.search_item(53, &everything),
        Err(Error::Item { id: 53, .. })
    ));
    assert_eq!(view.ids().count(), 97);
    // A later shard has the label of a removed item: that one is found.
    let mut index = Index::with_options(options).unwrap();
    index.add_item(0, &[0.5f32; 4]).unwrap();
    index.set_label(0, 53u64).unwrap();
    index.build(Some(1), None).unwrap();
    index.save(path.join("s2.ann")).unwrap();
    commit(path, 3, &["s0.ann", "s1.ann", "s2.ann"]).unwrap();
    let view = open(path).now().unwrap();
    assert_eq!(view.find_label(53).unwrap(), Some(100));
    assert!(view
        .verify_with(9, &mut Work::default())
        .unwrap()
        .is_sound());
    // The same label twice is a fault.
    index.set_label(0, 17u64).unwrap();
    index.save(path.join("s3.ann")).unwrap();
    commit(path, 4, &["s0.ann", "s3.ann"]).unwrap();
    let report = open(path)
        .now()
        .unwrap()
        .verify_with(9, &mut Work::default())
        .unwrap();
    assert_eq!(report.n_faults, 1);
    assert!(
        report.faults[0].text.contains("have the label 17"),
        "{:?}",
        report.faults
    );
}

#[test]
fn refresh_takes_up_what_is_new_while_searches_go_on() {
    let options = Options::new(Metric::Euclidean, 4);
    let items = random_items(options, 120, 3);
    let directory = scratch();
    let path = directory.path();
    sharded(path, options, &items[..60], &[20, 40], false);
    let shards = open(path);
    let before = shards.now().unwrap();
    assert!(!shards.refresh().unwrap());
    built(options, &items[60..], 5)
        .save(path.join("s2.ann"))
        .unwrap();
    let (done, exact) = (
        AtomicBool::new(false),
        Search {
            way: Way::Exact,
            ..Search::new(1)
        },
    );
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let view = shards.now().unwrap();
                    let found = view.search(&items[5], &exact).unwrap();
                    assert_eq!(found[0].id, 5);
                }
            });
        }
        for i in 0..20 {
            let names: &[&str] = match i % 2 {
                0 => &["s0.ann", "s1.ann", "s2.ann"],
                _ => &["s0.ann", "s1.ann"],
            };
            assert_eq!(commit(path, i + 1, names).unwrap(), i + 2);
            assert!(shards.refresh().unwrap());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        (before.n_items(), shards.now().unwrap().n_items()),
        (60, 60)
    );
    // What is gone from the directory is still searched by who began with it.
    assert_eq!(commit(path, 21, &["s2.ann"]).unwrap(), 22);
    assert_eq!(Shards::prune(path, 1).unwrap(), 21 + 2);
    assert_eq!(before.search(&items[5], &exact).unwrap()[0].id, 5);
    assert!(shards.refresh().unwrap());
    assert_eq!(shards.now().unwrap().n_items(), 60);
    let left: BTreeSet<_> = crate::common::directory(path).into_keys().collect();
    let expected = ["MANIFEST", "MANIFEST.22", "MANIFEST.lock", "s2.ann"];
    assert_eq!(left, expected.map(String::from).into());
}

#[test]
fn a_missing_shard_is_an_error_or_said_to_be_missing() {
    let options = Options::new(Metric::Euclidean, 4);
    let items = random_items(options, 60, 3);
    let directory = scratch();
    sharded(directory.path(), options, &items, &[20, 40], false);
    let shard = directory.path().join("s0.ann");
    let away = directory.path().join("away");
    std::fs::rename(&shard, &away).unwrap();
    let failed = Shards::open(directory.path(), ShardAccess::default()).map(|_| ());
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    let partial = ShardAccess {
        partial: true,
        ..ShardAccess::default()
    };
    let shards = Shards::open(directory.path(), partial).unwrap();
    let view = shards.now().unwrap();
    assert_eq!((view.n_missing(), view.n_items()), (1, 60));
    let found = view.search(&items[30], &Search::new(60)).unwrap();
    assert_eq!((found.len(), found[0].id), (40, 30));
    assert!(matches!(
        view.search_item(3, &Search::new(1)),
        Err(Error::Item { id: 3, .. })
    ));
    assert_eq!(
        view.verify_with(9, &mut Work::default()).unwrap().n_faults,
        1
    );
    assert!(!shards.refresh().unwrap());
    std::fs::rename(&away, &shard).unwrap();
    assert!(shards.refresh().unwrap());
    assert_eq!(shards.now().unwrap().n_missing(), 0);
    assert!(!shards.refresh().unwrap());
}

/// The word vectors that are shipped: held-out ones are the queries.
fn words() -> Vec<Vec<f32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/glove-20k-50d.f16");
    let bytes = std::fs::read(path).unwrap();
    let number = |b: &[u8]| half::f16::from_le_bytes([b[0], b[1]]).to_f32();
    let numbers: Vec<f32> = bytes.chunks_exact(2).map(number).collect();
    numbers.chunks_exact(50).map(<[f32]>::to_vec).collect()
}

/// Words of these places, every one of so many, as shards of which each has a graph.
fn word_shards(path: &Path, words: &[Vec<f32>], n_shards: usize) -> Shards {
    let mut names = Vec::new();
    for s in 0..n_shards {
        let mut index = Index::new(Metric::Angular, 50).unwrap();
        for (id, word) in words.iter().skip(s).step_by(n_shards).enumerate() {
            index.add_item(id as i64, word).unwrap();
            index
                .set_label(id as i64, (s + id * n_shards) as u64)
                .unwrap();
        }
        index.build(Some(10), None).unwrap();
        index
            .build_graph(&Default::default(), &mut Work::default())
            .unwrap();
        names.push(format!("{s}-of-{n_shards}.ann"));
        index.save(path.join(&names[s])).unwrap();
    }
    commit(path, 0, &names).unwrap();
    open(path)
}

/// Of the nearest ten.
fn recall(shards: &Shards, queries: &[Vec<f32>], truth: &[Vec<u64>], search: &Search<'_>) -> f64 {
    let view = shards.now().unwrap();
    let label = |n: &Neighbor| match view.label(n.id).unwrap() {
        Some(Label::U64(label)) => label,
        other => panic!("{other:?}"),
    };
    let hits = queries.iter().zip(truth).map(|(query, truth)| {
        let found = view.search(query, search).unwrap();
        found.iter().filter(|n| truth.contains(&label(n))).count()
    });
    hits.sum::<usize>() as f64 / (10 * queries.len()) as f64
}

#[test]
fn recall_does_not_fall_with_the_number_of_shards() {
    // All words, or in the everyday run one in four.
    let mut words: Vec<_> = words().into_iter().step_by(sample().clamp(1, 4)).collect();
    let mut random = Random(5);
    for i in (1..words.len()).rev() {
        words.swap(i, random.below(i + 1));
    }
    let queries = words.split_off(words.len() - 200);
    let directories = [scratch(), scratch()];
    let one = word_shards(directories[0].path(), &words, 1);
    let many = word_shards(directories[1].path(), &words, 16);
    let exact = Search {
        way: Way::Exact,
        ..Search::new(10)
    };
    let view = one.now().unwrap();
    let truth: Vec<Vec<u64>> = queries
        .iter()
        .map(|q| {
            view.search(q, &exact)
                .unwrap()
                .iter()
                .map(|n| n.id as u64)
                .collect()
        })
        .collect();
    for way in [Way::Graph, Way::Forest] {
        for search_k in [None, Some(50), Some(100), Some(400), Some(1600), Some(3000)] {
            let search = Search {
                way,
                search_k,
                ..Search::new(10)
            };
            let [a, b] = [&one, &many].map(|shards| recall(shards, &queries, &truth, &search));
            println!("{way:?} {search_k:?}: one {a:.3}, sixteen {b:.3}");
            assert!(
                b >= a - 0.01,
                "{way:?} {search_k:?}: one {a:.3}, sixteen {b:.3}"
            );
        }
    }
}

#[test]
fn an_item_that_was_never_there_can_be_removed() {
    let directory = scratch();
    let path = directory.path();
    let mut index = Index::new(Metric::Euclidean, 1).unwrap();
    index.add_item(4, &[1f32]).unwrap();
    index.build(Some(1), None).unwrap();
    index.save(path.join("a.ann")).unwrap();
    let first = NewShard {
        removed: &[2],
        ..NewShard::file("a.ann")
    };
    Shards::commit(path, 0, &[first]).unwrap();
    let view = open(path).now().unwrap();
    assert_eq!(ids(&view.search(&[0f32], &Search::new(9)).unwrap()), [4]);
    assert_eq!(view.n_removed(), 0);
}
