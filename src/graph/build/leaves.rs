//! The leaves of the forest: sets of items that are near each other.

use crate::error::{reserve, Result};
use crate::forest::roots::Roots;
use crate::forest::trees::{Node, Trees};
use crate::layout::Nodes;
use crate::memory;
use crate::rng::mix;

/// Sets of items.
#[derive(Default)]
pub struct Leaves {
    ids: Vec<u32>,
    ends: Vec<usize>,
    /// Where the leaves of the first tree end among the ids.
    first_tree: usize,
}

impl Leaves {
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    pub fn ids(&self, leaf: usize) -> &[u32] {
        let start = leaf.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.ids[start..self.ends[leaf]]
    }

    /// All items, near ones near each other: as they stand in the first tree, then those that do
    /// not.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn order(&self, n_items: usize) -> Result<Vec<u32>> {
        let (mut order, mut is_there) = (Vec::new(), Vec::new());
        reserve(&mut order, n_items)?;
        reserve(&mut is_there, n_items)?;
        is_there.resize(n_items, false);
        let first = self.ids[..self.first_tree].iter().copied();
        for id in first.chain(0..n_items as u32) {
            if !std::mem::replace(&mut is_there[id as usize], true) {
                order.push(id);
            }
        }
        Ok(order)
    }

    /// About `n` items from all over the place, in order: one each of as many leaves.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn spread(&self, n: usize) -> Result<Vec<u32>> {
        let n = n.min(self.count());
        let mut items = Vec::new();
        reserve(&mut items, n)?;
        items.extend((0..n).filter_map(|i| {
            let ids = self.ids(i * self.count() / n);
            let place = (mix(i as u64) as usize).checked_rem(ids.len())?;
            Some(ids[place])
        }));
        items.sort_unstable();
        items.dedup();
        Ok(items)
    }

    /// Those of the first `n_trees` trees, of items that take part.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when a node names another that cannot be, or the
    /// trees run in a circle; [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn collect(
        nodes: &Nodes<'_>,
        roots: &Roots,
        n_trees: usize,
        takes_part: &dyn Fn(usize) -> bool,
    ) -> Result<Self> {
        let mut leaves = Leaves::default();
        let trees = Trees::new(nodes, roots);
        let mut visits = trees.visits();
        for root in roots.ids().take(n_trees) {
            let mut open = memory::collect([root])?;
            while let Some(id) = open.pop() {
                match trees.visit(id, &mut visits)? {
                    // A split may name an item itself.
                    Node::Item | Node::Missing => {}
                    Node::Split(split) => {
                        reserve(&mut open, 2)?;
                        open.extend([split.child(0)?, split.child(1)?]);
                    }
                    Node::Leaf(leaf) => {
                        reserve(&mut leaves.ids, leaf.len())?;
                        for place in 0..leaf.len() {
                            let item = leaf.item(place)?;
                            if takes_part(item) {
                                leaves.ids.push(item as u32);
                            }
                        }
                        reserve(&mut leaves.ends, 1)?;
                        leaves.ends.push(leaves.ids.len());
                    }
                }
            }
            if root == roots.ids().start {
                leaves.first_tree = leaves.ids.len();
            }
        }
        Ok(leaves)
    }
}
