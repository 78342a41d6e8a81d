//! Numbers as bytes, all on one scale.

use crate::error::{reserve, Result};
use crate::kernel::MAX_CODE;

/// Items by whose errors the scale is chosen.
const SAMPLE: usize = 4096;

/// How often the scale is tried finer, each time by the root of two: outliers are cut off where that makes errors smaller.
const FINER: usize = 9;

/// What stands in the middle of the scale.
pub const MIDDLE: f64 = MAX_CODE as f64 / 2.0;

/// What turns numbers into codes: code = (number - offset) / step.
#[derive(Clone, Debug, Default, PartialEq)]
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

impl Scale {
    /// The one that makes the smallest errors in the `f` numbers of `n_items` items, some of which may be missing. One that is
    /// `symmetric` has zero in the middle, in all directions.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn choose<I: Iterator<Item = f64>>(
        n_items: usize,
        f: usize,
        symmetric: bool,
        item: impl Fn(usize) -> Option<I>,
    ) -> Result<Self> {
        let (mut low, mut high, mut sum) = (Vec::new(), Vec::new(), Vec::new());
        for (column, start) in [
            (&mut low, f64::INFINITY),
            (&mut high, -f64::INFINITY),
            (&mut sum, 0.0),
        ] {
            reserve(column, f)?;
            column.resize(f, start);
        }
        let mut count = 0.0;
        for row in (0..n_items).filter_map(&item) {
            count += 1.0;
            for (i, x) in row.enumerate() {
                low[i] = x.min(low[i]);
                high[i] = x.max(high[i]);
                sum[i] += x;
            }
        }
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
            Scale {
                offsets: (0..f).map(centre).collect(),
                step,
            }
        };
        let error = |scale: &Scale| -> f64 {
            let sample = spread(n_items, n_items.div_ceil(SAMPLE), &item);
            sample
                .map(|row| {
                    let of_one = |(x, offset): (f64, &f64)| {
                        let exact = (x - offset) / scale.step;
                        ((exact + 0.5).floor().clamp(0.0, top) - exact).powi(2)
                    };
                    row.zip(&scale.offsets).map(of_one).sum::<f64>() * scale.step * scale.step
                })
                .sum()
        };
        // Its inverse must be a number.
        let mut step = (widest / top).max(f64::MIN_POSITIVE);
        let mut best = (f64::INFINITY, with_step(step));
        // Where products count, outliers are what is looked for.
        let finer = if symmetric { 1 } else { FINER };
        for _ in 0..finer {
            let scale = with_step(step);
            let error = error(&scale);
            if error < best.0 {
                best = (error, scale);
            }
            // By multiplication: a power need not be the same number everywhere.
            step = (step * std::f64::consts::FRAC_1_SQRT_2).max(f64::MIN_POSITIVE);
        }
        Ok(best.1)
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
