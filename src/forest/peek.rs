//! Reads nodes of a file here and there without mapping it: a page that a map brings in costs many times a short read, and
//! a file that becomes shorter meanwhile is an error and not the end of the process.

use crate::error::{reserve, Error};
use crate::layout::{NodeLayout, NodeRef, Nodes};
use crate::storage::Source;

/// Bytes that are read at a time, if a node is no larger.
const BLOCK: usize = 4096;

/// Why no trees were found in a file.
pub enum Misfit {
    /// Words that say what does not hold together.
    Reason(String),
    /// It could not be read.
    Unreadable(Error),
}

impl From<String> for Misfit {
    fn from(reason: String) -> Self {
        Misfit::Reason(reason)
    }
}

impl From<Error> for Misfit {
    fn from(error: Error) -> Self {
        Misfit::Unreadable(error)
    }
}

/// The nodes of a file, as if it had this layout.
pub struct Peek<'a> {
    source: &'a Source,
    layout: &'a NodeLayout,
    /// Nodes in a block.
    per_block: usize,
    /// The blocks read last, the latest one first: number and bytes. Two, so that roots can be compared with their copies.
    blocks: [(usize, Vec<u8>); 2],
}

impl<'a> Peek<'a> {
    /// Over a file whose size is a multiple of the node size.
    pub fn new(source: &'a Source, layout: &'a NodeLayout) -> Self {
        Peek {
            source,
            layout,
            per_block: (BLOCK / layout.node_size).max(1),
            blocks: [(usize::MAX, Vec::new()), (usize::MAX, Vec::new())],
        }
    }

    /// Number of nodes.
    pub fn count(&self) -> usize {
        usize::try_from(self.source.len()).unwrap_or(usize::MAX) / self.layout.node_size
    }

    /// Their layout.
    pub fn layout(&self) -> &'a NodeLayout {
        self.layout
    }

    /// One node; `id` must be below [`count`](Self::count).
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NoMemory`].
    pub fn get(&mut self, id: usize) -> Result<NodeRef<'_>, Error> {
        let number = id / self.per_block;
        if self.blocks[0].0 != number {
            self.blocks.swap(0, 1);
        }
        let first = number * self.per_block;
        if self.blocks[0].0 != number {
            let len = self.per_block.min(self.count() - first) * self.layout.node_size;
            let (known, bytes) = &mut self.blocks[0];
            // Should the read fail, it holds nothing.
            *known = usize::MAX;
            bytes.clear();
            reserve(bytes, len)?;
            bytes.resize(len, 0);
            self.source
                .read_at((first * self.layout.node_size) as u64, bytes)?;
            *known = number;
        }
        Ok(Nodes::new(&self.blocks[0].1, self.layout).get(id - first))
    }

    /// The count of descendants of a node.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn n_descendants(&mut self, id: usize) -> Result<i64, Error> {
        Ok(self.get(id)?.n_descendants())
    }
}
