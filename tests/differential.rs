//! Against Annoy 1.17.3 itself, in both directions: its files in ours, our files in it, and recall
//! side by side.
//!
//! `ANNOY_RS_PYTHON` names a Python that has `annoy==1.17.3` and `numpy`. Without it nothing is
//! compared, which is said on stderr; with `ANNOY_RS_REQUIRE_PYTHON=1` that is a failure.

#[path = "differential/annoy.rs"]
mod annoy;
mod common;
#[path = "differential/data.rs"]
mod data;
#[path = "differential/sections.rs"]
mod sections;
#[path = "differential/unfinished.rs"]
mod unfinished;

use annoy::{Annoy, Answers};
use annoy_rs::{Access, Index, Metric, Vector, VectorMut};
use common::{one_in, sample};
use data::{distance, max_leaf, norm, Case, Kind, Query, Random};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// n and search_k in every combination that makes a difference.
fn shapes() -> Vec<(usize, i64)> {
    let search_ks = [-1, 1, 10, 100, 1000, 100_000];
    let pairs = [1, 10, 1000].map(|n| search_ks.map(|search_k| (n, search_k)));
    pairs.concat()
}

/// As far as Annoy's int goes.
const HUGE: [(usize, i64); 6] = [
    (1_000_000, -1),
    (i32::MAX as usize, -1),
    (i32::MAX as usize, 1),
    (i32::MAX as usize, 100_000),
    (10, i32::MAX as i64),
    (0, 100),
];

/// Each metric and length has an odd number of them: where one in so many is taken, what the one
/// leaves out another takes.
fn cases() -> Vec<Case> {
    let shapes = shapes();
    let mut cases = Vec::new();
    for metric in Metric::ALL {
        for f in [1, 2, 3, 50, 130] {
            let k = max_leaf(metric, f);
            let mut add = |n_items, n_trees, kind, shapes: &[_]| {
                cases.push(Case::new(metric, f, n_items, n_trees, kind, shapes));
            };
            add(0, Some(3), Kind::Normal, &shapes);
            add(1, Some(3), Kind::Normal, &shapes);
            add(2, Some(1), Kind::Normal, &shapes);
            add(k - 1, Some(10), Kind::Normal, &shapes);
            add(k, Some(10), Kind::Normal, &shapes);
            add(k + 1, Some(10), Kind::Normal, &shapes);
            add(700, Some(7), Kind::Holes, &shapes);
            add(5000, Some(10), Kind::Normal, &shapes);
            add(300, None, Kind::Normal, &shapes);
            if f == 3 || f == 50 {
                add(1, None, Kind::Normal, &shapes);
                add(k, None, Kind::Normal, &shapes);
                add(k - 1, Some(4), Kind::Holes, &shapes);
                add(700, Some(1), Kind::Duplicates, &shapes);
                add(700, Some(5), Kind::Zeros, &shapes);
                add(700, Some(3), Kind::Equal, &shapes);
                add(2000, Some(5), Kind::Grid, &shapes);
                add(700, Some(4), Kind::Only(3), &shapes);
                add(700, Some(4), Kind::Only(k), &shapes);
                add(1500, Some(10), Kind::Normal, &HUGE);
            }
        }
    }
    assert!(cases.len() >= 300, "{} files", cases.len());
    cases
}

/// Results as close as the rounding of 32-bit floats may leave them. `scale` bounds the terms of an
/// inner product.
fn near(metric: Metric, a: f64, b: f64, scale: f64) -> bool {
    let off = (a - b).abs();
    let relative = off <= 1e-5 * a.abs().max(b.abs());
    match metric {
        Metric::Hamming => a == b,
        // The square is 2 - 2 cos, whose rounding error does not shrink with it.
        Metric::Angular => relative || (a * a - b * b).abs() <= 1e-6,
        Metric::Euclidean | Metric::Manhattan => relative,
        // Terms may cancel.
        Metric::Dot => relative || off <= 1e-6 * scale,
    }
}

/// How two answers compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    searches: usize,
    results: usize,
    /// Not the same ids in the same order, but near-equal distances at each place.
    near_equal: usize,
    /// Likewise, and what differs is so near in angle that Annoy's order is that of its rounding
    /// errors, and ours that of distances worked out anew.
    copies: usize,
    /// Something else was found: a margin near zero, rounded to the other side, led elsewhere.
    different: usize,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.searches += other.searches;
        self.results += other.results;
        self.near_equal += other.near_equal;
        self.copies += other.copies;
        self.different += other.different;
    }
}

