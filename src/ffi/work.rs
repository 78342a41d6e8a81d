//! How a long call is to work: by how many threads, told what, until when.

use super::guard::{call_host, guard_value, or_choose};
use super::sized::{self, Growing};
use crate::error::{Error, Result};
use crate::storage::boxed;
use crate::work::{Cancel, Stage, Work};
use std::ffi::c_void;
use std::sync::atomic::AtomicBool;

/// Tells long calls to give up. Made by `annoy_cancel_new`, freed by `annoy_cancel_free`.
pub struct annoy_cancel {
    token: Cancel,
}

/// Makes a token that long calls look at; NULL when there is no memory. Not yet cancelled.
#[no_mangle]
pub extern "C" fn annoy_cancel_new() -> *mut annoy_cancel {
    guard_value(std::ptr::null_mut(), || {
        let token = boxed(annoy_cancel {
            token: Cancel::new(),
        });
        token.map_or(std::ptr::null_mut(), Box::into_raw)
    })
}

/// Tells the calls that were given this token to give up: they return `ANNOY_ERR_CANCELLED`, and so
/// do later ones. Any thread may do this at any time, also a signal handler: it stores one number
/// and does nothing else. NULL does nothing.
///
/// # Safety
/// `cancel` is NULL or a live token.
#[no_mangle]
pub unsafe extern "C" fn annoy_cancel_set(cancel: *const annoy_cancel) {
    // No guard: nothing here can panic, and the guard's thread-local may have to be allocated,
    // which a signal handler must not. SAFETY: NULL gives none, else live by the caller's word.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        cancel.token.cancel();
    }
}

/// Frees a token; NULL does nothing. No call may be looking at it.
///
/// # Safety
/// `cancel` is NULL or a live token that nothing else is using.
#[no_mangle]
pub unsafe extern "C" fn annoy_cancel_free(cancel: *mut annoy_cancel) {
    guard_value((), || {
        if !cancel.is_null() {
            // SAFETY: not NULL; made by `annoy_cancel_new` and not freed before, by the caller's
            // word.
            drop(unsafe { Box::from_raw(cancel) });
        }
    })
}

/// What a long call is doing: one of the `ANNOY_STAGE_` numbers. New numbers may be added.
pub type annoy_stage = i32;

/// Adding items; counted in items.
pub const ANNOY_STAGE_ADD: annoy_stage = 1;
/// Building trees; counted in steps that take about as long as each other.
pub const ANNOY_STAGE_BUILD: annoy_stage = 2;
/// Searching for many; counted in queries.
pub const ANNOY_STAGE_SEARCH: annoy_stage = 3;
/// Writing a file; counted in bytes.
pub const ANNOY_STAGE_SAVE: annoy_stage = 4;
/// Verifying; counted in nodes.
pub const ANNOY_STAGE_VERIFY: annoy_stage = 5;
/// Building a graph; counted in items, each many times.
pub const ANNOY_STAGE_GRAPH: annoy_stage = 6;
/// Building the lists of a scan; counted in items, each twice or four times.
pub const ANNOY_STAGE_SCAN: annoy_stage = 7;

fn stage_number(stage: Stage) -> annoy_stage {
    match stage {
        Stage::Add => ANNOY_STAGE_ADD,
        Stage::Build => ANNOY_STAGE_BUILD,
        Stage::Search => ANNOY_STAGE_SEARCH,
        Stage::Save => ANNOY_STAGE_SAVE,
        Stage::Verify => ANNOY_STAGE_VERIFY,
        Stage::Graph => ANNOY_STAGE_GRAPH,
        Stage::Scan => ANNOY_STAGE_SCAN,
    }
}

/// Hears how far a long call has come: `done` of `total`. `user` as given in the `annoy_work`.
/// `done` never becomes less, and may be the same several times; `total` changes only in a build
/// that finds out how many trees it needs. Called on the thread that made the call. It must not
/// unwind or `longjmp`; it may set the token of the call.
pub type annoy_progress_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, stage: annoy_stage, done: u64, total: u64)>;

