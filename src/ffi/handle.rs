//! Making, freeing and asking an index.

use super::either::Held;
use super::guard::{either, exclusive, guard, guard_value, place, take};
use super::labels::label_kind;
use super::library::{annoy_metric, metric, metric_number};
use super::lock::Lock;
use super::sized::{self, Growing};
use super::status::{annoy_error, annoy_status};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::storage;
use crate::types::{IdWidth, Metric, Options, ScalarType};
use std::cell::UnsafeCell;
use std::sync::atomic::AtomicBool;

/// An index. Made by `annoy_new`, `annoy_new_with`, `annoy_open` or `annoy_open_buffer`, freed by
/// `annoy_free`.
///
/// Any thread may call any function with it at any time. Calls that take a `const annoy_index *`
/// run at the same time. Any other call waits until it has the index to itself.
pub struct annoy_index {
    /// None once it is closed.
    pub(super) held: UnsafeCell<Option<Held>>,
    /// None where the caller has made it `ANNOY_UNLOCKED`.
    pub(super) lock: Option<Box<Lock>>,
    pub(super) poisoned: AtomicBool,
}

/// What the elements of stored vectors are.
pub type annoy_scalar = i32;

/// The usual type of the metric: f32, or 64-bit words for hamming.
pub const ANNOY_DEFAULT: annoy_scalar = 0;
/// 32-bit floats.
pub const ANNOY_F32: annoy_scalar = 1;
/// 64-bit floats: what Annoy's Ruby binding stores by default.
pub const ANNOY_F64: annoy_scalar = 2;
/// Hamming in words of 64 bits: what Annoy's Python binding stores.
pub const ANNOY_BITS64: annoy_scalar = 3;
/// Hamming in words of 32 bits.
pub const ANNOY_BITS32: annoy_scalar = 4;
/// Hamming in words of 8 bits.
pub const ANNOY_BITS8: annoy_scalar = 5;

/// Flag of `annoy_options`, `annoy_open` and `annoy_open_buffer`: the index has no lock. The caller
/// sees to it that nobody else uses the index during a call that does not take it const, callbacks
/// of that call included. Each call saves some nanoseconds, and each index 4 KiB.
pub const ANNOY_UNLOCKED: u64 = 4;

/// How an index lays out its file. Zero everything, then set `struct_size` and what is wanted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_options {
    /// `sizeof(annoy_options)`.
    pub struct_size: usize,
    /// The metric.
    pub metric: annoy_metric,
    /// Element type; `ANNOY_DEFAULT` (0) for the metric's usual one.
    pub scalar: annoy_scalar,
    /// Width of ids in the file: 32 or 64 bits; 0 means 32, which all of Annoy's bindings have.
    pub id_bits: i32,
    /// 0 or `ANNOY_UNLOCKED`.
    pub flags: u32,
    /// Length of the vectors: numbers (1 to 65,536), or bits for hamming (1 to 65,536 words).
    pub f: usize,
}

// SAFETY: numbers.
unsafe impl Growing for annoy_options {
    const SIZE: &'static str = "struct_size of annoy_options";
}

const SCALARS: [(annoy_scalar, ScalarType); 5] = [
    (ANNOY_F32, ScalarType::F32),
    (ANNOY_F64, ScalarType::F64),
    (ANNOY_BITS64, ScalarType::Bits64),
    (ANNOY_BITS32, ScalarType::Bits32),
    (ANNOY_BITS8, ScalarType::Bits8),
];

fn scalar(number: annoy_scalar, metric: Metric) -> Result<ScalarType> {
    if number == ANNOY_DEFAULT {
        return Ok(ScalarType::default_for(metric));
    }
    SCALARS
        .iter()
        .find(|entry| entry.0 == number)
        .map(|entry| entry.1)
        .ok_or_else(|| Error::argument("scalar", number, "0 to 5, one of the scalar types"))
}

pub(super) fn scalar_number(scalar: ScalarType) -> annoy_scalar {
    SCALARS
        .iter()
        .find(|entry| entry.1 == scalar)
        .map_or(0, |entry| entry.0)
}

