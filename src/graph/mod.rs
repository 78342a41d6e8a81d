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
use crate::forest::roots::Roots;
use crate::kernel::Isa;
use crate::layout::Nodes;
use crate::metric::Space;
use codes::{CodeBytes, Codes};
use leaves::Leaves;
use lists::Lists;

/// Behind an item's neighbours when they are fewer than its place holds.
pub const END: u32 = u32::MAX;

/// How a graph is built.
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
    pub sample: usize,
    pub trees: usize,
    pub n_threads: usize,
}

/// A graph in memory.
pub struct Graph {
    pub codes: CodeBytes,
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
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NoMemory`], [`Error::Unsupported`].
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
        let cpu = || std::fs::read_to_string("/proc/self/schedstat").unwrap().split(' ').next().unwrap().parse::<u64>().unwrap();
        let time = cpu();
        let say = |what: &str| {
            if std::env::var_os("GRAPH_LOG").is_some() {
                eprintln!("{:8.3} {what}", (cpu() - time) as f64 / 1e9);
            }
        };
        let codes = CodeBytes::new(space, nodes, n_items)?;
        let view = codes.view(isa, S::MEASURE);
        say("codes");
        let lists = Lists::new(n_items, plan.candidates)?;
        let leaves = Leaves::collect(nodes, roots, plan.trees)?;
        say("leaves");
        descent::start(&view, &leaves, &lists, plan.n_threads)?;
        drop(leaves);
        say("start");
        let mut reverse = [Lists::new(n_items, plan.sample)?, Lists::new(n_items, plan.sample)?];
        for round in 0..plan.rounds {
            let new = descent::round(&view, &lists, &mut reverse, plan.sample, round as u64, plan.n_threads)?;
            say(&format!("round {round}: {} new an item", new as f64 / n_items as f64));
            if new < n_items / 50 {
                break;
            }
        }
        drop(reverse);
        let rule = prune::Rule { degree: plan.degree, alpha: plan.alpha };
        let graph = prune::prune(&view, lists, S::MEASURE, rule, plan.n_threads)?;
        say("prune");
        let mut neighbors = Vec::new();
        reserve(&mut neighbors, n_items * plan.degree * 4)?;
        let mut total = 0;
        for item in 0..n_items {
            let ids = graph.of(item as u32).map(|near| near.id());
            let mut n = 0;
            for id in ids {
                neighbors.extend_from_slice(&id.to_le_bytes());
                n += 1;
            }
            total += n;
            for _ in n..plan.degree {
                neighbors.extend_from_slice(&END.to_le_bytes());
            }
        }
        say(&format!("degree {}", total as f64 / n_items as f64));
        Ok(Graph { codes, degree: plan.degree, neighbors })
    }

    pub fn view(&self, isa: Isa, measure: crate::kernel::Measure) -> View<'_> {
        View {
            codes: self.codes.view(isa, measure),
            scale: &self.codes.scale,
            degree: self.degree,
            neighbors: &self.neighbors,
        }
    }
}
