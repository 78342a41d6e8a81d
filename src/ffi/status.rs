//! Status codes and the error struct.

use crate::error::Error;
use std::ffi::{c_char, CStr};
use std::fmt::{self, Display, Write};

/// What a call came to: `ANNOY_OK` or one of the `ANNOY_ERR_` numbers. New numbers may be added;
/// none changes its meaning.
pub type annoy_status = i32;

/// The call did what it was asked to.
pub const ANNOY_OK: annoy_status = 0;
/// A required pointer was NULL.
pub const ANNOY_ERR_NULL: annoy_status = 1;
/// A parameter has a value it cannot have.
pub const ANNOY_ERR_ARGUMENT: annoy_status = 2;
/// A vector's length is not the index's.
pub const ANNOY_ERR_DIMENSION: annoy_status = 3;
/// An item id is negative, too large, or not in the index.
pub const ANNOY_ERR_ITEM: annoy_status = 4;
/// The call is not legal now: the index is built, not built, or loaded.
pub const ANNOY_ERR_STATE: annoy_status = 5;
/// The operating system refused something: see `os_errno`.
pub const ANNOY_ERR_IO: annoy_status = 6;
/// A file is not an index, or one of another metric, f or types.
pub const ANNOY_ERR_FORMAT: annoy_status = 7;
/// A vector holds NaN or infinity.
pub const ANNOY_ERR_NOT_FINITE: annoy_status = 8;
/// Memory could not be had.
pub const ANNOY_ERR_NO_MEMORY: annoy_status = 9;
/// The call was cancelled.
pub const ANNOY_ERR_CANCELLED: annoy_status = 10;
/// The caller's buffer is too small.
pub const ANNOY_ERR_TOO_SMALL: annoy_status = 11;
/// This index, or this build of the library, cannot do that.
pub const ANNOY_ERR_UNSUPPORTED: annoy_status = 12;
/// A loaded file turned out to be damaged.
pub const ANNOY_ERR_CORRUPT: annoy_status = 13;
/// There is no such label, or it is another item's.
pub const ANNOY_ERR_LABEL: annoy_status = 14;
/// A bug in this library. The handle refuses all further work and can only be freed.
pub const ANNOY_ERR_PANIC: annoy_status = 100;

const NAMES: [(annoy_status, &CStr); 16] = [
    (ANNOY_OK, c"ANNOY_OK"),
    (ANNOY_ERR_NULL, c"ANNOY_ERR_NULL"),
    (ANNOY_ERR_ARGUMENT, c"ANNOY_ERR_ARGUMENT"),
    (ANNOY_ERR_DIMENSION, c"ANNOY_ERR_DIMENSION"),
    (ANNOY_ERR_ITEM, c"ANNOY_ERR_ITEM"),
    (ANNOY_ERR_STATE, c"ANNOY_ERR_STATE"),
    (ANNOY_ERR_IO, c"ANNOY_ERR_IO"),
    (ANNOY_ERR_FORMAT, c"ANNOY_ERR_FORMAT"),
    (ANNOY_ERR_NOT_FINITE, c"ANNOY_ERR_NOT_FINITE"),
    (ANNOY_ERR_NO_MEMORY, c"ANNOY_ERR_NO_MEMORY"),
    (ANNOY_ERR_CANCELLED, c"ANNOY_ERR_CANCELLED"),
    (ANNOY_ERR_TOO_SMALL, c"ANNOY_ERR_TOO_SMALL"),
    (ANNOY_ERR_UNSUPPORTED, c"ANNOY_ERR_UNSUPPORTED"),
    (ANNOY_ERR_CORRUPT, c"ANNOY_ERR_CORRUPT"),
    (ANNOY_ERR_LABEL, c"ANNOY_ERR_LABEL"),
    (ANNOY_ERR_PANIC, c"ANNOY_ERR_PANIC"),
];

