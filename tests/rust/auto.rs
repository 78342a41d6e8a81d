//! Choosing between a graph and a scan: one of them is there afterwards, and finds what it should;
//! the choice depends on the items alone, and on an error nothing has changed.

use crate::common::graphs::{add_graph, gaussian, items, kind, recall};
use crate::common::scans::{add_scan, clustered};
use crate::common::{built, in_turn, one_in, random_items, saved, scratch, Item, Random};
use annoy_rs::{Access, Cancel, Error, Index, Metric, Options, ScalarType, Search, Stage, Work};

const QUERIES: usize = 100;

fn threads(n: usize) -> Work<'static> {
    Work {
        n_threads: Some(n),
        ..Work::default()
    }
}

/// An index of all but the last items, which are queries.
fn split(options: Options, mut all: Vec<Item>) -> (Index, Vec<Item>) {
    let queries = all.split_off(all.len() - QUERIES);
    (built(options, &all, 5), queries)
}

/// Whether it has a graph, and a scan.
fn has(index: &Index) -> [bool; 2] {
    let info = index.info().unwrap();
    [info.graph_degree > 0, info.scan_lists > 0]
}

#[test]
fn one_of_them_is_there_and_finds_enough() {
    let mut random = Random(1);
    let bits = Options::new(Metric::Hamming, 64);
    let mut float = |metric, scalar, n, f| {
        let options = kind(metric, scalar, f);
        split(options, items(options, &clustered(n, f, 30, &mut random)))
    };
    let sets = [
        float(Metric::Angular, ScalarType::F32, 5000, 12),
        float(Metric::Euclidean, ScalarType::F64, 8500, 6),
        float(Metric::Dot, ScalarType::F32, 5000, 8),
        float(Metric::Manhattan, ScalarType::F32, 4000, 5),
        float(Metric::Euclidean, ScalarType::F32, 1000, 5),
        split(bits, random_items(bits, 4000, 4)),
    ];
    for (mut index, queries) in one_in(3, sets, 1) {
        let metric = index.options().metric;
        index.build_auto(None, &mut threads(2)).unwrap();
        let [graph, scan] = has(&index);
        println!("{metric:?} {}: graph {graph}, scan {scan}", index.n_items());
        assert!(graph != scan);
        let may_scan = !matches!(metric, Metric::Manhattan | Metric::Hamming);
        assert!(graph || may_scan && index.n_items() > 3000);
        assert_eq!(index.info().unwrap().n_tuned, 512);
        let asking = Search {
            recall: Some(0.95),
            ..Search::new(10)
        };
        for search in [Search::new(10), asking] {
            let found = recall(&index, &queries, &search);
            assert!(found > 0.9, "{metric:?}: {found}");
        }
        let first = saved(&index);
        index.build_auto(Some(0.95), &mut threads(1)).unwrap();
        assert!(saved(&index) == first, "{metric:?}");
        index.build_auto(Some(0.5), &mut threads(7)).unwrap();
        assert!(recall(&index, &queries, &Search::new(10)) > 0.8);
    }
}

#[test]
fn what_a_file_had_is_replaced() {
    let options = kind(Metric::Euclidean, ScalarType::F32, 8);
    let rows = gaussian(5000, 8, &mut Random(2));
    let (mut index, _) = split(options, items(options, &rows));
    let plain = saved(&index);
    index.build_auto(None, &mut threads(2)).unwrap();
    let wanted = saved(&index);
    add_graph(&mut index, 2);
    add_scan(&mut index, 2);
    assert_eq!(has(&index), [true; 2]);
    let directory = scratch();
    let path = directory.path().join("both.ann");
    index.save_and_load(&path, Access::Map).unwrap();
    assert_eq!(has(&index), [true; 2]);
    index.build_auto(None, &mut threads(2)).unwrap();
    let [graph, scan] = has(&index);
    assert!(graph != scan);
    assert!(saved(&index) == wanted);
    // The file is as it was, and another load has what it has.
    index.load(&path, Access::Map).unwrap();
    assert_eq!(has(&index), [true; 2]);
    let mut loaded = Index::open_bytes(plain).unwrap();
    loaded.build_auto(None, &mut threads(1)).unwrap();
    assert!(saved(&loaded) == wanted);
}

#[test]
fn on_an_error_nothing_has_changed() {
    let options = kind(Metric::Angular, ScalarType::F32, 8);
    let rows = gaussian(4000, 8, &mut Random(3));
    let (mut index, _) = split(options, items(options, &rows));
    add_graph(&mut index, 2);
    index.tune(&mut threads(2)).unwrap();
    let directory = scratch();
    for is_loaded in in_turn([false, true], 1) {
        if is_loaded {
            add_scan(&mut index, 2);
            index.tune(&mut threads(2)).unwrap();
            let path = directory.path().join("x.ann");
            index.save_and_load(path, Access::Map).unwrap();
        }
        let before = saved(&index);
        for wrong in [0.0, -1.0, 1.5, f64::NAN] {
            let error = index.build_auto(Some(wrong), &mut threads(1)).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{error}");
        }
        // In each stage, in each of those that come again.
        let (mut at, mut seen) = (0, Vec::new());
        loop {
            let cancel = Cancel::new();
            let (mut last, mut n) = (None, 0);
            let mut progress = |stage: Stage, done: u64, total: u64| {
                assert!(done <= total);
                n += usize::from(last != Some((stage, total)));
                last = Some((stage, total));
                if n > at {
                    cancel.cancel();
                }
            };
            let mut work = Work {
                n_threads: Some(2),
                cancel: Some(&cancel),
                progress: Some(&mut progress),
            };
            let done = index.build_auto(None, &mut work);
            seen.push(last);
            if done.is_ok() {
                break;
            }
            assert!(matches!(done, Err(Error::Cancelled)));
            assert!(saved(&index) == before, "{at}");
            at += 1 + at / 2;
        }
        assert!(seen.len() > 4, "{seen:?}");
        index.load_bytes(before).unwrap();
    }
    let mut unbuilt = Index::new(Metric::Dot, 2).unwrap();
    let error = unbuilt.build_auto(None, &mut threads(1)).unwrap_err();
    assert!(matches!(error, Error::State { .. }), "{error}");
}
