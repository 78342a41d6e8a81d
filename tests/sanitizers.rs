//! What sanitizers are to find, they find. Each of these does what no caller may, so that an ordinary run leaves them out;
//! tests/sanitizers/run.sh runs them one by one and expects a report.

use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::item::{annoy_add_item, annoy_get_item};
use annoy_rs::ffi::status::ANNOY_OK;
use std::ptr::null_mut;
use std::sync::Barrier;

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
#[ignore = "for AddressSanitizer"]
fn overflow() {
    let mut room = vec![0f32; F - 1].into_boxed_slice();
    // SAFETY: there is none.
    unsafe { annoy_get_item(index(), 0, room.as_mut_ptr(), F, null_mut()) };
}

/// Two threads change one index.
#[test]
#[ignore = "for ThreadSanitizer"]
fn race() {
    let index = index() as usize;
    let start = &Barrier::new(2);
    std::thread::scope(|scope| {
        for number in [2f32, 3.0] {
            scope.spawn(move || {
                start.wait();
                let item = [number; F];
                // SAFETY: there is none.
                unsafe { annoy_add_item(index as *mut _, 0, item.as_ptr(), F, null_mut()) };
            });
        }
    });
}
