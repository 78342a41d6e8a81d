//! A readers-writer lock for an index: any number of calls share it, one at a time has it alone.
//!
//! ```text
//! share:  count me in; if no call waits or has the index alone, it is mine
//!         else take the count back and wait in line
//! leave:  take the count back; if calls wait, wake them
//! alone:  if no call waits or has the index, mark it as taken; if no call shares it, it is mine
//!         else wait in line
//! ```
//!
//! A call that meets nobody takes two atomic operations and no mutex. The counts of different
//! threads lie on different cache lines (the idea of crossbeam's `ShardedLock`), so readers do not
//! slow each other down.
//!
//! Turns: calls that come after a waiting change wait for it, and when it is done, those that
//! waited meanwhile go before the next change. So neither kind starves. Only while a call runs that
//! asks functions of the host (a filter, say), others share the index in spite of waiting changes:
//! the filter may wait for a search that another thread makes.
//!
//! A fork: its child has one thread, and forgets the calls of all others when it first meets a lock
//! of its parent's. An index that another thread was changing is lost there, and refuses.
//!
//! Where calls wait, and what a thread and a fork are, is in `parking`. This file needs nothing
//! else of the crate: tests/loom tries the orders in which threads can run it.

use super::parking::{
    self, fence, this_thread, AtomicU32, AtomicU64, AtomicUsize, Bucket, Mutex, MutexGuard, SeqCst,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Why a call cannot have the index, however long it waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The call is made by a function of the host that another call, which changes the index, has
    /// called.
    InsideChange,
    /// As above, but that call shares the index, and this one wants to change it.
    InsideSharing,
    /// Another thread was changing the index when the process was forked.
    Forked,
    /// The call was told to give up.
    Cancelled,
    /// There is no memory to note that the call asks the host.
    NoMemory,
}

/// Bit of `Lock::pending`: a call has the index alone. The other bits count calls that wait.
const ALONE: u32 = 1 << 31;

/// Counts of different threads; those of more threads than this share some.
const SHARDS: usize = 64;

/// How long a call waits before it looks whether it is to give up.
const PAUSE: Duration = Duration::from_millis(50);

/// How many calls share the index, of some threads; on a cache line of its own.
#[repr(align(64))]
struct Count(AtomicU32);

impl Count {
    fn new() -> Self {
        Count(AtomicU32::new(0))
    }
}

/// Those that wait, and those that ask the host.
#[derive(Default)]
struct Line {
    sharing: u32,
    alone: u32,
    /// Of those that wait to share it: these go before the next that wants it alone.
    let_in: u32,
    /// Calls that share it and ask the host: thread, and which count.
    asking: Vec<(u64, usize)>,
    /// Half changed by a thread that is not there.
    lost: bool,
}

/// See the top of the file.
pub(super) struct Lock {
    counts: [Count; SHARDS],
    /// No count from this one on was ever used: a lock of few threads has few to add up.
    used: AtomicUsize,
    pending: AtomicU32,
    /// The thread that has it alone.
    holder: AtomicU64,
    /// How many forks there were on the way to this process when the rest was last made right.
    forks: AtomicU32,
    /// Only looked at with the bucket's mutex held.
    line: Mutex<Line>,
}

impl Lock {
    pub(super) fn new() -> Self {
        parking::watch_forks();
        Lock {
            counts: std::array::from_fn(|_| Count::new()),
            used: AtomicUsize::new(0),
            pending: AtomicU32::new(0),
            holder: AtomicU64::new(0),
            forks: AtomicU32::new(parking::n_forks()),
            line: Mutex::new(Line::default()),
        }
    }

