//! A box whose memory may not be there.

use crate::error::{Error, Result};
use crate::memory::ask;
use std::alloc::{alloc, Layout};

/// What `Box::new` does, but running out of memory is an error.
///
/// # Errors
/// [`Error::NoMemory`].
#[allow(clippy::disallowed_methods)] // of no size: nothing is taken
pub fn boxed<T>(value: T) -> Result<Box<T>> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    ask(layout.size())?;
    // SAFETY: the size is not zero, by the check above.
    let room = unsafe { alloc(layout) }.cast::<T>();
    if room.is_null() {
        return Err(Error::no_memory(layout.size(), "memory allocation failed"));
    }
    // SAFETY: not NULL by the check above, and of the size and alignment of a `T`, which it holds
    // from here on; from the allocator that `Box` gives it back to.
    unsafe {
        room.write(value);
        Ok(Box::from_raw(room))
    }
}
