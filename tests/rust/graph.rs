//! The neighbour graph: what it finds, that it is the same everywhere, that it goes along in files.

use crate::common::in_turn;
use annoy_rs::{
    Bitmap, Cancel, Error, GraphPlan, Index, Metric, Neighbor, Options, ScalarType, Search, Way,
    Work,
};

use std::collections::HashSet;
use std::sync::Mutex;

const N: usize = 3000;
const F: usize = 24;

/// Vectors around a few centres, of lengths that differ; for hamming their signs are what counts.
fn vectors(n: usize, mut state: u64) -> Vec<Vec<f32>> {
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let centres: Vec<Vec<f32>> = (0..20)
        .map(|_| (0..F).map(|_| random()).collect())
        .collect();
    (0..n)
        .map(|i| {
            let length = 1.0 + 2.0 * (random() + 0.5);
            let centre = &centres[i % centres.len()];
            centre
                .iter()
                .map(|x| length * (x + 0.6 * random()))
                .collect()
        })
        .collect()
}

fn bits(vector: &[f32]) -> Vec<f32> {
    vector
        .iter()
        .map(|&x| f32::from(u8::from(x > 0.0)))
        .collect()
}

fn built(metric: Metric, items: &[Vec<f32>]) -> Index {
    let mut index = Index::new(metric, F).unwrap();
    for (id, item) in items.iter().enumerate() {
        let item = if metric == Metric::Hamming {
            bits(item)
        } else {
            item.clone()
        };
        index.add_item(id as i64, &item).unwrap();
    }
    index.build(Some(6), Some(2)).unwrap();
    index
}

fn answers(index: &Index, queries: &[Vec<f32>], search_k: u64) -> Vec<Vec<Neighbor>> {
    let search = |query: &Vec<f32>| {
        let query = match index.options().metric {
            Metric::Hamming => bits(query),
            _ => query.clone(),
        };
        index.get_nns_by_vector(&query, 10, Some(search_k)).unwrap()
    };
    queries.iter().map(search).collect()
}

#[test]
fn finds_what_is_near_and_says_how_far() {
    let mut items = vectors(N + 60, 1);
    let queries = items.split_off(N);
    for metric in Metric::ALL {
        let mut index = built(metric, &items);
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        let found = answers(&index, &queries, 600);
        let (mut near, mut wanted) = (0, 0);
        for (query, found) in queries.iter().zip(&found) {
            let query = if metric == Metric::Hamming {
                bits(query)
            } else {
                query.clone()
            };
            let all = Search {
                way: Way::Exact,
                ..Search::new(N)
            };
            let exact = index.search(&query, &all).unwrap();
            for one in found {
                assert!(exact.contains(one), "{metric}: {one:?}");
            }
            let tenth = exact[9].distance;
            let as_near = |one: &&Neighbor| match metric {
                Metric::Dot => one.distance >= tenth,
                _ => one.distance <= tenth,
            };
            near += found.iter().filter(as_near).count();
            wanted += 10;
        }
        let recall = f64::from(near as u32) / f64::from(wanted);
        assert!(recall > 0.9, "{metric}: recall {recall}");
    }
}

/// Where the graph's routes lead, of data in the middle and of data far from there: a walk that
/// hardly gets on finds items of the query's own cluster.
#[test]
fn walks_start_near() {
    for (metric, shift) in [
        (Metric::Angular, 0.0),
        (Metric::Dot, 0.0),
        (Metric::Euclidean, 0.0),
        (Metric::Euclidean, 500.0),
        (Metric::Manhattan, -70.0),
    ] {
        let mut items = vectors(N + 40, 9);
        items.iter_mut().flatten().for_each(|x| *x += shift);
        let queries = items.split_off(N);
        let mut index = built(metric, &items);
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        let found = answers(&index, &queries, 36);
        let near = |(i, found): (usize, &Vec<Neighbor>)| {
            let same = found
                .iter()
                .filter(|one| one.id as usize % 20 == (N + i) % 20);
            same.count()
        };
        let near: usize = found.iter().enumerate().map(near).sum();
        assert!(near > 380, "{metric} {shift}: {near} of 400");
    }
}

