//! Vectors as codes: a byte for each number, all on one scale, so that comparing two needs no more than integers and a
//! quarter of the memory. Distances between codes say where to look; what is found is measured with the vectors.

use super::section::Header;
use crate::error::{reserve, Error, Result};
use crate::kernel::{CodeKernel, CodeRows, Measure, Row, Scalar, MAX_CODE};
use crate::layout::Nodes;
use crate::metric::Space;
use crate::storage::HeapBytes;

/// Items by whose errors the scale is chosen.
const SAMPLE: usize = 4096;

/// How often the scale is tried finer, each time by the root of two: outliers are cut off where that makes errors smaller.
const FINER: usize = 9;

/// The largest sum of squares must fit 32 bits.
const MAX_LEN: usize = u32::MAX as usize / (MAX_CODE as usize * MAX_CODE as usize);

/// Bytes of an extra coordinate.
pub const EXTRA: usize = 4;

/// What turns numbers into codes: code = (number - offset) / step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// One for each number of a vector; none for bits.
    pub offsets: Vec<f64>,
    /// What one more in a code stands for.
    pub step: f64,
}

/// Codes wherever they lie.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
    pub rows: CodeRows<'a>,
    /// For each row 4 bytes: the coordinate that completes its norm, in steps (dot); empty for other metrics.
    pub extras: &'a [u8],
    pub kernel: CodeKernel,
}

/// A row to be compared with others.
#[derive(Clone, Copy)]
pub struct Coded<'a> {
    pub row: &'a [u8],
    pub extra: u32,
}

impl<'a> Codes<'a> {
    #[inline]
    pub fn get(&self, id: u32) -> Coded<'a> {
        Coded {
            row: self.rows.row(id as usize),
            extra: self.extra(id),
        }
    }

    #[inline]
    fn extra(&self, id: u32) -> u32 {
        let bytes = self.extras.chunks_exact(EXTRA).nth(id as usize);
        bytes
            .and_then(|b| b.try_into().ok())
            .map_or(0, u32::from_le_bytes)
    }

    /// The distances of one to others.
    #[inline]
    pub fn distances(&self, from: Coded<'_>, ids: &[u32], to: &mut [u32]) {
        self.kernel.distances(from.row, &self.rows, ids, to);
        if !self.extras.is_empty() {
            for (to, &id) in to.iter_mut().zip(ids) {
                let apart = from.extra.abs_diff(self.extra(id));
                *to = to.saturating_add(apart.saturating_mul(apart));
            }
        }
    }
}

/// Codes of all items, those of missing ones zero: the section, and what its header says.
///
/// # Errors
/// [`Error::NoMemory`]; [`Error::Unsupported`] for vectors too long.
pub fn encode<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    n_items: usize,
) -> Result<(Header, HeapBytes)> {
    let options = nodes.layout().options;
    let is_bits = S::MEASURE == Measure::Bits;
    if !is_bits && options.f > MAX_LEN {
        return Err(Error::Unsupported(format!(
            "codes of vectors of {} numbers; they can have {MAX_LEN}",
            options.f
        )));
    }
    let item = |id: usize| item::<S>(nodes, id);
    let scale = match is_bits {
        true => Scale::default(),
        false => Scale::choose(space, n_items, options.f, item)?,
    };
    let header = Header::new(&options, n_items, scale);
    let mut bytes = header.new_codes()?;
    let (rows, extras) = header.code_parts(bytes.bytes_mut());
    for (id, to) in rows.chunks_exact_mut(header.stride).enumerate() {
        if let Some(row) = item(id) {
            header.scale.encode_item(space, row, to);
        }
    }
    if S::COMPLETES_NORMS {
        let most = longest::<S>(nodes, n_items);
        for (id, to) in extras.chunks_exact_mut(EXTRA).enumerate() {
            let extra = header.scale.extra(item(id), most);
            to.copy_from_slice(&extra.to_le_bytes());
        }
    }
    Ok((header, bytes))
}

/// The vector of an item that is not missing.
pub fn item<'a, S: Space>(nodes: &Nodes<'a>, id: usize) -> Option<Row<'a, S::T>> {
    let node = nodes.get(id);
    (node.n_descendants() == 1).then(|| node.row::<S::T>())
}

