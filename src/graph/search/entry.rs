//! Where a beam search starts: the query's code, and the entry points that it leads to. HNSW finds
//! them in its upper layers, Vamana takes the medoid.

use super::beam::{put, Candidate};
use crate::error::{reserve, Error, Result};
use crate::graph::format::routes;
use crate::graph::format::view::GraphView;
use crate::graph::quantize::vectors::GraphQuery;
use crate::graph::quantize::Coded;

/// The state of finding them; a thread keeps its memory for the next search.
#[derive(Default)]
pub struct EntryPoints {
    code: Vec<u8>,
    /// A code before it is made short.
    whole: Vec<u8>,
    routed: routes::RouteScratch,
    places: Vec<u32>,
    distances: Vec<u32>,
    nearest: Vec<Candidate>,
}

impl EntryPoints {
    /// Makes the query's code.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn encode(&mut self, query: &dyn GraphQuery, graph: &GraphView<'_>) -> Result<()> {
        self.code.clear();
        let stride = graph.codes.rows.row_bytes();
        reserve(&mut self.code, stride)?;
        self.code.resize(stride, 0);
        query.encode(&graph.coder, &mut self.whole, &mut self.code)
    }

    /// The query's code, to be compared with the items'.
    pub fn query(&self) -> Coded<'_> {
        Coded::query(&self.code)
    }

    /// Adds to `found` the leaves that the graph's routes lead to; see
    /// [`Routes::follow`](routes::Routes::follow).
    ///
    /// # Errors
    /// As there.
    pub fn follow(
        &mut self,
        graph: &GraphView<'_>,
        n_nodes: usize,
        found: &mut Vec<usize>,
    ) -> Result<()> {
        graph
            .routes
            .follow(&self.code, n_nodes, &mut self.routed, found)
    }

    /// Adds to `found` the `n` nearest of the entry points that the graph stores.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one of them cannot be; [`Error::NoMemory`].
    pub fn enter(&mut self, graph: &GraphView<'_>, n: usize, found: &mut Vec<usize>) -> Result<()> {
        let (ids, _) = graph.entries.as_chunks::<4>();
        self.places.clear();
        reserve(&mut self.places, ids.len())?;
        self.places.extend(0..ids.len() as u32);
        self.distances.clear();
        reserve(&mut self.distances, ids.len())?;
        self.distances.resize(ids.len(), 0);
        let query = Coded::query(&self.code);
        graph.entry_distances(query, &self.places, &mut self.distances);
        self.nearest.clear();
        reserve(&mut self.nearest, n + 1)?;
        for (at, &distance) in self.distances.iter().enumerate() {
            put(&mut self.nearest, n, Candidate::new(distance, at as u32));
        }
        reserve(found, self.nearest.len())?;
        for one in self.nearest.drain(..) {
            let id = u32::from_le_bytes(ids[one.id() as usize]) as usize;
            if id >= graph.codes.rows.count() {
                let reason = "the graph names it to start from, and it is no item";
                return Err(Error::corrupt(id, reason));
            }
            found.push(id);
        }
        Ok(())
    }
}
