//! Labels, and items that are removed.

use super::{Does, Room, Session};
use annoy_rs::ffi::handle::annoy_get_n_items;
use annoy_rs::ffi::labels::*;
use annoy_rs::ffi::removal::*;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CORRUPT as CORRUPT, ANNOY_ERR_ITEM as ITEM,
    ANNOY_ERR_LABEL as LABEL, ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL,
    ANNOY_ERR_TOO_SMALL as TOO_SMALL, ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use arbitrary::Result;
use std::ptr::{null, null_mut};

const SETTING: &[annoy_status] = &[NULL, ITEM, LABEL, UNSUPPORTED, NO_MEMORY, CORRUPT, ARGUMENT];
const READING: &[annoy_status] = &[NULL, ITEM, LABEL, UNSUPPORTED, CORRUPT];
const COPYING: &[annoy_status] = &[NULL, ITEM, LABEL, UNSUPPORTED, CORRUPT, TOO_SMALL];

/// An `annoy_labels`, and what it points to: not a byte more than it says.
pub(super) struct Labels {
    labels: annoy_labels,
    numbers: Room<u64>,
    bytes: Room<u8>,
    offsets: Room<usize>,
    is_null: bool,
}

impl Labels {
    pub fn get(&mut self) -> *const annoy_labels {
        self.labels.numbers = self.numbers.get();
        self.labels.bytes = self.bytes.get().cast();
        self.labels.offsets = self.offsets.get();
        match self.is_null {
            true => null(),
            false => &raw const self.labels,
        }
    }
}

/// Room for the texts of labels: too little for some.
const ROOM: usize = 64;

/// Room for no more ids than this.
const MOST_IDS: i64 = 5000;

