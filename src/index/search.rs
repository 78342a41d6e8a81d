//! Finding neighbours: one query or many.

use super::engine::Target;
use super::vector::Vector;
use super::Index;
use crate::error::{reserve, Error, Result};
use crate::forest::filter::{Ask, Bitmap, Chosen};
use crate::forest::search::{Neighbor, Wanted};
use crate::removed::Removed;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{mpsc, Arc};

/// Tells a long call to give up. Any thread may, at any time; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not yet cancelled.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Tells the calls that look at it to give up.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that has been done.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

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
    /// The number of candidates looked at, repeats between trees included, those that are filtered out not; `None` is `n`
    /// per tree.
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
    /// Whether all items are looked at, without the trees.
    pub exact: bool,
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
            exact: false,
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
        let mut exclude = Vec::new();
        reserve(&mut exclude, self.exclude.len())?;
        exclude.extend_from_slice(self.exclude);
        exclude.sort_unstable();
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

/// How a batch is worked through.
#[derive(Clone, Copy, Default)]
pub struct Work<'a> {
    /// Threads; `None` for one per processor.
    pub n_threads: Option<usize>,
    /// Looked at before each query.
    pub cancel: Option<&'a Cancel>,
    /// Told how many queries are done and how many there are, on the calling thread.
    pub progress: Option<&'a dyn Fn(u64, u64)>,
}

/// Queries that a thread takes at a time.
const TAKEN: usize = 16;

impl Index {
    /// The items nearest to an item, itself among them, nearest first (equal distances by id).
    ///
    /// `search_k` is the number of candidates looked at, repeats between trees included; `None` is `n` per tree. There
    /// may be fewer results than `n`: then fewer were found.
    ///
    /// # Errors
    /// [`Error::State`] when not built; [`Error::Item`], also for a removed one; [`Error::Corrupt`] when a loaded file turns out to be damaged.
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
    /// [`Error::State`] when not built; [`Error::Dimension`], [`Error::Unsupported`] or [`Error::NotFinite`] for the
    /// vector; [`Error::Corrupt`] when a loaded file turns out to be damaged.
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
    /// As [`get_nns_by_vector`](Self::get_nns_by_vector); [`Error::Argument`] for a bitmap that does not have a bit for
    /// each item, or a `max_distance` that is no number.
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
        self.state.roots("search")?;
        self.find(Target::Item(self.item_not_removed(id)?), search)
    }

    fn find(&self, target: Target<'_>, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        search.check()?;
        let roots = self.state.roots("search")?;
        self.engine
            .search(&self.nodes(), roots, target, search, self.removed(), self.graph.as_ref())
    }

    /// Searches for many vectors; hands the results of query `i` to `take(i, results)` on the calling thread, in any order.
    /// Nothing is handed over before all queries have been found to be good.
    ///
    /// # Errors
    /// As [`search`](Self::search), of the first query that fails; [`Error::Cancelled`]; [`Error::Argument`] for 0 threads.
    pub fn search_batch<'a, V: Into<Vector<'a>>>(
        &self,
        queries: impl Fn(usize) -> V + Sync,
        n_queries: usize,
        search: &Search<'_>,
        work: &Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        for i in 0..n_queries {
            self.engine.check(queries(i).into(), None)?;
        }
        let one = |i: usize| self.find(Target::Vector(queries(i).into()), search);
        self.run(one, n_queries, work, take)
    }

    /// Searches for many items. As [`search_batch`](Self::search_batch).
    ///
    /// # Errors
    /// As [`search_batch`](Self::search_batch); [`Error::Item`].
    pub fn search_batch_items(
        &self,
        ids: &[i64],
        search: &Search<'_>,
        work: &Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        for &id in ids {
            self.item_not_removed(id)?;
        }
        let one = |i: usize| self.search_item(ids[i], search);
        self.run(one, ids.len(), work, take)
    }

    /// Runs queries in threads; the calling thread takes the results in.
    fn run(
        &self,
        one: impl Fn(usize) -> Result<Vec<Neighbor>> + Sync,
        n_queries: usize,
        work: &Work<'_>,
        mut take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        self.state.roots("search")?;
        if work.n_threads == Some(0) {
            let expected = "at least 1, or -1 for one per processor";
            return Err(Error::argument("n_threads", 0, expected));
        }
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let n_threads = work
            .n_threads
            .unwrap_or_else(processors)
            .min(n_queries.div_ceil(TAKEN));
        let cancel = work.cancel;
        let is_cancelled = || cancel.is_some_and(Cancel::is_cancelled);
        let report = |done: usize| {
            if let Some(progress) = work.progress {
                progress(done as u64, n_queries as u64);
            }
        };
        if n_threads < 2 {
            for i in 0..n_queries {
                if is_cancelled() {
                    return Err(Error::Cancelled);
                }
                take(i, one(i)?);
                report(i + 1);
            }
            return Ok(());
        }
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = mpsc::sync_channel::<(usize, Result<Vec<Vec<Neighbor>>>)>(64);
        std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for _ in 0..n_threads {
                let sender = sender.clone();
                let (next, stop, one, is_cancelled) = (&next, &stop, &one, &is_cancelled);
                let body = move || {
                    while !stop.load(Ordering::Relaxed) && !is_cancelled() {
                        let first = next.fetch_add(TAKEN, Ordering::Relaxed);
                        if first >= n_queries {
                            break;
                        }
                        let found = (first..n_queries.min(first + TAKEN)).map(one).collect();
                        if sender.send((first, found)).is_err() {
                            break;
                        }
                    }
                };
                let thread = std::thread::Builder::new().name(crate::WORK_THREAD.to_string());
                match thread.spawn_scoped(scope, body) {
                    Ok(thread) => threads.push(thread),
                    // The system gives no more: those there are do the work.
                    Err(_) => break,
                }
            }
            drop(sender);
            let none = threads.is_empty();
            let mut done = 0;
            let mut failed: Option<(usize, Error)> = None;
            for (first, found) in receiver.iter() {
                match found {
                    Ok(found) if failed.is_none() => {
                        for (i, found) in found.into_iter().enumerate() {
                            take(first + i, found);
                            done += 1;
                        }
                        report(done);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        if failed.as_ref().is_none_or(|(before, _)| first < *before) {
                            failed = Some((first, error));
                        }
                    }
                }
            }
            // Joined, because the scope itself waits for their work only, not for their end.
            for thread in threads {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
            match failed {
                Some((_, error)) => Err(error),
                None if none => (0..n_queries).try_for_each(|i| one(i).map(|found| take(i, found))),
                None if done < n_queries => Err(Error::Cancelled),
                None => Ok(()),
            }
        })
    }
}
