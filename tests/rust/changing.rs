//! A mapped file that is rewritten in place meanwhile, against what the documentation asks: any
//! answer may be wrong then, but nothing panics, ends without an end, or reads past what is there.
//! What is read twice may be something else the second time.
#![cfg(unix)]

use crate::common::sections::place;
use crate::common::{built, random_items, sample, saved, scratch, Random};
use annoy_rs::{Access, Error, GraphPlan, Index, Metric, Options, Result, Search, Way, Work};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LABELS: u32 = 5;
const REMOVED: u32 = 6;

/// Bytes of the header of labels, and of marks.
const HEADERS: [usize; 2] = [64, 8];

/// How long each takes.
fn seconds() -> f64 {
    if sample() == 1 {
        4.0
    } else {
        0.8
    }
}

/// A graph that is built in no time.
fn quick() -> GraphPlan {
    GraphPlan {
        degree: 8,
        candidates: 8,
        rounds: 1,
        ..GraphPlan::default()
    }
}

/// A file with all that a file may have.
fn file(metric: Metric, n: usize, is_text: bool) -> Vec<u8> {
    let options = Options::new(metric, if metric == Metric::Hamming { 200 } else { 6 });
    let mut index = built(options, &random_items(options, n, 5), 4);
    for id in 0..n as i64 {
        match is_text {
            true => index.set_label(id, &format!("läbel {id}")).unwrap(),
            false => index.set_label(id, id as u64 * 7).unwrap(),
        }
    }
    index.build_graph(&quick(), &mut Work::default()).unwrap();
    for id in [3, n as i64 / 2] {
        index.remove_item(id).unwrap();
    }
    saved(&index)
}

/// Statuses that a file which changes may lead to.
fn may_be<R>(result: Result<R>) -> Option<R> {
    match result {
        Ok(value) => Some(value),
        Err(
            Error::Corrupt { .. }
            | Error::Format { .. }
            | Error::Item { .. }
            | Error::Label(_)
            | Error::NoMemory { .. }
            | Error::NotFinite { .. }
            | Error::Unsupported(_),
        ) => None,
        Err(other) => panic!("{other:?}"),
    }
}

/// Calls `scribble` again and again in one thread while another opens the file and calls `body`,
/// for some seconds. Fails when a call does not come back.
fn beside(
    path: &Path,
    good: &[u8],
    scribble: impl Fn(&std::fs::File, &mut Random) + Sync,
    body: impl Fn(Index, &mut Random),
) {
    std::fs::write(path, good).unwrap();
    let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let end = Instant::now() + Duration::from_secs_f64(seconds());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            let mut random = Random(1);
            while !stop.load(Ordering::Relaxed) {
                scribble(&file, &mut random);
            }
        });
        scope.spawn(|| {
            let (mut before, mut since) = (usize::MAX, Instant::now());
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                let now = rounds.load(Ordering::Relaxed);
                if now != before {
                    (before, since) = (now, Instant::now());
                } else if since.elapsed() > Duration::from_secs(120) {
                    eprintln!("round {now} has not ended for two minutes");
                    std::process::exit(1);
                }
            }
        });
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut random = Random(2);
            while Instant::now() < end {
                if let Some(index) = may_be(Index::open(path, Access::Map)) {
                    body(index, &mut random);
                }
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = caught {
            std::panic::resume_unwind(panic);
        }
    });
    println!("{} rounds", rounds.into_inner());
}

/// The bits that say which items have a label, or are removed: now none, now all.
fn bits_come_and_go(kind: u32, is_text: bool, body: impl Fn(Index, &mut Random)) {
    let n = 20_000;
    let directory = scratch();
    let good = file(Metric::Euclidean, n, is_text);
    let header = HEADERS[usize::from(kind == REMOVED)];
    let start = place(&good, kind).start + header;
    let scribble = |file: &std::fs::File, random: &mut Random| {
        let byte = if random.below(2) == 0 { 0 } else { 255 };
        file.write_all_at(&vec![byte; n.div_ceil(8)], start as u64)
            .unwrap();
    };
    beside(&directory.path().join("x.ann"), &good, scribble, body);
}

#[test]
fn labels_that_come_and_go() {
    for is_text in [false, true] {
        bits_come_and_go(LABELS, is_text, |mut index, random| {
            let id = random.below(20_000) as i64;
            let is_copied = match random.below(4) {
                0 => may_be(index.thaw()).is_some(),
                1 => {
                    may_be(index.clear_label(id));
                    false
                }
                2 => {
                    may_be(index.verify(3));
                    false
                }
                _ if is_text => may_be(index.set_label(id, "another")).is_some(),
                _ => may_be(index.set_label(id, u64::MAX)).is_some(),
            };
            for id in 0..200 {
                if let Some(Some(label)) = may_be(index.label(id)) {
                    let found = may_be(index.find_label(label)).flatten();
                    // What was copied is sound, whichever it is.
                    assert!(!is_copied || found == Some(id), "{id}: {found:?}");
                }
            }
        });
    }
}

