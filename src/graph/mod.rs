//! The neighbour graph over the items: built from the forest, searched by beam search.
//!
//! Each of these rests on those before it:
//!
//! - [`quantize`]: vectors as codes of a byte a number, and items to be compared, by codes or by
//!   vectors.
//! - [`format`]: how a graph lies in a file and in memory.
//! - [`search`]: the beam search, its entry points, re-ranking.
//! - [`build`]: NN-descent from the leaves of the forest, pruning, and a trial by searches.
//! - [`check`]: whether a graph in a file is what it should be.

pub mod build;
pub mod check;
pub mod format;
pub mod quantize;
pub mod search;
pub mod threads;

use crate::error::Result;
use crate::storage::HeapBytes;
use crate::types::Options;
use format::header::GraphHeader;
pub use format::view::GraphBytes;

/// Behind an item's neighbours when they are fewer than its place holds.
pub const END: u32 = u32::MAX;

/// A graph that finds a smaller share of the nearest when it is tried is warned of, and searched
/// farther.
pub const LOW_RECALL: f64 = 0.9;

/// A graph in memory: the sections of a file, and what their headers say.
pub struct Graph {
    header: GraphHeader,
    codes: HeapBytes,
    lists: HeapBytes,
}

impl Graph {
    pub fn stored(&self) -> GraphBytes<'_> {
        GraphBytes {
            header: &self.header,
            codes: self.codes.bytes(),
            lists: self.lists.bytes(),
        }
    }

    /// Makes room for `places` items.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory); it is then as before.
    pub fn make_room(&mut self, places: usize) -> Result<()> {
        let Graph {
            header,
            codes,
            lists,
        } = self;
        header.make_room(places, codes, lists)
    }

    /// Gives other numbers to the nodes that routes lead to; none for what keeps its own.
    pub fn renumber_routes(&mut self, f: usize, number: impl Fn(usize) -> Option<usize>) {
        let [starts, rows] = self.header.routes_mut(self.lists.bytes_mut());
        format::routes::renumber_all(starts, rows, f, number);
    }
}

impl GraphBytes<'_> {
    /// In memory.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory); [`Error::Corrupt`](crate::Error::Corrupt) for
    /// bytes that have changed since they were read.
    pub fn copy(&self, options: &Options, n_items: usize) -> Result<Graph> {
        let codes = HeapBytes::copy_of(self.codes)?;
        let lists = HeapBytes::copy_of(self.lists)?;
        let header = GraphHeader::read(codes.bytes(), Some(lists.bytes()), options, n_items)?;
        Ok(Graph {
            header,
            codes,
            lists,
        })
    }
}
