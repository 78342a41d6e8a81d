//! Long codes made short: the differences of most long vectors lie in few directions, and a walk
//! that compares vectors in these alone comes to the same places in a fraction of the time (Tepper
//! et al. 2023, "LeanVec"). Whether that is so is tried with the items themselves.
//!
//! The directions are found by subspace iteration (Halko, Martinsson and Tropp 2011, "Finding
//! structure with randomness") in one order of additions, and what is projected are codes, which
//! are integers: the same bytes come out everywhere.

use super::scale::{Numbers, Scale, MIDDLE};
use crate::error::{reserve, Result};
use crate::graph::threads::{Team, TAKEN};
use crate::kernel::{CodeKernel, CodeRows};
use crate::memory;
use crate::rng::mix;

/// Lengths that codes are made, the first with which near items are told apart.
pub const LENGTHS: [usize; 3] = [64, 128, 256];

const LONGEST: usize = LENGTHS[LENGTHS.len() - 1];

/// The rows of a matrix, in order.
const ROWS: [u32; LONGEST] = {
    let mut rows = [0; LONGEST];
    let mut i = 0;
    while i < LONGEST {
        rows[i] = i as u32;
        i += 1;
    }
    rows
};

/// Codes must be that many times as long: of shorter ones less is saved than is lost by what is
/// left over.
pub const LEAST_SHORTER: usize = 4;

/// Numbers of the sample that the directions are found in, at the most, unless that is fewer than
/// so many rows.
const SAMPLE_NUMBERS: usize = 1 << 20;
const SAMPLE_ROWS: usize = 512;

/// Times that the directions are made better.
const ITERATIONS: usize = 4;

/// Of the squared distances from the middle, what must be kept for a closer look at a length.
const LEAST_KEPT: f64 = 0.6;

/// Largest number in a row of the matrix.
const TOP: f32 = 127.0;

/// What takes a whole code to a short one, but for the matrix, which is as large as many codes.
#[derive(Debug, Default, PartialEq)]
pub struct Projection {
    /// For each number of a short code, what makes products with its row of the matrix coordinates.
    pub factors: Vec<f64>,
    /// For coordinates.
    pub scale: Scale,
}

impl Projection {
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn copy(&self) -> Result<Self> {
        Ok(Projection {
            factors: memory::copy(&self.factors)?,
            scale: self.scale.copy()?,
        })
    }
}

/// A projection with its matrix: a row for each factor, as long as a whole code.
#[derive(Clone, Copy)]
pub struct Projector<'a> {
    pub projection: &'a Projection,
    pub matrix: &'a [u8],
    pub kernel: CodeKernel,
}

impl Projector<'_> {
    /// Makes a whole code a short one.
    pub fn project(&self, whole: &[u8], to: &mut [u8]) {
        let factors = &self.projection.factors;
        let mut room = [0; LONGEST];
        let products = &mut room[..factors.len()];
        let rows = CodeRows::new(self.matrix, whole.len());
        self.kernel
            .distances(whole, &rows, &ROWS[..factors.len()], products);
        self.projection
            .scale
            .encode(coordinates(products, factors), to);
    }
}

/// The products are numbers with a sign.
fn coordinates<'a>(products: &'a [u32], factors: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    products
        .iter()
        .zip(factors)
        .map(|(&product, factor)| f64::from(product as i32) * factor)
}

/// Whole codes that directions are found in.
pub struct Sample {
    /// One behind the other.
    pub rows: Vec<u8>,
    pub stride: usize,
    /// Numbers of a vector.
    pub f: usize,
    /// Whether distances are from the middle of the scale, which is zero, and not from the mean.
    pub symmetric: bool,
}

impl Sample {
    /// How many rows are wanted.
    pub fn wanted(f: usize) -> usize {
        (SAMPLE_NUMBERS / f).max(SAMPLE_ROWS)
    }

    fn count(&self) -> usize {
        self.rows.len() / self.stride
    }

    fn row(&self, i: usize) -> &[u8] {
        &self.rows[i * self.stride..][..self.stride]
    }

