//! Where calls wait for a [`Lock`](super::lock::Lock), and forks of the process meanwhile.
//!
//! Locks have no mutex of their own. They share a few, which a fork takes before it copies the
//! process: so no thread that the child does not have holds one there.

use std::cell::Cell;
use std::time::Duration;

pub(super) use std::sync::atomic::{fence, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};

/// Between a change of one atomic and a look at another, both `SeqCst`: nothing, for they stay in
/// that order. (What tests/loom has in its place needs to be told.)
pub(super) fn order() {}

/// The number of the calling thread, from 1: never used twice, unlike an address.
pub(super) fn this_thread() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    thread_local!(static NUMBER: Cell<u64> = const { Cell::new(0) });
    NUMBER.with(|number| {
        if number.get() == 0 {
            number.set(LAST.fetch_add(1, SeqCst) + 1);
        }
        number.get()
    })
}

/// The mutex of a bucket, held.
pub(super) type Held<'a> = MutexGuard<'a, ()>;

/// What the calls of some locks wait at.
pub(super) struct Bucket {
    mutex: Mutex<()>,
    turn: Condvar,
}

static BUCKETS: [Bucket; 16] = [const { Bucket::new() }; 16];

/// That of the lock at an address.
pub(super) fn bucket(lock: usize) -> &'static Bucket {
    &BUCKETS[(lock >> 6) % BUCKETS.len()]
}

impl Bucket {
    const fn new() -> Self {
        Bucket {
            mutex: Mutex::new(()),
            turn: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> Held<'_> {
        // Nothing panics while it is held.
        self.mutex.lock().unwrap_or_else(|held| held.into_inner())
    }

    /// Waits until it is woken, no longer than that if there is one.
    pub(super) fn wait<'a>(&self, held: Held<'a>, at_most: Option<Duration>) -> Held<'a> {
        match at_most {
            None => {
                let woken = self.turn.wait(held);
                woken.unwrap_or_else(|held| held.into_inner())
            }
            Some(at_most) => {
                let woken = self.turn.wait_timeout(held, at_most);
                woken.unwrap_or_else(|held| held.into_inner()).0
            }
        }
    }

    pub(super) fn wake_all(&self) {
        self.turn.notify_all();
    }
}

static FORKS: AtomicU32 = AtomicU32::new(0);
static SURVIVOR: AtomicU64 = AtomicU64::new(0);

/// How many forks there were on the way to this process, since the library came into it.
pub(super) fn n_forks() -> u32 {
    FORKS.load(SeqCst)
}

/// The thread that made the last of them.
pub(super) fn survivor() -> u64 {
    SURVIVOR.load(SeqCst)
}

/// Has forks noticed from now on.
#[cfg(unix)]
pub(super) fn watch_forks() {
    use std::mem::ManuallyDrop;
    use std::sync::Once;

    type All = [Held<'static>; BUCKETS.len()];
    // Without a destructor, which would take memory.
    thread_local!(static HELD: Cell<Option<ManuallyDrop<All>>> = const { Cell::new(None) });
    extern "C" fn before() {
        let all: All = std::array::from_fn(|i| BUCKETS[i].lock());
        HELD.set(Some(ManuallyDrop::new(all)));
    }
    extern "C" fn in_parent() {
        drop(HELD.take().map(ManuallyDrop::into_inner));
    }
    extern "C" fn in_child() {
        SURVIVOR.store(this_thread(), SeqCst);
        FORKS.fetch_add(1, SeqCst);
        in_parent();
    }

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without memory for this the process forks as if the library were not there.
        // SAFETY: the functions stay as long as the library does, and none unwinds: they only take
        // and leave mutexes.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

#[cfg(not(unix))]
pub(super) fn watch_forks() {}
