//! Walks all trees: counts what there is, and finds what does not hold together.

use super::roots::Roots;
use super::trees::{Node, NodeFault, Split, Trees, Unsound};
use crate::error::{reserve, Error, Result};
use crate::fault::{self, Kind};
use crate::layout::Nodes;
use crate::memory;
use crate::metric::Plausible;
use crate::work::Meter;
use std::collections::HashSet;
use std::fmt::Display;

/// Something wrong in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The node; none where it is about a section or the file as a whole.
    pub node: Option<usize>,
    /// What is wrong, what was found and what was expected.
    pub text: String,
}

/// Faults: the first ones, and the number of all.
#[derive(Debug, Default)]
pub struct Faults {
    /// The first ones.
    pub first: Vec<Fault>,
    /// How many there are.
    pub count: usize,
    most: usize,
}

impl Faults {
    /// No faults; the first `most` will be kept.
    pub fn keeping(most: usize) -> Self {
        Faults {
            most,
            ..Faults::default()
        }
    }

    /// Takes note of one.
    pub fn add(&mut self, node: Option<usize>, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < self.most {
            self.keep(node, text());
        }
    }

    fn keep(&mut self, node: Option<usize>, text: String) {
        // Without room for it, it is counted all the same.
        if reserve(&mut self.first, 1).is_ok() {
            self.first.push(Fault { node, text });
        }
    }
}

/// What the trees look like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// Items that are not missing.
    pub n_present: usize,
    /// Splits of all trees.
    pub n_splits: usize,
    /// Splits by coin tosses, where no plane was found.
    pub n_coin_splits: usize,
    /// Leaves of all trees; a single item below a split is none.
    pub n_leaves: usize,
    /// Items in all leaves.
    pub n_in_leaves: usize,
    /// Nodes from a root to the farthest item, without the item.
    pub depth: usize,
    /// Items below all splits, and those of them on the larger sides.
    pub n_below: u64,
    /// See `n_below`.
    pub n_on_larger_side: u64,
}

/// Bytes of nodes between two looks at the meter.
const STEP_BYTES: usize = 1 << 20;

/// Looks at every item and every node of every tree, which `meter` counts.
///
/// Takes 4 bytes of memory for each item and a bit for each node.
///
/// # Errors
/// [`Error::NoMemory`], [`Error::Cancelled`]. Faults are not errors.
pub fn inspect(
    space: &dyn Plausible,
    nodes: &Nodes<'_>,
    roots: &Roots,
    meter: &Meter<'_>,
    faults: &mut Faults,
) -> Result<Shape> {
    let mut shape = Shape::default();
    let step = (STEP_BYTES / nodes.layout().node_size).max(1);
    for id in 0..roots.n_items {
        if id % step == step - 1 {
            meter.advance(step as u64)?;
        }
        let item = nodes.get(id);
        match item.n_descendants() {
            0 => continue,
            1 => shape.n_present += 1,
            n => {
                faults.add(Some(id), || {
                    format!("it is no item: it counts {n} descendants")
                });
                continue;
            }
        }
        if !space.is_finite(item) {
            faults.add(Some(id), || {
                format!("its vector has values that are not finite")
            });
        } else if let Err(text) = space.check_item(item) {
            faults.add(Some(id), || text);
        }
    }
    let mut walk = Walk {
        space,
        nodes,
        roots,
        reached: Vec::new(),
        seen: Vec::new(),
        meter,
        step,
        n_looked_at: 0,
        faults,
        shape,
    };
    let words = roots.trees.len().div_ceil(64);
    reserve(&mut walk.reached, words)?;
    walk.reached.resize(words, 0u64);
    reserve(&mut walk.seen, roots.n_items)?;
    walk.seen.resize(roots.n_items, 0u32);
    for (tree, root) in roots.ids().enumerate() {
        walk.tree(root, tree as u32 + 1)?;
    }
    walk.look_for_others()?;
    Ok(walk.shape)
}

struct Walk<'a, 'm> {
    space: &'a dyn Plausible,
    nodes: &'a Nodes<'a>,
    roots: &'a Roots,
    /// One bit for each node of the trees: some split names it.
    reached: Vec<u64>,
    /// The last tree, counted from 1, in which an item was found.
    seen: Vec<u32>,
    meter: &'a Meter<'m>,
    /// Nodes between two looks at the meter.
    step: usize,
    n_looked_at: usize,
    faults: &'a mut Faults,
    shape: Shape,
}

impl Walk<'_, '_> {
    fn tree(&mut self, root: usize, tree: u32) -> Result<()> {
        let mut found = 0;
        let mut open = memory::collect([(root, 1)])?;
        while let Some((id, depth)) = open.pop() {
            self.n_looked_at += 1;
            if self.n_looked_at.is_multiple_of(self.step) {
                self.meter.advance(self.step as u64)?;
            }
            self.shape.depth = self.shape.depth.max(depth);
            let n = self.nodes.get(id).n_descendants();
            let is_root = id == root;
            if is_root && n != self.roots.n_items as i64 {
                let expected = self.roots.n_items;
                self.faults.add(Some(id), || {
                    format!("the root counts {n} descendants, expected {expected}")
                });
            }
            match Trees::new(self.nodes, self.roots).node(id) {
                Err(unsound) => self.faults.add(Some(id), || format!("{}", unsound.fault)),
                Ok(Node::Split(split)) => {
                    found += self.split(id, split, is_root, tree, depth, &mut open)?;
                }
                Ok(Node::Leaf(leaf)) if leaf.len() >= 2 || is_root => {
                    // A root's leaf counts the missing items too, and names those present first.
                    let n = match is_root {
                        true => self.shape.n_present.min(leaf.len()),
                        false => leaf.len(),
                    };
                    self.shape.n_leaves += 1;
                    self.shape.n_in_leaves += n;
                    for place in 0..n {
                        found += self.item(id, leaf.item(place), tree);
                    }
                }
                Ok(_) => self.faults.add(Some(id), || {
                    format!("it counts {n} descendants, expected 2 or more")
                }),
            }
        }
        let expected = self.shape.n_present;
        if found != expected {
            self.faults.add(Some(root), || {
                format!("the tree of this root holds {found} items, expected {expected}")
            });
        }
        Ok(())
    }

