//! What every search stands on: a query and the items it is compared with, which of these it may
//! find, and how the nearest are kept.
//!
//! - [`filter`]: which items a search may find.
//! - [`scorer`]: the query, compared with items by their vectors.
//! - [`scratch`]: room that is kept from one search to the next.

pub mod filter;
pub mod scorer;
pub mod scratch;

use crate::error::Result;
use crate::memory::{self, reserve_heap};
use filter::{accepted, Filter};
use scorer::Scorer;
use std::collections::BinaryHeap;

/// An item found, with its distance as it is given to the caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// The item's id.
    pub id: i64,
    /// Its distance from the query (dot: the inner product).
    pub distance: f64,
}

/// What a search is to find.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// No more than this many items.
    pub n: usize,
    /// The number of candidates to look at; none: the usual number.
    pub search_k: Option<u64>,
    /// None farther than this; for dot, none of a smaller inner product.
    pub max_distance: Option<f64>,
}

/// The nearest items so far, by (distance, id), the farthest on top.
pub type Best = BinaryHeap<(u64, usize)>;

/// Items looked at together in an exact search.
const RUN: usize = 1024;

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

/// The `n` nearest of the candidates; `best` is empty.
///
/// # Errors
/// [`Error::NoMemory`](crate::Error::NoMemory).
pub fn nearest(
    scorer: &(impl Scorer + ?Sized),
    wanted: Wanted,
    candidates: &[usize],
    best: &mut Best,
) -> Result<Vec<Neighbor>> {
    reserve_heap(best, wanted.n.min(candidates.len()))?;
    scorer.rank(wanted, candidates, best);
    scorer.take(best)
}
