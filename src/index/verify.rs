//! Looking at the whole of an index: is it sound, what does it look like.

use super::state::State;
use super::Index;
use crate::error::{Error, Result};
use crate::file::verify;
use crate::forest::inspect::{Fault, Faults, Shape};
use crate::storage::Access;
use crate::work::{self, Stage, Work};
use std::path::Path;

/// What an index verified has been found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first faults, in the order they were found.
    pub faults: Vec<Fault>,
    /// The number of all.
    pub n_faults: usize,
    /// Whether every byte is covered by a checksum: only in files that say what they are.
    pub has_checksums: bool,
}

impl Report {
    /// Whether there are no faults.
    pub fn is_sound(&self) -> bool {
        self.n_faults == 0
    }

    /// [`Error::Corrupt`], of the first fault, when there are faults.
    pub fn into_result(self) -> Result<()> {
        match self.faults.into_iter().next() {
            Some(Fault { node, text }) => Err(Error::Corrupt { node, reason: text }),
            None => Ok(()),
        }
    }
}

/// The facts about an index.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// The largest id plus one.
    pub n_items: usize,
    /// Items that are not missing.
    pub n_present: usize,
    /// Those of them that are removed.
    pub n_removed: usize,
    /// Trees.
    pub n_trees: usize,
    /// All nodes: items, splits, leaves, copies of roots, and those that say what the file is.
    pub n_nodes: usize,
    /// Bytes of a node.
    pub node_size: usize,
    /// The most items in a leaf (Annoy's K).
    pub max_leaf: usize,
    /// Bytes of the index in memory or of its file.
    pub bytes: usize,
    /// Whether a file, or the bytes of one, is loaded.
    pub is_loaded: bool,
    /// Whether it is a file that says what it is.
    pub is_described: bool,
    /// Seed of the build, if that is known.
    pub seed: Option<u64>,
    /// Neighbours of an item at the most in the graph; 0 when there is none.
    pub graph_degree: usize,
    /// Bytes of an item's code, which walks of the graph compare; 0 where they compare the vectors,
    /// as codes did not tell near items apart, and where there is no graph.
    pub graph_code_bytes: usize,
    /// The share of the nearest 10 that searches of the graph found when it was built, at the usual
    /// `search_k`, of 64 items as if those were not there. None where it was not tried.
    pub graph_recall: Option<f64>,
    /// Lists of the scan; 0 when there is none.
    pub scan_lists: usize,
    /// What searches by the scan look at by default for each ten results; 0 when there is none.
    pub scan_search_k: u64,
    /// The share of the nearest 10 that such searches found when the scan was built, of 64 items as
    /// if those were not there. None when there is none.
    pub scan_recall: Option<f64>,
    /// Queries that [`tune`](Index::tune) measured searches with; 0 when it did not.
    pub n_tuned: u64,
    /// What the trees look like.
    pub shape: Shape,
}

impl Index {
    /// Looks at everything: checksums, kinds of nodes, ids, that each present item is in every tree
    /// once, that values are finite. Keeps the first `most` faults. Reads the whole index; takes 4
    /// bytes of memory for each item.
    ///
    /// # Errors
    /// [`Error::State`] when not built; [`Error::NoMemory`]. Faults are no error: see
    /// [`Report::into_result`].
    pub fn verify(&self, most: usize) -> Result<Report> {
        self.verify_with(most, &mut Work::default())
    }

