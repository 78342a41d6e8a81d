//! With the 128-bit registers of aarch64. Each measure comes twice: with the instructions that add
//! four products of bytes to each 32-bit sum, which not every processor has, and with those that
//! widen step by step.

use std::arch::aarch64::*;
use std::arch::asm;

/// Compares four rows at a time, 16 bytes at a time.
///
/// # Safety
/// As [`one_by_one`](super::one_by_one), the processor has NEON, and 16 divides the stride.
#[inline(always)]
unsafe fn four_by_four(
    query: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
    add: impl Fn(uint32x4_t, uint8x16_t, uint8x16_t) -> uint32x4_t,
) {
    // SAFETY: `at` is a multiple of 16 below the stride, which 16 divides, so 16 bytes are left to
    // read there, unaligned. The last group's missing rows are its first again, and only as many
    // numbers are written as it has. All else is the caller's promise.
    unsafe {
        let load = |from: *const u8| from.cast::<uint8x16_t>().read_unaligned();
        let mut i = 0;
        while i < ids.len() {
            let left = ids.len() - i;
            let row = |r: usize| {
                let id = *ids.get_unchecked(i + if r < left { r } else { 0 });
                rows.add(id as usize * stride)
            };
            let four = [row(0), row(1), row(2), row(3)];
            let mut sums = [vdupq_n_u32(0); 4];
            let mut at = 0;
            while at < stride {
                let x = load(query.add(at));
                let mut r = 0;
                while r < 4 {
                    sums[r] = add(sums[r], x, load(four[r].add(at)));
                    r += 1;
                }
                at += 16;
            }
            let [a, b, c, d] = sums;
            let sums = vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d));
            if left >= 4 {
                to.add(i).cast::<uint32x4_t>().write_unaligned(sums);
            } else {
                let four: [u32; 4] = std::mem::transmute(sums);
                std::ptr::copy_nonoverlapping(four.as_ptr(), to.add(i), left);
            }
            i += 4;
        }
    }
}

/// Adds sixteen products of bytes to four sums.
///
/// # Safety
/// The processor has NEON's dot products.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn udot(mut sums: uint32x4_t, x: uint8x16_t, y: uint8x16_t) -> uint32x4_t {
    // `vdotq_u32` is not stable in Rust yet.
    // SAFETY: arithmetic on registers, by an instruction that is the caller's promise.
    unsafe {
        asm!(
            "udot {:v}.4s, {:v}.16b, {:v}.16b",
            inout(vreg) sums, in(vreg) x, in(vreg) y,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// The same of bytes with a sign.
///
/// # Safety
/// As [`udot`].
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn sdot(mut sums: int32x4_t, x: int8x16_t, y: int8x16_t) -> int32x4_t {
    // SAFETY: as in `udot`.
    unsafe {
        asm!(
            "sdot {:v}.4s, {:v}.16b, {:v}.16b",
            inout(vreg) sums, in(vreg) x, in(vreg) y,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "neon")]
pub unsafe fn squares(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            // Two squares of 127 at the most fit 16 bits.
            let d = vabdq_u8(x, y);
            let squares = vmull_u8(vget_low_u8(d), vget_low_u8(d));
            vpadalq_u16(sum, vmlal_high_u8(squares, d, d))
        });
    }
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "neon")]
pub unsafe fn products(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            // Two products of 127 and 128 at the most fit 16 bits.
            let (x, y) = (vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y));
            let products = vmull_s8(vget_low_s8(x), vget_low_s8(y));
            let products = vmlal_high_s8(products, x, y);
            vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(sum), products))
        });
    }
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "neon")]
pub unsafe fn differences(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            vpadalq_u16(sum, vpaddlq_u8(vabdq_u8(x, y)))
        });
    }
}

/// # Safety
/// As [`four_by_four`].
#[target_feature(enable = "neon")]
pub unsafe fn bits(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            vpadalq_u16(sum, vpaddlq_u8(vcntq_u8(veorq_u8(x, y))))
        });
    }
}

/// # Safety
/// As [`four_by_four`], and the processor has NEON's dot products.
#[target_feature(enable = "neon,dotprod")]
pub unsafe fn squares_dot(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            let d = vabdq_u8(x, y);
            udot(sum, d, d)
        });
    }
}

/// # Safety
/// As [`squares_dot`].
#[target_feature(enable = "neon,dotprod")]
pub unsafe fn products_dot(
    q: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            let (x, y) = (vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y));
            vreinterpretq_u32_s32(sdot(vreinterpretq_s32_u32(sum), x, y))
        });
    }
}

/// # Safety
/// As [`squares_dot`].
#[target_feature(enable = "neon,dotprod")]
pub unsafe fn differences_dot(
    q: *const u8,
    rows: *const u8,
    stride: usize,
    ids: &[u32],
    to: *mut u32,
) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        let ones = vdupq_n_u8(1);
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            udot(sum, vabdq_u8(x, y), ones)
        });
    }
}

/// # Safety
/// As [`squares_dot`].
#[target_feature(enable = "neon,dotprod")]
pub unsafe fn bits_dot(q: *const u8, rows: *const u8, stride: usize, ids: &[u32], to: *mut u32) {
    // SAFETY: the caller's promise, which is the same.
    unsafe {
        let ones = vdupq_n_u8(1);
        four_by_four(q, rows, stride, ids, to, |sum, x, y| {
            udot(sum, vcntq_u8(veorq_u8(x, y)), ones)
        });
    }
}
