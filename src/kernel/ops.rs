//! The body of every operation, once, over any register.
//!
//! [`kernels`] compiles these bodies for one instruction set. A sum over several rows runs the
//! same additions in the same order as a sum over one, hence their bits agree.

use super::lanes::{Lanes, Reg, LANES};
use super::scalar::Float;

/// What a pair of elements adds to the sum. A pair of zeros must add `+0.0` (see `Lanes`).
pub(super) trait Term {
    /// The term of every lane.
    ///
    /// # Safety
    /// The processor has `R`'s instruction set.
    unsafe fn of<R: Reg>(x: R, y: R) -> R;
}

/// `x * y`.
pub(super) struct Product;
/// `(x - y)^2`.
pub(super) struct SquaredDifference;
/// `|x - y|`.
pub(super) struct AbsoluteDifference;

impl Term for Product {
    #[inline(always)]
    unsafe fn of<R: Reg>(x: R, y: R) -> R {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { x.mul(y) }
    }
}

impl Term for SquaredDifference {
    #[inline(always)]
    unsafe fn of<R: Reg>(x: R, y: R) -> R {
        // SAFETY: the caller's promise of the instruction set.
        unsafe {
            let difference = x.sub(y);
            difference.mul(difference)
        }
    }
}

impl Term for AbsoluteDifference {
    #[inline(always)]
    unsafe fn of<R: Reg>(x: R, y: R) -> R {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { x.sub(y).abs() }
    }
}

/// How many rows the kernels over several take.
pub const ROWS: usize = 8;

/// The sums of each of `A` vectors against each of `B`, in one pass over all: for each of the `B`
/// those of all `A`.
///
/// # Safety
/// Every vector is valid for reads of `n` elements, and the processor has `R`'s instruction set.
#[inline(always)]
unsafe fn grid<K: Term, R: Reg, const N: usize, const A: usize, const B: usize>(
    a: [*const R::T; A],
    b: [*const R::T; B],
    n: usize,
) -> [[R::T; A]; B] {
    // SAFETY: `at < whole <= n` and `at` grows by 16, so 16 elements are left to read at `at`; in
    // the tail `first < tail`, so at least one is, and `load_up_to` is told how many. The
    // instruction set is the caller's promise.
    unsafe {
        let mut sums = [[Lanes::<R, N>::zero(); B]; A];
        let tail = n % LANES;
        let whole = n - tail;
        let mut at = 0;
        while at < whole {
            let mut j = 0;
            while j < N {
                let first = at + j * R::WIDTH;
                let mut y = [R::splat(R::T::ZERO); B];
                let mut c = 0;
                while c < B {
                    y[c] = R::load(b[c].add(first));
                    c += 1;
                }
                let mut r = 0;
                while r < A {
                    let x = R::load(a[r].add(first));
                    let mut c = 0;
                    while c < B {
                        sums[r][c].0[j] = sums[r][c].0[j].add(K::of(x, y[c]));
                        c += 1;
                    }
                    r += 1;
                }
                j += 1;
            }
            at += LANES;
        }
        if tail > 0 {
            let mut j = 0;
            while j < N {
                let first = j * R::WIDTH;
                if first >= tail {
                    break;
                }
                let mut y = [R::splat(R::T::ZERO); B];
                let mut c = 0;
                while c < B {
                    y[c] = R::load_up_to(b[c].add(whole + first), tail - first);
                    c += 1;
                }
                let mut r = 0;
                while r < A {
                    let x = R::load_up_to(a[r].add(whole + first), tail - first);
                    let mut c = 0;
                    while c < B {
                        sums[r][c].0[j] = sums[r][c].0[j].add(K::of(x, y[c]));
                        c += 1;
                    }
                    r += 1;
                }
                j += 1;
            }
        }
        let mut folded = [[R::T::ZERO; A]; B];
        // Unrolled by hand: sums that are indexed at run time would have to leave their registers.
        macro_rules! fold_from {
            ($($i:literal)*) => {$(
                if $i + 4 <= A * B {
                    let [p, q, r, s] = Lanes::fold4(
                        sums[$i % A][$i / A],
                        sums[($i + 1) % A][($i + 1) / A],
                        sums[($i + 2) % A][($i + 2) / A],
                        sums[($i + 3) % A][($i + 3) / A],
                    );
                    folded[$i / A][$i % A] = p;
                    folded[($i + 1) / A][($i + 1) % A] = q;
                    folded[($i + 2) / A][($i + 2) % A] = r;
                    folded[($i + 3) / A][($i + 3) % A] = s;
                } else if $i + 2 <= A * B {
                    folded[$i / A][$i % A] = sums[$i % A][$i / A].fold();
                    folded[($i + 1) / A][($i + 1) % A] = sums[($i + 1) % A][($i + 1) / A].fold();
                } else if $i < A * B {
                    folded[$i / A][$i % A] = sums[$i % A][$i / A].fold();
                }
            )*};
        }
        const { assert!(A * B <= 16 && A * B % 4 != 3) };
        fold_from!(0 4 8 12);
        folded
    }
}