/// Between two clusters: a walk that has come to the end of one is led to others, the more the more
/// it may look at.
#[test]
fn walks_go_on_elsewhere() {
    let items = vectors(8000, 4);
    let queries: Vec<Vec<f32>> = (0..60)
        .map(|i| {
            let (a, b) = (&items[7 * i], &items[11 * i + 3]);
            a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect()
        })
        .collect();
    for metric in [Metric::Euclidean, Metric::Manhattan] {
        let mut index = built(metric, &items);
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        let recall = [500, 1000, 3000].map(|search_k| {
            let found = answers(&index, &queries, search_k);
            let hits = queries.iter().zip(&found).map(|(query, found)| {
                let exact = Search {
                    way: Way::Exact,
                    ..Search::new(10)
                };
                let exact = index.search(query, &exact).unwrap();
                found.iter().filter(|one| exact.contains(one)).count()
            });
            hits.sum::<usize>() as f64 / 600.0
        });
        assert!(recall[2] > 0.985, "{metric}: {recall:?}");
        assert!(recall.is_sorted(), "{metric}: {recall:?}");
    }
}

/// Where trees are single leaves: in memory and in files, whatever lies before the roots.
#[test]
fn fewer_items_than_a_leaf_holds() {
    for n in [0usize, 1, 2, 9, 20] {
        for metric in Metric::ALL {
            let mut index = built(metric, &vectors(n, 8));
            let plan = GraphPlan {
                degree: 4,
                ..GraphPlan::default()
            };
            index.build_graph(&plan, &mut Work::default()).unwrap();
            index.set_metadata(&[7; 1000]).unwrap();
            let other = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
            let report = other.verify(3).unwrap();
            assert!(
                report.faults.is_empty(),
                "{metric} {n}: {:?}",
                report.faults
            );
            for query in [vec![0.0f32; F], vec![1.0; F]] {
                for search_k in 0..n as u64 + 2 {
                    let found = |index: &Index| index.get_nns_by_vector(&query, 3, Some(search_k));
                    assert_eq!(found(&index).unwrap(), found(&other).unwrap());
                }
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    let mut items = vectors(N + 60, 3);
    let queries = items.split_off(N);
    for (number, metric) in Metric::ALL.into_iter().enumerate() {
        let built_by = |n_threads| {
            let mut index = built(metric, &items);
            let mut work = Work {
                n_threads: Some(n_threads),
                ..Work::default()
            };
            index.build_graph(&GraphPlan::default(), &mut work).unwrap();
            assert!(!answers(&index, &queries, 60).is_empty());
            index.to_bytes().unwrap()
        };
        let graph = built_by(1);
        for n_threads in in_turn([2, 5], number) {
            assert!(
                built_by(n_threads) == graph,
                "{metric}, {n_threads} threads"
            );
        }
    }
}

#[test]
fn few_items_equal_items_and_holes() {
    for metric in Metric::ALL {
        for n in [1usize, 2, 11] {
            let mut index = Index::new(metric, F).unwrap();
            for id in 0..n {
                index.add_item(3 * id as i64, &[1.0f32; F]).unwrap();
            }
            index.build(Some(3), Some(1)).unwrap();
            index
                .build_graph(&GraphPlan::default(), &mut Work::default())
                .unwrap();
            let found = index
                .get_nns_by_vector(&[1.0f32; F], 20, Some(1000))
                .unwrap();
            let ids: Vec<i64> = found.iter().map(|one| one.id).collect();
            let expected: Vec<i64> = (0..n as i64).map(|id| 3 * id).collect();
            assert_eq!(ids, expected, "{metric}");
        }
        let mut index = Index::new(metric, F).unwrap();
        index.build(Some(2), Some(1)).unwrap();
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        assert!(index
            .get_nns_by_vector(&[1.0f32; F], 5, None)
            .unwrap()
            .is_empty());
    }
}

/// Where most are looked at they are so in a row. Missing items have a code like any other, here
/// that of what is asked for.
#[test]
fn missing_items_take_nobodys_place() {
    let items = vectors(N / 3, 9);
    let mut index = Index::new(Metric::Euclidean, F).unwrap();
    for (id, item) in items.iter().enumerate() {
        index.add_item(3 * id as i64, item).unwrap();
    }
    index.build(Some(6), Some(2)).unwrap();
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let search = Search {
        search_k: Some(2 * N as u64 / 3),
        ..Search::new(10)
    };
    let exact = Search {
        way: Way::Exact,
        ..search
    };
    let least = [-10.0f32; F];
    let found = index.search(&least, &search).unwrap();
    let truth = index.search(&least, &exact).unwrap();
    let hits = found.iter().filter(|one| truth.contains(one)).count();
    assert!(hits > 7, "{found:?} of {truth:?}");
}

#[test]
fn the_way_is_chosen() {
    let items = vectors(N, 5);
    let mut index = built(Metric::Euclidean, &items);
    let found = |index: &Index, way| -> Result<Vec<Vec<Neighbor>>, Error> {
        let search = Search {
            way,
            search_k: Some(50),
            ..Search::new(10)
        };
        let all = items.iter().step_by(50);
        all.map(|item| index.search(item, &search)).collect()
    };
    let forest = found(&index, Way::Fastest).unwrap();
    let refused = found(&index, Way::Graph);
    assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    assert_eq!(found(&index, Way::Forest).unwrap(), forest);
    let graph = found(&index, Way::Graph).unwrap();
    assert_ne!(graph, forest);
    assert_eq!(found(&index, Way::Fastest).unwrap(), graph);
}

/// For shares of the items from all to one, by a bitmap and by a function: what is found is
/// accepted, and as near as what a look at all finds.
#[test]
fn filters() {
    let mut items = vectors(N + 30, 5);
    let queries = items.split_off(N);
    for metric in [Metric::Euclidean, Metric::Dot] {
        let mut index = built(metric, &items);
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        for one_of in [1usize, 2, 10, 100, N] {
            let mut words = vec![0u64; N.div_ceil(64)];
            for id in (0..N).step_by(one_of) {
                words[id / 64] |= 1 << (id % 64);
            }
            let bitmap = Some(Bitmap {
                words: &words,
                deny: false,
            });
            let ask = |id: i64| (id as usize).is_multiple_of(one_of);
            let by_bitmap = Search {
                bitmap,
                search_k: Some(600),
                ..Search::new(10)
            };
            let by_function = Search {
                bitmap: None,
                filter: Some(&ask),
                ..by_bitmap
            };
            let exact = Search {
                way: Way::Exact,
                ..by_bitmap
            };
            let n = N.div_ceil(one_of).min(10);
            for search in [by_bitmap, by_function] {
                let mut hits = 0;
                for query in &queries {
                    let found = index.search(query, &search).unwrap();
                    assert_eq!(found.len(), n, "{metric}: one of {one_of}");
                    assert!(found.iter().all(|one| ask(one.id)));
                    let truth = index.search(query, &exact).unwrap();
                    hits += found.iter().filter(|one| truth.contains(one)).count();
                }
                let recall = hits as f64 / (n * queries.len()) as f64;
                // What passes are whole clusters. A graph by products has few ways to items that
                // are nobody's answer without a filter.
                let least = if metric == Metric::Dot { 0.92 } else { 0.95 };
                assert!(recall > least, "{metric}: one of {one_of}: {recall}");
            }
        }
    }
}

/// Also where no way leads to what it accepts, so that the forest is asked for more.
#[test]
fn a_filter_is_asked_once() {
    let mut items = vectors(N + 10, 6);
    let queries = items.split_off(N);
    for metric in [Metric::Euclidean, Metric::Dot] {
        let mut index = built(metric, &items);
        index
            .build_graph(&GraphPlan::default(), &mut Work::default())
            .unwrap();
        for one_of in [10, 1000] {
            for query in &queries {
                let asked = Mutex::new(HashSet::new());
                let filter = |id: i64| {
                    assert!(asked.lock().unwrap().insert(id), "{metric}: {id} again");
                    id % one_of == 0
                };
                let search = Search {
                    filter: Some(&filter),
                    search_k: Some(600),
                    ..Search::new(3)
                };
                assert_eq!(index.search(query, &search).unwrap().len(), 3);
            }
        }
    }
}

#[test]
fn removed_and_excluded_items_are_not_found() {
    let items = vectors(N, 7);
    let mut index = built(Metric::Angular, &items);
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let before = index.get_nns_by_item(5, 10, None).unwrap();
    assert_eq!(before[0].id, 5);
    index.remove_item(before[1].id).unwrap();
    let search = Search {
        exclude: &[before[2].id],
        exclude_self: true,
        max_distance: Some(before[5].distance),
        ..Search::new(10)
    };
    let after = index.search_item(5, &search).unwrap();
    assert_eq!(after, before[3..6]);
}

/// Files of every kind: what is loaded finds the same, says that it is sound, and is saved as the
/// same bytes.
#[test]
fn goes_along_in_files() {
    let items = vectors(700, 8);
    for metric in Metric::ALL {
        for scalar in [
            ScalarType::F32,
            ScalarType::F64,
            ScalarType::Bits64,
            ScalarType::Bits32,
            ScalarType::Bits8,
        ] {
            let options = Options {
                scalar,
                ..Options::new(metric, F)
            };
            let Ok(mut index) = Index::with_options(options) else {
                continue;
            };
            for (id, item) in items.iter().enumerate() {
                let wide: Vec<f64> = item.iter().map(|&x| f64::from(x)).collect();
                let id = 2 * id as i64;
                match scalar {
                    ScalarType::F64 => index.add_item(id, &wide).unwrap(),
                    ScalarType::F32 => index.add_item(id, item).unwrap(),
                    _ => index.add_item(id, &bits(item)).unwrap(),
                }
            }
            index.build(Some(3), Some(1)).unwrap();
            index
                .build_graph(&GraphPlan::default(), &mut Work::default())
                .unwrap();
            index.set_metadata(b"along").unwrap();
            let bytes = index.to_bytes().unwrap();
            assert_eq!(index.saved_size().unwrap(), bytes.len());
            let loaded = Index::open_bytes(bytes.clone()).unwrap();
            assert_eq!(loaded.graph_degree(), GraphPlan::default().degree);
            let report = loaded.verify(5).unwrap();
            assert!(report.is_sound(), "{metric} {scalar:?}: {report:?}");
            assert!(index.verify(5).unwrap().is_sound());
            assert_eq!(loaded.to_bytes().unwrap(), bytes);
            for id in (0..1400).step_by(70) {
                assert_eq!(
                    loaded.get_nns_by_item(id, 7, Some(100)).unwrap(),
                    index.get_nns_by_item(id, 7, Some(100)).unwrap()
                );
            }
        }
    }
}

#[test]
fn a_cancelled_build_changes_nothing() {
    let items = vectors(N, 9);
    let mut index = built(Metric::Manhattan, &items);
    let bytes = index.to_bytes().unwrap();
    let mut steps = 0;
    let (mut last, mut last_total) = (0, 0);
    let mut count = |_, done, total| {
        assert!(done >= last && done <= total);
        (last, last_total) = (done, total);
        steps += 1;
    };
    let mut work = Work {
        n_threads: Some(2),
        progress: Some(&mut count),
        ..Work::default()
    };
    index.build_graph(&GraphPlan::default(), &mut work).unwrap();
    assert_eq!(last, last_total);
    let with_graph = index.to_bytes().unwrap();
    assert_ne!(with_graph, bytes);
    for at in [0, 1, steps / 2, steps - 1] {
        let cancel = Cancel::new();
        let mut left = at;
        let mut stop = |_, _, _| {
            if left == 0 {
                cancel.cancel();
            }
            left -= i32::from(left > 0);
        };
        let mut index = Index::open_bytes(bytes.clone()).unwrap();
        let mut work = Work {
            n_threads: Some(1),
            cancel: Some(&cancel),
            progress: Some(&mut stop),
        };
        let refused = index.build_graph(&GraphPlan::default(), &mut work);
        assert!(
            matches!(refused, Err(Error::Cancelled)),
            "{at}: {refused:?}"
        );
        assert_eq!(index.to_bytes().unwrap(), bytes);
    }
}

/// More than a walk keeps, more than there are, nothing at all.
#[test]
fn many_and_none() {
    let items = vectors(N, 4);
    let mut index = built(Metric::Euclidean, &items);
    let all = index.get_nns_by_item(1, N, Some(u64::MAX)).unwrap();
    assert_eq!(all.len(), N);
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    // So many that it is as quick to look at all.
    assert_eq!(
        index.get_nns_by_item(1, 2500, Some(2600)).unwrap(),
        all[..2500]
    );
    for search_k in [None, Some(u64::MAX), Some(N as u64)] {
        assert_eq!(index.get_nns_by_item(1, usize::MAX, search_k).unwrap(), all);
    }
    let many = index.get_nns_by_item(1, 1500, Some(2900)).unwrap();
    assert_eq!(many.len(), 1500);
    let near = many.iter().filter(|one| all[..1500].contains(one)).count();
    assert!(near > 1300, "{near}");
    assert!(index.get_nns_by_item(1, 0, None).unwrap().is_empty());
    assert!(index.get_nns_by_item(1, 5, Some(0)).unwrap().is_empty());
}

#[test]
fn goes_with_the_trees() {
    let mut items = vectors(N + 20, 6);
    let queries = items.split_off(N);
    let mut index = built(Metric::Angular, &items);
    let of_forest = answers(&index, &queries, 50);
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    assert_ne!(answers(&index, &queries, 50), of_forest);
    index.unbuild().unwrap();
    index.build(Some(6), Some(1)).unwrap();
    assert_eq!(answers(&index, &queries, 50), of_forest);

    let mut loaded = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
    loaded
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    assert_ne!(answers(&loaded, &queries, 50), of_forest);
    loaded.thaw().unwrap();
    loaded.build(Some(6), Some(1)).unwrap();
    assert_eq!(answers(&loaded, &queries, 50), of_forest);
}

#[test]
fn plans_that_cannot_be() {
    let mut index = Index::new(Metric::Angular, F).unwrap();
    let refused = index.build_graph(&GraphPlan::default(), &mut Work::default());
    assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
    index.add_item(0, &[1.0f32; F]).unwrap();
    index.build(Some(1), Some(1)).unwrap();
    let plan = GraphPlan::default();
    for plan in [
        GraphPlan { degree: 0, ..plan },
        GraphPlan {
            degree: 256,
            ..plan
        },
        GraphPlan {
            candidates: 0,
            ..plan
        },
        GraphPlan { sample: 0, ..plan },
        GraphPlan { n_trees: 0, ..plan },
        GraphPlan { alpha: 0.5, ..plan },
        GraphPlan {
            alpha: f64::NAN,
            ..plan
        },
    ] {
        let refused = index.build_graph(&plan, &mut Work::default());
        assert!(
            matches!(refused, Err(Error::Argument { .. })),
            "{plan:?}: {refused:?}"
        );
    }
}
