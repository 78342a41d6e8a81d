//! How a graph lies in a file, and in memory: FORMAT.md has the tables.
//!
//! - [`header`]: what the two sections, codes and graph, say of themselves, and where their parts
//!   are.
//! - [`grow`]: the same with places for more items.
//! - `read`: reading and checking that.
//! - [`view`]: the parts, to be searched.
//! - [`routes`]: the trees made small, for entry points.

pub mod grow;
pub mod header;
mod read;
pub mod routes;
pub mod view;
