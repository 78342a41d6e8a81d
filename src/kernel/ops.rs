//! The body of every operation, once, over any register.
//!
//! [`kernels`] compiles these bodies for one instruction set. A sum over two or four rows runs the
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

/// The sums of `x` against each of `ROWS` rows, in one pass over `x`.
///
/// # Safety
/// `x` and every row are valid for reads of `n` elements, and the processor has `R`'s instruction
/// set.
#[inline(always)]
unsafe fn pass<K: Term, R: Reg, const N: usize, const ROWS: usize>(
    x: *const R::T,
    rows: [*const R::T; ROWS],
    n: usize,
) -> [R::T; ROWS] {
    // SAFETY: `at < whole <= n` and `at` grows by 16, so 16 elements are left to read at `at`; in
    // the tail `first < tail`, so at least one is, and `load_up_to` is told how many. The
    // instruction set is the caller's promise.
    unsafe {
        let mut sums = [Lanes::<R, N>::zero(); ROWS];
        let tail = n % LANES;
        let whole = n - tail;
        let mut at = 0;
        while at < whole {
            let mut j = 0;
            while j < N {
                let first = at + j * R::WIDTH;
                let x = R::load(x.add(first));
                let mut r = 0;
                while r < ROWS {
                    let y = R::load(rows[r].add(first));
                    sums[r].0[j] = sums[r].0[j].add(K::of(x, y));
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
                let x = R::load_up_to(x.add(whole + first), tail - first);
                let mut r = 0;
                while r < ROWS {
                    let y = R::load_up_to(rows[r].add(whole + first), tail - first);
                    sums[r].0[j] = sums[r].0[j].add(K::of(x, y));
                    r += 1;
                }
                j += 1;
            }
        }
        let mut folded = [R::T::ZERO; ROWS];
        let mut r = 0;
        while r < ROWS {
            folded[r] = sums[r].fold();
            r += 1;
        }
        folded
    }
}

/// The sum of `x` against `p`.
///
/// # Safety
/// As [`pass`].
#[inline(always)]
pub(super) unsafe fn sum<K: Term, R: Reg, const N: usize>(
    x: *const R::T,
    p: *const R::T,
    n: usize,
) -> R::T {
    // SAFETY: the caller's promise, which is the same.
    let [sum] = unsafe { pass::<K, R, N, 1>(x, [p], n) };
    sum
}

/// The sums of `x` against two rows: one pass where the registers suffice, else one each.
///
/// # Safety
/// As [`pass`].
#[inline(always)]
pub(super) unsafe fn sum2<K: Term, R: Reg, const N: usize>(
    x: *const R::T,
    p: *const R::T,
    q: *const R::T,
    n: usize,
) -> (R::T, R::T) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        if Lanes::<R, N>::fits(2) {
            let [p, q] = pass::<K, R, N, 2>(x, [p, q], n);
            (p, q)
        } else {
            (sum::<K, R, N>(x, p, n), sum::<K, R, N>(x, q, n))
        }
    }
}

/// The sums of `x` against four rows: one pass where the registers suffice, else two.
///
/// # Safety
/// As [`pass`].
#[inline(always)]
pub(super) unsafe fn sum4<K: Term, R: Reg, const N: usize>(
    x: *const R::T,
    p: *const R::T,
    q: *const R::T,
    r: *const R::T,
    s: *const R::T,
    n: usize,
) -> [R::T; 4] {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        if Lanes::<R, N>::fits(4) {
            pass::<K, R, N, 4>(x, [p, q, r, s], n)
        } else {
            let (p, q) = sum2::<K, R, N>(x, p, q, n);
            let (r, s) = sum2::<K, R, N>(x, r, s, n);
            [p, q, r, s]
        }
    }
}

/// What becomes of an element of an accumulator.
pub(super) trait Update {
    /// The new value of every lane.
    ///
    /// # Safety
    /// The processor has `R`'s instruction set.
    unsafe fn of<R: Reg>(acc: R, x: R, by: R) -> R;
}

/// `acc + by * x`.
pub(super) struct AddScaled;
/// `acc + by * (x - acc)`.
pub(super) struct MoveToward;

