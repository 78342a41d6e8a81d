//! How much searches look at to find 0.90, 0.95 and 0.99 of the nearest ten, by scan and by graph,
//! with graphs of some of the items; what `build_auto` makes of that; and inserting one item in a
//! hundred against building:
//!
//! ```sh
//! cargo bench --bench growth [-- METRIC D [ROWS.f32 | N]]
//! ```
//!
//! The rows are raw 32-bit floats, or N normal ones. Without arguments euclidean, 32 and 150,000
//! normal rows. The last 500 rows are the queries. One thread; figures are medians of three turns
//! of all queries.

use annoy_rs::{GraphPlan, Index, Insertion, Metric, Result, Search, Way, Work};
use std::time::Instant;

const QUERIES: usize = 500;
const TURNS: usize = 3;
const SAMPLES: [usize; 2] = [10_000, 30_000];
const TREES: usize = 10;

struct Set {
    metric: Metric,
    d: usize,
    rows: Vec<f32>,
}

impl Set {
    fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * self.d..(i + 1) * self.d]
    }

    fn n_items(&self) -> usize {
        self.rows.len() / self.d - QUERIES
    }

    fn query(&self, i: usize) -> &[f32] {
        self.row(self.n_items() + i)
    }

    /// An index of `n` of the first `of` items, from all over them, built.
    fn built(&self, n: usize, of: usize) -> Result<Index> {
        let mut index = Index::new(self.metric, self.d)?;
        for i in 0..n {
            index.add_item(i as i64, self.row(i * of / n))?;
        }
        index.build_with(Some(TREES), &mut alone())?;
        Ok(index)
    }
}

fn alone() -> Work<'static> {
    Work {
        n_threads: Some(1),
        ..Work::default()
    }
}

fn normal_rows(n: usize, d: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 + 0.5) / (1 << 24) as f32
    };
    (0..n * d)
        .map(|_| (-2.0 * next().ln()).sqrt() * (std::f32::consts::TAU * next()).cos())
        .collect()
}

/// The distance of the tenth nearest of each query.
fn truth(set: &Set, index: &Index) -> Result<Vec<f64>> {
    let exact = Search {
        way: Way::Exact,
        ..Search::new(10)
    };
    let mut truth = vec![0.0; QUERIES];
    index.search_batch(
        |i| set.query(i),
        QUERIES,
        &exact,
        &mut Work::default(),
        |i, found| {
            truth[i] = found.last().map_or(0.0, |last| last.distance);
        },
    )?;
    Ok(truth)
}

/// Recall, and microseconds a query.
fn measured(set: &Set, index: &Index, truth: &[f64], search: &Search<'_>) -> Result<(f64, f64)> {
    let is_near = |distance: f64, farthest: f64| match set.metric {
        Metric::Dot => distance >= farthest,
        _ => distance <= farthest,
    };
    let (mut times, mut hits) = (Vec::new(), 0);
    for _ in 0..TURNS {
        let mut found = Vec::with_capacity(QUERIES);
        let start = Instant::now();
        for i in 0..QUERIES {
            found.push(index.search(set.query(i), search)?);
        }
        times.push(start.elapsed().as_secs_f64() * 1e6 / QUERIES as f64);
        let of_each = found.iter().zip(truth);
        hits = of_each
            .map(|(found, &last)| {
                found
                    .iter()
                    .filter(|one| is_near(one.distance, last))
                    .count()
            })
            .sum();
    }
    times.sort_by(f64::total_cmp);
    Ok((hits as f64 / (10 * QUERIES) as f64, times[TURNS / 2]))
}

/// Prints what is looked at, and how long it takes, for each recall.
fn ladder(set: &Set, index: &Index, way: Way, name: &str) -> Result<()> {
    let truth = truth(set, index)?;
    let mut wanted = [0.90, 0.95, 0.99].into_iter().peekable();
    print!("{name}:");
    let mut search_k = 64;
    while search_k <= index.n_items() as u64 {
        let search = Search {
            way,
            search_k: Some(search_k),
            ..Search::new(10)
        };
        let (recall, us) = measured(set, index, &truth, &search)?;
        while let Some(reached) = wanted.next_if(|&wanted| recall >= wanted) {
            print!("  {reached:.2}: search_k {search_k}, {us:.0} us");
        }
        if wanted.peek().is_none() {
            break;
        }
        search_k += (search_k / 3).max(1);
    }
    println!();
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let text = |i: usize, otherwise: &str| arguments.get(i).map_or(otherwise.into(), String::clone);
    let metric = text(0, "euclidean").parse().expect("the name of a metric");
    let d = text(1, "32").parse().expect("how many numbers a row has");
    let rows = text(2, "150000");
    let rows = match rows.parse() {
        Ok(n) => normal_rows(n, d),
        Err(_) => {
            let bytes = std::fs::read(&rows).expect("a file of rows");
            let numbers = bytes.chunks_exact(4);
            numbers
                .map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]))
                .collect()
        }
    };
    let set = Set { metric, d, rows };
    let n = set.n_items();
    println!("{} items, {d} numbers, {metric:?}", n);

    let mut index = set.built(n, n)?;
    if index.build_scan(&mut alone()).is_ok() {
        ladder(&set, &index, Way::Scan, "scan")?;
    }
    for some in SAMPLES.into_iter().filter(|&some| some < n) {
        let mut sample = set.built(some, n)?;
        sample.build_graph(&GraphPlan::default(), &mut alone())?;
        ladder(&set, &sample, Way::Graph, &format!("graph of {some}"))?;
    }
    let mut index = set.built(n, n)?;
    index.build_graph(&GraphPlan::default(), &mut alone())?;
    ladder(&set, &index, Way::Graph, "graph")?;

    let few = n / 100;
    let start = Instant::now();
    index = set.built(n - few, n - few)?;
    index.build_graph(&GraphPlan::default(), &mut alone())?;
    let built = start.elapsed().as_secs_f64();
    let start = Instant::now();
    index.insert_items(
        &Insertion::default(),
        |i| set.row(n - few + i),
        few,
        &mut alone(),
    )?;
    let inserted = start.elapsed().as_secs_f64();
    ladder(
        &set,
        &index,
        Way::Graph,
        "graph with one in a hundred inserted",
    )?;
    println!(
        "built in {built:.2} s; {few} more inserted in {inserted:.3} s, {:.2} % of that",
        100.0 * inserted / built
    );

    let mut index = set.built(n, n)?;
    index.build_auto(None, &mut alone())?;
    let is_scan = index.info()?.scan_lists > 0;
    println!("build_auto: {}", if is_scan { "a scan" } else { "a graph" });
    Ok(())
}
