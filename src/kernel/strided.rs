//! Rows at equal distances, and eight of them at once for the kernels that take eight.

use super::ops::ROWS;
use super::{Row, Scalar};
use std::marker::PhantomData;

/// Rows of one length at equal distances in memory.
pub struct Strided<'a, T> {
    bytes: &'a [u8],
    /// Where the first row starts, and from there the bytes from one to the next.
    start: usize,
    stride: usize,
    row_bytes: usize,
    /// How many rows lie within `bytes`.
    count: usize,
    of: PhantomData<T>,
}

impl<'a, T: Scalar> Strided<'a, T> {
    /// All rows of `row_bytes` bytes that lie within `bytes`, from `start` on; panics unless they
    /// are a whole number of `T`s.
    pub fn new(bytes: &'a [u8], start: usize, stride: usize, row_bytes: usize) -> Self {
        assert!(
            row_bytes.is_multiple_of(T::SIZE) && stride > 0,
            "rows are a whole number of elements, and apart"
        );
        let behind_first = bytes.len().checked_sub(start + row_bytes);
        Strided {
            bytes,
            start,
            stride,
            row_bytes,
            count: behind_first.map_or(0, |behind| behind / stride + 1),
            of: PhantomData,
        }
    }

    /// Bytes of a row.
    #[inline]
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Row `i`; panics when there is none.
    #[inline]
    pub fn get(&self, i: usize) -> Row<'a, T> {
        assert!(i < self.count, "row {i} of {}", self.count);
        let start = self.start + i * self.stride;
        // SAFETY: row `i` lies within the bytes by the assertion: `new` counted those that do.
        Row::from_bytes(unsafe { self.bytes.get_unchecked(start..start + self.row_bytes) })
    }

    /// Eight rows; panics when one of them is none.
    #[inline]
    pub fn eight(&self, at: [usize; ROWS]) -> Eight<'a, T> {
        let last = at.into_iter().fold(0, usize::max);
        assert!(last < self.count, "row {last} of {}", self.count);
        let first = self.bytes.as_ptr().wrapping_add(self.start);
        Eight {
            pointers: at.map(|i| first.wrapping_add(i * self.stride).cast()),
            len: self.row_bytes / T::SIZE,
            of: PhantomData,
        }
    }
}

/// Eight rows of one length.
pub struct Eight<'a, T> {
    /// Each valid for reads of `len` elements while the rows are borrowed: both constructors see to
    /// it.
    pointers: [*const T; ROWS],
    len: usize,
    of: PhantomData<&'a T>,
}

impl<'a, T: Scalar> Eight<'a, T> {
    /// Of any eight; panics unless their lengths are equal.
    #[cfg(any(test, feature = "internals"))]
    pub fn new(rows: [Row<'a, T>; ROWS]) -> Self {
        let len = rows[0].len();
        assert!(
            rows.iter().all(|row| row.len() == len),
            "vectors of different lengths"
        );
        Eight {
            pointers: rows.map(|row| row.as_ptr()),
            len,
            of: PhantomData,
        }
    }

    /// Elements of each.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// One of them; panics when `i` is not below eight.
    pub fn row(&self, i: usize) -> Row<'a, T> {
        // SAFETY: valid for reads of `len` elements while the rows are borrowed, as both
        // constructors see to; numbers have no bytes that are not initialised.
        let bytes = unsafe {
            std::slice::from_raw_parts(self.pointers[i].cast::<u8>(), self.len * T::SIZE)
        };
        Row::from_bytes(bytes)
    }

    /// Where they start, each valid for [`len`](Self::len) elements.
    #[inline]
    pub(super) fn pointers(&self) -> &[*const T; ROWS] {
        &self.pointers
    }
}
