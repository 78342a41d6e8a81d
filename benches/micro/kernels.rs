//! The kernels as they are measured: on eight vectors, by eight calls or by one, so that the two
//! can be compared.
//!
//! What searches call gets vectors as they lie in a file, at an odd address and with a tail; what
//! builds call gets them aligned and padded.

use crate::data::clustered;
use crate::data::common::Item;
use annoy_rs::internals::{
    block_bytes, BitKernels, BlockKernel, CodeKernel, CodeRows, Eight, Float, Isa, Measure, Padded,
    Row, Sums, BLOCK, ENTRIES, ROWS,
};
use annoy_rs::{Metric, Options};
use std::hint::black_box;

/// Lengths of the float vectors: two with a tail, of 2 and of none; a long one.
pub const DIMENSIONS: [usize; 3] = [50, 128, 784];

/// Lengths of the bit vectors.
pub const BITS: [usize; 3] = [128, 256, 1024];

/// Lengths of the codes.
pub const CODES: [usize; 3] = [32, 128, 784];

/// Tables that are looked up for each item of a block.
pub const TABLES: [usize; 2] = [26, 100];

/// Bytes before the vector in a node of the file (angular, 32-bit ids).
const HEADER: usize = 12;

/// Hands `take` every operation on vectors of `f` floats: its name, and what to call.
pub fn each_float(isa: Isa, f: usize, mut take: impl FnMut(&str, &mut dyn FnMut())) {
    let kernels = f32::kernels(isa);
    let vectors: Vec<Vec<f32>> = clustered(Options::new(Metric::Angular, f), ROWS + 2)
        .into_iter()
        .map(|item| match item {
            Item::F32(values) => values,
            _ => unreachable!("angular is f32"),
        })
        .collect();

    let mut file = Vec::new();
    for vector in &vectors {
        file.extend([0; HEADER]);
        file.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
    }
    let nodes: Vec<Row<'_, f32>> = file
        .chunks_exact(HEADER + 4 * f)
        .map(|node| Row::from_bytes(&node[HEADER..]))
        .collect();
    let (nodes, query) = (&nodes[..ROWS], nodes[ROWS]);
    take("dot", &mut || {
        for &row in nodes {
            black_box(kernels.dot(query, row));
        }
    });
    take("l2", &mut || {
        for &row in nodes {
            black_box(kernels.l2sq(query, row));
        }
    });
    take("l1", &mut || {
        for &row in nodes {
            black_box(kernels.l1(query, row));
        }
    });
    take("all_finite", &mut || {
        for &row in nodes {
            black_box(kernels.all_finite(row));
        }
    });

    let padded: Vec<Padded<f32>> = vectors
        .iter()
        .map(|vector| {
            let mut padded = Padded::zeros(f).unwrap();
            padded.copy_from_slice(vector);
            padded
        })
        .collect();
    let len = padded[0].padded_len();
    let rows = Eight::new(std::array::from_fn(|i| padded[i].row(len)));
    let centres = [padded[ROWS].row(len), padded[ROWS + 1].row(len)];
    take("dots", &mut || {
        black_box(kernels.dots(&rows, centres[0]));
    });
    take("dot_pairs", &mut || {
        black_box(kernels.dot_pairs(&rows, centres));
    });
    take("l2_pairs", &mut || {
        black_box(kernels.l2sq_pairs(&rows, centres));
    });
    take("l1_pairs", &mut || {
        black_box(kernels.l1_pairs(&rows, centres));
    });
    let (mut p, mut q) = (padded[ROWS].clone(), padded[ROWS + 1].clone());
    // Half of it is kept, so that it does not grow.
    let weights: [[f32; ROWS]; 2] =
        std::array::from_fn(|c| std::array::from_fn(|r| ((r + c) % 2) as f32));
    take("blend", &mut || {
        black_box(kernels.blend([&mut p, &mut q], [0.5; 2], &rows, &weights));
    });
}

/// Hands `take` the operation on vectors of `bits` bits.
pub fn each_bits(isa: Isa, bits: usize, mut take: impl FnMut(&str, &mut dyn FnMut())) {
    let kernels = BitKernels::for_isa(isa);
    let vectors: Vec<Vec<u64>> = clustered(Options::new(Metric::Hamming, bits), ROWS + 1)
        .into_iter()
        .map(|item| match item {
            Item::Bits(words) => words,
            _ => unreachable!("hamming is bits"),
        })
        .collect();
    let rows: Vec<Row<'_, u64>> = vectors.iter().map(|words| Row::from_slice(words)).collect();
    let (rows, query) = (&rows[..ROWS], rows[ROWS]);
    take("hamming", &mut || {
        for row in rows {
            black_box(kernels.hamming(query.bytes(), row.bytes()));
        }
    });
}

/// Hands `take` every operation on codes of `len` bytes.
pub fn each_code(isa: Isa, len: usize, mut take: impl FnMut(&str, &mut dyn FnMut())) {
    let stride = CodeRows::stride(len);
    let bytes: Vec<u8> = (0..(ROWS + 1) * stride)
        .map(|i| {
            if i % stride < len {
                (i * 37 % 128) as u8
            } else {
                0
            }
        })
        .collect();
    let rows = CodeRows::new(&bytes, stride);
    let ids: [u32; ROWS] = std::array::from_fn(|i| i as u32);
    let kernels = [
        ("code_squares", CodeKernel::new(isa, Measure::Squares)),
        (
            "code_differences",
            CodeKernel::new(isa, Measure::Differences),
        ),
        ("code_bits", CodeKernel::new(isa, Measure::Bits)),
        ("code_products", CodeKernel::products(isa)),
    ];
    for (name, kernel) in kernels {
        let mut to = [0; ROWS];
        take(name, &mut || {
            kernel.distances(rows.row(ROWS), &rows, &ids, &mut to);
            black_box(to);
        });
    }
}

/// Hands `take` the sums of `n_tables` entries for the items of a block, none of which is kept.
pub fn each_block(isa: Isa, n_tables: usize, mut take: impl FnMut(&str, &mut dyn FnMut())) {
    let kernel = BlockKernel::new(isa);
    let tables: Vec<u8> = (0..n_tables * ENTRIES)
        .map(|i| (i % 31 + 1) as u8)
        .collect();
    let blocks: Vec<u8> = (0..block_bytes(n_tables, false))
        .map(|i| (i * 37 % 256) as u8)
        .collect();
    let sums = Sums {
        tables: &tables,
        blocks: &blocks,
        factor: None,
    };
    let mut to = [0; BLOCK];
    take("block", &mut || {
        black_box(kernel.below(sums, 0, &mut to));
    });
}
