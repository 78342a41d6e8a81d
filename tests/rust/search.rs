//! Searches that are told among which items to look, exact ones, and many at once, against exact
//! search by hand.

use crate::common::{all_types, exact, name, options, random_items, tolerance, Item, Random};
use annoy_rs::{
    Bitmap, Cancel, Error, GraphPlan, Index, Metric, Neighbor, Options, Search, Stage, Way, Work,
};
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

const N: usize = 500;

/// Every third id is a hole, but for the last.
fn there(id: usize) -> bool {
    id % 3 != 1 || id == N - 1
}

fn index(options: Options, items: &[Item]) -> Index {
    let mut index = Index::with_options(options).unwrap();
    for (id, item) in items.iter().enumerate().filter(|(id, _)| there(*id)) {
        index.add_item(id as i64, item).unwrap();
    }
    index.build(Some(6), Some(1)).unwrap();
    index
}

/// Those of the items that are there and pass.
fn among(items: &[Item], passes: impl Fn(usize) -> bool) -> Vec<Option<Item>> {
    let keep = |(id, item): (usize, &Item)| (there(id) && passes(id)).then(|| item.clone());
    items.iter().enumerate().map(keep).collect()
}

fn same(metric: Metric, found: &[Neighbor], expected: &[(f64, i64)], context: &str) {
    assert_eq!(
        found.len(),
        expected.len(),
        "{context}: {found:?} {expected:?}"
    );
    for (found, (distance, _)) in found.iter().zip(expected) {
        // Equal distances may come in another order.
        let off = (found.distance - distance).abs();
        assert!(
            off <= tolerance(metric, *distance, 30.0),
            "{context}: {found:?} {distance}"
        );
    }
}

fn bitmap(passes: impl Fn(usize) -> bool) -> Vec<u64> {
    let mut words = vec![0u64; N.div_ceil(64)];
    for id in (0..N).filter(|&id| passes(id)) {
        words[id / 64] |= 1 << (id % 64);
    }
    words
}

#[test]
fn exact_search_is_exact() {
    for options in all_types(7, 100) {
        let items = random_items(options, N, 1);
        let index = index(options, &items);
        for (seed, n) in [(1, 0), (2, 1), (3, 10), (4, N), (5, usize::MAX)] {
            let query = Item::random(options, &mut Random(seed));
            let search = Search {
                way: Way::Exact,
                ..Search::new(n)
            };
            let found = index.search(&query, &search).unwrap();
            let expected = exact(options.metric, &among(&items, |_| true), &query, n.min(N));
            same(options.metric, &found, &expected, &name(options));
        }
    }
}

/// Before the build, too; and a search that is told nothing is exact then, among few items.
#[test]
fn few_items_are_searched_without_trees() {
    for options in all_types(7, 100) {
        let items = random_items(options, N, 1);
        let mut index = Index::with_options(options).unwrap();
        let query = Item::random(options, &mut Random(3));
        assert!(index.get_nns_by_vector(&query, 5, None).unwrap().is_empty());
        for (id, item) in items.iter().enumerate().filter(|(id, _)| there(*id)) {
            index.add_item(id as i64, item).unwrap();
        }
        let expected = exact(options.metric, &among(&items, |_| true), &query, 9);
        let exactly = Search {
            way: Way::Exact,
            search_k: Some(1),
            ..Search::new(9)
        };
        for search in [Search::new(9), exactly] {
            let found = index.search(&query, &search).unwrap();
            same(options.metric, &found, &expected, &name(options));
        }
        let found = index.get_nns_by_item(0, 1, None).unwrap();
        assert_eq!(found[0].id, 0);
        for way in [Way::Fastest, Way::Forest, Way::Graph] {
            let told = Search {
                way,
                search_k: Some(9),
                ..Search::new(9)
            };
            let untold = Search {
                search_k: None,
                ..told
            };
            let refused = [told, untold];
            for search in &refused[..if way == Way::Fastest { 1 } else { 2 }] {
                let error = index.search(&query, search).unwrap_err().to_string();
                assert!(error.contains("not built"), "{error}");
            }
        }
    }
}

