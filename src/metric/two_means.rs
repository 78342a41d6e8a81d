//! Clustering in two by Annoy's one-pass k-means: the heuristic and its weights are inherited.
//!
//! Annoy takes 200 steps, each of which waits for the one before. Here they are taken in rounds: the vectors of a round
//! are compared with the centroids as they are, and then join them. A round of eight costs little more than a single
//! step. The first rounds are smaller, because then centroids still move a lot; with eights from the start recall
//! falls.
//!
//! The more vectors the means are of, the less chance there is in the direction of the split, and the more one tree
//! finds. But then the trees are alike where the data has few directions, and several find less: with 512 steps at the
//! most ten trees found 0.809 of the nearest among 100,000 x 128 in clusters, euclidean, at search_k 1,000, where 264
//! found 0.829 and Annoy's 200 0.823. So there are bounds: three steps for every four items, no fewer than Annoy takes,
//! and no more than below. `tests/gauntlet/equal.py` compares with Annoy.
//!
//! Vectors are drawn at random, some of them more than once. Drawn without replacement they find as much among gaussian
//! vectors, and less in clusters and with outliers: of Cauchy's distribution, manhattan, 0.42 in place of 0.53.

use super::Position;
use crate::kernel::{Eight, Float, FloatKernels, Padded, Row, ROWS};
use crate::layout::Points;
use crate::rng::Stream;

/// Sizes of the first rounds; all others are of [`ROWS`].
const RAMP: [usize; 8] = [2, 2, 2, 2, 4, 4, 4, 4];

/// Bounds of the number of steps, unless a metric has its own.
pub const STEPS: [usize; 2] = [200, 264];
/// The most that a metric may have.
pub const MOST_STEPS: usize = 512;

/// Two different random positions of the subset.
fn two_of<P: Position>(subset: &[P], random: &mut Stream) -> [usize; 2] {
    let i = random.index(subset.len());
    let j = random.index(subset.len() - 1);
    let j = if j >= i { j + 1 } else { j };
    [subset[i].get(), subset[j].get()]
}

/// The most rounds: the first ones and those of [`ROWS`].
const MOST_ROUNDS: usize = RAMP.len() + (MOST_STEPS - FIRST_STEPS) / ROWS;

/// Steps of the first rounds.
const FIRST_STEPS: usize = {
    let (mut sum, mut i) = (0, 0);
    while i < RAMP.len() {
        sum += RAMP[i];
        i += 1;
    }
    sum
};

/// The vectors that the steps look at, in rounds. Drawn up front so that they can be asked for ahead of time.
struct Draws {
    /// Positions; smaller rounds are filled up with their first.
    rounds: [[usize; ROWS]; MOST_ROUNDS],
    count: usize,
}

impl Draws {
    fn new<P: Position>(subset: &[P], [least, most]: [usize; 2], random: &mut Stream) -> Self {
        let wanted = (subset.len() / 4 * 3).clamp(least, most);
        // Whole rounds.
        let count = RAMP.len() + (wanted - FIRST_STEPS) / ROWS;
        let mut rounds = [[0; ROWS]; MOST_ROUNDS];
        let (first, others) = rounds[..count].split_at_mut(RAMP.len());
        let mut draw = || subset[random.index(subset.len())].get();
        for (round, size) in first.iter_mut().zip(RAMP) {
            *round = [draw(); ROWS];
            for position in &mut round[1..size] {
                *position = draw();
            }
        }
        for position in others.as_flattened_mut() {
            *position = draw();
        }
        Draws { rounds, count }
    }

