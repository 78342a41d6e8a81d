//! The lists of a scan: what searches of them find, in all kinds of data, and with filters.

use crate::common::graphs::{gaussian, items, kind, recall, Rows};
use crate::common::scans::{add_scan, clustered, scan, with_scan};
use crate::common::{built, filled, ids, in_turn, options, Item, Random};
use annoy_rs::{
    Bitmap, Error, IdWidth, Index, Metric, Neighbor, Options, ScalarType, Search, Way, Work,
};
use std::collections::HashSet;
use std::sync::Mutex;

const QUERIES: usize = 40;
const METRICS: [Metric; 3] = [Metric::Angular, Metric::Euclidean, Metric::Dot];

/// What is lost where more is looked at may be so much by chance; of one or two numbers more, as
/// many items have the same code.
fn slack(f: usize) -> f64 {
    if f < 3 {
        0.05
    } else {
        0.01
    }
}

fn exact<'a>(search: &Search<'a>) -> Search<'a> {
    Search {
        way: Way::Exact,
        ..*search
    }
}

/// An index of all but the last rows, which are queries.
fn split(options: Options, rows: &Rows) -> (Index, Vec<Item>) {
    let mut all = items(options, rows);
    let queries = all.split_off(rows.len() - QUERIES);
    (with_scan(options, &all, 2), queries)
}

/// By default most of the nearest are found, with more to look at no fewer, and with all of them
/// all; and those found are as far as they are. What is told is what is found, or less.
fn finds(name: &str, options: Options, rows: &Rows) -> f64 {
    let (index, queries) = split(options, rows);
    let name = format!("{name}, {options:?}, {} rows", rows.len());
    let n_items = index.n_items() as u64;
    let by_default = recall(&index, &queries, &scan(10));
    let info = index.info().unwrap();
    println!(
        "{name}: {by_default:.3}, told {:.3} of {} by {}",
        info.scan_recall.unwrap(),
        info.scan_lists,
        info.scan_search_k
    );
    assert!(info.scan_lists > 0 && info.scan_search_k > 0, "{name}");
    let mut shares = Vec::new();
    for share in [64, 16, 4, 2] {
        let search = Search {
            search_k: Some((n_items / share).max(1)),
            ..scan(10)
        };
        shares.push(recall(&index, &queries, &search));
    }
    let is_rising = shares
        .windows(2)
        .all(|two| two[1] >= two[0] - slack(options.f));
    assert!(is_rising, "{name}: {shares:?}");
    for query in &queries {
        let all = index.search(query, &exact(&scan(usize::MAX))).unwrap();
        let found = index.search(query, &scan(10)).unwrap();
        assert_eq!(found.len(), all.len().min(10), "{name}");
        assert!(found.iter().all(|one| all.contains(one)), "{name}");
        for search_k in [n_items, n_items + 1, u64::MAX] {
            let search = Search {
                search_k: Some(search_k),
                ..scan(10)
            };
            let found = index.search(query, &search).unwrap();
            assert_eq!(found, all[..all.len().min(10)], "{name}, {search_k}");
        }
    }
    by_default
}

#[test]
fn finds_in_data_of_every_kind() {
    let plain = gaussian(3000 + QUERIES, 17, &mut Random(1));
    let clusters = clustered(3000 + QUERIES, 17, 30, &mut Random(2));
    for (i, metric) in METRICS.into_iter().enumerate() {
        let mut kinds = Vec::new();
        for scalar in [ScalarType::F32, ScalarType::F64] {
            for width in [IdWidth::Bits32, IdWidth::Bits64] {
                for (name, rows) in [("gaussian", &plain), ("clusters", &clusters)] {
                    kinds.push((name, options(metric, scalar, width, 17), rows));
                }
            }
        }
        for (name, options, rows) in in_turn(kinds, i) {
            let found = finds(name, options, rows);
            assert!(found >= 0.9, "{name}, {options:?}: {found}");
        }
    }
}

