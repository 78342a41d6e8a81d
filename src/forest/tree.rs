//! Builds one tree.
//!
//! Annoy's algorithm: a set of more than K items is split in two by a plane between two clusters,
//! with up to three attempts at a balanced split, and at random when none is found; K items or
//! fewer make a leaf. No recursion: skewed data makes deep trees.
//!
//! Nodes are made parent first, the larger half first, and turned round at the end. That gives
//! Annoy's order: the smaller half, the larger half, the parent.

use super::extend::OldTrees;
use super::upper::{self, UpperTree};
use crate::error::{reserve, Error, Result};
use crate::kernel::{Matrix, Scalar};
use crate::layout::{Gathered, NodeLayout, NodeMut, Points};
use crate::memory;
use crate::metric::{Position, Space, ATTEMPTS};
use crate::rng::{Key, Stream};
use crate::storage::HeapBytes;

/// A subset whose vectors take no more than this is copied to one place and its subtree built from
/// there: about a second-level cache, which its two halves already fit. (From half to four times as
/// much made no difference.)
const LOCAL_BYTES: usize = 1 << 20;

/// The most items that [`LOCAL_BYTES`] hold.
pub fn local_len<T: Scalar>(points: &Points<'_, T>) -> usize {
    LOCAL_BYTES / Matrix::<T>::stride(points.len())
}

/// Shares of the larger side that end the attempts at a balanced split; inherited.
const BALANCED: f64 = 0.95;
const HOPELESS: f64 = 0.99;

/// Counts steps of a build, which may be taken back, and says whether to go on. Called so rarely
/// that it costs nothing, and often enough for a person to wait for it.
pub type Pace<'a> = dyn Fn(i64) -> Result<()> + 'a;

/// The steps that growing a subset takes: one for each item and each level of splits and leaves,
/// were all splits even. Those of uneven ones come out the same in the end.
pub fn steps(len: usize, layout: &NodeLayout) -> i64 {
    let leaves = len.div_ceil(layout.max_leaf).max(1);
    let levels = 1 + leaves.next_power_of_two().ilog2() as usize;
    (len * levels) as i64
}

/// Those of them that the split into `left` items and the rest takes.
pub fn split_steps(len: usize, left: usize, layout: &NodeLayout) -> i64 {
    steps(len, layout) - steps(left, layout) - steps(len - left, layout)
}

/// A subset still to be made a node of.
pub(super) struct Task {
    pub start: usize,
    pub len: usize,
    pub key: Key,
    /// The node whose child it is and on which side; none for the root.
    pub parent: Option<(usize, usize)>,
    /// Its split, where the upper levels have found it already.
    pub upper: Option<usize>,
}

/// Builds trees over the same items, with the room of the ones before.
pub struct TreeBuilder<'a, S: Space, P> {
    /// Taken by the trees in turn, by their numbers.
    pub(super) spaces: &'a [S],
    pub(super) layout: &'a NodeLayout,
    pub(super) points: &'a Points<'a, S::T>,
    /// Ids of the items present, ascending.
    present: &'a [P],
    pub(super) n_items: usize,
    pub(super) grower: Grower<S>,
}

/// What builds trees, whatever the metric: who asks by this is compiled once for all.
pub trait Builder {
    /// Shows the trees with these keys, whose numbers count from `first`, to `take`, in order:
    /// their nodes, root last. Ids of tree nodes count from `n_items`. `take` may leave other bytes
    /// in their place, whose room the next tree uses, and says whether to go on.
    ///
    /// # Errors
    /// Those of `pace`; [`Error::NoMemory`]; [`Error::Argument`] for too many nodes.
    fn build(
        &mut self,
        first: usize,
        keys: &[Key],
        pace: &Pace<'_>,
        take: &mut dyn FnMut(&mut HeapBytes) -> bool,
    ) -> Result<()>;

    /// Shows the tree that was number `number`, with the new items and without those that are gone.
    /// As [`build`](Self::build), of which it is the same tree where there were no planes.
    ///
    /// # Errors
    /// As [`build`](Self::build); [`Error::Corrupt`].
    fn extend(
        &mut self,
        old: &OldTrees<'_>,
        number: usize,
        key: Key,
        pace: &Pace<'_>,
        take: &mut dyn FnMut(&mut HeapBytes) -> bool,
    ) -> Result<()>;
}

