#!/bin/sh
# Builds the library from this repository, for the Go package to link: libannoy_rs_<os>_<arch>.a,
# and its header libannoy_rs.h. They lie in the package's directory, so that `go mod vendor` takes
# them along. `go generate` runs this.
#
#   bindings/go/build-lib.sh
#
# Needs cargo. CARGO_TARGET_DIR and CARGO_BUILD_TARGET mean what they mean to cargo; for another
# system than this one set GOOS and GOARCH as well.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
library=$here/libannoy_rs_$(go env GOOS)_$(go env GOARCH).a

cargo build --release --lib --quiet --manifest-path "$root/Cargo.toml" --target-dir "$target"
cp "$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}release/libannoy_rs.a" "$library"
# Rust's own library comes with line tables, 4 MB in every program, and with the compiler's
# intermediate code. (The strip of another system may not know the format; Apple's takes no sections
# away.)
"${STRIP:-strip}" -S --remove-section=.llvmbc --remove-section=.llvmcmd "$library" 2>/dev/null ||
    "${STRIP:-strip}" -S "$library" 2>/dev/null || true
# Go builds anew when a header in the directory changes, but does not look at archives: so the
# header names this one.
{
    cat "$root/include/annoy.h"
    echo "/* The header of $(basename "$library"), checksum and size $(cksum < "$library") */"
} > "$here/libannoy_rs.h"
echo "$library"