/// Compares our answers with Annoy's. Counts differ at the most where rounding may decide.
fn compare(case: &Case, ours: &Answers, annoys: &Answers) -> Tally {
    let name = &case.name;
    let metric = case.metric;
    assert_eq!(ours.n_items, annoys.n_items, "{name}");
    let largest = case.rows.chunks_exact(case.f).map(norm).fold(0.0, f64::max);
    // Where angles begin to be worked out anew (`metric/angular.rs`).
    let line = (case.f as f64).sqrt() / 1024.0;
    let mut tally = Tally::default();
    assert_eq!(ours.found.len(), case.searches().count(), "{name}");
    assert_eq!(ours.found.len(), annoys.found.len(), "{name}");
    for (search, (our, their)) in case.searches().zip(ours.found.iter().zip(&annoys.found)) {
        tally.searches += 1;
        tally.results += our.len();
        let query = match search.0 {
            Query::Vector(vector) => vector.to_vec(),
            Query::Item(id) => case.row(id),
        };
        let scale = norm(&query) * largest;
        let true_distance = |id| distance(metric, &query, &case.row(id));
        let mut same_ids = our.len() == their.len();
        let mut same_distances = same_ids;
        let mut only_copies = metric == Metric::Angular;
        for (&(our_id, our_distance), &(their_id, their_distance)) in our.iter().zip(their) {
            let is_near = near(metric, our_distance, their_distance, scale);
            if our_id == their_id {
                assert!(
                    is_near,
                    "{name}, {search:?}: {our_id} is at {our_distance}, in Annoy at {their_distance}"
                );
                continue;
            }
            // Whatever was found, its distance has to be right.
            for (id, distance) in [(our_id, our_distance), (their_id, their_distance)] {
                let expected = true_distance(id);
                assert!(
                    near(metric, distance, expected, scale),
                    "{name}, {search:?}: {id} is said to be at {distance}, expected {expected}"
                );
            }
            same_ids = false;
            same_distances &= is_near;
            only_copies &= [our_id, their_id]
                .iter()
                .all(|&id| true_distance(id) < line);
        }
        if !same_ids {
            assert_ne!(
                metric,
                Metric::Hamming,
                "{name}, {search:?}: nothing is rounded, yet found\n{our:?}, Annoy\n{their:?}"
            );
            if same_distances && only_copies {
                tally.copies += 1;
            } else if same_distances {
                tally.near_equal += 1;
            } else {
                tally.different += 1;
                println!("{name}, {search:?}:\n ours {our:?}\nAnnoy {their:?}");
            }
        }
    }
    let pairs = ours.distances.iter().zip(&annoys.distances);
    for (&(i, j), (&our, &their)) in case.pairs.iter().zip(pairs) {
        let scale = norm(&case.row(i)) * norm(&case.row(j));
        assert!(
            near(metric, our, their, scale),
            "{name}: {i} and {j} are {our} apart, in Annoy {their}"
        );
    }
    assert_eq!(ours.distances.len(), annoys.distances.len());
    assert_eq!(ours.vectors, annoys.vectors, "{name}");
    tally
}

/// Our answers to all questions of a case.
fn answer(case: &Case, index: &Index) -> Answers {
    let search = |(query, n, search_k)| {
        let search_k = u64::try_from(search_k).ok();
        let found = match query {
            Query::Vector(vector) => index.get_nns_by_vector(vector, n, search_k),
            Query::Item(id) => index.get_nns_by_item(id, n, search_k),
        };
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        found
            .iter()
            .map(|found| (found.id, found.distance))
            .collect()
    };
    let vector = |&id| {
        let mut vector = vec![f32::NAN; case.f];
        index.get_item(id, VectorMut::F32(&mut vector)).unwrap();
        vector.into_iter().map(f64::from).collect()
    };
    Answers {
        n_items: index.n_items(),
        n_trees: index.n_trees(),
        found: case.searches().map(search).collect(),
        distances: (case.pairs.iter())
            .map(|&(i, j)| index.get_distance(i, j).unwrap())
            .collect(),
        vectors: case.vectors.iter().map(vector).collect(),
    }
}

fn load(case: &Case, path: &Path) -> Index {
    let mut index = Index::new(case.metric, case.f).unwrap();
    index
        .load(path, Access::Map)
        .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    index
}

fn add_items(case: &Case, index: &mut Index) {
    index.set_seed(case.seed);
    let rows = case.rows.chunks_exact(case.f).map(Vector::from);
    index.add_items(Some(&case.ids), rows).unwrap();
}

/// The user's own bytes of case `number`: none, few, or more than a node holds.
fn metadata(number: usize) -> Vec<u8> {
    (0..number % 4 * 700).map(|i| (i + number) as u8).collect()
}

