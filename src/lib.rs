//! Annoy rebuilt in Rust: approximate nearest neighbours in memory-mapped files, behind a C ABI.
//!
//! [`Index`] is the whole library; `include/annoy.h` is the same for C. ARCHITECTURE.md says how
//! the parts fit, FORMAT.md what the files hold.

#![deny(missing_docs, unsafe_code)]
#![warn(clippy::undocumented_unsafe_blocks)]
// What ends the process without memory: clippy.toml says what takes its place.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_macros))]
// Asked of public types only, which these are not meant to be.
#![cfg_attr(feature = "internals", allow(clippy::len_without_is_empty))]

// First: its `format!` is meant in all that follow.
#[macro_use]
mod memory;

mod curve;
mod error;
#[cfg(not(feature = "fault-injection"))]
mod fault;
#[cfg(feature = "fault-injection")]
#[doc(hidden)]
pub mod fault;
// Not for Rust callers: C callers read of it in include/annoy.h.
#[allow(unsafe_code)]
#[doc(hidden)]
pub mod ffi;
mod file;
mod forest;
mod graph;
mod index;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
#[allow(unsafe_code)]
mod kernel;
mod labels;
mod layout;
mod metric;
mod query;
mod queue;
mod removed;
mod rng;
mod scan;
mod shards;
#[allow(unsafe_code)]
mod storage;
mod types;
mod wire;
mod work;

pub use error::{Error, Result};
pub use forest::inspect::{Fault, Shape};
pub use forest::roots::MAX_TREES;
pub use index::files::MAX_METADATA;
pub use index::graph::GraphPlan;
pub use index::insert::Insertion;
pub use index::log::{Log, LogLevel};
pub use index::probe::{probe, Kind};
pub use index::search::{Search, Way, EXACT_ITEMS};
pub use index::vector::{Vector, VectorMut};
pub use index::verify::{Info, Report};
pub use index::{kernel_name, Index};
pub use labels::{Label, LabelKind};
pub use query::filter::Bitmap;
pub use query::Neighbor;
pub use rng::DEFAULT_SEED;
pub use shards::commit::NewShard;
pub use shards::manifest::{Manifest, Removal, Shard, Sum};
pub use shards::open::View;
pub use shards::{ShardAccess, Shards};
pub use storage::{Access, Bytes};
pub use types::{IdWidth, Metric, Options, ScalarType, MAX_ELEMENTS};
pub use work::{Cancel, Stage, Work, MAX_THREADS};

/// The README's Rust, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
