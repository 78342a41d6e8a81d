//! The public [`Index`], and the only place that knows what is legal when.
//!
//! - [`state`]: building, built, mapped.
//! - [`store`]: the bytes of the first two.
//! - [`items`]: adding them.
//! - [`forest`]: building and unbuilding.
//! - [`graph`]: building a neighbour graph over the items.
//! - [`insert`]: putting more items into a built index, and taking removed ones out.
//! - [`change`]: how that is done, or undone, for many items.
//! - [`in_place`]: the same for a few.
//! - [`thaw`]: making a loaded index one that items can be added to.
//! - [`search`]: finding neighbours, one query or many.
//! - [`recall`]: how much of the truth searches find.
//! - [`labels`]: names of items.
//! - [`removal`]: taking items out of what searches find.
//! - [`files`]: saving, loading, opening: files, and bytes in memory.
//! - [`probe`]: what a plain file may be.
//! - [`verify`]: looking at the whole of an index.
//! - [`log`]: what it says while it works.
//! - [`engine`]: one metric over one scalar type behind a plain interface; [`typed`]: each of them.
//! - [`vector`]: vectors as callers have them and as they are stored.
//! - [`widen`]: short numbers made into longer ones.

mod attached;
mod auto;
pub mod batch;
mod change;
mod engine;
pub mod files;
mod forest;
pub mod graph;
mod in_place;
pub mod insert;
mod items;
mod labels;
pub mod log;
pub mod probe;
mod recall;
mod removal;
mod scan;
pub mod search;
mod state;
mod store;
mod thaw;
mod tune;
mod typed;
pub mod vector;
pub mod verify;
mod widen;

use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::layout::{NodeLayout, Nodes};
use crate::rng::DEFAULT_SEED;
use crate::types::{Metric, Options};
use attached::{Attached, Part};
use engine::Engine;
use log::Logger;
use state::State;
use vector::VectorMut;

/// An index of vectors that finds approximate nearest neighbours, in Annoy's file format.
///
/// It is in one of three states: *not built* (items are added), *built* (trees exist, in memory or
/// in the file of an on-disk build), *loaded* (a file, mapped read-only, or its bytes in memory).
/// ARCHITECTURE.md has the table of what is legal in which. Every call that fails leaves the index
/// as it was.
///
/// Searching takes `&self` and runs in any number of threads at once.
///
/// ```
/// use annoy_rs::{Index, Metric};
/// let mut index = Index::new(Metric::Euclidean, 2)?;
/// for (id, point) in [[0.0f32, 0.0], [1.0, 0.0], [0.0, 3.0]].iter().enumerate() {
///     index.add_item(id as i64, point)?;
/// }
/// index.build(Some(10), None)?;
/// let nearest = index.get_nns_by_vector(&[0.9f32, 0.1], 2, None)?;
/// assert_eq!(nearest[0].id, 1);
/// # Ok::<(), annoy_rs::Error>(())
/// ```
pub struct Index {
    options: Options,
    layout: NodeLayout,
    engine: Box<dyn Engine>,
    seed: u64,
    log: Logger,
    attached: Attached,
    state: State,
}

impl Index {
    /// An empty index with Annoy's usual types: f32 (64-bit words for hamming) and 32-bit ids.
    ///
    /// # Errors
    /// As [`with_options`](Self::with_options).
    pub fn new(metric: Metric, f: usize) -> Result<Self> {
        Index::with_options(Options::new(metric, f))
    }

    /// An empty index.
    ///
    /// # Errors
    /// [`Error::Argument`] when the options do not fit together; [`Error::Unsupported`] when the
    /// environment variable `ANNOY_RS_KERNEL` names no kernel of this machine.
    pub fn with_options(options: Options) -> Result<Self> {
        options.validate()?;
        Ok(Index {
            options,
            layout: NodeLayout::written(options),
            engine: typed::engine(options)?,
            seed: DEFAULT_SEED,
            log: Logger::default(),
            attached: Attached::default(),
            state: State::default(),
        })
    }

    /// Goes to another state, in which neither graph nor scan was built, and nothing measured.
    fn enter(&mut self, state: State) {
        self.state = state;
        self.attached.graph = Part::default();
        self.attached.scan = Part::default();
        self.attached.curve = None;
    }