#[test]
fn many_items_are_not_searched_without_trees() {
    let mut index = Index::new(Metric::Euclidean, 1).unwrap();
    let id = annoy_rs::EXACT_ITEMS as i64;
    index.add_item(id - 1, &[3.0f32]).unwrap();
    index.add_item(0, &[1.0f32]).unwrap();
    assert_eq!(
        index.get_nns_by_vector(&[2.9f32], 1, None).unwrap()[0].id,
        id - 1
    );
    index.add_item(id, &[2.0f32]).unwrap();
    let (one, exact) = (
        Search::new(1),
        Search {
            way: Way::Exact,
            ..Search::new(1)
        },
    );
    assert!(index.search(&[2.1f32], &one).is_err());
    assert_eq!(index.search(&[2.1f32], &exact).unwrap()[0].id, id);
    index.build(Some(1), None).unwrap();
    assert_eq!(index.search(&[2.1f32], &one).unwrap()[0].id, id);
}

/// Filters from nothing to everything, in each form: with as many candidates as there are, the
/// answer is exact.
#[test]
fn filters_find_what_passes_and_nothing_else() {
    for options in all_types(7, 100) {
        let items = random_items(options, N, 1);
        let index = index(options, &items);
        let query = Item::random(options, &mut Random(9));
        for percent in [0, 1, 5, 30, 70, 99, 100] {
            let passes = |id: usize| Random(id as u64).below(100) < percent;
            let (allow, deny) = (bitmap(passes), bitmap(|id| !passes(id)));
            let denied: Vec<i64> = (0..N)
                .rev()
                .filter(|&id| !passes(id))
                .map(|id| id as i64)
                .collect();
            let ask = |id: i64| passes(id as usize);
            let all = Search {
                search_k: Some(1 << 40),
                ..Search::new(20)
            };
            let forms = [
                Search {
                    bitmap: Some(Bitmap {
                        words: &allow,
                        deny: false,
                    }),
                    ..all
                },
                Search {
                    bitmap: Some(Bitmap {
                        words: &deny,
                        deny: true,
                    }),
                    ..all
                },
                Search {
                    exclude: &denied,
                    ..all
                },
                Search {
                    filter: Some(&ask),
                    ..all
                },
            ];
            let expected = exact(options.metric, &among(&items, passes), &query, 20);
            for (form, search) in forms.iter().enumerate() {
                for way in [Way::Forest, Way::Exact] {
                    let search = Search { way, ..*search };
                    let found = index.search(&query, &search).unwrap();
                    let context = format!("{} {percent} % form {form} {way:?}", name(options));
                    assert!(
                        found.iter().all(|found| passes(found.id as usize)),
                        "{context}"
                    );
                    same(options.metric, &found, &expected, &context);
                }
            }
        }
    }
}

/// What is refused does not count for search_k: a filter costs time and not recall.
#[test]
fn refused_items_do_not_count() {
    let options = Options::new(Metric::Euclidean, 7);
    let items = random_items(options, N, 1);
    let index = index(options, &items);
    for (n, search_k) in [(5, 30), (10, 60), (10, 200)] {
        let count = AtomicUsize::new(0);
        let passes = |id: i64| id % 5 == 0;
        let ask = |id: i64| {
            count.fetch_add(1, Ordering::Relaxed);
            passes(id)
        };
        let search = Search {
            search_k: Some(search_k),
            filter: Some(&ask),
            ..Search::new(n)
        };
        let found = index.search_item(0, &search).unwrap();
        assert_eq!(found.len(), n, "{search_k}");
        assert!(found.iter().all(|found| passes(found.id)));
        // Once for each item at the most.
        assert!(count.load(Ordering::Relaxed) <= N);
    }
}

#[test]
fn an_item_is_asked_about_once() {
    let options = Options::new(Metric::Angular, 7);
    let mut index = index(options, &random_items(options, N, 1));
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let asked = std::sync::Mutex::new(Vec::new());
    let ask = |id: i64| {
        asked.lock().unwrap().push(id);
        id % 2 == 0
    };
    for way in [Way::Forest, Way::Graph, Way::Exact] {
        asked.lock().unwrap().clear();
        let search = Search {
            filter: Some(&ask),
            // Not so many that the graph is left aside.
            search_k: Some(if way == Way::Graph { 250 } else { 10_000 }),
            way,
            ..Search::new(10)
        };
        index.search_item(3, &search).unwrap();
        let asked = asked.lock().unwrap();
        let unique: HashSet<i64> = asked.iter().copied().collect();
        assert_eq!(unique.len(), asked.len());
        assert!(unique.len() > 30);
    }
}

