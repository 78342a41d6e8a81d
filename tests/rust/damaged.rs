//! Every byte of a file flipped, every length it can be cut to, in every type, through every call
//! that reads a file: no panic, no id out of bounds, and in files of ours nothing that is not
//! noticed, by loading or by verifying. tests/rust/corrupt.rs has damage of other shapes.

use crate::common::{all_types, built, name, random_items, sample, saved, small, Item, SIGNATURE};
use annoy_rs::{probe, Access, Error, GraphPlan, Index, Metric, Neighbor, Options, Work};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Tries, and who noticed that something is wrong.
#[derive(Debug, Default)]
struct Counts {
    tries: usize,
    by_loading: usize,
    by_verifying: usize,
    /// Of these, the ones that a search came across.
    by_searching: usize,
    unnoticed: usize,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.tries += other.tries;
        self.by_loading += other.by_loading;
        self.by_verifying += other.by_verifying;
        self.by_searching += other.by_searching;
        self.unnoticed += other.unnoticed;
    }

    fn words(&self) -> String {
        format!(
            "{} tries, {} found by loading, {} by verifying ({} of these by searching), {} unnoticed",
            self.tries, self.by_loading, self.by_verifying, self.by_searching, self.unnoticed
        )
    }
}

/// One file that is damaged in place again and again, and its bytes in memory. Nothing has it
/// mapped in between.
struct Bench {
    options: Options,
    query: Item,
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new(options: Options, good: &[u8]) -> Self {
        let directory = crate::common::scratch();
        let path = directory.path().join("x.ann");
        fs::write(&path, good).unwrap();
        Bench {
            options,
            query: random_items(options, 1, 99).remove(0),
            file: OpenOptions::new().write(true).open(&path).unwrap(),
            bytes: good.to_vec(),
            path,
            _directory: directory,
        }
    }

    fn cut(&mut self, len: usize) {
        self.file.set_len(len as u64).unwrap();
        self.bytes.truncate(len);
    }

    fn put(&mut self, at: usize, byte: u8) {
        self.file.seek(SeekFrom::Start(at as u64)).unwrap();
        self.file.write_all(&[byte]).unwrap();
        self.bytes[at] = byte;
    }

    /// Every call that reads a file, and searches of what opens.
    fn try_all(&self, context: &dyn Fn() -> String, counts: &mut Counts) {
        counts.tries += 1;
        let mut index = Index::with_options(self.options).unwrap();
        let loaded = refused_or(index.load(&self.path, Access::Map), context);
        let mut sound = false;
        if loaded.is_some() {
            counts.by_searching += usize::from(!ask(&index, &self.query, context));
            sound = index.verify(2).unwrap().is_sound();
            index.info().unwrap();
            assert_eq!(index.metadata().len(), index.metadata().to_vec().len());
        }
        match (loaded, sound) {
            (None, _) => counts.by_loading += 1,
            (_, false) => counts.by_verifying += 1,
            (_, true) => counts.unnoticed += 1,
        }
        let opened = refused_or(Index::open(&self.path, Access::Copy), context);
        if let Some(opened) = &opened {
            // What opens is the index it was, so that it loads, and looks the same.
            assert!(loaded.is_some(), "{}", context());
            assert_eq!(opened.options(), self.options, "{}", context());
            ask(opened, &self.query, context);
        }
        let verified = refused_or(Index::verify_file(&self.path, 0), context);
        assert_eq!(verified.is_some(), opened.is_some(), "{}", context());
        if let Some(report) = verified {
            assert_eq!(report.is_sound(), sound, "{}", context());
            assert!(report.has_checksums && report.faults.is_empty());
        }
        if let Some(kinds) = refused_or(probe(&self.path), context) {
            assert!(!kinds.is_empty());
            let itself = kinds.iter().any(|kind| kind.options == self.options);
            assert!(itself || opened.is_none(), "{}", context());
        } else {
            // Probing looks at what loading looks at.
            assert!(loaded.is_none(), "{}: loads, but is of no kind", context());
        }
        self.try_bytes(loaded.is_some(), opened.is_some(), sound, context);
    }

    /// The same bytes in memory are taken or refused as the file was. What loads thaws, if it is
    /// sound, and can be built then.
    fn try_bytes(&self, loads: bool, opens: bool, sound: bool, context: &dyn Fn() -> String) {
        let opened = refused_or(Index::open_bytes(self.bytes.clone()), context);
        assert_eq!(opened.is_some(), opens, "{}", context());
        let mut index = Index::with_options(self.options).unwrap();
        let loaded = refused_or(index.load_bytes(self.bytes.clone()), context);
        assert_eq!(loaded.is_some(), loads, "{}", context());
        if loaded.is_none() {
            return;
        }
        assert_eq!(index.verify(0).unwrap().is_sound(), sound, "{}", context());
        match index.thaw() {
            Ok(()) => {
                index.build(Some(1), Some(1)).unwrap();
                ask(&index, &self.query, context);
                assert!(index.verify(1).unwrap().is_sound(), "{}", context());
            }
            Err(Error::Corrupt { .. } | Error::NotFinite { .. }) => {
                assert!(!sound, "{}: sound, but does not thaw", context());
            }
            Err(other) => panic!("{}: {other:?}", context()),
        }
    }
}

/// What a call gave; none when it refused the file. Anything else is wrong.
fn refused_or<T>(result: annoy_rs::Result<T>, context: &dyn Fn() -> String) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Format { .. }) => None,
        Err(other) => panic!("{}: {other:?}", context()),
    }
}

