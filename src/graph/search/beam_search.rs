//! The walk: from items that the forest or the graph names, always on to the neighbours of the nearest not yet looked
//! from.

use super::beam::{put, Heap, Met, Pool, Sorted};
use crate::error::{reserve, Error, Result};
use crate::graph::format::view::View;
use crate::graph::quantize::points::Points as _;
use crate::graph::quantize::vectors::GraphQuery;
use crate::graph::quantize::{Coded, Codes};
use crate::kernel::prefetch;
use crate::memory::reserve_heap;
use crate::query::filter::{All, Filter};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// What a walk looks for, among which items.
pub trait Target {
    /// How many places for items there are.
    fn count(&self) -> usize;

    /// Asks memory for an item.
    fn prefetch(&self, id: u32);

    /// The distances of the query to items; panics past the end.
    fn distances(&self, ids: &[u32], to: &mut [u32]);
}

/// The query's code among those of the items.
pub struct ByCodes<'a> {
    pub codes: Codes<'a>,
    pub query: Coded<'a>,
}

impl Target for ByCodes<'_> {
    #[inline]
    fn count(&self) -> usize {
        self.codes.count()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.codes.prefetch(id);
    }

    #[inline]
    fn distances(&self, ids: &[u32], to: &mut [u32]) {
        self.codes.distances(self.query, ids, to);
    }
}

/// The query's vector among those of the items.
pub struct ByVectors<'a> {
    pub query: &'a dyn GraphQuery,
    pub n_items: usize,
}

impl Target for ByVectors<'_> {
    fn count(&self) -> usize {
        self.n_items
    }

    fn prefetch(&self, id: u32) {
        prefetch(self.query.nodes().get(id as usize).bytes());
    }

    fn distances(&self, ids: &[u32], to: &mut [u32]) {
        self.query.distances(ids, to);
    }
}

/// Room that a thread keeps from one search to the next.
#[derive(Default)]
pub struct Walk {
    /// The nearest, in order.
    pool: Vec<Met>,
    /// With a filter: what is not among the nearest, or no longer, by codes.
    spare: Vec<Met>,
    /// What is no nearer is not worth keeping.
    farthest_spare: Option<Met>,
    /// How many of these are in order, and before the others.
    n_sorted: usize,
    /// With a filter: where to look from, the nearest on top.
    open: BinaryHeap<Reverse<Met>>,
    batch: Vec<u32>,
    distances: Vec<u32>,
    /// All that were marked.
    met: Vec<u32>,
    looked_at: u64,
    /// Whether more of what is near was refused than is kept: then what is accepted lies around that, much of it as
    /// near as much else.
    is_around: bool,
}

/// How a walk came to its end.
pub enum End {
    /// It has looked at enough, or from all that are near.
    Found,
    /// Nothing nearer was left long before it had looked at enough.
    Stuck,
    /// A filter refuses so much of what is near that looking at all items takes no longer than going on.
    Costly,
}

/// Items looked at in a row while a walk meets one; and while it does not go on to where a filter leaves something,
/// which would have it go all around what is refused.
pub const SCANNED_FOR_MET: usize = 8;
const SCANNED_AROUND: usize = 64;

/// With a filter: of what did not stay among the nearest, no more is given out.
const MOST_SPARE: usize = 4096;

/// How far a walk goes.
#[derive(Clone, Copy)]
pub struct Breadth {
    /// How many are wanted.
    pub wanted: usize,
    /// How many of the nearest are kept at the least.
    pub keep: usize,
    /// How many items are looked at, about, and half as many more at the most; with a filter, items that it accepts,
    /// and no more.
    pub search_k: u64,
}

/// The pool is in order, and putting one in moves half of it.
const LARGEST_POOL: u64 = 4096;

/// The pool of a walk holds one for so many that it is to look at. Having looked from all of a pool a walk ends, as
/// what is easy to find is found sooner; with a filter, which leaves more places for what is near, it is to end later.
const LOOKED_AT_FROM_ONE: [u64; 2] = [24, 16];

/// Of what was put aside so many are put in order for one that is asked for.
const SORTED: usize = 4;

/// Items whose codes are asked for together.
const SCANNED: usize = 32;

/// Neighbours are asked for ahead of items that come to stand so near to the front.
const AHEAD: usize = 3;

