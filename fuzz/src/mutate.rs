//! Damages that an input can ask for.

use super::common::SUPERBLOCK;
use super::seeds::Seed;
use arbitrary::{Result, Unstructured};
use std::hash::Hasher;
use std::ops::Range;
use twox_hash::XxHash3_64;

/// The most damages to a file.
pub const MOST: usize = 24;

/// Files that insertions have made this long grow no more.
const LONGEST: usize = 1 << 14;

/// What is made right again after the damage.
#[derive(Clone, Copy, PartialEq)]
pub struct Seal {
    pub superblock: bool,
    pub sections: bool,
}

impl Seal {
    pub fn read(u: &mut Unstructured<'_>) -> Result<Self> {
        let bits: u8 = u.arbitrary()?;
        Ok(Seal {
            superblock: bits & 1 != 0,
            sections: bits & 2 != 0,
        })
    }

    /// Nothing is.
    pub fn is_none(self) -> bool {
        !self.superblock && !self.sections
    }
}

fn below(u: &mut Unstructured<'_>, bound: usize) -> Result<usize> {
    let number: u16 = u.arbitrary()?;
    Ok(usize::from(number) % bound.max(1))
}

/// A node; counted from the end in half of all cases, as that is where the roots are.
fn node(u: &mut Unstructured<'_>, count: usize) -> Result<usize> {
    let number: u16 = u.arbitrary()?;
    let node = usize::from(number >> 1) % count.max(1);
    Ok(if number & 1 == 0 {
        node
    } else {
        count.saturating_sub(1 + node)
    })
}

/// A number where something may change, or any other.
fn number(u: &mut Unstructured<'_>, seed: &Seed, count: usize, here: i64) -> Result<i64> {
    let (n, k, count) = (seed.n_items as i64, seed.layout.leaf as i64, count as i64);
    let known = [
        0,
        1,
        2,
        -1,
        -2,
        n - 1,
        n,
        n + 1,
        k,
        k + 1,
        count - 1,
        count,
        count - 2,
        count - 3,
        here,
        i64::from(i32::MAX),
        i64::from(i32::MIN),
        i64::MAX,
        i64::MIN,
        i64::from(u32::MAX),
    ];
    let which: u8 = u.arbitrary()?;
    match which {
        0..128 => Ok(known[usize::from(which) % known.len()]),
        128..192 => node(u, count as usize).map(|node| node as i64),
        192..224 => Ok(here.wrapping_add(i64::from(u.arbitrary::<i8>()?))),
        _ => u.arbitrary(),
    }
}

/// Eight bytes of a float, as f32 or f64, that some calculation may not like.
fn float(u: &mut Unstructured<'_>, wide: bool) -> Result<[u8; 8]> {
    let known = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        1e-310,
        1e-40,
        3.4e38,
        f64::MIN_POSITIVE,
        1e19,
    ];
    let value = known[below(u, known.len())?];
    let mut bytes = [0; 8];
    if wide {
        bytes = value.to_le_bytes();
    } else {
        bytes[..4].copy_from_slice(&(value as f32).to_le_bytes());
    }
    Ok(bytes)
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(what) {
        *to = *from;
    }
}

fn node_range(u: &mut Unstructured<'_>, seed: &Seed, bytes: &[u8]) -> Result<Range<usize>> {
    let size = seed.layout.size;
    let count = seed.layout.count(bytes);
    let first = node(u, count)?;
    let len = 1 + below(u, 8)?;
    Ok(first * size..(first + len).min(count) * size)
}

/// One damage.
pub fn mutate(u: &mut Unstructured<'_>, seed: &Seed, bytes: &mut Vec<u8>) -> Result<()> {
    let (layout, count) = (&seed.layout, seed.layout.count(bytes));
    match u.arbitrary::<u8>()? % 16 {
        0 => {
            let at = below(u, bytes.len())?;
            let flipped: u8 = u.arbitrary()?;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flipped;
            }
        }
        1 => {
            let at = below(u, bytes.len())?;
            let len = below(u, 16)?;
            let new = u.bytes(len.min(u.len()))?;
            put(bytes, at, new);
        }
        2 => bytes.truncate(below(u, bytes.len() + 1)?),
        3 => {
            let nodes = below(u, count + 1)?;
            bytes.truncate(nodes * layout.size);
        }
        // Nodes go, are doubled, are put elsewhere.
        4 => {
            let range = node_range(u, seed, bytes)?;
            bytes.drain(range);
        }
        5 if bytes.len() < LONGEST => {
            let copy = bytes[node_range(u, seed, bytes)?].to_vec();
            let at = node(u, count + 1)? * layout.size;
            bytes.splice(at..at, copy);
        }
        6 => {
            let copy = bytes[node_range(u, seed, bytes)?].to_vec();
            let at = node(u, count)? * layout.size;
            put(bytes, at, &copy);
        }
        7 if bytes.len() < LONGEST => {
            let at = below(u, bytes.len() + 1)?;
            let len = below(u, 2 * layout.size)?;
            let filling: u8 = u.arbitrary()?;
            bytes.splice(at..at, std::iter::repeat_n(filling, len));
        }
        8..=10 if count > 0 => {
            let node = node(u, count)?;
            let value = number(u, seed, count, layout.descendants(bytes, node))?;
            layout.set_descendants(bytes, node, value);
        }
        11 | 12 if count > 0 => {
            let node = node(u, count)?;
            let i = below(u, layout.leaf)?;
            let i = if u.arbitrary()? { i } else { i % 2 };
            let value = number(u, seed, count, layout.child(bytes, node, i))?;
            layout.set_child(bytes, node, i, value);
        }
        // The metric's own number or an element of the vector.
        13 => {
            let at = node(u, count)? * layout.size;
            let element = seed.options.scalar.size();
            let value = float(u, element == 8)?;
            let offset = match below(u, seed.options.elements() + 1)? {
                0 => layout.vector.saturating_sub(element),
                i => layout.vector + (i - 1) * element,
            };
            put(bytes, at + offset, &value[..element]);
        }
        14 => superblock_field(u, seed, bytes)?,
        _ => section_field(u, seed, bytes)?,
    }
    Ok(())
}

