//! The Rust tests of the public API, in one program: to link one for each file would take longer than most of them run.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::common;

mod bad_input;
mod blind;
mod bounded;
mod bytes;
mod changing;
mod concurrency;
mod conformance;
mod corrupt;
mod damaged;
mod damaged_graphs;
mod damaged_sections;
mod described;
mod determinism;
mod disk;
mod dot;
mod edge;
mod edge_data;
mod format;
mod fuzzed;
mod golden;
mod graph;
mod graph_bytes;
mod graph_falls;
mod graph_filters;
mod kill;
mod labels;
mod lengths;
mod projection;
mod properties;
mod recall;
mod removal;
mod save;
mod search;
mod states;
mod thaw;
mod work;
