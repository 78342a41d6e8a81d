//! With 512-bit registers: a row of a block each.

use super::{Sums, BLOCK, ENTRIES};
use std::arch::x86_64::*;

/// # Safety
/// As [`portable`](super::portable), and the processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn below(sums: Sums<'_>, most: u16, to: *mut u32) -> usize {
    let (block_bytes, n_rows) = (sums.block_bytes(), sums.n_rows());
    let (mut n, mut place) = (0, 0);
    let half = _mm512_set1_epi8(15);
    let low_bytes = _mm512_set1_epi16(255);
    let most = _mm512_set1_epi16(most as i16);
    let factor = sums.factor.map(|factor| _mm512_set1_epi16(factor));
    for block in sums.blocks.chunks_exact(block_bytes) {
        // What two tables say of each item; `row` is in the block.
        let look = |row: usize| {
            // SAFETY: there are 64 bytes for each row of a block and two tables of 16 for it.
            unsafe {
                let table = |t: usize| {
                    let from = sums.tables.as_ptr().add((2 * row + t) * ENTRIES);
                    _mm512_broadcast_i32x4(_mm_loadu_si128(from.cast()))
                };
                let codes = _mm512_loadu_si512(block.as_ptr().add(row * BLOCK).cast());
                let low = _mm512_shuffle_epi8(table(0), _mm512_and_si512(codes, half));
                let codes = _mm512_and_si512(_mm512_srli_epi16::<4>(codes), half);
                _mm512_add_epi8(low, _mm512_shuffle_epi8(table(1), codes))
            }
        };
        // Of items 0 to 31 and of those behind them.
        let mut all = [_mm512_setzero_si512(); 2];
        let mut add = |sum| {
            all[0] = _mm512_add_epi16(all[0], _mm512_and_si512(sum, low_bytes));
            all[1] = _mm512_add_epi16(all[1], _mm512_srli_epi16::<8>(sum));
        };
        for row in (0..n_rows - 1).step_by(2) {
            add(_mm512_add_epi8(look(row), look(row + 1)));
        }
        if n_rows % 2 == 1 {
            add(look(n_rows - 1));
        }
        for (half, mut sum) in all.into_iter().enumerate() {
            let place = place + 32 * half;
            if let Some(factor) = factor {
                // SAFETY: there is a bias for each item behind the rows.
                unsafe {
                    let from = block.as_ptr().add(n_rows * BLOCK + 2 * (32 * half));
                    let bias = _mm512_mulhrs_epi16(_mm512_loadu_si512(from.cast()), factor);
                    sum = _mm512_adds_epu16(sum, bias);
                }
            }
            let mut mask = _mm512_cmple_epu16_mask(sum, most);
            if mask == 0 {
                continue;
            }
            let mut each = [0u16; 32];
            // SAFETY: 64 bytes; a bit of the mask is one of 32 places, and there is room for all.
            unsafe {
                _mm512_storeu_si512(each.as_mut_ptr().cast(), sum);
                while mask != 0 {
                    let i = mask.trailing_zeros() as usize;
                    *to.add(n) = u32::from(each[i & 31]) << 16 | (place + i) as u32;
                    n += 1;
                    mask &= mask - 1;
                }
            }
        }
        place += BLOCK;
    }
    n
}
