//! Sums of table entries over blocks of 64 items, whose codes have 4 bits for each table: a
//! register holds a table, and one shuffle looks 64 items up. Integers, so every instruction set
//! gives the same.
//!
//! Sources: Andre et al. 2017, "Accelerated nearest neighbor search with Quick ADC"; Guo et al.
//! 2020, "Accelerating large-scale inference with anisotropic vector quantization".

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

use super::Isa;

/// Items of a block.
pub const BLOCK: usize = 64;

/// Entries of a table.
pub const ENTRIES: usize = 16;

/// The largest entry: the sum of four fits a byte.
pub const MAX_ENTRY: u8 = 63;

/// The most tables: sums, to which as much may be added as [`MAX_BIAS`], fit 16 bits.
pub const MAX_TABLES: usize = 768;

/// The most that is added to a sum.
pub const MAX_BIAS: u16 = 16 << 10;

const _: () = assert!(MAX_TABLES * MAX_ENTRY as usize + (MAX_BIAS as usize) < 1 << 16);

/// Blocks that are read by one call at the most: places in them fit 16 bits.
pub const MAX_BLOCKS: usize = 512;

const _: () = assert!(MAX_BLOCKS * BLOCK < 1 << 16);

type Below = unsafe fn(Sums<'_>, u16, *mut u32) -> usize;

/// Blocks to be read, and what is looked up. A block is `tables / 2` rows of 64 bytes, one for two
/// tables: the code for the first in the lower half of a byte. Byte `2 * i` is item `i`, byte
/// `2 * i + 1` item `32 + i`. Behind them may be biases, one of 15 bits for each item.
#[derive(Clone, Copy)]
pub struct Sums<'a> {
    /// Of 16 entries each, none above [`MAX_ENTRY`]; an even number.
    pub tables: &'a [u8],
    /// Whole ones, biases included.
    pub blocks: &'a [u8],
    /// What biases are added times, in 32,768ths, not below zero; none where there are none.
    pub factor: Option<i16>,
}

impl Sums<'_> {
    /// Rows of a block.
    fn n_rows(&self) -> usize {
        self.tables.len() / (2 * ENTRIES)
    }

    fn block_bytes(&self) -> usize {
        block_bytes(2 * self.n_rows(), self.factor.is_some())
    }
}

/// Bytes of a block for so many tables.
pub const fn block_bytes(n_tables: usize, has_biases: bool) -> usize {
    n_tables / 2 * BLOCK + if has_biases { 2 * BLOCK } else { 0 }
}

/// The reading of blocks, compiled for one instruction set.
#[derive(Clone, Copy)]
pub struct BlockKernel {
    below: Below,
}

impl BlockKernel {
    /// The kernel for `isa`; panics when this processor lacks it, which is what makes
    /// [`below`](Self::below) safe.
    pub fn new(isa: Isa) -> Self {
        assert!(
            isa.is_available(),
            "this processor cannot run {} kernels",
            isa.name()
        );
        let below: Below = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::below,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::below,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::DotProd => neon::below,
            _ => portable,
        };
        BlockKernel { below }
    }

    /// Writes each place whose sum is no more than `most`, in order, as `sum << 16 | place`, to the
    /// first of `to`; says how many there are. Panics unless there are up to [`MAX_BLOCKS`] whole
    /// blocks and room in `to` for all places.
    #[inline]
    pub fn below(&self, sums: Sums<'_>, most: u16, to: &mut [u32]) -> usize {
        let (n_tables, rest) = (sums.tables.len() / ENTRIES, sums.tables.len() % ENTRIES);
        assert!(
            rest == 0 && n_tables % 2 == 0 && (2..=MAX_TABLES).contains(&n_tables),
            "{} bytes of tables",
            sums.tables.len()
        );
        let n_blocks = sums.blocks.len() / sums.block_bytes();
        assert_eq!(sums.blocks.len(), n_blocks * sums.block_bytes(), "blocks");
        assert!(n_blocks <= MAX_BLOCKS, "{n_blocks} blocks");
        // Of -1 times -1, which is none of 16 bits, processors make different things.
        assert!(
            sums.factor.is_none_or(|factor| factor >= 0),
            "a factor below zero"
        );
        let n = n_blocks * BLOCK;
        assert!(to.len() >= n, "room for {} of {n}", to.len());
        // SAFETY: the lengths were checked above, and the processor in `new`.
        unsafe { (self.below)(sums, most, to.as_mut_ptr()) }
    }
}

