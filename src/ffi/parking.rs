//! Where calls wait for a [`Lock`], what a thread holds of them, and forks of the process.
//!
//! Locks have no mutex of their own. They share a few, which the child of a fork gets anew: a
//! thread that it does not have may have held one. (Nothing is held while a process forks. So a
//! host that takes mutexes of its own before a fork, or forks in a signal handler, cannot meet one
//! of ours there.)

use super::lock::Lock;
use std::cell::{Cell, UnsafeCell};
use std::time::Duration;

pub(super) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard};

/// How long a call waits for a change that waits itself, while another call asks the host.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

/// Between a change of one atomic and a look at another, both `SeqCst`: nothing, for they stay in
/// that order. (What tests/loom has in its place needs to be told.)
pub(super) fn order() {}

/// The number of the calling thread, counted from 0 as they come.
pub(super) fn thread_number() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) });
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(COUNT.fetch_add(1, SeqCst));
        }
        number.get()
    })
}

/// The most calls with callbacks that a thread can be in, each made by a callback of another.
const DEEP: usize = 16;

/// A call's part in a lock: it asks the host, or changes the index.
struct Part {
    /// NULL for none.
    lock: Cell<*const Lock>,
    /// Its count; none where it has the lock alone.
    slot: Cell<Option<usize>>,
}

/// Those of a thread. Without a destructor, which would take memory.
struct Parts {
    n: Cell<usize>,
    all: [Part; DEEP],
}

thread_local! {
    static PARTS: Parts = const {
        Parts {
            n: Cell::new(0),
            all: [const {
                Part {
                    lock: Cell::new(std::ptr::null()),
                    slot: Cell::new(None),
                }
            }; DEEP],
        }
    };
}

/// Whether the calling thread is in any such call.
pub(super) fn is_inside() -> bool {
    PARTS.with(|parts| parts.n.get() > 0)
}

/// Whether it is so about this lock: none, or whether it has that alone.
pub(super) fn held(lock: &Lock) -> Option<bool> {
    PARTS.with(|parts| {
        let parts = parts.all.iter();
        let of_lock = parts.filter(|part| std::ptr::eq(part.lock.get(), lock));
        of_lock.map(|part| part.slot.get().is_none()).max()
    })
}

/// A part of the calling thread, until it is dropped by that thread.
pub(super) struct Hold(usize);

impl Hold {
    /// None where the thread has too many.
    pub(super) fn new(lock: &Lock, slot: Option<usize>) -> Option<Self> {
        PARTS.with(|parts| {
            let free = |part: &Part| part.lock.get().is_null();
            let place = parts.all.iter().position(free)?;
            parts.n.set(parts.n.get() + 1);
            parts.all[place].slot.set(slot);
            parts.all[place].lock.set(lock);
            Some(Hold(place))
        })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        PARTS.with(|parts| {
            parts.all[self.0].lock.set(std::ptr::null());
            parts.n.set(parts.n.get() - 1);
        });
    }
}

/// What the calls of some locks wait at.
pub(super) struct Bucket {
    mutex: Mutex<()>,
    turn: Condvar,
}

/// A bucket that the child of a fork can get anew.
struct Place(UnsafeCell<Bucket>);

// SAFETY: only written to where there is no other thread, see `in_child`.
unsafe impl Sync for Place {}

static BUCKETS: [Place; 16] = [const { Place(UnsafeCell::new(Bucket::new())) }; 16];

/// That of a lock, by its address.
pub(super) fn bucket(lock: &Lock) -> &'static Bucket {
    let number = std::ptr::from_ref(lock).addr() / align_of::<Lock>() % BUCKETS.len();
    // SAFETY: nobody writes to it while it is in use, see `in_child`.
    unsafe { &*BUCKETS[number].0.get() }
}

impl Bucket {
    const fn new() -> Self {
        Bucket {
            mutex: Mutex::new(()),
            turn: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        // Nothing panics while it is held.
        self.mutex.lock().unwrap_or_else(|held| held.into_inner())
    }

    /// Waits until it is woken, no longer than that if there is one.
    pub(super) fn wait<'a>(
        &self,
        held: MutexGuard<'a, ()>,
        at_most: Option<Duration>,
    ) -> MutexGuard<'a, ()> {
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

/// How many forks there were on the way to this process, since the library came into it.
pub(super) fn n_forks() -> u32 {
    FORKS.load(SeqCst)
}

/// Has forks noticed from now on.
#[cfg(unix)]
pub(super) fn watch_forks() {
    extern "C" fn in_child() {
        for bucket in &BUCKETS {
            // SAFETY: the child has this thread alone, which is in a function of the host, and so
            // in no bucket. What the old one held is the parent's.
            unsafe { bucket.0.get().write(Bucket::new()) };
        }
        FORKS.fetch_add(1, SeqCst);
        PARTS.with(|parts| {
            for part in &parts.all {
                // SAFETY: a call of this thread, which is under way, has it: so it is there.
                if let Some(lock) = unsafe { part.lock.get().as_ref() } {
                    lock.survived(part.slot.get());
                }
            }
        });
    }

    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // Without memory for this the process forks as if the library were not there.
        // SAFETY: the function stays as long as the library does, and nothing in it unwinds.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

#[cfg(not(unix))]
pub(super) fn watch_forks() {}