impl<'a, S: Space, P: Position> TreeBuilder<'a, S, P> {
    /// `spaces`: one or several that differ in how they split.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn new(
        spaces: &'a [S],
        layout: &'a NodeLayout,
        points: &'a Points<'a, S::T>,
        present: &'a [P],
        n_items: usize,
    ) -> Result<Self> {
        Ok(TreeBuilder {
            spaces,
            layout,
            points,
            present,
            n_items,
            grower: Grower::new(&spaces[0], points.len(), n_items)?,
        })
    }

    pub(super) fn start(&mut self) -> Result<()> {
        let nodes = &mut self.grower.nodes;
        nodes.bytes.resize(0)?;
        nodes.count = 0;
        Ok(())
    }

    pub(super) fn finish(&mut self) -> &mut HeapBytes {
        let nodes = &mut self.grower.nodes;
        nodes.turn_round(self.layout);
        &mut nodes.bytes
    }

    /// A tree of a single node. Roots are told by their count of descendants, which is that of all
    /// items, missing ones too; so a root of few items among many missing ones reads as a split.
    fn lone_root(&mut self) -> Result<()> {
        let (_, mut node) = self.grower.nodes.push(self.layout)?;
        node.set_n_descendants(self.n_items);
        if self.n_items <= self.layout.max_leaf {
            for (i, id) in self.present.iter().enumerate() {
                node.set_child(i, id.get());
            }
        } else if let Some(id) = self.present.first() {
            node.set_child(0, id.get());
            node.set_child(1, id.get());
        }
        Ok(())
    }
}

impl<S: Space, P: Position> Builder for TreeBuilder<'_, S, P> {
    fn build(
        &mut self,
        first: usize,
        keys: &[Key],
        pace: &Pace<'_>,
        take: &mut dyn FnMut(&mut HeapBytes) -> bool,
    ) -> Result<()> {
        if self.present.len() < 2 || self.n_items <= self.layout.max_leaf {
            for _ in keys {
                self.start()?;
                self.lone_root()?;
                pace(steps(self.present.len(), self.layout))?;
                if !take(self.finish()) {
                    break;
                }
            }
            return Ok(());
        }
        let (spaces, layout, points) = (self.spaces, self.layout, self.points);
        let trees = (first..).zip(keys);
        let trees = trees.map(|(number, &key)| (&spaces[number % spaces.len()], key));
        let uppers = upper::grow(layout, points, self.present, &mut trees.clone(), pace)?;
        for ((upper, mut order), (space, key)) in uppers.into_iter().zip(trees) {
            let order = order.numbers_mut();
            self.start()?;
            let root = Task {
                start: 0,
                len: order.len(),
                key,
                parent: None,
                upper: (!upper.splits.is_empty()).then_some(0),
            };
            let task = Growth {
                space,
                layout,
                points,
                n_items: self.n_items,
                upper: Some(&upper),
                pace: Some(pace),
            };
            task.grow(&mut self.grower, order, None, root)?;
            if !take(self.finish()) {
                break;
            }
        }
        Ok(())
    }

    fn extend(
        &mut self,
        old: &OldTrees<'_>,
        number: usize,
        key: Key,
        pace: &Pace<'_>,
        take: &mut dyn FnMut(&mut HeapBytes) -> bool,
    ) -> Result<()> {
        if !old.are_split() {
            return self.build(number, &[key], pace, take);
        }
        take(self.extend_tree(old, number, key, pace)?);
        Ok(())
    }
}

/// Room that is reused from node to node.
pub(super) struct Grower<S: Space> {
    plane: S::Plane,
    room: S::Room,
    right: Vec<bool>,
    gathered: Gathered<S::T>,
    local_ids: Vec<u32>,
    pub(super) nodes: Arena,
}

/// The nodes of a tree in the order they are made.
#[derive(Default)]
pub(super) struct Arena {
    bytes: HeapBytes,
    count: usize,
    /// Id of the first node.
    first_id: usize,
}

impl Arena {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.bytes()
    }

    /// A new node of zeros and its id.
    pub(super) fn push<'a>(&'a mut self, layout: &'a NodeLayout) -> Result<(usize, NodeMut<'a>)> {
        let id = self.first_id + self.count;
        if id as u64 >= layout.options.id_width.max_count() {
            return Err(Error::argument(
                "the number of nodes",
                id + 1,
                format!("what {}-bit ids can count", layout.options.id_width.bits()),
            ));
        }
        let start = self.count * layout.node_size;
        self.bytes.resize(start + layout.node_size)?;
        self.count += 1;
        let node = NodeMut::new(&mut self.bytes.bytes_mut()[start..], layout);
        Ok((id, node))
    }

    fn link(&mut self, layout: &NodeLayout, parent: (usize, usize), child: usize) {
        let start = (parent.0 - self.first_id) * layout.node_size;
        let bytes = &mut self.bytes.bytes_mut()[start..][..layout.node_size];
        NodeMut::new(bytes, layout).set_child(parent.1, child);
    }

    /// Reverses the order of the nodes, and the child ids with it.
    fn turn_round(&mut self, layout: &NodeLayout) {
        let (first, count, size) = (self.first_id, self.count, layout.node_size);
        let bytes = self.bytes.bytes_mut();
        for i in 0..count / 2 {
            let (front, back) = bytes.split_at_mut((count - 1 - i) * size);
            front[i * size..][..size].swap_with_slice(&mut back[..size]);
        }
        map_children(bytes, layout, first, |id| {
            first + (count - 1 - (id - first))
        });
    }
}