/// One number, an odd one left over, two and four that share a code, as many as fit and more.
#[test]
fn finds_whatever_the_length() {
    for (i, (f, n)) in [
        (1, 1000),
        (2, 2000),
        (3, 2000),
        (50, 2000),
        (192, 1000),
        (193, 1000),
        (800, 600),
        (4096, 200),
    ]
    .into_iter()
    .enumerate()
    {
        let rows = clustered(n + QUERIES, f, 20, &mut Random(3));
        for metric in in_turn(METRICS, i) {
            // Directions along one line are two.
            if (f, metric) == (1, Metric::Angular) {
                continue;
            }
            let options = kind(metric, ScalarType::F32, f);
            let found = finds("lengths", options, &rows);
            let told = split(options, &rows).0.info().unwrap().scan_recall;
            // Codes of two numbers are the same for many.
            let is_told = f < 3 && told < Some(0.9);
            assert!(found >= 0.9 || is_told, "{metric} {f}: {found}, {told:?}");
        }
    }
}

/// Far from zero, and so large or small that their squares are no 32-bit floats.
#[test]
fn finds_whatever_the_size() {
    let factors = [1e15, 1e-15, 1e30, 1e-30, 1e150, 1e-150, 1e300, 1e-300];
    for (i, factor) in factors.into_iter().enumerate() {
        let mut rows = clustered(2000 + QUERIES, 16, 20, &mut Random(4));
        rows.iter_mut().flatten().for_each(|x| *x *= factor);
        for scalar in in_turn([ScalarType::F32, ScalarType::F64], i) {
            // Out of reach.
            if scalar == ScalarType::F32 && i > 3 {
                continue;
            }
            for metric in METRICS {
                let found = finds("size", kind(metric, scalar, 16), &rows);
                assert!(found >= 0.9, "{metric} {scalar} {factor:e}: {found}");
            }
        }
    }
    for (metric, shift) in [(Metric::Euclidean, 500.0), (Metric::Angular, -9.0)] {
        let mut rows = clustered(2000 + QUERIES, 16, 20, &mut Random(5));
        rows.iter_mut().flatten().for_each(|x| *x += shift);
        let found = finds("shifted", kind(metric, ScalarType::F32, 16), &rows);
        assert!(found >= 0.9, "{metric} {shift}: {found}");
    }
}

/// Data that codes tell apart badly: what there is is found, or told that it is not.
#[test]
fn finds_or_tells() {
    let n = 3000 + QUERIES;
    let mut outlier = gaussian(n, 24, &mut Random(1));
    outlier[1000].iter_mut().for_each(|x| *x *= 1000.0);
    let mut random = Random(2);
    let mut flags = gaussian(n, 25, &mut random);
    flags
        .iter_mut()
        .for_each(|row| row[24] = 1000.0 * random.below(2) as f64);
    let mut tight = clustered(n, 16, 8, &mut Random(4));
    let centres = tight.clone();
    for (i, row) in tight.iter_mut().enumerate() {
        let noise = row.clone();
        for ((x, c), r) in row.iter_mut().zip(&centres[i % 8]).zip(noise) {
            *x = 30.0 * c + 0.001 * r;
        }
    }
    let cauchy = (0..n)
        .map(|_| (0..16).map(|_| random.normal() / random.normal()).collect())
        .collect();
    let mut shifted = clustered(n, 16, 20, &mut Random(5));
    shifted.iter_mut().flatten().for_each(|x| *x += 500.0);
    for (name, rows) in [
        ("shifted", shifted),
        ("outlier", outlier),
        ("flags", flags),
        ("tight", tight),
        ("cauchy", cauchy),
    ] {
        for metric in METRICS {
            let options = kind(metric, ScalarType::F32, rows[0].len());
            let found = finds(name, options, &rows);
            let (index, _) = split(options, &rows);
            let told = index.info().unwrap().scan_recall.unwrap();
            assert!(
                found >= 0.9 || told < 0.9,
                "{name}, {metric}: {found}, told {told}"
            );
        }
    }
}

