//! Down several trees to the leaf on the query's side, all at the same time, so that memory answers
//! for one while another is looked at.

use super::roots::Roots;
use super::trees::{Node, Trees};
use crate::error::{reserve, Result};
use crate::kernel::prefetch;
use crate::query::scorer::Scorer;

/// Trees that are gone down: between these, as many as have planes of so many bytes on one level.
/// More of them find items of more clusters to start from; where rows are long, each way down takes
/// as long as looking at many codes.
const TREES: [usize; 2] = [4, 32];
const PLANE_BYTES: usize = 16 << 10;

/// Fills `found` with about `n` items from the leaves that the query falls into, as many from each
/// tree; an item may be there several times. `open` is room.
///
/// # Errors
/// [`Error::Corrupt`](crate::Error::Corrupt) when a node names another that cannot be, or a tree
/// runs in a circle; [`Error::NoMemory`](crate::Error::NoMemory).
pub fn items_near(
    scorer: &dyn Scorer,
    roots: &Roots,
    n: usize,
    open: &mut Vec<usize>,
    found: &mut Vec<usize>,
) -> Result<()> {
    let nodes = scorer.nodes();
    let affordable = PLANE_BYTES / nodes.layout().vector_bytes.max(1);
    let n_trees = roots.n_trees.min(affordable.clamp(TREES[0], TREES[1]));
    let from_each = n.div_ceil(n_trees.max(1));
    open.clear();
    reserve(open, n_trees)?;
    open.extend(roots.ids().take(n_trees));
    let trees = Trees::new(nodes, roots);
    let mut visits = trees.visits();
    while !open.is_empty() {
        let mut kept = 0;
        for i in 0..open.len() {
            match trees.visit(open[i], &mut visits)? {
                Node::Split(split) => {
                    let [left, right] = split.priorities(scorer, scorer.root_priority())?;
                    let child = split.child(usize::from(right > left))?;
                    prefetch(nodes.get(child).bytes());
                    open[kept] = child;
                    kept += 1;
                }
                end => take_from(&trees, open[i], &end, from_each, found)?,
            }
        }
        open.truncate(kept);
    }
    Ok(())
}

/// Adds to `found` about `n` items of the leaf that the query falls into below a node, or the item
/// itself where a split names one: those that are there. As a rule the node is that leaf; one that
/// was a leaf may have become a split since.
///
/// # Errors
/// As [`items_near`].
pub fn take(
    scorer: &dyn Scorer,
    trees: &Trees<'_>,
    mut id: usize,
    n: usize,
    found: &mut Vec<usize>,
) -> Result<()> {
    let mut visits = trees.visits();
    loop {
        match trees.visit(id, &mut visits)? {
            Node::Split(split) => {
                let [left, right] = split.priorities(scorer, scorer.root_priority())?;
                id = split.child(usize::from(right > left))?;
            }
            end => return take_from(trees, id, &end, n, found),
        }
    }
}

fn take_from(
    trees: &Trees<'_>,
    id: usize,
    node: &Node<'_>,
    n: usize,
    found: &mut Vec<usize>,
) -> Result<()> {
    match node {
        Node::Missing => {}
        Node::Item => {
            reserve(found, 1)?;
            found.push(id);
        }
        Node::Leaf(leaf) => {
            let taken = n.min(leaf.len());
            reserve(found, taken)?;
            for i in 0..taken {
                let item = leaf.item(i * leaf.len() / taken)?;
                // To look at all costs as much as to look at their codes.
                if !leaf.names_all() || trees.is_present(item) {
                    found.push(item);
                }
            }
        }
        // It was gone on from.
        Node::Split(_) => {}
    }
    Ok(())
}