/// Builds a case and saves it.
fn build(case: &Case, number: usize, path: &Path) -> Index {
    let mut index = Index::new(case.metric, case.f).unwrap();
    add_items(case, &mut index);
    index.set_metadata(&metadata(number)).unwrap();
    sections::label(&mut index, number);
    let n_threads = 1 + number % 2;
    index.build(case.n_trees, Some(n_threads)).unwrap();
    index.save(path).unwrap();
    index
}

/// One path per case.
fn paths(annoy: &Annoy, cases: &[Case]) -> Vec<PathBuf> {
    let path = |number| annoy.path(&format!("{number}.ann"));
    (0..cases.len()).map(path).collect()
}

fn with<'a>(cases: &'a [Case], paths: &'a [PathBuf]) -> Vec<(&'a Case, &'a Path)> {
    cases
        .iter()
        .zip(paths.iter().map(PathBuf::as_path))
        .collect()
}

/// Annoy builds and answers; we answer from its files. Saved by us they tell what they are, and
/// Annoy answers the same.
fn annoys_files(annoy: &Annoy, cases: &[Case]) -> Tally {
    let paths = paths(annoy, cases);
    let jobs = with(cases, &paths);
    let counts = annoy.build(&jobs);
    let annoys = annoy.answer(&jobs);
    let mut tally = Tally::default();
    for (number, (case, path)) in jobs.iter().enumerate() {
        let mut index = load(case, path);
        index.set_metadata(&metadata(number)).unwrap();
        index.save_and_load(path, Access::Map).unwrap();
        assert_eq!(
            Index::open(path, Access::Map).unwrap().options(),
            index.options()
        );
    }
    for (again, before) in annoy.answer(&jobs).iter().zip(&annoys) {
        assert!(again.found == before.found && again.vectors == before.vectors);
    }
    for (((case, path), counts), annoys) in jobs.into_iter().zip(counts).zip(annoys) {
        let ours = answer(case, &load(case, path));
        assert_eq!((ours.n_items, ours.n_trees), counts, "{}", case.name);
        if let Some(n_trees) = case.n_trees {
            assert_eq!(ours.n_trees, n_trees, "{}", case.name);
        }
        tally.add(compare(case, &ours, &annoys));
    }
    tally
}

/// We build and answer; Annoy answers from our files.
fn our_files(annoy: &Annoy, cases: &[Case]) -> Tally {
    let paths = paths(annoy, cases);
    let jobs = with(cases, &paths);
    let mut all_ours = Vec::new();
    for (number, (case, path)) in jobs.iter().enumerate() {
        let built = build(case, number, path);
        if number % 3 == 0 {
            // The same from an on-disk build, in place of the saved file.
            let saved = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            let mut on_disk = Index::new(case.metric, case.f).unwrap();
            on_disk.on_disk_build(path).unwrap();
            on_disk.set_metadata(&metadata(number)).unwrap();
            add_items(case, &mut on_disk);
            sections::label(&mut on_disk, number);
            on_disk.build(case.n_trees, Some(2)).unwrap();
            assert!(saved == fs::read(path).unwrap(), "{}", case.name);
        }
        let ours = answer(case, &load(case, path));
        let counts = (built.n_items(), built.n_trees());
        assert_eq!((ours.n_items, ours.n_trees), counts, "{}", case.name);
        assert_eq!(ours.n_items, case.n_items(), "{}", case.name);
        all_ours.push(ours);
    }
    let annoys = annoy.answer(&jobs);
    let mut tally = Tally::default();
    for ((case, ours), annoys) in cases.iter().zip(&all_ours).zip(&annoys) {
        // In its own files Annoy takes trees of one node for their own copies and counts them
        // twice.
        assert_eq!(annoys.n_trees, ours.n_trees, "{}", case.name);
        tally.add(compare(case, ours, annoys));
    }
    tally
}

/// Same file, same `search_k`, same answer. Measured: 44,070 searches with 3.5 million results, of
/// which 40 (Annoy's files) and 34 (ours) have near-equal distances in another order, 511 and 498
/// have copies in another order (with one number all items are multiples of each other, with two
/// 5,000 lie close), and none found anything else. How a margin is rounded depends on what Annoy
/// was compiled for, hence the little room.
fn check(tally: Tally, what: &str) {
    println!("{what}: {tally:?}");
    let least = if sample() == 1 { 40_000 } else { 10_000 };
    assert!(tally.searches >= least, "{tally:?}");
    assert!(tally.near_equal * 100 <= tally.searches, "{tally:?}");
    assert!(tally.different * 5000 <= tally.searches, "{tally:?}");
}

