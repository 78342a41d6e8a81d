//! Finding neighbours of one query.

use super::engine::{Target, Ways};
use super::vector::Vector;
use super::Index;
use crate::error::{Error, Result};
use crate::forest::roots::Roots;
use crate::graph;
use crate::memory;
use crate::query::filter::{Ask, Bitmap, Chosen};
use crate::query::{Neighbor, Wanted};
use crate::removed::Removed;
use std::borrow::Cow;

/// What a search goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The graph if there is one, else the scan, else the forest. Of an index that is not built,
    /// all items, if `search_k` is not given and there are up to [`EXACT_ITEMS`] of them.
    #[default]
    Fastest,
    /// The forest, as Annoy does.
    Forest,
    /// The graph.
    Graph,
    /// The lists that [`build_scan`](Index::build_scan) made.
    Scan,
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
    /// The share of the nearest that is to be found, more than 0 and at most 1, in place of
    /// `search_k`: that is what it took for as much when the index was [tuned](Index::tune). Exact
    /// search keeps to it anyway.
    pub recall: Option<f64>,
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
    /// Of an index of [shards](crate::Shards), the places of those that are searched; none for all.
    pub shards: &'a [usize],
}

impl<'a> Search<'a> {
    /// A search for `n` items, with everything else left open.
    pub fn new(n: usize) -> Self {
        Search {
            n,
            search_k: None,
            recall: None,
            max_distance: None,
            exclude: &[],
            exclude_self: false,
            bitmap: None,
            filter: None,
            way: Way::default(),
            shards: &[],
        }
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            n: self.n,
            search_k: self.search_k,
            max_distance: self.max_distance,
        }
    }

    pub(super) fn is_filtered(&self) -> bool {
        !self.exclude.is_empty()
            || self.exclude_self
            || self.bitmap.is_some()
            || self.filter.is_some()
    }

    /// The filter for a search from a target, if there is any.
    pub(super) fn filter(
        &self,
        target: Target<'_>,
        n_items: usize,
        removed: Option<Removed<'a>>,
    ) -> Result<Option<Chosen<'a>>> {
        let left_out = match target {
            Target::Item(id) => self.exclude_self.then_some(id),
            Target::Stranger(id) => Some(id),
            Target::Vector(_) => None,
        };
        if !self.is_filtered() && removed.is_none() && left_out.is_none() {
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
            exclude_too: left_out,
            ask: self.filter,
        }))
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.max_distance {
            Some(most) if most.is_nan() => Err(Error::argument("max_distance", most, "a number")),
            _ if !self.shards.is_empty() => {
                let expected = "none, as the index is one file";
                Err(Error::argument("shards", format!("given"), expected))
            }
            _ => Ok(()),
        }
    }
}

/// These ids in ascending order: themselves, where they are.
pub fn ascending(ids: &[i64]) -> Result<Cow<'_, [i64]>> {
    if ids.is_sorted() {
        return Ok(Cow::Borrowed(ids));
    }
    let mut ids = memory::copy(ids)?;
    ids.sort_unstable();
    Ok(Cow::Owned(ids))
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

    pub(super) fn find(&self, target: Target<'_>, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        search.check()?;
        let roots = self.searchable(search)?;
        let search = &*self.with_search_k(search)?;
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
            self.ways(),
        )
    }

    /// What a search is given where it has neither a `search_k` nor a recall, and whether a graph
    /// or scan is what it goes through; none where it looks at all items.
    pub(crate) fn usual_search_k(&self, search: &Search<'_>) -> Option<(u64, bool)> {
        if search.way == Way::Exact || self.n_trees() == 0 {
            return None;
        }
        let tens = (search.n as u64).div_ceil(10).max(1);
        let ways = self.ways();
        let (each, times, is_walk) = match (search.way, ways.graph, ways.scan) {
            (Way::Fastest | Way::Graph, Some(graph), _) => {
                let each = graph::search::default_search_k(graph.header.recall);
                (each, tens, true)
            }
            (Way::Fastest | Way::Scan, _, Some(scan)) => (scan.header.search_k, tens, true),
            _ => (self.n_trees() as u64, search.n as u64, false),
        };
        Some((each.saturating_mul(times), is_walk))
    }

    fn ways(&self) -> Ways<'_> {
        Ways {
            graph: self.graph(),
            scan: self.scan(),
        }
    }

    /// The trees, none if a search does without.
    pub(super) fn searchable(&self, search: &Search<'_>) -> Result<Cow<'_, Roots>> {
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
            Way::Forest | Way::Graph | Way::Scan => false,
        };
        without.then(|| Roots::none(n_items))
    }
}
