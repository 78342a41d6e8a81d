//! Numbers in anonymous memory of their own, which goes back to the system when they are dropped:
//! what is freed by the allocator may stay with it, and adds to what a build takes at its end.

use crate::error::{said_by, Error, Result};
use crate::fault::{self, Kind};
use bytemuck::Pod;
use memmap2::MmapMut;
use std::marker::PhantomData;

/// A copy of some numbers.
pub struct Array<T> {
    /// None when there are none.
    map: Option<MmapMut>,
    elements: PhantomData<T>,
}

impl<T: Pod> Array<T> {
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn copy_of(numbers: &[T]) -> Result<Self> {
        let bytes = bytemuck::cast_slice::<T, u8>(numbers);
        let map = match bytes.len() {
            0 => None,
            len => {
                let map = fault::check(Kind::Map).and_then(|()| MmapMut::map_anon(len));
                let mut map = map.map_err(|error| Error::no_memory(len, said_by(&error)))?;
                map.copy_from_slice(bytes);
                Some(map)
            }
        };
        Ok(Array {
            map,
            elements: PhantomData,
        })
    }

    /// The numbers, for writing.
    pub fn numbers_mut(&mut self) -> &mut [T] {
        // A map starts at a page, and has the bytes of whole numbers.
        self.map
            .as_deref_mut()
            .map_or(&mut [], bytemuck::cast_slice_mut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_it_was_given() {
        let mut array = Array::copy_of(&[1u64, u64::MAX, 3]).unwrap();
        array.numbers_mut()[0] = 7;
        assert_eq!(array.numbers_mut(), [7, u64::MAX, 3]);
        assert!(Array::<u32>::copy_of(&[]).unwrap().numbers_mut().is_empty());
    }
}
