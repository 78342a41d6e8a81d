//! Finds the trees in the bytes of an index.
//!
//! Annoy's files say nothing of themselves. The last node is a copy of a root, a root's count of
//! descendants is the number of items, and the copies of all roots stand at the end. The rest has
//! to hold together: that is how a file of another metric, f or layout is told, as far as it can
//! be.

use super::peek::{Misfit, Peek};
use super::trees::Node;
use crate::error::reserve;
use crate::memory;
use crate::metric::Plausible;

/// The most trees an index may have.
pub const MAX_TREES: usize = 1 << 16;

/// Where the trees of an index start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Number of items, missing ones included.
    pub n_items: usize,
    /// Number of all nodes.
    pub n_nodes: usize,
    /// Number of trees; their roots are the last nodes.
    pub n_trees: usize,
    /// Node ids of all trees.
    pub trees: std::ops::Range<usize>,
}

/// Bytes of items at the front and of roots at the end that are looked at: loading stays O(1) in
/// the size of the file.
const LOOKED_AT: usize = 4096;

/// The most roots before the copies that are looked for among these: as many as threads built.
const LAST_BUILT: usize = 64;

/// Nodes from the top of one tree that are looked at with their children.
const TOP_LOOKED_AT: usize = 3;

impl Roots {
    /// Of an index without trees.
    pub fn none(n_items: usize) -> Self {
        Roots {
            n_items,
            n_nodes: n_items,
            n_trees: 0,
            trees: n_items..n_items,
        }
    }

    /// Node ids of the roots.
    pub fn ids(&self) -> std::ops::Range<usize> {
        self.n_nodes - self.n_trees..self.n_nodes
    }

    /// Reads them off the end of the file.
    ///
    /// # Errors
    /// What does not hold together, or why it cannot be read.
    pub fn find(space: &dyn Plausible, mut nodes: Peek<'_>) -> Result<Self, Misfit> {
        let nodes = &mut nodes;
        let n_nodes = nodes.count();
        let Some(last) = n_nodes.checked_sub(1) else {
            return Err(format!("it holds no nodes").into());
        };
        let n_items = nodes.n_descendants(last)?;
        let n_items = usize::try_from(n_items)
            .ok()
            .filter(|&n| n + 2 <= n_nodes)
            .ok_or_else(|| {
                format!(
                    "its last node counts {n_items} items, expected 0 to {} in a file of {n_nodes} nodes",
                    n_nodes as i128 - 2
                )
            })?;
        let too_many =
            || format!("it ends in more than {MAX_TREES} trees, as a file of zeros does");
        let may_be_one_node = n_items <= nodes.layout().max_leaf;
        // Then all behind the items are roots.
        if may_be_one_node && n_nodes - n_items > 2 * MAX_TREES {
            return Err(too_many().into());
        }
        // Before the roots are counted, of which there may be many: it takes little to find that
        // these are no items.
        let n_present = Self::check_items(space, nodes, n_items)?;
        let mut equal = 0;
        // Twice the most, as trees of one node stand there beside their copies; one more tells that
        // it is exceeded.
        for i in (n_items..n_nodes).rev().take(2 * MAX_TREES + 2) {
            if nodes.n_descendants(i)? != n_items as i64 {
                break;
            }
            equal += 1;
        }
        if equal > 2 * MAX_TREES {
            return Err(too_many().into());
        }
        if !may_be_one_node && (0..=1).contains(&nodes.n_descendants(n_items)?) {
            // The last node is a split, and counts those below it.
            return Err(format!(
                "its last node counts {n_items} items, but node {n_items} is one too, as in a file that was cut short"
            )
            .into());
        }
        let half = equal / 2;
        let mut twice = equal % 2 == 0;
        for i in n_nodes - equal..n_nodes - half {
            twice = twice && Self::are_equal(nodes, i, i + half)?;
        }
        let n_trees = if may_be_one_node {
            // Every tree is one node, so the trees and their copies look alike.
            if equal != n_nodes - n_items || !twice {
                return Err(format!(
                    "its {n_items} items are followed by {} nodes of which the last \
                     {equal} are roots, expected each root twice",
                    n_nodes - n_items
                )
                .into());
            }
            half
        } else {
            // A root that stands before the copies is one of those copied, one for each thread of
            // Annoy's that came to its end at once; with so few items present that every tree is
            // one node, all roots stand there.
            let mut copied = 0;
            while !twice && copied < half.min(LAST_BUILT) {
                let root = n_nodes - equal + copied;
                let mut found = false;
                // Mostly it is the last of the copies.
                for i in (root + 1..n_nodes).rev() {
                    found = found || Self::are_equal(nodes, root, i)?;
                }
                if !found {
                    break;
                }
                copied += 1;
            }
            if twice {
                half
            } else {
                equal - copied
            }
        };
        if n_trees > MAX_TREES {
            return Err(too_many().into());
        }
        if n_trees == n_nodes - n_items {
            return Err(format!(
                "its {n_items} items are followed by {n_trees} roots, of which none stands before the copies"
            )
            .into());
        }
        let roots = Roots {
            n_items,
            n_nodes,
            n_trees,
            trees: n_items..n_nodes - n_trees,
        };
        roots.check_trees(space, nodes, n_present < 2)?;
        Ok(roots)
    }

