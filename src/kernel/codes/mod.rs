//! Distances between codes: rows of bytes, many of them to one. Integers, so every instruction set
//! gives the same.
//!
//! Codes of numbers are 0 to 127. The difference of two is then a byte for which the processor has
//! signed and unsigned multiplications, and the sum of two products fits 16 bits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

use super::Isa;
use crate::types::MAX_ELEMENTS;

/// The largest code of a number.
pub const MAX_CODE: u8 = 127;

// Sums of squares and of products fit their 32 bits.
const _: () = assert!(MAX_ELEMENTS * (MAX_CODE as usize) * 128 <= i32::MAX as usize);

/// How codes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The sum of squared differences.
    Squares,
    /// The sum of differences.
    Differences,
    /// The number of differing bits.
    Bits,
}

type Distances = unsafe fn(*const u8, *const u8, usize, &[u32], *mut u32);

/// Rows of codes at equal distances, a whole number of 16 or of 32 bytes each.
#[derive(Clone, Copy)]
pub struct CodeRows<'a> {
    bytes: &'a [u8],
    stride: usize,
    count: usize,
}

impl<'a> CodeRows<'a> {
    /// Bytes from one row to the next, for codes of `len` bytes; what is behind them is zero. From
    /// 32 bytes on, rows that start at a cache line share none.
    pub fn stride(len: usize) -> usize {
        match len {
            0..=16 => 16,
            17..=32 => 32,
            _ => len.next_multiple_of(64),
        }
    }

    /// Panics unless the stride is one that [`stride`](Self::stride) gives.
    pub fn new(bytes: &'a [u8], stride: usize) -> Self {
        assert_eq!(stride, CodeRows::stride(stride), "no stride of codes");
        CodeRows {
            bytes,
            stride,
            count: bytes.len() / stride,
        }
    }

    /// All rows.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.stride
    }

    /// How many rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Asks memory for a row, if it is there.
    #[inline]
    pub fn prefetch(&self, i: usize) {
        super::prefetch_at(
            self.bytes
                .as_ptr()
                .wrapping_add(i.wrapping_mul(self.stride)),
            self.stride,
        );
    }

    /// One row; panics past the end.
    #[inline]
    pub fn row(&self, i: usize) -> &'a [u8] {
        &self.bytes[i * self.stride..][..self.stride]
    }
}

/// The comparison of codes, compiled for one instruction set.
#[derive(Clone, Copy)]
pub struct CodeKernel {
    distances: Distances,
}

impl CodeKernel {
    /// The kernel for `isa`; panics when this processor lacks it, which is what makes
    /// [`distances`](Self::distances) safe.
    pub fn new(isa: Isa, measure: Measure) -> Self {
        #[cfg(target_arch = "x86_64")]
        use std::arch::is_x86_feature_detected as has;
        let distances: Distances = match (isa, measure) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, Measure::Squares) if has!("avx512vnni") => avx512::squares,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, Measure::Differences) => avx512::differences,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, Measure::Bits) if has!("avx512vpopcntdq") => avx512::bits,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2 | Isa::Avx512, Measure::Squares) => avx2::squares,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, Measure::Differences) => avx2::differences,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2 | Isa::Avx512, Measure::Bits) => avx2::bits,
            #[cfg(target_arch = "aarch64")]
            (Isa::Neon, Measure::Squares) => neon::squares,
            #[cfg(target_arch = "aarch64")]
            (Isa::Neon, Measure::Differences) => neon::differences,
            #[cfg(target_arch = "aarch64")]
            (Isa::Neon, Measure::Bits) => neon::bits,
            #[cfg(target_arch = "aarch64")]
            (Isa::DotProd, Measure::Squares) => neon::squares_dot,
            #[cfg(target_arch = "aarch64")]
            (Isa::DotProd, Measure::Differences) => neon::differences_dot,
            #[cfg(target_arch = "aarch64")]
            (Isa::DotProd, Measure::Bits) => neon::bits_dot,
            (_, Measure::Squares) => squares_portable,
            (_, Measure::Differences) => differences_portable,
            (_, Measure::Bits) => bits_portable,
        };
        Self::of(isa, distances)
    }

    /// One that has, in place of distances, sums of products as 32-bit numbers with a sign: of a
    /// code of numbers with rows of signed bytes. As [`new`](Self::new).
    pub fn products(isa: Isa) -> Self {
        let products: Distances = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if std::arch::is_x86_feature_detected!("avx512vnni") => avx512::products,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx512 => avx2::products,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => neon::products,
            #[cfg(target_arch = "aarch64")]
            Isa::DotProd => neon::products_dot,
            _ => products_portable,
        };
        Self::of(isa, products)
    }

    fn of(isa: Isa, distances: Distances) -> Self {
        assert!(
            isa.is_available(),
            "this processor cannot run {} kernels",
            isa.name()
        );
        CodeKernel { distances }
    }

    /// The distance of `query` to each of the rows named. Panics unless all are there, `query` is
    /// as long as they and `to` has a place for each.
    #[inline]
    pub fn distances(&self, query: &[u8], rows: &CodeRows<'_>, ids: &[u32], to: &mut [u32]) {
        assert_eq!(query.len(), rows.stride, "codes of different lengths");
        assert_eq!(ids.len(), to.len(), "a place for each");
        let largest = ids.iter().copied().max().unwrap_or(0);
        assert!(
            ids.is_empty() || (largest as usize) < rows.count,
            "row {largest} of {}",
            rows.count
        );
        // SAFETY: `query` and each row named are valid for `stride` bytes by the checks above, `to`
        // for as many numbers as there are ids, and the processor was checked in `new`.
        unsafe {
            (self.distances)(
                query.as_ptr(),
                rows.bytes.as_ptr(),
                rows.stride,
                ids,
                to.as_mut_ptr(),
            );
        }
    }
}

