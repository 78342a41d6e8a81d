//! Best-first search over all trees at once.
//!
//! Annoy's visiting order and tie rules: the node with the largest (priority, id) comes next; the search ends when
//! `search_k` ids have been seen, counted with repeats; smallest (distance, id) first. Ids that a filter refuses are not
//! counted, so that a filter costs time and not recall.

use super::descend::items_near;
use super::filter::{accepted, All, Filter, Others};
use super::roots::Roots;
use crate::error::{reserve, Error, Result};
use crate::fault::{self, Kind};
use crate::graph;
use crate::graph::search::{Breadth, Walk};
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
    /// One bit per item: already met. All zero between searches.
    marks: Vec<u64>,
    /// Ids of the candidates.
    candidates: Vec<usize>,
    /// The nodes that paths down the trees have come to.
    paths: Vec<usize>,
    walk: Walk,
    /// One bit per item: met by a walk. All zero between searches.
    met: Vec<u64>,
    /// One bit per item: met and refused by the filter. All zero between searches.
    refused_marks: Vec<u64>,
    /// Ids of those.
    refused: Vec<usize>,
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
    for id in scratch.refused.drain(..) {
        scratch.marks[id / 64] = 0;
        scratch.refused_marks[id / 64] = 0;
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

/// Items that the trees name for a walk to start from, at the least and at the most; between them one for each
/// [`ENTRIES_SHARE`] looked at. From several trees: the neighbours of clustered items lead to no other cluster.
const ENTRIES: [u64; 2] = [40, 100];
const ENTRIES_SHARE: u64 = 5;

/// Items a walk looks at when nothing is said, and as many again for each that is wanted beyond ten.
const WALKED: u64 = 3000;

/// Items that a walk starts from where the graph has items for that.
const ENTERED: usize = 8;

/// Items measured by their vectors for each that is wanted, as codes do not tell near ones apart.
const MEASURED: usize = 2;

/// Where codes were made short and tell less, one more for so many looked at.
const MEASURED_SHARE: u64 = 20;
const MOST_MEASURED: u64 = 2000;

/// Items whose codes are looked at in a row while a walk looks at one.
const SCANNED_FOR_WALKED: u128 = 2;

/// When more are wanted the forest is searched: a walk keeps what it found in order, and that takes the square of the time.
const MOST_WANTED: usize = 2000;

/// As [`search`], by walking the graph: `search_k` is the number of items that the walk looks at.
///
/// Where that is all there are, or a filter is known to accept fewer, all are looked at. Where it is known to accept so few that a
/// walk to them would take longer, the codes of all of those are looked at.
///
/// # Errors
/// As [`search`], also for what the graph names.
pub fn with_graph<S: Space, F: Filter>(
    space: &S,
    nodes: &Nodes<'_>,
    roots: &Roots,
    graph: &graph::View<'_>,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let n_items = roots.n_items;
    let is_all = |search_k: u64| search_k >= n_items as u64;
    if wanted.n > MOST_WANTED && !wanted.search_k.is_some_and(is_all) {
        return search(space, nodes, roots, query, wanted, filter);
    }
    let usual = || WALKED.saturating_mul((wanted.n as u64).div_ceil(10).max(1));
    let search_k = wanted.search_k.unwrap_or_else(usual);
    if is_all(search_k) {
        return exact(space, nodes, n_items, query, wanted, filter);
    }
    let at_most = filter.at_most(n_items);
    if !F::ALL && (at_most as u64) < search_k {
        return exact(space, nodes, n_items, query, wanted, filter);
    }
    let keep = wanted.n.saturating_mul(MEASURED);
    let breadth = Breadth {
        keep: match graph.coder.projector {
            None => keep,
            Some(_) => keep + (search_k / MEASURED_SHARE).min(MOST_MEASURED) as usize,
        },
        search_k,
    };
    // A walk passes n_items / at_most items for each that is accepted, and what it passes lies far apart.
    let is_scan = search_k > 0
        && (at_most as u128).pow(2) < u128::from(search_k) * SCANNED_FOR_WALKED * n_items as u128;
    with_scratch(|scratch| {
        cover_items(&mut scratch.marks, n_items)?;
        let mut walk = std::mem::take(&mut scratch.walk);
        let walked = walk.begin(space, graph, query.row).and_then(|()| {
            if is_scan {
                let is_there = |id| nodes.get(id).n_descendants() == 1;
                return walk.scan(graph, accepted(filter, n_items), breadth.keep, is_there);
            }
            let share = (search_k / ENTRIES_SHARE).clamp(ENTRIES[0], ENTRIES[1]);
            let n = share.min(search_k) as usize;
            let Scratch {
                paths,
                candidates,
                marks,
                ..
            } = scratch;
            if graph.entries.is_empty() {
                items_near(space, nodes, roots, query, n, paths, candidates)?;
            } else if n > 0 {
                walk.enter(graph, n.min(ENTERED), candidates)?;
            }
            let is_stuck = walk.walk(graph, candidates, breadth, filter, marks)?;
            candidates.clear();
            if is_stuck {
                // Somewhere else there may be nearer ones.
                walk.lift(marks);
                let left = search_k - walk.looked_at();
                if !F::ALL && (S::BY_PRODUCT || walk.found().count() < breadth.keep) {
                    // What is accepted may lie so far from the query that no way leads to it.
                    let mut met = std::mem::take(&mut scratch.met);
                    cover_items(&mut met, n_items)?;
                    walk.lay(&mut met);
                    let others = Others { filter, met: &met };
                    let collected = collect(space, nodes, roots, query, left, &others, scratch);
                    walk.lift(&mut met);
                    scratch.met = met;
                    collected?;
                    let ids = scratch.candidates.iter().copied();
                    return walk.scan(graph, ids, breadth.keep, |_| true);
                }
                collect(space, nodes, roots, query, left, &All, scratch)?;
                for &id in &scratch.candidates {
                    scratch.marks[id / 64] = 0;
                }
                walk.lay(&mut scratch.marks);
                walk.walk(
                    graph,
                    &scratch.candidates,
                    breadth,
                    filter,
                    &mut scratch.marks,
                )?;
            }
            Ok(())
        });
        walk.lift(&mut scratch.marks);
        scratch.walk = walk;
        for id in scratch.candidates.drain(..) {
            scratch.marks[id / 64] = 0;
        }
        scratch.open.clear();
        walked?;
        let Scratch {
            candidates,
            best,
            walk,
            ..
        } = scratch;
        let keep = breadth.keep.min(n_items);
        reserve(candidates, keep)?;
        candidates.extend(walk.found().take(keep));
        let found = nearest(space, nodes, query, wanted, candidates, best);
        // The walk has left no marks that these could take away.
        candidates.clear();
        found
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
    let mut run = Vec::with_capacity(RUN);
    let mut ids = accepted(filter, n_items);
    loop {
        run.clear();
        run.extend(ids.by_ref().take(RUN));
        if run.is_empty() {
            return take(space, &mut best);
        }
        look_at(space, nodes, query, n, wanted.max_distance, &run, &mut best);
    }
}

/// Makes room for a bit for each item.
fn cover_items(marks: &mut Vec<u64>, n_items: usize) -> Result<()> {
    let words = n_items.div_ceil(64);
    if marks.len() < words {
        reserve(marks, words - marks.len())?;
        marks.resize(words, 0);
    }
    Ok(())
}

/// Fills `scratch.candidates`, each id once.
fn collect<S: Space, F: Filter>(
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

/// Keeps the `n` items with the smallest (distance, id) of those in `best` and the candidates.
fn look_at<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    query: &Query<'_, S::T>,
    n: usize,
    max_distance: Option<f64>,
    candidates: &[usize],
    best: &mut BinaryHeap<(u64, usize)>,
) {
    if n == 0 {
        return;
    }
    let near_enough =
        |distance: u64| max_distance.is_none_or(|most| space.is_within(distance, most));
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
                best.push(found);
            }
        } else if let Some(mut worst) = best.peek_mut() {
            if found < *worst && near_enough(found.0) {
                *worst = found;
            }
        }
    }
}

/// The `n` nearest of the candidates; `best` is empty.
fn nearest<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    candidates: &[usize],
    best: &mut BinaryHeap<(u64, usize)>,
) -> Result<Vec<Neighbor>> {
    let n = wanted.n.min(candidates.len());
    reserve_heap(best, n)?;
    look_at(
        space,
        nodes,
        query,
        n,
        wanted.max_distance,
        candidates,
        best,
    );
    take(space, best)
}

/// What was kept, in order.
fn take<S: Space>(space: &S, best: &mut BinaryHeap<(u64, usize)>) -> Result<Vec<Neighbor>> {
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
