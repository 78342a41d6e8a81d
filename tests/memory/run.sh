#!/usr/bin/env bash
# Every call of annoy.h without memory: see walk.c.
#
#   tests/memory/run.sh [CALL|limits]
#
# Needs cargo, gcc, binutils and glibc. KEEP=1 keeps the temporary directory.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=$(mktemp -d)
[ -n "${KEEP:-}" ] && echo "in $tmp" || trap 'rm -rf "$tmp"' EXIT
target=${CARGO_TARGET_DIR:-$root/target}
unset ANNOY_RS_KERNEL

failed() { echo "FAIL  $1"; [ -f "${2:-}" ] && tail -n 40 "$2"; echo "0 passed, 1 failed"; exit 1; }
cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target" || failed "cargo build"
# The symbols are for the stacks of what fails.
gcc -std=gnu99 -g -O1 -Wall -Wextra -Werror -rdynamic -I"$root/include" -o "$tmp/walk" "$here/walk.c" \
    "$target/release/libannoy_rs.a" -lpthread -ldl -lm -lrt > "$tmp/log" 2>&1 || failed "walk.c does not compile" "$tmp/log"
mkdir "$tmp/scratch"
"$tmp/walk" "$tmp/scratch" "$root/tests/golden/annoy-1.17.3/angular-i32-f32.ann" "$@" > "$tmp/log" 2>&1
code=$?
c++filt < "$tmp/log" | grep -E '^(ok|FAIL|[0-9]+ passed)' | grep -v passed
if [ "$code" -ne 0 ]; then grep -vE '^(ok|FAIL)' "$tmp/log" | c++filt | head -n 200; fi
# The last line, which is missing when the program did not come to its end.
grep -E '^[0-9]+ passed, [0-9]+ failed$' "$tmp/log" | tail -n 1 | grep . || failed "it did not come to its end (exit $code)" "$tmp/log"
exit "$code"
