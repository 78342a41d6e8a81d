//! How much of the truth searches find.

use super::guard::{guard, or_choose, place, shared_for};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};

/// Estimates the recall of searches for the `n` nearest of an item, itself left out: the share of
/// what is found that is as near as the `n` nearest of an exact search, 0 to 1, over `n_sample`
/// items chosen by `seed` (or all that are neither missing nor removed, if they are fewer).
///
/// `search_k` is as in `annoy_get_nns_by_item`, `work` may be NULL. The same index and numbers give
/// the same result, with any number of threads. Looks at all items `n_sample` times, and takes 8
/// bytes of memory for each.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for 0 samples,
/// an `n` of 0, a wrong search_k or `work`; `ANNOY_ERR_CANCELLED`; `ANNOY_ERR_CORRUPT` when a
/// loaded file turns out to be damaged; `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle, `work` is NULL or as `annoy_work`
/// says, `recall` is NULL or points to room for a number.
#[no_mangle]
pub unsafe extern "C" fn annoy_estimate_recall(
    index: *const annoy_index,
    n_sample: usize,
    n: usize,
    search_k: i64,
    seed: u64,
    work: *const annoy_work,
    recall: *mut f64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, recall) = unsafe { (Given::read(work)?, place("recall", recall)?) };
        let search_k = or_choose("search_k", search_k, 0)?;
        // SAFETY: as above.
        let index = unsafe { shared_for(index, &work) }?;
        recall.put(work.call(|work| index.estimate_recall(n_sample, n, search_k, seed, work))?);
        Ok(())
    })
}
