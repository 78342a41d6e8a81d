//! The public [`Index`], and the only place that knows what is legal when.
//!
//! - [`state`]: building, built, mapped.
//! - [`store`]: the bytes of the first two.
//! - [`forest`]: building and unbuilding.
//! - [`search`]: finding neighbours, one query or many.
//! - [`recall`]: how much of the truth searches find.
//! - [`labels`]: names of items.
//! - [`removal`]: taking items out of what searches find.
//! - [`files`]: saving, loading, opening.
//! - [`probe`]: what a plain file may be.
//! - [`verify`]: looking at the whole of an index.
//! - [`engine`]: one metric over one scalar type behind a plain interface.
//! - [`vector`]: vectors as callers have them and as they are stored.

mod engine;
pub mod files;
mod forest;
mod labels;
pub mod probe;
mod recall;
mod removal;
pub mod search;
mod state;
mod store;
pub mod vector;
pub mod verify;

use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::labels::memory::Memory;
use crate::layout::{NodeLayout, NodeMut, Nodes};
use crate::removed::Marks;
use crate::rng::DEFAULT_SEED;
use crate::types::{Metric, Options};
use engine::Engine;
use state::State;
use vector::{Vector, VectorMut};

/// Receives what an index has to say while it works. Called on the thread that made the call.
pub type Log = Box<dyn Fn(&str) + Send + Sync>;

