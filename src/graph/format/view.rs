//! A graph to be searched, where it lies.

use super::header::GraphHeader;
use super::routes::Routes;
use crate::graph::quantize::{Coded, Coder, Codes};
use crate::kernel::{CodeRows, Isa, Measure};

/// A graph wherever it lies.
#[derive(Clone, Copy)]
pub struct GraphBytes<'a> {
    pub header: &'a GraphHeader,
    pub codes: &'a [u8],
    pub lists: &'a [u8],
}

/// A graph to be searched.
#[derive(Clone, Copy)]
pub struct GraphView<'a> {
    pub codes: Codes<'a>,
    pub coder: Coder<'a>,
    /// How codes are compared.
    pub measure: Measure,
    pub degree: usize,
    pub(super) neighbors: &'a [u8],
    /// Ids of items to start from, 4 bytes each; none where the trees name them.
    pub entries: &'a [u8],
    /// Their codes.
    pub entry_codes: CodeRows<'a>,
    pub routes: Routes<'a>,
    /// Whether walks compare vectors, and there are no codes.
    pub by_vectors: bool,
    /// The share of the nearest that searches found when it was tried; none where it was not.
    pub recall: Option<f64>,
    /// Ids of items that are as far from everything, 4 bytes each.
    pub(super) null: &'a [u8],
}

impl<'a> GraphView<'a> {
    /// The neighbours of an item as they stand there, unchecked, with what is behind their end.
    #[inline]
    pub fn row(&self, item: usize) -> &'a [u8] {
        let size = 4 * self.degree;
        &self.neighbors[item * size..][..size]
    }

    /// The items that are as far from everything, and nobody's neighbours, in order; what cannot be
    /// one of them or is out of order is left out.
    pub fn null(&self) -> impl Iterator<Item = usize> + 'a {
        let n_items = self.neighbors.len() / (4 * self.degree.max(1));
        let (ids, _) = self.null.as_chunks::<4>();
        let ids = ids.iter().map(|&id| u32::from_le_bytes(id) as usize);
        let mut least = 0;
        ids.filter(move |&id| {
            let is_next = (least..n_items).contains(&id);
            least = if is_next { id + 1 } else { least };
            is_next
        })
    }

    /// How many are named as such.
    pub fn n_null(&self) -> usize {
        self.null.len() / 4
    }
}

impl GraphView<'_> {
    /// Distances of a query to the codes of items to start from. Without the extras, which lie
    /// elsewhere: these need not be the very nearest.
    pub fn entry_distances(&self, query: Coded<'_>, places: &[u32], to: &mut [u32]) {
        let codes = Codes {
            rows: self.entry_codes,
            extras: &[],
            ..self.codes
        };
        codes.distances(query, places, to);
    }
}

impl<'a> GraphBytes<'a> {
    /// For searching.
    pub fn view(&self, isa: Isa, measure: Measure) -> GraphView<'a> {
        self.header.view(self.codes, self.lists, isa, measure)
    }
}
