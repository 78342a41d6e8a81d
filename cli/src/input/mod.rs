//! Vectors in the files of other programs, read row by row: never the whole file is in memory.

mod binary;
#[cfg(feature = "hdf5")]
mod hdf5;
mod lines;
mod numpy;
#[cfg(feature = "parquet")]
mod tables;

use crate::args::{Data, Format};
use annoy_rs::Label;
use anyhow::{bail, ensure, Context, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

/// What an item is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    Number(u64),
    Text(String),
}

impl Name {
    pub fn label(&self) -> Label<'_> {
        match self {
            Name::Number(number) => Label::U64(*number),
            Name::Text(text) => Label::Utf8(text),
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Number(number) => write!(to, "{number}"),
            Name::Text(text) => to.write_str(text),
        }
    }
}

#[derive(Debug)]
pub struct Row {
    pub vector: Vec<f64>,
    pub name: Option<Name>,
}

type Iter = Box<dyn Iterator<Item = Result<Row>>>;

/// Rows of a file, in order. All are of one length, and finite; what is not ends them with an error
/// that names the file and the row.
pub struct Rows {
    what: String,
    rows: Iter,
    /// How many there are, where the file says it.
    pub n: Option<u64>,
    read: u64,
    f: Option<usize>,
}

impl Rows {
    /// # Errors
    /// What cannot be read, or is no file of its format.
    pub fn open(data: &Data) -> Result<Self> {
        let what = match data.data.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => data.data.display().to_string(),
        };
        let format = match data.format.or_else(|| by_name(&data.data)) {
            Some(format) => format,
            None => bail!("{what}: the name does not say which format it is; --format does"),
        };
        let (rows, n) = source(data, format).with_context(|| what.clone())?;
        let rows = match &data.names {
            None => rows,
            Some(path) => named(rows, path)?,
        };
        let limit = data.limit.unwrap_or(u64::MAX);
        Ok(Rows {
            what,
            rows: Box::new(rows.take(usize::try_from(limit).unwrap_or(usize::MAX))),
            n: n.map(|n| n.min(limit)),
            read: 0,
            f: None,
        })
    }

    fn check(&mut self, row: Row) -> Result<Row> {
        let f = *self.f.get_or_insert(row.vector.len());
        ensure!(f > 0, "it holds no numbers");
        ensure!(
            row.vector.len() == f,
            "it holds {} numbers, the rows before {f}",
            row.vector.len()
        );
        match row.vector.iter().position(|x| !x.is_finite()) {
            Some(at) => bail!("number {at} is {}", row.vector[at]),
            None => Ok(row),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        let row = self.rows.next()?.and_then(|row| self.check(row));
        let context = || format!("{}: row {}", self.what, self.read);
        let row = row.with_context(context);
        self.read += 1;
        Some(row)
    }
}

/// The rows with the lines of a file as their labels.
fn named(rows: Iter, path: &Path) -> Result<Iter> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut names = BufReader::new(file).lines();
    let path = path.to_owned();
    Ok(Box::new(rows.map(move |row| {
        let row = row?;
        let name = names
            .next()
            .with_context(|| format!("{} has no line for it", path.display()))?;
        Ok(Row {
            name: Some(Name::Text(
                name.with_context(|| path.display().to_string())?,
            )),
            ..row
        })
    })))
}

fn by_name(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "npy" => Format::Npy,
        "npz" => Format::Npz,
        "fvecs" => Format::Fvecs,
        "bvecs" => Format::Bvecs,
        "ivecs" => Format::Ivecs,
        "fbin" => Format::Fbin,
        "u8bin" => Format::U8bin,
        "i8bin" => Format::I8bin,
        "f16" => Format::F16,
        "f32" => Format::F32,
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "txt" | "vec" => Format::Words,
        "jsonl" | "ndjson" => Format::Jsonl,
        "parquet" | "pq" => Format::Parquet,
        "hdf5" | "h5" => Format::Hdf5,
        "arrow" | "feather" | "ipc" => Format::Arrow,
        _ => return None,
    })
}

