//! Index files: written whole or not at all, opened with suspicion.
//!
//! - [`superblock`]: what a file of ours says of itself.
//! - [`write`]: the whole file.
//! - [`verify`]: comparing a file with what it says.
//! - this file: opening one, ours or Annoy's.

pub mod superblock;
pub mod verify;
pub mod write;

use crate::curve::Curve;
use crate::error::{reserve, Error, Result};
use crate::forest::inspect::Faults;
use crate::forest::peek::{Allowance, Misfit, Peek};
use crate::forest::roots::Roots;
use crate::graph::{self, GraphBytes};
use crate::labels::section::{Header, View};
use crate::layout::{NodeLayout, Nodes};
use crate::memory;
use crate::removed::Removed;
use crate::scan::format::{ScanBytes, ScanHeader};
use crate::storage::boxed;
use crate::storage::{FileBytes, Source, UNFINISHED};
use crate::types::{IdWidth, Options, MAX_ELEMENTS};
use crate::work::Meter;
use std::path::{Path, PathBuf};
use superblock::{kind, Superblock};

/// A file found to be an index.
pub struct OpenFile {
    /// Its name; none for bytes in memory.
    pub path: Option<PathBuf>,
    pub bytes: FileBytes,
    /// How its nodes are laid out.
    pub layout: NodeLayout,
    /// Its trees.
    pub roots: Roots,
    /// What it says of itself; none for a plain Annoy file.
    pub superblock: Option<Superblock>,
    /// What the header of its labels says; none when it has none.
    labels: Option<Header>,
    /// What the headers of its codes and graph say; none when it has none.
    graph: Option<Box<graph::format::header::GraphHeader>>,
    /// What the header of its scan says; none when it has none.
    scan: Option<Box<ScanHeader>>,
}

impl OpenFile {
    /// Of a file that is no plain one, looks at the headers of the sections that are read where
    /// they lie.
    ///
    /// # Errors
    /// What is wrong with which section; [`Error::NoMemory`].
    fn check_sections(&mut self) -> Result<(), Misfit> {
        let n_items = self.roots.n_items;
        if let Some((_, bytes)) = self.section(kind::LABELS) {
            self.labels = Some(Header::read(bytes, n_items)?);
        }
        if let Some((_, bytes)) = self.section(kind::REMOVED) {
            Removed::read(bytes, n_items)?;
        }
        let bytes = |kind| self.section(kind).map(|(_, bytes)| bytes);
        match (bytes(kind::CODES), bytes(kind::GRAPH)) {
            (None, None) => {}
            (None, Some(_)) => {
                return Err(format!("it has a graph section and no codes section").into())
            }
            (Some(codes), lists) => {
                let options = &self.layout.options;
                let header =
                    graph::format::header::GraphHeader::read(codes, lists, options, n_items)?;
                self.graph = Some(boxed(header)?);
            }
        }
        if let Some((_, bytes)) = self.section(kind::SCAN) {
            let header = ScanHeader::read(bytes, &self.layout.options, n_items)?;
            self.scan = Some(boxed(header)?);
        }
        Ok(())
    }

    /// A section's first node and its bytes.
    fn section(&self, kind: u32) -> Option<(usize, &[u8])> {
        let section = self.superblock.as_ref()?.section(kind)?;
        let node = section.offset as usize / self.layout.node_size;
        Some((node, section.of(self.bytes.bytes())))
    }