/// Puts the sums of the rows from `r` on among those of all.
#[inline(always)]
fn put<T: Float, const A: usize, const B: usize>(
    sums: &mut [[T; ROWS]; B],
    r: usize,
    part: [[T; A]; B],
) {
    for (sums, part) in sums.iter_mut().zip(part) {
        sums[r..r + A].copy_from_slice(&part);
    }
}

/// [`grid`] of eight vectors, in as few passes as the registers allow.
///
/// # Safety
/// As [`grid`].
#[inline(always)]
unsafe fn eight<K: Term, R: Reg, const N: usize, const B: usize>(
    a: &[*const R::T; ROWS],
    b: [*const R::T; B],
    n: usize,
) -> [[R::T; ROWS]; B] {
    let mut sums = [[R::T::ZERO; ROWS]; B];
    let mut r = 0;
    // Constant conditions: what does not fit is not even compiled.
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        while r < ROWS {
            if const { Lanes::<R, N>::rows(B) >= 8 } {
                return grid::<K, R, N, 8, B>(*a, b, n);
            } else if const { Lanes::<R, N>::rows(B) >= 4 } {
                let a = [a[r], a[r + 1], a[r + 2], a[r + 3]];
                put(&mut sums, r, grid::<K, R, N, 4, B>(a, b, n));
                r += 4;
            } else if const { Lanes::<R, N>::rows(B) >= 2 } {
                put(&mut sums, r, grid::<K, R, N, 2, B>([a[r], a[r + 1]], b, n));
                r += 2;
            } else {
                put(&mut sums, r, grid::<K, R, N, 1, B>([a[r]], b, n));
                r += 1;
            }
        }
    }
    sums
}

/// The sum of `x` against `p`.
///
/// # Safety
/// As [`grid`].
#[inline(always)]
pub(super) unsafe fn sum<K: Term, R: Reg, const N: usize>(
    x: *const R::T,
    p: *const R::T,
    n: usize,
) -> R::T {
    // SAFETY: the caller's promise, which is the same.
    let [[sum]] = unsafe { grid::<K, R, N, 1, 1>([x], [p], n) };
    sum
}

/// The sums of eight rows against `p`.
///
/// # Safety
/// As [`grid`].
#[inline(always)]
pub(super) unsafe fn sums<K: Term, R: Reg, const N: usize>(
    rows: &[*const R::T; ROWS],
    p: *const R::T,
    n: usize,
) -> [R::T; ROWS] {
    // SAFETY: the caller's promise, which is the same.
    let [sums] = unsafe { eight::<K, R, N, 1>(rows, [p], n) };
    sums
}

