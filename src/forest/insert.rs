//! Puts one item into all trees, where they lie.
//!
//! ```text
//! in each tree: the item goes down by the planes
//! to a leaf with room: the leaf names it
//! to a full leaf: its items and the new one become a subtree as a build grows; its root takes the
//!   leaf's place, its other nodes come behind all nodes
//! to an item: a leaf of the two comes behind all nodes
//! ```
//!
//! Nodes are then no longer in a file's [order](super::order).

use super::roots::Roots;
use super::tree::{Grower, Growth, Task};
use super::trees::{Node, NodeFault, Trees, Unsound};
use crate::error::{Error, Result};
use crate::kernel::prefetch;
use crate::layout::{NodeLayout, NodeMut, Nodes, Points};
use crate::memory;
use crate::metric::Space;
use crate::rng::Key;
use crate::storage::{HeapBytes, Journal};

/// Trees that items are put into, and what they were.
pub struct Grown<'a> {
    pub layout: &'a NodeLayout,
    pub store: &'a mut HeapBytes,
    pub roots: &'a mut Roots,
    /// The root of each tree, of which [`Roots::ids`] are copies.
    pub own_roots: &'a [usize],
    pub seed: u64,
    /// Of what was there when the first item came.
    pub journal: &'a mut Journal,
    /// Room for the items of a leaf that becomes a subtree.
    pub copies: &'a mut HeapBytes,
}

/// Splits on a way down, which there is room for from the start.
const DEPTH: usize = 32;

/// Where an item comes to in a tree.
struct Way {
    /// The splits on the way, and the side of each; the first is the copy of the root.
    splits: Vec<(usize, usize)>,
    /// A leaf, or an item.
    end: usize,
    key: Key,
}

