//! A search of the graph.
//!
//! ```text
//! exact search, if search_k or the filter leaves no more items than that compares
//! code = quantize(query)
//! entry points = items in the leaves that the trees' routes lead to, or the nearest stored ones
//! beam search from there; restart from the forest's candidates if it got stuck
//! results = re-rank the candidates by their vectors
//! ```
//!
//! - [`entry`]: the query's code and the entry points.
//! - [`beam_search`], [`beam`]: the search and its beam.
//! - [`ending`]: where it ends.
//! - [`compared`]: items compared with the query, by codes or by vectors.

mod beam;
mod beam_search;
mod compared;
mod ending;
mod entry;
mod scratch;

use super::format::view::GraphView;
use super::quantize::vectors::GraphQuery;
use super::LOW_RECALL;
use crate::error::{reserve, Result};
use crate::forest;
use crate::forest::descend::{items_near, take};
use crate::forest::roots::Roots;
use crate::forest::trees::Trees;
use crate::kernel::prefetch;
use crate::memory::{self, reserve_heap};
use crate::query::filter::{accepted, perhaps, All, Filter, Unmet};
use crate::query::scratch::{cover_items, Shelves};
use crate::query::{exact, nearest, Best, Neighbor, Wanted};
use beam_search::{BeamSearch, Budget, Outcome, SCANNED_FOR_VISITED};
use compared::{ByCodes, ByVectors, ComparedItems};
use ending::Ending;
use entry::EntryPoints;
use scratch::Scratch;

/// Entry points from the trees: one for each [`SEARCH_K_PER_ENTRY`] of `search_k`, within these
/// limits. They come from several trees, as in clustered data neighbours lead to no other cluster.
const ENTRIES: [u64; 2] = [40, 100];
const SEARCH_K_PER_ENTRY: u64 = 5;

/// At most one of so many distances is an entry point's. More would leave too few for the search,
/// and a larger `search_k` could then find less.
const LEAST_PER_ENTRY: u64 = 2;

/// The default `search_k` for each ten results, in a graph that passed its trial.
pub const DEFAULT_SEARCH_K: u64 = 3000;

/// A graph whose trial had less recall than this takes four times the default; one below
/// [`LOW_RECALL`] twice.
const VERY_LOW_RECALL: f64 = 0.6;

/// A search that got stuck restarts from one candidate of the forest for so many of `search_k`.
const SEARCH_K_PER_RESTART: u64 = 8;

/// Entry points of a graph that has stored some.
const ENTERED: usize = 8;

/// Candidates re-ranked for each result, as codes do not tell near items apart.
const RERANKED: usize = 2;

/// With short codes, which tell less: half as many again as results, and one more for so many of
/// `search_k`.
const SEARCH_K_PER_RERANKED: u64 = 20;
const MOST_RERANKED: u64 = 2000;

/// Codes that a scan compares in the time a search visits one item, where a filter accepts few.
const SCANNED_FOR_SEARCHED: usize = 2;

/// Re-ranking ends when so many candidates in a row were not among the nearest: half of those
/// re-ranked before, or with a filter all.
const IDLE: [usize; 2] = [2, 1];

/// With more results than this the beam is slow to keep sorted. Exact search is then taken when it
/// compares no more than so many items for each that the search would.
const MANY_WANTED: usize = 2000;
const ALL_FOR_SEARCHED: u64 = 2;

/// As [`forest::search::search`], over the graph. `search_k` is about the number of distances that
/// the beam search computes.
///
/// If that is all items, or the filter is known to accept fewer, the search is exact. If the filter
/// is known to accept so few that a search would take longer, the codes of all those are compared.
///
/// # Errors
/// As [`forest::search::search`], also for what the graph names.
pub fn search<F: Filter>(
    query: &dyn GraphQuery,
    roots: &Roots,
    graph: &GraphView<'_>,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let (n, n_items) = (wanted.n, roots.n_items);
    if wanted.search_k == Some(0) {
        // Not even null items.
        return Ok(Vec::new());
    }
    let Some(search) = GraphSearch::new(query, roots, graph, wanted, filter) else {
        return exact(query, n_items, wanted, filter);
    };
    SHELVES.lend(|scratch| {
        let forest = &mut scratch.forest;
        cover_items(&mut forest.marks, n_items)?;
        if query.is_null_query() {
            // Equally far from all items.
            let there = accepted(filter, n_items).filter(|&id| search.is_there(id));
            reserve(&mut forest.candidates, n.min(n_items))?;
            forest.candidates.extend(there.take(n));
            return nearest(query, wanted, &forest.candidates, &mut forest.best);
        }
        search.find(scratch)?;
        search.rerank(wanted, scratch)
    })
}

