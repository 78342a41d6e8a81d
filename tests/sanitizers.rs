//! What AddressSanitizer is to find, it finds. This does what no caller may, so that an ordinary
//! run leaves it out; tests/sanitizers/run.sh runs it and expects a report. (Canaries for the C
//! programs are in tests/c/canary.c.)

use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::item::{annoy_add_item, annoy_get_item};
use annoy_rs::ffi::status::ANNOY_OK;
use std::ptr::null_mut;

const EUCLIDEAN: i32 = 2;
const F: usize = 3;

/// A live index of one item, never freed.
fn index() -> *mut annoy_index {
    let mut index = null_mut();
    let item = [1f32; F];
    // SAFETY: everything is there.
    unsafe {
        let made = annoy_new(EUCLIDEAN, F, &mut index, null_mut());
        assert_eq!(made, ANNOY_OK);
        let added = annoy_add_item(index, 0, item.as_ptr(), F, null_mut());
        assert_eq!(added, ANNOY_OK);
    }
    index
}

/// The library writes an item to room that is too short.
#[test]
#[ignore = "writes past a buffer, which tests/sanitizers/run.sh expects AddressSanitizer to report"]
fn overflow() {
    let mut room = vec![0f32; F - 1].into_boxed_slice();
    // SAFETY: there is none.
    unsafe { annoy_get_item(index(), 0, room.as_mut_ptr(), F, null_mut()) };
}
