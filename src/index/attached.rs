//! What is attached to the items and trees of an index, and goes along when it is saved.

use crate::error::Result;
use crate::file::superblock::{kind, REQUIRED};
use crate::file::write::Payload;
use crate::file::OpenFile;
use crate::graph::{Graph, GraphBytes};
use crate::labels::memory::Memory;
use crate::memory;
use crate::removed::{Marks, Removed};
use crate::scan::format::ScanBytes;
use crate::scan::Scan;

/// In memory. Of a loaded file what has not been changed is still in the file, except the
/// metadata.
#[derive(Default)]
pub struct Attached {
    /// The user's own bytes.
    pub metadata: Vec<u8>,
    /// Labels; none for those of the loaded file, if there is one.
    pub labels: Option<Memory>,
    /// Marks of removed items; none for those of the loaded file, if there is one.
    pub removed: Option<Marks>,
    /// The neighbour graph; none for that of the loaded file, if there is one.
    pub graph: Option<Graph>,
    /// The lists of a scan; none for those of the loaded file, if there are such.
    pub scan: Option<Scan>,
}

impl Attached {
    /// What a loaded file has.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn from_file(file: &OpenFile) -> Result<Self> {
        Ok(Attached {
            metadata: file.metadata()?,
            ..Attached::default()
        })
    }

    /// The sections of a file that has this metadata, and labels, marks, a graph and a scan that
    /// may still be in another file.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn sections<'a>(
        &'a self,
        labels: &'a [u8],
        removed: Option<Removed<'a>>,
        graph: Option<GraphBytes<'a>>,
        scan: Option<ScanBytes<'a>>,
    ) -> Result<Vec<Payload<'a>>> {
        let payload = |kind, flags, bytes| Payload { kind, flags, bytes };
        let removed = removed.map_or(&[][..], |removed| removed.section());
        let all = [
            payload(kind::METADATA, 0, &self.metadata),
            payload(kind::LABELS, 0, labels),
            payload(kind::REMOVED, REQUIRED, removed),
            payload(kind::CODES, 0, graph.map_or(&[], |graph| graph.codes)),
            payload(kind::GRAPH, 0, graph.map_or(&[], |graph| graph.lists)),
            payload(kind::SCAN, 0, scan.map_or(&[], |scan| scan.bytes)),
        ];
        let there = |section: &Payload<'_>| !section.bytes.is_empty();
        memory::collect(all.into_iter().filter(there))
    }
}
