//! Looks at a whole labels section.

use super::section::{Parts, View};
use super::{home, Label, LabelKind};
use crate::error::{reserve, Result};
use crate::forest::inspect::Faults;

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

    fn add(&mut self, id: usize, faults: &mut Faults) {
        if self.has(id) {
            faults.add(Some(id), || "two slots name its label".to_string());
        }
        self.0[id / 64] |= 1 << (id % 64);
    }
}

impl View<'_> {
    /// Whether each label is found by its id and each id by its label, and no label is there twice.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`]. Faults are no errors.
    pub fn verify(&self, faults: &mut Faults) -> Result<()> {
        let parts = self.parts()?;
        let n_labels = self.values(&parts, faults);
        if n_labels != self.header.n_labels {
            faults.add(Some(self.node), || {
                format!(
                    "{n_labels} items have labels, their section counts {}",
                    self.header.n_labels
                )
            });
        }
        match self.header.is_sorted {
            true => self.sorted_slots(&parts, faults)?,
            false => self.slots(&parts, faults)?,
        }
        self.padding(&parts, faults);
        Ok(())
    }

    /// Looks at every place; the number of labels.
    fn values(&self, parts: &Parts, faults: &mut Faults) -> usize {
        let mut n_labels = 0;
        let value = |i: usize| {
            let at = parts.values.start + i * 8;
            self.section[at..at + 8]
                .try_into()
                .map_or(0, u64::from_le_bytes)
        };
        for id in 0..self.header.n_places {
            match self.get_in(parts, id) {
                Ok(Some(_)) => n_labels += 1,
                Ok(None) => {
                    let is_empty = match self.header.kind {
                        LabelKind::U64 => value(id) == 0,
                        LabelKind::Utf8 => value(id) == value(id + 1),
                    };
                    if !is_empty {
                        faults.add(Some(id), || {
                            "it has no label, but bytes where one would be".to_string()
                        });
                    }
                }
                Err(error) => {
                    n_labels += 1;
                    faults.add(Some(id), || error.to_string());
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
        n_labels
    }

    /// Looks at every slot. Those between two empty ones are looked at together: their labels have to be at home there.
    fn slots(&self, parts: &Parts, faults: &mut Faults) -> Result<()> {
        let n_slots = self.header.n_slots;
        let Some(empty) = (0..n_slots).find(|&slot| self.slot(parts, slot) == 0) else {
            faults.add(Some(self.node), || {
                "no slot of the labels is empty".to_string()
            });
            return Ok(());
        };
        let mut seen = Seen::none(self.header.n_places)?;
        // Hashes and ids since the last empty slot.
        let mut run: Vec<(u64, usize)> = Vec::new();
        for i in 1..=n_slots {
            let slot = (empty + i) % n_slots;
            let Some(id) = self.slot(parts, slot).checked_sub(1) else {
                self.repeats(parts, &mut run, faults);
                run.clear();
                continue;
            };
            let Some((id, label)) = self.named(parts, slot, id, faults) else {
                // Whoever looks for those behind it has to pass it.
                reserve(&mut run, 1)?;
                run.push((0, usize::MAX));
                continue;
            };
            seen.add(id, faults);
            let hash = self.hash(label);
            let distance = (slot + n_slots - home(hash, n_slots)) % n_slots;
            if distance > run.len() {
                faults.add(Some(id), || {
                    "its label is not found from where its hash says".to_string()
                });
            }
            reserve(&mut run, 1)?;
            run.push((hash, id));
        }
        self.others(parts, &seen, faults);
        Ok(())
    }

    /// Looks at slots that are in the order of the labels.
    fn sorted_slots(&self, parts: &Parts, faults: &mut Faults) -> Result<()> {
        let mut seen = Seen::none(self.header.n_places)?;
        let mut before: Option<(Label<'_>, usize)> = None;
        for slot in 0..self.header.n_slots {
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
            let Some((id, label)) = self.named(parts, slot, id, faults) else {
                continue;
            };
            seen.add(id, faults);
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
        self.others(parts, &seen, faults);
        Ok(())
    }

    /// The item that a slot names, and its label.
    fn named(
        &self,
        parts: &Parts,
        slot: usize,
        id: u64,
        faults: &mut Faults,
    ) -> Option<(usize, Label<'_>)> {
        let place = usize::try_from(id)
            .ok()
            .filter(|&id| id < self.header.n_places);
        let label = place.map(|id| self.get_in(parts, id));
        if let (Some(id), Some(Ok(Some(label)))) = (place, label) {
            return Some((id, label));
        }
        faults.add(Some(self.node), || {
            format!("slot {slot} of the labels names item {id}, which has none")
        });
        None
    }

    /// Looks for items whose labels no slot names.
    fn others(&self, parts: &Parts, seen: &Seen, faults: &mut Faults) {
        for id in 0..self.header.n_places {
            if !seen.has(id) && matches!(self.get_in(parts, id), Ok(Some(_))) {
                faults.add(Some(id), || "no slot names its label".to_string());
            }
        }
    }

    /// Looks for labels that are there twice: the same hash puts them between the same empty slots.
    fn repeats(&self, parts: &Parts, run: &mut [(u64, usize)], faults: &mut Faults) {
        run.sort_unstable();
        for pair in run.windows(2) {
            let [(hash, id), (other_hash, other)] = [pair[0], pair[1]];
            if hash != other_hash || id == other {
                continue;
            }
            let (label, same) = (self.get_in(parts, id), self.get_in(parts, other));
            if let (Ok(Some(label)), Ok(Some(same))) = (label, same) {
                if label == same {
                    // Not shown: a file's bytes may have become no string.
                    faults.add(Some(other), || {
                        format!("its label is that of item {id} too")
                    });
                }
            }
        }
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
                "unused bytes of the labels section are not 0".to_string()
            });
        }
    }
}
