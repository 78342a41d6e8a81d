//! Searches for any number of queries, with options.

use super::effort::Effort;
use super::{Does, Room, Session};
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::options::*;
use annoy_rs::ffi::recall::*;
use annoy_rs::ffi::search::*;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED, ANNOY_ERR_CORRUPT as CORRUPT,
    ANNOY_ERR_DIMENSION as DIMENSION, ANNOY_ERR_ITEM as ITEM, ANNOY_ERR_NOT_FINITE as NOT_FINITE,
    ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE,
    ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::vectors::ANNOY_ELEMENT_F64;
use annoy_rs::ffi::work::{annoy_work, ANNOY_STAGE_SEARCH};
use arbitrary::Result;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

const ERRORS: &[annoy_status] = &[
    NULL,
    STATE,
    ITEM,
    ARGUMENT,
    CORRUPT,
    DIMENSION,
    NOT_FINITE,
    UNSUPPORTED,
    CANCELLED,
];

unsafe extern "C" fn every_other(user: *mut c_void, item: i64) -> i32 {
    assert!(user.is_null() && item >= 0);
    (item % 2) as i32
}

/// Options, and what they point to.
struct Told {
    options: annoy_search_options,
    exclude: Room<i64>,
    bitmap: Room<u64>,
    effort: Effort,
    is_null: bool,
}

impl Told {
    fn get(&mut self) -> *const annoy_search_options {
        self.options.exclude = self.exclude.get();
        self.options.bitmap = self.bitmap.get();
        if self.is_null {
            null()
        } else {
            &raw const self.options
        }
    }
}

