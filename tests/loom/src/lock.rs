//! The lock of an index: nobody reads beside a change, and none waits for ever.

#[path = "../../../src/ffi/lock.rs"]
#[allow(dead_code)]
#[allow(clippy::module_inception)]
mod lock;
mod parking;

use super::try_all;
use lock::{Lock, Refused};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

pub const TESTS: &[(&str, fn())] = &[
    ("a_change_beside_a_search", a_change_beside_a_search),
    ("two_changes", two_changes),
    ("a_change_beside_two_searches", a_change_beside_two_searches),
    ("two_changes_beside_a_search", two_changes_beside_a_search),
    (
        "a_filter_that_waits_for_a_search",
        a_filter_that_waits_for_a_search,
    ),
    (
        "calls_inside_calls_are_refused",
        calls_inside_calls_are_refused,
    ),
];

/// A lock, and a number that only it guards: loom reports reads beside a write.
#[derive(Clone)]
struct Guarded(Arc<(Lock, UnsafeCell<u32>)>);

impl Guarded {
    fn new() -> Self {
        Guarded(Arc::new((Lock::new(), UnsafeCell::new(0))))
    }

    fn read(&self) -> u32 {
        let _sharing = self.0 .0.share(None).unwrap();
        // SAFETY: shared.
        self.0 .1.with(|number| unsafe { *number })
    }

    fn add(&self) {
        let _alone = self.0 .0.alone(None).unwrap();
        // SAFETY: alone.
        self.0 .1.with_mut(|number| unsafe { *number += 1 });
    }

    fn spawn<R: 'static>(&self, body: impl FnOnce(Guarded) -> R + 'static) -> JoinHandle<R> {
        let guarded = self.clone();
        thread::spawn(move || body(guarded))
    }
}

fn a_change_beside_a_search() {
    try_all(|| {
        let guarded = Guarded::new();
        let change = guarded.spawn(|guarded| guarded.add());
        assert!(guarded.read() <= 1);
        change.join().unwrap();
        assert_eq!(guarded.read(), 1);
    });
}

fn two_changes() {
    try_all(|| {
        let guarded = Guarded::new();
        let change = guarded.spawn(|guarded| guarded.add());
        guarded.add();
        change.join().unwrap();
        assert_eq!(guarded.read(), 2);
    });
}

fn a_change_beside_two_searches() {
    try_all(|| {
        let guarded = Guarded::new();
        let search = guarded.spawn(|guarded| guarded.read());
        let change = guarded.spawn(|guarded| guarded.add());
        assert!(guarded.read() <= 1);
        assert!(search.join().unwrap() <= 1);
        change.join().unwrap();
        assert_eq!(guarded.read(), 1);
    });
}

fn two_changes_beside_a_search() {
    try_all(|| {
        let guarded = Guarded::new();
        let changes = [0, 1].map(|_| guarded.spawn(|guarded| guarded.add()));
        assert!(guarded.read() <= 2);
        for change in changes {
            change.join().unwrap();
        }
        assert_eq!(guarded.read(), 2);
    });
}

/// The change waits for the filter, and the filter for a search by another thread.
fn a_filter_that_waits_for_a_search() {
    try_all(|| {
        let guarded = Guarded::new();
        let change = guarded.spawn(|guarded| guarded.add());
        {
            let sharing = guarded.0 .0.share(None).unwrap();
            let _asking = sharing.ask().unwrap();
            let search = guarded.spawn(|guarded| guarded.read());
            assert!(search.join().unwrap() <= 1);
        }
        change.join().unwrap();
        assert_eq!(guarded.read(), 1);
    });
}

fn calls_inside_calls_are_refused() {
    try_all(|| {
        let guarded = Guarded::new();
        let lock = &guarded.0 .0;
        let change = guarded.spawn(|guarded| guarded.add());
        {
            let sharing = lock.share(None).unwrap();
            let _asking = sharing.ask().unwrap();
            assert_eq!(lock.alone(None).err(), Some(Refused::InsideSharing));
            assert!(lock.share(None).is_ok());
        }
        {
            let _alone = lock.alone(None).unwrap();
            assert_eq!(lock.alone(None).err(), Some(Refused::InsideChange));
            assert_eq!(lock.share(None).err(), Some(Refused::InsideChange));
        }
        change.join().unwrap();
        assert_eq!(guarded.read(), 1);
    });
}
