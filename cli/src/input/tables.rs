//! Parquet, and Arrow's files: a column of lists, and one of labels.

use super::{Iter, Name, Row};
use anyhow::{bail, ensure, Context, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;

pub fn parquet(
    file: File,
    column: Option<&str>,
    labels: Option<&str>,
) -> Result<(Iter, Option<u64>)> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).context("it is no Parquet file")?;
    let columns = Columns::find(builder.schema(), column, labels)?;
    let n = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
    let batches = builder.build()?;
    Ok((columns.rows(batches.map(|batch| Ok(batch?))), n))
}

pub fn arrow(
    file: File,
    column: Option<&str>,
    labels: Option<&str>,
) -> Result<(Iter, Option<u64>)> {
    let batches = FileReader::try_new_buffered(file, None).context("it is no Arrow file")?;
    let columns = Columns::find(&batches.schema(), column, labels)?;
    Ok((columns.rows(batches.map(|batch| Ok(batch?))), None))
}

/// Where vectors and labels are.
struct Columns {
    vectors: usize,
    labels: Option<usize>,
}

impl Columns {
    fn find(schema: &Schema, column: Option<&str>, labels: Option<&str>) -> Result<Self> {
        let named = |name: &str| {
            let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            schema
                .index_of(name)
                .ok()
                .with_context(|| format!("it has no column {name:?}, but {names:?}"))
        };
        let is_list = |at: usize| {
            matches!(
                schema.field(at).data_type(),
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _)
            )
        };
        let lists: Vec<usize> = (0..schema.fields().len())
            .filter(|&at| is_list(at))
            .collect();
        let vectors = match (column, &lists[..]) {
            (Some(name), _) => named(name)?,
            (None, &[one]) => one,
            (None, []) => bail!("none of its columns has lists"),
            (None, _) => bail!("several of its columns have lists: --column names one"),
        };
        ensure!(
            is_list(vectors),
            "column {:?} has {}, expected lists of numbers",
            schema.field(vectors).name(),
            schema.field(vectors).data_type()
        );
        let labels = labels.map(named).transpose()?;
        Ok(Columns { vectors, labels })
    }

    fn rows(self, batches: impl Iterator<Item = Result<RecordBatch>> + 'static) -> Iter {
        let rows = batches.flat_map(move |batch| {
            let rows: Iter = match batch.and_then(|batch| self.of_batch(&batch)) {
                Ok(rows) => Box::new(rows.into_iter()),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            rows
        });
        Box::new(rows)
    }

    fn of_batch(&self, batch: &RecordBatch) -> Result<Vec<Result<Row>>> {
        let lists = batch.column(self.vectors);
        let names = match self.labels {
            None => None,
            Some(at) => Some(Names::new(batch.column(at))?),
        };
        let row = |at: usize| {
            ensure!(!lists.is_null(at), "it has no vector");
            let list: ArrayRef = match lists.data_type() {
                DataType::List(_) => lists.as_list::<i32>().value(at),
                DataType::LargeList(_) => lists.as_list::<i64>().value(at),
                _ => lists.as_fixed_size_list().value(at),
            };
            ensure!(list.null_count() == 0, "some of its numbers are missing");
            let numbers = arrow_cast::cast(&list, &DataType::Float64)?;
            Ok(Row {
                vector: numbers.as_primitive::<Float64Type>().values().to_vec(),
                name: names.as_ref().map(|names| names.get(at)).transpose()?,
            })
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }
}

/// Labels of a batch: whole numbers, or what has a text.
enum Names {
    Numbers(ArrayRef),
    Texts(ArrayRef),
}

impl Names {
    fn new(column: &ArrayRef) -> Result<Self> {
        // A number that has no place in 64 bits without a sign is an error, not a null.
        let strict = arrow_cast::CastOptions {
            safe: false,
            ..Default::default()
        };
        Ok(match column.data_type().is_integer() {
            true => Names::Numbers(arrow_cast::cast_with_options(
                column,
                &DataType::UInt64,
                &strict,
            )?),
            false => Names::Texts(arrow_cast::cast(column, &DataType::Utf8)?),
        })
    }

    fn get(&self, at: usize) -> Result<Name> {
        let (Names::Numbers(column) | Names::Texts(column)) = self;
        ensure!(!column.is_null(at), "it has no label");
        Ok(match self {
            Names::Numbers(column) => Name::Number(column.as_primitive::<UInt64Type>().value(at)),
            Names::Texts(column) => Name::Text(column.as_string::<i32>().value(at).to_owned()),
        })
    }
}
