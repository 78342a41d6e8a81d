//! How much of the truth searches find.

use super::guard::{exclusive_for, guard, or_choose, place, shared_for};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use super::vectors::{annoy_vectors, Rows};
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

/// Measures what share of the nearest ten searches find, by how much they look at, so that they can
/// be asked for a `recall` (`annoy_search_options`) in place of a `search_k`. `work` may be NULL.
///
/// What searches go through by default is measured: the graph where there is one, else the scan,
/// else the trees. `queries` are such as will be asked; NULL for 512 of the items, each as if it
/// were not there itself (they find a little more of each other than other queries do, as trees and
/// lists were made with them). What searches with a filter find is not measured. `annoy_save`
/// writes the curve into the file, where Annoy does not see it. It is gone when trees, graph or
/// scan are built anew. Looks at all items once for each query. The same index and queries give the
/// same curve, for any number of threads and on any processor.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for no queries,
/// fields of `queries` that cannot be, or a wrong `work`; `ANNOY_ERR_DIMENSION`,
/// `ANNOY_ERR_NOT_FINITE` and `ANNOY_ERR_UNSUPPORTED` for a query; `ANNOY_ERR_CORRUPT` when a
/// loaded file turns out to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an error
/// the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `queries` is NULL or as `annoy_vectors` says, `work`
/// is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_tune(
    index: *mut annoy_index,
    queries: *const annoy_vectors,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let work = unsafe { Given::read(work)? };
        let queries = match queries.is_null() {
            true => None,
            // SAFETY: not NULL, the rest is the caller's part as documented.
            false => Some(unsafe { Rows::read("queries", queries) }?),
        };
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        work.call(|work| match &queries {
            None => index.tune(work),
            Some(rows) => index.tune_for(|i| rows.row(i), rows.n(), work),
        })
    })
}
