//! The shards that a manifest names, mapped.

use super::commit::is_missing;
use super::manifest::{Manifest, Removal, Shard, Sum};
use super::ShardAccess;
use crate::error::{Error, Result};
use crate::file::superblock;
use crate::index::Index;
use crate::labels::LabelKind;
use crate::memory;
use crate::storage::{Access, Source};
use crate::types::Options;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A shard that is open, and what the manifest says of it.
pub(super) struct Mapped {
    pub entry: Shard,
    pub index: Index,
}

/// All shards that one manifest names, as one index. It does not change.
pub struct View {
    manifest: Manifest,
    /// None for those that are not there.
    pub(super) shards: Vec<Option<Arc<Mapped>>>,
    /// The first id of each shard, and the number of all items.
    pub(super) starts: Vec<u64>,
    n_missing: usize,
}

impl View {
    /// The shards of a manifest; those that another view has are shared with it.
    pub(super) fn of(
        directory: &Path,
        manifest: Manifest,
        how: ShardAccess,
        before: Option<&View>,
    ) -> Result<Self> {
        let (mut shards, mut starts) = (Vec::new(), Vec::new());
        let (mut n_missing, mut start) = (0, 0);
        let mut there = memory::collect(before.into_iter().flat_map(View::all))?;
        there.sort_unstable_by(|a, b| a.entry.name.cmp(&b.entry.name));
        for entry in &manifest.shards {
            memory::push(&mut starts, start)?;
            start += entry.items;
            let same = there.binary_search_by(|shard| shard.entry.name.cmp(&entry.name));
            let same = same.ok().map(|at| there[at]);
            let shard = match same.filter(|shard| shard.entry == *entry) {
                Some(shard) => Some(Arc::clone(shard)),
                None => match Mapped::open(directory, entry, manifest.options, how.access) {
                    Err(error) if how.partial && is_missing(&error) => None,
                    opened => Some(shared(opened?)),
                },
            };
            n_missing += usize::from(shard.is_none());
            memory::push(&mut shards, shard)?;
        }
        memory::push(&mut starts, start)?;
        Ok(View {
            manifest,
            shards,
            starts,
            n_missing,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Mapped>> {
        self.shards.iter().flatten()
    }

    /// What it was opened by.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Metric, f and types of all shards.
    pub fn options(&self) -> Options {
        self.manifest.options
    }

    /// Length of the vectors: numbers, or bits for hamming.
    pub fn f(&self) -> usize {
        self.manifest.options.f
    }

    /// Items of all shards, missing ones included: ids are below.
    pub fn n_items(&self) -> usize {
        self.starts.last().map_or(0, |n| *n as usize)
    }

    /// How many shards the manifest names.
    pub fn n_shards(&self) -> usize {
        self.shards.len()
    }

    /// How many of them are not there, and are not searched: more than 0 only where that was asked
    /// for.
    pub fn n_missing(&self) -> usize {
        self.n_missing
    }

    /// Trees of all shards.
    pub fn n_trees(&self) -> usize {
        self.there().map(|(_, shard)| shard.index.n_trees()).sum()
    }

    /// What labels are; none when there are none.
    pub fn label_kind(&self) -> Option<LabelKind> {
        self.manifest.labels
    }

    /// Shards that are there, each with its first id.
    pub(super) fn there(&self) -> impl DoubleEndedIterator<Item = (u64, &Mapped)> + Clone {
        let shards = self.shards.iter().zip(&self.starts);
        shards.filter_map(|(shard, start)| Some((*start, &**shard.as_ref()?)))
    }

    /// The place of the shard that has an item, and the item's id there.
    ///
    /// # Errors
    /// [`Error::Item`].
    pub(super) fn place(&self, id: i64) -> Result<(usize, i64)> {
        let n_items = self.n_items();
        let good = usize::try_from(id).ok().filter(|&id| id < n_items);
        let good = good.ok_or_else(|| Error::Item {
            id,
            expected: format!("0 to {}", n_items as i64 - 1),
        })? as u64;
        // The last that starts no later: empty ones before it start there too.
        let at = self.starts.partition_point(|start| *start <= good) - 1;
        Ok((at, (good - self.starts[at]) as i64))
    }

    /// The shard that has an item, and the item's id there.
    ///
    /// # Errors
    /// [`Error::Item`], also when the shard is not there.
    pub(super) fn shard_of(&self, id: i64) -> Result<(&Mapped, i64)> {
        let (at, local) = self.place(id)?;
        match &self.shards[at] {
            Some(shard) => Ok((shard, local)),
            None => Err(Error::Item {
                id,
                expected: format!("one of a shard that is there"),
            }),
        }
    }
}

impl Mapped {
    /// Opens a shard, and looks whether it is the one that is meant. Reads little of it.
    fn open(directory: &Path, entry: &Shard, options: Options, access: Access) -> Result<Self> {
        let path = join(directory, &entry.name)?;
        let mut index = Index::open(&path, access)?;
        let refuse = |reason: String| Error::Format {
            path: memory::try_path(&path).ok(),
            expected: format!("the shard that the manifest names"),
            reason,
        };
        let found = index.options();
        if found != options {
            let (metric, f, scalar) = (found.metric, found.f, found.scalar);
            let bits = found.id_width.bits();
            return Err(refuse(format!(
                "it is {metric} of {f} {scalar}s with {bits}-bit ids, expected {} of {} {}s with {}",
                options.metric,
                options.f,
                options.scalar,
                options.id_width.bits()
            )));
        }
        let (bytes, superblock) = identity(&index);
        let (items, len) = (index.n_items() as u64, bytes.len() as u64);
        if (items, len, superblock) != (entry.items, entry.bytes, entry.superblock) {
            return Err(refuse(format!(
                "it has {items} items, {len} bytes and the superblock {:016x}, expected {}, {} \
                 and {:016x}",
                superblock.0, entry.items, entry.bytes, entry.superblock.0
            )));
        }
        if let Some(removed) = &entry.removed {
            for id in removed_ids(directory, entry, removed)? {
                match index.remove_item(id as i64) {
                    // One that was never there is not found anyway.
                    Err(Error::Item { .. }) => {}
                    removed => removed?,
                }
            }
        }
        Ok(Mapped {
            entry: Shard {
                name: memory::text(&entry.name),
                partition: entry.partition.as_ref().map(memory::text),
                removed: entry.removed.as_ref().map(|removed| Removal {
                    name: memory::text(&removed.name),
                    ..*removed
                }),
                ..*entry
            },
            index,
        })
    }
}

/// The ids in a file of those that are removed, ascending.
pub(super) fn removed_ids(directory: &Path, shard: &Shard, said: &Removal) -> Result<Vec<u64>> {
    let path = join(directory, &said.name)?;
    let refuse = |reason: String| Error::Format {
        path: memory::try_path(&path).ok(),
        expected: format!("the removed items that the manifest names"),
        reason,
    };
    let source = Source::open(&path, Access::Copy)?;
    // No more than the shard has items, which has more bytes than that.
    if Some(source.len()) != said.items.checked_mul(8) {
        let len = source.len();
        return Err(refuse(format!(
            "it has {len} bytes, expected 8 for each of {} items",
            said.items
        )));
    }
    let mut bytes = memory::filled(0, source.len() as usize)?;
    source.read_at(0, &mut bytes)?;
    let found = superblock::checksum(&bytes);
    if found != said.checksum.0 {
        return Err(refuse(format!(
            "its checksum is {found:016x}, expected {:016x}",
            said.checksum.0
        )));
    }
    let numbers = bytes.chunks_exact(8).map(|number| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(number);
        u64::from_le_bytes(bytes)
    });
    let ids = memory::collect(numbers)?;
    let ascend = ids.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascend || ids.last().is_some_and(|last| *last >= shard.items) {
        return Err(refuse(format!(
            "its ids are not ascending ones of {} items",
            shard.items
        )));
    }
    Ok(ids)
}

/// The bytes of an index that was opened from a file which says what it is, and the checksum of
/// its superblock.
pub(super) fn identity(index: &Index) -> (&[u8], Sum) {
    let (bytes, superblock) = index.file_bytes();
    (bytes, Sum(superblock::checksum(superblock)))
}

/// A file in the directory.
///
/// # Errors
/// [`Error::NoMemory`].
pub(crate) fn join(directory: &Path, name: &str) -> Result<PathBuf> {
    let (len, room) = (directory.as_os_str().len(), name.len() + 1);
    memory::ask(len + room)?;
    let mut path = PathBuf::new();
    let reserved = path.try_reserve_exact(len + room);
    reserved.map_err(|reason| Error::no_memory(len + room, reason))?;
    path.push(directory);
    path.push(name);
    Ok(path)
}

/// Of no size that grows with the data.
#[allow(clippy::disallowed_methods)]
fn shared(shard: Mapped) -> Arc<Mapped> {
    Arc::new(shard)
}
