//! What a search may be told: among which items, and how to work.

use super::guard::{call_host, or_choose, slice};
use super::sized::{self, Growing};
use super::work;
use crate::error::{Error, Result};
use crate::index::search::{Search, Way, EXACT_ITEMS};
use crate::query::filter::{Ask, Bitmap};
use crate::work::Work;
use std::ffi::c_void;

/// Says whether an item may be found: 0 for no. `user` as given in the options. Called on the
/// thread that made the call, once at the most for each item in a search. It must not unwind,
/// `longjmp`, or change the index.
pub type annoy_filter_fn = Option<unsafe extern "C" fn(user: *mut c_void, item: i64) -> i32>;

/// Flag: the item that is searched for is not wanted among its own neighbours.
pub const ANNOY_SEARCH_EXCLUDE_SELF: u64 = 1;
/// Flag: `max_distance` holds.
pub const ANNOY_SEARCH_MAX_DISTANCE: u64 = 2;
/// Flag: the bits of `bitmap` that are 1 stand for items that may not be found, instead of those
/// that may.
pub const ANNOY_SEARCH_DENY: u64 = 4;

/// What a search goes through: one of the `ANNOY_METHOD_` numbers. New numbers may be added.
pub type annoy_method = i32;

/// The graph where there is one, else the scan, else the trees.
pub const ANNOY_METHOD_DEFAULT: annoy_method = 0;
/// The trees, as Annoy does, also where there is a graph.
pub const ANNOY_METHOD_FOREST: annoy_method = 1;
/// The graph; `ANNOY_ERR_STATE` where there is none.
pub const ANNOY_METHOD_GRAPH: annoy_method = 2;
/// All items that may be found, one by one, of an index that is not built too. `search_k` plays no
/// part.
pub const ANNOY_METHOD_EXACT: annoy_method = 3;
/// The lists of the scan (`annoy_build_scan`); `ANNOY_ERR_STATE` where there are none.
pub const ANNOY_METHOD_SCAN: annoy_method = 4;
/// So many items are all looked at by a search that is told neither method nor `search_k`, where
/// there are no trees: see `annoy_get_nns_by_item`.
pub const ANNOY_EXACT_ITEMS: i64 = 3000;
const _: () = assert!(ANNOY_EXACT_ITEMS as usize == EXACT_ITEMS);

/// What a search is to find, and among which items. Zero everything, then set `struct_size` and
/// what is wanted.
///
/// An item has to pass all that is set: bitmap, list, filter, distance. Those that do not pass do
/// not count for `search_k`, so that a search still finds n where n are to be found; where no more
/// than `search_k` can pass, by the bitmap, all those are looked at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_search_options {
    /// `sizeof(annoy_search_options)`.
    pub struct_size: usize,
    /// `ANNOY_SEARCH_` flags.
    pub flags: u64,
    /// The number of candidates looked at; 0 or -1 for the usual: see `annoy_get_nns_by_item`.
    pub search_k: i64,
    /// With `ANNOY_SEARCH_MAX_DISTANCE`: no results farther than this; for dot, none of a smaller
    /// inner product.
    pub max_distance: f64,
    /// A bit for each item, the first in the least significant place of the first word; NULL for
    /// none.
    pub bitmap: *const u64,
    /// Bits in `bitmap`: the number of items.
    pub bitmap_bits: usize,
    /// Ids that are not wanted, in any order; NULL for none.
    pub exclude: *const i64,
    /// How many.
    pub n_exclude: usize,
    /// Asked about items that pass all else; NULL for none. In a batch it keeps the work on the
    /// calling thread.
    pub filter: annoy_filter_fn,
    /// Handed to `filter`.
    pub filter_user: *mut c_void,
    /// What the search goes through; 0 for the graph where there is one, else the scan, else the
    /// trees.
    pub method: annoy_method,
    /// Must be 0.
    pub reserved: i32,
    /// The share of the nearest that is to be found, up to 1, in place of `search_k`, of an index
    /// that `annoy_tune` has measured; 0 for none. Exact search needs no measuring.
    pub recall: f64,
    /// Of a directory of shards, the places of those that are searched, from 0, in the order of the
    /// manifest; NULL for all.
    pub shards: *const usize,
    /// How many.
    pub n_shards: usize,
}

// SAFETY: numbers, and pointers that may be anything until they are used.
unsafe impl Growing for annoy_search_options {
    const SIZE: &'static str = "struct_size of annoy_search_options";
}

/// A caller's filter and what it is to be handed.
#[derive(Clone, Copy)]
struct Filter {
    call: unsafe extern "C" fn(user: *mut c_void, item: i64) -> i32,
    user: *mut c_void,
}

// SAFETY: called on the thread that made the call only: `Given` leaves a batch with a filter one
// thread.
unsafe impl Sync for Filter {}

