//! What an index says while it works.

use super::guard::{call_host, exclusive, guard};
use super::handle::annoy_index;
use super::status::{annoy_error, annoy_status, cut};
use crate::error::{Error, Result};
use crate::index::log::{Log, LogLevel};
use crate::memory;
use crate::storage::boxed;
use std::ffi::{c_char, c_void};

/// Level of a message: a long call failed; the error that it returns says the same.
pub const ANNOY_LOG_ERROR: i32 = 1;
/// Level of a message: something that may not be what was meant.
pub const ANNOY_LOG_WARN: i32 = 2;
/// Level of a message: what was done.
pub const ANNOY_LOG_INFO: i32 = 3;
/// Level of a message: what is about to be done.
pub const ANNOY_LOG_DEBUG: i32 = 4;

const LEVELS: [(i32, LogLevel); 4] = [
    (ANNOY_LOG_ERROR, LogLevel::Error),
    (ANNOY_LOG_WARN, LogLevel::Warn),
    (ANNOY_LOG_INFO, LogLevel::Info),
    (ANNOY_LOG_DEBUG, LogLevel::Debug),
];

fn number(level: LogLevel) -> i32 {
    LEVELS
        .iter()
        .find(|entry| entry.1 == level)
        .map_or(0, |entry| entry.0)
}

/// Hears what an index does: `user` as given to `annoy_set_log`, one of the `ANNOY_LOG_` levels, a
/// NUL-terminated UTF-8 text that is gone after the call. Called on the thread that made the call
/// it reports on. It must not unwind or `longjmp`.
pub type annoy_log_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, level: i32, text: *const c_char)>;

/// NUL-terminated; a NUL inside would end the text early.
fn as_c_text(text: &str) -> Result<Vec<c_char>> {
    let bytes = text.bytes().map(|byte| if byte == 0 { b' ' } else { byte });
    memory::collect(bytes.chain([0]).map(|byte| byte as c_char))
}

/// The caller's word that its pointer may be used from any thread that uses the index.
struct User(*mut c_void);

// SAFETY: documented at annoy_set_log; the library only hands the pointer back.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    /// A method, so that closures capture the whole struct.
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// Sets who hears what the index does; NULL for silence, which is the default. The library never
/// prints.
///
/// `level`: it hears messages of this level and the more important ones, which have smaller
/// numbers; 0 for `ANNOY_LOG_INFO`. `user` is handed back at each call and must be good for use
/// from every thread that uses the index.
/// Errors: `ANNOY_ERR_NULL` for `index`; `ANNOY_ERR_ARGUMENT` for a level that there is not.
///
/// # Safety
/// `index` is NULL or a live handle; `log` and `user` stay usable until
/// they are replaced or the index is freed.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_log(
    index: *mut annoy_index,
    level: i32,
    log: annoy_log_fn,
    user: *mut c_void,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        let level = match level {
            0 => ANNOY_LOG_INFO,
            level => level,
        };
        let found = LEVELS.iter().find(|entry| entry.0 == level);
        let most = found.ok_or_else(|| {
            let expected = "0, or ANNOY_LOG_ERROR (1) to ANNOY_LOG_DEBUG (4)";
            Error::argument("level", level, expected)
        })?;
        let user = User(user);
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive(index) }?;
        let log = match log {
            None => None,
            Some(log) => {
                let log: Log = boxed(move |level, text: &str| {
                    let say = |text: &[c_char]| {
                        // SAFETY: the function and `user` are good until replaced, by the caller's
                        // word.
                        call_host(|| unsafe { log(user.get(), number(level), text.as_ptr()) });
                    };
                    match as_c_text(text) {
                        Ok(text) => say(&text),
                        // The beginning, which takes no memory.
                        Err(_) => say(&cut::<512>(text)),
                    }
                })?;
                Some(log)
            }
        };
        index.set_log_level(most.1);
        index.set_log(log);
        Ok(())
    })
}
