//! Makes the section of labels: a hash table where no label comes to lie far from where its hash
//! says, else slots in the order of the labels. So labels that were made to collide cost no more
//! than that, here and whenever one is looked for.

use super::memory::Memory;
use super::section::{hash, Header};
use super::{home, Label, LabelKind};
use crate::error::{reserve, Error, Result};
use crate::work::Meter;
use std::cmp::Reverse;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

/// A hash table is written with the first seed that keeps every label this near to its home.
const MAX_PROBES: usize = 256;

/// Seeds that are tried. That strangers' labels crowd with one is chance; with all, it is meant.
const SEEDS: u64 = 16;

/// Labels between two looks at the meter.
const STEP: usize = 1 << 16;

/// What the header of these labels will say; the table is chosen later, and is as large in any
/// case.
fn header(labels: &Memory) -> Header {
    let n_places = labels.n_places();
    Header {
        kind: labels.kind(),
        is_sorted: false,
        slot_size: if n_places < u32::MAX as usize { 4 } else { 8 },
        n_places,
        n_labels: labels.count(),
        n_slots: labels.count().saturating_mul(2),
        seed: 0,
        n_bytes: (0..n_places).map(|id| text(labels, id).len()).sum(),
    }
}

fn text(labels: &Memory, id: usize) -> &str {
    match labels.get(id) {
        Some(Label::Utf8(text)) => text,
        _ => "",
    }
}

/// Zeros, as many as the section of these labels has bytes; none when there are no labels.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn room(labels: &Memory) -> Result<Vec<u8>> {
    let mut section = Vec::new();
    if labels.count() > 0 {
        let too_large = || Error::no_memory(usize::MAX, "more than can be addressed");
        let len = header(labels).parts().ok_or_else(too_large)?.bytes.end;
        reserve(&mut section, len)?;
        section.resize(len, 0);
    }
    Ok(section)
}

/// Fills the [room](room) for the section of these labels. The same labels give the same bytes.
/// Asks the meter whether to go on.
///
/// # Errors
/// [`Error::NoMemory`], [`Error::Cancelled`].
pub fn fill(section: &mut [u8], labels: &Memory, meter: &Meter<'_>) -> Result<()> {
    let mut header = header(labels);
    let parts = header
        .parts()
        .filter(|parts| parts.bytes.end == section.len());
    let (Some(parts), true) = (parts, labels.count() > 0) else {
        return Ok(());
    };
    let mut at = 0;
    for id in 0..header.n_places {
        look(id, meter)?;
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
        let text = text(labels, id);
        section[parts.bytes.start + at..][..text.len()].copy_from_slice(text.as_bytes());
        at += text.len();
    }
    if header.kind == LabelKind::Utf8 {
        section[parts.values.end - 8..parts.values.end].copy_from_slice(&(at as u64).to_le_bytes());
    }
    let slots = &mut section[parts.slots];
    while !hash_all(slots, labels, &header, meter)? {
        header.seed += 1;
        if header.seed == SEEDS {
            header.seed = 0;
            header.is_sorted = true;
            sort_all(slots, labels, &header, meter)?;
            break;
        }
    }
    header.write(section);
    Ok(())
}

/// Looks at the meter now and then.
fn look(i: usize, meter: &Meter<'_>) -> Result<()> {
    match i % STEP {
        0 => meter.repeat(),
        _ => Ok(()),
    }
}

fn put(slots: &mut [u8], size: usize, slot: usize, id: usize) {
    let place = (id as u64 + 1).to_le_bytes();
    slots[slot * size..][..size].copy_from_slice(&place[..size]);
}

/// Puts every id where its label's hash says, in the order of ids. Whether all are near enough.
fn hash_all(slots: &mut [u8], labels: &Memory, header: &Header, meter: &Meter<'_>) -> Result<bool> {
    slots.fill(0);
    let size = header.slot_size;
    for id in 0..header.n_places {
        look(id, meter)?;
        let Some(label) = labels.get(id) else {
            continue;
        };
        let mut slot = home(hash(header.seed, label), header.n_slots);
        let mut probes = 1;
        while slots[slot * size..][..size].iter().any(|&byte| byte != 0) {
            slot = (slot + 1) % header.n_slots;
            probes += 1;
            if probes > MAX_PROBES {
                return Ok(false);
            }
        }
        put(slots, size, slot, id);
    }
    Ok(true)
}

