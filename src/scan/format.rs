//! The lists as they stand in a file, and in memory: found where they lie, without reading more.
//! FORMAT.md has the table.
//!
//! Nothing that is read is trusted: lists are checked to be there when they are read, ids when they
//! are used.

use crate::error::{Error, Result};
use crate::forest::peek::Misfit;
use crate::graph::quantize::scale::Scale;
use crate::graph::quantize::Coder;
use crate::kernel::{
    block_bytes, prefetch, BlockKernel, CodeKernel, CodeRows, Isa, BLOCK, ENTRIES, MAX_CODE,
    MAX_TABLES,
};
use crate::memory;
use crate::storage::HeapBytes;
use crate::types::{Metric, Options};
use crate::wire;
use std::ops::Range;

/// Numbers that share a code of 4 bits: of vectors up to so long two, of longer ones more.
const PAIRS: usize = 192;
const LONGER: usize = 4;

/// Bytes of the next list that memory is asked for.
const PREFETCHED: usize = 4096;

/// The most candidates that are re-ranked for each result.
const MAX_RERANKED: u32 = 1 << 16;

/// The most lists.
pub const MAX_LISTS: usize = 1 << 16;

/// Parts start at multiples of this.
const ALIGNED: usize = 64;

/// What the header says.
#[derive(Debug, PartialEq)]
pub struct ScanHeader {
    pub n_items: usize,
    /// Bytes from one centroid to the next.
    pub stride: usize,
    pub scale: Scale,
    /// Numbers that share a code, and how many of those an item has.
    pub group: usize,
    pub n_groups: usize,
    pub n_lists: usize,
    /// Items that are in a list.
    pub n_listed: usize,
    /// Blocks of all lists.
    pub n_blocks: usize,
    /// Whether each item has a number that is added to its distances: with products none has.
    pub has_biases: bool,
    /// Biases are so many bits shorter than what they stand for.
    pub bias_shift: u32,
    /// Candidates that a search re-ranks for each result, and more for a large `search_k`.
    pub n_reranked: u32,
    /// What a search for ten looks at by default.
    pub search_k: u64,
    /// The share of the nearest that such searches found when they were tried.
    pub recall: f64,
}

/// Where the parts are, in bytes from the section's start.
#[derive(Default)]
pub struct Ranges {
    pub offsets: Range<usize>,
    pub centroids: Range<usize>,
    pub lists: Range<usize>,
    pub adds: Range<usize>,
    pub least_biases: Range<usize>,
    pub books: Range<usize>,
    pub ids: Range<usize>,
    pub blocks: Range<usize>,
}

/// The lists wherever they lie.
#[derive(Clone, Copy)]
pub struct ScanBytes<'a> {
    pub header: &'a ScanHeader,
    pub bytes: &'a [u8],
}

/// Lists to be searched.
#[derive(Clone, Copy)]
pub struct ScanView<'a> {
    pub header: &'a ScanHeader,
    pub coder: Coder<'a>,
    /// Codes as those of [`Coder`].
    pub centroids: CodeRows<'a>,
    /// For products of codes.
    pub products: CodeKernel,
    pub kernel: BlockKernel,
    lists: &'a [u8],
    /// For each list what is added to -8 times the product of its centroid and a query, both codes:
    /// then it is their distance, but for what is the same for all lists.
    pub adds: &'a [[u8; 8]],
    /// The least of what stands for the biases of each list's items, over the least of all; none
    /// where there are none.
    pub least_biases: &'a [[u8; 8]],
    /// For each group and number of it, what the 16 codes stand for.
    pub books: &'a [[u8; 2]],
    ids: &'a [[u8; 4]],
    blocks: &'a [u8],
}

/// One list.
pub struct List<'a> {
    pub ids: &'a [[u8; 4]],
    /// One for each 64 items.
    pub blocks: &'a [u8],
}

impl ScanHeader {
    /// Of no lists yet.
    pub fn new(options: &Options, n_items: usize, scale: Scale) -> Self {
        let group = match options.f {
            0..=PAIRS => 2,
            f => f.div_ceil(MAX_TABLES).max(LONGER),
        };
        ScanHeader {
            n_items,
            stride: CodeRows::stride(options.f),
            scale,
            group,
            n_groups: options.f.div_ceil(group).next_multiple_of(2),
            n_lists: 0,
            n_listed: 0,
            n_blocks: 0,
            has_biases: options.metric != Metric::Dot,
            bias_shift: 0,
            n_reranked: 1,
            search_k: 0,
            recall: 0.0,
        }
    }

