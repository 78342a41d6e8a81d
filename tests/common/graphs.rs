//! Sets of vectors that a graph may find hard, and the share of the nearest that searches of it find.

use super::{options, Item, Random};
use annoy_rs::{
    GraphPlan, IdWidth, Index, Metric, Neighbor, Options, ScalarType, Search, Way, Work,
};

pub type Rows = Vec<Vec<f64>>;

/// Rows of `f` numbers, each about normal.
pub fn gaussian(n: usize, f: usize, random: &mut Random) -> Rows {
    let mut row = || (0..f).map(|_| random.normal()).collect();
    (0..n).map(|_| row()).collect()
}

/// As f32 or f64, as an index of this kind takes them.
pub fn items(options: Options, rows: &[Vec<f64>]) -> Vec<Item> {
    let item = |row: &Vec<f64>| Item::new(options, |i| row[i]);
    rows.iter().map(item).collect()
}

pub fn kind(metric: Metric, scalar: ScalarType, f: usize) -> Options {
    options(metric, scalar, IdWidth::Bits32, f)
}

/// An index with a graph, whatever the number of threads.
pub fn with_graph(options: Options, items: &[Item], n_threads: usize) -> Index {
    let mut index = super::built(options, items, 5);
    add_graph(&mut index, n_threads);
    index
}

pub fn add_graph(index: &mut Index, n_threads: usize) {
    let mut work = Work {
        n_threads: Some(n_threads),
        ..Work::default()
    };
    index.build_graph(&GraphPlan::default(), &mut work).unwrap();
}

/// How many are no farther than the last of `truth`, which are the nearest there are.
pub fn as_near(metric: Metric, found: &[Neighbor], truth: &[Neighbor]) -> usize {
    let Some(last) = truth.last() else {
        return 0;
    };
    let is_near = |one: &&Neighbor| match metric {
        Metric::Dot => one.distance >= last.distance,
        _ => one.distance <= last.distance,
    };
    found.iter().filter(is_near).count()
}

/// The share of what an exact search finds that this one does. No more and nothing twice.
pub fn recall(index: &Index, queries: &[Item], search: &Search<'_>) -> f64 {
    let exact = Search {
        way: Way::Exact,
        ..*search
    };
    let (mut hits, mut all) = (0, 0);
    for query in queries {
        let truth = index.search(query, &exact).unwrap();
        let found = index.search(query, search).unwrap();
        let mut ids = super::ids(&found);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), found.len(), "one is there twice");
        assert!(found.len() <= truth.len());
        hits += as_near(index.options().metric, &found, &truth);
        all += truth.len();
    }
    hits as f64 / all.max(1) as f64
}
