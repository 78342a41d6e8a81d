//! Superblocks, sections and metadata of any contents, with checksums that are right: what only a
//! liar writes.

use super::common::SUPERBLOCK;
use super::examine::{ask, save, thaw, verify};
use super::file::{Opener, Plan};
use super::mutate::{seal, section_field, superblock_field, Seal, ENTRY, MOST, TABLE};
use super::seeds::{query, seeds, Seed};
use annoy_rs::{Error, Index};
use arbitrary::{Result, Unstructured};

const MAX_SECTIONS: usize = (SUPERBLOCK - TABLE) / ENTRY;

/// Runs one input. Whatever is wrong is a panic.
pub fn run(data: &[u8]) {
    let _ = try_out(&mut Unstructured::new(data), Plan::of(data));
}

/// Takes the place of what there is.
fn overlay(u: &mut Unstructured<'_>, bytes: &mut [u8], at: usize) -> Result<()> {
    let len = usize::from(u.arbitrary::<u8>()?);
    let new = u.bytes(len.min(u.len()))?;
    for (to, from) in bytes.iter_mut().skip(at).zip(new) {
        *to = *from;
    }
    Ok(())
}

/// Whole nodes of the input's behind the trees, and the superblock told of them.
fn grow(u: &mut Unstructured<'_>, seed: &Seed, block: usize, bytes: &mut Vec<u8>) -> Result<()> {
    let size = seed.layout.size;
    let number = |bytes: &[u8], at: usize| {
        u64::from_le_bytes(bytes[block + at..block + at + 8].try_into().unwrap())
    };
    let (n_nodes, n_trees) = (number(bytes, 56) as usize, number(bytes, 64) as usize);
    let Some(at) = n_nodes.checked_sub(n_trees.saturating_add(2)) else {
        return Ok(());
    };
    let at = at.saturating_mul(size);
    let more = 1 + usize::from(u.arbitrary::<u8>()?) % 16;
    if at > bytes.len() || bytes.len() > 1 << 14 {
        return Ok(());
    }
    bytes.splice(at..at, std::iter::repeat_n(0, more * size));
    bytes[block + 56..block + 64]
        .copy_from_slice(&(n_nodes.wrapping_add(more) as u64).to_le_bytes());
    // The third entry is that of the roots.
    let entry = block + TABLE + 2 * ENTRY + 8;
    let offset = u64::from_le_bytes(bytes[entry..entry + 8].try_into().unwrap());
    let moved = offset.wrapping_add((more * size) as u64);
    bytes[entry..entry + 8].copy_from_slice(&moved.to_le_bytes());
    overlay(u, bytes, at)
}

/// One more entry, which may well be in order.
fn add_section(
    u: &mut Unstructured<'_>,
    seed: &Seed,
    block: usize,
    bytes: &mut [u8],
) -> Result<()> {
    let count = u32::from_le_bytes(bytes[block + 84..block + 88].try_into().unwrap());
    let entry = block + TABLE + (count as usize % MAX_SECTIONS) * ENTRY;
    let kind = if u.arbitrary()? {
        count.wrapping_add(100)
    } else {
        u32::from(u.arbitrary::<u8>()?)
    };
    let behind = (seed.layout.size * usize::from(u.arbitrary::<u8>()?)) as u64;
    let place = [
        (bytes.len() as u64).saturating_sub(behind),
        u64::from(u.arbitrary::<u8>()?),
    ];
    bytes[entry..entry + 4].copy_from_slice(&kind.to_le_bytes());
    bytes[entry + 8..entry + 16].copy_from_slice(&place[0].to_le_bytes());
    bytes[entry + 16..entry + 24].copy_from_slice(&place[1].to_le_bytes());
    bytes[block + 84..block + 88].copy_from_slice(&count.wrapping_add(1).to_le_bytes());
    Ok(())
}

fn try_out(u: &mut Unstructured<'_>, plan: Plan) -> Result<()> {
    let ours: Vec<&Seed> = seeds().iter().filter(|seed| seed.described).collect();
    let seed = ours[usize::from(u.arbitrary::<u8>()?) % ours.len()];
    let sections: bool = u.arbitrary()?;
    let mut bytes = seed.bytes.clone();
    let block = seed.superblock(&bytes).expect("it is a file of ours");
    for _ in 0..MOST {
        if u.is_empty() {
            break;
        }
        match u.arbitrary::<u8>()? % 8 {
            0 => superblock_field(u, seed, &mut bytes)?,
            1 | 2 => section_field(u, seed, &mut bytes)?,
            3 => {
                let at = usize::from(u.arbitrary::<u16>()?) % SUPERBLOCK;
                overlay(u, &mut bytes, block + at)?;
            }
            4 => grow(u, seed, block, &mut bytes)?,
            5 | 6 => add_section(u, seed, block, &mut bytes)?,
            _ => {
                // Between the superblock and the end, trees among it.
                let room = bytes.len() - block - SUPERBLOCK;
                let at = usize::from(u.arbitrary::<u16>()?) % room.max(1);
                overlay(u, &mut bytes, block + SUPERBLOCK + at)?;
            }
        }
    }
    let all = Seal {
        superblock: true,
        sections,
    };
    seal(seed, &mut bytes, all);
    look_at(seed, plan, &Opener::new(plan, &bytes));
    Ok(())
}

fn look_at(seed: &Seed, plan: Plan, opener: &Opener<'_>) {
    let mut as_seed = Index::with_options(seed.options).unwrap();
    let loaded = opener.load(&mut as_seed).map(|()| as_seed);
    let opened = plan.opens().then(|| opener.open());
    for opened in [Some(loaded), opened].into_iter().flatten() {
        match opened {
            Ok(mut index) => {
                let query = query(index.options());
                let answers = ask(&index, &query);
                if plan.verifies() {
                    verify(&index, &query, &answers);
                }
                if plan.saves() {
                    save(&index, &query, &answers);
                    // One more section, perhaps.
                    index.set_metadata(b"new").unwrap();
                    save(&index, &query, &ask(&index, &query));
                }
                if plan.thaws() {
                    thaw(index, &query);
                }
            }
            Err(error) => assert!(matches!(error, Error::Format { .. }), "{error:?}"),
        }
    }
    if plan.probes() {
        match opener.probe() {
            Ok(kinds) => assert!(!kinds.is_empty()),
            Err(error) => assert!(matches!(error, Error::Format { .. }), "{error:?}"),
        }
    }
}
