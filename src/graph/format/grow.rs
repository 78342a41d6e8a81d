//! Sections of a graph with places for more items.

use super::header::GraphHeader;
use super::routes::RouteBytes;
use super::view::GraphBytes;
use crate::error::Result;
use crate::graph::quantize::projection::Projection;
use crate::graph::quantize::Codes;
use crate::graph::END;
use crate::storage::HeapBytes;
use crate::types::Options;

impl GraphHeader {
    /// What stands before more codes made alike, and room for these behind those there are; the
    /// graph is not yet there.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn of_more(
        old: &GraphBytes<'_>,
        options: &Options,
        n_items: usize,
    ) -> Result<(Self, HeapBytes)> {
        let was = old.header;
        let header = match was.by_vectors {
            true => GraphHeader::of_vectors(options, n_items),
            false => {
                let projection = was.projection.as_ref().map(Projection::copy);
                GraphHeader::new(options, n_items, was.scale.copy()?, projection.transpose()?)
            }
        };
        let parts = was.code_ranges().unwrap_or_default();
        let mut bytes = header.new_codes(&old.codes[parts.matrix])?;
        let (rows, extras) = header.code_parts(bytes.bytes_mut());
        rows[..parts.rows.len()].copy_from_slice(&old.codes[parts.rows]);
        extras[..parts.extras.len()].copy_from_slice(&old.codes[parts.extras]);
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
        let places = was.graph_ranges().unwrap_or_default().neighbors;
        let all = self.graph_ranges().unwrap_or_default().neighbors;
        let (there, more) = bytes.bytes_mut()[all].split_at_mut(places.len());
        there.copy_from_slice(&old.lists[places]);
        for id in more.as_chunks_mut().0 {
            *id = END.to_le_bytes();
        }
        if let Some(recall) = was.recall {
            self.set_recall(recall, bytes.bytes_mut());
        }
        Ok(bytes)
    }

    /// The neighbours of an item in a section with room for them.
    pub fn row_mut<'b>(&self, section: &'b mut [u8], item: u32) -> &'b mut [u8] {
        let lists = self.graph_ranges().unwrap_or_default();
        let size = super::header::ID * self.degree;
        &mut section[lists.neighbors][item as usize * size..][..size]
    }
}
