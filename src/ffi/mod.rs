//! The C ABI: checks, converts, calls, converts back. `include/annoy.h` is generated from these
//! files, in this order.
//!
//! - `status`: status codes and the error struct.
//! - `library`: version, names of things.
//! - `handle`: making, freeing and asking an index.
//! - `log`: what it says while it works.
//! - `work`: threads, progress and cancellation of long calls.
//! - `vectors`: vectors of callers, of any element type.
//! - `item`: adding and reading items.
//! - `build`: building trees.
//! - `graph`: building a graph.
//! - `scan`: building a scan.
//! - `auto`: choosing between the two.
//! - `file`: saving and loading.
//! - `bytes`: saving to and loading from memory.
//! - `shards`: directories of shards.
//! - `labels`: names of items.
//! - `removal`: taking items out of what searches find.
//! - `insert`: changing what a built index holds.
//! - `nearest`: finding neighbours, the everyday calls.
//! - `options`: what a search may be told.
//! - `search`: finding neighbours, for any number of queries.
//! - `recall`: how much of the truth searches find.
//! - `verify`: verifying, facts, and what a file may be.
//! - `sized`: structs that may get more fields.
//! - `either`: an index of one file, or of shards.
//! - `lock`: which calls may use an index at the same time.
//! - `parking`: where they wait for each other.
//! - `guard`: what every function's body runs in, and how arguments are read.
#![allow(non_camel_case_types)]

pub mod auto;
pub mod build;
pub mod bytes;
mod either;
pub mod file;
pub mod graph;
mod guard;
pub mod handle;
pub mod insert;
pub mod item;
pub mod labels;
pub mod library;
mod lock;
pub mod log;
pub mod nearest;
pub mod options;
mod parking;
pub mod recall;
pub mod removal;
pub mod scan;
pub mod search;
pub mod shards;
mod sized;
pub mod status;
pub mod vectors;
pub mod verify;
pub mod work;
