//! Clustering in two by Annoy's one-pass k-means: the heuristic and its weights are inherited.
//!
//! Annoy takes 200 steps, each of which waits for the one before. Here they are taken in rounds:
//! the vectors of a round are compared with the centroids as they are, and then join them. A round
//! of eight costs little more than a single step. The first rounds are smaller, because then
//! centroids still move a lot; with eights from the start recall falls.
//!
//! The more vectors the means are of, the less chance there is in the direction of the split, and
//! the more one tree finds. In a small subset, as most are, the best means are those of all: there
//! a few steps only tell the two clusters apart, then each vector joins the nearer one, and these
//! means, without a vector drawn twice, are the centroids (Lloyd's step). Against 200 steps for all
//! subsets, ten trees find 0.002 more of the nearest, and are built in nine tenths of the time.
//!
//! In large subsets it takes three steps for every four vectors, up to a bound. With more, trees
//! are alike where the data has few directions, and several find less: with 512 steps ten trees
//! found 0.809 of the nearest among 100,000 x 128 in clusters, euclidean, at search_k 1,000, where
//! 264 found 0.829 and Annoy's 200 0.823. `tests/gauntlet/equal.py` compares with Annoy.
//!
//! The steps draw vectors at random, some of them more than once. Drawn without replacement they
//! find as much among gaussian vectors, and less in clusters and with outliers: of Cauchy's
//! distribution, manhattan, 0.42 in place of 0.53.

use super::Position;
use crate::error::Result;
use crate::kernel::{Eight, Float, FloatKernels, Padded, Row, ROWS};
use crate::layout::Points;
use crate::rng::Stream;

/// Sizes of the first rounds; all others are of [`ROWS`]. In large subsets they grow later: with
/// the shorter ones ten trees find 0.007 less among 19,000 sparse counts of letters.
const RAMP: [usize; 8] = [2, 2, 2, 2, 4, 4, 4, 4];
/// The same in small subsets.
const RAMP_OF_SMALL: [usize; 5] = [2, 2, 2, 4, 4];

/// The most steps, unless a metric has its own bound.
pub const STEPS: usize = 264;
/// The most that a metric may have.
pub const MOST_STEPS: usize = 512;

/// The most vectors of a small subset. Of 300 a step with all costs more than it saves.
const SMALL: usize = 192;
/// Steps in a small subset: with 56 recall falls, with 104 it rises by 0.002.
const STEPS_OF_SMALL: usize = 70;

/// Two different random positions of the subset.
fn two_of<P: Position>(subset: &[P], random: &mut Stream) -> [usize; 2] {
    let i = random.index(subset.len());
    let j = random.index(subset.len() - 1);
    let j = if j >= i { j + 1 } else { j };
    [subset[i].get(), subset[j].get()]
}

/// The most rounds: the first ones and those of [`ROWS`].
const MOST_ROUNDS: usize = RAMP.len() + (MOST_STEPS - sum(&RAMP)) / ROWS;

/// Steps of the first rounds.
const fn sum(ramp: &[usize]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < ramp.len() {
        sum += ramp[i];
        i += 1;
    }
    sum
}

/// The vectors that the steps look at, in rounds. Drawn up front so that they can be asked for
/// ahead of time.
struct Draws {
    /// Positions; smaller rounds are filled up with their first.
    rounds: [[usize; ROWS]; MOST_ROUNDS],
    count: usize,
    ramp: &'static [usize],
}

impl Draws {
    fn new<P: Position>(subset: &[P], most: usize, random: &mut Stream) -> Self {
        let (ramp, wanted): (&'static [usize], _) = match subset.len() {
            0..=SMALL => (&RAMP_OF_SMALL, STEPS_OF_SMALL),
            len => (&RAMP, (len / 4 * 3).min(most)),
        };
        // Whole rounds.
        let count = ramp.len() + (wanted - sum(ramp)) / ROWS;
        let mut rounds = [[0; ROWS]; MOST_ROUNDS];
        let (first, others) = rounds[..count].split_at_mut(ramp.len());
        let mut draw = || subset[random.index(subset.len())].get();
        for (round, &size) in first.iter_mut().zip(ramp) {
            *round = [draw(); ROWS];
            for position in &mut round[1..size] {
                *position = draw();
            }
        }
        for position in others.as_flattened_mut() {
            *position = draw();
        }
        Draws {
            rounds,
            count,
            ramp,
        }
    }

