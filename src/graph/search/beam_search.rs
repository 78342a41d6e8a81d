//! The beam search: SEARCH-LAYER of HNSW (Malkov and Yashunin 2018), GreedySearch of Vamana
//! (Subramanya et al. 2019), over one flat graph.
//!
//! ```text
//! beam = the nearest of the entry points, at most `beam_width`
//! visited = the entry points
//! while no more than `Budget::most` distances were computed:
//!     c = the nearest in the beam that is not expanded; none, or out of reach (`Ending`): stop
//!     mark c as expanded
//!     for each neighbour of c that is not visited:
//!         mark it as visited, compute its distance, put it into the beam
//! ```
//!
//! With a filter (`run_filtered`), refused items are expanded too, from a queue beside the beam, as
//! the way to accepted ones may lead through them. The beam holds accepted items only.

use super::beam::{put, Beam, Candidate, HeapBeam, SortedBeam};
use super::compared::ComparedItems;
use super::ending::Ending;
use crate::error::{reserve, Error, Result};
use crate::graph::format::view::GraphView;
use crate::kernel::prefetch;
use crate::memory::reserve_heap;
use crate::query::filter::{All, Filter};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The state of one search; a thread keeps its memory for the next.
#[derive(Default)]
pub struct BeamSearch {
    /// The nearest candidates, sorted.
    beam: Vec<Candidate>,
    /// With a filter: candidates that have no place in the beam, or lost it.
    spare: Vec<Candidate>,
    /// Candidates that are no nearer are not worth keeping.
    farthest_spare: Option<Candidate>,
    /// How many spare candidates are sorted; they stand before the others.
    n_sorted: usize,
    /// With a filter: the queue of items to expand, the nearest on top.
    open: BinaryHeap<Reverse<Candidate>>,
    batch: Vec<u32>,
    distances: Vec<u32>,
    /// The ids whose bits are set in the visited set.
    visited: Vec<u32>,
    /// Distances that count for `search_k`.
    n_compared: u64,
    /// Whether the filter refused more of the nearest items than the beam holds. The accepted ones
    /// then lie around those, many of them at about the same distance.
    is_around: bool,
}

/// Why a search ended.
pub enum Outcome {
    /// `search_k` is used up, or all of the beam is expanded.
    Found,
    /// All of the beam was expanded long before `search_k` was used up.
    Stuck,
    /// The filter refuses so many of the nearest items that comparing all items takes no longer.
    Costly,
}

/// Items that a scan compares in the time a beam search takes to visit one.
pub const SCANNED_FOR_VISITED: usize = 8;
/// The same where a filter refuses the nearest: the search would go all around them.
const SCANNED_AROUND: usize = 64;

/// The most spare candidates that are used.
const MOST_SPARE: usize = 4096;

/// How far a search goes.
#[derive(Clone, Copy)]
pub struct Budget {
    /// Results that the caller wants.
    pub wanted: usize,
    /// The least width of the beam.
    pub keep: usize,
    /// Distances to compute: about so many in hard data, twice as many at most. With a filter,
    /// distances of accepted items, and no more.
    pub search_k: u64,
}

/// A wider beam is a heap: inserting into a sorted one moves half of it.
const WIDEST_SORTED: u64 = 4096;

/// The beam has one place for so many of `search_k`. A search whose beam is all expanded ends
/// before `search_k` is used up, which easy queries do. The second is with a filter: the beam holds
/// accepted items only, so it is wider to end as late.
const SEARCH_K_PER_PLACE: [u64; 2] = [24, 16];

/// The same where a search ends by distance, and not when its beam is all expanded.
const SEARCH_K_PER_ROOM: u64 = 2;

/// Spare candidates sorted for each that is asked for.
const SORTED: usize = 4;

/// Items that a scan compares at a time.
const SCANNED: usize = 32;

/// Neighbours of the nearest candidate that are asked how far they are from it.
const ASKED: usize = 8;

/// The neighbour lists of candidates that enter the beam so near to its next one are prefetched.
const AHEAD: usize = 3;

impl BeamSearch {
    /// How many candidates there are for re-ranking: the beam and, with a filter, spare ones.
    pub fn n_candidates(&self) -> usize {
        self.beam.len() + self.spare.len().min(MOST_SPARE)
    }

