//! Codes and neighbours as they stand in a file, and in memory: found where they lie, without reading more. FORMAT.md has the
//! tables.
//!
//! Nothing that is read is trusted: rows are checked to be there when they are read, ids when they are used.

use super::codes::{Codes, Scale, EXTRA};
use super::{Plan, View};
use crate::error::{Error, Result};
use crate::kernel::{CodeKernel, CodeRows, Isa, Measure};
use crate::layout::NodeLayout;
use crate::storage::HeapBytes;
use crate::types::{Metric, Options};
use std::ops::Range;

/// Bytes of either header. Rows start at multiples of it.
const HEADER: usize = 64;

/// Bytes of a neighbour's id.
const ID: usize = 4;

/// The most neighbours an item may have.
pub const MAX_DEGREE: usize = 255;

/// What the headers say.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    n_items: usize,
    /// Bytes from one code to the next.
    pub stride: usize,
    pub scale: Scale,
    /// Whether codes have an extra coordinate.
    has_extras: bool,
    /// Places for neighbours of an item; 0 where there are codes only.
    pub degree: usize,
    /// See [`Plan::alpha`].
    pub alpha: f64,
}

/// Where the parts of the codes are, in bytes from the section's start.
struct Parts {
    offsets: Range<usize>,
    rows: Range<usize>,
    extras: Range<usize>,
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

fn short(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(field(bytes, at)) as usize
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(field(bytes, at))
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// Bytes of a vector's code.
fn code_len(options: &Options) -> usize {
    match options.metric {
        Metric::Hamming => NodeLayout::written(*options).vector_bytes,
        _ => options.f,
    }
}

impl Header {
    /// For codes of `n_items`, the graph not yet there.
    pub fn new(options: &Options, n_items: usize, scale: Scale) -> Self {
        Header {
            n_items,
            stride: CodeRows::stride(code_len(options)),
            scale,
            has_extras: options.metric == Metric::Dot,
            degree: 0,
            alpha: 0.0,
        }
    }

    /// None when they are larger than can be.
    fn parts(&self) -> Option<Parts> {
        let offsets = HEADER..HEADER + 8 * self.scale.offsets.len();
        let start = offsets.end.next_multiple_of(HEADER);
        let rows = start..start.checked_add(self.n_items.checked_mul(self.stride)?)?;
        let extras = if self.has_extras { self.n_items } else { 0 };
        let extras = rows.end..rows.end.checked_add(extras.checked_mul(EXTRA)?)?;
        Some(Parts {
            offsets,
            rows,
            extras,
        })
    }

    /// Bytes of the section of neighbours.
    fn lists_len(&self) -> Option<usize> {
        let places = self.n_items.checked_mul(self.degree)?;
        places.checked_mul(ID)?.checked_add(HEADER)
    }

    /// Room for codes, with the header before them.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn new_codes(&self) -> Result<HeapBytes> {
        let mut bytes = HeapBytes::default();
        let parts = self.parts().ok_or_else(too_large)?;
        bytes.resize(parts.extras.end)?;
        let to = bytes.bytes_mut();
        put(to, 0, &(self.stride as u32).to_le_bytes());
        put(to, 4, &u32::from(self.has_extras).to_le_bytes());
        put(to, 8, &(self.n_items as u64).to_le_bytes());
        put(to, 16, &(self.scale.offsets.len() as u64).to_le_bytes());
        put(to, 24, &self.scale.step.to_le_bytes());
        for (offset, to) in self
            .scale
            .offsets
            .iter()
            .zip(to[parts.offsets].chunks_exact_mut(8))
        {
            to.copy_from_slice(&offset.to_le_bytes());
        }
        Ok(bytes)
    }

    /// Rows of codes and extras in a section with room for them.
    pub fn code_parts<'b>(&self, section: &'b mut [u8]) -> (&'b mut [u8], &'b mut [u8]) {
        let Some(parts) = self.parts() else {
            return (&mut [], &mut []);
        };
        section[parts.rows.start..parts.extras.end].split_at_mut(parts.rows.len())
    }

