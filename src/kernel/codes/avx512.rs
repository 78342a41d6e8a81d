//! With 512-bit registers, and those of 256 bits where a row has no more than 32 bytes. All but the
//! differences need what not every processor with AVX-512 has.

use super::avx2;
use std::arch::x86_64::*;

/// The sum of the sixteen numbers in each of four registers.
///
/// # Safety
/// AVX-512 F.
#[inline(always)]
unsafe fn fold4(sums: [__m512i; 4]) -> __m128i {
    // SAFETY: the instruction set is the caller's promise.
    unsafe {
        let [a, b, c, d] = sums;
        let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        let half = _mm256_add_epi32(
            _mm512_castsi512_si256(all),
            _mm512_extracti64x4_epi64::<1>(all),
        );
        _mm_add_epi32(
            _mm256_castsi256_si128(half),
            _mm256_extracti128_si256::<1>(half),
        )
    }
}

/// Compares four rows at a time, 64 bytes at a time.
///
/// # Safety
/// As [`one_by_one`](super::one_by_one), the processor has AVX-512 F and VL, and 64 divides the
/// stride.
#[inline(always)]
unsafe fn four_by_four(
    query: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
    add: impl Fn(__m512i, __m512i, __m512i) -> __m512i,
) {
    // SAFETY: `at` is a multiple of 64 below the stride, which 64 divides, so 64 bytes are left to
    // read there. The last group's missing rows are its first again, and only as many numbers are
    // written as it has. All else is the caller's promise.
    unsafe {
        let mut i = 0;
        while i < ids.len() {
            let left = ids.len() - i;
            let row = |r: usize| {
                let id = *ids.get_unchecked(i + if r < left { r } else { 0 });
                rows.add(id as usize * stride)
            };
            let four = [row(0), row(1), row(2), row(3)];
            let mut sums = [_mm512_setzero_si512(); 4];
            let mut at = 0;
            while at < stride {
                let x = _mm512_loadu_si512(query.add(at).cast());
                let mut r = 0;
                while r < 4 {
                    sums[r] = add(sums[r], x, _mm512_loadu_si512(four[r].add(at).cast()));
                    r += 1;
                }
                at += 64;
            }
            let first = (1u16 << left.min(4)) as u8 - 1;
            _mm_mask_storeu_epi32(to.add(i).cast(), first, fold4(sums));
            i += 4;
        }
    }
}

/// # Safety
/// As [`four_by_four`], but the stride may be 16 or 32 too, and the processor has the features
/// below.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub unsafe fn squares(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        if stride < 64 {
            return avx2::four_by_four(q, rows, stride, ids, to, |sum, x, y| {
                let d = _mm256_abs_epi8(_mm256_sub_epi8(x, y));
                _mm256_dpbusd_epi32(sum, d, d)
            });
        }
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            let d = _mm512_abs_epi8(_mm512_sub_epi8(x, y));
            _mm512_dpbusd_epi32(sum, d, d)
        });
    }
}

/// # Safety
/// As [`squares`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub unsafe fn products(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        if stride < 64 {
            return avx2::four_by_four(q, rows, stride, ids, to, |sum, x, y| {
                _mm256_dpbusd_epi32(sum, x, y)
            });
        }
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            _mm512_dpbusd_epi32(sum, x, y)
        });
    }
}

/// # Safety
/// As [`squares`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub unsafe fn differences(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same. The upper halves of the 64-bit sums are
    // zero.
    unsafe {
        if stride < 64 {
            return avx2::differences(q, rows, stride, ids, to);
        }
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            _mm512_add_epi32(sum, _mm512_sad_epu8(x, y))
        });
    }
}

/// # Safety
/// As [`squares`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq")]
pub unsafe fn bits(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        if stride < 64 {
            return avx2::four_by_four(q, rows, stride, ids, to, |sum, x, y| {
                _mm256_add_epi32(sum, _mm256_popcnt_epi32(_mm256_xor_si256(x, y)))
            });
        }
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            _mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_xor_si512(x, y)))
        });
    }
}
