//! How far long calls are, for Python.

use annoy_rs::ffi::work::annoy_stage;
use std::ffi::c_void;
use std::sync::LazyLock;
use std::time::Instant;

/// `guarded_reports`.
#[repr(C)]
pub struct Reports {
    user: *mut c_void,
    /// When the next may be, in nanoseconds since `START`.
    next: i64,
}

const PAUSE: i64 = 50_000_000;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

extern "C" {
    /// A function of Python, by way of cffi.
    fn python_progress(user: *mut c_void, done: u64, total: u64);
}

#[no_mangle]
unsafe extern "C" fn guarded_progress(
    reports: *mut c_void,
    _stage: annoy_stage,
    done: u64,
    total: u64,
) {
    // SAFETY: a `guarded_reports` of the caller's; one report of a call comes after the other.
    let Reports { user, next } = unsafe { &mut *reports.cast::<Reports>() };
    let now = i64::try_from(START.elapsed().as_nanos()).unwrap_or(i64::MAX);
    if done < total && now < *next {
        return;
    }
    *next = now.saturating_add(PAUSE);
    let user = *user;
    // SAFETY: the caller's `user`.
    unsafe { python_progress(user, done, total) };
}
