//! Kernels on 256-bit registers. Requires AVX2.
//!
//! Tail: whole registers as far as they go, then one masked load, whose mask is read from a table.
//! A masked load neither reads nor faults on elements that its mask leaves out.
//!
//! FMA is neither required nor wanted: it rounds once where the other instruction sets round twice.

use super::lanes::Reg;
use super::ops::{kernels, ROWS};
use std::arch::x86_64::*;

/// Ones, then zeros: 8 entries from `8 - n` on select the first `n` of 8 elements.
static ONES_THEN_ZEROS_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

/// The same for 4 elements of 64 bits.
static ONES_THEN_ZEROS_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

/// Selects the first `n` of 8 elements.
///
/// # Safety
/// AVX2, and `n <= 8`.
#[inline(always)]
unsafe fn first_of_8(n: usize) -> __m256i {
    debug_assert!(n <= 8);
    // SAFETY: AVX2 is the caller's promise; `n <= 8`, so the 8 entries read are among the 16.
    unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS_32.as_ptr().add(8 - n).cast()) }
}

/// Selects the first `n` of 4 elements.
///
/// # Safety
/// AVX2, and `n <= 4`.
#[inline(always)]
unsafe fn first_of_4(n: usize) -> __m256i {
    debug_assert!(n <= 4);
    // SAFETY: AVX2 is the caller's promise; `n <= 4`, so the 4 entries read are among the 8.
    unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS_64.as_ptr().add(4 - n).cast()) }
}

impl Reg for __m256 {
    type T = f32;
    const WIDTH: usize = 8;
    const COUNT: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: AVX2 and 8 elements are the caller's promise.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        // SAFETY: AVX2 and `n < 8` elements are the caller's promise; the mask selects just those.
        unsafe { _mm256_maskload_ps(from, first_of_8(n)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: AVX2 and 8 elements are the caller's promise.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_sub_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_mul_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f32 {
        // SAFETY: AVX2, which is more than the SSE2 that the lower half needs, is the caller's
        // promise.
        unsafe {
            let low = _mm256_castps256_ps128(self);
            _mm_add_ps(low, _mm256_extractf128_ps::<1>(self)).fold()
        }
    }

    #[inline(always)]
    unsafe fn fold4(a: Self, b: Self, c: Self, d: Self) -> [f32; 4] {
        // SAFETY: AVX2 is the caller's promise.
        unsafe {
            // 8 lanes to 4, two vectors to a register.
            let ac = _mm256_add_ps(
                _mm256_permute2f128_ps::<0x20>(a, c),
                _mm256_permute2f128_ps::<0x31>(a, c),
            );
            let bd = _mm256_add_ps(
                _mm256_permute2f128_ps::<0x20>(b, d),
                _mm256_permute2f128_ps::<0x31>(b, d),
            );
            let (low, high) = (_mm256_castps_pd(ac), _mm256_castps_pd(bd));
            // To 2 lanes: a a b b | c c d d.
            let abcd = _mm256_add_ps(
                _mm256_castpd_ps(_mm256_unpacklo_pd(low, high)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(low, high)),
            );
            let abcd = _mm256_add_ps(abcd, _mm256_movehdup_ps(abcd));
            let (ab, cd) = (
                _mm256_castps256_ps128(abcd),
                _mm256_extractf128_ps::<1>(abcd),
            );
            std::mem::transmute(_mm_shuffle_ps::<0b10_00_10_00>(ab, cd))
        }
    }
}

impl Reg for __m256d {
    type T = f64;
    const WIDTH: usize = 4;
    const COUNT: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_set1_pd(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: AVX2 and 4 elements are the caller's promise.
        unsafe { _mm256_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f64, n: usize) -> Self {
        // SAFETY: AVX2 and `n < 4` elements are the caller's promise; the mask selects just those.
        unsafe { _mm256_maskload_pd(from, first_of_4(n)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: AVX2 and 4 elements are the caller's promise.
        unsafe { _mm256_storeu_pd(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_add_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_sub_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_mul_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: AVX2 is the caller's promise.
        unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f64 {
        // SAFETY: AVX2, which is more than the SSE2 that the lower half needs, is the caller's
        // promise.
        unsafe {
            let low = _mm256_castpd256_pd128(self);
            _mm_add_pd(low, _mm256_extractf128_pd::<1>(self)).fold()
        }
    }
}

kernels! {
    #[target_feature(enable = "avx2")]
    static F32: f32 = __m256, 2 {
        dot_f32_avx2, l2sq_f32_avx2, l1_f32_avx2,
        dots_f32_avx2, dot_pairs_f32_avx2, l2sq_pairs_f32_avx2, l1_pairs_f32_avx2,
        blend_f32_avx2, all_finite_f32_avx2,
    }
}

kernels! {
    #[target_feature(enable = "avx2")]
    static F64: f64 = __m256d, 4 {
        dot_f64_avx2, l2sq_f64_avx2, l1_f64_avx2,
        dots_f64_avx2, dot_pairs_f64_avx2, l2sq_pairs_f64_avx2, l1_pairs_f64_avx2,
        blend_f64_avx2, all_finite_f64_avx2,
    }
}
