//! Room for one search by the graph.

use super::beam_search::Walk;
use super::entry::Start;
use crate::forest;
use crate::query::scratch;

/// Room for one search.
#[derive(Default)]
pub struct Scratch {
    /// Of what the forest names; its marks are those of walks too.
    pub forest: forest::search::Scratch,
    /// The nodes that paths down the trees have come to.
    pub paths: Vec<usize>,
    pub start: Start,
    pub walk: Walk,
    /// One bit per item: met by a walk. All zero between searches.
    pub met: Vec<u64>,
}

impl scratch::Scratch for Scratch {
    fn clean(&mut self) {
        self.walk.forget(&mut self.forest.marks);
        self.forest.clean();
    }
}
