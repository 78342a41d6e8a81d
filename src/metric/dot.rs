//! Dot: the largest inner product, reduced to angle by one extra coordinate that gives the items the same norm
//! (Bachrach et al. 2014, "Speeding up the Xbox recommender system using a Euclidean transformation for inner-product
//! spaces"). Which norm that is, each split decides for its own subset: see [`reach`].

use super::plane::{child_priorities, extra_coordinate, plausible_normal, squared_norm, Plane};
use super::two_means::{self, scale_of, Directions};
use super::{order, Position, Query, Space};
use crate::kernel::{Float, FloatKernels, Measure, Padded, Row, ROWS};
use crate::layout::{Flavor, NodeLayout, NodeMut, NodeRef, Nodes, Points};
use crate::rng::Stream;
use std::cmp::Ordering;

/// Items looked at to see what norms a subset has, and the rank among them of the norm that is completed to.
const SAMPLE: usize = 101;
const RANK: usize = 95;

/// The squared norm that the items of a subset are completed to: one that few of them exceed.
///
/// Completed to the largest of all, as Bachrach et al. have it and Annoy's main branch does, items of heavy-tailed norms
/// crowd around the extra axis, and splits tell them apart by that alone, which no query shares. Measured with
/// lognormal norms (sigma 1, 20,000 x 32, 10 trees, search_k 500): recall@10 0.02 that way, 0.93 this way.
fn reach<T: Float, P: Position>(points: &Points<'_, T>, subset: &[P], random: &mut Stream) -> T {
    let mut norms: [T; SAMPLE] =
        std::array::from_fn(|_| squared_norm(points, subset[random.index(subset.len())].get()));
    norms.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    norms[RANK]
}

/// Items keep their extra coordinate, `sqrt(largest squared norm - squared norm)`.
pub struct Dot<T: Float> {
    pub kernels: &'static FloatKernels<T>,
    pub f: usize,
}

impl<T: Float> Space for Dot<T> {
    type T = T;
    type Plane = Plane<T>;
    type Room = [Padded<T>; 2];
    const MEASURE: Measure = Measure::Squares;
    const BY_PRODUCT: bool = true;

    fn all_finite(&self, row: Row<'_, T>) -> bool {
        self.kernels.all_finite(row)
    }

    fn item_extra(&self, _row: Row<'_, T>) -> T {
        // Known only when all items are: see `prepare`.
        T::ZERO
    }

    fn prepare(&self, items: &mut [u8], layout: &NodeLayout) -> T {
        let squared = |node: NodeRef<'_>| {
            let row = node.row::<T>();
            self.kernels.dot(row, row)
        };
        let nodes = Nodes::new(items, layout);
        let mut largest = T::ZERO;
        for i in 0..nodes.count() {
            let norm = squared(nodes.get(i));
            if norm > largest {
                largest = norm;
            }
        }
        for bytes in items.chunks_exact_mut(layout.node_size) {
            let mut node = NodeMut::new(bytes, layout);
            // A missing item stays all zeros.
            if node.as_ref().n_descendants() == 1 {
                let missing = largest - squared(node.as_ref());
                // Not finite where squares overflow.
                let extra = if missing > T::ZERO && missing.is_finite() {
                    missing.sqrt()
                } else {
                    T::ZERO
                };
                node.set_extra(extra);
            }
        }
        largest
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
        plane.reach = reach(points, subset, random);
        let reach = plane.reach;
        let directions = |at: [usize; ROWS]| Directions {
            scales: at.map(|at| {
                let squared = squared_norm(points, at);
                scale_of(if squared > reach { squared } else { reach })
            }),
            extras: at.map(|at| extra_coordinate(points, at, reach)),
        };
        let [p, q] =
            two_means::by_angle(self.kernels, points, subset, random, centroids, directions);
        plane.take_difference(centroids);
        plane.extra = p - q;
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
        // A query's extra coordinate is 0, so the normal's plays no part in a search. Annoy 1.17 adds its square to
        // every margin all the same: with 0 there, its answers from our file are right as well.
        node.set_extra(T::ZERO);
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
        let mut margin = self.kernels.dot(node.row(), query.row);
        if node.layout().flavor != Flavor::Main {
            // The released rule, so that a released Annoy's file is searched as it would search it.
            let extra = node.extra::<T>();
            margin += extra * extra;
        }
        Some(child_priorities(margin, priority))
    }

    #[inline]
    fn distance(&self, query: &Query<'_, T>, item: NodeRef<'_>) -> u64 {
        order::key((-self.kernels.dot(query.row, item.row())).to_f64())
    }

    fn report(&self, distance: u64) -> f64 {
        // `0.0 -` keeps an inner product of 0 from being reported as -0.
        0.0 - order::value(distance)
    }

    fn is_within(&self, distance: u64, most: f64) -> bool {
        self.report(distance) >= most
    }

    fn plausible_split(&self, node: NodeRef<'_>) -> Result<(), String> {
        plausible_normal::<T>(self.kernels, node, true)
    }

    fn plausible_item(&self, node: NodeRef<'_>) -> Result<(), String> {
        let extra = node.extra::<T>();
        if extra.is_finite() && extra >= T::ZERO {
            Ok(())
        } else {
            Err(format!(
                "an item's extra coordinate is {extra:?}, expected a number from 0 up"
            ))
        }
    }
}
