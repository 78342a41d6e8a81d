//! `annoy info`, `verify`, `probe`, `stats`, `doctor`: what looks and writes nothing.

use crate::args::Stats;
use crate::cached;
use crate::output::{print_table, Facts};
use crate::progress::Progress;
use crate::vectors::{is_product, Block};
use annoy_rs::{kernel_name, probe as kinds_of, Access, Index, LabelKind, Neighbor, Search, Way};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

pub fn info(path: &Path, is_json: bool) -> Result<()> {
    described(&Index::open(path, Access::Map)?, path)?.print(is_json)
}

/// What an index in a file is.
pub fn described(index: &Index, path: &Path) -> Result<Facts> {
    let (info, options) = (index.info()?, index.options());
    let mut facts = Facts::default();
    facts.add("file", path.display().to_string());
    facts.add("bytes", info.bytes);
    facts.add("metric", options.metric.to_string());
    facts.add("numbers_of_a_vector", options.f);
    facts.add("scalar", options.scalar.to_string());
    facts.add("items", info.n_present);
    facts.add("removed", info.n_removed);
    facts.add("missing", info.n_items - info.n_present);
    let kind = match index.label_kind() {
        None => "none",
        Some(LabelKind::U64) => "numbers",
        Some(LabelKind::Utf8) => "strings",
    };
    facts.add("labels", index.n_labels());
    facts.add("labels_are", kind);
    facts.add("metadata_bytes", index.metadata().len());
    facts.add("seed", info.seed);
    facts.add("trees", info.n_trees);
    facts.add("depth", info.shape.depth);
    facts.add("splits", info.shape.n_splits);
    facts.add("splits_by_coin", info.shape.n_coin_splits);
    facts.add("leaves", info.shape.n_leaves);
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    let room = info.shape.n_leaves as f64 * info.max_leaf as f64;
    facts.add("leaf_fill", share(info.shape.n_in_leaves as f64, room));
    let larger = info.shape.n_on_larger_side as f64;
    facts.add("larger_side", share(larger, info.shape.n_below as f64));
    facts.add("graph_degree", info.graph_degree);
    facts.add("graph_code_bytes", info.graph_code_bytes);
    facts.add("graph_recall", info.graph_recall);
    facts.add("scan_lists", info.scan_lists);
    facts.add("scan_recall", info.scan_recall);
    facts.add("tuned_with_queries", info.n_tuned);
    Ok(facts)
}

/// Whether it is sound.
pub fn verify(path: &Path, most: usize, is_json: bool, is_quiet: bool) -> Result<bool> {
    let go = Progress::new(None, is_quiet);
    let report = match go.run(|work| Index::verify_file_with(path, most, work)) {
        Ok(report) => report,
        Err(error) => match error.downcast_ref::<annoy_rs::Error>() {
            // What cannot be opened for what is in it is damaged, too.
            Some(annoy_rs::Error::Corrupt { .. } | annoy_rs::Error::Format { .. }) => {
                let mut facts = Facts::default();
                facts.add("sound", false);
                facts.add("fault", error.to_string());
                facts.print(is_json)?;
                return Ok(false);
            }
            _ => return Err(error),
        },
    };
    let mut facts = Facts::default();
    facts.add("sound", report.is_sound());
    facts.add("has_checksums", report.has_checksums);
    facts.add("faults", report.n_faults);
    for (at, fault) in report.faults.iter().enumerate() {
        let place = fault
            .node
            .map_or(String::new(), |node| format!("node {node}: "));
        facts.add(
            &format!("fault_{}", at + 1),
            format!("{place}{}", fault.text),
        );
    }
    facts.print(is_json)?;
    Ok(report.is_sound())
}

pub fn probe(path: &Path, is_json: bool) -> Result<()> {
    let rows: Vec<Vec<Value>> = kinds_of(path)?
        .into_iter()
        .map(|kind| {
            vec![
                kind.options.metric.to_string().into(),
                kind.options.f.into(),
                kind.options.scalar.to_string().into(),
                format!("{:?}", kind.options.id_width)
                    .trim_start_matches("Bits")
                    .into(),
                kind.layout.into(),
                kind.n_items.into(),
                kind.n_trees.into(),
            ]
        })
        .collect();
    let names = [
        "metric", "f", "scalar", "id_bits", "layout", "items", "trees",
    ];
    print_table(&names, &rows, is_json)
}

