//! Room that a thread keeps from one search to the next.

use super::search::Visit;
use crate::error::{reserve, Result};
use crate::graph::start::Start;
use crate::graph::walk::Walk;
use std::cell::Cell;
use std::collections::BinaryHeap;

/// Room for one search.
#[derive(Default)]
pub struct Scratch {
    pub open: BinaryHeap<Visit>,
    /// One bit per item: already met. All zero between searches.
    pub marks: Vec<u64>,
    /// Ids of the candidates.
    pub candidates: Vec<usize>,
    /// The nodes that paths down the trees have come to.
    pub paths: Vec<usize>,
    pub start: Start,
    pub walk: Walk,
    /// One bit per item: met by a walk. All zero between searches.
    pub met: Vec<u64>,
    /// One bit per item: met and refused by the filter. All zero between searches.
    pub refused_marks: Vec<u64>,
    /// Ids of those.
    pub refused: Vec<usize>,
    /// The best of them; the worst of those is on top.
    pub best: BinaryHeap<(u64, usize)>,
}

impl Scratch {
    /// Takes all marks away.
    fn clean(&mut self) {
        self.open.clear();
        self.best.clear();
        self.walk.forget(&mut self.marks);
        self.clear_candidates();
        for id in self.refused.drain(..) {
            self.marks[id / 64] = 0;
            self.refused_marks[id / 64] = 0;
        }
    }

    /// Forgets the candidates and their marks.
    pub fn clear_candidates(&mut self) {
        for id in self.candidates.drain(..) {
            self.marks[id / 64] = 0;
        }
    }
}

thread_local! {
    static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Lends the thread's scratch. Taken out while in use, so a search from inside a search gets a fresh one.
pub fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = work(&mut scratch);
    scratch.clean();
    // A thread that is ending keeps nothing.
    let _ = KEPT.try_with(|place| place.set(Some(scratch)));
    result
}

/// Makes room for a bit for each item.
pub fn cover_items(marks: &mut Vec<u64>, n_items: usize) -> Result<()> {
    let words = n_items.div_ceil(64);
    if marks.len() < words {
        reserve(marks, words - marks.len())?;
        marks.resize(words, 0);
    }
    Ok(())
}
