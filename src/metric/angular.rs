//! Angular: the euclidean distance of the unit vectors, `sqrt(2 - 2 cos)`.

use super::plane::{child_priorities, plausible_normal, Plane};
use super::two_means::{self, scale_of, Directions};
use super::{order, Position, Query, Space};
use crate::kernel::{Float, FloatKernels, Measure, Padded, Row, ROWS};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::rng::Stream;

/// Items keep their squared norm beside the vector.
pub struct Angular<T: Float> {
    pub kernels: &'static FloatKernels<T>,
    pub f: usize,
}

impl<T: Float> Angular<T> {
    /// Old files hold 0 where the squared norm should be: then it is computed.
    fn squared_norm(&self, item: NodeRef<'_>) -> T {
        let stored = item.extra::<T>();
        if stored != T::ZERO {
            return stored;
        }
        let row = item.row();
        self.kernels.dot(row, row)
    }
}

/// The cosine of vectors so long that their squares overflow.
#[cold]
fn cosine<T: Float>(a: Row<'_, T>, b: Row<'_, T>) -> f64 {
    let largest = |row: Row<'_, T>| row.iter().fold(0.0f64, |m, x| m.max(x.to_f64().abs()));
    let (scale_a, scale_b) = (largest(a), largest(b));
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b.iter()) {
        let (x, y) = (x.to_f64() / scale_a, y.to_f64() / scale_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    // Not finite only for what a damaged file holds.
    let cosine = ab / (aa * bb).sqrt();
    if cosine.is_nan() {
        0.0
    } else {
        cosine
    }
}

impl<T: Float> Space for Angular<T> {
    type T = T;
    type Plane = Plane<T>;
    type Room = [Padded<T>; 2];
    const MEASURE: Measure = Measure::Squares;

    fn code_factor(&self, row: Row<'_, T>) -> f64 {
        let squared = self.kernels.dot(row, row).to_f64();
        if squared > 0.0 {
            1.0 / squared.sqrt()
        } else {
            0.0
        }
    }

    fn all_finite(&self, row: Row<'_, T>) -> bool {
        self.kernels.all_finite(row)
    }

    fn is_null(&self, row: Row<'_, T>) -> bool {
        row.iter().all(|x| x == T::ZERO)
    }

    fn item_extra(&self, row: Row<'_, T>) -> T {
        self.kernels.dot(row, row)
    }

    fn plane(&self) -> Plane<T> {
        Plane::new(self.f)
    }

    fn room(&self) -> [Padded<T>; 2] {
        [Padded::zeros(self.f), Padded::zeros(self.f)]
    }

    fn split<P: Position>(
        &self,
        points: &Points<'_, T>,
        subset: &[P],
        random: &mut Stream,
        plane: &mut Plane<T>,
        centroids: &mut [Padded<T>; 2],
    ) {
        let directions = |at| Directions {
            scales: points.extras(at).map(scale_of),
            extras: [T::ZERO; ROWS],
        };
        two_means::by_angle(self.kernels, points, subset, random, centroids, directions);
        plane.take_difference(centroids);
        plane.normalize(self.kernels);
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
    }

    fn query<'a>(&self, row: Row<'a, T>) -> Query<'a, T> {
        Query {
            row,
            squared_norm: self.kernels.dot(row, row),
        }
    }

    fn root_priority(&self) -> u64 {
        order::key(f64::INFINITY)
    }

    #[inline]
    fn descend(&self, node: NodeRef<'_>, query: &Query<'_, T>, priority: u64) -> Option<[u64; 2]> {
        Some(child_priorities(
            self.kernels.dot(node.row(), query.row),
            priority,
        ))
    }

    #[inline]
    fn distance(&self, query: &Query<'_, T>, item: NodeRef<'_>) -> u64 {
        let product = query.squared_norm * self.squared_norm(item);
        let distance = if product > T::ZERO {
            let inner = self.kernels.dot(query.row, item.row());
            // In double precision and rounded once, as Annoy's C++ promotes it.
            2.0 - 2.0 * inner.to_f64() / product.sqrt().to_f64()
        } else {
            2.0
        };
        if distance.is_nan() {
            return order::key(2.0 - 2.0 * cosine(query.row, item.row()));
        }
        order::key(T::from_f64(distance).to_f64())
    }

    fn report(&self, distance: u64) -> f64 {
        // Rounded to T, as the distances before it: f32 callers get what an f32 square root gives.
        let squared = T::from_f64(order::value(distance).max(0.0));
        squared.sqrt().to_f64()
    }

    fn plausible_split(&self, node: NodeRef<'_>) -> Result<(), String> {
        plausible_normal::<T>(self.kernels, node, false)
    }

    fn plausible_item(&self, node: NodeRef<'_>) -> Result<(), String> {
        let row = node.row::<T>();
        let stored = node.extra::<T>().to_f64();
        let norm = self.kernels.dot(row, row).to_f64();
        // Far apart only when these are not a norm and its vector.
        let near = (stored - norm).abs() <= 1e-2 * norm.max(f64::MIN_POSITIVE);
        if stored == 0.0 || near || !norm.is_finite() {
            Ok(())
        } else {
            Err(format!(
                "an item's stored squared norm is {stored}, its vector's is {norm}"
            ))
        }
    }
}
