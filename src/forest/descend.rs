//! Down several trees to the leaf on the query's side, all at the same time, so that memory answers for one while
//! another is looked at.

use super::roots::Roots;
use crate::error::{reserve, Error, Result};
use crate::kernel::prefetch;
use crate::layout::Nodes;
use crate::query::scorer::Scorer;

/// Trees that are gone down: between these, as many as have planes of so many bytes on one level. More of them find
/// items of more clusters to start from; where rows are long, each way down takes as long as looking at many codes.
const TREES: [usize; 2] = [4, 32];
const PLANE_BYTES: usize = 16 << 10;

/// Fills `found` with about `n` items from the leaves that the query falls into, as many from each tree; an item may be
/// there several times. `open` is room.
///
/// # Errors
/// [`Error::Corrupt`] when a node names another that cannot be, or a tree runs in a circle; [`Error::NoMemory`].
pub fn items_near(
    scorer: &dyn Scorer,
    roots: &Roots,
    n: usize,
    open: &mut Vec<usize>,
    found: &mut Vec<usize>,
) -> Result<()> {
    let nodes = scorer.nodes();
    let max_leaf = nodes.layout().max_leaf as i64;
    let affordable = PLANE_BYTES / nodes.layout().vector_bytes.max(1);
    let n_trees = roots.n_trees.min(affordable.clamp(TREES[0], TREES[1]));
    let from_each = n.div_ceil(n_trees.max(1));
    open.clear();
    reserve(open, n_trees)?;
    open.extend(roots.ids().take(n_trees));
    let mut visits_left = nodes.count();
    while !open.is_empty() {
        let mut kept = 0;
        for i in 0..open.len() {
            let id = open[i];
            let node = nodes.get(id);
            let below = node.n_descendants();
            if id < roots.n_items {
                take(nodes, roots, id, 1, found)?;
                continue;
            }
            if id < roots.trees.start || below < 0 || visits_left == 0 {
                let reason = "a split names it, but it is no node of a tree that ends";
                return Err(Error::corrupt(id, reason));
            }
            visits_left -= 1;
            if below <= max_leaf {
                take(nodes, roots, id, from_each, found)?;
                continue;
            }
            let [left, right] = scorer
                .descend(node, scorer.root_priority())
                .ok_or_else(|| Error::corrupt(id, "its split names a bit that is not there"))?;
            let child =
                nodes.checked(id, node.child(usize::from(right > left)), roots.trees.end)?;
            prefetch(nodes.get(child).bytes());
            open[kept] = child;
            kept += 1;
        }
        open.truncate(kept);
    }
    Ok(())
}

/// Adds to `found` about `n` items of a leaf, or the item itself where a split names one: those that are there.
///
/// # Errors
/// [`Error::Corrupt`] when it is neither; [`Error::NoMemory`].
pub fn take(
    nodes: &Nodes<'_>,
    roots: &Roots,
    id: usize,
    n: usize,
    found: &mut Vec<usize>,
) -> Result<()> {
    let node = nodes.get(id);
    let below = node.n_descendants();
    if id < roots.n_items {
        if below == 1 {
            reserve(found, 1)?;
            found.push(id);
        }
        return Ok(());
    }
    if id < roots.trees.start || !(0..=nodes.layout().max_leaf as i64).contains(&below) {
        return Err(Error::corrupt(id, "it is no leaf, as it should be"));
    }
    let taken = n.min(below as usize);
    reserve(found, taken)?;
    for i in 0..taken {
        let place = i * below as usize / taken;
        let item = nodes.checked(id, node.child(place), roots.n_items)?;
        // Only roots name missing items, and looking costs as much as looking at its code.
        if below as usize != roots.n_items || nodes.get(item).n_descendants() == 1 {
            found.push(item);
        }
    }
    Ok(())
}
