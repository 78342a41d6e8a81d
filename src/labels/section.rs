//! Labels in a file: found by id and by label where they lie, without reading more than that.
//! FORMAT.md has the table.
//!
//! Nothing that is read is trusted, and nothing is read before it is needed, but for the header.

use super::memory::Memory;
use super::{home, Label, LabelKind, Owned};
use crate::error::{Error, Result};
use crate::wire;
use std::cmp::Ordering;
use std::ops::Range;
use twox_hash::XxHash3_64;

/// Bytes of the header.
pub(super) const HEADER: usize = wire::Labels::SIZE;

/// The numbers of kinds, by whether the slots are in the order of the labels.
const KINDS: [(LabelKind, bool, u32); 4] = [
    (LabelKind::U64, false, 1),
    (LabelKind::Utf8, false, 2),
    (LabelKind::U64, true, 3),
    (LabelKind::Utf8, true, 4),
];

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: LabelKind,
    /// Whether the first slots name the items in the order of their labels, and the others are
    /// empty; else they are a hash table.
    pub(super) is_sorted: bool,
    /// Bytes of a slot.
    pub(super) slot_size: usize,
    /// Ids there is a place for: the largest with a label, plus one.
    pub n_places: usize,
    pub n_labels: usize,
    pub n_slots: usize,
    pub(super) seed: u64,
    /// Bytes of all strings.
    pub(super) n_bytes: usize,
}

/// Where the parts are, in bytes from the section's start.
pub(super) struct Parts {
    /// A bit for each place.
    pub present: Range<usize>,
    /// For each place the number, or where its string starts, and where the last one ends.
    pub values: Range<usize>,
    pub slots: Range<usize>,
    pub bytes: Range<usize>,
}

/// XXH3 (64 bits) of the number's eight bytes, or the string's.
pub(super) fn hash(seed: u64, label: Label<'_>) -> u64 {
    match label {
        Label::U64(number) => XxHash3_64::oneshot_with_seed(seed, &number.to_le_bytes()),
        Label::Utf8(text) => XxHash3_64::oneshot_with_seed(seed, text.as_bytes()),
    }
}

impl Header {
    /// Where the parts are; none when they are larger than can be.
    pub(super) fn parts(&self) -> Option<Parts> {
        let mut end = HEADER;
        let mut part = |len: Option<usize>| {
            let start = end;
            end = start.checked_add(len?)?;
            let part = start..end;
            end = end.checked_next_multiple_of(8)?;
            Some(part)
        };
        let n_values = match self.kind {
            LabelKind::U64 => self.n_places,
            LabelKind::Utf8 => self.n_places.checked_add(1)?,
        };
        Some(Parts {
            present: part(Some(self.n_places.div_ceil(8)))?,
            values: part(n_values.checked_mul(8))?,
            slots: part(self.n_slots.checked_mul(self.slot_size))?,
            bytes: part(Some(self.n_bytes))?,
        })
    }

    /// Reads the header of a section, for an index of `n_items`.
    ///
    /// # Errors
    /// Words that say what does not hold together.
    pub fn read(section: &[u8], n_items: usize) -> Result<Self, String> {
        if section.len() < HEADER {
            let len = section.len();
            return Err(format!(
                "its labels section has {len} bytes, expected {HEADER} at least"
            ));
        }
        let fields = wire::Labels::read(section);
        let count = |n: u64, what: &str, most: usize| match usize::try_from(n) {
            Ok(n) if n <= most => Ok(n),
            _ => Err(format!(
                "its labels section counts {n} {what}, expected 0 to {most}"
            )),
        };
        let known = KINDS.iter().find(|known| known.2 == fields.kind);
        let &(kind, is_sorted, _) = known.ok_or_else(|| {
            format!(
                "its labels are of the kind {}, which this version does not know",
                fields.kind
            )
        })?;
        let n_places = count(fields.n_places, "places", n_items)?;
        let header = Header {
            kind,
            is_sorted,
            slot_size: match fields.slot {
                4 => 4,
                8 => 8,
                n => {
                    return Err(format!(
                        "its labels section has slots of {n} bytes, expected 4 or 8"
                    ))
                }
            },
            n_places,
            n_labels: count(fields.n_labels, "labels", n_places)?,
            n_slots: count(fields.n_slots, "slots", section.len())?,
            seed: fields.hash,
            n_bytes: count(fields.n_bytes, "bytes", section.len())?,
        };
        let end = header.parts().map(|parts| parts.bytes.end);
        if end != Some(section.len()) || header.n_slots <= header.n_labels {
            return Err(format!(
                "its labels section does not hold together: it has {} bytes, and {header:?}",
                section.len()
            ));
        }
        Ok(header)
    }

