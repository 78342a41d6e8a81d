//! Dot: the largest inner product, reduced to angle by one extra coordinate that gives the items
//! the same length (Bachrach et al. 2014, "Speeding up the Xbox recommender system using a
//! Euclidean transformation for inner-product spaces"). Which length that is, each split decides
//! for its own subset: see [`SAMPLE`]. How it is done in detail, a trial decides for each forest:
//! see [`Rule`].

use super::plane::{child_priorities, plausible_normal, Completion, Plane};
use super::two_means::{self, Balance, Centroids, Clustered, Directions};
use super::{order, precise, Position, Query, Space};
use crate::error::{reserve, Result};
use crate::kernel::{Float, FloatKernels, Measure, Padded, Row, ROWS};
use crate::layout::{Flavor, NodeLayout, NodeMut, NodeRef, Nodes, Points};
use crate::memory;
use crate::rng::Stream;
use std::cmp::Ordering;

/// Items looked at to see what lengths a subset has, and the ranks among them of the middle one and
/// of the one that is completed to: one that few exceed.
///
/// Completed to the largest of all, as Bachrach et al. have it and Annoy's main branch does, items
/// of heavy-tailed lengths crowd around the extra axis, and splits tell them apart by that alone,
/// which no query shares. Measured with lognormal lengths (sigma 1, 20,000 x 32, 10 trees, search_k
/// 500): recall@10 0.02 that way, 0.93 this way.
const SAMPLE: usize = 101;
const LOW: usize = 10;
const MIDDLE: usize = 50;
const RANK: usize = 95;

/// By how much longer items are than those that have no part in any answer, such as zeros: a tenth
/// of these are split off.
const SHORT: f64 = 32.0;

/// What a split that parts long items from short ones has in the place of its normal's extra
/// coordinate. The square of it, far beyond any margin, is added to a query's, so that the long
/// ones, which are on the right, come first.
const FIRST: f64 = 1e18;

/// The length of the longest items, by that of the shortest but those that have no part in any
/// answer, up to which an item is an answer to itself as a rule. Then it should be found.
const ALIKE: f64 = 2.0;

/// How many times as long as the middle one a subset's long items are, up to which a plane halves
/// the angle between the two clusters. Beyond, it lies nearer to the one whose items are less
/// alike, as a rule the short ones, which are in fewer answers; beyond the second more so. More is
/// found by it among items of varied length, and items find themselves less often.
const HALVED: f64 = 1.12;
const HALVED_LESS: f64 = 1.35;

/// How splits are placed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rule {
    /// Whether lengths are completed; else splits are by direction alone.
    completed: bool,
    balance: Balance,
    /// How many times as long as the middle one a subset's long items must be for it to be parted
    /// by length alone.
    parted: f64,
}

// By what items are found depends on what tells them apart, length or direction. recall@10 at
// search_k 100 and 2,000, 10 trees, 3 seeds, the first two in turn last; "itself": share of items
// that find themselves at search_k 100, where they are an answer. The lognormal lengths have
// sigma 0.5.
//
// | items | completed | spread | directed | in turn | Annoy 1.17.3 |
// |---|---|---|---|---|---|
// | 20,000 x 32, gaussian | 0.18, 0.77 | 0.13, 0.71 | 0.13, 0.71 | 0.15, 0.74 | 0.12, 0.64 |
// | itself | 0.78 | 1.00 | 1.00 | 1.00 | 1.00 |
// | 20,000 x 64, 10 near copies | 0.86, 0.97 | 0.90, 0.96 | 0.90, 0.96 | 0.90, 0.96 | 0.90, 0.95 |
// | 4,000 x 256, 2 copies each | 0.32, 0.74 | 0.31, 0.77 | 0.31, 0.75 | 0.31, 0.75 | 0.30, 0.76 |
// | 5,000 x 64, uniform, 0 to 1 | 0.80, 1.00 | 0.03, 0.56 | 0.07, 0.57 | 0.78, 0.95 | 0.03, 0.32 |
// | 5,000 x 1,024 bits, families | 0.43, 0.59 | 0.38, 0.70 | 0.93, 1.00 | | 0.63, 0.94 |
// | 5,000 x 64, lognormal lengths | 0.52, 0.99 | 0.10, 0.66 | 0.09, 0.66 | | 0.08, 0.64 |

