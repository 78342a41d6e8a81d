//! Reads nodes of a file here and there without mapping it: a page that a map brings in costs many
//! times a short read, and a file that becomes shorter meanwhile is an error and not the end of the
//! process.

use super::trees::Unsound;
use crate::error::{reserve, Error};
use crate::layout::{NodeLayout, NodeRef, Nodes};
use crate::storage::Source;
use std::cell::Cell;

/// Bytes that are read at a time, if a node is no larger.
const BLOCK: usize = 4096;

/// The first bytes of a node that are read alone where no more is asked for and nodes are large.
const HEAD: usize = 64;

/// Nodes of so many bytes are large: their heads are fewer bytes by far, and there are not many in
/// a block.
const LARGE: usize = 512;

/// Why no trees were found in a file.
pub enum Misfit {
    /// Words that say what does not hold together.
    Reason(String),
    /// It could not be read.
    Unreadable(Error),
}

impl From<Misfit> for Error {
    /// Of what was sound before.
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Reason(reason) => Error::corrupt(0, reason),
            Misfit::Unreadable(error) => error,
        }
    }
}

impl From<String> for Misfit {
    fn from(reason: String) -> Self {
        Misfit::Reason(reason)
    }
}

impl From<Unsound> for Misfit {
    fn from(Unsound { node, fault }: Unsound) -> Self {
        Misfit::Reason(format!("node {node}: {fault}"))
    }
}

impl From<Error> for Misfit {
    fn from(error: Error) -> Self {
        Misfit::Unreadable(error)
    }
}

/// How much may be read of a file that does not say what it is, over all that it is taken for:
/// enough for the most trees that there can be, and not more the longer the file is, or the more it
/// might be.
pub struct Allowance {
    /// Bytes.
    left: Cell<usize>,
}

impl Allowance {
    /// For a call: 256 MiB.
    const BYTES: usize = 256 << 20;

    /// What each time counts for, at the least: reading takes its time.
    const LEAST: usize = 512;

    pub fn new() -> Self {
        Allowance {
            left: Cell::new(Self::BYTES),
        }
    }

    /// Whether something was left undone.
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    fn spend(&self, bytes: usize) -> Result<(), Misfit> {
        let left = self.left.get().saturating_sub(bytes.max(Self::LEAST));
        self.left.set(left);
        match left {
            0 => Err(Misfit::Reason(format!(
                "more than {} MiB of it would have to be looked at, as of a file of zeros",
                Self::BYTES >> 20
            ))),
            _ => Ok(()),
        }
    }
}

/// The nodes of a file, as if it had this layout.
pub struct Peek<'a> {
    source: &'a Source,
    allowance: &'a Allowance,
    layout: &'a NodeLayout,
    /// Nodes in a block.
    per_block: usize,
    /// The blocks read last, the latest one first: number and bytes. Two, so that roots can be
    /// compared with their copies.
    blocks: [(usize, Vec<u8>); 2],
    head: Vec<u8>,
}

impl<'a> Peek<'a> {
    /// Over a file whose size is a multiple of the node size.
    pub fn new(source: &'a Source, layout: &'a NodeLayout, allowance: &'a Allowance) -> Self {
        Peek {
            source,
            allowance,
            head: Vec::new(),
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
    /// [`Error::Io`], [`Error::NoMemory`], or that too much would have to be read.
    pub fn get(&mut self, id: usize) -> Result<NodeRef<'_>, Misfit> {
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
            self.allowance.spend(len)?;
            bytes.clear();
            reserve(bytes, len)?;
            bytes.resize(len, 0);
            self.source
                .read_at((first * self.layout.node_size) as u64, bytes)?;
            *known = number;
        }
        Ok(Nodes::new(&self.blocks[0].1, self.layout).get(id - first))
    }

    /// The first bytes of a node: 64, or all where it has fewer.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn head(&mut self, id: usize) -> Result<&[u8], Misfit> {
        let size = self.layout.node_size;
        if size < LARGE {
            return Ok(&self.get(id)?.bytes()[..size.min(HEAD)]);
        }
        self.allowance.spend(HEAD)?;
        let missing = HEAD - self.head.len();
        reserve(&mut self.head, missing)?;
        self.head.resize(HEAD, 0);
        let place = (id * size) as u64;
        self.source.read_at(place, &mut self.head)?;
        Ok(&self.head)
    }

    /// The count of descendants of a node.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn n_descendants(&mut self, id: usize) -> Result<i64, Misfit> {
        let layout = self.layout;
        Ok(layout.n_descendants(self.head(id)?))
    }
}