    /// A projection to short codes of `length` numbers, with its matrix; none when too much is left
    /// over.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn project(
        &self,
        length: usize,
        kernel: CodeKernel,
        team: &Team<'_, '_>,
    ) -> Result<Option<(Projection, Vec<u8>)>> {
        let (directions, kept) = self.directions(length, team)?;
        // It is no number when there are no differences.
        if kept.is_nan() || kept < LEAST_KEPT {
            return Ok(None);
        }
        let mut matrix = Vec::new();
        reserve(&mut matrix, length * self.stride)?;
        matrix.resize(length * self.stride, 0u8);
        let mut factors = memory::with_room(length)?;
        for (direction, to) in directions
            .chunks_exact(self.f)
            .zip(matrix.chunks_exact_mut(self.stride))
        {
            let largest = direction.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let factor = if largest > 0.0 { TOP / largest } else { 1.0 };
            for (x, to) in direction.iter().zip(to) {
                // Half away from zero, without a library's rounding.
                *to = (x * factor + 0.5f32.copysign(*x)) as i8 as u8;
            }
            factors.push(1.0 / f64::from(factor));
        }
        let rows = CodeRows::new(&matrix, self.stride);
        let mut products = Vec::new();
        reserve(&mut products, self.count() * length)?;
        products.resize(self.count() * length, 0);
        for (row, to) in self
            .rows
            .chunks_exact(self.stride)
            .zip(products.chunks_exact_mut(length))
        {
            kernel.distances(row, &rows, &ROWS[..length], to);
        }
        // Where zero comes to, if it is to stay in the middle.
        let zeros: Vec<f64> = match self.symmetric {
            true => {
                let sums = matrix
                    .chunks_exact(self.stride)
                    .map(|row| row.iter().map(|&x| f64::from(x as i8)).sum::<f64>());
                let zeros = sums.zip(&factors);
                memory::collect(zeros.map(|(sum, factor)| MIDDLE * sum * factor))?
            }
            false => memory::filled(0.0, length)?,
        };
        let numbers = Numbers {
            n_rows: self.count(),
            f: length,
            row: &|i, to| {
                let products = &products[i * length..][..length];
                let from_zero = coordinates(products, &factors).zip(&zeros);
                to.iter_mut()
                    .zip(from_zero)
                    .for_each(|(to, (x, zero))| *to = x - zero);
                true
            },
        };
        let mut scale = Scale::choose(&numbers, self.symmetric, team)?;
        for (offset, zero) in scale.offsets.iter_mut().zip(&zeros) {
            *offset += zero;
        }
        Ok(Some((Projection { factors, scale }, matrix)))
    }

    /// Orthonormal rows of `f` numbers, those in which the sample is widest first, and the share of
    /// the squared distances from the middle that lies in them.
    fn directions(&self, length: usize, team: &Team<'_, '_>) -> Result<(Vec<f32>, f64)> {
        let f = self.f;
        let mut middle = memory::filled(MIDDLE as f32, f)?;
        if !self.symmetric {
            let mut sums = memory::filled(0u64, f)?;
            for i in 0..self.count() {
                let row = self.row(i);
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(s, &x)| *s += u64::from(x));
            }
            let count = self.count().max(1) as f32;
            middle
                .iter_mut()
                .zip(sums)
                .for_each(|(m, s)| *m = s as f32 / count);
        }
        let (mut rows, mut columns, mut next) = (Vec::new(), Vec::new(), Vec::new());
        for room in [&mut rows, &mut columns, &mut next] {
            reserve(room, length * f)?;
            room.resize(length * f, 0.0f32);
        }
        for (i, x) in rows.iter_mut().enumerate() {
            *x = if mix(i as u64) & 1 == 0 { 1.0 } else { -1.0 };
        }
        let mut along = memory::filled(0.0f32, length)?;
        let mut share = 0.0;
        for number in 1..=ITERATIONS {
            orthonormalize(&mut rows, f);
            for (j, row) in rows.chunks_exact(f).enumerate() {
                for (i, &x) in row.iter().enumerate() {
                    columns[i * length + j] = x;
                }
            }
            next.fill(0.0);
            let (mut kept, mut all) = (0.0, 0.0);
            for i in 0..self.count() {
                if i.is_multiple_of(TAKEN) {
                    team.check()?;
                }
                let apart = || {
                    let numbers = self.row(i).iter().zip(&middle);
                    numbers.map(|(&x, m)| f32::from(x) - m)
                };
                along.fill(0.0);
                for (x, column) in apart().zip(columns.chunks_exact(length)) {
                    along.iter_mut().zip(column).for_each(|(a, c)| *a += x * c);
                }
                for (x, to) in apart().zip(next.chunks_exact_mut(length)) {
                    to.iter_mut().zip(&along).for_each(|(to, a)| *to += x * a);
                }
                all += apart().map(|x| f64::from(x).powi(2)).sum::<f64>();
                kept += along.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            }
            share = kept / all;
            if number == ITERATIONS / 2 && share < LEAST_KEPT / 2.0 {
                // There is too little to be found.
                return Ok((rows, share));
            }
            for (j, row) in rows.chunks_exact_mut(f).enumerate() {
                for (i, x) in row.iter_mut().enumerate() {
                    *x = next[i * length + j];
                }
            }
        }
        orthonormalize(&mut rows, f);
        Ok((rows, share))
    }
}

/// Makes rows of `f` numbers perpendicular and of length 1, or of length 0 where there is nothing
/// more (Gram-Schmidt).
fn orthonormalize(rows: &mut [f32], f: usize) {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        // Eight sums, which need not wait for each other.
        let mut sums = [0.0f64; 8];
        for (a, b) in a.chunks(8).zip(b.chunks(8)) {
            for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                *sum += f64::from(a) * f64::from(b);
            }
        }
        sums.iter().sum()
    };
    for i in 0..rows.len() / f {
        let (before, row) = rows.split_at_mut(i * f);
        let row = &mut row[..f];
        let whole = dot(row, row);
        for other in before.chunks_exact(f) {
            let along = dot(row, other) as f32;
            row.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
        }
        let length = dot(row, row);
        // What is left of a row that was in the span of those before it is rounding errors.
        let factor = if length > whole * 1e-9 {
            1.0 / length.sqrt()
        } else {
            0.0
        };
        row.iter_mut()
            .for_each(|x| *x = (f64::from(*x) * factor) as f32);
    }
}
