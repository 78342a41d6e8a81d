//! The neighbour graph over the items: built from the forest, searched by walking.
//!
//! - [`codes`]: vectors as bytes, for comparing quickly; [`scale`], [`projection`]: what they are made by.
//! - [`leaves`], [`descent`], [`prune`]: building.
//! - [`routes`]: the trees made small, for where a walk starts.
//! - [`lists`], [`threads`]: what that stands on.
//! - [`section`]: how both lie in a file.
//! - [`check`]: whether they are what they should be.
//! - [`walk`]: from neighbours to neighbours of one query; [`search`]: all of a search, of several queries by turns.

pub mod check;
pub mod codes;
mod descent;
mod leaves;
mod lists;
mod projection;
mod prune;
pub mod routes;
mod scale;
pub mod search;
pub mod section;
mod threads;
pub mod walk;

use crate::error::{Error, Result};
use crate::forest::roots::{Roots, MAX_TREES};
use crate::kernel::{CodeRows, Isa, Measure};
use crate::layout::Nodes;
use crate::metric::Space;
use crate::storage::HeapBytes;
use crate::work::Meter;
use codes::{Coded, Coder, Codes, Source};
use leaves::Leaves;
use lists::Lists;
use routes::{RouteBytes, Routes};
use section::{Header, MAX_DEGREE};
use threads::Team;

/// Behind an item's neighbours when they are fewer than its place holds.
pub const END: u32 = u32::MAX;

/// How a graph is built. The first three decide how much is found, the others how long the building takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Neighbours of an item at the most, 1 to 255.
    pub degree: usize,
    /// Nearest neighbours they are chosen from, 1 to 1,024.
    pub candidates: usize,
    /// Slack of that choice, 1 to 16: with more, longer ways are kept beside short ones.
    pub alpha: f64,
    /// Rounds of NN-descent at the most; 0 leaves it at what the leaves of the trees tell.
    pub rounds: usize,
    /// Neighbours that a round takes of a list, and of those in whose lists an item is, 1 to 255.
    pub sample: usize,
    /// Trees whose leaves are made use of.
    pub trees: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            degree: 32,
            candidates: 48,
            alpha: 1.2,
            rounds: 6,
            sample: 12,
            trees: 10,
        }
    }
}

impl Plan {
    fn check(&self) -> Result<()> {
        let within = |name, found: usize, least: usize, most: usize| {
            if (least..=most).contains(&found) {
                return Ok(());
            }
            Err(Error::argument(name, found, format!("{least} to {most}")))
        };
        within("degree", self.degree, 1, MAX_DEGREE)?;
        within("candidates", self.candidates, 1, 1024)?;
        within("rounds", self.rounds, 0, 1000)?;
        within("sample", self.sample, 1, 255)?;
        within("n_trees", self.trees, 1, MAX_TREES)?;
        if self.alpha >= 1.0 && self.alpha <= 16.0 {
            return Ok(());
        }
        Err(Error::argument("alpha", self.alpha, "1 to 16"))
    }
}

/// A graph in memory: the sections of a file, and what their headers say.
pub struct Graph {
    header: Header,
    codes: HeapBytes,
    lists: HeapBytes,
}

/// A graph wherever it lies.
#[derive(Clone, Copy)]
pub struct GraphBytes<'a> {
    pub header: &'a Header,
    pub codes: &'a [u8],
    pub lists: &'a [u8],
}

/// A graph to be searched.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub codes: Codes<'a>,
    pub coder: Coder<'a>,
    pub degree: usize,
    neighbors: &'a [u8],
    /// Ids of items to start from, 4 bytes each; none where the trees name them.
    pub entries: &'a [u8],
    /// Their codes.
    pub entry_codes: CodeRows<'a>,
    pub routes: Routes<'a>,
}

impl<'a> View<'a> {
    /// The neighbours of an item as they stand there, unchecked, with what is behind their end.
    #[inline]
    pub fn row(&self, item: usize) -> &'a [u8] {
        let size = 4 * self.degree;
        &self.neighbors[item * size..][..size]
    }
}

impl View<'_> {
    /// Distances of a query to the codes of items to start from. Without the extras, which lie elsewhere: these need not be the very
    /// nearest.
    fn entry_distances(&self, query: Coded<'_>, places: &[u32], to: &mut [u32]) {
        let codes = Codes {
            rows: self.entry_codes,
            extras: &[],
            ..self.codes
        };
        codes.distances(query, places, to);
    }
}

impl<'a> GraphBytes<'a> {
    /// For searching.
    pub fn view(&self, isa: Isa, measure: Measure) -> View<'a> {
        self.header.view(self.codes, self.lists, isa, measure)
    }
}

impl Graph {
    /// The same for any number of threads and on any processor.
    ///
    /// # Errors
    /// [`Error::Argument`], [`Error::Corrupt`], [`Error::NoMemory`], [`Error::Unsupported`], [`Error::Cancelled`].
    pub fn build<S: Space>(
        space: &S,
        nodes: &Nodes<'_>,
        roots: &Roots,
        isa: Isa,
        plan: &Plan,
        meter: &Meter<'_>,
    ) -> Result<Self> {
        plan.check()?;
        let n_items = roots.n_items;
        if n_items >= lists::MAX_ITEMS {
            return Err(Error::Unsupported(format!(
                "a graph over {n_items} items; there may be {}",
                lists::MAX_ITEMS - 1
            )));
        }
        // The leaves count as one pass, as choosing does, which is done twice.
        let passes = codes::passes(nodes.layout().options) + 1 + plan.rounds * descent::PASSES + 2;
        meter.set_total((passes * n_items) as u64);
        let team = Team::new(meter);
        let source = Source {
            space,
            nodes: *nodes,
        };
        let (mut header, codes) = codes::encode(&source, n_items, isa, &team)?;
        let of_codes = header.clone();
        let stored = GraphBytes {
            header: &of_codes,
            codes: codes.bytes(),
            lists: &[],
        };
        let view = stored.view(isa, S::MEASURE).codes;
        let lists = Lists::new(n_items, plan.candidates)?;
        let leaves = Leaves::collect(nodes, roots, plan.trees)?;
        let (entries, routes) = match header.is_projected() {
            true => (leaves.spread(n_items.isqrt()), RouteBytes::default()),
            false => (
                Vec::new(),
                RouteBytes::build(&source, roots, of_codes.scale())?,
            ),
        };
        descent::start(&view, &leaves, &lists, &team)?;
        let order = leaves.order(n_items)?;
        drop(leaves);
        if plan.rounds > 0 {
            descent::refine(&view, &lists, plan, &order, &team)?;
        }
        let chosen = prune::prune(&view, lists, S::MEASURE, plan, &order, &team)?;
        let mut bytes = header.new_lists(plan, &entries, &view, &routes)?;
        for (item, row) in header.rows_mut(bytes.bytes_mut()).enumerate() {
            let ids = chosen.of(item as u32).map(|near| near.id());
            let all = ids.chain(std::iter::repeat(END));
            for (to, id) in row.chunks_exact_mut(4).zip(all) {
                to.copy_from_slice(&id.to_le_bytes());
            }
        }
        meter.finish()?;
        Ok(Graph {
            header,
            codes,
            lists: bytes,
        })
    }

    pub fn stored(&self) -> GraphBytes<'_> {
        GraphBytes {
            header: &self.header,
            codes: self.codes.bytes(),
            lists: self.lists.bytes(),
        }
    }
}
