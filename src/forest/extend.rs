//! Puts more items into a tree, and takes items out.
//!
//! ```text
//! each new item goes down by the planes to a leaf, or an item that a split names
//! there: a leaf of what stays and what is new, or, of more than K, a subtree as a build grows
//! where as many come as stay, or too few stay: a subtree grown of all of them
//! where no more than K are left below a split: a leaf; where a side is empty: the other side
//! all other nodes are copied, with their counts
//! ```

use super::roots::Roots;
use super::tree::{Growth, Pace, Task, TreeBuilder};
use super::trees::{Node, Unsound};
use crate::error::{reserve, Error, Result};
use crate::layout::Nodes;
use crate::memory;
use crate::metric::{Position, Space};
use crate::removed::Removed;
use crate::rng::Key;
use crate::storage::HeapBytes;

/// A subtree is grown anew where fewer than so many of four stay: its planes were chosen for
/// others, and lead queries to where nothing is.
const LEAST_STAYING: usize = 3;

const CIRCLE: &str = "its tree runs in a circle";

/// The trees of before, what is to be put into them, and what is to be taken out.
pub struct OldTrees<'a> {
    pub roots: &'a Roots,
    /// From the first node of the trees on, the copies of the roots included.
    nodes: Nodes<'a>,
    /// Ids of new items, ascending.
    new: &'a [usize],
    /// Items that do not stay.
    gone: Option<Removed<'a>>,
    /// How many there were, and how many stay.
    n_before: usize,
    n_staying: usize,
    /// How many stay below each node; empty where all do.
    staying: Vec<usize>,
}

impl<'a> OldTrees<'a> {
    /// `nodes` are those from the first node of the trees on, the copies of the roots included.
    /// `n_staying` items are neither among the `new`, which are ascending ids, nor `gone`.
    ///
    /// # Errors
    /// [`Error::Corrupt`]; [`Error::NoMemory`].
    pub fn new(
        roots: &'a Roots,
        nodes: Nodes<'a>,
        new: &'a [usize],
        gone: Option<Removed<'a>>,
        n_staying: usize,
    ) -> Result<Self> {
        let mut old = OldTrees {
            roots,
            nodes,
            new,
            gone,
            n_before: n_staying + gone.map_or(0, |gone| gone.count()),
            n_staying,
            staying: Vec::new(),
        };
        if gone.is_some() && old.are_split() {
            old.count_staying()?;
        }
        Ok(old)
    }

