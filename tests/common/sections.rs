//! Sections of files of ours, to be damaged.

use super::{section, SIGNATURE, SUPERBLOCK};
use std::hash::Hasher;
use std::ops::Range;

/// Where the section of a kind is.
pub fn place(bytes: &[u8], kind: u32) -> Range<usize> {
    let start = section(bytes, kind).unwrap().as_ptr() as usize - bytes.as_ptr() as usize;
    start..start + section(bytes, kind).unwrap().len()
}

/// Where its entry in the superblock is.
pub fn entry(bytes: &[u8], kind: u32) -> usize {
    let at = bytes.windows(8).position(|w| w == SIGNATURE).unwrap();
    let mut entries = (0..16).map(|i| at + 128 + 32 * i);
    entries
        .find(|&entry| bytes[entry..entry + 4] == kind.to_le_bytes())
        .unwrap()
}

/// Makes the checksums of a section and of the superblock right.
pub fn reseal(bytes: &mut [u8], kind: u32) {
    let sum = twox_hash::XxHash3_64::oneshot(section(bytes, kind).unwrap());
    let at = bytes.windows(8).position(|w| w == SIGNATURE).unwrap();
    let entry = entry(bytes, kind);
    bytes[entry + 24..][..8].copy_from_slice(&sum.to_le_bytes());
    let mut hasher = twox_hash::XxHash3_64::default();
    hasher.write(&bytes[at..at + 16]);
    hasher.write(&bytes[at + 24..at + SUPERBLOCK]);
    bytes[at + 16..at + 24].copy_from_slice(&hasher.finish().to_le_bytes());
}
