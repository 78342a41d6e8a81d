//! Anonymous memory that grows.

use super::system::{self, HUGE_PAGE};
use crate::error::{said_by, Error, Result};
use crate::fault::{self, Kind};
use memmap2::MmapMut;

/// A growing run of zeroed bytes in anonymous memory.
///
/// Not a `Vec`: growing never copies (on Linux), a failed growth is an error, and pages nobody
/// wrote to take no memory, so a far id costs address space only.
#[derive(Default)]
pub struct HeapBytes {
    map: Option<MmapMut>,
    len: usize,
}

/// Growth in steps of half the size: only address space is taken ahead of need.
fn next_capacity(old: usize, needed: usize) -> usize {
    rounded(needed.max(old.saturating_add(old / 2)).max(1 << 16))
}

/// Whole huge pages from one on: the system places such maps so that their huge pages can move as
/// they are.
fn rounded(capacity: usize) -> usize {
    if capacity < HUGE_PAGE {
        return capacity;
    }
    capacity
        .checked_next_multiple_of(HUGE_PAGE)
        .unwrap_or(capacity)
}

impl HeapBytes {
    /// A copy of some bytes.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn copy_of(bytes: &[u8]) -> Result<Self> {
        let mut copy = HeapBytes::default();
        copy.extend(bytes)?;
        Ok(copy)
    }

    /// Sets the length. New bytes are zero, and so are bytes given up and taken again.
    ///
    /// # Errors
    /// [`Error::NoMemory`]; the bytes are then as before.
    pub fn resize(&mut self, len: usize) -> Result<()> {
        let capacity = self.map.as_ref().map_or(0, |map| map.len());
        if len > capacity {
            // The generous step may be refused where the needed one is not.
            self.grow(next_capacity(capacity, len))
                .or_else(|_| self.grow(len))?;
        }
        if let (Some(map), true) = (&mut self.map, len < self.len) {
            map[len..self.len].fill(0);
        }
        self.len = len;
        Ok(())
    }

    fn grow(&mut self, capacity: usize) -> Result<()> {
        let grown = match self.map.take() {
            None => fault::check(Kind::Map)
                .and_then(|()| MmapMut::map_anon(capacity))
                .map_err(|error| (None, error)),
            Some(map) => system::grow_anonymous(map, self.len, capacity),
        };
        match grown {
            Ok(map) => {
                if capacity >= HUGE_PAGE {
                    system::prefer_huge_pages(&map);
                }
                self.map = Some(map);
                Ok(())
            }
            Err((old, error)) => {
                self.map = old;
                Err(Error::no_memory(capacity, said_by(&error)))
            }
        }
    }

    /// Whether [`reserve`](Self::reserve) takes address space only, and neither copies nor takes
    /// memory.
    pub const RESERVES_FOR_NOTHING: bool = system::GROWS_IN_PLACE;

    /// Makes room ahead of need.
    ///
    /// # Errors
    /// [`Error::NoMemory`]; the bytes are then as before.
    pub fn reserve(&mut self, capacity: usize) -> Result<()> {
        let capacity = rounded(capacity);
        if capacity > self.map.as_ref().map_or(0, |map| map.len()) {
            self.grow(capacity)?;
        }
        Ok(())
    }

    /// The bytes, and the room there is behind them, which is zero. What is written there is to be
    /// taken in by [`adopt`](Self::adopt) or made zero again.
    pub fn with_room(&mut self) -> (&[u8], &mut [u8]) {
        let len = self.len;
        self.map.as_mut().map_or((&[], &mut []), |map| {
            let (bytes, room) = map.split_at_mut(len);
            (bytes, room)
        })
    }

    /// Takes in the first `len` bytes of the room.
    pub fn adopt(&mut self, len: usize) {
        let room = self.with_room().1.len();
        assert!(len <= room, "{len} bytes of a room of {room}");
        self.len += len;
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// As [`resize`](Self::resize).
    pub fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        let start = self.len;
        self.resize(start + bytes.len())?;
        self.bytes_mut()[start..].copy_from_slice(bytes);
        Ok(())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_ref().map_or(&[], |map| &map[..self.len])
    }

    /// The bytes, for writing.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let len = self.len;
        self.map.as_mut().map_or(&mut [], |map| &mut map[..len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_shrinks_and_stays_zeroed() {
        let mut heap = HeapBytes::default();
        assert!(heap.bytes().is_empty());
        heap.extend(&[1, 2, 3]).unwrap();
        heap.resize(1 << 20).unwrap();
        assert_eq!(heap.bytes()[..4], [1, 2, 3, 0]);
        heap.resize(1).unwrap();
        heap.resize(3).unwrap();
        assert_eq!(heap.bytes(), [1, 0, 0]);
    }

    #[test]
    fn refused_growth_leaves_the_bytes() {
        let mut heap = HeapBytes::default();
        heap.extend(&[7]).unwrap();
        let error = heap.resize(usize::MAX / 4).unwrap_err();
        assert!(matches!(error, Error::NoMemory { .. }), "{error}");
        assert_eq!(heap.bytes(), [7]);
    }
}
