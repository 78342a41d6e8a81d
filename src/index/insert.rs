//! Putting more items into an index that is built.

use super::attached::Part;
use super::forest::append_trees;
use super::state::State;
use super::store::Store;
use super::vector::Vector;
use super::Index;
use crate::error::{Error, Result};
use crate::file::superblock::{self, Origin};
use crate::forest::build::Plan;
use crate::forest::extend::OldTrees;
use crate::forest::roots::Roots;
use crate::layout::Nodes;
use crate::memory;
use crate::storage::HeapBytes;
use crate::work::{Meter, Stage, Work};
use std::panic::{self, AssertUnwindSafe};

/// An index as it was.
struct Before {
    roots: Roots,
    origin: Origin,
    /// From the first node of the trees on.
    trees: HeapBytes,
}

impl Index {
    /// Inserts items into a built index, all or none, without building it anew: row `i` with the id
    /// `ids[i]`, or, without ids, behind the last item. The next search finds them, in trees, graph
    /// and scan. No item may have one of the ids.
    ///
    /// An item goes down each tree to a leaf, which is split when it is full; in the graph its
    /// neighbours are chosen by a search. Each call copies the trees and the graph, so many items
    /// are better inserted together. What [`tune`](Self::tune) measured stays. The same calls give
    /// the same bytes, for any number of threads and on any processor.
    ///
    /// ```
    /// use annoy_rs::{Index, Metric, Work};
    /// let mut index = Index::new(Metric::Euclidean, 1)?;
    /// for id in 0..100 {
    ///     index.add_item(id, &[id as f32])?;
    /// }
    /// index.build(Some(5), None)?;
    /// index.insert_items(None, |_| &[7.2f32], 1, &mut Work::default())?;
    /// assert_eq!(index.get_nns_by_vector(&[7.3f32], 1, None)?[0].id, 100);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::State`] when not built, built on disk, or loaded; [`Error::Item`] for an id that an
    /// item has, also a removed one, or that is there twice; those of
    /// [`add_items_with`](Self::add_items_with), [`build_with`](Self::build_with) and
    /// [`build_graph`](Self::build_graph). The index is then as before.
    pub fn insert_items<'a, V: Into<Vector<'a>>>(
        &mut self,
        ids: Option<&[i64]>,
        rows: impl Fn(usize) -> V + Sync,
        n_rows: usize,
        work: &mut Work<'_>,
    ) -> Result<()> {
        let new = self.new_ids(ids, n_rows)?;
        if n_rows == 0 {
            return Ok(());
        }
        let before = self.begin()?;
        let inserted = panic::catch_unwind(AssertUnwindSafe(|| {
            self.add_items_with(ids, rows, n_rows, work)?;
            work.run(Stage::Build, 0, |meter| {
                self.extend_trees(&before, &new, meter)
            })?;
            self.extend_graph_and_scan(&new, work)
        }));
        if !matches!(inserted, Ok(Ok(()))) {
            self.go_back(before, &new);
        }
        let inserted = inserted.unwrap_or_else(|panic| panic::resume_unwind(panic));
        self.log.heard("insert items", &inserted);
        inserted
    }

    /// The ids of rows to be inserted, ascending: none that an item has.
    fn new_ids(&self, ids: Option<&[i64]>, n_rows: usize) -> Result<Vec<usize>> {
        let illegal = |state, expected| Error::State {
            operation: "insert items",
            state,
            expected,
        };
        match &self.state {
            State::Built {
                store: Store::Heap(_),
                ..
            } => {}
            State::Built { .. } => {
                return Err(illegal(
                    "built on disk",
                    "built in memory: load and thaw it",
                ))
            }
            State::Building { .. } => return Err(illegal("not built", "built: add items instead")),
            State::Mapped(_) => return Err(illegal("loaded", "in memory: thaw it with its trees")),
        }
        let n_items = self.n_items();
        let Some(ids) = ids else {
            return memory::collect((0..n_rows).map(|row| n_items.saturating_add(row)));
        };
        if ids.len() != n_rows {
            let expected = format!("one for each of {n_rows} rows");
            return Err(Error::argument("the number of ids", ids.len(), expected));
        }
        let nodes = self.nodes();
        let mut new = memory::try_collect(ids.iter().map(|&id| {
            let is_there = |&id: &usize| id < n_items && nodes.get(id).n_descendants() == 1;
            let place = usize::try_from(id).ok().filter(|id| !is_there(id));
            place.ok_or_else(|| Error::Item {
                id,
                expected: format!("one that no item has"),
            })
        }))?;
        new.sort_unstable();
        if let Some(twice) = new.windows(2).find(|two| two[0] == two[1]) {
            return Err(Error::Item {
                id: twice[0] as i64,
                expected: format!("each id once"),
            });
        }
        Ok(new)
    }