#[test]
fn few_items_equal_items_and_holes() {
    for metric in METRICS {
        let options = kind(metric, ScalarType::F32, 5);
        let one = Item::new(options, |_| 1.0);
        for n in [0usize, 1, 2, 10, 300] {
            for step in [1, 3] {
                let mut index = filled(options, &[]);
                for id in 0..n as i64 {
                    index.add_item(step * id, &one).unwrap();
                }
                index.build(Some(2), Some(1)).unwrap();
                add_scan(&mut index, 2);
                let expected: Vec<i64> = (0..n as i64).map(|id| step * id).collect();
                for search_k in [None, Some(1), Some(5), Some(100), Some(u64::MAX)] {
                    for wanted in [0, 1, 3, n, n + 1, usize::MAX] {
                        let search = Search {
                            search_k,
                            ..scan(wanted)
                        };
                        for query in [&one, &Item::zero(options), &Item::new(options, |_| -2.0)] {
                            let name = format!("{metric}, {n}, {step}, {wanted}, {search_k:?}");
                            let found = index.search(query, &search).unwrap();
                            let all = index.search(query, &exact(&search)).unwrap();
                            assert!(found.len() <= all.len(), "{name}");
                            if search_k == Some(u64::MAX) || search_k.is_none() && wanted <= n {
                                assert_eq!(found.len(), wanted.min(n), "{name}");
                                assert_eq!(found.len(), all.len(), "{name}");
                            }
                            assert!(ids(&found).iter().all(|id| expected.contains(id)), "{name}");
                            assert!(
                                ids(&found).iter().collect::<HashSet<_>>().len() == found.len()
                            );
                        }
                    }
                }
                let report = index.verify(9).unwrap();
                assert!(report.is_sound(), "{metric} {n}: {report:?}");
                assert_eq!(index.info().unwrap().scan_recall, Some(1.0), "{metric} {n}");
            }
        }
    }
}

/// As many copies of each, and zero vectors, which for angular are as far from everything.
#[test]
fn copies_and_zero_vectors() {
    for (i, metric) in METRICS.into_iter().enumerate() {
        for scalar in in_turn([ScalarType::F32, ScalarType::F64], i) {
            let options = kind(metric, scalar, 12);
            let mut rows = clustered(3000 + QUERIES, 12, 20, &mut Random(6));
            for i in 0..3000 {
                match i % 4 {
                    1 => rows[i] = rows[i / 50].clone(),
                    3 if i % 8 == 3 => rows[i].fill(0.0),
                    _ => {}
                }
            }
            let found = finds("copies", options, &rows);
            assert!(found >= 0.9, "{metric} {scalar}: {found}");
            let (index, _) = split(options, &rows);
            let zero = Item::zero(options);
            let found = recall(&index, &[zero], &scan(20));
            assert!(found >= 0.9, "{metric} {scalar}: {found} of zero");
        }
    }
    let options = kind(Metric::Angular, ScalarType::F32, 12);
    let zeros = vec![Item::zero(options); 300];
    let index = with_scan(options, &zeros, 2);
    let one = Item::new(options, |_| 1.0);
    assert_eq!(index.search(&one, &scan(10)).unwrap().len(), 10);
}

/// More items in one list than one call of a kernel reads.
#[test]
fn a_list_of_more_than_are_read_at_once() {
    let n = 33_000;
    for metric in METRICS {
        let options = kind(metric, ScalarType::F32, 2);
        let one = Item::new(options, |i| 1.0 + i as f64);
        let index = with_scan(options, &vec![one.clone(); n], 2);
        assert!(index.verify(3).unwrap().is_sound());
        for wanted in [10, 100] {
            let found = index.search(&one, &scan(wanted)).unwrap();
            assert_eq!(found.len(), wanted, "{metric}");
        }
        // Only those behind what is read first.
        let late = |id: i64| id >= 32_768 + 60;
        let search = Search {
            filter: Some(&late),
            search_k: Some(1000),
            ..scan(10)
        };
        let found = index.search(&one, &search).unwrap();
        assert_eq!(found.len(), 10, "{metric}");
        assert!(found.iter().all(|one| late(one.id)), "{metric}");
    }
}

