//! Adding items.

use super::effort::Effort;
use super::{Does, Room, Session};
use annoy_rs::ffi::item::*;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED,
    ANNOY_ERR_DIMENSION as DIMENSION, ANNOY_ERR_IO as IO, ANNOY_ERR_ITEM as ITEM,
    ANNOY_ERR_NOT_FINITE as NOT_FINITE, ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL,
    ANNOY_ERR_STATE as STATE, ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::work::ANNOY_STAGE_ADD;
use arbitrary::Result;

impl Session<'_> {
    pub fn add_item(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[
            NULL,
            STATE,
            ITEM,
            DIMENSION,
            NOT_FINITE,
            UNSUPPORTED,
            NO_MEMORY,
            IO,
        ];
        let (slot, raw) = self.handle()?;
        let (id, f, form) = (self.id(raw)?, self.f_of(raw), self.form(raw)?);
        let null = self.one_in(32)?;
        let len = self.len(if form == 3 { f.div_ceil(64) } else { f })?;
        // SAFETY: the handle is NULL or live, the vector NULL or of that length.
        let done = match form {
            1 => {
                let vector = self.numbers(len)?.into_iter().map(|x| x as f32);
                let mut room = Room(vector.collect(), null);
                self.call(
                    "annoy_add_item",
                    slot,
                    Does::Change,
                    ERRORS,
                    |error| unsafe { annoy_add_item(raw, id, room.get(), len, error) },
                )?
            }
            2 => {
                let mut room = Room(self.numbers(len)?.into(), null);
                self.call(
                    "annoy_add_item_f64",
                    slot,
                    Does::Change,
                    ERRORS,
                    |error| unsafe { annoy_add_item_f64(raw, id, room.get(), len, error) },
                )?
            }
            _ => {
                let mut room = Room(self.words(f, len)?.into(), null);
                let errors = [ERRORS, &[ARGUMENT]].concat();
                self.call(
                    "annoy_add_item_bits",
                    slot,
                    Does::Change,
                    &errors,
                    |error| unsafe { annoy_add_item_bits(raw, id, room.get(), len, error) },
                )?
            }
        };
        if done {
            assert!(self.slots[slot]
                .seen
                .as_ref()
                .is_some_and(|seen| seen.n_items > id));
        }
        Ok(())
    }

    pub fn add_items(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[
            NULL,
            ARGUMENT,
            STATE,
            ITEM,
            DIMENSION,
            NOT_FINITE,
            UNSUPPORTED,
            NO_MEMORY,
            IO,
        ];
        let (slot, raw) = self.handle()?;
        let (f, form) = (self.f_of(raw), self.form(raw)?);
        let element = if form == 1 { 4 } else { 8 };
        let len = self.len(if form == 3 { f.div_ceil(64) } else { f })?;
        let n = self.below(12)?;
        let row = len * element;
        let more = self.one_of(&[0, 0, 0, 0, element, 2 * element])?;
        let how: u8 = self.u.arbitrary()?;
        let stride = match how {
            0..100 if more == 0 => 0,
            0..240 => row + more,
            _ => self.one_of(&[
                1,
                row + 1,
                row.saturating_sub(element),
                usize::MAX,
                usize::MAX - 7,
            ])?,
        };
        // What is not a stride is refused before anything is read.
        let apart = (row + more) / element;
        let room = if n == 0 { 0 } else { (n - 1) * apart + len };
        let null = self.one_in(32)?;
        // More rows than can be: where there is nothing to read.
        let n_rows = if (null || len == 0) && self.one_in(4)? {
            usize::MAX
        } else {
            n
        };
        let with_ids = self.u.arbitrary::<bool>()? && n_rows == n;
        let mut ids = Vec::new();
        for _ in 0..if with_ids { n } else { 0 } {
            ids.push(self.id(raw)?);
        }
        let mut ids = Room(ids.into(), !with_ids);
        let ids = ids.get();
        let effort = Effort::new(how / 2, ANNOY_STAGE_ADD, 1 + i32::from(how / 16) % 2);
        let given_up = [ERRORS, &[CANCELLED]].concat();
        let (plain, work) = (how.is_multiple_of(2), effort.get());
        // SAFETY: the handle is NULL or live, rows and ids are NULL or as long as they have to be.
        match form {
            1 => {
                let rows = self.numbers(room)?.into_iter().map(|x| x as f32);
                let mut rows = Room(rows.collect(), null);
                let rows = rows.get();
                if plain {
                    self.call(
                        "annoy_add_items",
                        slot,
                        Does::Change,
                        ERRORS,
                        |error| unsafe {
                            annoy_add_items(raw, ids, rows, n_rows, len, stride, error)
                        },
                    )?
                } else {
                    self.call(
                        "annoy_add_items_with",
                        slot,
                        Does::Change,
                        &given_up,
                        |error| unsafe {
                            annoy_add_items_with(raw, ids, rows, n_rows, len, stride, work, error)
                        },
                    )?
                }
            }
            2 => {
                let mut rows = Room(self.numbers(room)?.into(), null);
                let rows = rows.get();
                if plain {
                    self.call(
                        "annoy_add_items_f64",
                        slot,
                        Does::Change,
                        ERRORS,
                        |error| unsafe {
                            annoy_add_items_f64(raw, ids, rows, n_rows, len, stride, error)
                        },
                    )?
                } else {
                    self.call(
                        "annoy_add_items_with_f64",
                        slot,
                        Does::Change,
                        &given_up,
                        |error| unsafe {
                            annoy_add_items_with_f64(
                                raw, ids, rows, n_rows, len, stride, work, error,
                            )
                        },
                    )?
                }
            }
            _ => {
                let mut rows = Room(self.words(f, room)?.into(), null);
                let rows = rows.get();
                if plain {
                    self.call(
                        "annoy_add_items_bits",
                        slot,
                        Does::Change,
                        ERRORS,
                        |error| unsafe {
                            annoy_add_items_bits(raw, ids, rows, n_rows, len, stride, error)
                        },
                    )?
                } else {
                    self.call(
                        "annoy_add_items_with_bits",
                        slot,
                        Does::Change,
                        &given_up,
                        |error| unsafe {
                            annoy_add_items_with_bits(
                                raw, ids, rows, n_rows, len, stride, work, error,
                            )
                        },
                    )?
                }
            }
        };
        Ok(())
    }
}