/// Every so many of the ids.
pub fn sample(index: &Index, most: usize) -> Vec<i64> {
    let ids: Vec<i64> = index.ids().collect();
    let step = ids.len().div_ceil(most.max(1)).max(1);
    ids.into_iter().step_by(step).collect()
}

pub fn stats(args: &Stats, is_json: bool, is_quiet: bool) -> Result<()> {
    let index = Index::open(&args.index, Access::Map)?;
    let go = Progress::new(args.threads.threads, is_quiet);
    facts_of_vectors(&index, args.sample, &go)?.print(is_json)
}

/// What the vectors of an index are like, as far as so many of them tell.
pub fn facts_of_vectors(index: &Index, most: usize, go: &Progress) -> Result<Facts> {
    const NEAR: usize = 10;
    let ids = sample(index, most);
    let block = Block::of(index, &ids)?;
    let length = |at: usize| block.numbers(at).map(|x| x * x).sum::<f64>().sqrt();
    let mut lengths: Vec<f64> = (0..block.len()).map(length).collect();
    lengths.sort_by(f64::total_cmp);
    let quantile = |of: &[f64], share: f64| match of.len() {
        0 => Value::Null,
        n => of[((n - 1) as f64 * share) as usize].into(),
    };
    let mut facts = Facts::default();
    facts.add("items", index.ids().count());
    facts.add("sampled", ids.len());
    facts.add(
        "zero_vectors",
        lengths.iter().filter(|&&length| length == 0.0).count(),
    );
    for (name, share) in [("least", 0.0), ("median", 0.5), ("largest", 1.0)] {
        facts.add(&format!("length_{name}"), quantile(&lengths, share));
    }
    let search = Search {
        exclude_self: true,
        way: if index.ids().count() > 100_000 {
            Way::Fastest
        } else {
            Way::Exact
        },
        ..Search::new(NEAR)
    };
    let mut times: HashMap<i64, usize> = HashMap::new();
    let (mut nearest, mut farthest, mut duplicates) = (Vec::new(), Vec::new(), 0);
    let product = is_product(index.options().metric);
    let take = |_, near: Vec<Neighbor>| {
        for one in &near {
            *times.entry(one.id).or_default() += 1;
        }
        if let (Some(first), Some(last)) = (near.first(), near.last()) {
            duplicates += usize::from(!product && first.distance < 1e-6);
            nearest.push(first.distance);
            farthest.push(last.distance);
        }
    };
    go.run(|work| index.search_batch_items(&ids, &search, work, take))?;
    nearest.sort_by(f64::total_cmp);
    farthest.sort_by(f64::total_cmp);
    facts.add("distance_to_the_nearest", quantile(&nearest, 0.5));
    facts.add("distance_to_the_10th", quantile(&farthest, 0.5));
    if !product {
        facts.add("with_a_duplicate", duplicates);
    }
    let mut hubs: Vec<(usize, i64)> = times.into_iter().map(|(id, n)| (n, id)).collect();
    hubs.sort_by_key(|&(n, id)| (std::cmp::Reverse(n), id));
    for (at, &(n, id)) in hubs.iter().take(3).enumerate() {
        let label = crate::query::label_of(index, id)?;
        let name = if label.is_empty() {
            format!("item {id}")
        } else {
            format!("item {id}, {label}")
        };
        facts.add(
            &format!("hub_{}", at + 1),
            format!("{name}: among the 10 nearest of {n}"),
        );
    }
    Ok(facts)
}

pub fn doctor(path: Option<&Path>, is_json: bool) -> Result<()> {
    let mut facts = Facts::default();
    facts.add("version", env!("CARGO_PKG_VERSION"));
    facts.add("kernel", kernel_name()?);
    facts.add(
        "processors",
        std::thread::available_parallelism()
            .map(usize::from)
            .unwrap_or(1),
    );
    let huge = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    facts.add("huge_pages", huge.ok().map(|text| text.trim().to_owned()));
    if let Some(path) = path {
        facts.add("file", path.display().to_string());
        let file = File::open(path).with_context(|| path.display().to_string())?;
        facts.add("bytes", file.metadata()?.len());
        // First: what follows reads some of it.
        facts.add("share_in_memory", cached::share(&file));
        let described = Index::open(path, Access::Map).is_ok();
        facts.add("says_what_it_is", described);
        let kinds = kinds_of(path)?;
        let annoy = kinds.iter().any(|kind| kind.layout == "1.17");
        facts.add("annoy_1.17_can_read_it", annoy);
    }
    facts.print(is_json)
}
