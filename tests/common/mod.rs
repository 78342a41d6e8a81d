//! What the integration tests share: random data, all types, exact search, the state of an index as
//! a value.

#![allow(dead_code)] // each test uses its own part

pub mod graphs;
pub mod scans;
pub mod sections;

use annoy_rs::{
    Access, Cancel, Error, IdWidth, Index, Metric, Neighbor, Options, ScalarType, Stage, Vector,
    VectorMut, Work,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// This program once more. Where an emulator runs it, `ANNOY_RS_RUNNER` names that one, with its
/// options: the system cannot start it itself.
pub fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    let runner = std::env::var("ANNOY_RS_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(first) = words.next() else {
        return Command::new(program);
    };
    let mut command = Command::new(first);
    command.args(words).arg(program);
    command
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A number in -1..1 that an f32 holds exactly.
    pub fn number(&mut self) -> f64 {
        (self.next() >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    }

    /// About normal, without a function whose last bit differs between machines.
    pub fn normal(&mut self) -> f64 {
        (0..4).map(|_| self.number()).sum::<f64>() * 0.87
    }
}

/// A vector of the type an index holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bits(Vec<u64>),
}

impl<'a> From<&'a Item> for Vector<'a> {
    fn from(item: &'a Item) -> Self {
        match item {
            Item::F32(values) => Vector::F32(values),
            Item::F64(values) => Vector::F64(values),
            Item::Bits(words) => Vector::Bits(words),
        }
    }
}

impl Item {
    /// From `f` numbers; for hamming those over 0.5 are ones.
    pub fn new(options: Options, number: impl FnMut(usize) -> f64) -> Self {
        let values = (0..options.f).map(number);
        match options.scalar {
            ScalarType::F32 => Item::F32(values.map(|x| x as f32).collect()),
            ScalarType::F64 => Item::F64(values.collect()),
            _ => {
                let mut words = vec![0; options.f.div_ceil(64)];
                for (i, x) in values.enumerate() {
                    words[i / 64] |= u64::from(x > 0.5) << (i % 64);
                }
                Item::Bits(words)
            }
        }
    }

    pub fn zero(options: Options) -> Self {
        Item::new(options, |_| 0.0)
    }

    pub fn random(options: Options, random: &mut Random) -> Self {
        match options.metric {
            Metric::Hamming => Item::new(options, |_| (random.next() >> 63) as f64),
            _ => Item::new(options, |_| random.normal()),
        }
    }

    /// Reads it out of an index.
    pub fn read(index: &Index, id: i64) -> annoy_rs::Result<Self> {
        let mut item = Item::zero(index.options());
        let to = match &mut item {
            Item::F32(values) => VectorMut::F32(values),
            Item::F64(values) => VectorMut::F64(values),
            Item::Bits(words) => VectorMut::Bits(words),
        };
        index.get_item(id, to).map(|()| item)
    }

    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Item::F32(values) => values.iter().map(|&x| f64::from(x)).collect(),
            Item::F64(values) => values.clone(),
            Item::Bits(words) => words
                .iter()
                .flat_map(|word| (0..64).map(move |i| (word >> i & 1) as f64))
                .collect(),
        }
    }
}

pub fn options(metric: Metric, scalar: ScalarType, id_width: IdWidth, f: usize) -> Options {
    Options {
        metric,
        scalar,
        id_width,
        f,
    }
}

/// Every combination of metric, scalar type and id width, with vectors of `f` numbers or `bits`
/// bits.
pub fn all_types(f: usize, bits: usize) -> Vec<Options> {
    use ScalarType::*;
    let mut all = Vec::new();
    for metric in Metric::ALL {
        let (scalars, f): (&[ScalarType], usize) = match metric {
            Metric::Hamming => (&[Bits64, Bits32, Bits8], bits),
            _ => (&[F32, F64], f),
        };
        for &scalar in scalars {
            for id_width in [IdWidth::Bits32, IdWidth::Bits64] {
                all.push(options(metric, scalar, id_width, f));
            }
        }
    }
    all
}

/// "dot f32 i64".
pub fn name(options: Options) -> String {
    let ids = options.id_width.bits();
    format!("{} {} i{ids}", options.metric, options.scalar)
}

pub fn random_items(options: Options, n: usize, seed: u64) -> Vec<Item> {
    let mut random = Random(seed);
    (0..n).map(|_| Item::random(options, &mut random)).collect()
}

/// An index that holds the items, not built.
pub fn filled(options: Options, items: &[Item]) -> Index {
    let mut index = Index::with_options(options).unwrap();
    for (id, item) in items.iter().enumerate() {
        index.add_item(id as i64, item).unwrap();
    }
    index
}

