//! Kernels in plain Rust, for every target. Requires nothing.
//!
//! A "register" is a single number and the lanes are sixteen of them. Lanes do not meet before the
//! fold, so compilers are free to put several into a real register, and do, in the main loop.
//! (Arrays of four, which look closer to the machine, were measured: better in `dot`, much worse in
//! every other operation.)
//!
//! Tail: one by one. No tail ends inside a register of one.

use super::lanes::Reg;
use super::ops::{kernels, ROWS};

macro_rules! portable {
    ($t:ident) => {
        // Most methods are `unsafe` only because the trait's are.
        impl Reg for $t {
            type T = $t;
            const WIDTH: usize = 1;
            // One row at a time: with more, compilers give up on keeping the sums in registers.
            const COUNT: usize = 0;

            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                x
            }

            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: valid for one element, which is the caller's promise.
                unsafe { from.read_unaligned() }
            }

            #[inline(always)]
            unsafe fn load_first(_: *const $t, _: usize) -> Self {
                unreachable!("no n is between 0 and WIDTH = 1")
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: valid for one element, which is the caller's promise.
                unsafe { to.write_unaligned(self) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                self + other
            }

            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                self - other
            }

            #[inline(always)]
            unsafe fn mul(self, other: Self) -> Self {
                self * other
            }

            #[inline(always)]
            unsafe fn abs(self) -> Self {
                <$t>::abs(self)
            }

            #[inline(always)]
            unsafe fn fold(self) -> $t {
                self
            }
        }
    };
}

portable!(f32);
portable!(f64);

kernels! {
    static F32: f32 = f32, 16 {
        dot_f32_portable, l2sq_f32_portable, l1_f32_portable,
        dots_f32_portable, dot_pairs_f32_portable, l2sq_pairs_f32_portable, l1_pairs_f32_portable,
        blend_f32_portable, all_finite_f32_portable,
    }
}

kernels! {
    static F64: f64 = f64, 16 {
        dot_f64_portable, l2sq_f64_portable, l1_f64_portable,
        dots_f64_portable, dot_pairs_f64_portable, l2sq_pairs_f64_portable, l1_pairs_f64_portable,
        blend_f64_portable, all_finite_f64_portable,
    }
}