/// How a long call is to work. Zero everything, then set `struct_size` and what is wanted. NULL in
/// its place stands for as many threads as there are processors, and nothing else.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_work {
    /// `sizeof(annoy_work)`.
    pub struct_size: usize,
    /// Threads; 0 or -1 for one per processor. No more than 256 are used, whatever is asked for,
    /// and fewer where the system gives fewer. Saving and verifying take one in any case.
    pub n_threads: i32,
    /// Must be 0.
    pub reserved: i32,
    /// Looked at all the time; NULL for none. Once it is set the call returns
    /// `ANNOY_ERR_CANCELLED`, and the index is as before.
    pub cancel: *const annoy_cancel,
    /// Hears how far the call has come; NULL for none.
    pub progress: annoy_progress_fn,
    /// Handed to `progress`.
    pub progress_user: *mut c_void,
}

// SAFETY: numbers, and pointers that may be anything until they are used.
unsafe impl Growing for annoy_work {
    const SIZE: &'static str = "struct_size of annoy_work";
}

/// A number of threads; none for one per processor.
pub(super) fn threads(n: i32) -> Result<Option<usize>> {
    match n {
        0 => Ok(None),
        n => Ok(or_choose("n_threads", n.into(), 1)?.map(|n| n as usize)),
    }
}

/// An `annoy_work` as the library has it; borrowed from the caller's.
#[derive(Clone, Copy, Default)]
pub(super) struct Given<'a> {
    n_threads: Option<usize>,
    cancel: Option<&'a Cancel>,
    progress: annoy_progress_fn,
    progress_user: Option<std::ptr::NonNull<c_void>>,
}

impl<'a> Given<'a> {
    /// # Safety
    /// `work` is NULL or points to an `annoy_work` whose pointers are as documented.
    pub(super) unsafe fn read(work: *const annoy_work) -> Result<Self> {
        if work.is_null() {
            return Ok(Given::default());
        }
        // SAFETY: not NULL; as large as it says by the caller's word.
        let work = unsafe { sized::read(work) }?;
        if work.reserved != 0 {
            return Err(Error::argument("reserved", work.reserved, "0"));
        }
        Ok(Given {
            n_threads: threads(work.n_threads)?,
            // SAFETY: NULL gives none, else live by the caller's word.
            cancel: unsafe { work.cancel.as_ref() }.map(|cancel| &cancel.token),
            progress: work.progress,
            progress_user: std::ptr::NonNull::new(work.progress_user),
        })
    }

    /// By one thread, which is the calling one.
    pub(super) fn alone(self) -> Self {
        Given {
            n_threads: Some(1),
            ..self
        }
    }

    pub(super) fn cancel(&self) -> Option<&'a Cancel> {
        self.cancel
    }

    pub(super) fn has_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// What a call that waits for its turn looks at.
    pub(super) fn cancelled(&self) -> Option<&'a AtomicBool> {
        self.cancel.map(Cancel::flag)
    }

    /// [`Error::Cancelled`] when the token is set.
    pub(super) fn check(&self) -> Result<()> {
        crate::work::check(self.cancel)
    }

    /// Makes a call of it.
    pub(super) fn call<R>(self, body: impl FnOnce(&mut Work<'_>) -> Result<R>) -> Result<R> {
        let user = self
            .progress_user
            .map_or(std::ptr::null_mut(), |user| user.as_ptr());
        let mut tell = self.progress.map(|call| {
            move |stage, done, total| {
                // SAFETY: the caller's function, called with what it asked for, on the thread that
                // made the call.
                call_host(|| unsafe { call(user, stage_number(stage), done, total) })
            }
        });
        body(&mut Work {
            n_threads: self.n_threads,
            cancel: self.cancel,
            progress: match &mut tell {
                Some(tell) => Some(tell),
                None => None,
            },
        })
    }
}
