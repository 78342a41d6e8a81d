//! Recall against exact search, with fixed seeds: floors a little under what was measured when they
//! were set. The same items and seeds give the same forest, so a lower recall is a change of the
//! algorithm.
//!
//! | metric | default search_k (100) | 400 | 2,000 |
//! |---|---|---|---|
//! | angular | 0.905 | 0.996 | 1.000 |
//! | euclidean | 0.895 | 0.995 | 1.000 |
//! | manhattan | 0.868 | 0.990 | 0.999 |
//! | dot | 0.917 | 0.975 | 0.999 |
//! | hamming | 0.831 | 0.978 | 1.000 |

use crate::common::{exact, filled, ids, Item, Random};
use annoy_rs::{Index, Metric, Options};

const ITEMS: usize = 4000;
const QUERIES: usize = 100;
const TREES: usize = 10;
const N: usize = 10;

/// Clusters in few dimensions within many, as real vectors are; for dot with norms that vary ten
/// times.
fn data(options: Options, n: usize, random: &mut Random) -> Vec<Item> {
    let f = options.f;
    let mut shared = Random(77);
    let basis: Vec<Vec<f64>> = (0..12)
        .map(|_| (0..f).map(|_| shared.normal()).collect())
        .collect();
    let centres: Vec<Vec<f64>> = (0..30)
        .map(|_| (0..12).map(|_| shared.normal()).collect())
        .collect();
    (0..n)
        .map(|_| {
            let centre = &centres[random.below(30)];
            let weights: Vec<f64> = centre.iter().map(|c| c + 0.5 * random.normal()).collect();
            let norm = match options.metric {
                Metric::Dot => 0.1 + random.below(1000) as f64 / 1000.0,
                _ => 1.0,
            };
            let value = |i: usize| {
                let sum: f64 = weights.iter().zip(&basis).map(|(w, b)| w * b[i]).sum();
                norm * (sum + 0.2 * random.normal())
            };
            Item::new(options, value)
        })
        .collect()
}

/// The share of the true nearest that is found at each search_k.
fn recall<const K: usize>(
    index: &Index,
    items: &[Item],
    queries: &[Item],
    search_k: [Option<u64>; K],
) -> [f64; K] {
    let metric = index.options().metric;
    let all: Vec<Option<Item>> = items.iter().cloned().map(Some).collect();
    let mut hits = [0; K];
    for query in queries {
        let nearest = exact(metric, &all, query, N);
        let farthest = nearest[N - 1].0;
        for (hits, &search_k) in hits.iter_mut().zip(&search_k) {
            let found = index.get_nns_by_vector(query, N, search_k).unwrap();
            // By distance, so that an equally near one counts as well.
            *hits += found
                .iter()
                .filter(|neighbor| {
                    let own = crate::common::distance(metric, &items[neighbor.id as usize], query);
                    let over = if metric == Metric::Dot {
                        farthest - own
                    } else {
                        own - farthest
                    };
                    over <= 1e-9 || ids_of(&nearest).contains(&neighbor.id)
                })
                .count();
            assert_eq!(ids(&found).len(), found.len());
        }
    }
    hits.map(|hits| hits as f64 / (queries.len() * N) as f64)
}

fn ids_of(nearest: &[(f64, i64)]) -> Vec<i64> {
    nearest.iter().map(|(_, id)| *id).collect()
}

fn check(metric: Metric, f: usize, floors: [f64; 3]) {
    let options = Options::new(metric, f);
    let mut random = Random(2026);
    let items = data(options, ITEMS, &mut random);
    let queries = data(options, QUERIES, &mut random);
    let mut index = filled(options, &items);
    index.build(Some(TREES), Some(2)).unwrap();
    let found = recall(&index, &items, &queries, [None, Some(400), Some(2000)]);
    println!("{metric}: recall at search_k default, 400, 2000: {found:.3?}, floors {floors:?}");
    for (found, floor) in found.iter().zip(floors) {
        assert!(
            *found >= floor,
            "{metric}: {found:.3?}, at least {floors:?}"
        );
    }
    let all = recall(&index, &items, &queries, [Some(u64::MAX)]);
    assert_eq!(all, [1.0], "{metric}: looking at everything is exact");
}

#[test]
fn angular() {
    check(Metric::Angular, 40, [0.88, 0.98, 0.995]);
}

#[test]
fn euclidean() {
    check(Metric::Euclidean, 40, [0.87, 0.98, 0.995]);
}

#[test]
fn manhattan() {
    check(Metric::Manhattan, 40, [0.86, 0.98, 0.995]);
}

#[test]
fn dot() {
    check(Metric::Dot, 40, [0.86, 0.96, 0.99]);
}

#[test]
fn hamming() {
    check(Metric::Hamming, 256, [0.80, 0.96, 0.995]);
}
