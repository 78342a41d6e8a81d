//! The items of a graph as something whose distances are found quickly: their codes, or the
//! [vectors](super::vectors) themselves where codes cannot tell them apart.

use super::{Coded, Codes};
use crate::error::{reserve, Result};
use crate::kernel::CodeRows;

/// Items that are compared with each other and with queries. Distances are numbers that sort as
/// they do.
pub trait Points: Copy + Sync {
    /// What the others are compared with: an item or a query.
    type From<'b>: Copy
    where
        Self: 'b;

    /// Copies of some of them.
    type Local<'b>: Points
    where
        Self: 'b;

    /// How many places for items there are.
    fn count(&self) -> usize;

    /// Asks memory for an item, if it is there.
    fn prefetch(&self, id: u32);

    /// One item; panics past the end.
    fn get(&self, id: u32) -> Self::From<'_>;

    /// The distances of one to others; panics past the end.
    fn distances(&self, from: Self::From<'_>, ids: &[u32], to: &mut [u32]);

    /// Whether two neighbours are so far apart that neither stands for the other: `between` them no
    /// less than the `reach` to the farther one, with a slack in 256ths.
    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool;

    /// Adds a copy of an item.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    fn copy(&self, id: u32, to: &mut Copies) -> Result<()>;

    /// The copies, numbered in their order.
    fn local<'b>(&'b self, room: &'b Copies) -> Self::Local<'b>;
}

/// Copies of some items.
#[derive(Default)]
pub struct Copies {
    pub rows: Vec<u8>,
    extras: Vec<u8>,
}

impl Copies {
    pub fn clear(&mut self) {
        self.rows.clear();
        self.extras.clear();
    }
}

#[inline]
pub fn add(to: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    reserve(to, bytes.len())?;
    to.extend_from_slice(bytes);
    Ok(())
}

impl Points for Codes<'_> {
    type From<'b>
        = Coded<'b>
    where
        Self: 'b;
    type Local<'b>
        = Codes<'b>
    where
        Self: 'b;

    #[inline]
    fn count(&self) -> usize {
        self.rows.count()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.rows.prefetch(id as usize);
    }

    #[inline]
    fn get(&self, id: u32) -> Coded<'_> {
        Codes::get(self, id)
    }

    #[inline]
    fn distances(&self, from: Coded<'_>, ids: &[u32], to: &mut [u32]) {
        Codes::distances(self, from, ids, to);
    }

    #[inline]
    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool {
        u64::from(between) * slack >= u64::from(reach) * 256
    }

    #[inline]
    fn copy(&self, id: u32, to: &mut Copies) -> Result<()> {
        let Coded { row, extra } = self.get(id);
        add(&mut to.rows, row)?;
        if !self.extras.is_empty() {
            add(&mut to.extras, &extra.to_le_bytes())?;
        }
        Ok(())
    }

    #[inline]
    fn local<'b>(&'b self, room: &'b Copies) -> Codes<'b> {
        Codes {
            rows: CodeRows::new(&room.rows, self.rows.row_bytes()),
            extras: &room.extras,
            kernel: self.kernel,
        }
    }
}
