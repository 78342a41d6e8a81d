//! Room that is kept from one search to the next.

use crate::error::{reserve, Result};
use crate::storage::boxed;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

/// Room for one search.
pub trait Scratch: Default + Send {
    /// Leaves it as the next search expects it.
    fn clean(&mut self);
}

/// Room that waits for the next search. Each thread has its shelf, so that they seldom meet. No
/// room is a thread's own: the C library would have to be told to free it at the thread's end, and
/// ends the process when it has no memory for that.
pub struct Shelves<S>([Shelf<S>; 16]);

#[repr(align(64))]
#[allow(clippy::vec_box)] // to lend one is to move a pointer, not hundreds of bytes
struct Shelf<S>(Mutex<Vec<Box<S>>>);

/// The number of the calling thread's shelf.
fn number() -> usize {
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
    number.unwrap_or(0)
}

impl<S: Scratch> Shelves<S> {
    pub const fn new() -> Self {
        Shelves([const { Shelf(Mutex::new(Vec::new())) }; 16])
    }

    /// Lends scratch, what was used last first. Taken out while in use, so a search from inside a
    /// search gets another.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`]; those of `work`.
    pub fn lend<R>(&self, work: impl FnOnce(&mut S) -> Result<R>) -> Result<R> {
        let Shelf(shelf) = &self.0[number() % self.0.len()];
        // Nobody waits: a fork may have left it locked for ever.
        let kept = shelf.try_lock().ok().and_then(|mut shelf| shelf.pop());
        let mut scratch = match kept {
            Some(scratch) => scratch,
            None => boxed(S::default())?,
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
