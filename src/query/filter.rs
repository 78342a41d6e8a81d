//! Which items a search may find.

use crate::removed::Removed;
use std::borrow::Cow;
use std::ops::Range;

/// Which items a search may find.
pub trait Filter {
    /// Whether every item may be found; then nothing is kept of those that may not.
    const ALL: bool = false;

    /// Whether this item may be found. Asked once for each item in a search.
    fn accepts(&self, id: usize) -> bool;

    /// Among items `64 * word` to `64 * word + 63`, a bit for each that may be accepted; the others
    /// are not.
    fn perhaps(&self, _word: usize) -> u64 {
        u64::MAX
    }

    /// An item that a walk is not to meet, not even on its way.
    fn left_out(&self) -> Option<usize> {
        None
    }

    /// No more items than this are accepted.
    fn at_most(&self, n_items: usize) -> usize {
        n_items
    }
}

/// The ids that a filter accepts of those below `n_items`, ascending.
pub fn accepted(filter: &impl Filter, n_items: usize) -> impl Iterator<Item = usize> + '_ {
    perhaps(filter, 0..n_items).filter(|&id| filter.accepts(id))
}

/// Those of a range among which they are, without asking. The range begins with a multiple of 64.
/// Passes quickly over words of a bitmap that allow none.
pub fn perhaps(filter: &impl Filter, ids: Range<usize>) -> impl Iterator<Item = usize> + '_ {
    let (mut word, mut bits) = (ids.start / 64, 0);
    std::iter::from_fn(move || loop {
        while bits == 0 {
            if 64 * word >= ids.end {
                return None;
            }
            bits = filter.perhaps(word);
            word += 1;
        }
        let id = 64 * (word - 1) + bits.trailing_zeros() as usize;
        bits &= bits - 1;
        if id < ids.end {
            return Some(id);
        }
    })
}

/// Every item.
pub struct All;

impl Filter for All {
    const ALL: bool = true;

    fn accepts(&self, _id: usize) -> bool {
        true
    }
}

/// Every item but one, as if that were not there: what is found then is what a stranger like it
/// finds.
pub struct Without(pub usize);

impl Filter for Without {
    const ALL: bool = true;

    fn accepts(&self, _id: usize) -> bool {
        true
    }

    fn left_out(&self) -> Option<usize> {
        Some(self.0)
    }
}

/// What a filter accepts of the items that were not met before, so that it is not asked again.
pub struct Unmet<'a, F> {
    pub filter: &'a F,
    /// A bit for each item that was.
    pub met: &'a [u64],
}

impl<F: Filter> Filter for Unmet<'_, F> {
    fn accepts(&self, id: usize) -> bool {
        self.met[id / 64] >> (id % 64) & 1 == 0 && self.filter.accepts(id)
    }

    fn perhaps(&self, word: usize) -> u64 {
        self.filter.perhaps(word) & !self.met[word]
    }
}

/// One bit for each item, the first in the least significant place of the first word.
#[derive(Clone, Copy, Debug)]
pub struct Bitmap<'a> {
    /// The words.
    pub words: &'a [u64],
    /// Whether the items with a 1 are those that may not be found.
    pub deny: bool,
}

impl Bitmap<'_> {
    fn accepts(&self, id: usize) -> bool {
        self.word(id / 64) >> (id % 64) & 1 == 1
    }

    /// A bit for each of 64 items that may be found.
    fn word(&self, word: usize) -> u64 {
        let set = self.words.get(word).copied().unwrap_or(0);
        match self.deny {
            true => !set,
            false => set,
        }
    }

    fn count(&self, n_items: usize) -> usize {
        let whole = n_items / 64;
        let ones: usize = self.words[..whole]
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum();
        let last = match n_items % 64 {
            0 => 0,
            bits => (self.words[whole] & ((1 << bits) - 1)).count_ones() as usize,
        };
        if self.deny {
            n_items - ones - last
        } else {
            ones + last
        }
    }
}

/// Asks the caller.
pub type Ask<'a> = dyn Fn(i64) -> bool + Sync + 'a;

/// Those items that every part accepts.
#[derive(Clone, Default)]
pub struct Chosen<'a> {
    /// Items that are removed.
    pub removed: Option<Removed<'a>>,
    /// Words for at least as many bits as there are items.
    pub bitmap: Option<Bitmap<'a>>,
    /// Ids that are not wanted, ascending.
    pub exclude: Cow<'a, [i64]>,
    /// One more that is not wanted.
    pub exclude_too: Option<usize>,
    /// The caller's own judgement, asked last.
    pub ask: Option<&'a Ask<'a>>,
}

impl Filter for Chosen<'_> {
    fn accepts(&self, id: usize) -> bool {
        self.removed.is_none_or(|removed| !removed.has(id))
            && self.bitmap.is_none_or(|bitmap| bitmap.accepts(id))
            && self.exclude_too != Some(id)
            && (self.exclude.is_empty() || self.exclude.binary_search(&(id as i64)).is_err())
            && self.ask.is_none_or(|ask| ask(id as i64))
    }

    fn perhaps(&self, word: usize) -> u64 {
        self.bitmap.map_or(u64::MAX, |bitmap| bitmap.word(word))
    }

    fn at_most(&self, n_items: usize) -> usize {
        let removed = self.removed.map_or(0, |removed| removed.count());
        let allowed = self.bitmap.map_or(n_items, |bitmap| bitmap.count(n_items));
        allowed.min(n_items.saturating_sub(removed))
    }
}
