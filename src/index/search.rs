//! Finding neighbours: one query or many.

use super::engine::Target;
use super::vector::Vector;
use super::Index;
use crate::error::{Error, Result};
use crate::forest::roots::Roots;
use crate::graph;
use crate::memory;
use crate::query::filter::{Ask, Bitmap, Chosen};
use crate::query::{Neighbor, Wanted};
use crate::queue::{Queue, Received};
use crate::removed::Removed;
use crate::work::{self, Meter, Stage, Work};
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What a search goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The graph if there is one, else the forest. Of an index that is not built, all items, if
    /// `search_k` is not given and there are up to [`EXACT_ITEMS`] of them.
    #[default]
    Fastest,
    /// The forest, as Annoy does.
    Forest,
    /// The graph.
    Graph,
    /// All items; of an index that is not built, too.
    Exact,
}

/// Items that searches look at without trees and graph: a search of the graph by its default looks
/// at as many.
pub const EXACT_ITEMS: usize = graph::search::DEFAULT_SEARCH_K as usize;

/// What a search is to find, and among which items.
///
/// ```
/// use annoy_rs::{Index, Metric, Search};
/// let mut index = Index::new(Metric::Euclidean, 1)?;
/// for id in 0..100 {
///     index.add_item(id, &[id as f32])?;
/// }
/// index.build(Some(5), None)?;
/// let odd = |id: i64| id % 2 == 1;
/// let search = Search {
///     filter: Some(&odd),
///     exclude: &[41],
///     max_distance: Some(3.0),
///     ..Search::new(10)
/// };
/// let found = index.search(&[41.2f32], &search)?;
/// assert_eq!(found.iter().map(|n| n.id).collect::<Vec<_>>(), [43, 39]);
/// # Ok::<(), annoy_rs::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// No more results than this.
    pub n: usize,
    /// The number of candidates looked at, those that are filtered out not: in the forest with
    /// repeats between trees, and `None` is `n` per tree; in the graph about so many in hard data,
    /// fewer where the nearest lie apart from the rest and twice as many at the most, and `None` is
    /// 3,000 for each ten of `n`, twice as many where
    /// [the graph's recall](crate::Info::graph_recall) is below 0.9, and four times where it is
    /// below 0.6.
    pub search_k: Option<u64>,
    /// No results farther than this; for dot, none of a smaller inner product.
    pub max_distance: Option<f64>,
    /// Ids that are not wanted.
    pub exclude: &'a [i64],
    /// Whether the item that is searched for is not wanted among its own neighbours.
    pub exclude_self: bool,
    /// A bit for each item.
    pub bitmap: Option<Bitmap<'a>>,
    /// Asked about each item that all else allows, once a search, on the thread that searches.
    pub filter: Option<&'a Ask<'a>>,
    /// What is searched.
    pub way: Way,
}

impl<'a> Search<'a> {
    /// A search for `n` items, with everything else left open.
    pub fn new(n: usize) -> Self {
        Search {
            n,
            search_k: None,
            max_distance: None,
            exclude: &[],
            exclude_self: false,
            bitmap: None,
            filter: None,
            way: Way::default(),
        }
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            n: self.n,
            search_k: self.search_k,
            max_distance: self.max_distance,
        }
    }

    fn is_filtered(&self) -> bool {
        !self.exclude.is_empty()
            || self.exclude_self
            || self.bitmap.is_some()
            || self.filter.is_some()
    }

    /// The filter for a search from item `id`, if there is any.
    pub(super) fn filter(
        &self,
        id: Option<usize>,
        n_items: usize,
        removed: Option<Removed<'a>>,
    ) -> Result<Option<Chosen<'a>>> {
        if !self.is_filtered() && removed.is_none() {
            return Ok(None);
        }
        let exclude = ascending(self.exclude)?;
        if let Some(bitmap) = self.bitmap {
            let expected = n_items.div_ceil(64);
            if bitmap.words.len() != expected {
                return Err(Error::argument(
                    "the number of words in the bitmap",
                    bitmap.words.len(),
                    format!("{expected}, for {n_items} items"),
                ));
            }
        }
        Ok(Some(Chosen {
            removed,
            bitmap: self.bitmap,
            exclude,
            exclude_too: id.filter(|_| self.exclude_self),
            ask: self.filter,
        }))
    }

    fn check(&self) -> Result<()> {
        match self.max_distance {
            Some(most) if most.is_nan() => Err(Error::argument("max_distance", most, "a number")),
            _ => Ok(()),
        }
    }
}

/// These ids in ascending order: themselves, where they are.
fn ascending(ids: &[i64]) -> Result<Cow<'_, [i64]>> {
    if ids.is_sorted() {
        return Ok(Cow::Borrowed(ids));
    }
    let mut ids = memory::copy(ids)?;
    ids.sort_unstable();
    Ok(Cow::Owned(ids))
}

/// Queries that a thread takes at a time, at the most.
const TAKEN: usize = 16;

/// How long the calling thread waits for the others before it looks whether they have ended.
const PATIENCE: Duration = Duration::from_secs(1);

/// The next queries for one of the threads: fewer towards the end, so that all end together.
fn portion_size(first: usize, n_queries: usize, n_threads: usize) -> Option<usize> {
    let left = n_queries.checked_sub(first).filter(|left| *left > 0)?;
    Some((left / (4 * n_threads)).clamp(1, TAKEN))
}

