//! The functions of one instruction set behind safe methods.
//!
//! A method checks lengths, once per call, and calls through a pointer. That the processor can run
//! what the pointer points at is checked where a table is handed out, once per index.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::ops::ROWS;
use super::padded::Padded;
use super::portable;
use super::row::Row;
use super::scalar::Float;
use super::strided::Eight;
use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, sse2};

/// The operations on vectors of `T`, compiled for one instruction set.
///
/// All instruction sets give the same bits. Get one from [`Float::kernels`].
pub struct FloatKernels<T: 'static> {
    pub(super) dot: Sum<T>,
    pub(super) l2sq: Sum<T>,
    pub(super) l1: Sum<T>,
    pub(super) dots: Sums<T>,
    pub(super) dot_pairs: Pairs<T>,
    pub(super) l2sq_pairs: Pairs<T>,
    pub(super) l1_pairs: Pairs<T>,
    pub(super) blend: Blend<T>,
    pub(super) all_finite: unsafe fn(*const T, usize) -> bool,
}

type Sum<T> = unsafe fn(*const T, *const T, usize) -> T;
type Sums<T> = unsafe fn(&[*const T; ROWS], *const T, usize) -> [T; ROWS];
type Pairs<T> = unsafe fn(&[*const T; ROWS], *const T, *const T, usize) -> [[T; ROWS]; 2];
type Blend<T> = unsafe fn([*mut T; 2], [T; 2], &[*const T; ROWS], &[[T; ROWS]; 2], usize) -> [T; 2];

impl<T: Float> FloatKernels<T> {
    /// The sum of `a[i] * b[i]`. Panics unless the lengths are equal.
    #[inline]
    pub fn dot(&self, a: Row<'_, T>, b: Row<'_, T>) -> T {
        // SAFETY: `self.dot` is a kernel of this table.
        unsafe { self.sum(self.dot, a, b) }
    }

    /// The sum of `(a[i] - b[i])^2`. Panics unless the lengths are equal.
    #[inline]
    pub fn l2sq(&self, a: Row<'_, T>, b: Row<'_, T>) -> T {
        // SAFETY: `self.l2sq` is a kernel of this table.
        unsafe { self.sum(self.l2sq, a, b) }
    }

    /// The sum of `|a[i] - b[i]|`. Panics unless the lengths are equal.
    #[inline]
    pub fn l1(&self, a: Row<'_, T>, b: Row<'_, T>) -> T {
        // SAFETY: `self.l1` is a kernel of this table.
        unsafe { self.sum(self.l1, a, b) }
    }

    /// `dot` of each row with `p`. Panics unless the lengths are equal.
    #[inline]
    pub fn dots(&self, rows: &Eight<'_, T>, p: Row<'_, T>) -> [T; ROWS] {
        same_length(rows.len(), p.len());
        // SAFETY: all are valid for `p.len()` elements by the check above, and the processor was
        // checked when this table was handed out.
        unsafe { (self.dots)(rows.pointers(), p.as_ptr(), p.len()) }
    }

    /// `dot` of each row with `p` and with `q`. Panics unless the lengths are equal.
    #[inline]
    pub fn dot_pairs(&self, rows: &Eight<'_, T>, centers: [Row<'_, T>; 2]) -> [[T; ROWS]; 2] {
        // SAFETY: `self.dot_pairs` is a kernel of this table.
        unsafe { self.pairs(self.dot_pairs, rows, centers) }
    }

    /// `l2sq` of each row with `p` and with `q`. Panics unless the lengths are equal.
    #[inline]
    pub fn l2sq_pairs(&self, rows: &Eight<'_, T>, centers: [Row<'_, T>; 2]) -> [[T; ROWS]; 2] {
        // SAFETY: `self.l2sq_pairs` is a kernel of this table.
        unsafe { self.pairs(self.l2sq_pairs, rows, centers) }
    }

    /// `l1` of each row with `p` and with `q`. Panics unless the lengths are equal.
    #[inline]
    pub fn l1_pairs(&self, rows: &Eight<'_, T>, centers: [Row<'_, T>; 2]) -> [[T; ROWS]; 2] {
        // SAFETY: `self.l1_pairs` is a kernel of this table.
        unsafe { self.pairs(self.l1_pairs, rows, centers) }
    }

    /// Multiplies either accumulator by its `keep`, adds `weight * x` of each row in turn, each
    /// with a weight for either, and returns the sums of their squares. Panics unless the rows fit.
    #[inline]
    pub fn blend(
        &self,
        [p, q]: [&mut Padded<T>; 2],
        keep: [T; 2],
        rows: &Eight<'_, T>,
        weights: &[[T; ROWS]; 2],
    ) -> [T; 2] {
        let n = rows.len();
        // Shorter rows would leave elements of which some kernels keep all.
        assert!(
            p.len().max(q.len()) <= n && n <= p.padded_len().min(q.padded_len()),
            "rows of another length than what they are added to"
        );
        let accs = [p.as_padded_mut_ptr(), q.as_padded_mut_ptr()];
        // SAFETY: the rows are valid for `n` elements, `p` and `q` by the check above for as many
        // rounded up to a multiple of LANES, which `padded_len` is; they are borrowed mutably and
        // so overlap nothing, and the processor was checked when this table was handed out.
        unsafe { (self.blend)(accs, keep, rows.pointers(), weights, n) }
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
    unsafe fn pairs(
        &self,
        kernel: Pairs<T>,
        rows: &Eight<'_, T>,
        [p, q]: [Row<'_, T>; 2],
    ) -> [[T; ROWS]; 2] {
        same_length(p.len(), q.len());
        same_length(rows.len(), p.len());
        // SAFETY: all are valid for `p.len()` elements by the checks above, and the processor was
        // checked when the table that `kernel` is of was handed out.
        unsafe { kernel(rows.pointers(), p.as_ptr(), q.as_ptr(), p.len()) }
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
                // What dot products of bytes add is for codes.
                #[cfg(target_arch = "aarch64")]
                Isa::Neon | Isa::DotProd => &neon::$table,
            }
        }
    };
}

tables!(f32_kernels, f32, F32);
tables!(f64_kernels, f64, F64);