    /// Waits until no call has the index alone, or waited before to have it so.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn share(&self, cancelled: Option<&AtomicBool>) -> Result<Sharing<'_>, Refused> {
        let slot = self.slot();
        if self.is_of_this_process() {
            self.count(slot).fetch_add(1, SeqCst);
            parking::order();
            if self.pending.load(SeqCst) == 0 {
                return Ok(Sharing { lock: self, slot });
            }
            self.count(slot).fetch_sub(1, SeqCst);
        }
        self.wait(Some(slot), cancelled)?;
        Ok(Sharing { lock: self, slot })
    }

    /// Waits until no other call has the index.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn alone(&self, cancelled: Option<&AtomicBool>) -> Result<Alone<'_>, Refused> {
        let free = self.is_of_this_process()
            && self
                .pending
                .compare_exchange(0, ALONE, SeqCst, SeqCst)
                .is_ok();
        if free {
            if self.n_sharing() == 0 {
                self.holder.store(this_thread(), SeqCst);
                return Ok(Alone(self));
            }
            // Calls that came meanwhile wait by now, and may go first.
            let _held = self.bucket().lock();
            self.pending.fetch_and(!ALONE, SeqCst);
            self.bucket().wake_all();
        }
        self.wait(None, cancelled)?;
        Ok(Alone(self))
    }

    /// Whether the index was half changed by a thread that a fork has left behind: then it is not
    /// even safe to free.
    pub(super) fn is_lost(&self) -> bool {
        let _held = self.bucket().lock();
        let mut line = self.line();
        self.after_fork(&mut line);
        line.lost
    }

    /// Waits for the turn: to share the index by a count, or to have it alone.
    #[cold]
    fn wait(&self, slot: Option<usize>, cancelled: Option<&AtomicBool>) -> Result<(), Refused> {
        let bucket = self.bucket();
        let mut held = bucket.lock();
        self.after_fork(&mut self.line());
        *self.line().waiting(slot) += 1;
        self.pending.fetch_add(1, SeqCst);
        // One that wants the index alone may have seen the count that this call took back.
        bucket.wake_all();
        let answer = loop {
            let line = self.line();
            if let Some(refused) = self.refusal(&line, slot) {
                break Err(refused);
            }
            if self.is_free(&line, slot) {
                break Ok(());
            }
            drop(line);
            held = bucket.wait(held, cancelled.map(|_| PAUSE));
            if cancelled.is_some_and(|token| token.load(Ordering::Relaxed)) {
                break Err(Refused::Cancelled);
            }
        };
        let mut line = self.line();
        *line.waiting(slot) -= 1;
        match (&answer, slot) {
            (Err(_), _) => {}
            (Ok(()), Some(slot)) => {
                self.count(slot).fetch_add(1, SeqCst);
                line.let_in = line.let_in.saturating_sub(1);
            }
            (Ok(()), None) => {
                self.pending.fetch_or(ALONE, SeqCst);
                self.holder.store(this_thread(), SeqCst);
            }
        }
        line.let_in = line.let_in.min(line.sharing);
        drop(line);
        self.pending.fetch_sub(1, SeqCst);
        bucket.wake_all();
        drop(held);
        answer
    }

    fn refusal(&self, line: &Line, slot: Option<usize>) -> Option<Refused> {
        let me = this_thread();
        if line.lost {
            return Some(Refused::Forked);
        }
        if self.is_taken() && self.holder.load(SeqCst) == me {
            return Some(Refused::InsideChange);
        }
        let inside = slot.is_none() && line.asking.iter().any(|asking| asking.0 == me);
        inside.then_some(Refused::InsideSharing)
    }

    fn is_free(&self, line: &Line, slot: Option<usize>) -> bool {
        if self.is_taken() {
            return false;
        }
        match slot {
            Some(_) => line.alone == 0 || line.let_in > 0 || !line.asking.is_empty(),
            None => line.let_in == 0 && self.n_sharing() == 0,
        }
    }

    /// Makes it right after a fork: of all calls those of the thread that made it are left, which
    /// was in a function of the host that they called.
    fn after_fork(&self, line: &mut Line) {
        if self.is_of_this_process() {
            return;
        }
        let survivor = parking::survivor();
        // One that has taken it and is not named yet, or any more, changes nothing.
        let holder = if self.is_taken() {
            self.holder.load(SeqCst)
        } else {
            0
        };
        line.lost |= holder != 0 && holder != survivor;
        (line.sharing, line.alone, line.let_in) = (0, 0, 0);
        line.asking.retain(|asking| asking.0 == survivor);
        self.counts
            .iter()
            .for_each(|count| count.0.store(0, SeqCst));
        for &(_, slot) in &line.asking {
            self.count(slot).fetch_add(1, SeqCst);
        }
        // A lost one stays taken, so that nobody comes by it without waiting.
        let taken = line.lost || holder == survivor;
        self.pending.store(if taken { ALONE } else { 0 }, SeqCst);
        self.forks.store(parking::n_forks(), SeqCst);
    }

    fn is_of_this_process(&self) -> bool {
        self.forks.load(SeqCst) == parking::n_forks()
    }

    fn is_taken(&self) -> bool {
        self.pending.load(SeqCst) & ALONE != 0
    }

    /// The count of the calling thread.
    fn slot(&self) -> usize {
        let slot = (this_thread() - 1) as usize % SHARDS;
        if self.used.load(SeqCst) <= slot {
            self.used.fetch_max(slot + 1, SeqCst);
        }
        slot
    }

    fn count(&self, slot: usize) -> &AtomicU32 {
        &self.counts[slot].0
    }

    fn n_sharing(&self) -> u32 {
        // So that a call that did not see this one pending is seen here.
        fence(SeqCst);
        let used = &self.counts[..self.used.load(SeqCst)];
        used.iter().map(|count| count.0.load(SeqCst)).sum()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(|held| held.into_inner())
    }

    fn bucket(&self) -> &'static Bucket {
        parking::bucket(std::ptr::from_ref(self).addr())
    }
}

