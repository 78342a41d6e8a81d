//! Version, names of things.

use super::guard::{guard, guard_value, place, text};
use super::status::{annoy_error, annoy_status};
use crate::error::{Error, Result};
use crate::index;
use crate::types::Metric;
use std::ffi::{c_char, CStr};

/// Major version of this header, for the preprocessor. `annoy_version` tells the library's.
pub const ANNOY_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const ANNOY_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const ANNOY_VERSION_PATCH: u32 = 0;

// Cargo.toml has the version; cbindgen takes nothing but numbers.
const _: () = assert!(
    is(env!("CARGO_PKG_VERSION_MAJOR"), ANNOY_VERSION_MAJOR)
        && is(env!("CARGO_PKG_VERSION_MINOR"), ANNOY_VERSION_MINOR)
        && is(env!("CARGO_PKG_VERSION_PATCH"), ANNOY_VERSION_PATCH)
);

const fn is(text: &str, number: u32) -> bool {
    matches!(u32::from_str_radix(text, 10), Ok(found) if found == number)
}

/// Number of this ABI: programs compiled against one number work with every library that has it.
pub const ANNOY_ABI_VERSION: u32 = 1;

/// A metric: one of `ANNOY_ANGULAR` to `ANNOY_DOT`.
pub type annoy_metric = i32;

/// `sqrt(2 - 2 cos(u, v))`; a zero vector has cosine 0 to everything.
pub const ANNOY_ANGULAR: annoy_metric = 1;
/// `sqrt(sum (u - v)^2)`.
pub const ANNOY_EUCLIDEAN: annoy_metric = 2;
/// `sum |u - v|`.
pub const ANNOY_MANHATTAN: annoy_metric = 3;
/// The number of differing bits.
pub const ANNOY_HAMMING: annoy_metric = 4;
/// The inner product; results come largest first and their "distance" is the inner product itself.
pub const ANNOY_DOT: annoy_metric = 5;

const METRICS: [(annoy_metric, Metric, &CStr); 5] = [
    (ANNOY_ANGULAR, Metric::Angular, c"angular"),
    (ANNOY_EUCLIDEAN, Metric::Euclidean, c"euclidean"),
    (ANNOY_MANHATTAN, Metric::Manhattan, c"manhattan"),
    (ANNOY_HAMMING, Metric::Hamming, c"hamming"),
    (ANNOY_DOT, Metric::Dot, c"dot"),
];

pub(super) fn metric(number: annoy_metric) -> Result<Metric> {
    METRICS
        .iter()
        .find(|entry| entry.0 == number)
        .map(|entry| entry.1)
        .ok_or_else(|| Error::argument("metric", number, "1 to 5, one of the ANNOY_ metrics"))
}

pub(super) fn metric_number(metric: Metric) -> annoy_metric {
    METRICS
        .iter()
        .find(|entry| entry.1 == metric)
        .map_or(0, |entry| entry.0)
}

/// Version of the library, such as "0.1.0". Static, never NULL. Async-signal-safe.
#[no_mangle]
pub extern "C" fn annoy_version() -> *const c_char {
    // No guard: nothing here can panic.
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The library's `ANNOY_ABI_VERSION`, to be compared with the header's. Async-signal-safe.
#[no_mangle]
pub extern "C" fn annoy_abi_version() -> u32 {
    // No guard: nothing here can panic.
    ANNOY_ABI_VERSION
}

/// Name of the distance kernels that indexes use: "avx512", "avx2" or "sse2" on x86-64, "dotprod"
/// or "neon" on aarch64, "portable" elsewhere. The environment variable `ANNOY_RS_KERNEL` can force
/// one; NULL when it names none that this machine has. It is read once in a process, so that what
/// this says does not change. A program that changes its environment in other threads can have it
/// read before, by this call. Static.
#[no_mangle]
pub extern "C" fn annoy_kernel_name() -> *const c_char {
    guard_value(std::ptr::null(), || {
        let name = index::kernel_name().ok();
        const NAMES: [&CStr; 6] = [
            c"avx512",
            c"avx2",
            c"sse2",
            c"dotprod",
            c"neon",
            c"portable",
        ];
        NAMES
            .iter()
            .find(|known| known.to_str().ok() == name)
            .map_or(std::ptr::null(), |known| known.as_ptr())
    })
}

/// Annoy's name of a metric, such as "angular"; NULL for a number that is none. Static.
/// Async-signal-safe.
#[no_mangle]
pub extern "C" fn annoy_metric_name(metric: annoy_metric) -> *const c_char {
    // No guard: a lookup in a table cannot panic.
    METRICS
        .iter()
        .find(|entry| entry.0 == metric)
        .map_or(std::ptr::null(), |entry| entry.2.as_ptr())
}

/// Finds the metric of a name: "angular", "euclidean", "manhattan", "dot" or "hamming".
///
/// Or of an alias: "cosine" (angular), "l2", "lstsq" (euclidean), "l1", "cityblock", "taxicab"
/// (manhattan), "dotproduct", "inner", "innerproduct", "@", "." (dot).
///
/// `name` must be a NUL-terminated string and `metric` must not be NULL.
/// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ARGUMENT` for any other name.
///
/// # Safety
/// `name` and `metric` are NULL or as said above.
#[no_mangle]
pub unsafe extern "C" fn annoy_metric_from_name(
    name: *const c_char,
    metric: *mut annoy_metric,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (name, out) = unsafe { (text("name", name)?, place("metric", metric)?) };
        out.put(metric_number(name.parse()?));
        Ok(())
    })
}
