//! Which items there are, and taking some out of what searches find.

use super::guard::{either, exclusive, guard, guard_value, place, slice_mut};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use crate::error::Error;

/// 1 when an id holds an item; 0 when it is missing (a hole, or past the last) or removed, and for
/// NULL. In every state.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_has_item(index: *const annoy_index, item: i64) -> i32 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { either(index) }.map_or(0, |index| i32::from(index.has_item(item)))
    })
}

/// Copies the ids that hold items, ascending, to `ids`, which has room for `capacity`, and their
/// number to `*n_ids`. Holes and removed items are left out. Room for `annoy_get_n_items` always
/// suffices. Legal in every state; reads each item's node.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_TOO_SMALL` when there are more, with `*n_ids` set and
/// nothing copied.
///
/// # Safety
/// `index` is NULL or a live handle, `ids` is NULL or has room for
/// `capacity` ids, `n_ids` is NULL or points to room for a `size_t`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_ids(
    index: *const annoy_index,
    ids: *mut i64,
    capacity: usize,
    n_ids: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, n_ids) = unsafe { (either(index)?, place("n_ids", n_ids)?) };
        // With room for all items, those that are there need not be counted before.
        if capacity < index.n_items() {
            let mut needed = 0;
            index.each_id(|_| needed += 1);
            if needed > capacity {
                n_ids.put(needed);
                return Err(Error::TooSmall {
                    needed,
                    found: capacity,
                });
            }
        }
        // SAFETY: as above.
        let to = unsafe { slice_mut("ids", ids, capacity.min(index.n_items())) }?;
        let mut n = 0;
        index.each_id(|id| {
            // No more than counted before, whatever happens to a file meanwhile.
            if let Some(to) = to.get_mut(n) {
                *to = id;
                n += 1;
            }
        });
        n_ids.put(n);
        Ok(())
    })
}

/// Marks an item as removed: no search finds it or starts from it any more. Its vector can be read
/// and its label found until the next build, which leaves both out: then it is missing, and the
/// number of items is as before. Legal in every state; marks go along when the index is saved.
/// Annoy itself still finds removed items in such a file. Nothing happens when it is removed
/// already.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have, or a missing
/// item; `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_remove_item(
    index: *mut annoy_index,
    item: i64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.remove_item(item)
    })
}

/// Takes the mark of a removed item away; nothing happens when it has none. As `annoy_remove_item`.
/// (While items are added, adding one with its id does that too.)
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
/// `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_restore_item(
    index: *mut annoy_index,
    item: i64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.restore_item(item)
    })
}

/// 1 when an item is marked as removed; 0 when not, also for an id that the index does not have,
/// and for NULL.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_is_removed(index: *const annoy_index, item: i64) -> i32 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { either(index) }.map_or(0, |index| i32::from(index.is_removed(item)))
    })
}
