//! What a search may be told: among which items, how many threads, when to give up.

use super::guard::{guard_value, or_choose, slice};
use crate::error::{Error, Result};
use crate::forest::filter::{Ask, Bitmap};
use crate::index::search::{Cancel, Search, Work};
use crate::index::Index;
use std::ffi::c_void;

/// Tells long calls to give up. Made by `annoy_cancel_new`, freed by `annoy_cancel_free`.
pub struct annoy_cancel {
    token: Cancel,
}

/// Makes a token that long calls look at; NULL when there is no memory. Not yet cancelled.
#[no_mangle]
pub extern "C" fn annoy_cancel_new() -> *mut annoy_cancel {
    guard_value(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(annoy_cancel {
            token: Cancel::new(),
        }))
    })
}

/// Tells the calls that were given this token to give up: they return `ANNOY_ERR_CANCELLED`, and so do later ones. Any
/// thread may do this at any time, also a signal handler. NULL does nothing.
///
/// # Safety
/// `cancel` is NULL or a live token.
#[no_mangle]
pub unsafe extern "C" fn annoy_cancel_set(cancel: *const annoy_cancel) {
    guard_value((), || {
        // SAFETY: NULL gives none, else live by the caller's word.
        if let Some(cancel) = unsafe { cancel.as_ref() } {
            cancel.token.cancel();
        }
    })
}

/// Frees a token; NULL does nothing. No call may be looking at it.
///
/// # Safety
/// `cancel` is NULL or a live token that nothing else is using.
#[no_mangle]
pub unsafe extern "C" fn annoy_cancel_free(cancel: *mut annoy_cancel) {
    guard_value((), || {
        if !cancel.is_null() {
            // SAFETY: not NULL; made by `annoy_cancel_new` and not freed before, by the caller's word.
            drop(unsafe { Box::from_raw(cancel) });
        }
    })
}

/// Says whether an item may be found: 0 for no. `user` as given in the options. Called on the thread that made the call, once
/// at the most for each item in a search. It must not unwind, `longjmp`, or change the index.
pub type annoy_filter_fn = Option<unsafe extern "C" fn(user: *mut c_void, item: i64) -> i32>;

/// Hears how far a long call has come: `done` of `total`. `user` as given in the options. Called on the thread that made the
/// call. It must not unwind, `longjmp`, or change the index.
pub type annoy_progress_fn = Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64)>;

/// Flag: the item that is searched for is not wanted among its own neighbours.
pub const ANNOY_SEARCH_EXCLUDE_SELF: u64 = 1;
/// Flag: `max_distance` holds.
pub const ANNOY_SEARCH_MAX_DISTANCE: u64 = 2;
/// Flag: the bits of `bitmap` that are 1 stand for items that may not be found, instead of those that may.
pub const ANNOY_SEARCH_DENY: u64 = 4;
/// Flag: look at all items that may be found, without the trees. `search_k` plays no part.
pub const ANNOY_SEARCH_EXACT: u64 = 8;

/// What a search is to find, and among which items. Zero everything, then set `struct_size` and what is wanted.
///
/// An item has to pass all that is set: bitmap, list, filter, distance. Those that do not pass do not count for `search_k`, so
/// that a search still finds n where n are to be found; where no more than `search_k` can pass, by the bitmap, all those are
/// looked at.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_search_options {
    /// `sizeof(annoy_search_options)`.
    pub struct_size: usize,
    /// `ANNOY_SEARCH_` flags.
    pub flags: u64,
    /// The number of candidates looked at, repeats between trees included; 0 or -1 stands for n times the number of trees.
    pub search_k: i64,
    /// With `ANNOY_SEARCH_MAX_DISTANCE`: no results farther than this; for dot, none of a smaller inner product.
    pub max_distance: f64,
    /// A bit for each item, the first in the least significant place of the first word; NULL for none.
    pub bitmap: *const u64,
    /// Bits in `bitmap`: the number of items.
    pub bitmap_bits: usize,
    /// Ids that are not wanted, in any order; NULL for none.
    pub exclude: *const i64,
    /// How many.
    pub n_exclude: usize,
    /// Asked about items that pass all else; NULL for none. In a batch it keeps the work on the calling thread.
    pub filter: annoy_filter_fn,
    /// Handed to `filter`.
    pub filter_user: *mut c_void,
    /// Batch only: threads; 0 or -1 for one per processor.
    pub n_threads: i32,
    /// Must be 0.
    pub reserved: i32,
    /// Batch only: looked at before each query; NULL for none.
    pub cancel: *const annoy_cancel,
    /// Batch only: hears how many queries are done; NULL for none.
    pub progress: annoy_progress_fn,
    /// Handed to `progress`.
    pub progress_user: *mut c_void,
}

