//! Graphs and filters: what is found when all that is near is refused, whoever refuses it, and that
//! a filter is asked about an item once.

use crate::common::graphs::{add_graph, gaussian, items, kind, recall, with_graph, Rows};
use crate::common::{built, ids, sample, Item, Random};
use annoy_rs::{Bitmap, Index, Metric, ScalarType, Search, Way};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::OnceLock;

const N: usize = 12_000;
const F: usize = 12;

/// By codes; by vectors; by codes with zero vectors; by vectors in clusters; by products.
fn sets() -> Vec<(&'static str, Metric, Rows)> {
    let mut random = Random(1);
    let plain = gaussian(N, F, &mut random);
    let mut flags = plain.clone();
    flags
        .iter_mut()
        .for_each(|row| row[0] = 1000.0 * random.below(2) as f64);
    let mut zeros = plain.clone();
    zeros.iter_mut().step_by(9).for_each(|row| row.fill(0.0));
    let centres = gaussian(40, F, &mut random);
    let mut clusters = plain.clone();
    for row in &mut clusters {
        let centre = &centres[random.below(centres.len())];
        row.iter_mut()
            .zip(centre)
            .for_each(|(x, c)| *x = 0.2 * *x + 3.0 * c);
    }
    vec![
        ("codes", Metric::Euclidean, plain.clone()),
        ("vectors", Metric::Manhattan, flags),
        ("zeros", Metric::Angular, zeros),
        ("clusters", Metric::Euclidean, clusters),
        ("products", Metric::Dot, plain),
    ]
}

struct Case {
    name: &'static str,
    index: Index,
    queries: Vec<Item>,
}

/// One of the sets, built for the first test that asks, and queries that are as some of its items.
fn case(name: &str, n_queries: usize) -> Case {
    static BUILT: [OnceLock<Vec<u8>>; 5] = [const { OnceLock::new() }; 5];
    let mut all = sets().into_iter().zip(&BUILT);
    let ((name, metric, mut rows), built) = all.find(|(set, _)| set.0 == name).unwrap();
    let options = kind(metric, ScalarType::F32, F);
    let mut random = Random(2);
    let noise = gaussian(n_queries, F, &mut random);
    let items = items(options, &rows);
    let step = N / n_queries - 7;
    let queries = noise.iter().enumerate().map(|(i, noise)| {
        let row = &mut rows[i * step + 1];
        row.iter_mut().zip(noise).for_each(|(x, y)| *x += 0.2 * y);
        Item::new(options, |i| row[i])
    });
    let queries = queries.collect();
    let bytes = built.get_or_init(|| with_graph(options, &items, 2).to_bytes().unwrap());
    let index = Index::open_bytes(bytes.clone()).unwrap();
    let is_by_vectors = index.info().unwrap().graph_code_bytes == 0;
    assert_eq!(is_by_vectors, ["vectors", "clusters"].contains(&name));
    Case {
        name,
        index,
        queries,
    }
}

fn nearest(index: &Index, query: &Item, n: usize) -> Vec<i64> {
    let search = Search {
        way: Way::Exact,
        ..Search::new(n)
    };
    ids(&index.search(query, &search).unwrap())
}

fn words(ids: &[i64]) -> Vec<u64> {
    let mut words = vec![0; N.div_ceil(64)];
    ids.iter()
        .for_each(|&id| words[id as usize / 64] |= 1 << (id % 64));
    words
}

/// Searches with a filter that may not be asked twice; what it finds.
fn asked_once(
    index: &Index,
    query: &Item,
    search: &Search<'_>,
    accepts: &(dyn Fn(i64) -> bool + Sync),
    name: &str,
) -> Vec<i64> {
    thread_local! {
        static ASKED: RefCell<HashSet<i64>> = RefCell::default();
    }
    ASKED.with_borrow_mut(HashSet::clear);
    let filter = |id: i64| {
        assert!(
            ASKED.with_borrow_mut(|asked| asked.insert(id)),
            "{name}: {id} again"
        );
        accepts(id)
    };
    let search = Search {
        filter: Some(&filter),
        ..*search
    };
    let found = ids(&index.search(query, &search).unwrap());
    assert!(found.iter().all(|&id| accepts(id)), "{name}");
    let different: HashSet<_> = found.iter().collect();
    assert_eq!(different.len(), found.len(), "{name}: one is there twice");
    found
}

