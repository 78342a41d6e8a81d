//! Structs that callers hand in, or have filled, made by programs that know fewer fields of them
//! than this library, or more.

use crate::error::{Error, Result};
use std::mem::MaybeUninit;

/// A struct that may get more fields behind those it has. Its first is its own size, and zeros
/// stand for the defaults.
///
/// # Safety
/// It is `repr(C)`, its first field is a `usize`, and any bytes are a value of it.
pub(super) unsafe trait Growing: Copy {
    /// What messages call its size.
    const SIZE: &'static str;
}

/// The most that a struct will ever be: what says more was not set.
const MOST: usize = 4096;

/// The caller's struct as this library has it. Fields that a caller's program does not know yet are
/// zero. Those that only it knows must be: they ask for what this library cannot do.
///
/// # Errors
/// [`Error::Argument`] for a size that no struct has, and for such a field.
///
/// # Safety
/// `given` points to as many bytes as its first field says, or what it says is refused here.
#[inline]
pub(super) unsafe fn read<S: Growing>(given: *const S) -> Result<S> {
    // SAFETY: the first field is there by the caller's word.
    let size = unsafe { given.cast::<usize>().read_unaligned() };
    if size == size_of::<S>() {
        // SAFETY: as many bytes are there by the caller's word.
        return Ok(unsafe { given.read_unaligned() });
    }
    // SAFETY: handed on.
    unsafe { read_other(given, size) }
}

/// [`read`], of a program that knows the struct with another size.
///
/// # Safety
/// As there.
#[cold]
unsafe fn read_other<S: Growing>(given: *const S, size: usize) -> Result<S> {
    let (own, word) = (size_of::<S>(), size_of::<usize>());
    let bytes = given.cast::<u8>();
    if size < word || size > MOST || !size.is_multiple_of(word) {
        let expected = format!("its sizeof, which is {own} here");
        return Err(Error::argument(S::SIZE, size, expected));
    }
    for at in own..size {
        // SAFETY: `at` is less than the struct's size by its own word.
        let byte = unsafe { bytes.add(at).read() };
        if byte != 0 {
            let expected = format!("{own}, as byte {at} is {byte} and not 0");
            return Err(Error::argument(S::SIZE, size, expected));
        }
    }
    let mut read = MaybeUninit::<S>::zeroed();
    // SAFETY: both have at least the smaller of the two sizes, and what was made here is nobody
    // else's.
    unsafe { std::ptr::copy_nonoverlapping(bytes, read.as_mut_ptr().cast(), size.min(own)) };
    // SAFETY: any bytes are a value, by the trait's promise.
    Ok(unsafe { read.assume_init() })
}

/// The caller's struct, which is to be filled.
pub(super) struct Room<S> {
    to: *mut S,
    size: usize,
}

/// The caller's struct to be filled, as large as its first field says.
///
/// # Errors
/// [`Error::Null`]; [`Error::Argument`] for a size that no struct has.
///
/// # Safety
/// `to` is NULL or points to as many bytes as its first field says, or what it says is refused
/// here.
pub(super) unsafe fn room<S: Growing>(name: &'static str, to: *mut S) -> Result<Room<S>> {
    if to.is_null() {
        return Err(Error::Null(name));
    }
    // SAFETY: not NULL; the first field is there by the caller's word.
    let size = unsafe { to.cast::<usize>().read_unaligned() };
    if size < size_of::<usize>() || size > MOST {
        let expected = format!("its sizeof, which is {} here", size_of::<S>());
        return Err(Error::argument(S::SIZE, size, expected));
    }
    Ok(Room { to, size })
}

impl<S: Growing> Room<S> {
    /// Fills it, all but its size: fields that it has no room for are left out, and bytes that it
    /// has beyond those of the library stay as they are.
    pub(super) fn put(self, found: S) {
        let (from, to) = (
            std::ptr::from_ref(&found).cast::<u8>(),
            self.to.cast::<u8>(),
        );
        let word = size_of::<usize>();
        let len = self.size.min(size_of::<S>()) - word;
        // SAFETY: `found` has `word + len` bytes, and by the caller's word so has the struct.
        unsafe { std::ptr::copy_nonoverlapping(from.add(word), to.add(word), len) };
    }
}
