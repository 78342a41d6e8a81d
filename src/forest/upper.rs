//! The upper levels of several trees at once.
//!
//! Near the roots every level of every tree looks at all items, and memory is what it waits for. So
//! items are taken in blocks that fit the cache, and each block is tested against the planes of its
//! nodes in every tree before the next one comes. Subsets keep their items in ascending order, so a
//! block is a run of each. Once a subset is small enough to be copied into the cache, `tree` takes
//! over. The planes and sides are those that one tree after the other would get: every node has its
//! own random stream.

use super::tree::{local_len, partition, settle, split_steps, Pace};
use crate::error::{reserve, Result};
use crate::layout::{NodeLayout, NodeMut, Points};
use crate::memory;
use crate::metric::{Position, Space};
use crate::rng::{Key, Stream};
use crate::storage::{Array, HeapBytes};

/// The most trees that are taken together: what a thread keeps for each item grows with it.
pub const MAX_GROUP: usize = 16;

/// Bytes of a block: what a second-level cache holds beside the planes, up to what a third-level
/// one does.
const BLOCK_BYTES: std::ops::RangeInclusive<usize> = (512 << 10)..=(8 << 20);

/// Items of a block for each node of a tree's level, so that a plane is not fetched for one or two.
const BLOCK_PER_NODE: usize = 8;

/// A split found.
pub struct Split {
    /// How many items lie on the left.
    pub left: usize,
    /// The splits of the two halves, where they were found too.
    pub children: [Option<usize>; 2],
}

/// The upper levels of one tree.
#[derive(Default)]
pub struct UpperTree {
    /// The splits; the first is the root's. May be empty.
    pub splits: Vec<Split>,
    /// Their nodes, written but for counts and children.
    pub nodes: HeapBytes,
}

/// A node of the level in work.
struct Open<S: Space> {
    start: usize,
    len: usize,
    /// How many of its items have been tested.
    tested: usize,
    key: Key,
    random: Stream,
    plane: S::Plane,
    /// Where to note the split: its parent and side; none for a root.
    parent: Option<(usize, usize)>,
}

impl<S: Space> Open<S> {
    fn new(
        space: &S,
        (start, len): (usize, usize),
        key: Key,
        parent: Option<(usize, usize)>,
    ) -> Result<Self> {
        Ok(Open {
            start,
            len,
            tested: 0,
            key,
            random: key.stream(),
            plane: space.plane()?,
            parent,
        })
    }
}

/// A tree in work.
struct Growing<'a, S: Space, P> {
    space: &'a S,
    tree: UpperTree,
    /// The items, in the order of the subsets below the splits.
    order: Array<P>,
    /// The nodes of its level, in the order of their subsets.
    level: Vec<Open<S>>,
    /// The side of each item, in the tree's order.
    right: Vec<bool>,
}

/// Grows the upper levels of the trees with these spaces and keys (at most [`MAX_GROUP`]) over the
/// items present. Returns each with the items in the order of the subsets below its splits.
///
/// # Errors
/// Those of `pace`; [`crate::Error::NoMemory`].
pub fn grow<S: Space, P: Position>(
    layout: &NodeLayout,
    points: &Points<'_, S::T>,
    present: &[P],
    wanted: &mut dyn Iterator<Item = (&S, Key)>,
    pace: &Pace<'_>,
) -> Result<Vec<(UpperTree, Array<P>)>> {
    let local_len = local_len(points);
    let block_len = |bytes: usize| (bytes / layout.node_size).max(1);
    // A tree whose level has more nodes than this would need larger blocks.
    let most_open = block_len(*BLOCK_BYTES.end()) / BLOCK_PER_NODE;
    // A block is a run of ids, the missing ones among them: not worth it when most are missing.
    let span = present.first().zip(present.last());
    let sparse = span.is_none_or(|(a, b)| present.len() < (b.get() - a.get()) / 4);
    let mut trees: Vec<Growing<'_, S, P>> = Vec::new();

    for (space, key) in wanted {
        reserve(&mut trees, 1)?;
        let mut growing = Growing {
            space,
            tree: UpperTree::default(),
            order: Array::copy_of(present)?,
            level: Vec::new(),
            right: Vec::new(),
        };
        if present.len() > local_len && !sparse {
            reserve(&mut growing.right, present.len())?;
            growing.right.resize(present.len(), false);
            let root = Open::new(space, (0, present.len()), key, None)?;
            memory::push(&mut growing.level, root)?;
        }
        trees.push(growing);
    }
    let Some(growing) = trees.first() else {
        return Ok(Vec::new());
    };
    let mut room = growing.space.room()?;
    let mut moved: Vec<P> = Vec::new();
    while let Some(widest) = trees.iter().map(|t| t.level.len()).max().filter(|&n| n > 0) {
        for growing in &mut trees {
            let order = growing.order.numbers_mut();
            for open in &mut growing.level {
                let subset = &order[open.start..][..open.len];
                let (random, plane) = (&mut open.random, &mut open.plane);
                growing
                    .space
                    .split(points, subset, 0, random, plane, &mut room);
            }
        }
        let block = block_len(*BLOCK_BYTES.start()).max(widest * BLOCK_PER_NODE);
        test_in_blocks(points, present, block, pace, &mut trees)?;
        for growing in &mut trees {
            let wanted = |len, open| len > local_len && open < most_open;
            let more = growing.descend(layout, points, &mut room, &mut moved, wanted)?;
            pace(more)?;
        }
    }
    let finished = |growing: Growing<'_, S, P>| (growing.tree, growing.order);
    memory::collect(trees.into_iter().map(finished))
}

