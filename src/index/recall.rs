//! How much of the truth searches find.

use super::batch::At;
use super::search::{Search, Way};
use super::Index;
use crate::error::{reserve, Error, Result};
use crate::memory;
use crate::query::Neighbor;
use crate::rng::Key;
use crate::types::Metric;
use crate::work::{Meter, Stage, Work};

/// What an exact search finds for some queries: as far as the last is, and how many there are.
pub struct Truth(Vec<(f64, usize)>);

impl Truth {
    /// By a search like this one.
    ///
    /// # Errors
    /// As [`Index::search_batch`].
    pub fn new(
        index: &Index,
        queries: At<'_>,
        search: &Search<'_>,
        meter: &Meter<'_>,
    ) -> Result<Self> {
        let exact = Search {
            way: Way::Exact,
            search_k: None,
            ..*search
        };
        let mut truth = memory::filled((0.0, 0), queries.n())?;
        index.run(queries, &exact, meter, |i, found| {
            truth[i] = (found.last().map_or(0.0, |last| last.distance), found.len());
        })?;
        Ok(Truth(truth))
    }

    /// The share of it that a search finds, or of what is as near; 1 when there is nothing to find.
    ///
    /// # Errors
    /// As [`Index::search_batch`].
    pub fn recall(
        &self,
        index: &Index,
        queries: At<'_>,
        search: &Search<'_>,
        meter: &Meter<'_>,
    ) -> Result<f64> {
        let is_dot = index.options.metric == Metric::Dot;
        let mut hits = 0;
        index.run(queries, search, meter, |i, found| {
            let (farthest, _) = self.0[i];
            let is_hit = |neighbor: &&Neighbor| match is_dot {
                true => neighbor.distance >= farthest,
                false => neighbor.distance <= farthest,
            };
            hits += found.iter().filter(is_hit).count();
        })?;
        let wanted: usize = self.0.iter().map(|(_, found)| found).sum();
        Ok(match wanted {
            0 => 1.0,
            _ => hits as f64 / wanted as f64,
        })
    }
}

impl Index {
    /// Recall of searches for the `n` nearest of an item, itself left out: the share of what is
    /// found that is as near as the `n` nearest of an exact search, averaged over `n_sample` items
    /// chosen by `seed` (or all that are neither missing nor removed, if they are fewer). 1 when
    /// there is nothing to find. The same index and numbers give the same result, with any number
    /// of threads.
    ///
    /// Takes `n_sample` looks at all items, and 8 bytes of memory for each item.
    ///
    /// # Errors
    /// [`Error::State`] when not built; [`Error::Argument`] for 0 samples, an `n` of 0 or 0
    /// threads; [`Error::Cancelled`]; [`Error::Corrupt`] when a loaded file turns out to be
    /// damaged; [`Error::NoMemory`].
    pub fn estimate_recall(
        &self,
        n_sample: usize,
        n: usize,
        search_k: Option<u64>,
        seed: u64,
        work: &mut Work<'_>,
    ) -> Result<f64> {
        work.run(Stage::Search, 0, |meter| {
            self.state.roots("estimate recall")?;
            for (name, number) in [("n_sample", n_sample), ("n", n)] {
                if number == 0 {
                    return Err(Error::argument(name, 0, "at least 1"));
                }
            }
            let sample = self.sample(n_sample, seed)?;
            meter.set_total(2 * sample.len() as u64);
            let search = Search {
                search_k,
                ..Search::new(n)
            };
            let sample = At::Strangers(&sample);
            Truth::new(self, sample, &search, meter)?.recall(self, sample, &search, meter)
        })
    }

    /// Ids of `n` items, or of all if there are no more, each once.
    pub(super) fn sample(&self, n: usize, seed: u64) -> Result<Vec<i64>> {
        let (nodes, removed) = (self.nodes(), self.removed());
        let mut ids = Vec::new();
        reserve(&mut ids, self.n_items())?;
        ids.extend((0..self.n_items()).filter(|&id| {
            nodes.get(id).n_descendants() == 1 && removed.is_none_or(|removed| !removed.has(id))
        }));
        let mut stream = Key::root(seed, 0).stream();
        let n = n.min(ids.len());
        for i in 0..n {
            let other = i + stream.index(ids.len() - i);
            ids.swap(i, other);
        }
        ids.truncate(n);
        memory::collect(ids.into_iter().map(|id| id as i64))
    }
}
