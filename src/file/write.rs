//! Writes a file: items, superblock, trees, sections, copies of the roots.

use super::superblock::{
    checksum, end_node, kind, nodes, padded_size, Origin, Section, Superblock, MAX_SECTIONS,
};
use crate::error::{reserve, Error, Result};
use crate::forest::roots::Roots;
use crate::forest::tree::map_children;
use crate::layout::{NodeLayout, Nodes};
use crate::storage::UnfinishedFile;
use std::hash::Hasher;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use twox_hash::XxHash3_64;

/// Sections start at multiples of this in the file, so that what a map shows of them is aligned for any use.
const ALIGNMENT: usize = 64;

/// Bytes that are hashed and written at a time: what a first- or second-level cache holds.
const CHUNK: usize = 256 << 10;

/// A section to be written.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    pub kind: u32,
    pub flags: u32,
    pub bytes: &'a [u8],
}

/// A forest to be written.
pub struct Contents<'a> {
    pub layout: &'a NodeLayout,
    /// Items and trees, in a file's order; where the trees are, `roots` says.
    pub bytes: &'a [u8],
    pub roots: &'a Roots,
    pub origin: Origin,
    /// The sections beside items, trees and roots.
    pub sections: &'a [Payload<'a>],
}

/// What stands between the trees and the copies of the roots: the sections, the node that ends them, and one more copy of
/// the last root. Annoy takes the first root that it finds before the copies for the last tree's own and leaves it out.
pub struct Tail {
    pub bytes: Vec<u8>,
    /// The sections' entries.
    pub sections: Vec<Section>,
}

/// The tail of a file whose trees end after `start` bytes.
pub fn tail(
    layout: &NodeLayout,
    start: usize,
    payloads: &[Payload<'_>],
    last_root: &[u8],
) -> Result<Tail> {
    let mut bytes = Vec::new();
    let mut sections = Vec::new();
    let room: usize = payloads
        .iter()
        .map(|payload| payload.bytes.len() + ALIGNMENT)
        .sum();
    reserve(&mut bytes, room + 3 * layout.node_size)?;
    for payload in payloads {
        let at = (start + bytes.len()).next_multiple_of(ALIGNMENT) - start;
        bytes.resize(at, 0);
        bytes.extend_from_slice(payload.bytes);
        sections.push(Section {
            kind: payload.kind,
            flags: payload.flags,
            offset: (start + at) as u64,
            len: payload.bytes.len() as u64,
            checksum: checksum(payload.bytes),
        });
    }
    bytes.resize(bytes.len().next_multiple_of(layout.node_size), 0);
    bytes.extend_from_slice(&end_node(layout));
    bytes.extend_from_slice(last_root);
    Ok(Tail { bytes, sections })
}

/// Writes bytes and knows their checksum.
struct Part<'w, W> {
    to: &'w mut W,
    path: &'w Path,
    hasher: XxHash3_64,
    len: u64,
}

impl<'w, W: Write> Part<'w, W> {
    fn new(to: &'w mut W, path: &'w Path) -> Self {
        Part {
            to,
            path,
            hasher: XxHash3_64::default(),
            len: 0,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for chunk in bytes.chunks(CHUNK) {
            self.hasher.write(chunk);
            self.to
                .write_all(chunk)
                .map_err(|source| Error::io("write", self.path, source))?;
            self.len += chunk.len() as u64;
        }
        Ok(())
    }

    /// Writes nodes whose tree ids are to be shifted.
    fn write_shifted(&mut self, bytes: &[u8], shift: &Shift<'_>) -> Result<()> {
        if shift.by == 0 {
            return self.write(bytes);
        }
        let size = shift.layout.node_size;
        let mut copy = Vec::new();
        for chunk in bytes.chunks((CHUNK / size).max(1) * size) {
            copy.clear();
            reserve(&mut copy, chunk.len())?;
            copy.extend_from_slice(chunk);
            shift.apply(&mut copy)?;
            self.write(&copy)?;
        }
        Ok(())
    }

    fn section(self, kind: u32, offset: u64) -> Section {
        Section {
            kind,
            flags: 0,
            offset,
            len: self.len,
            checksum: self.hasher.finish(),
        }
    }
}

/// How far the trees move when a superblock is put before them.
struct Shift<'a> {
    layout: &'a NodeLayout,
    roots: &'a Roots,
    by: usize,
}

impl Shift<'_> {
    /// Renumbers the children in a run of nodes. They come from a file that may be damaged.
    fn apply(&self, nodes: &mut [u8]) -> Result<()> {
        let mut wrong = None;
        map_children(nodes, self.layout, self.roots.n_items, |id| {
            if self.roots.trees.contains(&id) {
                return id + self.by;
            }
            wrong = Some(id);
            0
        });
        wrong.map_or(Ok(()), |id| {
            let reason = "a split names it, but it is no node of a tree";
            Err(Error::corrupt(id, reason))
        })
    }
}