    /// The rounds, in turn.
    fn rounds<'p, T: Float>(
        &self,
        points: &'p Points<'_, T>,
    ) -> impl Iterator<Item = Round<'p, T>> + use<'_, 'p, T> {
        let rounds = &self.rounds[..self.count];
        rounds.iter().enumerate().map(move |(i, &positions)| {
            if let Some(&soon) = rounds.get(i + 1) {
                points.prefetch(soon);
            }
            let size = self.ramp.get(i).map_or(ROWS, |&size| size);
            Round::new(points, positions, size)
        })
    }
}

/// Vectors that are compared with the centroids as they are.
struct Round<'p, T> {
    positions: [usize; ROWS],
    rows: Eight<'p, T>,
    /// How many of them count.
    size: usize,
}

impl<'p, T: Float> Round<'p, T> {
    fn new(points: &'p Points<'_, T>, positions: [usize; ROWS], size: usize) -> Self {
        Round {
            positions,
            rows: points.eight(positions),
            size,
        }
    }

    /// All vectors of a subset.
    fn of_all<'a, 's, P: Position>(
        points: &'p Points<'a, T>,
        subset: &'s [P],
    ) -> impl Iterator<Item = Self> + use<'p, 's, 'a, T, P> {
        subset.chunks(ROWS).map(|some| {
            let at = |i: usize| some[i.min(some.len() - 1)].get();
            Round::new(points, std::array::from_fn(at), some.len())
        })
    }
}

/// What is clustered.
pub struct Clustered<'a, T: 'static, P> {
    pub kernels: &'a FloatKernels<T>,
    pub points: &'a Points<'a, T>,
    pub subset: &'a [P],
    /// How many planes of this subset left nearly all on one side.
    pub attempt: usize,
}

impl<T, P> Clustered<'_, T, P> {
    /// Whether all vectors join at the end. Not when they did in vain: their means would be the
    /// same once more, and those of a few steps are other ones.
    fn takes_all(&self) -> bool {
        self.subset.len() <= SMALL && self.attempt == 0
    }
}

/// Room for a clustering: the centroids, and those that come after them.
pub struct Centroids<T> {
    pub now: [Padded<T>; 2],
    next: [Padded<T>; 2],
}

impl<T: Float> Centroids<T> {
    /// For vectors of `f` numbers.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn new(f: usize) -> Result<Self> {
        let two = || -> Result<_> { Ok([Padded::zeros(f)?, Padded::zeros(f)?]) };
        Ok(Centroids {
            now: two()?,
            next: two()?,
        })
    }
}

/// What the angles to eight items are measured by.
pub struct Directions<T> {
    /// One by each vector's length; 0 for a vector of no direction.
    pub scales: [T; ROWS],
    /// Their coordinates in the extra dimension.
    pub extras: [T; ROWS],
}

/// One by the length of a vector with this squared length; 0 where that cannot be told.
#[inline]
pub fn scale_of<T: Float>(squared_norm: T) -> T {
    // Computed in any case: a choice between two numbers can be made for several at once.
    let scale = T::ONE / squared_norm.sqrt();
    if squared_norm >= T::SMALLEST_SQUARE && squared_norm.is_finite() {
        scale
    } else {
        T::ZERO
    }
}

/// What keeps a cluster from taking all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Balance {
    /// A distance counts as often as its cluster has members: Annoy's rule. Where all angles are
    /// about right ones, it is their numbers rather than the angles that decide.
    Counts,
    /// Nothing. Where all angles are acute, one cluster may take all.
    Free,
}