    /// Keeps a candidate beside the beam, unless enough nearer ones are there. There is room.
    fn put_aside(&mut self, one: Candidate) {
        if self.farthest_spare.is_some_and(|farthest| one >= farthest) {
            return;
        }
        self.spare.push(one);
        if self.spare.len() >= 2 * MOST_SPARE {
            let (_, farthest, _) = self.spare.select_nth_unstable(MOST_SPARE);
            self.farthest_spare = Some(*farthest);
            self.spare.truncate(MOST_SPARE);
        }
    }

    /// The candidates in these places, nearest first. The filter, `is_wanted`, is asked about those
    /// alone that it was not asked about during the search.
    pub fn found<'b>(
        &'b mut self,
        places: Range<usize>,
        is_wanted: &'b impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = usize> + 'b {
        let wanted = places.end.saturating_sub(self.beam.len());
        if wanted > self.n_sorted {
            // Usually few are.
            let more = (SORTED * wanted).min(self.spare.len()) - self.n_sorted;
            let rest = &mut self.spare[self.n_sorted..];
            let next = match more < rest.len() {
                true => rest.select_nth_unstable(more).0,
                false => rest,
            };
            next.sort_unstable();
            self.n_sorted += more;
        }
        let kept = self.beam.iter().map(|one| (*one, false));
        // A mark on a spare candidate says that the filter was not asked.
        let spare = self.spare.iter().map(|one| (*one, one.is_marked()));
        let all = kept.chain(spare).skip(places.start).take(places.len());
        all.filter(|(one, is_open)| !is_open || is_wanted(one.id() as usize))
            .map(|(one, _)| one.id() as usize)
    }

    /// Whether the accepted items lie around refused ones, many of them at about the same distance.
    pub fn is_around(&self) -> bool {
        self.is_around
    }

    /// Items visited.
    pub fn n_visited(&self) -> usize {
        self.visited.len()
    }

    /// Candidates in the beam.
    pub fn n_kept(&self) -> usize {
        self.beam.len()
    }

    /// Forgets all candidates.
    pub fn begin(&mut self) {
        self.beam.clear();
        self.spare.clear();
        self.farthest_spare = None;
        self.n_sorted = 0;
        self.open.clear();
        self.n_compared = 0;
        self.is_around = false;
    }

    /// Searches from `entries`, which may have repeats, and from what the beam holds. `visited` has
    /// a bit for each item; [`unmark`](Self::unmark) clears those that the search sets.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a neighbour cannot be; [`Error::NoMemory`].
    pub fn run<T: ComparedItems, F: Filter>(
        &mut self,
        items: &T,
        graph: &GraphView<'_>,
        entries: &[usize],
        budget: Budget,
        filter: &F,
        visited: &mut [u64],
    ) -> Result<Outcome> {
        reserve(&mut self.batch, entries.len())?;
        for &id in entries {
            visit(items, id as u32, visited, &mut self.batch);
        }
        let size = budget.beam_width::<F>(items.count());
        if F::ALL && size as u64 <= WIDEST_SORTED {
            self.run_all(items, graph, budget, visited)?;
        } else if !self.run_filtered(items, graph, budget, filter, visited)? {
            return Ok(Outcome::Costly);
        }
        // With a filter, accepted items may lie elsewhere too, and nearer.
        let enough = budget.search_k / if F::ALL { 4 } else { 2 };
        let is_far = || self.n_compared < budget.search_k && self.is_far(items, graph);
        let is_stuck = self.n_compared < enough || F::ALL && is_far();
        Ok(match is_stuck {
            true => Outcome::Stuck,
            false => Outcome::Found,
        })
    }

