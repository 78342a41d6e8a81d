//! Best-first search over all trees at once.
//!
//! Annoy's visiting order and tie rules: the node with the largest (priority, id) comes next; the search ends when
//! `search_k` ids have been seen, counted with repeats; smallest (distance, id) first.

use super::roots::Roots;
use crate::error::{reserve, Error, Result};
use crate::fault::{self, Kind};
use crate::kernel::prefetch;
use crate::layout::Nodes;
use crate::metric::{Query, Space};
use std::cell::Cell;
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

/// A node to visit: the one with the largest (priority, id) comes first. One number, which is compared without a branch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Visit(u128);

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

/// Room that a thread keeps from one search to the next.
#[derive(Default)]
struct Scratch {
    open: BinaryHeap<Visit>,
    /// One bit per item: already a candidate. All zero between searches.
    marks: Vec<u64>,
    /// Ids of the candidates.
    candidates: Vec<usize>,
    /// The best of them; the worst of those is on top.
    best: BinaryHeap<(u64, usize)>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Lends the thread's scratch. Taken out while in use, so a search from inside a search gets a fresh one.
fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    let result = work(&mut scratch);
    scratch.open.clear();
    scratch.best.clear();
    for id in scratch.candidates.drain(..) {
        scratch.marks[id / 64] = 0;
    }
    // A thread that is ending keeps nothing.
    let _ = SCRATCH.try_with(|place| place.set(Some(scratch)));
    result
}

/// Makes room in a heap; see [`reserve`].
#[inline]
fn reserve_heap<T: Ord>(heap: &mut BinaryHeap<T>, additional: usize) -> Result<()> {
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

/// The `n` nearest of the first `search_k` candidates; `None` means `n` for each tree.
///
/// # Errors
/// [`Error::Corrupt`] when a node names another that cannot be, or the trees run in a circle; [`Error::NoMemory`].
pub fn search<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    roots: &Roots,
    query: &Query<'_, S::T>,
    n: usize,
    search_k: Option<u64>,
) -> Result<Vec<Neighbor>> {
    let search_k = search_k.unwrap_or((n as u64).saturating_mul(roots.n_trees as u64));
    with_scratch(|scratch| {
        collect(space, nodes, roots, query, search_k, scratch)?;
        let Scratch {
            candidates, best, ..
        } = scratch;
        nearest(space, nodes, query, n, candidates, best)
    })
}

/// Fills `scratch.candidates`, each id once.
fn collect<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    roots: &Roots,
    query: &Query<'_, S::T>,
    search_k: u64,
    scratch: &mut Scratch,
) -> Result<()> {
    let max_leaf = nodes.layout().max_leaf as i64;
    let n_items = roots.n_items;
    let words = n_items.div_ceil(64);
    if scratch.marks.len() < words {
        let missing = words - scratch.marks.len();
        reserve(&mut scratch.marks, missing)?;
        scratch.marks.resize(words, 0);
    }
    let Scratch {
        open,
        marks,
        candidates,
        ..
    } = scratch;
    let mut add = |id: usize, candidates: &mut Vec<usize>| {
        let (word, bit) = (&mut marks[id / 64], 1u64 << (id % 64));
        if *word & bit == 0 {
            *word |= bit;
            candidates.push(id);
        }
    };
    reserve_heap(open, roots.n_trees)?;
    let priority = space.root_priority();
    open.extend(roots.ids().map(|root| Visit::new(priority, root)));
    let mut seen = 0u64;
    // Each split and leaf is reached once, from its parent; more visits than nodes mean a circle. Items, which end their
    // path, are reached from every tree.
    let mut visits_left = nodes.count();
    while seen < search_k {
        let Some(visit) = open.pop() else {
            break;
        };
        let (priority, id) = (visit.priority(), visit.node());
        let node = nodes.get(id);
        let below = node.n_descendants();
        if below == 1 && id < n_items {
            reserve(candidates, 1)?;
            add(id, candidates);
            seen += 1;
            continue;
        }
        if visits_left == 0 {
            return Err(Error::corrupt(id, "its tree runs in a circle"));
        }
        visits_left -= 1;
        if below < 0 {
            return Err(Error::corrupt(id, format!("it counts {below} descendants")));
        } else if below <= max_leaf {
            reserve(candidates, below as usize)?;
            for i in 0..below as usize {
                add(nodes.checked(id, node.child(i), n_items)?, candidates);
            }
            seen += below as u64;
        } else {
            let [left, right] = space
                .descend(node, query, priority)
                .ok_or_else(|| Error::corrupt(id, "its split names a bit that is not there"))?;
            reserve_heap(open, 2)?;
            for (priority, side) in [(right, 1), (left, 0)] {
                let child = nodes.checked(id, node.child(side), nodes.count())?;
                prefetch(nodes.get(child).bytes());
                open.push(Visit::new(priority, child));
            }
        }
    }
    Ok(())
}

/// The `n` candidates with the smallest (distance, id), in that order.
fn nearest<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    query: &Query<'_, S::T>,
    n: usize,
    candidates: &[usize],
    best: &mut BinaryHeap<(u64, usize)>,
) -> Result<Vec<Neighbor>> {
    let n = n.min(candidates.len());
    let mut found = Vec::new();
    if n == 0 {
        return Ok(found);
    }
    reserve_heap(best, n)?;
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
            best.push(found);
        } else if let Some(mut worst) = best.peek_mut() {
            if found < *worst {
                *worst = found;
            }
        }
    }
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