    /// The rounds: how many vectors count, their positions, and the vectors.
    fn rounds<'p, T: Float>(
        &self,
        points: &'p Points<'_, T>,
    ) -> impl Iterator<Item = (usize, [usize; ROWS], Eight<'p, T>)> + use<'_, 'p, T> {
        let rounds = &self.rounds[..self.count];
        rounds.iter().enumerate().map(move |(i, &positions)| {
            if let Some(&soon) = rounds.get(i + 1) {
                points.prefetch(soon);
            }
            let size = RAMP.get(i).map_or(ROWS, |&size| size);
            (size, positions, points.eight(positions))
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
    /// A distance counts as often as its cluster has members: Annoy's rule. Where all angles are about right ones, it
    /// is their numbers rather than the angles that decide.
    Counts,
    /// Nothing. Where all angles are acute, one cluster may take all.
    Free,
}

/// Clusters by angle, in the space of the vectors and their extra coordinate (0 for angular). Leaves the mean unit
/// vectors in `p` and `q` and returns their extra coordinates.
pub fn by_angle<T: Float, P: Position>(
    kernels: &FloatKernels<T>,
    points: &Points<'_, T>,
    subset: &[P],
    random: &mut Stream,
    balance: Balance,
    [p, q]: &mut [Padded<T>; 2],
    directions: impl Fn([usize; ROWS]) -> Directions<T>,
) -> [T; 2] {
    let len = points.len();
    // Sums of unit vectors: the cosine does not see their length.
    let [i, j] = two_of(subset, random);
    let first = directions([i, j, j, j, j, j, j, j]);
    let mut extras = [0, 1].map(|c| first.extras[c] * first.scales[c]);
    let mut counts = [T::ONE; 2];
    for ((sum, at), scale) in [&mut *p, &mut *q].into_iter().zip([i, j]).zip(first.scales) {
        sum.copy_from(points.row(at));
        for x in sum.iter_mut() {
            *x *= scale;
        }
    }
    let mut squares = [p.row(len), q.row(len)].map(|sum| kernels.dot(sum, sum));
    let two = T::ONE + T::ONE;
    for (size, positions, rows) in Draws::new(subset, STEPS, random).rounds(points) {
        let items = directions(positions);
        let inner = kernels.dot_pairs(&rows, [p.row(len), q.row(len)]);
        let factors = match balance {
            Balance::Counts => counts,
            Balance::Free => [T::ONE; 2],
        };
        // Annoy's weighted distance, `count * (2 - 2 cos)`. Loops over eight without a branch: several at once.
        let mut distances = [[T::ZERO; ROWS]; 2];
        for c in 0..2 {
            let scale = scale_of(squares[c] + extras[c] * extras[c]);
            for r in 0..ROWS {
                let cos = (inner[c][r] + extras[c] * items.extras[r]) * items.scales[r] * scale;
                distances[c][r] = factors[c] * (two - two * cos);
            }
        }
        let weights = nearer(&distances, &items.scales, size);
        squares = kernels.blend([&mut *p, &mut *q], [T::ONE; 2], &rows, &weights);
        for c in 0..2 {
            for (&weight, &extra) in weights[c].iter().zip(&items.extras) {
                extras[c] += weight * extra;
                counts[c] += if weight > T::ZERO { T::ONE } else { T::ZERO };
            }
        }
    }
    for (sum, count) in [p, q].into_iter().zip(counts) {
        let scale = T::ONE / count;
        for x in sum.iter_mut() {
            *x *= scale;
        }
    }
    [extras[0] / counts[0], extras[1] / counts[1]]
}

/// The weight of each of the first `size` items for the centroid that it is nearer to; 0 for the other centroid, for
/// both when neither is, and for the items behind.
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

/// Clusters by a distance between vectors, `distances(rows, centroids)`, with these bounds of steps. Leaves the means
/// in `p` and `q`.
pub fn by_distance<T: Float, P: Position>(
    kernels: &FloatKernels<T>,
    points: &Points<'_, T>,
    subset: &[P],
    steps: [usize; 2],
    random: &mut Stream,
    [p, q]: &mut [Padded<T>; 2],
    distances: impl Fn(&Eight<'_, T>, [Row<'_, T>; 2]) -> [[T; ROWS]; 2],
) {
    let [i, j] = two_of(subset, random);
    p.copy_from(points.row(i));
    q.copy_from(points.row(j));
    let mut counts = [T::ONE; 2];
    for (size, _, rows) in Draws::new(subset, steps, random).rounds(points) {
        let len = points.len();
        let mut found = distances(&rows, [p.row(len), q.row(len)]);
        for c in 0..2 {
            for distance in &mut found[c] {
                *distance = counts[c] * *distance;
            }
        }
        let mut weights = nearer(&found, &[T::ONE; ROWS], size);
        let joined = weights.map(|weights| weights.into_iter().fold(T::ZERO, |sum, w| sum + w));
        let mut keep = [T::ONE; 2];
        for c in 0..2 {
            // The mean of all: of those before, and of those that joined.
            let count = counts[c] + joined[c];
            let share = T::ONE / count;
            for weight in &mut weights[c] {
                *weight *= share;
            }
            keep[c] = counts[c] * share;
            counts[c] = count;
        }
        kernels.blend([&mut *p, &mut *q], keep, &rows, &weights);
    }
}
