//! A search by the graph: where a walk starts, how far it goes, and what is measured in the end.

use super::walk::{Breadth, Walk};
use super::View;
use crate::error::{reserve, Result};
use crate::forest::descend::{items_near, take};
use crate::forest::filter::{accepted, All, Filter, Others};
use crate::forest::roots::Roots;
use crate::forest::scratch::{cover_items, with_scratch, Scratch};
use crate::forest::search::{self, Neighbor, Wanted};
use crate::kernel::prefetch;
use crate::layout::Nodes;
use crate::metric::{Query, Space};

/// Items that the trees name for a walk to start from, at the least and at the most; between them one for each
/// [`ENTRIES_SHARE`] looked at. From several trees: the neighbours of clustered items lead to no other cluster.
const ENTRIES: [u64; 2] = [40, 100];
const ENTRIES_SHARE: u64 = 5;

/// Items a walk looks at when nothing is said, and as many again for each that is wanted beyond ten.
const WALKED: u64 = 3000;

/// A walk that ended early goes on from one candidate of the forest's for so many that it was to look at.
const ELSEWHERE_SHARE: u64 = 8;

/// Items that a walk starts from where the graph has items for that.
const ENTERED: usize = 8;

/// Items measured by their vectors for each that is wanted, as codes do not tell near ones apart.
const MEASURED: usize = 2;

/// Where codes were made short and tell less, and vectors are long: half as many again as are wanted, and one more for so many
/// looked at.
const MEASURED_SHARE: u64 = 20;
const MOST_MEASURED: u64 = 2000;

/// Items whose codes are looked at in a row while a walk looks at one.
const SCANNED_FOR_WALKED: u128 = 2;

/// When more are wanted the forest is searched: a walk keeps what it found in order, and that takes the square of the time.
const MOST_WANTED: usize = 2000;

/// As [`search::search`], by walking the graph: `search_k` is the number of items that the walk looks at, about.
///
/// Where that is all there are, or a filter is known to accept fewer, all are looked at. Where it is known to accept so few that a
/// walk to them would take longer, the codes of all of those are looked at.
///
/// # Errors
/// As [`search::search`], also for what the graph names.
pub fn search<S: Space, F: Filter>(
    space: &S,
    nodes: &Nodes<'_>,
    roots: &Roots,
    graph: &View<'_>,
    query: &Query<'_, S::T>,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let n_items = roots.n_items;
    let is_all = |search_k: u64| search_k >= n_items as u64;
    if wanted.n > MOST_WANTED && !wanted.search_k.is_some_and(is_all) {
        return search::search(space, nodes, roots, query, wanted, filter);
    }
    let usual = || WALKED.saturating_mul((wanted.n as u64).div_ceil(10).max(1));
    let search_k = wanted.search_k.unwrap_or_else(usual);
    let at_most = filter.at_most(n_items);
    if is_all(search_k) || !F::ALL && (at_most as u64) < search_k {
        return search::exact(space, nodes, n_items, query, wanted, filter);
    }
    let n = wanted.n;
    let breadth = Breadth {
        keep: match graph.coder.projector {
            None => n.saturating_mul(MEASURED),
            Some(_) => {
                let more = (search_k / MEASURED_SHARE).min(MOST_MEASURED) as usize;
                n.saturating_add(n / 2).saturating_add(more)
            }
        },
        search_k,
    };
    // A walk passes n_items / at_most items for each that is accepted, and what it passes lies far apart.
    let walked = u128::from(search_k) * SCANNED_FOR_WALKED * n_items as u128;
    let is_scan = search_k > 0 && (at_most as u128).pow(2) < walked;
    let asked = Asked {
        space,
        nodes,
        roots,
        graph,
        query,
        breadth,
        filter,
    };
    with_scratch(|scratch| {
        cover_items(&mut scratch.marks, n_items)?;
        scratch.walk.begin(space, graph, query.row)?;
        if is_scan {
            let is_there = |id| nodes.get(id).n_descendants() == 1;
            let ids = accepted(filter, n_items);
            scratch.walk.scan(graph, ids, breadth.keep, is_there)?;
        } else {
            asked.walk(scratch)?;
        }
        let Scratch {
            candidates,
            best,
            walk,
            ..
        } = scratch;
        let keep = breadth.keep.min(n_items);
        reserve(candidates, keep)?;
        candidates.extend(walk.found().take(keep));
        search::nearest(space, nodes, query, wanted, candidates, best)
    })
}