    /// Its labels, none of them looked at yet.
    pub fn labels(&self) -> Option<View<'_>> {
        let (node, bytes) = self.section(kind::LABELS)?;
        Some(View::new(self.labels?, bytes, node))
    }

    /// Its marks of removed items.
    pub fn removed(&self) -> Option<Removed<'_>> {
        let (_, bytes) = self.section(kind::REMOVED)?;
        Removed::read(bytes, self.roots.n_items).ok()
    }

    /// Its graph, of which only the headers have been looked at.
    pub fn graph(&self) -> Option<GraphBytes<'_>> {
        Some(GraphBytes {
            header: self.graph.as_deref()?,
            codes: self.section(kind::CODES)?.1,
            lists: self.section(kind::GRAPH)?.1,
        })
    }

    /// The lists of its scan, of which only the header has been looked at.
    pub fn scan(&self) -> Option<ScanBytes<'_>> {
        Some(ScanBytes {
            header: self.scan.as_deref()?,
            bytes: self.section(kind::SCAN)?.1,
        })
    }

    /// Looks at all of the labels and marks.
    pub fn verify_sections(&self, meter: &Meter<'_>, faults: &mut Faults) -> Result<()> {
        if let Some(labels) = self.labels() {
            labels.verify(meter, faults)?;
        }
        let (Some(removed), Some((node, _))) = (self.removed(), self.section(kind::REMOVED)) else {
            return Ok(());
        };
        let nodes = Nodes::new(self.bytes.bytes(), &self.layout);
        let mut n_marks = 0;
        for id in removed.ids() {
            n_marks += 1;
            if id >= self.roots.n_items || nodes.get(id).n_descendants() != 1 {
                faults.add(Some(node), || {
                    format!("item {id} is marked as removed, and there is no such item")
                });
            }
        }
        if n_marks != removed.count() {
            faults.add(Some(node), || {
                format!(
                    "{n_marks} items are marked as removed, their section counts {}",
                    removed.count()
                )
            });
        }
        Ok(())
    }

    /// A section's bytes, after a look at their checksum; empty when there is no such section.
    ///
    /// # Errors
    /// Words that name the section.
    fn checked_section(&self, kind: u32) -> Result<&[u8], String> {
        let Some(section) = self.superblock.as_ref().and_then(|s| s.section(kind)) else {
            return Ok(&[]);
        };
        let bytes = section.of(self.bytes.bytes());
        let found = superblock::checksum(bytes);
        if found == section.checksum {
            return Ok(bytes);
        }
        Err(format!(
            "its {} section is damaged: checksum {found:#018x}, expected {:#018x}",
            kind::name(kind),
            section.checksum
        ))
    }

    fn refuse(&self, reason: String) -> Error {
        format_error(self.path.as_deref(), &self.layout, reason)
    }

    /// The user's bytes.
    pub fn metadata(&self) -> Result<Vec<u8>> {
        let bytes = self.checked_section(kind::METADATA);
        memory::copy(bytes.map_err(|reason| self.refuse(reason))?)
    }

    /// What searches were measured to find.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::NoMemory`].
    pub fn curve(&self) -> Result<Option<Curve>> {
        if self.section(kind::CURVE).is_none() {
            return Ok(None);
        }
        let bytes = self.checked_section(kind::CURVE);
        let curve = Curve::read(bytes.map_err(|reason| self.refuse(reason))?)?;
        curve.map(Some).map_err(|reason| self.refuse(reason))
    }

    /// The sections that go along when the index is saved: all but those a save makes itself.
    pub fn other_sections(&self) -> impl Iterator<Item = write::Payload<'_>> {
        let sections = self.superblock.iter().flat_map(|s| &s.sections);
        sections
            .filter(|section| kind::is_unknown(section.kind))
            .map(|section| {
                let bytes = section.of(self.bytes.bytes());
                write::Payload::new(section.kind, section.flags, bytes)
            })
    }
}

fn format_error(path: Option<&Path>, expected: &NodeLayout, reason: String) -> Error {
    Error::Format {
        path: path.and_then(|path| memory::try_path(path).ok()),
        expected: expected.describe(),
        reason,
    }
}

/// Bytes of a file that is looked at more closely: trying all sizes that its nodes may have takes
/// longer the more divisors there can be, and many items are mistaken for those of another kind
/// only where nodes are as large, or twice as large.
const SMALL: u64 = 1 << 20;

/// Bytes of the smallest node there is: hamming, a word of 8 bits.
const SMALLEST_NODE: u64 = 13;

/// The sizes that nodes have which could pass for those of an index with these options: those of
/// Annoy's layouts, their small multiples, and what they are small multiples of.
fn similar_sizes(options: Options) -> Result<Vec<u64>> {
    let mut sizes = Vec::new();
    for layout in NodeLayout::candidates(options) {
        let size = layout.node_size as u64;
        reserve(&mut sizes, 8)?;
        for n in 1..=4 {
            sizes.push(size * n);
            sizes.extend(size.is_multiple_of(n).then_some(size / n));
        }
    }
    sizes.retain(|&size| size >= SMALLEST_NODE);
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
}