impl Walk {
    /// How many were met and not forgotten; with a filter, also of what is not among the nearest.
    pub fn n_met(&self) -> usize {
        self.pool.len() + self.spare.len().min(MOST_SPARE)
    }

    /// Keeps what is not among the nearest, unless enough is that is nearer. There is room.
    fn put_aside(&mut self, one: Met) {
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

    /// Those in these places, nearest first, that are wanted; asked are only those about which the filter has not been.
    pub fn found<'b>(
        &'b mut self,
        places: Range<usize>,
        is_wanted: &'b impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = usize> + 'b {
        let wanted = places.end.saturating_sub(self.pool.len());
        if wanted > self.n_sorted {
            // Seldom many are.
            let more = (SORTED * wanted).min(self.spare.len()) - self.n_sorted;
            let rest = &mut self.spare[self.n_sorted..];
            let next = match more < rest.len() {
                true => rest.select_nth_unstable(more).0,
                false => rest,
            };
            next.sort_unstable();
            self.n_sorted += more;
        }
        let kept = self.pool.iter().map(|one| (*one, false));
        // Of these it has not been asked about all.
        let spare = self.spare.iter().map(|one| (*one, one.is_marked()));
        let all = kept.chain(spare).skip(places.start).take(places.len());
        all.filter(|(one, is_open)| !is_open || is_wanted(one.id() as usize))
            .map(|(one, _)| one.id() as usize)
    }

    /// Whether the nearest of what a filter accepts are many as near as each other.
    pub fn is_around(&self) -> bool {
        self.is_around
    }

    /// How many items it has met.
    pub fn n_marked(&self) -> usize {
        self.met.len()
    }

    /// How many it has kept.
    pub fn n_found(&self) -> usize {
        self.pool.len()
    }

    /// Forgets what it has met.
    pub fn begin(&mut self) {
        self.pool.clear();
        self.spare.clear();
        self.farthest_spare = None;
        self.n_sorted = 0;
        self.open.clear();
        self.looked_at = 0;
        self.is_around = false;
    }

    /// Walks on from `entries`, which may be there several times, until enough was looked at or nothing nearer is left.
    /// `marks` has a bit for each item; those set are for [`lift`](Self::lift) to take away.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a neighbour cannot be; [`Error::NoMemory`].
    pub fn walk<T: Target, F: Filter>(
        &mut self,
        target: &T,
        graph: &View<'_>,
        entries: &[usize],
        breadth: Breadth,
        filter: &F,
        marks: &mut [u64],
    ) -> Result<End> {
        reserve(&mut self.batch, entries.len())?;
        for &id in entries {
            meet(target, id as u32, marks, &mut self.batch);
        }
        let size = breadth.pool_size::<F>(target.count());
        if F::ALL && size as u64 <= LARGEST_POOL {
            self.walk_all(target, graph, breadth, marks)?;
        } else if !self.walk_accepted(target, graph, breadth, filter, marks)? {
            return Ok(End::Costly);
        }
        // With a filter what is accepted may lie in other places too, nearer than what was come to.
        let enough = breadth.search_k / if F::ALL { 4 } else { 2 };
        Ok(match self.looked_at < enough {
            true => End::Stuck,
            false => End::Found,
        })
    }

    /// Marks an item that is not to be met.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn leave_out(&mut self, id: usize, marks: &mut [u64]) -> Result<()> {
        reserve(&mut self.met, 1)?;
        self.met.push(id as u32);
        marks[id / 64] |= 1 << (id % 64);
        Ok(())
    }

    /// Takes its marks away, however it went.
    pub fn lift(&self, marks: &mut [u64]) {
        for &id in self.met.iter().chain(&self.batch) {
            marks[id as usize / 64] = 0;
        }
    }

    /// Takes its marks away, and forgets what they were.
    pub fn forget(&mut self, marks: &mut [u64]) {
        self.lift(marks);
        self.met.clear();
        self.batch.clear();
    }

    /// Puts its marks back.
    pub fn lay(&self, marks: &mut [u64]) {
        for &id in self.met.iter().chain(&self.batch) {
            marks[id as usize / 64] |= 1 << (id % 64);
        }
    }

