//! Rows of numbers as an index takes and gives them.

use annoy_rs::{Index, Metric, Options, ScalarType, Vector, VectorMut};
use anyhow::{ensure, Result};

/// Rows one behind the other.
pub struct Block {
    numbers: Numbers,
    f: usize,
}

enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Block {
    /// # Errors
    /// When a row has not as many numbers as the vectors of the index, or one that an f32 cannot
    /// hold.
    pub fn new<'a>(options: Options, rows: impl Iterator<Item = &'a [f64]>) -> Result<Self> {
        let is_double = options.scalar == ScalarType::F64;
        let mut numbers = match is_double {
            true => Numbers::F64(Vec::new()),
            false => Numbers::F32(Vec::new()),
        };
        for (at, row) in rows.enumerate() {
            ensure!(
                row.len() == options.f,
                "vector {at} has {} numbers, expected {}",
                row.len(),
                options.f
            );
            match &mut numbers {
                Numbers::F64(all) => all.extend_from_slice(row),
                Numbers::F32(all) => all.extend(row.iter().map(|&x| x as f32)),
            }
        }
        Ok(Block {
            numbers,
            f: options.f,
        })
    }

    /// The vectors of items.
    pub fn of(index: &Index, ids: &[i64]) -> Result<Self> {
        let f = index.f();
        let len = ids.len() * f;
        let mut numbers = match index.options().scalar {
            ScalarType::F64 => Numbers::F64(vec![0.0; len]),
            _ => Numbers::F32(vec![0.0; len]),
        };
        for (at, &id) in ids.iter().enumerate() {
            let place = at * f..(at + 1) * f;
            match &mut numbers {
                Numbers::F32(all) => index.get_item(id, VectorMut::F32(&mut all[place]))?,
                Numbers::F64(all) => index.get_item(id, VectorMut::F64(&mut all[place]))?,
            }
        }
        Ok(Block { numbers, f })
    }

    pub fn len(&self) -> usize {
        match &self.numbers {
            Numbers::F32(all) => all.len() / self.f,
            Numbers::F64(all) => all.len() / self.f,
        }
    }

    pub fn row(&self, at: usize) -> Vector<'_> {
        let place = at * self.f..(at + 1) * self.f;
        match &self.numbers {
            Numbers::F32(all) => Vector::F32(&all[place]),
            Numbers::F64(all) => Vector::F64(&all[place]),
        }
    }

    pub fn numbers(&self, at: usize) -> impl Iterator<Item = f64> + '_ {
        let place = at * self.f..(at + 1) * self.f;
        let (singles, doubles): (&[f32], &[f64]) = match &self.numbers {
            Numbers::F32(all) => (&all[place], &[]),
            Numbers::F64(all) => (&[], &all[place]),
        };
        let singles = singles.iter().map(|&x| f64::from(x));
        singles.chain(doubles.iter().copied())
    }

    /// Whether numbers are doubles.
    pub fn is_double(&self) -> bool {
        matches!(self.numbers, Numbers::F64(_))
    }
}

/// Whether nearer is a larger number.
pub fn is_product(metric: Metric) -> bool {
    metric == Metric::Dot
}
