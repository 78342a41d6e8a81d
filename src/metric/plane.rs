//! The split plane of the float metrics.

use super::{order, Position, Side};
use crate::kernel::{prefetch, Float, FloatKernels, Padded, Row};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::rng::Stream;
use std::cmp::Ordering;

/// How many items ahead a vector is asked for.
const LOOK_AHEAD: usize = 16;

/// A plane through the middle between two centroids, and the room to find it.
pub struct Plane<T> {
    /// Unit normal; zero when the sides are chosen by coin tosses.
    pub normal: Vec<T>,
    /// Added to every margin (euclidean and manhattan).
    pub offset: T,
    /// The normal's coordinate in dot's extra dimension.
    pub extra: T,
    /// The squared norm that dot's extra coordinates complete.
    pub reach: T,
    /// The two centroids.
    pub p: Padded<T>,
    pub q: Padded<T>,
}

impl<T: Float> Plane<T> {
    pub fn new(f: usize) -> Self {
        Plane {
            normal: vec![T::ZERO; f],
            offset: T::ZERO,
            extra: T::ZERO,
            reach: T::ZERO,
            p: Padded::zeros(f),
            q: Padded::zeros(f),
        }
    }

    pub fn flatten(&mut self) {
        self.normal.fill(T::ZERO);
        self.offset = T::ZERO;
        self.extra = T::ZERO;
    }

    /// Makes the normal point from q to p.
    pub fn take_difference(&mut self) {
        for ((n, p), q) in self.normal.iter_mut().zip(&*self.p).zip(&*self.q) {
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
        let normal = Row::from_slice(&self.normal);
        kernels.dot(normal, normal) + self.extra * self.extra
    }

    fn divide(&mut self, by: T) {
        for x in &mut self.normal {
            *x /= by;
        }
        self.extra /= by;
    }

    /// The side of an item whose inner product with the normal is `inner`.
    #[inline]
    fn side(&self, points: &Points<'_, T>, at: usize, inner: T) -> Side {
        let mut margin = inner + self.offset;
        if self.extra != T::ZERO {
            margin += self.extra * extra_coordinate(points, at, self.reach);
        }
        match margin.partial_cmp(&T::ZERO) {
            Some(Ordering::Greater) => Side::Right,
            Some(Ordering::Less) => Side::Left,
            // NaN, from sums that overflowed, is a coin toss as well.
            _ => Side::Toss,
        }
    }

    /// The sides of one item in several planes.
    #[inline]
    pub fn sides_across<'p>(
        kernels: &FloatKernels<T>,
        points: &Points<'_, T>,
        at: usize,
        plane: impl Fn(usize) -> &'p Plane<T>,
        sides: &mut [Side],
    ) {
        let row = points.row(at);
        for (chunk, sides) in sides.chunks_mut(4).enumerate() {
            let first = chunk * 4;
            if sides.len() == 4 {
                let planes = [0, 1, 2, 3].map(|i| plane(first + i));
                let inner = kernels.dot4(row, planes.map(|plane| Row::from_slice(&plane.normal)));
                for ((plane, inner), side) in planes.iter().zip(inner).zip(sides) {
                    *side = plane.side(points, at, inner);
                }
            } else {
                for (i, side) in sides.iter_mut().enumerate() {
                    let plane = plane(first + i);
                    let inner = kernels.dot(row, Row::from_slice(&plane.normal));
                    *side = plane.side(points, at, inner);
                }
            }
        }
    }

    /// For each item of the subset: right where its margin is positive, a coin toss where it is zero.
    pub fn sides<P: Position>(
        &self,
        kernels: &FloatKernels<T>,
        points: &Points<'_, T>,
        subset: &[P],
        random: &mut Stream,
        right: &mut [bool],
    ) {
        let normal = Row::from_slice(&self.normal);
        let mut side = |at: &P, inner: T| match self.side(points, at.get(), inner) {
            Side::Left => false,
            Side::Right => true,
            Side::Toss => random.flip(),
        };
        let mut soon = subset.iter().skip(LOOK_AHEAD);
        for (four, right) in subset.chunks(4).zip(right.chunks_mut(4)) {
            for at in soon.by_ref().take(4) {
                prefetch(points.row(at.get()).bytes());
            }
            if let Ok(four) = <&[P; 4]>::try_from(four) {
                let margins = kernels.dot4(normal, four.map(|at| points.row(at.get())));
                for ((at, right), margin) in four.iter().zip(right).zip(margins) {
                    *right = side(at, margin);
                }
            } else {
                for (at, right) in four.iter().zip(right) {
                    *right = side(at, kernels.dot(normal, points.row(at.get())));
                }
            }
        }
    }

    /// Writes the normal; the metric adds what else it keeps.
    pub fn store(&self, node: &mut NodeMut<'_>) {
        node.set_vector(Row::from_slice(&self.normal));
    }
}

/// Dot: an item's squared norm, from the extra coordinate that completes it to the largest of all.
#[inline]
pub fn squared_norm<T: Float>(points: &Points<'_, T>, at: usize) -> T {
    let extra = points.extra(at);
    let squared = points.common - extra * extra;
    if squared > T::ZERO {
        squared
    } else {
        T::ZERO
    }
}

/// Dot: the coordinate that completes an item's squared norm to `reach`; 0 for those beyond.
#[inline]
pub fn extra_coordinate<T: Float>(points: &Points<'_, T>, at: usize, reach: T) -> T {
    let missing = reach - squared_norm(points, at);
    if missing > T::ZERO {
        missing.sqrt()
    } else {
        T::ZERO
    }
}

/// Priorities of the children of a split whose margin is `margin`: Annoy's rule, the smaller of the parent's priority
/// and the signed distance to the plane.
#[inline]
pub fn child_priorities<T: Float>(margin: T, priority: u64) -> [u64; 2] {
    // A NaN margin has the largest key, so the parent's priority stays.
    [
        priority.min(order::key((-margin).to_f64())),
        priority.min(order::key(margin.to_f64())),
    ]
}

/// A split's normal has length 1, or 0 after coin tosses, or (dot) less than 1 without its extra coordinate.
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