/// Most is found where lengths vary, and long items are the answers.
const COMPLETED: Rule = Rule {
    completed: true,
    balance: Balance::Counts,
    parted: 4.0,
};
/// For groups of a direction of their own, whose items find each other however short they are.
const DIRECTED: Rule = Rule {
    completed: false,
    balance: Balance::Counts,
    parted: f64::INFINITY,
};
/// For items in all directions: they find themselves and their copies.
const SPREAD: Rule = Rule {
    balance: Balance::Free,
    ..DIRECTED
};
/// For many dimensions and few long items, which are in all answers.
const PARTED: Rule = Rule {
    parted: 2.0,
    ..COMPLETED
};

/// A split being made.
pub struct Split<T> {
    plane: Plane<T>,
    /// The length that those on the right exceed, where it is a split by length alone.
    longer: Option<T>,
}

/// The length of a vector, also where its square is too large or too small a number.
fn length<T: Float>(kernels: &FloatKernels<T>, row: Row<'_, T>) -> T {
    let squared = kernels.dot(row, row);
    if squared >= T::SMALLEST_SQUARE && squared.is_finite() {
        return squared.sqrt();
    }
    let largest = row.iter().fold(0.0f64, |m, x| m.max(x.to_f64().abs()));
    if largest == 0.0 {
        return T::ZERO;
    }
    let shares = row.iter().map(|x| x.to_f64() / largest);
    T::from_f64(shares.fold(0.0, |sum, x| sum + x * x).sqrt() * largest)
}

/// One by a length; 0 where there is no such number.
#[inline]
fn one_by<T: Float>(length: T) -> T {
    let scale = T::ONE / length;
    if scale.is_finite() {
        scale
    } else {
        T::ZERO
    }
}

/// Lengths of some of a subset, ascending.
fn lengths<T: Float, P: Position>(
    points: &Points<'_, T>,
    subset: &[P],
    random: &mut Stream,
) -> [T; SAMPLE] {
    let mut lengths: [T; SAMPLE] =
        std::array::from_fn(|_| points.extra(subset[random.index(subset.len())].get()));
    lengths.sort_unstable_by(compare);
    lengths
}

fn compare<T: Float>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or(Ordering::Equal)
}

/// Items keep their extra coordinate, `sqrt(largest squared length - squared length)`.
pub struct Dot<T: Float> {
    kernels: &'static FloatKernels<T>,
    f: usize,
    rule: Rule,
}

impl<T: Float> Dot<T> {
    pub fn new(kernels: &'static FloatKernels<T>, f: usize) -> Self {
        Dot {
            kernels,
            f,
            rule: COMPLETED,
        }
    }

    fn squared(&self, item: NodeRef<'_>) -> T {
        let row = item.row::<T>();
        self.kernels.dot(row, row)
    }

    /// Makes the centroids, with their extra coordinates, more equally long the less the lengths of
    /// a subset vary.
    fn level(&self, [middle, long]: [T; 2], centroids: &mut [Padded<T>; 2], extras: &mut [T; 2]) {
        let within = |ratio| long <= middle * T::from_f64(ratio);
        for (centroid, extra) in centroids.iter_mut().zip(extras) {
            let row = centroid.row(centroid.len());
            let whole = one_by((self.kernels.dot(row, row) + *extra * *extra).sqrt());
            let half = whole.sqrt();
            let scale = if !self.rule.completed || within(HALVED) {
                whole
            } else if within(HALVED_LESS) {
                half * half.sqrt()
            } else {
                half
            };
            for x in centroid.iter_mut() {
                *x *= scale;
            }
            *extra *= scale;
        }
    }
}

