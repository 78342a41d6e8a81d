//! Clustering in two by Annoy's one-pass k-means: the heuristic, its 200 steps and its weights are inherited.

use super::Position;
use crate::kernel::{prefetch, Float, FloatKernels, Padded, Row};
use crate::layout::Points;
use crate::rng::Stream;

const STEPS: usize = 200;

/// Two different random positions of the subset.
fn two_of<P: Position>(subset: &[P], random: &mut Stream) -> (usize, usize) {
    let i = random.index(subset.len());
    let j = random.index(subset.len() - 1);
    let j = if j >= i { j + 1 } else { j };
    (subset[i].get(), subset[j].get())
}

/// The positions that the steps look at, drawn up front so that their vectors can be asked for ahead of time.
fn draw<P: Position>(subset: &[P], random: &mut Stream) -> [usize; STEPS] {
    std::array::from_fn(|_| subset[random.index(subset.len())].get())
}

fn prefetch_draw<T: Float>(points: &Points<'_, T>, draws: &[usize; STEPS], i: usize) {
    if let Some(&soon) = draws.get(i + 4) {
        prefetch(points.row(soon).bytes());
    }
}

/// One centroid on the sphere, kept as a sum of unit vectors: the cosine does not see its length.
struct Direction<'a, T> {
    sum: &'a mut Padded<T>,
    extra: T,
    squared_norm: T,
    /// Its square root.
    norm: T,
    count: T,
}

impl<'a, T: Float> Direction<'a, T> {
    fn start(
        kernels: &FloatKernels<T>,
        sum: &'a mut Padded<T>,
        x: Row<'_, T>,
        extra: T,
        norm: T,
    ) -> Self {
        sum.fill(T::ZERO);
        let mut start = Direction {
            sum,
            extra: T::ZERO,
            squared_norm: T::ZERO,
            norm: T::ZERO,
            count: T::ONE,
        };
        if norm > T::ZERO {
            let scale = T::ONE / norm;
            kernels.add_scaled(start.sum, x, scale);
            start.extra = extra * scale;
            start.squared_norm = T::ONE;
            start.norm = T::ONE;
        }
        start
    }

    /// Annoy's weighted distance, `count * (2 - 2 cos)`, from the inner product with x.
    fn distance(&self, inner: T, norm: T) -> T {
        let two = T::ONE + T::ONE;
        let cos = if self.norm > T::ZERO {
            inner / (self.norm * norm)
        } else {
            T::ZERO
        };
        self.count * (two - two * cos)
    }

    fn add(&mut self, kernels: &FloatKernels<T>, x: Row<'_, T>, extra: T, inner: T, norm: T) {
        let scale = T::ONE / norm;
        kernels.add_scaled(self.sum, x, scale);
        self.extra += extra * scale;
        // |s + u|^2 = |s|^2 + 2 s.u + 1
        self.squared_norm += (inner + inner) * scale + T::ONE;
        self.norm = self.squared_norm.sqrt();
        self.count += T::ONE;
    }

    fn mean(&mut self) -> T {
        let scale = T::ONE / self.count;
        for x in self.sum.iter_mut() {
            *x *= scale;
        }
        self.extra * scale
    }
}

/// Clusters by angle, in the space of the vectors and their extra coordinate (0 for angular). Leaves the mean unit
/// vectors in `p` and `q` and returns their extra coordinates. `norm` gives the length of the item at a position.
pub fn by_angle<T: Float, P: Position>(
    kernels: &FloatKernels<T>,
    points: &Points<'_, T>,
    subset: &[P],
    random: &mut Stream,
    (p, q): (&mut Padded<T>, &mut Padded<T>),
    item: impl Fn(usize) -> (T, T),
) -> (T, T) {
    let (i, j) = two_of(subset, random);
    let (norm, extra) = item(i);
    let mut p = Direction::start(kernels, p, points.row(i), extra, norm);
    let (norm, extra) = item(j);
    let mut q = Direction::start(kernels, q, points.row(j), extra, norm);
    let draws = draw(subset, random);
    for (i, &at) in draws.iter().enumerate() {
        prefetch_draw(points, &draws, i);
        let (norm, extra) = item(at);
        let has_direction = norm > T::ZERO;
        if !has_direction {
            continue;
        }
        let x = points.row(at);
        let (xp, xq) = kernels.dot2(x, p.sum.row(), q.sum.row());
        let (xp, xq) = (xp + extra * p.extra, xq + extra * q.extra);
        let (dp, dq) = (p.distance(xp, norm), q.distance(xq, norm));
        if dp < dq {
            p.add(kernels, x, extra, xp, norm);
        } else if dq < dp {
            q.add(kernels, x, extra, xq, norm);
        }
    }
    (p.mean(), q.mean())
}

/// Clusters by a distance between vectors, `distances(x, p, q)`. Leaves the means in `p` and `q`.
pub fn by_distance<T: Float, P: Position>(
    kernels: &FloatKernels<T>,
    points: &Points<'_, T>,
    subset: &[P],
    random: &mut Stream,
    (p, q): (&mut Padded<T>, &mut Padded<T>),
    distances: impl Fn(Row<'_, T>, Row<'_, T>, Row<'_, T>) -> (T, T),
) {
    let (i, j) = two_of(subset, random);
    points.row(i).copy_to(p);
    points.row(j).copy_to(q);
    let (mut count_p, mut count_q) = (T::ONE, T::ONE);
    let draws = draw(subset, random);
    for (i, &at) in draws.iter().enumerate() {
        prefetch_draw(points, &draws, i);
        let x = points.row(at);
        let (dp, dq) = distances(x, p.row(), q.row());
        let (dp, dq) = (count_p * dp, count_q * dq);
        if dp < dq {
            count_p += T::ONE;
            kernels.move_toward(p, x, T::ONE / count_p);
        } else if dq < dp {
            count_q += T::ONE;
            kernels.move_toward(q, x, T::ONE / count_q);
        }
    }
}
