//! The calls that change a built index.

use super::{Does, Session};
use annoy_rs::ffi::insert::*;
use annoy_rs::ffi::status::annoy_status;
use annoy_rs::ffi::status::{
    ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CORRUPT as CORRUPT, ANNOY_ERR_DIMENSION as DIMENSION,
    ANNOY_ERR_ITEM as ITEM, ANNOY_ERR_LABEL as LABEL, ANNOY_ERR_NOT_FINITE as NOT_FINITE,
    ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL, ANNOY_ERR_STATE as STATE,
    ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use arbitrary::Result;
use std::ptr::null;

// They tell of one stage after the other, so none is told what an `Effort` expects.
impl Session<'_> {
    pub fn insert(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[
            NULL,
            ARGUMENT,
            STATE,
            ITEM,
            LABEL,
            DIMENSION,
            NOT_FINITE,
            UNSUPPORTED,
            NO_MEMORY,
            CORRUPT,
        ];
        let (slot, raw) = self.handle()?;
        let n = self.below(12)?;
        let mut view = self.view(raw, n, false)?;
        let mut ids = self.ids_for(raw, &view, n)?;
        let mut labels = match self.one_in(3)? {
            true => Some(self.labels(n)?),
            false => None,
        };
        let flags = self.one_of(&[0, 0, 0, 1, 1, 1, 2, u64::MAX])?;
        let labels = labels.as_mut().map_or(null(), |labels| labels.get());
        let (ids, view) = (ids.get(), view.get());
        // SAFETY: the handle is NULL or live, the view, labels and ids are NULL or as they say.
        self.call("annoy_insert", slot, Does::Change, ERRORS, |error| unsafe {
            annoy_insert(raw, ids, view, labels, flags, null(), error)
        })?;
        Ok(())
    }

    pub fn take_out(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, UNSUPPORTED, NO_MEMORY, CORRUPT];
        let (slot, raw) = self.handle()?;
        let call = match self.one_in(2)? {
            true => annoy_consolidate,
            false => annoy_compact,
        };
        // SAFETY: the handle is NULL or live.
        self.call("taking out", slot, Does::Change, ERRORS, |error| unsafe {
            call(raw, null(), error)
        })?;
        Ok(())
    }
}
