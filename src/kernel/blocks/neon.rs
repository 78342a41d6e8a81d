//! With the 128-bit registers of aarch64: a quarter of a row of a block each.

use super::{Sums, BLOCK, ENTRIES};
use std::arch::aarch64::*;

/// # Safety
/// As [`portable`](super::portable), and the processor has NEON.
#[target_feature(enable = "neon")]
pub unsafe fn below(sums: Sums<'_>, most: u16, to: *mut u32) -> usize {
    let (block_bytes, n_rows) = (sums.block_bytes(), sums.n_rows());
    let (mut n, mut place) = (0, 0);
    let half = vdupq_n_u8(15);
    let most = vdupq_n_u16(most);
    let factor = sums.factor.map(|factor| vdupq_n_s16(factor));
    for block in sums.blocks.chunks_exact(block_bytes) {
        // SAFETY: there are two tables of 16 bytes for each row of a block; the read is unaligned.
        let table = |t: usize| unsafe {
            let from = sums.tables.as_ptr().add(t * ENTRIES);
            from.cast::<uint8x16_t>().read_unaligned()
        };
        // What two tables say of a quarter of the items; `row` is in the block.
        let look = |row: usize, quarter: usize, tables: [uint8x16_t; 2]| {
            // SAFETY: there are 64 bytes for each row of a block; the read is unaligned.
            let codes = unsafe {
                let from = block.as_ptr().add(row * BLOCK + 16 * quarter);
                from.cast::<uint8x16_t>().read_unaligned()
            };
            let low = vqtbl1q_u8(tables[0], vandq_u8(codes, half));
            vaddq_u8(low, vqtbl1q_u8(tables[1], vshrq_n_u8::<4>(codes)))
        };
        // Of each 8 items from 32 on, and of the 8 that are 32 before them the sums with 256 times
        // those, which are taken off at the end.
        let mut both = [vdupq_n_u16(0); 4];
        let mut high = [vdupq_n_u16(0); 4];
        let mut add = |quarter: usize, sum: uint8x16_t| {
            let sum = vreinterpretq_u16_u8(sum);
            both[quarter] = vaddq_u16(both[quarter], sum);
            high[quarter] = vsraq_n_u16::<8>(high[quarter], sum);
        };
        for row in (0..n_rows - 1).step_by(2) {
            let first = [table(2 * row), table(2 * row + 1)];
            let second = [table(2 * row + 2), table(2 * row + 3)];
            for quarter in 0..4 {
                let sum = vaddq_u8(look(row, quarter, first), look(row + 1, quarter, second));
                add(quarter, sum);
            }
        }
        if n_rows % 2 == 1 {
            let row = n_rows - 1;
            let tables = [table(2 * row), table(2 * row + 1)];
            for quarter in 0..4 {
                add(quarter, look(row, quarter, tables));
            }
        }
        let low = |quarter: usize| vsubq_u16(both[quarter], vshlq_n_u16::<8>(high[quarter]));
        let all = [
            [low(0), low(1)],
            [low(2), low(3)],
            [high[0], high[1]],
            [high[2], high[3]],
        ];
        for (sixteenth, mut sums) in all.into_iter().enumerate() {
            let first = 16 * sixteenth;
            if let Some(factor) = factor {
                for (eighth, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: there is a bias for each item behind the rows; the read is unaligned.
                    let biases = unsafe {
                        let from = block
                            .as_ptr()
                            .add(n_rows * BLOCK + 2 * (first + 8 * eighth));
                        from.cast::<int16x8_t>().read_unaligned()
                    };
                    let biases = vreinterpretq_u16_s16(vqrdmulhq_s16(biases, factor));
                    *sum = vqaddq_u16(*sum, biases);
                }
            }
            let is_below = sums.map(|sum| vmovn_u16(vcleq_u16(sum, most)));
            // Four bits for each.
            let is_below = vreinterpretq_u16_u8(vcombine_u8(is_below[0], is_below[1]));
            let mask = vreinterpret_u64_u8(vshrn_n_u16::<4>(is_below));
            let mut mask = vget_lane_u64::<0>(mask) & 0x1111_1111_1111_1111;
            if mask == 0 {
                continue;
            }
            // SAFETY: 32 bytes either way; a bit of the mask is one of 16 places, and there is room
            // for all.
            unsafe {
                let each: [u16; 16] = std::mem::transmute(sums);
                while mask != 0 {
                    let i = mask.trailing_zeros() as usize / 4;
                    *to.add(n) = u32::from(each[i & 15]) << 16 | (place + first + i) as u32;
                    n += 1;
                    mask &= mask - 1;
                }
            }
        }
        place += BLOCK;
    }
    n
}
