//! Making, taking away, building.

use super::effort::Effort;
use super::{Does, Room, Session};
use annoy_rs::ffi::build::*;
use annoy_rs::ffi::file::annoy_unload;
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::labels::ANNOY_LABELS_NONE;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED, ANNOY_ERR_IO as IO,
    ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE,
};
use annoy_rs::ffi::work::ANNOY_STAGE_BUILD;
use arbitrary::Result;
use std::ptr::{null, null_mut};

impl Session<'_> {
    fn f(&mut self) -> Result<usize> {
        Ok(match self.u.arbitrary::<u8>()? {
            n @ 0..128 => 1 + usize::from(n) % 8,
            n @ 128..224 => 1 + usize::from(n),
            224..240 => 64,
            _ => self.one_of(&[0, 65_537, usize::MAX, 1 << 23])?,
        })
    }

    pub fn make(&mut self) -> Result<()> {
        let (slot, metric, f) = (self.slot()?, self.metric()?, self.f()?);
        let mut place = Room::new(1, null_mut(), self.one_in(32)?);
        let raw = place.get();
        // SAFETY: NULL or room for a pointer.
        let done = self.call(
            "annoy_new",
            9,
            Does::Read,
            &[NULL, ARGUMENT],
            |error| unsafe { annoy_new(metric, f, raw, error) },
        )?;
        self.keep(slot, done, place.0[0]);
        Ok(())
    }

    pub fn keep(&mut self, slot: usize, done: bool, handle: *mut annoy_index) {
        assert_eq!(done, !handle.is_null());
        if done {
            self.slots[slot].put(handle);
        }
    }

    fn metric(&mut self) -> Result<i32> {
        let known = [
            1,
            2,
            3,
            4,
            5,
            1,
            2,
            3,
            4,
            5,
            1,
            2,
            3,
            4,
            5,
            0,
            6,
            -1,
            i32::MIN,
        ];
        self.one_of(&known)
    }

    pub fn make_with(&mut self) -> Result<()> {
        let slot = self.slot()?;
        let size = size_of::<annoy_options>();
        let options = annoy_options {
            struct_size: if self.one_in(16)? {
                self.one_of(&[0, size - 1, usize::MAX])?
            } else {
                size
            },
            metric: self.metric()?,
            scalar: self.one_of(&[0, 1, 2, 2, 3, 4, 5, 0, 1, 2, 6, -1])?,
            id_bits: self.one_of(&[0, 32, 64, 64, 64, 16])?,
            flags: u32::from(self.one_in(32)?),
            f: self.f()?,
        };
        let given = if self.one_in(32)? {
            null()
        } else {
            &raw const options
        };
        let mut place = Room::new(1, null_mut(), self.one_in(32)?);
        let raw = place.get();
        // SAFETY: NULL or what the header asks for.
        let done = self.call(
            "annoy_new_with",
            9,
            Does::Read,
            &[NULL, ARGUMENT],
            |error| unsafe { annoy_new_with(given, raw, error) },
        )?;
        self.keep(slot, done, place.0[0]);
        Ok(())
    }

    pub fn take_away(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        if slot < 3 && self.one_in(4)? {
            self.slots[slot].free();
            return Ok(());
        }
        // SAFETY: NULL or live.
        self.call(
            "annoy_unload",
            slot,
            Does::Change,
            &[NULL],
            |error| unsafe { annoy_unload(raw, error) },
        )?;
        if let Some(seen) = self.slots.get(slot).and_then(|slot| slot.seen.as_ref()) {
            assert!(seen.n_items == 0 && seen.n_trees == 0 && seen.metadata.is_empty());
            assert!(
                seen.labels.0 == (0, ANNOY_LABELS_NONE)
                    && seen.n_removed == 0
                    && seen.graph_degree == 0
                    && seen.scan_lists == 0
            );
        }
        Ok(())
    }

    pub fn build(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, ARGUMENT, NO_MEMORY, IO];
        let (slot, raw) = self.handle()?;
        let n_trees = match self.u.arbitrary::<u8>()? {
            n @ 0..200 => 1 + i32::from(n) % 5,
            200..232 => -1,
            // Not 65,536, which is legal and takes long.
            _ => self.one_of(&[0, -2, i32::MIN, 65_537, i32::MAX])?,
        };
        let how: u8 = self.u.arbitrary()?;
        let n_threads = match how {
            0..216 => 1,
            216..232 => 2,
            _ => self.one_of(&[-1, 0, -2, i32::MIN, i32::MAX])?,
        };
        // SAFETY: NULL or live.
        let done = if how.is_multiple_of(2) {
            self.call("annoy_build", slot, Does::Change, ERRORS, |error| unsafe {
                annoy_build(raw, n_trees, n_threads, error)
            })?
        } else {
            let effort = Effort::new(how / 2, ANNOY_STAGE_BUILD, n_threads);
            let errors = [ERRORS, &[CANCELLED]].concat();
            self.call(
                "annoy_build_trees",
                slot,
                Does::Change,
                &errors,
                |error| unsafe { annoy_build_trees(raw, n_trees, effort.get(), error) },
            )?
        };
        if done {
            let seen = self.slots[slot]
                .seen
                .as_ref()
                .expect("built, so it is live");
            assert!(seen.n_trees == i64::from(n_trees) || n_trees == -1 && seen.n_trees > 0);
        }
        Ok(())
    }

    pub fn unbuild(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        // SAFETY: NULL or live.
        self.call(
            "annoy_unbuild",
            slot,
            Does::Change,
            &[NULL, STATE, IO],
            |error| unsafe { annoy_unbuild(raw, error) },
        )?;
        Ok(())
    }

    pub fn on_disk_build(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, ARGUMENT, IO];
        let (slot, raw) = self.handle()?;
        let path = self.path()?;
        // SAFETY: NULL or what the header asks for.
        self.call(
            "annoy_on_disk_build",
            slot,
            Does::Change,
            ERRORS,
            |error| unsafe { annoy_on_disk_build(raw, path.get(), error) },
        )?;
        Ok(())
    }
}
