//! Changing a built index without building it anew: items are put in and taken out, all or none.

use super::attached::{Built, Part};
use super::forest::append_trees;
use super::state::{Room, State};
use super::store::Store;
use super::Index;
use crate::error::{Error, Result};
use crate::file::superblock::{self, Origin};
use crate::forest::build::Plan;
use crate::forest::extend::OldTrees;
use crate::forest::roots::Roots;
use crate::layout::{NodeLayout, Nodes};
use crate::memory;
use crate::removed::{Changes, Marks, Removed};
use crate::storage::HeapBytes;
use crate::work::{Meter, Stage, Work};
use std::panic::{self, AssertUnwindSafe};

/// Room is left for one in so many items, and so many, or as many as there are, at the least. When
/// it is used up the trees are written anew, which takes time in proportion to them all.
const SHARE: usize = 16;
const LEAST_FREE: usize = 1024;

/// The ids that a change is about.
pub(super) struct Changed {
    /// Ascending; some may be gone ones that come back.
    pub new: Vec<usize>,
    /// Items there are, whose vectors leave trees, graph and scan.
    pub gone: Marks,
}

/// An index as it was.
struct Before {
    roots: Roots,
    origin: Origin,
    room: Option<Room>,
    /// From the first node of the trees on.
    trees: HeapBytes,
    /// Nodes of the items that are gone.
    gone: Vec<u8>,
    marks: Option<Marks>,
    /// What was built over the trees, where it was taken out.
    built: Option<Built>,
}

impl Index {
    /// Whether it is built in memory.
    pub(super) fn check_changeable(&self, operation: &'static str) -> Result<()> {
        let (state, expected) = match &self.state {
            State::Built {
                store: Store::Heap(_),
                ..
            } => return Ok(()),
            State::Built { .. } => ("built on disk", "built in memory: load and thaw it"),
            State::Building { .. } => ("not built", "built: add items instead"),
            State::Mapped(_) => ("loaded", "in memory: thaw it with its trees"),
        };
        Err(Error::State {
            operation,
            state,
            expected,
        })
    }