/// The distance where parts of the product overflow, which may be of both signs.
#[cold]
fn overflowed<T: Float>(a: Row<'_, T>, b: Row<'_, T>) -> u64 {
    order::key((-T::from_f64(precise::inner_product(a, b))).to_f64())
}

impl<T: Float> Space for Dot<T> {
    type T = T;
    type Plane = Split<T>;
    type Room = Centroids<T>;
    const MEASURE: Measure = Measure::Squares;
    const BY_PRODUCT: bool = true;

    fn all_finite(&self, row: Row<'_, T>) -> bool {
        self.kernels.all_finite(row)
    }

    fn item_extra(&self, _row: Row<'_, T>) -> T {
        // Known only when all items are: see `prepare`.
        T::ZERO
    }

    fn prepare(&self, items: &mut [u8], layout: &NodeLayout) {
        let largest = self.largest(&Nodes::new(items, layout));
        for bytes in items.chunks_exact_mut(layout.node_size) {
            // None is larger than the largest.
            self.prepare_one(&mut NodeMut::new(bytes, layout), largest);
        }
    }

    /// The largest square of a length.
    fn largest(&self, items: &Nodes<'_>) -> f64 {
        let mut largest = T::ZERO;
        for i in 0..items.count() {
            let squared = self.squared(items.get(i));
            if squared > largest {
                largest = squared;
            }
        }
        largest.to_f64()
    }

    fn prepare_one(&self, item: &mut NodeMut<'_>, largest: f64) -> bool {
        // A missing item stays all zeros.
        if item.as_ref().n_descendants() != 1 {
            return true;
        }
        let (squared, largest) = (self.squared(item.as_ref()), T::from_f64(largest));
        let missing = largest - squared;
        // Not finite where squares overflow.
        let extra = if missing > T::ZERO && missing.is_finite() {
            missing.sqrt()
        } else {
            T::ZERO
        };
        item.set_extra(extra);
        squared <= largest
    }

    /// The lengths. The extra coordinates in the nodes tell them by the difference of two squares,
    /// and nothing of most where one item is thousands of times as long.
    fn extras(&self, items: &Nodes<'_>) -> Result<Option<Vec<T>>> {
        let mut lengths = Vec::new();
        reserve(&mut lengths, items.count())?;
        lengths.extend((0..items.count()).map(|i| length(self.kernels, items.get(i).row())));
        Ok(Some(lengths))
    }

    const HAS_VARIANTS: bool = true;

    fn variants(&self, lengths: &[T]) -> Result<Vec<Vec<Self>>> {
        let mut lengths = memory::copy(lengths)?;
        lengths.sort_unstable_by(compare);
        let rank = |lengths: &[T], percent| lengths.get(lengths.len() * percent / 100).copied();
        let short = rank(&lengths, 95).map(|long| long / T::from_f64(SHORT));
        lengths.retain(|&length| short.is_none_or(|short| length > short));
        let ends = rank(&lengths, 5).zip(rank(&lengths, 95));
        let are_alike = ends.is_some_and(|(short, long)| long <= short * T::from_f64(ALIKE));
        let ways: [&[Rule]; 4] = if are_alike {
            [&[SPREAD, COMPLETED], &[SPREAD], &[DIRECTED], &[COMPLETED]]
        } else {
            [&[COMPLETED], &[DIRECTED], &[SPREAD, COMPLETED], &[PARTED]]
        };
        let with = |&rule: &Rule| Dot { rule, ..*self };
        memory::try_collect(ways.map(|way| memory::collect(way.iter().map(with))))
    }

