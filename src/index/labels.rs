//! Names of items.

use super::state::State;
use super::Index;
use crate::error::{Error, Result};
use crate::labels::memory::Memory;
use crate::labels::section::View;
use crate::labels::{encode, Label, LabelKind};
use crate::work::Meter;
use std::borrow::Cow;

/// Where the labels are.
enum Place<'a> {
    Memory(&'a Memory),
    File(View<'a>),
}

impl Index {
    fn labels(&self) -> Option<Place<'_>> {
        match (&self.attached.labels, &self.state) {
            (Some(labels), _) => Some(Place::Memory(labels)),
            (None, State::Mapped(file)) => file.labels().map(Place::File),
            _ => None,
        }
    }

    /// What the labels are; none when there are none.
    pub fn label_kind(&self) -> Option<LabelKind> {
        let kind = match self.labels()? {
            Place::Memory(labels) => labels.kind(),
            Place::File(labels) => labels.header.kind,
        };
        Some(kind).filter(|_| self.n_labels() > 0)
    }

    /// How many items have a label.
    pub fn n_labels(&self) -> usize {
        match self.labels() {
            Some(Place::Memory(labels)) => labels.count(),
            Some(Place::File(labels)) => labels.header.n_labels,
            None => 0,
        }
    }

    /// An item's label. On a loaded file nothing but that is read.
    ///
    /// # Errors
    /// [`Error::Item`]; [`Error::Corrupt`] when a loaded file turns out to be damaged.
    pub fn label(&self, id: i64) -> Result<Option<Label<'_>>> {
        let id = self.item(id)?;
        match self.labels() {
            Some(Place::Memory(labels)) => Ok(labels.get(id)),
            Some(Place::File(labels)) => labels.get(id),
            None => Ok(None),
        }
    }

    /// The item with a label. On a loaded file little but that is read.
    ///
    /// ```
    /// use annoy_rs::{Index, Label, Metric};
    /// let mut index = Index::new(Metric::Euclidean, 1)?;
    /// index.add_item(0, &[1.0f32])?;
    /// index.set_label(0, "one")?;
    /// assert_eq!(index.find_label("one")?, Some(0));
    /// assert_eq!(index.label(0)?, Some(Label::Utf8("one")));
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the labels are of the other kind; [`Error::Corrupt`] when a
    /// loaded file turns out to be damaged.
    pub fn find_label<'a>(&self, label: impl Into<Label<'a>>) -> Result<Option<i64>> {
        let label = label.into();
        let Some(kind) = self.label_kind() else {
            return Ok(None);
        };
        kind.check(label.kind())?;
        let found = match self.labels() {
            Some(Place::Memory(labels)) => labels.find(label),
            Some(Place::File(labels)) => labels.find(label)?,
            None => None,
        };
        Ok(found.map(|id| id as i64))
    }

    /// Gives an item a label, in place of the one it had. Legal in every state; labels go along
    /// when the index is saved. The file of an on-disk build has those given before the build. The
    /// first on a loaded file copies those there are.
    ///
    /// # Errors
    /// [`Error::Item`] for an id that the index does not have; [`Error::Label`] when another item
    /// has that label; [`Error::Unsupported`] for a string where labels are numbers, and the other
    /// way; [`Error::NoMemory`]; [`Error::Corrupt`] for labels of a loaded file that cannot be
    /// copied.
    pub fn set_label<'a>(&mut self, id: i64, label: impl Into<Label<'a>>) -> Result<()> {
        self.set_labels(Some(&[id]), [label.into()].into_iter())
    }

    /// Gives labels to many items, all or none: to items `ids`, or, without ids, to the first ones.
    /// Of labels for the same item the last counts. Items may swap labels.
    ///
    /// # Errors
    /// As [`set_label`](Self::set_label); [`Error::Argument`] when there are not as many ids as
    /// labels.
    pub fn set_labels<'a, L: Into<Label<'a>>>(
        &mut self,
        ids: Option<&[i64]>,
        labels: impl ExactSizeIterator<Item = L> + Clone,
    ) -> Result<()> {
        let n = labels.len();
        if let Some(ids) = ids.filter(|ids| ids.len() != n) {
            let expected = format!("one for each of {n} labels");
            return Err(Error::argument("the number of ids", ids.len(), expected));
        }
        match (ids, n as i64) {
            (Some(ids), _) => ids.iter().try_for_each(|&id| self.item(id).map(|_| ()))?,
            (None, 0) => {}
            (None, n) => self.item(n - 1).map(|_| ())?,
        }
        let Some(kind) = labels.clone().next().map(|label| label.into().kind()) else {
            return Ok(());
        };
        for label in labels.clone() {
            self.label_kind()
                .unwrap_or(kind)
                .check(label.into().kind())?;
        }
        let id_of = |i: usize| ids.map_or(i, |ids| ids[i] as usize);
        let labels = labels
            .enumerate()
            .map(|(i, label)| (id_of(i), label.into()));
        if let Some(memory) = self
            .attached
            .labels
            .as_mut()
            .filter(|memory| memory.count() > 0)
        {
            return memory.set_all(labels);
        }
        // Those of a file are the index's own once all is well.
        let copy = self.copied_labels()?.filter(|copy| copy.count() > 0);
        let mut memory = copy.unwrap_or_else(|| Memory::new(kind));
        // A damaged file may have counted none.
        memory.kind().check(kind)?;
        memory.set_all(labels)?;
        self.attached.labels = Some(memory);
        Ok(())
    }

    /// Takes an item's label away; nothing happens when it has none. As
    /// [`set_label`](Self::set_label).
    ///
    /// # Errors
    /// [`Error::Item`]; [`Error::NoMemory`] or [`Error::Corrupt`] for labels of a loaded file that
    /// cannot be copied.
    pub fn clear_label(&mut self, id: i64) -> Result<()> {
        if self.label(id)?.is_none() {
            return Ok(());
        }
        if let Some(copy) = self.copied_labels()? {
            self.attached.labels = Some(copy);
        }
        let id = self.item(id)?;
        if let Some(labels) = &mut self.attached.labels {
            labels.take(id);
        }
        Ok(())
    }

    /// Takes all labels away; those to come may be of the other kind.
    pub fn clear_labels(&mut self) {
        self.attached.labels = Some(Memory::new(LabelKind::U64));
    }

    /// A copy of the labels of the loaded file, if they are those of the index.
    pub(super) fn copied_labels(&self) -> Result<Option<Memory>> {
        match self.labels() {
            Some(Place::File(view)) => view.copy().map(Some),
            _ => Ok(None),
        }
    }

    /// What a save writes of them, as long as it will be; empty when there are none. Those of a
    /// loaded file are there, for others it is room, which [`fill_labels`](Self::fill_labels)
    /// fills.
    pub(super) fn room_for_labels(&self) -> Result<Cow<'_, [u8]>> {
        Ok(match self.labels() {
            Some(Place::Memory(labels)) => Cow::Owned(encode::room(labels)?),
            Some(Place::File(labels)) => Cow::Borrowed(labels.section()),
            None => Cow::Borrowed(&[]),
        })
    }

    /// Fills the room for labels.
    pub(super) fn fill_labels(&self, room: &mut Cow<'_, [u8]>, meter: &Meter<'_>) -> Result<()> {
        match (room, &self.attached.labels) {
            (Cow::Owned(section), Some(labels)) => encode::fill(section, labels, meter),
            _ => Ok(()),
        }
    }
}
