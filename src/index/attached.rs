//! What is attached to the items and trees of an index, and goes along when it is saved.

use crate::curve::Curve;
use crate::error::Result;
use crate::file::superblock::{kind, REQUIRED};
use crate::file::write::Payload;
use crate::file::OpenFile;
use crate::graph::format::grow::GraphParts;
use crate::graph::Graph;
use crate::labels::memory::Memory;
use crate::memory;
use crate::removed::{Marks, Removed};
use crate::scan::format::ScanBytes;
use crate::scan::Scan;

/// What may have been built, or be in a loaded file.
#[derive(Default)]
pub enum Part<T> {
    /// That of the loaded file, if there is a file and it has one.
    #[default]
    OfFile,
    /// None, whatever the file has.
    Dropped,
    Built(T),
}

/// In memory. Of a loaded file what has not been changed is still in the file, except metadata and
/// curve.
#[derive(Default)]
pub struct Attached {
    /// The user's own bytes.
    pub metadata: Vec<u8>,
    /// Labels; none for those of the loaded file, if there is one.
    pub labels: Option<Memory>,
    /// Marks of removed items; none for those of the loaded file, if there is one.
    pub removed: Option<Marks>,
    /// The neighbour graph.
    pub graph: Part<Graph>,
    /// The lists of a scan.
    pub scan: Part<Scan>,
    /// What searches were measured to find.
    pub curve: Option<Curve>,
}

/// What is built over the trees.
pub struct Built {
    graph: Part<Graph>,
    scan: Part<Scan>,
    curve: Option<Curve>,
}

impl Attached {
    /// What a loaded file has.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn from_file(file: &OpenFile) -> Result<Self> {
        Ok(Attached {
            metadata: file.metadata()?,
            curve: file.curve()?,
            ..Attached::default()
        })
    }

    /// Takes out what was built over the trees and measured, to be put back.
    pub fn take_built(&mut self) -> Built {
        Built {
            graph: std::mem::take(&mut self.graph),
            scan: std::mem::take(&mut self.scan),
            curve: self.curve.take(),
        }
    }

    /// Undoes what was built since.
    pub fn put_back(&mut self, built: Built) {
        let Built { graph, scan, curve } = built;
        (self.graph, self.scan, self.curve) = (graph, scan, curve);
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
        graph: Option<GraphParts<'a>>,
        scan: Option<ScanBytes<'a>>,
    ) -> Result<Vec<Payload<'a>>> {
        let payload = Payload::new;
        let of_graph = |kind, parts| Payload {
            kind,
            flags: 0,
            parts,
        };
        let removed = removed.map_or(&[][..], |removed| removed.section());
        let all = [
            payload(kind::METADATA, 0, &self.metadata),
            payload(kind::LABELS, 0, labels),
            payload(kind::REMOVED, REQUIRED, removed),
            of_graph(kind::CODES, graph.map_or([&[]; 3], |graph| graph.codes)),
            of_graph(kind::GRAPH, graph.map_or([&[]; 3], |graph| graph.lists)),
            payload(kind::SCAN, 0, scan.map_or(&[], |scan| scan.bytes)),
            payload(
                kind::CURVE,
                0,
                self.curve.as_ref().map_or(&[], Curve::section),
            ),
        ];
        let there = |section: &Payload<'_>| section.len() > 0;
        memory::collect(all.into_iter().filter(there))
    }
}
