//! Building a graph.
//!
//! ```text
//! leaves  = the leaves of the forest
//! codes   = quantize(items), or none where codes do not tell near items apart
//! lists   = for each item the nearest in its leaves
//! repeat: for each item, compare its new neighbours with each other and with the old (NN-descent)
//! graph   = for each item: RobustPrune(list), with the edges turned round, RobustPrune again
//! recall  = search(graph) for some items, compared with what is nearest
//! ```
//!
//! Sources: Dong, Moses and Li 2011 (NN-descent); Subramanya et al. 2019, "DiskANN" (RobustPrune).

mod descent;
pub mod encode;
mod insert;
pub mod insert_one;
mod leaves;
mod lists;
mod prune;
mod remove;
pub mod routes;
mod sync;
pub mod trial;

use super::format::header::{GraphHeader, MAX_DEGREE};
use super::format::routes::RouteBytes;
use super::quantize::points::Points;
use super::quantize::vectors::{Source, Vectors};
use super::threads::Team;
use super::{Graph, END, LOW_RECALL};
use crate::error::{reserve, Error, Result};
use crate::forest::roots::{Roots, MAX_TREES};
use crate::kernel::Isa;
use crate::storage::HeapBytes;
use crate::work::Meter;
use encode::ScaleRule;
use leaves::Leaves;
use lists::NeighborLists;
use trial::Trial;

/// How a graph is built. The first three decide how much is found, the others how long the building
/// takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GraphPlan {
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
    pub n_trees: usize,
}

impl Default for GraphPlan {
    fn default() -> Self {
        GraphPlan {
            degree: 32,
            candidates: 48,
            alpha: 1.2,
            rounds: 6,
            sample: 12,
            n_trees: 10,
        }
    }
}

impl GraphPlan {
    /// For another graph like one there is: the rest of how that was built is not known.
    pub(crate) fn of(header: &GraphHeader) -> Self {
        GraphPlan {
            degree: header.degree,
            alpha: header.alpha,
            ..GraphPlan::default()
        }
    }

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
        within("n_trees", self.n_trees, 1, MAX_TREES)?;
        if self.alpha >= 1.0 && self.alpha <= 16.0 {
            return Ok(());
        }
        Err(Error::argument("alpha", self.alpha, "1 to 16"))
    }
}

impl Graph {
    /// The same for any number of threads and on any processor.
    ///
    /// # Errors
    /// [`Error::Argument`], [`Error::Corrupt`], [`Error::NoMemory`], [`Error::Unsupported`],
    /// [`Error::Cancelled`].
    pub fn build(
        source: &Source<'_>,
        roots: &Roots,
        isa: Isa,
        plan: &GraphPlan,
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
        let leaves = Leaves::collect(&source.nodes, roots, plan.n_trees, &|id| {
            source.takes_part(id)
        })?;
        let mut null = Vec::new();
        for id in 0..n_items {
            if source.item(id).is_some() && !source.takes_part(id) {
                reserve(&mut null, 1)?;
                null.push(id as u32);
            }
        }
        let mut build = Build {
            roots,
            isa,
            plan,
            team: Team::new(meter),
            order: leaves.order(n_items)?,
            leaves,
            null,
            source,
        };
        let graph = build.run(meter)?;
        meter.finish()?;
        Ok(graph)
    }
}

/// A build that is under way.
struct Build<'a, 'm, 'w> {
    source: &'a Source<'a>,
    roots: &'a Roots,
    isa: Isa,
    plan: &'a GraphPlan,
    team: Team<'m, 'w>,
    leaves: Leaves,
    /// The items in the order of the first tree.
    order: Vec<u32>,
    /// Those that have no neighbours.
    null: Vec<u32>,
}

