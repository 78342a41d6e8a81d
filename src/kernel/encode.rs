//! Numbers as codes. Each step is one rounded operation and none are joined, so every instruction
//! set gives the same.

use super::codes::MAX_CODE;
use super::{Isa, Row, Scalar};

/// Writes the codes of a vector whose numbers are multiplied with `factor`: how many of the steps,
/// of which `per_step` make up one, they are above the offsets, rounded; those off the scale become
/// its ends. Stops at the shortest of the three.
///
/// Panics when this processor lacks `isa`.
pub fn encode<T: Scalar>(
    isa: Isa,
    row: Row<'_, T>,
    factor: f64,
    offsets: &[f64],
    per_step: f64,
    to: &mut [u8],
) {
    assert!(
        isa.is_available(),
        "this processor cannot run {} kernels",
        isa.name()
    );
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor was checked above, and those with AVX-512 have AVX2.
        Isa::Avx2 | Isa::Avx512 => unsafe { avx2(row, factor, offsets, per_step, to) },
        _ => plain(row, factor, offsets, per_step, to),
    }
}

#[inline(always)]
fn plain<T: Scalar>(row: Row<'_, T>, factor: f64, offsets: &[f64], per_step: f64, to: &mut [u8]) {
    // Not `row.iter()`, of which compilers make no vectors.
    let numbers = row.bytes().chunks_exact(T::SIZE);
    for ((x, offset), to) in numbers.zip(offsets).zip(to) {
        let code = (T::read(x, 0).to_f64() * factor - offset) * per_step + 0.5;
        let code = code.max(0.0).min(f64::from(MAX_CODE));
        // SAFETY: `max` and `min` have made a number from 0 to 127 of it, whatever it was.
        *to = unsafe { code.to_int_unchecked::<i32>() } as u8;
    }
}

/// The same, compiled for AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<T: Scalar>(row: Row<'_, T>, factor: f64, offsets: &[f64], per_step: f64, to: &mut [u8]) {
    plain(row, factor, offsets, per_step, to);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, with numbers at the edges between codes and off the scale.
    #[test]
    fn every_kernel_makes_the_same_codes() {
        let edges = [
            -1e30, -0.5, -0.0, 0.0, 0.25, 0.75, 1.0, 63.4, 63.5, 127.6, 1e30,
        ];
        for n in [0, 1, 7, 8, 9, 100] {
            let row: Vec<f32> = (0..n).map(|i| edges[i % edges.len()] / 3.0).collect();
            let offsets: Vec<f64> = (0..n).map(|i| (i % 3) as f64 * 0.1).collect();
            let expected: Vec<u8> = row
                .iter()
                .zip(&offsets)
                .map(|(&x, offset)| {
                    let code = ((f64::from(x) * 3.0 - offset) * 1.25 + 0.5).floor();
                    code.clamp(0.0, 127.0) as u8
                })
                .collect();
            for isa in Isa::available() {
                let mut to = vec![200; n + 3];
                encode(isa, Row::from_slice(&row), 3.0, &offsets, 1.25, &mut to);
                assert_eq!(to[..n], expected, "{} {n}", isa.name());
                assert_eq!(to[n..], [200; 3]);
            }
        }
    }
}
