//! The build asks itself: whether codes tell near items apart, and what share of the nearest a
//! search will find. Both are tried with some of the items, whose nearest are found by looking at
//! all.

use super::lists::{Near, NeighborLists};
use crate::error::{reserve, Result};
use crate::forest::roots::Roots;
use crate::graph::quantize::points::Points;
use crate::graph::quantize::scale::spread;
use crate::graph::quantize::vectors::{GraphQuery, Source, Vectors};
use crate::graph::quantize::Coded;
use crate::graph::threads::{Team, TAKEN};
use crate::graph::{search, GraphBytes};
use crate::kernel::{Isa, Measure};
use crate::memory;
use crate::query::filter::Without;
use crate::query::{Neighbor, Wanted};

/// Items that it is tried with.
const PROBES: usize = 64;

/// Nearest that are looked for.
pub const NEAREST: usize = 10;

/// How many of the nearest by codes these are looked for among. Fewer than a search measures by
/// their vectors; short codes tell less, so more.
const AMONG: [usize; 2] = [20, 40];

/// How many of a thousand must be there.
const LEAST_FOUND: usize = 980;

/// Where the nearest by codes are no farther than so many times what coding alone makes of equal
/// vectors, they may be any.
const NOISE: u64 = 4;

/// When so many of a thousand items lie so near to each other, it is tried with them as well, and
/// less is enough: they are the worst.
const LEAST_NEAR: usize = 2;
const LEAST_FOUND_NEAR: usize = 900;

/// A search that is tried.
type Search<'a> = dyn Fn(&dyn GraphQuery, Wanted, &Without) -> Result<Vec<Neighbor>> + 'a;

/// Some items, and their nearest by their vectors.
pub struct Trial {
    probes: Vec<u32>,
    nearest: NeighborLists,
}

impl Trial {
    /// With items from all over the place.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`], [`crate::Error::Cancelled`].
    pub fn new(source: &Source<'_>, n_items: usize, team: &Team<'_, '_>) -> Result<Self> {
        let probe = |id: usize| source.takes_part(id).then_some(id as u32);
        let step = n_items.div_ceil(PROBES);
        Trial::with(
            source,
            n_items,
            memory::collect(spread(n_items, step, probe))?,
            team,
        )
    }

