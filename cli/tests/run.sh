#!/usr/bin/env bash
# Builds the command and tests it, in the environment of the Python tests: the files that it reads
# are made by NumPy, pandas and pyarrow.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}
python=$(bash bindings/python/tests/venv.sh)
# In a place of its own: with what else the command needs the library's dependencies are others, and
# the Rust tests would be compiled over it.
cargo build --quiet -p annoy-cli --target-dir "$target/cli"
ANNOY_COMMAND=$(cd "$target" && pwd)/cli/debug/annoy
export ANNOY_COMMAND
"$python" -m pytest -q -p no:cacheprovider cli/tests
"$python" -m mypy --config-file bindings/python/pyproject.toml --cache-dir target/python/mypy cli/tests
echo "1 passed, 0 failed"
