//! Room that is kept from one search to the next.

use super::search::Visit;
use crate::error::{reserve, Result};
use crate::graph::start::Start;
use crate::graph::walk::Walk;
use crate::query::Best;
use crate::storage::boxed;
use std::cell::Cell;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

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
    /// The nearest of them.
    pub best: Best,
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

/// Room that waits for the next search. Each thread has its shelf, so that they seldom meet. No room is a thread's own:
/// the C library would have to be told to free it at the thread's end, and ends the process when it has no memory for
/// that.
#[repr(align(64))]
#[allow(clippy::vec_box)] // to lend one is to move a pointer, not hundreds of bytes
struct Shelf(Mutex<Vec<Box<Scratch>>>);

static SHELVES: [Shelf; 16] = [const { Shelf(Mutex::new(Vec::new())) }; 16];

/// The calling thread's.
fn shelf() -> &'static Shelf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let number = NUMBER.try_with(|number| {
        let known = number.get();
        let known = known.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed));
        number.set(Some(known));
        known
    });
    &SHELVES[number.unwrap_or(0) % SHELVES.len()]
}

/// Lends scratch, what was used last first. Taken out while in use, so a search from inside a search gets another.
///
/// # Errors
/// [`crate::Error::NoMemory`]; those of `work`.
pub fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> Result<R>) -> Result<R> {
    let Shelf(shelf) = shelf();
    // Nobody waits: a fork may have left it locked for ever.
    let kept = shelf.try_lock().ok().and_then(|mut shelf| shelf.pop());
    let mut scratch = match kept {
        Some(scratch) => scratch,
        None => boxed(Scratch::default())?,
    };
    let result = work(&mut scratch);
    scratch.clean();
    if let Ok(mut shelf) = shelf.try_lock() {
        // Where there is no room to keep it, it goes.
        if reserve(&mut *shelf, 1).is_ok() {
            shelf.push(scratch);
        }
    }
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
