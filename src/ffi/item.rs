//! Adding and reading items.

use super::guard::{either, exclusive, guard, place, slice, slice_mut};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use crate::index::vector::VectorMut;

/// Adds an item, or replaces it; one that was removed is there again.
///
/// `item` is the id, from 0 up, in any order; space is taken for all ids up to the largest.
/// `vector` has `len` numbers (`len` must be f; for hamming one number per bit, over 0.5 is 1) and
/// is copied.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ITEM`;
/// `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_UNSUPPORTED` when the index holds f64;
/// `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build).
///
/// # Safety
/// `index` is NULL or a live handle, `vector` is NULL or points to
/// `len` numbers.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_item(
    index: *mut annoy_index,
    item: i64,
    vector: *const f32,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, vector) = unsafe { (exclusive(index)?, slice("vector", vector, len)?) };
        index.add_item(item, vector)
    })
}

/// Takes room for `n_items` items ahead of need; their number stays as it is. In memory that is
/// address space, which becomes memory as items are added; in an on-disk build it is room on the
/// disk. Does nothing when there is room already.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ARGUMENT` for more
/// than the ids can count; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build).
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_reserve(
    index: *mut annoy_index,
    n_items: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.reserve(n_items)
    })
}

/// Copies an item's vector to `vector`, which has room for `len` numbers (`len` must be f; for
/// hamming each becomes 0 or 1). A missing item reads as zeros, as in Annoy; a removed one is there
/// until the next build. Legal in every state.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM`; `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_UNSUPPORTED` when
/// the index holds f64.
///
/// # Safety
/// `index` is NULL or a live handle, `vector` is NULL or points to room
/// for `len` numbers.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_item(
    index: *const annoy_index,
    item: i64,
    vector: *mut f32,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, to) = unsafe { (either(index)?, slice_mut("vector", vector, len)?) };
        index.get_item(item, VectorMut::F32(to))
    })
}

/// The distance between two items into `*distance`; for dot their inner product. Legal in every
/// state.
///
/// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ITEM`.
///
/// # Safety
/// `index` is NULL or a live handle, `distance` is NULL or points to room
/// for a number.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_distance(
    index: *const annoy_index,
    i: i64,
    j: i64,
    distance: *mut f64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, out) = unsafe { (either(index)?, place("distance", distance)?) };
        out.put(index.get_distance(i, j)?);
        Ok(())
    })
}
