#!/usr/bin/env bash
# Runs programs of others that import annoy, on annoy-rs-compat and on PyPI annoy 1.17.3: clients.py
# says which.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
work=$PWD/target/python/clients
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$work"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
python=$work/venv/bin/python
rm -rf "$work/wheels"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work/wheels" \
    ./bindings/python ./bindings/python/compat
"$python" bindings/python/compat/clients.py "$work"
