//! Work on many items by several threads.

use crate::error::Result;
use crate::memory;
use crate::work::{self, Meter};
use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

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

    /// Items that were dealt with.
    pub fn done(&self) -> u64 {
        self.done.get()
    }

    /// Counts items that were dealt with in calls of [`parts`](Self::parts).
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn advance(&self, n: usize) -> Result<()> {
        self.done.set(self.done.get() + n as u64);
        self.meter.report(self.done.get())
    }

    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        work::check(self.meter.cancel())
    }

    /// Calls `body` for ranges of `0..n` until all are done, from as many threads as the system
    /// gives, each with room of its own. Tells the meter.
    ///
    /// # Errors
    /// The first that `body` returns; [`crate::Error::Cancelled`].
    pub fn share<R>(
        &self,
        n: usize,
        room: impl Fn() -> R + Sync,
        body: impl Fn(Range<usize>, &mut R) -> Result<()> + Sync,
    ) -> Result<()> {
        let done = self.done.get();
        let all = |take: &Take<'_>| {
            let mut room = room();
            while let Some(range) = take()? {
                body(range, &mut room)?;
            }
            Ok(())
        };
        self.run(n, TAKEN, &all, &|taken| done + taken as u64)?;
        self.done.set(done + n as u64);
        Ok(())
    }

    /// What `body` makes of each `size` of `0..n`, in order. Counts as nothing done.
    ///
    /// # Errors
    /// As [`share`](Self::share).
    pub fn parts<P: Send + Sync>(
        &self,
        n: usize,
        size: usize,
        body: impl Fn(Range<usize>) -> Result<P> + Sync,
    ) -> Result<Vec<P>> {
        let size = size.max(1);
        let parts = memory::collect((0..n.div_ceil(size)).map(|_| OnceLock::new()))?;
        let all = |take: &Take<'_>| {
            while let Some(range) = take()? {
                let part = &parts[range.start / size];
                drop(part.set(body(range)?));
            }
            Ok(())
        };
        self.run(n, size, &all, &|_| self.done.get())?;
        memory::collect(parts.into_iter().filter_map(OnceLock::into_inner))
    }

    /// Hands out each `size` of `0..n` to `all`, on every thread. Compiled once, whatever is done
    /// with them.
    fn run(
        &self,
        n: usize,
        size: usize,
        all: &(dyn Fn(&Take<'_>) -> Result<()> + Sync),
        done: &dyn Fn(usize) -> u64,
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let cancel = self.meter.cancel();
        let take = || {
            work::check(cancel)?;
            let start = next.fetch_add(size, Ordering::Relaxed);
            Ok((start < n).then(|| start..n.min(start + size)))
        };
        let failed = Mutex::new(None);
        let fail = |error| {
            // Nobody needs to do more.
            next.store(n, Ordering::Relaxed);
            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(error);
        };
        let body = || all(&take).unwrap_or_else(fail);
        let n_threads = self.meter.n_threads(n.div_ceil(size));
        let result = work::beside(n_threads - 1, &body, |_| {
            let is_begun = Cell::new(false);
            let told = all(&|| {
                if is_begun.replace(true) {
                    let taken = next.load(Ordering::Relaxed).min(n);
                    self.meter.report(done(taken))?;
                }
                take()
            });
            told.inspect_err(|_| next.store(n, Ordering::Relaxed))
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(result, Err)
    }
}

/// The next range to deal with; none when there are no more.
type Take<'t> = dyn Fn() -> Result<Option<Range<usize>>> + 't;