/// The same, built with one thread.
pub fn built(options: Options, items: &[Item], n_trees: usize) -> Index {
    let mut index = filled(options, items);
    index.build(Some(n_trees), Some(1)).unwrap();
    index
}

pub fn ids(found: &[Neighbor]) -> Vec<i64> {
    found.iter().map(|neighbor| neighbor.id).collect()
}

/// Of many small tries one in so many, as `ANNOY_RS_SAMPLE` says: all of them, unless a sanitizer
/// makes each of them slow.
pub fn sample() -> usize {
    std::env::var("ANNOY_RS_SAMPLE").map_or(1, |number| number.parse().unwrap())
}

/// Of kinds that come in two groups, each of `group`: all of them, or every second of the one group
/// and the others of the next, where tries are sampled.
pub fn sampled_kinds<T>(kinds: Vec<T>, group: usize) -> Vec<T> {
    let numbered = kinds.into_iter().enumerate();
    numbered
        .filter(|(i, _)| sample() == 1 || i % 2 == i / group % 2)
        .map(|(_, kind)| kind)
        .collect()
}

/// Of kinds that take turns, one in `every` from number `first`, which the caller takes from what
/// is fixed about the test; all of them, unless tries are sampled.
pub fn one_in<T>(every: usize, kinds: impl IntoIterator<Item = T>, first: usize) -> Vec<T> {
    let every = if sample() == 1 { 1 } else { every };
    let kinds = kinds.into_iter().skip(first % every);
    kinds.step_by(every).collect()
}

/// Every second of them.
pub fn in_turn<T>(kinds: impl IntoIterator<Item = T>, first: usize) -> Vec<T> {
    one_in(2, kinds, first)
}

/// A directory for files that do not outlive the test: in memory where there is a place for such,
/// because every save waits for its disk.
pub fn scratch() -> TempDir {
    TempDir::with_prefix_in("annoy_rs-test-", "/dev/shm")
        .unwrap_or_else(|_| TempDir::new().unwrap())
}

/// The bytes that a save writes.
pub fn saved(index: &Index) -> Vec<u8> {
    let directory = scratch();
    let path = directory.path().join("saved.ann");
    index.save(&path).unwrap();
    fs::read(path).unwrap()
}

/// What a superblock is found by, its size, and where in it the length of the trees' section is;
/// see FORMAT.md.
pub const SIGNATURE: [u8; 8] = *b"ANN\xffRS\n\xff";
pub const SUPERBLOCK: usize = 640;
const TREES_LEN: usize = 128 + 32 + 16;

/// The bytes of a section of a file of ours; none when it has none of that kind.
pub fn section(bytes: &[u8], kind: u32) -> Option<&[u8]> {
    let table = bytes.windows(8).position(|w| w == SIGNATURE).unwrap() + 128;
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    (0..16)
        .map(|i| table + 32 * i)
        .find(|&at| bytes[at..at + 4] == kind.to_le_bytes())
        .map(|at| &bytes[long(at + 8)..][..long(at + 16)])
}

/// The file of ours as Annoy would have written it: without superblock and sections.
pub fn plain(options: Options, bytes: &[u8]) -> Vec<u8> {
    let layout = Struct::of(options);
    let size = layout.size;
    let last = layout.count(bytes) - 1;
    let n_items = layout.descendants(bytes, last) as usize;
    let at = n_items * size;
    assert_eq!(bytes[at..at + 8], SIGNATURE, "no superblock");
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let (n_trees, len) = (long(at + 64), long(at + TREES_LEN));
    let gap = SUPERBLOCK.div_ceil(size) + 1;
    let trees = at + gap * size;
    let mut plain = [
        &bytes[..at],
        &bytes[trees..trees + len],
        &bytes[bytes.len() - n_trees * size..],
    ]
    .concat();
    for node in n_items..layout.count(&plain) {
        if layout.descendants(&plain, node) > layout.leaf as i64 {
            for side in 0..2 {
                let child = layout.child(&plain, node, side);
                if child >= n_items as i64 {
                    layout.set_child(&mut plain, node, side, child - gap as i64);
                }
            }
        }
    }
    plain
}

/// A file of every type, small, but with splits, leaves and metadata: as Annoy has them, and ours.
pub fn small() -> Vec<(Options, Vec<u8>)> {
    let files = all_types(3, 40).into_iter().map(|options| {
        let options = match options.metric {
            Metric::Hamming => Options {
                f: options.scalar.size() * 24,
                ..options
            },
            _ => options,
        };
        let mut index = built(options, &random_items(options, 24, 3), 2);
        index.set_metadata(b"the user's own").unwrap();
        let bytes = saved(&index);
        let layout = Struct::of(options);
        assert!(layout.leaf < 12 || options.metric == Metric::Hamming);
        assert_eq!(layout.count(&bytes) * layout.size, bytes.len());
        // Ours, and as Annoy has them.
        [(options, plain(options, &bytes)), (options, bytes)]
    });
    files.flatten().collect()
}

