//! The items of a graph as something whose distances are found quickly: their codes, or the vectors themselves where
//! codes cannot tell them apart.

use super::codes::{Coded, Coder, Codes, Source};
use crate::error::{reserve, Result};
use crate::kernel::{prefetch, CodeRows, Measure};
use crate::layout::Nodes;
use crate::metric::{order, Query, Space};
use crate::query::scorer::{Scorer, VectorScorer};

/// Items that are compared with each other and with queries. Distances are numbers that sort as they do.
pub trait Points: Copy + Sync {
    /// What the others are compared with: an item or a query.
    type From<'b>: Copy
    where
        Self: 'b;

    /// Copies of some of them.
    type Local<'b>: Points
    where
        Self: 'b;

    /// How many places for items there are.
    fn count(&self) -> usize;

    /// Asks memory for an item, if it is there.
    fn prefetch(&self, id: u32);

    /// One item; panics past the end.
    fn get(&self, id: u32) -> Self::From<'_>;

    /// The distances of one to others; panics past the end.
    fn distances(&self, from: Self::From<'_>, ids: &[u32], to: &mut [u32]);

    /// Whether two neighbours are so far apart that neither stands for the other: `between` them no less than the
    /// `reach` to the farther one, with a slack in 256ths.
    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool;

    /// Adds a copy of an item.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    fn copy(&self, id: u32, to: &mut Room) -> Result<()>;

    /// The copies, numbered in their order.
    fn local<'b>(&'b self, room: &'b Room) -> Self::Local<'b>;
}

/// Bits of a distance, which has 64, that are left out of those that are compared: of the 32 that these have 22 are
/// digits and the others are exponents, so that distances (of euclidean, squares) from 1e-154 to 1e154 can be told.
/// Products have a sign too, and 1e-77 to 1e77.
const LEFT_OUT: u32 = 30;

/// A distance in half the bits. `unit` is that of 1.
#[inline]
fn narrow(distance: u64, unit: u64) -> u32 {
    let from_least = distance.saturating_sub(unit - (1 << 61));
    (from_least.min((1 << 62) - 1) >> LEFT_OUT) as u32
}

/// The distance of what [`narrow`] gave.
fn widen(distance: u32, unit: u64) -> u64 {
    (u64::from(distance) << LEFT_OUT) + (unit - (1 << 61))
}

/// As [`narrow`], of numbers that may be below zero.
#[inline]
fn narrow_signed(distance: u64) -> u32 {
    // Where a number of either sign begins, and where that is among the others.
    let (least, place) = match distance >> 63 {
        0 => (order::key(-1.0) - (1 << 60), 0),
        _ => (order::key(1.0) - (1 << 60), 1 << 61),
    };
    let from_least = distance.saturating_sub(least).min((1 << 61) - 1);
    ((place + from_least) >> LEFT_OUT) as u32
}

/// Room for copies of items.
#[derive(Default)]
pub struct Room {
    rows: Vec<u8>,
    extras: Vec<u8>,
}

impl Room {
    pub fn clear(&mut self) {
        self.rows.clear();
        self.extras.clear();
    }
}

#[inline]
fn add(to: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    reserve(to, bytes.len())?;
    to.extend_from_slice(bytes);
    Ok(())
}

impl Points for Codes<'_> {
    type From<'b>
        = Coded<'b>
    where
        Self: 'b;
    type Local<'b>
        = Codes<'b>
    where
        Self: 'b;

    #[inline]
    fn count(&self) -> usize {
        self.rows.count()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.rows.prefetch(id as usize);
    }

    #[inline]
    fn get(&self, id: u32) -> Coded<'_> {
        Codes::get(self, id)
    }

    #[inline]
    fn distances(&self, from: Coded<'_>, ids: &[u32], to: &mut [u32]) {
        Codes::distances(self, from, ids, to);
    }

    #[inline]
    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool {
        u64::from(between) * slack >= u64::from(reach) * 256
    }

    #[inline]
    fn copy(&self, id: u32, to: &mut Room) -> Result<()> {
        let Coded { row, extra } = self.get(id);
        add(&mut to.rows, row)?;
        if !self.extras.is_empty() {
            add(&mut to.extras, &extra.to_le_bytes())?;
        }
        Ok(())
    }

    #[inline]
    fn local<'b>(&'b self, room: &'b Room) -> Codes<'b> {
        Codes {
            rows: CodeRows::new(&room.rows, self.rows.row_bytes()),
            extras: &room.extras,
            kernel: self.kernel,
        }
    }
}

#[inline]
fn narrow_distances<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    from: &Query<'_, S::T>,
    ids: &[u32],
    to: &mut [u32],
) {
    for (to, &id) in to.iter_mut().zip(ids) {
        let distance = space.distance(from, nodes.get(id as usize));
        *to = match S::BY_PRODUCT {
            true => narrow_signed(distance),
            false => narrow(distance, space.unit()),
        };
    }
}

