//! Kernels on 512-bit registers. Requires AVX-512 F, BW and VL.
//!
//! Tail: whole registers as far as they go, then one masked load. A masked load neither reads nor
//! faults on elements that its mask leaves out.
//!
//! AVX-512 F brings FMA with it; the compiler does not use it where a multiplication and an
//! addition are written, and neither does this file (see `avx2`).

use super::lanes::Reg;
use super::ops::{kernels, ROWS};
use std::arch::x86_64::*;

/// Selects the first `n` of 16 elements; `n < 16`.
#[inline(always)]
fn first_of_16(n: usize) -> __mmask16 {
    debug_assert!(n < 16);
    ((1_u32 << n) - 1) as __mmask16
}

/// Selects the first `n` of 8 elements; `n < 8`.
#[inline(always)]
fn first_of_8(n: usize) -> __mmask8 {
    debug_assert!(n < 8);
    ((1_u32 << n) - 1) as __mmask8
}

impl Reg for __m512 {
    type T = f32;
    const WIDTH: usize = 16;
    const COUNT: usize = 32;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: AVX-512 and 16 elements are the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        // SAFETY: AVX-512 and `n < 16` elements are the caller's promise; the mask selects just
        // those.
        unsafe { _mm512_maskz_loadu_ps(first_of_16(n), from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: AVX-512 and 16 elements are the caller's promise.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_sub_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_mul_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_abs_ps(self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f32 {
        // SAFETY: AVX-512 F, which implies the AVX2 that the lower half needs, is the caller's
        // promise. The upper half is taken out as `f64`s because as `f32`s it would need DQ.
        unsafe {
            let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self));
            _mm256_add_ps(_mm512_castps512_ps256(self), _mm256_castpd_ps(high)).fold()
        }
    }

    #[inline(always)]
    unsafe fn fold4(a: Self, b: Self, c: Self, d: Self) -> [f32; 4] {
        // SAFETY: AVX-512 F, which implies the AVX2 that the lower half needs, is the caller's
        // promise.
        unsafe {
            // 16 lanes to 8, two vectors to a register.
            let ab = _mm512_add_ps(
                _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b),
                _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b),
            );
            let cd = _mm512_add_ps(
                _mm512_shuffle_f32x4::<0b01_00_01_00>(c, d),
                _mm512_shuffle_f32x4::<0b11_10_11_10>(c, d),
            );
            // To 4 lanes, four vectors to a register.
            let low = _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd);
            let high = _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd);
            let abcd = _mm512_add_ps(low, high);
            // To 2, to 1.
            let abcd = _mm512_add_ps(abcd, _mm512_permute_ps::<0b01_00_11_10>(abcd));
            let abcd = _mm512_add_ps(abcd, _mm512_permute_ps::<0b10_11_00_01>(abcd));
            let first = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            let sums = _mm512_castps512_ps128(_mm512_permutexvar_ps(first, abcd));
            std::mem::transmute(sums)
        }
    }
}

impl Reg for __m512d {
    type T = f64;
    const WIDTH: usize = 8;
    const COUNT: usize = 32;

    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_set1_pd(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: AVX-512 and 8 elements are the caller's promise.
        unsafe { _mm512_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f64, n: usize) -> Self {
        // SAFETY: AVX-512 and `n < 8` elements are the caller's promise; the mask selects just
        // those.
        unsafe { _mm512_maskz_loadu_pd(first_of_8(n), from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: AVX-512 and 8 elements are the caller's promise.
        unsafe { _mm512_storeu_pd(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_add_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_sub_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_mul_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { _mm512_abs_pd(self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f64 {
        // SAFETY: AVX-512 F, which implies the AVX2 that the lower half needs, is the caller's
        // promise.
        unsafe {
            let high = _mm512_extractf64x4_pd::<1>(self);
            _mm256_add_pd(_mm512_castpd512_pd256(self), high).fold()
        }
    }
}

kernels! {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    static F32: f32 = __m512, 1 {
        dot_f32_avx512, l2sq_f32_avx512, l1_f32_avx512,
        dots_f32_avx512, dot_pairs_f32_avx512, l2sq_pairs_f32_avx512, l1_pairs_f32_avx512,
        blend_f32_avx512, all_finite_f32_avx512,
    }
}

kernels! {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    static F64: f64 = __m512d, 2 {
        dot_f64_avx512, l2sq_f64_avx512, l1_f64_avx512,
        dots_f64_avx512, dot_pairs_f64_avx512, l2sq_pairs_f64_avx512, l1_pairs_f64_avx512,
        blend_f64_avx512, all_finite_f64_avx512,
    }
}
