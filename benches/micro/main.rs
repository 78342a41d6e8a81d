//! Micro-benchmarks: kernels, the steps of a split, builds, searches. README.md says how to run and
//! compare them.

mod data;
mod kernels;

use annoy_rs::internals::{partition, with_subset, Isa, ROWS};
use annoy_rs::{Index, Metric, Options, Vector};
use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use data::common::{built, filled, Item, Random};
use data::{clustered, options};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Each kernel on eight vectors, by every instruction set: `kernel/dot/avx2/128`.
fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    group.throughput(Throughput::Elements(ROWS as u64));
    for isa in Isa::available() {
        let mut measure = |length: usize, name: &str, call: &mut dyn FnMut()| {
            let id = BenchmarkId::new(format!("{name}/{}", isa.name()), length);
            group.bench_function(id, |bencher| bencher.iter(&mut *call));
        };
        for f in kernels::DIMENSIONS {
            kernels::each_float(isa, f, |name, call| measure(f, name, call));
        }
        for bits in kernels::BITS {
            kernels::each_bits(isa, bits, |name, call| measure(bits, name, call));
        }
        for len in kernels::CODES {
            kernels::each_code(isa, len, |name, call| measure(len, name, call));
        }
        for n_tables in kernels::TABLES {
            kernels::each_block(isa, n_tables, |name, call| measure(n_tables, name, call));
        }
    }
}

/// The two steps of a split, by the number of items: `split/plane/angular/2000`,
/// `split/sides/angular/2000`.
fn splits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("split");
    for metric in Metric::ALL {
        let options = options(metric, 128);
        for n in [200, 2_000, 20_000] {
            let items = clustered(options, n);
            let vectors: Vec<Vector<'_>> = items.iter().map(Vector::from).collect();
            group.throughput(Throughput::Elements(n as u64));
            with_subset(options, &vectors, &mut |subset| {
                let id = BenchmarkId::new(format!("plane/{metric}"), n);
                group.bench_function(id, |bencher| bencher.iter(|| subset.place_plane()));
                // There may have been none before.
                subset.place_plane();
                let id = BenchmarkId::new(format!("sides/{metric}"), n);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| {
                        black_box(subset.find_sides());
                    })
                });
            })
            .unwrap();
        }
    }
}

/// Moving the items of one side to the front, by their number: `partition/2000`.
fn partitions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("partition");
    for n in [200, 2_000, 200_000] {
        let mut random = Random(1);
        let right: Vec<bool> = (0..n).map(|_| random.next() >> 63 == 1).collect();
        let mut subset: Vec<u32> = (0..n as u32).collect();
        let mut moved = Vec::new();
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(n), |bencher| {
            bencher.iter(|| partition(&mut subset, black_box(&right), &mut moved).unwrap())
        });
    }
}

/// Numbers of items to build and to search, with some metrics of one number only.
fn sizes(metric: Metric, all: [usize; 3]) -> Vec<usize> {
    match metric {
        Metric::Angular => all.to_vec(),
        _ => vec![all[1]],
    }
}

/// Five trees by one thread, by the number of items: `build/angular/10000`.
fn builds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10);
    for metric in Metric::ALL {
        for n in sizes(metric, [1_000, 10_000, 50_000]) {
            let options = options(metric, 64);
            let mut index = None;
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::new(metric.name(), n), |bencher| {
                let index = index.get_or_insert_with(|| filled(options, &clustered(options, n)));
                bencher.iter_custom(|rounds| (0..rounds).map(|_| timed_build(index)).sum())
            });
        }
    }
}

fn timed_build(index: &mut Index) -> Duration {
    index.unbuild().unwrap();
    let start = Instant::now();
    index.build(Some(5), Some(1)).unwrap();
    start.elapsed()
}

/// One query after the other for ten neighbours among ten trees, by the number of items:
/// `search/item/angular/search_k=1000/20000`, and `vector` for vectors that are no items.
fn searches(criterion: &mut Criterion) {
    for metric in Metric::ALL {
        for n in sizes(metric, [2_000, 20_000, 100_000]) {
            search(criterion, options(metric, 64), n);
        }
    }
}

fn search(criterion: &mut Criterion, options: Options, n: usize) {
    const QUERIES: usize = 500;
    const NEIGHBORS: usize = 10;
    let mut group = criterion.benchmark_group("search");
    let mut made: Option<(Index, Vec<Item>)> = None;
    let mut make = || {
        let mut items = clustered(options, n + QUERIES);
        let queries = items.split_off(n);
        (built(options, &items, 10), queries)
    };
    for search_k in [1_000, 10_000] {
        let id =
            |kind| BenchmarkId::new(format!("{kind}/{}/search_k={search_k}", options.metric), n);
        let mut ids = (0..n as i64).step_by(n / QUERIES).cycle();
        group.bench_function(id("item"), |bencher| {
            let (index, _) = made.get_or_insert_with(&mut make);
            bencher.iter(|| {
                let id = ids.next().unwrap();
                index
                    .get_nns_by_item(id, NEIGHBORS, Some(search_k))
                    .unwrap()
            })
        });
        let mut next = 0;
        group.bench_function(id("vector"), |bencher| {
            let (index, queries) = made.get_or_insert_with(&mut make);
            bencher.iter(|| {
                next = (next + 1) % QUERIES;
                index
                    .get_nns_by_vector(&queries[next], NEIGHBORS, Some(search_k))
                    .unwrap()
            })
        });
    }
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .without_plots()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = kernels, splits, partitions, builds, searches
}
criterion_main!(all);
