//! What each fuzz target does with an input. Here is no libFuzzer: `targets/` has that, and
//! tests/rust/fuzzed.rs replays the corpus through the same code.
//!
//! - [`file`]: a valid file, damaged as the input says, loaded, asked, verified, probed, saved.
//! - [`superblock`]: a superblock and sections made of the input, with checksums that are right.
//! - [`manifest`]: the manifest of a directory of shards, with a checksum that is right.
//! - [`calls`]: calls of the C ABI, in any order and with any arguments.
//! - `seeds`: the valid files. `mutate`: what can be done to them. `examine`: what must hold of
//!   whatever opens.
//! - `memory_file`: a file in memory. `handles`: what an index looked like before a call that
//!   fails.

// Clippy asks it of public types, which those of the tests are not meant to be.
#[allow(clippy::should_implement_trait)]
#[path = "../../tests/common/mod.rs"]
pub mod common;

pub mod calls;
mod examine;
pub mod file;
mod handles;
pub mod manifest;
mod memory_file;
pub mod mutate;
mod seeds;
pub mod superblock;