/// What a filter accepts: by a bitmap of either kind, by a list, by a function, and by removing.
#[test]
fn filters() {
    const N: usize = 3000;
    for (i, metric) in METRICS.into_iter().enumerate() {
        let options = kind(metric, ScalarType::F32, 16);
        for (name, rows) in in_turn(
            [
                ("gaussian", gaussian(N + QUERIES, 16, &mut Random(7))),
                ("clusters", clustered(N + QUERIES, 16, 20, &mut Random(8))),
            ],
            i,
        ) {
            let (mut index, queries) = split(options, &rows);
            for one_of in [2usize, 10, 100, 1000] {
                let name = format!("{metric}, {name}, one of {one_of}");
                let accepts = |id: i64| (id as usize * 7919 + 13).is_multiple_of(one_of);
                let accepted: Vec<i64> = (0..N as i64).filter(|&id| accepts(id)).collect();
                let refused: Vec<i64> = (0..N as i64).filter(|&id| !accepts(id)).collect();
                let words = |ids: &[i64]| {
                    let mut words = vec![0u64; N.div_ceil(64)];
                    ids.iter()
                        .for_each(|&id| words[id as usize / 64] |= 1 << (id % 64));
                    words
                };
                let (allow, deny) = (words(&accepted), words(&refused));
                let bitmap = |words, deny| Some(Bitmap { words, deny });
                let searches = [
                    Search {
                        bitmap: bitmap(&allow, false),
                        ..scan(10)
                    },
                    Search {
                        bitmap: bitmap(&deny, true),
                        ..scan(10)
                    },
                    Search {
                        exclude: &refused,
                        ..scan(10)
                    },
                    Search {
                        filter: Some(&accepts),
                        ..scan(10)
                    },
                ];
                let check = |index: &Index, how: &str, search: &Search<'_>| {
                    let name = format!("{name}, {how}");
                    for query in &queries {
                        let found = index.search(query, search).unwrap();
                        assert!(found.iter().all(|one| accepts(one.id)), "{name}");
                        assert_eq!(found.len(), accepted.len().min(10), "{name}");
                    }
                    let share = recall(index, &queries, search);
                    assert!(share >= 0.9, "{name}: {share}");
                };
                let hows = ["bitmap", "deny", "exclude", "function"];
                for (how, search) in hows.iter().zip(&searches) {
                    check(&index, how, search);
                }
                refused
                    .iter()
                    .for_each(|&id| index.remove_item(id).unwrap());
                check(&index, "removed", &scan(10));
                let again = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
                check(&again, "removed, and saved", &scan(10));
                refused
                    .iter()
                    .for_each(|&id| index.restore_item(id).unwrap());
            }
        }
    }
}

/// Few items of few lists, of which those nearest have fewer that are accepted than are wanted.
#[test]
fn as_many_as_are_wanted() {
    for n in [100, 200, 500, 1000] {
        let options = kind(Metric::Euclidean, ScalarType::F32, 8);
        let rows = clustered(n + QUERIES, 8, 10, &mut Random(9));
        let (index, queries) = split(options, &rows);
        for one_of in [1usize, 3, 8, 10] {
            let accepts = |id: i64| (id as usize).is_multiple_of(one_of);
            let all = n.div_ceil(one_of);
            for wanted in [1, 10, 11, 30] {
                let search = Search {
                    filter: Some(&accepts),
                    ..scan(wanted)
                };
                for query in &queries {
                    let found = index.search(query, &search).unwrap();
                    let info = index.info().unwrap();
                    assert_eq!(
                        found.len(),
                        wanted.min(all),
                        "{wanted} of {n}, one of {one_of}, search_k {}",
                        info.scan_search_k
                    );
                }
            }
        }
    }
}

