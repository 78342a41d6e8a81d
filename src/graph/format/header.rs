//! Codes and neighbours as they stand in a file, and in memory: found where they lie, without
//! reading more. FORMAT.md has the tables.
//!
//! Nothing that is read is trusted: rows are checked to be there when they are read, ids when they
//! are used.

use super::routes::{self, RouteBytes, Routes};
use super::view::{GraphBytes, GraphView};
use crate::error::{Error, Result};
use crate::graph::quantize::projection::{Projection, Projector, LEAST_SHORTER};
use crate::graph::quantize::scale::Scale;
use crate::graph::quantize::{Coder, Codes, EXTRA};
use crate::kernel::{CodeKernel, CodeRows, Isa, Measure};
use crate::layout::NodeLayout;
use crate::storage::HeapBytes;
use crate::types::{Metric, Options};
use crate::wire;
use std::ops::Range;

/// Bytes of either header. Rows start at multiples of it.
pub(super) const HEADER: usize = wire::Codes::SIZE;

/// Bytes of a neighbour's id.
pub(super) const ID: usize = 4;

/// The most neighbours an item may have.
pub const MAX_DEGREE: usize = 255;

/// What the headers say.
#[derive(Debug, PartialEq)]
pub struct GraphHeader {
    pub(super) n_items: usize,
    /// Items that there is room for: in memory more may come. In a file as many as there are.
    pub(super) places: usize,
    /// Bytes from one code to the next.
    pub stride: usize,
    pub(super) scale: Scale,
    /// Bytes of a code before it is made short.
    whole_stride: usize,
    pub(super) projection: Option<Projection>,
    /// Whether something is added to the distances of an item: see [`Coder::extra`].
    pub(super) has_extras: bool,
    /// Whether there are no codes, as they do not tell near items apart: walks compare the vectors.
    pub by_vectors: bool,
    /// Places for neighbours of an item; 0 where there are codes only.
    pub degree: usize,
    /// See [`GraphPlan::alpha`](crate::GraphPlan::alpha).
    pub alpha: f64,
    /// Items to start from; 0 where the trees name them.
    pub(super) n_entries: usize,
    /// Items that are as far from everything: no neighbours of any.
    pub(super) n_null: usize,
    /// The share of the nearest that searches found when the graph was tried; none where it was
    /// not.
    pub recall: Option<f64>,
    /// Trees that have routes, and rows of those; 0 where there are none.
    pub(super) n_starts: usize,
    pub(super) n_routes: usize,
    /// Bytes of a row of routes.
    pub(super) route_bytes: usize,
    /// How well items that came since it was built are told apart. Not in a file.
    pub apart: Apart,
    /// Whether the trees have changed since the routes were made. Not so in a file.
    pub has_old_routes: bool,
}

/// Of so many nearest by vectors so many are among the nearest by what is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Apart {
    pub of_ten: usize,
    pub told: usize,
}

/// Where the parts of the codes are, in bytes from the section's start.
#[derive(Default)]
pub(super) struct CodeRanges {
    pub(super) numbers: Range<usize>,
    pub(super) matrix: Range<usize>,
    pub(super) rows: Range<usize>,
    pub(super) extras: Range<usize>,
}

