//! Finding the neighbours of many queries, by several threads.

use super::engine::Target;
use super::search::{ascending, Search, Way};
use super::vector::Vector;
use super::Index;
use crate::error::{Error, Result};
use crate::memory;
use crate::query::Neighbor;
use crate::queue::{Queue, Received};
use crate::scan::format::ScanBytes;
use crate::scan::search::TOGETHER;
use crate::work::{self, Cancel, Meter, Stage, Work};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Queries that a thread takes at a time, at the most.
pub const TAKEN: usize = 16;

/// How long the calling thread waits for the others before it looks whether they have ended.
const PATIENCE: Duration = Duration::from_secs(1);

/// Queries that are known to be good.
#[derive(Clone, Copy)]
pub enum At<'a> {
    Items(&'a [i64]),
    /// Items, each as if it was not there.
    Strangers(&'a [i64]),
    Vectors(&'a (dyn Fn(usize) -> Vector<'a> + Sync), usize),
}

impl At<'_> {
    /// How many there are.
    pub fn n(&self) -> usize {
        match *self {
            At::Items(ids) | At::Strangers(ids) => ids.len(),
            At::Vectors(_, n) => n,
        }
    }
}

/// The next queries for one of the threads: fewer towards the end, so that all end together.
fn portion_size(first: usize, n_queries: usize, n_threads: usize, taken: usize) -> Option<usize> {
    let left = n_queries.checked_sub(first).filter(|left| *left > 0)?;
    Some((left / (4 * n_threads)).clamp(1, taken))
}

impl Index {
    /// Searches for many vectors; hands the results of query `i` to `take(i, results)` on the
    /// calling thread, in any order. Nothing is handed over before all queries have been found to
    /// be good.
    ///
    /// # Errors
    /// As [`search`](Self::search), of the first query that fails; [`Error::Cancelled`];
    /// [`Error::Argument`] for 0 threads.
    pub fn search_batch<'a, V: Into<Vector<'a>>>(
        &self,
        queries: impl Fn(usize) -> V + Sync,
        n_queries: usize,
        search: &Search<'_>,
        work: &mut Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        let exclude = ascending(search.exclude)?;
        let search = &Search {
            exclude: &exclude,
            ..*search
        };
        work.run(Stage::Search, n_queries as u64, |meter| {
            // The search itself looks at one alone before it hands anything over.
            if n_queries > 1 {
                for i in 0..n_queries {
                    self.engine.check(queries(i).into(), None)?;
                }
            }
            self.searchable(search)?;
            self.run(
                At::Vectors(&|i| queries(i).into(), n_queries),
                search,
                meter,
                take,
            )
        })
    }

    /// Searches for many items. As [`search_batch`](Self::search_batch).
    ///
    /// # Errors
    /// As [`search_batch`](Self::search_batch); [`Error::Item`].
    pub fn search_batch_items(
        &self,
        ids: &[i64],
        search: &Search<'_>,
        work: &mut Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        work.run(Stage::Search, ids.len() as u64, |meter| {
            self.searchable(search)?;
            for &id in ids {
                self.item_not_removed(id)?;
            }
            let exclude = ascending(search.exclude)?;
            let search = &Search {
                exclude: &exclude,
                ..*search
            };
            self.run(At::Items(ids), search, meter, take)
        })
    }

    /// Searches for all queries; the calling thread takes the results in. The ids that `search`
    /// excludes are in ascending order.
    pub(super) fn run(
        &self,
        queries: At<'_>,
        search: &Search<'_>,
        meter: &Meter<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        let search = &*self.with_search_k(search)?;
        let n_queries = queries.n();
        let sizes = match self.take_together(queries, search) {
            Together::Lists(_) => [TOGETHER; 2],
            Together::Items => [TAKEN; 2],
            Together::None => [1, TAKEN],
        };
        let cancel = meter.cancel();
        let some = |range: Range<usize>| self.search_some(queries, range, search, cancel);
        let n_threads = meter.n_threads(n_queries.div_ceil(TAKEN));
        run(&some, n_queries, sizes, n_threads, meter, take)
    }

