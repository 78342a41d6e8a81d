//! The codes of all items: the shortest that tell near items apart.

use super::trial::Trial;
use crate::error::{reserve, Result};
use crate::graph::format::header::{self, GraphHeader};
use crate::graph::quantize::projection::{self, Sample};
use crate::graph::quantize::scale::{spread, Numbers, Scale};
use crate::graph::quantize::vectors::Source;
use crate::graph::quantize::{write, Coder, EXTRA};
use crate::graph::threads::{Team, TAKEN};
use crate::kernel::{CodeKernel, Isa, Measure};
use crate::memory;
use crate::storage::HeapBytes;
use crate::types::Options;
use std::sync::{Mutex, PoisonError};

/// Lengths that codes of such vectors may be made.
fn lengths(options: Options) -> impl Iterator<Item = usize> {
    let lengths = projection::LENGTHS.into_iter();
    lengths.filter(move |&length| header::can_become(&options, length))
}

/// Times that [`encode`] goes over all items at the most.
pub fn passes(options: Options) -> usize {
    1 + lengths(options).count()
}

/// How the scale of codes is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ScaleRule {
    /// By the error in all items.
    Least,
    /// For most items, as if there were no others.
    Most,
}

/// Codes of all items: the section, and what its header says. The first of those that are made,
/// short ones first, that tell near items apart, as `trial` finds; none if none does.
///
/// # Errors
/// [`Error::NoMemory`]; [`Error::Cancelled`].
pub fn encode(
    source: &Source<'_>,
    n_items: usize,
    kind: ScaleRule,
    trial: &Trial,
    isa: Isa,
    team: &Team<'_, '_>,
) -> Result<Option<(GraphHeader, HeapBytes)>> {
    let options = source.nodes.layout().options;
    let measure = source.space.measure();
    let Some(scale) = scale(source, n_items, kind, team)? else {
        return Ok(None);
    };
    let whole = GraphHeader::new(&options, n_items, scale, None);
    let kernel = CodeKernel::products(isa);
    let coder = whole.coder(&[], isa);
    let mut sample = None;
    for length in lengths(options) {
        let sample = match &mut sample {
            Some(sample) => sample,
            none => none.insert(take_sample(source, &coder, n_items, whole.stride)?),
        };
        let Some((projection, matrix)) = sample.project(length, kernel, team)? else {
            // More directions would hold more, but seldom enough for the time it takes to look for
            // them.
            break;
        };
        let header = GraphHeader::new(&options, n_items, coder.scale.copy()?, Some(projection));
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

/// The scale of whole codes; none where items do not differ.
///
/// # Errors
/// As [`encode`].
pub fn scale(
    source: &Source<'_>,
    n_items: usize,
    kind: ScaleRule,
    team: &Team<'_, '_>,
) -> Result<Option<Scale>> {
    let symmetric = source.space.by_product();
    let numbers = Numbers {
        n_rows: n_items,
        f: source.nodes.layout().options.f,
        row: &|id, to| {
            let item = source.item(id);
            item.map(|item| source.space.numbers(item, to)).is_some()
        },
    };
    Ok(match kind {
        _ if source.space.measure() == Measure::Bits => Some(Scale::default()),
        ScaleRule::Least => Some(Scale::choose(&numbers, symmetric, team)?),
        ScaleRule::Most => Scale::of_most(&numbers, symmetric)?,
    })
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
///
/// # Errors
/// As [`encode`].
pub fn fill(
    source: &Source<'_>,
    header: &GraphHeader,
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