/// Where the parts of the graph are, in bytes from the section's start.
#[derive(Default)]
pub(super) struct GraphRanges {
    pub(super) neighbors: Range<usize>,
    pub(super) entries: Range<usize>,
    pub(super) rows: Range<usize>,
    pub(super) starts: Range<usize>,
    pub(super) routes: Range<usize>,
    pub(super) null: Range<usize>,
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

/// Whether codes of such vectors may be made so long: of those that are not much longer, less is
/// saved than is lost by what is left over.
pub fn can_become(options: &Options, length: usize) -> bool {
    let is_squares = !matches!(options.metric, Metric::Hamming | Metric::Manhattan);
    is_squares && LEAST_SHORTER * CodeRows::stride(length) <= CodeRows::stride(options.f)
}

impl GraphHeader {
    /// For codes of `n_items`, the graph not yet there.
    pub fn new(
        options: &Options,
        n_items: usize,
        scale: Scale,
        projection: Option<Projection>,
    ) -> Self {
        let whole_stride = CodeRows::stride(code_len(options));
        let length = projection.as_ref().map(|p| p.factors.len());
        GraphHeader {
            n_items,
            places: n_items,
            stride: length.map_or(whole_stride, CodeRows::stride),
            scale,
            whole_stride,
            projection,
            has_extras: options.metric == Metric::Dot,
            by_vectors: false,
            degree: 0,
            alpha: 0.0,
            n_entries: 0,
            n_null: 0,
            recall: None,
            n_starts: 0,
            n_routes: 0,
            route_bytes: routes::row_bytes(options.f),
            apart: Apart::default(),
            has_old_routes: false,
        }
    }

    /// For a graph of `n_items` without codes, not yet there.
    pub fn of_vectors(options: &Options, n_items: usize) -> Self {
        GraphHeader {
            has_extras: false,
            by_vectors: true,
            ..GraphHeader::new(options, n_items, Scale::default(), None)
        }
    }

    pub fn n_items(&self) -> usize {
        self.n_items
    }

    pub fn has_routes(&self) -> bool {
        self.n_starts > 0
    }

    /// Items that are named as ones without neighbours.
    pub fn n_null(&self) -> usize {
        self.n_null
    }

    /// Bytes of an item's code; 0 where there are none.
    pub fn code_bytes(&self) -> usize {
        match self.by_vectors {
            true => 0,
            false => self.stride,
        }
    }

    /// Numbers of a code.
    pub fn numbers_of_code(&self) -> usize {
        match self.length() {
            0 => self.scale.offsets.len(),
            length => length,
        }
    }

    /// With the codes, the graph not yet there.
    pub fn stored<'a>(&'a self, codes: &'a HeapBytes) -> GraphBytes<'a> {
        GraphBytes {
            header: self,
            codes: codes.bytes(),
            lists: &[],
        }
    }

    /// That of whole codes.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Whether codes were made short.
    pub fn is_projected(&self) -> bool {
        self.projection.is_some()
    }

    /// Numbers of a code that was made short; 0 for others.
    fn length(&self) -> usize {
        self.projection.as_ref().map_or(0, |p| p.factors.len())
    }

    /// None when they are larger than can be.
    pub(super) fn code_ranges(&self) -> Option<CodeRanges> {
        let numbers = HEADER..HEADER + 8 * (self.scale.offsets.len() + 2 * self.length());
        let start = numbers.end.next_multiple_of(HEADER);
        let matrix = start..start + self.length() * self.whole_stride;
        let n_rows = if self.by_vectors { 0 } else { self.places };
        let rows = n_rows.checked_mul(self.stride)?;
        let rows = matrix.end..matrix.end.checked_add(rows)?;
        let extras = if self.has_extras { self.places } else { 0 };
        let extras = rows.end..rows.end.checked_add(extras.checked_mul(EXTRA)?)?;
        Some(CodeRanges {
            numbers,
            matrix,
            rows,
            extras,
        })
    }

    /// None when they are larger than can be.
    pub(super) fn graph_ranges(&self) -> Option<GraphRanges> {
        self.ranges_with(self.places, [self.n_starts, self.n_routes])
    }