/// The sums of eight rows against `p` and `q`.
///
/// # Safety
/// As [`grid`].
#[inline(always)]
pub(super) unsafe fn pairs<K: Term, R: Reg, const N: usize>(
    rows: &[*const R::T; ROWS],
    p: *const R::T,
    q: *const R::T,
    n: usize,
) -> [[R::T; ROWS]; 2] {
    // SAFETY: the caller's promise, which is the same.
    unsafe { eight::<K, R, N, 2>(rows, [p, q], n) }
}

/// Multiplies two accumulators by what is to be kept of each, adds eight rows to them, one after
/// the other, each with a weight for either, and returns the sums of their squares.
///
/// # Safety
/// The rows are valid for reads of `n` elements and the accumulators for reads and writes of as
/// many rounded up to a multiple of `LANES`, none overlaps an accumulator, and the processor has
/// `R`'s instruction set.
#[inline(always)]
pub(super) unsafe fn blend<R: Reg, const N: usize>(
    accs: [*mut R::T; 2],
    keep: [R::T; 2],
    rows: &[*const R::T; ROWS],
    weights: &[[R::T; ROWS]; 2],
    n: usize,
) -> [R::T; 2] {
    // SAFETY: `first < n` and `WIDTH` divides LANES, so a whole register of the accumulators is
    // left at `first`; of the rows `n - first` elements are, and `load_up_to` is told so. The
    // instruction set is the caller's promise.
    unsafe {
        let mut squares = [Lanes::<R, N>::zero(); 2];
        let mut at = 0;
        while at < n {
            let mut j = 0;
            while j < N {
                let first = at + j * R::WIDTH;
                if first >= n {
                    break;
                }
                let mut sums = [
                    R::load(accs[0].add(first)).mul(R::splat(keep[0])),
                    R::load(accs[1].add(first)).mul(R::splat(keep[1])),
                ];
                let mut r = 0;
                while r < ROWS {
                    let x = R::load_up_to(rows[r].add(first), n - first);
                    let mut c = 0;
                    while c < 2 {
                        sums[c] = sums[c].add(R::splat(weights[c][r]).mul(x));
                        c += 1;
                    }
                    r += 1;
                }
                let mut c = 0;
                while c < 2 {
                    sums[c].store(accs[c].add(first));
                    squares[c].0[j] = squares[c].0[j].add(sums[c].mul(sums[c]));
                    c += 1;
                }
                j += 1;
            }
            at += LANES;
        }
        [squares[0].fold(), squares[1].fold()]
    }
}

/// Whether no element is infinite or NaN.
///
/// `x - x` is `+0.0` for a finite `x` and NaN for any other, and a sum that has met a NaN stays
/// one; so the sum is 0 exactly when all are finite. No operation a [`Reg`] would not have anyway.
///
/// # Safety
/// `x` is valid for reads of `n` elements, and the processor has `R`'s instruction set.
#[inline(always)]
pub(super) unsafe fn all_finite<R: Reg, const N: usize>(x: *const R::T, n: usize) -> bool {
    // SAFETY: as in `grid`.
    unsafe {
        let mut sum = Lanes::<R, N>::zero();
        let tail = n % LANES;
        let whole = n - tail;
        let mut at = 0;
        while at < whole {
            let mut j = 0;
            while j < N {
                let x = R::load(x.add(at + j * R::WIDTH));
                sum.0[j] = sum.0[j].add(x.sub(x));
                j += 1;
            }
            at += LANES;
        }
        let mut j = 0;
        while j < N {
            let first = j * R::WIDTH;
            if first >= tail {
                break;
            }
            let x = R::load_up_to(x.add(whole + first), tail - first);
            sum.0[j] = sum.0[j].add(x.sub(x));
            j += 1;
        }
        sum.fold() == R::T::ZERO
    }
}

