//! Views of vectors, and the calls that take or fill one.

use super::effort::Effort;
use super::{Does, Room, Session};
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::item::*;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED,
    ANNOY_ERR_DIMENSION as DIMENSION, ANNOY_ERR_IO as IO, ANNOY_ERR_ITEM as ITEM,
    ANNOY_ERR_NOT_FINITE as NOT_FINITE, ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL,
    ANNOY_ERR_STATE as STATE, ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::vectors::*;
use annoy_rs::ffi::work::ANNOY_STAGE_ADD;
use arbitrary::Result;
use std::ptr::{null, null_mut};

/// An `annoy_vectors`, and the rows it points to: not a byte more than it says.
pub(super) struct View {
    vectors: annoy_vectors,
    rows: Room<u8>,
    is_null: bool,
}

impl View {
    pub fn get(&mut self) -> *const annoy_vectors {
        self.vectors.data = self.rows.get().cast();
        match self.is_null {
            true => null(),
            false => &raw const self.vectors,
        }
    }
}

/// Bytes of an element; of one that is none, of the default's.
fn size(element: annoy_element) -> usize {
    match element {
        ANNOY_ELEMENT_F64 | ANNOY_ELEMENT_BITS => 8,
        ANNOY_ELEMENT_F16 | ANNOY_ELEMENT_BF16 => 2,
        ANNOY_ELEMENT_I8 => 1,
        _ => 4,
    }
}

impl Session<'_> {
    /// `n` rows for an index, mostly of elements and a length that it takes. `is_room`: to be
    /// filled.
    pub(super) fn view(
        &mut self,
        raw: *const annoy_index,
        n: usize,
        is_room: bool,
    ) -> Result<View> {
        let element = match self.u.arbitrary::<u8>()? {
            0..180 => self.form(raw)?,
            n @ 180..248 => i32::from(n) % 7,
            _ => self.one_of(&[-1, 7, i32::MAX])?,
        };
        let f = self.f_of(raw);
        let is_bits = element == ANNOY_ELEMENT_BITS;
        let len = self.len(if is_bits { f.div_ceil(64) } else { f })?;
        let size = size(element);
        let row = len * size;
        let more = self.one_of(&[0, 0, 0, 0, size, 2 * size])?;
        // What is not a stride is refused before anything is read.
        let stride = match self.u.arbitrary::<u8>()? {
            0..100 if more == 0 => 0,
            0..240 => row + more,
            _ => self.one_of(&[1, row + 1, row.saturating_sub(size), usize::MAX])?,
        };
        let n_bytes = if n == 0 {
            0
        } else {
            (n - 1) * (row + more) + row
        };
        let bytes = match element {
            _ if is_room => vec![0xa5; n_bytes],
            ANNOY_ELEMENT_F64 => {
                let numbers = self.numbers(n_bytes / size)?;
                numbers.into_iter().flat_map(f64::to_ne_bytes).collect()
            }
            ANNOY_ELEMENT_BITS => {
                let words = self.words(f, n_bytes / size)?;
                words.into_iter().flat_map(u64::to_ne_bytes).collect()
            }
            ANNOY_ELEMENT_F16 | ANNOY_ELEMENT_BF16 | ANNOY_ELEMENT_I8 => {
                let words = self.words(64, n_bytes.div_ceil(8))?;
                let bytes = words.into_iter().flat_map(u64::to_ne_bytes);
                bytes.take(n_bytes).collect()
            }
            _ => {
                let numbers = self.numbers(n_bytes / size)?.into_iter();
                numbers.flat_map(|x| (x as f32).to_ne_bytes()).collect()
            }
        };
        let is_none = self.one_in(32)?;
        let vectors = annoy_vectors {
            struct_size: match self.u.arbitrary::<u8>()? {
                0..252 => size_of::<annoy_vectors>(),
                _ => self.one_of(&[0, 8, size_of::<annoy_vectors>() - 8, usize::MAX])?,
            },
            data: null_mut(),
            element,
            reserved: i32::from(self.one_in(64)?),
            // More rows than can be, where there is nothing to read.
            n: match (is_none || len == 0) && self.one_in(4)? {
                true => usize::MAX,
                false => n,
            },
            len,
            stride,
        };
        Ok(View {
            vectors,
            rows: Room(bytes.into(), is_none),
            is_null: self.one_in(64)?,
        })
    }

    /// Ids for the `n` rows of a view, or none.
    pub(super) fn ids_for(
        &mut self,
        raw: *const annoy_index,
        view: &View,
        n: usize,
    ) -> Result<Room<i64>> {
        let with_ids = self.u.arbitrary::<bool>()? && view.vectors.n == n;
        let mut ids = Vec::new();
        for _ in 0..if with_ids { n } else { 0 } {
            ids.push(self.id(raw)?);
        }
        Ok(Room(ids.into(), !with_ids))
    }

    pub fn add(&mut self) -> Result<()> {
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
            CANCELLED,
        ];
        let (slot, raw) = self.handle()?;
        let n = self.below(12)?;
        let mut view = self.view(raw, n, false)?;
        let mut ids = self.ids_for(raw, &view, n)?;
        let n_threads = self.one_of(&[1, 1, 2])?;
        let effort = Effort::new(self.u.arbitrary()?, ANNOY_STAGE_ADD, n_threads);
        let (ids, view, work) = (ids.get(), view.get(), effort.get());
        // SAFETY: the handle is NULL or live, the view and ids are NULL or as they say.
        self.call("annoy_add", slot, Does::Change, ERRORS, |error| unsafe {
            annoy_add(raw, ids, view, work, error)
        })?;
        Ok(())
    }

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
        let (id, f) = (self.id(raw)?, self.f_of(raw));
        let (null, len) = (self.one_in(32)?, self.len(f)?);
        let vector = self.numbers(len)?.into_iter().map(|x| x as f32);
        let mut room = Room(vector.collect(), null);
        let vector = room.get();
        // SAFETY: the handle is NULL or live, the vector NULL or of that length.
        let done = self.call(
            "annoy_add_item",
            slot,
            Does::Change,
            ERRORS,
            |error| unsafe { annoy_add_item(raw, id, vector, len, error) },
        )?;
        if done {
            let seen = self.slots[slot].seen.as_ref();
            assert!(seen.is_some_and(|seen| seen.n_items > id));
        }
        Ok(())
    }

    pub fn get_item(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, ITEM, DIMENSION, UNSUPPORTED];
        let (slot, raw) = self.handle()?;
        let (id, f) = (self.id(raw)?, self.f_of(raw));
        let null = self.one_in(32)?;
        let len = self.len(f)?;
        let mut room = Room::new(len, 0.0, null);
        let vector = room.get();
        // SAFETY: the handle is NULL or live, the room NULL or of that length.
        self.call("annoy_get_item", slot, Does::Read, ERRORS, |error| unsafe {
            annoy_get_item(raw, id, vector, len, error)
        })?;
        Ok(())
    }

    pub fn get_vectors(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, ITEM, DIMENSION, UNSUPPORTED, ARGUMENT];
        let (slot, raw) = self.handle()?;
        let n = self.below(6)?;
        let mut view = self.view(raw, n, true)?;
        let mut ids = self.ids_for(raw, &view, n)?;
        let (ids, view) = (ids.get(), view.get());
        // SAFETY: the handle is NULL or live, the view and ids are NULL or as they say.
        self.call(
            "annoy_get_vectors",
            slot,
            Does::Read,
            ERRORS,
            |error| unsafe { annoy_get_vectors(raw, ids, view, error) },
        )?;
        Ok(())
    }
}
