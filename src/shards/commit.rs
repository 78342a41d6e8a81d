//! Writing a manifest, and taking away what is not named any more.
//!
//! A writer has the lock file. It compares the generation that it has read with the one there is,
//! writes `MANIFEST.<generation>`, and then `MANIFEST`, each under a temporary name first.

use super::manifest::{check_name, Manifest, Removal, Shard, Sum, MAX_BYTES, MAX_SHARDS, NAME};
use super::open;
use super::Shards;
use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use crate::file::superblock::{self, hasher};
use crate::index::Index;
use crate::memory;
use crate::storage::{Access, PendingFile, Source};
use std::fs::{self, File, TryLockError};
use std::hash::Hasher;
use std::io::{self, Write};
use std::path::Path;

/// Held by the one that writes.
const LOCK: &str = "MANIFEST.lock";

/// Bytes of a file that are hashed at a time.
const CHUNK: usize = 1 << 20;

/// A shard of the manifest that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewShard<'a> {
    /// A file of the directory, or the text of a manifest, whose shards are all taken over on its
    /// word: that is for who has the files elsewhere.
    pub from: &'a str,
    /// What its items have in common; none: what the manifest before said.
    pub partition: Option<&'a str>,
    /// Ids within the shard that are removed from now on, beside those that are already.
    pub removed: &'a [i64],
}

impl<'a> NewShard<'a> {
    /// A file of the directory, as it is.
    pub fn file(name: &'a str) -> Self {
        NewShard {
            from: name,
            partition: None,
            removed: &[],
        }
    }
}

impl Manifest {
    /// The manifest of a directory.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Format`], [`Error::NoMemory`].
    pub fn read(directory: &Path) -> Result<Self> {
        let path = open::join(directory, NAME)?;
        let source = Source::open(&path, Access::Copy)?;
        if source.len() > MAX_BYTES {
            return Err(Error::Format {
                path: memory::try_path(&path).ok(),
                expected: format!("a manifest of shards"),
                reason: format!("it has {} bytes, more than {MAX_BYTES}", source.len()),
            });
        }
        let mut bytes = memory::filled(0, source.len() as usize)?;
        source.read_at(0, &mut bytes)?;
        Manifest::decode(&bytes, &path)
    }
}