    /// Takes out what is gone, has `add` add the new items as before a build, and `finish` do what
    /// is left to do, with trees, graph and scan changed. On an error all is as before.
    pub(super) fn change(
        &mut self,
        changed: &Changed,
        work: &mut Work<'_>,
        add: impl FnOnce(&mut Self, &mut Work<'_>) -> Result<()>,
        finish: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let before = self.begin(changed)?;
        self.or_go_back(before, changed, |index, before| {
            add(index, work)?;
            work.run(Stage::Build, 0, |meter| {
                index.change_trees(before, changed, meter)
            })?;
            let n_items = index.n_items();
            if let Some(marks) = &mut index.attached.removed {
                marks.extend(n_items)?;
            }
            index.change_graph_and_scan(changed, work, finish)
        })
    }

    /// Has `rebuild` build all again without what is gone, with the seed of before. On an error all
    /// is as before.
    pub(super) fn rebuild(
        &mut self,
        gone: Marks,
        rebuild: impl FnOnce(&mut Self, u64) -> Result<()>,
    ) -> Result<()> {
        let changed = Changed {
            new: Vec::new(),
            gone,
        };
        let mut before = self.begin(&changed)?;
        before.built = Some(self.attached.take_built());
        self.or_go_back(before, &changed, |index, before| {
            rebuild(index, before.origin.seed)
        })
    }

    fn or_go_back(
        &mut self,
        before: Before,
        changed: &Changed,
        change: impl FnOnce(&mut Self, &Before) -> Result<()>,
    ) -> Result<()> {
        let done = panic::catch_unwind(AssertUnwindSafe(|| change(self, &before)));
        if !matches!(done, Ok(Ok(()))) {
            self.go_back(before, changed);
        }
        done.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    /// Goes to the state in which items are added, without those that are gone, and hands out what
    /// was built.
    fn begin(&mut self, changed: &Changed) -> Result<Before> {
        let State::Built {
            store,
            roots,
            origin,
            room,
        } = &mut self.state
        else {
            return Err(self.state.illegal("change items", "built"));
        };
        let size = self.layout.node_size;
        let marks = self.attached.removed.as_ref().map(Marks::copy);
        let gone = changed.gone.view();
        let n_gone = gone.map_or(0, |gone| gone.ids().count());
        let mut before = Before {
            trees: HeapBytes::copy_of(&store.bytes()[roots.trees.start * size..])?,
            gone: memory::with_room(n_gone * size)?,
            marks: marks.transpose()?,
            built: None,
            roots: roots.clone(),
            origin: *origin,
            // Last: what fails before leaves the index as it was.
            room: room.take(),
        };
        for id in gone.into_iter().flat_map(Removed::ids) {
            let node = &mut store.bytes_mut()[id * size..][..size];
            before.gone.extend_from_slice(node);
            node.fill(0);
        }
        let n_items = roots.n_items;
        // No more than there was, so there is no error.
        store.resize(n_items * size)?;
        let store = std::mem::take(store);
        self.state = State::Building { store, n_items };
        Ok(before)
    }

    /// Undoes what was done since [`begin`](Self::begin).
    fn go_back(&mut self, before: Before, changed: &Changed) {
        let size = self.layout.node_size;
        let (State::Building { store, .. } | State::Built { store, .. }) = &mut self.state else {
            return;
        };
        let mut store = std::mem::take(store);
        let Before {
            roots,
            origin,
            room,
            trees,
            gone,
            marks,
            built,
        } = before;
        self.attached.removed = marks;
        let n_items = roots.n_items;
        // There was room for all of it, and it was not given back.
        let restored = store.resize(n_items * size).and_then(|()| {
            for &id in changed.new.iter().filter(|&&id| id < n_items) {
                store.bytes_mut()[id * size..][..size].fill(0);
            }
            let ids = changed.gone.view().into_iter().flat_map(Removed::ids);
            for (id, node) in ids.zip(gone.chunks_exact(size)) {
                store.bytes_mut()[id * size..][..size].copy_from_slice(node);
            }
            self.engine.prepare(store.bytes_mut(), &self.layout);
            store.resize(roots.trees.start * size + trees.bytes().len())
        });
        self.state = match restored {
            Ok(()) => {
                store.bytes_mut()[roots.trees.start * size..].copy_from_slice(trees.bytes());
                State::Built {
                    store,
                    roots,
                    origin,
                    room,
                }
            }
            Err(_) => State::Building { store, n_items },
        };
        if let Some(built) = built {
            self.attached.put_back(built);
        }
    }

    fn change_trees(
        &mut self,
        before: &Before,
        changed: &Changed,
        meter: &Meter<'_>,
    ) -> Result<()> {
        let State::Building { store, n_items } = &mut self.state else {
            return Err(self.state.illegal("change items", "built"));
        };
        let (n_items, layout) = (*n_items, &self.layout);
        let n_free = n_free(n_items, before.roots.n_nodes, layout);
        let plan = Plan {
            n_trees: Some(before.roots.n_trees),
            n_threads: 1,
            seed: before.origin.seed,
            first_tree: n_items + superblock::nodes(layout) + n_free,
        };
        self.engine.prepare(store.bytes_mut(), layout);
        let items = Nodes::new(store.bytes(), layout);
        let present = (0..n_items).filter(|&id| items.get(id).n_descendants() == 1);
        let old = OldTrees::new(
            &before.roots,
            Nodes::new(before.trees.bytes(), layout),
            &changed.new,
            changed.gone.view(),
            present.count() - changed.new.len(),
        )?;
        let largest = self.engine.largest(&items);
        let mut own_roots = memory::with_room(before.roots.n_trees)?;
        let mut end = plan.first_tree;
        let (roots, _) = append_trees(store, layout, plan, &[], meter, |items, emit| {
            self.engine
                .extend(items, layout, &old, plan, meter, &mut |tree| {
                    end += tree.len() / layout.node_size;
                    memory::push(&mut own_roots, end - 1)?;
                    emit(tree)
                })
        })?;
        let room = old.are_split().then_some(Room {
            own_roots,
            has_grown: false,
            largest,
        });
        self.state = State::Built {
            store: std::mem::take(store),
            roots,
            origin: before.origin,
            room,
        };
        Ok(())
    }

    /// Items that there are nodes for before the trees.
    pub(super) fn places(&self) -> Result<usize> {
        let roots = self.state.roots("change items")?;
        Ok(roots.trees.start - superblock::nodes(&self.layout))
    }

    fn change_graph_and_scan(
        &mut self,
        changed: &Changed,
        work: &mut Work<'_>,
        finish: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let changes = Changes {
            gone: changed.gone.view(),
            new: &changed.new,
            places: self.places()?,
        };
        let graph = match self.graph() {
            None => None,
            Some(old) => Some(work.run(Stage::Graph, 0, |meter| {
                let roots = self.state.roots("change items")?;
                let nodes = self.nodes();
                self.engine
                    .change_graph(&nodes, roots, &old, changes, meter)
            })?),
        };
        let scan = match self.scan() {
            None => None,
            Some(old) => Some(work.run(Stage::Scan, 0, |meter| {
                let nodes = self.nodes();
                self.engine
                    .change_scan(&nodes, self.n_items(), &old, changes, meter)
            })?),
        };
        finish(self)?;
        if let Some(graph) = graph {
            self.attached.graph = Part::Built(graph);
        }
        if let Some(scan) = scan {
            self.attached.scan = scan.map_or(Part::Dropped, Part::Built);
        }
        Ok(())
    }
}

/// Room for how many items is left in memory where so many are, in so many nodes with the trees.
pub(super) fn n_free(n_items: usize, n_nodes: usize, layout: &NodeLayout) -> usize {
    let n_free = (n_items / SHARE).max(LEAST_FREE.min(n_items));
    // None where ids may run out.
    let may_run_out = 2 * (n_nodes + n_free) as u64 > layout.options.id_width.max_count();
    if may_run_out {
        0
    } else {
        n_free
    }
}

/// Ids, ascending, of which each is there once.
pub(super) fn ascending(mut ids: Vec<usize>) -> Result<Vec<usize>> {
    ids.sort_unstable();
    match ids.windows(2).find(|two| two[0] == two[1]) {
        None => Ok(ids),
        Some(twice) => Err(Error::Item {
            id: twice[0] as i64,
            expected: format!("each id once"),
        }),
    }
}

/// Marks of some items.
///
/// # Errors
/// [`Error::NoMemory`].
pub(super) fn marks_of(ids: impl Iterator<Item = usize>, n_items: usize) -> Result<Marks> {
    let mut marks = Marks::default();
    for id in ids {
        marks.add(id, n_items)?;
    }
    Ok(marks)
}

/// All rows behind the last item.
///
/// # Errors
/// [`Error::NoMemory`].
pub(super) fn behind(n_items: usize, n_rows: usize) -> Result<Vec<usize>> {
    memory::collect((0..n_rows).map(|row| n_items.saturating_add(row)))
}
