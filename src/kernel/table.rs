//! The functions of one instruction set behind safe methods.
//!
//! A method checks lengths, once per call, and calls through a pointer. That the processor can run
//! what the pointer points at is checked where a table is handed out, once per index.

use super::padded::Padded;
use super::portable;
use super::row::Row;
use super::scalar::Float;
use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, sse2};

/// The operations on vectors of `T`, compiled for one instruction set.
///
/// All instruction sets give the same bits. Get one from [`Float::kernels`].
pub struct FloatKernels<T: 'static> {
    pub(super) dot: Sum<T>,
    pub(super) dot2: Sum2<T>,
    pub(super) dot4: Sum4<T>,
    pub(super) l2sq: Sum<T>,
    pub(super) l2sq2: Sum2<T>,
    pub(super) l1: Sum<T>,
    pub(super) l1_2: Sum2<T>,
    pub(super) add_scaled: Update<T>,
    pub(super) move_toward: Update<T>,
    pub(super) all_finite: unsafe fn(*const T, usize) -> bool,
}

type Sum<T> = unsafe fn(*const T, *const T, usize) -> T;
type Sum2<T> = unsafe fn(*const T, *const T, *const T, usize) -> (T, T);
type Sum4<T> = unsafe fn(*const T, *const T, *const T, *const T, *const T, usize) -> [T; 4];
type Update<T> = unsafe fn(*mut T, *const T, T, usize);

impl<T: Float> FloatKernels<T> {
    /// The sum of `a[i] * b[i]`. Panics unless the lengths are equal.
    #[inline]
    pub fn dot(&self, a: Row<'_, T>, b: Row<'_, T>) -> T {
        // SAFETY: `self.dot` is a kernel of this table.
        unsafe { self.sum(self.dot, a, b) }
    }

    /// `dot(x, p)` and `dot(x, q)` in one pass. Panics unless the lengths are equal.
    #[inline]
    pub fn dot2(&self, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T) {
        // SAFETY: `self.dot2` is a kernel of this table.
        unsafe { self.sum2(self.dot2, x, p, q) }
    }

    /// `dot(x, rows[k])` for each of four rows. Panics unless the lengths are equal.
    #[inline]
    pub fn dot4(&self, x: Row<'_, T>, rows: [Row<'_, T>; 4]) -> [T; 4] {
        for row in &rows {
            same_length(x.len(), row.len());
        }
        let [p, q, r, s] = rows.map(|row| row.as_ptr());
        // SAFETY: all five are valid for `x.len()` elements by the checks above, and the processor
        // was checked when this table was handed out.
        unsafe { (self.dot4)(x.as_ptr(), p, q, r, s, x.len()) }
    }

    /// The sum of `(a[i] - b[i])^2`. Panics unless the lengths are equal.
    #[inline]
    pub fn l2sq(&self, a: Row<'_, T>, b: Row<'_, T>) -> T {
        // SAFETY: `self.l2sq` is a kernel of this table.
        unsafe { self.sum(self.l2sq, a, b) }
    }

    /// `l2sq(x, p)` and `l2sq(x, q)` in one pass. Panics unless the lengths are equal.
    #[inline]
    pub fn l2sq2(&self, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T) {
        // SAFETY: `self.l2sq2` is a kernel of this table.
        unsafe { self.sum2(self.l2sq2, x, p, q) }
    }

    /// The sum of `|a[i] - b[i]|`. Panics unless the lengths are equal.
    #[inline]
    pub fn l1(&self, a: Row<'_, T>, b: Row<'_, T>) -> T {
        // SAFETY: `self.l1` is a kernel of this table.
        unsafe { self.sum(self.l1, a, b) }
    }

    /// `l1(x, p)` and `l1(x, q)` in one pass. Panics unless the lengths are equal.
    #[inline]
    pub fn l1_2(&self, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T) {
        // SAFETY: `self.l1_2` is a kernel of this table.
        unsafe { self.sum2(self.l1_2, x, p, q) }
    }

    /// `acc[i] += alpha * x[i]`. Panics unless the lengths are equal.
    #[inline]
    pub fn add_scaled(&self, acc: &mut Padded<T>, x: Row<'_, T>, alpha: T) {
        // SAFETY: `self.add_scaled` is a kernel of this table.
        unsafe { self.update(self.add_scaled, acc, x, alpha) }
    }

    /// `acc[i] += t * (x[i] - acc[i])`. Panics unless the lengths are equal.
    #[inline]
    pub fn move_toward(&self, acc: &mut Padded<T>, x: Row<'_, T>, t: T) {
        // SAFETY: `self.move_toward` is a kernel of this table.
        unsafe { self.update(self.move_toward, acc, x, t) }
    }

    /// Whether no element is infinite or NaN.
    #[inline]
    pub fn all_finite(&self, x: Row<'_, T>) -> bool {
        // SAFETY: a row is valid for its own length, and the processor was checked when this table
        // was handed out.
        unsafe { (self.all_finite)(x.as_ptr(), x.len()) }
    }

    /// # Safety
    /// `kernel` is one of this table's.
    #[inline(always)]
    unsafe fn sum(&self, kernel: Sum<T>, a: Row<'_, T>, b: Row<'_, T>) -> T {
        same_length(a.len(), b.len());
        // SAFETY: both are valid for `a.len()` elements by the check above, and the processor was
        // checked when the table that `kernel` is of was handed out.
        unsafe { kernel(a.as_ptr(), b.as_ptr(), a.len()) }
    }

    /// # Safety
    /// `kernel` is one of this table's.
    #[inline(always)]
    unsafe fn sum2(&self, kernel: Sum2<T>, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T) {
        same_length(x.len(), p.len());
        same_length(x.len(), q.len());
        // SAFETY: all three are valid for `x.len()` elements by the checks above, and the processor
        // was checked when the table that `kernel` is of was handed out.
        unsafe { kernel(x.as_ptr(), p.as_ptr(), q.as_ptr(), x.len()) }
    }

    /// # Safety
    /// `kernel` is one of this table's.
    #[inline(always)]
    unsafe fn update(&self, kernel: Update<T>, acc: &mut Padded<T>, x: Row<'_, T>, by: T) {
        same_length(acc.len(), x.len());
        // SAFETY: both are valid for `x.len()` elements by the check above, `acc` for as many rounded
        // up, as every `Padded` is; it is borrowed mutably and so does not overlap `x`, and the processor was checked when the table that
        // `kernel` is of was handed out.
        unsafe { kernel(acc.as_mut_ptr(), x.as_ptr(), by, x.len()) }
    }
}

/// What stands between a kernel and memory that is not the vector's.
#[inline(always)]
#[track_caller]
fn same_length(a: usize, b: usize) {
    assert_eq!(a, b, "vectors of different lengths");
}

macro_rules! tables {
    ($name:ident, $t:ty, $table:ident) => {
        /// The table for `isa`; panics when this processor lacks it, which is what makes the
        /// methods of a table safe.
        pub(super) fn $name(isa: Isa) -> &'static FloatKernels<$t> {
            assert!(
                isa.is_available(),
                "this processor cannot run {} kernels",
                isa.name()
            );
            match isa {
                Isa::Portable => &portable::$table,
                #[cfg(target_arch = "x86_64")]
                Isa::Sse2 => &sse2::$table,
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => &avx2::$table,
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => &avx512::$table,
                #[cfg(not(target_arch = "x86_64"))]
                Isa::Sse2 | Isa::Avx2 | Isa::Avx512 => unreachable!("not available, see above"),
            }
        }
    };
}

tables!(f32_kernels, f32, F32);
tables!(f64_kernels, f64, F64);