    /// Whether the query may be far from all that was found.
    fn is_far<T: ComparedItems>(&self, items: &T, graph: &GraphView<'_>) -> bool {
        let (Some(nearest), Some(_)) = (self.beam.first(), items.ending()) else {
            return false;
        };
        let (ids, _) = graph.row(nearest.id() as usize).as_chunks::<4>();
        let ids = ids.iter().map(|&id| u32::from_le_bytes(id));
        let ids = ids.take_while(|&id| (id as usize) < items.count());
        let mut neighbors = [0; ASKED];
        let mut n = 0;
        for (to, id) in neighbors.iter_mut().zip(ids) {
            *to = id;
            n += 1;
        }
        let neighbors = &neighbors[..n];
        let room = &mut [0; ASKED][..n];
        items.is_far(nearest.id(), nearest.distance(), neighbors, room)
    }

    /// Marks an item as visited, so that it is not.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn leave_out(&mut self, id: usize, visited: &mut [u64]) -> Result<()> {
        reserve(&mut self.visited, 1)?;
        self.visited.push(id as u32);
        visited[id / 64] |= 1 << (id % 64);
        Ok(())
    }

    /// Clears the bits that this search set, after an error too.
    pub fn unmark(&self, visited: &mut [u64]) {
        for &id in self.visited.iter().chain(&self.batch) {
            visited[id as usize / 64] = 0;
        }
    }

    /// Clears the bits, and forgets which they were.
    pub fn forget(&mut self, visited: &mut [u64]) {
        self.unmark(visited);
        self.visited.clear();
        self.batch.clear();
    }

    /// Sets the bits again.
    pub fn mark_again(&self, visited: &mut [u64]) {
        for &id in self.visited.iter().chain(&self.batch) {
            visited[id as usize / 64] |= 1 << (id % 64);
        }
    }

    /// Distances computed; with a filter, those of accepted items.
    pub fn n_compared(&self) -> u64 {
        self.n_compared
    }

    /// Computes the distances of the batch.
    fn measure<T: ComparedItems>(&mut self, items: &T) -> Result<()> {
        self.distances.clear();
        reserve(&mut self.distances, self.batch.len())?;
        self.distances.resize(self.batch.len(), 0);
        items.distances(&self.batch, &mut self.distances);
        reserve(&mut self.visited, self.batch.len())?;
        self.visited.extend_from_slice(&self.batch);
        Ok(())
    }

    /// Computes the distances of the next of these items; false if there were none. Makes room to
    /// put them aside.
    fn compare_next<T: ComparedItems>(
        &mut self,
        items: &T,
        ids: &mut impl Iterator<Item = usize>,
    ) -> Result<bool> {
        self.batch.clear();
        reserve(&mut self.batch, SCANNED)?;
        for id in ids.take(SCANNED) {
            items.prefetch(id as u32);
            self.batch.push(id as u32);
        }
        reserve(&mut self.distances, SCANNED)?;
        self.distances.resize(self.batch.len(), 0);
        items.distances(&self.batch, &mut self.distances);
        reserve(&mut self.spare, self.batch.len())?;
        Ok(!self.batch.is_empty())
    }

    /// Compares all of these items, which the filter accepts, in place of a search.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn scan<T: ComparedItems>(
        &mut self,
        items: &T,
        mut ids: impl Iterator<Item = usize>,
    ) -> Result<()> {
        // All in one order.
        reserve(&mut self.spare, self.beam.len())?;
        self.spare.append(&mut self.beam);
        while self.compare_next(items, &mut ids)? {
            for i in 0..self.batch.len() {
                self.put_aside(Candidate::new(self.distances[i], self.batch[i]));
            }
        }
        Ok(())
    }

    /// Compares all of these items and keeps the nearest that are wanted. `is_wanted` is asked
    /// about those that get a place in the beam.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn scan_wanted<T: ComparedItems>(
        &mut self,
        items: &T,
        mut ids: impl Iterator<Item = usize>,
        keep: usize,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let size = keep.min(items.count()).max(1);
        let room = (size + 1).saturating_sub(self.beam.len());
        reserve(&mut self.beam, room)?;
        while self.compare_next(items, &mut ids)? {
            for i in 0..self.batch.len() {
                let one = Candidate::new(self.distances[i], self.batch[i]);
                let last = self.beam.last().copied();
                let last = last.filter(|_| self.beam.len() >= size);
                if last.is_some_and(|last| one >= last) {
                    self.put_aside(one.marked());
                } else if is_wanted(one.id() as usize) {
                    put(&mut self.beam, size, one);
                    last.into_iter().for_each(|last| self.put_aside(last));
                }
            }
        }
        Ok(())
    }

    fn run_all<T: ComparedItems>(
        &mut self,
        items: &T,
        graph: &GraphView<'_>,
        budget: Budget,
        visited: &mut [u64],
    ) -> Result<()> {
        let ending = items.ending().filter(|ending| ending.is_by_distance);
        let mut size = budget.beam_width::<All>(items.count());
        // Candidates that are kept however far they are; how far those are that are expanded, once
        // so many distances are computed.
        let (mut kept, mut reach, mut least) = (size, u32::MAX, 0);
        if let Some(ending) = ending {
            kept = size.max(ending.place + 1);
            least = ending.least;
            size = budget.room(items.count());
            // After a restart the beam is there.
            let last = self.beam.get(ending.place);
            reach = last.map_or(reach, |last| ending.reach(last.distance()));
        }
        reserve(&mut self.beam, size + 1)?;
        let mut next = 0;
        loop {
            self.measure(items)?;
            self.n_compared += self.batch.len() as u64;
            let beam = &mut self.beam;
            for (&id, &distance) in self.batch.iter().zip(&self.distances) {
                if distance > reach && beam.len() >= kept {
                    continue;
                }
                if let Some(at) = put(beam, size, Candidate::new(distance, id)) {
                    if at < next + AHEAD {
                        prefetch(graph.row(id as usize));
                    }
                    next = next.min(at);
                    if let Some(ending) = ending.filter(|ending| at <= ending.place) {
                        let last = beam.get(ending.place);
                        reach = last.map_or(reach, |last| ending.reach(last.distance()));
                    }
                }
            }
            self.batch.clear();
            while beam.get(next).is_some_and(|one| one.is_marked()) {
                next += 1;
            }
            let n = self.n_compared;
            let next_one = beam
                .get_mut(next)
                .filter(|_| n < budget.most::<All>(ending));
            let Some(one) = next_one.filter(|one| one.distance() <= reach || n < least) else {
                return Ok(());
            };
            let from = one.id();
            *one = one.marked();
            if let Some(other) = beam.get(next + 1) {
                prefetch(graph.row(other.id() as usize));
            }
            expand(items, graph, from, visited, &mut self.batch)?;
        }
    }

    /// For any filter, and for a wide beam. Refused items are expanded too if they are nearer than
    /// the farthest of a full beam. What they lead to does not count for `search_k` while they are
    /// nearer than the results: around a query whose nearest items are all refused, the way is
    /// long. False if it took too long.
    fn run_filtered<T: ComparedItems, F: Filter>(
        &mut self,
        items: &T,
        graph: &GraphView<'_>,
        budget: Budget,
        filter: &F,
        visited: &mut [u64],
    ) -> Result<bool> {
        let size = budget.beam_width::<F>(items.count());
        let room = (size + 1).saturating_sub(self.beam.len());
        reserve(&mut self.beam, room)?;
        let beam = std::mem::take(&mut self.beam);
        if size as u64 <= WIDEST_SORTED {
            let mut beam = SortedBeam { beam, size };
            let walked = self.run_into(items, graph, budget, filter, visited, &mut beam);
            self.beam = beam.beam;
            return walked;
        }
        let beam = BinaryHeap::from(beam);
        let mut beam = HeapBeam { beam, size };
        let walked = self.run_into(items, graph, budget, filter, visited, &mut beam);
        self.beam = beam.beam.into_sorted_vec();
        walked
    }

    fn run_into<T: ComparedItems, F: Filter>(
        &mut self,
        items: &T,
        graph: &GraphView<'_>,
        budget: Budget,
        filter: &F,
        visited: &mut [u64],
        beam: &mut impl Beam,
    ) -> Result<bool> {
        let n_items = items.count();
        let (mut counts, mut n_through) = (true, 0);
        loop {
            self.measure(items)?;
            reserve_heap(&mut self.open, self.batch.len())?;
            if !F::ALL {
                reserve(&mut self.spare, self.batch.len())?;
            }
            for i in 0..self.batch.len() {
                let (id, distance) = (self.batch[i], self.distances[i]);
                let one = Candidate::new(distance, id);
                if !beam.is_near(one) {
                    if !F::ALL {
                        self.put_aside(one.marked());
                    }
                } else if filter.accepts(id as usize) {
                    self.open.push(Reverse(one));
                    self.n_compared += u64::from(counts);
                    let last = beam.put(one).filter(|_| !F::ALL);
                    last.into_iter().for_each(|last| self.put_aside(last));
                } else {
                    self.open.push(Reverse(one.marked()));
                }
            }
            self.batch.clear();
            let next = self.open.pop().filter(|next| beam.is_near(next.0));
            let Some(Reverse(one)) = next.filter(|_| self.n_compared < budget.most::<F>(None))
            else {
                self.is_around = !F::ALL && n_through > budget.beam_width::<F>(n_items);
                return Ok(!self.is_around || self.visited.len() < n_items / SCANNED_AROUND);
            };
            if !F::ALL && self.visited.len() > n_items / SCANNED_FOR_VISITED {
                self.is_around = n_through > budget.beam_width::<F>(n_items);
                return Ok(false);
            }
            counts = !one.is_marked() || !beam.is_before(one, budget.wanted);
            n_through += usize::from(!counts);
            if let Some(Reverse(other)) = self.open.peek() {
                prefetch(graph.row(other.id() as usize));
            }
            expand(items, graph, one.id(), visited, &mut self.batch)?;
        }
    }
}

