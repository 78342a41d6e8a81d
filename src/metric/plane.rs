//! The split plane of the float metrics.

use super::{order, Position};
use crate::error::Result;
use crate::kernel::{Float, FloatKernels, Padded, ROWS};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::rng::Stream;

/// A plane through the middle between two centroids.
pub struct Plane<T> {
    /// Unit normal; zero when the sides are chosen by coin tosses.
    pub normal: Padded<T>,
    /// Added to every margin (euclidean and manhattan).
    pub offset: T,
    /// The normal's coordinate in dot's extra dimension.
    pub extra: T,
    /// The length that dot's extra coordinates complete to.
    pub reach: T,
}

impl<T: Float> Plane<T> {
    /// Of no direction.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn new(f: usize) -> Result<Self> {
        Ok(Plane {
            normal: Padded::zeros(f)?,
            offset: T::ZERO,
            extra: T::ZERO,
            reach: T::ZERO,
        })
    }

    pub fn flatten(&mut self) {
        self.normal.fill(T::ZERO);
        self.offset = T::ZERO;
        self.extra = T::ZERO;
    }

    /// Makes the normal point from q to p.
    pub fn take_difference(&mut self, [p, q]: &[Padded<T>; 2]) {
        for ((n, p), q) in self.normal.iter_mut().zip(&**p).zip(&**q) {
            *n = *p - *q;
        }
    }

    /// Makes the normal (with its extra coordinate) a unit vector, unless it is zero.
    pub fn normalize(&mut self, kernels: &FloatKernels<T>) {
        let squared = self.squared_norm(kernels);
        if squared >= T::SMALLEST_SQUARE && squared.is_finite() {
            self.divide(squared.sqrt());
            return;
        }
        // Squares that overflowed or lost digits: the largest element is brought to 1 first.
        let elements = self.normal.iter().copied().chain([self.extra]);
        let sizes = elements.map(|x| if x < T::ZERO { -x } else { x });
        let largest = sizes.fold(T::ZERO, |a, b| if b > a { b } else { a });
        if largest == T::ZERO {
            return;
        }
        self.divide(largest);
        let norm = self.squared_norm(kernels).sqrt();
        if norm.is_finite() {
            self.divide(norm);
        } else {
            self.flatten();
        }
    }

    fn squared_norm(&self, kernels: &FloatKernels<T>) -> T {
        let normal = self.normal.row(self.normal.len());
        kernels.dot(normal, normal) + self.extra * self.extra
    }

    fn divide(&mut self, by: T) {
        for x in self.normal.iter_mut() {
            *x /= by;
        }
        self.extra /= by;
    }

    /// For each item of the subset: right where its margin is positive, a coin toss where it is
    /// zero.
    pub fn sides<P: Position>(
        &self,
        kernels: &FloatKernels<T>,
        points: &Points<'_, T>,
        subset: &[P],
        random: &mut Stream,
        right: &mut [bool],
    ) {
        let (eights, rest) = subset.as_chunks::<ROWS>();
        let (eights_right, rest_right) = right.as_chunks_mut::<ROWS>();
        for (some, right) in eights.iter().zip(eights_right) {
            choose(&self.margins(kernels, points, some), random, right);
        }
        if let Some(&last) = rest.last() {
            // Filled up to eight.
            let mut some = [last; ROWS];
            some[..rest.len()].copy_from_slice(rest);
            let margins = self.margins(kernels, points, &some);
            choose(&margins[..rest.len()], random, rest_right);
        }
    }

    /// The margins of eight items.
    #[inline(always)]
    fn margins<P: Position>(
        &self,
        kernels: &FloatKernels<T>,
        points: &Points<'_, T>,
        some: &[P; ROWS],
    ) -> [T; ROWS] {
        let at = some.map(P::get);
        let mut margins = kernels.dots(&points.eight(at), self.normal.row(points.len()));
        if self.extra != T::ZERO {
            let completion = Completion::to(self.reach);
            for (margin, length) in margins.iter_mut().zip(points.extras(at)) {
                *margin += self.offset + self.extra * completion.of(length);
            }
        } else {
            for margin in &mut margins {
                *margin += self.offset;
            }
        }
        margins
    }

    /// Writes the normal; the metric adds what else it keeps.
    pub fn store(&self, node: &mut NodeMut<'_>) {
        node.set_vector(self.normal.row(self.normal.len()));
    }
}

/// Right where the margin is positive, a coin toss where it is zero.
#[inline]
fn choose<T: Float>(margins: &[T], random: &mut Stream, right: &mut [bool]) {
    let mut certain = true;
    for (right, &margin) in right.iter_mut().zip(margins) {
        *right = margin > T::ZERO;
        certain &= *right | (margin < T::ZERO);
    }
    if certain {
        return;
    }
    for (right, margin) in right.iter_mut().zip(margins) {
        // NaN, from sums that overflowed, is a coin toss as well.
        if margin
            .partial_cmp(&T::ZERO)
            .is_none_or(|order| order.is_eq())
        {
            *right = random.flip();
        }
    }
}

/// Dot: the coordinate that completes an item's length to `reach`; 0 for those beyond.
#[derive(Clone, Copy)]
pub struct Completion<T> {
    reach: T,
    one_by_reach: T,
}

impl<T: Float> Completion<T> {
    pub fn to(reach: T) -> Self {
        Completion {
            reach,
            one_by_reach: T::ONE / reach,
        }
    }

    /// The coordinate of an item of this length. By the quotient of the lengths: their squares may
    /// be too large or too small for numbers.
    #[inline]
    pub fn of(&self, length: T) -> T {
        let share = length * self.one_by_reach;
        let missing = (T::ONE - share) * (T::ONE + share);
        // Computed in any case: a choice between two numbers can be made for several at once.
        let extra = self.reach * missing.sqrt();
        // Where there is no reach, it is no number.
        if missing > T::ZERO {
            extra
        } else {
            T::ZERO
        }
    }
}

/// Priorities of the children of a split whose margin is `margin`: Annoy's rule, the smaller of the
/// parent's priority and the signed distance to the plane.
#[inline]
pub fn child_priorities<T: Float>(margin: T, priority: u64) -> [u64; 2] {
    // A NaN margin has the largest key, so the parent's priority stays.
    [
        priority.min(order::key((-margin).to_f64())),
        priority.min(order::key(margin.to_f64())),
    ]
}

/// A split's normal has length 1, or 0 after coin tosses, or (dot) less than 1 without its extra
/// coordinate.
pub fn plausible_normal<T: Float>(
    kernels: &FloatKernels<T>,
    node: NodeRef<'_>,
    may_be_short: bool,
) -> Result<(), String> {
    let normal = node.row::<T>();
    let length = kernels.dot(normal, normal).to_f64().sqrt();
    let unit = (length - 1.0).abs() < 1e-2;
    // Not `length == 0`: other things than a normal look like numbers too small to square.
    if unit || (may_be_short && length < 1.0) || normal.iter().all(|x| x == T::ZERO) {
        Ok(())
    } else {
        Err(format!("a split normal has length {length}, expected 1"))
    }
}
