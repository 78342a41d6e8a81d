//! Work on many items by several threads.

use crate::error::Result;
use crate::work::{self, Meter};
use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Items that a thread takes at a time: where its range starts is a multiple of this.
pub const TAKEN: usize = 256;

/// The threads of a call, and what they have done.
pub struct Team<'m, 'a> {
    meter: &'m Meter<'a>,
    /// Items dealt with in calls of [`share`](Self::share) that are over.
    done: Cell<u64>,
}

impl<'m, 'a> Team<'m, 'a> {
    pub fn new(meter: &'m Meter<'a>) -> Self {
        Team {
            meter,
            done: Cell::new(0),
        }
    }

    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        work::check(self.meter.cancel())
    }

    /// Calls `body` for ranges of `0..n` until all are done, from as many threads as the system gives, each with room of its
    /// own. Tells the meter.
    ///
    /// # Errors
    /// The first that `body` returns; [`crate::Error::Cancelled`].
    pub fn share<R>(
        &self,
        n: usize,
        room: impl Fn() -> R + Sync,
        body: impl Fn(Range<usize>, &mut R) -> Result<()> + Sync,
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let cancel = self.meter.cancel();
        // `false` when there is nothing left.
        let take = |room: &mut R| {
            work::check(cancel)?;
            let start = next.fetch_add(TAKEN, Ordering::Relaxed);
            if start >= n {
                return Ok(false);
            }
            body(start..n.min(start + TAKEN), room).map(|()| true)
        };
        let failed = Mutex::new(None);
        let result = std::thread::scope(|scope| {
            let n_threads = self.meter.n_threads(n.div_ceil(TAKEN));
            let threads = work::start(scope, n_threads - 1, || {
                || {
                    let mut room = room();
                    let result = loop {
                        match take(&mut room) {
                            Ok(true) => {}
                            Ok(false) => break Ok(()),
                            Err(error) => break Err(error),
                        }
                    };
                    if let Err(error) = result {
                        // Nobody needs to do more.
                        next.store(n, Ordering::Relaxed);
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                    }
                }
            });
            let mut room = room();
            let result = loop {
                let told = take(&mut room).and_then(|more| {
                    let taken = next.load(Ordering::Relaxed).min(n);
                    self.meter.report(self.done.get() + taken as u64)?;
                    Ok(more)
                });
                match told {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(error) => {
                        next.store(n, Ordering::Relaxed);
                        break Err(error);
                    }
                }
            };
            work::join(threads);
            result
        });
        self.done.set(self.done.get() + n as u64);
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(result, Err)
    }
}
