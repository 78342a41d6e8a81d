//! What a file of ours says of itself: a block of nodes between the items and the trees that no
//! child id names, so that Annoy never sees it. FORMAT.md has the table.

use crate::error::Result;
use crate::forest::roots::{Roots, MAX_TREES};
use crate::layout::NodeLayout;
use crate::memory;
use crate::types::{IdWidth, Metric, Options, ScalarType};
use crate::wire;
use std::hash::Hasher;
use twox_hash::xxhash3_64::{RawHasher, SecretBuffer, DEFAULT_SECRET_LENGTH};
use twox_hash::XxHash3_64;

/// Starts a superblock. Read as a count of descendants it is negative, with ids of 32 and of 64
/// bits: no Annoy file has that there.
pub const SIGNATURE: [u8; 8] = *b"ANN\xffRS\n\xff";

/// Starts the node that ends a run of nodes which are no tree's. Negative too, so that Annoy, which
/// counts roots from the end of the file, stops there.
pub const END: [u8; 8] = *b"ANN\xffEND\xff";

/// Version of the superblock that is read and written.
const VERSION: u32 = 1;

/// Revision of what fixes the bytes of a forest (P3): kernels, random numbers, the algorithm. Goes
/// up whenever the checksums in tests/rust/determinism.rs change. 0: a forest that another program
/// built.
pub const REVISION: u32 = 4;

/// Bytes of a superblock.
pub const SIZE: usize = wire::Superblock::SIZE + MAX_SECTIONS * wire::Section::SIZE;

/// The most sections a file may have.
pub const MAX_SECTIONS: usize = 16;

/// The most bytes of metadata an index may have.
pub const MAX_METADATA: usize = 64 << 10;

/// Flag of a section without which the file must not be used.
pub const REQUIRED: u32 = 1;

/// Kinds of sections.
pub mod kind {
    /// The items.
    pub const ITEMS: u32 = 1;
    /// The trees.
    pub const TREES: u32 = 2;
    /// The node that ends the sections, and the copies of the roots.
    pub const ROOTS: u32 = 3;
    /// The user's own bytes.
    pub const METADATA: u32 = 4;
    /// Labels of items.
    pub const LABELS: u32 = 5;
    /// Marks of items that are removed. Required: without it they would be found.
    pub const REMOVED: u32 = 6;
    /// Codes of the items' vectors.
    pub const CODES: u32 = 7;
    /// Neighbours of the items, between codes.
    pub const GRAPH: u32 = 8;
    /// Lists of items, to be read in a row.
    pub const SCAN: u32 = 9;
    /// What searches were measured to find.
    pub const CURVE: u32 = 10;

    /// Whether a kind is one of later versions.
    pub fn is_unknown(kind: u32) -> bool {
        !(ITEMS..=CURVE).contains(&kind)
    }

    /// For messages.
    pub fn name(kind: u32) -> &'static str {
        match kind {
            ITEMS => "items",
            TREES => "trees",
            ROOTS => "roots",
            METADATA => "metadata",
            LABELS => "labels",
            REMOVED => "removed items",
            CODES => "codes",
            GRAPH => "graph",
            SCAN => "scan",
            CURVE => "curve",
            _ => "unknown",
        }
    }
}

/// A part of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub kind: u32,
    pub flags: u32,
    /// Its place, in bytes from the start of the file.
    pub offset: u64,
    pub len: u64,
    /// XXH3 (64 bits) of its bytes.
    pub checksum: u64,
}

impl Section {
    /// Its bytes in those of the file; `decode` has checked that they are there.
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.offset as usize..][..self.len as usize]
    }
}

/// XXH3, 64 bits, a piece at a time. The crate's usual one takes memory, and cannot say that there
/// is none.
pub type Checksum = RawHasher<&'static [u8; DEFAULT_SECRET_LENGTH]>;

/// One that has not seen anything.
pub fn hasher() -> Checksum {
    RawHasher::new(SecretBuffer::default())
}

/// XXH3, 64 bits.
pub fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// What a forest was built from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The seed; 0 for a forest that another program built.
    pub seed: u64,
    /// See [`REVISION`].
    pub revision: u32,
}

