//! Euclidean and manhattan: planes with an offset, halfway between two means.

use super::plane::{child_priorities, plausible_normal, Plane};
use super::precise::{self, Squared};
use super::two_means::{self, Centroids, Clustered};
use super::{order, Position, Query, Space};
use crate::error::Result;
use crate::kernel::{Eight, Float, FloatKernels, Measure, Row, ROWS};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::rng::Stream;
use std::marker::PhantomData;

/// What tells the two apart.
pub trait Norm<T: Float>: Send + Sync + 'static {
    /// The most steps of two-means.
    const STEPS: usize;
    /// The same of codes.
    const MEASURE: Measure;
    /// The distance as an integer that sorts alike.
    fn key(kernels: &FloatKernels<T>, a: Row<'_, T>, b: Row<'_, T>) -> u64;
    /// The key of a distance of 1.
    fn unit() -> u64 {
        order::key(1.0)
    }
    /// Distances from several vectors to two, by which they are compared (euclidean: squared).
    fn distances(
        kernels: &FloatKernels<T>,
        rows: &Eight<'_, T>,
        centers: [Row<'_, T>; 2],
    ) -> [[T; ROWS]; 2];
    /// The distance of a key.
    fn report(key: u64) -> T;
}

/// Sum of squares.
pub struct L2;
/// Sum of absolute values.
pub struct L1;

/// Whether a sum of squares has neither overflowed nor lost digits.
#[inline]
fn tells<T: Float>(squared: T) -> bool {
    squared >= T::SMALLEST_SQUARE && squared.is_finite()
}

/// The key of a distance whose square the type cannot tell.
#[cold]
fn rare<T: Float>(a: Row<'_, T>, b: Row<'_, T>, squared: T) -> u64 {
    if squared == T::ZERO && a.bytes() == b.bytes() {
        return order::root_key(0.0);
    }
    match precise::squared_distance(a, b) {
        Squared::Is(squared) => order::square_key(squared),
        Squared::RootIs(root) => order::root_key(root),
    }
}

