//! Finding neighbours, as Annoy does: the everyday calls.

use super::either::Either;
use super::guard::{either, guard, or_choose, place, slice, slice_mut};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use crate::error::Result;
use crate::index::search::Search;
use crate::query::Neighbor;

/// Where the caller wants its results: `ids` and, unless NULL, `distances`, with room for `n` each.
struct Results {
    n: usize,
    ids: *mut i64,
    distances: *mut f32,
    n_found: *mut usize,
}

impl Results {
    /// Runs a search for `n` and hands its results over.
    ///
    /// # Safety
    /// As documented at `annoy_get_nns_by_item`.
    #[inline]
    unsafe fn fill(
        self,
        index: *const annoy_index,
        search: impl FnOnce(&Either<'_>) -> Result<Vec<Neighbor>>,
    ) -> Result<()> {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, n_found) = unsafe { (either(index)?, place("n_found", self.n_found)?) };
        // No more than there are items can be found, so room for those is all that is asked of `n`.
        let room = self.n.min(index.n_items());
        // SAFETY: as above.
        let ids = unsafe { slice_mut("ids", self.ids, room) }?;
        let distances = if self.distances.is_null() {
            None
        } else {
            // SAFETY: as above, and not NULL.
            Some(unsafe { slice_mut("distances", self.distances, room) }?)
        };
        let found = search(&index)?;
        for (to, neighbor) in ids.iter_mut().zip(&found) {
            *to = neighbor.id;
        }
        for (to, neighbor) in distances.into_iter().flatten().zip(&found) {
            *to = neighbor.distance as f32;
        }
        n_found.put(found.len());
        Ok(())
    }
}

fn search(n: usize, search_k: i64) -> Result<Search<'static>> {
    Ok(Search {
        search_k: or_choose("search_k", search_k, 0)?,
        ..Search::new(n)
    })
}

/// Finds the `n` items nearest to an item (itself among them), nearest first, equal distances by
/// id.
///
/// `search_k` is the number of candidates looked at: more take longer and find better. In the trees
/// repeats between them are counted, and -1 stands for n times their number. Where there is a graph
/// (`annoy_build_graph`) that is searched: about so many in hard data, fewer where the nearest lie
/// apart from the rest, twice as many at the most; -1 stands for 3,000 for each ten of `n`, twice
/// as many where the graph found less than 0.9 of the nearest when it was tried, and four times
/// where less than 0.6 (`annoy_info`). An index that is not built looks at all its items, if there
/// are up to `ANNOY_EXACT_ITEMS` of them and `search_k` is -1. `ids` and `distances` have room for
/// `n` each, or for as many as there are items if that is fewer and no other thread adds or loads
/// any meanwhile; `distances` may be NULL. `*n_found` gets the number of results, which is below
/// `n` when fewer were found: that is no error. Beyond it nothing is written, and on an error
/// nothing at all. Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built, but as said;
/// `ANNOY_ERR_ITEM`; `ANNOY_ERR_ARGUMENT` for a search_k below -1; `ANNOY_ERR_CORRUPT` when a
/// loaded file turns out to be damaged.
///
/// # Safety
/// `index` is NULL or a live handle, `ids`, `distances` and `n_found` are
/// NULL or point to room as said above.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_nns_by_item(
    index: *const annoy_index,
    item: i64,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f32,
    n_found: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    let results = Results {
        n,
        ids,
        distances,
        n_found,
    };
    guard(error, || {
        // SAFETY: handed on.
        unsafe {
            results.fill(index, |index| {
                index.search_item(item, &search(n, search_k)?)
            })
        }
    })
}

/// Finds the `n` items nearest to a vector of `len` numbers (`len` must be f; for hamming one
/// number per bit, over 0.5 is 1). The rest is as `annoy_get_nns_by_item`.
///
/// Errors: as there, and `ANNOY_ERR_DIMENSION`, `ANNOY_ERR_NOT_FINITE`, `ANNOY_ERR_UNSUPPORTED`
/// when the index holds f64.
///
/// # Safety
/// As `annoy_get_nns_by_item`; `vector` is NULL or points to `len` numbers.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_nns_by_vector(
    index: *const annoy_index,
    vector: *const f32,
    len: usize,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f32,
    n_found: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    let results = Results {
        n,
        ids,
        distances,
        n_found,
    };
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let vector = unsafe { slice("vector", vector, len) }?;
        // SAFETY: handed on.
        unsafe { results.fill(index, |index| index.search(vector, &search(n, search_k)?)) }
    })
}
