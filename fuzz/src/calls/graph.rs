//! Building a graph, and the lists of a scan.

use super::effort::Effort;
use super::{Does, Session};
use annoy_rs::ffi::auto::annoy_build_auto;
use annoy_rs::ffi::graph::*;
use annoy_rs::ffi::scan::annoy_build_scan;
use annoy_rs::ffi::status::{
    annoy_status, ANNOY_ERR_ARGUMENT as ARGUMENT, ANNOY_ERR_CANCELLED as CANCELLED,
    ANNOY_ERR_CORRUPT as CORRUPT, ANNOY_ERR_NO_MEMORY as NO_MEMORY, ANNOY_ERR_NULL as NULL,
    ANNOY_ERR_STATE as STATE, ANNOY_ERR_UNSUPPORTED as UNSUPPORTED,
};
use annoy_rs::ffi::work::{ANNOY_STAGE_GRAPH, ANNOY_STAGE_SCAN};
use arbitrary::Result;
use std::ptr::null;

const ERRORS: &[annoy_status] = &[
    NULL,
    STATE,
    ARGUMENT,
    UNSUPPORTED,
    CORRUPT,
    NO_MEMORY,
    CANCELLED,
];

impl Session<'_> {
    pub fn build_graph(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let size = size_of::<annoy_graph_options>();
        let options = annoy_graph_options {
            struct_size: match self.u.arbitrary::<u8>()? {
                0..248 => size,
                _ => self.one_of(&[0, size - 1, size + 1, usize::MAX])?,
            },
            degree: self.up_to(8)?,
            candidates: self.up_to(16)?,
            alpha: self.one_of(&[0.0, 1.0, 1.2, 16.0, 0.5, -1.0, f64::NAN])?,
            rounds: self.up_to(3)?,
            sample: self.up_to(6)?,
            n_trees: self.up_to(4)?,
            reserved: i32::from(self.one_in(32)?),
        };
        let is_null = self.one_in(8)?;
        let given = if is_null { null() } else { &raw const options };
        let n_threads = if self.one_in(16)? { 2 } else { 1 };
        let effort = Effort::new(self.u.arbitrary()?, ANNOY_STAGE_GRAPH, n_threads);
        // SAFETY: NULL or live, NULL or what the header asks for.
        let done = self.call(
            "annoy_build_graph",
            slot,
            Does::Change,
            ERRORS,
            |error| unsafe { annoy_build_graph(raw, given, effort.get(), error) },
        )?;
        if done {
            let seen = self.slots[slot].seen.as_ref();
            let degree = seen.expect("built, so it is live").graph_degree;
            assert!(degree > 0);
            assert!(is_null || options.degree == 0 || degree == i64::from(options.degree));
        }
        Ok(())
    }

    pub fn build_scan(&mut self) -> Result<()> {
        const ERRORS: &[annoy_status] = &[NULL, STATE, ARGUMENT, UNSUPPORTED, NO_MEMORY, CANCELLED];
        let (slot, raw) = self.handle()?;
        let is_null = self.one_in(8)?;
        let n_threads = if self.one_in(16)? { 2 } else { 1 };
        let effort = Effort::new(self.u.arbitrary()?, ANNOY_STAGE_SCAN, n_threads);
        let work = if is_null { null() } else { effort.get() };
        // SAFETY: NULL or live, NULL or what the header asks for.
        let done = self.call(
            "annoy_build_scan",
            slot,
            Does::Change,
            ERRORS,
            |error| unsafe { annoy_build_scan(raw, work, error) },
        )?;
        if done {
            let seen = self.slots[slot].seen.as_ref();
            assert!(seen.expect("built, so it is live").scan_lists > 0);
        }
        Ok(())
    }

    pub fn build_auto(&mut self) -> Result<()> {
        let (slot, raw) = self.handle()?;
        let recall = self.one_of(&[0.0, 0.9, 1.0, 1.1, -1.0, f64::NAN])?;
        // Its calls tell of stages of their own.
        let work = null();
        // SAFETY: NULL or live.
        let done = self.call(
            "annoy_build_auto",
            slot,
            Does::Change,
            ERRORS,
            |error| unsafe { annoy_build_auto(raw, recall, work, error) },
        )?;
        if done {
            let seen = self.slots[slot].seen.as_ref();
            let seen = seen.expect("built, so it is live");
            assert!((seen.scan_lists > 0) != (seen.graph_degree > 0));
        }
        Ok(())
    }

    /// 0 to `most`, or what cannot be.
    fn up_to(&mut self, most: i32) -> Result<i32> {
        Ok(match self.u.arbitrary::<u8>()? {
            n @ 0..240 => i32::from(n) % (most + 1),
            _ => self.one_of(&[-1, i32::MIN, i32::MAX])?,
        })
    }
}