/// Rows of whose two squared distances one has overflowed, or both have vanished, get others:
/// shares of the larger one.
#[cold]
fn compare_anew<T: Float>(
    rows: &Eight<'_, T>,
    centers: [Row<'_, T>; 2],
    squares: &mut [[T; ROWS]; 2],
) {
    for r in 0..ROWS {
        let [p, q] = [squares[0][r], squares[1][r]];
        let is_known = (tells(p) || tells(q)) && p.is_finite() && q.is_finite();
        let row = rows.row(r);
        if is_known || centers.iter().all(|center| center.bytes() == row.bytes()) {
            continue;
        }
        let roots = centers.map(|center| match precise::squared_distance(row, center) {
            Squared::Is(squared) => squared.sqrt(),
            Squared::RootIs(root) => root,
        });
        let largest = roots[0].max(roots[1]);
        if largest > 0.0 {
            for (squares, root) in squares.iter_mut().zip(roots) {
                squares[r] = T::from_f64((root / largest) * (root / largest));
            }
        }
    }
}

impl<T: Float> Norm<T> for L2 {
    const STEPS: usize = two_means::STEPS;
    const MEASURE: Measure = Measure::Squares;
    #[inline]
    fn key(kernels: &FloatKernels<T>, a: Row<'_, T>, b: Row<'_, T>) -> u64 {
        let squared = kernels.l2sq(a, b);
        if tells(squared) {
            order::square_key(squared.to_f64())
        } else {
            rare(a, b, squared)
        }
    }
    fn unit() -> u64 {
        order::square_key(1.0)
    }
    #[inline]
    fn distances(
        kernels: &FloatKernels<T>,
        rows: &Eight<'_, T>,
        centers: [Row<'_, T>; 2],
    ) -> [[T; ROWS]; 2] {
        let mut squares = kernels.l2sq_pairs(rows, centers);
        // The first two tell whether squares are of a size that can be told; what a few others lack
        // is no great loss.
        if !(tells(squares[0][0]) & tells(squares[1][0])) {
            compare_anew(rows, centers, &mut squares);
        }
        squares
    }
    fn report(key: u64) -> T {
        match order::square(key) {
            // Rounded to T before it, as where it comes from: f32 callers get what an f32 square
            // root gives.
            Squared::Is(squared) if tells(T::from_f64(squared)) => T::from_f64(squared).sqrt(),
            Squared::Is(squared) => T::from_f64(squared.sqrt()),
            Squared::RootIs(root) => T::from_f64(root),
        }
    }
}

impl<T: Float> Norm<T> for L1 {
    /// With fewer, manhattan finds less than Annoy: of the words of `examples/data`, 10 trees,
    /// search_k 500, Annoy 0.761 of the nearest, with 264 steps 0.748, which
    /// `tests/differential.rs` does not let pass.
    const STEPS: usize = two_means::MOST_STEPS;
    const MEASURE: Measure = Measure::Differences;
    #[inline]
    fn key(kernels: &FloatKernels<T>, a: Row<'_, T>, b: Row<'_, T>) -> u64 {
        order::key(kernels.l1(a, b).to_f64())
    }
    #[inline]
    fn distances(
        kernels: &FloatKernels<T>,
        rows: &Eight<'_, T>,
        centers: [Row<'_, T>; 2],
    ) -> [[T; ROWS]; 2] {
        kernels.l1_pairs(rows, centers)
    }
    fn report(key: u64) -> T {
        T::from_f64(order::value(key))
    }
}

/// Split nodes keep the offset of their plane.
pub struct Minkowski<T: Float, N> {
    pub kernels: &'static FloatKernels<T>,
    pub f: usize,
    pub norm: PhantomData<N>,
}

impl<T: Float, N: Norm<T>> Space for Minkowski<T, N> {
    type T = T;
    type Plane = Plane<T>;
    type Room = Centroids<T>;
    const MEASURE: Measure = N::MEASURE;

    fn all_finite(&self, row: Row<'_, T>) -> bool {
        self.kernels.all_finite(row)
    }

    fn item_extra(&self, _row: Row<'_, T>) -> T {
        T::ZERO
    }

    fn plane(&self) -> Result<Plane<T>> {
        Plane::new(self.f)
    }

    fn room(&self) -> Result<Centroids<T>> {
        Centroids::new(self.f)
    }

    fn split<P: Position>(
        &self,
        points: &Points<'_, T>,
        subset: &[P],
        attempt: usize,
        random: &mut Stream,
        plane: &mut Plane<T>,
        centroids: &mut Centroids<T>,
    ) {
        let what = Clustered {
            kernels: self.kernels,
            points,
            subset,
            attempt,
        };
        let kernels = self.kernels;
        let distances =
            |rows: &Eight<'_, T>, centers: [Row<'_, T>; 2]| N::distances(kernels, rows, centers);
        two_means::by_distance(&what, N::STEPS, random, centroids, distances);
        plane.take_difference(&centroids.now);
        plane.normalize(kernels);
        let [p, q] = &centroids.now;
        let [normal, p, q] = [&plane.normal, p, q].map(|v| v.row(self.f));
        plane.offset = -(kernels.dot(normal, p) + kernels.dot(normal, q)) / (T::ONE + T::ONE);
    }

    fn sides<P: Position>(
        &self,
        points: &Points<'_, T>,
        subset: &[P],
        plane: &Plane<T>,
        random: &mut Stream,
        right: &mut [bool],
    ) {
        plane.sides(self.kernels, points, subset, random, right);
    }

    fn flatten(&self, plane: &mut Plane<T>) {
        plane.flatten();
    }

    fn store(&self, plane: &Plane<T>, node: &mut NodeMut<'_>) {
        plane.store(node);
        node.set_extra(plane.offset);
    }

    fn query<'a>(&self, row: Row<'a, T>) -> Query<'a, T> {
        Query {
            row,
            squared_norm: T::ZERO,
        }
    }

    fn root_priority(&self) -> u64 {
        order::key(f64::INFINITY)
    }

    #[inline]
    fn descend(&self, node: NodeRef<'_>, query: &Query<'_, T>, priority: u64) -> Option<[u64; 2]> {
        let margin = self.offset(node) + self.kernels.dot(node.row(), query.row);
        Some(child_priorities(margin, priority))
    }

    #[inline]
    fn offset(&self, split: NodeRef<'_>) -> T {
        split.extra()
    }

    #[inline]
    fn distance(&self, query: &Query<'_, T>, item: NodeRef<'_>) -> u64 {
        N::key(self.kernels, query.row, item.row())
    }

    fn unit(&self) -> u64 {
        N::unit()
    }

    fn report(&self, distance: u64) -> f64 {
        N::report(distance).to_f64()
    }

    fn plausible_split(&self, node: NodeRef<'_>) -> Result<(), String> {
        plausible_normal::<T>(self.kernels, node, false)
    }

    fn plausible_item(&self, node: NodeRef<'_>) -> Result<(), String> {
        // Real Annoy leaves the offset of item nodes as the memory was: nothing to hold it to.
        let _ = node;
        Ok(())
    }
}
