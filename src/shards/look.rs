//! Items, labels and facts of all shards, and verifying them.

use super::open::View;
use crate::error::{Error, Result};
use crate::file::superblock::hasher;
use crate::forest::inspect::Shape;
use crate::index::vector::VectorMut;
use crate::index::verify::{Info, Report};
use crate::labels::Label;
use crate::memory;
use crate::work::{self, Work};
use crate::Fault;
use std::hash::Hasher;

/// Bytes that are hashed between two looks at the token.
const CHUNK: usize = 1 << 20;

impl View {
    /// Copies an item's vector. As [`Index::get_item`](crate::Index::get_item).
    ///
    /// # Errors
    /// As there; [`Error::Item`] also for one of a shard that is not there.
    pub fn get_item(&self, id: i64, to: VectorMut<'_>) -> Result<()> {
        let (shard, id) = self.shard_of(id)?;
        shard.index.get_item(id, to)
    }

    /// Copies the vectors of `n` items. As [`Index::get_items`](crate::Index::get_items).
    ///
    /// # Errors
    /// As there.
    pub fn get_items<'a>(
        &self,
        ids: Option<&[i64]>,
        n: usize,
        mut to: impl FnMut(usize) -> VectorMut<'a>,
    ) -> Result<()> {
        if let Some(ids) = ids.filter(|ids| ids.len() != n) {
            let expected = format!("one for each of {n} vectors");
            return Err(Error::argument("the number of ids", ids.len(), expected));
        }
        let id = |i: usize| ids.map_or(i as i64, |ids| ids[i]);
        for i in 0..n {
            self.shard_of(id(i))?;
        }
        (0..n).try_for_each(|i| self.get_item(id(i), to(i)))
    }

    /// The distance between two items; for dot their inner product.
    ///
    /// # Errors
    /// [`Error::Item`].
    pub fn get_distance(&self, i: i64, j: i64) -> Result<f64> {
        let ((one, i), (other, j)) = (self.shard_of(i)?, self.shard_of(j)?);
        one.index.distance_to(i, &other.index, j)
    }

    /// Whether an id holds an item that searches may find, in a shard that is there.
    pub fn has_item(&self, id: i64) -> bool {
        let found = self.shard_of(id);
        found.is_ok_and(|(shard, id)| shard.index.has_item(id))
    }

    /// Whether an item is removed.
    pub fn is_removed(&self, id: i64) -> bool {
        let found = self.shard_of(id);
        found.is_ok_and(|(shard, id)| shard.index.is_removed(id))
    }

    /// How many items are removed.
    pub fn n_removed(&self) -> usize {
        self.there().map(|(_, shard)| shard.index.n_removed()).sum()
    }

    /// The ids that hold items, ascending.
    pub fn ids(&self) -> impl Iterator<Item = i64> + '_ {
        self.there().flat_map(|(start, shard)| {
            let ids = shard.index.ids();
            ids.map(move |id| id + start as i64)
        })
    }

    /// How many items have a label.
    pub fn n_labels(&self) -> usize {
        self.there().map(|(_, shard)| shard.index.n_labels()).sum()
    }

    /// An item's label.
    ///
    /// # Errors
    /// As [`Index::label`](crate::Index::label); [`Error::Item`] also for one of a shard that is
    /// not there.
    pub fn label(&self, id: i64) -> Result<Option<Label<'_>>> {
        let (shard, id) = self.shard_of(id)?;
        shard.index.label(id)
    }

    /// The item with a label: of several, the last that is not removed, as later shards replace
    /// what earlier ones have.
    ///
    /// # Errors
    /// As [`Index::find_label`](crate::Index::find_label).
    pub fn find_label<'a>(&self, label: impl Into<Label<'a>>) -> Result<Option<i64>> {
        let label = label.into();
        if let Some(kind) = self.label_kind() {
            kind.check(label.kind())?;
        }
        let mut removed = None;
        for (start, shard) in self.there().rev() {
            if shard.index.label_kind().is_none() {
                continue;
            }
            if let Some(id) = shard.index.find_label(label)? {
                if !shard.index.is_removed(id) {
                    return Ok(Some(id + start as i64));
                }
                removed = removed.or(Some(id + start as i64));
            }
        }
        Ok(removed)
    }

    /// The facts about all shards together: counts are sums, the rest is the most of all, recalls
    /// are the least.
    ///
    /// # Errors
    /// As [`Index::info`](crate::Index::info).
    pub fn info(&self) -> Result<Info> {
        let mut all: Option<Info> = None;
        for (_, shard) in self.there() {
            let one = shard.index.info()?;
            all = Some(match all {
                Some(before) => together(before, one),
                None => one,
            });
        }
        let mut all = all.ok_or(Error::State {
            operation: "look at it",
            state: "without any of its shards",
            expected: "one that has some",
        })?;
        all.n_items = self.n_items();
        Ok(all)
    }

    /// Compares each shard with the manifest and [verifies](crate::Index::verify) it; shards that
    /// are not there, and labels that two items have which are not removed, are faults.
    ///
    /// # Errors
    /// As [`Index::verify_with`](crate::Index::verify_with).
    pub fn verify_with(&self, most: usize, work: &mut Work<'_>) -> Result<Report> {
        let mut report = Report {
            faults: Vec::new(),
            n_faults: 0,
            has_checksums: true,
        };
        for (shard, entry) in self.shards.iter().zip(&self.manifest().shards) {
            let Some(shard) = shard else {
                add(&mut report, most, None, &entry.name, "it is not there")?;
                continue;
            };
            let (bytes, _) = super::open::identity(&shard.index);
            let mut hasher = hasher();
            for chunk in bytes.chunks(CHUNK) {
                work::check(work.cancel)?;
                hasher.write(chunk);
            }
            let found = hasher.finish();
            if found != entry.checksum.0 {
                let expected = entry.checksum.0;
                let what = format!("its checksum is {found:016x}, expected {expected:016x}");
                add(&mut report, most, None, &entry.name, &what)?;
            }
            let one = shard.index.verify_with(most, work)?;
            let n_more = one.n_faults - one.faults.len();
            for fault in one.faults {
                add(&mut report, most, fault.node, &entry.name, &fault.text)?;
            }
            report.n_faults += n_more;
        }
        self.verify_labels(&mut report, most, work)?;
        Ok(report)
    }

    /// No two items have the same label.
    fn verify_labels(&self, report: &mut Report, most: usize, work: &Work<'_>) -> Result<()> {
        if self.label_kind().is_none() || self.n_shards() == 1 {
            return Ok(());
        }
        let mut all: Vec<(u64, i64)> = Vec::new();
        for (start, shard) in self.there() {
            for id in shard.index.ids() {
                if id & 0xfff == 0 {
                    work::check(work.cancel)?;
                }
                // What cannot be read was a fault before.
                if let Ok(Some(label)) = shard.index.label(id) {
                    memory::push(&mut all, (hash(label), id + start as i64))?;
                }
            }
        }
        all.sort_unstable();
        for pair in all.windows(2) {
            let [(a, first), (b, second)] = [pair[0], pair[1]];
            if a != b {
                continue;
            }
            if let (Ok(Some(a)), Ok(Some(b))) = (self.label(first), self.label(second)) {
                if a == b {
                    let what = format!("items {first} and {second} have the label {a}");
                    let (at, _) = self.place(second)?;
                    add(report, most, None, &self.manifest().shards[at].name, &what)?;
                }
            }
        }
        Ok(())
    }
}

