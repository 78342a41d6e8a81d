//! Choosing between a graph and a scan.

use super::guard::{exclusive_for, guard};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};

/// Builds a graph or a scan over the items of a built or loaded index, whichever is expected to
/// find so much of the nearest ten in less time, in place of both; then measures it, as
/// `annoy_tune`. `recall` is more than 0 and up to 1, or 0 for 0.95. `work` may be NULL.
///
/// A scan is built in a tenth of the time of a graph, so it comes first; how much searches of a
/// graph have to look at is told by those of samples of the items. `annoy_save` writes what was
/// built into the file, where Annoy does not see it. The choice depends on the items alone: the
/// same index gives the same bytes, for any number of threads and on any processor. Progress is
/// told of one build or search after the other, each from 0. Errors: those of `annoy_build_graph`
/// and `annoy_tune`; `ANNOY_ERR_ARGUMENT` for another `recall`. On an error the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_build_auto(
    index: *mut annoy_index,
    recall: f64,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let work = unsafe { Given::read(work)? };
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        let recall = (recall != 0.0).then_some(recall);
        work.call(|work| index.build_auto(recall, work))
    })
}