/// A query to be searched for by a graph, whatever the metric and the scalar type.
pub trait GraphQuery: Scorer {
    /// Makes the query's code, in a place that is zero; `room` is for a whole code that is made short.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    fn encode(&self, coder: &Coder<'_>, room: &mut Vec<u8>, to: &mut [u8]) -> Result<()>;

    /// The distances of items by their vectors, as [`Points::distances`].
    fn distances(&self, ids: &[u32], to: &mut [u32]);
}

impl<S: Space> GraphQuery for VectorScorer<'_, S> {
    fn encode(&self, coder: &Coder<'_>, room: &mut Vec<u8>, to: &mut [u8]) -> Result<()> {
        coder.query(self.space, self.query.row, room, to)
    }

    fn distances(&self, ids: &[u32], to: &mut [u32]) {
        narrow_distances(self.space, self.nodes, &self.query, ids, to);
    }
}

/// Distances between vectors, whatever the metric and the scalar type.
pub trait Compare: Sync {
    /// As [`Points::distances`], of items in these nodes.
    fn distances(&self, nodes: &Nodes<'_>, from: u32, ids: &[u32], to: &mut [u32]);

    /// As [`Points::are_apart`].
    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool;
}

impl<S: Space> Compare for S {
    fn distances(&self, nodes: &Nodes<'_>, from: u32, ids: &[u32], to: &mut [u32]) {
        let from = self.query(nodes.get(from as usize).row());
        narrow_distances(self, nodes, &from, ids, to);
    }

    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool {
        if slack <= 256 {
            return between >= reach;
        }
        if S::BY_PRODUCT {
            // There is no distance that a slack could be a share of: with any, all are apart.
            return true;
        }
        let slack = slack as f64 / 256.0;
        let slack = match S::MEASURE {
            Measure::Squares => slack.sqrt(),
            Measure::Differences | Measure::Bits => slack,
        };
        let value = |distance| self.report(widen(distance, self.unit()));
        value(between) * slack >= value(reach)
    }
}

/// The items' vectors, compared as the metric has it.
#[derive(Clone, Copy)]
pub struct Vectors<'a> {
    space: &'a dyn Compare,
    nodes: Nodes<'a>,
    n_items: usize,
}

impl<'a> Vectors<'a> {
    pub fn of<S: Space>(source: &Source<'a, S>, n_items: usize) -> Self {
        Vectors {
            space: source.space,
            nodes: source.nodes,
            n_items,
        }
    }
}

impl Points for Vectors<'_> {
    type From<'b>
        = u32
    where
        Self: 'b;
    type Local<'b>
        = Vectors<'b>
    where
        Self: 'b;

    fn count(&self) -> usize {
        self.n_items
    }

    fn prefetch(&self, id: u32) {
        prefetch(self.nodes.get(id as usize).bytes());
    }

    fn get(&self, id: u32) -> u32 {
        id
    }

    fn distances(&self, from: u32, ids: &[u32], to: &mut [u32]) {
        self.space.distances(&self.nodes, from, ids, to);
    }

    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool {
        self.space.are_apart(between, reach, slack)
    }

    fn copy(&self, id: u32, to: &mut Room) -> Result<()> {
        add(&mut to.rows, self.nodes.get(id as usize).bytes())
    }

    fn local<'b>(&'b self, room: &'b Room) -> Vectors<'b> {
        let nodes = Nodes::new(&room.rows, self.nodes.layout());
        Vectors {
            space: self.space,
            nodes,
            n_items: nodes.count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From far below zero to far above it, where neighbours differ by a millionth.
    #[test]
    fn narrow_ones_sort_alike() {
        let sizes = [1e-70, 1e-30, 1e-3, 1.0, 1.000001, 1e6, 1e6 + 1.0, 1e60];
        let below = sizes.iter().rev().map(|x| -x);
        let sorted: Vec<f64> = below.chain([0.0]).chain(sizes).collect();
        let signed = |&x: &f64| narrow_signed(order::key(x));
        assert!(sorted.is_sorted_by(|a, b| signed(a) < signed(b)));
        for (unit, key) in [
            (order::key(1.0), order::key as fn(f64) -> u64),
            (order::square_key(1.0), order::square_key),
        ] {
            let narrow = |&x: &f64| narrow(key(x), unit);
            assert!(sizes.is_sorted_by(|a, b| narrow(a) < narrow(b)));
            for x in sizes {
                let again = widen(narrow(&x), unit);
                assert!(again <= key(x) && key(x) - again < 1 << LEFT_OUT);
            }
        }
    }

    #[test]
    fn narrow_ones_end_where_they_cannot_tell() {
        let unit = order::square_key(1.0);
        assert_eq!(narrow(order::root_key(0.0), unit), 0);
        assert_eq!(narrow(u64::MAX, unit), u32::MAX);
        assert_eq!(narrow(order::key(0.0), order::key(1.0)), 0);
        assert_eq!(narrow_signed(order::key(f64::NEG_INFINITY)), 0);
        assert_eq!(narrow_signed(u64::MAX), u32::MAX);
    }
}
