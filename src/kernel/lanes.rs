//! What an instruction set must offer, and the 16 lanes made of it.
//!
//! An instruction set implements [`Reg`]: one register of `WIDTH` consecutive lanes. [`Lanes`] is
//! as many of them as make 16, so the one thing that decides the bits of a sum, which element is
//! added to which and when, is written here and in `ops` and nowhere else.

use super::scalar::Float;

/// The number of lanes, for every type and every instruction set.
///
/// It is in the bits of every distance: changing it changes what an index answers.
pub(super) const LANES: usize = 16;

/// One register of `WIDTH` numbers.
///
/// # Safety
/// All methods share two conditions, which the bodies in `ops` pass on to their callers:
///
/// - the processor has the instruction set that the implementing file names in its head;
/// - pointers are valid for as many elements as the method says. Alignment is not asked for, ever.
///
/// Methods are `#[inline(always)]` and without `#[target_feature]`, so that they melt into the
/// functions that have it; see `ops::kernels`.
pub(super) trait Reg: Copy {
    /// What a lane holds.
    type T: Float;
    /// Numbers in a register; divides 16.
    const WIDTH: usize;
    /// Registers that the instruction set has, to tell how many sums can be kept in them at once.
    const COUNT: usize;

    /// `x` in every lane.
    unsafe fn splat(x: Self::T) -> Self;
    /// Reads `WIDTH` elements.
    unsafe fn load(from: *const Self::T) -> Self;
    /// Reads `n` elements (`0 < n < WIDTH`) and nothing past them; the other lanes are `+0.0`.
    unsafe fn load_first(from: *const Self::T, n: usize) -> Self;
    /// Writes `WIDTH` elements.
    unsafe fn store(self, to: *mut Self::T);
    /// Lane by lane `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// Lane by lane `self - other`.
    unsafe fn sub(self, other: Self) -> Self;
    /// Lane by lane `self * other`, rounded.
    unsafe fn mul(self, other: Self) -> Self;
    /// Lane by lane, without the sign.
    unsafe fn abs(self) -> Self;
    /// The sum of the lanes by halving: with `w` lanes left, lane `j` takes lane `j + w/2`.
    unsafe fn fold(self) -> Self::T;

    /// [`fold`](Self::fold) of four registers; the same bits, in fewer steps where lanes of several
    /// can be added at once.
    #[inline(always)]
    unsafe fn fold4(a: Self, b: Self, c: Self, d: Self) -> [Self::T; 4] {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { [a.fold(), b.fold(), c.fold(), d.fold()] }
    }

    /// The first `n` elements, or a full register if there are as many. `n` is not 0.
    ///
    /// # Safety
    /// As `load_first`.
    #[inline(always)]
    unsafe fn load_up_to(from: *const Self::T, n: usize) -> Self {
        // SAFETY: the caller's promise of `n` elements, and of the instruction set.
        unsafe {
            if n >= Self::WIDTH {
                Self::load(from)
            } else {
                Self::load_first(from, n)
            }
        }
    }
}

/// The 16 running sums of one result: lane `i` is in register `i / WIDTH`.
///
/// A lane starts at `+0.0` and is only ever added to, so it is never `-0.0`: `+0.0 + -0.0` is
/// `+0.0`, and so is `x + -x`. Adding `+0.0` therefore changes no lane, and a tail may be filled
/// up with zeros (for each of the operations a pair of padding zeros gives `+0.0`: `0 * 0`,
/// `(0 - 0)^2`, `|0 - 0|`) or leave the lanes it does not reach alone; the bits are the same.
#[derive(Clone, Copy)]
pub(super) struct Lanes<R, const N: usize>(pub(super) [R; N]);

impl<R: Reg, const N: usize> Lanes<R, N> {
    /// Refuses to compile a group that is not 16 lanes.
    const IS_16_LANES: () = assert!(R::WIDTH * N == LANES);

    /// Sixteen times `+0.0`.
    ///
    /// # Safety
    /// The processor has `R`'s instruction set.
    #[inline(always)]
    pub(super) unsafe fn zero() -> Self {
        let () = Self::IS_16_LANES;
        // SAFETY: the caller's promise of the instruction set.
        Lanes([unsafe { R::splat(R::T::ZERO) }; N])
    }

    /// The lanes halved until one register is left.
    #[inline(always)]
    unsafe fn halve(mut self) -> R {
        let mut half = N / 2;
        while half > 0 {
            let mut j = 0;
            while j < half {
                // SAFETY: the caller's promise of the instruction set.
                self.0[j] = unsafe { self.0[j].add(self.0[j + half]) };
                j += 1;
            }
            half /= 2;
        }
        self.0[0]
    }

    /// The sum of the lanes by halving: 16 to 8, lane `j` taking lane `j + 8`, and so on to 1.
    ///
    /// # Safety
    /// The processor has `R`'s instruction set.
    #[inline(always)]
    pub(super) unsafe fn fold(self) -> R::T {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { self.halve().fold() }
    }

    /// [`fold`](Self::fold) of four.
    ///
    /// # Safety
    /// The processor has `R`'s instruction set.
    #[inline(always)]
    pub(super) unsafe fn fold4(a: Self, b: Self, c: Self, d: Self) -> [R::T; 4] {
        // SAFETY: the caller's promise of the instruction set.
        unsafe { R::fold4(a.halve(), b.halve(), c.halve(), d.halve()) }
    }

    /// How many vectors can be summed against `columns` others in one pass, with their sums in
    /// registers and some to spare for operands.
    pub(super) const fn rows(columns: usize) -> usize {
        R::COUNT.saturating_sub(columns + 2) / (N * columns)
    }
}