/// Compares row by row, byte by byte.
///
/// # Safety
/// `query` and the rows named are valid for reads of `stride` bytes, `to` for a write for each id.
#[inline(always)]
unsafe fn one_by_one(
    query: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
    term: impl Fn(u8, u8) -> u32,
) {
    for (i, &id) in ids.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let row = rows.add(id as usize * stride);
            let mut sum = 0u32;
            for at in 0..stride {
                sum = sum.wrapping_add(term(*query.add(at), *row.add(at)));
            }
            *to.add(i) = sum;
        }
    }
}

/// # Safety
/// As [`one_by_one`].
unsafe fn squares_portable(
    q: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        one_by_one(q, rows, stride, ids, to, |x, y| {
            let d = u32::from(x.abs_diff(y));
            d * d
        });
    }
}

/// # Safety
/// As [`one_by_one`].
unsafe fn differences_portable(
    q: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
) {
    // SAFETY: the caller's promise, which is the same.
    unsafe { one_by_one(q, rows, stride, ids, to, |x, y| u32::from(x.abs_diff(y))) }
}

/// # Safety
/// As [`one_by_one`].
unsafe fn bits_portable(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe { one_by_one(q, rows, stride, ids, to, |x, y| (x ^ y).count_ones()) }
}

/// # Safety
/// As [`one_by_one`].
unsafe fn products_portable(
    q: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        one_by_one(q, rows, stride, ids, to, |x, y| {
            (i32::from(x) * i32::from(y as i8)) as u32
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Term = fn(u8, u8) -> u32;

    /// Every instruction set against the definition, for each stride, with the largest codes too.
    #[test]
    fn every_kernel_counts_the_same() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for stride in [16, 32, 64, 128, 832] {
            for top in [MAX_CODE, 0] {
                let mut rows: Vec<u8> = (0..9 * stride).map(|_| random() & MAX_CODE).collect();
                rows[..stride].fill(MAX_CODE);
                let query: Vec<u8> = (0..stride).map(|_| random() & top).collect();
                let rows = CodeRows::new(&rows, stride);
                let terms: [(Measure, Term); 3] = [
                    (Measure::Squares, |x, y| u32::from(x.abs_diff(y)).pow(2)),
                    (Measure::Differences, |x, y| u32::from(x.abs_diff(y))),
                    (Measure::Bits, |x, y| (x ^ y).count_ones()),
                ];
                let products: Term = |x, y| (i32::from(x) * i32::from(y as i8)) as u32;
                for isa in Isa::available() {
                    let signed = [&[0x80, 0x7f][..], rows.bytes()].concat();
                    let signed = CodeRows::new(&signed[..8 * stride], stride);
                    let mut to = [7; 3];
                    CodeKernel::products(isa).distances(&query, &signed, &[0, 7, 2], &mut to);
                    let expected = [0, 7, 2].map(|id| {
                        let row = query.iter().zip(signed.row(id));
                        row.fold(0u32, |sum, (&x, &y)| sum.wrapping_add(products(x, y)))
                    });
                    assert_eq!(to, expected, "products {} {stride}", isa.name());
                }
                for (measure, term) in terms {
                    for isa in Isa::available() {
                        let ids = [8u32, 0, 3, 3, 7, 1, 2];
                        for n in 0..=ids.len() {
                            let mut to = vec![7; n];
                            CodeKernel::new(isa, measure).distances(
                                &query,
                                &rows,
                                &ids[..n],
                                &mut to,
                            );
                            let expected: Vec<u32> = ids[..n]
                                .iter()
                                .map(|&id| {
                                    let row = rows.row(id as usize);
                                    query.iter().zip(row).map(|(&x, &y)| term(x, y)).sum()
                                })
                                .collect();
                            assert_eq!(to, expected, "{measure:?} {} {stride}", isa.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "row 2 of 2")]
    fn rows_that_are_not_there() {
        let rows = [0; 32];
        let kernel = CodeKernel::new(Isa::Portable, Measure::Squares);
        kernel.distances(&[0; 16], &CodeRows::new(&rows, 16), &[0, 2], &mut [0; 2]);
    }
}
