//! Finding neighbours among some of the items.

use super::guard::{guard, slice};
use super::handle::annoy_index;
use super::options::{annoy_search_options, Given};
use super::search::{Distance, Results};
use super::status::{annoy_error, annoy_status};
use crate::error::Result;
use crate::index::search::Search;
use crate::index::Index;
use crate::query::Neighbor;
use std::ptr::null;

/// The body of `annoy_search_one` and its kin.
///
/// # Safety
/// As documented there.
unsafe fn one<D: Distance>(
    index: *const annoy_index,
    options: *const annoy_search_options,
    results: Results<D>,
    search: impl FnOnce(&Index, &Search<'_>) -> Result<Vec<Neighbor>>,
) -> Result<()> {
    let n = results.n;
    // SAFETY: handed on.
    unsafe {
        results.fill(index, |index| {
            Given::read(options, n, index, null())?.search(|options| search(index, options))
        })
    }
}

/// Finds the `n` items nearest to a vector of `len` numbers (`len` must be f; for hamming one number per bit, over 0.5
/// is 1) that pass what `options` say, nearest first, equal distances by id. `options` may be NULL.
///
/// The results are as those of `annoy_get_nns_by_vector`.
/// Errors: as there; `ANNOY_ERR_ARGUMENT` for options that have values they cannot have, such as a bitmap that does not
/// have as many bits as there are items.
///
/// # Safety
/// As `annoy_get_nns_by_vector`; `options` is NULL or points to an `annoy_search_options` whose pointers are as it
/// says.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_one(
    index: *const annoy_index,
    vector: *const f32,
    len: usize,
    n: usize,
    options: *const annoy_search_options,
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
        unsafe {
            one(index, options, results, |index, search| {
                index.search(vector, search)
            })
        }
    })
}

/// `annoy_search_one` for an index of f64 (or hamming), distances as doubles.
///
/// # Safety
/// As `annoy_search_one`.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_one_f64(
    index: *const annoy_index,
    vector: *const f64,
    len: usize,
    n: usize,
    options: *const annoy_search_options,
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
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let vector = unsafe { slice("vector", vector, len) }?;
        // SAFETY: handed on.
        unsafe {
            one(index, options, results, |index, search| {
                index.search(vector, search)
            })
        }
    })
}

/// `annoy_search_one` for hamming, the query in words as `annoy_add_item_bits` takes them.
///
/// # Safety
/// As `annoy_search_one`.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_one_bits(
    index: *const annoy_index,
    words: *const u64,
    n_words: usize,
    n: usize,
    options: *const annoy_search_options,
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
        let words = unsafe { slice("words", words, n_words) }?;
        // SAFETY: handed on.
        unsafe {
            one(index, options, results, |index, search| {
                index.search(words, search)
            })
        }
    })
}

/// `annoy_search_one` from an item, which is its own neighbour unless `ANNOY_SEARCH_EXCLUDE_SELF`
/// is set. Any element type.
///
/// Errors: as `annoy_search_one`, and `ANNOY_ERR_ITEM`.
///
/// # Safety
/// As `annoy_search_one`.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_item(
    index: *const annoy_index,
    item: i64,
    n: usize,
    options: *const annoy_search_options,
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
            one(index, options, results, |index, search| {
                index.search_item(item, search)
            })
        }
    })
}

/// `annoy_search_item` with distances as doubles.
///
/// # Safety
/// As `annoy_search_one`.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_item_f64(
    index: *const annoy_index,
    item: i64,
    n: usize,
    options: *const annoy_search_options,
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
            one(index, options, results, |index, search| {
                index.search_item(item, search)
            })
        }
    })
}
