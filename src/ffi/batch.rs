//! Finding neighbours for many queries at once.

use super::guard::{guard, shared, slice, slice_mut};
use super::handle::annoy_index;
use super::item::Rows;
use super::options::{annoy_search_options, Given};
use super::search::{Distance, Results};
use super::status::{annoy_error, annoy_status};
use crate::error::{Error, Result};
use crate::index::vector::Vector;
use crate::query::Neighbor;
use std::ptr::null;

/// Where a batch puts its results: rows of `n` ids and, unless NULL, distances; the number found in each, unless NULL.
struct Table<'a, D> {
    n: usize,
    ids: &'a mut [i64],
    distances: Option<&'a mut [D]>,
    n_found: Option<&'a mut [usize]>,
}

impl<'a, D: Distance> Table<'a, D> {
    /// # Safety
    /// As documented at `annoy_search_batch`.
    unsafe fn new(n_queries: usize, results: Results<D>) -> Result<Self> {
        let n = results.n;
        let room = n_queries
            .checked_mul(n)
            .ok_or_else(|| Error::argument("n", n, format!("fewer, for {n_queries} queries")))?;
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let ids = unsafe { slice_mut("ids", results.ids, room) }?;
        let distances = match results.distances.is_null() {
            true => None,
            // SAFETY: as above, and not NULL.
            false => Some(unsafe { slice_mut("distances", results.distances, room) }?),
        };
        let n_found = match results.n_found.is_null() {
            true => None,
            // SAFETY: as above, and not NULL.
            false => Some(unsafe { slice_mut("n_found", results.n_found, n_queries) }?),
        };
        Ok(Table {
            n,
            ids,
            distances,
            n_found,
        })
    }

    fn put(&mut self, query: usize, found: &[Neighbor]) {
        let row = query * self.n..(query + 1) * self.n;
        let ids = found
            .iter()
            .map(|found| found.id)
            .chain(std::iter::repeat(-1));
        for (to, id) in self.ids[row.clone()].iter_mut().zip(ids) {
            *to = id;
        }
        if let Some(distances) = &mut self.distances {
            let found = found.iter().map(|found| found.distance);
            let all = found.chain(std::iter::repeat(f64::NAN));
            for (to, distance) in distances[row].iter_mut().zip(all) {
                *to = D::from_f64(distance);
            }
        }
        if let Some(n_found) = &mut self.n_found {
            n_found[query] = found.len();
        }
    }
}

/// The body of `annoy_search_batch` and its kin.
///
/// # Safety
/// As documented there.
unsafe fn batch<'a, T: Sync + 'a, D: Distance>(
    index: *const annoy_index,
    (queries, n_queries, len, row_stride): (*const T, usize, usize, usize),
    options: *const annoy_search_options,
    results: Results<D>,
    error: *mut annoy_error,
) -> annoy_status
where
    &'a [T]: Into<Vector<'a>>,
{
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let index = unsafe { shared(index) }?;
        // SAFETY: as above.
        let given = unsafe { Given::read(options, results.n, &index, null()) }?;
        // SAFETY: as above.
        let rows: Rows<'a, T> = unsafe { Rows::new(queries, n_queries, len, row_stride) }?;
        // SAFETY: as above.
        let mut table = unsafe { Table::new(n_queries, results) }?;
        let take = |query, found: Vec<Neighbor>| table.put(query, &found);
        let query = |i| rows.row(i);
        given.batch(|search, work| index.search_batch(query, n_queries, search, work, take))
    })
}

/// `annoy_search_one` for `n_queries` vectors of `len` numbers, `row_stride` bytes apart (0: one
/// right behind the other), by several threads.
///
/// `ids` and `distances` (may be NULL) have room for n_queries rows of `n`; what is left of a row
/// when fewer are found is -1 and NaN. `n_found` has room for n_queries counts, or is NULL. The
/// results are those of `annoy_search_one` for each query, for any number of threads.
/// Errors: as `annoy_search_one`; `ANNOY_ERR_CANCELLED`. On an error it is not defined what the
/// results hold.
///
/// # Safety
/// As `annoy_search_one`; `queries` is NULL or points to as many rows, the results are NULL or have
/// room as said above.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_batch(
    index: *const annoy_index,
    queries: *const f32,
    n_queries: usize,
    len: usize,
    row_stride: usize,
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
    let queries = (queries, n_queries, len, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { batch(index, queries, options, results, error) }
}

/// `annoy_search_batch` for an index of f64 (or hamming), distances as doubles.
///
/// # Safety
/// As `annoy_search_batch`.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_batch_f64(
    index: *const annoy_index,
    queries: *const f64,
    n_queries: usize,
    len: usize,
    row_stride: usize,
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
    let queries = (queries, n_queries, len, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { batch(index, queries, options, results, error) }
}

/// `annoy_search_batch` for hamming, the queries in words as `annoy_add_item_bits` takes them.
///
/// # Safety
/// As `annoy_search_batch`.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_batch_bits(
    index: *const annoy_index,
    queries: *const u64,
    n_queries: usize,
    n_words: usize,
    row_stride: usize,
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
    let queries = (queries, n_queries, n_words, row_stride);
    // SAFETY: handed on; the body is guarded there: guard(error, ...).
    unsafe { batch(index, queries, options, results, error) }
}

/// `annoy_search_item` for `n_queries` items. As `annoy_search_batch`. Any element type.
///
/// Errors: as there, and `ANNOY_ERR_ITEM`.
///
/// # Safety
/// As `annoy_search_batch`; `items` is NULL or points to `n_queries` ids.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_batch_items(
    index: *const annoy_index,
    items: *const i64,
    n_queries: usize,
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
        let index = unsafe { shared(index) }?;
        // SAFETY: as above.
        let given = unsafe { Given::read(options, n, &index, null()) }?;
        // SAFETY: as above.
        let items = unsafe { slice("items", items, n_queries) }?;
        // SAFETY: as above.
        let mut table = unsafe { Table::new(n_queries, results) }?;
        let take = |query, found: Vec<Neighbor>| table.put(query, &found);
        given.batch(|search, work| index.search_batch_items(items, search, work, take))
    })
}