impl Update for AddScaled {
    #[inline(always)]
    unsafe fn of<R: Reg>(acc: R, x: R, by: R) -> R {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { acc.add(by.mul(x)) }
    }
}

impl Update for MoveToward {
    #[inline(always)]
    unsafe fn of<R: Reg>(acc: R, x: R, by: R) -> R {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { acc.add(by.mul(x.sub(acc))) }
    }
}

/// Updates `acc` element by element; elements do not meet, so lanes play no part here.
///
/// # Safety
/// `x` is valid for reads of `n` elements and `acc` for reads and writes of as many rounded up to a
/// multiple of `LANES` (what it holds from `n` on is of no use to anybody), they do not overlap, and
/// the processor has `R`'s instruction set.
#[inline(always)]
pub(super) unsafe fn update<K: Update, R: Reg>(acc: *mut R::T, x: *const R::T, by: R::T, n: usize) {
    // SAFETY: `at + WIDTH <= whole <= n` in the loop; after it `tail` elements of `x` are left at
    // `whole`, and a whole register of `acc`, as WIDTH divides LANES. The instruction set is the
    // caller's promise.
    unsafe {
        let by = R::splat(by);
        let tail = n % R::WIDTH;
        let whole = n - tail;
        let mut at = 0;
        while at < whole {
            let to = acc.add(at);
            K::of(R::load(to), R::load(x.add(at)), by).store(to);
            at += R::WIDTH;
        }
        if tail > 0 {
            let to = acc.add(whole);
            let x = R::load_first(x.add(whole), tail);
            K::of(R::load(to), x, by).store(to);
        }
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
    // SAFETY: as in `pass`.
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
            $dot:ident, $dot2:ident, $dot4:ident,
            $l2sq:ident, $l2sq2:ident,
            $l1:ident, $l1_2:ident,
            $add_scaled:ident, $move_toward:ident, $all_finite:ident,
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
            fn $dot2 = sum2<Product, $reg, $n>(x: *const $t, p: *const $t, q: *const $t, n: usize) -> ($t, $t);
        }
        kernels! { @fns $(#[$feature])*
            fn $l2sq2 = sum2<SquaredDifference, $reg, $n>(x: *const $t, p: *const $t, q: *const $t, n: usize) -> ($t, $t);
        }
        kernels! { @fns $(#[$feature])*
            fn $l1_2 = sum2<AbsoluteDifference, $reg, $n>(x: *const $t, p: *const $t, q: *const $t, n: usize) -> ($t, $t);
        }
        kernels! { @fns $(#[$feature])*
            fn $dot4 = sum4<Product, $reg, $n>(x: *const $t, p: *const $t, q: *const $t, r: *const $t, s: *const $t, n: usize) -> [$t; 4];
        }
        kernels! { @fns $(#[$feature])*
            fn $add_scaled = update<AddScaled, $reg>(acc: *mut $t, x: *const $t, by: $t, n: usize) -> ();
        }
        kernels! { @fns $(#[$feature])*
            fn $move_toward = update<MoveToward, $reg>(acc: *mut $t, x: *const $t, by: $t, n: usize) -> ();
        }
        kernels! { @fns $(#[$feature])*
            fn $all_finite = all_finite<$reg, $n>(x: *const $t, n: usize) -> bool;
        }

        /// The kernels of this file for one type; reached through `table`, which checks the
        /// processor first.
        pub(super) static $table: $crate::kernel::table::FloatKernels<$t> =
            $crate::kernel::table::FloatKernels {
                dot: $dot,
                dot2: $dot2,
                dot4: $dot4,
                l2sq: $l2sq,
                l2sq2: $l2sq2,
                l1: $l1,
                l1_2: $l1_2,
                add_scaled: $add_scaled,
                move_toward: $move_toward,
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
                AbsoluteDifference, AddScaled, MoveToward, Product, SquaredDifference,
            };
            // SAFETY: the caller's promise, which is the same.
            unsafe { $crate::kernel::ops::$body::<$($arg),*>($($p),*) }
        }
    };
}
pub(super) use kernels;