    /// [Verifies](Self::verify), with progress and cancellation. Where there are checksums, every
    /// node is counted twice, and every item once more for a graph, and for a scan.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); [`Error::Cancelled`].
    pub fn verify_with(&self, most: usize, work: &mut Work<'_>) -> Result<Report> {
        work.run(Stage::Verify, 0, |meter| {
            let roots = self.state.roots("verify")?;
            let superblock = match &self.state {
                State::Mapped(file) => file
                    .superblock
                    .as_ref()
                    .map(|superblock| (file, superblock)),
                _ => None,
            };
            let nodes = self.nodes();
            let rounds = 1 + u64::from(superblock.is_some());
            let graph = self.graph();
            let in_graph = graph.map_or(0, |_| roots.n_items as u64);
            let scan = self.scan();
            let in_scan = scan.map_or(0, |_| roots.n_items as u64);
            meter.set_total(rounds * nodes.count() as u64 + in_graph + in_scan);
            let mut faults = Faults::keeping(most);
            if let Some((file, superblock)) = superblock {
                let bytes = file.bytes.bytes();
                verify::verify(bytes, &file.layout, superblock, meter, &mut faults)?;
                file.verify_sections(meter, &mut faults)?;
            }
            let shape = self.engine.inspect(&nodes, roots, meter, &mut faults)?;
            if let Some(graph) = graph {
                let engine = &self.engine;
                engine.check_graph(&nodes, roots, &graph, meter, &mut faults)?;
            }
            if let Some(scan) = scan {
                self.engine.check_scan(&nodes, &scan, meter, &mut faults)?;
            }
            if let Some(expected) = superblock.map(|(_, superblock)| superblock.n_present) {
                if expected != shape.n_present {
                    faults.add(None, || {
                        format!(
                            "{} items are present, the superblock counts {expected}",
                            shape.n_present
                        )
                    });
                }
            }
            meter.finish()?;
            Ok(Report {
                faults: faults.first,
                n_faults: faults.count,
                has_checksums: superblock.is_some(),
            })
        })
    }

    /// [Verifies](Self::verify) a file that says what it is.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`verify`](Self::verify).
    pub fn verify_file(path: impl AsRef<Path>, most: usize) -> Result<Report> {
        Index::verify_file_with(path, most, &mut Work::default())
    }

    /// As [`verify_file`](Self::verify_file) and [`verify_with`](Self::verify_with).
    ///
    /// # Errors
    /// As there.
    pub fn verify_file_with(
        path: impl AsRef<Path>,
        most: usize,
        work: &mut Work<'_>,
    ) -> Result<Report> {
        work::check(work.cancel)?;
        Index::open(path, Access::Map)?.verify_with(most, work)
    }

    /// The facts. Walks all trees of a built or loaded index; takes 4 bytes of memory for each
    /// item.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn info(&self) -> Result<Info> {
        let layout = self.nodes().layout();
        let (roots, superblock) = match &self.state {
            State::Building { .. } => (None, None),
            State::Built { roots, .. } => (Some(roots), None),
            State::Mapped(file) => (Some(&file.roots), file.superblock.as_ref()),
        };
        let shape = match roots {
            Some(roots) => Work::default().run(Stage::Verify, 0, |meter| {
                let faults = &mut Faults::default();
                self.engine.inspect(&self.nodes(), roots, meter, faults)
            })?,
            None => Shape {
                n_present: self.n_present(),
                ..Shape::default()
            },
        };
        let origin = match &self.state {
            State::Built { origin, .. } => Some(*origin),
            _ => superblock.map(|s| s.origin),
        };
        let (graph, scan) = (self.graph(), self.scan());
        // Room for more items is no part of the index yet.
        let n_free = match &self.state {
            State::Built { roots, .. } => self.places()?.saturating_sub(roots.n_items),
            _ => 0,
        };
        Ok(Info {
            n_items: self.n_items(),
            n_present: shape.n_present,
            n_removed: self.n_removed(),
            n_trees: self.n_trees(),
            n_nodes: self.nodes().count() - n_free,
            node_size: layout.node_size,
            max_leaf: layout.max_leaf,
            bytes: self.state.bytes().len() - n_free * layout.node_size,
            is_loaded: matches!(self.state, State::Mapped(_)),
            is_described: superblock.is_some(),
            seed: origin
                .filter(|origin| origin.revision > 0)
                .map(|origin| origin.seed),
            graph_degree: self.graph_degree(),
            graph_code_bytes: graph.map_or(0, |graph| graph.header.code_bytes()),
            graph_recall: graph.and_then(|graph| graph.header.recall),
            scan_lists: scan.map_or(0, |scan| scan.header.n_lists),
            scan_search_k: scan.map_or(0, |scan| scan.header.search_k),
            scan_recall: scan.map(|scan| scan.header.recall),
            n_tuned: self
                .attached
                .curve
                .as_ref()
                .map_or(0, |curve| curve.n_queries),
            shape,
        })
    }

    fn n_present(&self) -> usize {
        let nodes = self.nodes();
        (0..self.n_items())
            .filter(|&id| nodes.get(id).n_descendants() == 1)
            .count()
    }
}
