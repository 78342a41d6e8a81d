//! Finding neighbours for any number of queries: vectors of any element type, or items.

use super::either::Either;
use super::guard::{either_for, guard, place, slice, slice_mut};
use super::handle::annoy_index;
use super::options::{annoy_search_options, Given};
use super::sized::{self, Growing};
use super::status::{annoy_error, annoy_status};
use super::vectors::{annoy_element, annoy_vectors, Rows, ANNOY_ELEMENT_F32, ANNOY_ELEMENT_F64};
use super::work::{self, annoy_work};
use crate::error::{Error, Result};
use crate::index::search::Search;
use crate::query::Neighbor;
use crate::work::Work;
use std::ffi::c_void;

/// Where the results of searches go: a row of `n` places for each query. Zero everything, then set
/// `struct_size` and what is wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_results {
    /// `sizeof(annoy_results)`.
    pub struct_size: usize,
    /// Ids, nearest first, equal distances by id; -1 in places that are left over.
    pub ids: *mut i64,
    /// Distances of the same places, NaN in those left over; NULL when they are not wanted.
    pub distances: *mut c_void,
    /// What `distances` are: `ANNOY_ELEMENT_F64`, or `ANNOY_ELEMENT_F32` or 0, whatever the index
    /// holds.
    pub distance_element: annoy_element,
    /// Must be 0.
    pub reserved: i32,
    /// How many were found for each query, below `n` when fewer were: that is no error; NULL when
    /// that is not wanted.
    pub counts: *mut usize,
    /// How many are wanted for each query.
    pub n: usize,
    /// Gets how many shards of a directory were not there, so that they were not searched: see
    /// `ANNOY_OPEN_PARTIAL`; NULL when that is not wanted.
    pub n_missing: *mut usize,
    /// Gets the generation of the manifest whose shards were searched, which the ids are of; NULL
    /// when that is not wanted.
    pub generation: *mut u64,
}

// SAFETY: numbers, and pointers that may be anything until they are used.
unsafe impl Growing for annoy_results {
    const SIZE: &'static str = "struct_size of annoy_results";
}

enum Distances<'a> {
    Unwanted,
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
}

/// An `annoy_results` as the library has it: room of the caller's for so many queries.
struct Table<'a> {
    n_queries: usize,
    n: usize,
    ids: &'a mut [i64],
    distances: Distances<'a>,
    counts: Option<&'a mut [usize]>,
}

/// Fills a row, with what is left over behind it.
fn fill<T: Copy>(row: &mut [T], found: impl ExactSizeIterator<Item = T>, left_over: T) {
    let (to, rest) = row.split_at_mut(found.len().min(row.len()));
    to.iter_mut().zip(found).for_each(|(to, value)| *to = value);
    rest.fill(left_over);
}

impl Table<'_> {
    /// # Safety
    /// The pointers of `given` are NULL or have room as `annoy_results` says.
    unsafe fn new(given: &annoy_results, n_queries: usize) -> Result<Self> {
        if given.reserved != 0 {
            return Err(Error::argument("reserved", given.reserved, "0"));
        }
        let n = given.n;
        let room = n_queries
            .checked_mul(n)
            .ok_or_else(|| Error::argument("n", n, format!("fewer, for {n_queries} queries")))?;
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let ids = unsafe { slice_mut("ids", given.ids, room) }?;
        let at = given.distances;
        let distances = match given.distance_element {
            0 | ANNOY_ELEMENT_F32 | ANNOY_ELEMENT_F64 if at.is_null() => Distances::Unwanted,
            0 | ANNOY_ELEMENT_F32 => {
                // SAFETY: as above.
                Distances::F32(unsafe { slice_mut("distances", at.cast(), room) }?)
            }
            ANNOY_ELEMENT_F64 => {
                // SAFETY: as above.
                Distances::F64(unsafe { slice_mut("distances", at.cast(), room) }?)
            }
            other => {
                let expected = "0, ANNOY_ELEMENT_F32 or ANNOY_ELEMENT_F64";
                return Err(Error::argument("distance_element", other, expected));
            }
        };
        let counts = match given.counts.is_null() {
            true => None,
            // SAFETY: as above.
            false => Some(unsafe { slice_mut("counts", given.counts, n_queries) }?),
        };
        Ok(Table {
            n_queries,
            n,
            ids,
            distances,
            counts,
        })
    }

    fn put(&mut self, query: usize, found: &[Neighbor]) {
        let row = query * self.n..(query + 1) * self.n;
        let distances = found.iter().map(|found| found.distance);
        fill(&mut self.ids[row.clone()], found.iter().map(|f| f.id), -1);
        match &mut self.distances {
            Distances::Unwanted => {}
            Distances::F32(to) => fill(&mut to[row], distances.map(|d| d as f32), f32::NAN),
            Distances::F64(to) => fill(&mut to[row], distances, f64::NAN),
        }
        if let Some(counts) = &mut self.counts {
            counts[query] = found.len();
        }
    }

    /// Runs a search. The row of a single query is written when nothing can fail any more.
    fn answer(
        &mut self,
        given: Given<'_>,
        in_threads: bool,
        one: impl FnOnce(&Search<'_>) -> Result<Vec<Neighbor>>,
        many: impl FnOnce(
            &Search<'_>,
            &mut Work<'_>,
            &mut dyn FnMut(usize, Vec<Neighbor>),
        ) -> Result<()>,
    ) -> Result<()> {
        // Without what many need, which takes longer than a search among few items.
        if self.n_queries == 1 && !given.has_progress() && !in_threads {
            let found = given.one(one)?;
            self.put(0, &found);
            return Ok(());
        }
        let mut single = None;
        let mut take = |query, found: Vec<Neighbor>| match self.n_queries {
            1 => single = Some(found),
            _ => self.put(query, &found),
        };
        given.many(|options, work| many(options, work, &mut take))?;
        if let Some(found) = single {
            self.put(0, &found);
        }
        Ok(())
    }
}