/// Two sums of unit vectors, but for the vectors themselves.
#[derive(Clone, Copy)]
struct Sums<T> {
    /// Their coordinates in the extra dimension.
    extras: [T; 2],
    /// Their squared lengths without it.
    squares: [T; 2],
    /// How many vectors they are of.
    counts: [T; 2],
}

/// Clusters by angle, in the space of the vectors and their extra coordinate (0 for angular).
/// Leaves the mean unit vectors in `centroids` and returns their extra coordinates.
pub fn by_angle<T: Float, P: Position>(
    what: &Clustered<'_, T, P>,
    random: &mut Stream,
    balance: Balance,
    Centroids { now, next }: &mut Centroids<T>,
    directions: impl Fn([usize; ROWS]) -> Directions<T>,
) -> [T; 2] {
    let Clustered {
        kernels,
        points,
        subset,
        ..
    } = *what;
    let len = points.len();
    // Sums of unit vectors: the cosine does not see their length.
    let [i, j] = two_of(subset, random);
    let first = directions([i, j, j, j, j, j, j, j]);
    for ((sum, at), scale) in now.iter_mut().zip([i, j]).zip(first.scales) {
        sum.copy_from(points.row(at));
        for x in sum.iter_mut() {
            *x *= scale;
        }
    }
    let mut sums = Sums {
        extras: [0, 1].map(|c| first.extras[c] * first.scales[c]),
        squares: [&now[0], &now[1]].map(|sum| kernels.dot(sum.row(len), sum.row(len))),
        counts: [T::ONE; 2],
    };
    let two = T::ONE + T::ONE;
    // What each vector adds to the sums near it.
    let compare =
        |[p, q]: &[Padded<T>; 2], sums: &Sums<T>, round: &Round<'_, T>, items: &Directions<T>| {
            let inner = kernels.dot_pairs(&round.rows, [p.row(len), q.row(len)]);
            let factors = match balance {
                Balance::Counts => sums.counts,
                Balance::Free => [T::ONE; 2],
            };
            // Annoy's weighted distance, `count * (2 - 2 cos)`. Loops over eight without a branch:
            // several at once.
            let mut distances = [[T::ZERO; ROWS]; 2];
            for c in 0..2 {
                let scale = scale_of(sums.squares[c] + sums.extras[c] * sums.extras[c]);
                for r in 0..ROWS {
                    let cos =
                        (inner[c][r] + sums.extras[c] * items.extras[r]) * items.scales[r] * scale;
                    distances[c][r] = factors[c] * (two - two * cos);
                }
            }
            nearer(&distances, &items.scales, round.size)
        };
    let join = |[p, q]: &mut [Padded<T>; 2],
                sums: &mut Sums<T>,
                rows: &Eight<'_, T>,
                weights: &[[T; ROWS]; 2],
                items: &Directions<T>| {
        sums.squares = kernels.blend([p, q], [T::ONE; 2], rows, weights);
        for (c, weights) in weights.iter().enumerate() {
            for (&weight, &extra) in weights.iter().zip(&items.extras) {
                sums.extras[c] += weight * extra;
                sums.counts[c] += if weight > T::ZERO { T::ONE } else { T::ZERO };
            }
        }
    };
    for round in Draws::new(subset, STEPS, random).rounds(points) {
        let items = directions(round.positions);
        let weights = compare(now, &sums, &round, &items);
        join(now, &mut sums, &round.rows, &weights, &items);
    }
    if what.takes_all() {
        let mut all = Sums {
            extras: [T::ZERO; 2],
            squares: [T::ZERO; 2],
            counts: [T::ZERO; 2],
        };
        next.iter_mut().for_each(|sum| sum.fill(T::ZERO));
        for round in Round::of_all(points, subset) {
            let items = directions(round.positions);
            let weights = compare(now, &sums, &round, &items);
            join(next, &mut all, &round.rows, &weights, &items);
        }
        if both(all.counts) {
            std::mem::swap(now, next);
            sums = all;
        }
    }
    for (sum, count) in now.iter_mut().zip(sums.counts) {
        let scale = T::ONE / count;
        for x in sum.iter_mut() {
            *x *= scale;
        }
    }
    [0, 1].map(|c| sums.extras[c] / sums.counts[c])
}

