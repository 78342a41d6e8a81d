//! Sections of a graph with room for more items, which a file has not.

use super::header::{too_large, GraphHeader, HEADER, ID};
use super::routes::RouteBytes;
use super::view::GraphBytes;
use crate::error::Result;
use crate::graph::quantize::projection::Projection;
use crate::graph::quantize::{Codes, EXTRA};
use crate::graph::END;
use crate::memory;
use crate::storage::HeapBytes;
use crate::types::Options;
use crate::wire;
use std::ops::Range;

/// Sections as they are to be saved: each part behind the one before.
#[derive(Clone, Copy)]
pub struct GraphParts<'a> {
    pub codes: [&'a [u8]; 3],
    pub lists: [&'a [u8]; 3],
}

impl GraphHeader {
    /// What stands before more codes made alike, and room for these behind those there are; the
    /// graph is not yet there. There are `n_items`, and room for `places`.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn of_more(
        old: &GraphBytes<'_>,
        options: &Options,
        n_items: usize,
        places: usize,
    ) -> Result<(Self, HeapBytes)> {
        let was = old.header;
        let mut header = match was.by_vectors {
            true => GraphHeader::of_vectors(options, n_items),
            false => {
                let projection = was.projection.as_ref().map(Projection::copy);
                GraphHeader::new(options, n_items, was.scale.copy()?, projection.transpose()?)
            }
        };
        header.places = places;
        header.apart = was.apart;
        let matrix = was.code_ranges().unwrap_or_default().matrix;
        let mut bytes = header.new_codes(&old.codes[matrix])?;
        let [_, old_rows, old_extras] = was.used_codes(old.codes);
        let (rows, extras) = header.code_parts(bytes.bytes_mut());
        rows[..old_rows.len()].copy_from_slice(old_rows);
        extras[..old_extras.len()].copy_from_slice(old_extras);
        Ok((header, bytes))
    }

    /// Room for neighbours of more items, none of which has any, behind those there are, with what
    /// else there is in the section.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn of_more_lists(
        &mut self,
        old: &GraphBytes<'_>,
        entries: &[u32],
        codes: &Codes<'_>,
        routes: &RouteBytes,
        null: &[u32],
    ) -> Result<HeapBytes> {
        let was = old.header;
        let mut bytes = self.new_lists(was.degree, was.alpha, entries, codes, routes, null)?;
        let there = was.used_neighbors();
        let all = self.graph_ranges().unwrap_or_default().neighbors;
        bytes.bytes_mut()[there.clone()].copy_from_slice(&old.lists[there.clone()]);
        for id in bytes.bytes_mut()[there.end..all.end].as_chunks_mut().0 {
            *id = END.to_le_bytes();
        }
        if let Some(recall) = was.recall {
            self.set_recall(recall, bytes.bytes_mut());
        }
        Ok(bytes)
    }

    /// Where the neighbours of the items that there are lie.
    fn used_neighbors(&self) -> Range<usize> {
        let start = self.graph_ranges().unwrap_or_default().neighbors.start;
        start..start + self.n_items * self.degree * ID
    }

    /// Makes room for `places` items in both sections, where they lie.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory); they are then as before.
    pub fn make_room(
        &mut self,
        places: usize,
        codes: &mut HeapBytes,
        lists: &mut HeapBytes,
    ) -> Result<()> {
        let was = (
            self.code_ranges().unwrap_or_default(),
            self.graph_ranges().unwrap_or_default(),
        );
        let places_before = std::mem::replace(&mut self.places, places);
        let now = self.code_ranges().zip(self.graph_ranges());
        let resized = now.ok_or_else(too_large).and_then(|now| {
            codes.resize(now.0.extras.end)?;
            lists.resize(now.1.null.end)?;
            Ok(now)
        });
        let now = match resized {
            Ok(now) => now,
            Err(error) => {
                self.places = places_before;
                // No more than there was, so there is no error.
                return codes.resize(was.0.extras.end).and(Err(error));
            }
        };
        let extras = codes.bytes_mut();
        extras.copy_within(was.0.extras, now.0.extras.start);
        extras[was.0.rows.end..now.0.rows.end].fill(0);
        // From behind: each moves to where nothing is that has yet to move.
        let bytes = lists.bytes_mut();
        for (was, now) in [
            (was.1.null, now.1.null),
            (was.1.routes, now.1.routes),
            (was.1.starts, now.1.starts),
            (was.1.rows, now.1.rows),
            (was.1.entries, now.1.entries),
        ] {
            bytes.copy_within(was, now.start);
        }
        for id in bytes[was.1.neighbors.end..now.1.neighbors.end]
            .as_chunks_mut()
            .0
        {
            *id = END.to_le_bytes();
        }
        Ok(())
    }

    /// The routes, to be written to.
    pub fn routes_mut<'b>(&self, lists: &'b mut [u8]) -> [&'b mut [u8]; 2] {
        let ranges = self.graph_ranges().unwrap_or_default();
        let (starts, rows) = lists[ranges.starts.start..ranges.routes.end]
            .split_at_mut(ranges.routes.start - ranges.starts.start);
        [&mut starts[..ranges.starts.len()], rows]
    }

    /// Where the neighbours of an item lie.
    pub fn row_range(&self, item: u32) -> Range<usize> {
        let size = ID * self.degree;
        let start = self.used_neighbors().start + item as usize * size;
        start..start + size
    }

    /// Whether there is room for an item with this id.
    pub fn has_place(&self, id: usize) -> bool {
        id < self.places
    }

    /// Where the code of an item lies, and what is added to its distances.
    pub fn code_place(&self, id: usize) -> [Range<usize>; 2] {
        let parts = self.code_ranges().unwrap_or_default();
        let part = |all: Range<usize>, size: usize| {
            let start = all.start + id * size;
            if all.is_empty() {
                0..0
            } else {
                start..start + size
            }
        };
        [part(parts.rows, self.stride), part(parts.extras, EXTRA)]
    }

    /// Takes items up to `n_items`, for which there is room, in both sections.
    pub fn set_n_items(&mut self, n_items: usize, codes: &mut HeapBytes, lists: &mut HeapBytes) {
        self.n_items = n_items;
        self.code_fields().write(codes.bytes_mut());
        self.fields().write(lists.bytes_mut());
    }

    /// Names one more item as one without neighbours; its id is behind those that are named.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn add_null(&mut self, id: u32, lists: &mut HeapBytes) -> Result<()> {
        lists.extend(&id.to_le_bytes())?;
        self.n_null += 1;
        self.fields().write(lists.bytes_mut());
        Ok(())
    }

    /// Undoes the last such calls, until `n` are named.
    pub fn cut_null(&mut self, n: usize, lists: &mut HeapBytes) {
        let start = self.graph_ranges().unwrap_or_default().null.start;
        // No more than there was, so there is no error.
        if lists.resize(start + n * ID).is_ok() {
            self.n_null = n;
            self.fields().write(lists.bytes_mut());
        }
    }
}

