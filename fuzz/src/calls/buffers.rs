//! Files in memory, and thawing.

use super::{Does, Room, Session, FILES};
use annoy_rs::ffi::build::{annoy_thaw, ANNOY_THAW_BUILT};
use annoy_rs::ffi::bytes::*;
use annoy_rs::ffi::file::ANNOY_LOAD_COPY;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CORRUPT as CORRUPT, ANNOY_ERR_FORMAT as FORMAT,
    ANNOY_ERR_IO as IO, ANNOY_ERR_NOT_FINITE as NOT_FINITE, ANNOY_ERR_NO_MEMORY as NO_MEMORY,
    ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE, ANNOY_ERR_TOO_SMALL as TOO_SMALL,
    ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use arbitrary::Result;
use std::fs;
use std::ptr::{null, null_mut};

/// No handle is called upon.
const NO_SLOT: usize = 9;

const UNTOUCHED: u8 = 0xA5;

impl Session<'_> {
    pub fn save_to_buffer(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, UNSUPPORTED, NO_MEMORY, TOO_SMALL, CORRUPT];
        let (slot, raw) = self.handle()?;
        let mut size = Room::new(1, 0, self.one_in(32)?);
        let place = size.get();
        // SAFETY: NULL or what the header asks for.
        self.call(
            "annoy_save_to_buffer",
            slot,
            Does::Read,
            ERRORS,
            |error| unsafe { annoy_save_to_buffer(raw, null_mut(), 0, place, null(), error) },
        )?;
        let needed = size.0[0];
        let capacity = match self.u.arbitrary::<u8>()? {
            0..192 => needed,
            192..224 => needed + 5,
            _ => needed.saturating_sub(1),
        };
        let mut room = Room::new(capacity, UNTOUCHED, self.one_in(32)?);
        let mut written = Room::new(1, 0, self.one_in(32)?);
        let (buffer, n) = (room.get().cast(), written.get());
        // SAFETY: as above.
        let saved = self.call(
            "annoy_save_to_buffer",
            slot,
            Does::Read,
            ERRORS,
            |error| unsafe { annoy_save_to_buffer(raw, buffer, capacity, n, null(), error) },
        )?;
        let mut bytes = room.0.into_vec();
        let n_written = if saved { needed } else { 0 };
        if saved || capacity < needed {
            assert!(bytes[n_written..].iter().all(|&byte| byte == UNTOUCHED));
        }
        if saved {
            assert_eq!(written.0[0], needed);
            bytes.truncate(needed);
            self.buffers.push(bytes.into_boxed_slice());
        }
        Ok(())
    }

    /// Bytes of an index as it was saved, or with one of them changed, or of none. Never those that
    /// may be on loan.
    fn bytes(&mut self) -> Result<Box<[u8]>> {
        let mut bytes = match self.u.arbitrary::<u8>()? {
            n @ 0..160 if !self.buffers.is_empty() => {
                self.buffers[usize::from(n) % self.buffers.len()].clone()
            }
            n @ 0..224 => {
                let name = FILES[usize::from(n) % FILES.len()];
                fs::read(self.directory.join(name))
                    .unwrap_or_default()
                    .into()
            }
            n => vec![n; usize::from(n)].into(),
        };
        if self.one_in(4)? {
            let (at, flipped): (u16, u8) = self.u.arbitrary()?;
            let len = bytes.len();
            if let Some(byte) = bytes.get_mut(usize::from(at) % len.max(1)) {
                *byte ^= flipped;
            }
        }
        Ok(bytes)
    }

    fn loan(&mut self) -> Result<u64> {
        match self.u.arbitrary::<u8>()? {
            n @ 0..240 => Ok(u64::from(n) % 2 * ANNOY_LOAD_COPY),
            _ => self.one_of(&[1, 3, 4, u64::MAX]),
        }
    }

    /// Loads bytes, or opens them. Those that are copied are gone right after the call.
    pub fn load_buffer(&mut self, opens: bool) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, ARGUMENT, FORMAT, NO_MEMORY];
        let (bytes, flags) = (self.bytes()?, self.loan()?);
        let (pointer, n) = match self.u.arbitrary::<u8>()? {
            0..248 => (bytes.as_ptr().cast(), bytes.len()),
            248..252 => (bytes.as_ptr().cast(), usize::MAX),
            252 | 253 => (null(), 0),
            _ => (null(), 7),
        };
        if opens {
            let slot = self.slot()?;
            let mut place = Room::new(1, null_mut(), self.one_in(32)?);
            let out = place.get();
            // SAFETY: NULL or what the header asks for; what is borrowed outlives the slots.
            let done = self.call(
                "annoy_open_buffer",
                NO_SLOT,
                Does::Read,
                ERRORS,
                |error| unsafe { annoy_open_buffer(pointer, n, flags, out, error) },
            )?;
            self.lend(done, flags, bytes);
            self.keep(slot, done, place.0[0]);
        } else {
            let (slot, raw) = self.handle()?;
            // SAFETY: as above.
            let done = self.call(
                "annoy_load_from_buffer",
                slot,
                Does::Change,
                ERRORS,
                |error| unsafe { annoy_load_from_buffer(raw, pointer, n, flags, error) },
            )?;
            self.lend(done, flags, bytes);
        }
        Ok(())
    }

    fn lend(&mut self, done: bool, flags: u64, bytes: Box<[u8]>) {
        if done && flags == 0 {
            self.buffers.push(bytes);
        }
    }

    pub fn thaw_built(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        // SAFETY: NULL or live.
        let done = self.call(
            "annoy_thaw",
            slot,
            Does::Change,
            &[NULL, STATE, NOT_FINITE, CORRUPT, UNSUPPORTED, NO_MEMORY],
            |error| unsafe { annoy_thaw(raw, ANNOY_THAW_BUILT, error) },
        )?;
        if done {
            let seen = self.slots[slot].seen.as_ref();
            assert!(seen.is_some_and(|seen| seen.n_trees > 0));
        }
        Ok(())
    }

    pub fn thaw(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        // SAFETY: NULL or live.
        let done = self.call(
            "annoy_thaw",
            slot,
            Does::Change,
            &[NULL, NOT_FINITE, CORRUPT, NO_MEMORY, IO],
            |error| unsafe { annoy_thaw(raw, 0, error) },
        )?;
        if done {
            let seen = self.slots[slot].seen.as_ref();
            assert_eq!(seen.map(|seen| seen.n_trees), Some(0));
        }
        Ok(())
    }
}