/// Sizes and places of the superblock's numbers; see FORMAT.md.
const FIELDS: [(usize, usize); 14] = [
    (8, 4),
    (12, 4),
    (24, 1),
    (25, 1),
    (26, 1),
    (27, 1),
    (28, 4),
    (32, 8),
    (40, 8),
    (48, 8),
    (56, 8),
    (64, 8),
    (80, 4),
    (84, 4),
];
pub const TABLE: usize = 128;
pub const ENTRY: usize = 32;
const ENTRY_FIELDS: [(usize, usize); 5] = [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8)];

fn long(bytes: &[u8], at: usize, len: usize) -> u64 {
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(&bytes[at..at + len]);
    u64::from_le_bytes(wide)
}

/// A number of the superblock: `(place, bytes)`.
fn change(
    u: &mut Unstructured<'_>,
    seed: &Seed,
    bytes: &mut [u8],
    (at, len): (usize, usize),
) -> Result<()> {
    let here = long(bytes, at, len) as i64;
    let size = seed.layout.size as i64;
    let value = match u.arbitrary::<u8>()? % 4 {
        // By whole nodes, as places in the file are.
        0 => here.wrapping_add(size.wrapping_mul(i64::from(u.arbitrary::<i8>()?))),
        1 => bytes.len() as i64 - i64::from(u.arbitrary::<u8>()?),
        _ => number(u, seed, seed.layout.count(bytes), here)?,
    };
    put(bytes, at, &value.to_le_bytes()[..len]);
    Ok(())
}

pub fn superblock_field(u: &mut Unstructured<'_>, seed: &Seed, bytes: &mut [u8]) -> Result<()> {
    let (at, len) = FIELDS[below(u, FIELDS.len())?];
    match seed.superblock(bytes) {
        Some(block) => change(u, seed, bytes, (block + at, len)),
        None => Ok(()),
    }
}

pub fn section_field(u: &mut Unstructured<'_>, seed: &Seed, bytes: &mut [u8]) -> Result<()> {
    let entry = TABLE + ENTRY * below(u, (SUPERBLOCK - TABLE) / ENTRY)?;
    let (at, len) = ENTRY_FIELDS[below(u, ENTRY_FIELDS.len())?];
    match seed.superblock(bytes) {
        Some(block) => change(u, seed, bytes, (block + entry + at, len)),
        None => Ok(()),
    }
}

/// The parts of the file that have checksums: each with the place where its checksum is.
fn parts(bytes: &[u8], block: usize) -> impl Iterator<Item = (Range<usize>, usize)> + '_ {
    (0..(SUPERBLOCK - TABLE) / ENTRY).filter_map(move |i| {
        let entry = block + TABLE + i * ENTRY;
        let start = usize::try_from(long(bytes, entry + 8, 8)).ok()?;
        let end = start.checked_add(usize::try_from(long(bytes, entry + 16, 8)).ok()?)?;
        let in_use = long(bytes, entry, 4) != 0 && end <= bytes.len();
        in_use.then_some((start..end, entry + 24))
    })
}

fn of_superblock(block: &[u8]) -> u64 {
    let mut hasher = XxHash3_64::default();
    hasher.write(&block[..16]);
    hasher.write(&block[24..SUPERBLOCK]);
    hasher.finish()
}

/// Gives a changed superblock a checksum that is right.
pub fn reseal(block: &mut [u8]) {
    let sum = of_superblock(block);
    put(block, 16, &sum.to_le_bytes());
}

/// Makes checksums right.
pub fn seal(seed: &Seed, bytes: &mut [u8], seal: Seal) {
    let Some(block) = seed.superblock(bytes) else {
        return;
    };
    if seal.sections {
        let parts: Vec<_> = parts(bytes, block).collect();
        for (range, at) in parts {
            let sum = XxHash3_64::oneshot(&bytes[range]);
            put(bytes, at, &sum.to_le_bytes());
        }
    }
    if seal.superblock {
        reseal(&mut bytes[block..]);
    }
}

/// Whether the file has a superblock and as many nodes as that says, and all checksums hold.
pub fn holds(seed: &Seed, bytes: &[u8]) -> bool {
    seed.superblock(bytes).is_some_and(|block| {
        of_superblock(&bytes[block..]) == long(bytes, block + 16, 8)
            && long(bytes, block + 56, 8) == seed.layout.count(bytes) as u64
            && parts(bytes, block)
                .all(|(range, at)| XxHash3_64::oneshot(&bytes[range]) == long(bytes, at, 8))
    })
}
