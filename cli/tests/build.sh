#!/usr/bin/env bash
# Builds the command for tests, and prints where it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/packages.sh
target=${CARGO_TARGET_DIR:-target}
# With a test, the smallest: what tests depend on has its features then as where all are built.
cargo build --quiet "${packages_of_rust[@]}" --bin annoy --test sanitizers >&2
echo "$(cd "$target" && pwd)/debug/annoy"