/// The weight of each of the first `size` items for the centroid that it is nearer to; 0 for the
/// other centroid, for both when neither is, and for the items behind.
#[inline]
fn nearer<T: Float>(
    distances: &[[T; ROWS]; 2],
    weights: &[T; ROWS],
    size: usize,
) -> [[T; ROWS]; 2] {
    let [to_p, to_q] = distances;
    let mut chosen = [[T::ZERO; ROWS]; 2];
    for r in 0..ROWS {
        chosen[0][r] = if to_p[r] < to_q[r] {
            weights[r]
        } else {
            T::ZERO
        };
        chosen[1][r] = if to_q[r] < to_p[r] {
            weights[r]
        } else {
            T::ZERO
        };
    }
    if size < ROWS {
        for chosen in &mut chosen {
            chosen[size..].fill(T::ZERO);
        }
    }
    chosen
}

/// Clusters by a distance between vectors, `distances(rows, centroids)`, in so many steps at the
/// most. Leaves the means in `centroids`.
pub fn by_distance<T: Float, P: Position>(
    what: &Clustered<'_, T, P>,
    steps: usize,
    random: &mut Stream,
    Centroids { now, next }: &mut Centroids<T>,
    distances: impl Fn(&Eight<'_, T>, [Row<'_, T>; 2]) -> [[T; ROWS]; 2],
) {
    let Clustered {
        kernels,
        points,
        subset,
        ..
    } = *what;
    let len = points.len();
    for (mean, at) in now.iter_mut().zip(two_of(subset, random)) {
        mean.copy_from(points.row(at));
    }
    let mut counts = [T::ONE; 2];
    let compare = |[p, q]: &[Padded<T>; 2], counts: &[T; 2], round: &Round<'_, T>| {
        let mut found = distances(&round.rows, [p.row(len), q.row(len)]);
        for c in 0..2 {
            for distance in &mut found[c] {
                *distance = counts[c] * *distance;
            }
        }
        nearer(&found, &[T::ONE; ROWS], round.size)
    };
    let join = |[p, q]: &mut [Padded<T>; 2],
                counts: &mut [T; 2],
                rows: &Eight<'_, T>,
                mut weights: [[T; ROWS]; 2]| {
        let joined = weights.map(|weights| weights.into_iter().fold(T::ZERO, |sum, w| sum + w));
        let mut keep = [T::ONE; 2];
        for c in 0..2 {
            // The mean of all: of those before, and of those that joined.
            let count = counts[c] + joined[c];
            let share = if count > T::ZERO {
                T::ONE / count
            } else {
                T::ZERO
            };
            for weight in &mut weights[c] {
                *weight *= share;
            }
            keep[c] = counts[c] * share;
            counts[c] = count;
        }
        kernels.blend([p, q], keep, rows, &weights);
    };
    for round in Draws::new(subset, steps, random).rounds(points) {
        let weights = compare(now, &counts, &round);
        join(now, &mut counts, &round.rows, weights);
    }
    if what.takes_all() {
        let mut all = [T::ZERO; 2];
        next.iter_mut().for_each(|mean| mean.fill(T::ZERO));
        for round in Round::of_all(points, subset) {
            let weights = compare(now, &counts, &round);
            join(next, &mut all, &round.rows, weights);
        }
        if both(all) {
            std::mem::swap(now, next);
        }
    }
}

/// Whether either cluster has members.
fn both<T: Float>(counts: [T; 2]) -> bool {
    counts.into_iter().all(|count| count > T::ZERO)
}