impl Index {
    /// The items nearest to an item, itself among them, nearest first (equal distances by id).
    ///
    /// `search_k` is that of [`Search`]. There may be fewer results than `n`: then fewer were
    /// found.
    ///
    /// # Errors
    /// [`Error::State`] when not built and more than [`EXACT_ITEMS`], or with a `search_k`;
    /// [`Error::Item`], also for a removed one; [`Error::Corrupt`] when a loaded file turns out to
    /// be damaged.
    pub fn get_nns_by_item(
        &self,
        id: i64,
        n: usize,
        search_k: Option<u64>,
    ) -> Result<Vec<Neighbor>> {
        self.search_item(
            id,
            &Search {
                search_k,
                ..Search::new(n)
            },
        )
    }

    /// The items nearest to a vector. As [`get_nns_by_item`](Self::get_nns_by_item).
    ///
    /// # Errors
    /// [`Error::State`] as there; [`Error::Dimension`], [`Error::Unsupported`] or
    /// [`Error::NotFinite`] for the vector; [`Error::Corrupt`] when a loaded file turns out to be
    /// damaged.
    pub fn get_nns_by_vector<'a>(
        &self,
        vector: impl Into<Vector<'a>>,
        n: usize,
        search_k: Option<u64>,
    ) -> Result<Vec<Neighbor>> {
        self.search(
            vector,
            &Search {
                search_k,
                ..Search::new(n)
            },
        )
    }

    /// The items nearest to a vector among those wanted, nearest first (equal distances by id).
    ///
    /// # Errors
    /// As [`get_nns_by_vector`](Self::get_nns_by_vector); [`Error::Argument`] for a bitmap that
    /// does not have a bit for each item, or a `max_distance` that is no number.
    pub fn search<'a>(
        &self,
        vector: impl Into<Vector<'a>>,
        search: &Search<'_>,
    ) -> Result<Vec<Neighbor>> {
        self.find(Target::Vector(vector.into()), search)
    }

    /// The items nearest to an item. As [`search`](Self::search).
    ///
    /// # Errors
    /// As [`search`](Self::search); [`Error::Item`].
    pub fn search_item(&self, id: i64, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        self.searchable(search)?;
        self.find(Target::Item(self.item_not_removed(id)?), search)
    }

    fn find(&self, target: Target<'_>, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        search.check()?;
        let roots = self.searchable(search)?;
        let exact;
        let search = if roots.n_trees == 0 {
            exact = Search {
                way: Way::Exact,
                ..*search
            };
            &exact
        } else {
            search
        };
        self.engine.search(
            &self.nodes(),
            &roots,
            target,
            search,
            self.removed(),
            self.graph(),
        )
    }

    /// The trees, none if a search does without.
    fn searchable(&self, search: &Search<'_>) -> Result<Cow<'_, Roots>> {
        match self.state.roots("search") {
            Ok(roots) => Ok(Cow::Borrowed(roots)),
            Err(error) => self.no_trees(search).map(Cow::Owned).ok_or(error),
        }
    }

    #[cold]
    fn no_trees(&self, search: &Search<'_>) -> Option<Roots> {
        let n_items = self.state.n_items();
        let without = match search.way {
            Way::Exact => true,
            Way::Fastest => search.search_k.is_none() && n_items <= EXACT_ITEMS,
            Way::Forest | Way::Graph => false,
        };
        without.then(|| Roots::none(n_items))
    }

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
            let one = |i: usize| self.find(Target::Vector(queries(i).into()), search);
            self.searchable(search)?;
            self.run(one, n_queries, meter, take)
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
            self.search_all_items(ids, search, meter, take)
        })
    }

    pub(super) fn search_all_items(
        &self,
        ids: &[i64],
        search: &Search<'_>,
        meter: &Meter<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        self.searchable(search)?;
        for &id in ids {
            self.item_not_removed(id)?;
        }
        let exclude = ascending(search.exclude)?;
        let search = &Search {
            exclude: &exclude,
            ..*search
        };
        let one = |i: usize| self.search_item(ids[i], search);
        self.run(one, ids.len(), meter, take)
    }

    /// Runs queries in threads; the calling thread takes the results in.
    fn run(
        &self,
        one: impl Fn(usize) -> Result<Vec<Neighbor>> + Sync,
        n_queries: usize,
        meter: &Meter<'_>,
        mut take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        let n_threads = meter.n_threads(n_queries.div_ceil(TAKEN));
        if n_threads > 1 {
            return run_in_threads(&one, n_queries, n_threads, meter, &mut take);
        }
        for i in 0..n_queries {
            take(i, one(i)?);
            meter.advance(1)?;
        }
        Ok(())
    }
}

/// Runs queries in threads, of which the calling one is the first.
fn run_in_threads(
    one: &(impl Fn(usize) -> Result<Vec<Neighbor>> + Sync),
    n_queries: usize,
    n_threads: usize,
    meter: &Meter<'_>,
    take: &mut impl FnMut(usize, Vec<Neighbor>),
) -> Result<()> {
    let (next, stop, cancel) = (AtomicUsize::new(0), AtomicBool::new(false), meter.cancel());
    // The next portion, searched: its first query, and what was found.
    let portion = || {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let size = |first| portion_size(first, n_queries, n_threads);
        let first = next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |first| {
                Some(first + size(first)?)
            })
            .ok()?;
        let one = |i| work::check(cancel).and_then(|()| one(i));
        let found = memory::try_collect((first..first + size(first)?).map(one));
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
