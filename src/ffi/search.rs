//! Finding neighbours.

use super::guard::{guard, or_choose, place, shared, slice, slice_mut, Shared};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status};
use crate::error::Result;
use crate::index::vector::Vector;
use crate::query::Neighbor;

/// A number that distances are given out as.
pub(super) trait Distance {
    fn from_f64(distance: f64) -> Self;
}

impl Distance for f32 {
    fn from_f64(distance: f64) -> Self {
        distance as f32
    }
}

impl Distance for f64 {
    fn from_f64(distance: f64) -> Self {
        distance
    }
}

/// Where the caller wants its results: `ids` and, unless NULL, `distances`, with room for `n` each.
pub(super) struct Results<D> {
    pub(super) n: usize,
    pub(super) ids: *mut i64,
    pub(super) distances: *mut D,
    pub(super) n_found: *mut usize,
}

impl<D: Distance> Results<D> {
    /// Runs a search for `n` and hands its results over.
    ///
    /// # Safety
    /// As documented at `annoy_get_nns_by_item`.
    pub(super) unsafe fn fill(
        self,
        index: *const annoy_index,
        search: impl FnOnce(&Shared<'_>) -> Result<Vec<Neighbor>>,
    ) -> Result<()> {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, n_found) = unsafe { (shared(index)?, place("n_found", self.n_found)?) };
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
            *to = D::from_f64(neighbor.distance);
        }
        n_found.put(found.len());
        Ok(())
    }
}

/// Finds the `n` items nearest to an item (itself among them), nearest first, equal distances by id.
///
/// `search_k` is the number of candidates looked at: more take longer and find better. In the trees repeats between
/// them are counted, and -1 stands for n times their number. Where there is a graph (`annoy_build_graph`) that is
/// searched: about so many, fewer where nothing nearer is left and half as many more at the most; -1 stands for 3,000
/// for each ten of `n`, twice as many where the graph found less than 0.9 of the nearest when it was tried, and four
/// times where less than 0.6 (`annoy_info`). `ids` and `distances` have room for `n` each, or for as many as there are
/// items if that is fewer; `distances` may be NULL. `*n_found` gets the number of results, which is below `n` when
/// fewer were found: that is no error. Beyond it nothing is written, and on an error nothing at all.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ITEM`; `ANNOY_ERR_ARGUMENT` for a search_k
/// below -1; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged.
///
/// # Safety
/// `index` is NULL or a live handle that no call is changing, `ids`, `distances` and `n_found` are NULL or point to
/// room as said above.
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
                index.get_nns_by_item(item, n, or_choose("search_k", search_k, 0)?)
            })
        }
    })
}

/// `annoy_get_nns_by_item` with distances as doubles.
///
/// # Safety
/// As `annoy_get_nns_by_item`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_nns_by_item_f64(
    index: *const annoy_index,
    item: i64,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f64,
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
                index.get_nns_by_item(item, n, or_choose("search_k", search_k, 0)?)
            })
        }
    })
}

/// The body of `annoy_get_nns_by_vector` and its kin.
///
/// # Safety
/// As documented there.
unsafe fn by_vector<'a, T: 'a, D: Distance>(
    index: *const annoy_index,
    vector: *const T,
    len: usize,
    search_k: i64,
    results: Results<D>,
    error: *mut annoy_error,
) -> annoy_status
where
    &'a [T]: Into<Vector<'a>>,
{
    guard(error, || {
        let n = results.n;
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let vector: &'a [T] = unsafe { slice("vector", vector, len) }?;
        // SAFETY: handed on.
        unsafe {
            results.fill(index, |index| {
                index.get_nns_by_vector(vector, n, or_choose("search_k", search_k, 0)?)
            })
        }
    })
}

/// Finds the `n` items nearest to a vector of `len` numbers (`len` must be f; for hamming one number per bit, over 0.5
/// is 1). The rest is as `annoy_get_nns_by_item`.
///
/// Errors: as there, and `ANNOY_ERR_DIMENSION`, `ANNOY_ERR_NOT_FINITE`, `ANNOY_ERR_UNSUPPORTED` when the index holds
/// f64.
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
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { by_vector(index, vector, len, search_k, results, error) }
}

/// `annoy_get_nns_by_vector` for an index of f64 (or hamming), distances as doubles.
///
/// # Safety
/// As `annoy_get_nns_by_vector`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_nns_by_vector_f64(
    index: *const annoy_index,
    vector: *const f64,
    len: usize,
    n: usize,
    search_k: i64,
    ids: *mut i64,
    distances: *mut f64,
    n_found: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    let results = Results {
        n,
        ids,
        distances,
        n_found,
    };
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { by_vector(index, vector, len, search_k, results, error) }
}

/// `annoy_get_nns_by_vector` for hamming, the query in words as `annoy_add_item_bits` takes them; distances are whole
/// numbers.
///
/// # Safety
/// As `annoy_get_nns_by_vector`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_nns_by_vector_bits(
    index: *const annoy_index,
    words: *const u64,
    n_words: usize,
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
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { by_vector(index, words, n_words, search_k, results, error) }
}
