//! `annoy bench`.

use crate::args::{Method, Printed, Threads};
use crate::output::print_table;
use crate::progress::Progress;
use crate::trial::Trial;
use annoy_rs::{Access, Index, Way};
use anyhow::{bail, Result};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:\n  annoy bench words.ann\n  \
    annoy bench words.ann --queries q.npy --methods graph,exact --search-k 50,100,200 --print csv")]
pub struct BenchArgs {
    pub index: PathBuf,
    /// Queries to measure with (default: items of the index, as if those were not there)
    #[arg(long)]
    pub queries: Option<PathBuf>,
    /// What is searched (default: all that the index has)
    #[arg(long, value_delimiter = ',')]
    pub methods: Vec<Method>,
    /// How many items are looked at (default: doubled until all is found)
    #[arg(long, value_delimiter = ',')]
    pub search_k: Vec<u64>,
    /// Results of a search
    #[arg(short, default_value_t = 10)]
    pub n: usize,
    /// Queries that are measured
    #[arg(long, default_value_t = 500)]
    pub sample: usize,
    /// How it is printed
    #[arg(long, default_value = "table")]
    pub print: Printed,
    #[command(flatten)]
    pub threads: Threads,
}

const NAMES: [&str; 6] = [
    "method",
    "search_k",
    "recall",
    "microseconds",
    "queries_a_second",
    "queries_a_second_all_threads",
];

pub fn bench(args: &BenchArgs, is_json: bool, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let index = Index::open(&args.index, Access::Map)?;
    let info = index.info()?;
    let has = |method: Method| match method {
        Method::Forest | Method::Exact => true,
        Method::Graph => info.graph_degree > 0,
        Method::Scan => info.scan_lists > 0,
    };
    let name = |method: Method| {
        let value = method.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    };
    let mut methods = args.methods.clone();
    if methods.is_empty() {
        methods = Method::value_variants().to_vec();
        methods.retain(|&method| has(method));
    }
    if let Some(&method) = methods.iter().find(|&&method| !has(method)) {
        bail!("{}: it has no {}", args.index.display(), name(method));
    }
    let trial = Trial::new(&index, args.queries.as_deref(), args.sample, args.n, &go)?;
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for method in methods {
        let way = Way::from(method);
        let mut points = vec![trial.measure(way, None)?];
        if way != Way::Exact {
            match args.search_k.is_empty() {
                true => points.extend(trial.curve(way, 0.0)?),
                false => {
                    for &search_k in &args.search_k {
                        points.push(trial.measure(way, Some(search_k))?);
                    }
                }
            }
        }
        rows.extend(points.iter().map(|point| {
            vec![
                name(method).into(),
                match (way, point.search_k) {
                    (Way::Exact, _) => Value::Null,
                    (_, None) => "default".into(),
                    (_, Some(search_k)) => search_k.into(),
                },
                point.recall.into(),
                (1e6 * point.seconds).into(),
                (1.0 / point.seconds).round().into(),
                point.a_second.round().into(),
            ]
        }));
    }
    match (is_json, args.print) {
        (true, _) | (_, Printed::Json) => print_table(&NAMES, &rows, true),
        (_, Printed::Table) => print_table(&NAMES, &rows, false),
        (_, Printed::Csv) => {
            let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
            csv.write_record(NAMES)?;
            for row in &rows {
                csv.write_record(row.iter().map(|value| match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                }))?;
            }
            Ok(csv.flush()?)
        }
    }
}
