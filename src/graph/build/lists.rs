//! The nearest of what was offered, for each item: lists that several threads may add to at once.
//!
//! What a list holds at the end is the smallest of all that was offered to it, whatever the order:
//! so the result does not depend on threads. tests/loom tries the orders in which these can run.

use super::sync::{prefetch, reserve, spin_loop, AtomicBool, AtomicU64, Atomics, Ordering, Result};
use std::hint::select_unpredictable;

/// A neighbour: distance, id, and whether it is new, in one number that sorts by distance, then id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near(u64);

/// Ids must be smaller.
pub const MAX_ITEMS: usize = 1 << 31;

impl Near {
    pub const NONE: Near = Near(u64::MAX);

    #[inline]
    pub fn new(distance: u32, id: u32) -> Self {
        Near(u64::from(distance) << 32 | u64::from(id) << 1 | 1)
    }

    #[inline]
    pub fn id(self) -> u32 {
        self.0 as u32 >> 1
    }

    #[inline]
    pub fn distance(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    pub fn is_new(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Offers whose places are looked for together.
const TOGETHER: usize = 8;

/// Whether a neighbour that belongs there is too far, or there already.
#[inline]
fn is_done(slots: &[AtomicU64], at: usize, near: Near) -> bool {
    let slot = slots.get(at);
    slot.is_none_or(|slot| slot.load(Ordering::Relaxed) | 1 == near.0 | 1)
}

/// A sorted list of up to `len` for each item.
pub struct NeighborLists {
    len: usize,
    entries: Atomics,
    locks: Vec<AtomicBool>,
}

impl NeighborLists {
    /// Empty ones.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn new(n_items: usize, len: usize) -> Result<Self> {
        let mut locks = Vec::new();
        reserve(&mut locks, n_items)?;
        locks.resize_with(n_items, AtomicBool::default);
        let mut lists = NeighborLists {
            len,
            entries: Atomics::zeros(n_items.saturating_mul(len))?,
            locks,
        };
        lists.clear();
        Ok(lists)
    }

    /// Entries that there is room for in each.
    pub fn room(&self) -> usize {
        self.len
    }

    fn slots(&self, item: u32) -> &[AtomicU64] {
        &self.entries.numbers()[item as usize * self.len..][..self.len]
    }

    /// The entries of an item, nearest first. Not while others add to it.
    pub fn of(&self, item: u32) -> impl Iterator<Item = Near> + '_ {
        let slots = self.slots(item).iter();
        slots
            .map(|slot| Near(slot.load(Ordering::Relaxed)))
            .take_while(|&near| near != Near::NONE)
    }

    /// The last entry: what is not nearer will not get in.
    #[inline]
    pub fn last(&self, item: u32) -> Near {
        Near(self.slots(item)[self.len - 1].load(Ordering::Relaxed))
    }

    /// Asks memory for a list that will soon be offered something.
    #[inline]
    pub fn prefetch(&self, item: u32) {
        prefetch(self.slots(item));
    }

    /// Takes a neighbour in if it is near enough and not there.
    pub fn offer(&self, item: u32, near: Near) {
        self.offer_all(&[(item, near)]);
    }

    /// Offers each of these to its list. Their places are looked for together, as each step waits
    /// for the one before.
    pub fn offer_all(&self, offers: &[(u32, Near)]) {
        let numbers = self.entries.numbers();
        for offers in offers.chunks(TOGETHER) {
            let mut places = [0; TOGETHER];
            for (place, (item, _)) in places.iter_mut().zip(offers) {
                *place = *item as usize * self.len;
            }
            let mut left = self.len;
            while left > 0 {
                let half = left.div_ceil(2);
                for (place, (_, near)) in places.iter_mut().zip(offers) {
                    // Of the `left` from its place on, the first `half` are nearer if the last of
                    // them is.
                    let slot = &numbers[*place + half - 1];
                    let is_behind = slot.load(Ordering::Relaxed) | 1 < near.0 | 1;
                    *place = select_unpredictable(is_behind, *place + half, *place);
                }
                left -= half;
            }
            for (place, &(item, near)) in places.iter().zip(offers) {
                let slots = self.slots(item);
                let at = place - item as usize * self.len;
                // Most are too far or there already. Where another thread's change hides that, the
                // second look finds it.
                if !is_done(slots, at, near) {
                    self.put(item, near, at);
                }
            }
        }
    }

    /// Puts a neighbour in, unless another thread did; `at` is where it belonged before.
    fn put(&self, item: u32, near: Near, at: usize) {
        let slots = self.slots(item);
        let lock = &self.locks[item as usize];
        while lock
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            spin_loop();
        }
        let is_behind = |slot: &AtomicU64| slot.load(Ordering::Relaxed) | 1 < near.0 | 1;
        let is_place = at
            .checked_sub(1)
            .is_none_or(|before| is_behind(&slots[before]))
            && !slots.get(at).is_some_and(is_behind);
        let at = if is_place {
            at
        } else {
            slots.partition_point(is_behind)
        };
        if !is_done(slots, at, near) {
            let mut moved = slots[at].load(Ordering::Relaxed);
            slots[at].store(near.0, Ordering::Relaxed);
            for slot in &slots[at + 1..] {
                if moved == u64::MAX {
                    break;
                }
                // No exchange, which would take twenty times as long: nobody else writes while the
                // lock is held.
                let next = slot.load(Ordering::Relaxed);
                slot.store(moved, Ordering::Relaxed);
                moved = next;
            }
        }
        lock.store(false, Ordering::Release);
    }

    /// Makes a neighbour the entry at a place. Not while others add to the list, and the places
    /// before it are taken.
    pub fn set(&self, item: u32, at: usize, near: Near) {
        self.slots(item)[at].store(near.0, Ordering::Relaxed);
    }

    /// Makes an entry an old one.
    pub fn age(&self, item: u32, at: usize) {
        let slot = &self.slots(item)[at];
        slot.store(slot.load(Ordering::Relaxed) & !1, Ordering::Relaxed);
    }

    /// Empties all lists.
    pub fn clear(&mut self) {
        for slot in self.entries.numbers() {
            slot.store(u64::MAX, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against sorting, with lists of every length, ties, and offers that come again.
    #[test]
    fn the_nearest_of_what_was_offered() {
        for len in (1..=20).chain([48]) {
            for n in 0..3 * TOGETHER as u32 {
                let lists = NeighborLists::new(3, len).unwrap();
                let offers: Vec<_> = (0..n)
                    .map(|i| (1 + i % 2, Near::new(i * 7 % 11, i * 5 % 13)))
                    .collect();
                for _ in 0..2 {
                    lists.offer_all(&offers);
                }
                for item in 0..3 {
                    let mut expected: Vec<_> = offers
                        .iter()
                        .filter(|offer| offer.0 == item)
                        .map(|offer| offer.1)
                        .collect();
                    expected.sort_unstable();
                    expected.dedup();
                    expected.truncate(len);
                    assert!(lists.of(item).eq(expected), "{n} offers, {item} of {len}");
                }
            }
        }
    }
}