/// Searches as far as they lead, and whether all were answered.
fn ask(index: &Index, query: &Item, context: &dyn Fn() -> String) -> bool {
    let n_items = index.n_items() as i64;
    let mut answered = true;
    let mut take = |result: annoy_rs::Result<Vec<Neighbor>>| match result {
        Ok(found) => {
            let in_bounds = found.iter().all(|one| (0..n_items).contains(&one.id));
            assert!(in_bounds, "{}: {found:?}", context());
        }
        Err(Error::Corrupt { .. }) => answered = false,
        Err(other) => panic!("{}: {other:?}", context()),
    };
    take(index.get_nns_by_vector(query, 3, None));
    // So few that a graph, if there is one, is walked.
    take(index.get_nns_by_vector(query, 3, Some(12)));
    take(index.get_nns_by_vector(query, usize::MAX, Some(u64::MAX)));
    if n_items > 0 {
        take(index.get_nns_by_item(n_items - 1, 3, None));
    }
    answered
}

/// Two lists: files of ours, and plain ones.
fn files() -> [Vec<(Options, Vec<u8>)>; 2] {
    let is_ours = |bytes: &[u8]| bytes.windows(SIGNATURE.len()).any(|at| at == SIGNATURE);
    let (ours, plain): (Vec<_>, Vec<_>) = small().into_iter().partition(|file| is_ours(&file.1));
    assert_eq!(ours.len(), plain.len());
    [ours, plain]
}

/// Damages each file, prints what became of it, and adds up.
fn each(
    what: &str,
    files: &[(Options, Vec<u8>)],
    damage: impl Fn(&mut Bench, &[u8], &mut Counts),
) -> Counts {
    let mut total = Counts::default();
    for (options, good) in files {
        let mut counts = Counts::default();
        damage(&mut Bench::new(*options, good), good, &mut counts);
        println!("{}: {}", name(*options), counts.words());
        total.add(&counts);
    }
    println!("{what}: {}", total.words());
    total
}

fn flips(what: &str, files: &[(Options, Vec<u8>)]) -> Counts {
    each(what, files, |bench, good, counts| {
        // Of long vectors one number is like another.
        let step = 1 + 16 * usize::from(good.len() > 20_000);
        for (at, &byte) in good.iter().enumerate().step_by(step * sample()) {
            // One bit, another in each byte.
            bench.put(at, byte ^ 1 << (at % 8));
            let context = || format!("{}, byte {at}", name(bench.options));
            bench.try_all(&context, counts);
            bench.put(at, byte);
        }
        assert!(fs::read(&bench.path).unwrap() == *good, "whole again");
    })
}

fn cuts(what: &str, files: &[(Options, Vec<u8>)]) -> Counts {
    each(what, files, |bench, good, counts| {
        for len in (0..good.len()).rev().step_by(sample()) {
            bench.cut(len);
            let context = || format!("{}, the first {len} bytes", name(bench.options));
            bench.try_all(&context, counts);
        }
    })
}

#[test]
fn flips_in_our_files() {
    let counts = flips("flips, files of ours", &files()[0]);
    assert_eq!(counts.unnoticed, 0);
    let least = 10_000 / sample();
    assert!(
        counts.by_loading > least && counts.by_verifying > least,
        "{counts:?}"
    );
}

/// Searches go by the graph there.
#[test]
fn flips_in_files_with_graphs() {
    let with_graph = |options: Options| {
        let mut index = built(options, &random_items(options, 24, 3), 2);
        let plan = GraphPlan {
            degree: 4,
            ..GraphPlan::default()
        };
        index.build_graph(&plan, &mut Work::default()).unwrap();
        (options, saved(&index))
    };
    // Codes of long vectors are made short.
    let long =
        [Metric::Angular, Metric::Euclidean, Metric::Dot].map(|metric| Options::new(metric, 193));
    let types = all_types(3, 64).into_iter().chain(long);
    let mut files: Vec<_> = types.map(with_graph).collect();
    files.extend(crate::common::graphs::small_files());
    let counts = flips("flips, files with graphs", &files);
    assert_eq!(counts.unnoticed, 0);
    assert!(counts.by_searching > 1000 / sample(), "{counts:?}");
}

/// None is taken for a plain file.
#[test]
fn cuts_of_our_files() {
    let counts = cuts("cuts, files of ours", &files()[0]);
    assert_eq!(counts.by_loading, counts.tries);
    assert!(counts.tries > 10_000 / sample(), "{counts:?}");
}

/// Plain files have no checksums: what is left is a value like another.
#[test]
fn flips_in_plain_files() {
    let counts = flips("flips, plain files", &files()[1]);
    let least = 1000 / sample();
    assert!(
        counts.by_loading > least && counts.by_verifying > least,
        "{counts:?}"
    );
}

/// Of a plain file of two trees three beginnings load. Two are whole files themselves: behind the
/// root of the first tree it is one of that tree; and without the last copy there are still both
/// roots, one copied and one in its tree. In the third, without both copies, the first tree is no
/// part of anything, which verifying finds.
#[test]
fn cuts_of_plain_files() {
    let files = &files()[1];
    let counts = cuts("cuts, plain files", files);
    let most = (files.len(), 2 * files.len());
    let found = (counts.by_verifying, counts.unnoticed);
    if sample() == 1 {
        assert_eq!(found, most, "{counts:?}");
    } else {
        assert!(found.0 <= most.0 && found.1 <= most.1, "{counts:?}");
    }
}
