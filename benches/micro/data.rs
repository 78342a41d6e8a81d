//! The vectors that are measured with, the same ones every time.

#[path = "../../tests/common/mod.rs"]
pub mod common;

use annoy_rs::{Metric, Options};
use common::{Item, Random};

const SEED: u64 = 20;

/// Vectors around one centre.
const PER_CENTRE: usize = 100;

/// How far they lie around it, to centres that lie 1 around the origin.
const SPREAD: f64 = 0.5;

/// `n` vectors around centres, gaussians around a gaussian (hamming: which of their numbers are
/// positive).
///
/// Numbers come from sums and products alone, which are the same on every machine.
pub fn clustered(options: Options, n: usize) -> Vec<Item> {
    let mut random = Random(SEED);
    let centres: Vec<Vec<f64>> = (0..n.div_ceil(PER_CENTRE))
        .map(|_| (0..options.f).map(|_| random.normal()).collect())
        .collect();
    // Where `Item` has a one, it finds more than a half.
    let shift = match options.metric {
        Metric::Hamming => 0.5,
        _ => 0.0,
    };
    (0..n)
        .map(|_| {
            let centre = &centres[random.below(centres.len())];
            Item::new(options, |i| centre[i] + SPREAD * random.normal() + shift)
        })
        .collect()
}

/// `f` numbers, or for hamming four times as many bits.
pub fn options(metric: Metric, f: usize) -> Options {
    let f = match metric {
        Metric::Hamming => 4 * f,
        _ => f,
    };
    Options::new(metric, f)
}
