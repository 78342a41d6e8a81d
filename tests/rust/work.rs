//! Long calls: progress comes on the calling thread and never goes back; cancelled or left by a
//! panic at any step, they leave the index as it was.

use crate::common::{
    built, filled, ids, in_turn, name, options, random_items, saved, scratch, temporary_files,
    Item, Random, Snapshot,
};
use annoy_rs::{
    Access, Cancel, Error, IdWidth, Index, LogLevel, Metric, Options, Result, ScalarType, Stage,
    Work,
};
use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Vectors so long that subsets are not copied to one place.
fn long() -> (Options, Vec<Item>) {
    let options = options(Metric::Dot, ScalarType::F32, IdWidth::Bits64, 700);
    (options, random_items(options, 1000, 2))
}

fn short() -> (Options, Vec<Item>) {
    let options = Options::new(Metric::Euclidean, 8);
    (options, random_items(options, 2000, 1))
}

/// More than the calling thread is told of at a time.
const MANY: usize = 4000;

/// Rows of 700 numbers, some of them the same.
fn rows(options: Options) -> impl Fn(usize) -> Vec<f32> {
    let mut random = Random(5);
    let numbers: Vec<f32> = (0..10_000).map(|_| random.number() as f32).collect();
    move |row| numbers[row * 7 % 9000..][..options.f].to_vec()
}

/// A long call on an index, made by `make`.
struct Long<'a> {
    name: &'a str,
    stage: Stage,
    make: &'a dyn Fn() -> Index,
    run: &'a dyn Fn(&mut Index, &mut Work<'_>) -> Result<()>,
}

impl Long<'_> {
    /// Runs it to its end; what it came to, and at which of its steps it was how far.
    fn watched(&self, threads: usize) -> (Index, Vec<(u64, u64)>) {
        let (caller, mut steps) = (std::thread::current().id(), Vec::new());
        let mut progress = |stage, done, total| {
            assert_eq!(stage, self.stage, "{}", self.name);
            assert_eq!(std::thread::current().id(), caller, "{}", self.name);
            steps.push((done, total));
        };
        let mut index = (self.make)();
        let mut work = Work {
            n_threads: Some(threads),
            progress: Some(&mut progress),
            ..Work::default()
        };
        (self.run)(&mut index, &mut work).unwrap();
        (index, steps)
    }

    /// Cancels it, or panics, at each of its steps in turn.
    fn broken_off(&self, threads: usize, by_panic: bool) {
        let name = format!("{}, {threads} threads, {by_panic}", self.name);
        let expected = Snapshot::of(&self.watched(threads).0);
        let mut index = (self.make)();
        let before = Snapshot::of(&index);
        // The first ones one by one.
        let steps = std::iter::successors(Some(1), |step| Some(step + 1 + step / 2));
        for step in steps {
            let cancel = Cancel::new();
            let mut seen = 0;
            let mut progress = |_, _, _| {
                seen += 1;
                match seen == step {
                    true if by_panic => panic!("so it goes"),
                    true => cancel.cancel(),
                    false => assert!(seen < step, "{name}: told after it was cancelled"),
                }
            };
            let mut work = Work {
                n_threads: Some(threads),
                cancel: Some(&cancel),
                progress: Some(&mut progress),
            };
            let run = AssertUnwindSafe(|| (self.run)(&mut index, &mut work));
            match catch_unwind(run) {
                Ok(Ok(())) => {
                    assert!(seen < step && step > 1, "{name}: {seen} steps");
                    break;
                }
                Ok(Err(error)) => {
                    assert!(matches!(error, Error::Cancelled), "{name}: {error}");
                    assert!(!by_panic);
                }
                Err(text) => {
                    assert_eq!(text.downcast_ref(), Some(&"so it goes"), "{name}");
                }
            }
            assert!(Snapshot::of(&index) == before, "{name}, step {step}");
        }
        assert!(Snapshot::of(&index) == expected, "{name}: not as ever");
    }

    /// With each number of threads it is cancelled, and panics; one of the two in turn, and one
    /// number of several, where tries are sampled.
    fn check(&self) {
        let several = in_turn([2, 5], self.name.len());
        for (i, threads) in [1].into_iter().chain(several).enumerate() {
            let (_, steps) = self.watched(threads);
            let name = format!("{}, {threads} threads: {steps:?}", self.name);
            assert!(steps.is_sorted_by_key(|step| step.0), "{name}");
            assert!(steps.iter().all(|(done, total)| done <= total), "{name}");
            // Several threads may be done before they are asked how far they are.
            assert!(
                threads > 1 || steps.len() > 2 && steps[0].0 < steps[0].1,
                "{name}"
            );
            let (done, total) = steps[steps.len() - 1];
            assert!(done == total && done > 0, "{name}");
            for by_panic in in_turn([false, true], i + self.name.len()) {
                self.broken_off(threads, by_panic);
            }
            let cancel = Cancel::new();
            cancel.cancel();
            let mut work = Work {
                n_threads: Some(threads),
                cancel: Some(&cancel),
                progress: Some(&mut |_, _, _| panic!("it has not begun")),
            };
            let cancelled = (self.run)(&mut (self.make)(), &mut work);
            assert!(matches!(cancelled, Err(Error::Cancelled)), "{name}");
        }
        let mut none = Work {
            n_threads: Some(0),
            ..Work::default()
        };
        let error = (self.run)(&mut (self.make)(), &mut none).unwrap_err();
        assert!(error.to_string().contains("n_threads is 0"), "{error}");
    }
}