#[test]
fn distances_are_bounded() {
    for options in all_types(7, 100) {
        let items = random_items(options, N, 1);
        let index = index(options, &items);
        let query = Item::random(options, &mut Random(9));
        let all = exact(options.metric, &among(&items, |_| true), &query, N);
        for rank in [0, 1, 10, 100] {
            // Between two neighbours, so that rounding does not matter.
            let most = (all[rank].0 + all[rank + 1].0) / 2.0;
            let is_near = |distance: f64| match options.metric {
                Metric::Dot => distance >= most,
                _ => distance <= most,
            };
            let expected: Vec<_> = all
                .iter()
                .copied()
                .filter(|found| is_near(found.0))
                .collect();
            let search = Search {
                max_distance: Some(most),
                search_k: Some(1 << 40),
                ..Search::new(N)
            };
            let found = index.search(&query, &search).unwrap();
            same(options.metric, &found, &expected, &name(options));
            // n is a cap.
            let few = index.search(&query, &Search { n: 3, ..search }).unwrap();
            assert_eq!(few, found[..found.len().min(3)]);
        }
    }
    let options = Options::new(Metric::Dot, 7);
    let index = index(options, &random_items(options, N, 1));
    let nothing = Search {
        max_distance: Some(f64::INFINITY),
        ..Search::new(5)
    };
    assert!(index.search_item(0, &nothing).unwrap().is_empty());
    let nan = Search {
        max_distance: Some(f64::NAN),
        ..Search::new(5)
    };
    let error = index.search_item(0, &nan).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Argument {
                name: "max_distance",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_item_can_be_left_out_of_its_own_neighbours() {
    let options = Options::new(Metric::Manhattan, 7);
    let index = index(options, &random_items(options, N, 1));
    for id in (0..N as i64).filter(|&id| there(id as usize)) {
        let with = index
            .search_item(
                id,
                &Search {
                    search_k: Some(10_000),
                    ..Search::new(6)
                },
            )
            .unwrap();
        assert_eq!(with[0].id, id);
        let search = Search {
            exclude_self: true,
            search_k: Some(10_000),
            ..Search::new(5)
        };
        assert_eq!(index.search_item(id, &search).unwrap(), with[1..]);
    }
}

#[test]
fn bitmaps_of_the_wrong_length() {
    let options = Options::new(Metric::Angular, 7);
    let index = index(options, &random_items(options, N, 1));
    for len in [0, N.div_ceil(64) - 1, N.div_ceil(64) + 1] {
        let words = vec![u64::MAX; len];
        let search = Search {
            bitmap: Some(Bitmap {
                words: &words,
                deny: false,
            }),
            ..Search::new(5)
        };
        let text = index.search_item(0, &search).unwrap_err().to_string();
        assert!(
            text.contains(&format!("bitmap is {len}, expected 8, for 500 items")),
            "{text}"
        );
    }
    // Bits past the last item mean nothing.
    let words = [u64::MAX; 8];
    let search = Search {
        bitmap: Some(Bitmap {
            words: &words,
            deny: true,
        }),
        ..Search::new(5)
    };
    assert!(index.search_item(0, &search).unwrap().is_empty());
}

/// A filter that panics passes through; the index and the thread go on.
#[test]
fn a_filter_that_panics() {
    let options = Options::new(Metric::Angular, 7);
    let index = index(options, &random_items(options, N, 1));
    let before = index.get_nns_by_item(0, 10, None).unwrap();
    let ask = |_: i64| panic!("the caller's own");
    let search = Search {
        filter: Some(&ask),
        ..Search::new(5)
    };
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        index.search_item(0, &search)
    }));
    assert!(caught.is_err());
    assert_eq!(before, index.get_nns_by_item(0, 10, None).unwrap());
}

fn batch(
    index: &Index,
    queries: &[Item],
    search: &Search<'_>,
    threads: usize,
) -> Vec<Vec<Neighbor>> {
    let mut work = Work {
        n_threads: Some(threads),
        ..Work::default()
    };
    let mut all = vec![None; queries.len()];
    let take = |i: usize, found| assert!(all[i].replace(found).is_none(), "{i} twice");
    index
        .search_batch(|i| &queries[i], queries.len(), search, &mut work, take)
        .unwrap();
    all.into_iter().map(Option::unwrap).collect()
}

