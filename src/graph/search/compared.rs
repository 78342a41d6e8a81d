//! The items of a graph, compared with one query.

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
}

/// By codes.
pub struct ByCodes<'a> {
    pub codes: Codes<'a>,
    pub query: Coded<'a>,
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
}
