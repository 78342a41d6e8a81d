//! The everyday searches, each in one call from Python. guarded.h says what each function is for.

use crate::guarded::{Guarded, Hold, THREAD};
use annoy_rs::ffi::handle::annoy_index;
use annoy_rs::ffi::nearest::{annoy_get_nns_by_item, annoy_get_nns_by_vector};
use annoy_rs::ffi::status::{annoy_error, annoy_status, ANNOY_ERR_STATE, ANNOY_OK};
use std::sync::atomic::Ordering::Relaxed;

/// `call` gets the index, where to say how many it found, and where to say what went wrong.
unsafe fn search(
    guarded: *const Guarded,
    as_annoy: bool,
    call: impl FnOnce(*const annoy_index, *mut usize, *mut annoy_error) -> annoy_status,
) -> i64 {
    // SAFETY: the caller's.
    let this = unsafe { &*guarded };
    THREAD.with(|thread| {
        let hold = Hold::new(false, false);
        let found = match this.enter(&hold, thread) {
            Err(refused) => -1 - refused as i64,
            Ok(()) => {
                let mut n_found = 0;
                let status = if as_annoy && !this.has_trees() {
                    ANNOY_ERR_STATE
                } else {
                    call(this.index.load(Relaxed), &mut n_found, thread.error.get())
                };
                if status == ANNOY_OK {
                    n_found as i64
                } else {
                    -100 - i64::from(status)
                }
            }
        };
        hold.leave(thread);
        found
    })
}

#[no_mangle]
unsafe extern "C" fn guarded_by_vector(
    guarded: *const Guarded,
    vector: *const f32,
    len: usize,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f32,
) -> i64 {
    // SAFETY: handed on.
    unsafe {
        search(guarded, false, |index, n_found, error| {
            annoy_get_nns_by_vector(
                index, vector, len, n, search_k, ids, distances, n_found, error,
            )
        })
    }
}

#[no_mangle]
unsafe extern "C" fn guarded_by_vector_as_annoy(
    guarded: *const Guarded,
    vector: *const f32,
    len: usize,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f32,
) -> i64 {
    // SAFETY: handed on.
    unsafe {
        search(guarded, true, |index, n_found, error| {
            annoy_get_nns_by_vector(
                index, vector, len, n, search_k, ids, distances, n_found, error,
            )
        })
    }
}

#[no_mangle]
unsafe extern "C" fn guarded_by_item_as_annoy(
    guarded: *const Guarded,
    item: i64,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f32,
) -> i64 {
    // SAFETY: handed on.
    unsafe {
        search(guarded, true, |index, n_found, error| {
            annoy_get_nns_by_item(index, item, n, search_k, ids, distances, n_found, error)
        })
    }
}
