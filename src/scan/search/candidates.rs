//! The nearest so far, by codes.

use super::reserve;
use crate::error::Result;

/// The nearest of those that were offered: whatever the order, the same ones in the end.
#[derive(Default)]
pub struct Candidates {
    /// Distance and id of each, in no order.
    all: Vec<u64>,
    /// So many are kept.
    keep: usize,
    /// None that is farther is one of them.
    farthest: u32,
}

impl Candidates {
    pub fn begin(&mut self, keep: usize) {
        self.all.clear();
        self.keep = keep;
        self.farthest = u32::MAX;
    }

    /// What is farther than this need not be offered.
    #[inline]
    pub fn farthest(&self) -> u32 {
        self.farthest
    }

    /// Room for so many to be offered.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    #[inline]
    pub fn reserve(&mut self, n: usize) -> Result<()> {
        reserve(&mut self.all, n)
    }

    #[inline]
    pub fn offer(&mut self, distance: u32, id: u32) {
        self.all.push(u64::from(distance) << 32 | u64::from(id));
    }

    /// Drops those that are too far, once there are many.
    #[inline]
    pub fn settle(&mut self) {
        if self.all.len() >= 2 * self.keep {
            self.drop_farthest();
        }
    }

    #[inline(never)]
    fn drop_farthest(&mut self) {
        if self.all.len() > self.keep {
            let (_, last, _) = self.all.select_nth_unstable(self.keep - 1);
            self.farthest = (*last >> 32) as u32;
            self.all.truncate(self.keep);
        }
    }

    /// Their ids, nearest first.
    pub fn ids(&mut self) -> impl Iterator<Item = usize> + '_ {
        self.drop_farthest();
        self.all.sort_unstable();
        self.all.iter().map(|&one| one as u32 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_offers_does_not_matter() {
        let all: Vec<(u32, u32)> = (0..500).map(|id| (id * 7919 % 100, id)).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        let expected: Vec<usize> = sorted[..30].iter().map(|one| one.1 as usize).collect();
        let mut candidates = Candidates::default();
        for step in [1, 3, 7, 499] {
            candidates.begin(30);
            let mut n_offered = 0;
            for i in 0..all.len() {
                let (distance, id) = all[i * step % all.len()];
                if distance <= candidates.farthest() {
                    n_offered += 1;
                    candidates.reserve(1).unwrap();
                    candidates.offer(distance, id);
                    candidates.settle();
                }
            }
            assert!(n_offered < 300, "{n_offered}");
            assert_eq!(candidates.ids().collect::<Vec<_>>(), expected, "{step}");
        }
    }

    #[test]
    fn fewer_than_are_kept() {
        let mut candidates = Candidates::default();
        candidates.begin(30);
        candidates.offer(5, 1);
        candidates.offer(4, 2);
        assert_eq!(candidates.ids().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(candidates.farthest(), u32::MAX);
    }
}
