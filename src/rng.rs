//! Random numbers whose stream is fixed for all time: promise P3 rests on it.
//!
//! Every node of every tree has its own stream, derived from the seed, the tree's number and the
//! path from the root. So a tree comes out the same whatever the order in which its nodes are
//! worked on, and by however many threads.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Annoy's default seed (its 64-bit generator's, the one of the Python and R bindings).
pub const DEFAULT_SEED: u64 = 1_234_567_890_987_654_321;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that leaves no pattern.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Names the random stream of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of a tree's root.
    pub fn root(seed: u64, tree: u64) -> Self {
        Key(mix(
            mix(seed) ^ tree.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ))
    }

    /// The key of a node's child; `side` is 0 or 1.
    pub fn child(self, side: usize) -> Self {
        Key(mix(self
            .0
            .wrapping_mul(2)
            .wrapping_add(side as u64 + 1)
            .wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// The node's stream.
    pub fn stream(self) -> Stream {
        Stream(Xoshiro256PlusPlus::seed_from_u64(self.0))
    }
}

/// One stream of random numbers: Xoshiro256++ (Blackman, Vigna 2018).
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// A number in `0..bound`, by Lemire's multiply and shift. Our own step, because a library's
    /// may change; the bias without his rejection is below `bound / 2^64`.
    ///
    /// `bound` must not be 0.
    pub fn index(&mut self, bound: usize) -> usize {
        debug_assert!(bound > 0);
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A coin toss.
    pub fn flip(&mut self) -> bool {
        self.0.next_u64() >> 63 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The published reference stream: state 1, 2, 3, 4.
    #[test]
    fn generator_is_the_published_one() {
        let mut seed = [0u8; 32];
        for (word, value) in seed.chunks_mut(8).zip(1u64..) {
            word.copy_from_slice(&value.to_le_bytes());
        }
        let mut rng = Xoshiro256PlusPlus::from_seed(seed);
        let first: Vec<u64> = (0..4).map(|_| rng.next_u64()).collect();
        assert_eq!(
            first,
            [41943041, 58720359, 3588806011781223, 3591011842654386]
        );
    }

    #[test]
    fn streams_are_pinned() {
        let mut stream = Key::root(42, 3).child(1).stream();
        let drawn: Vec<usize> = (0..4).map(|_| stream.index(1000)).collect();
        assert_eq!(drawn, PINNED);
    }

    const PINNED: [usize; 4] = [264, 668, 929, 505];

    #[test]
    fn index_covers_its_range() {
        let mut stream = Key::root(1, 1).stream();
        let mut seen = [false; 7];
        for _ in 0..200 {
            seen[stream.index(7)] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(stream.index(1), 0);
    }

    #[test]
    fn siblings_and_trees_differ() {
        let root = Key::root(7, 0);
        assert_ne!(root, Key::root(7, 1));
        assert_ne!(root, Key::root(8, 0));
        assert_ne!(root.child(0), root.child(1));
    }
}