#[test]
fn building() {
    // Left to itself, it builds hundreds of trees of two leaves for long vectors.
    for ((options, items), n_trees) in [(short(), Some(3)), (short(), None), (long(), Some(3))] {
        Long {
            name: &format!("build {n_trees:?}, f {}", options.f),
            stage: Stage::Build,
            make: &|| {
                let mut index = filled(options, &items);
                index.remove_item(7).unwrap();
                index
            },
            run: &|index, work| index.build_with(n_trees, work),
        }
        .check();
    }
}

/// The total stays, and steps are small: nothing waits for a whole tree.
#[test]
fn building_moves_evenly() {
    let build = Long {
        name: "build",
        stage: Stage::Build,
        make: &|| filled(long().0, &long().1),
        run: &|index, work| index.build_with(Some(1), work),
    };
    let (_, steps) = build.watched(1);
    let total = steps[0].1;
    assert!(steps.iter().all(|step| step.1 == total));
    let largest = steps.windows(2).map(|two| two[1].0 - two[0].0).max();
    assert!(largest.unwrap() < total / 2, "{steps:?}");
    // They add up by themselves: the last one taken, and the end.
    let at_total = steps.iter().filter(|step| step.0 == total).count();
    assert_eq!(at_total, 2, "{steps:?}");
}

#[test]
fn building_on_disk() {
    let root = scratch();
    let path = root.path().join("x.ann");
    let (options, items) = long();
    let expected = saved(&built(options, &items, 3));
    let build = Long {
        name: "build on disk",
        stage: Stage::Build,
        make: &|| {
            let mut index = Index::with_options(options).unwrap();
            index.on_disk_build(&path).unwrap();
            index.add_items(None, items.iter()).unwrap();
            index
        },
        run: &|index, work| index.build_with(Some(3), work),
    };
    build.check();
    assert!(fs::read(&path).unwrap() == expected);
    assert_eq!(temporary_files(root.path()), 0);
}

#[test]
fn adding() {
    let (options, items) = long();
    let row = rows(options);
    // The first of them replace items.
    let mut ids: Vec<i64> = (0..MANY as i64).map(|i| i * 37 % MANY as i64).collect();
    ids[MANY - 1] = ids[5];
    for ids in [None, Some(ids.as_slice())] {
        Long {
            name: &format!("add, {}", ids.is_some()),
            stage: Stage::Add,
            make: &|| {
                let mut index = filled(options, &items[..100]);
                index.remove_item(7).unwrap();
                index
            },
            run: &|index, work| {
                let rows: Vec<_> = (0..MANY).map(&row).collect();
                index.add_items_with(ids, |i| &rows[i], MANY, work)?;
                assert_eq!(index.is_removed(7), ids.is_none());
                Ok(())
            },
        }
        .check();
    }
}