impl Budget {
    /// Distances that a search computes at most.
    fn most<F: Filter>(&self, ending: Option<&Ending>) -> u64 {
        let more = match ending {
            _ if !F::ALL => 0,
            Some(_) => self.search_k,
            None => self.search_k / 2,
        };
        self.search_k.saturating_add(more)
    }

    /// Places in the beam of a search that ends by distance, which it seldom fills.
    fn room(&self, n_items: usize) -> usize {
        let room = (self.search_k / SEARCH_K_PER_ROOM).min(WIDEST_SORTED);
        (room as usize)
            .min(n_items)
            .max(self.beam_width::<All>(n_items))
    }

    /// Places in the beam: `ef` of HNSW, `L` of Vamana.
    pub fn beam_width<F: Filter>(&self, n_items: usize) -> usize {
        let share = SEARCH_K_PER_PLACE[usize::from(!F::ALL)];
        let size = (self.search_k / share)
            .min(WIDEST_SORTED)
            .max(self.keep as u64);
        size.min(n_items as u64).max(1) as usize
    }
}

/// Marks an item as visited, and adds it to the batch if it was not.
#[inline]
fn visit<T: ComparedItems>(items: &T, id: u32, visited: &mut [u64], batch: &mut Vec<u32>) {
    let (word, bit) = (&mut visited[id as usize / 64], 1u64 << (id % 64));
    if *word & bit == 0 {
        *word |= bit;
        items.prefetch(id);
        batch.push(id);
    }
}

/// Visits the neighbours of an item.
#[inline]
fn expand<T: ComparedItems>(
    items: &T,
    graph: &GraphView<'_>,
    from: u32,
    visited: &mut [u64],
    batch: &mut Vec<u32>,
) -> Result<()> {
    let n_items = items.count();
    let (ids, _) = graph.row(from as usize).as_chunks::<4>();
    let start = batch.len();
    reserve(batch, ids.len())?;
    batch.resize(start + ids.len(), 0);
    let new = &mut batch[start..];
    let mut n = 0;
    for (&id, _) in ids.iter().zip(0..new.len()) {
        let id = u32::from_le_bytes(id);
        if id as usize >= n_items {
            if id == crate::graph::END {
                break;
            }
            batch.truncate(start + n);
            let reason = format!("its neighbour {id} is no item");
            return Err(Error::corrupt(from as usize, reason));
        }
        // Without a branch: no processor can predict which are visited.
        let (word, bit) = (&mut visited[id as usize / 64], id % 64);
        new[n] = id;
        n += usize::from(*word >> bit & 1 == 0);
        *word |= 1 << bit;
    }
    batch.truncate(start + n);
    for &id in &batch[start..] {
        items.prefetch(id);
    }
    Ok(())
}
