//! The promise of threads: searches of one handle, from any number of threads at once, give what
//! one thread gets.

use crate::common::{built, random_items, sample, scratch, Item};
use annoy_rs::{Access, Index, Metric, Neighbor, Options, ScalarType};
use std::time::Instant;

const THREADS: usize = 8;
const QUERIES: usize = 100_000;

/// A way to ask.
#[derive(Clone, Copy, Debug)]
struct Way {
    by_item: bool,
    n: usize,
    search_k: Option<u64>,
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    for by_item in [true, false] {
        for (n, search_k) in [
            (1, Some(1)),
            (3, None),
            (5, Some(20)),
            (10, Some(60)),
            (usize::MAX, Some(10)),
            (4, Some(0)),
        ] {
            ways.push(Way {
                by_item,
                n,
                search_k,
            });
        }
    }
    ways
}

fn ask(index: &Index, items: &[Item], way: Way, item: usize) -> Vec<Neighbor> {
    if way.by_item {
        index.get_nns_by_item(item as i64, way.n, way.search_k)
    } else {
        index.get_nns_by_vector(&items[item], way.n, way.search_k)
    }
    .unwrap()
}

/// Searches of each.
fn queries() -> usize {
    QUERIES / sample()
}

/// A hundred thousand searches in each of eight threads, each in an order of its own, against the
/// answers of one thread.
fn threads_agree(context: &str, index: &Index, items: &[Item]) {
    let started = Instant::now();
    let ways = ways();
    let expected: Vec<Vec<Vec<Neighbor>>> = ways
        .iter()
        .map(|&way| {
            (0..items.len())
                .map(|item| ask(index, items, way, item))
                .collect()
        })
        .collect();
    // The answers differ from item to item and from way to way: to mix them up would be seen.
    let found: usize = expected.iter().flatten().map(Vec::len).sum();
    assert!(found > items.len() * ways.len(), "{context}: {found}");
    let wrong: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (ways, expected) = (&ways, &expected);
                scope.spawn(move || {
                    (0..queries())
                        .filter(|i| {
                            let way = (i + thread) % ways.len();
                            let item = (i * (2 * thread + 1) * 7 + 100 * thread) % items.len();
                            ask(index, items, ways[way], item) != expected[way][item]
                        })
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(wrong, 0, "{context}: of {} answers", THREADS * queries());
    println!(
        "{context}: {THREADS} x {} searches, {:.1} s",
        queries(),
        started.elapsed().as_secs_f64()
    );
}

#[test]
fn eight_threads_on_a_file() {
    let options = Options::new(Metric::Angular, 10);
    let items = random_items(options, 1000, 1);
    let directory = scratch();
    let path = directory.path().join("x.ann");
    built(options, &items, 4).save(&path).unwrap();
    let index = Index::open(&path, Access::Map).unwrap();
    threads_agree("mapped, angular", &index, &items);
}

#[test]
fn eight_threads_on_an_index_in_memory() {
    for options in [
        Options {
            scalar: ScalarType::F64,
            ..Options::new(Metric::Dot, 10)
        },
        Options::new(Metric::Hamming, 128),
        Options::new(Metric::Manhattan, 10),
    ] {
        let items = random_items(options, 1000, 2);
        let context = format!("in memory, {}", options.metric);
        threads_agree(&context, &built(options, &items, 4), &items);
    }
}
