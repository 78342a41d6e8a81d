//! Measuring what searches find, so that they can be asked for a recall.

use super::batch::At;
use super::log::LogLevel;
use super::recall::Truth;
use super::search::{Search, Way};
use super::vector::Vector;
use super::Index;
use crate::curve::{Curve, Measured, Point};
use crate::error::{Error, Result};
use crate::memory;
use crate::work::{Meter, Stage, Work};
use std::borrow::Cow;

/// Items that are queries, where the caller gives none.
const PROBES: usize = 512;

/// They are chosen by this seed.
const SEED: u64 = 1;

/// Results that searches are measured with.
pub const NEAREST: usize = 10;

/// The first `search_k` that is measured; one is one and a half times, or four thirds of, that
/// before.
const FIRST: u64 = 64;

/// No more is measured when so much is found.
const ENOUGH: f64 = 0.999;

impl Index {
    /// Measures what share of the nearest ten searches find, by how much they look at, so that
    /// they can be asked for a [`recall`](Search::recall). What they go through by default is
    /// measured: the graph if there is one, else the scan, else the forest. The queries are 512 of
    /// the items, each as if it were not there itself. The curve is saved with the index, in a
    /// section that Annoy does not see, and gone when trees, graph or scan are built anew.
    ///
    /// Items find a little more of each other than other queries do, as trees and lists were made
    /// with them: [`tune_for`](Self::tune_for) takes queries of the caller's.
    ///
    /// Takes a look at all items for each query. The same index gives the same curve, for any
    /// number of threads and on any processor.
    ///
    /// ```
    /// use annoy_rs::{Index, Metric, Search, Work};
    /// let mut index = Index::new(Metric::Euclidean, 2)?;
    /// for id in 0..1000 {
    ///     index.add_item(id, &[(id % 40) as f32, (id / 40) as f32])?;
    /// }
    /// index.build(Some(2), None)?;
    /// index.tune(&mut Work::default())?;
    /// let search = Search {
    ///     recall: Some(0.9),
    ///     ..Search::new(4)
    /// };
    /// assert_eq!(index.search(&[3.1f32, 4.2], &search)?[0].id, 163);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::State`] when not built; [`Error::Corrupt`] when a loaded file turns out to be
    /// damaged; [`Error::NoMemory`]; [`Error::Cancelled`]. The index is then as before.
    pub fn tune(&mut self, work: &mut Work<'_>) -> Result<()> {
        let curve = work.run(Stage::Search, 0, |meter| {
            self.state.roots("tune")?;
            let ids = self.sample(PROBES, SEED)?;
            self.curve(At::Strangers(&ids), meter)
        });
        self.keep_curve(curve)
    }

    /// [`tune`](Self::tune) with queries of the caller's: what searches for such find may differ
    /// from what searches from items do.
    ///
    /// # Errors
    /// As [`tune`](Self::tune); [`Error::Argument`] for no queries; [`Error::Dimension`],
    /// [`Error::Unsupported`] or [`Error::NotFinite`] for one of them.
    pub fn tune_for<'a, V: Into<Vector<'a>>>(
        &mut self,
        queries: impl Fn(usize) -> V + Sync,
        n_queries: usize,
        work: &mut Work<'_>,
    ) -> Result<()> {
        let curve = work.run(Stage::Search, 0, |meter| {
            self.state.roots("tune")?;
            if n_queries == 0 {
                let name = "the number of queries";
                return Err(Error::argument(name, 0, "at least 1"));
            }
            let vector = |i: usize| queries(i).into();
            for i in 0..n_queries {
                self.engine.check(vector(i), None)?;
            }
            self.curve(At::Vectors(&vector, n_queries), meter)
        });
        self.keep_curve(curve)
    }

    fn keep_curve(&mut self, curve: Result<Curve>) -> Result<()> {
        self.log.heard("tune", &curve);
        let curve = curve?;
        self.log.say(LogLevel::Info, || {
            let way = curve.of.name();
            match curve.points().last() {
                Some(Point { search_k, recall }) => format!(
                    "tuned the {way} with {} queries: it finds {recall:.3} of the nearest 10 with \
                     search_k {search_k}",
                    curve.n_queries
                ),
                None => format!("tuned the {way}: there are so few items that all are looked at"),
            }
        });
        self.attached.curve = Some(curve);
        Ok(())
    }

    fn curve(&self, queries: At<'_>, meter: &Meter<'_>) -> Result<Curve> {
        let n_items = self.n_items() as u64;
        let steps = std::iter::successors(Some(FIRST), |&k| {
            // 64, 96, 128, 192, ...
            Some(if k.is_power_of_two() {
                k / 2 * 3
            } else {
                k / 3 * 4
            })
        });
        let steps = memory::collect(steps.take_while(|&k| k <= n_items / 2))?;
        let n = queries.n();
        meter.set_total((n * (1 + steps.len())) as u64);
        let search = Search::new(NEAREST);
        let truth = Truth::new(self, queries, &search, meter)?;
        let of = self.measured(Way::Fastest);
        // An item is not counted where it is come upon and left out itself.
        let itself = match (queries, of) {
            (At::Strangers(_), Measured::Forest) => self.n_trees() as u64,
            _ => 0,
        };
        let mut points = memory::with_room(steps.len())?;
        for search_k in steps {
            let search = Search {
                search_k: Some(search_k),
                ..search
            };
            let recall = truth.recall(self, queries, &search, meter)?;
            points.push(Point {
                search_k: search_k + itself,
                recall,
            });
            if recall >= ENOUGH {
                break;
            }
        }
        meter.finish()?;
        Curve::new(of, n as u64, &points)
    }

    /// What a search goes through that is told this.
    fn measured(&self, way: Way) -> Measured {
        match way {
            Way::Graph => Measured::Graph,
            Way::Scan => Measured::Scan,
            Way::Forest => Measured::Forest,
            _ if self.graph().is_some() => Measured::Graph,
            _ if self.scan().is_some() => Measured::Scan,
            _ => Measured::Forest,
        }
    }

    /// The search, with the `search_k` that its recall takes.
    pub(super) fn with_search_k<'s, 'a>(
        &self,
        search: &'s Search<'a>,
    ) -> Result<Cow<'s, Search<'a>>> {
        let Some(recall) = search.recall else {
            return Ok(Cow::Borrowed(search));
        };
        if !(recall > 0.0 && recall <= 1.0) {
            return Err(Error::argument("recall", recall, "more than 0, at most 1"));
        }
        if let Some(search_k) = search.search_k {
            let expected = "none beside a recall";
            return Err(Error::argument("search_k", search_k, expected));
        }
        let mut found = Search {
            recall: None,
            ..*search
        };
        if search.way != Way::Exact && self.n_trees() > 0 {
            let way = self.measured(search.way);
            let curve = self.attached.curve.as_ref();
            let Some(curve) = curve.filter(|curve| curve.of == way) else {
                return Err(Error::State {
                    operation: "search for a recall",
                    state: "not tuned for that way of searching",
                    expected: "one that was tuned",
                });
            };
            let tens = (search.n as u64).div_ceil(NEAREST as u64).max(1);
            found.search_k = Some(curve.search_k(recall).saturating_mul(tens));
        }
        Ok(Cow::Owned(found))
    }
}
