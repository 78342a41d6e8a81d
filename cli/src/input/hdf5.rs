//! HDF5, as ann-benchmarks has it: items are in the dataset `train`, queries in `test`.

use super::{Iter, Row};
use anyhow::{bail, ensure, Context, Result};
use hdf5_pure::{Dataset, File};
use std::path::Path;

/// Numbers that are read together.
const BLOCK: u64 = 1 << 20;

/// A dataset by its path in the file; else that which is usual; else the only one.
pub fn hdf5(path: &Path, named: Option<&str>, usual: &str) -> Result<(Iter, Option<u64>)> {
    let file = File::open_streaming(path).context("it is no HDF5 file")?;
    let names = file.root().datasets()?;
    let name = match (named, &names[..]) {
        (Some(name), _) => name,
        (None, names) if names.iter().any(|name| name == usual) => usual,
        (None, [name]) => name,
        _ => bail!("it has the datasets {names:?}: --column names one"),
    };
    let dataset = file
        .dataset(name)
        .with_context(|| format!("it has no dataset {name:?}, but {names:?}"))?;
    let shape = dataset.shape()?;
    let &[n, f] = &shape[..] else {
        bail!("the shape of {name:?} is {shape:?}, expected (rows, numbers)");
    };
    ensure!(f > 0, "the rows of {name:?} hold no numbers");
    let step = (BLOCK / f).max(1);
    let blocks = (0..n.div_ceil(step)).flat_map(move |block| {
        let rows: Iter = match rows(&dataset, block * step, step.min(n - block * step), f) {
            Ok(rows) => Box::new(rows.into_iter().map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        rows
    });
    Ok((Box::new(blocks), Some(n)))
}

fn rows(dataset: &Dataset, first: u64, n: u64, f: u64) -> Result<Vec<Row>> {
    let numbers = dataset.read_f64_rows(first, n)?;
    ensure!(
        numbers.len() as u64 == n * f,
        "the file ends before it, expected {n} rows from here"
    );
    let rows = numbers.chunks(f as usize).map(|vector| Row {
        vector: vector.to_vec(),
        name: None,
    });
    Ok(rows.collect())
}