    /// With room for `places` items, and with other routes: as many trees and rows.
    pub(super) fn ranges_with(
        &self,
        places: usize,
        [n_starts, n_routes]: [usize; 2],
    ) -> Option<GraphRanges> {
        let neighbors = places.checked_mul(self.degree)?.checked_mul(ID)?;
        let neighbors = HEADER..neighbors.checked_add(HEADER)?;
        let ids = |start: usize, n: usize| {
            let end = start.checked_add(n.checked_mul(ID)?)?;
            let behind = match n {
                0 => end,
                _ => end.checked_next_multiple_of(HEADER)?,
            };
            Some((start..end, behind))
        };
        let (entries, start) = ids(neighbors.end, self.n_entries)?;
        let rows = start..start.checked_add(self.n_entries.checked_mul(self.stride)?)?;
        let (starts, start) = ids(rows.end, n_starts)?;
        let routes = start..start.checked_add(n_routes.checked_mul(self.route_bytes)?)?;
        let null = routes.end..routes.end.checked_add(self.n_null.checked_mul(ID)?)?;
        Some(GraphRanges {
            neighbors,
            entries,
            rows,
            starts,
            routes,
            null,
        })
    }

    /// The numbers behind the header of the codes, in their order.
    pub(super) fn numbers(&mut self) -> impl Iterator<Item = &mut f64> {
        let offsets = self.scale.offsets.iter_mut();
        let more = self.projection.as_mut().into_iter();
        offsets.chain(more.flat_map(|p| p.factors.iter_mut().chain(&mut p.scale.offsets)))
    }

    /// Room for codes, with what stands before them.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn new_codes(&self, matrix: &[u8]) -> Result<HeapBytes> {
        let mut bytes = HeapBytes::default();
        let parts = self.code_ranges().ok_or_else(too_large)?;
        bytes.resize(parts.extras.end)?;
        let to = bytes.bytes_mut();
        self.code_fields().write(to);
        let more = self.projection.iter();
        let more = more.flat_map(|p| p.factors.iter().chain(&p.scale.offsets));
        let numbers = self.scale.offsets.iter().chain(more);
        for (number, to) in numbers.zip(to[parts.numbers].chunks_exact_mut(8)) {
            to.copy_from_slice(&number.to_le_bytes());
        }
        to[parts.matrix].copy_from_slice(matrix);
        Ok(bytes)
    }

    /// What stands before the codes.
    pub(super) fn code_fields(&self) -> wire::Codes {
        wire::Codes {
            stride: self.code_bytes() as u32,
            extras: u32::from(self.has_extras),
            n_items: self.n_items as u64,
            n_offsets: self.scale.offsets.len() as u64,
            step: self.scale.step,
            n_short: self.length() as u64,
            short_step: self.projection.as_ref().map_or(0.0, |p| p.scale.step),
            by_vectors: u32::from(self.by_vectors),
        }
    }

