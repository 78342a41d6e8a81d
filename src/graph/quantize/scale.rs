//! Numbers as bytes, all on one scale.

use crate::error::{reserve, Result};
use crate::graph::threads::Team;
use crate::kernel::MAX_CODE;
use crate::memory;

/// Items by whose errors the scale is chosen.
const SAMPLE: usize = 4096;

/// How often the scale is tried finer, each time by the root of two: outliers are cut off where
/// that makes errors smaller.
const FINER: usize = 9;

/// Of a thousand rows, so many are wholly on the scale that is made for most of them.
const MOST: usize = 995;

/// Parts of the items that are looked at by one thread each: sums are those of the parts, in order,
/// whatever the threads.
const PARTS: usize = 64;

/// Numbers that the parts' sums have together, about.
const PART_NUMBERS: usize = 1 << 20;

/// What stands in the middle of the scale.
pub const MIDDLE: f64 = MAX_CODE as f64 / 2.0;

/// What turns numbers into codes: code = (number - offset) / step.
#[derive(Debug, Default, PartialEq)]
pub struct Scale {
    /// One for each number; none for bits.
    pub offsets: Vec<f64>,
    /// What one more in a code stands for.
    pub step: f64,
}

/// What is there of every `step`-th of `n_items` items, or else of the next one of those between.
pub fn spread<T>(
    n_items: usize,
    step: usize,
    item: impl Fn(usize) -> Option<T>,
) -> impl Iterator<Item = T> {
    let step = step.max(1);
    let starts = (0..n_items).step_by(step);
    starts.filter_map(move |start| (start..n_items.min(start + step)).find_map(&item))
}

/// Rows of numbers that a scale is wanted for, some of which may be missing.
pub struct Numbers<'a> {
    pub n_rows: usize,
    /// In a row.
    pub f: usize,
    /// Writes a row's numbers; false where it is missing. Not a generic one: all that asks it is
    /// compiled once.
    pub row: &'a (dyn Fn(usize, &mut [f64]) -> bool + Sync),
}

impl Numbers<'_> {
    /// Those of every `step`-th row, or else of the next one between.
    fn spread(&self, step: usize, room: &mut [f64], mut look: impl FnMut(&[f64])) {
        for start in (0..self.n_rows).step_by(step.max(1)) {
            let end = self.n_rows.min(start + step.max(1));
            if (start..end).any(|i| (self.row)(i, room)) {
                look(room);
            }
        }
    }
}

/// Least, greatest and sum of each number of some items, and how many they are.
struct Columns {
    low: Vec<f64>,
    high: Vec<f64>,
    sum: Vec<f64>,
    count: f64,
}

impl Columns {
    fn new(f: usize) -> Result<Self> {
        let column = |value| -> Result<Vec<f64>> {
            let mut column = Vec::new();
            reserve(&mut column, f)?;
            column.resize(f, value);
            Ok(column)
        };
        Ok(Columns {
            low: column(f64::INFINITY)?,
            high: column(-f64::INFINITY)?,
            sum: column(0.0)?,
            count: 0.0,
        })
    }

    fn take_in(&mut self, row: impl Iterator<Item = (f64, f64, f64)>, count: f64) {
        for (i, (low, high, sum)) in row.enumerate() {
            self.low[i] = low.min(self.low[i]);
            self.high[i] = high.max(self.high[i]);
            self.sum[i] += sum;
        }
        self.count += count;
    }
}

