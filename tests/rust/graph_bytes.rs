//! Bytes of graphs: the same whatever the threads and the kernel, also without codes and with zero
//! vectors; and files from before graphs said how they were tried.

use crate::common::graphs::{add_graph, gaussian, items, kind, recall, with_graph, Rows};
use crate::common::{checksum, in_turn, sample, sampled_kinds, Item, Random};
use annoy_rs::{kernel_name, Access, Index, Metric, Options, ScalarType, Search, Way};
use std::path::Path;

const N: usize = 700;

/// Walked by vectors; with zero vectors; both; and one so large and poor that the share it finds is
/// not all.
fn sets() -> Vec<(Options, Rows)> {
    let mut random = Random(1);
    let plain = gaussian(N, 17, &mut random);
    let mut flags = plain.clone();
    flags
        .iter_mut()
        .for_each(|row| row[3] = 2000.0 * random.below(2) as f64);
    let with_zeros = |rows: &Rows| {
        let mut rows = rows.clone();
        rows.iter_mut()
            .skip(1)
            .step_by(5)
            .for_each(|row| row.fill(0.0));
        rows
    };
    let mut poor = gaussian(3300, 32, &mut random);
    for row in &mut poor {
        let length = random.normal().exp();
        row.iter_mut().for_each(|x| *x *= length);
    }
    let mut sets = Vec::new();
    for scalar in [ScalarType::F32, ScalarType::F64] {
        for metric in [
            Metric::Angular,
            Metric::Euclidean,
            Metric::Manhattan,
            Metric::Dot,
        ] {
            sets.push((kind(metric, scalar, 17), flags.clone()));
        }
        for rows in [&plain, &flags] {
            sets.push((kind(Metric::Angular, scalar, 17), with_zeros(rows)));
        }
    }
    sets.push((kind(Metric::Euclidean, ScalarType::F32, 32), poor));
    sampled_kinds(sets, 6)
}

#[test]
fn threads_change_nothing() {
    let (mut by_vectors, mut by_codes) = (0, 0);
    for (number, (options, rows)) in sets().into_iter().enumerate() {
        let items = items(options, &rows);
        let built = |n_threads| with_graph(options, &items, n_threads);
        let index = built(1);
        match index.info().unwrap().graph_code_bytes {
            0 => by_vectors += 1,
            _ => by_codes += 1,
        }
        let bytes = index.to_bytes().unwrap();
        for n_threads in in_turn([2, 3], number) {
            let others = built(n_threads).to_bytes().unwrap();
            assert!(others == bytes, "{options:?}, {n_threads} threads");
        }
        let loaded = Index::open_bytes(bytes.clone()).unwrap();
        assert!(loaded.verify(3).unwrap().is_sound(), "{options:?}");
        assert!(
            loaded.to_bytes().unwrap() == bytes,
            "{options:?}: saved again"
        );
    }
    let least = if sample() == 1 { (9, 2) } else { (5, 1) };
    assert!(
        by_vectors >= least.0 && by_codes >= least.1,
        "{by_vectors} {by_codes}"
    );
}

/// Prints what [`every_kernel_makes_the_same`] compares.
#[test]
#[ignore = "every_kernel_makes_the_same runs it"]
fn print_checksums() {
    println!("kernel: {}", kernel_name().unwrap());
    for (options, rows) in sets() {
        let index = with_graph(options, &items(options, &rows), 2);
        let sum = checksum(&index.to_bytes().unwrap());
        println!("checksum: {options:?} {} {sum:x}", rows.len());
    }
}

/// What the above prints on each kernel.
#[test]
fn every_kernel_makes_the_same() {
    crate::every_kernel_prints("graph_bytes::print_checksums", sets().len());
}

/// Files of graphs from before there were the fields that say how they were tried.
#[test]
fn files_of_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/graphs-0");
    for metric in [Metric::Angular, Metric::Dot] {
        let path = folder.join(format!("graph-{metric}.ann"));
        let index = Index::open(&path, Access::Map).unwrap();
        assert_eq!((index.options().metric, index.n_items()), (metric, 400));
        let info = index.info().unwrap();
        assert!(
            info.graph_degree > 0 && info.graph_code_bytes == 16,
            "{info:?}"
        );
        assert_eq!(info.graph_recall, None);
        let report = index.verify(3).unwrap();
        assert!(report.is_sound() && report.has_checksums, "{report:?}");
        let mut random = Random(2);
        let queries: Vec<Item> = (0..40)
            .map(|_| Item::random(index.options(), &mut random))
            .collect();
        let search = Search {
            way: Way::Graph,
            search_k: Some(100),
            ..Search::new(10)
        };
        let found = recall(&index, &queries, &search);
        println!("{metric}: {found:.3}");
        assert!(found >= 0.95, "{metric}: {found}");
        // It is saved as it was read, and a new graph in its place is tried.
        let mut again = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
        assert_eq!(again.info().unwrap().graph_recall, None);
        assert!(again.verify(3).unwrap().is_sound());
        add_graph(&mut again, 1);
        assert_eq!(again.info().unwrap().graph_recall, Some(1.0));
    }
}

/// Zero vectors had neighbours then. They still have in such a file, and are found, with filters
/// too.
#[test]
fn zero_vectors_of_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/graphs-0");
    let index = Index::open(folder.join("graph-zeros.ann"), Access::Map).unwrap();
    let report = index.verify(3).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let accepts = |id: i64| id % 20 == 7 || id % 50 == 0;
    let search = Search {
        way: Way::Graph,
        search_k: Some(60),
        filter: Some(&accepts),
        ..Search::new(14)
    };
    let mut random = Random(3);
    for _ in 0..20 {
        let query = Item::random(index.options(), &mut random);
        // Ten zero vectors and four others.
        let found = index.search(&query, &search).unwrap();
        assert_eq!(found.len(), 14);
    }
    let mut again = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
    assert!(again.verify(3).unwrap().is_sound());
    add_graph(&mut again, 1);
    let again = Index::open_bytes(again.to_bytes().unwrap()).unwrap();
    assert!(again.verify(3).unwrap().is_sound());
}