/// A caller's function and what it is to be handed.
struct Callback<F> {
    call: F,
    user: *mut c_void,
}

// SAFETY: called on the thread that made the call only: `run` gives a batch with a filter one thread.
unsafe impl<F> Sync for Callback<F> {}

/// The options as the library has them; borrowed from the caller's.
pub(super) struct Given<'a> {
    search: Search<'a>,
    n_threads: Option<usize>,
    cancel: Option<&'a Cancel>,
    progress: Option<Box<dyn Fn(u64, u64)>>,
    ask: Option<Box<Ask<'static>>>,
}

impl<'a> Given<'a> {
    /// # Safety
    /// `options` is NULL or points to an `annoy_search_options` whose pointers are as documented.
    pub(super) unsafe fn read(
        options: *const annoy_search_options,
        n: usize,
        index: &Index,
    ) -> Result<Self> {
        let mut given = Given {
            search: Search::new(n),
            n_threads: None,
            cancel: None,
            progress: None,
            ask: None,
        };
        if options.is_null() {
            return Ok(given);
        }
        // Looked at before anything else of the struct is: a caller's may be shorter.
        // SAFETY: not NULL; the first field is there by the caller's word.
        let size = unsafe { options.cast::<usize>().read_unaligned() };
        if size != size_of::<annoy_search_options>() {
            let expected = format!(
                "{}, as this library has it",
                size_of::<annoy_search_options>()
            );
            return Err(Error::argument("struct_size", size, expected));
        }
        // SAFETY: not NULL, and whole by its own size.
        let options = unsafe { options.read_unaligned() };
        const FLAGS: u64 = ANNOY_SEARCH_EXCLUDE_SELF
            | ANNOY_SEARCH_MAX_DISTANCE
            | ANNOY_SEARCH_DENY
            | ANNOY_SEARCH_EXACT;
        if options.flags & !FLAGS != 0 {
            let found = format!("{:#x}", options.flags);
            return Err(Error::argument("flags", found, "ANNOY_SEARCH_ flags"));
        }
        if options.reserved != 0 {
            return Err(Error::argument("reserved", options.reserved, "0"));
        }
        let has = |flag| options.flags & flag != 0;
        let search = &mut given.search;
        search.exact = has(ANNOY_SEARCH_EXACT);
        search.exclude_self = has(ANNOY_SEARCH_EXCLUDE_SELF);
        search.max_distance = has(ANNOY_SEARCH_MAX_DISTANCE).then_some(options.max_distance);
        search.search_k = match options.search_k {
            0 => None,
            other => or_choose("search_k", other, 1)?,
        };
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        search.exclude = unsafe { slice("exclude", options.exclude, options.n_exclude) }?;
        if !options.bitmap.is_null() {
            if options.bitmap_bits != index.n_items() {
                let expected = format!("{}, the number of items", index.n_items());
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
        given.ask = options.filter.map(|call| {
            let callback = Callback {
                call,
                user: options.filter_user,
            };
            let ask = move |id| {
                // As a whole, which is Sync.
                let callback = &callback;
                // SAFETY: the caller's function, called with what it asked for.
                unsafe { (callback.call)(callback.user, id) != 0 }
            };
            Box::new(ask) as Box<Ask<'static>>
        });
        given.n_threads = match options.n_threads {
            0 => None,
            other => or_choose("n_threads", other.into(), 1)?.map(|n| n as usize),
        };
        if given.ask.is_some() {
            given.n_threads = Some(1);
        }
        // SAFETY: NULL gives none, else live by the caller's word.
        given.cancel = unsafe { options.cancel.as_ref() }.map(|cancel| &cancel.token);
        given.progress = options.progress.map(|call| {
            let user = options.progress_user;
            // SAFETY: the caller's function, called with what it asked for.
            let progress = move |done, total| unsafe { call(user, done, total) };
            Box::new(progress) as Box<dyn Fn(u64, u64)>
        });
        Ok(given)
    }

    pub(super) fn search(&self) -> Search<'_> {
        Search {
            filter: self.ask.as_deref(),
            ..self.search
        }
    }

    pub(super) fn work(&self) -> Work<'_> {
        Work {
            n_threads: self.n_threads,
            cancel: self.cancel,
            progress: self.progress.as_deref(),
        }
    }
}
