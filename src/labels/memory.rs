//! Labels that are being given, in memory.

use super::{home, Label, LabelKind, Owned};
use crate::error::{reserve, Error, Result};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// The labels by id.
enum Values {
    U64 {
        numbers: Vec<u64>,
        /// One bit for each: whether it is a label.
        present: Vec<u64>,
    },
    Utf8(Vec<Option<Box<str>>>),
}

impl Values {
    fn of(kind: LabelKind) -> Self {
        match kind {
            LabelKind::U64 => Values::U64 {
                numbers: Vec::new(),
                present: Vec::new(),
            },
            LabelKind::Utf8 => Values::Utf8(Vec::new()),
        }
    }

    fn kind(&self) -> LabelKind {
        match self {
            Values::U64 { .. } => LabelKind::U64,
            Values::Utf8(_) => LabelKind::Utf8,
        }
    }

    fn len(&self) -> usize {
        match self {
            Values::U64 { numbers, .. } => numbers.len(),
            Values::Utf8(texts) => texts.len(),
        }
    }

    fn get(&self, id: usize) -> Option<Label<'_>> {
        match self {
            Values::U64 { numbers, present } => {
                let number = numbers.get(id)?;
                (present[id / 64] >> (id % 64) & 1 == 1).then_some(Label::U64(*number))
            }
            Values::Utf8(texts) => texts.get(id)?.as_deref().map(Label::Utf8),
        }
    }

    /// Makes room for ids below `n`.
    fn cover(&mut self, n: usize) -> Result<()> {
        match self {
            Values::U64 { numbers, present } => {
                // In this order: every number has its bit, also when memory ends in between.
                grow(present, n.div_ceil(64), 0)?;
                grow(numbers, n, 0)
            }
            Values::Utf8(texts) => grow(texts, n, None),
        }
    }

    /// Puts a label of its own kind, or none, at a place there is room for.
    fn put(&mut self, id: usize, label: Option<Owned>) {
        match (self, label) {
            (Values::U64 { numbers, present }, label) => {
                let (word, bit) = (&mut present[id / 64], 1 << (id % 64));
                match label {
                    Some(Owned::U64(number)) => {
                        *word |= bit;
                        numbers[id] = number;
                    }
                    _ => *word &= !bit,
                }
            }
            (Values::Utf8(texts), Some(Owned::Utf8(text))) => texts[id] = Some(text),
            (Values::Utf8(texts), _) => texts[id] = None,
        }
    }

    fn take(&mut self, id: usize) -> Option<Owned> {
        match self {
            Values::U64 { .. } => {
                let Some(Label::U64(number)) = self.get(id) else {
                    return None;
                };
                self.put(id, None);
                Some(Owned::U64(number))
            }
            Values::Utf8(texts) => texts.get_mut(id)?.take().map(Owned::Utf8),
        }
    }
}

/// As `resize`, growing by half at least; running out of memory is an error.
fn grow<T: Clone>(values: &mut Vec<T>, len: usize, value: T) -> Result<()> {
    if len > values.len() {
        let most = len.max(values.len() + values.len() / 2);
        reserve(values, most - values.len())?;
        values.resize(len, value);
    }
    Ok(())
}

/// Labels by id, and ids by label.
pub struct Memory {
    values: Values,
    /// Ids plus one where their labels' hashes say, or as near behind as there was room; 0 for
    /// none. Half of them at the least are empty.
    slots: Vec<u64>,
    count: usize,
    /// Not that of the file: nobody can make labels that all want the same slot.
    hashes: RandomState,
}

/// What undoes a [`Memory::set_all`]: ids and the labels that they had.
type Journal = Vec<(usize, Option<Owned>)>;

impl Memory {
    /// Without labels, for those of a kind.
    pub fn new(kind: LabelKind) -> Self {
        Memory {
            values: Values::of(kind),
            slots: Vec::new(),
            count: 0,
            hashes: RandomState::new(),
        }
    }

    pub fn kind(&self) -> LabelKind {
        self.values.kind()
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The largest id with a label, plus one.
    pub fn n_places(&self) -> usize {
        let labelled = |&id: &usize| self.values.get(id).is_some();
        (0..self.values.len())
            .rev()
            .find(labelled)
            .map_or(0, |id| id + 1)
    }

    pub fn get(&self, id: usize) -> Option<Label<'_>> {
        self.values.get(id)
    }

    fn home(&self, label: Label<'_>) -> usize {
        home(self.hashes.hash_one(label), self.slots.len())
    }