impl Build<'_, '_, '_> {
    /// By the shortest codes with which enough is found, or else by the vectors.
    fn run(&mut self, meter: &Meter<'_>) -> Result<Graph> {
        let n_items = self.roots.n_items;
        // The leaves count as one pass, as choosing does, which is done twice.
        let passes = 1 + self.plan.rounds * descent::PASSES + 2;
        let of_codes = encode::passes(self.source.nodes.layout().options);
        let expect = |passes: usize| {
            meter.set_total(self.team.done() + (passes * n_items) as u64);
        };
        expect(of_codes + passes);
        let trial = Trial::new(self.source, n_items, &self.team)?;
        for kind in [ScaleRule::Least, ScaleRule::Most] {
            expect(of_codes + passes);
            let Some((header, codes)) =
                encode::encode(self.source, n_items, kind, &trial, self.isa, &self.team)?
            else {
                continue;
            };
            expect(passes);
            let stored = header.stored(&codes);
            let points = stored.view(self.isa, self.source.space.measure()).codes;
            let lists = self.nearest(&points)?;
            if Trial::tells_near_apart(self.source, &stored, &lists, self.isa, &self.team)? {
                let chosen = self.prune(&points, lists)?;
                return self.finish(header, codes, &chosen, &trial);
            }
        }
        expect(passes);
        let header = GraphHeader::of_vectors(&self.source.nodes.layout().options, n_items);
        let codes = header.new_codes(&[])?;
        let points = Vectors::of(self.source, n_items);
        let chosen = self.prune(&points, self.nearest(&points)?)?;
        self.finish(header, codes, &chosen, &trial)
    }

    /// The nearest of each item.
    fn nearest<P: Points>(&self, points: &P) -> Result<NeighborLists> {
        let (plan, order, team) = (self.plan, &self.order, &self.team);
        let lists = NeighborLists::new(self.roots.n_items, plan.candidates)?;
        descent::start(points, &self.leaves, &lists, team)?;
        if plan.rounds > 0 {
            descent::refine(points, &lists, plan, order, team)?;
        }
        Ok(lists)
    }

    /// Chooses the neighbours of each item among its nearest.
    fn prune<P: Points>(&self, points: &P, lists: NeighborLists) -> Result<NeighborLists> {
        let (plan, order, team) = (self.plan, &self.order, &self.team);
        prune::prune(
            points,
            lists,
            self.source.space.measure(),
            plan,
            order,
            team,
        )
    }

    /// Writes the graph's section, and tries what it finds.
    fn finish(
        &self,
        mut header: GraphHeader,
        codes: HeapBytes,
        chosen: &NeighborLists,
        trial: &Trial,
    ) -> Result<Graph> {
        let n_items = self.roots.n_items;
        let (mut entries, mut routes) = (Vec::new(), RouteBytes::default());
        if header.is_projected() {
            entries = self.leaves.spread(n_items.isqrt())?;
        } else if !header.by_vectors {
            routes = routes::build(self.source, self.roots, header.scale())?;
        }
        let of_items = header.codes(codes.bytes(), self.isa, self.source.space.measure());
        let mut lists = header.new_lists(
            self.plan.degree,
            self.plan.alpha,
            &entries,
            &of_items,
            &routes,
            &self.null,
        )?;
        for (item, row) in header.rows_mut(lists.bytes_mut()).enumerate() {
            let ids = chosen.of(item as u32).map(|near| near.id());
            let all = ids.chain(std::iter::repeat(END));
            for (to, id) in row.chunks_exact_mut(4).zip(all) {
                to.copy_from_slice(&id.to_le_bytes());
            }
        }
        let mut graph = Graph {
            header,
            codes,
            lists,
        };
        let tried =
            |graph: &Graph| trial.recall(self.source, self.roots, &graph.stored(), self.isa);
        let by_width = tried(&graph)?;
        graph.header.set_recall(by_width, graph.lists.bytes_mut());
        if by_width >= LOW_RECALL {
            // Searches of such a graph may end by distance, and find less if it is barely good.
            let recall = by_width.min(tried(&graph)?);
            graph.header.set_recall(recall, graph.lists.bytes_mut());
        }
        Ok(graph)
    }
}
