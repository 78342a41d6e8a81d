//! Every byte of the labels and of the marks of removed items flipped, with the checksums as they
//! were, and with checksums made right again, as who means harm would: no panic, no id out of
//! bounds, and nothing that loading or verifying does not notice, unless what it makes is good.

use crate::common::sections::{place, reseal};
use crate::common::{built, random_items, saved, scratch};
use annoy_rs::{Access, Error, Index, Metric, Options, Search, Way};

const N: usize = 21;
const LABELS: u32 = 5;
const REMOVED: u32 = 6;

/// Indexes with labels of either kind, not for all items, and some items removed; their tables of
/// either sort.
fn files() -> [Vec<u8>; 4] {
    let [numbers, texts] = hashed();
    let [sorted_numbers, sorted_texts] = [numbers.clone(), texts.clone()].map(sorted);
    [numbers, texts, sorted_numbers, sorted_texts]
}

fn field(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// The same file with the slots in the order of the labels, as they are where these crowd.
fn sorted(mut bytes: Vec<u8>) -> Vec<u8> {
    let index = Index::open_bytes(bytes.clone()).unwrap();
    let mut labels: Vec<_> = (0..N as i64)
        .filter_map(|id| Some((index.label(id).unwrap()?, id as u32)))
        .collect();
    labels.sort_unstable();
    let section = &mut bytes[place(&index.to_bytes().unwrap(), LABELS)];
    let (n_places, n_slots) = (field(section, 8), field(section, 24));
    let n_values = n_places + usize::from(section[0] == 2);
    let start = 64 + n_places.div_ceil(8).next_multiple_of(8) + 8 * n_values;
    let slots = &mut section[start..][..4 * n_slots];
    slots.fill(0);
    for (slot, (_, id)) in slots.chunks_exact_mut(4).zip(&labels) {
        slot.copy_from_slice(&(id + 1).to_le_bytes());
    }
    section[0] += 2;
    section[32..40].fill(0);
    reseal(&mut bytes, LABELS);
    bytes
}

fn hashed() -> [Vec<u8>; 2] {
    let options = Options::new(Metric::Euclidean, 2);
    [false, true].map(|is_text| {
        let mut index = built(options, &random_items(options, N, 3), 2);
        for id in [0, 1, 2, 5, 7, 8, 11, 17] {
            let text = "ä".repeat(id as usize % 4);
            match is_text {
                true => index.set_label(id, &(text + &id.to_string())).unwrap(),
                false => index
                    .set_label(id, id as u64 * 0x0101_0101_0101_0101)
                    .unwrap(),
            }
        }
        for id in [0, 9, 20] {
            index.remove_item(id).unwrap();
        }
        saved(&index)
    })
}

/// Every call that reads the sections; whether loading or verifying has noticed something.
fn is_noticed(bytes: &[u8], context: &str) -> bool {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    std::fs::write(&path, bytes).unwrap();
    let index = match Index::open(&path, Access::Copy) {
        Ok(index) => index,
        Err(Error::Format { .. }) => return true,
        Err(other) => panic!("{context}: {other:?}"),
    };
    let corrupt =
        |error: Error| assert!(matches!(error, Error::Corrupt { .. }), "{context}: {error}");
    for id in 0..N as i64 {
        let _ = index.label(id).map_err(corrupt);
        index.is_removed(id);
    }
    for id in 0..20 {
        let number = index.find_label(id as u64 * 0x0101_0101_0101_0101);
        let text = index.find_label(&("ä".repeat(id % 4) + &id.to_string()));
        for found in [number, text] {
            match found {
                Ok(found) => assert!(
                    found.is_none_or(|id| (0..N as i64).contains(&id)),
                    "{context}"
                ),
                Err(Error::Corrupt { .. } | Error::Unsupported(_)) => {}
                Err(other) => panic!("{context}: {other:?}"),
            }
        }
    }
    for way in [Way::Fastest, Way::Exact] {
        let search = Search {
            way,
            ..Search::new(N)
        };
        let found = index.search(&[0.0f32, 0.0], &search).unwrap();
        assert!(
            found.iter().all(|one| (0..N as i64).contains(&one.id)),
            "{context}"
        );
    }
    let report = index.verify(2).unwrap();
    if report.is_sound() {
        for id in 0..N as i64 {
            if let Some(label) = index.label(id).unwrap() {
                assert_eq!(index.find_label(label).unwrap(), Some(id), "{context}");
            }
        }
    }
    // What is changed is copied first.
    let mut changed = index;
    let _ = changed.set_label(3, "a new one").map_err(|error| {
        let is_known = matches!(error, Error::Corrupt { .. } | Error::Unsupported(_));
        assert!(is_known, "{context}: {error}");
    });
    changed.remove_item(4).unwrap();
    changed.restore_item(9).unwrap();
    let _ = changed.info().unwrap();
    let _ = saved(&changed);
    let mut thawed = Index::open_bytes(bytes.to_vec()).unwrap();
    match thawed.thaw() {
        Ok(()) => {
            thawed.build(Some(1), Some(1)).unwrap();
            assert!(thawed.verify(1).unwrap().is_sound(), "{context}");
        }
        Err(error) => {
            corrupt(error);
            assert!(!report.is_sound(), "{context}");
        }
    }
    !report.is_sound()
}

#[test]
fn flips() {
    let (mut tries, mut unnoticed) = (0, 0);
    for (number, good) in files().iter().enumerate() {
        assert!(!is_noticed(good, "undamaged"));
        for kind in [LABELS, REMOVED] {
            for at in place(good, kind) {
                for is_sealed in [false, true] {
                    for bit in [at % 8, 7 - at % 8] {
                        let mut bytes = good.clone();
                        bytes[at] ^= 1 << bit;
                        if is_sealed {
                            reseal(&mut bytes, kind);
                        }
                        let context = format!(
                            "file {number}, kind {kind}, byte {at}, bit {bit}, {is_sealed}"
                        );
                        let noticed = is_noticed(&bytes, &context);
                        // Another number or string may have a place where the one before had it.
                        let may_be_good = is_sealed && kind == LABELS;
                        assert!(noticed || may_be_good, "{context}: not noticed");
                        unnoticed += usize::from(!noticed);
                        tries += 1;
                    }
                }
            }
        }
    }
    println!("{tries} flips, {unnoticed} of them made another good label");
    assert!(
        tries > 2000 && unnoticed < tries / 20,
        "{tries}, {unnoticed}"
    );
}

/// A number of a header set to what it cannot be.
#[test]
fn wild_headers() {
    for good in files() {
        for (kind, fields) in [(LABELS, 0..8), (REMOVED, 0..1)] {
            for field in fields {
                for value in [
                    0,
                    1,
                    21,
                    22,
                    1 << 31,
                    1 << 32,
                    1 << 60,
                    u64::MAX,
                    u64::MAX / 8,
                ] {
                    let mut bytes = good.clone();
                    let at = place(&good, kind).start + field * 8;
                    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                    if bytes == good {
                        continue;
                    }
                    reseal(&mut bytes, kind);
                    let context = format!("kind {kind}, field {field}, {value:#x}");
                    assert!(is_noticed(&bytes, &context), "{context}: not noticed");
                }
            }
        }
    }
}

/// The last byte of the marks has room for three items more than there are.
#[test]
fn marks_past_the_last_item() {
    for good in files() {
        for bit in [5, 6, 7] {
            let mut bytes = good.clone();
            bytes[place(&good, REMOVED).end - 1] |= 1 << bit;
            reseal(&mut bytes, REMOVED);
            let text = Index::open_bytes(bytes).err().unwrap().to_string();
            assert!(text.contains("marks some past the last of 21"), "{text}");
        }
    }
}

/// A label that two items have, each with a slot of its own; and an item with two slots.
#[test]
fn labels_twice() {
    let good = &files()[0];
    let labels = place(good, LABELS);
    let (values, n_slots) = (labels.start + 72, 16);
    let slots = values + 18 * 8;
    let slot_of = |bytes: &[u8], id: u32| {
        (0..n_slots)
            .map(|i| slots + 4 * i)
            .find(|&at| bytes[at..at + 4] == (id + 1).to_le_bytes())
            .unwrap()
    };
    // The next slot that is empty from one on.
    let empty = |bytes: &[u8], from: usize| {
        (0..n_slots)
            .map(|i| slots + (from - slots + 4 * i) % (4 * n_slots))
            .find(|&at| bytes[at..at + 4] == [0; 4])
            .unwrap()
    };
    let says = |mut bytes: Vec<u8>, words: &str| {
        reseal(&mut bytes, LABELS);
        let directory = scratch();
        let path = directory.path().join("x.ann");
        std::fs::write(&path, bytes).unwrap();
        let faults = Index::verify_file(&path, 9).unwrap().faults;
        assert!(
            faults.iter().any(|fault| fault.text.contains(words)),
            "{faults:?}"
        );
    };
    let mut bytes = good.clone();
    bytes.copy_within(values + 8 * 5..values + 8 * 6, values + 8 * 7);
    let old = slot_of(&bytes, 7);
    let new = empty(&bytes, slot_of(&bytes, 5));
    bytes.copy_within(old..old + 4, new);
    bytes[old..old + 4].fill(0);
    says(bytes, "is that of item 5 too");

    let mut bytes = good.clone();
    let old = slot_of(&bytes, 5);
    let new = empty(&bytes, old);
    bytes.copy_within(old..old + 4, new);
    says(bytes, "two slots name its label");
}

/// What a damaged file says that it has none of is there all the same: a label of the other kind is
/// refused, not lost.
#[test]
fn labels_that_are_not_counted() {
    for (number, mut bytes) in hashed().into_iter().enumerate() {
        let start = place(&bytes, LABELS).start;
        bytes[start + 16..start + 24].fill(0);
        reseal(&mut bytes, LABELS);
        let mut index = Index::open_bytes(bytes).unwrap();
        let refused = match number {
            0 => index.set_label(3, "a string"),
            _ => index.set_label(3, 77),
        };
        assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
        assert_eq!(index.label(3).unwrap(), None);
        match number {
            0 => index.set_label(3, 77).unwrap(),
            _ => index.set_label(3, "a string").unwrap(),
        }
        assert_eq!(
            (index.n_labels(), index.label(3).unwrap().is_some()),
            (9, true)
        );
    }
}

/// A call that fails leaves a damaged table as it was.
#[test]
fn what_fails_mends_nothing() {
    for (number, mut bytes) in files().into_iter().enumerate() {
        let is_text = number % 2 == 1;
        let labels = place(&bytes, LABELS);
        // No slot names anything, so that nothing is found.
        let section = &mut bytes[labels];
        let n_places = field(section, 8);
        let start =
            64 + n_places.div_ceil(8).next_multiple_of(8) + 8 * (n_places + usize::from(is_text));
        let len = 4 * field(section, 24);
        section[start..][..len].fill(0);
        reseal(&mut bytes, LABELS);
        let mut index = Index::open_bytes(bytes).unwrap();
        let (text, number) = ("2".to_string(), 5 * 0x0101_0101_0101_0101u64);
        let text = "ä".repeat(2) + &text;
        let find = |index: &Index| match is_text {
            true => index.find_label(&text),
            false => index.find_label(number),
        };
        let before = format!("{:?}", find(&index));
        assert!(!before.starts_with("Ok(Some"), "{before}");
        // Item 5 or 2 has it.
        let failed = match is_text {
            true => index.set_label(8, &text),
            false => index.set_label(8, number),
        };
        assert!(matches!(failed, Err(Error::Label(_))), "{failed:?}");
        assert_eq!(format!("{:?}", find(&index)), before);
        assert!(!index.verify(1).unwrap().is_sound());
        // Nor does one that has nothing to do.
        index.clear_label(3).unwrap();
        assert_eq!(format!("{:?}", find(&index)), before);
    }
}

/// Where the values and slots of a labels section of strings are.
fn parts_of_texts(bytes: &[u8]) -> [std::ops::Range<usize>; 2] {
    let at = place(bytes, LABELS).start;
    let (n_places, n_slots) = (field(bytes, at + 8), field(bytes, at + 24));
    let values = at + 64 + n_places.div_ceil(8).next_multiple_of(8);
    let slots = values + 8 * (n_places + 1);
    [values..slots, slots..slots + 4 * n_slots]
}

/// Two items have the same string, and between them stands another with the same hash.
#[test]
fn labels_twice_beside_another_of_their_hash() {
    let (text, other) = ("i21569x", "7}bV9IM#");
    let hash = |text: &str| twox_hash::XxHash3_64::oneshot(text.as_bytes());
    assert_eq!(hash(text), hash(other));
    let options = Options::new(Metric::Euclidean, 2);
    for order in [[0, 1, 2], [1, 0, 2], [0, 2, 1]] {
        let mut index = built(options, &random_items(options, N, 3), 2);
        for (id, label) in order.into_iter().zip([text, other, "i00000x"]) {
            index.set_label(id, label).unwrap();
        }
        let mut bytes = saved(&index);
        let [values, slots] = parts_of_texts(&bytes);
        let at =
            |id: i64| slots.end.next_multiple_of(8) + field(&bytes, values.start + 8 * id as usize);
        let (from, to) = (at(order[0]), at(order[2]));
        bytes.copy_within(from..from + text.len(), to);
        // All three behind where the hash says.
        let n_slots = slots.len() / 4;
        let home = ((u128::from(hash(text)) * n_slots as u128) >> 64) as usize;
        bytes[slots.clone()].fill(0);
        for id in 0..3 {
            let slot = slots.start + 4 * ((home + id) % n_slots);
            bytes[slot..slot + 4].copy_from_slice(&(id as u32 + 1).to_le_bytes());
        }
        reseal(&mut bytes, LABELS);
        let report = Index::open_bytes(bytes).unwrap().verify(9).unwrap();
        let texts: Vec<_> = report.faults.iter().map(|fault| &fault.text[..]).collect();
        let expected = format!("its label is that of item {} too", order[0].min(order[2]));
        assert_eq!(texts, [expected], "{order:?}");
    }
}

/// A long string that every label is a part of, or that every slot names: it is read once.
#[test]
fn long_labels_that_are_named_often() {
    const N: usize = 50_000;
    let options = Options::new(Metric::Euclidean, 1);
    let mut index = built(options, &random_items(options, N, 3), 1);
    index.set_label(0, &"long".repeat(1 << 20)).unwrap();
    for id in 1..N as i64 {
        index.set_label(id, &id.to_string()).unwrap();
    }
    let good = saved(&index);
    let [values, slots] = parts_of_texts(&good);
    let is_told = |mut bytes: Vec<u8>, words: &str| {
        reseal(&mut bytes, LABELS);
        let index = Index::open_bytes(bytes).unwrap();
        let start = std::time::Instant::now();
        let report = index.verify(100).unwrap();
        // A whole reading for each label takes a quarter of a minute and more.
        let took = start.elapsed();
        assert!(took.as_secs() < 5, "{words}: {took:?}");
        let is_it = |fault: &annoy_rs::Fault| fault.text.contains(words);
        assert!(report.faults.iter().any(is_it), "{:?}", report.faults);
    };
    let mut bytes = good.clone();
    let n_bytes = field(&good, values.end - 8) as u64;
    for (i, value) in bytes[values.start..values.end - 8]
        .chunks_exact_mut(8)
        .enumerate()
    {
        value.copy_from_slice(&[0, n_bytes][i % 2].to_le_bytes());
    }
    is_told(bytes, "its label is bytes");
    for is_sorted in [false, true] {
        let mut bytes = good.clone();
        for slot in bytes[slots.start..slots.end - 4].chunks_exact_mut(4) {
            slot.copy_from_slice(&1u32.to_le_bytes());
        }
        if is_sorted {
            bytes[place(&good, LABELS).start] += 2;
        }
        is_told(bytes, "two slots name its label");
    }
}