impl Shards {
    /// Makes these the shards of the directory, in this order: all or nothing, and durable when the
    /// call returns. The generation of the manifest that is written.
    ///
    /// `expected` is the generation of the manifest that this one follows, 0 where there is none.
    /// Shards that it names already are taken over without looking at their files; the others are
    /// read as a whole. The manifest before stays, as `MANIFEST.<generation>`.
    ///
    /// # Errors
    /// [`Error::State`] when another generation is there, as another writer was first, or when one
    /// is at it; [`Error::Format`] for a file that is no index which says what it is, or one of
    /// another metric, f, types or kind of labels; [`Error::Argument`] for names that cannot be, no
    /// shards or too many; [`Error::Item`] for ids that the shard does not have; [`Error::Io`],
    /// [`Error::NoMemory`]. On an error the manifest is as before.
    pub fn commit(path: impl AsRef<Path>, expected: u64, shards: &[NewShard<'_>]) -> Result<u64> {
        let directory = path.as_ref();
        let lock = lock(directory)?;
        let before = current(directory)?;
        if before.as_ref().map_or(0, |before| before.generation) != expected {
            return Err(Error::State {
                operation: "commit",
                state: "of another generation, as another writer was first",
                expected: "the manifest as it was read",
            });
        }
        let manifest = next(directory, before.as_ref(), shards)?;
        let bytes = manifest.encode()?;
        put(directory, &kept_name(manifest.generation), &bytes)?;
        put(directory, NAME, &bytes)?;
        drop(lock);
        Ok(manifest.generation)
    }

    /// Takes away the manifests before the last `keep`, and the files that only those name. What
    /// has them open keeps them. How many files that were.
    ///
    /// # Errors
    /// [`Error::Argument`] for 0; [`Error::State`] when another writer is at it; [`Error::Io`],
    /// [`Error::Format`], [`Error::NoMemory`].
    pub fn prune(path: impl AsRef<Path>, keep: u64) -> Result<usize> {
        let directory = path.as_ref();
        if keep == 0 {
            return Err(Error::argument("keep", 0, "1 or more"));
        }
        let lock = lock(directory)?;
        let now = Manifest::read(directory)?;
        let first = now.generation.saturating_sub(keep - 1);
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for generation in generations(directory)? {
            // One that is damaged names nothing; one that is later was never taken up.
            let manifest = match generation < now.generation {
                true => earlier(directory, generation)?,
                false => None,
            };
            let Some(manifest) = manifest else {
                continue;
            };
            let to = if generation < first {
                &mut gone
            } else {
                &mut kept
            };
            memory::push(to, (generation, manifest))?;
        }
        memory::push(&mut kept, (now.generation, now))?;
        let mut named = memory::collect(kept.iter().flat_map(|(_, m)| names(m)))?;
        named.sort_unstable();
        let mut n_removed = 0;
        for name in gone.iter().flat_map(|(_, m)| names(m)) {
            if named.binary_search(&name).is_err() {
                n_removed += usize::from(remove(directory, name)?);
            }
        }
        // Last, so that what is left over by a crash is named still.
        for (generation, _) in &gone {
            n_removed += usize::from(remove(directory, &kept_name(*generation))?);
        }
        drop(lock);
        Ok(n_removed)
    }
}

/// The files that a manifest names.
fn names(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest.shards.iter().flat_map(|shard| {
        let removed = shard.removed.iter().map(|removed| removed.name.as_str());
        std::iter::once(shard.name.as_str()).chain(removed)
    })
}

fn kept_name(generation: u64) -> String {
    format!("{NAME}.{generation}")
}

/// Of the manifests that were kept.
fn generations(directory: &Path) -> Result<Vec<u64>> {
    let fail = |error| Error::io("read", directory, error);
    let entries = fault::check(Kind::Read).and_then(|()| fs::read_dir(directory));
    let mut found = Vec::new();
    for entry in entries.map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let number = number.and_then(|rest| rest.strip_prefix('.')?.parse().ok());
        if let Some(number) = number {
            memory::push(&mut found, number)?;
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A manifest that was kept, if it is there and sound.
fn earlier(directory: &Path, generation: u64) -> Result<Option<Manifest>> {
    let path = open::join(directory, &kept_name(generation))?;
    let source = match Source::open(&path, Access::Copy) {
        Ok(source) if source.len() <= MAX_BYTES => source,
        Ok(_) => return Ok(None),
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = memory::filled(0, source.len() as usize)?;
    source.read_at(0, &mut bytes)?;
    match Manifest::decode(&bytes, &path) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(Error::Format { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file is not there.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

fn current(directory: &Path) -> Result<Option<Manifest>> {
    match Manifest::read(directory) {
        Err(error) if is_missing(&error) => Ok(None),
        read => read.map(Some),
    }
}

fn remove(directory: &Path, name: &str) -> Result<bool> {
    let path = open::join(directory, name)?;
    match fault::check(Kind::Rename).and_then(|()| fs::remove_file(&path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("remove", path.as_path(), error)),
    }
}

/// The lock, until it is dropped; the system takes it from a process that ends.
fn lock(directory: &Path) -> Result<File> {
    let path = open::join(directory, LOCK)?;
    let fail = |error| Error::io("lock", path.as_path(), error);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = fault::check(Kind::Open)
        .and_then(|()| options.open(&path))
        .map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::State {
            operation: "commit",
            state: "being written by another writer",
            expected: "no other writer",
        }),
        Err(TryLockError::Error(error)) => Err(fail(error)),
    }
}

/// Writes a file, whole or not at all.
fn put(directory: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = open::join(directory, name)?;
    let mut file = PendingFile::create(&path)?;
    let written = file.writer().write_all(bytes);
    written.map_err(|error| Error::io("write", path.as_path(), error))?;
    file.publish()
}

/// The manifest that follows.
fn next(directory: &Path, before: Option<&Manifest>, new: &[NewShard<'_>]) -> Result<Manifest> {
    let generation = before.map_or(0, |before| before.generation) + 1;
    let before = before.map(Before::new).transpose()?;
    let mut manifest = Manifest {
        generation,
        options: crate::types::Options::new(crate::types::Metric::Angular, 1),
        labels: None,
        shards: Vec::new(),
    };
    for new in new {
        let said = match new.from.starts_with('{') {
            true => Manifest::decode(new.from.as_bytes(), Path::new(NAME))?,
            false => described(directory, before.as_ref(), new.from, generation)?,
        };
        let first = manifest.shards.is_empty();
        if first {
            manifest.options = said.options;
        }
        let name = said.shards.first().map_or("", |shard| &shard.name);
        if said.options != manifest.options {
            return Err(mixed(directory, name, &said, &manifest));
        }
        match (manifest.labels, said.labels) {
            (Some(a), Some(b)) if a != b => return Err(mixed(directory, name, &said, &manifest)),
            (before, after) => manifest.labels = before.or(after),
        }
        for mut shard in said.shards {
            shard.generation = match before.as_ref().and_then(|b| b.named(&shard.name)) {
                Some(before) if before.checksum == shard.checksum => before.generation,
                _ => generation,
            };
            if let Some(partition) = new.partition {
                shard.partition = Some(memory::text(partition));
            }
            if !new.removed.is_empty() {
                shard.removed = Some(mark(directory, &shard, new.removed, generation)?);
            }
            memory::push(&mut manifest.shards, shard)?;
        }
    }
    if manifest.shards.is_empty() {
        let expected = format!("1 to {MAX_SHARDS}");
        return Err(Error::argument("the number of shards", 0, expected));
    }
    let checked = manifest.check();
    checked.map_err(|reason| Error::argument("the manifest", reason, "one that can be"))?;
    Ok(manifest)
}

/// The manifest before, and its shards by name.
struct Before<'a> {
    manifest: &'a Manifest,
    shards: Vec<&'a Shard>,
}

impl<'a> Before<'a> {
    fn new(manifest: &'a Manifest) -> Result<Self> {
        let mut shards = memory::collect(&manifest.shards)?;
        shards.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Before { manifest, shards })
    }

    fn named(&self, name: &str) -> Option<&'a Shard> {
        let found = self
            .shards
            .binary_search_by(|shard| (*shard.name).cmp(name));
        found.ok().map(|at| self.shards[at])
    }
}

fn mixed(directory: &Path, name: &str, found: &Manifest, others: &Manifest) -> Error {
    let kind = |manifest: &Manifest| {
        let Manifest {
            options, labels, ..
        } = manifest;
        format!(
            "{} of {} {}s with {}-bit ids, labels {:?}",
            options.metric,
            options.f,
            options.scalar,
            options.id_width.bits(),
            labels
        )
    };
    Error::Format {
        path: open::join(directory, name).ok(),
        expected: format!("a shard of the kind that the others are, {}", kind(others)),
        reason: format!("it is {}", kind(found)),
    }
}

/// A file of the directory, as a manifest of its own.
fn described(
    directory: &Path,
    before: Option<&Before<'_>>,
    name: &str,
    generation: u64,
) -> Result<Manifest> {
    let checked = check_name(name, ".ann");
    checked.map_err(|reason| Error::argument("the manifest", reason, "one that can be"))?;
    if let Some((before, shard)) = before.and_then(|b| Some((b.manifest, b.named(name)?))) {
        return Ok(Manifest {
            generation,
            options: before.options,
            labels: before.labels,
            shards: memory::copy(std::slice::from_ref(shard))?,
        });
    }
    let path = open::join(directory, name)?;
    let index = Index::open(&path, Access::Map)?;
    let (bytes, superblock) = open::identity(&index);
    let mut hasher = hasher();
    for chunk in bytes.chunks(CHUNK) {
        hasher.write(chunk);
    }
    let shard = Shard {
        name: memory::text(name),
        items: index.n_items() as u64,
        bytes: bytes.len() as u64,
        checksum: Sum(hasher.finish()),
        superblock,
        generation,
        partition: None,
        removed: None,
    };
    Ok(Manifest {
        generation,
        options: index.options(),
        labels: index.label_kind(),
        shards: memory::copy(&[shard])?,
    })
}

/// Writes the ids of a shard that are removed from now on, those before among them.
fn mark(directory: &Path, shard: &Shard, ids: &[i64], generation: u64) -> Result<Removal> {
    let mut all = match &shard.removed {
        Some(before) => open::removed_ids(directory, shard, before)?,
        None => Vec::new(),
    };
    for &id in ids {
        let good = u64::try_from(id).ok().filter(|id| *id < shard.items);
        let expected = || format!("0 to {}, in {:?}", shard.items as i64 - 1, shard.name);
        let good = good.ok_or_else(|| Error::Item {
            id,
            expected: expected(),
        })?;
        memory::push(&mut all, good)?;
    }
    all.sort_unstable();
    all.dedup();
    let mut bytes = memory::with_room(8 * all.len())?;
    for id in &all {
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    let stem = shard.name.strip_suffix(".ann").unwrap_or(&shard.name);
    let name = format!("{stem}.{generation}.removed");
    put(directory, &name, &bytes)?;
    Ok(Removal {
        name,
        items: all.len() as u64,
        checksum: Sum(superblock::checksum(&bytes)),
    })
}
