//! `annoy query`.

use crate::args::{Data, Printed, Query};
use crate::input::Rows;
use crate::progress::Progress;
use crate::vectors::Block;
use annoy_rs::{Access, Bitmap, Index, Label, LabelKind, Neighbor, Search, Way};
use anyhow::{bail, ensure, Context, Result};
use serde_json::{json, Value};
use std::io::Write;
use std::path::Path;

/// The item with a label.
///
/// # Errors
/// When there is none.
pub fn item_of(index: &Index, label: &str) -> Result<i64> {
    let found = match index.label_kind() {
        None => bail!("the index has no labels"),
        Some(LabelKind::U64) => {
            let number: u64 = label.parse().ok().with_context(|| {
                format!("labels of this index are numbers, and {label:?} is none")
            })?;
            index.find_label(number)?
        }
        Some(LabelKind::Utf8) => index.find_label(label)?,
    };
    found.with_context(|| format!("no item has the label {label:?}"))
}

/// An item's label as text; empty where it has none.
pub fn label_of(index: &Index, id: i64) -> Result<String> {
    Ok(match index.label(id)? {
        Some(Label::U64(number)) => number.to_string(),
        Some(Label::Utf8(text)) => text.to_owned(),
        None => String::new(),
    })
}

/// A bit for each item that is named in a file: by its label, where the index has labels, or its
/// id.
fn allowed(index: &Index, path: &Path) -> Result<Vec<u64>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut words = vec![0; index.n_items().div_ceil(64)];
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let id = match index.label_kind() {
            Some(_) => item_of(index, line),
            None => line
                .parse()
                .ok()
                .with_context(|| format!("{line:?} is no id")),
        };
        let id = id.with_context(|| format!("{}: line {}", path.display(), at + 1))?;
        ensure!(
            (0..index.n_items() as i64).contains(&id),
            "{}: line {}: there is no item {id}",
            path.display(),
            at + 1
        );
        words[id as usize / 64] |= 1 << (id % 64);
    }
    Ok(words)
}

/// The vectors of a file, for an index.
pub fn read_queries(index: &Index, path: &Path, limit: Option<u64>) -> Result<Block> {
    let data = Data {
        data: path.to_owned(),
        format: None,
        column: None,
        labels: None,
        names: None,
        width: Some(index.f()),
        limit,
        are_queries: true,
    };
    let rows: Vec<Vec<f64>> = Rows::open(&data)?
        .map(|row| Ok(row?.vector))
        .collect::<Result<_>>()?;
    let block = Block::new(index.options(), rows.iter().map(Vec::as_slice));
    block.with_context(|| path.display().to_string())
}

pub fn query(args: &Query, is_json: bool, is_quiet: bool) -> Result<()> {
    let index = Index::open(&args.index, Access::Map)?;
    let words = match &args.filter {
        Some(path) => Some(allowed(&index, path)?),
        None => None,
    };
    let search = Search {
        search_k: args.search_k,
        recall: args.recall,
        max_distance: args.radius,
        exclude_self: true,
        bitmap: words.as_ref().map(|words| Bitmap { words, deny: false }),
        way: match (args.exact, args.method) {
            (true, _) => Way::Exact,
            (false, Some(method)) => method.into(),
            (false, None) => Way::default(),
        },
        ..Search::new(args.n)
    };
    let mut found: Vec<Vec<Neighbor>> = Vec::new();
    let by = &args.by;
    let item = match &by.label {
        Some(label) => Some(item_of(&index, label)?),
        None => by.item,
    };
    let said = |result: annoy_rs::Result<Vec<Neighbor>>| match (result, args.recall) {
        (Err(annoy_rs::Error::State { .. }), Some(_)) => bail!(
            "{}: no search of it was measured, so it cannot be asked for a recall; \
             `annoy tune --write` does it",
            args.index.display()
        ),
        (result, _) => Ok(result?),
    };
    if let Some(id) = item {
        found.push(said(index.search_item(id, &search))?);
    } else if let Some(vector) = &by.vector {
        let block = Block::new(index.options(), [vector.as_slice()].into_iter())?;
        found.push(said(index.search(block.row(0), &search))?);
    } else {
        let path = by.file.as_deref().expect("one of the four is there");
        let queries = read_queries(&index, path, None)?;
        found.resize(queries.len(), Vec::new());
        let go = Progress::new(args.threads.threads, is_quiet);
        let keep = |at: usize, near: Vec<Neighbor>| found[at] = near;
        go.run(|work| index.search_batch(|i| queries.row(i), queries.len(), &search, work, keep))?;
    }
    let print = if is_json { Printed::Json } else { args.print };
    print_found(&index, &found, print)
}

fn print_found(index: &Index, found: &[Vec<Neighbor>], print: Printed) -> Result<()> {
    let has_labels = index.n_labels() > 0;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let many = found.len() > 1;
    match print {
        Printed::Json => {
            for near in found {
                let near: Vec<Value> = near
                    .iter()
                    .map(|one| {
                        let mut value = json!({"id": one.id, "distance": one.distance});
                        match index.label(one.id)? {
                            Some(Label::U64(number)) => value["label"] = number.into(),
                            Some(Label::Utf8(text)) => value["label"] = text.into(),
                            None => {}
                        }
                        Ok(value)
                    })
                    .collect::<Result<_>>()?;
                // A line a query, so that a reader need not wait for all.
                writeln!(out, "{}", Value::from(near))?;
            }
        }
        Printed::Csv => {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(["query", "rank", "id", "label", "distance"])?;
            for (query, near) in found.iter().enumerate() {
                for (rank, one) in near.iter().enumerate() {
                    csv.write_record([
                        query.to_string(),
                        rank.to_string(),
                        one.id.to_string(),
                        label_of(index, one.id)?,
                        one.distance.to_string(),
                    ])?;
                }
            }
            csv.flush()?;
        }
        Printed::Table => {
            for (query, near) in found.iter().enumerate() {
                if many {
                    writeln!(out, "query {query}")?;
                }
                for one in near {
                    write!(out, "{:>10}  {:>12.6}", one.id, one.distance)?;
                    match has_labels {
                        true => writeln!(out, "  {}", label_of(index, one.id)?)?,
                        false => writeln!(out)?,
                    }
                }
            }
            out.flush()?;
        }
    }
    Ok(())
}
