//! Items and questions, the same in every run.

use annoy_rs::{Metric, Options};

/// SplitMix64: small, and not the generator under test.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn index(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Between 0 and 1, never 0.
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    pub fn normals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal() as f32).collect()
    }
}

/// How the items are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Normally distributed.
    Normal,
    /// Every third id is missing, but never the last, so that n_items is as said.
    Holes,
    /// Many copies of few vectors.
    Duplicates,
    /// Every fourth vector is zero.
    Zeros,
    /// One vector for all.
    Equal,
    /// Whole numbers: every sum exact, many distances the same.
    Grid,
    /// Only so many items, the others missing.
    Only(usize),
}

/// An index to be built, and what is asked of it.
pub struct Case {
    pub name: String,
    pub metric: Metric,
    pub f: usize,
    pub ids: Vec<i64>,
    /// `f` numbers per id; for hamming 0 or 1.
    pub rows: Vec<f32>,
    pub n_trees: Option<usize>,
    pub seed: u64,
    /// `f` numbers per query.
    pub queries: Vec<f32>,
    /// Ids of items that are queries too.
    pub items: Vec<i64>,
    /// n and search_k, each asked of each query.
    pub shapes: Vec<(usize, i64)>,
    /// Items whose distances are asked for.
    pub pairs: Vec<(i64, i64)>,
    /// Items whose vectors are asked for.
    pub vectors: Vec<i64>,
}

/// A query: a vector, or an item's id.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    Vector(&'a [f32]),
    Item(i64),
}

/// One search: the query, n, search_k.
pub type Search<'a> = (Query<'a>, usize, i64);

/// The leaf capacity, from the layout of 1.17.
pub fn max_leaf(metric: Metric, f: usize) -> usize {
    match metric {
        Metric::Angular | Metric::Euclidean | Metric::Manhattan => f + 2,
        Metric::Dot => f + 3,
        Metric::Hamming => 2 * Options::new(metric, f).elements() + 3,
    }
}

impl Case {
    pub fn new(
        metric: Metric,
        f: usize,
        n_items: usize,
        n_trees: Option<usize>,
        kind: Kind,
        shapes: &[(usize, i64)],
    ) -> Case {
        let name = format!("{metric} f={f} n_items={n_items} n_trees={n_trees:?} {kind:?}");
        let seed = name.bytes().fold(7u64, |seed, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let random = &mut Random(seed);
        let ids: Vec<i64> = match kind {
            Kind::Holes => (0..n_items)
                .filter(|id| id % 3 != 1 || id + 1 == n_items)
                .collect(),
            // The last id among them, so that n_items is as said.
            Kind::Only(count) => (0..count).map(|i| (i + 1) * n_items / count - 1).collect(),
            _ => (0..n_items).collect::<Vec<_>>(),
        }
        .into_iter()
        .map(|id| id as i64)
        .collect();
        let prototypes: Vec<Vec<f32>> = (0..20).map(|_| random.normals(f)).collect();
        let mut vector = |i: usize| match kind {
            Kind::Duplicates => prototypes[random.index(20)].clone(),
            Kind::Zeros if i.is_multiple_of(4) => vec![0.0; f],
            Kind::Equal => prototypes[0].clone(),
            Kind::Grid => (0..f).map(|_| random.index(5) as f32 - 2.0).collect(),
            _ => random.normals(f),
        };
        let rows: Vec<Vec<f32>> = (0..ids.len()).map(&mut vector).collect();
        let n_queries = if n_items < 500 { 3 } else { 8 };
        let mut queries: Vec<Vec<f32>> = (0..n_queries).map(&mut vector).collect();
        if kind != Kind::Grid {
            queries[0] = random.normals(f);
        }
        if n_queries == 8 && !rows.is_empty() {
            queries[1] = rows[random.index(rows.len())].clone();
            let near = &rows[random.index(rows.len())];
            queries[2] = (near.iter())
                .map(|x| x + 0.1 * random.normal() as f32)
                .collect();
            queries[3] = vec![0.0; f];
        }
        let (mut rows, mut queries) = (rows.concat(), queries.concat());
        if metric == Metric::Hamming {
            for x in rows.iter_mut().chain(&mut queries) {
                *x = if *x > 0.0 { 1.0 } else { 0.0 };
            }
        }
        // Missing items may be asked about as well: they read as zeros.
        let mut some = |count: usize| -> Vec<i64> {
            let count = if n_items == 0 { 0 } else { count };
            (0..count).map(|_| random.index(n_items) as i64).collect()
        };
        let items = some(n_queries / 2 + 1);
        let vectors = some(4);
        let pairs = some(8).into_iter().zip(some(8)).collect();
        Case {
            name,
            metric,
            f,
            ids,
            rows,
            n_trees,
            seed: seed & 0x7fff_ffff,
            queries,
            items,
            shapes: shapes.to_vec(),
            pairs,
            vectors,
        }
    }

    pub fn n_items(&self) -> usize {
        self.ids.iter().max().map_or(0, |&id| id as usize + 1)
    }

    /// Every query with every shape: vectors first, then items.
    pub fn searches(&self) -> impl Iterator<Item = Search<'_>> {
        let vectors = self.queries.chunks_exact(self.f).map(Query::Vector);
        let items = self.items.iter().map(|&id| Query::Item(id));
        (vectors.chain(items))
            .flat_map(|query| self.shapes.iter().map(move |&(n, k)| (query, n, k)))
    }

    /// The vector of an item; zeros when it is missing.
    pub fn row(&self, id: i64) -> Vec<f32> {
        match self.ids.binary_search(&id) {
            Ok(at) => self.rows[at * self.f..][..self.f].to_vec(),
            Err(_) => vec![0.0; self.f],
        }
    }
}

/// The distance by its definition, in double precision.
pub fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(&x, &y)| (f64::from(x), f64::from(y)));
    let dot = || pairs().map(|(x, y)| x * y).sum::<f64>();
    match metric {
        Metric::Angular => {
            let norms = norm(a) * norm(b);
            let cos = if norms > 0.0 { dot() / norms } else { 0.0 };
            (2.0 - 2.0 * cos).max(0.0).sqrt()
        }
        Metric::Euclidean => pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt(),
        Metric::Manhattan => pairs().map(|(x, y)| (x - y).abs()).sum(),
        Metric::Dot => dot(),
        Metric::Hamming => pairs().filter(|(x, y)| x != y).count() as f64,
    }
}

pub fn norm(a: &[f32]) -> f64 {
    a.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}
