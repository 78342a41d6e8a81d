//! Puts more items into a tree.
//!
//! ```text
//! each new item goes down by the planes to a leaf, or an item that a split names
//! there: a leaf of what was there and what is new, or, of more than K, a subtree as a build grows
//! where as many come as there were: a subtree grown of all of them
//! all other nodes are copied, with their counts
//! ```

use super::roots::Roots;
use super::tree::{Growth, Pace, Task, TreeBuilder};
use super::trees::{Node, Unsound};
use crate::error::{reserve, Error, Result};
use crate::layout::Nodes;
use crate::memory;
use crate::metric::{Position, Space};
use crate::rng::Key;
use crate::storage::HeapBytes;

const CIRCLE: &str = "its tree runs in a circle";

/// The trees of before, and what is to be put into them.
#[derive(Clone, Copy)]
pub struct OldTrees<'a> {
    pub roots: &'a Roots,
    /// From the first node of the trees on, the copies of the roots included.
    pub nodes: Nodes<'a>,
    /// Items that were there.
    pub n_present: usize,
    /// Ids of those that were not, ascending.
    pub new: &'a [usize],
}

impl<'a> OldTrees<'a> {
    /// A node, or none for an item.
    fn node(&self, id: usize) -> Result<Option<Node<'a>>, Unsound> {
        match id.checked_sub(self.roots.trees.start) {
            Some(at) => self.roots.decode(id, self.nodes.get(at)).map(Some),
            None => Ok(None),
        }
    }

    /// Items below a node.
    fn count(&self, id: usize) -> usize {
        match id.checked_sub(self.roots.trees.start) {
            Some(at) => self.nodes.get(at).n_descendants().max(0) as usize,
            None => 1,
        }
    }

    /// The ids of the items below a node, in the order in which they are come upon.
    fn items<P: Position>(&self, id: usize, found: &mut Vec<P>) -> Result<()> {
        // Each is named once, so more are a circle.
        let most = found.len().saturating_add(self.roots.n_items);
        let mut open = memory::collect([id])?;
        while let Some(id) = open.pop() {
            match self.node(id)? {
                None => memory::push(found, P::new(id))?,
                Some(Node::Leaf(leaf)) => {
                    reserve(found, leaf.len())?;
                    for place in 0..leaf.len() {
                        found.push(P::new(leaf.item(place)?));
                    }
                }
                Some(Node::Split(split)) => {
                    reserve(&mut open, 2)?;
                    open.push(split.child(1)?);
                    open.push(split.child(0)?);
                }
                Some(Node::Item | Node::Missing) => {}
            }
            if found.len() > most || open.len() > most {
                return Err(Error::corrupt(id, CIRCLE));
            }
        }
        Ok(())
    }

    /// Whether the trees have planes that more items can go down by.
    pub fn is_split(&self) -> bool {
        self.n_present >= 2 && self.roots.n_items > self.nodes.layout().max_leaf
    }
}

/// A node of before, and the new items that come to it.
struct Step {
    old: usize,
    start: usize,
    len: usize,
    key: Key,
    parent: Option<(usize, usize)>,
}

impl<S: Space, P: Position> TreeBuilder<'_, S, P> {
    /// The tree that was number `number` and [is split](OldTrees::is_split), with the new items.
    pub(super) fn extend_tree(
        &mut self,
        old: &OldTrees<'_>,
        number: usize,
        key: Key,
        pace: &Pace<'_>,
    ) -> Result<&mut HeapBytes> {
        self.start()?;
        let layout = self.layout;
        let space = &self.spaces[number % self.spaces.len()];
        let growth = Growth {
            space,
            layout,
            points: self.points,
            n_items: self.n_items,
            upper: None,
            pace: Some(pace),
        };
        let root = old.roots.ids().start + number;
        let mut order: Vec<P> = memory::collect(old.new.iter().map(|&id| P::new(id)))?;
        let (mut right, mut moved): (Vec<bool>, Vec<P>) = (Vec::new(), Vec::new());
        let mut together: Vec<P> = Vec::new();
        let mut open = memory::collect([Step {
            old: root,
            start: 0,
            len: order.len(),
            key,
            parent: None,
        }])?;
        // A tree of n nodes names n of them and as many items and one.
        let mut left_to_visit = 2 * old.nodes.count() + 1;
        while let Some(step) = open.pop() {
            left_to_visit = left_to_visit
                .checked_sub(1)
                .ok_or_else(|| Error::corrupt(step.old, CIRCLE))?;
            let new = &mut order[step.start..][..step.len];
            let node = old.node(step.old)?;
            let is_root = step.parent.is_none();
            let n_before = if is_root {
                old.n_present
            } else {
                old.count(step.old)
            };
            let split = match node {
                Some(Node::Split(split)) if step.len < n_before => split,
                None if step.len == 0 => {
                    self.grower.link(layout, step.parent, step.old);
                    continue;
                }
                _ => {
                    together.clear();
                    old.items(step.old, &mut together)?;
                    reserve(&mut together, new.len())?;
                    together.extend_from_slice(new);
                    together.sort_unstable_by_key(|position| position.get());
                    let task = Task {
                        start: 0,
                        len: together.len(),
                        key: step.key,
                        parent: step.parent,
                        upper: None,
                    };
                    growth.grow(&mut self.grower, &mut together, None, task)?;
                    continue;
                }
            };
            right.clear();
            reserve(&mut right, new.len())?;
            for position in &*new {
                let query = space.query(self.points.row(position.get()));
                let [left, other] = split.sides(space, &query)?;
                // Where the plane says nothing, a coin does.
                right.push(match left == other {
                    true => step.key.child(position.get()).stream().flip(),
                    false => other > left,
                });
            }
            let left = super::tree::partition(new, &right, &mut moved)?;
            let (id, mut node) = self.grower.nodes.push(layout)?;
            node.copy_from(split.node().bytes());
            let n = if is_root {
                self.n_items
            } else {
                n_before + step.len
            };
            node.set_n_descendants(n);
            self.grower.link(layout, step.parent, id);
            let mut below = [(0, 0); 2];
            for (side, below) in below.iter_mut().enumerate() {
                let child = split.child(side)?;
                let new = if side == 0 { left } else { step.len - left };
                *below = (child, old.count(child) + new);
            }
            let child = |side: usize| Step {
                old: below[side].0,
                start: step.start + if side == 0 { 0 } else { left },
                len: if side == 0 { left } else { step.len - left },
                key: step.key.child(side),
                parent: Some((id, side)),
            };
            // The last one pushed comes next: the larger.
            let smaller = usize::from(below[0].1 > below[1].1);
            reserve(&mut open, 2)?;
            open.push(child(smaller));
            open.push(child(1 - smaller));
        }
        Ok(self.finish())
    }
}
