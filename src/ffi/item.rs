//! Adding and reading items.

use super::guard::{check_slice, exclusive, guard, place, shared, slice, slice_mut};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};
use crate::error::{Error, Result};
use crate::index::vector::{Vector, VectorMut};
use std::marker::PhantomData;
use std::ptr::null;

/// The body of `annoy_add_item` and its kin.
///
/// # Safety
/// As documented there.
unsafe fn add_item<'a, T: 'a>(
    index: *mut annoy_index,
    item: i64,
    vector: *const T,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status
where
    &'a [T]: Into<Vector<'a>>,
{
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, vector) = unsafe { (exclusive(index)?, slice("vector", vector, len)?) };
        index.add_item(item, vector)
    })
}

/// Adds an item, or replaces it; one that was removed is there again.
///
/// `item` is the id, from 0 up, in any order; space is taken for all ids up to the largest. `vector` has `len` numbers
/// (`len` must be f; for hamming one number per bit, over 0.5 is 1) and is copied.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ITEM`; `ANNOY_ERR_DIMENSION`;
/// `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_UNSUPPORTED` when the index holds f64; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO`
/// (on-disk build).
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using, `vector` is NULL or points to `len` numbers.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_item(
    index: *mut annoy_index,
    item: i64,
    vector: *const f32,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_item(index, item, vector, len, error) }
}

/// `annoy_add_item` for an index of f64 (or hamming); `ANNOY_ERR_UNSUPPORTED` for one of f32.
///
/// # Safety
/// As `annoy_add_item`.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_item_f64(
    index: *mut annoy_index,
    item: i64,
    vector: *const f64,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_item(index, item, vector, len, error) }
}

/// `annoy_add_item` for hamming: f bits in `n_words` words, the first bit in the least significant place of the first
/// word, the bits past f 0.
///
/// `n_words` must be f / 64 rounded up. Errors: as `annoy_add_item`, and `ANNOY_ERR_ARGUMENT` for a bit past f.
///
/// # Safety
/// As `annoy_add_item`.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_item_bits(
    index: *mut annoy_index,
    item: i64,
    words: *const u64,
    n_words: usize,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_item(index, item, words, n_words, error) }
}

/// The caller's rows.
pub(super) struct Rows<'a, T> {
    at: *const T,
    n: usize,
    /// From one row to the next, in bytes.
    stride: usize,
    len: usize,
    of: PhantomData<&'a [T]>,
}

impl<'a, T> Rows<'a, T> {
    /// # Safety
    /// `rows` is NULL or points to `n` rows of `len` elements, `stride` bytes apart (0: one behind the other).
    pub(super) unsafe fn new(rows: *const T, n: usize, len: usize, stride: usize) -> Result<Self> {
        let row = len.saturating_mul(size_of::<T>());
        let stride = if stride == 0 { row } else { stride };
        if stride < row || !stride.is_multiple_of(align_of::<T>()) {
            let expected = format!("0 or a multiple of {} from {row} bytes up", align_of::<T>());
            return Err(Error::argument("row_stride", stride, expected));
        }
        // The last row ends where its elements end, not a stride behind its start.
        let bytes = match n {
            0 => 0,
            n => (n - 1).saturating_mul(stride).saturating_add(row),
        };
        check_slice("rows", rows, bytes.div_ceil(size_of::<T>()))?;
        Ok(Rows {
            at: rows,
            n,
            stride,
            len,
            of: PhantomData,
        })
    }
}

// SAFETY: rows are only read, and stay as they are by the caller's word.
unsafe impl<T: Sync> Sync for Rows<'_, T> {}

impl<'a, T> Rows<'a, T> {
    /// Row `i`; panics past the end.
    pub(super) fn row(&self, i: usize) -> &'a [T] {
        assert!(i < self.n, "row {i} of {}", self.n);
        if self.len == 0 {
            return &[];
        }
        let at = self.at.wrapping_byte_add(i * self.stride);
        // SAFETY: one of the rows that `new` was promised and checked for NULL, size and alignment.
        unsafe { std::slice::from_raw_parts(at, self.len) }
    }
}

/// The body of `annoy_add_items` and its kin.
///
/// # Safety
/// As documented there.
unsafe fn add_items<'a, T: Sync + 'a>(
    index: *mut annoy_index,
    ids: *const i64,
    (rows, n_rows, len, row_stride): (*const T, usize, usize, usize),
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status
where
    &'a [T]: Into<Vector<'a>>,
{
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let mut index = unsafe { exclusive(index) }?;
        let ids = if ids.is_null() {
            None
        } else {
            // SAFETY: not NULL; n_rows ids by the caller's word.
            Some(unsafe { slice("ids", ids, n_rows) }?)
        };
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let rows: Rows<'a, T> = unsafe { Rows::new(rows, n_rows, len, row_stride) }?;
        // SAFETY: as above.
        let work = unsafe { Given::read(work) }?;
        work.call(|work| index.add_items_with(ids, |row| rows.row(row), n_rows, work))
    })
}

