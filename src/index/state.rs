//! The three states of an index, each owning what exists in it.

use super::store::Store;
use crate::error::{Error, Result};
use crate::file::superblock::Origin;
use crate::file::OpenFile;
use crate::forest::roots::Roots;
use crate::storage::FileId;

pub enum State {
    /// Items are being added; there are no trees.
    Building { store: Store, n_items: usize },
    /// There are trees; items are fixed.
    Built {
        store: Store,
        roots: Roots,
        origin: Origin,
        /// None where items are to be inserted by writing the trees anew.
        room: Option<Room>,
    },
    /// A file, mapped read-only, or its bytes in memory.
    Mapped(OpenFile),
}

/// What it takes to put items into trees where they lie: between the items and the trees there are
/// free nodes.
pub struct Room {
    /// The root of each tree, of which those that a search starts from are copies.
    pub own_roots: Vec<usize>,
    /// Whether nodes were appended, so that they are no longer in a file's order.
    pub has_grown: bool,
    /// See [`Engine::largest`](super::engine::Engine::largest).
    pub largest: f64,
}

impl Default for State {
    /// Empty: what a new or unloaded index is.
    fn default() -> Self {
        State::Building {
            store: Store::default(),
            n_items: 0,
        }
    }
}

impl State {
    /// For messages.
    pub fn name(&self) -> &'static str {
        match self {
            State::Building { .. } => "not built",
            State::Built { .. } => "built",
            State::Mapped(_) => "loaded",
        }
    }

    pub fn n_items(&self) -> usize {
        match self {
            State::Building { n_items, .. } => *n_items,
            State::Built { roots, .. } => roots.n_items,
            State::Mapped(file) => file.roots.n_items,
        }
    }

    /// The trees, which `operation` needs.
    pub fn roots(&self, operation: &'static str) -> Result<&Roots> {
        match self {
            State::Building { .. } => Err(self.illegal(operation, "built or loaded")),
            State::Built { roots, .. } => Ok(roots),
            State::Mapped(file) => Ok(&file.roots),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            State::Building { store, .. } | State::Built { store, .. } => store.bytes(),
            State::Mapped(file) => file.bytes.bytes(),
        }
    }

    /// The file that the bytes are mapped from.
    pub fn mapped(&self) -> Option<FileId> {
        match self {
            State::Building { store, .. } | State::Built { store, .. } => store.mapped(),
            State::Mapped(file) => file.bytes.mapped(),
        }
    }

    pub fn illegal(&self, operation: &'static str, expected: &'static str) -> Error {
        Error::State {
            operation,
            state: self.name(),
            expected,
        }
    }
}
