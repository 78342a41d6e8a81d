//! `annoy tune`.

use crate::args::Tune;
use crate::look::sample;
use crate::output::print_table;
use crate::progress::Progress;
use crate::vectors::Block;
use annoy_rs::{Access, Index, Neighbor, Search, Way};
use anyhow::{ensure, Result};
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

/// What a setting finds, and how long it takes.
pub struct Point {
    pub search_k: Option<u64>,
    pub recall: f64,
    pub seconds: f64,
}

/// What is measured.
pub struct Measure<'a> {
    /// A file; without one, items are the queries.
    pub queries: Option<&'a Path>,
    pub recall: f64,
    pub n: usize,
    /// Queries at the most.
    pub sample: usize,
}

pub fn tune(args: &Tune, is_json: bool, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let mut index = Index::open(&args.index, Access::Map)?;
    let wanted = Measure {
        queries: args.queries.as_deref(),
        recall: args.recall,
        n: args.n,
        sample: args.sample,
    };
    let (points, wanted) = measure(&index, &wanted, &go)?;
    let rows: Vec<Vec<Value>> = points
        .iter()
        .map(|point| {
            vec![
                point.search_k.map_or("default".into(), Value::from),
                point.recall.into(),
                (1e6 * point.seconds).into(),
            ]
        })
        .collect();
    print_table(&["search_k", "recall", "microseconds"], &rows, is_json)?;
    if !is_json {
        match wanted.map(|at| &points[at]) {
            Some(point) => println!(
                "\nsearch_k {} finds {:.3} of the nearest {} in {:.0} microseconds a search",
                point
                    .search_k
                    .map_or("default".to_owned(), |k| k.to_string()),
                point.recall,
                args.n,
                1e6 * point.seconds
            ),
            None => println!(
                "\nnone finds {}: build with more trees, or a graph",
                args.recall
            ),
        }
    }
    if args.write {
        match &args.queries {
            None => go.run(|work| index.tune(work))?,
            Some(path) => {
                let queries = crate::query::read_queries(&index, path, None)?;
                go.run(|work| index.tune_for(|i| queries.row(i), queries.len(), work))?;
            }
        }
        go.run(|work| index.save_with(&args.index, work))?;
    }
    Ok(())
}

/// Recall and time at the default and over search_k: doubled until all is found, and closer where
/// it first finds enough; and the place of that.
pub fn measure(
    index: &Index,
    args: &Measure<'_>,
    go: &Progress,
) -> Result<(Vec<Point>, Option<usize>)> {
    ensure!(
        args.recall > 0.0 && args.recall <= 1.0,
        "--recall is {}, expected more than 0 and at most 1",
        args.recall
    );
    let ids: Vec<i64> = match args.queries {
        Some(_) => Vec::new(),
        None => sample(index, args.sample),
    };
    let queries = match args.queries {
        Some(path) => crate::query::read_queries(index, path, Some(args.sample as u64))?,
        None => Block::of(index, &ids)?,
    };
    ensure!(queries.len() > 0, "there are no queries");
    // An item is searched for as if it were not there.
    let search = Search {
        exclude_self: true,
        ..Search::new(args.n)
    };
    let batch = |search: &Search<'_>| -> Result<Vec<Vec<Neighbor>>> {
        let mut found = vec![Vec::new(); queries.len()];
        let take = |at: usize, near| found[at] = near;
        match ids.is_empty() {
            true => go.run(|work| {
                index.search_batch(|i| queries.row(i), queries.len(), search, work, take)
            })?,
            false => go.run(|work| index.search_batch_items(&ids, search, work, take))?,
        }
        Ok(found)
    };
    let truth = batch(&Search {
        way: Way::Exact,
        ..search
    })?;
    let wanted: usize = truth.iter().map(Vec::len).sum();
    ensure!(wanted > 0, "there is nothing to find");
    let measured = |search_k: Option<u64>| -> Result<Point> {
        let search = Search { search_k, ..search };
        let found = batch(&search)?;
        let both = found.iter().zip(&truth).map(|(found, truth)| {
            let near: HashSet<i64> = truth.iter().map(|one| one.id).collect();
            found.iter().filter(|one| near.contains(&one.id)).count()
        });
        let recall = both.sum::<usize>() as f64 / wanted as f64;
        // Alone, one after the other, as most programs search; without what else the machine does.
        let timed = queries.len().min(200);
        let mut seconds = f64::INFINITY;
        for _ in 0..3 {
            go.go_on()?;
            let begun = Instant::now();
            for at in 0..timed {
                match ids.get(at) {
                    Some(&id) => index.search_item(id, &search)?,
                    None => index.search(queries.row(at), &search)?,
                };
            }
            seconds = seconds.min(begun.elapsed().as_secs_f64() / timed as f64);
        }
        Ok(Point {
            search_k,
            recall,
            seconds,
        })
    };
    let usual = measured(None)?;
    let mut points = Vec::new();
    let mut search_k = (2 * args.n as u64).max(10);
    loop {
        let point = measured(Some(search_k))?;
        let recall = point.recall;
        points.push(point);
        let is_all = search_k >= index.n_items() as u64 * index.n_trees().max(1) as u64;
        if is_all || recall >= 0.9995 && recall >= args.recall {
            break;
        }
        search_k *= 2;
    }
    // Between the last that finds too little and the first that finds enough.
    while let Some(at) = first_enough(&points, args.recall) {
        let is_close = points[at].recall - args.recall < CLOSE;
        let (Some(below), Some(above)) = (at.checked_sub(1), points[at].search_k) else {
            break;
        };
        let below = points[below].search_k.unwrap_or(above);
        let middle = ((below as f64) * (above as f64)).sqrt() as u64;
        if is_close || middle <= below + below / 32 {
            break;
        }
        points.insert(at, measured(Some(middle))?);
    }
    points.insert(0, usual);
    let enough = first_enough(&points[1..], args.recall).map(|at| at + 1);
    Ok((points, enough))
}

/// What is found more than was wanted need not be less.
const CLOSE: f64 = 0.002;

/// The first of points in the order of search_k from which on all find enough.
fn first_enough(points: &[Point], recall: f64) -> Option<usize> {
    let below = points.iter().rposition(|point| point.recall < recall);
    let first = below.map_or(0, |at| at + 1);
    (first < points.len()).then_some(first)
}
