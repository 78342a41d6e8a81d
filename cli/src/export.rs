//! `annoy export`.

use crate::args::{Export, Written};
use crate::output::write_whole;
use crate::pictures::places;
use crate::progress::Progress;
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

pub fn export(args: &Export, is_quiet: bool) -> Result<()> {
    let index = Index::open(&args.index, Access::Map)?;
    let format = match args.format {
        Some(format) => format,
        None => by_name(&args.output)?,
    };
    ensure!(
        args.neighbors == 0 && !args.xy || format != Written::Npy,
        "--neighbors and --xy are not for .npy"
    );
    let go = Progress::new(args.threads.threads, is_quiet);
    let ids: Vec<i64> = index.ids().collect();
    let places = match args.xy {
        true => Some(places(&index, &go)?),
        false => None,
    };
    let bar = go.bar("writing", Some(ids.len() as u64));
    let blocks = ids.chunks(BLOCK).enumerate().map(|(at, ids)| {
        go.go_on()?;
        bar.inc(ids.len() as u64);
        let places = places
            .as_ref()
            .map(|places| &places[at * BLOCK..][..ids.len()]);
        Part::new(&index, ids, args.neighbors, places, &go)
    });
    write_whole(&args.output, |out| match format {
        Written::Npy => npy(&index, blocks, out),
        Written::Csv => csv(&index, args, blocks, out),
        Written::Jsonl => json_lines(&index, blocks, out),
        #[cfg(feature = "parquet")]
        Written::Parquet => parquet::write(&index, args, blocks, out),
        #[cfg(not(feature = "parquet"))]
        Written::Parquet => bail!("this program was built without Parquet and Arrow"),
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn by_name(path: &Path) -> Result<Written> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(Written::Npy),
        Some("csv") => Ok(Written::Csv),
        Some("jsonl") => Ok(Written::Jsonl),
        Some("parquet") => Ok(Written::Parquet),
        _ => bail!(
            "{}: the name ends in none of .npy, .csv, .jsonl, .parquet; --format says it",
            path.display()
        ),
    }
}

/// Items that are written together.
struct Part<'a> {
    ids: &'a [i64],
    block: Block,
    /// None of them, where none are asked for.
    neighbors: Vec<Vec<i64>>,
    places: Option<&'a [[f32; 2]]>,
}

impl<'a> Part<'a> {
    fn new(
        index: &Index,
        ids: &'a [i64],
        n: usize,
        places: Option<&'a [[f32; 2]]>,
        go: &Progress,
    ) -> Result<Self> {
        let mut neighbors = vec![Vec::new(); ids.len()];
        if n > 0 {
            let search = Search {
                exclude_self: true,
                ..Search::new(n)
            };
            // The bar is that of what is written.
            let quiet = Progress::new(go.threads(), true);
            quiet.run(|work| {
                index.search_batch_items(ids, &search, work, |at, near| {
                    neighbors[at] = near.iter().map(|one| one.id).collect();
                })
            })?;
        }
        Ok(Part {
            ids,
            block: Block::of(index, ids)?,
            neighbors,
            places,
        })
    }
}

/// A row for each item that is there: rows are numbers of items where none are missing.
fn npy<'a>(
    index: &Index,
    mut parts: impl Iterator<Item = Result<Part<'a>>>,
    out: &mut impl Write,
) -> Result<()> {
    let shape = [index.ids().count() as u64, index.f() as u64];
    macro_rules! of {
        ($type:ty) => {{
            let mut npy = npyz::WriteOptions::<$type>::new()
                .default_dtype()
                .shape(&shape)
                .writer(out)
                .begin_nd()?;
            parts.try_for_each(|part| -> Result<()> {
                let block = part?.block;
                for at in 0..block.len() {
                    npy.extend(block.numbers(at).map(|x| x as $type))?;
                }
                Ok(())
            })?;
            npy.finish()?;
        }};
    }
    match Block::of(index, &[])?.is_double() {
        true => of!(f64),
        false => of!(f32),
    }
    Ok(())
}

