//! The nearest of what a walk has met.

use std::collections::BinaryHeap;

/// An item met, nearest first: distance, id, and a mark: whether it was looked from, or refused by a filter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Met(u64);

impl Met {
    pub fn new(distance: u32, id: u32) -> Self {
        Met(u64::from(distance) << 32 | u64::from(id) << 1)
    }
    pub fn id(self) -> u32 {
        self.0 as u32 >> 1
    }
    pub fn is_marked(self) -> bool {
        self.0 & 1 == 1
    }
    pub fn marked(self) -> Self {
        Met(self.0 | 1)
    }
}

/// Puts one into a pool of `size` at the most, in order; the place it got, if any.
#[inline]
pub fn put(pool: &mut Vec<Met>, size: usize, one: Met) -> Option<usize> {
    if pool.len() >= size {
        if pool.last().is_some_and(|last| one >= *last) {
            return None;
        }
        pool.pop();
    }
    let at = pool.partition_point(|other| *other < one);
    pool.insert(at, one);
    Some(at)
}

/// A pool of limited size.
pub trait Pool {
    /// Whether one gets a place.
    fn is_near(&self, one: Met) -> bool;
    /// Gives a place to one that gets it; what has lost its own. There is room.
    fn put(&mut self, one: Met) -> Option<Met>;
    /// Whether one is nearer than the one at a place. Any answer will do where finding out takes long.
    fn is_before(&self, one: Met, place: usize) -> bool;
}

/// In order: for pools of some thousands at the most, as putting one in moves half of it.
pub struct Sorted {
    pub pool: Vec<Met>,
    pub size: usize,
}

impl Pool for Sorted {
    #[inline]
    fn is_near(&self, one: Met) -> bool {
        self.pool.len() < self.size || self.pool.last().is_some_and(|last| one < *last)
    }

    #[inline]
    fn put(&mut self, one: Met) -> Option<Met> {
        let last = self.pool.last().copied();
        let last = last.filter(|_| self.pool.len() >= self.size);
        put(&mut self.pool, self.size, one);
        last
    }

    #[inline]
    fn is_before(&self, one: Met, place: usize) -> bool {
        self.pool.get(place).is_none_or(|other| one < *other)
    }
}

/// The farthest on top: for any size.
pub struct Heap {
    pub pool: BinaryHeap<Met>,
    pub size: usize,
}

impl Pool for Heap {
    fn is_near(&self, one: Met) -> bool {
        self.pool.len() < self.size || self.pool.peek().is_some_and(|last| one < *last)
    }

    fn put(&mut self, one: Met) -> Option<Met> {
        if self.pool.len() < self.size {
            self.pool.push(one);
            return None;
        }
        let mut last = self.pool.peek_mut()?;
        Some(std::mem::replace(&mut *last, one))
    }

    fn is_before(&self, _one: Met, _place: usize) -> bool {
        true
    }
}
