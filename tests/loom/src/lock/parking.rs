//! What src/ffi/parking.rs has, of loom's parts: one bucket, and no forks.

use std::cell::Cell;
use std::time::Duration;

pub(super) use loom::sync::atomic::{fence, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};

/// Loom takes `SeqCst` operations for `AcqRel` ones, and orders only at fences.
pub(super) fn order() {
    fence(SeqCst);
}

loom::lazy_static! {
    static ref LAST: AtomicU64 = AtomicU64::new(0);
    static ref BUCKET: Bucket = Bucket { mutex: Mutex::new(()), turn: Condvar::new() };
}
loom::thread_local!(static NUMBER: Cell<u64> = Cell::new(0));

pub(super) fn this_thread() -> u64 {
    NUMBER.with(|number| {
        if number.get() == 0 {
            number.set(LAST.fetch_add(1, SeqCst) + 1);
        }
        number.get()
    })
}

pub(super) struct Bucket {
    mutex: Mutex<()>,
    turn: Condvar,
}

pub(super) fn bucket(_: usize) -> &'static Bucket {
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

pub(super) fn survivor() -> u64 {
    0
}

pub(super) fn watch_forks() {}
