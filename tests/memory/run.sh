#!/usr/bin/env bash
# Calls of annoy.h of every kind without memory: see walk.c.
#
#   tests/memory/run.sh [CALL|limits]
#
# Needs cargo, gcc, binutils and glibc. KEEP=1 keeps the temporary directory.
set -u
. "$(dirname "$0")/../shell.sh"

cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target" ||
    { bad "cargo build"; finish; }
# Some of the allocations, and with ANNOY_RS_THOROUGH=1 nearly all.
some=-DSOME
[ -n "${ANNOY_RS_THOROUGH:-}" ] && some=
# The symbols are for the stacks of what fails.
gcc $some -std=gnu99 -g -O1 -Wall -Wextra -Werror -rdynamic -I"$root/include" -o "$tmp/walk" "$here/walk.c" \
    "$target/release/libannoy_rs.a" -lpthread -ldl -lm -lrt > "$tmp/log" 2>&1 ||
    { bad "walk.c does not compile" "$tmp/log"; finish; }
mkdir -p "$scratch"
"$tmp/walk" "$scratch" "$root/tests/golden/annoy-1.17.3/angular-i32-f32.ann" "$@" > "$tmp/log" 2>&1
code=$?
c++filt < "$tmp/log" | grep -E '^(ok|FAIL)'
if [ "$code" -ne 0 ]; then grep -vE '^(ok|FAIL)' "$tmp/log" | c++filt | head -n 200; fi
# The last line, which is missing when the program did not come to its end.
counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$tmp/log")
[ -n "$counts" ] && read -r passed _ failed _ <<< "$counts"
if [ -z "$counts" ] || { [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; }; then bad "it did not come to its end (exit $code)" "$tmp/log"; fi
finish
