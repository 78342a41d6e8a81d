//! The trees made small: which way to go at each split, told by a query's code. A walk starts in
//! the leaves that they lead to, and whole planes are several times as many bytes to wait for.

use crate::error::{reserve, Error, Result};
use crate::kernel::{CodeKernel, CodeRows};

/// Trees that are gone down. More of them find items of more clusters to start from.
pub const TREES: usize = 10;

/// At the end of a row: the largest sum of products that goes left, where that leads, and where
/// right does.
pub const TAIL: usize = 12;

/// Set where a row leads to a node of the forest, a leaf or an item; else it is another row,
/// farther on.
pub const LEAF: u32 = 1 << 31;

/// Bytes of a row, for codes of `f` numbers.
pub fn row_bytes(f: usize) -> usize {
    CodeRows::stride(f + TAIL)
}

/// Routes in memory.
#[derive(Default)]
pub struct RouteBytes {
    /// Where each tree begins.
    pub starts: Vec<u32>,
    /// The planes, as signed bytes, each with its tail; those of upper levels first.
    pub rows: Vec<u8>,
}

impl RouteBytes {
    /// Gives other numbers to nodes of the forest; none for what keeps its own.
    pub fn renumber(&mut self, f: usize, number: impl Fn(usize) -> Option<usize>) {
        for start in &mut self.starts {
            let mut bytes = start.to_le_bytes();
            renumber(&mut bytes, &number);
            *start = u32::from_le_bytes(bytes);
        }
        renumber_rows(&mut self.rows, f, &number);
    }
}

fn renumber(to: &mut [u8; 4], number: &impl Fn(usize) -> Option<usize>) {
    let id = u32::from_le_bytes(*to);
    if let (true, Some(other)) = (id & LEAF != 0, number((id & !LEAF) as usize)) {
        *to = (LEAF | other as u32).to_le_bytes();
    }
}

fn renumber_rows(rows: &mut [u8], f: usize, number: &impl Fn(usize) -> Option<usize>) {
    for row in rows.chunks_exact_mut(row_bytes(f)) {
        let end = row.len();
        for to in row[end - TAIL + 4..].as_chunks_mut().0 {
            renumber(to, number);
        }
    }
}

/// As [`RouteBytes::renumber`], of routes that lie in a section.
pub fn renumber_all(
    starts: &mut [u8],
    rows: &mut [u8],
    f: usize,
    number: impl Fn(usize) -> Option<usize>,
) {
    for start in starts.as_chunks_mut().0 {
        renumber(start, &number);
    }
    renumber_rows(rows, f, &number);
}

/// Routes wherever they lie.
#[derive(Clone, Copy)]
pub struct Routes<'a> {
    pub starts: &'a [u8],
    pub rows: CodeRows<'a>,
    pub kernel: CodeKernel,
}

/// A field of a row's tail.
#[inline]
fn field(row: &[u8], from_end: usize) -> [u8; 4] {
    let mut field = [0; 4];
    let start = row.len() - from_end;
    field.copy_from_slice(&row[start..start + 4]);
    field
}

/// The state of going down; a thread keeps its memory.
#[derive(Default)]
pub struct RouteScratch {
    code: Vec<u8>,
    open: Vec<u32>,
    products: Vec<u32>,
}

impl Routes<'_> {
    /// Whether they are these.
    pub fn are(&self, others: &RouteBytes) -> bool {
        let starts = others.starts.iter().flat_map(|start| start.to_le_bytes());
        self.starts.iter().copied().eq(starts) && self.rows.bytes() == others.rows
    }

    /// Adds to `found` the node of the forest, a leaf or an item, that each tree leads a query with
    /// this code to. They are there, and that is all that is known of them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a row names what cannot be; [`Error::NoMemory`].
    pub fn follow(
        &self,
        code: &[u8],
        n_nodes: usize,
        room: &mut RouteScratch,
        found: &mut Vec<usize>,
    ) -> Result<()> {
        let RouteScratch {
            code: padded,
            open,
            products,
        } = room;
        let size = self.rows.row_bytes();
        padded.clear();
        reserve(padded, size)?;
        padded.extend_from_slice(code);
        padded.resize(size, 0);
        let (starts, _) = self.starts.as_chunks::<4>();
        open.clear();
        reserve(open, starts.len())?;
        reserve(found, starts.len())?;
        for &start in starts {
            open.extend(self.lead(None, u32::from_le_bytes(start), n_nodes, found)?);
        }
        while !open.is_empty() {
            products.clear();
            reserve(products, open.len())?;
            products.resize(open.len(), 0);
            self.kernel.distances(padded, &self.rows, open, products);
            let mut kept = 0;
            for (i, &product) in products.iter().enumerate() {
                let row = self.rows.row(open[i] as usize);
                let is_right = product as i32 > i32::from_le_bytes(field(row, TAIL));
                let to = u32::from_le_bytes(field(row, if is_right { 4 } else { 8 }));
                if let Some(next) = self.lead(Some(open[i]), to, n_nodes, found)? {
                    open[kept] = next;
                    kept += 1;
                }
            }
            open.truncate(kept);
        }
        Ok(())
    }

    /// Where to go on from, after the row `from`, or nothing when that was found. Always farther
    /// on, so that it ends.
    #[inline]
    fn lead(
        &self,
        from: Option<u32>,
        to: u32,
        n_nodes: usize,
        found: &mut Vec<usize>,
    ) -> Result<Option<u32>> {
        let id = (to & !LEAF) as usize;
        if to & LEAF != 0 && id < n_nodes {
            found.push(id);
            return Ok(None);
        }
        let is_farther = from.is_none_or(|from| from < to);
        if to & LEAF != 0 || id >= self.rows.count() || !is_farther {
            let reason = format!("a way in the graph leads to {to:#x}, where nothing can be");
            return Err(Error::corrupt(id, reason));
        }
        self.rows.prefetch(id);
        Ok(Some(to))
    }
}