/// What a walk needs to know.
struct Asked<'a, S: Space, F> {
    space: &'a S,
    nodes: &'a Nodes<'a>,
    roots: &'a Roots,
    graph: &'a View<'a>,
    query: &'a Query<'a, S::T>,
    breadth: Breadth,
    filter: &'a F,
}

impl<S: Space, F: Filter> Asked<'_, S, F> {
    /// Walks; leaves no candidates.
    fn walk(&self, scratch: &mut Scratch) -> Result<()> {
        let (graph, breadth) = (self.graph, self.breadth);
        let Scratch {
            walk,
            marks,
            candidates,
            paths,
            ..
        } = scratch;
        let share = (breadth.search_k / ENTRIES_SHARE).clamp(ENTRIES[0], ENTRIES[1]);
        let n = share.min(breadth.search_k) as usize;
        let (nodes, roots) = (self.nodes, self.roots);
        let n_starts = graph.routes.starts.len() / 4;
        if n_starts > 0 {
            paths.clear();
            walk.follow(graph, nodes.count(), paths)?;
            for &id in &*paths {
                prefetch(nodes.get(id).bytes());
            }
            for &id in &*paths {
                take(nodes, roots, id, n.div_ceil(n_starts), candidates)?;
            }
        } else if graph.entries.is_empty() {
            items_near(self.space, nodes, roots, self.query, n, paths, candidates)?;
        } else if n > 0 {
            walk.enter(graph, n.min(ENTERED), candidates)?;
        }
        let is_stuck = walk.walk(graph, candidates, breadth, self.filter, marks)?;
        candidates.clear();
        if is_stuck {
            self.start_elsewhere(scratch)?;
            scratch.clear_candidates();
        }
        Ok(())
    }

    /// Looks for more where the forest names some: somewhere else there may be nearer ones.
    fn start_elsewhere(&self, scratch: &mut Scratch) -> Result<()> {
        let (graph, breadth) = (self.graph, self.breadth);
        let mut walk = std::mem::take(&mut scratch.walk);
        walk.lift(&mut scratch.marks);
        let result = if !F::ALL && (S::BY_PRODUCT || walk.found().count() < breadth.keep) {
            // What is accepted may lie so far from the query that no way leads to it.
            self.collect_others(&walk, scratch).and_then(|()| {
                let ids = scratch.candidates.iter().copied();
                walk.scan(graph, ids, breadth.keep, |_| true)
            })
        } else {
            let n = match F::ALL {
                true => breadth.search_k / ELSEWHERE_SHARE,
                false => breadth.search_k.saturating_sub(walk.looked_at()),
            };
            self.collect(n, &All, scratch).and_then(|()| {
                let Scratch {
                    candidates, marks, ..
                } = scratch;
                for &id in &*candidates {
                    marks[id / 64] = 0;
                }
                walk.lay(marks);
                walk.walk(graph, candidates, breadth, self.filter, marks)
                    .map(|_| ())
            })
        };
        scratch.walk = walk;
        result
    }

    /// Collects what the filter accepts of the items that a walk did not meet, as many as it should have looked at.
    fn collect_others(&self, walk: &Walk, scratch: &mut Scratch) -> Result<()> {
        let mut met = std::mem::take(&mut scratch.met);
        let result = cover_items(&mut met, self.roots.n_items).and_then(|()| {
            walk.lay(&mut met);
            let others = Others {
                filter: self.filter,
                met: &met,
            };
            let left = self.breadth.search_k.saturating_sub(walk.looked_at());
            let result = self.collect(left, &others, scratch);
            walk.lift(&mut met);
            result
        });
        scratch.met = met;
        result
    }

    /// Collects `n` candidates from the forest.
    fn collect(&self, n: u64, filter: &impl Filter, scratch: &mut Scratch) -> Result<()> {
        let (nodes, roots) = (self.nodes, self.roots);
        search::collect(self.space, nodes, roots, self.query, n, filter, scratch)
    }
}
