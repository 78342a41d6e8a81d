//! Clustering in two by Annoy's one-pass k-means: the heuristic and its weights are inherited.
//!
//! Annoy takes 200 steps, each of which waits for the one before. Here they are taken in rounds: the vectors of a round are
//! compared with the centroids as they are, and then join them. A round of eight costs little more than a single step.
//! The first rounds are smaller, because then centroids still move a lot; with eights from the start recall falls.
//!
//! The more vectors the means are of, the less chance there is in the direction of the split, and the more is found. So
//! large subsets, which are few, are given more than 200 steps and small ones, which are many, fewer: three for every four
//! items, within bounds. recall@10 with 10 trees at search_k 1,000, means of some seeds, 200 single steps against this:
//! 399,000 word vectors x 50, angular 0.523, 0.534; euclidean 0.499, 0.507; 1,000,000 x 128, euclidean 0.856, 0.883.

use super::Position;
use crate::kernel::{prefetch, Float, FloatKernels, Padded, Row, ROWS};
use crate::layout::Points;
use crate::rng::Stream;

/// Sizes of the first rounds; all others are of [`ROWS`].
const RAMP: [usize; 8] = [2, 2, 2, 2, 4, 4, 4, 4];

/// Bounds of the number of steps. The lower one is a metric's own.
pub const FEW_STEPS: usize = 104;
const MOST_STEPS: usize = 512;

/// Two different random positions of the subset.
fn two_of<P: Position>(subset: &[P], random: &mut Stream) -> [usize; 2] {
    let i = random.index(subset.len());
    let j = random.index(subset.len() - 1);
    let j = if j >= i { j + 1 } else { j };
    [subset[i].get(), subset[j].get()]
}

/// The vectors that the steps look at, in rounds. Drawn up front so that they can be asked for ahead of time.
struct Draws {
    positions: [usize; MOST_STEPS],
    count: usize,
}

impl Draws {
    fn new<P: Position>(subset: &[P], least: usize, random: &mut Stream) -> Self {
        let wanted = (subset.len() / 4 * 3).clamp(least, MOST_STEPS);
        // Whole rounds.
        let ramp: usize = RAMP.iter().sum();
        let count = ramp + (wanted - ramp) / ROWS * ROWS;
        let mut positions = [0; MOST_STEPS];
        for position in &mut positions[..count] {
            *position = subset[random.index(subset.len())].get();
        }
        Draws { positions, count }
    }

    /// The rounds: how many vectors count, their positions, and the vectors; smaller rounds are filled up.
    fn rounds<'p, T: Float>(
        &self,
        points: &'p Points<'_, T>,
    ) -> impl Iterator<Item = (usize, [usize; ROWS], [Row<'p, T>; ROWS])> + use<'_, 'p, T> {
        let mut left = &self.positions[..self.count];
        let mut ramp = RAMP.into_iter();
        std::iter::from_fn(move || {
            let size = ramp.next().unwrap_or(ROWS);
            let (round, behind) = left.split_at_checked(size)?;
            left = behind;
            for &soon in behind.iter().take(ROWS) {
                prefetch(points.row(soon).bytes());
            }
            let mut positions = [round[0]; ROWS];
            positions[..size].copy_from_slice(round);
            Some((size, positions, points.rows(positions)))
        })
    }
}

/// What the angle to an item is measured by.
#[derive(Clone, Copy, Default)]
pub struct Direction<T> {
    /// One by the vector's length; 0 for a vector of no direction.
    pub scale: T,
    /// Its coordinate in the extra dimension.
    pub extra: T,
}

/// One by the length of a vector with this squared length; 0 where that cannot be told.
#[inline]
pub fn scale_of<T: Float>(squared_norm: T) -> T {
    if squared_norm >= T::SMALLEST_SQUARE && squared_norm.is_finite() {
        T::ONE / squared_norm.sqrt()
    } else {
        T::ZERO
    }
}

