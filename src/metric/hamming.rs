//! Hamming: the number of differing bits. A split is one bit.

use super::{Position, Query, Space};
use crate::error::Result;
use crate::kernel::{BitKernels, Measure, Row, Scalar};
use crate::layout::{NodeMut, NodeRef, Points};
use crate::memory;
use crate::rng::Stream;

/// A word of bits.
pub trait Word: Scalar {
    /// Bits in a word.
    const BITS: usize = Self::SIZE * 8;
    /// Largest value.
    const MAX: u64 = u64::MAX >> (64 - Self::BITS);
    /// Widens.
    fn get(self) -> u64;
    /// Cuts off what does not fit.
    fn new(value: u64) -> Self;
}

macro_rules! word {
    ($($t:ty),*) => {$(
        impl Word for $t {
            #[inline]
            fn get(self) -> u64 { u64::from(self) }
            #[inline]
            fn new(value: u64) -> Self { value as $t }
        }
    )*};
}

word!(u8, u32, u64);

/// The number of bits that are drawn before all are looked through; inherited.
const DRAWS: usize = 20;

/// Items are `words` words, of which the first `bits` bits count (the rest is 0).
pub struct Hamming<W> {
    pub kernels: &'static BitKernels,
    pub words: usize,
    pub bits: usize,
    pub word: std::marker::PhantomData<fn() -> W>,
}

/// Annoy's bit position p: word p / W, bit W - 1 - p % W counted from the least significant.
#[inline]
fn bit<W: Word>(row: Row<'_, W>, position: usize) -> bool {
    row.get(position / W::BITS).get() >> (W::BITS - 1 - position % W::BITS) & 1 == 1
}

impl<W: Word> Hamming<W> {
    /// Positions that a split can name: it is stored in one word, which for bytes holds 255 at the
    /// most.
    fn nameable(&self, position: usize) -> bool {
        position as u64 <= W::MAX
    }

    /// The position of the bit that is number `i` from the least significant of the first word.
    fn position(&self, i: usize) -> usize {
        i - i % W::BITS + (W::BITS - 1 - i % W::BITS)
    }

    /// How many bits, from the first on, have nameable positions.
    fn drawable(&self) -> usize {
        self.bits
            .min(usize::try_from(W::MAX).map_or(usize::MAX, |max| max.saturating_add(1)))
    }

    fn splits<P: Position>(points: &Points<'_, W>, subset: &[P], position: usize) -> bool {
        let first = bit(points.row(subset[0].get()), position);
        subset[1..]
            .iter()
            .any(|at| bit(points.row(at.get()), position) != first)
    }

    /// The first position whose bit is not the same in all items.
    /// `differing` is room for a number for each word.
    fn first_splitting<P: Position>(
        &self,
        points: &Points<'_, W>,
        subset: &[P],
        differing: &mut [u64],
    ) -> Option<usize> {
        let first = points.row(subset[0].get());
        differing.fill(0);
        for at in &subset[1..] {
            for ((seen, a), b) in differing
                .iter_mut()
                .zip(first.iter())
                .zip(points.row(at.get()).iter())
            {
                *seen |= a.get() ^ b.get();
            }
        }
        let word = differing.iter().position(|&seen| seen != 0)?;
        let highest = 63 - differing[word].leading_zeros() as usize;
        Some(word * W::BITS + (W::BITS - 1 - highest)).filter(|&p| self.nameable(p))
    }
}

impl<W: Word> Space for Hamming<W> {
    type T = W;
    /// The position of the bit.
    type Plane = usize;
    /// A number for each word.
    type Room = Vec<u64>;
    const MEASURE: Measure = Measure::Bits;

    fn item_extra(&self, _row: Row<'_, W>) -> W {
        W::default()
    }

    fn plane(&self) -> Result<usize> {
        Ok(0)
    }

    fn room(&self) -> Result<Vec<u64>> {
        memory::filled(0, self.words)
    }

    fn split<P: Position>(
        &self,
        points: &Points<'_, W>,
        subset: &[P],
        _attempt: usize,
        random: &mut Stream,
        plane: &mut usize,
        differing: &mut Vec<u64>,
    ) {
        for _ in 0..DRAWS {
            *plane = self.position(random.index(self.drawable()));
            if Self::splits(points, subset, *plane) {
                return;
            }
        }
        let first = self.first_splitting(points, subset, differing);
        *plane = first.unwrap_or(0);
    }

    fn sides<P: Position>(
        &self,
        points: &Points<'_, W>,
        subset: &[P],
        plane: &usize,
        _random: &mut Stream,
        right: &mut [bool],
    ) {
        for (at, right) in subset.iter().zip(right) {
            *right = bit(points.row(at.get()), *plane);
        }
    }

    fn flatten(&self, plane: &mut usize) {
        *plane = 0;
    }

    fn store(&self, plane: &usize, node: &mut NodeMut<'_>) {
        node.set_element(0, W::new(*plane as u64));
    }

    fn query<'a>(&self, row: Row<'a, W>) -> Query<'a, W> {
        Query {
            row,
            squared_norm: W::default(),
        }
    }

    fn root_priority(&self) -> u64 {
        W::MAX
    }

    #[inline]
    fn descend(&self, node: NodeRef<'_>, query: &Query<'_, W>, priority: u64) -> Option<[u64; 2]> {
        let position = usize::try_from(node.row::<W>().get(0).get()).ok()?;
        if position / W::BITS >= self.words {
            return None;
        }
        // In Annoy's arithmetic a priority is a word, which wraps below 0.
        let far = priority.wrapping_sub(1) & W::MAX;
        Some(if bit(query.row, position) {
            [far, priority]
        } else {
            [priority, far]
        })
    }

    #[inline]
    fn distance(&self, query: &Query<'_, W>, item: NodeRef<'_>) -> u64 {
        self.kernels
            .hamming(query.row.bytes(), item.row::<W>().bytes())
    }

    fn report(&self, distance: u64) -> f64 {
        distance as f64
    }

    fn plausible_split(&self, node: NodeRef<'_>) -> Result<(), String> {
        let position = node.row::<W>().get(0).get();
        let bits = (self.words * W::BITS) as u64;
        if position < bits {
            Ok(())
        } else {
            Err(format!(
                "a split names bit {position}, expected 0 to {}",
                bits - 1
            ))
        }
    }

    fn plausible_item(&self, node: NodeRef<'_>) -> Result<(), String> {
        let (row, bits) = (node.row::<W>(), self.bits);
        let last = row.get(self.words - 1).get();
        let used = bits - (self.words - 1) * W::BITS;
        if used == 64 || last >> used == 0 {
            Ok(())
        } else {
            Err(format!(
                "an item's last word is {last:#x}, expected 0 in the bits past f = {bits}"
            ))
        }
    }
}