fn csv<'a>(
    index: &Index,
    args: &Export,
    parts: impl Iterator<Item = Result<Part<'a>>>,
    out: &mut impl Write,
) -> Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let mut head = vec!["id".to_owned(), "label".to_owned()];
    head.extend((0..index.f()).map(|at| format!("x{at}")));
    head.extend((0..args.neighbors).map(|at| format!("neighbor{at}")));
    if args.xy {
        head.extend(["x".to_owned(), "y".to_owned()]);
    }
    csv.write_record(head)?;
    for part in parts {
        let part = part?;
        for (at, &id) in part.ids.iter().enumerate() {
            let mut record = vec![id.to_string(), label_of(index, id)?];
            record.extend(part.block.numbers(at).map(|x| shortest(&part.block, x)));
            let near = &part.neighbors[at];
            let of_rank = |rank: usize| near.get(rank).map_or(String::new(), i64::to_string);
            record.extend((0..args.neighbors).map(of_rank));
            if let Some(places) = part.places {
                record.extend(places[at].map(|x| x.to_string()));
            }
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

fn json_lines<'a>(
    index: &Index,
    parts: impl Iterator<Item = Result<Part<'a>>>,
    out: &mut impl Write,
) -> Result<()> {
    for part in parts {
        let part = part?;
        for (at, &id) in part.ids.iter().enumerate() {
            let mut value = json!({"id": id});
            match index.label(id)? {
                Some(Label::U64(number)) => value["label"] = number.into(),
                Some(Label::Utf8(text)) => value["label"] = text.into(),
                None => {}
            }
            let vector = part.block.numbers(at).map(|x| number(&part.block, x));
            value["vector"] = vector.collect();
            if !part.neighbors[at].is_empty() {
                value["neighbors"] = part.neighbors[at].clone().into();
            }
            if let Some(places) = part.places {
                value["xy"] = json!(places[at]);
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

/// Columns as Arrow has them.
#[cfg(feature = "parquet")]
mod parquet {
    use super::Part;
    use crate::args::Export;
    use annoy_rs::{Index, Label, LabelKind, ScalarType};
    use anyhow::Result;
    use arrow_array::builder::{
        FixedSizeListBuilder, Float32Builder, Float64Builder, Int64Builder, ListBuilder,
        StringBuilder, UInt64Builder,
    };
    use arrow_array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::WriterProperties;
    use std::io::Write;
    use std::sync::Arc;

    pub fn write<'a>(
        index: &Index,
        args: &Export,
        parts: impl Iterator<Item = Result<Part<'a>>>,
        out: &mut (impl Write + Send),
    ) -> Result<()> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .build();
        // Also of an index without items: its columns are there.
        let none = Part {
            ids: &[],
            block: crate::vectors::Block::of(index, &[])?,
            neighbors: Vec::new(),
            places: args.xy.then_some(&[]),
        };
        let schema = batch(index, args, &none)?.schema();
        let mut writer = ArrowWriter::try_new(out, schema, Some(properties))?;
        for part in parts {
            writer.write(&batch(index, args, &part?)?)?;
        }
        writer.close()?;
        Ok(())
    }

    fn batch(index: &Index, args: &Export, part: &Part<'_>) -> Result<RecordBatch> {
        let ids: ArrayRef = Arc::new(Int64Array::from(part.ids.to_vec()));
        let mut columns = vec![("id", ids, false)];
        if let Some(kind) = index.label_kind() {
            columns.push(("label", labels(index, kind, part)?, true));
        }
        columns.push(("vector", vectors(index, part)?, false));
        if args.neighbors > 0 {
            let mut lists = ListBuilder::new(Int64Builder::new());
            for near in &part.neighbors {
                lists.values().append_slice(near);
                lists.append(true);
            }
            columns.push(("neighbors", Arc::new(lists.finish()), false));
        }
        if let Some(places) = part.places {
            for (axis, name) in ["x", "y"].into_iter().enumerate() {
                let numbers: Vec<f32> = places.iter().map(|place| place[axis]).collect();
                columns.push((name, Arc::new(Float32Array::from(numbers)), false));
            }
        }
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }

    fn labels(index: &Index, kind: LabelKind, part: &Part<'_>) -> Result<ArrayRef> {
        let (mut numbers, mut texts) = (UInt64Builder::new(), StringBuilder::new());
        for &id in part.ids {
            let label = index.label(id)?;
            match kind {
                LabelKind::U64 => numbers.append_option(match label {
                    Some(Label::U64(number)) => Some(number),
                    _ => None,
                }),
                LabelKind::Utf8 => texts.append_option(match label {
                    Some(Label::Utf8(text)) => Some(text),
                    _ => None,
                }),
            }
        }
        Ok(match kind {
            LabelKind::U64 => Arc::new(numbers.finish()),
            LabelKind::Utf8 => Arc::new(texts.finish()),
        })
    }

    fn vectors(index: &Index, part: &Part<'_>) -> Result<ArrayRef> {
        let f = i32::try_from(index.f())?;
        macro_rules! of {
            ($builder:ident, $type:ty) => {{
                let mut lists = FixedSizeListBuilder::new($builder::new(), f);
                for at in 0..part.block.len() {
                    for x in part.block.numbers(at) {
                        lists.values().append_value(x as $type);
                    }
                    lists.append(true);
                }
                Arc::new(lists.finish())
            }};
        }
        Ok(match index.options().scalar {
            ScalarType::F64 => of!(Float64Builder, f64),
            _ => of!(Float32Builder, f32),
        })
    }
}
