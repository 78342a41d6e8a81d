//! The neighbour lists of a graph's build: what a list holds at the end is the nearest of all that
//! was offered, whatever the order.

#[path = "../../../src/graph/build/lists.rs"]
#[allow(dead_code)]
#[allow(clippy::module_inception)]
mod lists;

use super::try_all;
use lists::{Near, NeighborLists};
use loom::sync::Arc;
use loom::thread;

/// What the file has of the library, of loom's parts.
mod sync {
    pub(super) use loom::hint::spin_loop;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(super) type Result<T> = std::result::Result<T, std::convert::Infallible>;

    pub(super) struct Atomics(Vec<AtomicU64>);

    impl Atomics {
        pub(super) fn zeros(n: usize) -> Result<Self> {
            Ok(Atomics((0..n).map(|_| AtomicU64::new(0)).collect()))
        }

        pub(super) fn numbers(&self) -> &[AtomicU64] {
            &self.0
        }
    }

    pub(super) fn reserve<T>(vector: &mut Vec<T>, n: usize) -> Result<()> {
        vector.reserve(n);
        Ok(())
    }

    pub(super) fn prefetch<T>(_: &[T]) {}
}

pub const TESTS: &[(&str, fn())] = &[
    ("two_that_offer", two_that_offer),
    ("the_same_from_both", the_same_from_both),
];

/// Offers these to one list of two, by a thread each.
fn offer(by_threads: &'static [&'static [(u32, u32)]]) {
    try_all(move || {
        let lists = Arc::new(NeighborLists::new(1, 2).unwrap());
        let near = |&(distance, id)| Near::new(distance, id);
        let (here, others) = by_threads.split_first().unwrap();
        let threads: Vec<_> = others
            .iter()
            .map(|offers| {
                let lists = lists.clone();
                thread::spawn(move || {
                    offers
                        .iter()
                        .map(near)
                        .for_each(|near| lists.offer(0, near))
                })
            })
            .collect();
        here.iter().map(near).for_each(|near| lists.offer(0, near));
        for thread in threads {
            thread.join().unwrap();
        }
        let mut expected: Vec<_> = by_threads.concat().iter().map(near).collect();
        expected.sort_unstable();
        expected.dedup();
        expected.truncate(2);
        assert!(lists.of(0).eq(expected));
    });
}

fn two_that_offer() {
    offer(&[&[(5, 1), (2, 2)], &[(3, 3), (4, 4)]]);
}

fn the_same_from_both() {
    offer(&[&[(5, 1), (2, 2)], &[(2, 2), (5, 1)]]);
}
