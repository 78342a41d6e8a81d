//! A vector that is updated again and again: aligned, and padded to whole registers.
//!
//! Updates then read and write whole registers at the same places every time, and the processor hands what was just
//! written straight to the next read. Written with masks, or across cache lines, it has to wait for the cache: building
//! took 9 % longer (AVX-512, 398,000 x 50).

use super::lanes::LANES;
use super::{Row, Scalar};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// One cache line, as wide as the widest register.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A vector in memory of its own that kernels can update; derefs to its elements.
#[derive(Clone)]
pub struct Padded<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Scalar> Padded<T> {
    /// All zero.
    pub fn zeros(len: usize) -> Self {
        let bytes = len.next_multiple_of(LANES) * T::SIZE;
        Padded {
            lines: vec![Line([0; 64]); bytes.div_ceil(64)],
            len,
            of: PhantomData,
        }
    }

    /// The elements, for a kernel.
    #[inline]
    pub fn row(&self) -> Row<'_, T> {
        Row::from_slice(self)
    }
}

impl<T: Scalar> Deref for Padded<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `zeros` made room for `len` elements and more; a line is aligned for every `Scalar`, and any bytes are
        // a valid one (the trait is sealed).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Scalar> DerefMut for Padded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
