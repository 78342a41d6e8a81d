//! Bytes as they were before they were written over.

use crate::error::{reserve, Result};
use std::ops::Range;

/// What some places held.
#[derive(Default)]
pub struct Journal {
    places: Vec<Range<usize>>,
    held: Vec<u8>,
}

impl Journal {
    /// Notes what a place holds, which is about to be written to.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn note(&mut self, bytes: &[u8], place: Range<usize>) -> Result<()> {
        reserve(&mut self.places, 1)?;
        reserve(&mut self.held, place.len())?;
        self.held.extend_from_slice(&bytes[place.clone()]);
        self.places.push(place);
        Ok(())
    }

    /// Writes all back, what was noted last first.
    pub fn undo(mut self, bytes: &mut [u8]) {
        while let Some(place) = self.places.pop() {
            let start = self.held.len() - place.len();
            bytes[place].copy_from_slice(&self.held[start..]);
            self.held.truncate(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_first_is_what_comes_back() {
        let mut bytes = [1, 2, 3, 4];
        let mut journal = Journal::default();
        for (place, value) in [(0..2, 5), (1..4, 6), (0..1, 7)] {
            journal.note(&bytes, place.clone()).unwrap();
            bytes[place].fill(value);
        }
        assert_eq!(bytes, [7, 6, 6, 6]);
        journal.undo(&mut bytes);
        assert_eq!(bytes, [1, 2, 3, 4]);
    }
}