/// Says which shards were searched.
///
/// # Safety
/// The pointers are NULL or as `annoy_results` says.
unsafe fn say_what(results: &annoy_results, index: &Either<'_>) {
    let view = index.shards().map(|(_, view)| view);
    // SAFETY: NULL is checked, the rest is the caller's part as documented.
    if let Ok(to) = unsafe { place("n_missing", results.n_missing) } {
        to.put(view.map_or(0, |view| view.n_missing()));
    }
    // SAFETY: as above.
    if let Ok(to) = unsafe { place("generation", results.generation) } {
        to.put(view.map_or(0, |view| view.manifest().generation));
    }
}

/// # Safety
/// `results` is NULL or points to an `annoy_results`.
unsafe fn read(results: *const annoy_results) -> Result<annoy_results> {
    if results.is_null() {
        return Err(Error::Null("results"));
    }
    // SAFETY: not NULL; as large as it says by the caller's word.
    unsafe { sized::read(results) }
}

/// Finds the `results->n` items nearest to each of the `queries`, one or many, that pass what
/// `options` say. `options` and `work` may be NULL.
///
/// Many queries are shared between threads; a single one takes the calling thread alone. The
/// results are the same for any number of threads, and as if each query had been asked by itself.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built (but see `annoy_get_nns_by_item`, and
/// `ANNOY_METHOD_EXACT`), or without the graph that the method asks for; `ANNOY_ERR_ARGUMENT` for
/// fields of the structs that cannot be, such as a bitmap that does not have as many bits as there
/// are items; `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_UNSUPPORTED` for elements
/// that the index does not take; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged;
/// `ANNOY_ERR_CANCELLED`; `ANNOY_ERR_NO_MEMORY`. Nothing is written on an error of the arguments,
/// nor on any of a single query; on others of several queries some rows may have been written.
///
/// # Safety
/// `index` is NULL or a live handle; `queries`, `options`, `results` and
/// `work` are NULL or point to structs whose pointers are as these say.
#[no_mangle]
pub unsafe extern "C" fn annoy_search(
    index: *const annoy_index,
    queries: *const annoy_vectors,
    options: *const annoy_search_options,
    results: *const annoy_results,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, rows) = unsafe { (work::Given::read(work)?, Rows::read("queries", queries)?) };
        // SAFETY: as above.
        let index = unsafe { either_for(index, &work) }?;
        // SAFETY: as above.
        let results = unsafe { read(results) }?;
        // SAFETY: as above.
        let given = unsafe { Given::read(options, results.n, index.n_items(), work) }?;
        if given.asks() {
            index.ask()?;
        }
        // SAFETY: as above.
        let mut table = unsafe { Table::new(&results, rows.n()) }?;
        table.answer(
            given,
            index.shards().is_some(),
            |search| index.search(rows.row(0), search),
            |search, work, take| index.search_batch(|i| rows.row(i), rows.n(), search, work, take),
        )?;
        // SAFETY: as above.
        unsafe { say_what(&results, &index) };
        Ok(())
    })
}

/// `annoy_search` from items, each its own neighbour unless `ANNOY_SEARCH_EXCLUDE_SELF` is set.
///
/// `items` are `n_items` ids. Errors: as `annoy_search`; `ANNOY_ERR_ITEM`.
///
/// # Safety
/// As `annoy_search`; `items` is NULL or points to as many ids.
#[no_mangle]
pub unsafe extern "C" fn annoy_search_items(
    index: *const annoy_index,
    items: *const i64,
    n_items: usize,
    options: *const annoy_search_options,
    results: *const annoy_results,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, items) = unsafe { (work::Given::read(work)?, slice("items", items, n_items)?) };
        // SAFETY: as above.
        let index = unsafe { either_for(index, &work) }?;
        // SAFETY: as above.
        let results = unsafe { read(results) }?;
        // SAFETY: as above.
        let given = unsafe { Given::read(options, results.n, index.n_items(), work) }?;
        if given.asks() {
            index.ask()?;
        }
        // SAFETY: as above.
        let mut table = unsafe { Table::new(&results, n_items) }?;
        table.answer(
            given,
            index.shards().is_some(),
            |search| index.search_item(items[0], search),
            |search, work, take| index.search_batch_items(items, search, work, take),
        )?;
        // SAFETY: as above.
        unsafe { say_what(&results, &index) };
        Ok(())
    })
}
