//! Lists of a scan: built, and searched on threads that have no room yet.

use super::common::graphs::{gaussian, items};
use super::common::scans::{add_scan, scan};
use super::common::{built, saved, Item, Random};
use super::graphs::on_a_new_thread;
use super::walk::Operation;
use super::TREES;
use annoy_rs::{Index, Metric, Options, Search, Work};
use std::sync::OnceLock;

/// Files without a scan and with one. Made once. One item is so long that a second scale is tried.
fn files() -> &'static [Vec<u8>; 2] {
    static FILES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        let options = Options::new(Metric::Euclidean, 8);
        let mut rows = gaussian(400, 8, &mut Random(6));
        rows[9].iter_mut().for_each(|x| *x *= 1e5);
        let mut index = built(options, &items(options, &rows), TREES);
        let without = saved(&index);
        add_scan(&mut index, 1);
        assert!(index.info().unwrap().scan_lists > 1);
        [without, saved(&index)]
    })
}

fn opened(with_scan: bool) -> Index {
    Index::open_bytes(files()[usize::from(with_scan)].clone()).unwrap()
}

type Ask = dyn Fn(i64) -> bool + Sync;

fn searches(index: &mut Index) -> annoy_rs::Result<()> {
    let item = Item::read(index, 1)?;
    let filters: [Option<&Ask>; 2] = [None, Some(&|id| id % 3 == 0)];
    for filter in filters {
        let search = Search {
            search_k: Some(130),
            filter,
            ..scan(9)
        };
        on_a_new_thread(|| index.search(&item, &search).map(drop))?;
    }
    Ok(())
}

/// Makes no call of the system before it is its test's turn.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for n_threads in [1, 3] {
        all.push(Operation::new(
            format!("build_scan, {n_threads} threads"),
            |_| opened(false),
            move |index, _| {
                let mut work = Work {
                    n_threads: Some(n_threads),
                    ..Work::default()
                };
                index.build_scan(&mut work)
            },
        ));
    }
    all.push(Operation::new(
        "searches of a scan",
        |_| opened(true),
        |index, _| searches(index),
    ));
    all
}