/// Adds many items, all or none.
///
/// `rows` has `n_rows` vectors of `len` numbers (`len` must be f), `row_stride` bytes apart (0: one right behind the
/// other). `ids` has an id for each row, or is NULL: then they follow the last item. Of rows with the same id the last
/// counts. Several threads copy where there is much to copy. Vectors that are replaced are kept until all is done.
/// Errors: as `annoy_add_item`; the message names the id. On an error no item is added.
///
/// # Safety
/// As `annoy_add_item`; `ids` is NULL or points to `n_rows` ids.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_items(
    index: *mut annoy_index,
    ids: *const i64,
    rows: *const f32,
    n_rows: usize,
    len: usize,
    row_stride: usize,
    error: *mut annoy_error,
) -> annoy_status {
    let rows = (rows, n_rows, len, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_items(index, ids, rows, null(), error) }
}

/// `annoy_add_items` for an index of f64 (or hamming).
///
/// # Safety
/// As `annoy_add_items`.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_items_f64(
    index: *mut annoy_index,
    ids: *const i64,
    rows: *const f64,
    n_rows: usize,
    len: usize,
    row_stride: usize,
    error: *mut annoy_error,
) -> annoy_status {
    let rows = (rows, n_rows, len, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_items(index, ids, rows, null(), error) }
}

/// `annoy_add_items` for hamming, in words as `annoy_add_item_bits` takes them.
///
/// # Safety
/// As `annoy_add_items`.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_items_bits(
    index: *mut annoy_index,
    ids: *const i64,
    rows: *const u64,
    n_rows: usize,
    n_words: usize,
    row_stride: usize,
    error: *mut annoy_error,
) -> annoy_status {
    let rows = (rows, n_rows, n_words, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_items(index, ids, rows, null(), error) }
}

/// `annoy_add_items` with progress and cancellation; `work` may be NULL.
///
/// Errors: as `annoy_add_items`; `ANNOY_ERR_CANCELLED`. On an error no item is added.
///
/// # Safety
/// As `annoy_add_items`; `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_items_with(
    index: *mut annoy_index,
    ids: *const i64,
    rows: *const f32,
    n_rows: usize,
    len: usize,
    row_stride: usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let rows = (rows, n_rows, len, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_items(index, ids, rows, work, error) }
}

/// `annoy_add_items_with` for an index of f64 (or hamming).
///
/// # Safety
/// As `annoy_add_items_with`.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_items_with_f64(
    index: *mut annoy_index,
    ids: *const i64,
    rows: *const f64,
    n_rows: usize,
    len: usize,
    row_stride: usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let rows = (rows, n_rows, len, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_items(index, ids, rows, work, error) }
}

/// `annoy_add_items_with` for hamming, in words as `annoy_add_item_bits` takes them.
///
/// # Safety
/// As `annoy_add_items_with`.
#[no_mangle]
pub unsafe extern "C" fn annoy_add_items_with_bits(
    index: *mut annoy_index,
    ids: *const i64,
    rows: *const u64,
    n_rows: usize,
    n_words: usize,
    row_stride: usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let rows = (rows, n_rows, n_words, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { add_items(index, ids, rows, work, error) }
}

/// Takes room for `n_items` items ahead of need; their number stays as it is. In memory that is address space, which
/// becomes memory as items are added; in an on-disk build it is room on the disk. Does nothing when there is room
/// already.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ARGUMENT` for more than the ids can
/// count; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build).
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using.
#[no_mangle]
pub unsafe extern "C" fn annoy_reserve(
    index: *mut annoy_index,
    n_items: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live and unshared by the caller's word.
        unsafe { exclusive(index) }?.reserve(n_items)
    })
}

/// The body of `annoy_get_item` and its kin.
///
/// # Safety
/// As documented there.
unsafe fn get_item<'a, T: 'a>(
    index: *const annoy_index,
    item: i64,
    vector: *mut T,
    len: usize,
    kind: impl FnOnce(&'a mut [T]) -> VectorMut<'a>,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, to) = unsafe { (shared(index)?, slice_mut("vector", vector, len)?) };
        index.get_item(item, kind(to))
    })
}

/// Copies an item's vector to `vector`, which has room for `len` numbers (`len` must be f; for hamming each becomes 0
/// or 1). A missing item reads as zeros, as in Annoy; a removed one is there until the next build. Legal in every
/// state.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM`; `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_UNSUPPORTED` when the index holds f64.
///
/// # Safety
/// `index` is NULL or a live handle that no call is changing, `vector` is NULL or points to room for `len` numbers.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_item(
    index: *const annoy_index,
    item: i64,
    vector: *mut f32,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { get_item(index, item, vector, len, VectorMut::F32, error) }
}

/// `annoy_get_item` for an index of f64 (or hamming).
///
/// # Safety
/// As `annoy_get_item`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_item_f64(
    index: *const annoy_index,
    item: i64,
    vector: *mut f64,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { get_item(index, item, vector, len, VectorMut::F64, error) }
}

/// `annoy_get_item` for hamming, in words as `annoy_add_item_bits` takes them.
///
/// # Safety
/// As `annoy_get_item`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_item_bits(
    index: *const annoy_index,
    item: i64,
    words: *mut u64,
    n_words: usize,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { get_item(index, item, words, n_words, VectorMut::Bits, error) }
}

/// The distance between two items into `*distance`; for dot their inner product. Legal in every state.
///
/// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ITEM`.
///
/// # Safety
/// `index` is NULL or a live handle that no call is changing, `distance` is NULL or points to room for a number.
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
        let (index, out) = unsafe { (shared(index)?, place("distance", distance)?) };
        out.put(index.get_distance(i, j)?);
        Ok(())
    })
}