impl Grown<'_> {
    /// Puts an item in, which is there and prepared. There are more items than a leaf holds.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NoMemory`], [`Error::Argument`] for too many nodes. The trees
    /// may then be changed.
    pub fn insert<S: Space>(&mut self, space: &S, item: usize) -> Result<()> {
        let ways = self.ways(space, item, self.roots.n_trees)?;
        let mut items = memory::with_room(self.layout.max_leaf + 1)?;
        for (tree, way) in ways.into_iter().enumerate() {
            for &(split, _) in &way.splits[1..] {
                self.change_count(split, |n| n + 1)?;
            }
            if way.end < self.roots.n_items {
                let id = self.append(1)?;
                let leaf = [way.end.min(item), way.end.max(item)];
                self.change(id, |node| set_leaf(node, &leaf))?;
                self.link(tree, &way, id)?;
                continue;
            }
            self.items_of(way.end, &mut items)?;
            let at = items.partition_point(|&other| other < item);
            memory::push(&mut items, item)?;
            items[at..].rotate_right(1);
            match items.len() <= self.layout.max_leaf {
                true => self.lengthen(way.end, &items, at)?,
                false => self.split(space, way.end, &items, way.key)?,
            }
        }
        Ok(())
    }

    /// Writes the number of items into all roots, and the last copy beside them.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn count_items(&mut self) -> Result<()> {
        let n_items = self.roots.n_items;
        let copies = self.roots.ids();
        for (&own, copy) in self.own_roots.iter().zip(copies.clone()) {
            for id in [own, copy] {
                self.change_count(id, |_| n_items)?;
            }
        }
        if !copies.is_empty() {
            let size = self.layout.node_size;
            let last = (copies.end - 1) * size..copies.end * size;
            self.store
                .bytes_mut()
                .copy_within(last, (copies.start - 1) * size);
        }
        Ok(())
    }

    /// Where an item that is there comes to in the first tree: items with the same or near places
    /// are best put in one after the other, while what is around them is in the cache.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn place<S: Space>(&self, space: &S, item: usize) -> Result<usize> {
        let ways = self.ways(space, item, 1)?;
        Ok(ways.first().map_or(0, |way| way.end))
    }

    /// The ways down the first `n` trees, all at the same time, so that memory answers for one
    /// while another is looked at.
    fn ways<S: Space>(&self, space: &S, item: usize, n: usize) -> Result<Vec<Way>> {
        let nodes = Nodes::new(self.store.bytes(), self.layout);
        let trees = Trees::new(&nodes, self.roots);
        let query = space.query(nodes.get(item).row());
        let mut visits = trees.visits();
        let roots = self.roots.ids().take(n);
        let mut ways = memory::try_collect(roots.enumerate().map(|(tree, root)| {
            Ok(Way {
                splits: memory::with_room(DEPTH)?,
                end: root,
                key: Key::root(self.seed, tree as u64),
            })
        }))?;
        let mut open = memory::collect(0..ways.len())?;
        while !open.is_empty() {
            let mut kept = 0;
            for i in 0..open.len() {
                let way = &mut ways[open[i]];
                match trees.visit(way.end, &mut visits)? {
                    Node::Item | Node::Leaf(_) if !way.splits.is_empty() => continue,
                    Node::Split(split) => {
                        let [left, right] = split.sides(space, &query)?;
                        // Where the plane says nothing, a coin does.
                        let side = usize::from(match left == right {
                            true => way.key.child(item).stream().flip(),
                            false => right > left,
                        });
                        memory::push(&mut way.splits, (way.end, side))?;
                        way.end = split.child(side)?;
                        way.key = way.key.child(side);
                        prefetch(nodes.get(way.end).bytes());
                    }
                    _ => {
                        let (node, fault) = (way.end, NodeFault::NoTree);
                        return Err(Unsound { node, fault }.into());
                    }
                }
                open[kept] = open[i];
                kept += 1;
            }
            open.truncate(kept);
        }
        Ok(ways)
    }

    fn items_of(&self, leaf: usize, items: &mut Vec<usize>) -> Result<()> {
        items.clear();
        let nodes = Nodes::new(self.store.bytes(), self.layout);
        if let Node::Leaf(leaf) = Trees::new(&nodes, self.roots).node(leaf)? {
            for place in 0..leaf.len() {
                memory::push(items, leaf.item(place)?)?;
            }
        }
        Ok(())
    }

    /// Gives a leaf these items, which it has but for the one at `at`.
    fn lengthen(&mut self, leaf: usize, items: &[usize], at: usize) -> Result<()> {
        self.change_count(leaf, |n| n + 1)?;
        let (layout, start) = (self.layout, leaf * self.layout.node_size);
        let place = layout.child_place(at).start..layout.child_place(items.len() - 1).end;
        let place = start + place.start..start + place.end;
        self.journal.note(self.store.bytes(), place)?;
        let bytes = &mut self.store.bytes_mut()[start..start + layout.node_size];
        let mut node = NodeMut::new(bytes, layout);
        for (place, &id) in items.iter().enumerate().skip(at) {
            node.set_child(place, id);
        }
        Ok(())
    }

    /// Makes a leaf the root of a subtree of these items.
    fn split<S: Space>(&mut self, space: &S, leaf: usize, items: &[usize], key: Key) -> Result<()> {
        let (layout, size) = (self.layout, self.layout.node_size);
        self.copies.resize(items.len() * size)?;
        let copies = self.copies.bytes_mut();
        for (copy, &id) in copies.chunks_exact_mut(size).zip(items) {
            copy.copy_from_slice(&self.store.bytes()[id * size..][..size]);
        }
        let copies = self.copies.bytes();
        let extras = space.extras(&Nodes::new(copies, layout))?;
        let mut points = Points::in_place(copies, layout, S::split_extra);
        if let Some(extras) = &extras {
            points = points.with_extras(extras);
        }
        let growth = Growth {
            space,
            layout,
            points: &points,
            n_items: self.roots.n_items,
            upper: None,
            pace: None,
        };
        // Before the subtree's root stands what it is a child of; behind it, what is appended.
        let first_id = self.roots.trees.end - 2;
        let mut grower = Grower::new(space, points.len(), first_id)?;
        let (parent, _) = grower.nodes.push(layout)?;
        let ids = memory::collect(items.iter().map(|&id| id as u32))?;
        let mut order = memory::collect(0..items.len() as u32)?;
        let task = Task {
            start: 0,
            len: items.len(),
            key,
            parent: Some((parent, 0)),
            upper: None,
        };
        growth.grow(&mut grower, &mut order, Some(&ids), task)?;
        let grown = grower.nodes.bytes();
        let (root, others) = grown[size..].split_at(size);
        let id = self.append(others.len() / size)?;
        self.change(leaf, |node| node.copy_from(root))?;
        self.store.bytes_mut()[id * size..][..others.len()].copy_from_slice(others);
        Ok(())
    }

    /// Makes a new node the child that a way led to.
    fn link(&mut self, tree: usize, way: &Way, child: usize) -> Result<()> {
        let Some(&(parent, side)) = way.splits.last() else {
            return Ok(());
        };
        match way.splits.len() {
            // The copies have moved.
            1 => {
                for root in [self.own_roots[tree], self.roots.ids().start + tree] {
                    self.change(root, |node| node.set_child(side, child))?;
                }
                Ok(())
            }
            _ => self.change(parent, |node| node.set_child(side, child)),
        }
    }

    /// Makes room for nodes behind those of the trees: the id of the first.
    fn append(&mut self, n: usize) -> Result<usize> {
        let size = self.layout.node_size;
        let most = self.layout.options.id_width.max_count();
        let n_nodes = self.roots.n_nodes + n;
        if n_nodes as u64 > most {
            let expected = format!("{most} at the most");
            return Err(Error::argument("the number of nodes", n_nodes, expected));
        }
        let first = self.roots.trees.end;
        let behind = first * size..self.roots.n_nodes * size;
        self.store.resize(n_nodes * size)?;
        let bytes = self.store.bytes_mut();
        bytes.copy_within(behind, (first + n) * size);
        bytes[first * size..(first + n) * size].fill(0);
        self.roots.trees.end += n;
        self.roots.n_nodes = n_nodes;
        Ok(first)
    }

    /// Changes a node's count of descendants, which stands first in it.
    fn change_count(&mut self, id: usize, change: impl FnOnce(usize) -> usize) -> Result<()> {
        let start = id * self.layout.node_size;
        let count = start..start + self.layout.options.id_width.size();
        self.journal.note(self.store.bytes(), count)?;
        let bytes = &mut self.store.bytes_mut()[start..start + self.layout.node_size];
        let mut node = NodeMut::new(bytes, self.layout);
        let n = node.as_ref().n_descendants() as usize;
        node.set_n_descendants(change(n));
        Ok(())
    }

    /// Writes to a node.
    fn change(&mut self, id: usize, write: impl FnOnce(&mut NodeMut<'_>)) -> Result<()> {
        let size = self.layout.node_size;
        let place = id * size..(id + 1) * size;
        self.journal.note(self.store.bytes(), place.clone())?;
        let bytes = &mut self.store.bytes_mut()[place];
        write(&mut NodeMut::new(bytes, self.layout));
        Ok(())
    }
}

fn set_leaf(node: &mut NodeMut<'_>, items: &[usize]) {
    node.set_n_descendants(items.len());
    for (place, &id) in items.iter().enumerate() {
        node.set_child(place, id);
    }
}
