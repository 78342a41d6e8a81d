//! Saving to and loading from memory.

use super::file::ANNOY_LOAD_COPY;
use super::guard::{exclusive, guard, place, shared_for, slice, slice_mut};
use super::handle::{annoy_index, boxed, ANNOY_UNLOCKED};
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};
use crate::error::{reserve, Error, Result};
use crate::index::Index;
use crate::storage::Bytes;
use std::ffi::c_void;

/// The caller's bytes as they lie, or a copy; the flags may have this other one too.
///
/// # Safety
/// `bytes` is NULL or points to `n` bytes; these stay as they are for as long as an index that
/// borrows them has them loaded.
unsafe fn bytes(bytes: *const c_void, n: usize, flags: u64, other: u64) -> Result<Bytes> {
    // SAFETY: NULL is checked by `slice`; that the bytes are there and stay is the caller's part.
    // `'static` stands for "as long as the index has them", which is all that is made of it.
    let given: &'static [u8] = unsafe { slice("bytes", bytes.cast(), n) }?;
    match flags & !other {
        0 => Ok(Bytes::Static(given)),
        ANNOY_LOAD_COPY => {
            let mut copy = Vec::new();
            reserve(&mut copy, n)?;
            copy.extend_from_slice(given);
            Ok(Bytes::Owned(copy))
        }
        _ => {
            let expected = "0 or ANNOY_LOAD_COPY";
            Err(Error::argument("flags", format!("{flags:#x}"), expected))
        }
    }
}

/// Writes the bytes of the file that `annoy_save` writes to the start of `buffer`, which has room
/// for `capacity` bytes, and their number to `*written`. The index stays as it is. `work` may be
/// NULL.
///
/// `(NULL, 0)` for `buffer` asks how many there are.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_TOO_SMALL` when there are more, with `*written` set and
/// nothing written; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_UNSUPPORTED` and
/// `ANNOY_ERR_CORRUPT` as `annoy_save`; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On other
/// errors anything may be in `buffer`.
///
/// # Safety
/// `index` is NULL or a live handle, `buffer` is NULL or has room for
/// `capacity` bytes that nobody else uses, `written` is NULL or points to room for a `size_t`,
/// `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_save_to_buffer(
    index: *const annoy_index,
    buffer: *mut c_void,
    capacity: usize,
    written: *mut usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, written) = unsafe { (Given::read(work)?, place("written", written)?) };
        // SAFETY: as above.
        let to = unsafe { slice_mut("buffer", buffer.cast::<u8>(), capacity) }?;
        // SAFETY: as above.
        let index = unsafe { shared_for(index, &work) }?;
        let result = work.call(|work| index.write_to_slice_with(to, work));
        match result {
            Ok(n) | Err(Error::TooSmall { needed: n, .. }) => written.put(n),
            Err(_) => {}
        }
        result.map(|_| ())
    })
}

/// Loads the bytes of a file, ours or Annoy's, in place of whatever the index holds. As
/// `annoy_load`.
///
/// `bytes` are `n` bytes, at any address. `flags` is 0 or `ANNOY_LOAD_COPY`. With 0 they are
/// borrowed: they must stay where and as they are until the index is freed, unloaded or thawed, or
/// has loaded something else. With `ANNOY_LOAD_COPY` they are copied. When the call fails they are
/// not borrowed, and the index is as before.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_FORMAT`; `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle, `bytes` is NULL or points to `n`
/// bytes; when they are borrowed, nobody writes to them or frees them for as long as the index has
/// them.
#[no_mangle]
pub unsafe extern "C" fn annoy_load_from_buffer(
    index: *mut annoy_index,
    bytes: *const c_void,
    n: usize,
    flags: u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, bytes) = unsafe { (exclusive(index)?, self::bytes(bytes, n, flags, 0)?) };
        index.load_bytes(bytes)
    })
}

/// Opens the bytes of a file that says what it is: metric, f and types are those of the file. As
/// `annoy_open`.
///
/// `bytes`, `n` and `flags` are those of `annoy_load_from_buffer`; `flags` may have
/// `ANNOY_UNLOCKED` too. `*index` gets the handle, to be
/// freed with `annoy_free`.
/// Errors: as `annoy_load_from_buffer`; `ANNOY_ERR_FORMAT` also for a file by Annoy itself;
/// `ANNOY_ERR_UNSUPPORTED` as `annoy_new`.
///
/// # Safety
/// `bytes` is NULL or points to `n` bytes; when they are borrowed, nobody writes to them or frees
/// them for as long as the index has them. `index` is NULL or points to room for a pointer.
#[no_mangle]
pub unsafe extern "C" fn annoy_open_buffer(
    bytes: *const c_void,
    n: usize,
    flags: u64,
    index: *mut *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let out = unsafe { place("index", index) }?;
        // SAFETY: as above.
        let bytes = unsafe { self::bytes(bytes, n, flags, ANNOY_UNLOCKED) }?;
        out.put(boxed(Index::open_bytes(bytes)?, flags)?);
        Ok(())
    })
}
