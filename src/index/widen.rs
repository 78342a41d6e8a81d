//! Short numbers as callers have them, made into longer ones: exact, whatever the bits.

/// The number that 16 bits of IEEE 754 (binary16) stand for.
#[inline]
pub fn f16(bits: u16) -> f32 {
    const INFINITY: u32 = 0x7c00 << 13;
    // 2^112, by which exponents of an f32 are farther from 0.
    const APART: f32 = f32::from_bits((127 + 112) << 23);
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff) << 13;
    // A product, as it also makes normal numbers of those that have no leading 1.
    let size = match rest < INFINITY {
        true => (f32::from_bits(rest) * APART).to_bits(),
        false => rest | f32::INFINITY.to_bits(),
    };
    f32::from_bits(sign | size)
}

/// The number that the upper half of an f32's bits stand for (bfloat16).
#[inline]
pub fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A NaN is as good as any other: none gets into an index.
    fn same(found: f32, expected: f32) -> bool {
        found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan())
    }

    #[test]
    fn all_16_bits_are_as_the_crate_half_has_them() {
        for bits in 0..=u16::MAX {
            let expected = half::f16::from_bits(bits).to_f32();
            assert!(same(f16(bits), expected), "{bits:#06x}: {}", f16(bits));
            let expected = half::bf16::from_bits(bits).to_f32();
            assert!(same(bf16(bits), expected), "{bits:#06x}: {}", bf16(bits));
        }
    }
}
