//! What every search stands on: a query and the items it is compared with, which of these it may
//! find, and how the nearest are kept.
//!
//! - [`exact`]: looking at all items.
//! - [`filter`]: which items a search may find.
//! - [`scorer`]: the query, compared with items by their vectors.
//! - [`scratch`]: room that is kept from one search to the next.

pub mod exact;
pub mod filter;
pub mod scorer;
pub mod scratch;

use crate::error::Result;
use crate::memory::reserve_heap;
use scorer::Scorer;
use std::collections::BinaryHeap;

pub use exact::{exact, exact_together};

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