/// Name of a status, such as "ANNOY_ERR_IO"; "unknown status" for a number that is none. Static,
/// never NULL. Async-signal-safe.
#[no_mangle]
pub extern "C" fn annoy_status_name(status: annoy_status) -> *const c_char {
    // No guard: a lookup in a table cannot panic.
    NAMES
        .iter()
        .find(|(number, _)| *number == status)
        .map_or(c"unknown status", |(_, name)| *name)
        .as_ptr()
}

/// Says more about a failure. The caller owns it, it may live on the stack, and it needs no free.
/// Every `error` parameter may be NULL; what it points to is written only when the call fails. Its
/// size will not change.
#[repr(C)]
pub struct annoy_error {
    /// The status the call returned.
    pub code: annoy_status,
    /// The operating system's error number (`errno`), 0 if there was none.
    pub os_errno: i32,
    /// What was wrong, what was found and what was expected: UTF-8, always NUL-terminated, cut off
    /// if too long.
    pub message: [c_char; 504],
}

impl annoy_error {
    pub(super) fn new(error: &Error) -> Self {
        let os_errno = match error {
            Error::Io { source, .. } => source.raw_os_error().unwrap_or(0),
            _ => 0,
        };
        annoy_error {
            code: status_of(error),
            os_errno,
            message: cut(error),
        }
    }
}

/// What this displays as C has it: NUL-terminated, cut off at a character when there is no room for
/// all. Takes no memory.
pub(super) fn cut<const N: usize>(what: impl Display) -> [c_char; N] {
    struct Text<const N: usize> {
        chars: [c_char; N],
        len: usize,
    }
    impl<const N: usize> Write for Text<N> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            let mut end = part.len().min(N - 1 - self.len);
            while !part.is_char_boundary(end) {
                end -= 1;
            }
            for (to, from) in self.chars[self.len..]
                .iter_mut()
                .zip(&part.as_bytes()[..end])
            {
                // A NUL inside would end the text early.
                *to = if *from == 0 { b' ' } else { *from } as c_char;
            }
            self.len += end;
            // Of what comes next the rest must not be the end.
            if end < part.len() {
                Err(fmt::Error)
            } else {
                Ok(())
            }
        }
    }
    let mut text = Text {
        chars: [0; N],
        len: 0,
    };
    let _ = write!(text, "{what}");
    text.chars
}

/// The number of each kind of error.
fn status_of(error: &Error) -> annoy_status {
    match error {
        Error::Null(_) => ANNOY_ERR_NULL,
        Error::Argument { .. } => ANNOY_ERR_ARGUMENT,
        Error::Dimension { .. } => ANNOY_ERR_DIMENSION,
        Error::Item { .. } => ANNOY_ERR_ITEM,
        Error::State { .. } => ANNOY_ERR_STATE,
        Error::Io { .. } => ANNOY_ERR_IO,
        Error::Format { .. } => ANNOY_ERR_FORMAT,
        Error::NotFinite { .. } => ANNOY_ERR_NOT_FINITE,
        Error::NoMemory { .. } => ANNOY_ERR_NO_MEMORY,
        Error::Cancelled => ANNOY_ERR_CANCELLED,
        Error::TooSmall { .. } => ANNOY_ERR_TOO_SMALL,
        Error::Unsupported(_) => ANNOY_ERR_UNSUPPORTED,
        Error::Corrupt { .. } => ANNOY_ERR_CORRUPT,
        Error::Label(_) => ANNOY_ERR_LABEL,
        Error::Panic(_) => ANNOY_ERR_PANIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique() {
        for (i, (number, name)) in NAMES.iter().enumerate() {
            assert!(NAMES[..i].iter().all(|(n, s)| n != number && s != name));
        }
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let error = annoy_error::new(&Error::Unsupported("é".repeat(400)));
        assert_eq!(error.message[503], 0);
        let bytes: Vec<u8> = error.message.iter().map(|c| c.to_ne_bytes()[0]).collect();
        let text = CStr::from_bytes_until_nul(&bytes).unwrap();
        assert_eq!(text.to_str().unwrap(), "é".repeat(251));
    }
}