/// The superblock's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    pub options: Options,
    pub n_items: usize,
    /// Items that are not missing.
    pub n_present: usize,
    pub n_nodes: usize,
    pub n_trees: usize,
    pub origin: Origin,
    pub sections: Vec<Section>,
}

/// Nodes that a superblock takes, with the one that ends it.
pub fn nodes(layout: &NodeLayout) -> usize {
    SIZE.div_ceil(layout.node_size) + 1
}

/// Bytes of the nodes that a superblock takes.
pub fn padded_size(layout: &NodeLayout) -> usize {
    nodes(layout) * layout.node_size
}

/// A node that ends a run of nodes which are no tree's.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn end_node(layout: &NodeLayout) -> Result<Vec<u8>> {
    // The smallest node has 13 bytes.
    let mut node = memory::filled(0, layout.node_size)?;
    node[..END.len()].copy_from_slice(&END);
    Ok(node)
}

/// Numbers that stand for the choices in the file; those of the C ABI.
const METRICS: [(Metric, u8); 5] = [
    (Metric::Angular, 1),
    (Metric::Euclidean, 2),
    (Metric::Manhattan, 3),
    (Metric::Hamming, 4),
    (Metric::Dot, 5),
];
const SCALARS: [(ScalarType, u8); 5] = [
    (ScalarType::F32, 1),
    (ScalarType::F64, 2),
    (ScalarType::Bits64, 3),
    (ScalarType::Bits32, 4),
    (ScalarType::Bits8, 5),
];

fn code_of<T: PartialEq + Copy>(codes: &[(T, u8)], value: T) -> u8 {
    codes
        .iter()
        .find(|(known, _)| *known == value)
        .map_or(0, |&(_, code)| code)
}

fn coded<T: Copy>(codes: &[(T, u8)], code: u8, what: &str) -> Result<T, String> {
    codes
        .iter()
        .find(|&&(_, known)| known == code)
        .map(|&(value, _)| value)
        .ok_or_else(|| {
            format!("its superblock has the {what} {code}, which this version does not know")
        })
}