    /// Goes to the state in which items are added, and hands out what was built.
    fn begin(&mut self) -> Result<Before> {
        let State::Built {
            store,
            roots,
            origin,
        } = &mut self.state
        else {
            return Err(self.state.illegal("insert items", "built"));
        };
        let size = self.layout.node_size;
        let before = Before {
            trees: HeapBytes::copy_of(&store.bytes()[roots.trees.start * size..])?,
            roots: roots.clone(),
            origin: *origin,
        };
        let n_items = roots.n_items;
        // No more than there was, so there is no error.
        store.resize(n_items * size)?;
        let store = std::mem::take(store);
        self.state = State::Building { store, n_items };
        Ok(before)
    }

    /// Undoes what was done since [`begin`](Self::begin).
    fn go_back(&mut self, before: Before, new: &[usize]) {
        let size = self.layout.node_size;
        let (State::Building { store, .. } | State::Built { store, .. }) = &mut self.state else {
            return;
        };
        let mut store = std::mem::take(store);
        let Before {
            roots,
            origin,
            trees,
        } = before;
        let n_items = roots.n_items;
        // There was room for all of it, and it was not given back.
        let restored = store.resize(n_items * size).and_then(|()| {
            for &id in new.iter().filter(|&&id| id < n_items) {
                store.bytes_mut()[id * size..][..size].fill(0);
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
                }
            }
            Err(_) => State::Building { store, n_items },
        };
    }

    fn extend_trees(&mut self, before: &Before, new: &[usize], meter: &Meter<'_>) -> Result<()> {
        let State::Building { store, n_items } = &mut self.state else {
            return Err(self.state.illegal("insert items", "built"));
        };
        let (n_items, layout) = (*n_items, &self.layout);
        let plan = Plan {
            n_trees: Some(before.roots.n_trees),
            n_threads: 1,
            seed: before.origin.seed,
            first_tree: n_items + superblock::nodes(layout),
        };
        self.engine.prepare(store.bytes_mut(), layout);
        let items = Nodes::new(store.bytes(), layout);
        let present = (0..n_items).filter(|&id| items.get(id).n_descendants() == 1);
        let old = OldTrees {
            roots: &before.roots,
            nodes: Nodes::new(before.trees.bytes(), layout),
            n_present: present.count() - new.len(),
            new,
        };
        let (roots, _) = append_trees(store, layout, plan, &[], meter, |items, emit| {
            self.engine.extend(items, layout, &old, plan, meter, emit)
        })?;
        self.state = State::Built {
            store: std::mem::take(store),
            roots,
            origin: before.origin,
        };
        Ok(())
    }

    fn extend_graph_and_scan(&mut self, new: &[usize], work: &mut Work<'_>) -> Result<()> {
        let graph = match self.graph() {
            None => None,
            Some(old) => Some(work.run(Stage::Graph, 0, |meter| {
                let roots = self.state.roots("insert items")?;
                let nodes = self.nodes();
                self.engine.extend_graph(&nodes, roots, &old, new, meter)
            })?),
        };
        let scan = match self.scan() {
            None => None,
            Some(old) => Some(work.run(Stage::Scan, 0, |meter| {
                let nodes = self.nodes();
                self.engine
                    .extend_scan(&nodes, self.n_items(), &old, new, meter)
            })?),
        };
        if let Some(graph) = graph {
            self.attached.graph = Part::Built(graph);
        }
        if let Some(scan) = scan {
            self.attached.scan = Part::Built(scan);
        }
        Ok(())
    }
}
