//! What src/ffi/parking.rs has, of loom's parts: one bucket, and no forks.

use std::cell::Cell;
use std::time::Duration;

use loom::sync::atomic::AtomicBool;
pub(super) use loom::sync::atomic::{fence, AtomicU32, AtomicU64, Ordering::SeqCst};
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

/// The standard library's, with what loom has to see of it.
pub(super) struct OnceLock<T> {
    is_set: AtomicBool,
    setting: Mutex<()>,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(super) fn new() -> Self {
        OnceLock {
            is_set: AtomicBool::new(false),
            setting: Mutex::new(()),
            value: std::sync::OnceLock::new(),
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        let is_set = self.is_set.load(SeqCst);
        is_set.then(|| self.value.get().unwrap())
    }

    pub(super) fn get_or_init(&self, value: impl FnOnce() -> T) -> &T {
        let _setting = self.setting.lock().unwrap();
        let value = self.value.get_or_init(value);
        self.is_set.store(true, SeqCst);
        value
    }
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