/// Rewrites the ids of tree nodes (those from `first` on) in all splits.
pub fn map_children(
    bytes: &mut [u8],
    layout: &NodeLayout,
    first: usize,
    mut new_id: impl FnMut(usize) -> usize,
) {
    for bytes in bytes.chunks_exact_mut(layout.node_size) {
        let mut node = NodeMut::new(bytes, layout);
        if node.as_ref().n_descendants() > layout.max_leaf as i64 {
            for side in 0..2 {
                let id = node.as_ref().child(side) as usize;
                if id >= first {
                    node.set_child(side, new_id(id));
                }
            }
        }
    }
}

/// The items a subtree is grown over.
pub(super) struct Growth<'a, S: Space> {
    pub space: &'a S,
    pub layout: &'a NodeLayout,
    pub points: &'a Points<'a, S::T>,
    pub n_items: usize,
    pub upper: Option<&'a UpperTree>,
    /// None over a local copy, which is done in no time.
    pub pace: Option<&'a Pace<'a>>,
}

impl<S: Space> Growth<'_, S> {
    /// Grows the subtree of `root`. Positions in `order` are item ids, or, over a local copy,
    /// indices into `ids`.
    pub(super) fn grow<P: Position>(
        &self,
        grower: &mut Grower<S>,
        order: &mut [P],
        ids: Option<&[u32]>,
        root: Task,
    ) -> Result<()> {
        let layout = self.layout;
        let id_of = |position: &P| ids.map_or(position.get(), |ids| ids[position.get()] as usize);
        let local_len = local_len(self.points);
        let mut moved: Vec<P> = Vec::new();
        let mut tasks = memory::collect([root])?;
        let count = |steps| self.pace.map_or(Ok(()), |pace| pace(steps));
        while let Some(task) = tasks.pop() {
            let subset = &mut order[task.start..][..task.len];
            if let (1, Some(parent)) = (task.len, task.parent) {
                grower.nodes.link(layout, parent, id_of(&subset[0]));
                count(steps(1, layout))?;
                continue;
            }
            if task.len <= layout.max_leaf && task.parent.is_some() {
                let (id, mut node) = grower.nodes.push(layout)?;
                node.set_n_descendants(task.len);
                for (i, position) in subset.iter().enumerate() {
                    node.set_child(i, id_of(position));
                }
                grower.link(layout, task.parent, id);
                count(steps(task.len, layout))?;
                continue;
            }
            if ids.is_none() && task.len <= local_len && self.n_items <= u32::MAX as usize {
                let len = task.len;
                self.grow_locally(grower, subset, task)?;
                count(steps(len, layout))?;
                continue;
            }

            let known = self.upper.zip(task.upper).map(|(upper, number)| {
                let bytes = &upper.nodes.bytes()[number * layout.node_size..][..layout.node_size];
                (&upper.splits[number], bytes)
            });
            let left = match known {
                Some((split, _)) => split.left,
                None => {
                    let left = self.split(grower, subset, task.key, &mut moved)?;
                    count(split_steps(task.len, left, layout))?;
                    left
                }
            };
            let (id, mut node) = grower.nodes.push(layout)?;
            match known {
                Some((_, bytes)) => node.copy_from(bytes),
                None => self.space.store(&grower.plane, &mut node),
            }
            let is_root = task.parent.is_none();
            node.set_n_descendants(if is_root { self.n_items } else { task.len });
            grower.link(layout, task.parent, id);
            let child = |side: usize| Task {
                start: task.start + if side == 0 { 0 } else { left },
                len: if side == 0 { left } else { task.len - left },
                key: task.key.child(side),
                parent: Some((id, side)),
                upper: known.and_then(|(split, _)| split.children[side]),
            };
            // The last one pushed comes next: the larger.
            let smaller = usize::from(left > task.len - left);
            reserve(&mut tasks, 2)?;
            tasks.push(child(smaller));
            tasks.push(child(1 - smaller));
        }
        Ok(())
    }

    /// Grows a subtree over a compact copy of its vectors.
    fn grow_locally<P: Position>(
        &self,
        grower: &mut Grower<S>,
        subset: &[P],
        task: Task,
    ) -> Result<()> {
        let none = Gathered::new(self.points.len());
        let mut gathered = std::mem::replace(&mut grower.gathered, none);
        let mut ids = std::mem::take(&mut grower.local_ids);
        ids.clear();
        reserve(&mut ids, subset.len())?;
        ids.extend(subset.iter().map(|position| position.get() as u32));
        let points = self
            .points
            .gather(subset.iter().map(|position| position.get()), &mut gathered)?;
        let mut order: Vec<u32> = Vec::new();
        reserve(&mut order, task.len)?;
        order.extend(0..task.len as u32);
        let local = Growth {
            points: &points,
            space: self.space,
            layout: self.layout,
            n_items: self.n_items,
            upper: None,
            pace: None,
        };
        let grown = local.grow(grower, &mut order, Some(&ids), Task { start: 0, ..task });
        grower.gathered = gathered;
        grower.local_ids = ids;
        grown
    }

    /// Finds a plane (left in `grower.plane`), moves the items on its left to the front, each side
    /// in its old order, and returns how many they are.
    fn split<P: Position>(
        &self,
        grower: &mut Grower<S>,
        subset: &mut [P],
        key: Key,
        moved: &mut Vec<P>,
    ) -> Result<usize> {
        let (space, points) = (self.space, self.points);
        let mut random = key.stream();
        let Grower {
            plane, room, right, ..
        } = grower;
        if right.len() < subset.len() {
            let missing = subset.len() - right.len();
            reserve(right, missing)?;
            right.resize(subset.len(), false);
        }
        let right = &mut right[..subset.len()];
        space.split(points, subset, 0, &mut random, plane, room);
        space.sides(points, subset, plane, &mut random, right);
        settle(space, points, subset, plane, room, &mut random, right);
        partition(subset, right, moved)
    }
}