impl Session<'_> {
    /// Few enough that two items want the same.
    fn number(&mut self) -> Result<u64> {
        match self.u.arbitrary::<u8>()? {
            n @ 0..240 => Ok(u64::from(n) % 50),
            _ => self.u.arbitrary(),
        }
    }

    fn text(&mut self) -> Result<Vec<u8>> {
        Ok(match self.u.arbitrary::<u8>()? {
            n @ 0..232 => vec![b'a' + n % 20; usize::from(n / 20)],
            232..240 => "ä\0ö".into(),
            n => self.u.bytes(usize::from(n - 240).min(self.u.len()))?.into(),
        })
    }

    /// Ids for labels, or NULL.
    fn ids(
        &mut self,
        raw: *const annoy_rs::ffi::handle::annoy_index,
        n: usize,
    ) -> Result<Room<i64>> {
        let with_ids = self.u.arbitrary::<bool>()?;
        let mut ids = Vec::new();
        for _ in 0..if with_ids { n } else { 0 } {
            ids.push(self.id(raw)?);
        }
        Ok(Room(ids.into(), !with_ids))
    }

    pub fn set_label(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let id = self.id(raw)?;
        let mut labels = self.labels(1)?;
        let labels = labels.get();
        // SAFETY: NULL or live, NULL or as long as they have to be.
        self.call(
            "annoy_set_labels",
            slot,
            Does::Change,
            SETTING,
            |error| unsafe { annoy_set_labels(raw, &raw const id, labels, error) },
        )?;
        Ok(())
    }

    pub fn set_labels(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let n = self.below(12)?;
        let mut items = self.ids(raw, n)?;
        let mut labels = self.labels(n)?;
        let (items, labels) = (items.get(), labels.get());
        // SAFETY: NULL or live, NULL or as long as they have to be.
        self.call(
            "annoy_set_labels",
            slot,
            Does::Change,
            SETTING,
            |error| unsafe { annoy_set_labels(raw, items, labels, error) },
        )?;
        Ok(())
    }

    /// Labels of either kind, mostly good ones.
    pub(super) fn labels(&mut self, n: usize) -> Result<Labels> {
        let mut numbers = Vec::new();
        for _ in 0..n {
            numbers.push(self.number()?);
        }
        let numbers = Room(numbers.into(), self.one_in(32)?);
        let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
        for _ in 0..n {
            bytes.extend(self.text()?);
            offsets.push(bytes.len());
        }
        // Any but the last, which says how many bytes there are.
        if n > 0 && self.one_in(8)? {
            let at = self.below(n)?;
            offsets[at] = self.one_of(&[0, 1, bytes.len(), bytes.len() + 1, usize::MAX])?;
        }
        let bytes = Room(bytes.into(), self.one_in(32)?);
        let offsets = Room(offsets.into(), self.one_in(32)?);
        Ok(Labels {
            labels: annoy_labels {
                struct_size: size_of::<annoy_labels>(),
                kind: self.one_of(&[1, 1, 1, 2, 2, 2, 0, 3])?,
                reserved: i32::from(self.one_in(64)?),
                n,
                numbers: null(),
                bytes: null(),
                offsets: null(),
            },
            numbers,
            bytes,
            offsets,
            is_null: self.one_in(64)?,
        })
    }

    pub fn clear_labels(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let n = self.below(4)?;
        let mut items = match n {
            0 => Room(Box::default(), true),
            n => self.ids(raw, n)?,
        };
        let items = items.get();
        let labels = annoy_labels {
            struct_size: size_of::<annoy_labels>(),
            kind: ANNOY_LABELS_NONE,
            reserved: 0,
            n,
            numbers: null(),
            bytes: null(),
            offsets: null(),
        };
        // SAFETY: NULL or live, NULL or of that length.
        self.call(
            "annoy_set_labels",
            slot,
            Does::Change,
            &[NULL, ITEM, NO_MEMORY, CORRUPT],
            |error| unsafe { annoy_set_labels(raw, items, &raw const labels, error) },
        )?;
        Ok(())
    }

    /// One item's, which has to have one.
    pub fn get_label(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let id = self.id(raw)?;
        if self.u.arbitrary()? {
            let mut label = Room::new(1, 0, self.one_in(32)?);
            let label = label.get();
            // SAFETY: NULL or live, NULL or room for one.
            self.call(
                "annoy_get_labels_u64",
                slot,
                Does::Read,
                READING,
                |error| unsafe {
                    annoy_get_labels_u64(raw, &raw const id, 1, label, null_mut(), error)
                },
            )?;
            return Ok(());
        }
        let mut label = Room::new(ROOM, 0, self.one_in(32)?);
        let mut len = Room::new(1, 0, self.one_in(32)?);
        let (to, to_len) = (label.get(), len.get());
        // SAFETY: as above.
        let found = self.call(
            "annoy_get_labels",
            slot,
            Does::Read,
            COPYING,
            |error| unsafe {
                annoy_get_labels(raw, &raw const id, 1, to, ROOM, null_mut(), to_len, error)
            },
        )?;
        if found {
            let bytes: Vec<u8> = label.0[..len.0[0]]
                .iter()
                .map(|byte| byte.to_ne_bytes()[0])
                .collect();
            assert!(std::str::from_utf8(&bytes).is_ok());
        }
        Ok(())
    }

    pub fn get_labels(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let n = self.below(12)?;
        let mut items = self.ids(raw, n)?;
        let items = items.get();
        let (null_labels, null_lens) = (self.one_in(32)?, self.one_in(32)?);
        if self.u.arbitrary()? {
            let mut labels = Room::new(n, 0, null_labels);
            let mut found = Room::new(n, 7, null_lens);
            let (to, to_found) = (labels.get(), found.get());
            // SAFETY: NULL or live, NULL or of that length.
            let is_told = self.call(
                "annoy_get_labels_u64",
                slot,
                Does::Read,
                READING,
                |error| unsafe { annoy_get_labels_u64(raw, items, n, to, to_found, error) },
            )?;
            let told = match is_told && !null_lens {
                true => 0..2,
                false => 7..8,
            };
            assert!(found.0.iter().all(|mark| told.contains(mark)));
            return Ok(());
        }
        let mut labels = Room::new(ROOM, 0, null_labels);
        let mut lens = Room::new(n, 0, null_lens);
        let mut written = 0;
        let (to, to_lens, to_written) = (labels.get(), lens.get(), &mut written);
        // SAFETY: as above.
        self.call(
            "annoy_get_labels",
            slot,
            Does::Read,
            COPYING,
            |error| unsafe {
                annoy_get_labels(raw, items, n, to, ROOM, to_lens, to_written, error)
            },
        )?;
        Ok(())
    }

    pub fn find_label(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, LABEL, UNSUPPORTED, CORRUPT, ARGUMENT];
        let (slot, raw) = self.handle()?;
        let mut item = Room::new(1, -7, self.one_in(32)?);
        let place = item.get();
        let found = if self.u.arbitrary()? {
            let label = self.number()?;
            // SAFETY: NULL or live, NULL or room for one.
            self.call(
                "annoy_find_label_u64",
                slot,
                Does::Read,
                ERRORS,
                |error| unsafe { annoy_find_label_u64(raw, label, place, error) },
            )?
        } else {
            let text = self.text()?;
            let len = text.len();
            let mut room = Room(text.into(), self.one_in(32)?);
            // SAFETY: as above, NULL or of that length.
            self.call(
                "annoy_find_label",
                slot,
                Does::Read,
                ERRORS,
                |error| unsafe { annoy_find_label(raw, room.get().cast(), len, place, error) },
            )?
        };
        // SAFETY: NULL or live.
        let n_items = unsafe { annoy_get_n_items(raw) };
        assert!(!found || (0..n_items).contains(&item.0[0]));
        Ok(())
    }

    /// The ids that hold items are those that say so one by one.
    pub fn get_ids(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        // SAFETY: NULL or live.
        let n_items = unsafe { annoy_get_n_items(raw) }.min(MOST_IDS) as usize;
        let capacity = match self.below(3)? {
            0 => n_items,
            1 => n_items + 3,
            _ => self.below(8)?,
        };
        let mut ids = Room::new(capacity, -7, self.one_in(32)?);
        let mut count = Room::new(1, 0, self.one_in(32)?);
        let (to, n) = (ids.get(), count.get());
        // SAFETY: NULL or live, NULL or room for so many.
        let found = self.call(
            "annoy_get_ids",
            slot,
            Does::Read,
            &[NULL, TOO_SMALL],
            |error| unsafe { annoy_get_ids(raw, to, capacity, n, error) },
        )?;
        let (ids, rest) = ids.0.split_at(if found { count.0[0] } else { 0 });
        assert!(rest.iter().all(|&id| id == -7) && ids.is_sorted_by(|a, b| a < b));
        if found {
            // SAFETY: NULL or live.
            let has = |&id: &i64| unsafe { annoy_has_item(raw, id) } == 1;
            assert!(ids.iter().all(has));
            let n_present = (0..n_items as i64).filter(has).count();
            assert!(n_present == ids.len() || n_items as i64 == MOST_IDS);
        }
        Ok(())
    }

    pub fn remove_item(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let (id, errors) = (self.id(raw)?, &[NULL, ITEM, NO_MEMORY]);
        // SAFETY: NULL or live.
        if self.one_in(3)? {
            self.call(
                "annoy_restore_item",
                slot,
                Does::Change,
                errors,
                |error| unsafe { annoy_restore_item(raw, id, error) },
            )?;
        } else {
            let removed = self.call(
                "annoy_remove_item",
                slot,
                Does::Change,
                errors,
                |error| unsafe { annoy_remove_item(raw, id, error) },
            )?;
            // SAFETY: as above.
            assert!(!removed || unsafe { annoy_is_removed(raw, id) } == 1);
        }
        Ok(())
    }
}