    /// Items that were looked at; with a filter, those of them that it accepted.
    pub fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// Finds the distances of what was met.
    fn measure<T: Target>(&mut self, target: &T) -> Result<()> {
        self.distances.clear();
        reserve(&mut self.distances, self.batch.len())?;
        self.distances.resize(self.batch.len(), 0);
        target.distances(&self.batch, &mut self.distances);
        reserve(&mut self.met, self.batch.len())?;
        self.met.extend_from_slice(&self.batch);
        Ok(())
    }

    /// Looks at the next of these items; whether there were any. There is room to put them aside.
    fn look_at<T: Target>(
        &mut self,
        target: &T,
        ids: &mut impl Iterator<Item = usize>,
    ) -> Result<bool> {
        self.batch.clear();
        reserve(&mut self.batch, SCANNED)?;
        for id in ids.take(SCANNED) {
            target.prefetch(id as u32);
            self.batch.push(id as u32);
        }
        reserve(&mut self.distances, SCANNED)?;
        self.distances.resize(self.batch.len(), 0);
        target.distances(&self.batch, &mut self.distances);
        reserve(&mut self.spare, self.batch.len())?;
        Ok(!self.batch.is_empty())
    }

    /// Looks at all of these items, which are wanted, instead of walking.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn scan<T: Target>(
        &mut self,
        target: &T,
        mut ids: impl Iterator<Item = usize>,
    ) -> Result<()> {
        // All come into one order.
        reserve(&mut self.spare, self.pool.len())?;
        self.spare.append(&mut self.pool);
        while self.look_at(target, &mut ids)? {
            for i in 0..self.batch.len() {
                self.put_aside(Met::new(self.distances[i], self.batch[i]));
            }
        }
        Ok(())
    }

    /// Looks at all of these items, and keeps the nearest of those that are wanted. Only near ones are asked about now.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn scan_wanted<T: Target>(
        &mut self,
        target: &T,
        mut ids: impl Iterator<Item = usize>,
        keep: usize,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let size = keep.min(target.count()).max(1);
        let room = (size + 1).saturating_sub(self.pool.len());
        reserve(&mut self.pool, room)?;
        while self.look_at(target, &mut ids)? {
            for i in 0..self.batch.len() {
                let one = Met::new(self.distances[i], self.batch[i]);
                let last = self.pool.last().copied();
                let last = last.filter(|_| self.pool.len() >= size);
                if last.is_some_and(|last| one >= last) {
                    self.put_aside(one.marked());
                } else if is_wanted(one.id() as usize) {
                    put(&mut self.pool, size, one);
                    last.into_iter().for_each(|last| self.put_aside(last));
                }
            }
        }
        Ok(())
    }

    fn walk_all<T: Target>(
        &mut self,
        target: &T,
        graph: &View<'_>,
        breadth: Breadth,
        marks: &mut [u64],
    ) -> Result<()> {
        let size = breadth.pool_size::<All>(target.count());
        reserve(&mut self.pool, size + 1)?;
        let mut next = 0;
        loop {
            self.measure(target)?;
            self.looked_at += self.batch.len() as u64;
            let pool = &mut self.pool;
            for (&id, &distance) in self.batch.iter().zip(&self.distances) {
                if let Some(at) = put(pool, size, Met::new(distance, id)) {
                    if at < next + AHEAD {
                        prefetch(graph.row(id as usize));
                    }
                    next = next.min(at);
                }
            }
            self.batch.clear();
            while pool.get(next).is_some_and(|one| one.is_marked()) {
                next += 1;
            }
            if self.looked_at >= breadth.most::<All>() || next >= pool.len() {
                return Ok(());
            }
            let one = &mut pool[next];
            let from = one.id();
            *one = one.marked();
            if let Some(other) = pool.get(next + 1) {
                prefetch(graph.row(other.id() as usize));
            }
            meet_neighbors(target, graph, from, marks, &mut self.batch)?;
        }
    }

    /// For any filter, and for large pools. The pool has accepted items only; the way leads through others too, as long
    /// as they are nearer than the farthest of a full pool. What is met by looking from those that are nearer than what
    /// is wanted does not count as looked at: around a query whose nearest are all refused it is the way that is long.
    /// Whether it came to an end before it took too long.
    fn walk_accepted<T: Target, F: Filter>(
        &mut self,
        target: &T,
        graph: &View<'_>,
        breadth: Breadth,
        filter: &F,
        marks: &mut [u64],
    ) -> Result<bool> {
        let size = breadth.pool_size::<F>(target.count());
        let room = (size + 1).saturating_sub(self.pool.len());
        reserve(&mut self.pool, room)?;
        let pool = std::mem::take(&mut self.pool);
        if size as u64 <= LARGEST_POOL {
            let mut pool = Sorted { pool, size };
            let walked = self.walk_into(target, graph, breadth, filter, marks, &mut pool);
            self.pool = pool.pool;
            return walked;
        }
        let pool = BinaryHeap::from(pool);
        let mut pool = Heap { pool, size };
        let walked = self.walk_into(target, graph, breadth, filter, marks, &mut pool);
        self.pool = pool.pool.into_sorted_vec();
        walked
    }

    fn walk_into<T: Target, F: Filter>(
        &mut self,
        target: &T,
        graph: &View<'_>,
        breadth: Breadth,
        filter: &F,
        marks: &mut [u64],
        pool: &mut impl Pool,
    ) -> Result<bool> {
        let n_items = target.count();
        let (mut counts, mut n_through) = (true, 0);
        loop {
            self.measure(target)?;
            reserve_heap(&mut self.open, self.batch.len())?;
            if !F::ALL {
                reserve(&mut self.spare, self.batch.len())?;
            }
            for i in 0..self.batch.len() {
                let (id, distance) = (self.batch[i], self.distances[i]);
                let one = Met::new(distance, id);
                if !pool.is_near(one) {
                    if !F::ALL {
                        self.put_aside(one.marked());
                    }
                } else if filter.accepts(id as usize) {
                    self.open.push(Reverse(one));
                    self.looked_at += u64::from(counts);
                    let last = pool.put(one).filter(|_| !F::ALL);
                    last.into_iter().for_each(|last| self.put_aside(last));
                } else {
                    self.open.push(Reverse(one.marked()));
                }
            }
            self.batch.clear();
            let next = self.open.pop().filter(|next| pool.is_near(next.0));
            let Some(Reverse(one)) = next.filter(|_| self.looked_at < breadth.most::<F>()) else {
                self.is_around = !F::ALL && n_through > breadth.pool_size::<F>(n_items);
                return Ok(!self.is_around || self.met.len() < n_items / SCANNED_AROUND);
            };
            if !F::ALL && self.met.len() > n_items / SCANNED_FOR_MET {
                self.is_around = n_through > breadth.pool_size::<F>(n_items);
                return Ok(false);
            }
            counts = !one.is_marked() || !pool.is_before(one, breadth.wanted);
            n_through += usize::from(!counts);
            if let Some(Reverse(other)) = self.open.peek() {
                prefetch(graph.row(other.id() as usize));
            }
            meet_neighbors(target, graph, one.id(), marks, &mut self.batch)?;
        }
    }
}