/// The ids of the nearest items by what the graph compares, without re-ranking: about the nearest,
/// in about their order, in less time. The query is not null.
///
/// # Errors
/// As [`search`].
pub fn search_compared<F: Filter>(
    query: &dyn GraphQuery,
    roots: &Roots,
    graph: &GraphView<'_>,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<usize>> {
    let Some(search) = GraphSearch::new(query, roots, graph, wanted, filter) else {
        let found = exact(query, roots.n_items, wanted, filter)?;
        return memory::collect(found.iter().map(|one| one.id as usize));
    };
    SHELVES.lend(|scratch| {
        cover_items(&mut scratch.forest.marks, roots.n_items)?;
        search.find(scratch)?;
        let all = 0..scratch.beam.n_candidates();
        let is_wanted = |id| search.is_wanted(id, filter);
        let found = scratch.beam.found(all, &is_wanted);
        memory::collect(found.filter(|&id| search.is_reachable(id)).take(wanted.n))
    })
}

static SHELVES: Shelves<Scratch> = Shelves::new();

/// The default `search_k` for each ten results, by the recall that the trial found.
pub fn default_search_k(recall: Option<f64>) -> u64 {
    match recall {
        Some(recall) if recall < VERY_LOW_RECALL => 4 * DEFAULT_SEARCH_K,
        Some(recall) if recall < LOW_RECALL => 2 * DEFAULT_SEARCH_K,
        _ => DEFAULT_SEARCH_K,
    }
}

/// One search.
struct GraphSearch<'a, F> {
    query: &'a dyn GraphQuery,
    roots: &'a Roots,
    graph: &'a GraphView<'a>,
    budget: Budget,
    filter: &'a F,
    /// Whether the graph lists null items.
    has_null: bool,
    /// Whether to compare the codes of all accepted items, without a beam search.
    is_scan: bool,
}

impl<'a, F: Filter> GraphSearch<'a, F> {
    /// None where the search is to be exact.
    fn new(
        query: &'a dyn GraphQuery,
        roots: &'a Roots,
        graph: &'a GraphView<'a>,
        wanted: Wanted,
        filter: &'a F,
    ) -> Option<Self> {
        let (n, n_items) = (wanted.n, roots.n_items);
        let by_default =
            || default_search_k(graph.recall).saturating_mul((n as u64).div_ceil(10).max(1));
        let search_k = wanted.search_k.unwrap_or_else(by_default);
        let all_for = if n > MANY_WANTED { ALL_FOR_SEARCHED } else { 1 };
        let is_all = search_k.saturating_mul(all_for) >= n_items as u64;
        let at_most = filter.at_most(n_items);
        if is_all || !F::ALL && (at_most as u64) < search_k {
            return None;
        }
        let keep = match graph.coder.projector {
            None => n.saturating_mul(RERANKED),
            Some(_) => {
                let more = (search_k / SEARCH_K_PER_RERANKED).min(MOST_RERANKED) as usize;
                n.saturating_add(n / 2).saturating_add(more)
            }
        };
        // A search visits n_items / at_most items for each that is accepted, and they lie far apart
        // in memory.
        let searched = u128::from(search_k) * (SCANNED_FOR_SEARCHED * n_items) as u128;
        Some(GraphSearch {
            query,
            roots,
            graph,
            budget: Budget {
                wanted: n,
                keep,
                search_k,
            },
            filter,
            has_null: graph.null().next().is_some(),
            is_scan: (at_most as u128).pow(2) < searched,
        })
    }

    /// Finds candidates.
    fn find(&self, scratch: &mut Scratch) -> Result<()> {
        scratch.beam.begin();
        let mut start = std::mem::take(&mut scratch.start);
        let found = match self.graph.by_vectors {
            true => {
                let items = ByVectors {
                    query: self.query,
                    n_items: self.roots.n_items,
                };
                let started = self.start(&mut start, scratch);
                started.and_then(|()| self.explore(&items, scratch))
            }
            false => start
                .encode(self.query, self.graph)
                .and_then(|()| self.start(&mut start, scratch))
                .and_then(|()| {
                    let items = ByCodes {
                        codes: self.graph.codes,
                        query: start.query(),
                        ending: Ending::new(self.budget, self.graph, self.query.by_product()),
                    };
                    self.explore(&items, scratch)
                }),
        };
        scratch.start = start;
        found
    }

