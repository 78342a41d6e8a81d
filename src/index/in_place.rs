//! Inserting a few items where trees and graph lie, in time that does not grow with the index.

use super::attached::Part;
use super::change::{self, Changed};
use super::engine::Engine;
use super::insert::Insertion;
use super::state::{Room, State};
use super::store::Store;
use super::vector::Vector;
use super::Index;
use crate::error::Result;
use crate::file::superblock;
use crate::forest::insert::Grown;
use crate::forest::roots::Roots;
use crate::forest::tree::map_children;
use crate::graph::build::insert_one;
use crate::layout::{NodeMut, Nodes};
use crate::memory;
use crate::storage::{HeapBytes, Journal};
use crate::work::{Meter, Stage, Work};
use std::panic::{self, AssertUnwindSafe};

/// So many times as many items as are inserted must be there: more come by several threads, with
/// trees and graph written anew.
const LEAST_SHARE: usize = 64;

/// An index as it was.
struct Before {
    roots: Roots,
    has_grown: bool,
    /// What is behind the trees.
    tail: Vec<u8>,
    nodes: Journal,
    /// No part of it: see [`Grown`].
    copies: HeapBytes,
    graph: Option<insert_one::Before>,
}

impl Index {
    /// Whether items are to be put in where trees and graph lie. Makes room for them, once: when it
    /// is used up all is to be written anew.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory); the index is as before.
    pub(super) fn has_room_for(&mut self, changed: &Changed) -> Result<bool> {
        let State::Built {
            store: Store::Heap(_),
            roots,
            room,
            ..
        } = &self.state
        else {
            return Ok(false);
        };
        let are_few = changed.new.len() * LEAST_SHARE <= roots.n_items
            && changed.gone.view().is_none()
            && self.scan().is_none()
            && roots.n_items <= u32::MAX as usize;
        if !are_few || room.is_none() && !self.make_room()? {
            return Ok(false);
        }
        let end = self.places()?;
        Ok(changed.new.last().is_none_or(|&last| last < end))
    }

    /// Moves the trees away from the items, to make room between. False where they cannot be added
    /// to: they are of one node each.
    fn make_room(&mut self) -> Result<bool> {
        let State::Built {
            store: Store::Heap(store),
            roots,
            room,
            ..
        } = &mut self.state
        else {
            return Ok(false);
        };
        let (layout, size) = (&self.layout, self.layout.node_size);
        let nodes = Nodes::new(store.bytes(), layout);
        let n_items = roots.n_items;
        // Those of a root are all items.
        let is_root = |&id: &usize| nodes.get(id).n_descendants() == n_items as i64;
        let mut own_roots = memory::collect(roots.trees.clone().filter(is_root))?;
        let n_present = (0..n_items).filter(|&id| nodes.get(id).n_descendants() == 1);
        let are_split = n_items > layout.max_leaf && n_present.take(2).count() == 2;
        let n_free = change::n_free(n_items, roots.n_nodes, layout);
        let first = n_items + superblock::nodes(layout) + n_free;
        let by = first.saturating_sub(roots.trees.start);
        if own_roots.len() != roots.n_trees || !are_split || n_free == 0 {
            return Ok(false);
        }
        let largest = self
            .engine
            .largest(&Nodes::new(&store.bytes()[..n_items * size], layout));
        let trees = roots.trees.start * size..roots.n_nodes * size;
        store.resize(trees.end + by * size)?;
        if let Part::Built(graph) = &mut self.attached.graph {
            if let Err(error) = graph.make_room(n_items + n_free) {
                cut(store, trees.end);
                return Err(error);
            }
            let trees = roots.trees.clone();
            graph.renumber_routes(self.options.f, |id| trees.contains(&id).then_some(id + by));
        }
        let bytes = store.bytes_mut();
        bytes.copy_within(trees.clone(), trees.start + by * size);
        bytes[trees.start..trees.start + by * size].fill(0);
        map_children(
            &mut bytes[trees.start + by * size..],
            layout,
            n_items,
            |id| id + by,
        );
        roots.trees = roots.trees.start + by..roots.trees.end + by;
        roots.n_nodes += by;
        own_roots.iter_mut().for_each(|root| *root += by);
        *room = Some(Room {
            own_roots,
            has_grown: false,
            largest,
        });
        Ok(true)
    }