impl<'a> GraphBytes<'a> {
    /// As they are to be saved, if there is no room for more.
    pub fn parts(&self) -> GraphParts<'a> {
        GraphParts {
            codes: [self.codes, &[], &[]],
            lists: [self.lists, &[], &[]],
        }
    }

    /// What is to be saved before the neighbours, and behind them, with these routes.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn beside_neighbors(&self, routes: &RouteBytes) -> Result<BesideNeighbors> {
        let header = self.header;
        let n_routes = [routes.starts.len(), routes.rows.len() / header.route_bytes];
        let was = header.graph_ranges().unwrap_or_default();
        let now = header.ranges_with(header.n_items, n_routes);
        let now = now.ok_or_else(too_large)?;
        let mut before = memory::filled(0, HEADER)?;
        let fields = wire::Graph {
            n_starts: n_routes[0] as u32,
            n_routes: n_routes[1] as u64,
            ..header.fields()
        };
        fields.write(&mut before);
        let start = now.neighbors.end;
        let mut behind = memory::filled(0, now.null.end - start)?;
        let mut put = |at: Range<usize>, bytes: &[u8]| {
            behind[at.start - start..at.end - start].copy_from_slice(bytes);
        };
        put(now.entries, &self.lists[was.entries]);
        put(now.rows, &self.lists[was.rows]);
        put(now.routes, &routes.rows);
        put(now.null, &self.lists[was.null]);
        let starts = behind[now.starts.start - start..].as_chunks_mut().0;
        for (to, start) in starts.iter_mut().zip(&routes.starts) {
            *to = start.to_le_bytes();
        }
        Ok(BesideNeighbors { before, behind })
    }
}

/// A section's other parts than the neighbours.
pub struct BesideNeighbors {
    before: Vec<u8>,
    behind: Vec<u8>,
}

impl BesideNeighbors {
    /// What is to be saved, without the room for more.
    pub fn with<'a>(&'a self, graph: &GraphBytes<'a>) -> GraphParts<'a> {
        let neighbors = &graph.lists[graph.header.used_neighbors()];
        GraphParts {
            codes: graph.header.used_codes(graph.codes),
            lists: [&self.before, neighbors, &self.behind],
        }
    }
}
