//! Which items a search may find.

use crate::removed::Removed;

/// Which items a search may find.
pub trait Filter {
    /// Whether every item may be found; then nothing is kept of those that may not.
    const ALL: bool = false;

    /// Whether this item may be found. Asked once for each item in a search.
    fn accepts(&self, id: usize) -> bool;

    /// No more items than this are accepted.
    fn at_most(&self, n_items: usize) -> usize {
        n_items
    }
}

/// Every item.
pub struct All;

impl Filter for All {
    const ALL: bool = true;

    fn accepts(&self, _id: usize) -> bool {
        true
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
        let set = self
            .words
            .get(id / 64)
            .is_some_and(|word| word >> (id % 64) & 1 == 1);
        set != self.deny
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
    pub exclude: Vec<i64>,
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

    fn at_most(&self, n_items: usize) -> usize {
        let removed = self.removed.map_or(0, |removed| removed.count());
        let allowed = self.bitmap.map_or(n_items, |bitmap| bitmap.count(n_items));
        allowed.min(n_items.saturating_sub(removed))
    }
}