    /// Puts items in where trees and graph lie, where there is [room](Self::has_room_for) for them,
    /// and has `finish` do what is left to do. False where all has to be written anew after all. On
    /// an error, and then, all is as before.
    pub(super) fn insert_in_place<'a>(
        &mut self,
        changed: &Changed,
        insertion: &Insertion<'_>,
        rows: &dyn Fn(usize) -> Vector<'a>,
        work: &mut Work<'_>,
        finish: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<bool> {
        let Some(mut before) = self.before()? else {
            return Ok(false);
        };
        let n_before = before.roots.n_items;
        let done = panic::catch_unwind(AssertUnwindSafe(|| {
            let n_rows = changed.new.len();
            let is_done = work.run(Stage::Build, n_rows as u64, |meter| {
                for row in 0..n_rows {
                    let id = insertion
                        .ids
                        .map_or(n_before + row, |ids| ids[row] as usize);
                    if !self.write(id, rows(row))? {
                        return Ok(false);
                    }
                }
                for id in self.in_order(&changed.new, &mut before)? {
                    if !self.put(id, &mut before, meter)? {
                        return Ok(false);
                    }
                    meter.advance(1)?;
                }
                self.with_trees(&mut before, |_, trees| trees.count_items())?;
                Ok(true)
            })?;
            let n_items = self.n_items();
            if let Some(marks) = &mut self.attached.removed {
                marks.extend(n_items)?;
            }
            if is_done {
                finish(self)?;
            }
            Ok(is_done)
        }));
        if !matches!(done, Ok(Ok(true))) {
            self.undo(before, changed);
        }
        done.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    fn before(&mut self) -> Result<Option<Before>> {
        let State::Built {
            store,
            roots,
            room: Some(room),
            ..
        } = &mut self.state
        else {
            return Ok(None);
        };
        let tail = &store.bytes()[roots.trees.end * self.layout.node_size..];
        let before = Before {
            roots: roots.clone(),
            has_grown: room.has_grown,
            tail: memory::copy(tail)?,
            nodes: Journal::default(),
            copies: HeapBytes::default(),
            graph: match &self.attached.graph {
                Part::Built(graph) => Some(graph.before()),
                _ => None,
            },
        };
        room.has_grown = true;
        Ok(Some(before))
    }

    /// Fills an item's node. False where that would change others.
    fn write(&mut self, id: usize, vector: Vector<'_>) -> Result<bool> {
        let State::Built {
            store: Store::Heap(store),
            roots,
            room: Some(room),
            ..
        } = &mut self.state
        else {
            return Ok(false);
        };
        let (layout, size) = (&self.layout, self.layout.node_size);
        let node = &mut store.bytes_mut()[id * size..][..size];
        self.engine
            .write_item(NodeMut::new(node, layout), vector, id as i64)?;
        roots.n_items = roots.n_items.max(id + 1);
        Ok(self
            .engine
            .prepare_one(NodeMut::new(node, layout), room.largest))
    }

    /// The items in the order in which they are best put in: near ones one after the other.
    fn in_order(&mut self, new: &[usize], before: &mut Before) -> Result<Vec<usize>> {
        let places = self.with_trees(before, |engine, trees| {
            memory::try_collect(
                new.iter()
                    .map(|&id| Ok((engine.place_in_trees(trees, id)?, id))),
            )
        });
        let mut places = places?;
        places.sort_unstable();
        memory::collect(places.into_iter().map(|(_, id)| id))
    }

    /// Puts one item in that is there.
    fn put(&mut self, id: usize, before: &mut Before, meter: &Meter<'_>) -> Result<bool> {
        self.with_trees(before, |engine, trees| engine.insert_in_trees(trees, id))?;
        let State::Built { store, roots, .. } = &self.state else {
            return Ok(false);
        };
        let nodes = Nodes::new(store.bytes(), &self.layout);
        match (&mut self.attached.graph, &mut before.graph) {
            (Part::Built(graph), Some(before)) => self
                .engine
                .insert_in_graph(&nodes, roots, graph, id, before, meter),
            _ => Ok(true),
        }
    }

    /// Hands out the trees to be changed.
    fn with_trees<R>(
        &mut self,
        before: &mut Before,
        change: impl FnOnce(&dyn Engine, &mut Grown<'_>) -> Result<R>,
    ) -> Result<R> {
        let State::Built {
            store: Store::Heap(store),
            roots,
            origin,
            room: Some(room),
        } = &mut self.state
        else {
            return Err(self.state.illegal("insert items", "built"));
        };
        let mut trees = Grown {
            layout: &self.layout,
            store,
            roots,
            own_roots: &room.own_roots,
            seed: origin.seed,
            journal: &mut before.nodes,
            copies: &mut before.copies,
        };
        change(self.engine.as_ref(), &mut trees)
    }

    fn undo(&mut self, before: Before, changed: &Changed) {
        let State::Built {
            store: Store::Heap(store),
            roots,
            room: Some(room),
            ..
        } = &mut self.state
        else {
            return;
        };
        let size = self.layout.node_size;
        before.nodes.undo(store.bytes_mut());
        for id in &changed.new {
            store.bytes_mut()[id * size..][..size].fill(0);
        }
        let end = before.roots.trees.end * size;
        cut(store, end + before.tail.len());
        store.bytes_mut()[end..].copy_from_slice(&before.tail);
        *roots = before.roots;
        room.has_grown = before.has_grown;
        if let (Part::Built(graph), Some(before)) = (&mut self.attached.graph, before.graph) {
            graph.undo(before);
        }
        if let Some(marks) = &mut self.attached.removed {
            marks.cut(roots.n_items);
        }
    }
}

/// Makes bytes no more than there were once: there is no error.
fn cut(store: &mut HeapBytes, len: usize) {
    let cut = store.resize(len);
    debug_assert!(cut.is_ok());
}