    pub(super) fn write(&self, to: &mut [u8]) {
        let code = KINDS
            .iter()
            .find(|known| (known.0, known.1) == (self.kind, self.is_sorted));
        let fields = wire::Labels {
            kind: code.map_or(0, |known| known.2),
            slot: self.slot_size as u32,
            n_places: self.n_places as u64,
            n_labels: self.n_labels as u64,
            n_slots: self.n_slots as u64,
            hash: self.seed,
            n_bytes: self.n_bytes as u64,
        };
        fields.write(to);
    }
}

/// The section of a file, with a header that was found to be good.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub header: Header,
    pub(super) section: &'a [u8],
    /// The section's first node, for messages.
    pub(super) node: usize,
}

impl<'a> View<'a> {
    /// `header` was read from this section.
    pub fn new(header: Header, section: &'a [u8], node: usize) -> Self {
        View {
            header,
            section,
            node,
        }
    }

    /// Its bytes.
    pub fn section(&self) -> &'a [u8] {
        self.section
    }

    /// A copy that can be changed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a label that cannot be read, or is there twice; [`Error::NoMemory`].
    pub fn copy(&self) -> Result<Memory> {
        let parts = self.parts()?;
        let mut copy = Memory::new(self.header.kind);
        // Counted, as the header may be wrong. What is read below may be something else again,
        // should the file be changing; then there is room for that too.
        let is_present = |&id: &usize| self.is_present(&parts, id);
        let n_labels = (0..self.header.n_places).filter(is_present).count();
        copy.make_room(self.header.n_places, n_labels)?;
        for id in 0..self.header.n_places {
            let Some(label) = self.copy_of_label(&parts, id)? else {
                continue;
            };
            copy.add(id, label).map_err(|error| match error {
                Error::Label(text) => Error::corrupt(id, text),
                other => other,
            })?;
        }
        Ok(copy)
    }

    pub(super) fn parts(&self) -> Result<Parts> {
        let parts = self.header.parts();
        parts
            .filter(|parts| parts.bytes.end == self.section.len())
            .ok_or_else(|| Error::corrupt(self.node, "the labels section has another length"))
    }

    /// The label of an item.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn get(&self, id: usize) -> Result<Option<Label<'a>>> {
        let parts = self.parts()?;
        self.get_in(&parts, id)
    }

    /// Whether there is a label at one of the places.
    fn is_present(&self, parts: &Parts, id: usize) -> bool {
        self.section[parts.present.start + id / 8] >> (id % 8) & 1 == 1
    }

    pub(super) fn get_in(&self, parts: &Parts, id: usize) -> Result<Option<Label<'a>>> {
        let not_utf8 = || Error::corrupt(id, "its label is not UTF-8");
        Ok(match self.raw(parts, id)? {
            None => None,
            Some(Raw::U64(number)) => Some(Label::U64(number)),
            Some(Raw::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).map_err(|_| not_utf8())?;
                Some(Label::Utf8(text))
            }
        })
    }

    fn copy_of_label(&self, parts: &Parts, id: usize) -> Result<Option<Owned>> {
        Ok(match self.raw(parts, id)? {
            None => None,
            Some(Raw::U64(number)) => Some(Owned::U64(number)),
            Some(Raw::Bytes(bytes)) => {
                let copy = Owned::copy_of_bytes(bytes)?;
                Some(copy.ok_or_else(|| Error::corrupt(id, "its label is not UTF-8"))?)
            }
        })
    }

    /// A label, not yet looked at.
    fn raw(&self, parts: &Parts, id: usize) -> Result<Option<Raw<'a>>> {
        if id >= self.header.n_places || !self.is_present(parts, id) {
            return Ok(None);
        }
        let value = |i: usize| wire::u64_at(self.section, parts.values.start + i * 8);
        if self.header.kind == LabelKind::U64 {
            return Ok(Some(Raw::U64(value(id))));
        }
        let (start, end) = (value(id), value(id + 1));
        if start > end || end > self.header.n_bytes as u64 {
            let most = self.header.n_bytes;
            let reason = format!("its label is bytes {start} to {end} of {most}");
            return Err(Error::corrupt(id, reason));
        }
        let strings = &self.section[parts.bytes.clone()];
        Ok(Some(Raw::Bytes(&strings[start as usize..end as usize])))
    }

    /// What a slot holds: an id plus one, or 0.
    pub(super) fn slot(&self, parts: &Parts, slot: usize) -> u64 {
        match self.header.slot_size {
            4 => u64::from(wire::u32_at(self.section, parts.slots.start + slot * 4)),
            _ => wire::u64_at(self.section, parts.slots.start + slot * 8),
        }
    }

    pub(super) fn hash(&self, label: Label<'_>) -> u64 {
        hash(self.header.seed, label)
    }

    /// The item that a slot names; none where it is empty.
    fn item(&self, parts: &Parts, slot: usize) -> Result<Option<usize>> {
        let Some(id) = self.slot(parts, slot).checked_sub(1) else {
            return Ok(None);
        };
        if id >= self.header.n_places as u64 {
            let (found, expected) = (id + 1, self.header.n_places);
            let reason = format!("slot {slot} of the labels is {found}, expected 0 to {expected}");
            return Err(Error::corrupt(self.node, reason));
        }
        Ok(Some(id as usize))
    }

    /// The item with a label, which must be of the kind that the section holds.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn find(&self, label: Label<'_>) -> Result<Option<usize>> {
        let parts = self.parts()?;
        if self.header.is_sorted {
            return self.find_sorted(&parts, label);
        }
        let n_slots = self.header.n_slots;
        let home = home(self.hash(label), n_slots);
        for slot in (home..n_slots).chain(0..home) {
            let Some(id) = self.item(&parts, slot)? else {
                return Ok(None);
            };
            if self.compare(&parts, id, label) == Some(Ordering::Equal) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn find_sorted(&self, parts: &Parts, label: Label<'_>) -> Result<Option<usize>> {
        let (mut start, mut end) = (0, self.header.n_labels);
        while start < end {
            let slot = start + (end - start) / 2;
            let id = self.item(parts, slot)?;
            let compared = id.and_then(|id| Some((id, self.compare(parts, id, label)?)));
            match compared {
                Some((id, Ordering::Equal)) => return Ok(Some(id)),
                Some((_, Ordering::Less)) => start = slot + 1,
                Some((_, Ordering::Greater)) => end = slot,
                None => {
                    let reason = format!("slot {slot} of the labels names no item that has one");
                    return Err(Error::corrupt(self.node, reason));
                }
            }
        }
        Ok(None)
    }

    /// How an item's label compares with one of the same kind; none where it has none. Its bytes
    /// are not looked at as a string.
    fn compare(&self, parts: &Parts, id: usize, label: Label<'_>) -> Option<Ordering> {
        match (self.raw(parts, id), label) {
            (Ok(Some(Raw::U64(found))), Label::U64(number)) => Some(found.cmp(&number)),
            (Ok(Some(Raw::Bytes(found))), Label::Utf8(text)) => Some(found.cmp(text.as_bytes())),
            _ => None,
        }
    }
}

/// What stands where a label is.
enum Raw<'a> {
    U64(u64),
    /// Perhaps a string.
    Bytes(&'a [u8]),
}