    /// With these items.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(
        source: &Source<'_>,
        n_items: usize,
        probes: Vec<u32>,
        team: &Team<'_, '_>,
    ) -> Result<Self> {
        let vectors = Vectors::of(source, n_items);
        let from = memory::collect(probes.iter().map(|&probe| vectors.get(probe)))?;
        let nearest = nearest(source, &vectors, &probes, &from, NEAREST, team)?;
        Ok(Trial { probes, nearest })
    }

    /// How many of the nearest are known, and those among others that are no farther than the
    /// farthest of them.
    fn count(
        &self,
        source: &Source<'_>,
        n_items: usize,
        found: &dyn Fn(usize, &mut Vec<u32>) -> Result<()>,
    ) -> Result<[usize; 2]> {
        let vectors = Vectors::of(source, n_items);
        let (mut all, mut right) = (0, 0);
        let (mut ids, mut distances) = (Vec::new(), Vec::new());
        for (at, &probe) in self.probes.iter().enumerate() {
            let (wanted, farthest) = self
                .nearest
                .of(at as u32)
                .fold((0, 0), |(n, _), near| (n + 1, near.distance()));
            ids.clear();
            found(at, &mut ids)?;
            ids.retain(|&id| id != probe);
            distances.clear();
            reserve(&mut distances, ids.len())?;
            distances.resize(ids.len(), 0);
            vectors.distances(vectors.get(probe), &ids, &mut distances);
            let near = distances.iter().filter(|&&distance| distance <= farthest);
            all += wanted;
            right += near.count().min(wanted);
        }
        Ok([right, all])
    }

    /// Whether the nearest are among the nearest by codes.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn tells_apart(
        &self,
        source: &Source<'_>,
        codes: &GraphBytes<'_>,
        isa: Isa,
        team: &Team<'_, '_>,
    ) -> Result<bool> {
        self.finds_by_codes(source, codes, isa, LEAST_FOUND, team)
    }

    fn finds_by_codes(
        &self,
        source: &Source<'_>,
        graph: &GraphBytes<'_>,
        isa: Isa,
        least: usize,
        team: &Team<'_, '_>,
    ) -> Result<bool> {
        let view = graph.view(isa, source.space.measure());
        let stride = view.codes.rows.row_bytes();
        let mut rows = Vec::new();
        reserve(&mut rows, self.probes.len() * stride)?;
        rows.resize(self.probes.len() * stride, 0);
        let mut room = Vec::new();
        for (&probe, to) in self.probes.iter().zip(rows.chunks_exact_mut(stride)) {
            source
                .space
                .query_from(&source.nodes, probe, &mut |query| {
                    query.encode(&view.coder, &mut room, to)
                })?;
        }
        let from = memory::collect(rows.chunks_exact(stride).map(Coded::query))?;
        let among = AMONG[usize::from(view.coder.projector.is_some())];
        let by_codes = nearest(source, &view.codes, &self.probes, &from, among, team)?;
        let n_items = view.codes.rows.count();
        let [right, all] = self.count(source, n_items, &|at, ids| {
            reserve(ids, among)?;
            ids.extend(by_codes.of(at as u32).map(Near::id));
            Ok(())
        })?;
        Ok(right * 1000 >= all * least)
    }

    /// Whether codes tell apart those items too whose lists, by codes, hold nothing that is farther
    /// than what coding makes of equal vectors. There may be too few of them for
    /// [`tells_apart`](Self::tells_apart) to come upon, and yet they may be all that a user looks
    /// for.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn tells_near_apart(
        source: &Source<'_>,
        codes: &GraphBytes<'_>,
        lists: &NeighborLists,
        isa: Isa,
        team: &Team<'_, '_>,
    ) -> Result<bool> {
        let numbers = codes.header.numbers_of_code() as u64;
        // The error of one number is spread evenly over a step.
        let noise = match source.space.measure() {
            _ if source.space.by_product() => return Ok(true),
            Measure::Squares => numbers / 6,
            Measure::Differences => numbers / 3,
            Measure::Bits => return Ok(true),
        };
        let n_items = codes.header.n_items();
        let is_near = |id: usize| {
            let tenth = lists.of(id as u32).nth(NEAREST - 1)?;
            (u64::from(tenth.distance()) <= NOISE * noise).then_some(id as u32)
        };
        let n_near = (0..n_items).filter_map(is_near).count();
        if n_near == 0 || n_near * 1000 < n_items * LEAST_NEAR {
            return Ok(true);
        }
        let step = n_near.div_ceil(PROBES);
        let probes = memory::collect((0..n_items).filter_map(is_near).step_by(step))?;
        let trial = Trial::with(source, n_items, probes, team)?;
        trial.finds_by_codes(source, codes, isa, LEAST_FOUND_NEAR, team)
    }

    /// The share of the nearest that a search of the graph finds, looking at as many items as is
    /// usual, if the item it starts from is not there.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn recall(
        &self,
        source: &Source<'_>,
        roots: &Roots,
        graph: &GraphBytes<'_>,
        isa: Isa,
    ) -> Result<f64> {
        let view = graph.view(isa, source.space.measure());
        self.recall_of(source, roots.n_items, &|query, wanted, without| {
            let wanted = Wanted {
                search_k: Some(search::DEFAULT_SEARCH_K),
                ..wanted
            };
            search::search(query, roots, &view, wanted, without)
        })
    }

    /// The share of the nearest that a search finds.
    ///
    /// # Errors
    /// As [`new`](Self::new); those of `search`.
    pub fn recall_of(
        &self,
        source: &Source<'_>,
        n_items: usize,
        search: &Search<'_>,
    ) -> Result<f64> {
        let wanted = Wanted {
            // One more, as a search that looks at all finds the item itself.
            n: NEAREST + 1,
            search_k: None,
            max_distance: None,
        };
        let [right, all] = self.count(source, n_items, &|at, ids| {
            let probe = self.probes[at];
            source.space.query_from(&source.nodes, probe, &mut |query| {
                let found = search(query, wanted, &Without(probe as usize))?;
                reserve(ids, found.len())?;
                ids.extend(found.iter().map(|one| one.id as u32));
                Ok(())
            })
        })?;
        // Where nothing is to be found all of it is.
        Ok(if all == 0 {
            1.0
        } else {
            right as f64 / all as f64
        })
    }
}

/// The `n` nearest items of each probe, which is compared as `from` and is not its own neighbour.
fn nearest<'p, P: Points>(
    source: &Source<'_>,
    points: &'p P,
    probes: &[u32],
    from: &[P::From<'p>],
    n: usize,
    team: &Team<'_, '_>,
) -> Result<NeighborLists>
where
    P::From<'p>: Sync,
{
    let lists = NeighborLists::new(probes.len(), n)?;
    team.parts(points.count(), TAKEN, |range| {
        let ids = range.filter(|&id| source.takes_part(id));
        let ids = memory::collect(ids.map(|id| id as u32))?;
        let mut distances = memory::filled(0, ids.len())?;
        for (at, (&probe, &from)) in probes.iter().zip(from).enumerate() {
            points.distances(from, &ids, &mut distances);
            let last = lists.last(at as u32);
            for (&id, &distance) in ids.iter().zip(&distances) {
                let near = Near::new(distance, id);
                if near < last && id != probe {
                    lists.offer(at as u32, near);
                }
            }
        }
        Ok(())
    })?;
    Ok(lists)
}
