//! With 256-bit registers.

use std::arch::x86_64::*;

/// # Safety
/// As [`one_by_one`](super::one_by_one), and the processor has AVX2 and `popcnt`.
#[target_feature(enable = "avx2,popcnt")]
pub unsafe fn bits(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    for (i, &id) in ids.iter().enumerate() {
        // SAFETY: the caller's promise; 8 divides the stride, and the reads are unaligned.
        unsafe {
            let row = rows.add(id as usize * stride);
            let mut sum = 0u32;
            let mut at = 0;
            while at < stride {
                let x = q.add(at).cast::<u64>().read_unaligned();
                let y = row.add(at).cast::<u64>().read_unaligned();
                sum += (x ^ y).count_ones();
                at += 8;
            }
            *to.add(i) = sum;
        }
    }
}

/// The sum of the eight numbers in each of four registers.
///
/// # Safety
/// AVX2.
#[inline(always)]
unsafe fn fold4(sums: [__m256i; 4]) -> __m128i {
    // SAFETY: AVX2 is the caller's promise.
    unsafe {
        let [a, b, c, d] = sums;
        let both = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        _mm_add_epi32(
            _mm256_castsi256_si128(both),
            _mm256_extracti128_si256::<1>(both),
        )
    }
}

/// Compares four rows at a time, 32 bytes at a time (16 where a row has no more).
///
/// # Safety
/// As [`one_by_one`](super::one_by_one), the processor has AVX2, and the stride is 16 or a multiple
/// of 32.
#[inline(always)]
pub unsafe fn four_by_four(
    query: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
    add: impl Fn(__m256i, __m256i, __m256i) -> __m256i,
) {
    // SAFETY: `at` is a multiple of 32 below the stride, which 32 divides, so 32 bytes are left to
    // read there (a stride of 16: 16, and those are read). The last group's missing rows are its
    // first again, and only as many numbers are written as it has. All else is the caller's
    // promise.
    unsafe {
        let load = |from: *const u8| {
            if stride == 16 {
                _mm256_zextsi128_si256(_mm_loadu_si128(from.cast()))
            } else {
                _mm256_loadu_si256(from.cast())
            }
        };
        let mut i = 0;
        while i < ids.len() {
            let left = ids.len() - i;
            let row = |r: usize| {
                let id = *ids.get_unchecked(i + if r < left { r } else { 0 });
                rows.add(id as usize * stride)
            };
            let four = [row(0), row(1), row(2), row(3)];
            let mut sums = [_mm256_setzero_si256(); 4];
            let mut at = 0;
            while at < stride {
                let x = load(query.add(at));
                let mut r = 0;
                while r < 4 {
                    sums[r] = add(sums[r], x, load(four[r].add(at)));
                    r += 1;
                }
                at += 32;
            }
            let sums = fold4(sums);
            if left >= 4 {
                _mm_storeu_si128(to.add(i).cast(), sums);
            } else {
                let mut four = [0u32; 4];
                _mm_storeu_si128(four.as_mut_ptr().cast(), sums);
                std::ptr::copy_nonoverlapping(four.as_ptr(), to.add(i), left);
            }
            i += 4;
        }
    }
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "avx2")]
pub unsafe fn squares(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            let d = _mm256_abs_epi8(_mm256_sub_epi8(x, y));
            let squares = _mm256_madd_epi16(_mm256_maddubs_epi16(d, d), ones);
            _mm256_add_epi32(sum, squares)
        });
    }
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "avx2")]
pub unsafe fn products(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            // Two products of 127 and 128 at the most fit 16 bits.
            let products = _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), ones);
            _mm256_add_epi32(sum, products)
        });
    }
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "avx2")]
pub unsafe fn differences(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same. The upper halves of the 64-bit sums are
    // zero.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            _mm256_add_epi32(sum, _mm256_sad_epu8(x, y))
        });
    }
}