    fn plane(&self) -> Result<Split<T>> {
        Ok(Split {
            plane: Plane::new(self.f)?,
            longer: None,
        })
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
        split: &mut Split<T>,
        centroids: &mut Centroids<T>,
    ) {
        let lengths = lengths(points, subset, random);
        let (short, middle, reach) = (lengths[LOW], lengths[MIDDLE], lengths[RANK]);
        split.longer = if reach > middle * T::from_f64(self.rule.parted) {
            Some(middle)
        } else if reach > short * T::from_f64(SHORT) {
            Some(reach / T::from_f64(SHORT))
        } else {
            None
        };
        if split.longer.is_some() {
            split.plane.flatten();
            return;
        }
        let plane = &mut split.plane;
        plane.reach = reach;
        let balance = self.rule.balance;
        let what = Clustered {
            kernels: self.kernels,
            points,
            subset,
            attempt,
        };
        let mut extras = if self.rule.completed {
            let completion = Completion::to(reach);
            let directions = |at| {
                let lengths = points.extras(at);
                Directions {
                    scales: lengths.map(|len| one_by(if len > reach { len } else { reach })),
                    extras: lengths.map(|len| completion.of(len)),
                }
            };
            two_means::by_angle(&what, random, balance, centroids, directions)
        } else {
            let directions = |at| Directions {
                scales: points.extras(at).map(one_by),
                extras: [T::ZERO; ROWS],
            };
            two_means::by_angle(&what, random, balance, centroids, directions)
        };
        self.level([middle, reach], &mut centroids.now, &mut extras);
        plane.take_difference(&centroids.now);
        plane.extra = extras[0] - extras[1];
        plane.normalize(self.kernels);
    }

    fn sides<P: Position>(
        &self,
        points: &Points<'_, T>,
        subset: &[P],
        split: &Split<T>,
        random: &mut Stream,
        right: &mut [bool],
    ) {
        let Some(longer) = split.longer else {
            return split
                .plane
                .sides(self.kernels, points, subset, random, right);
        };
        for (right, at) in right.iter_mut().zip(subset) {
            *right = points.extra(at.get()) > longer;
        }
    }

    fn flatten(&self, split: &mut Split<T>) {
        split.plane.flatten();
        split.longer = None;
    }

    fn store(&self, split: &Split<T>, node: &mut NodeMut<'_>) {
        split.plane.store(node);
        // A query's extra coordinate is 0, so the normal's plays no part in a search. Annoy 1.17
        // adds its square to every margin all the same: with 0 there, its answers from our file are
        // right as well. And with another number there it goes where we want it to.
        let is_parted = split.longer.is_some();
        node.set_extra(T::from_f64(if is_parted { FIRST } else { 0.0 }));
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

    /// Nothing but where a split has no direction: in files by Annoy 1.17 the number only harms.
    fn offset(&self, split: NodeRef<'_>) -> T {
        let extra = split.extra::<T>();
        let is_added = split.layout().flavor != Flavor::Main && extra != T::ZERO;
        if is_added && split.row::<T>().iter().all(|x| x == T::ZERO) {
            extra * extra
        } else {
            T::ZERO
        }
    }

    #[inline]
    fn distance(&self, query: &Query<'_, T>, item: NodeRef<'_>) -> u64 {
        let inner = self.kernels.dot(query.row, item.row());
        if inner.is_finite() {
            order::key((-inner).to_f64())
        } else {
            overflowed(query.row, item.row())
        }
    }

    fn report(&self, distance: u64) -> f64 {
        // `0.0 -` keeps an inner product of 0 from being reported as -0.
        0.0 - order::value(distance)
    }

    fn is_within(&self, distance: u64, most: f64) -> bool {
        self.report(distance) >= most
    }

    fn plausible_split(&self, node: NodeRef<'_>) -> std::result::Result<(), String> {
        plausible_normal::<T>(self.kernels, node, true)
    }

    fn plausible_item(&self, node: NodeRef<'_>) -> std::result::Result<(), String> {
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