    /// Bytes of a block of 64 items.
    pub fn block_bytes(&self) -> usize {
        block_bytes(self.n_groups, self.has_biases)
    }

    /// Numbers of a codebook for one group.
    pub fn book_len(&self) -> usize {
        self.group * ENTRIES
    }

    /// None when they are larger than can be.
    pub fn ranges(&self) -> Option<Ranges> {
        let mut end = wire::Scan::SIZE;
        let mut next = |n: usize, size: usize| {
            let start = end.checked_next_multiple_of(ALIGNED)?;
            end = start.checked_add(n.checked_mul(size)?)?;
            Some(start..end)
        };
        Some(Ranges {
            offsets: next(self.scale.offsets.len(), 8)?,
            centroids: next(self.n_lists, self.stride)?,
            lists: next(self.n_lists.checked_add(1)?, wire::ScanList::SIZE)?,
            adds: next(self.n_lists, 8)?,
            least_biases: next(if self.has_biases { self.n_lists } else { 0 }, 8)?,
            books: next(self.n_groups, 2 * self.book_len())?,
            ids: next(self.n_listed, 4)?,
            blocks: next(self.n_blocks, self.block_bytes())?,
        })
    }

    /// Room for the section.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn room(&self) -> Result<HeapBytes> {
        let mut bytes = HeapBytes::default();
        let end = self.ranges().map(|ranges| ranges.blocks.end);
        bytes.resize(
            end.ok_or_else(|| Error::no_memory(usize::MAX, "more than can be addressed"))?,
        )?;
        Ok(bytes)
    }

    /// Writes the header, and the scale behind it, to a section.
    pub fn write(&self, to: &mut [u8]) {
        let fields = wire::Scan {
            stride: self.stride as u32,
            n_groups: self.n_groups as u32,
            n_items: self.n_items as u64,
            group: self.group as u32,
            n_lists: self.n_lists as u32,
            n_listed: self.n_listed as u64,
            n_blocks: self.n_blocks as u64,
            step: self.scale.step,
            search_k: self.search_k,
            recall: self.recall,
            bias_shift: self.bias_shift,
            n_reranked: self.n_reranked,
        };
        fields.write(to);
        let places = self.ranges().unwrap_or_default().offsets;
        for (offset, to) in self
            .scale
            .offsets
            .iter()
            .zip(to[places].chunks_exact_mut(8))
        {
            to.copy_from_slice(&offset.to_le_bytes());
        }
    }

    /// Reads the header of a section, which may say anything.
    ///
    /// # Errors
    /// What does not hold together; [`Error::NoMemory`].
    pub fn read(bytes: &[u8], options: &Options, n_items: usize) -> Result<Self, Misfit> {
        if bytes.len() < wire::Scan::SIZE {
            return Err(format!(
                "its scan section has {} bytes, expected {} at least",
                bytes.len(),
                wire::Scan::SIZE
            )
            .into());
        }
        if matches!(options.metric, Metric::Manhattan | Metric::Hamming) {
            return Err(format!("it has a scan section, which {} has not", options.metric).into());
        }
        let fields = wire::Scan::read(bytes);
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let scale = Scale {
            offsets: memory::filled(0.0, options.f)?,
            step: fields.step,
        };
        let mut header = ScanHeader {
            n_lists: fields.n_lists as usize,
            n_listed: count(fields.n_listed),
            n_blocks: count(fields.n_blocks),
            bias_shift: fields.bias_shift,
            n_reranked: fields.n_reranked,
            search_k: fields.search_k,
            recall: fields.recall,
            ..ScanHeader::new(options, n_items, scale)
        };
        let found = [
            u64::from(fields.stride),
            u64::from(fields.n_groups),
            u64::from(fields.group),
            fields.n_items,
            bytes.len() as u64,
        ];
        let ranges = header.ranges();
        let expected = [
            header.stride as u64,
            header.n_groups as u64,
            header.group as u64,
            n_items as u64,
            ranges.as_ref().map_or(0, |ranges| ranges.blocks.end as u64),
        ];
        let ranges = ranges.filter(|_| found == expected).ok_or_else(|| {
            format!(
                "its scan section has stride, groups, numbers of a group, items and bytes {found:?}, \
                 expected {expected:?}"
            )
        })?;
        let (offsets, _) = bytes[ranges.offsets].as_chunks::<8>();
        for (to, &bytes) in header.scale.offsets.iter_mut().zip(offsets) {
            *to = f64::from_le_bytes(bytes);
        }
        let scale = &header.scale;
        let is_scale = scale.step.is_finite()
            && scale.step > 0.0
            && scale.offsets.iter().all(|offset| offset.is_finite());
        let is_sound = is_scale
            && (1..=MAX_LISTS).contains(&header.n_lists)
            && header.n_listed <= n_items
            && header.bias_shift <= 30
            && (1..=MAX_RERANKED).contains(&header.n_reranked)
            && header.search_k > 0
            && (0.0..=1.0).contains(&header.recall);
        if !is_sound {
            return Err(format!(
                "its scan section does not hold together: {} of {n_items} items in {} lists, a scale \
                 of step {}, biases shifted by {}, {} re-ranked for a result, search_k {} and recall {}",
                header.n_listed,
                header.n_lists,
                header.scale.step,
                header.bias_shift,
                header.n_reranked,
                header.search_k,
                header.recall
            )
            .into());
        }
        Ok(header)
    }
}

