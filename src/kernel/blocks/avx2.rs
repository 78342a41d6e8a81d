//! With 256-bit registers: half a row of a block each.

use super::{Sums, BLOCK, ENTRIES};
use std::arch::x86_64::*;

/// # Safety
/// As [`portable`](super::portable), and the processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn below(sums: Sums<'_>, most: u16, to: *mut u32) -> usize {
    let (block_bytes, n_rows) = (sums.block_bytes(), sums.n_rows());
    let (mut n, mut place) = (0, 0);
    let half = _mm256_set1_epi8(15);
    let low_bytes = _mm256_set1_epi16(255);
    let most = _mm256_set1_epi16(most as i16);
    let factor = sums.factor.map(|factor| _mm256_set1_epi16(factor));
    for block in sums.blocks.chunks_exact(block_bytes) {
        // What two tables say of half of the items; `row` is in the block.
        let look = |row: usize, side: usize| {
            // SAFETY: there are 64 bytes for each row of a block and two tables of 16 for it.
            unsafe {
                let table = |t: usize| {
                    let from = sums.tables.as_ptr().add((2 * row + t) * ENTRIES);
                    _mm256_broadcastsi128_si256(_mm_loadu_si128(from.cast()))
                };
                let from = block.as_ptr().add(row * BLOCK + 32 * side);
                let codes = _mm256_loadu_si256(from.cast());
                let low = _mm256_shuffle_epi8(table(0), _mm256_and_si256(codes, half));
                let codes = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), half);
                _mm256_add_epi8(low, _mm256_shuffle_epi8(table(1), codes))
            }
        };
        // Of each 16 items.
        let mut all = [_mm256_setzero_si256(); 4];
        for side in 0..2 {
            let mut add = |sum| {
                all[side] = _mm256_add_epi16(all[side], _mm256_and_si256(sum, low_bytes));
                all[2 + side] = _mm256_add_epi16(all[2 + side], _mm256_srli_epi16::<8>(sum));
            };
            for row in (0..n_rows - 1).step_by(2) {
                add(_mm256_add_epi8(look(row, side), look(row + 1, side)));
            }
            if n_rows % 2 == 1 {
                add(look(n_rows - 1, side));
            }
        }
        for (quarter, mut sum) in all.into_iter().enumerate() {
            let place = place + 16 * quarter;
            if let Some(factor) = factor {
                // SAFETY: there is a bias for each item behind the rows.
                unsafe {
                    let from = block.as_ptr().add(n_rows * BLOCK + 2 * (16 * quarter));
                    let bias = _mm256_mulhrs_epi16(_mm256_loadu_si256(from.cast()), factor);
                    sum = _mm256_adds_epu16(sum, bias);
                }
            }
            let over = _mm256_subs_epu16(sum, most);
            let is_below = _mm256_cmpeq_epi16(over, _mm256_setzero_si256());
            // Two bits for each.
            let mut mask = _mm256_movemask_epi8(is_below) as u32 & 0x5555_5555;
            if mask == 0 {
                continue;
            }
            let mut each = [0u16; 16];
            // SAFETY: 32 bytes; a bit of the mask is one of 16 places, and there is room for all.
            unsafe {
                _mm256_storeu_si256(each.as_mut_ptr().cast(), sum);
                while mask != 0 {
                    let i = mask.trailing_zeros() as usize / 2;
                    *to.add(n) = u32::from(each[i & 15]) << 16 | (place + i) as u32;
                    n += 1;
                    mask &= mask - 1;
                }
            }
        }
        place += BLOCK;
    }
    n
}
