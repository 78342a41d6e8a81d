//! The processor's floating-point mode, which a host may have changed: what all kernels and splits
//! rest on is rounding to nearest, denormal numbers that count, and exceptions that do not trap.
//! Every thread has a mode of its own, and a new one mostly that of the thread which started it.

/// A mode, with the exceptions that were met.
#[derive(Clone, Copy, Debug)]
pub struct FloatMode(Word);

impl FloatMode {
    /// What Rust and C start with, and our numbers are made in.
    pub const NORMAL: FloatMode = FloatMode(NORMAL);

    /// That of this thread.
    #[inline]
    pub fn current() -> Self {
        FloatMode(read())
    }

    /// Makes it that of this thread.
    #[inline]
    pub fn enter(self) {
        write(self.0);
    }

    /// Whether numbers come out as in the normal mode.
    #[inline]
    pub fn is_normal(self) -> bool {
        self.0 & CONTROL == NORMAL
    }
}

#[cfg(target_arch = "x86_64")]
use mxcsr::{read, write, Word, CONTROL, NORMAL};

#[cfg(target_arch = "x86_64")]
mod mxcsr {
    use std::arch::asm;

    pub type Word = u32;

    /// All but the exceptions that were met, the last six bits.
    pub const CONTROL: Word = !0x3f;

    /// Every exception masked, the rest zero.
    pub const NORMAL: Word = 0x1f80;

    #[inline]
    pub fn read() -> Word {
        let mut word: Word = 0;
        // SAFETY: every x86_64 processor has the instruction, which writes the four bytes of
        // `word`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack, preserves_flags)) };
        word
    }

    #[inline]
    pub fn write(word: Word) {
        // SAFETY: it reads the four bytes of `word`, which is NORMAL or was read, so that no bit is
        // set that cannot be. In code of ours it makes the mode the one that Rust takes for
        // granted; the other one is entered just before going back to the host.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
use fpcr::{read, write, Word, CONTROL, NORMAL};

#[cfg(target_arch = "aarch64")]
mod fpcr {
    use std::arch::asm;

    pub type Word = u64;

    /// The exceptions that were met have a register of their own.
    pub const CONTROL: Word = !0;

    /// Rounding to nearest, nothing flushed, nothing trapping.
    pub const NORMAL: Word = 0;

    #[inline]
    pub fn read() -> Word {
        let word: Word;
        // SAFETY: reads a register that every program may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) word, options(nostack, preserves_flags)) };
        word
    }

    #[inline]
    pub fn write(word: Word) {
        // SAFETY: as on x86_64: NORMAL or what was read.
        unsafe { asm!("msr fpcr, {}", in(reg) word, options(nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use none::{read, write, Word, CONTROL, NORMAL};

/// Processors whose mode is not known here are taken to be in the normal one.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod none {
    pub type Word = u32;
    pub const CONTROL: Word = !0;
    pub const NORMAL: Word = 0;

    pub fn read() -> Word {
        NORMAL
    }

    pub fn write(_: Word) {}
}
