//! The distance kernels: the loops over vectors where a search spends its time.
//!
//! Every kernel of an operation gives the same bits, whichever instruction set runs it, so an
//! index built on one machine is the index built on any other. The order of the additions is what
//! makes that so, and it is written down once (in `lanes` and `ops`): element `i` goes to
//! virtual lane `i % 16`, a product is rounded before it is added, and the 16 lanes are folded by
//! halving. The bits of a NaN are the one exception: that a result is NaN is the same everywhere,
//! its sign and payload are not.
//!
//! - `row`: a borrowed vector at any byte alignment; `strided`: many of them at equal distances.
//! - `scalar`: the types that can be stored in a row, and the two that can be computed with.
//! - `lanes`: what one register must be able to do, and the 16 lanes made of registers.
//! - `ops`: the body of every operation, once, over any register.
//! - [`padded`]: vectors that are read or updated again and again.
//! - `portable`, `sse2`, `avx2`, `avx512`, `neon`: a register each, and the functions compiled for
//!   it.
//! - `table`: the functions of one instruction set behind safe methods.
//! - `codes`: distances between bytes that stand for numbers; integers too.
//! - `encode`: makes such bytes.
//! - `blocks`: sums of table entries that codes of 4 bits name, 64 items at a time; integers.
//! - `hamming`: counting differing bits; integers, so it needs none of the above.
//! - `mode`: rounding and what else of the processor's state changes bits.

#[cfg(target_endian = "big")]
compile_error!(
    "index files hold little-endian numbers and are used in place, so big-endian hosts cannot read them"
);

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocks;
mod codes;
mod encode;
mod hamming;
mod lanes;
mod mode;
#[cfg(target_arch = "aarch64")]
mod neon;
mod ops;
mod padded;
mod portable;
mod row;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod sse2;
mod strided;
mod table;

#[cfg(test)]
mod tests;

pub use blocks::{
    block_bytes, BlockKernel, Sums, BLOCK, ENTRIES, MAX_BIAS, MAX_BLOCKS, MAX_ENTRY, MAX_TABLES,
};
pub use codes::{CodeKernel, CodeRows, Measure, MAX_CODE};
pub use encode::encode;
pub use hamming::BitKernels;
pub use mode::FloatMode;
pub use ops::ROWS;
pub use padded::{Matrix, Padded};
pub use row::Row;
pub use scalar::{Float, Scalar};
pub use strided::{Eight, Strided};
pub use table::FloatKernels;

use crate::memory::text;
use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

/// Asks for what will be read soon. No more than the first kilobyte: after that the processor's own
/// prefetching has caught on.
#[inline(always)]
pub fn prefetch<T>(what: &[T]) {
    prefetch_at(what.as_ptr().cast(), size_of_val(what));
}

/// As [`prefetch`], of bytes wherever they are, or are not.
#[inline]
pub fn prefetch_at(start: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..len).step_by(64).take(16) {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        let line = start.cast::<i8>().wrapping_add(at);
        // SAFETY: a hint that cannot fault, and every x86_64 processor has it (SSE).
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line) };
    }
    #[cfg(target_arch = "aarch64")]
    for at in (0..len).step_by(64).take(16) {
        let line = start.wrapping_add(at);
        // SAFETY: a hint that cannot fault, and every aarch64 processor has it.
        unsafe {
            std::arch::asm!(
                "prfm pldl1keep, [{}]", in(reg) line,
                options(readonly, nostack, preserves_flags),
            );
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = (start, len);
}

/// The environment variable that overrides [`Isa::choose`].
const KERNEL_ENV: &str = "ANNOY_RS_KERNEL";

/// An instruction set that kernels are compiled for, slowest first; those of this processor's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust: every target.
    Portable,
    /// 128-bit registers: every x86_64 processor.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// 256-bit registers and `popcnt`.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit registers with masks: AVX-512 F, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 128-bit registers: every aarch64 processor.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// The same with dot products of bytes, for codes: most aarch64 processors since ARMv8.2.
    #[cfg(target_arch = "aarch64")]
    DotProd,
}

impl Isa {
    const ALL: &[Isa] = &[
        Isa::Portable,
        #[cfg(target_arch = "x86_64")]
        Isa::Sse2,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512,
        #[cfg(target_arch = "aarch64")]
        Isa::Neon,
        #[cfg(target_arch = "aarch64")]
        Isa::DotProd,
    ];

    /// The name that `ANNOY_RS_KERNEL` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Isa::Sse2 => "sse2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
            #[cfg(target_arch = "aarch64")]
            Isa::DotProd => "dotprod",
        }
    }

    /// Whether this processor (and its operating system) can run it.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "aarch64")]
        use std::arch::is_aarch64_feature_detected as has;
        #[cfg(target_arch = "x86_64")]
        use std::arch::is_x86_feature_detected as has;
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Sse2 => has!("sse2"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => has!("avx2") && has!("popcnt"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                // The AVX2 part is implied by every processor made; `BitKernels` relies on it.
                Isa::Avx2.is_available() && has!("avx512f") && has!("avx512bw") && has!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => has!("neon"),
            #[cfg(target_arch = "aarch64")]
            Isa::DotProd => has!("neon") && has!("dotprod"),
        }
    }

    /// What this processor can run, slowest first; never empty.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.iter().copied().filter(|isa| isa.is_available())
    }

    /// The fastest available, or what the environment variable `ANNOY_RS_KERNEL` names.
    ///
    /// The variable is read once in a process: another thread of the host may be changing the
    /// environment, and what reads it meanwhile may crash.
    ///
    /// # Errors
    /// When the variable holds something that is not the name of an available instruction set.
    pub fn choose() -> Result<Isa, String> {
        static WANTED: OnceLock<Option<OsString>> = OnceLock::new();
        let wanted = WANTED.get_or_init(|| std::env::var_os(KERNEL_ENV));
        Isa::choose_named(wanted.as_deref())
    }

    fn choose_named(wanted: Option<&OsStr>) -> Result<Isa, String> {
        let mut available = Isa::available();
        let found = match wanted {
            Some(name) if !name.is_empty() => available.find(|isa| OsStr::new(isa.name()) == name),
            _ => available.last(),
        };
        found.ok_or_else(|| {
            let mut names = Isa::available().map(Isa::name);
            let first = names.next().unwrap_or_default();
            let names = names.fold(text(first), |before, name| format!("{before}, {name}"));
            format!(
                "{KERNEL_ENV}={:?} is not a kernel this machine can run; it has: {names}",
                wanted.unwrap_or_default(),
            )
        })
    }
}
