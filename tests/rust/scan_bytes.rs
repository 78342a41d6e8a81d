//! Bytes of scans: the same whatever the threads and the kernel; in files; and what a build of one
//! tells and leaves behind when it is cancelled.

use crate::common::graphs::{add_graph, gaussian, items, kind, Rows};
use crate::common::scans::{add_scan, clustered, scan, with_scan};
use crate::common::{
    built, checksum, loaded, plain, sampled_kinds, scratch, section, Item, Random,
};
use annoy_rs::{
    kernel_name, Access, Cancel, Error, Index, Metric, Neighbor, Options, ScalarType, Search,
    Stage, Way, Work,
};

const N: usize = 700;
const SCAN: u32 = 9;

/// Of several lists; with zero vectors and copies; with an item so long that a second scale is
/// tried; of numbers that share a code in fours.
fn sets() -> Vec<(Options, Rows)> {
    let mut random = Random(1);
    let plain = gaussian(N, 17, &mut random);
    let mut odd = plain.clone();
    odd.iter_mut().step_by(5).for_each(|row| row.fill(0.0));
    odd[7] = odd[8].clone();
    odd[9].iter_mut().for_each(|x| *x *= 1000.0);
    let mut sets = Vec::new();
    for scalar in [ScalarType::F32, ScalarType::F64] {
        for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
            sets.push((kind(metric, scalar, 17), plain.clone()));
            sets.push((kind(metric, scalar, 17), odd.clone()));
        }
    }
    let long = clustered(300, 201, 6, &mut random);
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        sets.push((kind(metric, ScalarType::F32, 201), long.clone()));
    }
    sampled_kinds(sets, 6)
}

fn answers(index: &Index, queries: &[Item]) -> Vec<Vec<Neighbor>> {
    let even = |id: i64| id % 2 == 0;
    let mut all = Vec::new();
    for query in queries {
        for search_k in [None, Some(50), Some(300)] {
            let plain = Search {
                search_k,
                ..scan(10)
            };
            let filtered = Search {
                filter: Some(&even),
                ..plain
            };
            all.push(index.search(query, &plain).unwrap());
            all.push(index.search(query, &filtered).unwrap());
        }
    }
    all
}

fn queries(options: Options) -> Vec<Item> {
    let mut random = Random(3);
    (0..10)
        .map(|_| Item::random(options, &mut random))
        .collect()
}

#[test]
fn threads_change_nothing() {
    for (options, rows) in sets() {
        let items = items(options, &rows);
        let index = with_scan(options, &items, 1);
        let bytes = index.to_bytes().unwrap();
        for n_threads in [2, 7] {
            let others = with_scan(options, &items, n_threads).to_bytes().unwrap();
            assert!(others == bytes, "{options:?}, {n_threads} threads");
        }
        let loaded = Index::open_bytes(bytes.clone()).unwrap();
        let report = loaded.verify(3).unwrap();
        assert!(report.is_sound(), "{options:?}: {report:?}");
        assert!(index.verify(3).unwrap().is_sound(), "{options:?}");
        assert_eq!(index.saved_size().unwrap(), bytes.len());
        assert!(
            loaded.to_bytes().unwrap() == bytes,
            "{options:?}: saved again"
        );
        let queries = queries(options);
        assert_eq!(answers(&loaded, &queries), answers(&index, &queries));
        let (told, of_loaded) = (index.info().unwrap(), loaded.info().unwrap());
        assert_eq!(told.scan_lists, of_loaded.scan_lists);
        assert_eq!(told.scan_search_k, of_loaded.scan_search_k);
        assert_eq!(told.scan_recall, of_loaded.scan_recall);
        // Once more in place of the one that was loaded.
        let mut again = loaded;
        add_scan(&mut again, 2);
        assert!(again.to_bytes().unwrap() == bytes, "{options:?}: again");
    }
}

