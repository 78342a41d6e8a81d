//! Inserting a few items where trees and graph lie, in time that does not grow with the index.

use super::attached::Part;
use super::change::Changed;
use super::insert::Insertion;
use super::state::{Room, State};
use super::store::Store;
use super::vector::Vector;
use super::Index;
use crate::error::Result;
use crate::file::superblock;
use crate::forest::insert::Grown;
use crate::forest::roots::Roots;
use crate::graph::build::insert_one;
use crate::layout::{NodeMut, Nodes};
use crate::memory;
use crate::storage::{HeapBytes, Journal};
use crate::work::{Meter, Stage, Work};
use std::panic::{self, AssertUnwindSafe};

/// So many times as many items as are inserted must be there: for more it takes less time to write
/// trees and graph anew.
const LEAST_SHARE: usize = 512;

/// An index as it was.
struct Before {
    roots: Roots,
    has_grown: bool,
    /// What is behind the trees.
    tail: Vec<u8>,
    nodes: Journal,
    graph: Option<insert_one::Before>,
}

impl Index {
    /// Whether there is room for the items, and writing all anew would take longer.
    pub(super) fn has_room_for(&self, changed: &Changed) -> bool {
        let State::Built {
            store: Store::Heap(_),
            roots,
            room: Some(_),
            ..
        } = &self.state
        else {
            return false;
        };
        let end = roots.trees.start - superblock::nodes(&self.layout);
        changed.gone.view().is_none()
            && self.scan().is_none()
            && changed.new.len() * LEAST_SHARE <= roots.n_items
            && changed.new.last().is_none_or(|&last| last < end)
            && roots.n_items <= u32::MAX as usize
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
                    if !self.put(id, rows(row), &mut before, meter)? {
                        return Ok(false);
                    }
                    meter.advance(1)?;
                }
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
            graph: match &self.attached.graph {
                Part::Built(graph) => Some(graph.before()),
                _ => None,
            },
        };
        room.has_grown = true;
        Ok(Some(before))
    }

    /// Puts one item in.
    fn put(
        &mut self,
        id: usize,
        vector: Vector<'_>,
        before: &mut Before,
        meter: &Meter<'_>,
    ) -> Result<bool> {
        let State::Built {
            store: Store::Heap(store),
            roots,
            origin,
            room: Some(room),
        } = &mut self.state
        else {
            return Ok(false);
        };
        let (layout, size) = (&self.layout, self.layout.node_size);
        let node = &mut store.bytes_mut()[id * size..][..size];
        self.engine
            .write_item(NodeMut::new(node, layout), vector, id as i64)?;
        if !self
            .engine
            .prepare_one(NodeMut::new(node, layout), room.largest)
        {
            return Ok(false);
        }
        roots.n_items = roots.n_items.max(id + 1);
        let Room { own_roots, .. } = room;
        let mut grown = Grown {
            layout,
            store,
            roots,
            own_roots,
            seed: origin.seed,
            journal: &mut before.nodes,
        };
        self.engine.insert_in_trees(&mut grown, id)?;
        grown.count_items()?;
        let nodes = Nodes::new(store.bytes(), layout);
        match (&mut self.attached.graph, &mut before.graph) {
            (Part::Built(graph), Some(before)) => self
                .engine
                .insert_in_graph(&nodes, roots, graph, id, before, meter),
            _ => Ok(true),
        }
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

/// Makes bytes no more than there were once, so that there is no error.
fn cut(store: &mut HeapBytes, len: usize) {
    let cut = store.resize(len);
    debug_assert!(cut.is_ok());
}