/// The nearest are refused: by a bitmap, a list of ids, a function, and by being removed.
fn nearest_refused(name: &str, least: f64) {
    let Case {
        name,
        mut index,
        queries,
    } = case(name, 12);
    for m in [10, 100, 1000, 4000] {
        let mut shares = [0.0; 4];
        for query in &queries {
            let query = std::slice::from_ref(query);
            let near = nearest(&index, &query[0], m);
            let words = words(&near);
            let set: HashSet<i64> = near.iter().copied().collect();
            let bitmap = Some(Bitmap {
                words: &words,
                deny: true,
            });
            let function = |id: i64| !set.contains(&id);
            let plain = Search::new(10);
            shares[0] += recall(&index, query, &Search { bitmap, ..plain });
            shares[1] += recall(
                &index,
                query,
                &Search {
                    exclude: &near,
                    ..plain
                },
            );
            shares[2] += recall(
                &index,
                query,
                &Search {
                    filter: Some(&function),
                    ..plain
                },
            );
            asked_once(&index, &query[0], &plain, &function, name);
            near.iter().for_each(|&id| index.remove_item(id).unwrap());
            shares[3] += recall(&index, query, &plain);
            near.iter().for_each(|&id| index.restore_item(id).unwrap());
        }
        let shares = shares.map(|share| share / queries.len() as f64);
        println!("{name}, {m} refused: {shares:.3?}");
        assert!(
            shares.iter().all(|&share| share >= least),
            "{name}, {m} refused: {shares:?}"
        );
    }
}

#[test]
fn nearest_refused_by_codes() {
    nearest_refused("codes", 0.95);
}

#[test]
fn nearest_refused_by_vectors() {
    nearest_refused("vectors", 0.95);
}

#[test]
fn nearest_refused_among_zero_vectors() {
    nearest_refused("zeros", 0.95);
}

#[test]
fn nearest_refused_in_clusters() {
    nearest_refused("clusters", 0.95);
}

#[test]
fn nearest_refused_by_products() {
    nearest_refused("products", 0.95);
}

/// Any share of the items, drawn, by a bitmap and by a function.
fn shares(name: &str) {
    let Case {
        name,
        index,
        queries,
    } = case(name, 15);
    for per_mille in [1, 5, 20, 100, 300, 700, 900, 990, 999] {
        let mut random = Random(per_mille);
        let accepted: Vec<i64> = (0..N as i64)
            .filter(|_| random.below(1000) < per_mille as usize)
            .collect();
        let words = words(&accepted);
        let bitmap = Some(Bitmap {
            words: &words,
            deny: false,
        });
        let function = |id: i64| words[id as usize / 64] >> (id % 64) & 1 == 1;
        let plain = Search::new(10);
        let by_bitmap = recall(&index, &queries, &Search { bitmap, ..plain });
        let by_function = recall(
            &index,
            &queries,
            &Search {
                filter: Some(&function),
                ..plain
            },
        );
        let name = format!("{name}, {per_mille} of 1000");
        println!("{name}: {by_bitmap:.3} {by_function:.3}");
        assert!(
            by_bitmap >= 0.95 && by_function >= 0.95,
            "{name}: {by_bitmap} {by_function}"
        );
        for query in &queries {
            asked_once(&index, query, &plain, &function, &name);
        }
    }
}

#[test]
fn shares_by_codes() {
    shares("codes");
}

#[test]
fn shares_by_vectors() {
    shares("vectors");
}

#[test]
fn shares_among_zero_vectors() {
    shares("zeros");
}

type Accepts<'a> = Box<dyn Fn(i64) -> bool + Sync + 'a>;