impl Session<'_> {
    fn told(&mut self, raw: *const annoy_index) -> Result<Told> {
        // SAFETY: NULL or live.
        let n_items = unsafe { annoy_get_n_items(raw) } as usize;
        let size = size_of::<annoy_search_options>();
        let has_bitmap = self.one_in(3)?;
        let bits = match self.u.arbitrary::<u8>()? {
            0..232 => n_items,
            _ => self.one_of(&[0, n_items + 1, usize::MAX])?,
        };
        // What is not the number of items is refused before anything is read.
        let n_words = if has_bitmap { n_items.div_ceil(64) } else { 0 };
        let mut words = Vec::new();
        for _ in 0..n_words.min(self.u.len() / 8 + 1) {
            words.push(self.u.arbitrary()?);
        }
        words.resize(n_words, 0x5555_5555_5555_5555);
        let n_exclude = self.one_of(&[0, 0, 0, 1, 3, 9])?;
        let mut exclude = Vec::new();
        for _ in 0..n_exclude {
            exclude.push(self.id(raw)?);
        }
        let options = annoy_search_options {
            struct_size: match self.u.arbitrary::<u8>()? {
                0..248 => size,
                _ => self.one_of(&[0, size - 1, size + 1, usize::MAX])?,
            },
            flags: match self.u.arbitrary::<u8>()? {
                n @ 0..248 => u64::from(n) % 8,
                _ => self.one_of(&[8, u64::MAX])?,
            },
            search_k: self.one_of(&[0, -1, 1, 10, 100, i64::MAX, -2])?,
            max_distance: self.one_of(&[0.0, 1.0, -1.0, 1e30, f64::NAN, f64::INFINITY])?,
            bitmap: null(),
            bitmap_bits: bits,
            exclude: null(),
            n_exclude,
            filter: if self.one_in(3)? {
                Some(every_other)
            } else {
                None
            },
            filter_user: null_mut(),
            method: self.one_of(&[0, 0, 0, 1, 2, 3, 4, 5, -1])?,
            reserved: 0,
            recall: self.one_of(&[0.0, 0.0, 0.0, 0.5, 0.9, 1.0, -1.0, f64::NAN])?,
            shards: null(),
            n_shards: 0,
        };
        let n_threads = match self.u.arbitrary::<u8>()? {
            0..224 => 1,
            _ => self.one_of(&[2, 0, -1, -2, i32::MAX])?,
        };
        Ok(Told {
            options,
            exclude: Room(exclude.into(), n_exclude == 0),
            bitmap: Room(words.into(), !has_bitmap),
            effort: Effort::new(self.u.arbitrary()?, ANNOY_STAGE_SEARCH, n_threads),
            is_null: self.one_in(8)?,
        })
    }

    /// From vectors.
    pub fn search(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let n_queries = self.one_of(&[1, 1, 1, 0, 2, 19])?;
        let mut view = self.view(raw, n_queries, false)?;
        let queries = view.get();
        self.answer(raw, n_queries, |session, options, results, work| {
            // SAFETY: the handle is NULL or live, everything else NULL or as it says.
            session.call("annoy_search", slot, Does::Read, ERRORS, |error| unsafe {
                annoy_search(raw, queries, options, results, work, error)
            })
        })
    }

    /// From items.
    pub fn search_items(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let n_queries = self.one_of(&[1, 1, 0, 2, 19])?;
        let mut items = Vec::new();
        for _ in 0..n_queries {
            items.push(self.id(raw)?);
        }
        let mut items = Room(items.into(), self.one_in(32)?);
        let items = items.get();
        self.answer(raw, n_queries, |session, options, results, work| {
            // SAFETY: as above.
            session.call(
                "annoy_search_items",
                slot,
                Does::Read,
                ERRORS,
                |error| unsafe {
                    annoy_search_items(raw, items, n_queries, options, results, work, error)
                },
            )
        })
    }

    /// Makes options and room for results, and looks at what is there in the end.
    fn answer(
        &mut self,
        raw: *const annoy_index,
        n_queries: usize,
        search: impl FnOnce(
            &mut Self,
            *const annoy_search_options,
            *const annoy_results,
            *const annoy_work,
        ) -> Result<bool>,
    ) -> Result<()> {
        let mut told = self.told(raw)?;
        let options = told.get();
        let n = self.below(9)?;
        let room = n * n_queries;
        let mut counts = Room::new(n_queries, usize::MAX, self.one_in(8)?);
        let mut ids = Room::new(room, -7i64, self.one_in(32)?);
        let element = self.one_of(&[0, 1, 2, 2, 3, -1])?;
        let size = if element == ANNOY_ELEMENT_F64 { 8 } else { 4 };
        let mut distances = Room::new(room * size, 0xa5u8, self.one_in(4)?);
        let results = annoy_results {
            struct_size: match self.u.arbitrary::<u8>()? {
                0..252 => size_of::<annoy_results>(),
                _ => self.one_of(&[0, 8, size_of::<annoy_results>() - 8, usize::MAX])?,
            },
            ids: ids.get(),
            distances: distances.get().cast(),
            distance_element: element,
            reserved: i32::from(self.one_in(64)?),
            counts: counts.get(),
            // More than there is room for, where there is none at all.
            n: match (n_queries == 0 || ids.1) && self.one_in(4)? {
                true => usize::MAX,
                false => n,
            },
            n_missing: null_mut(),
            generation: null_mut(),
        };
        let results = match self.one_in(64)? {
            true => null(),
            false => &raw const results,
        };
        let done = search(self, options, results, told.effort.get())?;
        if done && !counts.1 {
            for (row, &found) in ids.0.chunks(n.max(1)).zip(&counts.0) {
                assert!(row[..found].iter().all(|&id| id >= 0), "{row:?}");
                assert!(row[found..].iter().all(|&id| id == -1), "{row:?}");
            }
        }
        if !done && n_queries == 1 {
            assert!(ids.0.iter().all(|&id| id == -7), "written to: {:?}", ids.0);
        }
        Ok(())
    }

    pub fn estimate_recall(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, ARGUMENT, CORRUPT, NO_MEMORY, CANCELLED];
        let (slot, raw) = self.handle()?;
        let n_sample = self.one_of(&[0, 1, 5, 5, 5, usize::MAX])?;
        let n = self.one_of(&[0, 1, 3, 3, 3, usize::MAX])?;
        let search_k = self.one_of(&[-1, -1, 0, 20, i64::MAX, -2])?;
        let n_threads = self.one_of(&[1, 1, 1, 1, 1, 1, 2, -1, 0, i32::MIN])?;
        let effort = Effort::new(self.u.arbitrary()?, ANNOY_STAGE_SEARCH, n_threads);
        let work = effort.get();
        let mut recall = Room::new(1, f64::NAN, self.one_in(32)?);
        let place = recall.get();
        // SAFETY: NULL or live, NULL or room for one.
        let done = self.call(
            "annoy_estimate_recall",
            slot,
            Does::Read,
            ERRORS,
            |error| unsafe {
                annoy_estimate_recall(raw, n_sample, n, search_k, 1, work, place, error)
            },
        )?;
        assert!(!done || (0.0..=1.0).contains(&recall.0[0]));
        Ok(())
    }

    pub fn tune(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let n_queries = self.one_of(&[1, 3, 3, 0])?;
        let mut view = self.view(raw, n_queries, false)?;
        let of_items = self.one_in(2)?;
        let queries = if of_items { null() } else { view.get() };
        let effort = Effort::new(self.u.arbitrary()?, ANNOY_STAGE_SEARCH, 1);
        let work = effort.get();
        // SAFETY: the handle is NULL or live, everything else NULL or as it says.
        let done = self.call("annoy_tune", slot, Does::Change, ERRORS, |error| unsafe {
            annoy_tune(raw, queries, work, error)
        })?;
        if done && !queries.is_null() {
            let seen = self.slots[slot].seen.as_ref();
            assert_eq!(
                seen.expect("tuned, so it is live").n_tuned,
                n_queries as i64
            );
        }
        Ok(())
    }
}
