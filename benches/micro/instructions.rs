//! Small fixed pieces of work whose instructions are counted: instructions.sh runs this under
//! callgrind.
//!
//! With the name of a case it does that one's work, without one it lists them. Only what runs
//! inside `counted_region` is counted. Where everything is counted, one more word (`without`)
//! leaves that out, and the difference is its work.

mod data;
mod kernels;

use annoy_rs::internals::{partition, with_subset, Isa, Subset};
use annoy_rs::{Metric, Options, Vector};
use data::common::{built, filled, Item, Random};
use data::{clustered, options};
use std::hint::black_box;
use std::process::ExitCode;

/// instructions.sh knows it by its name.
#[inline(never)]
fn counted_region(work: &mut dyn FnMut()) {
    work();
    // Something to return to, so that `work` is no jump out of here.
    black_box(());
}

/// Does the work, unless it is to be left out.
fn counted(work: &mut dyn FnMut()) {
    if std::env::args().nth(2).is_none() {
        counted_region(work);
    }
}

fn main() -> ExitCode {
    let Some(case) = std::env::args().nth(1) else {
        for (name, _) in cases() {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    match cases().into_iter().find(|(name, _)| *name == case) {
        Some((_, run)) => {
            run();
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("no case {case}");
            ExitCode::FAILURE
        }
    }
}

type Case = (String, Box<dyn FnOnce()>);

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |name: String, run: Box<dyn FnOnce()>| cases.push((name, run));
    let isa = Isa::choose().unwrap();
    let mut operations = Vec::new();
    kernels::each_float(isa, 1, |name, _| operations.push(name.to_string()));
    for operation in operations {
        for f in kernels::DIMENSIONS {
            let operation = operation.clone();
            let name = format!("kernel/{operation}/{f}");
            let run = move || {
                kernels::each_float(isa, f, |name, call| {
                    if name == operation {
                        repeat(1_000, call);
                    }
                });
            };
            add(name, Box::new(run));
        }
    }
    for bits in kernels::BITS {
        let run = move || kernels::each_bits(isa, bits, |_, call| repeat(1_000, call));
        add(format!("kernel/hamming/{bits}"), Box::new(run));
    }
    let mut operations = Vec::new();
    kernels::each_code(isa, 32, |name, _| operations.push(name.to_string()));
    for operation in operations {
        for len in kernels::CODES {
            let operation = operation.clone();
            let name = format!("kernel/{operation}/{len}");
            let run = move || {
                kernels::each_code(isa, len, |name, call| {
                    if name == operation {
                        repeat(1_000, call);
                    }
                });
            };
            add(name, Box::new(run));
        }
    }
    for n_tables in kernels::TABLES {
        let run = move || kernels::each_block(isa, n_tables, |_, call| repeat(1_000, call));
        add(format!("kernel/block/{n_tables}"), Box::new(run));
    }
    add("partition".to_string(), Box::new(partition_half));
    type Work = fn(Metric);
    let works: [(&str, Work); 6] = [
        ("split/plane", place_planes),
        ("split/sides", find_sides),
        ("add", add_items),
        ("build", build),
        ("search/item", search_by_item),
        ("search/vector", search_by_vector),
    ];
    for (work, run) in works {
        for metric in Metric::ALL {
            add(format!("{work}/{metric}"), Box::new(move || run(metric)));
        }
    }
    cases
}

fn repeat(times: usize, call: &mut dyn FnMut()) {
    counted(&mut || {
        for _ in 0..times {
            call();
        }
    });
}

fn partition_half() {
    let mut random = Random(1);
    let right: Vec<bool> = (0..10_000).map(|_| random.next() >> 63 == 1).collect();
    let mut subset: Vec<u32> = (0..10_000).collect();
    let mut moved = Vec::new();
    repeat(10, &mut || {
        black_box(partition(&mut subset, &right, &mut moved).unwrap());
    });
}

fn split(metric: Metric, work: &mut dyn FnMut(&mut dyn Subset)) {
    let options = options(metric, 128);
    let items = clustered(options, 2_000);
    let vectors: Vec<Vector<'_>> = items.iter().map(Vector::from).collect();
    with_subset(options, &vectors, work).unwrap();
}

fn place_planes(metric: Metric) {
    split(metric, &mut |subset| {
        repeat(20, &mut || subset.place_plane())
    });
}

fn find_sides(metric: Metric) {
    split(metric, &mut |subset| {
        subset.place_plane();
        repeat(20, &mut || {
            black_box(subset.find_sides());
        });
    });
}

const N_ITEMS: usize = 3_000;
const N_QUERIES: usize = 50;
const NEIGHBORS: usize = 10;

fn forest_options(metric: Metric) -> Options {
    options(metric, 64)
}

fn add_items(metric: Metric) {
    let options = forest_options(metric);
    let items = clustered(options, N_ITEMS);
    counted(&mut || {
        black_box(filled(options, &items));
    });
}

fn build(metric: Metric) {
    let options = forest_options(metric);
    let mut index = filled(options, &clustered(options, N_ITEMS));
    counted(&mut || index.build(Some(5), Some(1)).unwrap());
}

fn search_by_item(metric: Metric) {
    let options = forest_options(metric);
    let index = built(options, &clustered(options, N_ITEMS), 10);
    let search = |id: usize| {
        let found = index.get_nns_by_item(id as i64, NEIGHBORS, Some(1_000));
        black_box(found.unwrap());
    };
    counted(&mut || (0..N_QUERIES).for_each(search));
}

fn search_by_vector(metric: Metric) {
    let options = forest_options(metric);
    let mut items = clustered(options, N_ITEMS + N_QUERIES);
    let queries = items.split_off(N_ITEMS);
    let index = built(options, &items, 10);
    let search = |query: &Item| {
        let found = index.get_nns_by_vector(query, NEIGHBORS, Some(1_000));
        black_box(found.unwrap());
    };
    counted(&mut || queries.iter().for_each(search));
}