#[test]
fn saving_and_verifying() {
    let root = scratch();
    let path = root.path().join("x.ann");
    let (options, items) = long();
    let index = || built(options, &items, 3);
    let expected = saved(&index());
    let save = Long {
        name: "save",
        stage: Stage::Save,
        make: &index,
        run: &|index, work| {
            fs::write(&path, "old").unwrap();
            let done = index.save_with(&path, work);
            assert_eq!(temporary_files(root.path()), 0);
            let now = fs::read(&path).unwrap();
            assert!(now == if done.is_ok() { &expected[..] } else { b"old" });
            done
        },
    };
    save.check();
    let (_, steps) = save.watched(1);
    assert_eq!(steps[0].1, expected.len() as u64);
    fs::write(&path, &expected).unwrap();
    for make in [&index as &dyn Fn() -> Index, &|| {
        Index::open(&path, Access::Map).unwrap()
    }] {
        Long {
            name: "verify",
            stage: Stage::Verify,
            make,
            run: &|index, work| index.verify_with(1, work)?.into_result(),
        }
        .check();
    }
    Long {
        name: "verify a file",
        stage: Stage::Verify,
        make: &index,
        run: &|_, work| Index::verify_file_with(&path, 1, work)?.into_result(),
    }
    .check();
}

#[test]
fn estimating_recall() {
    let (options, items) = short();
    Long {
        name: "recall",
        stage: Stage::Search,
        make: &|| built(options, &items, 3),
        run: &|index, work| {
            let recall = index.estimate_recall(24, 5, Some(100), 1, work)?;
            assert!(recall > 0.0);
            Ok(())
        },
    }
    .check();
}

/// A build that would take hours.
#[test]
fn cancelled_from_another_thread() {
    let (options, items) = short();
    for threads in [1, 2] {
        let mut index = filled(options, &items);
        let cancel = Cancel::new();
        let told = AtomicUsize::new(0);
        let mut progress = |_, _, _| {
            told.fetch_add(1, Ordering::Relaxed);
        };
        let mut work = Work {
            n_threads: Some(threads),
            cancel: Some(&cancel),
            progress: Some(&mut progress),
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while told.load(Ordering::Relaxed) < 3 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                cancel.cancel();
            });
            let stopped = index.build_with(Some(annoy_rs::MAX_TREES), &mut work);
            assert!(matches!(stopped, Err(Error::Cancelled)));
        });
        index.build(Some(3), Some(1)).unwrap();
        assert!(saved(&index) == saved(&built(options, &items, 3)));
    }
}

/// By several threads, in any order and with ids given twice: what one item after the other gives.
#[test]
fn many_rows_are_rows_one_by_one() {
    let of = |metric, scalar, f| options(metric, scalar, IdWidth::Bits32, f);
    for options in [
        of(Metric::Dot, ScalarType::F32, 700),
        of(Metric::Angular, ScalarType::F64, 400),
        of(Metric::Hamming, ScalarType::Bits8, 20_000),
    ] {
        let items = random_items(options, 40, 3);
        let mut random = Random(4);
        let given: Vec<i64> = (0..MANY)
            .map(|_| random.below(MANY + MANY / 2) as i64)
            .collect();
        for ids in [None, Some(given.as_slice())] {
            let mut one_by_one = filled(options, &items);
            for row in 0..MANY {
                let id = ids.map_or((40 + row) as i64, |ids| ids[row]);
                one_by_one.add_item(id, &items[row % 40]).unwrap();
            }
            one_by_one.build(Some(1), Some(1)).unwrap();
            let expected = saved(&one_by_one);
            for threads in [1, 2, 3] {
                let mut work = Work {
                    n_threads: Some(threads),
                    ..Work::default()
                };
                let mut index = filled(options, &items);
                index
                    .add_items_with(ids, |row| &items[row % 40], MANY, &mut work)
                    .unwrap();
                index.build(Some(1), Some(1)).unwrap();
                assert!(saved(&index) == expected, "{} {threads}", name(options));
            }
        }
    }
}

/// The first bad row in order is the one that is named, whichever thread comes to it.
#[test]
fn bad_rows() {
    let (options, items) = long();
    let row = rows(options);
    let before = Snapshot::of(&filled(options, &items));
    let shuffled: Vec<i64> = (0..MANY as i64).map(|i| i * 37 % MANY as i64).collect();
    for bad in [
        vec![0],
        vec![MANY - 1],
        vec![1999, 2500, 3999],
        // In parts of two threads.
        vec![100, 2000],
        vec![MANY - 1, 1],
    ] {
        for ids in [None, Some(shuffled.as_slice())] {
            let mut rows: Vec<_> = (0..MANY).map(&row).collect();
            for &bad in &bad {
                rows[bad][3] = f32::NAN;
            }
            let first = *bad.iter().min().unwrap();
            let expected = ids.map_or((items.len() + first) as i64, |ids| ids[first]);
            for threads in [1, 2, 4] {
                let mut index = filled(options, &items);
                let mut work = Work {
                    n_threads: Some(threads),
                    ..Work::default()
                };
                let error = index.add_items_with(ids, |i| &rows[i], MANY, &mut work);
                assert!(
                    matches!(error, Err(Error::NotFinite { id: Some(id), .. }) if id == expected),
                    "{error:?}, expected {expected}"
                );
                assert!(Snapshot::of(&index) == before);
            }
        }
    }
    // And a row that cannot even be told.
    let mut index = filled(options, &items);
    let rows = |i: usize| match i {
        3000 => panic!("so it goes"),
        i => &items[i % 10],
    };
    let add = AssertUnwindSafe(|| index.add_items_with(None, rows, MANY, &mut Work::default()));
    assert!(catch_unwind(add).is_err());
    assert!(Snapshot::of(&index) == before);
}

