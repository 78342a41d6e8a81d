//! The neighbour graph: building it, and where it is.

use super::attached::Part;
use super::log::LogLevel;
use super::state::State;
use super::Index;
use crate::error::Result;
use crate::graph::{GraphBytes, LOW_RECALL};
use crate::work::{Stage, Work};

pub use crate::graph::build::GraphPlan;

impl Index {
    /// Builds a graph over the items of a built or loaded index, in place of the one it has.
    /// Searches then walk it, and find more in less time; `search_k` keeps its meaning. It is saved
    /// with the index, in a section that Annoy does not see, and gone when the trees are.
    ///
    /// Walks compare codes of a byte for each number, or for each of a few directions that long
    /// vectors differ in, if those tell near items apart, which is tried with 64 items and with
    /// those that lie nearest to each other; else the vectors. What was chosen and the share of the
    /// nearest that was then found are in [`Info`](crate::Info) and in the log, as a warning when
    /// it is less than 0.9: then searches look at more by default. The same index and plan give the
    /// same bytes, for any number of threads and on any processor.
    ///
    /// For each item it takes `4 * degree` bytes, a byte for each number of a vector (to a multiple
    /// of 64; fewer where fewer tell long vectors apart) and some 20 for ways down ten trees (80
    /// where vectors are shortest), and while it is built `8 * (candidates + 4 * sample)` bytes and
    /// 4 for each tree.
    ///
    /// ```
    /// use annoy_rs::{GraphPlan, Index, Metric, Work};
    /// let mut index = Index::new(Metric::Euclidean, 2)?;
    /// for id in 0..100 {
    ///     index.add_item(id, &[(id % 10) as f32, (id / 10) as f32])?;
    /// }
    /// index.build(Some(2), None)?;
    /// index.build_graph(&GraphPlan::default(), &mut Work::default())?;
    /// assert_eq!(index.get_nns_by_vector(&[3.1f32, 4.2], 1, None)?[0].id, 43);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when not built;
    /// [`Error::Argument`](crate::Error::Argument);
    /// [`Error::Unsupported`](crate::Error::Unsupported) for 2^31 items or more;
    /// [`Error::Corrupt`](crate::Error::Corrupt) when a loaded file turns out to be damaged;
    /// [`Error::NoMemory`](crate::Error::NoMemory); [`Error::Cancelled`](crate::Error::Cancelled).
    /// The index is then as before.
    pub fn build_graph(&mut self, plan: &GraphPlan, work: &mut Work<'_>) -> Result<()> {
        let built = work.run(Stage::Graph, 0, |meter| {
            let roots = self.state.roots("build a graph")?;
            self.log.say(LogLevel::Debug, || {
                format!("building a graph over {} items", roots.n_items)
            });
            self.engine.build_graph(&self.nodes(), roots, plan, meter)
        });
        self.log.heard("build a graph", &built);
        self.attached.graph = Part::Built(built?);
        self.attached.curve = None;
        self.say_what_was_built();
        Ok(())
    }

    fn say_what_was_built(&self) {
        let Some(header) = self.graph().map(|graph| graph.header) else {
            return;
        };
        let recall = header.recall.unwrap_or(0.0);
        let compared = match header.code_bytes() {
            0 => format!("vectors, as codes do not tell near items apart"),
            bytes => format!("codes of {bytes} bytes"),
        };
        let (level, remark) = match recall < LOW_RECALL {
            true => (LogLevel::Warn, ": little; a larger search_k finds more"),
            false => (LogLevel::Info, ""),
        };
        self.log.say(level, || {
            format!(
                "built a graph over {} items, walked by {compared}; tried out it found {recall:.3} of \
                 the nearest 10{remark}",
                self.n_items()
            )
        });
    }

    /// The graph that was built, or that of the loaded file.
    pub(super) fn graph(&self) -> Option<GraphBytes<'_>> {
        match (&self.attached.graph, &self.state) {
            (Part::Built(graph), _) => Some(graph.stored()),
            (Part::OfFile, State::Mapped(file)) => file.graph(),
            _ => None,
        }
    }

    /// Neighbours of an item at the most in the graph; 0 when there is none.
    pub fn graph_degree(&self) -> usize {
        self.graph().map_or(0, |graph| graph.header.degree)
    }
}
