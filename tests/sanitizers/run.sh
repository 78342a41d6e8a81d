#!/usr/bin/env bash
# The library under AddressSanitizer and ThreadSanitizer:
#
#   tests/sanitizers/run.sh [address] [thread]      both, unless one is named
#
# - address: the Rust tests that read files, damaged and whole, and those of wrong arguments and states. Where every byte of
#   files is damaged, one try in ANNOY_RS_SAMPLE is made (50 unless given); with 1 it is the whole matrix.
# - thread: the C program of threads (tests/c/threads.c) and the Rust one (tests/concurrency.rs).
# - canaries first: what these are to find, they find.
#
# RUSTC_BOOTSTRAP opens the compiler's unstable flags, so that no nightly toolchain is needed. Needs cargo and gcc.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/sanitizers
export ANNOY_RS_SAMPLE=${ANNOY_RS_SAMPLE:-50}
export RUSTC_BOOTSTRAP=1
triple=$(rustc -vV | sed -n 's/^host: //p')
log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0 failed=0
good() { passed=$((passed + 1)); echo "ok    $1"; }
bad() { failed=$((failed + 1)); echo "FAIL  $1"; tail -n 40 "$log" | sed 's/^/      /'; }

# rust SANITIZER ARGUMENT...: cargo test with the library and the tests instrumented. With a target named, build scripts and
# procedural macros are compiled without it.
rust() {
    local sanitizer=$1
    shift
    RUSTFLAGS="-Zsanitizer=$sanitizer -Cforce-frame-pointers=yes ${flags[$sanitizer]:-}" \
        cargo test --quiet --manifest-path "$root/Cargo.toml" --target "$triple" --target-dir "$target/$sanitizer" "$@"
}

# canary SANITIZER NAME TEXT: passes when the test ends the process and TEXT is said.
canary() {
    if rust "$1" --test sanitizers -- --ignored --exact "$2" --nocapture >"$log" 2>&1; then bad "$1: $2 is not found"
    elif grep -q -- "$3" "$log"; then good "$1: $2 is found"
    else bad "$1: no \"$3\""
    fi
}

# counted NAME COMMAND...: adds up what `cargo test` counts; a command that breaks otherwise is a failure of its own.
counted() {
    local name=$1 status n
    shift
    "$@" >"$log" 2>&1
    status=$?
    n=$(grep -oE '[0-9]+ passed' "$log" | awk '{n += $1} END {print n + 0}')
    passed=$((passed + n))
    if [ $status -eq 0 ] && [ "$n" -gt 0 ]; then echo "ok    $name: $n tests"; else bad "$name"; fi
}