/// An index that has loaded these bytes.
pub fn loaded(options: Options, bytes: &[u8]) -> annoy_rs::Result<Index> {
    let directory = scratch();
    let path = directory.path().join("loaded.ann");
    fs::write(&path, bytes).unwrap();
    let mut index = Index::with_options(options)?;
    index.load(&path, Access::Map).map(|()| index)
}

/// The distance as it is handed out, in double precision.
pub fn distance(metric: Metric, a: &Item, b: &Item) -> f64 {
    let pair = |(&x, &y): (&f32, &f32)| (f64::from(x), f64::from(y));
    match (a, b) {
        (Item::F32(a), Item::F32(b)) => of_pairs(metric, a.iter().zip(b).map(pair)),
        (Item::F64(a), Item::F64(b)) => of_pairs(metric, a.iter().zip(b).map(|(&x, &y)| (x, y))),
        (Item::Bits(a), Item::Bits(b)) => {
            let different = |(x, y): (&u64, &u64)| f64::from((x ^ y).count_ones());
            a.iter().zip(b).map(different).sum()
        }
        _ => panic!("{a:?} and {b:?}"),
    }
}

fn of_pairs(metric: Metric, pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let sum = |term: fn(f64, f64) -> f64| pairs.clone().map(|(x, y)| term(x, y)).sum::<f64>();
    match metric {
        Metric::Angular => {
            let norms = sum(|x, _| x * x) * sum(|_, y| y * y);
            let cos = if norms > 0.0 {
                sum(|x, y| x * y) / norms.sqrt()
            } else {
                0.0
            };
            (2.0 - 2.0 * cos).max(0.0).sqrt()
        }
        Metric::Euclidean => sum(|x, y| (x - y) * (x - y)).sqrt(),
        Metric::Manhattan | Metric::Hamming => sum(|x, y| (x - y).abs()),
        Metric::Dot => sum(|x, y| x * y),
    }
}

/// Exact search among the items present: (distance, id), nearest first, equal distances by id.
pub fn exact(metric: Metric, items: &[Option<Item>], query: &Item, n: usize) -> Vec<(f64, i64)> {
    let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
    let mut all: Vec<(f64, i64)> = items
        .iter()
        .zip(0..)
        .filter_map(|(item, id)| Some((distance(metric, item.as_ref()?, query), id)))
        .collect();
    all.sort_by(|a, b| (sign * a.0).total_cmp(&(sign * b.0)).then(a.1.cmp(&b.1)));
    all.truncate(n);
    all
}

/// How far a distance may be from the exact one: rounding in f32. Small angles lose half the digits
/// in the root, the smallest (`tests/rust/lengths.rs`) none.
pub fn tolerance(metric: Metric, expected: f64, scale: f64) -> f64 {
    match metric {
        Metric::Hamming => 0.0,
        Metric::Angular => 3e-6 / expected.max(2e-3),
        _ => 3e-6 * scale.max(expected.abs()),
    }
}

/// FNV-1a, 64 bits.
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// All that can be seen of an index from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub n_items: usize,
    pub n_trees: usize,
    pub seed: u64,
    pub items: Vec<Item>,
    /// Answers and file, or the error that says why there are none.
    pub answers: Result<Vec<Vec<Neighbor>>, String>,
    pub file: Option<Vec<u8>>,
}

impl Snapshot {
    pub fn of(index: &Index) -> Self {
        let n_items = index.n_items();
        let some = (0..n_items as i64).step_by((n_items / 50).max(1));
        let answers = some
            .clone()
            .map(|id| index.get_nns_by_item(id, 7, Some(100)))
            .collect::<Result<_, _>>();
        Snapshot {
            n_items,
            n_trees: index.n_trees(),
            seed: index.seed(),
            items: some.map(|id| Item::read(index, id).unwrap()).collect(),
            file: answers
                .is_ok()
                .then(|| index.n_trees() > 0)
                .and_then(|built| built.then(|| saved(index))),
            answers: answers.map_err(|error| error.to_string()),
        }
    }
}

/// Saves, loads, and finds everything as it was; gives the loaded one.
pub fn round_trip(index: &Index, context: &str) -> Index {
    let bytes = saved(index);
    let again =
        loaded(index.options(), &bytes).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(
        again.n_trees(),
        index.n_trees(),
        "{context}: trees after load"
    );
    let mut expected = Snapshot::of(index);
    expected.seed = again.seed();
    assert!(
        expected == Snapshot::of(&again),
        "{context}: answers after load"
    );
    again
}

