//! The planes of the trees, quantized: see [`Routes`](crate::graph::format::routes::Routes).

use crate::error::{reserve, Result};
use crate::forest::roots::Roots;
use crate::forest::trees::{Node, Trees};
use crate::graph::format::routes::{row_bytes, RouteBytes, LEAF, TAIL, TREES};
use crate::graph::quantize::scale::Scale;
use crate::graph::quantize::vectors::Source;
use crate::kernel::Measure;
use crate::memory;

/// Largest number in a plane.
const TOP: f64 = 127.0;

/// Nothing of bits, of trees that are single leaves, and where nodes have higher numbers than rows
/// can name: there the forest itself is asked. Never names a root, which is found at other places
/// in memory and in files.
///
/// # Errors
/// [`Error::Corrupt`] when a node names another that cannot be, or a tree runs in a circle;
/// [`Error::NoMemory`].
pub fn build(source: &Source<'_>, roots: &Roots, scale: &Scale) -> Result<RouteBytes> {
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
