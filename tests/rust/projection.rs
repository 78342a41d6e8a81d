//! Graphs over long vectors, whose codes are made short where their differences lie in few
//! directions.

use crate::common::{checksum, sampled_kinds};
use annoy_rs::{
    kernel_name, Bitmap, GraphPlan, Index, Metric, Neighbor, Options, ScalarType, Search, Way, Work,
};

const N: usize = 2000;
const F: usize = 260;
const DIRECTIONS: usize = 20;

/// Bytes of a row of codes that were not made short.
const WHOLE: usize = 320;

struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5
    }

    fn vector(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// Vectors that lie along `DIRECTIONS`, but for a little of each number.
fn along_few(n: usize) -> Vec<Vec<f32>> {
    let mut random = Random(1);
    let directions: Vec<_> = (0..DIRECTIONS).map(|_| random.vector(F)).collect();
    let one = |_| {
        let mut vector = random.vector(F);
        vector.iter_mut().for_each(|x| *x *= 0.1);
        for direction in &directions {
            let far = 2.0 * random.next();
            vector
                .iter_mut()
                .zip(direction)
                .for_each(|(x, d)| *x += far * d);
        }
        vector
    };
    (0..n).map(one).collect()
}

fn wide(vector: &[f32]) -> Vec<f64> {
    vector.iter().map(|&x| f64::from(x)).collect()
}

fn add(index: &mut Index, id: i64, item: &[f32]) {
    match index.options().scalar {
        ScalarType::F64 => index.add_item(id, &wide(item)).unwrap(),
        _ => index.add_item(id, item).unwrap(),
    }
}

fn look(index: &Index, query: &[f32], search: &Search<'_>) -> Vec<Neighbor> {
    match index.options().scalar {
        ScalarType::F64 => index.search(&wide(query), search).unwrap(),
        _ => index.search(query, search).unwrap(),
    }
}

fn built(options: Options, items: &[Vec<f32>], n_threads: usize) -> Index {
    let mut index = Index::with_options(options).unwrap();
    for (id, item) in items.iter().enumerate() {
        add(&mut index, id as i64, item);
    }
    index.build(Some(4), Some(1)).unwrap();
    let mut work = Work {
        n_threads: Some(n_threads),
        ..Work::default()
    };
    index.build_graph(&GraphPlan::default(), &mut work).unwrap();
    index
}

fn kinds() -> Vec<Options> {
    let mut kinds = Vec::new();
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        for scalar in [ScalarType::F32, ScalarType::F64] {
            let mut options = Options::new(metric, F);
            options.scalar = scalar;
            kinds.push(options);
        }
    }
    sampled_kinds(kinds, 2)
}

/// Every kind: found, short, the same from one thread and from three, sound, in files too.
#[test]
fn along_few_directions() {
    let mut items = along_few(N + 40);
    let queries = items.split_off(N);
    for options in kinds() {
        let index = built(options, &items, 1);
        let name = format!("{:?} {:?}", options.metric, options.scalar);
        let bytes = index.to_bytes().unwrap();
        let same = built(options, &items, 3).to_bytes().unwrap();
        assert!(bytes == same, "{name}: threads");
        let codes = bytes.len() - without_graph(options, &items);
        assert!(codes < N * (WHOLE + 4 * 32), "{name}: {codes} bytes");
        let loaded = Index::open_bytes(bytes.clone()).unwrap();
        assert!(loaded.verify(3).unwrap().is_sound(), "{name}");
        assert!(loaded.to_bytes().unwrap() == bytes, "{name}: saved again");
        let mut hits = 0;
        for query in &queries {
            let search = Search {
                search_k: Some(400),
                ..Search::new(10)
            };
            let found = look(&loaded, query, &search);
            assert_eq!(found, look(&index, query, &search), "{name}");
            let exact = Search {
                way: Way::Exact,
                ..search
            };
            let truth = look(&index, query, &exact);
            hits += found.iter().filter(|one| truth.contains(one)).count();
        }
        let recall = hits as f64 / (10 * queries.len()) as f64;
        assert!(recall > 0.95, "{name}: recall {recall}");
    }
}

