//! Saving, loading, opening, metadata.

use super::either::Held;
use super::guard::{
    exclusive, exclusive_for, guard, path, place, shared, shared_for, slice, slice_mut,
};
use super::handle::{annoy_index, boxed_either, ANNOY_UNLOCKED};
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};
use crate::error::{Error, Result};
use crate::storage::Access;
use std::ffi::{c_char, c_void};
use std::ptr::null;

/// Flag of `annoy_load`: read the whole file in at once, instead of page by page as it is used.
pub const ANNOY_LOAD_PREFAULT: u64 = 1;
/// Flag of `annoy_load`: copy the file to memory of the process instead of mapping it. For those
/// who cannot trust its owner not to shorten or rewrite it.
pub const ANNOY_LOAD_COPY: u64 = 2;
/// Flag of `annoy_open`: shards of a directory that are not there are left out, instead of being an
/// error. Less is found then: `ANNOY_FACT_N_MISSING` and `annoy_results` say how many they are.
pub const ANNOY_OPEN_PARTIAL: u64 = 8;

fn access(flags: u64) -> Result<Access> {
    access_beside(flags, 0)
}

/// [`access`], where this flag may be there too.
fn access_beside(flags: u64, other: u64) -> Result<Access> {
    match flags & !other {
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
/// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. The file appears whole or not at
/// all, and is durable when the call returns; a file that was there before is replaced in one step,
/// and processes that have it loaded keep the old one. Its owner, group and mode go over to the new
/// one, as far as the system allows. A symbolic link stays, and what it names is written.
///
/// Where a file is there whose name cannot be given to another (it is mounted, or its directory may
/// not be changed), it is written over where it is, and a warning says so (`annoy_set_log`). That
/// is not all or nothing: processes that have it mapped see it change and may be ended by SIGBUS,
/// and a crash or a failing disk in the midst leaves a file that no call takes for an index. A full
/// disk, a cancelled call and other errors leave it as it was.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for a path that
/// cannot be one; `ANNOY_ERR_UNSUPPORTED` for a loaded file in a layout that Annoy 1.17 does not
/// read, or with more sections of later versions than there is room for, and for a file to be
/// written over that this index has mapped; `ANNOY_ERR_CORRUPT` for a loaded file found to be
/// damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO`.
///
/// # Safety
/// `index` is NULL or a live handle, `path` is NULL or a NUL-terminated
/// string.
#[no_mangle]
pub unsafe extern "C" fn annoy_save(
    index: *const annoy_index,
    path: *const c_char,
    error: *mut annoy_error,
) -> annoy_status {
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { annoy_save_to(index, path, null(), error) }
}

/// `annoy_save` with progress and cancellation; `work` may be NULL.
///
/// It is cancelled until all is written. What then comes, waiting for the disk and giving the file
/// its name, is done in any case.
/// Errors: as `annoy_save`; `ANNOY_ERR_CANCELLED`, with what `path` held before still there.
///
/// # Safety
/// As `annoy_save`; `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_save_to(
    index: *const annoy_index,
    path: *const c_char,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, path) = unsafe { (Given::read(work)?, self::path(path)?) };
        // SAFETY: as above.
        let index = unsafe { shared_for(index, &work) }?;
        index.ask()?; // the log
        work.call(|work| index.save_with(path, work))
    })
}

/// Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
///
/// `flags`: as `annoy_load`. `work` is for the saving, as in `annoy_save_to`, and may be NULL.
/// Errors: as `annoy_save_to` and `annoy_load`.
///
/// # Safety
/// `index` is NULL or a live handle, `path` is NULL or a NUL-terminated
/// string, `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_save_and_load(
    index: *mut annoy_index,
    path: *const c_char,
    flags: u64,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, path) = unsafe { (Given::read(work)?, self::path(path)?) };
        let access = access(flags)?;
        // SAFETY: as above.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        work.call(|work| index.save_and_load_with(path, access, work))
    })
}

