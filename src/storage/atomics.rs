//! Numbers that several threads may change at once, in anonymous memory.

use super::system::{self, HUGE_PAGE};
use crate::error::{said_by, Error, Result};
use crate::fault::{self, Kind};
use memmap2::{MmapMut, MmapRaw};
use std::sync::atomic::AtomicU64;

/// Numbers that begin as zero, in huge pages where the system has them: they are found in random
/// places.
pub struct Atomics {
    /// None when there are none.
    map: Option<MmapRaw>,
    len: usize,
}

impl Atomics {
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn zeros(len: usize) -> Result<Self> {
        let no_memory = |error| {
            let bytes = len.saturating_mul(size_of::<AtomicU64>());
            Error::no_memory(bytes, said_by(&error))
        };
        let bytes = len
            .checked_mul(size_of::<AtomicU64>())
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .ok_or_else(|| no_memory(std::io::ErrorKind::OutOfMemory.into()))?;
        let map = match bytes {
            0 => None,
            _ => {
                let map = fault::check(Kind::Map).and_then(|()| MmapMut::map_anon(bytes));
                let map = map.map_err(no_memory)?;
                if bytes >= HUGE_PAGE {
                    system::prefer_huge_pages(&map);
                }
                Some(MmapRaw::from(map))
            }
        };
        Ok(Atomics { map, len })
    }

    /// The numbers.
    #[inline]
    pub fn numbers(&self) -> &[AtomicU64] {
        match &self.map {
            // SAFETY: the map is at a page, so aligned; it was made for `len` numbers, lives as
            // long as `self`, is only reached through here, and any bytes are a number.
            Some(map) => unsafe { std::slice::from_raw_parts(map.as_mut_ptr().cast(), self.len) },
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn threads_count_together() {
        for n in [0, 3, 1 << 19] {
            let numbers = Atomics::zeros(n).unwrap();
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for number in numbers.numbers() {
                            number.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(numbers.numbers().len(), n);
            let is_three = |x: &AtomicU64| x.load(Ordering::Relaxed) == 3;
            assert!(numbers.numbers().iter().all(is_three));
        }
        assert!(Atomics::zeros(usize::MAX / 2).is_err());
    }
}
