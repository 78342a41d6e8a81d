//! The nearest of what was offered, for each item: lists that several threads may add to at once.
//!
//! What a list holds at the end is the smallest of all that was offered to it, whatever the order: so the result does not
//! depend on threads.

use crate::error::{reserve, Result};
use crate::kernel::prefetch;
use crate::storage::Atomics;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// A sorted list of up to `len` for each item.
pub struct Lists {
    len: usize,
    entries: Atomics,
    locks: Vec<AtomicBool>,
}

impl Lists {
    /// Empty ones.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn new(n_items: usize, len: usize) -> Result<Self> {
        let mut locks = Vec::new();
        reserve(&mut locks, n_items)?;
        locks.resize_with(n_items, AtomicBool::default);
        let mut lists = Lists {
            len,
            entries: Atomics::zeros(n_items.saturating_mul(len))?,
            locks,
        };
        lists.clear();
        Ok(lists)
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
        let slots = self.slots(item);
        let place = || slots.partition_point(|slot| slot.load(Ordering::Relaxed) | 1 < near.0 | 1);
        let is_done = |at: usize| {
            let slot = slots.get(at);
            slot.is_none_or(|slot| slot.load(Ordering::Relaxed) | 1 == near.0 | 1)
        };
        // Most are too far or there already. Where another thread's change hides that, the second look finds it.
        if is_done(place()) {
            return;
        }
        let lock = &self.locks[item as usize];
        while lock
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            std::hint::spin_loop();
        }
        let at = place();
        if !is_done(at) {
            let mut moved = slots[at].load(Ordering::Relaxed);
            slots[at].store(near.0, Ordering::Relaxed);
            for slot in &slots[at + 1..] {
                if moved == u64::MAX {
                    break;
                }
                // No exchange, which would take twenty times as long: nobody else writes while the lock is held.
                let next = slot.load(Ordering::Relaxed);
                slot.store(moved, Ordering::Relaxed);
                moved = next;
            }
        }
        lock.store(false, Ordering::Release);
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
