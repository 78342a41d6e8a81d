//! A valid file, damaged as the input says.

use super::examine::{ask, save, thaw, verify};
use super::memory_file::MemoryFile;
use super::mutate::{holds, mutate, seal, Seal, MOST};
use super::seeds::{query, seeds, Seed};
use annoy_rs::{probe, Access, Error, Index, Kind, Options};
use arbitrary::{Result, Unstructured};
use twox_hash::XxHash3_64;

/// What is done with the damaged file beside loading it and asking. Hashed, so that no input breeds
/// others that all take the long way.
#[derive(Clone, Copy)]
pub struct Plan(u64);

impl Plan {
    pub fn of(input: &[u8]) -> Self {
        Plan(XxHash3_64::oneshot(input))
    }

    fn one_in(self, n: u64, bits: u32) -> bool {
        (self.0 >> bits).is_multiple_of(n)
    }

    /// How it is held when it is a file; mostly it is bytes in memory, which are opened in a
    /// fraction of the time, and of which AddressSanitizer watches the ends.
    fn access(self) -> Option<Access> {
        match self.0 & 31 {
            0 => Some(Access::Copy),
            1 => Some(Access::MapPrefaulted),
            2 | 3 => Some(Access::Map),
            _ => None,
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

    pub fn thaws(self) -> bool {
        self.one_in(4, 13)
    }
}

/// What is opened: bytes, and where a call needs one, a file of them.
pub struct Opener<'a> {
    plan: Plan,
    bytes: &'a [u8],
}

thread_local! {
    /// Used again and again.
    static FILE: MemoryFile = MemoryFile::new();
}

impl<'a> Opener<'a> {
    pub fn new(plan: Plan, bytes: &'a [u8]) -> Self {
        Opener { plan, bytes }
    }

    /// No index may have the file mapped when the next input comes.
    fn with_file<R>(&self, work: impl FnOnce(&std::path::Path) -> R) -> R {
        FILE.with(|file| {
            file.put(self.bytes);
            work(file.path())
        })
    }

    pub fn load(&self, index: &mut Index) -> annoy_rs::Result<()> {
        match self.plan.access() {
            Some(access) => self.with_file(|path| index.load(path, access)),
            None => index.load_bytes(self.bytes.to_vec()),
        }
    }

    pub fn open(&self) -> annoy_rs::Result<Index> {
        match self.plan.access() {
            Some(access) => self.with_file(|path| Index::open(path, access)),
            None => Index::open_bytes(self.bytes.to_vec()),
        }
    }

    pub fn probe(&self) -> annoy_rs::Result<Vec<Kind>> {
        self.with_file(|path| probe(path))
    }
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
    look_at(seed, options, plan, mended, &bytes);
    Ok(())
}

fn look_at(seed: &Seed, options: Options, plan: Plan, mended: Seal, bytes: &[u8]) {
    let opener = Opener::new(plan, bytes);
    let query = query(options);
    let mut index = Index::with_options(options).unwrap();
    let opened = opener.load(&mut index);
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
            save(&index, &query, &answers);
        }
    }
    if plan.opens() {
        open(&opener);
    }
    if plan.probes() {
        let described = opened.is_err() || index.info().unwrap().is_described;
        match opener.probe() {
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
    if opened.is_ok() && plan.thaws() {
        thaw(index, &query);
    }
}

/// Opens it by its own word.
fn open(opener: &Opener<'_>) {
    match opener.open() {
        Ok(index) => {
            // What it says may make the vectors long.
            let query = query(index.options());
            let answers = ask(&index, &query);
            verify(&index, &query, &answers);
        }
        Err(error) => assert!(matches!(error, Error::Format { .. }), "{error:?}"),
    }
}
