//! Directories of shards: `annoy_open` opens them, and these calls change what they name.

use super::guard::{either, guard, path, place, slice, text};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use crate::error::{Error, Result};
use crate::memory;
use crate::shards::commit::NewShard;
use crate::shards::Shards;
use std::ffi::c_char;

/// A shard that a directory is to have. Its size will not change.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_shard {
    /// The name of its file in the directory, NUL-terminated: up to 200 letters, digits, `.`, `_`,
    /// `-` and `=`, the first no `.`, that end in ".ann". Or the text of a manifest, which begins
    /// with `{`: all its shards are taken over on its word, for who has their files elsewhere.
    pub file: *const c_char,
    /// What its items have in common, NUL-terminated UTF-8 of up to 200 bytes; NULL for what the
    /// manifest before says of it.
    pub partition: *const c_char,
    /// Ids within the shard (from 0) that are removed from now on, beside those that are already;
    /// NULL for none.
    pub removed: *const i64,
    /// How many.
    pub n_removed: usize,
}

/// Makes `shards` those of a directory, in this order: all or nothing, and durable when the call
/// returns. Ids of items are those within their shard plus the number of all items in the shards
/// before it. `annoy_open` opens such a directory.
///
/// `path` is an existing directory, NUL-terminated: on Unix any bytes, elsewhere UTF-8. The shards
/// are files in it that `annoy_save` wrote, of one metric, f, types and kind of labels, and must
/// not be changed any more; those that the manifest names already are not looked at again. Each is
/// an index of its own, which Annoy opens.
///
/// `expected` is the generation of the manifest that is there, 0 when there is none: if another
/// writer was first, nothing is done. `*generation` gets that of the new one, one more; it may be
/// NULL. Manifests before the last `keep` are taken away then, with the files that only those name;
/// 0 keeps all. An index that has those files open keeps them.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when another writer was first, or is at it;
/// `ANNOY_ERR_FORMAT` for a file that is no index which says what it is, or another than the first
/// in metric, f, types or kind of labels; `ANNOY_ERR_ARGUMENT` for names that cannot be, twice the
/// same, no shards or more than 65,536; `ANNOY_ERR_ITEM` for ids that a shard does not have;
/// `ANNOY_ERR_IO`; `ANNOY_ERR_NO_MEMORY`. On an error the manifest is as before, but for one of
/// taking away.
///
/// # Safety
/// `path` is NULL or a NUL-terminated string, `shards` is NULL or points to `n_shards` structs
/// whose pointers are as they say, `generation` is NULL or points to room for a number.
#[no_mangle]
pub unsafe extern "C" fn annoy_commit_shards(
    path: *const c_char,
    shards: *const annoy_shard,
    n_shards: usize,
    expected: u64,
    keep: u64,
    generation: *mut u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let path = unsafe { self::path(path) }?;
        // SAFETY: as above.
        let shards = unsafe { slice("shards", shards, n_shards) }?;
        // SAFETY: as above.
        let shards = memory::try_collect(shards.iter().map(|given| unsafe { new_shard(given) }))?;
        let written = Shards::commit(path, expected, &shards)?;
        // SAFETY: as above.
        if let Ok(to) = unsafe { place("generation", generation) } {
            to.put(written);
        }
        match keep {
            0 => Ok(()),
            keep => Shards::prune(path, keep).map(|_| ()),
        }
    })
}

/// # Safety
/// The pointers are NULL or as the struct says.
unsafe fn new_shard(given: &annoy_shard) -> Result<NewShard<'_>> {
    // SAFETY: NULL is checked, the rest is the caller's part as documented.
    unsafe {
        Ok(NewShard {
            from: text("file", given.file)?,
            partition: match given.partition.is_null() {
                true => None,
                false => Some(text("partition", given.partition)?),
            },
            removed: slice("removed", given.removed, given.n_removed)?,
        })
    }
}

/// Takes up the manifest that a directory of shards has now, if it is another than the one the
/// index was opened with. Searches go on meanwhile; those under way keep to the shards they began
/// with. Shards that both manifests name are not opened anew.
///
/// Ids of items stay where shards were only added behind those there were, and may be others where
/// some were replaced. `*generation` gets that of the manifest that is searched now; it may be
/// NULL.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` for an index of one file; those of `annoy_open`. On
/// an error the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `generation` is NULL or points to room for a number.
#[no_mangle]
pub unsafe extern "C" fn annoy_refresh(
    index: *const annoy_index,
    generation: *mut u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        let index = unsafe { either(index) }?;
        let Some((shards, _)) = index.shards() else {
            return Err(Error::State {
                operation: "refresh it",
                state: "one of a single file",
                expected: "a directory of shards",
            });
        };
        shards.refresh()?;
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        if let Ok(to) = unsafe { place("generation", generation) } {
            to.put(shards.now()?.manifest().generation);
        }
        Ok(())
    })
}
