#!/usr/bin/env bash
# Builds a wheel, installs it into an environment of its own under target/python, and tests it from
# another directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
root=$PWD
work=$root/target/python
python=$(bash bindings/python/tests/venv.sh)
# What maturin and cargo take.
export PATH=$work/venv/bin:$PATH PYO3_PYTHON=$python
cargo clippy --quiet -p annoy_rs_python -- -D warnings && echo "1 passed, 0 failed"
rm -rf "$work/wheels"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$work/wheels" ./bindings/python ./bindings/python/compat
wheel=$(echo "$work"/wheels/annoy_rs-*-cp39-abi3-*.whl)
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"

# Without the sources: nothing of the repository is on the way, and no other library
# of ours is needed.
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
cd "$elsewhere"
"$python" -I - "$root" <<'PYTHON'
import subprocess, sys
import annoy_rs, annoy_rs._native
assert not annoy_rs.__file__.startswith(sys.argv[1] + "/bindings"), annoy_rs.__file__
index = annoy_rs.Index(2)
index.add_items([[1, 2], [3, 4]])
index.build(1)
assert index.search([3, 4], 1)[0].tolist() == [1]
if sys.platform == "linux":
    needed = subprocess.run(["ldd", annoy_rs._native.__file__], capture_output=True, text=True, check=True).stdout
    assert "annoy" not in needed.replace(annoy_rs._native.__file__, ""), needed
    # Nor does it pass for the shared library.
    with open(annoy_rs._native.__file__, "rb") as file:
        assert b"libannoy_rs.so" not in file.read()
print("1 passed, 0 failed")
PYTHON

"$python" -m pytest -p no:cacheprovider "$root/bindings/python/tests"
cd "$root/bindings/python"
"$python" -m mypy --strict --cache-dir "$work/mypy" src tests native/build_native.py compat/tests
echo "1 passed, 0 failed"
cd "$elsewhere"
ANNOY_RS_WORK=$work "$python" -m pytest -q -p no:cacheprovider --rootdir "$root/bindings/python/compat" \
    "$root/bindings/python/compat/tests"
