//! What is printed: names and values below each other, or JSON.

use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes a file under another name until it is whole.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let written = || -> Result<()> {
        let mut out = BufWriter::new(File::create(&name)?);
        write(&mut out)?;
        let file = out.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        Ok(std::fs::rename(&name, path)?)
    };
    let done = written();
    if done.is_err() {
        let _ = std::fs::remove_file(&name);
    }
    done.with_context(|| path.display().to_string())
}

/// Names with their values, in the order they are printed in.
#[derive(Default)]
pub struct Facts(Map<String, Value>);

impl Facts {
    pub fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub fn into_rows(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter()
    }

    pub fn print(self, is_json: bool) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if is_json {
            writeln!(out, "{}", Value::from(self.0))?;
            return Ok(());
        }
        let width = self.0.keys().map(String::len).max().unwrap_or(0);
        for (name, value) in self.0 {
            writeln!(out, "{:<width$}  {}", name.replace('_', " "), plain(&value))?;
        }
        Ok(())
    }
}

/// A value as a person reads it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) if number.is_f64() => {
            format!("{:.4}", number.as_f64().unwrap_or(f64::NAN))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(plain).collect();
            values.join(" ")
        }
        other => other.to_string(),
    }
}

/// Rows of values below their names.
pub fn print_table(names: &[&str], rows: &[Vec<Value>], is_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if is_json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                let named = names.iter().map(|name| name.to_string());
                Value::Object(named.zip(row.iter().cloned()).collect())
            })
            .collect();
        writeln!(out, "{}", Value::from(rows))?;
        return Ok(());
    }
    let texts: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(plain).collect())
        .collect();
    let width = |at: usize| {
        let cells = texts.iter().map(|row| row[at].len());
        cells.chain([names[at].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let names: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    for row in std::iter::once(&names).chain(&texts) {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:>width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  "))?;
    }
    Ok(())
}
