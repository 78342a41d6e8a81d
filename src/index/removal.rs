//! Taking items out of what searches find.

use super::state::State;
use super::Index;
use crate::error::{reserve, Error, Result};
use crate::labels::Owned;
use crate::removed::{Marks, Removed};

/// Items that a build leaves out, so that they can come back should it fail.
#[derive(Default)]
pub(super) struct Out {
    marks: Option<Marks>,
    ids: Vec<usize>,
    /// Their nodes.
    nodes: Vec<u8>,
    labels: Vec<(usize, Owned)>,
}

impl Index {
    /// Marks an item as removed: no search finds it or starts from it any more. Its vector stays
    /// readable and its label findable until the next [`build`](Self::build), which leaves it out.
    /// Legal in every state; marks go along when the index is saved. Nothing happens when it is
    /// removed already.
    ///
    /// # Errors
    /// [`Error::Item`] for an id that the index does not have, or a missing item;
    /// [`Error::NoMemory`].
    pub fn remove_item(&mut self, id: i64) -> Result<()> {
        let place = self.item(id)?;
        if self.nodes().get(place).n_descendants() != 1 {
            let expected = format!("an item that is not missing");
            return Err(Error::Item { id, expected });
        }
        let n_items = self.n_items();
        self.own_marks()?.add(place, n_items)
    }

    /// Takes the mark of a removed item away; nothing happens when it has none. As
    /// [`remove_item`](Self::remove_item).
    ///
    /// # Errors
    /// [`Error::Item`] for an id that the index does not have; [`Error::NoMemory`].
    pub fn restore_item(&mut self, id: i64) -> Result<()> {
        let id = self.item(id)?;
        if self.removed().is_some_and(|removed| removed.has(id)) {
            self.own_marks()?.take(id);
        }
        Ok(())
    }

    /// Whether an item is marked as removed; those that the index does not have are not.
    pub fn is_removed(&self, id: i64) -> bool {
        let (removed, id) = (self.removed(), self.item(id));
        removed.is_some_and(|removed| id.is_ok_and(|id| removed.has(id)))
    }

    /// Whether an id holds an item that searches may find: one that is neither missing (a hole, or
    /// past the last) nor removed.
    pub fn has_item(&self, id: i64) -> bool {
        self.item(id).is_ok_and(|id| self.is_there(id))
    }

    /// The ids that [hold items](Self::has_item), ascending. Looks at each item's node.
    pub fn ids(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.n_items())
            .filter(|&id| self.is_there(id))
            .map(|id| id as i64)
    }

    fn is_there(&self, id: usize) -> bool {
        let removed = self.removed().is_some_and(|removed| removed.has(id));
        !removed && self.nodes().get(id).n_descendants() == 1
    }

    /// How many items are marked as removed.
    pub fn n_removed(&self) -> usize {
        self.removed().map_or(0, |removed| removed.count())
    }

    /// The marks; none when nothing is marked.
    pub(super) fn removed(&self) -> Option<Removed<'_>> {
        match (&self.attached.removed, &self.state) {
            (Some(marks), _) => marks.view(),
            (None, State::Mapped(file)) => file.removed(),
            _ => None,
        }
    }

    /// An item that a search may start from.
    pub(super) fn item_not_removed(&self, id: i64) -> Result<usize> {
        let place = self.item(id)?;
        if self.removed().is_some_and(|removed| removed.has(place)) {
            let expected = format!("an item that is not removed");
            return Err(Error::Item { id, expected });
        }
        Ok(place)
    }

    fn own_marks(&mut self) -> Result<&mut Marks> {
        if self.attached.removed.is_none() {
            self.attached.removed = Some(Marks::copy_of(self.removed(), self.n_items())?);
        }
        Ok(self.attached.removed.get_or_insert_default())
    }

    /// Makes the removed items missing ones without labels, for a build.
    pub(super) fn take_removed_out(&mut self) -> Result<Out> {
        let State::Building { store, .. } = &mut self.state else {
            return Ok(Out::default());
        };
        let Some(removed) = self.attached.removed.as_ref().and_then(Marks::view) else {
            return Ok(Out::default());
        };
        let size = self.layout.node_size;
        let n = removed.ids().count();
        let mut out = Out::default();
        reserve(&mut out.ids, n)?;
        reserve(&mut out.nodes, n * size)?;
        reserve(&mut out.labels, n)?;
        for id in removed.ids() {
            let node = &mut store.bytes_mut()[id * size..][..size];
            out.ids.push(id);
            out.nodes.extend_from_slice(node);
            node.fill(0);
            let label = self
                .attached
                .labels
                .as_mut()
                .and_then(|labels| labels.take(id));
            out.labels.extend(label.map(|label| (id, label)));
        }
        out.marks = self.attached.removed.take();
        Ok(out)
    }

    /// Makes them items again, with marks and labels, as the build failed.
    pub(super) fn put_back(&mut self, out: Out) {
        let State::Building { store, .. } = &mut self.state else {
            return;
        };
        let size = self.layout.node_size;
        for (id, node) in out.ids.into_iter().zip(out.nodes.chunks_exact(size)) {
            store.bytes_mut()[id * size..][..size].copy_from_slice(node);
        }
        if let Some(labels) = &mut self.attached.labels {
            for (id, label) in out.labels {
                labels.give_back(id, label);
            }
        }
        self.attached.removed = out.marks;
    }
}
