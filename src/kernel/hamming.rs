//! The number of differing bits: the same integer however it is counted, so every instruction set
//! counts in its own way.
//!
//! Portable: `count_ones` over 8-byte words, then over what is left of them as one word filled up
//! with zeros. AVX2: the same with the `popcnt` instruction, and for longer vectors a count of 256
//! bits at a time by looking up halves of bytes. AVX-512: 512 bits at a time where the processor
//! has VPOPCNTDQ, with a masked load for the tail, else AVX2's. NEON: the bits of 16 bytes at a
//! time, then words.

use super::Isa;
#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// The operations on packed bits, compiled for one instruction set.
pub struct BitKernels {
    hamming: unsafe fn(*const u8, *const u8, usize) -> u64,
}

static PORTABLE: BitKernels = BitKernels {
    hamming: hamming_portable,
};
#[cfg(target_arch = "x86_64")]
static AVX2: BitKernels = BitKernels {
    hamming: hamming_avx2,
};
#[cfg(target_arch = "x86_64")]
static AVX512: BitKernels = BitKernels {
    hamming: hamming_avx512,
};
#[cfg(target_arch = "aarch64")]
static NEON: BitKernels = BitKernels {
    hamming: hamming_neon,
};

impl BitKernels {
    /// The kernels for `isa`; panics when this processor lacks it, which is what makes the methods
    /// safe.
    pub fn for_isa(isa: Isa) -> &'static BitKernels {
        assert!(
            isa.is_available(),
            "this processor cannot run {} kernels",
            isa.name()
        );
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => &AVX2,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if std::arch::is_x86_feature_detected!("avx512vpopcntdq") => &AVX512,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => &AVX2,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::DotProd => &NEON,
            // SSE2 has nothing for counting bits.
            _ => &PORTABLE,
        }
    }

    /// How many bits differ. Panics unless the lengths are equal.
    #[inline]
    pub fn hamming(&self, a: &[u8], b: &[u8]) -> u64 {
        assert_eq!(a.len(), b.len(), "vectors of different lengths");
        // SAFETY: both are valid for `a.len()` bytes by the check above, and the processor was
        // checked when this table was handed out.
        unsafe { (self.hamming)(a.as_ptr(), b.as_ptr(), a.len()) }
    }
}

/// Word by word, from byte `at` on.
///
/// # Safety
/// `a` and `b` are valid for reads of `n` bytes.
#[inline(always)]
unsafe fn words(a: *const u8, b: *const u8, mut at: usize, n: usize) -> u64 {
    let mut bits = 0;
    while at + 8 <= n {
        // SAFETY: 8 bytes are left at `at`; the read is unaligned.
        let (x, y) = unsafe {
            (
                a.add(at).cast::<u64>().read_unaligned(),
                b.add(at).cast::<u64>().read_unaligned(),
            )
        };
        bits += u64::from((x ^ y).count_ones());
        at += 8;
    }
    let mut last = 0_u64;
    while at < n {
        // SAFETY: a byte is left at `at`.
        let differing = unsafe { *a.add(at) ^ *b.add(at) };
        last = last << 8 | u64::from(differing);
        at += 1;
    }
    bits + u64::from(last.count_ones())
}

/// # Safety
/// `a` and `b` are valid for reads of `n` bytes.
unsafe fn hamming_portable(a: *const u8, b: *const u8, n: usize) -> u64 {
    // SAFETY: the caller's promise, which is the same.
    unsafe { words(a, b, 0, n) }
}

/// # Safety
/// `a` and `b` are valid for reads of `n` bytes, and the processor has the features below.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
unsafe fn hamming_avx2(a: *const u8, b: *const u8, n: usize) -> u64 {
    // SAFETY: 32 bytes are left at `at` in the loop; what is left after it goes to `words`.
    unsafe {
        let counts = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
        ));
        let low = _mm256_set1_epi8(15);
        let mut at = 0;
        let mut total = _mm256_setzero_si256();
        if n >= LOOKUP_FROM {
            while at + 32 <= n {
                let x = _mm256_loadu_si256(a.add(at).cast());
                let y = _mm256_loadu_si256(b.add(at).cast());
                let xor = _mm256_xor_si256(x, y);
                let lo = _mm256_shuffle_epi8(counts, _mm256_and_si256(xor, low));
                let hi = _mm256_and_si256(_mm256_srli_epi16::<4>(xor), low);
                let bytes = _mm256_add_epi8(lo, _mm256_shuffle_epi8(counts, hi));
                let sums = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
                total = _mm256_add_epi64(total, sums);
                at += 32;
            }
        }
        let half = _mm_add_epi64(
            _mm256_castsi256_si128(total),
            _mm256_extracti128_si256::<1>(total),
        );
        let one = _mm_add_epi64(half, _mm_unpackhi_epi64(half, half));
        _mm_cvtsi128_si64(one) as u64 + words(a, b, at, n)
    }
}

/// Bytes from which the lookup beats `popcnt` (measured on Sapphire Rapids).
#[cfg(target_arch = "x86_64")]
const LOOKUP_FROM: usize = 64;

/// # Safety
/// `a` and `b` are valid for reads of `n` bytes, and the processor has the features below.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
unsafe fn hamming_avx512(a: *const u8, b: *const u8, n: usize) -> u64 {
    // SAFETY: 64 bytes are left at `at` in the loop; after it `n - at < 64` are, and the mask
    // selects just those.
    unsafe {
        let mut total = _mm512_setzero_si512();
        let mut at = 0;
        while at + 64 <= n {
            let x = _mm512_loadu_si512(a.add(at).cast());
            let y = _mm512_loadu_si512(b.add(at).cast());
            total = _mm512_add_epi64(total, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
            at += 64;
        }
        if at < n {
            let first = (1_u64 << (n - at)) - 1;
            let x = _mm512_maskz_loadu_epi8(first, a.add(at).cast());
            let y = _mm512_maskz_loadu_epi8(first, b.add(at).cast());
            total = _mm512_add_epi64(total, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
        }
        _mm512_reduce_add_epi64(total) as u64
    }
}

/// # Safety
/// `a` and `b` are valid for reads of `n` bytes, and the processor has the features below.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn hamming_neon(a: *const u8, b: *const u8, n: usize) -> u64 {
    let (mut at, mut total) = (0, 0);
    // SAFETY: 16 bytes are left at `at` in the inner loop, and the reads are unaligned; what is
    // left after it goes to `words`.
    unsafe {
        while at + 16 <= n {
            // Each time adds 16 at the most to each sum, so this often they fit 16 bits.
            let end = n.min(at + 16 * 4095);
            let mut sums = vdupq_n_u16(0);
            while at + 16 <= end {
                let x = a.add(at).cast::<uint8x16_t>().read_unaligned();
                let y = b.add(at).cast::<uint8x16_t>().read_unaligned();
                sums = vpadalq_u8(sums, vcntq_u8(veorq_u8(x, y)));
                at += 16;
            }
            total += u64::from(vaddlvq_u16(sums));
        }
        total + words(a, b, at, n)
    }
}