/// Maps a file, ours or Annoy's, in place of whatever the index holds. Its metric, f and types must
/// be those of the index: by its own word, or, for a plain Annoy file, as far as its structure
/// shows. Reads little of it, however large it is.
///
/// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. `flags` is 0,
/// `ANNOY_LOAD_PREFAULT` or `ANNOY_LOAD_COPY`. While it is mapped the file must not be shortened
/// (the system would end the process with SIGBUS), nor rewritten in place (calls would fail, or
/// find what stands there then); replacing it by rename, as `annoy_save` does, or removing it is
/// fine. With `ANNOY_LOAD_COPY` anything may happen to it.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_IO`; `ANNOY_ERR_FORMAT`;
/// `ANNOY_ERR_NO_MEMORY`. On an error the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `path` is NULL or a NUL-terminated
/// string.
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

/// Opens a file that says what it is, as all files of this library do: metric, f and types are
/// those of the file. Or a directory of shards (`annoy_commit_shards`), as one index.
///
/// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. `flags` are those of `annoy_load`,
/// `ANNOY_UNLOCKED` and `ANNOY_OPEN_PARTIAL`. `*index` gets the handle, to be freed with
/// `annoy_free`.
///
/// An index of shards takes all calls that search and look: `annoy_search` and its like, labels,
/// vectors, distances, facts, verifying. `search_k` is what an index of all items would be given;
/// shards look at parts of it, which are so large that no less is found. Results at equal distances
/// are in the order of labels where there are some. Filters, lists and bitmaps are about ids of the
/// whole. A single query is shared between threads, too. Calls that would change it, or save it,
/// are refused with `ANNOY_ERR_STATE`: its files stay as they are.
/// Errors: as `annoy_load`; `ANNOY_ERR_FORMAT` also for a file by Annoy itself, which `annoy_probe`
/// helps with, for a manifest that is damaged, of a later version, or names what cannot be, and for
/// a shard that is not the one it names; `ANNOY_ERR_UNSUPPORTED` as `annoy_new`.
///
/// # Safety
/// `path` is NULL or a NUL-terminated string, `index` is NULL or points to room for a pointer.
#[no_mangle]
pub unsafe extern "C" fn annoy_open(
    path: *const c_char,
    flags: u64,
    index: *mut *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (path, out) = unsafe { (self::path(path)?, place("index", index)?) };
        let access = access_beside(flags, ANNOY_UNLOCKED | ANNOY_OPEN_PARTIAL)?;
        let held = Held::open(path, access, flags & ANNOY_OPEN_PARTIAL != 0)?;
        out.put(boxed_either(held, flags)?);
        Ok(())
    })
}

/// Sets bytes of the caller's that go along when the index is saved, in place of those before.
/// Legal in every state; the file of an on-disk build has those set before the build.
///
/// `bytes` are `len` bytes, at most 65,536, which are copied; `(NULL, 0)` for none.
/// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ARGUMENT`.
///
/// # Safety
/// `index` is NULL or a live handle, `bytes` is NULL or points to `len`
/// bytes.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_metadata(
    index: *mut annoy_index,
    bytes: *const c_void,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let mut index = unsafe { exclusive(index) }?;
        // SAFETY: as above.
        index.set_metadata(unsafe { slice("bytes", bytes.cast::<u8>(), len) }?)
    })
}

/// Copies the metadata to `bytes`, which has room for `capacity` bytes, and its length to `*len`.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_TOO_SMALL` when there is more, with `*len` set and nothing
/// copied.
///
/// # Safety
/// `index` is NULL or a live handle, `bytes` is NULL or has room for
/// `capacity` bytes, `len` is NULL or points to room for a `size_t`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_metadata(
    index: *const annoy_index,
    bytes: *mut c_void,
    capacity: usize,
    len: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, len) = unsafe { (shared(index)?, place("len", len)?) };
        let metadata = index.metadata();
        if metadata.len() > capacity {
            len.put(metadata.len());
            return Err(Error::TooSmall {
                needed: metadata.len(),
                found: capacity,
            });
        }
        // SAFETY: as above.
        let to = unsafe { slice_mut("bytes", bytes.cast::<u8>(), capacity) }?;
        to[..metadata.len()].copy_from_slice(metadata);
        len.put(metadata.len());
        Ok(())
    })
}

/// Drops items, trees, metadata, labels and file; the index is then empty and not built. Metric, f,
/// types, seed and log stay.
///
/// Errors: `ANNOY_ERR_NULL`.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_unload(
    index: *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.unload();
        Ok(())
    })
}
