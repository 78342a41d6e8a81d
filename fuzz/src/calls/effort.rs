//! How long calls are to work, and what they are to be told.

use annoy_rs::ffi::work::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// An `annoy_work`, or NULL.
pub struct Effort {
    work: annoy_work,
    watch: Box<Watch>,
    is_null: bool,
}

/// What progress has been heard, and when it sets the token.
struct Watch {
    stage: annoy_stage,
    done: u64,
    left: u8,
    cancel: *mut annoy_cancel,
}

unsafe extern "C" fn hear(user: *mut c_void, stage: annoy_stage, done: u64, total: u64) {
    // SAFETY: the watch of the effort, which outlives the call and which nothing else uses
    // meanwhile.
    let watch = unsafe { &mut *user.cast::<Watch>() };
    assert!(stage == watch.stage && done >= watch.done && done <= total);
    watch.done = done;
    watch.left = watch.left.wrapping_sub(1);
    if watch.left == 0 {
        // SAFETY: live until the effort is dropped.
        unsafe { annoy_cancel_set(watch.cancel) };
    }
}

impl Effort {
    /// One for each number: NULL, nothing told, given up at one of the first steps, or before.
    pub fn new(number: u8, stage: annoy_stage, n_threads: i32) -> Self {
        let mut watch = Box::new(Watch {
            stage,
            done: 0,
            left: number / 8,
            cancel: annoy_cancel_new(),
        });
        if number % 8 == 1 {
            // SAFETY: just made.
            unsafe { annoy_cancel_set(watch.cancel) };
        }
        let work = annoy_work {
            struct_size: size_of::<annoy_work>() - usize::from(number == 255),
            n_threads,
            reserved: i32::from(number == 254),
            cancel: watch.cancel,
            progress: if number % 8 == 2 { None } else { Some(hear) },
            progress_user: (&raw mut *watch).cast(),
        };
        Effort {
            work,
            watch,
            is_null: number.is_multiple_of(8),
        }
    }

    pub fn get(&self) -> *const annoy_work {
        if self.is_null {
            null()
        } else {
            &raw const self.work
        }
    }
}

impl Drop for Effort {
    fn drop(&mut self) {
        let cancel = std::mem::replace(&mut self.watch.cancel, null_mut());
        // SAFETY: made in `new`; calls that looked at it are over.
        unsafe { annoy_cancel_free(cancel) };
    }
}