fn hash(label: Label<'_>) -> u64 {
    match label {
        Label::U64(number) => number,
        Label::Utf8(text) => crate::file::superblock::checksum(text.as_bytes()),
    }
}

fn add(
    report: &mut Report,
    most: usize,
    node: Option<usize>,
    name: &str,
    what: &str,
) -> Result<()> {
    report.n_faults += 1;
    if report.faults.len() < most {
        let text = format!("shard {name:?}: {what}");
        memory::push(&mut report.faults, Fault { node, text })?;
    }
    Ok(())
}

/// The facts about two.
fn together(a: Info, b: Info) -> Info {
    let least = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Info {
        n_items: a.n_items + b.n_items,
        n_present: a.n_present + b.n_present,
        n_removed: a.n_removed + b.n_removed,
        n_trees: a.n_trees + b.n_trees,
        n_nodes: a.n_nodes + b.n_nodes,
        node_size: a.node_size,
        max_leaf: a.max_leaf,
        bytes: a.bytes + b.bytes,
        is_loaded: a.is_loaded && b.is_loaded,
        is_described: a.is_described && b.is_described,
        seed: a.seed.filter(|seed| b.seed == Some(*seed)),
        graph_degree: a.graph_degree.max(b.graph_degree),
        graph_code_bytes: a.graph_code_bytes.max(b.graph_code_bytes),
        graph_recall: least(a.graph_recall, b.graph_recall),
        scan_lists: a.scan_lists + b.scan_lists,
        scan_search_k: a.scan_search_k.max(b.scan_search_k),
        scan_recall: least(a.scan_recall, b.scan_recall),
        n_tuned: a.n_tuned.min(b.n_tuned),
        shape: Shape {
            n_present: a.shape.n_present + b.shape.n_present,
            n_splits: a.shape.n_splits + b.shape.n_splits,
            n_coin_splits: a.shape.n_coin_splits + b.shape.n_coin_splits,
            n_leaves: a.shape.n_leaves + b.shape.n_leaves,
            depth: a.shape.depth.max(b.shape.depth),
            n_in_leaves: a.shape.n_in_leaves + b.shape.n_in_leaves,
            n_on_larger_side: a.shape.n_on_larger_side + b.shape.n_on_larger_side,
            n_below: a.shape.n_below + b.shape.n_below,
        },
    }
}