    /// Metric, f and types.
    pub fn options(&self) -> Options {
        self.options
    }

    /// Length of the vectors: numbers, or bits for hamming.
    pub fn f(&self) -> usize {
        self.options.f
    }

    /// The largest id plus one, missing items included, as Annoy counts.
    pub fn n_items(&self) -> usize {
        self.state.n_items()
    }

    /// Number of trees; 0 before the build. Each root is counted once, also in files where Annoy
    /// counts twice.
    pub fn n_trees(&self) -> usize {
        self.state.roots("count trees").map_or(0, |r| r.n_trees)
    }

    /// The seed of the next build.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Sets the seed of the next build. Unlike Annoy's it stays through save, load and unload.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    fn nodes(&self) -> Nodes<'_> {
        let layout = match &self.state {
            State::Mapped(file) => &file.layout,
            _ => &self.layout,
        };
        Nodes::new(self.state.bytes(), layout)
    }

    fn item(&self, id: i64) -> Result<usize> {
        let n_items = self.n_items();
        usize::try_from(id)
            .ok()
            .filter(|&id| id < n_items)
            .ok_or_else(|| Error::Item {
                id,
                expected: match n_items {
                    0 => format!("none, as the index has no items"),
                    n => format!("0 to {}", n - 1),
                },
            })
    }

    /// Copies an item's vector. A missing item (a hole) reads as zeros, as in Annoy; a removed one
    /// is there until the next build.
    ///
    /// # Errors
    /// [`Error::Item`], [`Error::Dimension`], [`Error::Unsupported`] for room of another type.
    pub fn get_item(&self, id: i64, to: VectorMut<'_>) -> Result<()> {
        let id = self.item(id)?;
        self.engine.read_item(self.nodes().get(id), to)
    }

    /// Copies the vectors of `n` items: of `ids`, of which there are as many, or, without ids, of
    /// 0, 1 and so on. That of the `i`th goes to `to(i)`. Nothing is copied unless all ids are
    /// good. The rest is as [`get_item`](Self::get_item).
    ///
    /// # Errors
    /// As [`get_item`](Self::get_item); [`Error::Argument`] when there are not as many ids.
    pub fn get_items<'a>(
        &self,
        ids: Option<&[i64]>,
        n: usize,
        mut to: impl FnMut(usize) -> VectorMut<'a>,
    ) -> Result<()> {
        if let Some(ids) = ids.filter(|ids| ids.len() != n) {
            let expected = format!("one for each of {n} vectors");
            return Err(Error::argument("the number of ids", ids.len(), expected));
        }
        match (ids, n) {
            (_, 0) => {}
            (Some(ids), _) => ids.iter().try_for_each(|&id| self.item(id).map(|_| ()))?,
            (None, n) => {
                let last = i64::try_from(n - 1).unwrap_or(i64::MAX);
                self.item(last)?;
            }
        }
        for i in 0..n {
            let id = ids.map_or(i, |ids| ids[i] as usize);
            self.engine.read_item(self.nodes().get(id), to(i))?;
        }
        Ok(())
    }

    /// The distance between an item and one of another index of the same kind.
    pub(crate) fn distance_to(&self, i: i64, other: &Index, j: i64) -> Result<f64> {
        let (i, j) = (self.item(i)?, other.item(j)?);
        let (nodes, others) = (self.nodes(), other.nodes());
        Ok(self.engine.distance(nodes.get(i), others.get(j)))
    }

    /// The distance between two items; for dot their inner product.
    ///
    /// # Errors
    /// [`Error::Item`].
    pub fn get_distance(&self, i: i64, j: i64) -> Result<f64> {
        let (i, j) = (self.item(i)?, self.item(j)?);
        let nodes = self.nodes();
        Ok(self.engine.distance(nodes.get(i), nodes.get(j)))
    }
}

/// The kernels an index made now would use: "avx512", "avx2" or "sse2" on x86-64, "dotprod" or
/// "neon" on aarch64, "portable" elsewhere.
///
/// # Errors
/// [`Error::Unsupported`] when the environment variable `ANNOY_RS_KERNEL` names none of this
/// machine's.
pub fn kernel_name() -> Result<&'static str> {
    Isa::choose().map(Isa::name).map_err(Error::Unsupported)
}