#[test]
fn distances_and_the_item_itself() {
    for metric in METRICS {
        let options = kind(metric, ScalarType::F32, 16);
        let (mut index, queries) =
            split(options, &clustered(2000 + QUERIES, 16, 20, &mut Random(10)));
        let (mut hits, mut all_hits) = (0, 0);
        for (id, query) in (0..).step_by(37).zip(&queries) {
            let all = index.search(query, &exact(&scan(30))).unwrap();
            let search = Search {
                max_distance: Some(all[7].distance),
                ..scan(30)
            };
            let found = index.search(query, &search).unwrap();
            assert!(found.len() <= 8 && found.iter().all(|one| all[..8].contains(one)));
            let search = Search {
                search_k: Some(1500),
                ..search
            };
            hits += index.search(query, &search).unwrap().len();
            all_hits += 8;
            let own = index.search_item(id, &scan(5)).unwrap();
            if metric != Metric::Dot {
                assert_eq!(own[0].id, id, "{metric}");
            }
            let search = Search {
                exclude_self: true,
                ..scan(5)
            };
            let others = index.search_item(id, &search).unwrap();
            assert!(
                others.len() == 5 && others.iter().all(|one| one.id != id),
                "{metric}"
            );
        }
        assert!(
            hits * 100 >= all_hits * 95,
            "{metric}: {hits} of {all_hits}"
        );
        let before = index.search(&queries[0], &scan(10)).unwrap();
        index.remove_item(before[0].id).unwrap();
        let gone = [before[0].id, before[1].id];
        let search = Search {
            exclude: &gone[1..],
            ..scan(8)
        };
        let after = ids(&index.search(&queries[0], &search).unwrap());
        assert!(after.len() == 8 && !gone.iter().any(|id| after.contains(id)));
    }
}

#[test]
fn a_filter_is_asked_once() {
    let options = kind(Metric::Euclidean, ScalarType::F32, 16);
    let (index, queries) = split(options, &clustered(3000 + QUERIES, 16, 20, &mut Random(11)));
    for one_of in [1, 10, 1000] {
        for search_k in [None, Some(100), Some(2000), Some(u64::MAX)] {
            for query in &queries[..10] {
                let asked = Mutex::new(HashSet::new());
                let filter = |id: i64| {
                    assert!(asked.lock().unwrap().insert(id), "{id} again");
                    id % one_of == 0
                };
                let search = Search {
                    filter: Some(&filter),
                    search_k,
                    ..scan(3)
                };
                assert_eq!(index.search(query, &search).unwrap().len(), 3);
            }
        }
    }
}

/// The graph goes before the scan, the scan before the forest.
#[test]
fn the_way_is_chosen() {
    let options = kind(Metric::Euclidean, ScalarType::F32, 16);
    let rows = gaussian(3000, 16, &mut Random(12));
    let items = items(options, &rows);
    let mut index = built(options, &items, 4);
    let found = |index: &Index, way| -> annoy_rs::Result<Vec<Vec<Neighbor>>> {
        let search = Search {
            way,
            search_k: Some(50),
            ..Search::new(10)
        };
        let some = items.iter().step_by(50);
        some.map(|item| index.search(item, &search)).collect()
    };
    let forest = found(&index, Way::Fastest).unwrap();
    let refused = found(&index, Way::Scan);
    assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
    add_scan(&mut index, 2);
    let scanned = found(&index, Way::Scan).unwrap();
    assert_ne!(scanned, forest);
    assert_eq!(found(&index, Way::Fastest).unwrap(), scanned);
    assert_eq!(found(&index, Way::Forest).unwrap(), forest);
    crate::common::graphs::add_graph(&mut index, 2);
    let graph = found(&index, Way::Fastest).unwrap();
    assert_eq!(found(&index, Way::Graph).unwrap(), graph);
    assert_ne!(graph, scanned);
    assert_eq!(found(&index, Way::Scan).unwrap(), scanned);
}

#[test]
fn metrics_that_have_none() {
    for metric in [Metric::Manhattan, Metric::Hamming] {
        let options = Options::new(metric, 64);
        let mut index = built(options, &[Item::zero(options)], 1);
        let before = index.to_bytes().unwrap();
        let refused = index.build_scan(&mut Work::default());
        assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
        assert!(index.to_bytes().unwrap() == before);
        let refused = index.search(&Item::zero(options), &scan(1));
        assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
    }
}