impl Line {
    fn waiting(&mut self, slot: Option<usize>) -> &mut u32 {
        match slot {
            Some(_) => &mut self.sharing,
            None => &mut self.alone,
        }
    }
}

/// A call's share of the index, until it is dropped.
pub(super) struct Sharing<'a> {
    lock: &'a Lock,
    slot: usize,
}

impl<'a> Sharing<'a> {
    /// Notes that the call asks functions of the host from now on, which may use the index.
    ///
    /// # Errors
    /// [`Refused::NoMemory`].
    pub(super) fn ask(&self) -> Result<Asking<'a>, Refused> {
        let _held = self.lock.bucket().lock();
        let mut line = self.lock.line();
        line.asking.try_reserve(1).map_err(|_| Refused::NoMemory)?;
        let call = (this_thread(), self.slot);
        line.asking.push(call);
        // Calls that wait to share it may come in now.
        self.lock.bucket().wake_all();
        Ok(Asking {
            lock: self.lock,
            call,
        })
    }
}

impl Drop for Sharing<'_> {
    fn drop(&mut self) {
        self.lock.count(self.slot).fetch_sub(1, SeqCst);
        parking::order();
        if self.lock.pending.load(SeqCst) != 0 {
            let _held = self.lock.bucket().lock();
            self.lock.bucket().wake_all();
        }
    }
}

/// A call that asks the host, until it is dropped.
pub(super) struct Asking<'a> {
    lock: &'a Lock,
    call: (u64, usize),
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let _held = self.lock.bucket().lock();
        let mut line = self.lock.line();
        // In the child of a fork, before the count that the fork has left is taken back.
        self.lock.after_fork(&mut line);
        let at = line.asking.iter().position(|call| *call == self.call);
        at.map(|at| line.asking.swap_remove(at));
    }
}

/// A call that has the index alone, until it is dropped.
pub(super) struct Alone<'a>(&'a Lock);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let Alone(lock) = self;
        lock.holder.store(0, SeqCst);
        let before = lock.pending.fetch_and(!ALONE, SeqCst);
        if before != ALONE {
            let bucket = lock.bucket();
            let _held = bucket.lock();
            let mut line = lock.line();
            lock.after_fork(&mut line);
            line.let_in = line.sharing;
            bucket.wake_all();
        }
    }
}
