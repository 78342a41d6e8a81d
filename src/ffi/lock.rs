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
//! waited meanwhile go before the next change. So neither kind starves. There are two exceptions,
//! for functions of the host (a filter, say) that a call asks. Calls of theirs on any index do not
//! wait for waiting changes, which may wait for them. And while a call asks, others wait for
//! changes no longer than [`PATIENCE`]: the function may wait for a search by another thread.
//!
//! A fork: the child has one thread. The locks that this one holds are made right at once, the
//! others when they are first met there. An index that another thread was changing is lost in the
//! child, and refuses.
//!
//! Where calls wait, and what a thread holds, is in `parking`. This file needs nothing else of the
//! crate: tests/loom tries the orders in which threads can run it.

use super::parking::{self, AtomicBool, AtomicU32, AtomicUsize, Bucket, Hold, SeqCst, PATIENCE};
use std::sync::atomic::{AtomicBool as Token, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Why a call cannot have the index, however long it waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The call is made by a function of the host that another call, which changes the index, has
    /// called.
    InsideChange,
    /// As above, but that call shares the index, and this one wants to change it.
    InsideSharing,
    /// The thread is in more calls than it can keep in mind.
    TooDeep,
    /// Another thread was changing the index when the process was forked.
    Forked,
    /// The call was told to give up.
    Cancelled,
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

/// See the top of the file.
pub(super) struct Lock {
    counts: [Count; SHARDS],
    /// No count from this one on was ever used: a lock of few threads has few to add up.
    used: AtomicUsize,
    pending: AtomicU32,
    /// How many forks there were on the way to this process when all of this was last made right.
    forks: AtomicU32,

    // Only looked at with the bucket's mutex held:
    /// Calls that wait to share the index.
    want_to_share: AtomicU32,
    /// Calls that wait to have it alone.
    want_it_alone: AtomicU32,
    /// Of the first kind: these go before the next of the second.
    let_in: AtomicU32,
    /// Calls that share it and ask the host.
    asking: AtomicU32,
    /// Half changed by a thread that is not there.
    lost: AtomicBool,
}

impl Lock {
    pub(super) fn new() -> Self {
        parking::watch_forks();
        let zero = || AtomicU32::new(0);
        Lock {
            counts: std::array::from_fn(|_| Count::new()),
            used: AtomicUsize::new(0),
            pending: zero(),
            forks: AtomicU32::new(parking::n_forks()),
            want_to_share: zero(),
            want_it_alone: zero(),
            let_in: zero(),
            asking: zero(),
            lost: AtomicBool::new(false),
        }
    }

    /// Waits until no call has the index alone, or waited before to have it so.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn share(&self, cancelled: Option<&Token>) -> Result<Sharing<'_>, Refused> {
        let is_inside = self.is_inside(false)?;
        let slot = self.slot();
        if self.is_of_this_process() {
            self.counts[slot].0.fetch_add(1, SeqCst);
            parking::order();
            if self.pending.load(SeqCst) == 0 {
                return Ok(Sharing { lock: self, slot });
            }
            self.counts[slot].0.fetch_sub(1, SeqCst);
        }
        self.wait(Some(slot), is_inside, cancelled)?;
        Ok(Sharing { lock: self, slot })
    }

    /// Waits until no other call has the index.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn alone(&self, cancelled: Option<&Token>) -> Result<Alone<'_>, Refused> {
        let is_inside = self.is_inside(true)?;
        let _hold = Hold::new(self, None).ok_or(Refused::TooDeep)?;
        let take = || self.pending.compare_exchange(0, ALONE, SeqCst, SeqCst);
        if self.is_of_this_process() && take().is_ok() {
            if self.n_sharing() == 0 {
                return Ok(Alone { lock: self, _hold });
            }
            // Calls that came meanwhile wait by now, and may go first.
            let _held = self.bucket().lock();
            self.pending.fetch_and(!ALONE, SeqCst);
            self.bucket().wake_all();
        }
        self.wait(None, is_inside, cancelled)?;
        Ok(Alone { lock: self, _hold })
    }

    /// Whether the index was half changed by a thread that a fork has left behind: then it is not
    /// even safe to free.
    pub(super) fn is_lost(&self) -> bool {
        let _held = self.bucket().lock();
        self.after_fork();
        self.lost.load(SeqCst)
    }

    /// Makes the lock right in the child of a fork, which was made in a call that has this: it asks
    /// the host, and shares it by a count or has it alone.
    #[cfg(unix)]
    pub(super) fn survived(&self, slot: Option<usize>) {
        self.after_fork();
        match slot {
            Some(slot) => {
                self.counts[slot].0.fetch_add(1, SeqCst);
                self.asking.fetch_add(1, SeqCst);
            }
            None => {
                self.lost.store(false, SeqCst);
                self.pending.store(ALONE, SeqCst);
            }
        }
    }

    /// Whether the calling thread is in a function of the host that a call asks, about any index.
    ///
    /// # Errors
    /// [`Refused`] where it is about this one, and would wait for that call.
    fn is_inside(&self, alone: bool) -> Result<bool, Refused> {
        if !parking::is_inside() {
            return Ok(false);
        }
        match parking::held(self) {
            Some(true) => Err(Refused::InsideChange),
            Some(false) if alone => Err(Refused::InsideSharing),
            _ => Ok(true),
        }
    }

    /// Waits for the turn.
    #[cold]
    fn wait(
        &self,
        slot: Option<usize>,
        is_inside: bool,
        cancelled: Option<&Token>,
    ) -> Result<(), Refused> {
        let bucket = self.bucket();
        let mut held = bucket.lock();
        self.after_fork();
        let waiting = match slot {
            Some(_) => &self.want_to_share,
            None => &self.want_it_alone,
        };
        waiting.fetch_add(1, SeqCst);
        self.pending.fetch_add(1, SeqCst);
        // One that wants the index alone may have seen the count that this call took back.
        bucket.wake_all();
        let since = Instant::now();
        let answer = loop {
            if self.lost.load(SeqCst) {
                break Err(Refused::Forked);
            }
            if self.is_free(slot, is_inside, since) {
                break Ok(());
            }
            if cancelled.is_some_and(|token| token.load(Relaxed)) {
                break Err(Refused::Cancelled);
            }
            let others_ask = slot.is_some() && self.asking.load(SeqCst) > 0;
            let at_most = match cancelled {
                _ if others_ask => Some(PATIENCE),
                Some(_) => Some(PAUSE),
                None => None,
            };
            held = bucket.wait(held, at_most);
        };
        waiting.fetch_sub(1, SeqCst);
        match (&answer, slot) {
            (Err(_), _) => {}
            (Ok(()), Some(slot)) => {
                self.counts[slot].0.fetch_add(1, SeqCst);
                let let_in = self.let_in.load(SeqCst);
                self.let_in.store(let_in.saturating_sub(1), SeqCst);
            }
            (Ok(()), None) => {
                self.pending.fetch_or(ALONE, SeqCst);
            }
        }
        self.let_in
            .fetch_min(self.want_to_share.load(SeqCst), SeqCst);
        self.pending.fetch_sub(1, SeqCst);
        bucket.wake_all();
        drop(held);
        answer
    }

    fn is_free(&self, slot: Option<usize>, is_inside: bool, since: Instant) -> bool {
        if self.pending.load(SeqCst) & ALONE != 0 {
            return false;
        }
        if slot.is_none() {
            return self.let_in.load(SeqCst) == 0 && self.n_sharing() == 0;
        }
        self.want_it_alone.load(SeqCst) == 0
            || self.let_in.load(SeqCst) > 0
            || is_inside
            || self.asking.load(SeqCst) > 0 && since.elapsed() >= PATIENCE
    }

    /// Makes it right when it is first met after a fork: no call is left, for those of the thread
    /// that made the fork have made it right by then.
    fn after_fork(&self) {
        if self.is_of_this_process() {
            return;
        }
        let lost = self.lost.load(SeqCst) || self.pending.load(SeqCst) & ALONE != 0;
        self.lost.store(lost, SeqCst);
        let counts = self.counts.iter().map(|count| &count.0);
        let line = [
            &self.want_to_share,
            &self.want_it_alone,
            &self.let_in,
            &self.asking,
        ];
        counts.chain(line).for_each(|count| count.store(0, SeqCst));
        // A lost one stays taken, so that nobody comes by it without waiting.
        self.pending.store(if lost { ALONE } else { 0 }, SeqCst);
        self.forks.store(parking::n_forks(), SeqCst);
    }

    fn is_of_this_process(&self) -> bool {
        self.forks.load(SeqCst) == parking::n_forks()
    }

    /// The count of the calling thread.
    fn slot(&self) -> usize {
        let slot = parking::thread_number() % SHARDS;
        if self.used.load(SeqCst) <= slot {
            self.used.fetch_max(slot + 1, SeqCst);
        }
        slot
    }

    fn n_sharing(&self) -> u32 {
        parking::order();
        let used = &self.counts[..self.used.load(SeqCst)];
        used.iter().map(|count| count.0.load(SeqCst)).sum()
    }

    fn bucket(&self) -> &'static Bucket {
        parking::bucket(self)
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
    /// [`Refused::TooDeep`].
    pub(super) fn ask(&self) -> Result<Asking<'a>, Refused> {
        let lock = self.lock;
        let _hold = Hold::new(lock, Some(self.slot)).ok_or(Refused::TooDeep)?;
        let _held = lock.bucket().lock();
        lock.asking.fetch_add(1, SeqCst);
        // Calls that wait to share it wait less from now on.
        lock.bucket().wake_all();
        Ok(Asking { lock, _hold })
    }
}

impl Drop for Sharing<'_> {
    fn drop(&mut self) {
        let lock = self.lock;
        lock.counts[self.slot].0.fetch_sub(1, SeqCst);
        parking::order();
        if lock.pending.load(SeqCst) != 0 {
            let _held = lock.bucket().lock();
            lock.bucket().wake_all();
        }
    }
}

/// A call that asks the host, until it is dropped, which is before its share is.
pub(super) struct Asking<'a> {
    lock: &'a Lock,
    _hold: Hold,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let _held = self.lock.bucket().lock();
        self.lock.asking.fetch_sub(1, SeqCst);
    }
}

/// A call that has the index alone, until it is dropped.
pub(super) struct Alone<'a> {
    lock: &'a Lock,
    _hold: Hold,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let lock = self.lock;
        let before = lock.pending.fetch_and(!ALONE, SeqCst);
        if before != ALONE {
            let _held = lock.bucket().lock();
            lock.let_in.store(lock.want_to_share.load(SeqCst), SeqCst);
            lock.bucket().wake_all();
        }
    }
}
