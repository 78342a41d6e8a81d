#!/usr/bin/env bash
# What the lock of an index costs a call (lock.c). Needs cargo and gcc.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target"
gcc -std=c99 -O2 -Wall -Wextra -I"$root/include" -o "$target/lock" "$here/lock.c" \
    "$target/release/libannoy_rs.a" -lpthread -ldl -lm
"$target/lock" "$target/lock.ann"
