//! What was found in several shards, as one.

use super::open::View;
use crate::error::Result;
use crate::memory;
use crate::query::Neighbor;
use crate::types::Metric;
use std::cmp::Ordering;

/// The nearest `n` of all that were found, nearest first. Equal distances are in the order of
/// labels, items without one last, and then of ids: where all have labels, it plays no part which
/// items are in which shard.
///
/// # Errors
/// [`crate::Error::NoMemory`]; [`crate::Error::Corrupt`] when the labels of a shard turn out to be
/// damaged.
pub fn nearest(view: &View, mut found: Vec<Neighbor>, n: usize) -> Result<Vec<Neighbor>> {
    let is_descending = view.options().metric == Metric::Dot;
    let order = |a: &Neighbor, b: &Neighbor| {
        // One zero, not two.
        let (a, b) = (a.distance + 0.0, b.distance + 0.0);
        match is_descending {
            true => b.total_cmp(&a),
            false => a.total_cmp(&b),
        }
    };
    found.sort_unstable_by(|a, b| order(a, b).then(a.id.cmp(&b.id)));
    if view.label_kind().is_some() {
        let mut start = 0;
        while start < found.len().min(n) {
            let same = |other: &&Neighbor| order(&found[start], other) == Ordering::Equal;
            let end = start + found[start..].iter().take_while(same).count();
            if end - start > 1 {
                by_label(view, &mut found[start..end])?;
            }
            start = end;
        }
    }
    found.truncate(n);
    Ok(found)
}

/// Sorts items that are equally far.
fn by_label(view: &View, found: &mut [Neighbor]) -> Result<()> {
    let labelled = found.iter().map(|&one| Ok((view.label(one.id)?, one)));
    // Read once, so that they have one order, whatever happens to the file.
    let mut labelled = memory::try_collect(labelled)?;
    labelled.sort_unstable_by_key(|(label, one)| (label.is_none(), *label, one.id));
    for (to, (_, one)) in found.iter_mut().zip(labelled) {
        *to = one;
    }
    Ok(())
}
