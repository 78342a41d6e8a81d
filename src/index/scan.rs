//! The lists of a scan: building them, and where they are.

use super::attached::Part;
use super::log::LogLevel;
use super::state::State;
use super::Index;
use crate::error::Result;
use crate::graph::LOW_RECALL;
use crate::scan::format::ScanBytes;
use crate::work::{Stage, Work};

impl Index {
    /// Puts the items of a built or loaded index into lists of near ones, as codes of 4 bits for
    /// each two numbers (each four of vectors longer than 192), in place of those it has. Searches
    /// then read the lists nearest to the query in a row, without following ways from item to item
    /// ([`Way::Scan`](crate::Way::Scan), also by default where there is no graph). They are faster
    /// than those of a graph where neighbours do not lie apart from the rest, as those of word
    /// vectors, and slower in clustered data; lists take less memory and time to build. They are
    /// saved with the index, in a section that Annoy does not see, and gone when the trees are.
    ///
    /// `search_k` is how many items a search looks at, of which it measures a few hundred by their
    /// vectors. How many of both is tried: as few as find 0.95 of the nearest ten of 64 items. What
    /// was found is in [`Info`](crate::Info) and in the log, as a warning when it is
    /// less than 0.9. The same index gives the same bytes, for any number of threads and on any
    /// processor.
    ///
    /// For each item it takes a byte for each four numbers of a vector (each eight of longer ones),
    /// and 6 more; while it is built a byte for each number.
    ///
    /// ```
    /// use annoy_rs::{Index, Metric, Search, Way, Work};
    /// let mut index = Index::new(Metric::Euclidean, 2)?;
    /// for id in 0..1000 {
    ///     index.add_item(id, &[(id % 40) as f32, (id / 40) as f32])?;
    /// }
    /// index.build(Some(2), None)?;
    /// index.build_scan(&mut Work::default())?;
    /// let search = Search {
    ///     way: Way::Scan,
    ///     ..Search::new(1)
    /// };
    /// assert_eq!(index.search(&[3.1f32, 4.2], &search)?[0].id, 163);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when not built;
    /// [`Error::Unsupported`](crate::Error::Unsupported) for manhattan and hamming, whose distances
    /// are no sums of products, and for 2^32 items or more;
    /// [`Error::NoMemory`](crate::Error::NoMemory); [`Error::Cancelled`](crate::Error::Cancelled).
    /// The index is then as before.
    pub fn build_scan(&mut self, work: &mut Work<'_>) -> Result<()> {
        let built = work.run(Stage::Scan, 0, |meter| {
            let n_items = self.state.roots("build a scan")?.n_items;
            self.log.say(LogLevel::Debug, || {
                format!("building a scan of {n_items} items")
            });
            self.engine.build_scan(&self.nodes(), n_items, meter)
        });
        self.log.heard("build a scan", &built);
        let scan = built?;
        let (n_lists, recall) = (scan.stored().header.n_lists, scan.stored().header.recall);
        self.attached.scan = Part::Built(scan);
        self.attached.curve = None;
        let (level, remark) = match recall < LOW_RECALL {
            true => (LogLevel::Warn, ": little; a larger search_k finds more"),
            false => (LogLevel::Info, ""),
        };
        self.log.say(level, || {
            format!(
                "built a scan of {} items in {n_lists} lists; tried out it found {recall:.3} of the \
                 nearest 10{remark}",
                self.n_items()
            )
        });
        Ok(())
    }

    /// The lists that were built, or those of the loaded file.
    pub(super) fn scan(&self) -> Option<ScanBytes<'_>> {
        match (&self.attached.scan, &self.state) {
            (Part::Built(scan), _) => Some(scan.stored()),
            (Part::OfFile, State::Mapped(file)) => file.scan(),
            _ => None,
        }
    }
}
