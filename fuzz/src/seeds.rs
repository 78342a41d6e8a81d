//! Valid files to start from: every type, ours and as Annoy has them, and a few odd forests.

use super::common::graphs::small_files;
use super::common::scans::small_scans;
use super::common::{all_types, filled, plain, random_items, saved, Item, Struct, SIGNATURE};
use super::examine::{ask, Answers};
use super::memory_file::MemoryFile;
use annoy_rs::{probe, Access, GraphPlan, Index, Metric, Options, Work};
use std::sync::OnceLock;

/// A valid file and all that is known of it.
pub struct Seed {
    pub options: Options,
    pub layout: Struct,
    pub bytes: Vec<u8>,
    /// Whether it has a superblock.
    pub described: bool,
    pub n_items: usize,
    /// Types of index that take the file for their own, `options` first.
    pub readers: Vec<Options>,
    /// What it answers.
    pub answers: Answers,
}

impl Seed {
    fn new(options: Options, bytes: Vec<u8>) -> Self {
        let file = MemoryFile::new();
        file.put(&bytes);
        let mut index = Index::with_options(options).unwrap();
        index.load(file.path(), Access::Map).unwrap();
        let mut readers = vec![options];
        let kinds = probe(file.path()).unwrap();
        readers.extend(
            kinds
                .into_iter()
                .map(|kind| kind.options)
                .filter(|&kind| kind != options),
        );
        Seed {
            options,
            layout: Struct::of(options),
            described: index.info().unwrap().is_described,
            n_items: index.n_items(),
            answers: ask(&index, &query(options)),
            readers,
            bytes,
        }
    }

    /// The node where the superblock is, by the word of the last node of `bytes`, which may be
    /// damaged.
    pub fn superblock(&self, bytes: &[u8]) -> Option<usize> {
        if !bytes.len().is_multiple_of(self.layout.size) {
            return None;
        }
        let count = self.layout.count(bytes);
        let n_items = self.layout.descendants(bytes, count.checked_sub(1)?);
        let at = usize::try_from(n_items)
            .ok()?
            .checked_mul(self.layout.size)?;
        let found = bytes.get(at..at.checked_add(super::common::SUPERBLOCK)?)?;
        found.starts_with(&SIGNATURE).then_some(at)
    }
}

/// A vector to ask for.
pub fn query(options: Options) -> Item {
    random_items(options, 1, 99).remove(0)
}

/// Small vectors make small leaves, and those make splits.
fn types() -> Vec<Options> {
    let bits = |options: Options| Options {
        f: options.scalar.size() * 24,
        ..options
    };
    all_types(3, 1)
        .into_iter()
        .map(|options| match options.metric {
            Metric::Hamming => bits(options),
            _ => options,
        })
        .collect()
}

/// `n` items with those left out that `present` says no to.
fn file(options: Options, n: usize, n_trees: usize, present: impl Fn(usize) -> bool) -> Vec<u8> {
    let items = random_items(options, n, 3);
    let mut index = filled(options, &[]);
    for (id, item) in items.iter().enumerate().filter(|(id, _)| present(*id)) {
        index.add_item(id as i64, item).unwrap();
    }
    index.build(Some(n_trees), Some(1)).unwrap();
    index.set_metadata(b"the user's own").unwrap();
    saved(&index)
}

/// Made once. The order stays: inputs count on it.
pub fn seeds() -> &'static [Seed] {
    static SEEDS: OnceLock<Vec<Seed>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mut seeds = Vec::new();
        let mut add = |options: Options, bytes: Vec<u8>| {
            seeds.push(Seed::new(options, plain(options, &bytes)));
            seeds.push(Seed::new(options, bytes));
        };
        for options in types() {
            add(options, file(options, 24, 2, |_| true));
        }
        for metric in Metric::ALL {
            let options = match metric {
                Metric::Hamming => Options::new(metric, 64),
                _ => Options::new(metric, 3),
            };
            // None at all, one of many, holes, a tree of one node, equal items.
            add(options, file(options, 0, 3, |_| true));
            add(options, file(options, 31, 1, |id| id == 30));
            add(options, file(options, 30, 2, |id| id % 3 == 2));
            add(options, file(options, 2, 4, |_| true));
        }
        // Labels of both kinds, and removed items.
        for is_text in [false, true] {
            let options = Options::new(Metric::Euclidean, 3);
            let mut index = filled(options, &random_items(options, 24, 3));
            index.build(Some(2), Some(1)).unwrap();
            for id in (0..24).step_by(3) {
                match is_text {
                    true => index.set_label(id, &"x".repeat(id as usize)).unwrap(),
                    false => index.set_label(id, id as u64 * 1_000_003).unwrap(),
                }
                index.remove_item(id / 2).unwrap();
            }
            seeds.push(Seed::new(options, saved(&index)));
        }
        let with_graph = |metric| match metric {
            Metric::Hamming => (Options::new(metric, 64), 24),
            _ => (Options::new(metric, 3), 24),
        };
        // So long that codes are made short.
        let long = [Metric::Euclidean, Metric::Dot].map(|metric| (Options::new(metric, 193), 8));
        for (options, n) in Metric::ALL.into_iter().map(with_graph).chain(long) {
            let mut index = filled(options, &random_items(options, n, 3));
            index.build(Some(2), Some(1)).unwrap();
            let plan = GraphPlan {
                degree: 4,
                ..GraphPlan::default()
            };
            index.build_graph(&plan, &mut Work::default()).unwrap();
            seeds.push(Seed::new(options, saved(&index)));
        }
        // Graphs walked by vectors, and with zero vectors.
        for (options, bytes) in small_files() {
            seeds.push(Seed::new(options, bytes));
        }
        // Lists of a scan.
        for (options, bytes) in small_scans() {
            seeds.push(Seed::new(options, bytes));
        }
        seeds
    })
}
