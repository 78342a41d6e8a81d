//! Where a walk starts: the query's code, and the items that it leads to.

use super::beam::{put, Met};
use crate::error::{reserve, Error, Result};
use crate::graph::format::routes;
use crate::graph::format::view::View;
use crate::graph::quantize::vectors::GraphQuery;
use crate::graph::quantize::Coded;

/// Room that a thread keeps from one search to the next.
#[derive(Default)]
pub struct Start {
    code: Vec<u8>,
    /// A code before it is made short.
    whole: Vec<u8>,
    routed: routes::Room,
    places: Vec<u32>,
    distances: Vec<u32>,
    nearest: Vec<Met>,
}

impl Start {
    /// Makes the query's code.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn encode(&mut self, query: &dyn GraphQuery, graph: &View<'_>) -> Result<()> {
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

    /// Adds to `found` the leaves that the graph's routes lead to; see [`Routes::follow`](routes::Routes::follow).
    ///
    /// # Errors
    /// As there.
    pub fn follow(
        &mut self,
        graph: &View<'_>,
        n_nodes: usize,
        found: &mut Vec<usize>,
    ) -> Result<()> {
        graph
            .routes
            .follow(&self.code, n_nodes, &mut self.routed, found)
    }

    /// Adds to `found` the `n` nearest of the items that the graph has to start from.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one of them cannot be; [`Error::NoMemory`].
    pub fn enter(&mut self, graph: &View<'_>, n: usize, found: &mut Vec<usize>) -> Result<()> {
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
            put(&mut self.nearest, n, Met::new(distance, at as u32));
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
