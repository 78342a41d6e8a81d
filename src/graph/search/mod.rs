//! A search by the graph: where a walk starts, how far it goes, and what is measured in the end.

mod beam;
mod beam_search;
mod entry;
mod scratch;

use super::format::view::View;
use super::quantize::vectors::GraphQuery;
use super::LOW_RECALL;
use crate::error::{reserve, Result};
use crate::forest;
use crate::forest::descend::{items_near, take};
use crate::forest::roots::Roots;
use crate::forest::trees::Trees;
use crate::kernel::prefetch;
use crate::memory::reserve_heap;
use crate::query::filter::{accepted, perhaps, All, Filter, Unmet};
use crate::query::scratch::{cover_items, Shelves};
use crate::query::{exact, nearest, Best, Neighbor, Wanted};
use beam_search::{Breadth, ByCodes, ByVectors, End, Target, Walk, SCANNED_FOR_MET};
use entry::Start;
use scratch::Scratch;

/// Items that the trees name for a walk to start from, at the least and at the most; between them one for each
/// [`ENTRIES_SHARE`] looked at. From several trees: the neighbours of clustered items lead to no other cluster.
const ENTRIES: [u64; 2] = [40, 100];
const ENTRIES_SHARE: u64 = 5;

/// No more than one of so many that are looked at is one to start from. Higher, and there would be more to start from
/// where more is found already, which may find less.
const STARTED_SHARE: u64 = 2;

/// Items a walk looks at for each ten that are wanted, when nothing is said and the graph was found to be good.
pub const WALKED: u64 = 3000;

/// Where a graph found a smaller share of the nearest four times as many are looked at; below [`LOW_RECALL`] twice.
const VERY_LOW_RECALL: f64 = 0.6;

/// A walk that ended early goes on from one candidate of the forest's for so many that it was to look at.
const ELSEWHERE_SHARE: u64 = 8;

/// Items that a walk starts from where the graph has items for that.
const ENTERED: usize = 8;

/// Items measured by their vectors for each that is wanted, as codes do not tell near ones apart.
const MEASURED: usize = 2;

/// Where codes were made short and tell less, and vectors are long: half as many again as are wanted, and one more for
/// so many looked at.
const MEASURED_SHARE: u64 = 20;
const MOST_MEASURED: u64 = 2000;

/// Where a filter is known to accept few, items whose codes are looked at in a row while a walk looks at one.
const SCANNED_FOR_WALKED: usize = 2;

/// What was met is measured until none of so many was among the nearest: of those measured before, the half, or with a
/// filter all.
const IDLE: [usize; 2] = [2, 1];

/// When more are wanted, all items are looked at if there are no more than so many for each that a walk would look at:
/// what it found is kept in order, which takes its time then.
const MANY_WANTED: usize = 2000;
const ALL_FOR_WALKED: u64 = 2;

/// As [`forest::search::search`], by walking the graph: `search_k` is about the number of items the walk looks at.
///
/// Where that is all there are, or a filter is known to accept fewer, all are looked at. Where it is known to accept so
/// few that a walk to them would take longer, the codes of all of those are looked at.
///
/// # Errors
/// As [`forest::search::search`], also for what the graph names.
pub fn search<F: Filter>(
    query: &dyn GraphQuery,
    roots: &Roots,
    graph: &View<'_>,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let (n, n_items) = (wanted.n, roots.n_items);
    let by_default = || usual(graph.recall).saturating_mul((n as u64).div_ceil(10).max(1));
    let search_k = wanted.search_k.unwrap_or_else(by_default);
    if search_k == 0 {
        // Not even what no walk comes to.
        return Ok(Vec::new());
    }
    let all_for = if n > MANY_WANTED { ALL_FOR_WALKED } else { 1 };
    let is_all = search_k.saturating_mul(all_for) >= n_items as u64;
    let at_most = filter.at_most(n_items);
    if is_all || !F::ALL && (at_most as u64) < search_k {
        return exact(query, n_items, wanted, filter);
    }
    let keep = match graph.coder.projector {
        None => n.saturating_mul(MEASURED),
        Some(_) => {
            let more = (search_k / MEASURED_SHARE).min(MOST_MEASURED) as usize;
            n.saturating_add(n / 2).saturating_add(more)
        }
    };
    // A walk passes n_items / at_most items for each that is accepted, and what it passes lies far apart.
    let walked = u128::from(search_k) * (SCANNED_FOR_WALKED * n_items) as u128;
    let asked = Asked {
        query,
        roots,
        graph,
        breadth: Breadth {
            wanted: n,
            keep,
            search_k,
        },
        filter,
        has_null: graph.null().next().is_some(),
        is_scan: (at_most as u128).pow(2) < walked,
    };
    static SHELVES: Shelves<Scratch> = Shelves::new();
    SHELVES.lend(|scratch| {
        let forest = &mut scratch.forest;
        cover_items(&mut forest.marks, n_items)?;
        if query.is_null_query() {
            // As far from one as from any other.
            let there = accepted(filter, n_items).filter(|&id| asked.is_there(id));
            reserve(&mut forest.candidates, n.min(n_items))?;
            forest.candidates.extend(there.take(n));
            return nearest(query, wanted, &forest.candidates, &mut forest.best);
        }
        asked.find(scratch)?;
        asked.measure(wanted, scratch)
    })
}

