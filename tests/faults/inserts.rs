//! Items inserted into trees, graph and scan, and a loaded index thawed for it.

use super::common::graphs::{add_graph, gaussian, items};
use super::common::scans::add_scan;
use super::common::{built, saved, Item, Random};
use super::walk::Operation;
use super::TREES;
use annoy_rs::{Index, Insertion, Metric, Options, Work};
use std::sync::OnceLock;

/// A file with all there is, and items that are not in it.
fn file() -> &'static (Vec<u8>, Vec<Item>) {
    static FILE: OnceLock<(Vec<u8>, Vec<Item>)> = OnceLock::new();
    FILE.get_or_init(|| {
        let options = Options::new(Metric::Euclidean, 4);
        let mut all = items(options, &gaussian(330, 4, &mut Random(6)));
        let more = all.split_off(300);
        let mut index = built(options, &all, TREES);
        add_graph(&mut index, 1);
        add_scan(&mut index, 1);
        (saved(&index), more)
    })
}

fn opened() -> Index {
    Index::open_bytes(file().0.clone()).unwrap()
}

/// One that a few items are put into where trees and graph lie.
fn without_scan() -> Index {
    let mut index = opened();
    index.thaw().unwrap();
    index.build(Some(TREES), Some(1)).unwrap();
    add_graph(&mut index, 1);
    index
}

/// Makes no call of the system before it is its test's turn.
pub fn operations() -> Vec<Operation> {
    let mut all = vec![Operation::new(
        "thaw_built",
        |_| opened(),
        |index, _| index.thaw_built(),
    )];
    for (name, n) in [("one", 1), ("a few", 4)] {
        all.push(Operation::new(
            format!("insert_items, {name}"),
            |_| without_scan(),
            move |index, _| {
                let more = &file().1;
                let insertion = Insertion::default();
                index.insert_items(&insertion, |i| &more[i], n, &mut Work::default())
            },
        ));
    }
    for n_threads in [1, 3] {
        all.push(Operation::new(
            format!("insert_items, {n_threads} threads"),
            |_| {
                let mut index = opened();
                index.thaw_built().unwrap();
                index
            },
            move |index, _| {
                let mut work = Work {
                    n_threads: Some(n_threads),
                    ..Work::default()
                };
                let more = &file().1;
                index.insert_items(&Insertion::default(), |i| &more[i], more.len(), &mut work)
            },
        ));
        let work = move || Work {
            n_threads: Some(n_threads),
            ..Work::default()
        };
        let with_removed = |_: &_| {
            let mut index = opened();
            index.thaw_built().unwrap();
            for id in (0..300).step_by(7) {
                index.remove_item(id).unwrap();
            }
            index
        };
        all.push(Operation::new(
            format!("consolidate, {n_threads} threads"),
            with_removed,
            move |index, _| index.consolidate(&mut work()),
        ));
        all.push(Operation::new(
            format!("compact, {n_threads} threads"),
            with_removed,
            move |index, _| index.compact(&mut work()),
        ));
    }
    all
}
