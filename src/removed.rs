//! Marks of items that are removed: never found, but there until the next build. FORMAT.md has the
//! table. And which items a change of a built index is about.

use crate::error::{reserve, Result};
use crate::memory;

/// Bytes before the marks: how many there are.
const HEADER: usize = 8;

fn section_len(n_items: usize) -> usize {
    HEADER + n_items.div_ceil(8)
}

fn count(section: &[u8]) -> u64 {
    section[..HEADER].try_into().map_or(0, u64::from_le_bytes)
}

/// The marks, wherever they are.
#[derive(Clone, Copy, Debug)]
pub struct Removed<'a> {
    section: &'a [u8],
}

impl<'a> Removed<'a> {
    /// Marks of `n_items` from a file, which may change later; only their length and number are
    /// looked at, and that none is past the items.
    ///
    /// # Errors
    /// Words that say what is wrong.
    pub fn read(section: &'a [u8], n_items: usize) -> Result<Self, String> {
        let expected = section_len(n_items);
        if section.len() != expected {
            return Err(format!(
                "its section of removed items has {} bytes, expected {expected} for {n_items} items",
                section.len()
            ));
        }
        if !(1..=n_items as u64).contains(&count(section)) {
            return Err(format!(
                "its section of removed items counts {}, expected 1 to {n_items}",
                count(section)
            ));
        }
        let past = n_items.next_multiple_of(8) - n_items;
        if section[expected - 1].leading_zeros() < past as u32 {
            return Err(format!(
                "its section of removed items marks some past the last of {n_items}"
            ));
        }
        Ok(Removed { section })
    }

    /// How many are marked.
    pub fn count(&self) -> usize {
        count(self.section) as usize
    }

    /// Whether an item is.
    #[inline]
    pub fn has(&self, id: usize) -> bool {
        let byte = self.section.get(HEADER + id / 8);
        byte.is_some_and(|byte| byte >> (id % 8) & 1 == 1)
    }

    /// The ids marked, ascending.
    pub fn ids(self) -> impl Iterator<Item = usize> + 'a {
        let marks = &self.section[HEADER..];
        (0..marks.len() * 8).filter(move |id| marks[id / 8] >> (id % 8) & 1 == 1)
    }

    /// Its bytes in a file.
    pub fn section(&self) -> &'a [u8] {
        self.section
    }
}

/// What is taken out of an index, and what is put in.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    /// Items that do not stay.
    pub gone: Option<Removed<'a>>,
    /// Ids of new items, ascending; an id may be both.
    pub new: &'a [usize],
    /// Items that there is to be room for in memory.
    pub places: usize,
}

/// Marks that are being made: a section, or nothing when there are none.
#[derive(Default)]
pub struct Marks(Vec<u8>);

impl Marks {
    /// Of `n_items`, from a file.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn copy_of(removed: Option<Removed<'_>>, n_items: usize) -> Result<Self> {
        let section = removed.map_or(&[][..], |removed| removed.section);
        let mut copy = Vec::new();
        reserve(&mut copy, section.len())?;
        copy.extend_from_slice(section);
        // A file's count may be wrong, and since it was opened there may have come marks past the
        // last item.
        if let Some((header, marks)) = copy.split_at_mut_checked(HEADER) {
            if let Some(last) = marks.last_mut() {
                *last &= 0xff >> (n_items.next_multiple_of(8) - n_items);
            }
            let count: u64 = marks.iter().map(|byte| u64::from(byte.count_ones())).sum();
            header.copy_from_slice(&count.to_le_bytes());
        }
        Ok(Marks(copy))
    }

    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn copy(&self) -> Result<Self> {
        memory::copy(&self.0).map(Marks)
    }

    /// Makes them a section of `n_items` again, the others of which have no marks.
    pub fn cut(&mut self, n_items: usize) {
        self.0.truncate(section_len(n_items));
    }

    /// None when nothing is marked.
    pub fn view(&self) -> Option<Removed<'_>> {
        let section = self.0.as_slice();
        (section.len() >= HEADER && count(section) > 0).then_some(Removed { section })
    }

    /// Marks one of `n_items`.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn add(&mut self, id: usize, n_items: usize) -> Result<()> {
        self.extend(n_items)?;
        self.set(id, true);
        Ok(())
    }

    /// Makes them a section of `n_items`, which are no fewer than before.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn extend(&mut self, n_items: usize) -> Result<()> {
        let len = section_len(n_items);
        if len > self.0.len() {
            let additional = len - self.0.len();
            reserve(&mut self.0, additional)?;
            self.0.resize(len, 0);
        }
        Ok(())
    }

    /// Takes a mark away.
    pub fn take(&mut self, id: usize) {
        self.set(id, false);
    }

    fn set(&mut self, id: usize, mark: bool) {
        let Some(byte) = self.0.get_mut(HEADER + id / 8) else {
            return;
        };
        let bit = 1 << (id % 8);
        if (*byte & bit != 0) == mark {
            return;
        }
        *byte ^= bit;
        let count = count(&self.0);
        let count = if mark {
            count.saturating_add(1)
        } else {
            count.saturating_sub(1)
        };
        self.0[..HEADER].copy_from_slice(&count.to_le_bytes());
    }
}