impl Filter {
    fn accepts(&self, item: i64) -> bool {
        // SAFETY: the caller's function, called with what it asked for.
        call_host(|| unsafe { (self.call)(self.user, item) != 0 })
    }
}

/// The options as the library has them; borrowed from the caller's.
pub(super) struct Given<'a> {
    search: Search<'a>,
    filter: Option<Filter>,
    work: work::Given<'a>,
}

impl<'a> Given<'a> {
    /// # Safety
    /// `options` is NULL or points to an `annoy_search_options` whose pointers are as documented.
    pub(super) unsafe fn read(
        options: *const annoy_search_options,
        n: usize,
        n_items: usize,
        work: work::Given<'a>,
    ) -> Result<Self> {
        let mut given = Given {
            search: Search::new(n),
            filter: None,
            work,
        };
        if options.is_null() {
            return Ok(given);
        }
        // SAFETY: not NULL; as large as it says by the caller's word.
        let options = unsafe { sized::read(options) }?;
        const FLAGS: u64 =
            ANNOY_SEARCH_EXCLUDE_SELF | ANNOY_SEARCH_MAX_DISTANCE | ANNOY_SEARCH_DENY;
        if options.flags & !FLAGS != 0 {
            let found = format!("{:#x}", options.flags);
            return Err(Error::argument("flags", found, "ANNOY_SEARCH_ flags"));
        }
        let has = |flag| options.flags & flag != 0;
        let search = &mut given.search;
        if options.reserved != 0 {
            return Err(Error::argument("reserved", options.reserved, "0"));
        }
        search.way = match options.method {
            ANNOY_METHOD_DEFAULT => Way::Fastest,
            ANNOY_METHOD_EXACT => Way::Exact,
            ANNOY_METHOD_FOREST => Way::Forest,
            ANNOY_METHOD_GRAPH => Way::Graph,
            ANNOY_METHOD_SCAN => Way::Scan,
            other => {
                let expected = "one of the ANNOY_METHOD_ numbers";
                return Err(Error::argument("method", other, expected));
            }
        };
        search.exclude_self = has(ANNOY_SEARCH_EXCLUDE_SELF);
        search.max_distance = has(ANNOY_SEARCH_MAX_DISTANCE).then_some(options.max_distance);
        search.search_k = match options.search_k {
            0 => None,
            other => or_choose("search_k", other, 1)?,
        };
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        search.shards = unsafe { slice("shards", options.shards, options.n_shards) }?;
        search.recall = (options.recall != 0.0).then_some(options.recall);
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        search.exclude = unsafe { slice("exclude", options.exclude, options.n_exclude) }?;
        if !options.bitmap.is_null() {
            if options.bitmap_bits != n_items {
                let expected = format!("{n_items}, the number of items");
                return Err(Error::argument(
                    "bitmap_bits",
                    options.bitmap_bits,
                    expected,
                ));
            }
            let n_words = options.bitmap_bits.div_ceil(64);
            search.bitmap = Some(Bitmap {
                // SAFETY: NULL is checked, the rest is the caller's part as documented.
                words: unsafe { slice("bitmap", options.bitmap, n_words) }?,
                deny: has(ANNOY_SEARCH_DENY),
            });
        }
        let user = options.filter_user;
        given.filter = options.filter.map(|call| Filter { call, user });
        if given.filter.is_some() {
            given.work = given.work.alone();
        }
        Ok(given)
    }

    /// Whether functions of the caller's are called.
    pub(super) fn asks(&self) -> bool {
        self.filter.is_some() || self.work.has_progress()
    }

    pub(super) fn has_progress(&self) -> bool {
        self.work.has_progress()
    }

    /// Makes one search of them.
    pub(super) fn one<R>(self, body: impl FnOnce(&Search<'_>) -> Result<R>) -> Result<R> {
        self.work.check()?;
        self.filtered(|search, _| body(search))
    }

    /// Makes many searches of them.
    pub(super) fn many<R>(
        self,
        body: impl FnOnce(&Search<'_>, &mut Work<'_>) -> Result<R>,
    ) -> Result<R> {
        self.filtered(|search, work| work.call(|work| body(search, work)))
    }

    /// A filter takes as long as its caller likes: so the token is looked at each time one would be
    /// asked.
    fn filtered<R>(
        self,
        body: impl FnOnce(&Search<'_>, work::Given<'_>) -> Result<R>,
    ) -> Result<R> {
        let (filter, cancel) = (self.filter, self.work.cancel());
        let ask = filter
            .as_ref()
            .map(|filter| move |item| crate::work::check(cancel).is_ok() && filter.accepts(item));
        let search = Search {
            filter: ask.as_ref().map(|ask| ask as &Ask<'_>),
            ..self.search
        };
        let found = body(&search, self.work)?;
        if filter.is_some() {
            self.work.check()?;
        }
        Ok(found)
    }
}