#[test]
fn annoys_files_in_ours() {
    let Some(annoy) = Annoy::find() else { return };
    let cases = one_in(4, cases(), 0);
    check(annoys_files(&annoy, &cases), "Annoy's files");
}

#[test]
fn our_files_in_annoy() {
    let Some(annoy) = Annoy::find() else { return };
    let cases = one_in(4, cases(), 2);
    check(our_files(&annoy, &cases), "our files");
}

/// With one or two items among many ids a tree is a single node although `n_items` is past the leaf
/// capacity.
#[test]
fn one_or_two_items_among_many_ids() {
    let Some(annoy) = Annoy::find() else { return };
    let case = |metric, count, n_trees| {
        let kind = Kind::Only(count);
        Case::new(metric, 3, 700, Some(n_trees), kind, &[(10, -1), (1, 1)])
    };
    let cases: Vec<Case> = (Metric::ALL.into_iter())
        .flat_map(|metric| [(1, 1), (1, 4), (2, 1), (2, 4)].map(|(n, t)| case(metric, n, t)))
        .collect();
    for tally in [our_files(&annoy, &cases), annoys_files(&annoy, &cases)] {
        assert_eq!((tally.near_equal, tally.different), (0, 0), "{tally:?}");
    }
}

/// The 20,000 word vectors: every 40th is a query, the others are items.
fn words() -> (Vec<f32>, Vec<f32>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/glove-20k-50d.f16");
    let values: Vec<f32> = (fs::read(path).unwrap().chunks_exact(2))
        .map(|bytes| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
        .collect();
    let (mut items, mut queries) = (Vec::new(), Vec::new());
    for (number, row) in values.chunks_exact(50).enumerate() {
        let to = if number % 40 == 7 {
            &mut queries
        } else {
            &mut items
        };
        to.extend_from_slice(row);
    }
    (items, queries)
}

/// Cases that differ in nothing but the seed.
fn by_seed(
    metric: Metric,
    f: usize,
    (items, queries): &(Vec<f32>, Vec<f32>),
    search_ks: &[i64],
) -> Vec<Case> {
    let case = |seed| Case {
        name: format!("{metric} seed {seed}"),
        metric,
        f,
        ids: (0..(items.len() / f) as i64).collect(),
        rows: items.clone(),
        n_trees: Some(10),
        seed,
        queries: queries.clone(),
        items: Vec::new(),
        shapes: search_ks.iter().map(|&search_k| (10, search_k)).collect(),
        pairs: Vec::new(),
        vectors: Vec::new(),
    };
    [1, 2, 3].map(case).into()
}

/// The ten nearest items of each query, by looking at all.
fn exact(case: &Case) -> Vec<HashSet<i64>> {
    // Sums of single precision, which a compiler can do many at a time, and a norm worked out once.
    fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
        let mut lanes = [0.0; 8];
        for (a, b) in a.chunks(8).zip(b.chunks(8)) {
            for ((lane, &x), &y) in lanes.iter_mut().zip(a).zip(b) {
                *lane += term(x, y);
            }
        }
        lanes.iter().sum()
    }
    let dot = |a: &[f32], b: &[f32]| sum(a, b, |x, y| x * y);
    let rows = || case.rows.chunks_exact(case.f);
    let norms: Vec<f32> = rows().map(|row| dot(row, row).sqrt()).collect();
    let nearest = |query: &[f32]| {
        let distance = |(row, norm): (&[f32], &f32)| match case.metric {
            Metric::Angular => -dot(query, row) / norm,
            Metric::Euclidean => sum(query, row, |x, y| (x - y) * (x - y)),
            Metric::Manhattan => sum(query, row, |x, y| (x - y).abs()),
            Metric::Dot => -dot(query, row),
            Metric::Hamming => unreachable!("not asked for"),
        };
        let mut all: Vec<(f32, i64)> = rows().zip(&norms).map(distance).zip(0..).collect();
        all.select_nth_unstable_by(9, |a, b| a.0.total_cmp(&b.0));
        all[..10].iter().map(|&(_, id)| id).collect()
    };
    case.queries.chunks_exact(case.f).map(nearest).collect()
}

/// Recall@10 of each `search_k`, averaged over queries and seeds.
fn recall(cases: &[Case], exact: &[HashSet<i64>], answers: &[Answers]) -> Vec<f64> {
    let shapes = cases[0].shapes.len();
    let of_shape = |shape| {
        let hits: usize = (answers.iter())
            .flat_map(|answers| answers.found.iter().skip(shape).step_by(shapes).zip(exact))
            .map(|(found, exact)| found.iter().filter(|(id, _)| exact.contains(id)).count())
            .sum();
        hits as f64 / (10 * exact.len() * cases.len()) as f64
    };
    (0..shapes).map(of_shape).collect()
}

