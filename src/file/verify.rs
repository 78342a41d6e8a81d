//! Compares a file of ours with what its superblock says: checksums, padding, marks.

use super::superblock::{end_node, hasher, kind, padded_size, Section, Superblock, SIZE};
use crate::error::Result;
use crate::forest::inspect::Faults;
use crate::layout::NodeLayout;
use crate::memory;
use crate::work::Meter;
use std::hash::Hasher;

/// Bytes that are hashed between two looks at the meter.
const CHUNK: usize = 1 << 20;

/// Looks at every byte of the file; `meter` counts nodes.
///
/// # Errors
/// [`crate::Error::Cancelled`]. Faults are no errors.
pub fn verify(
    bytes: &[u8],
    layout: &NodeLayout,
    superblock: &Superblock,
    meter: &Meter<'_>,
    faults: &mut Faults,
) -> Result<()> {
    let size = layout.node_size;
    let node_at = |offset: usize| Some(offset / size);
    let mut covered: Vec<(usize, usize)> = Vec::new();
    for section in &superblock.sections {
        let (start, len) = (section.offset as usize, section.len as usize);
        memory::push(&mut covered, (start, start + len))?;
        let mut hasher = hasher();
        for chunk in section.of(bytes).chunks((CHUNK / size).max(1) * size) {
            hasher.write(chunk);
            meter.advance((chunk.len() / size) as u64)?;
        }
        let found = hasher.finish();
        if found != section.checksum {
            let Section {
                kind,
                checksum: expected,
                ..
            } = *section;
            faults.add(None, || {
                format!(
                    "the {} section (kind {kind}, {len} bytes from {start}) has the \
                     checksum {found:#018x}, expected {expected:#018x}",
                    kind::name(kind)
                )
            });
        }
    }
    let at = superblock.n_items * size;
    let end = at + padded_size(layout);
    memory::push(&mut covered, (at, end))?;
    // Encoding it again gives its bytes as they have to be, with those that are not used.
    let expected = superblock.encode(layout)?;
    let differs = |range: std::ops::Range<usize>| bytes[at..end][range.clone()] != expected[range];
    if differs(0..SIZE) {
        faults.add(node_at(at), || {
            format!("unused bytes of the superblock are not 0")
        });
    }
    if differs(SIZE..expected.len()) {
        faults.add(node_at(end - size), || {
            format!("the superblock does not end as it should")
        });
    }
    if let Some(roots) = superblock.section(kind::ROOTS) {
        let start = roots.offset as usize;
        if bytes[start..][..size] != end_node(layout)? {
            faults.add(node_at(start), || {
                format!("the sections do not end as they should")
            });
        }
        if bytes[start + size..][..size] != bytes[bytes.len() - size..] {
            faults.add(node_at(start + size), || {
                format!("it is not a copy of the last root")
            });
        }
    }
    covered.sort_unstable();
    let mut reached = 0;
    for (start, end) in covered {
        if start < reached {
            faults.add(node_at(start), || {
                format!("two sections share the bytes from {start} on")
            });
        } else if bytes[reached..start].iter().any(|&byte| byte != 0) {
            faults.add(node_at(reached), || {
                format!("the bytes from {reached} to {start} belong to no section and are not 0")
            });
        }
        reached = reached.max(end);
    }
    if reached != bytes.len() {
        faults.add(node_at(reached), || {
            format!("the bytes from {reached} on belong to no section")
        });
    }
    Ok(())
}
