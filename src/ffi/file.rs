//! Saving and loading.

use super::guard::{exclusive, guard, path, shared};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use crate::error::{Error, Result};
use crate::storage::Access;
use std::ffi::c_char;

/// Flag of `annoy_load`: read the whole file in at once, instead of page by page as it is used.
pub const ANNOY_LOAD_PREFAULT: u64 = 1;
/// Flag of `annoy_load`: copy the file to memory of the process instead of mapping it. For those who cannot trust its owner
/// not to shorten or rewrite it.
pub const ANNOY_LOAD_COPY: u64 = 2;

fn access(flags: u64) -> Result<Access> {
    match flags {
        0 => Ok(Access::Map),
        ANNOY_LOAD_PREFAULT => Ok(Access::MapPrefaulted),
        ANNOY_LOAD_COPY => Ok(Access::Copy),
        _ => {
            let expected = "0, ANNOY_LOAD_PREFAULT or ANNOY_LOAD_COPY";
            Err(Error::argument("flags", format!("{flags:#x}"), expected))
        }
    }
}

/// Writes the index to a file that Annoy 1.17 reads too. The index stays as it is.
///
/// `path` is UTF-8 and NUL-terminated. The file appears whole or not at all, and is durable when the call returns; a file
/// that was there before is replaced in one step, and processes that have it loaded keep the old one.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for a path that is not UTF-8;
/// `ANNOY_ERR_UNSUPPORTED` for a loaded file in a layout that Annoy 1.17 does not read; `ANNOY_ERR_IO`.
///
/// # Safety
/// `index` is NULL or a live handle that no call is changing, `path` is NULL or a NUL-terminated string.
#[no_mangle]
pub unsafe extern "C" fn annoy_save(
    index: *const annoy_index,
    path: *const c_char,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, path) = unsafe { (shared(index)?, self::path(path)?) };
        index.save(path)
    })
}

/// Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
///
/// `flags`: as `annoy_load`. Errors: as `annoy_save` and `annoy_load`.
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using, `path` is NULL or a NUL-terminated string.
#[no_mangle]
pub unsafe extern "C" fn annoy_save_and_load(
    index: *mut annoy_index,
    path: *const c_char,
    flags: u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, path) = unsafe { (exclusive(index)?, self::path(path)?) };
        index.save_and_load(path, access(flags)?)
    })
}

/// Maps a file, ours or Annoy's, in place of whatever the index holds. The file's metric, f and types must be those of the
/// index, as far as its structure shows. Takes the same time for files of any size.
///
/// `path` is UTF-8 and NUL-terminated. `flags` is 0 or `ANNOY_LOAD_PREFAULT`. While it is loaded the file must not be
/// shortened or rewritten in place (the system would end the process with SIGBUS); replacing it by rename, as `annoy_save`
/// does, or removing it is fine.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_IO`; `ANNOY_ERR_FORMAT`. On an error the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using, `path` is NULL or a NUL-terminated string.
#[no_mangle]
pub unsafe extern "C" fn annoy_load(
    index: *mut annoy_index,
    path: *const c_char,
    flags: u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, path) = unsafe { (exclusive(index)?, self::path(path)?) };
        index.load(path, access(flags)?)
    })
}

/// Drops items, trees and file; the index is then empty and not built. Metric, f, types, seed and log stay.
///
/// Errors: `ANNOY_ERR_NULL`.
///
/// # Safety
/// `index` is NULL or a live handle that no other call is using.
#[no_mangle]
pub unsafe extern "C" fn annoy_unload(
    index: *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live and unshared by the caller's word.
        unsafe { exclusive(index) }?.unload();
        Ok(())
    })
}
