//! Who lets a search look at more finds no less.

use crate::common::graphs::{as_near, gaussian, items, kind, with_graph, Rows};
use crate::common::{in_turn, Item, Random};
use annoy_rs::{Index, Metric, ScalarType, Search, Way};

const QUERIES: usize = 120;

/// What is lost may be so much by chance.
const SLACK: f64 = 0.01;

/// About thirty numbers of items to look at, up to all.
fn steps(n_items: usize) -> Vec<u64> {
    let mut steps: Vec<u64> = (1..=4).collect();
    let top = n_items as f64;
    steps.extend((1..=22).map(|i| (4.0 * (top / 4.0).powf(f64::from(i) / 22.0)) as u64));
    let top = n_items as u64;
    steps.extend([top / 2 - 1, top / 2, top / 2 + 1, top * 2 / 3, top - 1, top]);
    steps.sort_unstable();
    steps.dedup();
    steps
}

fn never_falls(name: &str, index: &Index, queries: &[Item]) {
    let n_items = index.n_items();
    for n in [10, 100, 1000, n_items - 20] {
        let exact = |query| {
            let search = Search {
                way: Way::Exact,
                ..Search::new(n)
            };
            index.search(query, &search).unwrap()
        };
        // Long lists need fewer of them.
        let queries = &queries[..if n > 100 { 8 } else { queries.len() }];
        let truth: Vec<_> = queries.iter().map(exact).collect();
        for way in [Way::Forest, Way::Graph] {
            let mut best = (0.0, 0);
            let mut all = Vec::new();
            for search_k in steps(n_items) {
                let search = Search {
                    way,
                    search_k: Some(search_k),
                    ..Search::new(n)
                };
                let hits = queries.iter().zip(&truth).map(|(query, truth)| {
                    let found = index.search(query, &search).unwrap();
                    as_near(index.options().metric, &found, truth)
                });
                let share = hits.sum::<usize>() as f64 / (n * queries.len()) as f64;
                all.push(format!("{search_k}: {share:.3}"));
                assert!(
                    share >= best.0 - SLACK,
                    "{name}, {n} of {n_items}, {way:?}: {share:.3} by {search_k}, {:.3} by {}; {all:?}",
                    best.0,
                    best.1
                );
                if share > best.0 {
                    best = (share, search_k);
                }
            }
            // A forest counts an item as often as trees name it.
            let is_all = best.0 == 1.0 || way == Way::Forest;
            assert!(is_all, "{name}, {n} of {n_items}, {way:?}: {all:?}");
        }
    }
}

/// Of two sizes; of one, in turn, where tries are sampled.
fn of_kind(name: &str, metric: Metric, make: impl Fn(usize, &mut Random) -> Rows) {
    for n_items in in_turn([5000, 2001], name.len()) {
        let rows = make(n_items + QUERIES, &mut Random(1));
        let options = kind(metric, ScalarType::F32, rows[0].len());
        let all = items(options, &rows);
        let (items, queries) = all.split_at(n_items);
        never_falls(name, &with_graph(options, items, 2), queries);
    }
}

#[test]
fn by_codes() {
    of_kind("codes", Metric::Euclidean, |n, random| {
        gaussian(n, 16, random)
    });
}

#[test]
fn by_products() {
    of_kind("products", Metric::Dot, |n, random| gaussian(n, 16, random));
}

#[test]
fn by_vectors() {
    of_kind("vectors", Metric::Manhattan, |n, random| {
        let mut rows = gaussian(n, 16, random);
        rows.iter_mut()
            .for_each(|row| row[5] = 1000.0 * random.below(2) as f64);
        rows
    });
}

#[test]
fn by_short_codes() {
    of_kind("short codes", Metric::Angular, |n, random| {
        let directions = gaussian(12, 260, random);
        let weights = gaussian(n, 12, random);
        let row = |weights: &Vec<f64>| {
            let mut row = vec![0.0; 260];
            for (direction, w) in directions.iter().zip(weights) {
                row.iter_mut().zip(direction).for_each(|(x, d)| *x += w * d);
            }
            row
        };
        weights.iter().map(row).collect()
    });
}

#[test]
fn in_clusters_and_among_zero_vectors() {
    of_kind("clusters", Metric::Angular, |n, random| {
        let centres = gaussian(30, 12, random);
        let mut rows = gaussian(n, 12, random);
        for (i, row) in rows.iter_mut().enumerate() {
            let centre = &centres[random.below(30)];
            row.iter_mut()
                .zip(centre)
                .for_each(|(x, c)| *x = 0.2 * *x + c);
            if i % 10 == 9 && i < n - QUERIES {
                row.fill(0.0);
            }
        }
        rows
    });
}

#[test]
fn in_tight_clusters() {
    of_kind("tight", Metric::Euclidean, |n, random| {
        let centres = gaussian(20, 8, random);
        let mut rows = gaussian(n, 8, random);
        for row in &mut rows {
            let centre = &centres[random.below(20)];
            row.iter_mut()
                .zip(centre)
                .for_each(|(x, c)| *x = 0.001 * *x + 30.0 * c);
        }
        rows
    });
}

#[test]
fn of_lengths_that_differ_much() {
    of_kind("lengths", Metric::Euclidean, |n, random| {
        let mut rows = gaussian(n, 24, random);
        for row in &mut rows {
            let length = random.normal().exp();
            row.iter_mut().for_each(|x| *x *= length);
        }
        rows
    });
}