/// Clusters by angle, in the space of the vectors and their extra coordinate (0 for angular). Leaves the mean unit
/// vectors in `p` and `q` and returns their extra coordinates.
pub fn by_angle<T: Float, P: Position>(
    kernels: &FloatKernels<T>,
    points: &Points<'_, T>,
    subset: &[P],
    random: &mut Stream,
    [p, q]: &mut [Padded<T>; 2],
    direction: impl Fn(usize) -> Direction<T>,
) -> [T; 2] {
    let len = points.len();
    // Sums of unit vectors: the cosine does not see their length.
    let mut extras = [T::ZERO; 2];
    let mut counts = [T::ONE; 2];
    for (c, (sum, at)) in [&mut *p, &mut *q]
        .into_iter()
        .zip(two_of(subset, random))
        .enumerate()
    {
        let direction = direction(at);
        sum.copy_from(points.row(at));
        for x in sum.iter_mut() {
            *x *= direction.scale;
        }
        extras[c] = direction.extra * direction.scale;
    }
    let mut squares = [p.row(len), q.row(len)].map(|sum| kernels.dot(sum, sum));
    let two = T::ONE + T::ONE;
    for (size, positions, rows) in Draws::new(subset, FEW_STEPS, random).rounds(points) {
        let inner = kernels.dot_pairs(&rows, [p.row(len), q.row(len)]);
        let scales = [0, 1].map(|c| scale_of(squares[c] + extras[c] * extras[c]));
        let mut directions = [Direction::default(); ROWS];
        for (found, at) in directions.iter_mut().zip(positions) {
            *found = direction(at);
        }
        let mut weights = [[T::ZERO; 2]; ROWS];
        for ((weights, inner), direction) in
            weights.iter_mut().zip(inner).zip(&directions).take(size)
        {
            // Annoy's weighted distance, `count * (2 - 2 cos)`.
            let distance = |c: usize| {
                let cos = (inner[c] + extras[c] * direction.extra) * direction.scale * scales[c];
                counts[c] * (two - two * cos)
            };
            let (to_p, to_q) = (distance(0), distance(1));
            weights[0] = if to_p < to_q {
                direction.scale
            } else {
                T::ZERO
            };
            weights[1] = if to_q < to_p {
                direction.scale
            } else {
                T::ZERO
            };
        }
        squares = kernels.blend([&mut *p, &mut *q], [T::ONE; 2], &rows, &weights);
        for (weights, direction) in weights.iter().zip(&directions) {
            for c in 0..2 {
                extras[c] += weights[c] * direction.extra;
                counts[c] += if weights[c] > T::ZERO {
                    T::ONE
                } else {
                    T::ZERO
                };
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

/// Clusters by a distance between vectors, `distances(rows, centroids)`, in `least` steps or more. Leaves the means in `p`
/// and `q`.
pub fn by_distance<T: Float, P: Position>(
    kernels: &FloatKernels<T>,
    points: &Points<'_, T>,
    subset: &[P],
    least: usize,
    random: &mut Stream,
    [p, q]: &mut [Padded<T>; 2],
    distances: impl Fn(&[Row<'_, T>; ROWS], [Row<'_, T>; 2]) -> [[T; 2]; ROWS],
) {
    let [i, j] = two_of(subset, random);
    p.copy_from(points.row(i));
    q.copy_from(points.row(j));
    let mut counts = [T::ONE; 2];
    for (size, _, rows) in Draws::new(subset, least, random).rounds(points) {
        let len = points.len();
        let found = distances(&rows, [p.row(len), q.row(len)]);
        let mut weights = [[T::ZERO; 2]; ROWS];
        let mut joined = [T::ZERO; 2];
        for (weights, [to_p, to_q]) in weights.iter_mut().zip(found).take(size) {
            let (to_p, to_q) = (counts[0] * to_p, counts[1] * to_q);
            weights[0] = if to_p < to_q { T::ONE } else { T::ZERO };
            weights[1] = if to_q < to_p { T::ONE } else { T::ZERO };
            joined[0] += weights[0];
            joined[1] += weights[1];
        }
        counts[0] += joined[0];
        counts[1] += joined[1];
        // The mean of all: of those before, and of those that joined.
        let share = counts.map(|count| T::ONE / count);
        for weights in &mut weights {
            weights[0] *= share[0];
            weights[1] *= share[1];
        }
        let keep = [0, 1].map(|c| (counts[c] - joined[c]) * share[c]);
        kernels.blend([&mut *p, &mut *q], keep, &rows, &weights);
    }
}
