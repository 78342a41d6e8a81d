//! The upper levels of several trees at once.
//!
//! Near the roots every level of every tree looks at all items, and memory is what it waits for. So items stream by in
//! order, and each is tested against the plane of its node in every tree while its vector is at hand. Once a subset is
//! small enough to be copied into the cache, `tree` takes over. The planes and sides are those that one tree after the
//! other would get: every node has its own random stream.

use super::tree::{partition, settle, LOCAL_BYTES};
use crate::error::{reserve, Result};
use crate::layout::{NodeLayout, NodeMut, Points};
use crate::metric::{Position, Side, Space};
use crate::rng::{Key, Stream};

/// The most trees that are taken together: what a thread keeps for each item grows with it.
pub const MAX_GROUP: usize = 12;

/// The planes of a level stay in a second-level cache; with more, streaming would wait for them instead.
const PLANES_BYTES: usize = 1 << 20;

/// The number of a node on its level; `SETTLED` for items whose subset is left to `tree`.
type Slot = u16;
const SETTLED: Slot = Slot::MAX;

/// A split found.
pub struct Split {
    /// How many items lie on the left.
    pub left: usize,
    /// The splits of the two halves, where they were found too.
    pub children: [Option<usize>; 2],
}

/// The upper levels of one tree.
pub struct UpperTree<P> {
    /// The items, in the order of the subsets below the splits.
    pub order: Vec<P>,
    /// The splits; the first is the root's. May be empty.
    pub splits: Vec<Split>,
    /// Their nodes, written but for counts and children.
    pub nodes: Vec<u8>,
}

/// A node of the level in work.
struct Open<S: Space> {
    tree: usize,
    start: usize,
    len: usize,
    key: Key,
    random: Stream,
    plane: S::Plane,
    /// Where to note the split: its parent and side; none for a root.
    parent: Option<(usize, usize)>,
}

impl<S: Space> Open<S> {
    fn new(
        space: &S,
        tree: usize,
        (start, len): (usize, usize),
        key: Key,
        parent: Option<(usize, usize)>,
    ) -> Self {
        Open {
            tree,
            start,
            len,
            key,
            random: key.stream(),
            plane: space.plane(),
            parent,
        }
    }
}

/// Grows the upper levels of the trees with these keys (at most [`MAX_GROUP`]) over the items present.
pub fn grow<S: Space, P: Position>(
    space: &S,
    layout: &NodeLayout,
    points: &Points<'_, S::T>,
    present: &[P],
    n_items: usize,
    keys: &[Key],
) -> Result<Vec<UpperTree<P>>> {
    let width = keys.len();
    let local_len = LOCAL_BYTES / points.gathered_stride();
    let most_open = (PLANES_BYTES / layout.vector_bytes).min(SETTLED as usize);
    let mut trees = Vec::new();
    for _ in keys {
        let mut order = Vec::new();
        reserve(&mut order, present.len())?;
        order.extend_from_slice(present);
        trees.push(UpperTree {
            order,
            splits: Vec::new(),
            nodes: Vec::new(),
        });
    }
    // What is kept per item is kept for missing ones too: not worth it when most are missing.
    let sparse = present.len() < n_items / 4;
    if present.len() <= local_len || width > most_open || sparse {
        return Ok(trees);
    }

    // Per item, one after the other: its slot in each tree, and its side in each tree as a bit.
    let mut slots: Vec<Slot> = Vec::new();
    reserve(&mut slots, n_items * width)?;
    slots.extend((0..n_items * width).map(|i| (i % width) as Slot));
    let mut sides: Vec<u16> = Vec::new();
    reserve(&mut sides, n_items)?;
    sides.resize(n_items, 0);
    let mut right: Vec<bool> = Vec::new();
    reserve(&mut right, present.len())?;
    let mut moved: Vec<P> = Vec::new();

    let mut level: Vec<Open<S>> = keys
        .iter()
        .enumerate()
        .map(|(tree, &key)| Open::new(space, tree, (0, present.len()), key, None))
        .collect();
    while !level.is_empty() {
        for open in &mut level {
            let subset = &trees[open.tree].order[open.start..][..open.len];
            space.split(points, subset, &mut open.random, &mut open.plane);
        }
        stream(
            space, points, present, &mut level, width, &slots, &mut sides,
        );

        // A level that is too wide for the cache is the last.
        let go_on = 2 * level.len() <= most_open;
        let mut next: Vec<Open<S>> = Vec::new();
        for mut open in level {
            let tree = &mut trees[open.tree];
            let subset = &mut tree.order[open.start..][..open.len];
            right.clear();
            right.extend(
                subset
                    .iter()
                    .map(|at| sides[at.get()] >> open.tree & 1 == 1),
            );
            settle(
                space,
                points,
                subset,
                &mut open.plane,
                &mut open.random,
                &mut right,
            );
            let left = partition(subset, &right, &mut moved)?;

            let number = tree.splits.len();
            if let Some((parent, side)) = open.parent {
                tree.splits[parent].children[side] = Some(number);
            }
            tree.splits.push(Split {
                left,
                children: [None, None],
            });
            let end = tree.nodes.len();
            tree.nodes.resize(end + layout.node_size, 0);
            space.store(
                &open.plane,
                &mut NodeMut::new(&mut tree.nodes[end..], layout),
            );

            let halves = [(open.start, left), (open.start + left, open.len - left)];
            for (side, (start, len)) in halves.into_iter().enumerate() {
                let slot = if go_on && len > local_len {
                    let child = open.key.child(side);
                    let parent = Some((number, side));
                    next.push(Open::new(space, open.tree, (start, len), child, parent));
                    (next.len() - 1) as Slot
                } else {
                    SETTLED
                };
                for at in &tree.order[start..][..len] {
                    slots[at.get() * width + open.tree] = slot;
                }
            }
        }
        level = next;
    }
    Ok(trees)
}

/// Tests every item against the planes of its nodes.
fn stream<S: Space, P: Position>(
    space: &S,
    points: &Points<'_, S::T>,
    present: &[P],
    level: &mut [Open<S>],
    width: usize,
    slots: &[Slot],
    sides: &mut [u16],
) {
    for at in present.iter().map(|at| at.get()) {
        let mut found = [Side::Toss; MAX_GROUP];
        let mut nodes = [0usize; MAX_GROUP];
        let mut open = 0;
        for &slot in &slots[at * width..][..width] {
            if slot != SETTLED {
                nodes[open] = usize::from(slot);
                open += 1;
            }
        }
        let nodes = &nodes[..open];
        let found = &mut found[..open];
        space.sides_across(points, at, |i| &level[nodes[i]].plane, found);
        let mut bits = 0;
        for (&node, side) in nodes.iter().zip(found) {
            let open = &mut level[node];
            let right = match side {
                Side::Left => false,
                Side::Right => true,
                Side::Toss => open.random.flip(),
            };
            bits |= u16::from(right) << open.tree;
        }
        sides[at] = bits;
    }
}
