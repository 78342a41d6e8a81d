//! What a query's distances are made of: for each group of numbers a table of 16, in small units.

use super::resize;
use crate::error::Result;
use crate::kernel::{ENTRIES, MAX_BIAS, MAX_ENTRY};
use crate::scan::format::{ScanView, TOP};

/// What turns distances into the units of tables.
#[derive(Clone, Copy, Default)]
pub struct Unit {
    /// 32 bits behind the point.
    factor: u64,
}

impl Unit {
    /// Such that the widest table just holds its numbers, and biases stay as small as they have to.
    fn new(widest: u32, bias_shift: Option<u32>) -> Self {
        let of_tables = (u64::from(MAX_ENTRY) << 32) / u64::from(widest.max(1));
        let of_biases = bias_shift.map_or(u64::MAX, |shift| u64::from(MAX_BIAS) << 17 >> shift);
        Unit {
            factor: of_tables.min(of_biases),
        }
    }

    fn entry(self, value: u32) -> u8 {
        let rounded = (u64::from(value) * self.factor + (1 << 31)) >> 32;
        rounded.min(MAX_ENTRY.into()) as u8
    }

    #[inline]
    pub fn distance(self, value: u64) -> u32 {
        let all = (u128::from(value) * u128::from(self.factor)) >> 32;
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// For biases in 15 bits.
    pub fn of_biases(self, shift: u32) -> i16 {
        (self.factor << shift >> 17).min(i16::MAX as u64) as i16
    }
}

/// Room for making tables.
#[derive(Default)]
pub struct Room {
    /// The query's numbers: twice those of the code, with zero in the middle.
    numbers: Vec<i32>,
    /// What each table says before it is made small.
    values: Vec<i32>,
}

/// The tables of a query's code.
///
/// # Errors
/// [`crate::Error::NoMemory`].
pub fn fill(
    scan: &ScanView<'_>,
    code: &[u8],
    room: &mut Room,
    tables: &mut Vec<u8>,
) -> Result<Unit> {
    let header = scan.header;
    let f = header.scale.offsets.len();
    let Room { numbers, values } = room;
    resize(numbers, 0, header.n_groups * header.group)?;
    for (to, &code) in numbers.iter_mut().zip(&code[..f]) {
        *to = 2 * i32::from(code) - TOP;
    }
    resize(values, 0, header.n_groups * ENTRIES)?;
    resize(tables, 0, header.n_groups * ENTRIES)?;
    let mut widest = 0;
    let books = scan.books.chunks_exact(header.book_len());
    let (values, _) = values.as_chunks_mut::<ENTRIES>();
    for ((numbers, book), values) in numbers
        .chunks_exact(header.group)
        .zip(books)
        .zip(&mut *values)
    {
        for (&number, row) in numbers.iter().zip(book.as_chunks::<ENTRIES>().0) {
            for (value, &place) in values.iter_mut().zip(row) {
                *value -= 2 * number * i32::from(i16::from_le_bytes(place));
            }
        }
        let least = values.iter().copied().min().unwrap_or(0);
        values.iter_mut().for_each(|value| *value -= least);
        widest = values.iter().copied().max().unwrap_or(0).max(widest);
    }
    let unit = Unit::new(
        widest as u32,
        header.has_biases.then_some(header.bias_shift),
    );
    for (to, &value) in tables.iter_mut().zip(values.as_flattened()) {
        *to = unit.entry(value as u32);
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_table_fills_its_entries() {
        for widest in [1, 62, 63, 64, 1000, u32::MAX >> 1] {
            let unit = Unit::new(widest, None);
            assert_eq!(unit.entry(0), 0);
            assert!(unit.entry(widest) >= MAX_ENTRY - 1, "{widest}");
            let distance = unit.distance(widest.into());
            assert!(distance.abs_diff(MAX_ENTRY.into()) <= 1, "{widest}");
        }
        assert_eq!(Unit::new(0, None).entry(0), 0);
    }

    /// However wide they are, and in the units of tables where those are wide enough.
    #[test]
    fn biases_fit() {
        for shift in [0, 3, 16, 30] {
            for widest in [1, 5000, u32::MAX >> 1] {
                let unit = Unit::new(widest, Some(shift));
                let factor = unit.of_biases(shift);
                let largest = (i32::from(i16::MAX) * i32::from(factor)) >> 15;
                assert!(largest <= i32::from(MAX_BIAS), "{shift} {widest}");
                let exact = unit.distance(u64::from(i16::MAX as u16) << shift);
                assert!(exact.abs_diff(largest as u32) <= 2, "{shift} {widest}");
            }
        }
    }
}
