//! Best-first search over all trees at once.
//!
//! Annoy's visiting order and tie rules: the node with the largest (priority, id) comes next; the search ends when
//! `search_k` ids have been seen, counted with repeats; smallest (distance, id) first. Ids that a filter refuses are
//! not counted, so that a filter costs time and not recall.

use super::filter::{accepted, Filter};
use super::roots::Roots;
use super::scratch::{cover_items, with_scratch, Scratch};
use crate::error::{reserve, Error, Result};
use crate::fault::{self, Kind};
use crate::kernel::prefetch;
use crate::layout::Nodes;
use crate::memory;
use crate::metric::{Query, Space};
use std::collections::BinaryHeap;

/// How many candidates ahead a vector is asked for: far enough for memory to answer, near enough to stay cached.
const LOOK_AHEAD: usize = 8;

/// An item found, with its distance as it is given to the caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// The item's id.
    pub id: i64,
    /// Its distance from the query (dot: the inner product).
    pub distance: f64,
}

/// A node to visit: the one with the largest (priority, id) comes first. One number, which is compared without a
/// branch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit(u128);

impl Visit {
    fn new(priority: u64, node: usize) -> Self {
        Visit(u128::from(priority) << 64 | node as u128)
    }

    fn priority(self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn node(self) -> usize {
        self.0 as u64 as usize
    }
}

/// Makes room in a heap; see [`reserve`].
#[inline]
pub fn reserve_heap<T: Ord>(heap: &mut BinaryHeap<T>, additional: usize) -> Result<()> {
    if heap.capacity() - heap.len() >= additional {
        return Ok(());
    }
    enlarge(heap, additional)
}

#[cold]
fn enlarge<T: Ord>(heap: &mut BinaryHeap<T>, additional: usize) -> Result<()> {
    let bytes = additional.saturating_mul(size_of::<T>());
    fault::check(Kind::Memory).map_err(|reason| Error::no_memory(bytes, reason))?;
    heap.try_reserve(additional)
        .map_err(|reason| Error::no_memory(bytes, reason))
}

/// What a search is to find.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// No more than this many items.
    pub n: usize,
    /// The number of candidates to look at; none: `n` for each tree.
    pub search_k: Option<u64>,
    /// None farther than this; for dot, none of a smaller inner product.
    pub max_distance: Option<f64>,
}

/// The `n` nearest of the first `search_k` candidates that the filter accepts.
///
/// Where it is known to accept no more than that, all of them are looked at.
///
/// # Errors
/// [`Error::Corrupt`] when a node names another that cannot be, or the trees run in a circle; [`Error::NoMemory`].
pub fn search<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    roots: &Roots,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    filter: &impl Filter,
) -> Result<Vec<Neighbor>> {
    let n_trees = roots.n_trees as u64;
    let search_k = wanted
        .search_k
        .unwrap_or((wanted.n as u64).saturating_mul(n_trees));
    let few = |at_most: usize| (at_most as u64) < search_k && at_most < roots.n_items;
    if few(filter.at_most(roots.n_items)) {
        return exact(space, nodes, roots.n_items, query, wanted, filter);
    }
    with_scratch(|scratch| {
        collect(space, nodes, roots, query, search_k, filter, scratch)?;
        let Scratch {
            candidates, best, ..
        } = scratch;
        nearest(space, nodes, query, wanted, candidates, best)
    })
}

/// Items looked at together in an exact search.
const RUN: usize = 1024;

/// The `n` nearest of all items that the filter accepts.
///
/// # Errors
/// [`Error::NoMemory`].
pub fn exact<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    n_items: usize,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    filter: &impl Filter,
) -> Result<Vec<Neighbor>> {
    let n = wanted.n.min(n_items);
    let mut best = BinaryHeap::new();
    reserve_heap(&mut best, n)?;
    let mut run = memory::with_room(RUN)?;
    let mut ids = accepted(filter, n_items);
    loop {
        run.clear();
        run.extend(ids.by_ref().take(RUN));
        if run.is_empty() {
            return take(space, &mut best);
        }
        look_at(space, nodes, query, wanted, &run, &mut best);
    }
}

