//! A borrowed vector at any alignment.
//!
//! Items stand in a file behind headers whose size suits the file, not the processor, so a vector
//! may start at any byte; a `&[T]` to it would be undefined behaviour. A row keeps the bytes and
//! reads numbers out of them.

use super::scalar::Scalar;
use std::fmt;
use std::marker::PhantomData;

/// A borrowed vector of `T` that may start at any byte.
pub struct Row<'a, T> {
    /// A whole number of `T`s: every constructor sees to it, and `len` relies on it.
    bytes: &'a [u8],
    of: PhantomData<T>,
}

impl<T> Clone for Row<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Row<'_, T> {}

impl<'a, T: Scalar> Row<'a, T> {
    /// A vector in a file's bytes; panics unless they are a whole number of `T`s.
    #[inline]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        assert!(
            bytes.len().is_multiple_of(T::SIZE),
            "{} bytes are not a whole number of {}-byte elements",
            bytes.len(),
            T::SIZE
        );
        Row {
            bytes,
            of: PhantomData,
        }
    }

    /// A vector in memory.
    #[inline]
    pub fn from_slice(slice: &'a [T]) -> Self {
        // SAFETY: the slice's own memory for as long as it is borrowed, `size_of_val` bytes of it.
        // `Scalar` is sealed and implemented for numbers only, so every byte is initialised.
        let bytes =
            unsafe { std::slice::from_raw_parts(slice.as_ptr().cast::<u8>(), size_of_val(slice)) };
        Row {
            bytes,
            of: PhantomData,
        }
    }

    /// How many elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    /// Element `i`; panics past the end.
    #[inline]
    pub fn get(&self, i: usize) -> T {
        // `read` checks too, but `i * SIZE` could wrap around to an offset that is inside.
        assert!(
            i < self.len(),
            "element {i} of a vector of {} elements",
            self.len()
        );
        T::read(self.bytes, i * T::SIZE)
    }

    /// The elements in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + 'a {
        self.bytes
            .chunks_exact(T::SIZE)
            .map(|element| T::read(element, 0))
    }

    /// The elements' bytes.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Copies every element; panics unless `to` has the same length.
    #[inline]
    pub fn copy_to(&self, to: &mut [T]) {
        assert_eq!(self.len(), to.len(), "vectors of different lengths");
        // SAFETY: `to` has exactly `bytes.len()` bytes by the assertion above, it is borrowed
        // mutably and so cannot overlap, and any bytes are a valid `T` (`Scalar` is sealed).
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.bytes.as_ptr(),
                to.as_mut_ptr().cast::<u8>(),
                self.bytes.len(),
            );
        }
    }

    /// The first element's address, of no particular alignment, for `len` elements.
    #[inline]
    pub(super) fn as_ptr(&self) -> *const T {
        self.bytes.as_ptr().cast()
    }
}

impl<T: Scalar> fmt::Debug for Row<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
