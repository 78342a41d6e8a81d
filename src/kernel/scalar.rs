//! The numbers a vector can hold, as they stand in a file: little-endian, at any alignment.

use super::table::{self, FloatKernels};
use super::Isa;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

mod sealed {
    /// Implemented for plain numbers only: no padding and no invalid bit pattern, which is what
    /// lets `Row` see a slice of them as bytes and bytes as numbers.
    pub trait Sealed {}
}

/// A number that a [`Row`](super::Row) can hold.
pub trait Scalar:
    sealed::Sealed + Copy + Send + Sync + 'static + PartialOrd + Debug + Default
{
    /// Bytes of one number.
    const SIZE: usize;

    /// The number whose bytes start at byte `at`; panics unless all of them are inside `bytes`.
    fn read(bytes: &[u8], at: usize) -> Self;

    /// Puts the number at byte `at`; panics unless all of it fits inside `bytes`.
    fn write(self, bytes: &mut [u8], at: usize);

    /// The nearest `f64`; exact for numbers that distances are computed in.
    fn to_f64(self) -> f64;
}

macro_rules! scalar {
    ($($t:ty),*) => {$(
        impl sealed::Sealed for $t {}

        impl Scalar for $t {
            const SIZE: usize = size_of::<$t>();

            #[inline]
            fn read(bytes: &[u8], at: usize) -> Self {
                let mut raw = [0; size_of::<$t>()];
                raw.copy_from_slice(&bytes[at..][..size_of::<$t>()]);
                <$t>::from_le_bytes(raw)
            }

            #[inline]
            fn write(self, bytes: &mut [u8], at: usize) {
                bytes[at..][..size_of::<$t>()].copy_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

scalar!(f32, f64, u8, u32, u64);

/// A number that distances are computed in: `f32` or `f64`.
pub trait Float:
    Scalar
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// Positive zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Sums of squares from here up have all their digits.
    const SMALLEST_SQUARE: Self;
    /// Numbers from the first to the second can be multiplied with each other: no product overflows
    /// or loses digits.
    const FACTORS: [Self; 2];
    /// The largest finite number.
    const LARGEST: Self;
    /// The distance from 1 to the next number.
    const PRECISION: f64;

    /// The nearest number to `x`.
    fn from_f64(x: f64) -> Self;

    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;

    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// The kernels for this type; panics when this processor lacks `isa`.
    fn kernels(isa: Isa) -> &'static FloatKernels<Self>;
}

macro_rules! float {
    ($t:ty, $smallest_square:literal, $factors:expr, $kernels:path) => {
        impl Float for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const SMALLEST_SQUARE: Self = $smallest_square;
            const FACTORS: [Self; 2] = $factors;
            const LARGEST: Self = <$t>::MAX;
            const PRECISION: f64 = <$t>::EPSILON as f64;

            #[inline]
            fn from_f64(x: f64) -> Self {
                x as $t
            }

            #[inline]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }

            #[inline]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }

            fn kernels(isa: Isa) -> &'static FloatKernels<Self> {
                $kernels(isa)
            }
        }
    };
}

float!(f32, 1e-30, [1.1e-19, 1.8e19], table::f32_kernels);
float!(f64, 1e-290, [1.5e-154, 1.3e154], table::f64_kernels);
