//! Kernels on 128-bit registers. Requires NEON, which every aarch64 processor has that Rust's
//! standard library runs on.
//!
//! Tail: whole registers as far as they go, then the last one to three elements as the 8-byte and
//! 4-byte loads that fit them; there are no masks.
//!
//! NEON has fused multiplication and addition; the compiler does not use it where a multiplication
//! and an addition are written, and neither does this file (see `avx2`). Numbers are read as
//! unaligned values of the register's type, not by `vld1q`, whose addresses C wants aligned; the
//! instruction is the same.

use super::lanes::Reg;
use super::ops::{kernels, ROWS};
use std::arch::aarch64::*;

impl Reg for float32x4_t {
    type T = f32;
    const WIDTH: usize = 4;
    const COUNT: usize = 32;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: 4 elements are the caller's promise.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Self {
        // SAFETY: NEON and `n` elements are the caller's promise; each arm reads just `n`.
        unsafe {
            let [low, high] = match n {
                1 => [one(from), 0],
                2 => [two(from), 0],
                _ => [two(from), one(from.add(2))],
            };
            vreinterpretq_f32_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)))
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: 4 elements are the caller's promise.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vaddq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vsubq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vmulq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vabsq_f32(self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f32 {
        // SAFETY: NEON is the caller's promise.
        unsafe { vpadds_f32(vadd_f32(vget_low_f32(self), vget_high_f32(self))) }
    }

    #[inline(always)]
    unsafe fn fold4(a: Self, b: Self, c: Self, d: Self) -> [f32; 4] {
        /// 4 lanes of either to 2, both in a register.
        ///
        /// # Safety
        /// NEON.
        #[inline(always)]
        unsafe fn halve(a: float32x4_t, b: float32x4_t) -> float32x4_t {
            // SAFETY: NEON is the caller's promise.
            unsafe {
                let (a, b) = (vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b));
                let (low, high) = (vzip1q_f64(a, b), vzip2q_f64(a, b));
                vaddq_f32(vreinterpretq_f32_f64(low), vreinterpretq_f32_f64(high))
            }
        }
        // SAFETY: NEON is the caller's promise; four numbers are as long as their register.
        unsafe { std::mem::transmute(vpaddq_f32(halve(a, b), halve(c, d))) }
    }
}

/// One element, then zeros.
///
/// # Safety
/// `from` is valid for one element.
#[inline(always)]
unsafe fn one(from: *const f32) -> u64 {
    // SAFETY: the caller's promise.
    u64::from(unsafe { from.cast::<u32>().read_unaligned() })
}

/// Two elements.
///
/// # Safety
/// `from` is valid for two elements.
#[inline(always)]
unsafe fn two(from: *const f32) -> u64 {
    // SAFETY: the caller's promise; two elements are 8 bytes.
    unsafe { from.cast::<u64>().read_unaligned() }
}

impl Reg for float64x2_t {
    type T = f64;
    const WIDTH: usize = 2;
    const COUNT: usize = 32;

    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vdupq_n_f64(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        // SAFETY: 2 elements are the caller's promise.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f64, _one: usize) -> Self {
        // SAFETY: NEON and one element, the only number between 0 and 2, are the caller's promise.
        unsafe { vsetq_lane_f64::<0>(from.read_unaligned(), vdupq_n_f64(0.0)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        // SAFETY: 2 elements are the caller's promise.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vaddq_f64(self, other) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vsubq_f64(self, other) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vmulq_f64(self, other) }
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe { vabsq_f64(self) }
    }

    #[inline(always)]
    unsafe fn fold(self) -> f64 {
        // SAFETY: NEON is the caller's promise.
        unsafe { vpaddd_f64(self) }
    }

    #[inline(always)]
    unsafe fn fold4(a: Self, b: Self, c: Self, d: Self) -> [f64; 4] {
        // SAFETY: NEON is the caller's promise; four numbers are as long as two registers.
        unsafe { std::mem::transmute([vpaddq_f64(a, b), vpaddq_f64(c, d)]) }
    }
}

kernels! {
    #[target_feature(enable = "neon")]
    static F32: f32 = float32x4_t, 4 {
        dot_f32_neon, l2sq_f32_neon, l1_f32_neon,
        dots_f32_neon, dot_pairs_f32_neon, l2sq_pairs_f32_neon, l1_pairs_f32_neon,
        blend_f32_neon, all_finite_f32_neon,
    }
}

kernels! {
    #[target_feature(enable = "neon")]
    static F64: f64 = float64x2_t, 8 {
        dot_f64_neon, l2sq_f64_neon, l1_f64_neon,
        dots_f64_neon, dot_pairs_f64_neon, l2sq_pairs_f64_neon, l1_pairs_f64_neon,
        blend_f64_neon, all_finite_f64_neon,
    }
}