/// Tests every item against the planes of its nodes.
fn test_in_blocks<S: Space, P: Position>(
    points: &Points<'_, S::T>,
    present: &[P],
    block: usize,
    pace: &Pace<'_>,
    trees: &mut [Growing<'_, S, P>],
) -> Result<()> {
    let (Some(first), Some(last)) = (present.first(), present.last()) else {
        return Ok(());
    };
    let end = last.get() + 1;
    for start in (first.get()..end).step_by(block) {
        let run = start..end.min(start + block);
        let mut tested = 0;
        for growing in trees.iter_mut() {
            let order = growing.order.numbers_mut();
            for open in &mut growing.level {
                let subset = &order[open.start..][..open.len];
                let right = &mut growing.right[open.start..][..open.len];
                let (subset, right) = (&subset[open.tested..], &mut right[open.tested..]);
                let count = subset.iter().take_while(|at| at.get() < run.end).count();
                let (subset, right) = (&subset[..count], &mut right[..count]);
                let (random, plane) = (&mut open.random, &open.plane);
                growing.space.sides(points, subset, plane, random, right);
                open.tested += count;
                tested += count;
            }
        }
        pace(tested as i64)?;
    }
    Ok(())
}

impl<S: Space, P: Position> Growing<'_, S, P> {
    /// Splits the nodes of the level by the sides found, and goes on to those of their children
    /// that are wanted, told by their length and the number of nodes so far. Returns the steps that
    /// the level took beyond one for each item tested.
    fn descend(
        &mut self,
        layout: &NodeLayout,
        points: &Points<'_, S::T>,
        room: &mut S::Room,
        moved: &mut Vec<P>,
        wanted: impl Fn(usize, usize) -> bool,
    ) -> Result<i64> {
        let (space, tree) = (self.space, &mut self.tree);
        let mut more = 0;
        let mut next = Vec::new();
        for mut open in std::mem::take(&mut self.level) {
            let subset = &mut self.order.numbers_mut()[open.start..][..open.len];
            let right = &mut self.right[open.start..][..open.len];
            let (random, plane) = (&mut open.random, &mut open.plane);
            settle(space, points, subset, plane, room, random, right);
            let left = partition(subset, right, moved)?;
            more += split_steps(open.len, left, layout) - open.len as i64;

            let number = tree.splits.len();
            if let Some((parent, side)) = open.parent {
                tree.splits[parent].children[side] = Some(number);
            }
            reserve(&mut tree.splits, 1)?;
            tree.splits.push(Split {
                left,
                children: [None, None],
            });
            let end = number * layout.node_size;
            tree.nodes.resize(end + layout.node_size)?;
            let node = &mut tree.nodes.bytes_mut()[end..];
            space.store(plane, &mut NodeMut::new(node, layout));

            let halves = [(open.start, left), (open.start + left, open.len - left)];
            for (side, half) in halves.into_iter().enumerate() {
                if wanted(half.1, next.len()) {
                    let parent = Some((number, side));
                    reserve(&mut next, 1)?;
                    next.push(Open::new(space, half, open.key.child(side), parent)?);
                }
            }
        }
        self.level = next;
        Ok(more)
    }
}
