//! Searches that are told more, and batches.

use super::effort::Effort;
use super::{Does, Room, Session};
use annoy_rs::ffi::batch::*;
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::options::*;
use annoy_rs::ffi::query::*;
use annoy_rs::ffi::recall::*;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED, ANNOY_ERR_CORRUPT as CORRUPT,
    ANNOY_ERR_DIMENSION as DIMENSION, ANNOY_ERR_ITEM as ITEM, ANNOY_ERR_NOT_FINITE as NOT_FINITE,
    ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE,
    ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::work::ANNOY_STAGE_SEARCH;
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
        self.options.work = self.effort.get();
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
                n @ 0..192 => u64::from(n) % 16,
                // By the forest, the graph, both.
                n @ 192..248 => u64::from(n) % 64,
                _ => self.one_of(&[64, u64::MAX])?,
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
            work: null(),
            method: 0,
            reserved: 0,
        };
        // A flag in one half of the cases, the method in the other: no byte is read for it, so that
        // the corpus means what it meant.
        let options = match options.flags {
            flags @ 8..64 if flags % 2 == 1 => annoy_search_options {
                flags: flags % 8,
                method: (flags / 8) as i32 % 5,
                ..options
            },
            _ => options,
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

    /// One query, by any of the functions.
    pub fn search_among(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let mut told = self.told(raw)?;
        let options = told.get();
        // SAFETY: NULL or live.
        let n_items = unsafe { annoy_get_n_items(raw) } as usize;
        let n = match self.u.arbitrary::<u8>()? {
            n @ 0..240 => usize::from(n) % 50,
            _ => self.one_of(&[n_items, n_items + 1, usize::MAX])?,
        };
        let room = n.min(n_items);
        let mut place = Room::new(1, usize::MAX, self.one_in(32)?);
        let mut ids = Room::new(room, -7i64, self.one_in(32)?);
        let null_distances = self.one_in(4)?;
        let mut floats = Room::new(room, 0f32, null_distances);
        let mut doubles = Room::new(room, 0f64, null_distances);
        let (to, f32s, f64s, n_found) = (ids.get(), floats.get(), doubles.get(), place.get());
        let (id, f, form) = (self.id(raw)?, self.f_of(raw), self.form(raw)?);
        let len = self.len(if form == 3 { f.div_ceil(64) } else { f })?;
        let which = self.u.arbitrary::<u8>()? % 6;
        // SAFETY: the handle is NULL or live, everything else NULL or as long as the header asks for.
        let found = match (which, form) {
            (0, _) => self.call(
                "annoy_search_item",
                slot,
                Does::Read,
                ERRORS,
                |error| unsafe { annoy_search_item(raw, id, n, options, to, f32s, n_found, error) },
            ),
            (1, _) => self.call(
                "annoy_search_item_f64",
                slot,
                Does::Read,
                ERRORS,
                |error| unsafe {
                    annoy_search_item_f64(raw, id, n, options, to, f64s, n_found, error)
                },
            ),
            (_, 1) => {
                let query = self.numbers(len)?.into_iter().map(|x| x as f32);
                let query: Vec<f32> = query.collect();
                let query = query.as_ptr();
                self.call(
                    "annoy_search_one",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_one(raw, query, len, n, options, to, f32s, n_found, error)
                    },
                )
            }
            (_, 2) => {
                let query = self.numbers(len)?;
                self.call(
                    "annoy_search_one_f64",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_one_f64(
                            raw,
                            query.as_ptr(),
                            len,
                            n,
                            options,
                            to,
                            f64s,
                            n_found,
                            error,
                        )
                    },
                )
            }
            _ => {
                let query = self.words(f, len)?;
                self.call(
                    "annoy_search_one_bits",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_one_bits(
                            raw,
                            query.as_ptr(),
                            len,
                            n,
                            options,
                            to,
                            f32s,
                            n_found,
                            error,
                        )
                    },
                )
            }
        }?;
        let n_found = if found { place.0[0] } else { 0 };
        let (good, rest) = ids.0.split_at(n_found);
        let in_bounds = good.iter().all(|id| (0..n_items as i64).contains(id));
        assert!(in_bounds, "{good:?}");
        let untouched = rest.iter().all(|&id| id == -7);
        assert!(untouched, "written beyond what was found: {rest:?}");
        Ok(())
    }

    /// Several queries at once.
    pub fn batch(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let mut told = self.told(raw)?;
        let options = told.get();
        let (n, n_queries) = (self.below(9)?, self.below(20)?);
        let room = n * n_queries;
        let mut counts = Room::new(n_queries, usize::MAX, self.one_in(8)?);
        let mut ids = Room::new(room, -7i64, self.one_in(32)?);
        let null_distances = self.one_in(4)?;
        let mut floats = Room::new(room, 0f32, null_distances);
        let mut doubles = Room::new(room, 0f64, null_distances);
        let (to, f32s, f64s, n_found) = (ids.get(), floats.get(), doubles.get(), counts.get());
        let (f, form) = (self.f_of(raw), self.form(raw)?);
        let len = self.len(if form == 3 { f.div_ceil(64) } else { f })?;
        let by_item = self.one_in(3)?;
        // SAFETY: the handle is NULL or live, everything else NULL or as long as the header asks for.
        let done = match (by_item, form) {
            (true, _) => {
                let mut items = Vec::new();
                for _ in 0..n_queries {
                    items.push(self.id(raw)?);
                }
                let items = items.as_ptr();
                self.call(
                    "annoy_search_batch_items",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_batch_items(
                            raw, items, n_queries, n, options, to, f32s, n_found, error,
                        )
                    },
                )
            }
            (_, 1) => {
                let rows = self.numbers(len * n_queries)?;
                let rows: Vec<f32> = rows.into_iter().map(|x| x as f32).collect();
                let rows = rows.as_ptr();
                self.call(
                    "annoy_search_batch",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_batch(
                            raw, rows, n_queries, len, 0, n, options, to, f32s, n_found, error,
                        )
                    },
                )
            }
            (_, 2) => {
                let rows = self.numbers(len * n_queries)?;
                let rows = rows.as_ptr();
                self.call(
                    "annoy_search_batch_f64",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_batch_f64(
                            raw, rows, n_queries, len, 0, n, options, to, f64s, n_found, error,
                        )
                    },
                )
            }
            _ => {
                let rows = self.words(f, len * n_queries)?;
                let rows = rows.as_ptr();
                self.call(
                    "annoy_search_batch_bits",
                    slot,
                    Does::Read,
                    ERRORS,
                    |error| unsafe {
                        annoy_search_batch_bits(
                            raw, rows, n_queries, len, 0, n, options, to, f32s, n_found, error,
                        )
                    },
                )
            }
        }?;
        if done && !counts.1 {
            for (row, &found) in ids.0.chunks(n.max(1)).zip(&counts.0) {
                assert!(row[..found].iter().all(|&id| id >= 0), "{row:?}");
                assert!(row[found..].iter().all(|&id| id == -1), "{row:?}");
            }
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
}