/// Names and contents of the files in a directory; of temporary files only that they are there.
pub fn directory(path: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let keep = entry.file_type().unwrap().is_file() && !name.ends_with(".tmp");
            let bytes = if keep {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            (name, bytes)
        })
        .collect()
}

/// How many temporary files there are in a directory.
pub fn temporary_files(path: &Path) -> usize {
    directory(path)
        .keys()
        .filter(|name| name.ends_with(".tmp"))
        .count()
}

/// Where the fields of a 1.17 node lie, from the tables of Annoy's structs and independent of the
/// library's own.
#[derive(Clone, Copy, Debug)]
pub struct Struct {
    pub id: usize,
    pub children: usize,
    pub vector: usize,
    pub size: usize,
    /// Leaf capacity K.
    pub leaf: usize,
}

impl Struct {
    pub fn of(options: Options) -> Self {
        let wide = options.id_width == IdWidth::Bits64;
        let double = options.scalar == ScalarType::F64;
        let (children, vector) = match (options.metric, wide, double) {
            (Metric::Angular, false, false) => (4, 12),
            (Metric::Angular, false, true) => (8, 16),
            (Metric::Angular, true, _) => (8, 24),
            (Metric::Euclidean | Metric::Manhattan, false, false) => (8, 16),
            (Metric::Euclidean | Metric::Manhattan, false, true) => (16, 24),
            (Metric::Euclidean | Metric::Manhattan, true, _) => (16, 32),
            (Metric::Dot, false, false) => (4, 16),
            (Metric::Dot, false, true) => (4, 24),
            (Metric::Dot, true, false) => (8, 28),
            (Metric::Dot, true, true) => (8, 32),
            (Metric::Hamming, false, _) if options.scalar == ScalarType::Bits64 => (4, 16),
            (Metric::Hamming, false, _) => (4, 12),
            (Metric::Hamming, true, _) => (8, 24),
        };
        let id = options.id_width.size();
        let size = vector + options.elements() * options.scalar.size();
        Struct {
            id,
            children,
            vector,
            size,
            leaf: (size - children) / id,
        }
    }

    pub fn count(&self, bytes: &[u8]) -> usize {
        bytes.len() / self.size
    }

    fn read(&self, bytes: &[u8], at: usize) -> i64 {
        let mut wide = [0; 8];
        wide[..self.id].copy_from_slice(&bytes[at..at + self.id]);
        let value = i64::from_le_bytes(wide);
        if self.id == 4 {
            i64::from(value as i32)
        } else {
            value
        }
    }

    pub fn descendants(&self, bytes: &[u8], node: usize) -> i64 {
        self.read(bytes, node * self.size)
    }

    pub fn child(&self, bytes: &[u8], node: usize, i: usize) -> i64 {
        self.read(bytes, node * self.size + self.children + i * self.id)
    }

    pub fn set_descendants(&self, bytes: &mut [u8], node: usize, value: i64) {
        let at = node * self.size;
        bytes[at..at + self.id].copy_from_slice(&value.to_le_bytes()[..self.id]);
    }

    pub fn set_child(&self, bytes: &mut [u8], node: usize, i: usize, value: i64) {
        let at = node * self.size + self.children + i * self.id;
        bytes[at..at + self.id].copy_from_slice(&value.to_le_bytes()[..self.id]);
    }
}

/// Gives a long call up at its first step, and at later ones, ever farther apart, until it comes to
/// its end. Each time all is as before. The stages it went through.
pub fn given_up_at_each_step(
    index: &mut Index,
    sparse: usize,
    call: &dyn Fn(&mut Index, &mut Work<'_>) -> annoy_rs::Result<()>,
) -> Vec<Stage> {
    let before = saved(index);
    let (mut at, mut stages) = (0, Vec::new());
    loop {
        let (cancel, mut n) = (Cancel::new(), 0);
        let mut progress = |stage: Stage, done: u64, total: u64| {
            assert!(done <= total);
            if !stages.contains(&stage) {
                stages.push(stage);
            }
            n += 1;
            if n > at {
                cancel.cancel();
            }
        };
        let mut work = Work {
            n_threads: Some(2),
            cancel: Some(&cancel),
            progress: Some(&mut progress),
        };
        match call(index, &mut work) {
            Ok(()) => return stages,
            Err(error) => assert!(matches!(error, Error::Cancelled), "{error}"),
        }
        assert!(saved(index) == before, "{at}");
        at += 1 + at / sparse;
    }
}
