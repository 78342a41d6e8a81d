//! Times batches against single searches, two threads against one, and filters against fetching
//! more and sorting out by hand:
//!
//! ```sh
//! cargo bench --bench search [-- ROWS.f32 D]   # raw 32-bit floats; without: 200,000 x 64
//! ```
//!
//! Euclidean, 10 trees, the forest first, then the graph. What is compared takes turns; figures are
//! medians. The last 1,000 rows are the queries. Two threads need two idle cores.

use annoy_rs::{Bitmap, GraphPlan, Index, Metric, Neighbor, Result, Search, Way, Work};
use std::time::Instant;

const N: usize = 10;
const QUERIES: usize = 1000;
const TURNS: usize = 7;

/// A generator of numbers from 0 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }
}

fn generated(n: usize, d: usize) -> Vec<f32> {
    let mut random = Random(1);
    let centres: Vec<f32> = (0..2000 * d).map(|_| random.next()).collect();
    let mut rows = Vec::with_capacity(n * d);
    for _ in 0..n {
        let centre = (random.next() * 1999.0) as usize;
        rows.extend((0..d).map(|i| centres[centre * d + i] + 0.4 * random.next()));
    }
    rows
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Microseconds a query of each, in turns.
fn in_turns<const K: usize>(mut ways: [&mut dyn FnMut(); K]) -> [f64; K] {
    let mut times = [(); K].map(|()| Vec::new());
    for turn in 0..=TURNS {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            let start = Instant::now();
            way();
            if turn > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e6 / QUERIES as f64);
            }
        }
    }
    times.map(median)
}

/// Microseconds a query, where the ways take turns at every query: for small differences. None
/// meets a query that another has just brought into the cache.
fn taking_turns<const K: usize>(mut ways: [&mut dyn FnMut(usize); K]) -> [f64; K] {
    let mut times = [(); K].map(|()| Vec::new());
    for _ in 0..=TURNS {
        let mut sums = [0.0; K];
        for i in 0..QUERIES {
            for (k, way) in ways.iter_mut().enumerate() {
                let query = (i + k * QUERIES / K) % QUERIES;
                let start = Instant::now();
                way(query);
                sums[k] += start.elapsed().as_secs_f64() * 1e6 / QUERIES as f64;
            }
        }
        for (times, sum) in times.iter_mut().zip(sums) {
            times.push(sum);
        }
    }
    times.map(median)
}

fn recall(found: &[Vec<Neighbor>], truth: &[Vec<Neighbor>]) -> f64 {
    let (mut hits, mut wanted) = (0, 0);
    for (found, truth) in found.iter().zip(truth) {
        wanted += truth.len();
        hits += found.iter().filter(|one| truth.contains(one)).count();
    }
    hits as f64 / wanted as f64
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().filter(|arg| arg != "--bench").collect();
    let (rows, d) = match args.get(1..3) {
        Some([path, d]) => {
            let bytes = std::fs::read(path).expect("a file of rows");
            let numbers = bytes.chunks_exact(4);
            let rows = numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            (rows.collect(), d.parse().expect("a number of dimensions"))
        }
        _ => (generated(200_000, 64), 64),
    };
    let n_items = rows.len() / d - QUERIES;
    let (items, queries) = rows.split_at(n_items * d);
    let query = |i: usize| &queries[i * d..][..d];
    let mut index = Index::new(Metric::Euclidean, d)?;
    index.add_items(None, items.chunks_exact(d))?;
    index.build(Some(10), None)?;
    index.build_graph(&GraphPlan::default(), &mut Work::default())?;
    println!("{n_items} x {d}, kernel {}", annoy_rs::kernel_name()?);
    let all = |search: &Search<'_>, n_threads| {
        let mut found = vec![Vec::new(); QUERIES];
        let mut work = Work {
            n_threads: Some(n_threads),
            ..Work::default()
        };
        index
            .search_batch(query, QUERIES, search, &mut work, |i, one| found[i] = one)
            .expect("a batch");
        found
    };

    for (way, search_k) in [(Way::Forest, 5000), (Way::Graph, 1000)] {
        println!("\n{way:?}, search_k {search_k}");
        let plain = Search {
            way,
            search_k: Some(search_k),
            ..Search::new(N)
        };
        let mut ratios = Vec::new();
        for _ in 0..TURNS {
            let [one, two] = in_turns([&mut || drop(all(&plain, 1)), &mut || drop(all(&plain, 2))]);
            println!("batch of {QUERIES}: 1 thread {one:.1} us a query, 2 threads {two:.1}: {:.2} times as fast", one / two);
            ratios.push(one / two);
        }
        println!("  median: {:.2} times as fast", median(ratios));
        let [single, batch] = taking_turns([
            &mut |i| drop(index.search(query(i), &plain).expect("a search")),
            &mut |i| {
                index
                    .search_batch(|_| query(i), 1, &plain, &mut Work::default(), |_, _| ())
                    .expect("a batch");
            },
        ]);
        println!(
            "single {single:.2} us, batch of 1 {batch:.2} us: {:+.1} %",
            (batch / single - 1.0) * 100.0
        );

        let exact = Search {
            way: Way::Exact,
            ..plain
        };
        let of_all = recall(&all(&plain, 1), &all(&exact, 2));
        println!("recall without a filter {of_all:.4}");
        for share in [0.5, 0.1, 0.01, 0.001] {
            let mut random = Random(7);
            let mut words = vec![0u64; n_items.div_ceil(64)];
            for id in 0..n_items {
                words[id / 64] |= u64::from(f64::from(random.next()) < share) << (id % 64);
            }
            let accepts = |id: i64| words[id as usize / 64] >> (id % 64) & 1 == 1;
            let bitmap = Some(Bitmap {
                words: &words,
                deny: false,
            });
            let truth = all(&Search { bitmap, ..exact }, 2);
            let (mut filtered, mut by_hand) = (Vec::new(), Vec::new());
            let [with_filter, fetching_more] = in_turns([
                &mut || filtered = all(&Search { bitmap, ..plain }, 1),
                &mut || {
                    by_hand.clear();
                    for i in 0..QUERIES {
                        let mut n = ((N as f64 / share) as usize).min(n_items);
                        loop {
                            let more = Search {
                                search_k: Some(search_k.max(2 * n as u64)),
                                ..Search { n, ..plain }
                            };
                            let mut found = index.search(query(i), &more).expect("a search");
                            found.retain(|one| accepts(one.id));
                            if found.len() >= N || n == n_items {
                                found.truncate(N);
                                by_hand.push(found);
                                break;
                            }
                            n = (2 * n).min(n_items);
                        }
                    }
                },
            ]);
            let full = filtered.iter().zip(&truth).all(|(f, t)| f.len() == t.len());
            println!(
                "{:4} % pass: filter {with_filter:.1} us, recall {:.4}{}; fetching more {fetching_more:.1} us, recall {:.4}: {:.2} times as fast",
                share * 100.0,
                recall(&filtered, &truth),
                if full { ", all found" } else { ", FEWER than there are" },
                recall(&by_hand, &truth),
                fetching_more / with_filter
            );
        }
    }
    Ok(())
}
