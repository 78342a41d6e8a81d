//! Lists of items that are read in a row: near items are in one list, and each is a code of 4 bits
//! for a few numbers. A search reads the lists whose centroids are nearest, and measures what is
//! nearest by codes. In data where a walk of the graph has to meet thousands of items, reading many
//! times as many takes less time.
//!
//! Each of these rests on those before it:
//!
//! - [`format`](mod@format): how the lists lie in a file and in memory.
//! - [`search`]: choosing lists, reading them, measuring.
//! - [`build`]: k-means, codebooks, and a trial by searches.
//! - [`check`]: whether lists in a file are what they should be.
//!
//! Sources: Jegou et al. 2011, "Product quantization for nearest neighbor search"; Guo et al. 2020,
//! "Accelerating large-scale inference with anisotropic vector quantization" (ScaNN); Andre et al.
//! 2017, "Accelerated nearest neighbor search with Quick ADC".

pub mod build;
pub mod check;
pub mod format;
pub mod search;

use crate::error::Result;
use crate::storage::HeapBytes;
use crate::types::Options;
use format::{ScanBytes, ScanHeader};

/// The lists in memory: the section of a file, and what its header says.
pub struct Scan {
    header: ScanHeader,
    bytes: HeapBytes,
}

impl Scan {
    pub fn stored(&self) -> ScanBytes<'_> {
        ScanBytes {
            header: &self.header,
            bytes: self.bytes.bytes(),
        }
    }
}

impl ScanBytes<'_> {
    /// In memory.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory); [`Error::Corrupt`](crate::Error::Corrupt) for
    /// bytes that have changed since they were read.
    pub fn copy(&self, options: &Options, n_items: usize) -> Result<Scan> {
        let bytes = HeapBytes::copy_of(self.bytes)?;
        Ok(Scan {
            header: ScanHeader::read(bytes.bytes(), options, n_items)?,
            bytes,
        })
    }
}
