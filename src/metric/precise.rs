//! Distances in double precision, for the few pairs that the kernels' sums cannot tell: squares
//! that overflow, vanish or lose digits, and directions so near to each other that rounding is all
//! that is left of their cosine.
//!
//! One order of additions, in plain Rust, so that every kernel and machine has the same bits.
//! Slower than a kernel by a few times: whoever calls these has found out that it must.

use crate::kernel::{Float, Row};

/// Sums that are added to in turn.
const LANES: usize = 8;

/// Sums of squares in here have all their digits, and so have the squares that matter in them.
const GOOD: std::ops::RangeInclusive<f64> = 1e-200..=1e200;

/// What numbers are multiplied by, without rounding, when the sum of their squares is not in
/// [`GOOD`]. With it, it is: any but zeros.
const UP: f64 = f64::from_bits((1023 + 600) << 52);
const DOWN: f64 = f64::from_bits((1023 - 600) << 52);

/// One or the other, by a sum of squares that is not good.
fn remedy(squared: f64) -> f64 {
    if squared < 1.0 {
        UP
    } else {
        DOWN
    }
}

/// The sum over pairs of numbers.
#[inline(always)]
fn sum<T: Float>(a: Row<'_, T>, b: Row<'_, T>, term: impl Fn(f64, f64) -> f64) -> f64 {
    // Not `Row::iter`, of which compilers make no vectors.
    let (a, b) = (a.bytes(), b.bytes());
    let size = LANES * T::SIZE;
    let whole = a.len().min(b.len()) / size * size;
    let at = |bytes: &[u8], i: usize| T::read(bytes, i * T::SIZE).to_f64();
    let mut sums = [0.0; LANES];
    for (a, b) in a[..whole]
        .chunks_exact(size)
        .zip(b[..whole].chunks_exact(size))
    {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum += term(at(a, i), at(b, i));
        }
    }
    let rest = a[whole..]
        .chunks_exact(T::SIZE)
        .zip(b[whole..].chunks_exact(T::SIZE));
    for (sum, (a, b)) in sums.iter_mut().zip(rest) {
        *sum += term(at(a, 0), at(b, 0));
    }
    let [p, q, r, s] = std::array::from_fn(|i| sums[i] + sums[i + LANES / 2]);
    (p + r) + (q + s)
}

/// What gives a vector length 1.
#[derive(Clone, Copy)]
pub struct Unit {
    /// A power of two that numbers are multiplied by first.
    first: f64,
    then: f64,
}

impl Unit {
    /// None for a zero vector. Not a number where the vector has such or is infinite.
    pub fn of<T: Float>(row: Row<'_, T>) -> Option<Self> {
        let squares = |first: f64| sum(row, row, |x, _| (x * first) * (x * first));
        let mut first = 1.0;
        let mut squared = squares(first);
        if !GOOD.contains(&squared) {
            first = remedy(squared);
            squared = squares(first);
        }
        let then = 1.0 / squared.sqrt();
        (squared != 0.0).then_some(Unit { first, then })
    }

    /// The two in one; infinite for vectors so short that floats have no such number.
    pub fn factor(self) -> f64 {
        self.first * self.then
    }

    #[inline(always)]
    fn of_number(self, x: f64) -> f64 {
        x * self.first * self.then
    }
}

/// The squared distance of the unit vectors, `2 - 2 cos`. Multiples of a vector are at exactly 0. A
/// vector without direction, of zeros or of what is no number, has cos 0 to all.
pub fn unit_distance<T: Float>(a: Row<'_, T>, b: Row<'_, T>) -> f64 {
    let Some(unit_a) = Unit::of(a) else {
        return 2.0;
    };
    if a.bytes() == b.bytes() {
        return if unit_a.then > 0.0 { 0.0 } else { 2.0 };
    }
    let Some(unit_b) = Unit::of(b) else {
        return 2.0;
    };
    let squared = sum(a, b, |x, y| {
        let difference = unit_a.of_number(x) - unit_b.of_number(y);
        difference * difference
    });
    if squared.is_nan() {
        2.0
    } else if squared < 1e-30 * a.len() as f64 {
        // What rounding in double precision makes of multiples: no distance to put them in order
        // by.
        0.0
    } else {
        squared
    }
}

/// The inner product: infinite where it overflows, whatever its parts do.
pub fn inner_product<T: Float>(a: Row<'_, T>, b: Row<'_, T>) -> f64 {
    let inner = sum(a, b, |x, y| x * y);
    if inner.is_finite() {
        return inner;
    }
    sum(a, b, |x, y| (x * DOWN) * (y * DOWN)) / DOWN / DOWN
}

/// The sum of squared differences, or where floats cannot say it well, the root of it.
pub enum Squared {
    Is(f64),
    RootIs(f64),
}

/// The squared euclidean distance.
pub fn squared_distance<T: Float>(a: Row<'_, T>, b: Row<'_, T>) -> Squared {
    let squares = |first: f64| {
        sum(a, b, |x, y| {
            let difference = x * first - y * first;
            difference * difference
        })
    };
    let squared = squares(1.0);
    if GOOD.contains(&squared) {
        return Squared::Is(squared);
    }
    let first = remedy(squared);
    Squared::RootIs(squares(first).sqrt() / first)
}
