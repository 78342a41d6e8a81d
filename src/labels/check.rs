//! Looks at a whole labels section.

use super::section::{Parts, View};
use super::{home, Label, LabelKind};
use crate::error::{reserve, Result};
use crate::forest::inspect::Faults;
use crate::memory::with_room;
use crate::work::Meter;
use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Bytes between two looks at the meter.
const STEP: usize = 1 << 20;

/// What a place costs beside the bytes of its label.
const PLACE: usize = 16;

/// Looks at the meter now and then.
struct Pace<'a, 'b> {
    meter: &'a Meter<'b>,
    bytes: Cell<usize>,
}

impl Pace<'_, '_> {
    fn read(&self, bytes: usize) -> Result<()> {
        let sum = self.bytes.get().saturating_add(bytes);
        self.bytes.set(if sum < STEP { sum } else { 0 });
        match sum < STEP {
            true => Ok(()),
            false => self.meter.repeat(),
        }
    }
}

fn len(label: Label<'_>) -> usize {
    match label {
        Label::U64(_) => PLACE,
        Label::Utf8(text) => PLACE + text.len(),
    }
}

/// A bit for each item whose label a slot names.
struct Seen(Vec<u64>);

impl Seen {
    fn none(n_places: usize) -> Result<Self> {
        let mut words = Vec::new();
        reserve(&mut words, n_places.div_ceil(64))?;
        words.resize(n_places.div_ceil(64), 0);
        Ok(Seen(words))
    }

    fn has(&self, id: usize) -> bool {
        self.0[id / 64] >> (id % 64) & 1 == 1
    }

    fn add(&mut self, id: usize) {
        self.0[id / 64] |= 1 << (id % 64);
    }
}

