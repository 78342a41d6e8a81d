//! The neighbour graph over the items: built from the forest, searched by walking.
//!
//! - [`codes`]: vectors as bytes, for comparing quickly.
//! - [`leaves`], [`descent`], [`prune`]: building.
//! - [`lists`], [`threads`]: what that stands on.
//! - [`search`]: the walk.

pub mod codes;
mod descent;
mod leaves;
mod lists;
mod prune;
pub mod search;
mod threads;

use crate::error::{reserve, Error, Result};
use crate::forest::roots::{Roots, MAX_TREES};
use crate::kernel::{Isa, Measure};
use crate::layout::Nodes;
use crate::metric::Space;
use codes::{CodeBytes, Codes};
use leaves::Leaves;
use lists::Lists;

/// Behind an item's neighbours when they are fewer than its place holds.
pub const END: u32 = u32::MAX;

/// How a graph is built.
/// The first three decide how much is found, the others how long the building takes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Neighbours of an item at the most.
    pub degree: usize,
    /// Nearest neighbours they are chosen from.
    pub candidates: usize,
    /// Slack of that choice.
    pub alpha: f64,
    /// Rounds of NN-descent at the most.
    pub rounds: usize,
    /// Neighbours that a round takes of a list, and of those in whose lists an item is.
    pub sample: usize,
    /// Trees whose leaves are made use of.
    pub trees: usize,
    /// Threads.
    pub n_threads: usize,
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
            n_threads: 1,
        }
    }
}

impl Plan {
    fn check(&self) -> Result<()> {
        let within = |name, found: usize, most: usize| {
            if (1..=most).contains(&found) {
                return Ok(());
            }
            Err(Error::argument(name, found, format!("1 to {most}")))
        };
        within("degree", self.degree, 255)?;
        within("candidates", self.candidates, 1024)?;
        within("sample", self.sample, 255)?;
        within("trees", self.trees, MAX_TREES)?;
        within("n_threads", self.n_threads, 1024)?;
        if self.alpha >= 1.0 && self.alpha <= 16.0 {
            return Ok(());
        }
        Err(Error::argument("alpha", self.alpha, "1 to 16"))
    }
}

/// A graph in memory.
pub struct Graph {
    pub codes: CodeBytes,
    /// Places for neighbours of an item.
    pub degree: usize,
    /// For each item `degree` ids.
    pub neighbors: Vec<u8>,
}

/// A graph wherever it lies.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub codes: Codes<'a>,
    pub scale: &'a codes::Scale,
    pub degree: usize,
    pub neighbors: &'a [u8],
}

impl<'a> View<'a> {
    /// The neighbours of an item as they stand there, unchecked, with what is behind their end.
    #[inline]
    pub fn row(&self, item: usize) -> &'a [u8] {
        let size = 4 * self.degree;
        &self.neighbors[item * size..][..size]
    }
}

impl Graph {
    /// The same for any number of threads and on any processor.
    ///
    /// # Errors
    /// [`Error::Argument`], [`Error::Corrupt`], [`Error::NoMemory`], [`Error::Unsupported`].
    pub fn build<S: Space>(
        space: &S,
        nodes: &Nodes<'_>,
        roots: &Roots,
        isa: Isa,
        plan: Plan,
    ) -> Result<Self> {
        let n_items = roots.n_items;
        if n_items >= lists::MAX_ITEMS {
            return Err(Error::Unsupported(format!(
                "a graph over {n_items} items; there may be {}",
                lists::MAX_ITEMS - 1
            )));
        }
        plan.check()?;
        let codes = CodeBytes::new(space, nodes, n_items)?;
        let view = codes.view(isa, S::MEASURE);
        let lists = Lists::new(n_items, plan.candidates)?;
        let leaves = Leaves::collect(nodes, roots, plan.trees)?;
        descent::start(&view, &leaves, &lists, plan.n_threads)?;
        drop(leaves);
        let mut reverse = [
            Lists::new(n_items, plan.sample)?,
            Lists::new(n_items, plan.sample)?,
        ];
        for round in 0..plan.rounds {
            let new = descent::round(
                &view,
                &lists,
                &mut reverse,
                plan.sample,
                round as u64,
                plan.n_threads,
            )?;
            // Few enough that another round is not worth its time.
            if new < n_items / 50 {
                break;
            }
        }
        drop(reverse);
        let rule = prune::Rule {
            degree: plan.degree,
            alpha: plan.alpha,
        };
        let graph = prune::prune(&view, lists, S::MEASURE, rule, plan.n_threads)?;
        let mut neighbors = Vec::new();
        reserve(&mut neighbors, n_items * plan.degree * 4)?;
        for item in 0..n_items {
            let ids = graph.of(item as u32).map(|near| near.id());
            let mut n = 0;
            for id in ids {
                neighbors.extend_from_slice(&id.to_le_bytes());
                n += 1;
            }
            for _ in n..plan.degree {
                neighbors.extend_from_slice(&END.to_le_bytes());
            }
        }
        Ok(Graph {
            codes,
            degree: plan.degree,
            neighbors,
        })
    }

    /// For searching.
    pub fn view(&self, isa: Isa, measure: Measure) -> View<'_> {
        View {
            codes: self.codes.view(isa, measure),
            scale: &self.codes.scale,
            degree: self.degree,
            neighbors: &self.neighbors,
        }
    }
}
