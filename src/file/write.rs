//! Writes a file: items, superblock, trees, sections, copies of the roots.

use super::superblock::{
    self, checksum, end_node, kind, nodes, padded_size, Origin, Section, Superblock, MAX_SECTIONS,
};
use crate::error::{reserve, Error, Result};
use crate::forest::order::Order;
use crate::forest::roots::Roots;
use crate::forest::tree::map_children;
use crate::forest::trees::{NodeFault, Unsound};
use crate::layout::{NodeLayout, Nodes};
use crate::memory;
use crate::storage::unfinished::{write_over, UnfinishedFile, UnfinishedWriter};
use crate::storage::FileId;
use crate::work::{Meter, Stage, Work};
use std::hash::Hasher;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// Sections start at multiples of this in the file, so that what a map shows of them is aligned for
/// any use.
const ALIGNMENT: usize = 64;

/// Bytes that are hashed and written at a time: what a first- or second-level cache holds.
const CHUNK: usize = 256 << 10;

/// A section to be written.
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    pub kind: u32,
    pub flags: u32,
    /// Its parts, each behind the one before.
    pub parts: [&'a [u8]; 3],
}

impl<'a> Payload<'a> {
    pub fn new(kind: u32, flags: u32, bytes: &'a [u8]) -> Self {
        let parts = [bytes, &[], &[]];
        Payload { kind, flags, parts }
    }

    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }
}

/// A forest to be written.
pub struct Contents<'a> {
    pub layout: &'a NodeLayout,
    /// Items and trees, in a file's order; where the trees are, `roots` says.
    pub bytes: &'a [u8],
    pub roots: &'a Roots,
    /// The order of the nodes of the trees in a file; none for that in `bytes`.
    pub order: Option<&'a Order>,
    pub origin: Origin,
    /// The sections beside items, trees and roots.
    pub sections: &'a [Payload<'a>],
}

/// What stands between the trees and the copies of the roots: the sections, the node that ends
/// them, and one more copy of the last root. Annoy takes the first root that it finds before the
/// copies for the last tree's own and leaves it out.
pub struct Tail {
    pub bytes: Vec<u8>,
    /// The sections' entries.
    pub sections: Vec<Section>,
}

