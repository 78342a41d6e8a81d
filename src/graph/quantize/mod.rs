//! Vectors as codes: a byte for each number, all on one scale, so that comparing two needs no more
//! than integers and a quarter of the memory; long ones are made shorter by a [`projection`].
//! Distances between codes say where to look; what is found is measured with the vectors.

pub mod points;
pub mod projection;
pub mod scale;
pub mod vectors;

use crate::error::{reserve, Result};
use crate::kernel::{self, CodeKernel, CodeRows, Isa, Measure, Row, Scalar, MAX_CODE};
use crate::metric::Space;
use projection::Projector;
use scale::{Scale, MIDDLE};
use std::ops::Range;
use vectors::Source;

/// Bytes of what is added to an item's distances.
pub const EXTRA: usize = 4;

/// Codes wherever they lie.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
    pub rows: CodeRows<'a>,
    /// For each row 4 bytes, where codes are compared by their product: see [`Coder::extra`]. Empty
    /// for other metrics.
    pub extras: &'a [u8],
    pub kernel: CodeKernel,
}

/// A row to be compared with others.
#[derive(Clone, Copy)]
pub struct Coded<'a> {
    pub row: &'a [u8],
    pub extra: u32,
}

impl<'a> Coded<'a> {
    /// The code of a query.
    pub fn query(row: &'a [u8]) -> Self {
        // What would be added is the same for all that it is compared with.
        Coded { row, extra: 0 }
    }
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
                let extra = from.extra.saturating_add(self.extra(id));
                *to = to.saturating_add(extra);
            }
        }
    }
}

/// Makes codes of vectors.
#[derive(Clone, Copy)]
pub struct Coder<'a> {
    pub isa: Isa,
    pub scale: &'a Scale,
    pub projector: Option<Projector<'a>>,
}

impl Coder<'_> {
    /// The code of an item, whose place is zero. `room` is for a whole code that is made short.
    pub fn item<S: Space>(
        &self,
        space: &S,
        row: Row<'_, S::T>,
        room: &mut Vec<u8>,
        to: &mut [u8],
    ) -> Result<()> {
        if S::MEASURE == Measure::Bits {
            let bytes = row.bytes();
            to[..bytes.len()].copy_from_slice(bytes);
            return Ok(());
        }
        self.encode(row, space.code_factor(row), room, to)
    }

    /// The code of a query, whose place is zero.
    pub fn query<S: Space>(
        &self,
        space: &S,
        row: Row<'_, S::T>,
        room: &mut Vec<u8>,
        to: &mut [u8],
    ) -> Result<()> {
        if S::BY_PRODUCT {
            return self.encode(row, self.factor_of_longest(row), room, to);
        }
        self.item(space, row, room, to)
    }

    fn encode<T: Scalar>(
        &self,
        row: Row<'_, T>,
        factor: f64,
        room: &mut Vec<u8>,
        to: &mut [u8],
    ) -> Result<()> {
        let whole = |to: &mut [u8]| {
            let Scale { offsets, step } = self.scale;
            kernel::encode(self.isa, row, factor, offsets, 1.0 / step, to);
        };
        let Some(projector) = &self.projector else {
            whole(to);
            return Ok(());
        };
        let stride = CodeRows::stride(row.len());
        room.clear();
        reserve(room, stride)?;
        room.resize(stride, 0);
        whole(room);
        projector.project(room, to);
        Ok(())
    }

    /// What is added to the squared differences between an item's code and another, so that only
    /// their product is left of these: what the square of its length lacks to that of the longest
    /// there can be.
    pub fn extra(&self, code: &[u8]) -> u32 {
        let n = match &self.projector {
            Some(projector) => projector.projection.factors.len(),
            None => self.scale.offsets.len(),
        };
        // Twice the distance from the middle of the scale is a whole number.
        let top = u64::from(MAX_CODE);
        let lacks = |&code: &u8| top.pow(2) - (2 * u64::from(code)).abs_diff(top).pow(2);
        (code.iter().take(n).map(lacks).sum::<u64>() / 4) as u32
    }

    /// What makes a query of a metric that looks for large products as long as the scale is.
    fn factor_of_longest<T: Scalar>(&self, row: Row<'_, T>) -> f64 {
        let largest = row
            .iter()
            .fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
        let reach = MIDDLE * self.scale.step;
        if largest > 0.0 {
            reach / largest
        } else {
            1.0
        }
    }
}

/// Writes codes of items, and what is added to their distances where there is such, to places for
/// them, those of missing items zero.
///
/// # Errors
/// [`Error::NoMemory`](crate::Error::NoMemory).
pub fn write(
    source: &Source<'_>,
    coder: &Coder<'_>,
    ids: Range<usize>,
    room: &mut Vec<u8>,
    rows: &mut [u8],
    extras: &mut [u8],
) -> Result<()> {
    let stride = rows.len() / ids.len().max(1);
    let mut extras = extras.chunks_exact_mut(EXTRA);
    rows.fill(0);
    for (id, to) in ids.zip(rows.chunks_exact_mut(stride)) {
        if let Some(item) = source.item(id) {
            source.space.encode(coder, item, room, to)?;
        }
        if let Some(extra) = extras.next() {
            extra.copy_from_slice(&coder.extra(to).to_le_bytes());
        }
    }
    Ok(())
}
