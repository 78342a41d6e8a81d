//! Euclidean and manhattan: planes with an offset, halfway between two means.

use super::plane::{child_priorities, plausible_normal, Plane};
use super::{order, two_means, Position, Query, Side, Space};
use crate::kernel::{Float, FloatKernels, Row};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::rng::Stream;
use std::marker::PhantomData;

/// What tells the two apart.
pub trait Norm<T: Float>: Send + Sync + 'static {
    /// The distance that is compared (euclidean: squared).
    fn distance(kernels: &FloatKernels<T>, a: Row<'_, T>, b: Row<'_, T>) -> T;
    /// The same from `x` to two vectors in one pass.
    fn distances(kernels: &FloatKernels<T>, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T);
    /// The distance that is given out.
    fn report(distance: T) -> T;
}

/// Sum of squares.
pub struct L2;
/// Sum of absolute values.
pub struct L1;

impl<T: Float> Norm<T> for L2 {
    #[inline]
    fn distance(kernels: &FloatKernels<T>, a: Row<'_, T>, b: Row<'_, T>) -> T {
        kernels.l2sq(a, b)
    }
    #[inline]
    fn distances(kernels: &FloatKernels<T>, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T) {
        kernels.l2sq2(x, p, q)
    }
    fn report(distance: T) -> T {
        distance.sqrt()
    }
}

impl<T: Float> Norm<T> for L1 {
    #[inline]
    fn distance(kernels: &FloatKernels<T>, a: Row<'_, T>, b: Row<'_, T>) -> T {
        kernels.l1(a, b)
    }
    #[inline]
    fn distances(kernels: &FloatKernels<T>, x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>) -> (T, T) {
        kernels.l1_2(x, p, q)
    }
    fn report(distance: T) -> T {
        distance
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

    fn all_finite(&self, row: Row<'_, T>) -> bool {
        self.kernels.all_finite(row)
    }

    fn item_extra(&self, _row: Row<'_, T>) -> T {
        T::ZERO
    }

    fn plane(&self) -> Plane<T> {
        Plane::new(self.f)
    }

    fn split<P: Position>(
        &self,
        points: &Points<'_, T>,
        subset: &[P],
        random: &mut Stream,
        plane: &mut Plane<T>,
    ) {
        let kernels = self.kernels;
        let centroids = (&mut plane.p, &mut plane.q);
        let distances =
            |x: Row<'_, T>, p: Row<'_, T>, q: Row<'_, T>| N::distances(kernels, x, p, q);
        two_means::by_distance(kernels, points, subset, random, centroids, distances);
        plane.take_difference();
        plane.normalize(kernels);
        let normal = Row::from_slice(&plane.normal);
        let (np, nq) = kernels.dot2(normal, plane.p.row(), plane.q.row());
        plane.offset = -(np + nq) / (T::ONE + T::ONE);
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

    fn sides_across<'p>(
        &self,
        points: &Points<'_, T>,
        at: usize,
        plane: impl Fn(usize) -> &'p Plane<T>,
        sides: &mut [Side],
    ) {
        Plane::sides_across(self.kernels, points, at, plane, sides);
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
        let margin = node.extra::<T>() + self.kernels.dot(node.row(), query.row);
        Some(child_priorities(margin, priority))
    }

    #[inline]
    fn distance(&self, query: &Query<'_, T>, item: NodeRef<'_>) -> u64 {
        order::key(N::distance(self.kernels, query.row, item.row()).to_f64())
    }

    fn report(&self, distance: u64) -> f64 {
        N::report(T::from_f64(order::value(distance))).to_f64()
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