    /// Rows of codes and extras in a section with room for them.
    pub fn code_parts<'b>(&self, section: &'b mut [u8]) -> (&'b mut [u8], &'b mut [u8]) {
        let parts = self.code_ranges().unwrap_or_default();
        section[parts.rows.start..parts.extras.end].split_at_mut(parts.rows.len())
    }

    /// Room for neighbours, with the header before them, and behind them the items to start from
    /// with their codes, the routes, and the items that have no neighbours.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn new_lists(
        &mut self,
        degree: usize,
        alpha: f64,
        entries: &[u32],
        codes: &Codes<'_>,
        routes: &RouteBytes,
        null: &[u32],
    ) -> Result<HeapBytes> {
        self.degree = degree;
        self.alpha = alpha;
        self.n_entries = entries.len();
        self.n_null = null.len();
        self.n_starts = routes.starts.len();
        self.n_routes = routes.rows.len() / self.route_bytes;
        let mut bytes = HeapBytes::default();
        let lists = self.graph_ranges().ok_or_else(too_large)?;
        bytes.resize(lists.null.end)?;
        let to = bytes.bytes_mut();
        self.fields().write(to);
        for (i, id) in entries.iter().enumerate() {
            put(to, lists.entries.start + i * ID, &id.to_le_bytes());
            put(to, lists.rows.start + i * self.stride, codes.get(*id).row);
        }
        for (i, start) in routes.starts.iter().enumerate() {
            put(to, lists.starts.start + i * ID, &start.to_le_bytes());
        }
        put(to, lists.routes.start, &routes.rows);
        for (i, id) in null.iter().enumerate() {
            put(to, lists.null.start + i * ID, &id.to_le_bytes());
        }
        Ok(bytes)
    }

    /// What stands before the neighbours.
    pub(super) fn fields(&self) -> wire::Graph {
        wire::Graph {
            id_bytes: ID as u32,
            degree: self.degree as u32,
            n_items: self.n_items as u64,
            alpha: self.alpha,
            n_entries: self.n_entries as u64,
            n_routes: self.n_routes as u64,
            n_starts: self.n_starts as u32,
            n_null: self.n_null as u64,
            has_recall: u32::from(self.recall.is_some()),
            recall: self.recall.unwrap_or(0.0),
        }
    }

    /// Says in the section what share was found when the graph was tried.
    pub fn set_recall(&mut self, recall: f64, section: &mut [u8]) {
        self.recall = Some(recall);
        self.fields().write(section);
    }

    /// The row of each item in a section with room for them.
    pub fn rows_mut<'b>(&self, section: &'b mut [u8]) -> impl Iterator<Item = &'b mut [u8]> {
        let lists = self.graph_ranges().unwrap_or_default();
        section[lists.neighbors].chunks_exact_mut(ID * self.degree)
    }

    /// The codes in the section that this header was read from.
    pub fn codes<'a>(&self, codes: &'a [u8], isa: Isa, measure: Measure) -> Codes<'a> {
        let [_, rows, extras] = self.used_codes(codes);
        Codes {
            rows: CodeRows::new(rows, self.stride),
            extras,
            kernel: CodeKernel::new(isa, measure),
        }
    }

    /// What stands before the codes, those of the items there are, and what is added to their
    /// distances.
    pub(super) fn used_codes<'a>(&self, section: &'a [u8]) -> [&'a [u8]; 3] {
        let parts = self.code_ranges().unwrap_or_default();
        let n_rows = if self.by_vectors { 0 } else { self.n_items };
        let n_extras = if self.has_extras { self.n_items } else { 0 };
        [
            &section[..parts.rows.start],
            &section[parts.rows][..n_rows * self.stride],
            &section[parts.extras][..n_extras * EXTRA],
        ]
    }

    /// For searching in the sections that this header was read from.
    pub fn view<'a>(
        &'a self,
        codes: &'a [u8],
        lists: &'a [u8],
        isa: Isa,
        measure: Measure,
    ) -> GraphView<'a> {
        let parts = self.code_ranges().unwrap_or_default();
        let places = self
            .graph_ranges()
            .filter(|_| self.degree > 0)
            .unwrap_or_default();
        let n_bytes = places.neighbors.len().min(self.n_items * self.degree * ID);
        GraphView {
            codes: self.codes(codes, isa, measure),
            coder: self.coder(&codes[parts.matrix], isa),
            measure,
            by_vectors: self.by_vectors,
            recall: self.recall,
            degree: self.degree,
            neighbors: &lists[places.neighbors][..n_bytes],
            entries: &lists[places.entries],
            entry_codes: CodeRows::new(&lists[places.rows], self.stride),
            routes: Routes {
                starts: &lists[places.starts],
                rows: CodeRows::new(&lists[places.routes], self.route_bytes),
                kernel: CodeKernel::products(isa),
            },
            null: &lists[places.null],
        }
    }

    /// What makes codes, with the matrix of the projection, if there is one.
    pub fn coder<'a>(&'a self, matrix: &'a [u8], isa: Isa) -> Coder<'a> {
        let projector = self.projection.as_ref().map(|projection| Projector {
            projection,
            matrix,
            kernel: CodeKernel::products(isa),
        });
        Coder {
            isa,
            scale: &self.scale,
            projector,
        }
    }
}

pub(super) fn too_large() -> Error {
    Error::no_memory(usize::MAX, "more than can be addressed")
}