/// Takes a first plane and its sides, and tries others while they are out of balance.
pub fn settle<S: Space, P: Position>(
    space: &S,
    points: &Points<'_, S::T>,
    subset: &[P],
    plane: &mut S::Plane,
    room: &mut S::Room,
    random: &mut Stream,
    right: &mut [bool],
) {
    let mut share = larger_share(right);
    for attempt in 1..ATTEMPTS {
        if share < BALANCED {
            return;
        }
        space.split(points, subset, attempt, random, plane, room);
        space.sides(points, subset, plane, random, right);
        share = larger_share(right);
    }
    while share > HOPELESS {
        space.flatten(plane);
        right.fill_with(|| random.flip());
        share = larger_share(right);
    }
}

/// Moves the items on the left to the front, each side in its old order, and returns how many they
/// are. `moved` is room.
///
/// Without a branch on the side, which is as likely as not: every item is written to both places,
/// and one of the two moves on.
pub fn partition<P: Position>(
    subset: &mut [P],
    right: &[bool],
    moved: &mut Vec<P>,
) -> Result<usize> {
    if moved.len() < subset.len() {
        let missing = subset.len() - moved.len();
        reserve(moved, missing)?;
        moved.resize(subset.len(), P::new(0));
    }
    let moved = &mut moved[..subset.len()];
    let (mut left, mut behind) = (0, 0);
    for (i, &right) in right.iter().enumerate() {
        let at = subset[i];
        moved[behind] = at;
        subset[left] = at;
        left += usize::from(!right);
        behind += usize::from(right);
    }
    subset[left..].copy_from_slice(&moved[..behind]);
    Ok(left)
}

impl<S: Space> Grower<S> {
    /// For vectors of `len` elements; the first node gets this id.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub(super) fn new(space: &S, len: usize, first_id: usize) -> Result<Self> {
        Ok(Grower {
            plane: space.plane()?,
            room: space.room()?,
            right: Vec::new(),
            gathered: Gathered::new(len),
            local_ids: Vec::new(),
            nodes: Arena {
                first_id,
                ..Arena::default()
            },
        })
    }

    pub(super) fn link(
        &mut self,
        layout: &NodeLayout,
        parent: Option<(usize, usize)>,
        child: usize,
    ) {
        if let Some(parent) = parent {
            self.nodes.link(layout, parent, child);
        }
    }
}

fn larger_share(right: &[bool]) -> f64 {
    let rights = right.iter().filter(|&&side| side).count();
    let larger = rights.max(right.len() - rights);
    larger as f64 / right.len() as f64
}