    /// A node, or none for an item.
    fn node(&self, id: usize) -> Result<Option<Node<'a>>, Unsound> {
        match id.checked_sub(self.roots.trees.start) {
            Some(at) => self.roots.decode(id, self.nodes.get(at)).map(Some),
            None => Ok(None),
        }
    }

    fn stays(&self, item: usize) -> bool {
        self.gone.is_none_or(|gone| !gone.has(item))
    }

    /// Items below a node that stay.
    fn count(&self, id: usize) -> usize {
        match id.checked_sub(self.roots.trees.start) {
            Some(at) if self.gone.is_none() => self.nodes.get(at).n_descendants().max(0) as usize,
            Some(at) => self.staying[at],
            None => usize::from(self.stays(id)),
        }
    }

    /// Items below a node that were there.
    fn count_before(&self, id: usize) -> usize {
        match id.checked_sub(self.roots.trees.start) {
            // A root counts missing items too.
            Some(_) if self.roots.ids().contains(&id) => self.n_before,
            Some(at) => self.nodes.get(at).n_descendants().max(0) as usize,
            None => 1,
        }
    }

    /// The most steps of a walk over all trees: a tree of n nodes names n of them and as many items
    /// and one.
    fn most_steps(&self) -> usize {
        2 * self.nodes.count() + 1
    }

    /// Counts the items below each node that stay.
    fn count_staying(&mut self) -> Result<()> {
        self.staying = memory::filled(0, self.nodes.count())?;
        let mut open = Vec::new();
        let mut left_to_visit = 2 * self.most_steps();
        for root in self.roots.ids() {
            memory::push(&mut open, (root, false))?;
            while let Some((id, are_below_counted)) = open.pop() {
                let n = match self.node(id)? {
                    Some(Node::Leaf(leaf)) => {
                        let mut n = 0;
                        for place in 0..leaf.len() {
                            n += usize::from(self.stays(leaf.item(place)?));
                        }
                        n
                    }
                    Some(Node::Split(split)) => {
                        let children = [split.child(0)?, split.child(1)?];
                        if !are_below_counted {
                            left_to_visit = left_to_visit
                                .checked_sub(1)
                                .ok_or_else(|| Error::corrupt(id, CIRCLE))?;
                            reserve(&mut open, 3)?;
                            open.push((id, true));
                            open.extend(children.map(|child| (child, false)));
                            continue;
                        }
                        self.count(children[0])
                            .saturating_add(self.count(children[1]))
                    }
                    Some(Node::Item | Node::Missing) | None => continue,
                };
                self.staying[id - self.roots.trees.start] = n;
            }
        }
        Ok(())
    }

    /// The ids of the items below a node that stay, in the order in which they are come upon.
    fn items<P: Position>(&self, id: usize, found: &mut Vec<P>) -> Result<()> {
        // Each is named once, so more are a circle.
        let most = found.len().saturating_add(self.roots.n_items);
        let mut open = memory::collect([id])?;
        while let Some(id) = open.pop() {
            match self.node(id)? {
                None if !self.stays(id) => {}
                None => memory::push(found, P::new(id))?,
                Some(Node::Leaf(leaf)) => {
                    reserve(found, leaf.len())?;
                    for place in 0..leaf.len() {
                        let item = leaf.item(place)?;
                        found.extend(self.stays(item).then(|| P::new(item)));
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
    pub fn are_split(&self) -> bool {
        self.n_staying >= 2 && self.roots.n_items > self.nodes.layout().max_leaf
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
    /// The tree that was number `number`, of trees that [are split](OldTrees::are_split), with the
    /// new items and without those that are gone.
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
        let mut left_to_visit = old.most_steps();
        while let Some(step) = open.pop() {
            left_to_visit = left_to_visit
                .checked_sub(1)
                .ok_or_else(|| Error::corrupt(step.old, CIRCLE))?;
            let is_root = step.parent.is_none();
            let n_staying = match is_root {
                true => old.n_staying,
                false => old.count(step.old),
            };
            let node = old.node(step.old)?;
            if let (None, 0) = (&node, step.len) {
                self.grower.link(layout, step.parent, step.old);
                continue;
            }
            let new = &mut order[step.start..][..step.len];
            let most_stay = 4 * n_staying >= LEAST_STAYING * old.count_before(step.old);
            // A root that is a leaf would have to name all items.
            let is_split = is_root || n_staying + step.len > layout.max_leaf;
            let is_kept = step.len < n_staying && most_stay && is_split;
            let sides = match node {
                Some(Node::Split(split)) if is_kept => {
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
                    let side = |side: usize| -> Result<_> {
                        let child = split.child(side)?;
                        let new = if side == 0 { left } else { step.len - left };
                        Ok((child, new, old.count(child) + new))
                    };
                    Some((split, [side(0)?, side(1)?]))
                }
                _ => None,
            };
            let child = |side: usize, (old, len, _): (usize, usize, usize), parent| Step {
                old,
                start: step.start + if side == 0 { 0 } else { step.len - len },
                len,
                key: step.key.child(side),
                parent,
            };
            let (split, sides) = match sides {
                Some((split, sides)) if sides.iter().all(|(_, _, n)| *n > 0) => (split, sides),
                Some((_, sides)) if !is_root => {
                    let side = usize::from(sides[0].2 == 0);
                    memory::push(&mut open, child(side, sides[side], step.parent))?;
                    continue;
                }
                _ => {
                    together.clear();
                    old.items(step.old, &mut together)?;
                    reserve(&mut together, step.len)?;
                    together.extend_from_slice(&order[step.start..][..step.len]);
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
            let (id, mut node) = self.grower.nodes.push(layout)?;
            node.copy_from(split.node().bytes());
            node.set_n_descendants(match is_root {
                true => self.n_items,
                false => n_staying + step.len,
            });
            self.grower.link(layout, step.parent, id);
            // The last one pushed comes next: the larger.
            let smaller = usize::from(sides[0].2 > sides[1].2);
            reserve(&mut open, 2)?;
            for side in [smaller, 1 - smaller] {
                open.push(child(side, sides[side], Some((id, side))));
            }
        }
        Ok(self.finish())
    }
}
