//! Graphs: built, and searched on threads that have no room yet.

use super::common::graphs::{add_graph, gaussian, items};
use super::common::{built, saved, Item, Random};
use super::walk::Operation;
use super::TREES;
use annoy_rs::{GraphPlan, Index, Metric, Options, Search, Way, Work};
use std::sync::OnceLock;

/// What walks compare.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Codes,
    /// Codes do not tell the items apart, and there are zero vectors besides.
    Vectors,
}

/// On a thread that has not searched before: a thread keeps its room.
pub fn on_a_new_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// Files without a graph and with one. Made once.
fn files(by: By) -> &'static [Vec<u8>; 2] {
    static FILES: [OnceLock<[Vec<u8>; 2]>; 2] = [OnceLock::new(), OnceLock::new()];
    FILES[usize::from(by == By::Vectors)].get_or_init(|| {
        let options = Options::new(Metric::Angular, 8);
        let mut rows = gaussian(120, 8, &mut Random(6));
        for (id, row) in rows.iter_mut().enumerate() {
            match by {
                By::Vectors if id % 5 == 2 => row.fill(0.0),
                By::Vectors => row[7] = 1e5,
                By::Codes => {}
            }
        }
        let mut index = built(options, &items(options, &rows), TREES);
        let without = saved(&index);
        add_graph(&mut index, 1);
        [without, saved(&index)]
    })
}

fn opened(by: By, with_graph: bool) -> Index {
    Index::open_bytes(files(by)[usize::from(with_graph)].clone()).unwrap()
}

type Ask = dyn Fn(i64) -> bool + Sync;

fn searches(index: &mut Index) -> annoy_rs::Result<()> {
    let item = Item::read(index, 1)?;
    let zero = Item::zero(index.options());
    let filters: [Option<&Ask>; 3] = [None, Some(&|id| id % 3 == 0), Some(&|id| id % 30 == 7)];
    for query in [&item, &zero] {
        for filter in filters {
            let search = Search {
                way: Way::Graph,
                search_k: Some(30),
                filter,
                ..Search::new(9)
            };
            on_a_new_thread(|| index.search(query, &search).map(drop))?;
        }
    }
    Ok(())
}

/// Makes no call of the system before it is its test's turn.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (by, n_threads) in [(By::Codes, 1), (By::Codes, 3), (By::Vectors, 2)] {
        all.push(Operation::new(
            format!("build_graph, {by:?}, {n_threads} threads"),
            move |_| opened(by, false),
            move |index, _| {
                let mut work = Work {
                    n_threads: Some(n_threads),
                    ..Work::default()
                };
                index.build_graph(&GraphPlan::default(), &mut work)
            },
        ));
    }
    for by in [By::Codes, By::Vectors] {
        all.push(Operation::new(
            format!("searches of a graph, {by:?}"),
            move |_| {
                let index = opened(by, true);
                let code_bytes = index.info().unwrap().graph_code_bytes;
                assert_eq!(code_bytes == 0, by == By::Vectors);
                index
            },
            |index, _| searches(index),
        ));
    }
    all
}