    /// Looks at a split, opens its children, and returns how many items it has as children.
    fn split(
        &mut self,
        id: usize,
        split: Split<'_>,
        is_root: bool,
        tree: u32,
        depth: usize,
        open: &mut Vec<(usize, usize)>,
    ) -> Result<usize> {
        let node = split.node();
        self.shape.n_splits += 1;
        if !self.space.is_finite(node) {
            self.faults.add(Some(id), || {
                format!("its normal has values that are not finite")
            });
        } else if let Err(text) = self.space.check_split(node) {
            self.faults.add(Some(id), || text);
        } else if node.row::<u8>().iter().all(|byte| byte == 0) && node.layout().has_planes() {
            self.shape.n_coin_splits += 1;
        }
        let children = [split.child(0), split.child(1)];
        // The only item present is a root's first child. (And its second in our files; Annoy leaves
        // that open.)
        if is_root && self.shape.n_present == 1 {
            return Ok(self.item(id, children[0], tree));
        }
        let n_items = self.roots.n_items;
        // Where all are missing there is none to name.
        let names_item = |child: &Result<usize, Unsound>| child.is_ok_and(|child| child < n_items);
        if is_root && self.shape.n_present == 0 && children.iter().all(names_item) {
            return Ok(0);
        }
        let (mut found, mut below) = (0, [0u64; 2]);
        for (side, named) in children.into_iter().enumerate() {
            let child = match named {
                Ok(child) if child < n_items => {
                    below[side] = 1;
                    found += self.item(id, named, tree);
                    continue;
                }
                Ok(child) if self.roots.trees.contains(&child) => child,
                _ => {
                    let (expected, child) = (&self.roots.trees, node.child(side));
                    self.faults.add(Some(id), || {
                        format!("child {side} is {child}, expected an item or {expected:?}")
                    });
                    continue;
                }
            };
            below[side] = self.nodes.get(child).n_descendants().max(0) as u64;
            let bit = child - self.roots.trees.start;
            let (word, mask) = (&mut self.reached[bit / 64], 1 << (bit % 64));
            if *word & mask != 0 {
                self.faults.add(Some(id), || {
                    format!("child {side} is {child}, which is another node's child already")
                });
                continue;
            }
            *word |= mask;
            reserve(open, 1)?;
            open.push((child, depth + 1));
        }
        let sum = below[0].saturating_add(below[1]);
        let n = if is_root {
            self.shape.n_present as u64
        } else {
            node.n_descendants() as u64
        };
        if sum != n {
            self.faults.add(Some(id), || {
                format!(
                    "its children count {} and {} descendants, expected {n} in all",
                    below[0], below[1]
                )
            });
        }
        self.shape.n_below = self.shape.n_below.saturating_add(sum);
        let larger = below[0].max(below[1]);
        self.shape.n_on_larger_side = self.shape.n_on_larger_side.saturating_add(larger);
        Ok(found)
    }

    /// Looks at an item that a node names; 1 if it is there, for the first time in its tree.
    fn item(&mut self, from: usize, id: Result<usize, Unsound>, tree: u32) -> usize {
        let id = id.and_then(|id| match id < self.roots.n_items {
            true => Ok(id),
            false => Err(Unsound {
                node: from,
                fault: NodeFault::NamesItem(id as i64, self.roots.n_items),
            }),
        });
        let item = match id {
            Ok(item) => item,
            Err(unsound) => {
                self.faults.add(Some(from), || format!("{}", unsound.fault));
                return 0;
            }
        };
        if self.nodes.get(item).n_descendants() != 1 {
            self.faults.add(Some(from), || {
                format!("it names item {item}, which is missing")
            });
            return 0;
        }
        if std::mem::replace(&mut self.seen[item], tree) == tree {
            self.faults.add(Some(from), || {
                format!("it names item {item}, which the tree has elsewhere already")
            });
            return 0;
        }
        1
    }

    /// Nodes that no split names have to be the roots, of which there are copies at the end.
    fn look_for_others(&mut self) -> Result<()> {
        let mut copies: HashSet<&[u8]> = HashSet::new();
        let ids = self.roots.ids();
        let no_memory =
            |reason: &dyn Display| Error::no_memory(ids.len() * size_of::<&[u8]>(), reason);
        fault::check(Kind::Memory).map_err(|reason| no_memory(&reason))?;
        copies
            .try_reserve(ids.len())
            .map_err(|reason| no_memory(&reason))?;
        copies.extend(ids.map(|root| self.nodes.get(root).bytes()));
        for (i, id) in self.roots.trees.clone().enumerate() {
            let reached = self.reached[i / 64] >> (i % 64) & 1 == 1;
            if !reached && !copies.contains(self.nodes.get(id).bytes()) {
                self.faults.add(Some(id), || {
                    format!("it is a root that has no copy, or part of no tree")
                });
            }
        }
        Ok(())
    }
}
