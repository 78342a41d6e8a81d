#!/usr/bin/env bash
# Builds the command and tests it, in the environment of the Python tests: the files that it reads
# are made by NumPy, pandas and pyarrow.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}
python=$(bash bindings/python/tests/venv.sh)
# With the library of the Rust tests: see tests/run.sh. A test, the smallest, is built with it for
# the features of what tests depend on.
cargo build --quiet -p annoy_rs -p annoy-cli --features annoy_rs/fault-injection,annoy_rs/internals \
    --bin annoy --test sanitizers
ANNOY_COMMAND=$(cd "$target" && pwd)/debug/annoy
export ANNOY_COMMAND
"$python" -m pytest -q -p no:cacheprovider cli/tests
"$python" -m mypy --config-file bindings/python/pyproject.toml --cache-dir target/python/mypy cli/tests
echo "1 passed, 0 failed"