/// An index of vectors that finds approximate nearest neighbours, in Annoy's file format.
///
/// It is in one of three states: *not built* (items are added), *built* (trees exist, in memory or in the file of an
/// on-disk build), *loaded* (a file, mapped read-only). ARCHITECTURE.md has the table of what is legal in which. Every
/// call that fails leaves the index as it was.
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
    log: Option<Log>,
    /// The user's own bytes, which go along when the index is saved.
    metadata: Vec<u8>,
    /// Labels; none for those of the loaded file, if there is one.
    labels: Option<Memory>,
    /// Marks of removed items; none for those of the loaded file, if there is one.
    removed: Option<Marks>,
    graph: Option<crate::graph::Graph>,
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
    /// [`Error::Argument`] when the options do not fit together; [`Error::Unsupported`] when the environment variable
    /// `ANNOY_RS_KERNEL` names no kernel of this machine.
    pub fn with_options(options: Options) -> Result<Self> {
        options.validate()?;
        Ok(Index {
            options,
            layout: NodeLayout::written(options),
            engine: engine::engine(options)?,
            seed: DEFAULT_SEED,
            log: None,
            metadata: Vec::new(),
            labels: None,
            removed: None,
            graph: None,
            state: State::default(),
        })
    }

    pub fn build_graph(&mut self, plan: crate::graph::Plan) -> Result<()> {
        let roots = self.state.roots("build a graph")?;
        self.graph = Some(self.engine.build_graph(&self.nodes(), roots, plan)?);
        Ok(())
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

    /// Number of trees; 0 before the build. Each root is counted once, also in files where Annoy counts twice.
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

    /// Sets who hears what the index does; `None` for silence, which is the default.
    pub fn set_log(&mut self, log: Option<Log>) {
        self.log = log;
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if let Some(log) = &self.log {
            log(&text());
        }
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
                    0 => "none, as the index has no items".to_string(),
                    n => format!("0 to {}", n - 1),
                },
            })
    }

    /// Adds an item, or replaces it; one that was removed is there again. Ids may come in any order and leave holes; space
    /// is taken for all up to the largest.
    ///
    /// # Errors
    /// [`Error::State`] unless not built; [`Error::Item`] for a negative or too large id; [`Error::Dimension`],
    /// [`Error::Unsupported`] or [`Error::NotFinite`] for the vector; [`Error::NoMemory`] or [`Error::Io`] when there
    /// is no room.
    pub fn add_item<'a>(&mut self, id: i64, vector: impl Into<Vector<'a>>) -> Result<()> {
        let vector = vector.into();
        self.engine.check(vector, Some(id))?;
        self.reserve_ids(id, id, "add an item")?;
        self.write_item(id, vector)
    }

    /// Adds many items, all or none: row `i` has the id `ids[i]`, or, without ids, follows the last item. With an id
    /// given twice the later row counts.
    ///
    /// # Errors
    /// As [`add_item`](Self::add_item); [`Error::Argument`] when there are not as many ids as rows.
    pub fn add_items<'a, V: Into<Vector<'a>>>(
        &mut self,
        ids: Option<&[i64]>,
        rows: impl ExactSizeIterator<Item = V> + Clone,
    ) -> Result<()> {
        let n = rows.len();
        if let Some(ids) = ids.filter(|ids| ids.len() != n) {
            return Err(Error::argument(
                "the number of ids",
                ids.len(),
                format!("one for each of {n} rows"),
            ));
        }
        let next = self.n_items() as i64;
        let id_of = |i: usize| ids.map_or(next + i as i64, |ids| ids[i]);
        for (i, row) in rows.clone().enumerate() {
            self.engine.check(row.into(), Some(id_of(i)))?;
        }
        let smallest = (0..n).map(id_of).min();
        let largest = (0..n).map(id_of).max();
        if let (Some(smallest), Some(largest)) = (smallest, largest) {
            self.reserve_ids(smallest, largest, "add items")?;
            for (i, row) in rows.enumerate() {
                self.write_item(id_of(i), row.into())?;
            }
        } else if !matches!(self.state, State::Building { .. }) {
            return Err(self.state.illegal("add items", "not built"));
        }
        Ok(())
    }

    /// Makes room for items up to `largest`.
    fn reserve_ids(&mut self, smallest: i64, largest: i64, operation: &'static str) -> Result<()> {
        let State::Building { store, n_items } = &mut self.state else {
            return Err(self.state.illegal(operation, "not built"));
        };
        // A tree needs two nodes more than there are items.
        let most = self.options.id_width.max_count() as i64 - 2;
        for id in [smallest, largest] {
            if !(0..most).contains(&id) {
                let expected = format!("0 to {}", most - 1);
                return Err(Error::Item { id, expected });
            }
        }
        let needed = largest as usize + 1;
        if needed > *n_items {
            let bytes = needed
                .checked_mul(self.layout.node_size)
                .filter(|&bytes| bytes <= isize::MAX as usize)
                .ok_or_else(|| Error::no_memory(usize::MAX, "more than can be addressed"))?;
            store.resize(bytes)?;
            *n_items = needed;
        }
        Ok(())
    }

    fn write_item(&mut self, id: i64, vector: Vector<'_>) -> Result<()> {
        if let State::Building { store, .. } = &mut self.state {
            let size = self.layout.node_size;
            let bytes = &mut store.bytes_mut()[id as usize * size..][..size];
            self.engine
                .write_item(NodeMut::new(bytes, &self.layout), vector, id)?;
            if let Some(removed) = &mut self.removed {
                removed.take(id as usize);
            }
        }
        Ok(())
    }

    /// Copies an item's vector. A missing item (a hole) reads as zeros, as in Annoy; a removed one is there until the next
    /// build.
    ///
    /// # Errors
    /// [`Error::Item`], [`Error::Dimension`], [`Error::Unsupported`] for room of another type.
    pub fn get_item(&self, id: i64, to: VectorMut<'_>) -> Result<()> {
        let id = self.item(id)?;
        self.engine.read_item(self.nodes().get(id), to)
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

/// The kernels an index made now would use: "avx512", "avx2", "sse2" or "portable".
///
/// # Errors
/// [`Error::Unsupported`] when the environment variable `ANNOY_RS_KERNEL` names none of this machine's.
pub fn kernel_name() -> Result<&'static str> {
    Isa::choose().map(Isa::name).map_err(Error::Unsupported)
}