#[test]
fn marks_that_come_and_go() {
    bits_come_and_go(REMOVED, false, |mut index, random| {
        let id = random.below(20_000) as i64;
        match random.below(5) {
            0 => {
                if may_be(index.thaw()).is_some() {
                    may_be(index.build(Some(1), Some(1)));
                }
            }
            1 => drop(may_be(index.remove_item(id))),
            2 => drop(may_be(index.restore_item(id))),
            3 => drop(may_be(index.verify(3))),
            _ => {
                let search = Search {
                    way: [Way::Fastest, Way::Forest, Way::Exact][random.below(3)],
                    ..Search::new(10)
                };
                may_be(index.search(&[0.0f32; 6], &search));
            }
        }
        index.n_removed();
        may_be(index.to_bytes());
    });
}

/// Items that are now there and now missing. One is so long that the first scale of codes does not
/// tell the others apart.
#[test]
fn items_that_come_and_go() {
    let n = 3000;
    let options = Options::new(Metric::Euclidean, 6);
    let mut items = random_items(options, n, 5);
    items[7] = crate::common::Item::new(options, |i| 1e6 * i as f64);
    let good = saved(&built(options, &items, 4));
    let node_size = Index::open_bytes(good.clone())
        .unwrap()
        .info()
        .unwrap()
        .node_size;
    let directory = scratch();
    let scribble = |file: &std::fs::File, random: &mut Random| {
        let mut items = good[..n * node_size].to_vec();
        let share = [1, 2, 50, n][random.below(4)];
        for item in items.chunks_exact_mut(node_size) {
            if random.below(share) == 0 {
                item[..4].fill(0);
            }
        }
        file.write_all_at(&items, 0).unwrap();
        file.write_all_at(&good[..n * node_size], 0).unwrap();
    };
    beside(
        &directory.path().join("x.ann"),
        &good,
        scribble,
        |mut index, random| {
            let plan = GraphPlan {
                n_trees: 1,
                ..quick()
            };
            may_be(index.build_graph(&plan, &mut Work::default()));
            may_be(index.estimate_recall(5, 5, None, 1, &mut Work::default()));
            may_be(index.verify(3));
            if random.below(3) == 0 && may_be(index.thaw()).is_some() {
                may_be(index.build(Some(1), Some(1)));
            }
        },
    );
}

/// Anything anywhere.
#[test]
fn bytes_that_change() {
    let directory = scratch();
    for (number, metric) in [Metric::Angular, Metric::Dot, Metric::Hamming]
        .into_iter()
        .enumerate()
    {
        let good = file(metric, 700, number % 2 == 0);
        let len = good.len();
        let scribble = |file: &std::fs::File, random: &mut Random| {
            let at = random.below(len);
            let n = (1 + random.below(64)).min(len - at);
            let byte = |_| match random.below(3) {
                0 => 0,
                1 => 255,
                _ => random.next() as u8,
            };
            let bytes: Vec<u8> = (0..n).map(byte).collect();
            file.write_all_at(&bytes, at as u64).unwrap();
            if random.below(60) == 0 {
                file.write_all_at(&good, 0).unwrap();
            }
        };
        beside(
            &directory.path().join("x.ann"),
            &good,
            scribble,
            |mut index, random| {
                let options = index.options();
                let item = crate::common::Item::random(options, random);
                for _ in 0..10 {
                    let search = Search {
                        way: [Way::Fastest, Way::Forest, Way::Graph, Way::Exact][random.below(4)],
                        search_k: Some(20 + random.below(300) as u64),
                        ..Search::new(10)
                    };
                    if index.options().f == options.f {
                        may_be(index.search(&item, &search));
                    }
                    may_be(index.search_item(random.below(700) as i64, &search));
                    may_be(index.label(random.below(700) as i64));
                    may_be(index.find_label(random.below(700) as u64 * 7));
                    may_be(index.find_label("läbel 7"));
                }
                may_be(index.verify(3));
                may_be(index.info());
                may_be(index.to_bytes());
                match random.below(5) {
                    0 => {
                        if may_be(index.thaw()).is_some() {
                            may_be(index.build(Some(2), Some(1)));
                        }
                    }
                    1 => drop(may_be(index.build_graph(&quick(), &mut Work::default()))),
                    2 => drop(may_be(index.set_label(1, "another"))),
                    3 => drop(may_be(index.set_label(1, u64::MAX))),
                    _ => drop(may_be(index.remove_item(random.below(700) as i64))),
                }
            },
        );
    }
}