fn squared<T: Scalar>(row: Row<'_, T>) -> f64 {
    row.iter().map(|x| x.to_f64().powi(2)).sum()
}

/// The square of the longest item's length.
pub fn longest<S: Space>(nodes: &Nodes<'_>, n_items: usize) -> f64 {
    (0..n_items)
        .filter_map(|id| item::<S>(nodes, id))
        .map(squared)
        .fold(0.0, f64::max)
}

impl Scale {
    fn choose<'a, S: Space>(
        space: &S,
        n_items: usize,
        f: usize,
        item: impl Fn(usize) -> Option<Row<'a, S::T>>,
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
            let factor = space.code_factor(row);
            count += 1.0;
            for (i, x) in row.iter().enumerate() {
                let x = x.to_f64() * factor;
                low[i] = x.min(low[i]);
                high[i] = x.max(high[i]);
                sum[i] += x;
            }
        }
        let top = f64::from(MAX_CODE);
        if S::COMPLETES_NORMS {
            // Queries are brought to this scale by their length alone, so it is the same in all directions.
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
                if high[i] - low[i] <= top * step {
                    low[i]
                } else {
                    sum[i] / count - top / 2.0 * step
                }
            };
            Scale {
                offsets: (0..f).map(centre).collect(),
                step,
            }
        };
        let error = |scale: &Scale| -> f64 {
            let sample = (0..n_items)
                .step_by(n_items.div_ceil(SAMPLE))
                .filter_map(&item);
            sample
                .map(|row| {
                    let factor = space.code_factor(row);
                    let of_one = |(x, offset): (S::T, &f64)| {
                        let exact = (x.to_f64() * factor - offset) / scale.step;
                        ((exact + 0.5).floor().clamp(0.0, top) - exact).powi(2)
                    };
                    row.iter().zip(&scale.offsets).map(of_one).sum::<f64>()
                        * scale.step
                        * scale.step
                })
                .sum()
        };
        let mut step = widest / top;
        let mut best = (f64::INFINITY, with_step(step));
        for _ in 0..FINER {
            let scale = with_step(step);
            let error = error(&scale);
            if error < best.0 {
                best = (error, scale);
            }
            // By multiplication: a power need not be the same number everywhere.
            step *= std::f64::consts::FRAC_1_SQRT_2;
        }
        Ok(best.1)
    }

    /// The code of an item, whose place is zero.
    pub fn encode_item<S: Space>(&self, space: &S, row: Row<'_, S::T>, to: &mut [u8]) {
        if S::MEASURE == Measure::Bits {
            let bytes = row.bytes();
            to[..bytes.len()].copy_from_slice(bytes);
        } else {
            self.encode(row, space.code_factor(row), to);
        }
    }

    /// The code of a query, whose place is zero.
    pub fn encode_query<S: Space>(&self, space: &S, row: Row<'_, S::T>, to: &mut [u8]) {
        if S::COMPLETES_NORMS {
            self.encode(row, self.factor_of_longest(row), to);
        } else {
            self.encode_item(space, row, to);
        }
    }

    /// The coordinate that completes an item's norm to the longest, in steps.
    pub fn extra<T: Scalar>(&self, item: Option<Row<'_, T>>, longest: f64) -> u32 {
        let missing = longest - item.map_or(0.0, squared);
        (missing.max(0.0).sqrt() / self.step + 0.5) as u32
    }

    /// Numbers times `factor` as codes; those off the scale become its ends.
    fn encode<T: Scalar>(&self, row: Row<'_, T>, factor: f64, to: &mut [u8]) {
        for ((x, offset), to) in row.iter().zip(&self.offsets).zip(to) {
            let code = (x.to_f64() * factor - offset) / self.step + 0.5;
            *to = code.clamp(0.0, f64::from(MAX_CODE)) as u8;
        }
    }

    /// What makes a query of a metric that looks for large products as long as the scale is.
    fn factor_of_longest<T: Scalar>(&self, row: Row<'_, T>) -> f64 {
        let largest = row
            .iter()
            .fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
        let reach = f64::from(MAX_CODE) / 2.0 * self.step;
        if largest > 0.0 {
            reach / largest
        } else {
            1.0
        }
    }
}