    /// The slot of a label, or the one where it would be put. There must be slots.
    fn slot(&self, label: Label<'_>) -> usize {
        let mut slot = self.home(label);
        while let Some(id) = self.slots[slot].checked_sub(1) {
            if self.values.get(id as usize) == Some(label) {
                break;
            }
            slot = (slot + 1) % self.slots.len();
        }
        slot
    }

    pub fn find(&self, label: Label<'_>) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let id = self.slots[self.slot(label)].checked_sub(1)?;
        Some(id as usize)
    }

    /// Makes room for ids below `n_places` and `additional` labels.
    pub(super) fn make_room(&mut self, n_places: usize, additional: usize) -> Result<()> {
        self.values.cover(n_places)?;
        let needed = (self.count + additional).saturating_mul(2);
        if needed <= self.slots.len() {
            return Ok(());
        }
        let len = needed.max(self.slots.len().saturating_mul(2)).max(16);
        let mut slots = Vec::new();
        reserve(&mut slots, len)?;
        slots.resize(len, 0);
        self.slots = slots;
        for id in 0..self.values.len() {
            if let Some(label) = self.values.get(id) {
                let slot = self.slot(label);
                self.slots[slot] = id as u64 + 1;
            }
        }
        Ok(())
    }

    /// Takes an item's label away.
    pub fn take(&mut self, id: usize) -> Option<Owned> {
        let mut hole = self.slot(self.values.get(id)?);
        let n = self.slots.len();
        let label = self.values.take(id);
        self.count -= 1;
        // What stands behind moves up, unless that would put it before its home.
        let mut next = (hole + 1) % n;
        while let Some(other) = self.slots[next].checked_sub(1) {
            if let Some(label) = self.values.get(other as usize) {
                let home = self.home(label);
                if (next + n - home) % n >= (next + n - hole) % n {
                    self.slots[hole] = other + 1;
                    hole = next;
                }
            }
            next = (next + 1) % n;
        }
        self.slots[hole] = 0;
        label
    }

    /// Gives a label that no item has to an item that has none; there is room.
    fn put(&mut self, id: usize, label: Owned) {
        self.values.put(id, Some(label));
        if let Some(label) = self.values.get(id) {
            let slot = self.slot_of_new(label);
            self.slots[slot] = id as u64 + 1;
            self.count += 1;
        }
    }

    /// The first empty slot from a label's home on.
    fn slot_of_new(&self, label: Label<'_>) -> usize {
        let mut slot = self.home(label);
        while self.slots[slot] != 0 {
            slot = (slot + 1) % self.slots.len();
        }
        slot
    }

    /// Gives labels to items, all or none; of labels for the same item the last counts.
    ///
    /// # Errors
    /// [`Error::Label`] when two items would have the same; [`Error::NoMemory`].
    pub fn set_all<'a>(
        &mut self,
        labels: impl ExactSizeIterator<Item = (usize, Label<'a>)> + Clone,
    ) -> Result<()> {
        let n_places = labels.clone().map(|(id, _)| id + 1).max().unwrap_or(0);
        self.make_room(n_places, labels.len())?;
        let mut journal = Journal::new();
        reserve(&mut journal, labels.len().saturating_mul(2))?;
        // First the old ones are taken away, so that items can swap theirs.
        for (id, _) in labels.clone() {
            journal.push((id, self.take(id)));
        }
        for (id, label) in labels {
            journal.push((id, self.take(id)));
            let added = Owned::copy_of(label).and_then(|label| self.add(id, label));
            if let Err(error) = added {
                self.undo(journal);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Gives a label of the same kind to an item that has none. Makes room where there is none.
    pub(super) fn add(&mut self, id: usize, label: Owned) -> Result<()> {
        self.make_room(id + 1, 1)?;
        let new = label.as_label();
        if let Some(other) = self.find(new) {
            return Err(Error::Label(format!(
                "item {id} cannot have the label {new}: it is that of item {other}"
            )));
        }
        self.put(id, label);
        Ok(())
    }

    fn undo(&mut self, journal: Journal) {
        for (id, before) in journal.into_iter().rev() {
            self.take(id);
            if let Some(label) = before {
                self.put(id, label);
            }
        }
    }

    /// Gives back what [`take`](Self::take) took.
    pub fn give_back(&mut self, id: usize, label: Owned) {
        self.take(id);
        self.put(id, label);
    }
}
