//! `annoy export`.

use crate::args::{Export, Written};
use crate::output::write_whole;
use crate::query::label_of;
use crate::vectors::Block;
use annoy_rs::{Access, Index, Label, Search};
use anyhow::{bail, ensure, Result};
use npyz::WriterBuilder;
use serde_json::{json, Value};
use std::io::Write;
use std::path::Path;

/// Vectors that are written together.
const BLOCK: usize = 4096;

pub fn export(args: &Export) -> Result<()> {
    let index = Index::open(&args.index, Access::Map)?;
    let format = match args.format {
        Some(format) => format,
        None => by_name(&args.output)?,
    };
    ensure!(
        args.neighbors == 0 || format != Written::Npy,
        "--neighbors is for CSV and JSON lines"
    );
    write_whole(&args.output, |out| write(&index, args, format, out))
}

fn by_name(path: &Path) -> Result<Written> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(Written::Npy),
        Some("csv") => Ok(Written::Csv),
        Some("jsonl") => Ok(Written::Jsonl),
        _ => bail!(
            "{}: the name ends in none of .npy, .csv, .jsonl; --format says it",
            path.display()
        ),
    }
}

fn write(index: &Index, args: &Export, format: Written, out: &mut impl Write) -> Result<()> {
    let ids: Vec<i64> = index.ids().collect();
    match format {
        Written::Npy => npy(index, &ids, out),
        Written::Csv => csv(index, &ids, args.neighbors, out),
        Written::Jsonl => json_lines(index, &ids, args.neighbors, out),
    }
}

/// A row for each item that is there: rows are numbers of items where none are missing.
fn npy(index: &Index, ids: &[i64], out: &mut impl Write) -> Result<()> {
    let shape = [ids.len() as u64, index.f() as u64];
    macro_rules! of {
        ($type:ty) => {{
            let mut npy = npyz::WriteOptions::<$type>::new()
                .default_dtype()
                .shape(&shape)
                .writer(out)
                .begin_nd()?;
            for ids in ids.chunks(BLOCK) {
                let block = Block::of(index, ids)?;
                for at in 0..block.len() {
                    npy.extend(block.numbers(at).map(|x| x as $type))?;
                }
            }
            npy.finish()?;
        }};
    }
    match Block::of(index, &[])?.is_double() {
        true => of!(f64),
        false => of!(f32),
    }
    Ok(())
}

fn near(index: &Index, id: i64, n: usize) -> Result<Vec<i64>> {
    let search = Search {
        exclude_self: true,
        ..Search::new(n)
    };
    Ok(index
        .search_item(id, &search)?
        .iter()
        .map(|one| one.id)
        .collect())
}

fn csv(index: &Index, ids: &[i64], neighbors: usize, out: &mut impl Write) -> Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let numbers = (0..index.f()).map(|at| format!("x{at}"));
    let others = (0..neighbors).map(|at| format!("neighbor{at}"));
    let head = ["id".to_owned(), "label".to_owned()];
    csv.write_record(head.into_iter().chain(numbers).chain(others))?;
    for ids in ids.chunks(BLOCK) {
        let block = Block::of(index, ids)?;
        for (at, &id) in ids.iter().enumerate() {
            let mut record = vec![id.to_string(), label_of(index, id)?];
            record.extend(block.numbers(at).map(|x| shortest(&block, x)));
            let found = near(index, id, neighbors)?;
            record
                .extend((0..neighbors).map(|i| found.get(i).map_or(String::new(), i64::to_string)));
            csv.write_record(record)?;
        }
    }
    Ok(csv.flush()?)
}

/// As few digits as say which number it is.
fn shortest(block: &Block, x: f64) -> String {
    match block.is_double() {
        true => x.to_string(),
        false => (x as f32).to_string(),
    }
}

fn json_lines(index: &Index, ids: &[i64], neighbors: usize, out: &mut impl Write) -> Result<()> {
    for ids in ids.chunks(BLOCK) {
        let block = Block::of(index, ids)?;
        for (at, &id) in ids.iter().enumerate() {
            let mut value = json!({"id": id});
            match index.label(id)? {
                Some(Label::U64(number)) => value["label"] = number.into(),
                Some(Label::Utf8(text)) => value["label"] = text.into(),
                None => {}
            }
            value["vector"] = block.numbers(at).map(|x| number(&block, x)).collect();
            if neighbors > 0 {
                value["neighbors"] = near(index, id, neighbors)?.into();
            }
            writeln!(out, "{value}")?;
        }
    }
    Ok(())
}

fn number(block: &Block, x: f64) -> Value {
    match block.is_double() {
        true => x.into(),
        false => (x as f32).into(),
    }
}