/// Items a walk looks at for each ten that are wanted, in a graph that found this share of the nearest when it was
/// tried.
fn usual(recall: Option<f64>) -> u64 {
    match recall {
        Some(recall) if recall < VERY_LOW_RECALL => 4 * WALKED,
        Some(recall) if recall < LOW_RECALL => 2 * WALKED,
        _ => WALKED,
    }
}

/// What a walk needs to know.
struct Asked<'a, F> {
    query: &'a dyn GraphQuery,
    roots: &'a Roots,
    graph: &'a View<'a>,
    breadth: Breadth,
    filter: &'a F,
    /// Whether the graph names items that are as far from everything.
    has_null: bool,
    /// Whether all that the filter accepts are looked at, and no walk is taken.
    is_scan: bool,
}

impl<F: Filter> Asked<'_, F> {
    /// Walks, or looks at all that the filter accepts.
    fn find(&self, scratch: &mut Scratch) -> Result<()> {
        scratch.walk.begin();
        let mut start = std::mem::take(&mut scratch.start);
        let found = match self.graph.by_vectors {
            true => {
                let target = ByVectors {
                    query: self.query,
                    n_items: self.roots.n_items,
                };
                let started = self.start(&mut start, scratch);
                started.and_then(|()| self.look(&target, scratch))
            }
            false => start
                .encode(self.query, self.graph)
                .and_then(|()| self.start(&mut start, scratch))
                .and_then(|()| {
                    let target = ByCodes {
                        codes: self.graph.codes,
                        query: start.query(),
                    };
                    self.look(&target, scratch)
                }),
        };
        scratch.start = start;
        found
    }

    /// The nearest of what was met, by their vectors. Codes do not tell near ones apart, least where there are many as
    /// near as each other: it goes on, in the order of the codes, for as long as some are found that way.
    fn measure(&self, wanted: Wanted, scratch: &mut Scratch) -> Result<Vec<Neighbor>> {
        let n = wanted.n.min(self.roots.n_items);
        let Scratch { walk, forest, .. } = scratch;
        let (candidates, best) = (&mut forest.candidates, &mut forest.best);
        let n_met = walk.n_met();
        reserve_heap(best, n)?;
        // Without a filter only a damaged file leads a walk to what it cannot come to.
        let is_sound = F::ALL && !self.has_null;
        let idle = IDLE[usize::from(!F::ALL)];
        let kept = match self.is_scan {
            true => self.breadth.pool_size::<F>(self.roots.n_items),
            false => self.breadth.keep,
        };
        let (mut at, mut size) = (0, kept.max(1));
        // How many were measured, and how many since the last that was found.
        let (mut n_measured, mut n_idle) = (0, 0);
        let is_all = walk.is_around();
        while at < n_met && (is_all || n_idle < n.max(n_measured / idle).max(1)) {
            let end = n_met.min(at.saturating_add(size));
            candidates.clear();
            reserve(candidates, end - at)?;
            // Those that a walk cannot come to have their turn below, and are asked about then.
            let is_wanted = |id| self.is_wanted(id, self.filter);
            let found = walk.found(at..end, &is_wanted);
            candidates.extend(found.filter(|&id| is_sound || self.is_met(id)));
            match self.query.rank(wanted, candidates, best) {
                0 if at > 0 => n_idle += candidates.len(),
                _ => {
                    n_measured += n_idle + candidates.len();
                    n_idle = 0;
                }
            }
            at = end;
            size = n.max(n_measured / idle).max(1);
        }
        if self.may_be_null(wanted, best) {
            candidates.clear();
            reserve(candidates, n)?;
            let is_null = |id: usize| self.is_there(id) && !self.is_met(id);
            let null = self.graph.null();
            let null = null.filter(|&id| is_null(id) && self.filter.accepts(id));
            candidates.extend(null.take(n));
            self.query.rank(wanted, candidates, best);
        }
        candidates.clear();
        self.query.take(best)
    }

    fn is_there(&self, id: usize) -> bool {
        self.query.nodes().get(id).n_descendants() == 1
    }

    /// Whether it is an item that a walk may come to. In a graph that names none that are as far from everything those
    /// are like others.
    fn is_met(&self, id: usize) -> bool {
        self.is_there(id) && !(self.has_null && self.query.is_null(id))
    }

    /// Whether a filter accepts an item that a walk may come to. It is not asked about others, whose turn comes later.
    fn is_wanted(&self, id: usize, filter: &impl Filter) -> bool {
        match self.has_null {
            true => self.is_met(id) && filter.accepts(id),
            // Mostly the filter need not wait for memory.
            false => filter.accepts(id) && self.is_there(id),
        }
    }

    /// Whether items that no walk comes to may be among the nearest.
    fn may_be_null(&self, wanted: Wanted, best: &Best) -> bool {
        let Some(one) = self.graph.null().next() else {
            return false;
        };
        let distance = self.query.distance(one);
        best.len() < wanted.n || best.peek().is_some_and(|worst| worst.0 >= distance)
    }

    /// Fills the candidates with what a walk starts from.
    fn start(&self, start: &mut Start, scratch: &mut Scratch) -> Result<()> {
        if self.is_scan {
            return Ok(());
        }
        let (graph, search_k) = (self.graph, self.breadth.search_k);
        let (candidates, paths) = (&mut scratch.forest.candidates, &mut scratch.paths);
        let share = (search_k / ENTRIES_SHARE).clamp(ENTRIES[0], ENTRIES[1]);
        // Few enough to leave something to walk for.
        let n = share.min(search_k.div_ceil(STARTED_SHARE)) as usize;
        let (nodes, roots) = (self.query.nodes(), self.roots);
        let n_starts = graph.routes.starts.len() / 4;
        if n_starts > 0 {
            paths.clear();
            start.follow(graph, nodes.count(), paths)?;
            for &id in &*paths {
                prefetch(nodes.get(id).bytes());
            }
            let trees = Trees::new(nodes, roots);
            for &id in &*paths {
                take(&trees, id, n.div_ceil(n_starts), candidates)?;
            }
        } else if graph.entries.is_empty() {
            items_near(self.query, roots, n, paths, candidates)?;
        } else if n > 0 {
            // From the nearest alone, where to look at more would leave nothing to walk for.
            let n = if n < ENTERED { 1 } else { ENTERED };
            start.enter(graph, n, candidates)?;
        }
        self.drop_null(candidates, &mut []);
        Ok(())
    }

    /// Leaves no candidates that are as far from everything, nor their marks.
    fn drop_null(&self, candidates: &mut Vec<usize>, marks: &mut [u64]) {
        if !self.has_null {
            return;
        }
        candidates.retain(|&id| {
            let is_kept = self.is_met(id);
            if let Some(word) = marks.get_mut(id / 64).filter(|_| !is_kept) {
                *word = 0;
            }
            is_kept
        });
    }

    /// Walks from the candidates, or looks at all that the filter accepts; leaves no candidates.
    fn look(&self, target: &impl Target, scratch: &mut Scratch) -> Result<()> {
        let Scratch { walk, forest, .. } = scratch;
        let (marks, candidates) = (&mut forest.marks, &mut forest.candidates);
        let (graph, breadth, filter) = (self.graph, self.breadth, self.filter);
        if self.is_scan {
            let may_be = |id: &usize| !self.has_null || self.is_met(*id);
            let ids = perhaps(filter, self.roots.n_items).filter(may_be);
            for id in ids.filter(|&id| filter.accepts(id)) {
                reserve(candidates, 1)?;
                candidates.push(id);
            }
            let ids = candidates.iter().copied();
            walk.scan(target, ids.clone())?;
            let nearest = 0..breadth.keep.saturating_mul(2);
            if !walk.found(nearest, &|_| true).all(|id| self.is_met(id)) {
                // Missing items are in the way. To look at each, instead of its code alone, takes longer.
                walk.begin();
                walk.scan(target, ids.filter(|&id| self.is_met(id)))?;
            }
            candidates.clear();
            return Ok(());
        }
        if let Some(id) = filter.left_out() {
            walk.leave_out(id, marks)?;
        }
        let walked = walk.walk(target, graph, candidates, breadth, filter, marks);
        candidates.clear();
        match walked? {
            End::Found => Ok(()),
            End::Costly => self.look_at_others(target, scratch),
            End::Stuck if !F::ALL && self.is_quick(walk) => self.look_at_others(target, scratch),
            End::Stuck => {
                let walked = self.start_elsewhere(target, scratch);
                scratch.forest.clear_candidates();
                match walked? {
                    End::Costly => {
                        // Some went with those of the candidates.
                        scratch.walk.lay(&mut scratch.forest.marks);
                        self.look_at_others(target, scratch)
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whether looking at all items takes no longer than the walk did, or than asking the forest for as many as it was
    /// to look at.
    fn is_quick(&self, walk: &Walk) -> bool {
        let n = self.breadth.search_k.max(walk.n_marked() as u64);
        self.roots.n_items as u64 <= n.saturating_mul(SCANNED_FOR_MET as u64)
    }

    /// Looks at all that the filter accepts and that the walk has not met.
    fn look_at_others(&self, target: &impl Target, scratch: &mut Scratch) -> Result<()> {
        let unmet = Unmet {
            filter: self.filter,
            met: &scratch.forest.marks,
        };
        let n_items = self.roots.n_items;
        let keep = self.breadth.pool_size::<F>(n_items);
        let is_wanted = |id| self.is_wanted(id, &unmet);
        scratch
            .walk
            .scan_wanted(target, perhaps(&unmet, n_items), keep, is_wanted)
    }

    /// Looks for more where the forest names some: somewhere else there may be nearer ones.
    fn start_elsewhere(&self, target: &impl Target, scratch: &mut Scratch) -> Result<End> {
        let (graph, breadth) = (self.graph, self.breadth);
        let mut walk = std::mem::take(&mut scratch.walk);
        walk.lift(&mut scratch.forest.marks);
        let result = if !F::ALL && (self.query.by_product() || walk.n_found() < breadth.keep) {
            // What is accepted may lie so far from the query that no way leads to it.
            self.collect_others(&walk, scratch).and_then(|()| {
                let ids = scratch.forest.candidates.iter().copied();
                walk.scan(target, ids)?;
                Ok(End::Found)
            })
        } else {
            let n = match F::ALL {
                true => breadth.search_k / ELSEWHERE_SHARE,
                false => breadth.search_k.saturating_sub(walk.looked_at()),
            };
            self.collect(n, &All, scratch).and_then(|()| {
                let forest = &mut scratch.forest;
                let (candidates, marks) = (&mut forest.candidates, &mut forest.marks);
                for &id in &*candidates {
                    marks[id / 64] = 0;
                }
                self.drop_null(candidates, marks);
                walk.lay(marks);
                walk.walk(target, graph, candidates, breadth, self.filter, marks)
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
            let others = Unmet {
                filter: self.filter,
                met: &met,
            };
            let wanted = Wanting {
                asked: self,
                filter: &others,
            };
            let left = self.breadth.search_k.saturating_sub(walk.looked_at());
            let result = self.collect(left, &wanted, scratch);
            walk.lift(&mut met);
            result
        });
        scratch.met = met;
        result
    }

    /// Collects `n` candidates from the forest.
    fn collect(&self, n: u64, filter: &impl Filter, scratch: &mut Scratch) -> Result<()> {
        forest::search::collect(self.query, self.roots, n, filter, &mut scratch.forest)
    }
}

/// What a filter accepts of the items that a walk may come to.
struct Wanting<'a, 'b, F, G> {
    asked: &'a Asked<'b, F>,
    filter: &'a G,
}

impl<F: Filter, G: Filter> Filter for Wanting<'_, '_, F, G> {
    fn accepts(&self, id: usize) -> bool {
        (!self.asked.has_null || self.asked.is_met(id)) && self.filter.accepts(id)
    }

    fn perhaps(&self, word: usize) -> u64 {
        self.filter.perhaps(word)
    }
}
