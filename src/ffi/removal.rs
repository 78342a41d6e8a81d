//! Taking items out of what searches find.

use super::guard::{exclusive, guard, guard_value, shared};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};

/// Marks an item as removed: no search finds it or starts from it any more. Its vector can be read and its label found until
/// the next build, which leaves both out: then it is missing, and the number of items is as before. Legal in every state;
/// marks go along when the index is saved. Annoy itself still finds removed items in such a file. Nothing happens when it is
/// removed already.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have, or a missing item;
/// `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using.
#[no_mangle]
pub unsafe extern "C" fn annoy_remove_item(
    index: *mut annoy_index,
    item: i64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live and unshared by the caller's word.
        unsafe { exclusive(index) }?.remove_item(item)
    })
}

/// Takes the mark of a removed item away; nothing happens when it has none. As `annoy_remove_item`. (While items are added,
/// adding one with its id does that too.)
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have; `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using.
#[no_mangle]
pub unsafe extern "C" fn annoy_restore_item(
    index: *mut annoy_index,
    item: i64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live and unshared by the caller's word.
        unsafe { exclusive(index) }?.restore_item(item)
    })
}

/// 1 when an item is marked as removed; 0 when not, also for an id that the index does not have, and for NULL.
///
/// # Safety
/// `index` is NULL or a live handle that no call is changing.
#[no_mangle]
pub unsafe extern "C" fn annoy_is_removed(index: *const annoy_index, item: i64) -> i32 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { shared(index) }.map_or(0, |index| i32::from(index.is_removed(item)))
    })
}

/// How many items are marked as removed; 0 for NULL.
///
/// # Safety
/// `index` is NULL or a live handle that no call is changing.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_n_removed(index: *const annoy_index) -> i64 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { shared(index) }.map_or(0, |index| index.n_removed() as i64)
    })
}
