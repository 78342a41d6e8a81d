//! Vectors as a graph needs them, whatever their metric and scalar type: what is made of these by
//! name is compiled eleven times, what asks by [`AnySpace`] once.

use super::points::{add, Copies, Points};
use super::Coder;
use crate::error::Result;
use crate::kernel::{prefetch, Measure, Scalar};
use crate::layout::{NodeRef, Nodes};
use crate::metric::{order, Query, Space};
use crate::query::scorer::{Scorer, VectorScorer};

/// Bits of a distance, which has 64, that are left out of those that are compared: of the 32 that
/// these have 22 are digits and the others are exponents, so that distances (of euclidean, squares)
/// from 1e-154 to 1e154 can be told. Products have a sign too, and 1e-77 to 1e77.
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
    /// Makes the query's code, in a place that is zero; `room` is for a whole code that is made
    /// short.
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

/// A metric over a scalar type as a graph needs it, whichever they are.
pub trait AnySpace: Sync {
    /// How codes are compared.
    fn measure(&self) -> Measure;

    /// Whether near means a large product.
    fn by_product(&self) -> bool;

    /// Whether an item is as far from every other one.
    fn is_null(&self, item: NodeRef<'_>) -> bool;

    /// The numbers that an item's code is made of; stops at the shorter of the two.
    fn numbers(&self, item: NodeRef<'_>, to: &mut [f64]);

    /// The numbers of a split's plane, as many as there is room for, and its offset.
    fn plane(&self, split: NodeRef<'_>, to: &mut [f64]) -> f64;

    /// An item's code; see [`Coder::item`].
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    fn encode(
        &self,
        coder: &Coder<'_>,
        item: NodeRef<'_>,
        room: &mut Vec<u8>,
        to: &mut [u8],
    ) -> Result<()>;

    /// As [`Points::distances`], of items in these nodes.
    fn distances(&self, nodes: &Nodes<'_>, from: u32, ids: &[u32], to: &mut [u32]);

    /// As [`Points::are_apart`].
    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool;

    /// Lends `search` a query for what is near to an item.
    ///
    /// # Errors
    /// Those of `search`.
    fn query_from(
        &self,
        nodes: &Nodes<'_>,
        item: u32,
        search: &mut dyn FnMut(&dyn GraphQuery) -> Result<()>,
    ) -> Result<()>;
}

impl<S: Space> AnySpace for S {
    fn measure(&self) -> Measure {
        S::MEASURE
    }

    fn by_product(&self) -> bool {
        S::BY_PRODUCT
    }

    fn is_null(&self, item: NodeRef<'_>) -> bool {
        Space::is_null(self, item.row())
    }

    fn numbers(&self, item: NodeRef<'_>, to: &mut [f64]) {
        let row = item.row::<S::T>();
        let factor = self.code_factor(row);
        for (to, x) in to.iter_mut().zip(row.iter()) {
            *to = x.to_f64() * factor;
        }
    }

    fn plane(&self, split: NodeRef<'_>, to: &mut [f64]) -> f64 {
        for (to, x) in to.iter_mut().zip(split.row::<S::T>().iter()) {
            *to = x.to_f64();
        }
        self.offset(split).to_f64()
    }

    fn encode(
        &self,
        coder: &Coder<'_>,
        item: NodeRef<'_>,
        room: &mut Vec<u8>,
        to: &mut [u8],
    ) -> Result<()> {
        coder.item(self, item.row(), room, to)
    }

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

    fn query_from(
        &self,
        nodes: &Nodes<'_>,
        item: u32,
        search: &mut dyn FnMut(&dyn GraphQuery) -> Result<()>,
    ) -> Result<()> {
        search(&VectorScorer {
            space: self,
            nodes,
            query: self.query(nodes.get(item as usize).row()),
        })
    }
}

/// Items, by their vectors.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub space: &'a dyn AnySpace,
    pub nodes: Nodes<'a>,
}

impl<'a> Source<'a> {
    /// The node of an item that is not missing.
    pub fn item(&self, id: usize) -> Option<NodeRef<'a>> {
        let node = self.nodes.get(id);
        (node.n_descendants() == 1).then_some(node)
    }

    /// Whether an item has neighbours: it is there, and not as far from everything.
    pub fn takes_part(&self, id: usize) -> bool {
        self.item(id).is_some_and(|item| !self.space.is_null(item))
    }
}

/// The items' vectors, compared as the metric has it.
#[derive(Clone, Copy)]
pub struct Vectors<'a> {
    source: Source<'a>,
    n_items: usize,
}

impl<'a> Vectors<'a> {
    pub fn of(source: &Source<'a>, n_items: usize) -> Self {
        Vectors {
            source: *source,
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
        prefetch(self.source.nodes.get(id as usize).bytes());
    }

    fn get(&self, id: u32) -> u32 {
        id
    }

    fn distances(&self, from: u32, ids: &[u32], to: &mut [u32]) {
        let Source { space, nodes } = &self.source;
        space.distances(nodes, from, ids, to);
    }

    fn are_apart(&self, between: u32, reach: u32, slack: u64) -> bool {
        self.source.space.are_apart(between, reach, slack)
    }

    fn copy(&self, id: u32, to: &mut Copies) -> Result<()> {
        add(&mut to.rows, self.source.nodes.get(id as usize).bytes())
    }

    fn local<'b>(&'b self, room: &'b Copies) -> Vectors<'b> {
        let nodes = Nodes::new(&room.rows, self.source.nodes.layout());
        Vectors {
            source: Source {
                nodes,
                ..self.source
            },
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