    /// Room for neighbours, with the header before them.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn new_lists(&mut self, plan: &Plan) -> Result<HeapBytes> {
        self.degree = plan.degree;
        self.alpha = plan.alpha;
        let mut bytes = HeapBytes::default();
        bytes.resize(self.lists_len().ok_or_else(too_large)?)?;
        let to = bytes.bytes_mut();
        put(to, 0, &(ID as u32).to_le_bytes());
        put(to, 4, &(self.degree as u32).to_le_bytes());
        put(to, 8, &(self.n_items as u64).to_le_bytes());
        put(to, 16, &self.alpha.to_le_bytes());
        Ok(bytes)
    }

    /// The row of each item in a section with room for them.
    pub fn rows_mut<'b>(&self, section: &'b mut [u8]) -> impl Iterator<Item = &'b mut [u8]> {
        section[HEADER..].chunks_exact_mut(ID * self.degree)
    }

    /// Reads the headers of two sections of an index; the second is missing when there are codes only.
    ///
    /// # Errors
    /// Words that say what does not hold together.
    pub fn read(
        codes: &[u8],
        lists: Option<&[u8]>,
        options: &Options,
        n_items: usize,
    ) -> Result<Self, String> {
        if codes.len() < HEADER {
            return Err(format!(
                "its codes section has {} bytes, expected {HEADER} at least",
                codes.len()
            ));
        }
        let n_offsets = match options.metric {
            Metric::Hamming => 0,
            _ => options.f,
        };
        let mut header = Header::new(options, n_items, Scale::default());
        header.scale.step = f64::from_le_bytes(field(codes, 24));
        // Their number is known: what the header says of them is compared with it below.
        header.scale.offsets = vec![0.0; n_offsets];
        let parts = header.parts();
        let found = [
            short(codes, 0) as u64,
            short(codes, 4) as u64,
            long(codes, 8),
            long(codes, 16),
            codes.len() as u64,
        ];
        let expected = [
            header.stride as u64,
            u64::from(header.has_extras),
            n_items as u64,
            n_offsets as u64,
            parts.as_ref().map_or(0, |parts| parts.extras.end as u64),
        ];
        let parts = parts.filter(|_| found == expected).ok_or_else(|| {
            format!("its codes section has stride, extras, items, offsets and bytes {found:?}, expected {expected:?}")
        })?;
        for (i, offset) in header.scale.offsets.iter_mut().enumerate() {
            *offset = f64::from_le_bytes(field(&codes[parts.offsets.clone()], 8 * i));
        }
        let step = header.scale.step;
        let numbers_are_sound = header.scale.offsets.iter().all(|x| x.is_finite())
            && (n_offsets == 0 || (step.is_finite() && step > 0.0));
        if !numbers_are_sound {
            return Err(format!(
                "the scale of its codes is wrong: a step of {step}, or an offset that is no number"
            ));
        }
        let Some(lists) = lists else {
            return Ok(header);
        };
        if lists.len() < HEADER {
            return Err(format!(
                "its graph section has {} bytes, expected {HEADER} at least",
                lists.len()
            ));
        }
        header.degree = short(lists, 4);
        header.alpha = f64::from_le_bytes(field(lists, 16));
        let sound = short(lists, 0) == ID
            && (1..=MAX_DEGREE).contains(&header.degree)
            && long(lists, 8) == n_items as u64
            && header.lists_len() == Some(lists.len());
        if !sound {
            return Err(format!(
                "its graph section does not hold together: ids of {} bytes, {} neighbours of {} items in {} bytes, expected {ID}, 1 to {MAX_DEGREE} and {n_items}",
                short(lists, 0),
                header.degree,
                long(lists, 8),
                lists.len()
            ));
        }
        Ok(header)
    }

    /// For searching in the sections that this header was read from.
    pub fn view<'a>(
        &'a self,
        codes: &'a [u8],
        lists: &'a [u8],
        isa: Isa,
        measure: Measure,
    ) -> View<'a> {
        let parts = self.parts().unwrap_or(Parts {
            offsets: 0..0,
            rows: 0..0,
            extras: 0..0,
        });
        View {
            codes: Codes {
                rows: CodeRows::new(&codes[parts.rows], self.stride),
                extras: &codes[parts.extras],
                kernel: CodeKernel::new(isa, measure),
            },
            scale: &self.scale,
            degree: self.degree,
            neighbors: lists.get(HEADER..).unwrap_or(&[]),
        }
    }
}

fn too_large() -> Error {
    Error::no_memory(usize::MAX, "more than can be addressed")
}
