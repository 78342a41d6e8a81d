//! Building and unbuilding the forest.

use super::log::LogLevel;
use super::state::State;
use super::store::Store;
use super::Index;
use crate::error::{Error, Result};
use crate::file::superblock::{self, Origin, Section};
use crate::file::write::{self, Payload};
use crate::forest::build::{Emit, Plan};
use crate::forest::roots::{Roots, MAX_TREES};
use crate::labels::encode;
use crate::layout::NodeLayout;
use crate::memory;
use crate::storage::{DiskBytes, HeapBytes};
use crate::work::{Meter, Stage, Work};
use std::path::Path;

impl Index {
    /// Builds the items added so far into a forest, without those that are removed: these are
    /// missing from then on, and their labels gone. The same items, seed and number of trees give
    /// the same bytes, for any number of threads and on any processor.
    ///
    /// `n_trees`: `None` adds trees until there are twice as many nodes as items. `n_threads`:
    /// `None` for one per processor.
    ///
    /// # Errors
    /// [`Error::State`] unless not built; [`Error::Argument`] for 0 or more than 2^16 trees, 0
    /// threads, or more nodes than the id width can count; [`Error::NoMemory`]; [`Error::Io`] in an
    /// on-disk build. Where all trees are there, and it is the file that could not be made durable
    /// or be given its name, the index is built all the same, so that it can be [saved](Self::save)
    /// elsewhere: [`n_trees`](Self::n_trees) tells.
    pub fn build(&mut self, n_trees: Option<usize>, n_threads: Option<usize>) -> Result<()> {
        let mut work = Work {
            n_threads,
            ..Work::default()
        };
        self.build_with(n_trees, &mut work)
    }

    /// [Builds](Self::build), with progress and cancellation. What is to be done is a guess until
    /// the first tree is there when `n_trees` is `None`. Once all trees are there nothing is
    /// cancelled any more: an on-disk build still waits for the disk.
    ///
    /// # Errors
    /// As [`build`](Self::build); [`Error::Cancelled`].
    pub fn build_with(&mut self, n_trees: Option<usize>, work: &mut Work<'_>) -> Result<()> {
        let built = work.run(Stage::Build, 0, |meter| {
            if let Some(n) = n_trees.filter(|n| !(1..=MAX_TREES).contains(n)) {
                let expected = format!("1 to {MAX_TREES}, or -1 to choose");
                return Err(Error::argument("n_trees", n, expected));
            }
            self.log.say(LogLevel::Debug, || {
                let trees = n_trees.map_or(format!("trees"), |n| format!("{n} trees"));
                let (n_items, most) = (self.n_items(), meter.n_threads(MAX_TREES));
                format!("building {trees} over {n_items} items by up to {most} threads")
            });
            let out = self.take_removed_out()?;
            let built = self.build_those_left(n_trees, self.seed, meter);
            if let State::Building { .. } = self.state {
                self.put_back(out);
            }
            built
        });
        self.log.heard("build", &built);
        built
    }

    pub(super) fn build_those_left(
        &mut self,
        n_trees: Option<usize>,
        seed: u64,
        meter: &Meter<'_>,
    ) -> Result<()> {
        let State::Building { store, n_items } = &mut self.state else {
            return Err(self.state.illegal("build", "not built"));
        };
        let (n_items, engine, layout) = (*n_items, &self.engine, &self.layout);
        let plan = Plan {
            n_trees,
            n_threads: meter.n_threads(MAX_TREES),
            seed,
            first_tree: n_items + superblock::nodes(layout),
        };
        let origin = Origin {
            seed,
            revision: superblock::REVISION,
        };
        // A file is complete with what the user wants in it. In memory there is time for that until
        // a save.
        let (labels, sections);
        match store {
            Store::Disk(_) => {
                labels = match &self.attached.labels {
                    None => Vec::new(),
                    Some(given) => {
                        let mut labels = encode::room(given)?;
                        encode::fill(&mut labels, given, meter)?;
                        labels
                    }
                };
                sections = self.attached.sections(&labels, None, None, None)?;
            }
            Store::Heap(_) => sections = Vec::new(),
        };
        engine.prepare(store.bytes_mut(), layout);
        let (roots, entries) =
            append_trees(store, layout, plan, &sections, meter, |items, emit| {
                engine.build(items, layout, plan, meter, emit)
            })?;
        let mut published = Ok(None);
        if let Store::Disk(disk) = store {
            write::seal(disk.bytes_mut(), layout, &roots, origin, entries);
            published = disk.publish();
        }
        let store = std::mem::take(store);
        let (n_trees, n_nodes) = (roots.n_trees, roots.n_nodes);
        self.enter(State::Built {
            store,
            roots,
            origin,
            room: None,
        });
        self.log.say(LogLevel::Info, || {
            format!("built {n_trees} trees over {n_items} items: {n_nodes} nodes")
        });
        self.warn_of_writing_over(published?);
        Ok(())
    }

