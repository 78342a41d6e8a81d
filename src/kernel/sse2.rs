//! Kernels on 128-bit registers. Requires SSE2, which every x86_64 processor has.
//!
//! Tail: whole registers as far as they go, then the last one to three elements as the 8-byte and
//! 4-byte loads that fit them; there are no masks.
//!
//! The intrinsics that take a `&f32` or `&f64` in disguise (`_mm_load_ss`, `_mm_load_sd`) want
//! alignment; numbers are read unaligned and put into a register instead, which is the same
//! instruction.

use super::lanes::Reg;
use super::ops::{kernels, ROWS};
use std::arch::x86_64::*;

impl Reg for __m128 {
    type T = f32;
    const WIDTH: usize = 4;
    const COUNT: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: SSE2 and 4 elements are the caller's promise.
        unsafe { _mm_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        // SAFETY: SSE2 and `n` elements are the caller's promise; each arm reads just `n`.
        unsafe {
            match n {
                1 => one(from),
                2 => two(from),
                _ => _mm_movelh_ps(two(from), one(from.add(2))),
            }
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: SSE2 and 4 elements are the caller's promise.
        unsafe { _mm_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_sub_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_mul_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_andnot_ps(_mm_set1_ps(-0.0), self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f32 {
        // SAFETY: SSE2 is the caller's promise.
        unsafe {
            let two = _mm_add_ps(self, _mm_movehl_ps(self, self));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
}

/// One element, then zeros.
///
/// # Safety
/// SSE2, and `from` is valid for one element.
#[inline(always)]
unsafe fn one(from: *const f32) -> __m128 {
    // SAFETY: the caller's promise.
    unsafe { _mm_set_ss(from.read_unaligned()) }
}

/// Two elements, then zeros.
///
/// # Safety
/// SSE2, and `from` is valid for two elements.
#[inline(always)]
unsafe fn two(from: *const f32) -> __m128 {
    // SAFETY: the caller's promise; two elements are the 8 bytes of the `f64` that stands for them.
    unsafe { _mm_castpd_ps(_mm_set_sd(from.cast::<f64>().read_unaligned())) }
}

impl Reg for __m128d {
    type T = f64;
    const WIDTH: usize = 2;
    const COUNT: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_set1_pd(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: SSE2 and 2 elements are the caller's promise.
        unsafe { _mm_loadu_pd(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f64, _one: usize) -> Self {
        // SAFETY: SSE2 and one element, the only number between 0 and 2, are the caller's promise.
        unsafe { _mm_set_sd(from.read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: SSE2 and 2 elements are the caller's promise.
        unsafe { _mm_storeu_pd(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_add_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_sub_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_mul_pd(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_andnot_pd(_mm_set1_pd(-0.0), self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f64 {
        // SAFETY: SSE2 is the caller's promise.
        unsafe { _mm_cvtsd_f64(_mm_add_sd(self, _mm_unpackhi_pd(self, self))) }
    }
}

kernels! {
    #[target_feature(enable = "sse2")]
    static F32: f32 = __m128, 4 {
        dot_f32_sse2, l2sq_f32_sse2, l1_f32_sse2,
        dots_f32_sse2, dot_pairs_f32_sse2, l2sq_pairs_f32_sse2, l1_pairs_f32_sse2,
        blend_f32_sse2, all_finite_f32_sse2,
    }
}

kernels! {
    #[target_feature(enable = "sse2")]
    static F64: f64 = __m128d, 8 {
        dot_f64_sse2, l2sq_f64_sse2, l1_f64_sse2,
        dots_f64_sse2, dot_pairs_f64_sse2, l2sq_pairs_f64_sse2, l1_pairs_f64_sse2,
        blend_f64_sse2, all_finite_f64_sse2,
    }
}
