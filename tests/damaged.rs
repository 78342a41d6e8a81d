//! Every byte of a file flipped, every length it can be cut to, in every type, through every call that reads a file: no panic, no
//! id out of bounds, and in files of ours nothing that is not noticed, by loading or by verifying. tests/corrupt.rs has damage
//! of other shapes.

mod common;

use annoy_rs::{probe, Access, Error, Index, Neighbor, Options};
use common::{name, random_items, small, Item, SIGNATURE};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Tries, and who noticed that something is wrong.
#[derive(Debug, Default)]
struct Counts {
    tries: usize,
    by_loading: usize,
    by_verifying: usize,
    /// Of those that load, the ones that a search came across.
    by_searching: usize,
    unnoticed: usize,
}

/// One file that is damaged in place again and again, and its bytes in memory. Nothing has it mapped in between.
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
        let directory = common::scratch();
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

    /// The same bytes in memory are taken or refused as the file was. What loads thaws, if it is sound, and can be built then.
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

fn flips(files: &[(Options, Vec<u8>)]) -> Counts {
    let mut counts = Counts::default();
    for (options, good) in files {
        let mut bench = Bench::new(*options, good);
        for (at, &byte) in good.iter().enumerate() {
            // One bit, another in each byte.
            bench.put(at, byte ^ 1 << (at % 8));
            let context = || format!("{}, byte {at}", name(*options));
            bench.try_all(&context, &mut counts);
            bench.put(at, byte);
        }
        assert!(fs::read(&bench.path).unwrap() == *good, "whole again");
    }
    counts
}

fn truncations(files: &[(Options, Vec<u8>)]) -> Counts {
    let mut counts = Counts::default();
    for (options, good) in files {
        let mut bench = Bench::new(*options, good);
        for len in (0..good.len()).rev() {
            bench.cut(len);
            let context = || format!("{}, the first {len} bytes", name(*options));
            bench.try_all(&context, &mut counts);
        }
    }
    counts
}

fn say(what: &str, counts: &Counts) {
    let Counts {
        tries,
        by_loading,
        by_verifying,
        by_searching,
        unnoticed,
    } = counts;
    let unnoticed = match unnoticed {
        0 => "none".to_string(),
        n => n.to_string(),
    };
    println!("{tries} {what}: {by_loading} found by loading, {by_verifying} by verifying ({by_searching} by searching); {unnoticed} unnoticed");
}

#[test]
fn flips_in_our_files() {
    let counts = flips(&files()[0]);
    say("flips in files of ours", &counts);
    assert_eq!(counts.unnoticed, 0);
    assert!(
        counts.by_loading > 10_000 && counts.by_verifying > 10_000,
        "{counts:?}"
    );
}

#[test]
fn truncations_of_our_files() {
    let counts = truncations(&files()[0]);
    say("truncations of files of ours", &counts);
    assert_eq!(counts.unnoticed, 0);
    assert!(counts.by_loading > 10_000, "{counts:?}");
}

/// Plain files have no checksums: what is left is a value like another.
#[test]
fn flips_in_plain_files() {
    let counts = flips(&files()[1]);
    say("flips in plain files", &counts);
    assert!(
        counts.by_loading > 1000 && counts.by_verifying > 1000,
        "{counts:?}"
    );
}

/// Of a plain file of two trees two beginnings are whole files themselves: behind the root of the first tree it is one of that
/// tree; and without the last copy there are still both roots, one copied and one in its tree.
#[test]
fn truncations_of_plain_files() {
    let files = &files()[1];
    let counts = truncations(files);
    say("truncations of plain files", &counts);
    assert_eq!(counts.unnoticed, 2 * files.len(), "{counts:?}");
}
