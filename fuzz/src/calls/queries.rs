//! The everyday searches, and asking.

use super::{Does, Room, Session};
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::item::*;
use annoy_rs::ffi::library::*;
use annoy_rs::ffi::log::*;
use annoy_rs::ffi::nearest::*;
use annoy_rs::ffi::status::*;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CORRUPT as CORRUPT, ANNOY_ERR_DIMENSION as DIMENSION,
    ANNOY_ERR_IO as IO, ANNOY_ERR_ITEM as ITEM, ANNOY_ERR_NOT_FINITE as NOT_FINITE,
    ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE,
    ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::verify::{annoy_get_info, annoy_info};
use arbitrary::Result;
use std::ffi::{c_char, c_void, CStr};
use std::ptr::null_mut;

unsafe extern "C" fn listen(user: *mut c_void, level: i32, text: *const c_char) {
    assert!(user.is_null() && (ANNOY_LOG_ERROR..=ANNOY_LOG_DEBUG).contains(&level));
    // SAFETY: a NUL-terminated text, as documented.
    let text = unsafe { CStr::from_ptr(text) };
    assert!(text.to_str().is_ok_and(|text| !text.is_empty()));
}

impl Session<'_> {
    pub fn distance(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let (i, j) = (self.id(raw)?, self.id(raw)?);
        let mut room = Room::new(1, f64::NAN, self.one_in(32)?);
        // SAFETY: NULL or live, NULL or room for one.
        self.call(
            "annoy_get_distance",
            slot,
            Does::Read,
            &[NULL, ITEM],
            |error| unsafe { annoy_get_distance(raw, i, j, room.get(), error) },
        )?;
        Ok(())
    }

    pub fn nearest(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, ITEM, ARGUMENT, CORRUPT];
        let (slot, raw) = self.handle()?;
        // SAFETY: NULL or live.
        let n_items = unsafe { annoy_get_n_items(raw) } as usize;
        let n = match self.u.arbitrary::<u8>()? {
            n @ 0..240 => usize::from(n) % 50,
            _ => self.one_of(&[n_items, n_items + 1, usize::MAX])?,
        };
        let search_k = match self.u.arbitrary::<u8>()? {
            0..128 => -1,
            n @ 128..240 => i64::from(n) - 128,
            _ => self.one_of(&[i64::MAX, -2, i64::MIN, 1000])?,
        };
        let room = n.min(n_items);
        let (null_ids, null_distances) = (self.one_in(32)?, self.one_in(4)?);
        let mut place = Room::new(1, usize::MAX, self.one_in(32)?);
        let mut ids = Room::new(room, -7i64, null_ids);
        let mut floats = Room::new(room, 0f32, null_distances);
        let (to, distances, n_found) = (ids.get(), floats.get(), place.get());
        let (id, f, null) = (self.id(raw)?, self.f_of(raw), self.one_in(32)?);
        let by_vector = [ERRORS, &[DIMENSION, NOT_FINITE, UNSUPPORTED]].concat();
        // SAFETY: the handle is NULL or live, everything else NULL or as long as the header asks
        // for.
        let found = if self.one_in(3)? {
            self.call(
                "annoy_get_nns_by_item",
                slot,
                Does::Read,
                ERRORS,
                |error| unsafe {
                    annoy_get_nns_by_item(raw, id, n, search_k, to, distances, n_found, error)
                },
            )
        } else {
            let len = self.len(f)?;
            let query = self.numbers(len)?.into_iter().map(|x| x as f32);
            let mut query = Room(query.collect(), null);
            let query = query.get();
            self.call(
                "annoy_get_nns_by_vector",
                slot,
                Does::Read,
                &by_vector,
                |error| unsafe {
                    annoy_get_nns_by_vector(
                        raw, query, len, n, search_k, to, distances, n_found, error,
                    )
                },
            )
        }?;
        let n_found = if found { place.0[0] } else { 0 };
        assert!(n_found <= room);
        let (good, rest) = ids.0.split_at(n_found);
        assert!(
            good.iter().all(|id| (0..n_items as i64).contains(id)),
            "{good:?}"
        );
        assert!(
            rest.iter().all(|&id| id == -7),
            "written beyond what was found: {rest:?}"
        );
        Ok(())
    }

    pub fn info(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let size = size_of::<annoy_info>();
        let given = match self.u.arbitrary::<u8>()? {
            0..160 => size,
            n @ 160..240 => 8 + usize::from(n),
            _ => self.one_of(&[0, 7, 8, 9, 4096, 4097, usize::MAX])?,
        };
        let mut room = Room::new(given.clamp(8, 4096), 0xa5u8, self.one_in(32)?);
        room.0[..8].copy_from_slice(&given.to_ne_bytes());
        let place = room.get().cast();
        // SAFETY: NULL or live, NULL or of that size.
        self.call(
            "annoy_get_info",
            slot,
            Does::Read,
            &[NULL, ARGUMENT, NO_MEMORY],
            |error| unsafe { annoy_get_info(raw, place, error) },
        )?;
        assert!(room.0.iter().skip(size).all(|&byte| byte == 0xa5));
        Ok(())
    }

    pub fn small_things(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let number = self.u.arbitrary::<i32>()?;
        // SAFETY: NULL or live; texts are NUL-terminated.
        match self.u.arbitrary::<u8>()? % 4 {
            0 if number % 3 == 1 => {
                let n =
                    [number as usize % 100, i32::MAX as usize, usize::MAX][number as usize / 3 % 3];
                self.call(
                    "annoy_reserve",
                    slot,
                    Does::Change,
                    &[NULL, STATE, ARGUMENT, NO_MEMORY, IO],
                    |error| unsafe { annoy_reserve(raw, n, error) },
                )?;
            }
            0 => {
                let seed = self.u.arbitrary()?;
                self.call(
                    "annoy_set_seed",
                    slot,
                    Does::Change,
                    &[NULL],
                    |error| unsafe { annoy_set_seed(raw, seed, error) },
                )?;
            }
            1 => {
                let log: annoy_log_fn = if number & 1 == 0 { Some(listen) } else { None };
                self.call(
                    "annoy_set_log",
                    slot,
                    Does::Change,
                    &[NULL, ARGUMENT],
                    |error| unsafe { annoy_set_log(raw, number % 7, log, null_mut(), error) },
                )?;
            }
            2 => {
                assert!(!annoy_status_name(number).is_null());
                assert!(!annoy_status_name(number & 15).is_null());
                let _ = (annoy_metric_name(number), annoy_metric_name(number & 7));
                assert!(!annoy_version().is_null() && !annoy_kernel_name().is_null());
            }
            _ => {
                let names = [c"angular", c"dot", c"", c"cosine", c"\xff\xfe"];
                let name = self.one_of(&names)?.as_ptr();
                let mut place = Room::new(1, 0, self.one_in(8)?);
                let out = place.get();
                self.call(
                    "annoy_metric_from_name",
                    9,
                    Does::Read,
                    &[NULL, ARGUMENT],
                    |error| unsafe { annoy_metric_from_name(name, out, error) },
                )?;
            }
        }
        Ok(())
    }
}
