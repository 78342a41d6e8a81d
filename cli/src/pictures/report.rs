//! `annoy report`.

use super::page::{rounded, Page};
use super::{thousands, Drawn, Shown};
use crate::args::Threads;
use crate::look::{described, facts_of_vectors, sample};
use crate::output::{plain, write_whole, Facts};
use crate::progress::Progress;
use crate::trial::Trial;
use crate::tune::measure;
use annoy_rs::{Access, Index, LabelKind};
use anyhow::Result;
use clap::Args;
use serde_json::{json, Value};
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Example:\n  annoy report words.ann -o report.html")]
pub struct ReportArgs {
    pub index: PathBuf,
    /// Write here
    #[arg(long, short)]
    pub output: PathBuf,
    #[command(flatten)]
    pub drawn: Drawn,
    /// Queries to measure recall with (default: items of the index, as if those were not there)
    #[arg(long)]
    pub queries: Option<PathBuf>,
    /// The recall whose setting is marked
    #[arg(long, default_value_t = 0.95)]
    pub recall: f64,
    /// Queries that are measured, and items whose distances are looked at
    #[arg(long, default_value_t = 300)]
    pub sample: usize,
    #[command(flatten)]
    pub threads: Threads,
}

pub fn report(args: &ReportArgs, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let index = Index::open(&args.index, Access::Map)?;
    let shown = Shown::new(&index, &args.drawn, &go)?;
    let file = args.index.file_name().unwrap_or_default().to_string_lossy();
    let mut page = Page::new(&file, &index, &shown, None, &[])?;
    page.set("summary", summary(&index)?.into());
    let of_file = described(&index, &args.index)?;
    let of_vectors = facts_of_vectors(&index, args.sample, &go)?;
    page.set(
        "facts",
        json!({"The file": rows(of_file), "The vectors": rows(of_vectors)}),
    );
    page.set("curve", curve(&index, args, &go)?);
    page.set("distances", distances(&index, args.sample, &go)?);
    let text = page.text();
    write_whole(&args.output, |out| Ok(out.write_all(text.as_bytes())?))
}

fn rows(facts: Facts) -> Value {
    let rows = facts.into_rows();
    rows.map(|(name, value)| json!([name.replace('_', " "), plain(&value)]))
        .collect()
}

/// What the file is, in a sentence.
fn summary(index: &Index) -> Result<String> {
    let (info, options) = (index.info()?, index.options());
    let mut beside = format!("{} trees", info.n_trees);
    if info.graph_degree > 0 {
        beside += &format!(", a graph of degree {}", info.graph_degree);
    }
    if info.scan_lists > 0 {
        beside += &format!(", a scan of {} lists", info.scan_lists);
    }
    let labels = match index.label_kind() {
        None => "no labels",
        Some(LabelKind::U64) => "numbers as labels",
        Some(LabelKind::Utf8) => "strings as labels",
    };
    Ok(format!(
        "{} vectors of {} {}, compared by {} distance; {beside}; {labels}; {:.1} MB.",
        thousands(info.n_present),
        options.f,
        if options.metric == annoy_rs::Metric::Hamming {
            "bits"
        } else {
            "numbers"
        },
        options.metric,
        info.bytes as f64 / 1e6,
    ))
}

fn curve(index: &Index, args: &ReportArgs, go: &Progress) -> Result<Value> {
    let trial = Trial::new(
        index,
        args.queries.as_deref(),
        args.sample,
        super::SHOWN,
        go,
    )?;
    let (points, chosen) = measure(&trial, args.recall)?;
    let rows: Vec<Value> = points
        .iter()
        .map(|point| {
            json!({
                "search_k": point.search_k,
                "recall": rounded(point.recall),
                "microseconds": rounded(1e6 * point.seconds),
            })
        })
        .collect();
    Ok(json!({
        "n": super::SHOWN,
        "queries": trial.n_queries(),
        "recall": args.recall,
        "points": rows,
        "chosen": chosen,
        "stored": index.info()?.n_tuned,
    }))
}

/// How many distances lie in each of so many steps of a scale: to the nearest, to the tenth, and
/// between items that have nothing to do with each other.
fn distances(index: &Index, n: usize, go: &Progress) -> Result<Value> {
    const STEPS: usize = 40;
    let ids = sample(index, n.max(2));
    let near = super::near(index, &ids, super::SHOWN, None, go)?;
    let last = |near: &Vec<annoy_rs::Neighbor>| near.last().map(|one| one.distance);
    let first = |near: &Vec<annoy_rs::Neighbor>| near.first().map(|one| one.distance);
    let mut random = super::Random::new(1);
    let mut between = Vec::new();
    for _ in 0..1000 {
        let [a, b] = [0; 2].map(|_| ids[random.below(ids.len())]);
        if a != b {
            between.push(index.get_distance(a, b)?);
        }
    }
    let series = [
        (
            "nearest",
            near.iter().filter_map(first).collect::<Vec<f64>>(),
        ),
        ("10th nearest", near.iter().filter_map(last).collect()),
        ("any two items", between),
    ];
    let all = series.iter().flat_map(|(_, numbers)| numbers).copied();
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = all.fold(ends, |(low, high), x| (low.min(x), high.max(x)));
    let size = (high - low).max(f64::MIN_POSITIVE);
    let shares = |numbers: &[f64]| -> Vec<f64> {
        let mut counts = [0usize; STEPS];
        for x in numbers {
            counts[(((x - low) / size * STEPS as f64) as usize).min(STEPS - 1)] += 1;
        }
        let n = numbers.len().max(1) as f64;
        counts
            .iter()
            .map(|&count| rounded(count as f64 / n))
            .collect()
    };
    let series: Vec<Value> = series
        .iter()
        .map(|(name, numbers)| json!({"name": name, "shares": shares(numbers)}))
        .collect();
    Ok(json!({"low": rounded(low), "high": rounded(high), "items": ids.len(), "series": series}))
}