impl<'a> ScanBytes<'a> {
    /// For searching.
    pub fn view(&self, isa: Isa) -> ScanView<'a> {
        let (header, bytes) = (self.header, self.bytes);
        let ranges = header.ranges().unwrap_or_default();
        ScanView {
            header,
            coder: Coder {
                isa,
                scale: &header.scale,
                projector: None,
            },
            centroids: CodeRows::new(&bytes[ranges.centroids], header.stride),
            products: CodeKernel::products(isa),
            kernel: BlockKernel::new(isa),
            lists: &bytes[ranges.lists],
            adds: bytes[ranges.adds].as_chunks().0,
            least_biases: bytes[ranges.least_biases].as_chunks().0,
            books: bytes[ranges.books].as_chunks().0,
            ids: bytes[ranges.ids].as_chunks().0,
            blocks: &bytes[ranges.blocks],
        }
    }
}

impl<'a> ScanView<'a> {
    /// What stands in the table of lists; panics past the one behind the last.
    #[inline]
    pub fn entry(&self, list: usize) -> wire::ScanList {
        wire::ScanList::read(&self.lists[list * wire::ScanList::SIZE..])
    }

    /// Asks memory for a list, if it is there: it is read from its start, and no reading before
    /// told where that is.
    #[inline]
    pub fn prefetch(&self, list: usize) {
        let Ok(list) = self.list(list) else { return };
        let first = &list.blocks[..list.blocks.len().min(PREFETCHED)];
        first.chunks(1024).for_each(prefetch);
        prefetch(list.ids);
    }

    /// A list; panics past the last.
    ///
    /// # Errors
    /// [`Error::Format`] when it is not where it can be.
    #[inline]
    pub fn list(&self, list: usize) -> Result<List<'a>> {
        let (from, to) = (self.entry(list), self.entry(list + 1));
        let ids = from.items as usize..to.items as usize;
        let blocks = from.blocks as usize..to.blocks as usize;
        let size = self.header.block_bytes();
        let has_blocks = ids.len().div_ceil(BLOCK) == blocks.len();
        match (
            self.ids.get(ids.clone()),
            self.blocks.get(blocks.start * size..blocks.end * size),
        ) {
            (Some(ids), Some(blocks)) if has_blocks => Ok(List { ids, blocks }),
            _ => Err(Error::corrupt(
                list,
                format!("list {list} of the scan has items {ids:?} and blocks {blocks:?}, of {} and {} there are",
                    self.ids.len(), self.header.n_blocks),
            )),
        }
    }
}

/// The largest code, twice, as a number: codes are compared as `2 * code - TOP`.
pub const TOP: i32 = MAX_CODE as i32;
