//! A search that looks at all items.

use super::filter::{accepted, perhaps, Filter};
use super::scorer::Scorer;
use super::{Best, Neighbor, Wanted};
use crate::error::Result;
use crate::memory::{self, reserve_heap};

/// Items looked at together.
const RUN: usize = 1024;

/// Bytes of vectors that stay in the processor's cache while one query after the other is compared
/// with them.
const CACHED: usize = 1 << 18;

/// The `n` nearest of all items that the filter accepts.
///
/// # Errors
/// [`Error::NoMemory`](crate::Error::NoMemory).
pub fn exact<F: Filter>(
    scorer: &dyn Scorer,
    n_items: usize,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let mut best = Best::new();
    reserve_heap(&mut best, wanted.n.min(n_items))?;
    let mut run = memory::with_room(RUN)?;
    let mut ids = accepted(filter, n_items);
    loop {
        run.clear();
        run.extend(ids.by_ref().take(RUN));
        if run.is_empty() {
            return scorer.take(&mut best);
        }
        scorer.rank(wanted, &run, &mut best);
    }
}

/// The same for several queries with filters of their own: items are compared with all of them
/// while they are in the processor's cache. `check` is asked all the time whether to go on.
///
/// # Errors
/// [`Error::NoMemory`](crate::Error::NoMemory); those of `check`.
pub fn exact_together<F: Filter>(
    queries: &[(&dyn Scorer, F)],
    n_items: usize,
    wanted: Wanted,
    check: &dyn Fn() -> Result<()>,
) -> Result<Vec<Vec<Neighbor>>> {
    let mut bests = memory::collect(queries.iter().map(|_| Best::new()))?;
    for best in &mut bests {
        reserve_heap(best, wanted.n.min(n_items))?;
    }
    let node_size = |(scorer, _): &(&dyn Scorer, F)| scorer.nodes().layout().node_size;
    // Filters look at 64 items at a time.
    let run_len = CACHED / queries.first().map_or(1, node_size) / 64 * 64;
    let run_len = run_len.clamp(64, RUN);
    let mut ids = memory::with_room(run_len)?;
    for start in (0..n_items).step_by(run_len) {
        check()?;
        let range = start..n_items.min(start + run_len);
        for ((scorer, filter), best) in queries.iter().zip(&mut bests) {
            ids.clear();
            ids.extend(perhaps(filter, range.clone()).filter(|&id| filter.accepts(id)));
            scorer.rank(wanted, &ids, best);
        }
    }
    let queries = queries.iter().zip(&mut bests);
    memory::try_collect(queries.map(|((scorer, _), best)| scorer.take(best)))
}