impl View<'_> {
    /// Whether each label is found by its id and each id by its label, and no label is there twice.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`], [`crate::Error::Cancelled`]. Faults are no errors.
    pub fn verify(&self, meter: &Meter<'_>, faults: &mut Faults) -> Result<()> {
        let pace = &Pace {
            meter,
            bytes: Cell::new(0),
        };
        let parts = self.parts()?;
        self.padding(&parts, faults);
        let Some(n_labels) = self.values(&parts, pace, faults)? else {
            return Ok(());
        };
        if n_labels != self.header.n_labels {
            faults.add(Some(self.node), || {
                format!(
                    "{n_labels} items have labels, their section counts {}",
                    self.header.n_labels
                )
            });
        }
        match self.header.is_sorted {
            true => self.sorted_slots(&parts, pace, faults),
            false => self.slots(&parts, pace, faults),
        }
    }

    /// Looks at every place; the number of labels. None where strings are not one after the other:
    /// they could all be long parts of one, and take for ever to read.
    fn values(
        &self,
        parts: &Parts,
        pace: &Pace<'_, '_>,
        faults: &mut Faults,
    ) -> Result<Option<usize>> {
        let mut n_labels = 0;
        let value = |i: usize| {
            let at = parts.values.start + i * 8;
            self.section[at..at + 8]
                .try_into()
                .map_or(0, u64::from_le_bytes)
        };
        for id in 0..self.header.n_places {
            let is_behind = self.header.kind == LabelKind::Utf8 && value(id) > value(id + 1);
            if is_behind {
                faults.add(Some(id), || {
                    let (start, end) = (value(id), value(id + 1));
                    format!("its label is bytes {start} to {end}, and those behind it are not looked at")
                });
                return Ok(None);
            }
            let label = self.get_in(parts, id);
            pace.read(
                label
                    .as_ref()
                    .map_or(PLACE, |label| label.map_or(PLACE, len)),
            )?;
            match label {
                Ok(Some(_)) => n_labels += 1,
                Ok(None) => {
                    let is_empty = match self.header.kind {
                        LabelKind::U64 => value(id) == 0,
                        LabelKind::Utf8 => value(id) == value(id + 1),
                    };
                    if !is_empty {
                        faults.add(Some(id), || {
                            format!("it has no label, but bytes where one would be")
                        });
                    }
                }
                Err(error) => {
                    n_labels += 1;
                    faults.add(Some(id), || crate::memory::text(error));
                }
            }
        }
        if self.header.kind == LabelKind::Utf8 {
            let ends = (value(0), value(self.header.n_places));
            let expected = (0, parts.bytes.len() as u64);
            if ends != expected {
                faults.add(Some(self.node), || {
                    format!("the labels are the bytes {ends:?}, expected {expected:?}")
                });
            }
        }
        Ok(Some(n_labels))
    }

    /// Looks at every slot. Those between two empty ones are looked at together: their labels have
    /// to be at home there.
    fn slots(&self, parts: &Parts, pace: &Pace<'_, '_>, faults: &mut Faults) -> Result<()> {
        let n_slots = self.header.n_slots;
        let Some(empty) = (0..n_slots).find(|&slot| self.slot(parts, slot) == 0) else {
            faults.add(Some(self.node), || {
                format!("no slot of the labels is empty")
            });
            return Ok(());
        };
        let mut seen = Seen::none(self.header.n_places)?;
        // Hashes and ids since the last empty slot.
        let mut run: Vec<(u64, usize)> = Vec::new();
        let keys = RandomState::new();
        for i in 1..=n_slots {
            pace.read(PLACE)?;
            let slot = (empty + i) % n_slots;
            let Some(id) = self.slot(parts, slot).checked_sub(1) else {
                self.repeats(parts, &mut run, &keys, pace, faults)?;
                run.clear();
                continue;
            };
            let Some((id, label)) = self.named(parts, slot, id, &mut seen, faults) else {
                // Whoever looks for those behind it has to pass it.
                reserve(&mut run, 1)?;
                run.push((0, usize::MAX));
                continue;
            };
            pace.read(len(label))?;
            let hash = self.hash(label);
            let distance = (slot + n_slots - home(hash, n_slots)) % n_slots;
            if distance > run.len() {
                faults.add(Some(id), || {
                    format!("its label is not found from where its hash says")
                });
            }
            reserve(&mut run, 1)?;
            run.push((hash, id));
        }
        self.others(parts, &seen, pace, faults)
    }

    /// Looks at slots that are in the order of the labels.
    fn sorted_slots(&self, parts: &Parts, pace: &Pace<'_, '_>, faults: &mut Faults) -> Result<()> {
        let mut seen = Seen::none(self.header.n_places)?;
        let mut before: Option<(Label<'_>, usize)> = None;
        for slot in 0..self.header.n_slots {
            pace.read(PLACE)?;
            let id = self.slot(parts, slot).checked_sub(1);
            let is_past = slot >= self.header.n_labels;
            let (Some(id), false) = (id, is_past) else {
                if id.is_some() == is_past {
                    let n = self.header.n_labels;
                    let found = if is_past { "names an item" } else { "is empty" };
                    faults.add(Some(self.node), || {
                        format!("slot {slot} of the labels {found}, expected the first {n} to name one each")
                    });
                }
                continue;
            };
            let Some((id, label)) = self.named(parts, slot, id, &mut seen, faults) else {
                continue;
            };
            pace.read(len(label))?;
            if let Some((smaller, other)) = before.filter(|before| before.0 >= label) {
                faults.add(Some(id), || match smaller == label {
                    true => format!("its label is that of item {other} too"),
                    false => {
                        format!("its label is not found, as that of item {other} stands before it")
                    }
                });
            }
            before = Some((label, id));
        }
        self.others(parts, &seen, pace, faults)
    }

    /// The item that a slot names, and its label; none where another slot has named it.
    fn named(
        &self,
        parts: &Parts,
        slot: usize,
        id: u64,
        seen: &mut Seen,
        faults: &mut Faults,
    ) -> Option<(usize, Label<'_>)> {
        let place = usize::try_from(id)
            .ok()
            .filter(|&id| id < self.header.n_places);
        // Its label is not read again: it may be long, and named by all slots.
        if let Some(id) = place.filter(|&id| seen.has(id)) {
            faults.add(Some(id), || format!("two slots name its label"));
            return None;
        }
        let label = place.map(|id| self.get_in(parts, id));
        if let (Some(id), Some(Ok(Some(label)))) = (place, label) {
            seen.add(id);
            return Some((id, label));
        }
        faults.add(Some(self.node), || {
            format!("slot {slot} of the labels names item {id}, which has none")
        });
        None
    }

    /// Looks for items whose labels no slot names.
    fn others(
        &self,
        parts: &Parts,
        seen: &Seen,
        pace: &Pace<'_, '_>,
        faults: &mut Faults,
    ) -> Result<()> {
        for id in 0..self.header.n_places {
            pace.read(PLACE)?;
            if !seen.has(id) && matches!(self.get_in(parts, id), Ok(Some(_))) {
                faults.add(Some(id), || format!("no slot names its label"));
            }
        }
        Ok(())
    }

    /// Looks for labels that are there twice: the same hash puts them between the same empty slots.
    fn repeats(
        &self,
        parts: &Parts,
        run: &mut [(u64, usize)],
        keys: &RandomState,
        pace: &Pace<'_, '_>,
        faults: &mut Faults,
    ) -> Result<()> {
        run.sort_unstable();
        for alike in run.chunk_by(|a, b| a.0 == b.0 && b.1 != usize::MAX) {
            if alike.len() == 1 {
                continue;
            }
            // Others may have been made to have the hash, too. By a key that nobody knows, those
            // that are the same are side by side.
            let mut by_key = with_room(alike.len())?;
            for &(_, id) in alike {
                if let Ok(Some(label)) = self.get_in(parts, id) {
                    pace.read(len(label))?;
                    by_key.push((keys.hash_one(label), id));
                }
            }
            by_key.sort_unstable();
            let mut pairs = with_room(by_key.len())?;
            for pair in by_key.windows(2) {
                let [(key, id), (other_key, other)] = [pair[0], pair[1]];
                let same = |id| self.get_in(parts, id).ok().flatten();
                if key == other_key && same(id) == same(other) {
                    pairs.push((other, id));
                }
            }
            pairs.sort_unstable();
            for (other, id) in pairs {
                // Not shown: a file's bytes may have become no string.
                faults.add(Some(other), || {
                    format!("its label is that of item {id} too")
                });
            }
        }
        Ok(())
    }

    /// What belongs to no part is 0.
    fn padding(&self, parts: &Parts, faults: &mut Faults) {
        let last_bits = self.section[parts.present.clone()]
            .last()
            .map_or(0, |&byte| {
                byte & !(0xff >> ((8 - self.header.n_places % 8) % 8))
            });
        let between = [
            48..parts.present.start,
            parts.present.end..parts.values.start,
            parts.slots.end..parts.bytes.start,
        ];
        let is_zero = |range: &std::ops::Range<usize>| {
            self.section[range.clone()].iter().all(|&byte| byte == 0)
        };
        let has_idle_seed = self.header.is_sorted && self.header.seed != 0;
        if last_bits != 0 || has_idle_seed || !between.iter().all(is_zero) {
            faults.add(Some(self.node), || {
                format!("unused bytes of the labels section are not 0")
            });
        }
    }
}