/// Opens a file of an index with these options. One of ours is known by its superblock. Of any
/// other it is found out which of the layouts it has: the first in which it holds together, by the
/// word of `find`.
///
/// # Errors
/// [`Error::Io`], or [`Error::Format`] that says what the file is, or what was tried and why it did
/// not fit.
pub fn open(
    source: Source,
    options: Options,
    find: impl Fn(Peek<'_>) -> Result<Roots, Misfit>,
) -> Result<OpenFile> {
    let expected = NodeLayout::written(options);
    let fail = |reason| format_error(source.path(), &expected, reason);
    if source.len() == 0 {
        return Err(fail(format!("it is empty, expected at least one node")));
    }
    let size = source.len();
    // Of the kind that is wanted, or of any other whose nodes could look like those.
    let found = match size {
        0..SMALL => described(&source)?,
        _ => match superblock_of(&source, &[expected.node_size as u64])? {
            None => superblock_of(&source, &similar_sizes(options)?)?,
            found => found,
        },
    };
    if let Some(superblock) = found {
        return adopt(superblock.map_err(&fail)?, source, Some(&expected));
    }
    let (mut reasons, allowance) = (String::new(), Allowance::new());
    for layout in NodeLayout::candidates(options) {
        let found = if size.is_multiple_of(layout.node_size as u64) {
            find(Peek::new(&source, &layout, &allowance))
        } else {
            Err(Misfit::Reason(format!(
                "its size of {size} bytes is not a multiple of the node size {}",
                layout.node_size
            )))
        };
        match found {
            // Its size is none of ours, but may be that of another layout.
            Ok(_) if !layout.is_written() && is_unfinished(&source)? => break,
            Ok(roots) => {
                return Ok(OpenFile {
                    path: source.path().map(memory::path).transpose()?,
                    bytes: source.into_bytes()?,
                    layout,
                    roots,
                    superblock: None,
                    labels: None,
                    graph: None,
                    scan: None,
                })
            }
            Err(Misfit::Reason(reason)) => {
                let name = layout.flavor.name();
                reasons = match reasons.as_str() {
                    "" => format!("as layout {name}, {reason}"),
                    before => format!("{before}; as layout {name}, {reason}"),
                };
            }
            Err(Misfit::Unreadable(error)) => return Err(error),
        }
    }
    // Perhaps it says itself what it is.
    match described(&source)? {
        Some(superblock) => adopt(superblock.map_err(&fail)?, source, Some(&expected)),
        None => {
            // What is most easily overlooked: Annoy's templates have ids of any width, its bindings
            // of 32 bits alone.
            let other = Options {
                id_width: options.id_width.other(),
                ..options
            };
            let fits = NodeLayout::candidates(other).find(|layout| {
                size.is_multiple_of(layout.node_size as u64)
                    && find(Peek::new(&source, layout, &allowance)).is_ok()
            });
            if let Some(layout) = fits {
                let (bits, layout) = (other.id_width.bits(), layout.describe());
                reasons =
                    format!("{reasons}; with id_bits = {bits} it could be loaded as {layout}");
            }
            Err(fail(reasons))
        }
    }
}

/// What a file says of itself, or what is wrong with that; none for a plain file.
///
/// # Errors
/// [`Error::Io`].
pub fn described(source: &Source) -> Result<Option<Result<Superblock, String>>> {
    if is_unfinished(source)? {
        return Ok(Some(Err(format!("its build or save was not finished"))));
    }
    superblock_of(source, &node_sizes(source.len())?)
}

/// Opens a file of ours by what it says of itself.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for any other file.
pub fn open_described(source: Source) -> Result<OpenFile> {
    let fail = |reason| Error::Format {
        path: source.path().and_then(|path| memory::try_path(path).ok()),
        expected: format!("a file that says what it is"),
        reason,
    };
    if source.len() == 0 {
        return Err(fail(format!("it is empty")));
    }
    match described(&source)? {
        Some(superblock) => adopt(superblock.map_err(fail)?, source, None),
        None => Err(fail(
            format!("it has no superblock, as a file by Annoy itself; to load that, metric and f must be given"),
        )),
    }
}

/// Makes an index of a file that has described itself.
fn adopt(
    superblock: Superblock,
    source: Source,
    expected: Option<&NodeLayout>,
) -> Result<OpenFile> {
    let layout = NodeLayout::written(superblock.options);
    if let Some(expected) = expected.filter(|expected| **expected != layout) {
        let reason = format!("by its own word it is {}", layout.describe());
        return Err(format_error(source.path(), expected, reason));
    }
    let mut file = OpenFile {
        path: source.path().map(memory::path).transpose()?,
        bytes: source.into_bytes()?,
        roots: superblock.roots(&layout),
        layout,
        superblock: Some(superblock),
        labels: None,
        graph: None,
        scan: None,
    };
    match file.check_sections() {
        Ok(()) => Ok(file),
        Err(Misfit::Reason(reason)) => {
            Err(format_error(file.path.as_deref(), &file.layout, reason))
        }
        Err(Misfit::Unreadable(error)) => Err(error),
    }
}

/// Whether it is the file of an on-disk build or a save that ended before its time. Its size is no
/// multiple of that of a node.
fn is_unfinished(source: &Source) -> Result<bool> {
    let mut last = [0; UNFINISHED.len()];
    let Some(place) = source.len().checked_sub(last.len() as u64) else {
        return Ok(false);
    };
    source.read_at(place, &mut last)?;
    Ok(last == UNFINISHED)
}

/// The superblock of a file whose nodes have one of these sizes, or what is wrong with the first
/// that may be one; none if there is none. A sound one comes before others: what looks like one of
/// another node size may be any bytes.
fn superblock_of(
    source: &Source,
    node_sizes: &[u64],
) -> Result<Option<Result<Superblock, String>>> {
    let len = source.len();
    let mut refused = None;
    for &node_size in node_sizes {
        for id_width in [IdWidth::Bits32, IdWidth::Bits64] {
            let read = |at, bytes: &mut [u8]| source.read_at(at, bytes);
            let Some((place, bytes)) = superblock::find(node_size, id_width, len, read)? else {
                continue;
            };
            let room = memory::with_room(superblock::MAX_SECTIONS)?;
            match Superblock::decode(&bytes, place, len, room) {
                Ok(superblock) => {
                    // Found by nodes of another size: it is for the last node of its own size to
                    // say where it is.
                    if NodeLayout::written(superblock.options).node_size as u64 == node_size {
                        return Ok(Some(Ok(superblock)));
                    }
                }
                Err(reason) => refused = refused.or(Some(Err(reason))),
            }
        }
    }
    Ok(refused)
}

/// The sizes that the nodes of a file of `len` bytes may have, from the smallest up: its divisors,
/// in pairs.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn node_sizes(len: u64) -> Result<Vec<u64>> {
    // Headers take up to 32 bytes. Only words of 8 bits make sizes that are no multiples of 4.
    let (most, most_odd) = (MAX_ELEMENTS as u64 * 8 + 32, MAX_ELEMENTS as u64 + 32);
    let may_be = |size: u64| {
        let most = if size.is_multiple_of(4) {
            most
        } else {
            most_odd
        };
        (SMALLEST_NODE..=most).contains(&size) && len >= 2 * size
    };
    let sizes = (1..=most.min(len.isqrt()))
        .filter(|&size| len.is_multiple_of(size))
        .flat_map(|size| [size, len / size])
        .filter(|&size| may_be(size));
    let mut sizes = memory::collect(sizes)?;
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_sizes_are_the_divisors_that_may_be() {
        // The largest size there is. A size that is not a multiple of 4 may not be as large.
        let big = 524_320 * 65_569;
        for len in [
            0, 1, 12, 13, 25, 26, 27, 640, 51_456, 99_991, 3_600_000, big,
        ] {
            let slow: Vec<u64> = (13..=524_320u64)
                .filter(|size| size % 4 == 0 || *size <= 65_568)
                .filter(|size| len >= 2 * size && len % size == 0)
                .collect();
            assert_eq!(node_sizes(len).unwrap(), slow, "{len}");
        }
        let sizes = node_sizes(big).unwrap();
        assert!(sizes.contains(&524_320) && !sizes.contains(&65_569));
    }
}