    /// Re-ranks the candidates by their vectors. Codes do not tell near items apart, least of all
    /// where many are about equally near, so it goes on, in the order of the codes, while it finds
    /// results.
    fn rerank(&self, wanted: Wanted, scratch: &mut Scratch) -> Result<Vec<Neighbor>> {
        let n = wanted.n.min(self.roots.n_items);
        let Scratch { beam, forest, .. } = scratch;
        let (candidates, best) = (&mut forest.candidates, &mut forest.best);
        let n_candidates = beam.n_candidates();
        reserve_heap(best, n)?;
        // Without a filter only a damaged file leads to items that are not reachable.
        let is_sound = F::ALL && !self.has_null;
        let idle = IDLE[usize::from(!F::ALL)];
        let kept = match self.is_scan {
            true => self.budget.beam_width::<F>(self.roots.n_items),
            false => self.budget.keep,
        };
        let (mut at, mut size) = (0, kept.max(1));
        // How many were re-ranked, and how many of them since the last that was a result.
        let (mut n_reranked, mut n_idle) = (0, 0);
        let is_all = beam.is_around();
        while at < n_candidates && (is_all || n_idle < n.max(n_reranked / idle).max(1)) {
            let end = n_candidates.min(at.saturating_add(size));
            candidates.clear();
            reserve(candidates, end - at)?;
            // Null items have their turn below, and the filter is asked about them then.
            let is_wanted = |id| self.is_wanted(id, self.filter);
            let found = beam.found(at..end, &is_wanted);
            candidates.extend(found.filter(|&id| is_sound || self.is_reachable(id)));
            match self.query.rank(wanted, candidates, best) {
                0 if at > 0 => n_idle += candidates.len(),
                _ => {
                    n_reranked += n_idle + candidates.len();
                    n_idle = 0;
                }
            }
            at = end;
            size = n.max(n_reranked / idle).max(1);
        }
        if self.may_be_null(wanted, best) {
            candidates.clear();
            reserve(candidates, n)?;
            let is_null = |id: usize| self.is_there(id) && !self.is_reachable(id);
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

    /// Whether it is an item with neighbours. In a graph that lists no null items, those have them
    /// too.
    fn is_reachable(&self, id: usize) -> bool {
        self.is_there(id) && !(self.has_null && self.query.is_null(id))
    }

    /// Whether a filter accepts a reachable item. It is not asked about others, whose turn comes
    /// later.
    fn is_wanted(&self, id: usize, filter: &impl Filter) -> bool {
        match self.has_null {
            true => self.is_reachable(id) && filter.accepts(id),
            // The filter first: it seldom waits for memory.
            false => filter.accepts(id) && self.is_there(id),
        }
    }

    /// Whether null items may be among the nearest.
    fn may_be_null(&self, wanted: Wanted, best: &Best) -> bool {
        let Some(one) = self.graph.null().next() else {
            return false;
        };
        let distance = self.query.distance(one);
        best.len() < wanted.n || best.peek().is_some_and(|worst| worst.0 >= distance)
    }

    /// Fills the candidates with entry points.
    fn start(&self, start: &mut EntryPoints, scratch: &mut Scratch) -> Result<()> {
        if self.is_scan {
            return Ok(());
        }
        let (graph, search_k) = (self.graph, self.budget.search_k);
        let (candidates, paths) = (&mut scratch.forest.candidates, &mut scratch.paths);
        let share = (search_k / SEARCH_K_PER_ENTRY).clamp(ENTRIES[0], ENTRIES[1]);
        // Few enough to leave something to search for.
        let n = share.min(search_k.div_ceil(LEAST_PER_ENTRY)) as usize;
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
                take(self.query, &trees, id, n.div_ceil(n_starts), candidates)?;
            }
        } else if graph.entries.is_empty() {
            items_near(self.query, roots, n, paths, candidates)?;
        } else if n > 0 {
            // Only the nearest, where more would leave nothing to search for.
            let n = if n < ENTERED { 1 } else { ENTERED };
            start.enter(graph, n, candidates)?;
        }
        self.drop_null(candidates, &mut []);
        Ok(())
    }

    /// Drops candidates that are not reachable, and their marks.
    fn drop_null(&self, candidates: &mut Vec<usize>, marks: &mut [u64]) {
        if !self.has_null {
            return;
        }
        candidates.retain(|&id| {
            let is_kept = self.is_reachable(id);
            if let Some(word) = marks.get_mut(id / 64).filter(|_| !is_kept) {
                *word = 0;
            }
            is_kept
        });
    }

