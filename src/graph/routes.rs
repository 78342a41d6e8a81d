//! The trees made small: which way to go at each split, told by a query's code. A walk starts in the leaves that they
//! lead to, and whole planes are several times as many bytes to wait for.

use super::scale::Scale;
use super::vectors::Source;
use crate::error::{reserve, Error, Result};
use crate::forest::roots::Roots;
use crate::forest::trees::{Node, Trees};
use crate::kernel::{CodeKernel, CodeRows, Measure};
use crate::memory;

/// Trees that are gone down. More of them find items of more clusters to start from.
pub const TREES: usize = 10;

/// At the end of a row: the largest sum of products that goes left, where that leads, and where right does.
const TAIL: usize = 12;

/// Set where a row leads to a node of the forest, a leaf or an item; else it is another row, farther on.
const LEAF: u32 = 1 << 31;

/// Largest number in a plane.
const TOP: f64 = 127.0;

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

/// Routes wherever they lie.
#[derive(Clone, Copy)]
pub struct Routes<'a> {
    pub starts: &'a [u8],
    pub rows: CodeRows<'a>,
    pub kernel: CodeKernel,
}

impl RouteBytes {
    /// Nothing of bits, of trees that are single leaves, and where nodes have higher numbers than rows can name: there
    /// the forest itself is asked. Never names a root, which is found at other places in memory and in files.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a node names another that cannot be, or a tree runs in a circle; [`Error::NoMemory`].
    pub fn build(source: &Source<'_>, roots: &Roots, scale: &Scale) -> Result<Self> {
        let nodes = &source.nodes;
        let mut routes = RouteBytes::default();
        let layout = nodes.layout();
        let (f, max_leaf) = (layout.options.f, layout.max_leaf);
        let is_none = source.space.measure() == Measure::Bits;
        if is_none || roots.n_items <= max_leaf || nodes.count() >= LEAF as usize {
            return Ok(routes);
        }
        let size = row_bytes(f);
        let trees = Trees::new(nodes, roots);
        // The splits, in the order of their rows.
        let mut splits = Vec::new();
        let mut visits = trees.visits();
        let mut name = |id: usize, splits: &mut Vec<_>| -> Result<u32> {
            let Node::Split(split) = trees.visit(id, &mut visits)? else {
                return Ok(LEAF | id as u32);
            };
            reserve(splits, 1)?;
            splits.push(split);
            Ok(splits.len() as u32 - 1)
        };
        reserve(&mut routes.starts, TREES.min(roots.n_trees))?;
        for id in roots.ids().take(TREES) {
            routes.starts.push(name(id, &mut splits)?);
        }
        let mut plane = memory::filled(0.0, f)?;
        let mut next = 0;
        while let Some(&split) = splits.get(next) {
            let node = split.node();
            let mut margin = source.space.plane(node, &mut plane);
            let largest = plane.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            let start = routes.rows.len();
            reserve(&mut routes.rows, size)?;
            routes.rows.resize(start + size, 0);
            let (to, tail) = routes.rows[start..].split_at_mut(size - TAIL);
            for ((x, offset), to) in plane.iter().zip(&scale.offsets).zip(to) {
                margin += x * offset;
                *to = (x / largest * TOP + 0.5).floor() as i8 as u8;
            }
            // Of a plane without direction it is infinite, or no number, which becomes 0.
            let limit = (-margin / (largest / TOP * scale.step)).floor() as i32;
            tail[..4].copy_from_slice(&limit.to_le_bytes());
            for (side, to) in tail[4..].chunks_exact_mut(4).enumerate() {
                let child = split.child(side)?;
                to.copy_from_slice(&name(child, &mut splits)?.to_le_bytes());
            }
            next += 1;
        }
        Ok(routes)
    }
}

/// A field of a row's tail.
#[inline]
fn field(row: &[u8], from_end: usize) -> [u8; 4] {
    let mut field = [0; 4];
    let start = row.len() - from_end;
    field.copy_from_slice(&row[start..start + 4]);
    field
}

/// Room for going down.
#[derive(Default)]
pub struct Room {
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

    /// Adds to `found` the node of the forest, a leaf or an item, that each tree leads a query with this code to. They
    /// are there, and that is all that is known of them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a row names what cannot be; [`Error::NoMemory`].
    pub fn follow(
        &self,
        code: &[u8],
        n_nodes: usize,
        room: &mut Room,
        found: &mut Vec<usize>,
    ) -> Result<()> {
        let Room {
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

    /// Where to go on from, after the row `from`, or nothing when that was found. Always farther on, so that it ends.
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
