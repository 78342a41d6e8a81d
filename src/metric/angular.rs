//! Angular: the euclidean distance of the unit vectors, `sqrt(2 - 2 cos)`.

use super::plane::{child_priorities, plausible_normal, Plane};
use super::precise::{self, Unit};
use super::two_means::{self, scale_of, Balance, Centroids, Clustered, Directions};
use super::{order, Position, Query, Space, ATTEMPTS};
use crate::error::Result;
use crate::kernel::{Float, FloatKernels, Measure, Row, ROWS};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::rng::Stream;

/// Squared distances below it are worked out again in double precision: the rounding of sums, which
/// grows with their length, is too much of them. Some seven times what can go wrong at worst, in
/// norms that Annoy added up in a row. For f32 a distance of `sqrt(f) / 1024`.
fn line<T: Float>(f: usize) -> T {
    T::from_f64(8.0 * f as f64 * T::PRECISION)
}

/// Items keep their squared norm beside the vector.
pub struct Angular<T: Float> {
    kernels: &'static FloatKernels<T>,
    f: usize,
    line: T,
}

impl<T: Float> Angular<T> {
    pub fn new(kernels: &'static FloatKernels<T>, f: usize) -> Self {
        let line = line(f);
        Angular { kernels, f, line }
    }

    /// Old files hold 0 where the squared norm should be: then it is computed.
    #[inline]
    fn squared_norm(&self, item: NodeRef<'_>) -> T {
        let stored = item.extra::<T>();
        if stored != T::ZERO {
            return stored;
        }
        let row = item.row();
        self.kernels.dot(row, row)
    }
}

/// Whether squared norms can be multiplied: those of vectors with lengths from 3.4e-10 to 4.2e9
/// (double precision: from 1.3e-77 to 1.1e77).
#[inline]
fn is_factor<T: Float>(squared_norm: T) -> bool {
    let [least, most] = T::FACTORS;
    squared_norm >= least && squared_norm <= most
}

/// The distance of near copies, and of the shortest and the longest vectors.
#[cold]
fn rare<T: Float>(a: Row<'_, T>, b: Row<'_, T>) -> u64 {
    order::key(T::from_f64(precise::unit_distance(a, b)).to_f64())
}

/// One by a vector's length; 0 for a vector of no direction.
fn scale<T: Float>(row: Row<'_, T>, squared_norm: T) -> T {
    let scale = scale_of(squared_norm);
    if scale != T::ZERO {
        return scale;
    }
    Unit::of(row).map_or(T::ZERO, |unit| {
        let exact = T::from_f64(unit.factor());
        if exact <= T::LARGEST {
            exact
        } else {
            T::LARGEST
        }
    })
}

impl<T: Float> Space for Angular<T> {
    type T = T;
    type Plane = Plane<T>;
    type Room = Centroids<T>;
    const MEASURE: Measure = Measure::Squares;

    fn code_factor(&self, row: Row<'_, T>) -> f64 {
        let squared = self.kernels.dot(row, row);
        if squared >= T::SMALLEST_SQUARE && squared.is_finite() {
            return 1.0 / squared.to_f64().sqrt();
        }
        let exact = Unit::of(row).map_or(0.0, Unit::factor);
        exact.min(f64::MAX)
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

    #[inline]
    fn split_extra(squared_norm: T, row: Row<'_, T>) -> T {
        scale(row, squared_norm)
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
        let directions = |at| Directions {
            scales: points.extras(at),
            extras: [T::ZERO; ROWS],
        };
        let by = Balance::Counts;
        two_means::by_angle(&what, random, by, centroids, directions);
        if attempt + 1 == ATTEMPTS {
            // The wider a cluster, the shorter its mean of unit vectors, so a plane between means
            // may have all of a narrow subset on one side. One between their directions has not. In
            // every attempt it costs recall: words find 0.027 less.
            for centroid in &mut centroids.now {
                let row = centroid.row(self.f);
                let scale = scale_of(self.kernels.dot(row, row));
                centroid.iter_mut().for_each(|x| *x *= scale);
            }
        }
        plane.take_difference(&centroids.now);
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
        let squared = self.kernels.dot(row, row);
        Query {
            row,
            squared_norm: match is_factor(squared) {
                true => squared,
                // No distance comes out above the line then.
                false => T::from_f64(f64::NAN),
            },
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
        let row = item.row();
        let inner = self.kernels.dot(query.row, row);
        let squared = self.squared_norm(item);
        let product = query.squared_norm * squared;
        // In double precision and rounded once, as Annoy's C++ promotes it.
        let distance = T::from_f64(2.0 - 2.0 * inner.to_f64() / product.sqrt().to_f64());
        if is_factor(squared) && distance >= self.line {
            order::key(distance.to_f64())
        } else {
            rare(query.row, row)
        }
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
        // Far apart only when these are not a norm and its vector. What is left of small squares is
        // a matter of the order that they were added in, and so is whether large ones overflow.
        let near = (stored - norm).abs() <= 1e-2 * norm.max(T::SMALLEST_SQUARE.to_f64());
        if stored == 0.0 || near || norm > 0.99 * T::LARGEST.to_f64() || norm.is_nan() {
            Ok(())
        } else {
            Err(format!(
                "an item's stored squared norm is {stored}, its vector's is {norm}"
            ))
        }
    }
}