/// # Safety
/// What [`BlockKernel::below`] checks.
unsafe fn portable(sums: Sums<'_>, most: u16, to: *mut u32) -> usize {
    let (mut n, factor) = (0, sums.factor.unwrap_or(0));
    for (b, block) in sums.blocks.chunks_exact(sums.block_bytes()).enumerate() {
        let mut all = [0u16; BLOCK];
        let (rows, biases) = block.split_at(sums.n_rows() * BLOCK);
        let biases = biases.as_chunks::<2>().0;
        for (row, tables) in rows
            .chunks_exact(BLOCK)
            .zip(sums.tables.chunks_exact(2 * ENTRIES))
        {
            for (i, sum) in all.iter_mut().enumerate() {
                let code = row[2 * (i % 32) + i / 32];
                let low = tables[usize::from(code & 15)];
                let high = tables[ENTRIES + usize::from(code >> 4)];
                *sum += u16::from(low) + u16::from(high);
            }
        }
        for (i, &sum) in all.iter().enumerate() {
            let place = b * BLOCK + i;
            let bias = biases.get(i).map_or(0, |&bias| {
                let product = i32::from(i16::from_le_bytes(bias)) * i32::from(factor);
                ((product >> 14) + 1) >> 1
            });
            let sum = sum.saturating_add(bias as u16);
            if sum <= most {
                // SAFETY: there is room for every place.
                unsafe { *to.add(n) = u32::from(sum) << 16 | place as u32 };
                n += 1;
            }
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every instruction set against the plain one, which is tried against the definition.
    #[test]
    fn every_kernel_finds_the_same() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for n_tables in [2, 4, 6, 26, MAX_TABLES] {
            for n_blocks in [0, 1, 3] {
                let tables: Vec<u8> = (0..n_tables * ENTRIES)
                    .map(|_| random() % (MAX_ENTRY + 1))
                    .collect();
                for factor in [Some(9000), Some(i16::MAX), None] {
                    let size = block_bytes(n_tables, factor.is_some());
                    let blocks: Vec<u8> = (0..n_blocks * size).map(|_| random()).collect();
                    let sums = Sums {
                        tables: &tables,
                        blocks: &blocks,
                        factor,
                    };
                    let sum = |place: usize| {
                        let (block, i) = (place / BLOCK, place % BLOCK);
                        let code = |table: usize| {
                            let row = block * size + table / 2 * BLOCK;
                            let byte = blocks[row + 2 * (i % 32) + i / 32];
                            usize::from(byte >> (4 * (table % 2)) & 15)
                        };
                        let entry = |table| u32::from(tables[table * ENTRIES + code(table)]);
                        // A damaged file's may be below zero.
                        let bias = |factor: i16| {
                            let at = block * size + n_tables / 2 * BLOCK + 2 * i;
                            let bias = i16::from_le_bytes([blocks[at], blocks[at + 1]]);
                            let exact = f64::from(bias) * f64::from(factor) / 32768.0;
                            u32::from((exact + 0.5).floor() as i16 as u16)
                        };
                        let bias = factor.map_or(0, bias);
                        (0..n_tables).map(entry).sum::<u32>() + bias
                    };
                    let middle = (n_tables * 32) as u16;
                    for most in [0, middle, u16::MAX] {
                        let expected: Vec<u32> = (0..n_blocks * BLOCK)
                            .map(|place| (sum(place).min(0xffff), place as u32))
                            .filter(|&(sum, _)| sum <= u32::from(most))
                            .map(|(sum, place)| sum << 16 | place)
                            .collect();
                        for isa in Isa::available() {
                            let mut to = vec![7; n_blocks * BLOCK];
                            let n = BlockKernel::new(isa).below(sums, most, &mut to);
                            assert_eq!(to[..n], expected, "{} {n_tables} {most}", isa.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "room for 63 of 64")]
    fn room_for_all() {
        let sums = Sums {
            tables: &[0; 32],
            blocks: &[0; 64],
            factor: None,
        };
        BlockKernel::new(Isa::Portable).below(sums, 1, &mut [0; 63]);
    }
}