/// Compiles the bodies above for one register and makes the table of them.
///
/// A function here is where `#[target_feature]` stands; the bodies and the register's methods are
/// inlined into it and so compiled with it. Names are given by hand because a profiler shows them.
macro_rules! kernels {
    (
        $(#[$feature:meta])*
        static $table:ident: $t:ty = $reg:ty, $n:literal {
            $dot:ident, $l2sq:ident, $l1:ident,
            $dots:ident, $dot_pairs:ident, $l2sq_pairs:ident, $l1_pairs:ident,
            $blend:ident, $all_finite:ident,
        }
    ) => {
        kernels! { @fns $(#[$feature])*
            fn $dot = sum<Product, $reg, $n>(x: *const $t, p: *const $t, n: usize) -> $t;
        }
        kernels! { @fns $(#[$feature])*
            fn $l2sq = sum<SquaredDifference, $reg, $n>(x: *const $t, p: *const $t, n: usize) -> $t;
        }
        kernels! { @fns $(#[$feature])*
            fn $l1 = sum<AbsoluteDifference, $reg, $n>(x: *const $t, p: *const $t, n: usize) -> $t;
        }
        kernels! { @fns $(#[$feature])*
            fn $dots = sums<Product, $reg, $n>(rows: &[*const $t; ROWS], p: *const $t, n: usize) -> [$t; ROWS];
        }
        kernels! { @fns $(#[$feature])*
            fn $dot_pairs = pairs<Product, $reg, $n>(
                rows: &[*const $t; ROWS],
                p: *const $t,
                q: *const $t,
                n: usize
            ) -> [[$t; ROWS]; 2];
        }
        kernels! { @fns $(#[$feature])*
            fn $l2sq_pairs = pairs<SquaredDifference, $reg, $n>(
                rows: &[*const $t; ROWS],
                p: *const $t,
                q: *const $t,
                n: usize
            ) -> [[$t; ROWS]; 2];
        }
        kernels! { @fns $(#[$feature])*
            fn $l1_pairs = pairs<AbsoluteDifference, $reg, $n>(
                rows: &[*const $t; ROWS],
                p: *const $t,
                q: *const $t,
                n: usize
            ) -> [[$t; ROWS]; 2];
        }
        kernels! { @fns $(#[$feature])*
            fn $blend = blend<$reg, $n>(
                accs: [*mut $t; 2],
                keep: [$t; 2],
                rows: &[*const $t; ROWS],
                weights: &[[$t; ROWS]; 2],
                n: usize
            ) -> [$t; 2];
        }
        kernels! { @fns $(#[$feature])*
            fn $all_finite = all_finite<$reg, $n>(x: *const $t, n: usize) -> bool;
        }

        /// The kernels of this file for one type; reached through `table`, which checks the
        /// processor first.
        pub(super) static $table: $crate::kernel::table::FloatKernels<$t> =
            $crate::kernel::table::FloatKernels {
                dot: $dot,
                l2sq: $l2sq,
                l1: $l1,
                dots: $dots,
                dot_pairs: $dot_pairs,
                l2sq_pairs: $l2sq_pairs,
                l1_pairs: $l1_pairs,
                blend: $blend,
                all_finite: $all_finite,
            };
    };
    (@fns
        $(#[$feature:meta])*
        fn $name:ident = $body:ident<$($arg:tt),*>($($p:ident: $pt:ty),*) -> $ret:ty;
    ) => {
        /// # Safety
        /// Pointers are valid for `n` elements, as the body asks, and the processor has the
        /// features named here: `FloatKernels`' methods check the lengths, `table` the processor.
        $(#[$feature])*
        unsafe fn $name($($p: $pt),*) -> $ret {
            #[allow(unused_imports)]
            use $crate::kernel::ops::{
                AbsoluteDifference, Product, SquaredDifference, ROWS,
            };
            // SAFETY: the caller's promise, which is the same.
            unsafe { $crate::kernel::ops::$body::<$($arg),*>($($p),*) }
        }
    };
}
pub(super) use kernels;