/// Prints what [`every_kernel_makes_the_same`] compares.
#[test]
#[ignore = "every_kernel_makes_the_same runs it"]
fn print_checksums() {
    println!("kernel: {}", kernel_name().unwrap());
    for (options, rows) in sets() {
        let index = with_scan(options, &items(options, &rows), 2);
        let bytes = index.to_bytes().unwrap();
        let found = format!("{:?}", answers(&index, &queries(options)));
        println!(
            "checksum: {options:?} {} {:x} {:x} {:x}",
            rows.len(),
            checksum(&bytes),
            checksum(section(&bytes, SCAN).unwrap()),
            checksum(found.as_bytes())
        );
    }
}

/// What the above prints on each kernel.
#[test]
fn every_kernel_makes_the_same() {
    crate::every_kernel_prints("scan_bytes::print_checksums", sets().len());
}

/// With a graph, metadata and labels; without the section the file is what it was; gone with the
/// trees; kept by an index that is loaded, built on disk, or saved over.
#[test]
fn goes_along_in_files() {
    let directory = scratch();
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        let options = kind(metric, ScalarType::F32, 17);
        let items = items(options, &gaussian(N, 17, &mut Random(4)));
        let queries = queries(options);
        let mut index = built(options, &items, 2);
        let before = index.to_bytes().unwrap();
        add_scan(&mut index, 2);
        let found = answers(&index, &queries);
        let alone = index.to_bytes().unwrap();
        add_graph(&mut index, 2);
        index.set_metadata(b"along").unwrap();
        index.set_label(3, "three").unwrap();
        index.remove_item(8).unwrap();
        index.restore_item(8).unwrap();
        assert_eq!(answers(&index, &queries), found);
        let bytes = index.to_bytes().unwrap();
        assert_eq!(section(&bytes, SCAN), section(&alone, SCAN));
        let path = directory.path().join("x.ann");
        index.save(&path).unwrap();
        for access in [Access::Map, Access::Copy] {
            let other = Index::open(&path, access).unwrap();
            assert!(other.verify(3).unwrap().is_sound());
            assert!(other.graph_degree() > 0 && other.info().unwrap().scan_lists > 0);
            assert_eq!(answers(&other, &queries), found);
        }
        // Over itself. (Wine does not replace a file that is mapped.)
        let access = if cfg!(windows) {
            Access::Copy
        } else {
            Access::Map
        };
        let mut other = Index::open(&path, access).unwrap();
        other.save_and_load(&path, access).unwrap();
        assert_eq!(answers(&other, &queries), found);
        // As Annoy has it.
        let without = loaded(options, &plain(options, &alone)).unwrap();
        assert_eq!(without.info().unwrap().scan_lists, 0);
        assert!(plain(options, &alone) == plain(options, &before));
        // In a loaded file that had none.
        let mut other = Index::open_bytes(before.clone()).unwrap();
        add_scan(&mut other, 1);
        assert!(other.to_bytes().unwrap() == alone);
        // Built on disk.
        let mut other = Index::with_options(options).unwrap();
        let on_disk = directory.path().join("disk.ann");
        other.on_disk_build(&on_disk).unwrap();
        other.add_items(None, items.iter()).unwrap();
        other.build(Some(2), Some(1)).unwrap();
        add_scan(&mut other, 2);
        assert_eq!(answers(&other, &queries), found);
        assert!(other.to_bytes().unwrap() == alone);
        // With the trees it goes.
        for mut gone in [index, Index::open_bytes(alone.clone()).unwrap()] {
            gone.thaw().unwrap();
            let refused = gone.search(&queries[0], &scan(1));
            assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
            gone.set_metadata(b"").unwrap();
            gone.clear_labels();
            gone.build(Some(2), Some(1)).unwrap();
            assert_eq!(gone.info().unwrap().scan_lists, 0);
            assert!(gone.to_bytes().unwrap() == before);
            add_scan(&mut gone, 1);
            assert!(gone.to_bytes().unwrap() == alone);
            let mut unloaded = gone;
            unloaded.unload();
            assert_eq!(unloaded.info().unwrap().scan_lists, 0);
        }
    }
}

