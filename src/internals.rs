//! What the micro-benchmarks in `benches/micro` measure and the API does not show: the kernels, and
//! the steps of a split.
//!
//! Behind the feature `internals`. No part of the API: anything here may change or go at any time.
//!
//! The steps of a split are reached through functions that are not generic, so that what is
//! measured is compiled in this crate, as what an index runs is.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)] // benchmarks have memory

pub use crate::kernel::{
    block_bytes, BitKernels, BlockKernel, CodeKernel, CodeRows, Eight, Float, FloatKernels, Isa,
    Measure, Padded, Row, Sums, BLOCK, ENTRIES, ROWS,
};

use crate::error::{Error, Result};
use crate::forest::tree;
use crate::index::vector::{Stored, Vector};
use crate::layout::{Gathered, NodeLayout, NodeMut, Nodes, Points};
use crate::metric::angular::Angular;
use crate::metric::dot::Dot;
use crate::metric::hamming::Hamming;
use crate::metric::minkowski::{Minkowski, L1, L2};
use crate::metric::Space;
use crate::rng::{Key, Stream, DEFAULT_SEED};
use crate::types::{Metric, Options};
use std::marker::PhantomData;

/// A subset of items to be split, its vectors copied to one place as a build does it.
pub trait Subset {
    /// Places a plane by two-means (hamming: draws a bit), another one each time.
    fn place_plane(&mut self);

    /// Finds on which side of the plane each item lies: true for the right.
    fn find_sides(&mut self) -> &[bool];
}

/// Makes a subset of these vectors, f32 or (hamming) words of 64 bits, and lends it to `work`.
///
/// # Errors
/// When the vectors are not what the options ask for, or memory is short.
pub fn with_subset(
    options: Options,
    vectors: &[Vector<'_>],
    work: &mut dyn FnMut(&mut dyn Subset),
) -> Result<()> {
    let isa = Isa::choose().map_err(Error::Unsupported)?;
    let (kernels, f) = (f32::kernels(isa), options.f);
    match options.metric {
        Metric::Angular => lend(Angular::new(kernels, f), options, vectors, work),
        Metric::Dot => lend(Dot::new(kernels, f), options, vectors, work),
        Metric::Euclidean => {
            let norm = PhantomData::<L2>;
            lend(Minkowski { kernels, f, norm }, options, vectors, work)
        }
        Metric::Manhattan => {
            let norm = PhantomData::<L1>;
            lend(Minkowski { kernels, f, norm }, options, vectors, work)
        }
        Metric::Hamming => {
            let space = Hamming::<u64> {
                kernels: BitKernels::for_isa(isa),
                words: options.elements(),
                bits: f,
                word: PhantomData,
            };
            lend(space, options, vectors, work)
        }
    }
}

/// Moves the items on the left to the front and returns how many they are; `moved` is room.
///
/// # Errors
/// When memory is short.
pub fn partition(subset: &mut [u32], right: &[bool], moved: &mut Vec<u32>) -> Result<usize> {
    tree::partition(subset, right, moved)
}

/// Items of one metric, and what a build keeps to split them.
struct Splitting<'a, S: Space> {
    space: S,
    points: Points<'a, S::T>,
    positions: Vec<u32>,
    random: Stream,
    plane: S::Plane,
    room: S::Room,
    right: Vec<bool>,
}

impl<S: Space> Subset for Splitting<'_, S> {
    fn place_plane(&mut self) {
        self.space.split(
            &self.points,
            &self.positions,
            0,
            &mut self.random,
            &mut self.plane,
            &mut self.room,
        );
    }

    fn find_sides(&mut self) -> &[bool] {
        self.space.sides(
            &self.points,
            &self.positions,
            &self.plane,
            &mut self.random,
            &mut self.right,
        );
        &self.right
    }
}

fn lend<S: Space>(
    space: S,
    options: Options,
    vectors: &[Vector<'_>],
    work: &mut dyn FnMut(&mut dyn Subset),
) -> Result<()>
where
    S::T: Stored,
{
    let layout = NodeLayout::written(options);
    let mut nodes = vec![0; vectors.len() * layout.node_size];
    for (bytes, &vector) in nodes.chunks_exact_mut(layout.node_size).zip(vectors) {
        let mut buffer = Vec::new();
        let row = S::T::import(&options, vector, &mut buffer)?;
        let mut node = NodeMut::new(bytes, &layout);
        node.set_n_descendants(1);
        node.set_extra(space.item_extra(row));
        node.set_vector(row);
    }
    space.prepare(&mut nodes, &layout);
    let extras = space.extras(&Nodes::new(&nodes, &layout))?;
    let mut in_place = Points::in_place(&nodes, &layout, S::split_extra);
    if let Some(extras) = &extras {
        in_place = in_place.with_extras(extras);
    }
    let mut gathered = Gathered::new(in_place.len());
    let mut splitting = Splitting {
        points: in_place.gather(0..vectors.len(), &mut gathered)?,
        positions: (0..vectors.len() as u32).collect(),
        random: Key::root(DEFAULT_SEED, 0).stream(),
        plane: space.plane()?,
        room: space.room()?,
        right: vec![false; vectors.len()],
        space,
    };
    work(&mut splitting);
    Ok(())
}
