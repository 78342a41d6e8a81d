//! Vectors as codes: a byte for each number, all on one scale, so that comparing two needs no more than integers and a
//! quarter of the memory; long ones are made shorter by a [`Projection`](super::projection). Distances between codes
//! say where to look; what is found is measured with the vectors.

use super::projection::{self, Projector, Sample};
use super::scale::{spread, Numbers, Scale, MIDDLE};
use super::section::{self, Header};
use super::threads::{Team, TAKEN};
use super::trial::Trial;
use super::vectors::Source;
use crate::error::{reserve, Result};
use crate::kernel::{self, CodeKernel, CodeRows, Isa, Measure, Row, Scalar, MAX_CODE};
use crate::memory;
use crate::metric::Space;
use crate::storage::HeapBytes;
use crate::types::Options;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Bytes of what is added to an item's distances.
pub const EXTRA: usize = 4;

/// Codes wherever they lie.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
    pub rows: CodeRows<'a>,
    /// For each row 4 bytes, where codes are compared by their product: see [`Coder::extra`]. Empty for other metrics.
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

    /// What is added to the squared differences between an item's code and another, so that only their product is left
    /// of these: what the square of its length lacks to that of the longest there can be.
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

/// Writes codes of items, and what is added to their distances where there is such, to places for them, those of
/// missing items zero.
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

/// Lengths that codes of such vectors may be made.
fn lengths(options: Options) -> impl Iterator<Item = usize> {
    let lengths = projection::LENGTHS.into_iter();
    lengths.filter(move |&length| section::can_become(&options, length))
}

/// Times that [`encode`] goes over all items at the most.
pub fn passes(options: Options) -> usize {
    1 + lengths(options).count()
}

/// How the scale of codes is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By the error in all items.
    Least,
    /// For most items, as if there were no others.
    Most,
}

/// Codes of all items: the section, and what its header says. The first of those that are made, short ones first, that
/// tell near items apart, as `trial` finds; none if none does.
///
/// # Errors
/// [`Error::NoMemory`]; [`Error::Cancelled`].
pub fn encode(
    source: &Source<'_>,
    n_items: usize,
    kind: Kind,
    trial: &Trial,
    isa: Isa,
    team: &Team<'_, '_>,
) -> Result<Option<(Header, HeapBytes)>> {
    let options = source.nodes.layout().options;
    let f = options.f;
    let (measure, symmetric) = (source.space.measure(), source.space.by_product());
    let numbers = Numbers {
        n_rows: n_items,
        f,
        row: &|id, to| {
            let item = source.item(id);
            item.map(|item| source.space.numbers(item, to)).is_some()
        },
    };
    let scale = match kind {
        _ if measure == Measure::Bits => Some(Scale::default()),
        Kind::Least => Some(Scale::choose(&numbers, symmetric, team)?),
        Kind::Most => Scale::of_most(&numbers, symmetric)?,
    };
    let Some(scale) = scale else {
        return Ok(None);
    };
    let whole = Header::new(&options, n_items, scale, None);
    let kernel = CodeKernel::products(isa);
    let coder = whole.coder(&[], isa);
    let mut sample = None;
    for length in lengths(options) {
        let sample = match &mut sample {
            Some(sample) => sample,
            none => none.insert(take_sample(source, &coder, n_items, whole.stride)?),
        };
        let Some((projection, matrix)) = sample.project(length, kernel, team)? else {
            // More directions would hold more, but seldom enough for the time it takes to look for them.
            break;
        };
        let header = Header::new(&options, n_items, coder.scale.copy()?, Some(projection));
        let bytes = fill(source, &header, &matrix, isa, team)?;
        if trial.tells_apart(source, &header.stored(&bytes), isa, team)? {
            return Ok(Some((header, bytes)));
        }
    }
    let bytes = fill(source, &whole, &[], isa, team)?;
    // Bits are their own codes.
    let is_sound =
        measure == Measure::Bits || trial.tells_apart(source, &whole.stored(&bytes), isa, team)?;
    Ok(is_sound.then_some((whole, bytes)))
}

fn take_sample(
    source: &Source<'_>,
    coder: &Coder<'_>,
    n_items: usize,
    stride: usize,
) -> Result<Sample> {
    let f = source.nodes.layout().options.f;
    let step = n_items.div_ceil(Sample::wanted(f)).max(1);
    let mut rows = Vec::new();
    reserve(&mut rows, n_items.div_ceil(step) * stride)?;
    let mut room = Vec::new();
    for item in spread(n_items, step, |id| source.item(id)) {
        let start = rows.len();
        // There is room: `spread` gives no more than one for each step.
        rows.resize(start + stride, 0);
        let to = &mut rows[start..];
        source.space.encode(coder, item, &mut room, to)?;
    }
    Ok(Sample {
        rows,
        stride,
        f,
        symmetric: source.space.by_product(),
    })
}

/// A section with the codes of all items.
fn fill(
    source: &Source<'_>,
    header: &Header,
    matrix: &[u8],
    isa: Isa,
    team: &Team<'_, '_>,
) -> Result<HeapBytes> {
    let mut bytes = header.new_codes(matrix)?;
    let coder = header.coder(matrix, isa);
    let (rows, extras) = header.code_parts(bytes.bytes_mut());
    // Each lock is taken once: they share the places out among the threads.
    let mut extras = extras.chunks_mut(TAKEN * EXTRA);
    let parts = rows
        .chunks_mut(TAKEN * header.stride)
        .map(|rows| Mutex::new((rows, extras.next().unwrap_or_default())));
    let parts = memory::collect(parts)?;
    team.share(header.n_items(), Vec::new, |range, room| {
        let mut part = parts[range.start / TAKEN]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (rows, extras) = &mut *part;
        write(source, &coder, range, room, rows, extras)
    })?;
    drop(parts);
    Ok(bytes)
}