/// Recalls at each `search_k`: Annoy on its files, we on ours, Annoy on ours.
fn recalls(annoy: &Annoy, cases: &[Case]) -> [Vec<f64>; 3] {
    let exact = exact(&cases[0]);
    let paths = paths(annoy, cases);
    let jobs = with(cases, &paths);
    annoy.build(&jobs);
    let annoys = recall(cases, &exact, &annoy.answer(&jobs));
    let answers: Vec<Answers> = jobs
        .iter()
        .map(|(case, path)| answer(case, &build(case, 2, path)))
        .collect();
    let ours = recall(cases, &exact, &answers);
    let annoy_on_ours = recall(cases, &exact, &annoy.answer(&jobs));
    println!(
        "{} {:?}: Annoy {annoys:.4?}, ours {ours:.4?}, Annoy on our file {annoy_on_ours:.4?}",
        cases[0].metric, cases[0].shapes
    );
    [annoys, ours, annoy_on_ours]
}

/// Equal trees, equal work, equal recall. Measured at search_k 500, 2000 and -1 (that is 100),
/// Annoy and ours:
///
/// | metric | 500 | 2000 | -1 |
/// |---|---|---|---|
/// | angular | 0.826, 0.828 | 0.963, 0.964 | 0.540, 0.549 |
/// | euclidean | 0.789, 0.786 | 0.949, 0.948 | 0.505, 0.501 |
/// | manhattan | 0.761, 0.763 | 0.934, 0.938 | 0.482, 0.481 |
fn recall_on_words(metric: Metric) {
    let Some(annoy) = Annoy::find() else { return };
    let cases = by_seed(metric, 50, &words(), &[500, 2000, -1]);
    let [annoys, ours, annoy_on_ours] = recalls(&annoy, &cases);
    for ((annoys, ours), annoy_on_ours) in annoys.into_iter().zip(ours).zip(annoy_on_ours) {
        assert!(ours >= annoys - 0.01, "{ours}, Annoy {annoys}");
        assert!(
            (ours - annoy_on_ours).abs() < 1e-3,
            "{ours}, Annoy {annoy_on_ours}"
        );
    }
}

#[test]
fn recall_on_words_angular() {
    recall_on_words(Metric::Angular);
}

#[test]
fn recall_on_words_euclidean() {
    recall_on_words(Metric::Euclidean);
}

#[test]
fn recall_on_words_manhattan() {
    recall_on_words(Metric::Manhattan);
}

/// Normally distributed directions, norms multiplied by `factor`. `gains` is what Annoy's recall is
/// to be surpassed by at search_k 500 and 2000.
fn recall_of_dot(factor: impl Fn(&mut Random) -> f64, gains: [f64; 2]) {
    let Some(annoy) = Annoy::find() else { return };
    let random = &mut Random(11);
    let mut items = random.normals(20_000 * 32);
    for row in items.chunks_exact_mut(32) {
        let factor = factor(random) as f32;
        row.iter_mut().for_each(|x| *x *= factor);
    }
    let queries = random.normals(300 * 32);
    let cases = by_seed(Metric::Dot, 32, &(items, queries), &[500, 2000]);
    let [annoys, ours, annoy_on_ours] = recalls(&annoy, &cases);
    for (i, gain) in gains.into_iter().enumerate() {
        for found in [ours[i], annoy_on_ours[i]] {
            assert!(found >= annoys[i] + gain, "{found}, Annoy {}", annoys[i]);
        }
    }
}

/// Annoy 1.17.3 looks in the wrong places of its own dot files, and in better ones of ours.
/// Measured: Annoy 0.241 and 0.545, ours, read by either, 0.659 and 0.910.
#[test]
fn recall_of_dot_on_varied_norms() {
    recall_of_dot(|random| (0.25 * random.normal()).exp(), [0.35, 0.3]);
}

/// A few norms far above the others must not decide where all the rest is put. Measured: Annoy
/// 0.114 and 0.325, ours, read by either, 0.952 and 0.997.
#[test]
fn recall_of_dot_on_heavy_tailed_norms() {
    recall_of_dot(|random| random.normal().exp(), [0.7, 0.6]);
}

/// Splits by length alone lead Annoy where they lead us. Measured: Annoy 0.177 and 0.255, ours,
/// read by either, 0.500 and 0.839.
#[test]
fn recall_of_dot_with_zeros() {
    let factor = |random: &mut Random| f64::from(u8::from(random.normal() > 0.0));
    recall_of_dot(factor, [0.25, 0.5]);
}
