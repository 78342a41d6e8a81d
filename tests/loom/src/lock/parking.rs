//! What src/ffi/parking.rs has, of loom's parts: one bucket, and no forks.

use super::lock::Lock;
use std::cell::{Cell, RefCell};
use std::time::Duration;

pub(super) use loom::sync::atomic::{fence, AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use loom::sync::{Condvar, Mutex, MutexGuard};

/// Loom knows no time.
pub(super) const PATIENCE: Duration = Duration::ZERO;

/// Loom takes `SeqCst` operations for `AcqRel` ones, and orders only at fences.
pub(super) fn order() {
    fence(SeqCst);
}

loom::lazy_static! {
    static ref COUNT: AtomicUsize = AtomicUsize::new(0);
    static ref BUCKET: Bucket = Bucket { mutex: Mutex::new(()), turn: Condvar::new() };
}
loom::thread_local!(static NUMBER: Cell<usize> = Cell::new(usize::MAX));
loom::thread_local!(static PARTS: RefCell<Vec<(usize, bool)>> = RefCell::new(Vec::new()));

pub(super) fn thread_number() -> usize {
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(COUNT.fetch_add(1, SeqCst));
        }
        number.get()
    })
}

pub(super) fn held(lock: &Lock) -> Option<bool> {
    let lock = std::ptr::from_ref(lock).addr();
    PARTS.with(|parts| {
        let parts = parts.borrow();
        let of_lock = parts.iter().filter(|part| part.0 == lock);
        of_lock.map(|part| part.1).max()
    })
}

pub(super) fn is_inside() -> bool {
    PARTS.with(|parts| !parts.borrow().is_empty())
}

pub(super) struct Hold;

impl Hold {
    pub(super) fn new(lock: &Lock, slot: Option<usize>) -> Option<Self> {
        let part = (std::ptr::from_ref(lock).addr(), slot.is_none());
        PARTS.with(|parts| parts.borrow_mut().push(part));
        Some(Hold)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        PARTS.with(|parts| parts.borrow_mut().pop());
    }
}

pub(super) struct Bucket {
    mutex: Mutex<()>,
    turn: Condvar,
}

pub(super) fn bucket(_: &Lock) -> &'static Bucket {
    &BUCKET
}

impl Bucket {
    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.mutex.lock().unwrap()
    }

    pub(super) fn wait<'a>(
        &self,
        held: MutexGuard<'a, ()>,
        _: Option<Duration>,
    ) -> MutexGuard<'a, ()> {
        self.turn.wait(held).unwrap()
    }

    pub(super) fn wake_all(&self) {
        self.turn.notify_all();
    }
}

pub(super) fn n_forks() -> u32 {
    0
}

pub(super) fn watch_forks() {}
