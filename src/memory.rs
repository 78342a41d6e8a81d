//! Memory that may not be there: what takes some here ends in an error, where `Vec` and `String`
//! would end the process.
//!
//! [`format!`] is the standard one's name on purpose: whoever writes it in this crate gets a text
//! that is cut short where there is no memory for all of it, rather than an end of the process on
//! the way to an error.

use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use std::collections::{BinaryHeap, TryReserveError};
use std::fmt::{self, Display, Write};
use std::path::{Path, PathBuf};

/// A text, cut short where there is no memory for all of it.
macro_rules! format {
    ($($what:tt)*) => { $crate::memory::text(format_args!($($what)*)) };
}

/// What this displays, cut short where there is no memory for all of it.
#[cold]
#[inline(never)]
pub fn text(what: impl Display) -> String {
    struct Text(String);
    impl Write for Text {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0.try_reserve(part.len()).map_err(|_| fmt::Error)?;
            self.0.push_str(part);
            Ok(())
        }
    }
    let mut text = Text(String::new());
    // The end is missing; what is there is worth more than nothing.
    let _ = write!(text, "{what}");
    text.0
}

/// Makes room in a vector whose length depends on the data or the caller: running out of memory
/// there is an error, not the end of the process.
///
/// # Errors
/// [`Error::NoMemory`].
#[inline]
pub fn reserve<T>(vector: &mut Vec<T>, additional: usize) -> Result<()> {
    if vector.capacity() - vector.len() >= additional {
        return Ok(());
    }
    enlarge(vector, additional)
}

#[cold]
fn enlarge<T>(vector: &mut Vec<T>, additional: usize) -> Result<()> {
    let bytes = additional.saturating_mul(size_of::<T>());
    ask(bytes)?;
    vector
        .try_reserve(additional)
        .map_err(|reason| Error::no_memory(bytes, reason))
}

/// Makes room in a heap; see [`reserve`].
///
/// # Errors
/// [`Error::NoMemory`].
#[inline]
pub fn reserve_heap<T: Ord>(heap: &mut BinaryHeap<T>, additional: usize) -> Result<()> {
    if heap.capacity() - heap.len() >= additional {
        return Ok(());
    }
    enlarge_heap(heap, additional)
}

#[cold]
fn enlarge_heap<T: Ord>(heap: &mut BinaryHeap<T>, additional: usize) -> Result<()> {
    let bytes = additional.saturating_mul(size_of::<T>());
    ask(bytes)?;
    heap.try_reserve(additional)
        .map_err(|reason| Error::no_memory(bytes, reason))
}

/// To be called before memory is taken; see [`fault`].
///
/// # Errors
/// [`Error::NoMemory`] when a test has armed it.
pub fn ask(bytes: usize) -> Result<()> {
    fault::check(Kind::Memory).map_err(|reason| Error::no_memory(bytes, reason))
}

/// A vector with room for exactly `n`.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn with_room<T>(n: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    if n > 0 {
        let bytes = n.saturating_mul(size_of::<T>());
        ask(bytes)?;
        vector
            .try_reserve_exact(n)
            .map_err(|reason| Error::no_memory(bytes, reason))?;
    }
    Ok(vector)
}

/// `n` times the same.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn filled<T: Clone>(value: T, n: usize) -> Result<Vec<T>> {
    let mut vector = with_room(n)?;
    vector.resize(n, value);
    Ok(vector)
}

/// Appends one.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn push<T>(vector: &mut Vec<T>, value: T) -> Result<()> {
    reserve(vector, 1)?;
    vector.push(value);
    Ok(())
}

/// A copy of some elements, in exactly the room they need.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn copy<T: Clone>(elements: &[T]) -> Result<Vec<T>> {
    let mut vector = with_room(elements.len())?;
    vector.extend_from_slice(elements);
    Ok(vector)
}

/// All that an iterator has to give.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn collect<T>(from: impl IntoIterator<Item = T>) -> Result<Vec<T>> {
    // Compiled once for each type, not for each iterator.
    fn all<T>(from: &mut dyn Iterator<Item = T>) -> Result<Vec<T>> {
        let mut vector = with_room(from.size_hint().0)?;
        for value in from {
            push(&mut vector, value)?;
        }
        Ok(vector)
    }
    all(&mut from.into_iter())
}

/// All that an iterator has to give, up to its first error.
///
/// # Errors
/// That; [`Error::NoMemory`].
pub fn try_collect<T>(from: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    fn all<T>(from: &mut dyn Iterator<Item = Result<T>>) -> Result<Vec<T>> {
        let mut vector = with_room(from.size_hint().0)?;
        for value in from {
            push(&mut vector, value?)?;
        }
        Ok(vector)
    }
    all(&mut from.into_iter())
}

/// A copy of a path.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn path(path: &Path) -> Result<PathBuf> {
    let len = path.as_os_str().len();
    ask(len)?;
    try_path(path).map_err(|reason| Error::no_memory(len, reason))
}

/// A copy of a path for an error, which can do without.
pub fn try_path(path: &Path) -> Result<PathBuf, TryReserveError> {
    let mut copy = PathBuf::new();
    copy.try_reserve_exact(path.as_os_str().len())?;
    copy.as_mut_os_string().push(path);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_whole() {
        assert_eq!(format!("{} of {:?}", 3, "x"), "3 of \"x\"");
        assert_eq!(path(Path::new("/a/b/")).unwrap().to_str(), Some("/a/b/"));
        assert_eq!(collect((0..9).filter(|i| i % 4 == 0)).unwrap(), [0, 4, 8]);
        assert_eq!(filled(2u8, 3).unwrap(), copy(&[2u8; 3]).unwrap());
        let with_error = [Ok(1), Err(Error::Cancelled), Ok(2)];
        assert!(matches!(try_collect(with_error), Err(Error::Cancelled)));
    }

    #[test]
    fn too_much_is_an_error() {
        assert!(matches!(
            filled(0u64, usize::MAX),
            Err(Error::NoMemory { .. })
        ));
        assert!(with_room::<u8>(isize::MAX as usize).is_err());
    }
}