/// Items of which one is so long that the first scale is not enough; some are missing.
fn hard() -> Index {
    let options = kind(Metric::Euclidean, ScalarType::F32, 12);
    let mut rows = gaussian(3000, 12, &mut Random(5));
    rows[1000].iter_mut().for_each(|x| *x *= 1000.0);
    let mut index = crate::common::filled(options, &[]);
    for (id, item) in items(options, &rows).iter().enumerate() {
        if id % 5 != 2 {
            index.add_item(id as i64, item).unwrap();
        }
    }
    index.build(Some(1), Some(1)).unwrap();
    index
}

#[test]
fn progress_goes_on_to_its_end() {
    for n_threads in [1, 2, 7] {
        let mut index = hard();
        let mut told = Vec::new();
        let mut tell = |stage, done, total| {
            assert_eq!(stage, Stage::Scan);
            told.push((done, total));
        };
        let mut work = Work {
            n_threads: Some(n_threads),
            progress: Some(&mut tell),
            ..Work::default()
        };
        index.build_scan(&mut work).unwrap();
        assert!(
            told.iter().all(|&(done, total)| done <= total && total > 0),
            "{told:?}"
        );
        assert!(told.is_sorted_by_key(|one| one.0), "{told:?}");
        assert!(told.is_sorted_by_key(|one| one.1), "{told:?}");
        let (done, total) = *told.last().unwrap();
        assert_eq!(done, total);
        // Other threads may go far before this one is told.
        assert!(
            n_threads > 1 || told[0].0 == 0 && told[0].1 < total,
            "no second scale: {told:?}"
        );
        // No report of one thread is of half of it at once.
        let jump = told.windows(2).map(|two| two[1].0 - two[0].0).max();
        assert!(n_threads > 1 || jump.unwrap() <= total / 4, "{told:?}");
    }
}

#[test]
fn a_cancelled_build_changes_nothing() {
    let (without, mut index) = (hard().to_bytes().unwrap(), hard());
    add_scan(&mut index, 1);
    let with = index.to_bytes().unwrap();
    for before in [&without, &with] {
        for n_threads in [1, 2] {
            let mut steps = 0;
            let mut count = |_, _, _| steps += 1;
            let mut work = Work {
                n_threads: Some(n_threads),
                progress: Some(&mut count),
                ..Work::default()
            };
            Index::open_bytes(before.clone())
                .unwrap()
                .build_scan(&mut work)
                .unwrap();
            for at in (0..steps).step_by((steps / 12).max(1)).chain([steps - 1]) {
                let cancel = Cancel::new();
                let mut left = at / n_threads;
                let mut stop = |_, _, _| {
                    if left == 0 {
                        cancel.cancel();
                    }
                    left = left.saturating_sub(1);
                };
                let mut index = Index::open_bytes(before.clone()).unwrap();
                let mut work = Work {
                    n_threads: Some(n_threads),
                    cancel: Some(&cancel),
                    progress: Some(&mut stop),
                };
                let refused = index.build_scan(&mut work);
                assert!(
                    matches!(refused, Err(Error::Cancelled)),
                    "{at}: {refused:?}"
                );
                assert!(index.to_bytes().unwrap() == *before, "{at}");
            }
            let cancel = Cancel::new();
            cancel.cancel();
            let mut index = Index::open_bytes(before.clone()).unwrap();
            let mut work = Work {
                cancel: Some(&cancel),
                ..Work::default()
            };
            let refused = index.build_scan(&mut work);
            assert!(matches!(refused, Err(Error::Cancelled)), "{refused:?}");
            assert!(index.to_bytes().unwrap() == *before);
        }
    }
    let fastest = Search::new(3);
    let item = Item::zero(index.options());
    let by_scan = index.search(&item, &scan(3)).unwrap();
    assert_eq!(index.search(&item, &fastest).unwrap(), by_scan);
    assert_eq!(fastest.way, Way::Fastest);
}
