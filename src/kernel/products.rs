//! Sums of products of a code with rows of signed bytes. Integers, so every instruction set gives the same.

#[cfg(target_arch = "x86_64")]
use super::codes::fold4;
use super::codes::MAX_CODE;
use super::Isa;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// The longest code whose sums fit 32 bits.
const MAX_PRODUCTS: usize = i32::MAX as usize / (MAX_CODE as usize * 128);

/// A code and the rows have a multiple of so many bytes.
const STEP: usize = 64;

type Products = unsafe fn(*const u8, *const u8, usize, *mut i32, usize);

/// The products, compiled for one instruction set.
#[derive(Clone, Copy)]
pub struct ProductKernel {
    products: Products,
}

impl ProductKernel {
    /// The kernel for `isa`; panics when this processor lacks it, which is what makes [`products`](Self::products) safe.
    pub fn new(isa: Isa) -> Self {
        assert!(
            isa.is_available(),
            "this processor cannot run {} kernels",
            isa.name()
        );
        let products: Products = match isa {
            Isa::Portable | Isa::Sse2 => portable,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx512 => avx2,
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => unreachable!("not available, see above"),
        };
        ProductKernel { products }
    }

    /// For each row, which lie one behind the other, the sum of the products of its bytes, which are signed, and the code's, which
    /// are at most [`MAX_CODE`]. Panics unless there is a row as long as the code for each place of `to`, and the length a
    /// multiple of 64.
    pub fn products(&self, code: &[u8], rows: &[u8], to: &mut [i32]) {
        assert!(
            code.len().is_multiple_of(STEP) && code.len() <= MAX_PRODUCTS,
            "a code of {} bytes",
            code.len()
        );
        assert_eq!(rows.len(), code.len() * to.len(), "a row for each");
        // SAFETY: `code` is valid for its length, `rows` for as many times that as `to` has places, by the checks above; 64
        // divides the length, and the processor was checked in `new`.
        unsafe {
            (self.products)(
                code.as_ptr(),
                rows.as_ptr(),
                code.len(),
                to.as_mut_ptr(),
                to.len(),
            );
        }
    }
}

/// # Safety
/// `code` is valid for reads of `len` bytes, `rows` of `n` times as many, `to` for writes of `n` numbers.
unsafe fn portable(code: *const u8, rows: *const u8, len: usize, to: *mut i32, n: usize) {
    for i in 0..n {
        let mut sum = 0i32;
        for at in 0..len {
            // SAFETY: the caller's promise.
            unsafe {
                let x = *rows.add(i * len + at) as i8;
                sum = sum.wrapping_add(i32::from(*code.add(at)) * i32::from(x));
            }
        }
        // SAFETY: the caller's promise.
        unsafe { *to.add(i) = sum };
    }
}

/// # Safety
/// As [`portable`], the processor has AVX2, and 32 divides `len`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(code: *const u8, rows: *const u8, len: usize, to: *mut i32, n: usize) {
    // SAFETY: `at` is a multiple of 32 below `len`, which 32 divides, so 32 bytes are left to read there. The last group's missing
    // rows are its first again, and only as many numbers are written as it has. All else is the caller's promise.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        let mut i = 0;
        while i < n {
            let left = n - i;
            let row = |r: usize| rows.add((i + if r < left { r } else { 0 }) * len);
            let four = [row(0), row(1), row(2), row(3)];
            let mut sums = [_mm256_setzero_si256(); 4];
            let mut at = 0;
            while at < len {
                let x = _mm256_loadu_si256(code.add(at).cast());
                let mut r = 0;
                while r < 4 {
                    let y = _mm256_loadu_si256(four[r].add(at).cast());
                    // Two products of 127 and 128 at the most fit 16 bits.
                    let products = _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), ones);
                    sums[r] = _mm256_add_epi32(sums[r], products);
                    r += 1;
                }
                at += 32;
            }
            let mut four = [0i32; 4];
            _mm_storeu_si128(four.as_mut_ptr().cast(), fold4(sums));
            std::ptr::copy_nonoverlapping(four.as_ptr(), to.add(i), left.min(4));
            i += 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every instruction set against the definition, with the numbers that come nearest to overflowing.
    #[test]
    fn every_kernel_multiplies_the_same() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for len in [64, 128, 832] {
            for n in 0..10 {
                let mut code: Vec<u8> = (0..len).map(|_| random() & MAX_CODE).collect();
                let mut rows: Vec<u8> = (0..n * len).map(|_| random()).collect();
                if n > 2 {
                    code.fill(MAX_CODE);
                    rows[..len].fill(i8::MIN as u8);
                    rows[len..2 * len].fill(i8::MAX as u8);
                }
                let expected: Vec<i32> = (0..n)
                    .map(|i| {
                        let row = rows[i * len..][..len].iter();
                        let pairs = row.zip(&code);
                        pairs
                            .map(|(&x, &y)| i32::from(x as i8) * i32::from(y))
                            .sum()
                    })
                    .collect();
                for isa in Isa::available() {
                    let mut to = vec![7; n];
                    ProductKernel::new(isa).products(&code, &rows, &mut to);
                    assert_eq!(to, expected, "{} {len} {n}", isa.name());
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "a row for each")]
    fn rows_that_are_not_there() {
        ProductKernel::new(Isa::Portable).products(&[0; 64], &[0; 127], &mut [0; 2]);
    }
}