/// However little is looked at: walks that come to an end early, are led elsewhere, or are given up
/// for looking at all in a row.
fn asked_once_everywhere(name: &str) {
    let Case {
        name,
        index,
        queries,
    } = case(name, 8);
    let mut tries = 0;
    for query in queries.iter().step_by(sample().min(2)) {
        let order = nearest(&index, query, N);
        let mut rank = vec![0usize; N];
        order
            .iter()
            .enumerate()
            .for_each(|(i, &id)| rank[id as usize] = i);
        let rank = |id: i64| rank[id as usize];
        let filters: [(&str, Accepts<'_>); 12] = [
            ("all", Box::new(|_| true)),
            ("none", Box::new(|_| false)),
            ("half", Box::new(|id| id % 2 == 0)),
            ("one of 30", Box::new(|id| id % 30 == 0)),
            ("one of 1000", Box::new(|id| id % 1000 == 0)),
            ("300 near refused", Box::new(|id| rank(id) >= 300)),
            ("2000 near refused", Box::new(|id| rank(id) >= 2000)),
            ("7000 near refused", Box::new(|id| rank(id) >= 7000)),
            ("100 near", Box::new(|id| rank(id) < 100)),
            ("100 far", Box::new(|id| rank(id) >= N - 100)),
            (
                "some near and 500 far",
                Box::new(|id| rank(id) < 60 || rank(id) >= N - 500),
            ),
            (
                "a ring, and far",
                Box::new(|id| (500..560).contains(&rank(id)) || rank(id) >= 5000),
            ),
        ];
        for (of, accepts) in &filters {
            for (n, search_k) in [
                (1, 1),
                (3, 40),
                (10, 100),
                (10, 300),
                (10, 700),
                (10, 1400),
                (40, 1000),
                (100, 200),
                (500, 600),
                (10, 3000),
                (10, 9000),
            ] {
                let name = format!("{name}, {of}, {n} by {search_k}");
                let search = Search {
                    search_k: Some(search_k),
                    ..Search::new(n)
                };
                let found = asked_once(&index, query, &search, &accepts, &name);
                assert!(found.len() <= n, "{name}");
                tries += 1;
            }
        }
    }
    println!("{tries} searches");
}

#[test]
fn asked_once_by_codes() {
    asked_once_everywhere("codes");
}

#[test]
fn asked_once_by_vectors() {
    asked_once_everywhere("vectors");
}

#[test]
fn asked_once_among_zero_vectors() {
    asked_once_everywhere("zeros");
}

#[test]
fn asked_once_in_clusters() {
    asked_once_everywhere("clusters");
}

#[test]
fn asked_once_by_products() {
    asked_once_everywhere("products");
}

/// Most of the items are refused, and other clusters are farther: walks that end in one of those
/// are led on, and given up then.
#[test]
fn asked_once_when_given_up_elsewhere() {
    let (n, f) = (6000, 4);
    let mut random = Random(3);
    let mut rows = gaussian(n, f, &mut random);
    let mut is_refused = Vec::new();
    for row in &mut rows {
        row.iter_mut().for_each(|x| *x *= 0.3);
        let centre = match random.below(100) {
            0..16 => [-8.0, -3.0],
            16..21 => [9.0, 0.0],
            _ => [-8.0, 6.0],
        };
        row[0] += centre[0];
        row[1] += centre[1];
        is_refused.push(centre[1] == 6.0);
    }
    let options = kind(Metric::Euclidean, ScalarType::F32, f);
    let mut index = built(options, &items(options, &rows), 3);
    add_graph(&mut index, 2);
    for number in 0..200 {
        let query = Item::new(options, |_| 10.0 * random.number());
        for search_k in [100, 300, 700] {
            let name = format!("query {number}, {search_k}");
            let search = Search {
                search_k: Some(search_k),
                ..Search::new(5)
            };
            let accepts = |id: i64| !is_refused[id as usize];
            let found = asked_once(&index, &query, &search, &accepts, &name);
            assert_eq!(found.len(), 5, "{name}");
        }
    }
}

/// Clusters of directions that no way leads out of, and zero vectors: what is accepted is named by
/// the trees, and those last.
#[test]
fn asked_once_when_looked_for_elsewhere() {
    let (n, f) = (6000, 4);
    let mut random = Random(4);
    let mut rows = gaussian(n, f, &mut random);
    for (i, row) in rows.iter_mut().enumerate() {
        match i % 9 {
            8 => row.fill(0.0),
            // Four ways along two of the numbers.
            k => {
                row.iter_mut().for_each(|x| *x *= 0.01);
                row[k % 2] += [-1.0, 1.0][k / 2 % 2];
            }
        }
    }
    let options = kind(Metric::Angular, ScalarType::F32, f);
    let index = with_graph(options, &items(options, &rows), 2);
    let filters: [&(dyn Fn(i64) -> bool + Sync); 4] = [
        &|id| id % 90 == 1,
        &|id| id % 9 == 8 && id % 10 == 1,
        &|id| id % 300 == 0,
        &|_| false,
    ];
    for query in items(options, &rows[0..8]) {
        for (i, accepts) in filters.iter().enumerate() {
            for search_k in [30, 100, 300, 700] {
                let name = format!("{query:?}, filter {i}, {search_k}");
                let search = Search {
                    search_k: Some(search_k),
                    ..Search::new(10)
                };
                let found = asked_once(&index, &query, &search, accepts, &name);
                assert_eq!(found.len(), if i == 3 { 0 } else { 10 }, "{name}");
            }
        }
    }
}
