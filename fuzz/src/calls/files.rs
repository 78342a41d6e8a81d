//! Files and metadata.

use super::super::handles::{look, Slot};
use super::effort::Effort;
use super::{Does, Room, Session, FILES};
use annoy_rs::ffi::file::*;
use annoy_rs::ffi::status::*;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED, ANNOY_ERR_CORRUPT as CORRUPT,
    ANNOY_ERR_FORMAT as FORMAT, ANNOY_ERR_IO as IO, ANNOY_ERR_NO_MEMORY as NO_MEMORY,
    ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE, ANNOY_ERR_TOO_SMALL as TOO_SMALL,
    ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::verify::*;
use annoy_rs::ffi::work::{ANNOY_STAGE_SAVE, ANNOY_STAGE_VERIFY};
use arbitrary::Result;
use std::fs;
use std::ptr::{null, null_mut};

/// No other file can be opened.
const NO_FILE: usize = 9;

impl Session<'_> {
    fn flags(&mut self) -> Result<u64> {
        match self.u.arbitrary::<u8>()? {
            n @ 0..240 => Ok(u64::from(n) % 3),
            _ => self.one_of(&[3, 4, 1 << 32, u64::MAX]),
        }
    }

    pub fn save(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] =
            &[NULL, STATE, ARGUMENT, UNSUPPORTED, CORRUPT, NO_MEMORY, IO];
        let (slot, raw) = self.handle()?;
        let (path, how) = (self.path()?, self.u.arbitrary::<u8>()?);
        if how % 3 == 2 {
            let (flags, errors) = (self.flags()?, [ERRORS, &[FORMAT]].concat());
            // SAFETY: NULL or what the header asks for.
            self.call(
                "annoy_save_and_load",
                slot,
                Does::Change,
                &errors,
                |error| unsafe { annoy_save_and_load(raw, path.get(), flags, null(), error) },
            )?;
            return Ok(());
        }
        // SAFETY: as above.
        let saved = if how.is_multiple_of(2) {
            self.call("annoy_save", slot, Does::Read, ERRORS, |error| unsafe {
                annoy_save(raw, path.get(), error)
            })?
        } else {
            let effort = Effort::new(how / 2, ANNOY_STAGE_SAVE, 0);
            let errors = [ERRORS, &[CANCELLED]].concat();
            self.call("annoy_save_to", slot, Does::Read, &errors, |error| unsafe {
                annoy_save_to(raw, path.get(), effort.get(), error)
            })?
        };
        if saved && self.one_in(2)? {
            // It opens as what it was saved from.
            let (mut opened, mut again) = (null_mut(), Slot::empty());
            // SAFETY: as above.
            let status = unsafe { annoy_open(path.get(), 0, &mut opened, null_mut()) };
            assert_eq!(status, ANNOY_OK, "opening what was saved");
            again.put(opened);
            let before = self.slots[slot]
                .seen
                .as_ref()
                .expect("saved, so it is live");
            if before.nearest.0 == ANNOY_OK {
                assert_eq!(again.seen.as_ref(), Some(before), "what was saved");
            }
        }
        Ok(())
    }

    pub fn load(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, ARGUMENT, IO, FORMAT, NO_MEMORY];
        let (slot, raw) = self.handle()?;
        let (path, flags) = (self.path()?, self.flags()?);
        // SAFETY: NULL or what the header asks for; files here are only ever replaced.
        self.call("annoy_load", slot, Does::Change, ERRORS, |error| unsafe {
            annoy_load(raw, path.get(), flags, error)
        })?;
        Ok(())
    }

    pub fn open(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, ARGUMENT, IO, FORMAT, NO_MEMORY];
        let (slot, path, flags) = (self.slot()?, self.path()?, self.flags()?);
        let mut place = Room::new(1, null_mut(), self.one_in(32)?);
        let out = place.get();
        // SAFETY: as above.
        let done = self.call("annoy_open", NO_FILE, Does::Read, ERRORS, |error| unsafe {
            annoy_open(path.get(), flags, out, error)
        })?;
        self.keep(slot, done, place.0[0]);
        Ok(())
    }

    pub fn metadata(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let len = match self.u.arbitrary::<u8>()? {
            n @ 0..240 => usize::from(n),
            _ => self.one_of(&[65_536, 65_537, 0])?,
        };
        let filling: u8 = self.u.arbitrary()?;
        let mut room = Room::new(len, filling, self.one_in(16)?);
        let bytes = room.get().cast();
        if self.u.arbitrary()? {
            // SAFETY: NULL or of that length.
            self.call(
                "annoy_set_metadata",
                slot,
                Does::Change,
                &[NULL, ARGUMENT],
                |error| unsafe { annoy_set_metadata(raw, bytes, len, error) },
            )?;
            return Ok(());
        }
        let mut n = Room::new(1, usize::MAX, self.one_in(32)?);
        let place = n.get();
        // SAFETY: as above.
        self.call(
            "annoy_get_metadata",
            slot,
            Does::Read,
            &[NULL, TOO_SMALL],
            |error| unsafe { annoy_get_metadata(raw, bytes, len, place, error) },
        )?;
        Ok(())
    }

    pub fn verify(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, CORRUPT, NO_MEMORY];
        let (slot, raw) = self.handle()?;
        let none = annoy_fault {
            node: 0,
            text: [0; 248],
        };
        let capacity = self.below(4)?;
        let mut room = Room::new(capacity, none, self.one_in(8)?);
        let mut n = Room::new(1, usize::MAX, self.one_in(32)?);
        let (faults, n_faults) = (room.get(), n.get());
        let how: u8 = self.u.arbitrary()?;
        let effort = Effort::new(how / 2, ANNOY_STAGE_VERIFY, -1);
        let work = match how.is_multiple_of(2) {
            true => null(),
            false => effort.get(),
        };
        if how % 3 == 2 {
            let path = self.path()?;
            let errors = [ERRORS, &[ARGUMENT, IO, FORMAT, CANCELLED]].concat();
            // SAFETY: NULL or what the header asks for.
            self.call(
                "annoy_verify_file",
                NO_FILE,
                Does::Read,
                &errors,
                |error| unsafe {
                    annoy_verify_file(path.get(), faults, capacity, n_faults, work, error)
                },
            )?;
            return Ok(());
        }
        let errors = [ERRORS, &[ARGUMENT, CANCELLED]].concat();
        // SAFETY: as above.
        let sound = self.call("annoy_verify", slot, Does::Read, &errors, |error| unsafe {
            annoy_verify(raw, faults, capacity, n_faults, work, error)
        })?;
        assert!(!sound || n.0[0] == 0);
        Ok(())
    }

    pub fn probe(&mut self) -> Result<()> {
        let path = self.path()?;
        let none = annoy_kind {
            metric: 0,
            scalar: 0,
            id_bits: 0,
            reserved: 0,
            f: 0,
            n_items: 0,
            n_trees: 0,
            layout: [0; 24],
        };
        let capacity = self.below(4)?;
        let mut room = Room::new(capacity, none, self.one_in(8)?);
        let mut n = Room::new(1, 0, self.one_in(32)?);
        let (kinds, n_kinds) = (room.get(), n.get());
        // SAFETY: NULL or what the header asks for.
        let found = self.call(
            "annoy_probe",
            NO_FILE,
            Does::Read,
            &[NULL, ARGUMENT, IO, FORMAT],
            |error| unsafe { annoy_probe(path.get(), kinds, capacity, n_kinds, error) },
        )?;
        assert!(!found || n.0[0] > 0);
        Ok(())
    }

    /// A file with a byte changed, under another name: what is loaded stays as it is.
    pub fn damage(&mut self) -> Result<()> {
        let (from, to) = (self.one_of(&FILES)?, self.one_of(&FILES)?);
        let (at, flipped): (u16, u8) = self.u.arbitrary()?;
        if let Ok(mut bytes) = fs::read(self.directory.join(from)) {
            let len = bytes.len();
            if let Some(byte) = bytes.get_mut(usize::from(at) % len.max(1)) {
                *byte ^= flipped;
            }
            let name = self.directory.join("d");
            fs::write(&name, bytes).unwrap();
            fs::rename(name, self.directory.join(to)).unwrap();
        }
        // Nothing that is loaded has changed.
        for slot in self.slots.iter().filter(|slot| !slot.raw().is_null()) {
            assert_eq!(slot.seen.as_ref(), Some(&look(slot.raw())));
        }
        Ok(())
    }
}