impl Breadth {
    /// Items that a walk looks at, at the most.
    fn most<F: Filter>(&self) -> u64 {
        match F::ALL {
            true => self.search_k.saturating_add(self.search_k / 2),
            false => self.search_k,
        }
    }

    /// How many of the nearest a walk keeps.
    pub fn pool_size<F: Filter>(&self, n_items: usize) -> usize {
        let share = LOOKED_AT_FROM_ONE[usize::from(!F::ALL)];
        let size = (self.search_k / share)
            .min(LARGEST_POOL)
            .max(self.keep as u64);
        size.min(n_items as u64).max(1) as usize
    }
}

/// Marks an item, and adds it to the batch if it was not marked.
#[inline]
fn meet<T: Target>(target: &T, id: u32, marks: &mut [u64], batch: &mut Vec<u32>) {
    let (word, bit) = (&mut marks[id as usize / 64], 1u64 << (id % 64));
    if *word & bit == 0 {
        *word |= bit;
        target.prefetch(id);
        batch.push(id);
    }
}

/// Meets the neighbours of an item.
#[inline]
fn meet_neighbors<T: Target>(
    target: &T,
    graph: &View<'_>,
    from: u32,
    marks: &mut [u64],
    batch: &mut Vec<u32>,
) -> Result<()> {
    let n_items = target.count();
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
        // Without a branch, as nothing tells which are marked.
        let (word, bit) = (&mut marks[id as usize / 64], id % 64);
        new[n] = id;
        n += usize::from(*word >> bit & 1 == 0);
        *word |= 1 << bit;
    }
    batch.truncate(start + n);
    for &id in &batch[start..] {
        target.prefetch(id);
    }
    Ok(())
}