#[test]
fn reserving() {
    let (options, items) = short();
    let root = scratch();
    let path = root.path().join("x.ann");
    let expected = saved(&built(options, &items, 2));
    for on_disk in [false, true] {
        let mut index = Index::with_options(options).unwrap();
        if on_disk {
            index.on_disk_build(&path).unwrap();
        }
        for n in [0, 5000, 10] {
            index.reserve(n).unwrap();
            assert_eq!(index.n_items(), 0);
        }
        index.add_items(None, items[..2000].iter()).unwrap();
        index.reserve(100_000).unwrap();
        index.add_items(None, items[2000..].iter()).unwrap();
        let error = index.reserve(usize::MAX).unwrap_err().to_string();
        assert!(error.contains("n_items is 18446744073709551615"), "{error}");
        index.build(Some(2), Some(1)).unwrap();
        assert!(saved(&index) == expected);
        let error = index.reserve(1).unwrap_err();
        assert!(matches!(error, Error::State { .. }), "{error}");
    }
    assert!(fs::read(&path).unwrap() == expected);
    // More than there are addresses for.
    let mut index = Index::new(Metric::Angular, annoy_rs::MAX_ELEMENTS).unwrap();
    let error = index.reserve(i32::MAX as usize - 5).unwrap_err();
    assert!(matches!(error, Error::NoMemory { .. }), "{error}");
    index
        .add_item(0, &vec![1.0f32; annoy_rs::MAX_ELEMENTS])
        .unwrap();
}

#[test]
fn log_levels() {
    let (options, items) = short();
    let heard = |most: Option<LogLevel>| {
        let mut index = filled(options, &items[..50]);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let to = heard.clone();
        index.set_log(Some(Box::new(move |level, text| {
            assert!(!text.is_empty());
            to.lock().unwrap().push(level);
        })));
        if let Some(most) = most {
            index.set_log_level(most);
        }
        let cancel = Cancel::new();
        cancel.cancel();
        let mut cancelled = Work {
            cancel: Some(&cancel),
            ..Work::default()
        };
        assert!(index.build_with(Some(2), &mut cancelled).is_err());
        index.build(Some(2), None).unwrap();
        assert!(index.build(Some(2), None).is_err());
        let root = scratch();
        let path = root.path().join("x.ann");
        fs::write(&path, crate::common::plain(options, &saved(&index))).unwrap();
        heard.lock().unwrap().clear();
        index.load(&path, Access::Map).unwrap();
        assert!(index.save(root.path().join("none").join("x")).is_err());
        index.unload();
        let heard = heard.lock().unwrap();
        heard.clone()
    };
    use LogLevel::{Debug, Error, Info, Warn};
    assert_eq!(heard(Some(Error)), [Error]);
    assert_eq!(heard(Some(Warn)), [Warn, Error]);
    assert_eq!(heard(Some(Info)), [Warn, Info, Error, Info]);
    assert_eq!(heard(None), heard(Some(Info)));
    assert_eq!(heard(Some(Debug)), [Debug, Warn, Info, Debug, Error, Info]);
}

/// One query is a search: no thread is started, and nothing is asked of the system.
#[test]
fn a_batch_of_one() {
    let (options, items) = short();
    let index = built(options, &items, 3);
    let caller = std::thread::current().id();
    let ask = |_: i64| std::thread::current().id() == caller;
    let search = annoy_rs::Search {
        filter: Some(&ask),
        ..annoy_rs::Search::new(5)
    };
    let mut found = Vec::new();
    let work = &mut Work::default();
    index
        .search_batch(|_| &items[3], 1, &search, work, |_, these| found = these)
        .unwrap();
    assert_eq!(
        ids(&found),
        ids(&index.get_nns_by_item(3, 5, None).unwrap())
    );
}