    /// Searches from the candidates, or compares all accepted items. Leaves no candidates.
    fn explore(&self, items: &impl ComparedItems, scratch: &mut Scratch) -> Result<()> {
        let Scratch { beam, forest, .. } = scratch;
        let (marks, candidates) = (&mut forest.marks, &mut forest.candidates);
        let (graph, budget, filter) = (self.graph, self.budget, self.filter);
        if self.is_scan {
            let may_be = |id: &usize| !self.has_null || self.is_reachable(*id);
            let ids = perhaps(filter, 0..self.roots.n_items).filter(may_be);
            for id in ids.filter(|&id| filter.accepts(id)) {
                reserve(candidates, 1)?;
                candidates.push(id);
            }
            let ids = candidates.iter().copied();
            beam.scan(items, ids.clone())?;
            let nearest = 0..budget.keep.saturating_mul(2);
            if !beam
                .found(nearest, &|_| true)
                .all(|id| self.is_reachable(id))
            {
                // Missing items are in the way. Looking at each node, not its code alone, takes
                // longer.
                beam.begin();
                beam.scan(items, ids.filter(|&id| self.is_reachable(id)))?;
            }
            candidates.clear();
            return Ok(());
        }
        if let Some(id) = filter.left_out() {
            beam.leave_out(id, marks)?;
        }
        let searched = beam.run(items, graph, candidates, budget, filter, marks);
        candidates.clear();
        match searched? {
            Outcome::Found => Ok(()),
            Outcome::Costly => self.scan_others(items, scratch),
            Outcome::Stuck if !F::ALL && self.is_quick(beam) => self.scan_others(items, scratch),
            Outcome::Stuck => {
                let searched = self.restart(items, scratch);
                scratch.forest.clear_candidates();
                match searched? {
                    Outcome::Costly => {
                        // Some went with those of the candidates.
                        scratch.beam.mark_again(&mut scratch.forest.marks);
                        self.scan_others(items, scratch)
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whether comparing all items takes no longer than the search did, or than taking `search_k`
    /// candidates from the forest.
    fn is_quick(&self, beam: &BeamSearch) -> bool {
        let n = self.budget.search_k.max(beam.n_visited() as u64);
        self.roots.n_items as u64 <= n.saturating_mul(SCANNED_FOR_VISITED as u64)
    }

    /// Compares all accepted items that were not visited.
    fn scan_others(&self, items: &impl ComparedItems, scratch: &mut Scratch) -> Result<()> {
        let unmet = Unmet {
            filter: self.filter,
            met: &scratch.forest.marks,
        };
        let n_items = self.roots.n_items;
        let keep = self.budget.beam_width::<F>(n_items);
        let is_wanted = |id| self.is_wanted(id, &unmet);
        scratch
            .beam
            .scan_wanted(items, perhaps(&unmet, 0..n_items), keep, is_wanted)
    }

    /// Searches again from the forest's candidates: there may be nearer items elsewhere.
    fn restart(&self, items: &impl ComparedItems, scratch: &mut Scratch) -> Result<Outcome> {
        let (graph, budget) = (self.graph, self.budget);
        let mut beam = std::mem::take(&mut scratch.beam);
        beam.unmark(&mut scratch.forest.marks);
        let result = if !F::ALL && (self.query.by_product() || beam.n_kept() < budget.keep) {
            // Accepted items may lie so far from the query that no way leads to them.
            self.collect_others(&beam, scratch).and_then(|()| {
                let ids = scratch.forest.candidates.iter().copied();
                beam.scan(items, ids)?;
                Ok(Outcome::Found)
            })
        } else {
            let n = match F::ALL {
                true => budget.search_k / SEARCH_K_PER_RESTART,
                false => budget.search_k.saturating_sub(beam.n_compared()),
            };
            self.collect(n, &All, scratch).and_then(|()| {
                let forest = &mut scratch.forest;
                let (candidates, marks) = (&mut forest.candidates, &mut forest.marks);
                for &id in &*candidates {
                    marks[id / 64] = 0;
                }
                self.drop_null(candidates, marks);
                beam.mark_again(marks);
                beam.run(items, graph, candidates, budget, self.filter, marks)
            })
        };
        scratch.beam = beam;
        result
    }

    /// Collects accepted items that were not visited, as many as `search_k` has left.
    fn collect_others(&self, beam: &BeamSearch, scratch: &mut Scratch) -> Result<()> {
        let mut met = std::mem::take(&mut scratch.met);
        let result = cover_items(&mut met, self.roots.n_items).and_then(|()| {
            beam.mark_again(&mut met);
            let others = Unmet {
                filter: self.filter,
                met: &met,
            };
            let wanted = Wanting {
                search: self,
                filter: &others,
            };
            let left = self.budget.search_k.saturating_sub(beam.n_compared());
            let result = self.collect(left, &wanted, scratch);
            beam.unmark(&mut met);
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

/// A filter's accepted items that are reachable.
struct Wanting<'a, 'b, F, G> {
    search: &'a GraphSearch<'b, F>,
    filter: &'a G,
}

impl<F: Filter, G: Filter> Filter for Wanting<'_, '_, F, G> {
    fn accepts(&self, id: usize) -> bool {
        (!self.search.has_null || self.search.is_reachable(id)) && self.filter.accepts(id)
    }

    fn perhaps(&self, word: usize) -> u64 {
        self.filter.perhaps(word)
    }
}