impl Scale {
    /// The same.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn copy(&self) -> Result<Self> {
        Ok(Scale {
            offsets: memory::copy(&self.offsets)?,
            step: self.step,
        })
    }

    /// The one that makes the smallest errors. One that is `symmetric` has zero in the middle, in
    /// all directions.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn choose(numbers: &Numbers<'_>, symmetric: bool, team: &Team<'_, '_>) -> Result<Self> {
        let &Numbers { n_rows, f, row } = numbers;
        let n_parts = (PART_NUMBERS / f.max(1)).clamp(1, PARTS);
        let columns = team.parts(n_rows, n_rows.div_ceil(n_parts), |range| {
            let mut columns = Columns::new(f)?;
            let mut room = memory::filled(0.0, f)?;
            for i in range {
                if row(i, &mut room) {
                    columns.take_in(room.iter().map(|&x| (x, x, x)), 1.0);
                }
            }
            Ok(columns)
        })?;
        let mut all = Columns::new(f)?;
        for part in columns {
            let numbers = part.low.iter().zip(&part.high).zip(&part.sum);
            all.take_in(numbers.map(|((&l, &h), &s)| (l, h, s)), part.count);
        }
        let Columns {
            mut low,
            mut high,
            mut sum,
            count,
        } = all;
        let top = f64::from(MAX_CODE);
        if symmetric {
            let widest = low
                .iter()
                .chain(&high)
                .fold(0.0, |most: f64, x| most.max(x.abs()));
            low.fill(-widest);
            high.fill(widest);
            sum.fill(0.0);
        }
        let widest = low
            .iter()
            .zip(&high)
            .fold(0.0, |most: f64, (low, high)| most.max(high - low));
        if !(widest > 0.0 && widest.is_finite()) {
            // All the same, none at all, or as far apart as numbers can be.
            low.iter_mut()
                .for_each(|low| *low = if low.is_finite() { *low } else { 0.0 });
            let step = if widest.is_finite() { 1.0 } else { f64::MAX };
            return Ok(Scale { offsets: low, step });
        }
        let with_step = |step: f64| {
            let centre = |i: usize| {
                let middle = sum[i] / count - top / 2.0 * step;
                // Sums of numbers as large as can be are none.
                match high[i] - low[i] <= top * step || !middle.is_finite() {
                    // Zero has one sign.
                    true => low[i] + 0.0,
                    false => middle,
                }
            };
            Ok(Scale {
                offsets: memory::collect((0..f).map(centre))?,
                step,
            })
        };
        // Its inverse must be a number.
        let first = (widest / top).max(f64::MIN_POSITIVE);
        // By multiplication: a power need not be the same number everywhere.
        let next =
            |step: &f64| Some((step * std::f64::consts::FRAC_1_SQRT_2).max(f64::MIN_POSITIVE));
        // Where products count, outliers are what is looked for.
        let n_scales = if symmetric { 1 } else { FINER };
        let scales = std::iter::successors(Some(first), next).take(n_scales);
        let mut scales = memory::try_collect(scales.map(with_step))?;
        let spacing = n_rows.div_ceil(SAMPLE);
        let errors = team.parts(scales.len(), 1, |number| {
            let scale = &scales[number.start];
            let mut room = memory::filled(0.0, f)?;
            let mut error = 0.0;
            numbers.spread(spacing, &mut room, |row| error += scale.error(row));
            Ok(error)
        })?;
        let mut best = (f64::INFINITY, 0);
        for (i, &error) in errors.iter().enumerate() {
            if error < best.0 {
                best = (error, i);
            }
        }
        Ok(scales.swap_remove(best.1))
    }

    /// One that takes in all numbers of nearly all of some rows, whatever the others are like; none
    /// where they do not differ.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn of_most(numbers: &Numbers<'_>, symmetric: bool) -> Result<Option<Self>> {
        let &Numbers { n_rows, f, .. } = numbers;
        let spacing = n_rows.div_ceil(SAMPLE.min(PART_NUMBERS / f.max(1)).max(1));
        let n_looked = n_rows.div_ceil(spacing.max(1));
        let mut room = memory::filled(0.0, f)?;
        let mut columns = memory::try_collect((0..f).map(|_| memory::with_room(n_looked)))?;
        numbers.spread(spacing, &mut room, |row| {
            for (column, &x) in columns.iter_mut().zip(row) {
                column.push(x);
            }
        });
        let n_taken = columns.first().map_or(0, Vec::len);
        if n_taken == 0 {
            return Ok(None);
        }
        let middle = |column: &mut Vec<f64>| match symmetric {
            true => 0.0,
            false => *column.select_nth_unstable_by(n_taken / 2, f64::total_cmp).1,
        };
        let mut middles = memory::collect(columns.iter_mut().map(middle))?;
        drop(columns);
        let mut reaches = memory::with_room(n_looked)?;
        numbers.spread(spacing, &mut room, |row| {
            let apart = row
                .iter()
                .zip(&middles)
                .map(|(x, middle)| (x - middle).abs());
            reaches.push(apart.fold(0.0, f64::max));
        });
        // Perhaps fewer than before, where the items are those of a file that is changing.
        reaches.truncate(n_taken);
        let Some(last) = reaches.len().checked_sub(1) else {
            return Ok(None);
        };
        let rank = last * MOST / 1000;
        let most = *reaches.select_nth_unstable_by(rank, f64::total_cmp).1;
        let step = most / MIDDLE;
        if !(step > f64::MIN_POSITIVE && step.is_finite()) {
            return Ok(None);
        }
        let to_offset = |middle: &mut f64| *middle -= MIDDLE * step;
        middles.iter_mut().for_each(to_offset);
        Ok(Some(Scale {
            offsets: middles,
            step,
        }))
    }

    /// The squared error that it makes in a row.
    fn error(&self, row: &[f64]) -> f64 {
        let of_one = |(x, offset): (&f64, &f64)| {
            let exact = (x - offset) / self.step;
            let code = (exact + 0.5).floor().clamp(0.0, f64::from(MAX_CODE));
            (code - exact).powi(2)
        };
        row.iter().zip(&self.offsets).map(of_one).sum::<f64>() * self.step * self.step
    }

    /// Numbers as codes; those off the scale become its ends.
    pub fn encode(&self, numbers: impl Iterator<Item = f64>, to: &mut [u8]) {
        let factor = 1.0 / self.step;
        for ((x, offset), to) in numbers.zip(&self.offsets).zip(to) {
            let code = (x - offset) * factor + 0.5;
            *to = code.clamp(0.0, f64::from(MAX_CODE)) as u8;
        }
    }
}
