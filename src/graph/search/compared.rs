//! The items of a graph, compared with one query.

use super::ending::Ending;
use crate::graph::quantize::points::Points as _;
use crate::graph::quantize::vectors::GraphQuery;
use crate::graph::quantize::{Coded, Codes};
use crate::kernel::prefetch;

/// Items that a beam search compares with its query.
pub trait ComparedItems {
    /// How many places for items there are.
    fn count(&self) -> usize;

    /// Asks memory for an item.
    fn prefetch(&self, id: u32);

    /// The distances of the query to items; panics past the end.
    fn distances(&self, ids: &[u32], to: &mut [u32]);

    /// Where a search ends; none: when all of its beam is expanded.
    fn ending(&self) -> Option<&Ending>;

    /// Whether the query may be far from all that a search found: from the nearest, which is at a
    /// distance, and has these neighbours. There is room for a number for each of them. False where
    /// there is no ending to tell.
    fn is_far(&self, nearest: u32, distance: u32, neighbors: &[u32], room: &mut [u32]) -> bool;
}

/// By codes.
pub struct ByCodes<'a> {
    pub codes: Codes<'a>,
    pub query: Coded<'a>,
    pub ending: Option<Ending>,
}

impl ComparedItems for ByCodes<'_> {
    #[inline]
    fn count(&self) -> usize {
        self.codes.count()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.codes.prefetch(id);
    }

    #[inline]
    fn distances(&self, ids: &[u32], to: &mut [u32]) {
        self.codes.distances(self.query, ids, to);
    }

    #[inline]
    fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    fn is_far(&self, nearest: u32, distance: u32, neighbors: &[u32], room: &mut [u32]) -> bool {
        let Some(ending) = self.ending else {
            return false;
        };
        self.codes
            .distances(self.codes.get(nearest), neighbors, room);
        ending.is_far(distance, room)
    }
}

/// By vectors, without quantization.
pub struct ByVectors<'a> {
    pub query: &'a dyn GraphQuery,
    pub n_items: usize,
}

impl ComparedItems for ByVectors<'_> {
    fn count(&self) -> usize {
        self.n_items
    }

    fn prefetch(&self, id: u32) {
        prefetch(self.query.nodes().get(id as usize).bytes());
    }

    fn distances(&self, ids: &[u32], to: &mut [u32]) {
        self.query.distances(ids, to);
    }

    fn ending(&self) -> Option<&Ending> {
        // Their distances are no numbers to be multiplied.
        None
    }

    fn is_far(&self, _: u32, _: u32, _: &[u32], _: &mut [u32]) -> bool {
        false
    }
}
