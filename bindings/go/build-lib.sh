#!/bin/sh
# Builds libannoy_rs.a from this repository and puts it, with its header, where the Go package looks for both:
# lib/<os>_<arch>. `go generate` runs this.
#
#   bindings/go/build-lib.sh
#
# Needs cargo. CARGO_TARGET_DIR and CARGO_BUILD_TARGET mean what they mean to cargo; for another system than this one set
# GOOS and GOARCH as well.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
lib=$here/lib/$(go env GOOS)_$(go env GOARCH)

cargo build --release --lib --quiet --manifest-path "$root/Cargo.toml" --target-dir "$target"
mkdir -p "$lib"
cp "$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release/libannoy_rs.a" "$root/include/annoy.h" "$lib"
echo "$lib"
