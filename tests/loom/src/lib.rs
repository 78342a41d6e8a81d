//! All orders in which a few threads can use one lock, with three preemptions at the most (the
//! bound that loom's authors advise): none races, and none waits for ever.
#![cfg(test)]

#[path = "../../../src/ffi/lock.rs"]
#[allow(dead_code)]
mod lock;
mod parking;

use lock::{Lock, Refused};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

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

fn try_all(body: impl Fn(Guarded) + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || body(Guarded::new()));
}

#[test]
fn a_change_beside_a_search() {
    try_all(|guarded| {
        let change = guarded.spawn(|guarded| guarded.add());
        assert!(guarded.read() <= 1);
        change.join().unwrap();
        assert_eq!(guarded.read(), 1);
    });
}

#[test]
fn two_changes() {
    try_all(|guarded| {
        let change = guarded.spawn(|guarded| guarded.add());
        guarded.add();
        change.join().unwrap();
        assert_eq!(guarded.read(), 2);
    });
}

#[test]
fn a_change_beside_two_searches() {
    try_all(|guarded| {
        let search = guarded.spawn(|guarded| guarded.read());
        let change = guarded.spawn(|guarded| guarded.add());
        assert!(guarded.read() <= 1);
        assert!(search.join().unwrap() <= 1);
        change.join().unwrap();
        assert_eq!(guarded.read(), 1);
    });
}

#[test]
fn two_changes_beside_a_search() {
    try_all(|guarded| {
        let changes = [0, 1].map(|_| guarded.spawn(|guarded| guarded.add()));
        assert!(guarded.read() <= 2);
        for change in changes {
            change.join().unwrap();
        }
        assert_eq!(guarded.read(), 2);
    });
}

/// The change waits for the filter, and the filter for a search by another thread.
#[test]
fn a_filter_that_waits_for_a_search() {
    try_all(|guarded| {
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

#[test]
fn calls_inside_calls_are_refused() {
    try_all(|guarded| {
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