impl Contents<'_> {
    fn nodes(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[range.start * self.layout.node_size..range.end * self.layout.node_size]
    }

    /// Writes the file to `to`, which stands at its start; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NoMemory`].
    pub fn write(&self, to: &mut (impl Write + Seek), path: &Path) -> Result<()> {
        let (layout, roots) = (self.layout, self.roots);
        let size = layout.node_size;
        let first = roots.n_items + nodes(layout);
        let by = first.checked_sub(roots.trees.start).ok_or_else(|| {
            Error::Unsupported(
                "the trees of the loaded file begin too late to be saved".to_string(),
            )
        })?;
        let n_items = roots.n_items;
        // Before any id is shifted to where it cannot be stored.
        check_count(layout, first + roots.trees.len() + roots.n_trees)?;
        // Items, trees and roots are three.
        if self.sections.len() + 3 > MAX_SECTIONS {
            return Err(Error::Unsupported(format!(
                "there would be {} sections in the file, expected {MAX_SECTIONS} at the most",
                self.sections.len() + 3
            )));
        }
        let shift = Shift { layout, roots, by };
        let items = self.nodes(0..n_items);
        let mut part = Part::new(to, path);
        part.write(items)?;
        let mut sections = vec![part.section(kind::ITEMS, 0)];
        // Its place; what it says is known at the end.
        Part::new(to, path).write(&vec![0; padded_size(layout)])?;
        let mut part = Part::new(to, path);
        part.write_shifted(self.nodes(roots.trees.clone()), &shift)?;
        sections.push(part.section(kind::TREES, (first * size) as u64));

        let mut copies = Vec::new();
        reserve(&mut copies, roots.n_trees * size)?;
        copies.extend_from_slice(self.nodes(roots.ids()));
        shift.apply(&mut copies)?;
        let last_root = &copies[copies.len() - size..];
        let start = (first + roots.trees.len()) * size;
        let tail = tail(layout, start, self.sections, last_root)?;
        let guard = tail.bytes.len() - 2 * size;
        Part::new(to, path).write(&tail.bytes[..guard])?;
        let mut part = Part::new(to, path);
        part.write(&tail.bytes[guard..])?;
        part.write(&copies)?;
        sections.push(part.section(kind::ROOTS, (start + guard) as u64));
        sections.extend(tail.sections);

        let n_nodes = (start + tail.bytes.len() + copies.len()) / size;
        check_count(layout, n_nodes)?;
        let superblock = Superblock {
            options: layout.options,
            n_items,
            n_present: count_present(items, layout),
            n_nodes,
            n_trees: roots.n_trees,
            origin: self.origin,
            sections,
        };
        to.seek(SeekFrom::Start((n_items * size) as u64))
            .and_then(|_| to.write_all(&superblock.encode(layout)))
            .map_err(|source| Error::io("write", path, source))
    }

    /// Writes the file under a temporary name, makes it durable, and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`]; what the name held before is then still there.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut file = UnfinishedFile::create(path, self.layout.node_size)?;
        let mut writer = file.writer();
        self.write(&mut writer, path)?;
        let len = writer.len();
        file.publish(len)
    }
}

fn check_count(layout: &NodeLayout, n_nodes: usize) -> Result<()> {
    let most = layout.options.id_width.max_count();
    if n_nodes as u64 > most {
        let expected = format!("{most} at the most");
        return Err(Error::argument("the number of nodes", n_nodes, expected));
    }
    Ok(())
}

fn count_present(items: &[u8], layout: &NodeLayout) -> usize {
    let nodes = Nodes::new(items, layout);
    (0..nodes.count())
        .filter(|&id| nodes.get(id).n_descendants() == 1)
        .count()
}

/// Writes the superblock of a file that is otherwise complete into its place.
///
/// `sections` are those of its [`tail`].
pub fn seal(
    bytes: &mut [u8],
    layout: &NodeLayout,
    roots: &Roots,
    origin: Origin,
    sections: Vec<Section>,
) {
    let size = layout.node_size;
    let part = |kind: u32, nodes: std::ops::Range<usize>| {
        let (start, end) = (nodes.start * size, nodes.end * size);
        Section {
            kind,
            flags: 0,
            offset: start as u64,
            len: (end - start) as u64,
            checksum: checksum(&bytes[start..end]),
        }
    };
    let mut all = vec![
        part(kind::ITEMS, 0..roots.n_items),
        part(kind::TREES, roots.trees.clone()),
        part(kind::ROOTS, roots.ids().start - 2..roots.n_nodes),
    ];
    all.extend(sections);
    let superblock = Superblock {
        options: layout.options,
        n_items: roots.n_items,
        n_present: count_present(&bytes[..roots.n_items * size], layout),
        n_nodes: roots.n_nodes,
        n_trees: roots.n_trees,
        origin,
        sections: all,
    };
    let at = roots.n_items * size;
    bytes[at..at + padded_size(layout)].copy_from_slice(&superblock.encode(layout));
}