/// Fills `scratch.candidates`, each id once.
pub fn collect<S: Space, F: Filter>(
    space: &S,
    nodes: &Nodes<'_>,
    roots: &Roots,
    query: &Query<'_, S::T>,
    search_k: u64,
    filter: &F,
    scratch: &mut Scratch,
) -> Result<()> {
    let max_leaf = nodes.layout().max_leaf as i64;
    let n_items = roots.n_items;
    cover_items(&mut scratch.marks, n_items)?;
    if !F::ALL {
        cover_items(&mut scratch.refused_marks, n_items)?;
    }
    let Scratch {
        open,
        marks,
        candidates,
        refused_marks,
        refused,
        ..
    } = scratch;
    // Whether it counts. There is room for it in both lists.
    let mut add = |id: usize, candidates: &mut Vec<usize>, refused: &mut Vec<usize>| {
        let (word, bit) = (&mut marks[id / 64], 1u64 << (id % 64));
        if *word & bit != 0 {
            return F::ALL || refused_marks[id / 64] & bit == 0;
        }
        *word |= bit;
        if F::ALL || filter.accepts(id) {
            candidates.push(id);
            return true;
        }
        refused_marks[id / 64] |= bit;
        refused.push(id);
        false
    };
    let make_room = |candidates: &mut Vec<usize>, refused: &mut Vec<usize>, n: usize| {
        reserve(candidates, n)?;
        if F::ALL {
            return Ok(());
        }
        reserve(refused, n)
    };
    reserve_heap(open, roots.n_trees)?;
    let priority = space.root_priority();
    open.extend(roots.ids().map(|root| Visit::new(priority, root)));
    let mut seen = 0u64;
    // Each split and leaf is reached once, from its parent; more visits than nodes mean a circle. Items, which end
    // their path, are reached from every tree.
    let mut visits_left = nodes.count();
    while seen < search_k {
        let Some(visit) = open.pop() else {
            break;
        };
        let (priority, id) = (visit.priority(), visit.node());
        let node = nodes.get(id);
        let below = node.n_descendants();
        if id < n_items {
            match below {
                0 => {} // Missing: files by Annoy name those too.
                1 => {
                    make_room(candidates, refused, 1)?;
                    seen += u64::from(add(id, candidates, refused));
                }
                _ => {
                    return Err(Error::corrupt(
                        id,
                        format!("it is no item: it counts {below} descendants"),
                    ))
                }
            }
            continue;
        }
        if id < roots.trees.start {
            return Err(Error::corrupt(
                id,
                "a split names it, but it is no node of a tree",
            ));
        }
        if visits_left == 0 {
            return Err(Error::corrupt(id, "its tree runs in a circle"));
        }
        visits_left -= 1;
        if below < 0 {
            return Err(Error::corrupt(id, format!("it counts {below} descendants")));
        } else if below <= max_leaf {
            make_room(candidates, refused, below as usize)?;
            for i in 0..below as usize {
                let item = nodes.checked(id, node.child(i), n_items)?;
                let counts = add(item, candidates, refused);
                seen += u64::from(F::ALL || counts);
            }
        } else {
            let [left, right] = space
                .descend(node, query, priority)
                .ok_or_else(|| Error::corrupt(id, "its split names a bit that is not there"))?;
            reserve_heap(open, 2)?;
            for (priority, side) in [(right, 1), (left, 0)] {
                let child = nodes.checked(id, node.child(side), roots.trees.end)?;
                prefetch(nodes.get(child).bytes());
                open.push(Visit::new(priority, child));
            }
        }
    }
    Ok(())
}

/// Keeps the `n` wanted items with the smallest (distance, id) of those in `best` and the candidates, for which there
/// is room. How often one was taken in, or is as near as the last of them.
pub fn look_at<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    candidates: &[usize],
    best: &mut BinaryHeap<(u64, usize)>,
) -> usize {
    let n = wanted.n;
    if n == 0 {
        return 0;
    }
    let mut n_taken = 0;
    let near_enough = |distance: u64| {
        let most = wanted.max_distance;
        most.is_none_or(|most| space.is_within(distance, most))
    };
    for (i, &id) in candidates.iter().enumerate() {
        if let Some(&soon) = candidates.get(i + LOOK_AHEAD) {
            prefetch(nodes.get(soon).bytes());
        }
        let item = nodes.get(id);
        // Leaves of files with missing items may name those.
        if item.n_descendants() != 1 {
            continue;
        }
        let found = (space.distance(query, item), id);
        if best.len() < n {
            if near_enough(found.0) {
                n_taken += 1;
                best.push(found);
            }
        } else if let Some(mut worst) = best.peek_mut() {
            if found.0 <= worst.0 && near_enough(found.0) {
                n_taken += 1;
                *worst = found.min(*worst);
            }
        }
    }
    n_taken
}

/// The `n` nearest of the candidates; `best` is empty.
pub fn nearest<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    candidates: &[usize],
    best: &mut BinaryHeap<(u64, usize)>,
) -> Result<Vec<Neighbor>> {
    let n = wanted.n.min(candidates.len());
    reserve_heap(best, n)?;
    look_at(space, nodes, query, wanted, candidates, best);
    take(space, best)
}

/// What was kept, in order.
pub fn take<S: Space>(space: &S, best: &mut BinaryHeap<(u64, usize)>) -> Result<Vec<Neighbor>> {
    let mut found = Vec::new();
    reserve(&mut found, best.len())?;
    let none = Neighbor {
        id: 0,
        distance: 0.0,
    };
    found.resize(best.len(), none);
    for place in found.iter_mut().rev() {
        if let Some((distance, id)) = best.pop() {
            *place = Neighbor {
                id: id as i64,
                distance: space.report(distance),
            };
        }
    }
    Ok(found)
}