/// The bytes of a file, or of standard input.
fn bytes(data: &Data) -> Result<Box<dyn BufRead>> {
    Ok(match data.data.as_os_str() == "-" {
        true => Box::new(BufReader::with_capacity(1 << 20, std::io::stdin())),
        false => Box::new(BufReader::with_capacity(1 << 20, file(data)?)),
    })
}

/// The file, of a format that is not read from the front to the end: what comes through standard
/// input is first put into a temporary file.
fn file(data: &Data) -> Result<File> {
    if data.data.as_os_str() != "-" {
        return Ok(File::open(&data.data)?);
    }
    let mut file = tempfile::tempfile()?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn source(data: &Data, format: Format) -> Result<(Iter, Option<u64>)> {
    let has_columns = matches!(
        format,
        Format::Npz | Format::Hdf5 | Format::Jsonl | Format::Parquet | Format::Arrow
    );
    ensure!(
        data.column.is_none() || has_columns,
        "--column is for Parquet, Arrow, JSON lines, HDF5 and .npz"
    );
    let has_labels = matches!(
        format,
        Format::Csv | Format::Tsv | Format::Jsonl | Format::Parquet | Format::Arrow
    );
    ensure!(
        data.labels.is_none() || has_labels,
        "--labels is for CSV, TSV, JSON lines, Parquet and Arrow"
    );
    let column = data.column.as_deref();
    let labels = data.labels.as_deref();
    match format {
        Format::Npy => numpy::npy(bytes(data)?),
        Format::Npz => numpy::npz(file(data)?, column),
        Format::Fvecs => binary::vecs(bytes(data)?, length(data), binary::F32),
        Format::Bvecs => binary::vecs(bytes(data)?, length(data), binary::U8),
        Format::Ivecs => binary::vecs(bytes(data)?, length(data), binary::I32),
        Format::Fbin => binary::bin(bytes(data)?, length(data), binary::F32),
        Format::U8bin => binary::bin(bytes(data)?, length(data), binary::U8),
        Format::I8bin => binary::bin(bytes(data)?, length(data), binary::I8),
        Format::F16 => binary::raw(bytes(data)?, length(data), binary::F16, data.width),
        Format::F32 => binary::raw(bytes(data)?, length(data), binary::F32, data.width),
        Format::Csv => lines::csv(bytes(data)?, b',', labels),
        Format::Tsv => lines::csv(bytes(data)?, b'\t', labels),
        Format::Words => Ok((lines::words(bytes(data)?), None)),
        Format::Jsonl => Ok((lines::json(bytes(data)?, column, labels), None)),
        #[cfg(feature = "parquet")]
        Format::Parquet => tables::parquet(file(data)?, column, labels),
        #[cfg(feature = "parquet")]
        Format::Arrow => tables::arrow(file(data)?, column, labels),
        #[cfg(feature = "hdf5")]
        Format::Hdf5 => {
            let usual = if data.are_queries { "test" } else { "train" };
            ensure!(
                data.data.as_os_str() != "-",
                "HDF5 cannot be read from standard input"
            );
            hdf5::hdf5(&data.data, column, usual)
        }
        #[cfg(not(feature = "hdf5"))]
        Format::Hdf5 => bail!("this program was built without HDF5"),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet | Format::Arrow => {
            bail!("this program was built without Parquet and Arrow")
        }
    }
}

/// The length of the file, where it has one.
fn length(data: &Data) -> Option<u64> {
    let meta = std::fs::metadata(&data.data).ok()?;
    meta.is_file().then_some(meta.len())
}

/// Fills a buffer; false at the end of the file before its first byte.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> Result<bool> {
    let mut at = 0;
    while at < buffer.len() {
        match from.read(&mut buffer[at..]) {
            Ok(0) if at == 0 => return Ok(false),
            Ok(0) => bail!("the file ends after {at} of its {} bytes", buffer.len()),
            Ok(n) => at += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}
