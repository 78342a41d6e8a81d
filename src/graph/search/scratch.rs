//! Room for one search by the graph.

use super::beam_search::BeamSearch;
use super::entry::EntryPoints;
use crate::forest;
use crate::query::scratch;

/// Room for one search.
#[derive(Default)]
pub struct Scratch {
    /// Of what the forest names; its marks are those of beam searches too.
    pub forest: forest::search::Scratch,
    /// The nodes that paths down the trees have come to.
    pub paths: Vec<usize>,
    pub start: EntryPoints,
    pub beam: BeamSearch,
    /// One bit per item: met while others are collected. All zero between searches.
    pub met: Vec<u64>,
}

impl scratch::Scratch for Scratch {
    fn clean(&mut self) {
        self.beam.forget(&mut self.forest.marks);
        self.forest.clean();
    }
}