/// What tells near ones apart here are numbers that know nothing of each other, though nearly all
/// of the differences are those between a few centres.
#[test]
fn in_all_directions() {
    let mut random = Random(2);
    let centres: Vec<_> = (0..10).map(|_| random.vector(F)).collect();
    let mut around = |i: usize| {
        let pairs = random.vector(F).into_iter().zip(&centres[i % 10]);
        pairs.map(|(x, centre)| x + 3.0 * centre).collect()
    };
    let items: Vec<Vec<f32>> = (0..N).map(&mut around).collect();
    for options in kinds() {
        let index = built(options, &items, 2);
        let codes = index.to_bytes().unwrap().len() - without_graph(options, &items);
        // The largest products are those with the own centre, which few directions tell.
        let is_whole = codes > N * (WHOLE + 4 * 32);
        assert!(is_whole || options.metric == Metric::Dot, "{options:?}");
        assert!(index.verify(3).unwrap().is_sound());
    }
    // Nor where every second is missing, at whatever places one looks.
    let options = Options::new(Metric::Euclidean, F);
    let mut index = Index::with_options(options).unwrap();
    for (i, item) in items.iter().take(640).enumerate() {
        add(&mut index, 2 * i as i64 + 1, item);
    }
    index.build(Some(4), Some(1)).unwrap();
    let without = index.to_bytes().unwrap().len();
    index
        .build_graph(&GraphPlan::default(), &mut Work::default())
        .unwrap();
    let codes = index.to_bytes().unwrap().len() - without;
    assert!(codes > 1280 * (WHOLE + 4 * 32), "{codes}");
}

/// What a walk passes, what is looked at in a row by short codes, and what is all looked at.
#[test]
fn filters() {
    let mut items = along_few(N + 20);
    let queries = items.split_off(N);
    for options in kinds() {
        let index = built(options, &items, 2);
        for one_of in [2, 10, 50] {
            let mut words = vec![0u64; N.div_ceil(64)];
            for id in (0..N).step_by(one_of) {
                words[id / 64] |= 1 << (id % 64);
            }
            let bitmap = Some(Bitmap {
                words: &words,
                deny: false,
            });
            let search = Search {
                bitmap,
                search_k: Some(100),
                ..Search::new(5)
            };
            let exact = Search {
                way: Way::Exact,
                ..search
            };
            let mut hits = 0;
            for query in &queries {
                let truth = look(&index, query, &exact);
                let found = look(&index, query, &search);
                hits += found.iter().filter(|one| truth.contains(one)).count();
            }
            let recall = hits as f64 / (5 * queries.len()) as f64;
            assert!(
                recall > 0.9,
                "{:?}, 1 of {one_of}: {recall}",
                options.metric
            );
        }
    }
}

/// None at all, one, few, equal ones, holes: what is looked for is there.
#[test]
fn few_items_equal_items_and_holes() {
    let some = along_few(40);
    for options in kinds() {
        for (n, step) in [(0, 1), (1, 1), (2, 3), (30, 7)] {
            for equal in [false, true] {
                let mut index = Index::with_options(options).unwrap();
                for i in 0..n {
                    let item = &some[if equal { 0 } else { i }];
                    add(&mut index, (i * step) as i64, item);
                }
                index.build(Some(2), Some(1)).unwrap();
                index
                    .build_graph(&GraphPlan::default(), &mut Work::default())
                    .unwrap();
                assert!(index.verify(3).unwrap().is_sound());
                let search = Search {
                    search_k: Some(20),
                    ..Search::new(40)
                };
                let found = look(&index, &some[0], &search);
                assert!(found.len() >= n.min(20), "{} of {n}", found.len());
                assert!(found.iter().all(|one| one.id % step as i64 == 0));
            }
        }
    }
}

/// The size of the same file without a graph.
fn without_graph(options: Options, items: &[Vec<f32>]) -> usize {
    let mut index = Index::with_options(options).unwrap();
    for (id, item) in items.iter().enumerate() {
        add(&mut index, id as i64, item);
    }
    index.build(Some(4), Some(1)).unwrap();
    index.to_bytes().unwrap().len()
}

/// Prints what [`every_kernel_makes_the_same`] compares.
#[test]
#[ignore = "every_kernel_makes_the_same runs it"]
fn print_checksums() {
    println!("kernel: {}", kernel_name().unwrap());
    let mut kinds = kinds();
    kinds.push(Options::new(Metric::Manhattan, F));
    for options in kinds {
        let bytes = built(options, &along_few(600), 2).to_bytes().unwrap();
        println!("checksum: {options:?} {:x}", checksum(&bytes));
    }
}

/// What the above prints on each kernel.
#[test]
fn every_kernel_makes_the_same() {
    crate::every_kernel_prints("projection::print_checksums", kinds().len() + 1);
}
