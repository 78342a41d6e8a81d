//! Building the lists of a scan.

use super::guard::{exclusive_for, guard};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};

/// Puts the items of a built or loaded index into lists of near ones, as codes of 4 bits for each
/// two numbers (each four of vectors longer than 192), in place of those it has; `work` may be
/// NULL.
///
/// Searches then read the lists nearest to the query in a row, without following ways from item to
/// item: with `ANNOY_METHOD_SCAN`, and by default where there is no graph. They are faster than
/// those of a graph where neighbours do not lie apart from the rest, as those of word vectors, and
/// slower in clustered data; lists take less memory and time to build. `search_k` is how many items
/// a search looks at, of which it measures a few hundred by their vectors. How many of both is
/// tried: as few as find 0.95 of the nearest ten of 64 items. What was found is in
/// `annoy_info` and in the log, as a warning when it is less than 0.9. `annoy_save` writes the
/// lists into the file, where Annoy does not see them. They are gone when the trees are. The same
/// index gives the same bytes, for any number of threads and on any processor. For each item they
/// take a byte for each four numbers of a vector (each eight of longer ones), and 6 more; while
/// they are built a byte for each number.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for a wrong
/// `work`; `ANNOY_ERR_UNSUPPORTED` for manhattan and hamming, whose distances are no sums of
/// products, and for 2^32 items or more; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an error
/// the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_build_scan(
    index: *mut annoy_index,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let work = unsafe { Given::read(work)? };
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        work.call(|work| index.build_scan(work))
    })
}
