//! Choosing between a graph and a scan.

use super::attached::Part;
use super::graph::GraphPlan;
use super::log::LogLevel;
use super::search::EXACT_ITEMS;
use super::tune::NEAREST;
use super::vector::{Vector, VectorMut};
use super::Index;
use crate::error::{Error, Result};
use crate::kernel::BLOCK;
use crate::memory;
use crate::scan::search::n_reranked;
use crate::types::ScalarType;
use crate::work::Work;
use std::panic::{self, AssertUnwindSafe};

/// What is to be found where the caller does not say.
const RECALL: f64 = 0.95;

/// Items whose graphs tell how hard that of all is to search.
const SAMPLES: [usize; 2] = [8_000, 24_000];

/// Trees under those graphs.
const TREES: usize = 10;

/// What a search looks at grows with a power of the number of items. From sample to sample that is
/// greater than from there on, of which it is this share.
const SLOWER: f64 = 0.8;

/// Nanoseconds, about, that a search takes for each item it looks at in a graph; in a scan for each
/// list, item, byte of an item's code and candidate that is re-ranked; and besides.
const OF_GRAPH: f64 = 35.0;
const OF_LIST: f64 = 8.0;
const OF_SCAN: f64 = 0.7;
const OF_BYTE: f64 = 0.025;
const OF_RERANKED: f64 = 60.0;
const BESIDES: f64 = 6_000.0;

impl Index {
    /// Builds a graph or a scan over the items of a built or loaded index, whichever is expected to
    /// find so much of the nearest ten (0.95 if nothing is said) in less time, in place of both.
    /// Then [tunes](Self::tune) it, so that searches can be asked for a
    /// [`recall`](crate::Search::recall).
    ///
    /// A scan is built in a tenth of the time of a graph, so it comes first; how much searches of a
    /// graph have to look at is told by those of samples of the items. The choice depends on the
    /// items alone: the same index gives the same bytes, for any number of threads and on any
    /// processor.
    ///
    /// ```
    /// use annoy_rs::{Index, Metric, Search, Work};
    /// let mut index = Index::new(Metric::Euclidean, 2)?;
    /// for id in 0..1000 {
    ///     index.add_item(id, &[(id % 40) as f32, (id / 40) as f32])?;
    /// }
    /// index.build(Some(10), None)?;
    /// index.build_auto(None, &mut Work::default())?;
    /// let search = Search {
    ///     recall: Some(0.95),
    ///     ..Search::new(4)
    /// };
    /// assert_eq!(index.search(&[3.1f32, 4.2], &search)?[0].id, 163);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`build_graph`](Self::build_graph) and [`tune`](Self::tune); [`Error::Argument`] for a
    /// recall that is not more than 0 and at most 1. The index is then as before.
    pub fn build_auto(&mut self, recall: Option<f64>, work: &mut Work<'_>) -> Result<()> {
        let recall = recall.unwrap_or(RECALL);
        if !(recall > 0.0 && recall <= 1.0) {
            return Err(Error::argument("recall", recall, "more than 0, at most 1"));
        }
        self.state.roots("build a graph or a scan")?;
        let before = self.attached.take_built();
        let chosen = panic::catch_unwind(AssertUnwindSafe(|| self.choose(recall, work)));
        if !matches!(chosen, Ok(Ok(()))) {
            self.attached.put_back(before);
        }
        chosen.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    fn choose(&mut self, recall: f64, work: &mut Work<'_>) -> Result<()> {
        if self.n_items() > EXACT_ITEMS && self.try_scan(recall, work)? {
            return Ok(());
        }
        self.build_graph(&GraphPlan::default(), work)?;
        self.attached.scan = Part::Dropped;
        self.tune(work)
    }

    /// Builds a scan, unless a graph is expected to be faster, or there can be none.
    fn try_scan(&mut self, recall: f64, work: &mut Work<'_>) -> Result<bool> {
        self.attached.graph = Part::Dropped;
        match self.build_scan(work) {
            Err(Error::Unsupported(_)) => return Ok(false),
            built => built?,
        }
        self.tune(work)?;
        let Some(by_scan) = self.time_of_scan(recall) else {
            return Ok(false);
        };
        let by_graph = self.time_of_graph(recall, work)?;
        let is_scan = by_scan < by_graph;
        self.log.say(LogLevel::Info, || {
            format!(
                "to find {recall} of the nearest a scan is expected to take {:.0} us and a graph \
                 {:.0}: it will be a {}",
                by_scan / 1000.0,
                by_graph / 1000.0,
                if is_scan { "scan" } else { "graph" }
            )
        });
        Ok(is_scan)
    }

    /// Nanoseconds of a search of a graph that is not there, told by those of samples.
    fn time_of_graph(&self, recall: f64, work: &mut Work<'_>) -> Result<f64> {
        let (n_present, mut looked_at) = (self.ids().count(), [(1.0, 1.0); 2]);
        for (i, n) in SAMPLES.into_iter().enumerate() {
            if i > 0 && looked_at[0].0 == n_present as f64 {
                // That was all.
                looked_at[1] = looked_at[0];
                break;
            }
            let mut sample = self.sampled(n)?;
            sample.build_with(Some(TREES), work)?;
            sample.build_graph(&GraphPlan::default(), work)?;
            sample.tune(work)?;
            looked_at[i] = (sample.n_items() as f64, sample.search_k_for(recall) as f64);
        }
        let [(few, of_few), (many, of_many)] = looked_at;
        let power = match few < many {
            true => SLOWER * (of_many / of_few).ln() / (many / few).ln(),
            false => 0.0,
        };
        let of_all = of_many * (self.n_items() as f64 / many).powf(power.clamp(0.0, 1.0));
        Ok(BESIDES + OF_GRAPH * of_all)
    }

    /// What a search looks at by the curve.
    fn search_k_for(&self, recall: f64) -> u64 {
        let curve = self.attached.curve.as_ref();
        let search_k = curve.map_or(u64::MAX, |curve| curve.search_k(recall));
        search_k.min(self.n_items() as u64)
    }

    /// Nanoseconds of a search of the scan.
    fn time_of_scan(&self, recall: f64) -> Option<f64> {
        let header = self.scan()?.header;
        let search_k = self.search_k_for(recall);
        let n_reranked = n_reranked(NEAREST, search_k, header.search_k, header.n_reranked);
        let bytes = (header.block_bytes() / BLOCK) as f64;
        let lists = OF_LIST * header.n_lists as f64;
        let items = (OF_SCAN + OF_BYTE * bytes) * search_k as f64;
        Some(BESIDES + lists + items + OF_RERANKED * n_reranked as f64)
    }

    /// An index of some of the items, from all over the place.
    fn sampled(&self, n: usize) -> Result<Index> {
        let mut index = Index::with_options(self.options)?;
        let nodes = self.nodes();
        let ids = memory::collect(self.ids())?;
        let f = self.f();
        let (mut floats, mut doubles) = (memory::filled(0f32, f)?, memory::filled(0f64, f)?);
        let n = n.min(ids.len());
        index.reserve(n)?;
        for i in 0..n {
            let item = nodes.get(ids[i * ids.len() / n] as usize);
            let vector = match self.options.scalar {
                ScalarType::F64 => {
                    self.engine.read_item(item, VectorMut::F64(&mut doubles))?;
                    Vector::F64(&doubles)
                }
                _ => {
                    self.engine.read_item(item, VectorMut::F32(&mut floats))?;
                    Vector::F32(&floats)
                }
            };
            index.add_item(i as i64, vector)?;
        }
        Ok(index)
    }
}