impl Superblock {
    /// The nodes of the superblock.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn encode(&self, layout: &NodeLayout) -> Result<Vec<u8>> {
        let mut bytes = memory::filled(0, padded_size(layout))?;
        self.encode_to(layout, &mut bytes);
        Ok(bytes)
    }

    /// [Encodes](Self::encode) it in its place.
    pub fn encode_to(&self, layout: &NodeLayout, bytes: &mut [u8]) {
        bytes.fill(0);
        let header = wire::Superblock {
            signature: SIGNATURE,
            version: VERSION,
            superblock_size: SIZE as u32,
            checksum: 0,
            metric: code_of(&METRICS, self.options.metric),
            scalar: code_of(&SCALARS, self.options.scalar),
            id_bits: self.options.id_width.bits() as u8,
            node_size: layout.node_size as u32,
            f: self.options.f as u64,
            n_items: self.n_items as u64,
            n_present: self.n_present as u64,
            n_nodes: self.n_nodes as u64,
            n_trees: self.n_trees as u64,
            seed: self.origin.seed,
            revision: self.origin.revision,
            n_sections: self.sections.len() as u32,
        };
        header.write(bytes);
        let entries = bytes[wire::Superblock::SIZE..].chunks_exact_mut(wire::Section::SIZE);
        for (section, to) in self.sections.iter().zip(entries) {
            let entry = wire::Section {
                kind: section.kind,
                flags: section.flags,
                offset: section.offset,
                length: section.len,
                checksum: section.checksum,
            };
            entry.write(to);
        }
        let end = bytes.len() - layout.node_size;
        // As `end_node`.
        bytes[end..][..END.len()].copy_from_slice(&END);
        let checksum = checksum_without_itself(&bytes[..SIZE]);
        wire::Superblock { checksum, ..header }.write(bytes);
    }

    /// Reads the first [`SIZE`] bytes of a superblock that stands at `place` in a file of
    /// `file_len` bytes. `sections` is empty and has room for [`MAX_SECTIONS`].
    ///
    /// # Errors
    /// Words that say what does not hold together.
    pub fn decode(
        bytes: &[u8],
        place: u64,
        file_len: u64,
        mut sections: Vec<Section>,
    ) -> Result<Self, String> {
        if bytes.len() < SIZE || !bytes.starts_with(&SIGNATURE) {
            return Err(format!("it has no superblock"));
        }
        let bytes = &bytes[..SIZE];
        let header = wire::Superblock::read(bytes);
        if header.version != VERSION {
            return Err(format!(
                "its format has version {}, this version of the library reads version {VERSION}",
                header.version
            ));
        }
        let (found, expected) = (header.checksum, checksum_without_itself(bytes));
        if found != expected {
            return Err(format!(
                "its superblock is damaged: checksum {found:#018x}, expected {expected:#018x}"
            ));
        }
        let count = |n: u64, what: &str, most: u64| match n <= most {
            true => Ok(n as usize),
            false => Err(format!(
                "its superblock has {n} {what}, expected 0 to {most}"
            )),
        };
        let options = Options {
            metric: coded(&METRICS, header.metric, "metric")?,
            scalar: coded(&SCALARS, header.scalar, "element type")?,
            id_width: match header.id_bits {
                32 => IdWidth::Bits32,
                64 => IdWidth::Bits64,
                n => {
                    return Err(format!(
                        "its superblock has ids of {n} bits, expected 32 or 64"
                    ))
                }
            },
            f: count(header.f, "dimensions", u64::from(u32::MAX))?,
        };
        options
            .validate()
            .map_err(|error| format!("its superblock is wrong: {error}"))?;
        let layout = NodeLayout::written(options);
        let size = layout.node_size as u64;
        if u64::from(header.node_size) != size || u64::from(header.superblock_size) != SIZE as u64 {
            return Err(format!(
                "its superblock of {} bytes has nodes of {} bytes, expected {SIZE} and {size}",
                header.superblock_size, header.node_size,
            ));
        }
        let n_nodes = count(header.n_nodes, "nodes", options.id_width.max_count())?;
        if (n_nodes as u64).checked_mul(size) != Some(file_len) {
            return Err(format!(
                "its superblock counts {n_nodes} nodes of {size} bytes, the file has {file_len} bytes"
            ));
        }
        let n_items = count(header.n_items, "items", n_nodes as u64)?;
        // The last node said where to look, and it alone says so to Annoy.
        if n_items as u64 * size != place {
            return Err(format!(
                "its superblock counts {n_items} items of {size} bytes, but stands at {place}"
            ));
        }
        let n_trees = count(header.n_trees, "trees", MAX_TREES as u64)?;
        let n_present = count(header.n_present, "items present", n_items as u64)?;
        let n_sections = header.n_sections as usize;
        if n_sections > MAX_SECTIONS {
            return Err(format!(
                "its superblock has {n_sections} sections, expected {MAX_SECTIONS} at the most"
            ));
        }
        let entries = bytes[wire::Superblock::SIZE..].chunks_exact(wire::Section::SIZE);
        sections.extend(entries.take(n_sections).map(|entry| {
            let entry = wire::Section::read(entry);
            Section {
                kind: entry.kind,
                flags: entry.flags,
                offset: entry.offset,
                len: entry.length,
                checksum: entry.checksum,
            }
        }));
        let superblock = Superblock {
            options,
            n_items,
            n_present,
            n_nodes,
            n_trees,
            origin: Origin {
                seed: header.seed,
                revision: header.revision,
            },
            sections,
        };
        superblock.check_sections(&layout)?;
        Ok(superblock)
    }

    /// Whether the sections lie where they have to, and are all known where they must be.
    fn check_sections(&self, layout: &NodeLayout) -> Result<(), String> {
        if self.n_trees == 0 {
            return Err(format!("its superblock counts no trees"));
        }
        let size = layout.node_size as u64;
        let roots = (self.n_nodes as u64)
            .checked_sub(self.n_trees as u64 + 2)
            .ok_or("its superblock counts more trees than nodes")?;
        let first_tree = self.first_tree(layout) as u64;
        let trees_end = self
            .section(kind::TREES)
            .map_or(0, |trees| trees.offset.saturating_add(trees.len));
        for (i, section) in self.sections.iter().enumerate() {
            let name = kind::name(section.kind);
            if self.sections[..i].iter().any(|s| s.kind == section.kind) {
                return Err(format!(
                    "it has two sections of kind {} ({name})",
                    section.kind
                ));
            }
            let end = section
                .offset
                .checked_add(section.len)
                .filter(|&end| end <= self.n_nodes as u64 * size)
                .ok_or_else(|| format!("its {name} section ends beyond the file: {section:?}"))?;
            let sound = match section.kind {
                kind::ITEMS => section.offset == 0 && end == self.n_items as u64 * size,
                kind::TREES => {
                    section.offset == first_tree * size
                        && section.len % size == 0
                        && section.len > 0
                        && end <= roots * size
                }
                kind::ROOTS => section.offset == roots * size && end == self.n_nodes as u64 * size,
                kind if kind::is_unknown(kind) && section.flags & REQUIRED != 0 => {
                    return Err(format!(
                        "it has a section of kind {kind} that has to be understood, and \
                         this version of the library does not"
                    ));
                }
                kind::METADATA if section.len > MAX_METADATA as u64 => {
                    return Err(format!(
                        "it has {} bytes of metadata, expected {MAX_METADATA} at the most",
                        section.len
                    ));
                }
                // Between the trees and the end of the sections.
                _ => section.offset >= trees_end && end <= roots * size,
            };
            if !sound {
                return Err(format!("its {name} section cannot lie there: {section:?}"));
            }
        }
        for kind in [kind::ITEMS, kind::TREES, kind::ROOTS] {
            if self.section(kind).is_none() {
                return Err(format!(
                    "its superblock lacks the {} section",
                    kind::name(kind)
                ));
            }
        }
        Ok(())
    }

    fn first_tree(&self, layout: &NodeLayout) -> usize {
        self.n_items + nodes(layout)
    }

    /// The section of a kind.
    pub fn section(&self, kind: u32) -> Option<Section> {
        self.sections
            .iter()
            .copied()
            .find(|section| section.kind == kind)
    }

    /// Where the trees are.
    pub fn roots(&self, layout: &NodeLayout) -> Roots {
        let first = self.first_tree(layout);
        let trees = self.section(kind::TREES).unwrap_or_default();
        Roots {
            n_items: self.n_items,
            n_nodes: self.n_nodes,
            n_trees: self.n_trees,
            trees: first..first + trees.len as usize / layout.node_size,
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

/// Of all bytes but those of the checksum.
fn checksum_without_itself(bytes: &[u8]) -> u64 {
    let mut hasher = hasher();
    hasher.write(&bytes[..wire::Superblock::CHECKSUM.start]);
    hasher.write(&bytes[wire::Superblock::CHECKSUM.end..]);
    hasher.finish()
}

/// Place and bytes of the superblock of a file of these nodes, if it has one: `n_items`, as told by
/// the last node, nodes from the start.
///
/// # Errors
/// What `read_at` says.
pub fn find(
    node_size: u64,
    id_width: IdWidth,
    file_len: u64,
    mut read_at: impl FnMut(u64, &mut [u8]) -> Result<()>,
) -> Result<Option<(u64, [u8; SIZE])>> {
    if !file_len.is_multiple_of(node_size) || file_len < 2 * node_size {
        return Ok(None);
    }
    let mut id = [0; 8];
    read_at(file_len - node_size, &mut id[..id_width.size()])?;
    let n_items = match id_width {
        IdWidth::Bits32 => i64::from(i32::from_le_bytes(array(&id, 0))),
        IdWidth::Bits64 => i64::from_le_bytes(id),
    };
    let ends_inside = |at: &u64| {
        at.checked_add(SIZE as u64)
            .is_some_and(|end| end <= file_len)
    };
    let place = u64::try_from(n_items)
        .ok()
        .and_then(|n| n.checked_mul(node_size))
        .filter(ends_inside);
    let Some(at) = place else {
        return Ok(None);
    };
    let mut found = [0; SIZE];
    read_at(at, &mut found)?;
    Ok(found.starts_with(&SIGNATURE).then_some((at, found)))
}
