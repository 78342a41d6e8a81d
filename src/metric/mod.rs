//! What the forest must know of a metric: how to split a set of items, on which side of a split an
//! item lies, how far a query is from a split and from an item.
//!
//! - [`angular`], [`dot`], [`minkowski`] (euclidean and manhattan), [`hamming`]: one metric each.
//! - [`plane`]: the split plane of the float metrics.
//! - [`two_means`]: the clustering in two that places it.
//! - [`order`]: distances and priorities as integers that sort alike.
//! - [`precise`]: distances of the pairs that single sums of squares cannot tell.

pub mod angular;
pub mod dot;
pub mod hamming;
pub mod minkowski;
pub mod order;
mod plane;
mod precise;
mod two_means;

use crate::error::Result;
use crate::kernel::{Measure, Row, Scalar};
use crate::layout::{NodeLayout, NodeMut, NodeRef, Nodes, Points};
use crate::rng::Stream;

/// A position in [`Points`]: an item id, or an index into a local copy. Narrow, because the order
/// of a tree's items is moved about a lot.
pub trait Position: bytemuck::Pod + Send + Sync {
    /// Narrows; the caller has checked that it fits.
    fn new(position: usize) -> Self;
    /// Widens.
    fn get(self) -> usize;
}

impl Position for u32 {
    fn new(position: usize) -> Self {
        position as u32
    }
    #[inline]
    fn get(self) -> usize {
        self as usize
    }
}

impl Position for u64 {
    fn new(position: usize) -> Self {
        position as u64
    }
    #[inline]
    fn get(self) -> usize {
        self as usize
    }
}

/// A vector that items are compared with.
#[derive(Clone, Copy)]
pub struct Query<'a, T> {
    /// The vector.
    pub row: Row<'a, T>,
    /// Its squared norm, where the metric needs it; NaN where that is no number to compute with.
    pub squared_norm: T,
}

/// Attempts at a balanced split; inherited.
pub const ATTEMPTS: usize = 3;