fn options(given: &annoy_options) -> Result<Options> {
    if u64::from(given.flags) & !ANNOY_UNLOCKED != 0 {
        let expected = "0 or ANNOY_UNLOCKED";
        return Err(Error::argument(
            "flags",
            format!("{:#x}", given.flags),
            expected,
        ));
    }
    let metric = metric(given.metric)?;
    Ok(Options {
        metric,
        f: given.f,
        scalar: scalar(given.scalar, metric)?,
        id_width: match given.id_bits {
            0 | 32 => IdWidth::Bits32,
            64 => IdWidth::Bits64,
            other => return Err(Error::argument("id_bits", other, "32, 64, or 0 for 32")),
        },
    })
}

/// A handle, with a lock unless the flags say otherwise.
///
/// # Errors
/// [`Error::NoMemory`].
pub(super) fn boxed(index: Index, flags: u64) -> Result<*mut annoy_index> {
    boxed_either(Held::One(index), flags)
}

/// [`boxed`], of one file or of shards.
///
/// # Errors
/// [`Error::NoMemory`].
pub(super) fn boxed_either(held: Held, flags: u64) -> Result<*mut annoy_index> {
    let lock = match flags & ANNOY_UNLOCKED {
        0 => Some(storage::boxed(Lock::new())?),
        _ => None,
    };
    let handle = storage::boxed(annoy_index {
        held: UnsafeCell::new(Some(held)),
        lock,
        poisoned: AtomicBool::new(false),
    });
    handle.map(Box::into_raw)
}

/// Makes an empty index with Annoy's usual types: f32 (64-bit words for hamming) and 32-bit ids.
///
/// `f` is the length of the vectors: 1 to 65,536 numbers, for hamming 1 to 4,194,304 bits. `*index`
/// gets the handle, to be freed with `annoy_free`.
/// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ARGUMENT`, `ANNOY_ERR_UNSUPPORTED` (`ANNOY_RS_KERNEL` names
/// no kernel of this machine).
///
/// # Safety
/// `index` is NULL or points to room for a pointer.
#[no_mangle]
pub unsafe extern "C" fn annoy_new(
    metric: annoy_metric,
    f: usize,
    index: *mut *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let out = unsafe { place("index", index) }?;
        out.put(boxed(Index::new(super::library::metric(metric)?, f)?, 0)?);
        Ok(())
    })
}

/// Makes an empty index with the types given.
///
/// `*index` gets the handle, to be freed with `annoy_free`.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for a field with a value it cannot have, a scalar
/// type that does not fit the metric, or a `struct_size` that cannot be or asks for what this
/// library does not know; `ANNOY_ERR_UNSUPPORTED`.
///
/// # Safety
/// `options` is NULL or points to an `annoy_options`, `index` is NULL or points to room for a
/// pointer.
#[no_mangle]
pub unsafe extern "C" fn annoy_new_with(
    options: *const annoy_options,
    index: *mut *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        if options.is_null() {
            return Err(Error::Null("options"));
        }
        // SAFETY: not NULL by the check above; as large as it says by the caller's word.
        let given = unsafe { sized::read(options) }?;
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let out = unsafe { place("index", index) }?;
        let index = Index::with_options(self::options(&given)?)?;
        out.put(boxed(index, given.flags.into())?);
        Ok(())
    })
}

/// Waits for the calls under way on the index, and frees all that it holds: labels that calls
/// pointed to are gone, bytes that it borrowed are the caller's again, and its log function is not
/// called any more. Every later call but `annoy_free` is refused with `ANNOY_ERR_STATE`, also calls
/// that wait meanwhile; a second close does nothing. A file being built on disk is removed unless
/// its build was completed, also by a child of the process that builds it.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` in a callback of a call on the index, and after a
/// fork while another thread changed it.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_close(
    index: *mut annoy_index,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        drop(unsafe { take(index) }?);
        Ok(())
    })
}

/// Frees an index, closed or not; NULL does nothing. No other call may be using it, and none may
/// come: several threads that share one call `annoy_close` first.
///
/// # Safety
/// `index` is NULL or a handle that was not freed before.
#[no_mangle]
pub unsafe extern "C" fn annoy_free(index: *mut annoy_index) {
    guard_value((), || {
        if !index.is_null() {
            // SAFETY: made by `boxed`, not freed before by the caller's word, not NULL by the check
            // above.
            let mut handle = unsafe { Box::from_raw(index) };
            if handle.lock.as_ref().is_some_and(|lock| lock.is_lost()) {
                // Half changed: not even safe to drop.
                std::mem::forget(handle.held.get_mut().take());
            }
        }
    });
}

