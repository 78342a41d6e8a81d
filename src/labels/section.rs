//! Labels in a file: found by id and by label where they lie, without reading more than that. FORMAT.md has the table.
//!
//! Nothing that is read is trusted, and nothing is read before it is needed, but for the header.

use super::memory::Memory;
use super::{home, Label, LabelKind};
use crate::error::{reserve, Error, Result};
use std::ops::Range;
use twox_hash::XxHash3_64;

/// Bytes of the header.
const HEADER: usize = 64;

/// With the first seed that keeps every label this near to its home a table is written.
const MAX_PROBES: usize = 256;

/// The last seed that is tried; with that one they may be farther.
const LAST_SEED: u64 = 15;

const KINDS: [(LabelKind, u32); 2] = [(LabelKind::U64, 1), (LabelKind::Utf8, 2)];

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: LabelKind,
    /// Bytes of a slot.
    slot_size: usize,
    /// Ids there is a place for: the largest with a label, plus one.
    pub n_places: usize,
    pub n_labels: usize,
    pub n_slots: usize,
    seed: u64,
    /// Bytes of all strings.
    n_bytes: usize,
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

fn long(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

fn short(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

/// XXH3 (64 bits) of the number's eight bytes, or the string's.
fn hash(seed: u64, label: Label<'_>) -> u64 {
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
        let count = |at: usize, what: &str, most: usize| match usize::try_from(long(section, at)) {
            Ok(n) if n <= most => Ok(n),
            _ => Err(format!(
                "its labels section counts {} {what}, expected 0 to {most}",
                long(section, at)
            )),
        };
        let kind = KINDS.iter().find(|(_, code)| *code == short(section, 0));
        let n_places = count(8, "places", n_items)?;
        let header = Header {
            kind: kind.map(|&(kind, _)| kind).ok_or_else(|| {
                format!(
                    "its labels are of the kind {}, which this version does not know",
                    short(section, 0)
                )
            })?,
            slot_size: match short(section, 4) {
                4 => 4,
                8 => 8,
                n => {
                    return Err(format!(
                        "its labels section has slots of {n} bytes, expected 4 or 8"
                    ))
                }
            },
            n_places,
            n_labels: count(16, "labels", n_places)?,
            n_slots: count(24, "slots", section.len())?,
            seed: long(section, 32),
            n_bytes: count(40, "bytes", section.len())?,
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

    fn write(&self, to: &mut [u8]) {
        let code = KINDS.iter().find(|(kind, _)| *kind == self.kind);
        let mut put = |at: usize, field: &[u8]| to[at..at + field.len()].copy_from_slice(field);
        put(0, &code.map_or(0, |&(_, code)| code).to_le_bytes());
        put(4, &(self.slot_size as u32).to_le_bytes());
        put(8, &(self.n_places as u64).to_le_bytes());
        put(16, &(self.n_labels as u64).to_le_bytes());
        put(24, &(self.n_slots as u64).to_le_bytes());
        put(32, &self.seed.to_le_bytes());
        put(40, &(self.n_bytes as u64).to_le_bytes());
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
        // Counted, as the header may be wrong.
        let is_present = |&id: &usize| self.is_present(&parts, id);
        let n_labels = (0..self.header.n_places).filter(is_present).count();
        copy.make_room(self.header.n_places, n_labels)?;
        for id in 0..self.header.n_places {
            let Some(label) = self.get_in(&parts, id)? else {
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
        if id >= self.header.n_places {
            return Ok(None);
        }
        if !self.is_present(parts, id) {
            return Ok(None);
        }
        let value = |i: usize| long(self.section, parts.values.start + i * 8);
        if self.header.kind == LabelKind::U64 {
            return Ok(Some(Label::U64(value(id))));
        }
        let (start, end) = (value(id), value(id + 1));
        if start > end || end > self.header.n_bytes as u64 {
            let most = self.header.n_bytes;
            let reason = format!("its label is bytes {start} to {end} of {most}");
            return Err(Error::corrupt(id, reason));
        }
        let bytes = &self.section[parts.bytes.clone()][start as usize..end as usize];
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(Label::Utf8(text))),
            Err(_) => Err(Error::corrupt(id, "its label is not UTF-8")),
        }
    }

    /// What a slot holds: an id plus one, or 0.
    pub(super) fn slot(&self, parts: &Parts, slot: usize) -> u64 {
        match self.header.slot_size {
            4 => u64::from(short(self.section, parts.slots.start + slot * 4)),
            _ => long(self.section, parts.slots.start + slot * 8),
        }
    }

    pub(super) fn hash(&self, label: Label<'_>) -> u64 {
        hash(self.header.seed, label)
    }

    /// The item with a label, which must be of the kind that the section holds.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn find(&self, label: Label<'_>) -> Result<Option<usize>> {
        let parts = self.parts()?;
        let n_slots = self.header.n_slots;
        let home = home(self.hash(label), n_slots);
        for slot in (home..n_slots).chain(0..home) {
            let Some(id) = self.slot(&parts, slot).checked_sub(1) else {
                return Ok(None);
            };
            if id >= self.header.n_places as u64 {
                let expected = self.header.n_places;
                let reason = format!(
                    "slot {slot} of the labels is {}, expected 0 to {expected}",
                    id + 1
                );
                return Err(Error::corrupt(self.node, reason));
            }
            if self.has(&parts, id as usize, label) {
                return Ok(Some(id as usize));
            }
        }
        Ok(None)
    }

    /// Whether an item has this label; its bytes are compared before they are looked at as a string.
    fn has(&self, parts: &Parts, id: usize, label: Label<'_>) -> bool {
        match label {
            Label::U64(_) => matches!(self.get_in(parts, id), Ok(Some(found)) if found == label),
            Label::Utf8(text) => {
                let value = |i: usize| long(self.section, parts.values.start + i * 8) as usize;
                let strings = &self.section[parts.bytes.clone()];
                self.is_present(parts, id)
                    && strings.get(value(id)..value(id + 1)) == Some(text.as_bytes())
            }
        }
    }
}

/// The section of these labels; empty when there are none. The same labels give the same bytes.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn encode(labels: &Memory) -> Result<Vec<u8>> {
    let mut section = Vec::new();
    if labels.count() == 0 {
        return Ok(section);
    }
    let n_places = labels.n_places();
    let text = |id: usize| match labels.get(id) {
        Some(Label::Utf8(text)) => text,
        _ => "",
    };
    let mut header = Header {
        kind: labels.kind(),
        slot_size: if n_places < u32::MAX as usize { 4 } else { 8 },
        n_places,
        n_labels: labels.count(),
        n_slots: labels.count().saturating_mul(2),
        seed: 0,
        n_bytes: (0..n_places).map(|id| text(id).len()).sum(),
    };
    let too_large = || Error::no_memory(usize::MAX, "more than can be addressed");
    let parts = header.parts().ok_or_else(too_large)?;
    reserve(&mut section, parts.bytes.end)?;
    section.resize(parts.bytes.end, 0);

    let mut at = 0;
    for id in 0..n_places {
        let value = match labels.get(id) {
            Some(Label::U64(number)) => number,
            Some(Label::Utf8(_)) => at as u64,
            None if header.kind == LabelKind::Utf8 => at as u64,
            None => 0,
        };
        section[parts.values.start + id * 8..][..8].copy_from_slice(&value.to_le_bytes());
        if labels.get(id).is_some() {
            section[parts.present.start + id / 8] |= 1 << (id % 8);
        }
        let text = text(id);
        section[parts.bytes.start + at..][..text.len()].copy_from_slice(text.as_bytes());
        at += text.len();
    }
    if header.kind == LabelKind::Utf8 {
        section[parts.values.end - 8..parts.values.end].copy_from_slice(&(at as u64).to_le_bytes());
    }
    while !fill_slots(&mut section[parts.slots.clone()], labels, &header) {
        header.seed += 1;
    }
    header.write(&mut section);
    Ok(section)
}

/// Puts every id where its label's hash says, in the order of ids. Whether all are near enough.
fn fill_slots(slots: &mut [u8], labels: &Memory, header: &Header) -> bool {
    slots.fill(0);
    let size = header.slot_size;
    for id in 0..header.n_places {
        let Some(label) = labels.get(id) else {
            continue;
        };
        let mut slot = home(hash(header.seed, label), header.n_slots);
        let mut probes = 1;
        while slots[slot * size..][..size].iter().any(|&byte| byte != 0) {
            slot = (slot + 1) % header.n_slots;
            probes += 1;
            if probes > MAX_PROBES && header.seed < LAST_SEED {
                return false;
            }
        }
        let place = (id as u64 + 1).to_le_bytes();
        slots[slot * size..][..size].copy_from_slice(&place[..size]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory<'a>(labels: &[(usize, Label<'a>)]) -> Memory {
        let mut memory = Memory::new(labels[0].1.kind());
        memory.set_all(labels.iter().copied()).unwrap();
        memory
    }

    #[test]
    fn the_order_of_setting_leaves_no_trace() {
        let mut labels: Vec<_> = (0..500)
            .map(|i| (i * 2, Label::U64(i as u64 * 7)))
            .collect();
        let first = encode(&memory(&labels)).unwrap();
        labels.reverse();
        assert!(encode(&memory(&labels)).unwrap() == first);
        let header = Header::read(&first, 1000).unwrap();
        assert_eq!(
            (header.n_places, header.n_labels, header.seed),
            (999, 500, 0)
        );
    }

    // Labels that all have the same home, made on purpose, take another seed.
    #[test]
    fn crowded_labels_take_another_seed() {
        let n = MAX_PROBES + 1;
        let wanted = |number: &u64| home(hash(0, Label::U64(*number)), 2 * n) == 5;
        let labels: Vec<_> = (0..)
            .filter(wanted)
            .take(n)
            .enumerate()
            .map(|(id, number)| (id, Label::U64(number)))
            .collect();
        let section = encode(&memory(&labels)).unwrap();
        let header = Header::read(&section, n).unwrap();
        assert_eq!(header.seed, 1);
        let view = View::new(header, &section, 0);
        for (id, label) in labels {
            assert_eq!(view.find(label).unwrap(), Some(id));
        }
    }
}