/// Puts the ids into the first slots, in the order of their labels.
fn sort_all(slots: &mut [u8], labels: &Memory, header: &Header, meter: &Meter<'_>) -> Result<()> {
    slots.fill(0);
    let mut all: Vec<(Label<'_>, usize)> = Vec::new();
    reserve(&mut all, header.n_labels)?;
    all.extend((0..header.n_places).filter_map(|id| Some((labels.get(id)?, id))));
    // In runs that are merged then, so that the meter has its turn.
    for run in all.chunks_mut(STEP) {
        run.sort_unstable();
        meter.repeat()?;
    }
    let mut runs = crate::memory::collect(all.chunks(STEP).map(|run| run.iter()))?;
    let first = |(run, labels): (usize, &mut std::slice::Iter<'_, _>)| {
        labels.next().map(|label| Reverse((*label, run)))
    };
    let next = crate::memory::collect(runs.iter_mut().enumerate().filter_map(first))?;
    let mut next = BinaryHeap::from(next);
    let mut slot = 0;
    while let Some(mut least) = next.peek_mut() {
        look(slot, meter)?;
        let Reverse(((_, id), run)) = *least;
        put(slots, header.slot_size, slot, id);
        slot += 1;
        match runs[run].next() {
            Some(label) => *least = Reverse((*label, run)),
            None => drop(PeekMut::pop(least)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::section::View;
    use super::*;
    use crate::work::{Cancel, Stage, Work};

    fn memory<'a>(labels: &[(usize, Label<'a>)]) -> Memory {
        let mut memory = Memory::new(labels[0].1.kind());
        memory.set_all(labels.iter().copied()).unwrap();
        memory
    }

    fn encode(labels: &Memory) -> Vec<u8> {
        let mut section = room(labels).unwrap();
        Work::default()
            .run(Stage::Save, 1, |meter| fill(&mut section, labels, meter))
            .unwrap();
        section
    }

    #[test]
    fn the_order_of_setting_leaves_no_trace() {
        let mut labels: Vec<_> = (0..500)
            .map(|i| (i * 2, Label::U64(i as u64 * 7)))
            .collect();
        let first = encode(&memory(&labels));
        labels.reverse();
        assert!(encode(&memory(&labels)) == first);
        let header = Header::read(&first, 1000).unwrap();
        assert_eq!(
            (header.n_places, header.n_labels, header.seed),
            (999, 500, 0)
        );
        assert!(!header.is_sorted);
    }

    /// Numbers of which with each of the first seeds more than can be have the same home, made on
    /// purpose, and a few others.
    fn crowded(n_seeds: u64) -> Vec<(usize, Label<'static>)> {
        let n = n_seeds as usize * (MAX_PROBES + 1) + 100;
        let mut numbers: Vec<u64> = (0..100).map(|i| u64::MAX - i).collect();
        for seed in 0..n_seeds {
            // Far enough from each other that they do not run into one.
            let place = (seed as usize * 2 + 1) * n / n_seeds as usize;
            let wanted = |number: &u64| home(hash(seed, Label::U64(*number)), 2 * n) == place;
            let start = seed << 40;
            numbers.extend((start..).filter(wanted).take(MAX_PROBES + 1));
        }
        let labels = numbers.into_iter().map(Label::U64);
        labels.enumerate().collect()
    }

    fn are_found(labels: &[(usize, Label<'_>)], section: &[u8], header: Header) {
        let view = View::new(header, section, 0);
        for &(id, label) in labels {
            assert_eq!(view.get(id).unwrap(), Some(label));
            assert_eq!(view.find(label).unwrap(), Some(id));
        }
        assert_eq!(view.find(Label::U64(3 << 50)).unwrap(), None);
        assert_eq!(view.copy().unwrap().count(), labels.len());
    }

    #[test]
    fn labels_that_crowd_take_another_seed() {
        let labels = crowded(1);
        let section = encode(&memory(&labels));
        let header = Header::read(&section, labels.len()).unwrap();
        assert_eq!((header.seed, header.is_sorted), (1, false));
        are_found(&labels, &section, header);
    }

    #[test]
    fn labels_that_crowd_with_every_seed_are_sorted() {
        let mut labels = crowded(SEEDS);
        let section = encode(&memory(&labels));
        let header = Header::read(&section, labels.len()).unwrap();
        assert_eq!((header.seed, header.is_sorted), (0, true));
        are_found(&labels, &section, header);
        labels.reverse();
        assert!(encode(&memory(&labels)) == section);
    }

    #[test]
    fn many_runs_are_merged() {
        let n = 2 * STEP + 17;
        let number = |id: usize| (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for texts in [
            None,
            Some((0..n).map(|id| number(id).to_string()).collect::<Vec<_>>()),
        ] {
            let label = |id: usize| match &texts {
                None => Label::U64(number(id)),
                Some(texts) => Label::Utf8(&texts[id]),
            };
            let labels: Vec<_> = (0..n).map(|id| (id, label(id))).collect();
            let memory = memory(&labels);
            let header = Header {
                is_sorted: true,
                ..header(&memory)
            };
            let mut section = encode(&memory);
            let slots = header.parts().unwrap().slots;
            Work::default()
                .run(Stage::Save, 0, |meter| {
                    sort_all(&mut section[slots], &memory, &header, meter)
                })
                .unwrap();
            let mut expected = labels.clone();
            expected.sort_unstable_by_key(|&(_, label)| label);
            let view = View::new(header, &section, 0);
            let parts = view.parts().unwrap();
            for (slot, (id, label)) in expected.into_iter().enumerate() {
                assert_eq!(view.slot(&parts, slot), id as u64 + 1);
                assert_eq!(view.find(label).unwrap(), Some(id));
            }
        }
    }

    /// Between any two looks at the token there is only so much to do.
    #[test]
    fn the_token_is_looked_at() {
        let labels = memory(
            &(0..3 * STEP)
                .map(|id| (id, Label::U64(id as u64)))
                .collect::<Vec<_>>(),
        );
        let mut calls = 0;
        for end in 1.. {
            let (cancel, mut seen) = (Cancel::new(), 0);
            let mut tell = |_, _, _| {
                seen += 1;
                if seen == end {
                    cancel.cancel();
                }
            };
            let mut work = Work {
                cancel: Some(&cancel),
                progress: Some(&mut tell),
                ..Work::default()
            };
            let mut section = room(&labels).unwrap();
            let filled = work.run(Stage::Save, 1, |meter| fill(&mut section, &labels, meter));
            calls = end;
            match filled {
                Err(Error::Cancelled) => {}
                other => {
                    other.unwrap();
                    break;
                }
            }
        }
        assert!(calls > 6, "{calls}");
    }
}