/// Number of items: the largest id plus one, missing ones included. 0 for NULL.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_n_items(index: *const annoy_index) -> i64 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { either(index) }.map_or(0, |index| index.n_items() as i64)
    })
}

/// Number of trees, 0 before the build and for NULL. Each is counted once, also in files where
/// Annoy counts twice.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_n_trees(index: *const annoy_index) -> i64 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { either(index) }.map_or(0, |index| index.n_trees() as i64)
    })
}

/// Length of the vectors: numbers, or bits for hamming. 0 for NULL.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_f(index: *const annoy_index) -> usize {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { either(index) }.map_or(0, |index| index.options().f)
    })
}

/// What `annoy_get_fact` is asked for: one of the `ANNOY_FACT_` numbers. New numbers may be added.
pub type annoy_fact = i32;

/// The metric: one of `ANNOY_ANGULAR` to `ANNOY_DOT`.
pub const ANNOY_FACT_METRIC: annoy_fact = 1;
/// What the labels are: `ANNOY_LABELS_NONE` (0) where there are none.
pub const ANNOY_FACT_LABEL_KIND: annoy_fact = 2;
/// How many items have labels.
pub const ANNOY_FACT_N_LABELS: annoy_fact = 3;
/// How many items are marked as removed.
pub const ANNOY_FACT_N_REMOVED: annoy_fact = 4;
/// How many shards the manifest of a directory names; 0 for an index of one file.
pub const ANNOY_FACT_N_SHARDS: annoy_fact = 5;
/// How many of them are not there: see `ANNOY_OPEN_PARTIAL`.
pub const ANNOY_FACT_N_MISSING: annoy_fact = 6;
/// The generation of the manifest that is searched; 0 for an index of one file.
pub const ANNOY_FACT_GENERATION: annoy_fact = 7;

/// A number about the index that takes no looking for, however large it is (`annoy_get_info` has
/// the others). 0 for NULL, and for a fact that this library does not know.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_fact(index: *const annoy_index, fact: annoy_fact) -> i64 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { either(index) }.map_or(0, |index| match fact {
            ANNOY_FACT_METRIC => metric_number(index.options().metric).into(),
            ANNOY_FACT_LABEL_KIND => label_kind(index.label_kind()).into(),
            ANNOY_FACT_N_LABELS => index.n_labels() as i64,
            ANNOY_FACT_N_REMOVED => index.n_removed() as i64,
            other => index.shards().map_or(0, |(_, view)| match other {
                ANNOY_FACT_N_SHARDS => view.n_shards() as i64,
                ANNOY_FACT_N_MISSING => view.n_missing() as i64,
                ANNOY_FACT_GENERATION => view.manifest().generation as i64,
                _ => 0,
            }),
        })
    })
}

/// How the index lays out its file into `*options`, whose `struct_size` is set: metric, element
/// type, width of ids, f, and `ANNOY_UNLOCKED` where it has no lock. `annoy_new_with` makes another
/// such index of them. Fields that `struct_size` leaves no room for are left out, and bytes that it
/// has beyond those of the library stay as they are. Legal in every state.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for a `struct_size` of less than the first field
/// or more than 4,096.
///
/// # Safety
/// `index` is NULL or a live handle, `options` is NULL or points to `struct_size` bytes.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_options(
    index: *const annoy_index,
    options: *mut annoy_options,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (to, shared) = unsafe { (sized::room("options", options)?, either(index)?) };
        let found = shared.options();
        // SAFETY: not NULL and live, as it is borrowed.
        let is_unlocked = unsafe { &(*index).lock }.is_none();
        to.put(annoy_options {
            struct_size: size_of::<annoy_options>(),
            metric: metric_number(found.metric),
            scalar: scalar_number(found.scalar),
            id_bits: found.id_width.bits() as i32,
            flags: if is_unlocked {
                ANNOY_UNLOCKED as u32
            } else {
                0
            },
            f: found.f,
        });
        Ok(())
    })
}

/// Sets the seed of the next build. Legal in every state; unlike Annoy's, it stays through save,
/// load and unload.
///
/// Errors: `ANNOY_ERR_NULL`.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_seed(
    index: *mut annoy_index,
    seed: u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.set_seed(seed);
        Ok(())
    })
}
