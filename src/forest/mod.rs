//! The forest: random projection trees over the items.
//!
//! - [`tree`]: builds one tree.
//! - [`trial`]: which way of splitting finds most, on a sample.
//! - [`upper`]: builds the upper levels of several at once.
//! - [`build`]: builds many, by threads, and hands them over in order.
//! - [`extend`]: puts more items into a tree, and takes items out; writes it anew.
//! - [`insert`]: puts one item into all trees, where they lie.
//! - [`order`]: the order of nodes in a file.
//! - [`peek`]: reads nodes of a file here and there.
//! - [`roots`]: finds the trees in the bytes of an index, and says whether they hold together.
//! - [`trees`]: decodes and checks the nodes that a walk comes to.
//! - [`inspect`]: walks all trees, for verifying and for facts.
//! - [`descend`]: down each tree to one leaf.
//! - [`search`]: best-first search over all trees at once.

pub mod build;
pub mod descend;
pub mod extend;
pub mod insert;
pub mod inspect;
pub mod order;
pub mod peek;
pub mod roots;
pub mod search;
pub mod tree;
pub mod trees;
mod trial;
mod upper;