    /// Takes the trees away, so that items can be added again. Does nothing when there are none.
    /// After an on-disk build the file stays as it is, and the next build replaces it.
    ///
    /// # Errors
    /// [`Error::State`] for a loaded index; [`Error::Io`] when the file of an on-disk build cannot
    /// be started anew.
    pub fn unbuild(&mut self) -> Result<()> {
        match &mut self.state {
            State::Building { .. } => Ok(()),
            State::Mapped(_) => Err(self.state.illegal("unbuild", "built, not loaded")),
            State::Built { store, roots, .. } => {
                let n_items = roots.n_items;
                let len = n_items * self.layout.node_size;
                store.restart(len)?;
                let store = std::mem::take(store);
                self.enter(State::Building { store, n_items });
                Ok(())
            }
        }
    }

    /// Builds in a file: items and trees go there instead of to memory, and [`build`](Self::build)
    /// completes it. Until then the file has a temporary name beside `path`, and what `path` held
    /// before stays there; where that is nothing, there is a small file that says that it is not
    /// finished, until the build is complete or given up.
    ///
    /// # Errors
    /// [`Error::State`] unless not built and without items; [`Error::Io`].
    pub fn on_disk_build(&mut self, path: impl AsRef<Path>) -> Result<()> {
        match &mut self.state {
            State::Building { store, n_items: 0 } => {
                *store = Store::Disk(DiskBytes::create(path.as_ref(), self.layout.node_size)?);
                Ok(())
            }
            State::Building { .. } => Err(Error::State {
                operation: "start an on-disk build",
                state: "holding items already",
                expected: "empty",
            }),
            other => Err(other.illegal("start an on-disk build", "not built and empty")),
        }
    }
}

/// Appends trees to the items in a store, which `trees` emits, with what stands before and behind
/// them; it returns copies of the roots. Where they are, and the entries of the sections. On an
/// error the store is as before.
pub fn append_trees(
    store: &mut Store,
    layout: &NodeLayout,
    plan: Plan,
    sections: &[Payload<'_>],
    meter: &Meter<'_>,
    trees: impl FnOnce(&[u8], &mut Emit<'_>) -> Result<HeapBytes>,
) -> Result<(Roots, Vec<Section>)> {
    let size = layout.node_size;
    let n_items = store.bytes().len() / size;
    let likely = size.saturating_mul(plan.likely_nodes(n_items, layout));
    store.append(likely, |items, emit| {
        let zeros = memory::filled(0, superblock::padded_size(layout))?;
        let n_free = plan.first_tree - n_items - zeros.len() / size;
        emit(&zeros)?;
        let zeros = memory::filled(0, size)?;
        for _ in 0..n_free {
            emit(&zeros)?;
        }
        let mut end = plan.first_tree;
        let copies = trees(items, &mut |tree| {
            end += tree.len() / size;
            emit(tree)
        })?;
        let n_trees = copies.bytes().len() / size;
        let last_root = &copies.bytes()[(n_trees - 1) * size..];
        let tail = write::tail(layout, end * size, sections, last_root)?;
        emit(&tail.bytes)?;
        emit(copies.bytes())?;
        meter.finish()?;
        let roots = Roots {
            n_items,
            n_nodes: end + tail.bytes.len() / size + n_trees,
            n_trees,
            trees: plan.first_tree..end,
        };
        Ok((roots, tail.sections))
    })
}