/// One metric over one scalar type. Distances and priorities are order-preserving integers (see
/// [`order`]).
pub trait Space: Send + Sync + Sized + 'static {
    /// Element of a stored vector.
    type T: Scalar;
    /// A split being made.
    type Plane: Send;
    /// Room to find splits in.
    type Room: Send;

    /// How codes of its vectors are compared.
    const MEASURE: Measure;

    /// Whether near means a large product: codes are then compared by theirs.
    const BY_PRODUCT: bool = false;

    /// What a vector is multiplied by before it is made a code.
    fn code_factor(&self, row: Row<'_, Self::T>) -> f64 {
        let _ = row;
        1.0
    }

    /// Whether all elements are finite numbers.
    fn all_finite(&self, row: Row<'_, Self::T>) -> bool {
        let _ = row;
        true
    }

    /// Whether the vector is as far from every other one: for angular the zero vector, which has no
    /// direction.
    fn is_null(&self, row: Row<'_, Self::T>) -> bool {
        let _ = row;
        false
    }

    /// The number stored beside an item's vector when it is added.
    fn item_extra(&self, row: Row<'_, Self::T>) -> Self::T;

    /// Completes the item nodes before trees are built.
    fn prepare(&self, items: &mut [u8], layout: &NodeLayout) {
        let _ = (items, layout);
    }

    /// What [`prepare`](Self::prepare) found out about all items, for one more.
    fn largest(&self, items: &Nodes<'_>) -> f64 {
        let _ = items;
        0.0
    }

    /// Completes the node of one more item. Not where that would change others.
    fn prepare_one(&self, item: &mut NodeMut<'_>, largest: f64) -> bool {
        let _ = (item, largest);
        true
    }

    /// What splits want to know of an item, from the number in its node.
    fn split_extra(stored: Self::T, row: Row<'_, Self::T>) -> Self::T {
        let _ = row;
        stored
    }

    /// The same where it is not told by one item's node alone: of each item, in place of
    /// [`split_extra`](Self::split_extra).
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    fn extras(&self, items: &Nodes<'_>) -> Result<Option<Vec<Self::T>>> {
        let _ = items;
        Ok(None)
    }

    /// Whether it has several [`variants`](Self::variants).
    const HAS_VARIANTS: bool = false;

    /// Ways of splitting, where it depends on the data which finds most: then they are tried. The
    /// usual one first; each is one space or several that trees take in turn, as all of them search
    /// alike. They may look at the [`extras`](Self::extras) of some items.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    fn variants(&self, extras: &[Self::T]) -> Result<Vec<Vec<Self>>> {
        let _ = extras;
        Ok(Vec::new())
    }

    /// A plane of no direction.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    fn plane(&self) -> Result<Self::Plane>;

    /// Room for [`split`](Self::split).
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    fn room(&self) -> Result<Self::Room>;

    /// Places the plane between the two halves of a subset of at least two items. `attempt` planes
    /// of before left nearly all items on one side.
    fn split<P: Position>(
        &self,
        points: &Points<'_, Self::T>,
        subset: &[P],
        attempt: usize,
        random: &mut Stream,
        plane: &mut Self::Plane,
        room: &mut Self::Room,
    );

    /// Says for each item of the subset whether it lies on the right.
    fn sides<P: Position>(
        &self,
        points: &Points<'_, Self::T>,
        subset: &[P],
        plane: &Self::Plane,
        random: &mut Stream,
        right: &mut [bool],
    );

    /// Takes the plane's direction away: its sides were chosen by coin tosses.
    fn flatten(&self, plane: &mut Self::Plane);

    /// Writes the plane into a split node.
    fn store(&self, plane: &Self::Plane, node: &mut NodeMut<'_>);

    /// Makes a vector ready to be compared with items.
    fn query<'a>(&self, row: Row<'a, Self::T>) -> Query<'a, Self::T>;

    /// Priority of the roots.
    fn root_priority(&self) -> u64;

    /// Priorities of the two children of a split node that has `priority` itself. `None` when the
    /// node cannot be a split of this metric.
    fn descend(
        &self,
        node: NodeRef<'_>,
        query: &Query<'_, Self::T>,
        priority: u64,
    ) -> Option<[u64; 2]>;

    /// How far a split's plane lies from where all numbers are zero, for metrics whose planes do
    /// not go through there.
    fn offset(&self, split: NodeRef<'_>) -> Self::T {
        let _ = split;
        Self::T::default()
    }

    /// Distance to an item.
    fn distance(&self, query: &Query<'_, Self::T>, item: NodeRef<'_>) -> u64;

    /// The integer of a distance of 1, or of a square that is compared in its place.
    fn unit(&self) -> u64 {
        order::key(1.0)
    }

    /// The distance as it is given to the caller.
    fn report(&self, distance: u64) -> f64;

    /// Whether a distance is no farther than `most`, as the caller sees them.
    fn is_within(&self, distance: u64, most: f64) -> bool {
        self.report(distance) <= most
    }

    /// Whether the node, which should be a split, could be one: used to find out what a file holds.
    fn plausible_split(&self, node: NodeRef<'_>) -> Result<(), String>;

    /// Whether the node, which should be an item, could be one.
    fn plausible_item(&self, node: NodeRef<'_>) -> Result<(), String>;
}

/// What nodes of a file can be, whatever their metric and scalar type: looking through files is
/// compiled once, where what asks [`Space`] by name is compiled for each.
pub trait Plausible {
    /// Whether all elements of a node's vector are finite numbers.
    fn is_finite(&self, node: NodeRef<'_>) -> bool;

    /// See [`Space::plausible_split`].
    ///
    /// # Errors
    /// What is wrong.
    fn check_split(&self, node: NodeRef<'_>) -> Result<(), String>;

    /// See [`Space::plausible_item`].
    ///
    /// # Errors
    /// What is wrong.
    fn check_item(&self, node: NodeRef<'_>) -> Result<(), String>;
}

impl<S: Space> Plausible for S {
    fn is_finite(&self, node: NodeRef<'_>) -> bool {
        self.all_finite(node.row())
    }

    fn check_split(&self, node: NodeRef<'_>) -> Result<(), String> {
        self.plausible_split(node)
    }

    fn check_item(&self, node: NodeRef<'_>) -> Result<(), String> {
        self.plausible_item(node)
    }
}
