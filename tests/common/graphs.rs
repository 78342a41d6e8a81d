//! Sets of vectors that a graph may find hard, and the share of the nearest that searches of it
//! find.

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

/// Small files with graphs: walked by vectors, with zero vectors, with both; some items are
/// missing.
pub fn small_files() -> Vec<(Options, Vec<u8>)> {
    let kinds = [
        (
            Metric::Euclidean,
            ScalarType::F32,
            IdWidth::Bits32,
            true,
            false,
        ),
        (
            Metric::Manhattan,
            ScalarType::F64,
            IdWidth::Bits64,
            true,
            false,
        ),
        (Metric::Dot, ScalarType::F32, IdWidth::Bits32, true, false),
        (
            Metric::Angular,
            ScalarType::F32,
            IdWidth::Bits32,
            false,
            true,
        ),
        (
            Metric::Angular,
            ScalarType::F64,
            IdWidth::Bits64,
            true,
            true,
        ),
    ];
    let file = |(metric, scalar, ids, by_vectors, zeros)| {
        let options = options(metric, scalar, ids, 3);
        let mut rows = gaussian(48, 3, &mut Random(1));
        for (id, row) in rows.iter_mut().enumerate() {
            if by_vectors {
                // Most in one place, and some far off: of directions along one.
                let is_far = (id % 9 == 0) != (metric == Metric::Angular);
                row[2] = if is_far { 1e6 } else { 0.0 };
            }
            if zeros && id % 7 == 5 {
                row.fill(0.0);
            }
        }
        let mut index = super::filled(options, &[]);
        let items = items(options, &rows);
        for (id, item) in items.iter().enumerate().filter(|(id, _)| id % 13 != 3) {
            index.add_item(id as i64, item).unwrap();
        }
        index.build(Some(2), Some(1)).unwrap();
        let plan = GraphPlan {
            degree: 4,
            ..GraphPlan::default()
        };
        index.build_graph(&plan, &mut Work::default()).unwrap();
        let code_bytes = index.info().unwrap().graph_code_bytes;
        assert_eq!(code_bytes == 0, by_vectors, "{options:?}");
        (options, super::saved(&index))
    };
    kinds.into_iter().map(file).collect()
}