#[test]
fn a_batch_is_its_queries_one_by_one() {
    for options in all_types(7, 100) {
        let items = random_items(options, N, 1);
        let index = index(options, &items);
        let odd = |id: i64| id % 2 == 1;
        for search in [
            Search::new(7),
            Search {
                filter: Some(&odd),
                search_k: Some(50),
                ..Search::new(3)
            },
            Search {
                way: Way::Exact,
                ..Search::new(2)
            },
        ] {
            for n_queries in [0, 1, 15, 16, 17, 200] {
                let queries = random_items(options, n_queries, 77);
                let expected: Vec<_> = queries
                    .iter()
                    .map(|q| index.search(q, &search).unwrap())
                    .collect();
                for threads in [1, 2, 5] {
                    assert!(
                        expected == batch(&index, &queries, &search, threads),
                        "{}",
                        name(options)
                    );
                }
            }
        }
        let all: Vec<i64> = (0..N as i64).collect();
        let search = Search {
            exclude_self: true,
            ..Search::new(4)
        };
        for threads in [1, 3] {
            let mut work = Work {
                n_threads: Some(threads),
                ..Work::default()
            };
            let take = |i: usize, found| {
                assert_eq!(index.search_item(i as i64, &search).unwrap(), found);
            };
            index
                .search_batch_items(&all, &search, &mut work, take)
                .unwrap();
        }
    }
}

#[test]
fn a_batch_is_checked_first() {
    let options = Options::new(Metric::Euclidean, 3);
    let items = random_items(options, N, 1);
    let index = index(options, &items);
    let mut queries: Vec<Vec<f32>> = vec![vec![0.5; 3]; 100];
    queries[90][1] = f32::NAN;
    for threads in [1, 2] {
        let mut work = Work {
            n_threads: Some(threads),
            ..Work::default()
        };
        let never = |_, _| panic!("nothing is handed over");
        let search = Search::new(3);
        let error = index
            .search_batch(|i| &queries[i], 100, &search, &mut work, never)
            .unwrap_err();
        assert!(matches!(error, Error::NotFinite { .. }), "{error}");
        let never = |_, _| panic!("nothing is handed over");
        let error = index
            .search_batch_items(&[1, 2, 999], &search, &mut work, never)
            .unwrap_err();
        assert!(matches!(error, Error::Item { id: 999, .. }), "{error}");
    }
    let mut none = Work {
        n_threads: Some(0),
        ..Work::default()
    };
    let error = index
        .search_batch_items(&[1], &Search::new(1), &mut none, |_, _| {})
        .unwrap_err();
    assert!(error.to_string().contains("n_threads is 0"), "{error}");
}

#[test]
fn a_batch_tells_how_far_it_is_and_stops_when_told() {
    let options = options(
        Metric::Euclidean,
        annoy_rs::ScalarType::F32,
        annoy_rs::IdWidth::Bits32,
        3,
    );
    let index = index(options, &random_items(options, N, 1));
    let queries = random_items(options, 300, 2);
    for threads in [1, 2, 4] {
        let (last, calls) = (Cell::new(0), Cell::new(0));
        let caller = std::thread::current().id();
        let mut progress = |stage, done, total| {
            assert_eq!((stage, total), (Stage::Search, 300));
            assert_eq!(std::thread::current().id(), caller);
            assert!(done > last.replace(done));
            calls.set(calls.get() + 1);
        };
        let mut work = Work {
            n_threads: Some(threads),
            progress: Some(&mut progress),
            ..Work::default()
        };
        let batch = |work: &mut Work<'_>| {
            index.search_batch(|i| &queries[i], 300, &Search::new(3), work, |_, _| {})
        };
        batch(&mut work).unwrap();
        assert_eq!(last.get(), 300);
        // At each step in turn, the last among them.
        for step in 1..=calls.get() {
            let cancel = Cancel::new();
            let mut left = step;
            let mut progress = |_, _, _| {
                left -= 1;
                if left == 0 {
                    cancel.cancel();
                }
            };
            let found = batch(&mut Work {
                n_threads: Some(threads),
                cancel: Some(&cancel),
                progress: Some(&mut progress),
            });
            assert!(matches!(found, Err(Error::Cancelled)), "{found:?}");
        }
        let cancel = Cancel::new();
        cancel.cancel();
        let found = batch(&mut Work {
            n_threads: Some(threads),
            cancel: Some(&cancel),
            ..Work::default()
        });
        assert!(matches!(found, Err(Error::Cancelled)));
    }
}

#[test]
fn an_index_that_is_not_built() {
    let index = Index::new(Metric::Angular, 3).unwrap();
    let mut work = Work::default();
    let forest = Search {
        search_k: Some(1),
        ..Search::new(1)
    };
    let error = index
        .search_batch_items(&[], &forest, &mut work, |_, _| {})
        .unwrap_err();
    assert!(matches!(error, Error::State { .. }), "{error}");
    assert!(matches!(
        index.search(&[0.0f32; 3], &forest),
        Err(Error::State { .. })
    ));
}