    fn are_equal(nodes: &mut Peek<'_>, i: usize, j: usize) -> Result<bool, Misfit> {
        let head = memory::copy(nodes.head(i)?)?;
        if nodes.head(j)? != head {
            return Ok(false);
        }
        let bytes = memory::copy(nodes.get(i)?.bytes())?;
        Ok(nodes.get(j)?.bytes() == bytes)
    }

    /// Nodes that are looked at at either end.
    fn looked_at(nodes: &Peek<'_>) -> usize {
        (LOOKED_AT / nodes.layout().node_size).max(1)
    }

    /// Looks at the first items; how many of those are present.
    fn check_items(
        space: &dyn Plausible,
        nodes: &mut Peek<'_>,
        n_items: usize,
    ) -> Result<usize, Misfit> {
        let mut present = 0;
        for id in 0..n_items.min(Self::looked_at(nodes)) {
            let item = nodes.get(id)?;
            match item.n_descendants() {
                0 => {}
                1 => {
                    present += 1;
                    space
                        .check_item(item)
                        .map_err(|reason| format!("node {id}: {reason}"))?;
                }
                n => return Err(format!("node {id} is no item: it counts {n} descendants").into()),
            }
        }
        Ok(present)
    }

    /// Looks at the last roots, and at the top of the last tree.
    fn check_trees(
        &self,
        space: &dyn Plausible,
        nodes: &mut Peek<'_>,
        may_be_one: bool,
    ) -> Result<(), Misfit> {
        for root in self.ids().rev().take(Self::looked_at(nodes)) {
            let last = root + 1 == self.n_nodes;
            let look_at = if last { TOP_LOOKED_AT } else { 1 };
            self.check_tree(space, nodes, root, look_at, may_be_one)?;
        }
        Ok(())
    }

    /// Looks at the top of a tree: ids in bounds, counts that add up, planes that can be. Only
    /// where there may be but one item present can a root have it as both children.
    fn check_tree(
        &self,
        space: &dyn Plausible,
        nodes: &mut Peek<'_>,
        root: usize,
        look_at: usize,
        may_be_one: bool,
    ) -> Result<(), Misfit> {
        let mut open = memory::collect([root])?;
        for _ in 0..look_at {
            let Some(id) = open.pop() else { break };
            let is_root = id == root;
            let node = nodes.get(id)?;
            let n = node.n_descendants();
            match self.decode(id, node)? {
                Node::Item | Node::Missing => {}
                Node::Leaf(leaf) => {
                    for place in 0..leaf.len() {
                        leaf.item(place)?;
                    }
                }
                Node::Split(split) => {
                    space
                        .check_split(node)
                        .map_err(|reason| format!("node {id}: {reason}"))?;
                    let children = [split.child(0)?, split.child(1)?];
                    if look_at == 1 {
                        break;
                    }
                    let below = [
                        nodes.n_descendants(children[0])?,
                        nodes.n_descendants(children[1])?,
                    ];
                    let sum = below[0].saturating_add(below[1]);
                    // A root counts the missing items too.
                    let adds_up = if is_root { sum <= n } else { sum == n };
                    let one_item_twice = may_be_one && is_root && children[0] == children[1];
                    let twice = children[0] == children[1] && !one_item_twice;
                    if !adds_up && !one_item_twice || twice || below[0] < 0 || below[1] < 0 {
                        return Err(format!(
                            "node {id} counts {n} descendants, its children {} and {}",
                            below[0], below[1]
                        )
                        .into());
                    }
                    reserve(&mut open, children.len())?;
                    open.extend(children);
                }
            }
        }
        Ok(())
    }
}
