//! A valid file, damaged as the input says.

use super::examine::{ask, save, verify};
use super::memory_file::MemoryFile;
use super::mutate::{holds, mutate, seal, Seal, MOST};
use super::seeds::{query, seeds, Seed};
use annoy_rs::{probe, Access, Error, Index, Options};
use arbitrary::{Result, Unstructured};
use std::path::Path;
use tempfile::TempDir;
use twox_hash::XxHash3_64;

/// What is done with the damaged file beside loading it and asking. Hashed, so that no input breeds others that all take
/// the long way.
#[derive(Clone, Copy)]
pub struct Plan(u64);

impl Plan {
    pub fn of(input: &[u8]) -> Self {
        Plan(XxHash3_64::oneshot(input))
    }

    fn one_in(self, n: u64, bits: u32) -> bool {
        (self.0 >> bits).is_multiple_of(n)
    }

    pub fn access(self) -> Access {
        match self.0 & 7 {
            0 => Access::Copy,
            1 => Access::MapPrefaulted,
            _ => Access::Map,
        }
    }

    pub fn verifies(self) -> bool {
        self.one_in(2, 3)
    }

    pub fn opens(self) -> bool {
        self.one_in(4, 4)
    }

    pub fn saves(self) -> bool {
        self.one_in(8, 6)
    }

    pub fn probes(self) -> bool {
        self.one_in(16, 9)
    }
}

/// Files that are used again and again, one set for each thread.
struct Room {
    file: MemoryFile,
    directory: TempDir,
}

thread_local! {
    static ROOM: Room = Room { file: MemoryFile::new(), directory: super::common::scratch() };
}

/// Runs one input. Whatever is wrong is a panic.
pub fn run(data: &[u8]) {
    // An input that ends early ends the damage.
    let _ = try_out(&mut Unstructured::new(data), Plan::of(data));
}

fn try_out(u: &mut Unstructured<'_>, plan: Plan) -> Result<()> {
    let seed = &seeds()[usize::from(u.arbitrary::<u8>()?) % seeds().len()];
    // Mostly read as what it is.
    let reader = usize::from(u.arbitrary::<u8>()?).saturating_sub(160);
    let options = seed.readers[reader % seed.readers.len()];
    let mended = Seal::read(u)?;
    let mut bytes = seed.bytes.clone();
    for _ in 0..MOST {
        if u.is_empty() {
            break;
        }
        mutate(u, seed, &mut bytes)?;
    }
    seal(seed, &mut bytes, mended);
    ROOM.with(|room| {
        room.file.put(&bytes);
        let saved = room.directory.path().join("saved.ann");
        look_at(
            seed,
            options,
            plan,
            mended,
            &bytes,
            room.file.path(),
            &saved,
        );
    });
    Ok(())
}

fn look_at(
    seed: &Seed,
    options: Options,
    plan: Plan,
    mended: Seal,
    bytes: &[u8],
    path: &Path,
    saved: &Path,
) {
    let query = query(options);
    let mut index = Index::with_options(options).unwrap();
    let opened = index.load(path, plan.access());
    let whole = options == seed.options && mended.is_none() && holds(seed, bytes);
    if let Err(error) = &opened {
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        assert!(!whole, "all checksums hold, but {error}");
        assert_eq!((index.n_items(), index.n_trees()), (0, 0));
    } else {
        let answers = ask(&index, &query);
        if whole {
            assert_eq!(answers, seed.answers, "all checksums hold");
        }
        if plan.verifies() {
            verify(&index, &query, &answers);
        }
        if plan.saves() {
            save(&index, &query, &answers, saved);
        }
    }
    if plan.opens() {
        open(path, plan.access());
    }
    if plan.probes() {
        let described = opened.is_err() || index.info().unwrap().is_described;
        match probe(path) {
            Ok(kinds) => {
                let own = kinds.iter().any(|kind| kind.options == options);
                assert!(
                    described || own || kinds.len() == 1,
                    "{options:?}: {kinds:?}"
                );
            }
            Err(error) => {
                assert!(matches!(error, Error::Format { .. }), "{error:?}");
                let by_superblock = error.to_string().contains("superblock");
                assert!(described || by_superblock, "{options:?}: {error}");
            }
        }
    }
}

/// Opens it by its own word.
fn open(path: &Path, access: Access) {
    match Index::open(path, access) {
        Ok(index) => {
            // What it says may make the vectors long.
            let query = query(index.options());
            let answers = ask(&index, &query);
            verify(&index, &query, &answers);
        }
        Err(error) => assert!(matches!(error, Error::Format { .. }), "{error:?}"),
    }
}