/// Where the sections lie behind trees that end after `start` bytes, and where the nodes they fill
/// end: in bytes from there.
fn places(
    layout: &NodeLayout,
    start: usize,
    payloads: &[Payload<'_>],
) -> Result<(Vec<usize>, usize)> {
    let mut end = 0;
    let places = memory::collect(payloads.iter().map(|payload| {
        let at = (start + end).next_multiple_of(ALIGNMENT) - start;
        end = at + payload.len();
        at
    }))?;
    Ok((places, end.next_multiple_of(layout.node_size)))
}

/// The tail of a file whose trees end after `start` bytes.
pub fn tail(
    layout: &NodeLayout,
    start: usize,
    payloads: &[Payload<'_>],
    last_root: &[u8],
) -> Result<Tail> {
    let mut bytes = Vec::new();
    // And for those of items, trees and roots: see `seal`.
    let mut sections = memory::with_room(payloads.len() + 3)?;
    let (places, end) = places(layout, start, payloads)?;
    reserve(&mut bytes, end + 2 * layout.node_size)?;
    for (payload, at) in payloads.iter().zip(places) {
        bytes.resize(at, 0);
        for part in payload.parts {
            bytes.extend_from_slice(part);
        }
        sections.push(Section {
            kind: payload.kind,
            flags: payload.flags,
            offset: (start + at) as u64,
            len: payload.len() as u64,
            checksum: checksum(&bytes[at..]),
        });
    }
    bytes.resize(end, 0);
    bytes.extend_from_slice(&end_node(layout)?);
    bytes.extend_from_slice(last_root);
    Ok(Tail { bytes, sections })
}

/// Writes bytes, counts them, and knows their checksum.
struct Part<'w, 'm, W> {
    to: &'w mut W,
    /// For messages.
    path: Option<&'w Path>,
    meter: &'w Meter<'m>,
    hasher: superblock::Checksum,
    len: u64,
}

impl<'w, 'm, W: Write> Part<'w, 'm, W> {
    fn new(to: &'w mut W, path: Option<&'w Path>, meter: &'w Meter<'m>) -> Self {
        Part {
            to,
            path,
            meter,
            hasher: superblock::hasher(),
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
            self.meter.advance(chunk.len() as u64)?;
        }
        Ok(())
    }

    fn write_zeros(&mut self, mut n: usize) -> Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        while n > 0 {
            let some = n.min(ZEROS.len());
            self.write(&ZEROS[..some])?;
            n -= some;
        }
        Ok(())
    }

    /// Writes the trees, whose nodes are numbered anew.
    fn write_trees(&mut self, contents: &Contents<'_>, numbers: &Numbers<'_>) -> Result<()> {
        let trees = &contents.roots.trees;
        if numbers.are_those_there_are() {
            return self.write(contents.nodes(trees.clone()));
        }
        let in_chunk = (CHUNK / numbers.layout.node_size).max(1);
        let mut copy = Vec::new();
        for start in (0..trees.len()).step_by(in_chunk) {
            let places = start..trees.len().min(start + in_chunk);
            copy.clear();
            reserve(&mut copy, places.len() * numbers.layout.node_size)?;
            match numbers.order {
                None => {
                    let first = trees.start;
                    copy.extend_from_slice(
                        contents.nodes(first + places.start..first + places.end),
                    );
                }
                Some(order) => {
                    for place in places {
                        let id = order.id(place);
                        copy.extend_from_slice(contents.nodes(id..id + 1));
                    }
                }
            }
            numbers.apply(&mut copy)?;
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

/// The numbers that nodes of trees get in a file.
pub struct Numbers<'a> {
    layout: &'a NodeLayout,
    roots: &'a Roots,
    order: Option<&'a Order>,
    /// Of the first.
    first: usize,
}

impl<'a> Numbers<'a> {
    pub fn new(layout: &'a NodeLayout, roots: &'a Roots, order: Option<&'a Order>) -> Self {
        Numbers {
            layout,
            roots,
            order,
            first: roots.n_items + nodes(layout),
        }
    }

    pub fn are_those_there_are(&self) -> bool {
        self.order.is_none() && self.first == self.roots.trees.start
    }

    /// That of a node of a tree; none for what is none.
    pub fn of(&self, id: usize) -> Option<usize> {
        let place = match self.order {
            _ if !self.roots.trees.contains(&id) => return None,
            None => id - self.roots.trees.start,
            Some(order) => order.place(id - self.roots.trees.start),
        };
        Some(self.first + place)
    }

    /// Renumbers the children in a run of nodes. They come from a file that may be damaged.
    fn apply(&self, nodes: &mut [u8]) -> Result<()> {
        let mut wrong = None;
        map_children(nodes, self.layout, self.roots.n_items, |id| {
            self.of(id).unwrap_or_else(|| {
                wrong = Some(id);
                0
            })
        });
        wrong.map_or(Ok(()), |node| {
            let fault = NodeFault::NoTree;
            Err(Unsound { node, fault }.into())
        })
    }
}

impl Contents<'_> {
    fn nodes(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[range.start * self.layout.node_size..range.end * self.layout.node_size]
    }

    /// Bytes of the file.
    ///
    /// # Errors
    /// [`Error::Unsupported`], [`Error::Argument`] when there can be no such file.
    pub fn size(&self) -> Result<usize> {
        let (layout, roots) = (self.layout, self.roots);
        let size = layout.node_size;
        let start = self.numbers()?.first + roots.trees.len();
        let (_, end) = places(layout, start * size, self.sections)?;
        let n_nodes = start + end / size + 2 + roots.n_trees;
        check_count(layout, n_nodes)?;
        Ok(n_nodes * size)
    }

    /// The numbers that nodes get. Looks at what there is room for before any is stored where it
    /// cannot be.
    fn numbers(&self) -> Result<Numbers<'_>> {
        let (layout, roots) = (self.layout, self.roots);
        let numbers = Numbers::new(layout, roots, self.order);
        check_count(layout, numbers.first + roots.trees.len() + roots.n_trees)?;
        // Items, trees and roots are three.
        if self.sections.len() + 3 > MAX_SECTIONS {
            return Err(Error::Unsupported(format!(
                "there would be {} sections in the file, expected {MAX_SECTIONS} at the most",
                self.sections.len() + 3
            )));
        }
        Ok(numbers)
    }

    /// Writes the file to `to`, from where it stands, and leaves it behind the end; `path` is for
    /// messages. `meter` counts bytes.
    ///
    /// # Errors
    /// As [`size`](Self::size); [`Error::Io`], [`Error::NoMemory`], [`Error::Corrupt`],
    /// [`Error::Cancelled`].
    pub fn write(
        &self,
        to: &mut (impl Write + Seek),
        path: Option<&Path>,
        meter: &Meter<'_>,
    ) -> Result<()> {
        let fail = |source| Error::io("write", path, source);
        let (layout, roots) = (self.layout, self.roots);
        let size = layout.node_size;
        let numbers = self.numbers()?;
        let (first, n_items) = (numbers.first, roots.n_items);
        let begin = to.stream_position().map_err(fail)?;
        let mut copies = Vec::new();
        reserve(&mut copies, roots.n_trees * size)?;
        copies.extend_from_slice(self.nodes(roots.ids()));
        numbers.apply(&mut copies)?;
        let last_root = &copies[copies.len() - size..];
        let start = (first + roots.trees.len()) * size;
        let (places, end) = places(layout, start, self.sections)?;
        let guard = start + end;
        let len = guard + 2 * size + copies.len();
        check_count(layout, len / size)?;
        meter.set_total(len as u64);

        let items = self.nodes(0..n_items);
        let mut part = Part::new(to, path, meter);
        part.write(items)?;
        let mut sections = memory::with_room(3 + self.sections.len())?;
        sections.push(part.section(kind::ITEMS, 0));
        // Its place; what it says is known at the end.
        Part::new(to, path, meter).write_zeros(padded_size(layout))?;
        let mut part = Part::new(to, path, meter);
        part.write_trees(self, &numbers)?;
        sections.push(part.section(kind::TREES, (first * size) as u64));
        let mut written = 0;
        let mut own = memory::with_room(self.sections.len())?;
        for (payload, at) in self.sections.iter().zip(places) {
            Part::new(to, path, meter).write_zeros(at - written)?;
            let mut part = Part::new(to, path, meter);
            for bytes in payload.parts {
                part.write(bytes)?;
            }
            own.push(Section {
                flags: payload.flags,
                ..part.section(payload.kind, (start + at) as u64)
            });
            written = at + payload.len();
        }
        Part::new(to, path, meter).write_zeros(end - written)?;
        let mut part = Part::new(to, path, meter);
        part.write(&end_node(layout)?)?;
        part.write(last_root)?;
        part.write(&copies)?;
        sections.push(part.section(kind::ROOTS, guard as u64));
        sections.extend(own);

        let superblock = Superblock {
            options: layout.options,
            n_items,
            n_present: count_present(items, layout),
            n_nodes: len / size,
            n_trees: roots.n_trees,
            origin: self.origin,
            sections,
        };
        let superblock = superblock.encode(layout)?;
        to.seek(SeekFrom::Start(begin + (n_items * size) as u64))
            .and_then(|_| to.write_all(&superblock))
            .and_then(|()| to.seek(SeekFrom::Start(begin + len as u64)))
            .map(drop)
            .map_err(fail)
    }

    /// Writes the file under a temporary name, makes it durable, and gives it its name. Where the
    /// name cannot be given to it, the file that has the name is written over, and the error is
    /// handed out that says why. `mapped` is the file that the bytes are in, if they are.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NoMemory`], [`Error::Cancelled`], [`Error::Unsupported`]; what the
    /// name held before is then still there, unless the disk failed while that was written over.
    pub fn save(
        &self,
        path: &Path,
        mapped: Option<FileId>,
        meter: &Meter<'_>,
    ) -> Result<Option<Error>> {
        let node_size = self.layout.node_size;
        let (refused, written) = match UnfinishedFile::create(path, node_size) {
            Ok(mut file) => {
                let mut writer = file.writer();
                self.write(&mut writer, Some(path), meter)?;
                let len = writer.len();
                match file.publish(len) {
                    Ok(()) => return Ok(None),
                    Err(error) if file.is_published() => return Err(error),
                    Err(refused) => (refused, true),
                }
            }
            Err(refused) => (refused, false),
        };
        let measure = || {
            // All that can be wrong, or be cancelled, comes to light before the file is touched.
            if !written {
                self.write(&mut io::empty(), Some(path), meter)?;
            }
            self.size().map(|size| size as u64)
        };
        let write = |to: &mut UnfinishedWriter<'_>| {
            Work::default().run(Stage::Save, 0, |meter| self.write(to, Some(path), meter))
        };
        write_over(path, node_size, refused, mapped, measure, write).map(Some)
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
/// `sections` are those of its [`tail`]. Takes no memory: the file is there, and this must not
/// fail.
pub fn seal(
    bytes: &mut [u8],
    layout: &NodeLayout,
    roots: &Roots,
    origin: Origin,
    mut sections: Vec<Section>,
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
    sections.extend([
        part(kind::ITEMS, 0..roots.n_items),
        part(kind::TREES, roots.trees.clone()),
        part(kind::ROOTS, roots.ids().start - 2..roots.n_nodes),
    ]);
    sections.rotate_right(3);
    let superblock = Superblock {
        options: layout.options,
        n_items: roots.n_items,
        n_present: count_present(&bytes[..roots.n_items * size], layout),
        n_nodes: roots.n_nodes,
        n_trees: roots.n_trees,
        origin,
        sections,
    };
    let at = roots.n_items * size;
    superblock.encode_to(layout, &mut bytes[at..at + padded_size(layout)]);
}
