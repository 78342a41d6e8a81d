//! Building trees.

use super::guard::{exclusive, exclusive_for, guard, or_choose, path};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, threads, Given};
use crate::error::Error;
use std::ffi::c_char;

/// Builds the items added so far into a forest of `n_trees` trees, by `n_threads` threads. Items
/// that are removed are left out: they are missing from then on, and have no labels.
///
/// `n_trees`: more trees give better answers and a larger file; -1 adds trees until there are twice
/// as many nodes as items. `n_threads`: 0 or -1 for one per processor; no more than 256 are used.
/// The same items, seed and number of trees give the same bytes, for any number of threads and on
/// any processor. After an on-disk build the file is complete, durable and has its name.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ARGUMENT` for 0 or
/// less than -1; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build). On an error the index is as
/// before, unless `annoy_get_n_trees` says that there are trees: then it is built, its file could
/// not be made durable or be given its name, and `annoy_save` can write it elsewhere.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_build(
    index: *mut annoy_index,
    n_trees: i32,
    n_threads: i32,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive(index) }?;
        let n_trees = or_choose("n_trees", n_trees.into(), 1)?.map(|n| n as usize);
        index.build(n_trees, threads(n_threads)?)
    })
}

/// `annoy_build` as `work` says: by how many threads, with progress and cancellation; it may be
/// NULL.
///
/// The bytes are those of `annoy_build`. Once all trees are there nothing is cancelled any more: an
/// on-disk build still waits for the disk.
/// Errors: as `annoy_build`; `ANNOY_ERR_CANCELLED`.
///
/// # Safety
/// As `annoy_build`; `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_build_trees(
    index: *mut annoy_index,
    n_trees: i32,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let work = unsafe { Given::read(work) }?;
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        let n_trees = or_choose("n_trees", n_trees.into(), 1)?.map(|n| n as usize);
        work.call(|work| index.build_with(n_trees, work))
    })
}

/// Takes the trees away, so that items can be added and trees built again. Does nothing when there
/// are none.
///
/// After an on-disk build the file stays as it is; the next build replaces it.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when loaded, which `annoy_thaw` is for;
/// `ANNOY_ERR_IO` (on-disk build).
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_unbuild(
    index: *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.unbuild()
    })
}

/// Flag of `annoy_thaw`: the index is to be one that items can be inserted into.
pub const ANNOY_THAW_BUILT: u64 = 1;

/// Makes an index, whatever its state, one that items can be added to (`flags` is 0), or makes a
/// built or loaded index one that items can be inserted into by `annoy_insert` (`flags` is
/// `ANNOY_THAW_BUILT`).
///
/// With 0, the items of a loaded index are copied to memory, its trees, graph and scan dropped. A
/// built one is unbuilt, as by `annoy_unbuild`; one that is not built stays as it is. Files in
/// layouts that Annoy 1.17 does not read can be saved once they are thawed and built.
///
/// With `ANNOY_THAW_BUILT`, items, trees, graph and scan of a loaded index are copied to memory,
/// where the index is then built; what `annoy_tune` measured stays. This takes as much memory as
/// the file has bytes. It does nothing to an index that was built in memory or thawed so before.
///
/// Either way the file or bytes are let go of; labels, marks of removed items, metadata and the
/// seed stay (sections of later versions do not).
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for other flags; `ANNOY_ERR_NOT_FINITE` for a
/// loaded item with NaN or infinity; `ANNOY_ERR_CORRUPT` for other damage in items, labels or
/// marks; `ANNOY_ERR_NO_MEMORY`; with 0 `ANNOY_ERR_IO` (on-disk build); with `ANNOY_THAW_BUILT`
/// `ANNOY_ERR_STATE` when not built, or built on disk, and `ANNOY_ERR_UNSUPPORTED` for a file in a
/// layout that Annoy 1.17 does not read.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_thaw(
    index: *mut annoy_index,
    flags: u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive(index) }?;
        match flags {
            0 => index.thaw(),
            ANNOY_THAW_BUILT => index.thaw_built(),
            other => {
                let expected = "0 or ANNOY_THAW_BUILT (1)";
                Err(Error::argument("flags", other, expected))
            }
        }
    })
}

/// Makes the index build in a file: items and trees go there instead of to memory. To be called
/// before items are added; `annoy_build` then completes the file, and no save is needed.
///
/// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. Until the build is complete the
/// file has a temporary name beside `path`, in a directory that must let files be made. What `path`
/// held before stays until then; where that is nothing, a small file that says that it is not
/// finished has the name, and is removed should the build be given up.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` unless empty; `ANNOY_ERR_ARGUMENT` for a path that
/// cannot be one; `ANNOY_ERR_IO`.
///
/// # Safety
/// `index` is NULL or a live handle, `path` is NULL or a NUL-terminated
/// string.
#[no_mangle]
pub unsafe extern "C" fn annoy_on_disk_build(
    index: *mut annoy_index,
    path: *const c_char,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, path) = unsafe { (exclusive(index)?, self::path(path)?) };
        index.on_disk_build(path)
    })
}