    /// Whether a search may be for this vector.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub(crate) fn check_query(&self, vector: Vector<'_>) -> Result<()> {
        self.engine.check(vector, None)
    }

    /// Searches for some of the queries, by the calling thread. The ids that `search` excludes are
    /// in ascending order.
    pub(crate) fn search_some(
        &self,
        queries: At<'_>,
        range: Range<usize>,
        search: &Search<'_>,
        cancel: Option<&Cancel>,
    ) -> Result<Vec<Vec<Neighbor>>> {
        let search = &*self.with_search_k(search)?;
        let target = |i: usize| match queries {
            At::Items(ids) => Target::Item(ids[i] as usize),
            At::Strangers(ids) => Target::Stranger(ids[i] as usize),
            At::Vectors(vector, _) => Target::Vector(vector(i)),
        };
        let together = self.take_together(queries, search);
        if let Together::None = together {
            let one = |i| work::check(cancel).and_then(|()| self.find(target(i), search));
            return memory::try_collect(range.map(one));
        }
        search.check()?;
        let (targets, nodes) = (memory::collect(range.map(target))?, self.nodes());
        if let Together::Lists(scan) = together {
            return self.engine.scan(&nodes, &targets, search, scan);
        }
        let (n_items, removed) = (self.n_items(), self.removed());
        let check = || work::check(cancel);
        self.engine
            .exact(&nodes, n_items, &targets, search, removed, &check)
    }

    /// What several of the queries read together.
    fn take_together(&self, queries: At<'_>, search: &Search<'_>) -> Together<'_> {
        // A stranger is left out of what it finds, which those that read lists together are not.
        let is_strange = matches!(queries, At::Strangers(_));
        if let Some(scan) = self.scan_together(search).filter(|_| !is_strange) {
            return Together::Lists(scan);
        }
        match search.way == Way::Exact || self.n_trees() == 0 {
            true => Together::Items,
            false => Together::None,
        }
    }

    /// The lists that such a search reads, if many queries may read them together.
    fn scan_together(&self, search: &Search<'_>) -> Option<ScanBytes<'_>> {
        let is_scan = match search.way {
            Way::Scan => true,
            Way::Fastest => self.graph().is_none(),
            Way::Forest | Way::Graph | Way::Exact => false,
        };
        let is_all = !search.is_filtered() && self.removed().is_none();
        self.scan()
            .filter(|_| is_scan && is_all && self.n_trees() > 0)
    }
}

/// What queries that one thread has taken read together.
enum Together<'a> {
    /// The lists of a scan.
    Lists(ScanBytes<'a>),
    /// All items.
    Items,
    None,
}

/// Several queries that are searched for by one thread.
pub type Some<'a> = dyn Fn(Range<usize>) -> Result<Vec<Vec<Neighbor>>> + Sync + 'a;

/// Runs queries, so many at a time at the most: by one thread, by each of several.
pub fn run(
    some: &Some<'_>,
    n_queries: usize,
    [alone, taken]: [usize; 2],
    n_threads: usize,
    meter: &Meter<'_>,
    mut take: impl FnMut(usize, Vec<Neighbor>),
) -> Result<()> {
    if n_threads > 1 {
        return run_in_threads(some, n_queries, taken, n_threads, meter, &mut take);
    }
    for start in (0..n_queries).step_by(alone) {
        let range = start..n_queries.min(start + alone);
        let n = range.len();
        for (i, found) in some(range)?.into_iter().enumerate() {
            take(start + i, found);
        }
        meter.advance(n as u64)?;
    }
    Ok(())
}

/// Runs queries in threads, of which the calling one is the first.
fn run_in_threads(
    some: &Some<'_>,
    n_queries: usize,
    taken: usize,
    n_threads: usize,
    meter: &Meter<'_>,
    take: &mut impl FnMut(usize, Vec<Neighbor>),
) -> Result<()> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // The next portion, searched: its first query, and what was found.
    let portion = || {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let size = |first| portion_size(first, n_queries, n_threads, taken);
        let first = next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |first| {
                Some(first + size(first)?)
            })
            .ok()?;
        let found = some(first..first + size(first)?);
        Some((first, found))
    };
    let mut failed: Option<(usize, Error)> = None;
    let mut take_in = |(first, found): (usize, Result<Vec<Vec<Neighbor>>>)| {
        let taken = found.and_then(|found| {
            if failed.is_some() {
                return Ok(());
            }
            let n = found.len();
            for (i, found) in found.into_iter().enumerate() {
                take(first + i, found);
            }
            meter.advance(n as u64)
        });
        if let Err(error) = taken {
            stop.store(true, Ordering::Relaxed);
            if failed.as_ref().is_none_or(|(before, _)| first < *before) {
                failed = Some((first, error));
            }
        }
    };
    let queue = Queue::new(4 * n_threads)?;
    let body = || {
        let sender = queue.sender();
        while portion().is_some_and(|found| sender.send(found)) {}
    };
    work::beside(n_threads - 1, &body, |n_threads| {
        let receiver = queue.receiver(n_threads);
        while let Some(found) = portion() {
            take_in(found);
            while let Some(found) = receiver.try_receive() {
                take_in(found);
            }
        }
        loop {
            match receiver.receive(PATIENCE) {
                Received::One(found) => take_in(found),
                Received::Nothing => {}
                Received::Over => break,
            }
        }
    });
    failed.map_or(Ok(()), |(_, error)| Err(error))
}
