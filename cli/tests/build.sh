#!/usr/bin/env bash
# Builds the command for tests, and prints where it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# In a place of its own: with what else the command needs the library's dependencies are others, and
# the Rust tests would be compiled over it.
target=${CARGO_TARGET_DIR:-target}/cli
# HDF5 is for thorough runs: it takes as long to compile as all that is tested of it is worth.
features=(--no-default-features --features parquet)
[ -z "${ANNOY_RS_THOROUGH:-}" ] || features=()
cargo build --quiet -p annoy-cli "${features[@]}" --target-dir "$target" >&2
echo "$(cd "$target" && pwd)/debug/annoy"
