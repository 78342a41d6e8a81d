//! Places in two dimensions for rows of numbers: their two principal components, and from there
//! UMAP's forces (McInnes, Healy and Melville, 2018): neighbours attract each other, others repel.
//!
//! Nothing here is random but by the seed, and one thread does it all, so that the same items give
//! the same map on the same machine. (The crates that there are for this bring a deep-learning
//! framework or BLAS, or search for neighbours themselves, which is what the index is for.)

/// Neighbours of an item, by their places among the rows, with distances that ascend.
pub type Near = Vec<(u32, f64)>;

pub type Place = [f32; 2];

const EPOCHS: usize = 150;
/// Others that push an item away, for each neighbour that pulls it.
const REPELLING: usize = 5;
/// How far UMAP lets the first places be from the middle.
const SPAN: f32 = 10.0;
/// No step is longer.
const STEP: f32 = 4.0;

/// Random numbers with a published stream: SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

/// The first two principal components of rows of `f` numbers, the larger of them 1 at the most.
pub fn principal(rows: &[f32], f: usize, random: &mut Random) -> Vec<Place> {
    let n = rows.len() / f.max(1);
    let mut mean = vec![0.0f64; f];
    for row in rows.chunks_exact(f) {
        for (sum, &x) in mean.iter_mut().zip(row) {
            *sum += f64::from(x) / n as f64;
        }
    }
    let mean: Vec<f32> = mean.iter().map(|&x| x as f32).collect();
    let mut axes: [Vec<f32>; 2] = std::array::from_fn(|_| {
        let numbers = (0..f).map(|_| random.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0);
        numbers.collect()
    });
    // Power iteration, which needs no matrix of f times f numbers.
    for _ in 0..30 {
        let mut next = [vec![0.0f32; f], vec![0.0f32; f]];
        for row in rows.chunks_exact(f) {
            for (axis, sum) in axes.iter().zip(&mut next) {
                let along = project(row, &mean, axis);
                for ((sum, &x), &m) in sum.iter_mut().zip(row).zip(&mean) {
                    *sum += along * (x - m);
                }
            }
        }
        let [first, second] = &mut next;
        normalize(first);
        let along: f32 = first.iter().zip(second.iter()).map(|(a, b)| a * b).sum();
        for (b, a) in second.iter_mut().zip(first.iter()) {
            *b -= along * a;
        }
        normalize(second);
        axes = next;
    }
    let mut places: Vec<Place> = rows
        .chunks_exact(f)
        .map(|row| [0, 1].map(|at: usize| project(row, &mean, &axes[at])))
        .collect();
    let largest = places
        .iter()
        .flatten()
        .fold(0.0f32, |most, x| most.max(x.abs()));
    if largest > 0.0 {
        places.iter_mut().flatten().for_each(|x| *x /= largest);
    }
    places
}

fn project(row: &[f32], mean: &[f32], axis: &[f32]) -> f32 {
    let terms = row.iter().zip(mean).zip(axis);
    terms.map(|((&x, &m), &a)| (x - m) * a).sum()
}

fn normalize(axis: &mut [f32]) {
    let length = axis.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        axis.iter_mut().for_each(|x| *x /= length);
    }
}

/// Moves places to where neighbours are near each other.
pub fn unfold(places: &mut [Place], near: &[Near], random: &mut Random) {
    places.iter_mut().flatten().for_each(|x| *x *= SPAN);
    // Copies of one vector need not stay at one place.
    for x in places.iter_mut().flatten() {
        *x += random.below(1 << 16) as f32 / (1 << 16) as f32 * 1e-3;
    }
    let edges = edges(near);
    let strongest = edges.iter().map(|edge| edge.2).fold(0.0, f32::max);
    let every: Vec<f32> = edges.iter().map(|edge| strongest / edge.2).collect();
    let mut due = every.clone();
    for epoch in 0..EPOCHS {
        let rate = 1.0 - epoch as f32 / EPOCHS as f32;
        for (at, &(a, b, _)) in edges.iter().enumerate() {
            if due[at] > epoch as f32 {
                continue;
            }
            due[at] += every[at];
            let (a, b) = (a as usize, b as usize);
            let [dx, dy] = [0, 1].map(|axis: usize| places[a][axis] - places[b][axis]);
            let pull = -2.0 / (1.0 + dx * dx + dy * dy);
            for (axis, d) in [dx, dy].into_iter().enumerate() {
                let step = rate * (pull * d).clamp(-STEP, STEP);
                places[a][axis] += step;
                places[b][axis] -= step;
            }
            for _ in 0..REPELLING {
                let c = random.below(places.len());
                if c == a {
                    continue;
                }
                let [dx, dy] = [0, 1].map(|axis: usize| places[a][axis] - places[c][axis]);
                let square = dx * dx + dy * dy;
                let push = 2.0 / ((0.001 + square) * (1.0 + square));
                for (axis, d) in [dx, dy].into_iter().enumerate() {
                    places[a][axis] += rate * (push * d).clamp(-STEP, STEP);
                }
            }
        }
    }
}

/// Pairs of neighbours, each once, with how near they are: UMAP's fuzzy union, in which an item's
/// distances are seen from its nearest, and by how many there are.
fn edges(near: &[Near]) -> Vec<(u32, u32, f32)> {
    let mut directed: Vec<(u32, u32, f32)> = Vec::new();
    for (at, near) in near.iter().enumerate() {
        for (&(other, _), weight) in near.iter().zip(weights(near)) {
            let at = at as u32;
            directed.push((at.min(other), at.max(other), weight));
        }
    }
    directed.sort_unstable_by_key(|&(a, b, _)| (a, b));
    let mut edges: Vec<(u32, u32, f32)> = Vec::with_capacity(directed.len());
    for (a, b, w) in directed {
        match edges.last_mut() {
            Some(last) if (last.0, last.1) == (a, b) => last.2 += w - last.2 * w,
            _ => edges.push((a, b, w)),
        }
    }
    let strongest = edges.iter().map(|edge| edge.2).fold(0.0, f32::max);
    edges.retain(|edge| edge.0 != edge.1 && edge.2 * EPOCHS as f32 >= strongest);
    edges
}

fn weights(near: &Near) -> Vec<f32> {
    let Some(first) = near.first().map(|one| one.1) else {
        return Vec::new();
    };
    let wanted = (near.len() as f64).log2();
    let sum = |scale: f64| -> f64 {
        let terms = near.iter().map(|one| (-(one.1 - first) / scale).exp());
        terms.sum()
    };
    let farthest = near[near.len() - 1].1 - first;
    let (mut low, mut high) = (1e-3 * farthest, 1e3 * farthest);
    if farthest > 0.0 {
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            match sum(middle) > wanted {
                true => high = middle,
                false => low = middle,
            }
        }
    }
    let weight = |one: &(u32, f64)| match farthest > 0.0 {
        true => (-(one.1 - first) / high).exp() as f32,
        false => 1.0,
    };
    near.iter().map(weight).collect()
}
