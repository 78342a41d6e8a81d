//! `annoy tune`.

use crate::args::Tune;
use crate::output::print_table;
use crate::progress::Progress;
use crate::trial::{Point, Trial};
use annoy_rs::{Access, Index, Way};
use anyhow::{ensure, Result};
use serde_json::Value;

pub fn tune(args: &Tune, is_json: bool, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let mut index = Index::open(&args.index, Access::Map)?;
    let queries = args.queries.as_deref();
    let trial = Trial::new(&index, queries, args.sample, args.n, &go)?;
    let (points, wanted) = measure(&trial, args.recall)?;
    drop(trial);
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
pub fn measure(trial: &Trial<'_>, recall: f64) -> Result<(Vec<Point>, Option<usize>)> {
    ensure!(
        recall > 0.0 && recall <= 1.0,
        "--recall is {recall}, expected more than 0 and at most 1"
    );
    let usual = trial.measure(Way::default(), None)?;
    let mut points = trial.curve(Way::default(), recall)?;
    // Between the last that finds too little and the first that finds enough.
    while let Some(at) = first_enough(&points, recall) {
        let is_close = points[at].recall - recall < CLOSE;
        let (Some(below), Some(above)) = (at.checked_sub(1), points[at].search_k) else {
            break;
        };
        let below = points[below].search_k.unwrap_or(above);
        let middle = ((below as f64) * (above as f64)).sqrt() as u64;
        if is_close || middle <= below + below / 32 {
            break;
        }
        points.insert(at, trial.measure(Way::default(), Some(middle))?);
    }
    points.insert(0, usual);
    let enough = first_enough(&points[1..], recall).map(|at| at + 1);
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
