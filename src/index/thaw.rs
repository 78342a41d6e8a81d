//! Making a loaded index one that items can be added to.

use super::attached::Part;
use super::log::LogLevel;
use super::state::State;
use super::store::Store;
use super::Index;
use crate::error::{Error, Result};
use crate::file::write;
use crate::forest::roots::Roots;
use crate::removed::Marks;
use crate::storage::HeapBytes;
use std::ops::Range;

impl Index {
    /// Copies the items of a loaded index to memory, so that items can be added and trees built
    /// again: the index is then not built. Its trees are dropped, and its file or bytes let go of.
    /// Labels, marks of removed items, metadata and the seed stay; sections of later versions,
    /// which may speak of the trees, do not. A built index is [unbuilt](Self::unbuild), and one
    /// that is not built stays as it is: after this, items can be added, whatever the state was.
    ///
    /// Files in layouts that Annoy 1.17 does not read can be saved once they are thawed and built.
    /// Takes as much memory as adding the items did.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for an item with NaN or infinity, [`Error::Corrupt`] for one that is
    /// damaged in another way, or labels or marks that are; [`Error::NoMemory`]; [`Error::Io`] as
    /// [`unbuild`](Self::unbuild).
    pub fn thaw(&mut self) -> Result<()> {
        if !matches!(self.state, State::Mapped(_)) {
            return self.unbuild();
        }
        let n_items = self.n_items();
        let items = self.thawed_items(n_items)?;
        let marks = self.thawed_marks(n_items)?;
        if let Some(labels) = self.copied_labels()? {
            self.attached.labels = Some(labels);
        }
        self.attached.removed = marks;
        self.enter(State::Building {
            store: Store::Heap(items),
            n_items,
        });
        self.log
            .say(LogLevel::Info, || format!("thawed {n_items} items"));
        Ok(())
    }

    /// Copies a loaded index to memory with its trees, graph and scan: it is then built, and items
    /// can be [inserted](Self::insert_items). Its file or bytes are let go of. Labels, marks of
    /// removed items, metadata, the seed and what was [measured](Self::tune) stay; sections of
    /// later versions do not. One that was built in memory stays as it is. Takes as much memory as
    /// the file has bytes.
    ///
    /// # Errors
    /// [`Error::State`] when not built, or built on disk; [`Error::Unsupported`] for a file in a
    /// layout that Annoy 1.17 does not read; [`Error::NotFinite`], [`Error::Corrupt`] and
    /// [`Error::NoMemory`] as [`thaw`](Self::thaw).
    pub fn thaw_built(&mut self) -> Result<()> {
        let file = match &self.state {
            State::Mapped(file) => file,
            State::Built {
                store: Store::Heap(_),
                ..
            } => return Ok(()),
            _ => return Err(self.state.illegal("thaw", "loaded, or built in memory")),
        };
        if !file.layout.is_written() {
            return Err(Error::Unsupported(format!(
                "the loaded file has the layout {}, expected {} to thaw it with its trees",
                file.layout.flavor.name(),
                self.layout.flavor.name()
            )));
        }
        let (size, n_items) = (self.layout.node_size, file.roots.n_items);
        let bytes = |nodes: Range<usize>| &file.bytes.bytes()[nodes.start * size..nodes.end * size];
        let mut heap = self.thawed_items(n_items)?;
        self.engine.prepare(heap.bytes_mut(), &self.layout);
        let trees = file.roots.trees.clone();
        heap.resize(trees.start * size)?;
        heap.extend(bytes(trees.clone()))?;
        let copies = bytes(file.roots.ids());
        let last_root = &copies[copies.len() - size..];
        let tail = write::tail(&self.layout, trees.end * size, &[], last_root)?;
        heap.extend(&tail.bytes)?;
        heap.extend(copies)?;
        let roots = Roots {
            n_nodes: heap.bytes().len() / size,
            ..file.roots.clone()
        };
        let origin = file.superblock.as_ref().map(|superblock| superblock.origin);
        let graph = self.graph().map(|graph| graph.copy(&self.options, n_items));
        let scan = self.scan().map(|scan| scan.copy(&self.options, n_items));
        let (graph, scan) = (graph.transpose()?, scan.transpose()?);
        let (labels, marks) = (self.copied_labels()?, self.thawed_marks(n_items)?);
        if let Some(labels) = labels {
            self.attached.labels = Some(labels);
        }
        self.attached.removed = marks;
        self.attached.graph = graph.map_or(Part::Dropped, Part::Built);
        self.attached.scan = scan.map_or(Part::Dropped, Part::Built);
        self.state = State::Built {
            store: Store::Heap(heap),
            roots,
            origin: origin.unwrap_or_default(),
            room: None,
        };
        self.log.say(LogLevel::Info, || {
            format!("thawed {n_items} items with their trees")
        });
        Ok(())
    }

    /// The nodes of the items, each written anew.
    fn thawed_items(&self, n_items: usize) -> Result<HeapBytes> {
        let mut items = HeapBytes::default();
        let len = n_items.checked_mul(self.layout.node_size);
        // Nodes may be larger than those of the file.
        let len = len.filter(|&len| len <= isize::MAX as usize);
        items.resize(
            len.ok_or_else(|| Error::no_memory(usize::MAX, "more than can be addressed"))?,
        )?;
        let to = items.bytes_mut();
        self.engine
            .copy_items(&self.nodes(), n_items, to, &self.layout)?;
        Ok(items)
    }

    /// The marks of removed items, counted anew: a file's number may be wrong.
    fn thawed_marks(&self, n_items: usize) -> Result<Option<Marks>> {
        let Some(removed) = self.removed() else {
            return Ok(None);
        };
        let nodes = self.nodes();
        let mut marks = Marks::default();
        for id in removed.ids() {
            // Asked of each once more: a file's marks may be changing.
            if id >= n_items || nodes.get(id).n_descendants() != 1 {
                let reason = "it is marked as removed, and there is no such item";
                return Err(Error::corrupt(id, reason));
            }
            marks.add(id, n_items)?;
        }
        Ok(Some(marks))
    }
}
