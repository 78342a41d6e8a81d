#!/usr/bin/env bash
# The library under AddressSanitizer and ThreadSanitizer:
#
#   tests/sanitizers/run.sh [address] [thread]      both, unless one is named
#
# - address: the Rust tests of files, damaged and whole, of arguments that cannot be, of searches
#   and states. Where every byte of many files is damaged, one try in ANNOY_RS_SAMPLE is made (17
#   unless given); with 1 it is the whole matrix.
# - thread: tests/c/threads.c: searches, batches and builds by threads, on one index and beside
#   others that come and go; tests/c/lock.c: searches and changes of one index.
# - canaries first: what these are to find, they find.
#
# RUSTC_BOOTSTRAP opens the compiler's unstable flags, so that no nightly toolchain is needed. The
# runtimes come with rustc. Needs cargo, gcc, and rustup where the standard library's source is not
# there.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/sanitizers
triple=$(rustc -vV | sed -n 's/^host: //p')
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export RUSTC_BOOTSTRAP=1
unset ANNOY_RS_KERNEL

passed=0 failed=0
good() { passed=$((passed + 1)); echo "ok    $1"; }
bad() { failed=$((failed + 1)); echo "FAIL  $1"; tail -n 40 "$tmp/log" | sed 's/^/      /'; }

# caught NAME TEXT COMMAND...: passes when the command fails and says TEXT.
caught() {
    local name=$1 text=$2
    shift 2
    if "$@" >"$tmp/log" 2>&1; then bad "$name: not caught"
    elif grep -q -- "$text" "$tmp/log"; then good "$name is caught"
    else bad "$name: no \"$text\""; fi
}

# counted NAME PATTERN COMMAND...: adds up the tests that passed, by the numbers before PATTERN.
counted() {
    local name=$1 pattern=$2 status n
    shift 2
    "$@" >"$tmp/log" 2>&1
    status=$?
    n=$(grep -oE "$pattern" "$tmp/log" | grep -oE '[0-9]+' | awk '{n += $1} END {print n + 0}')
    if [ $status -eq 0 ] && [ "$n" -gt 0 ]; then
        passed=$((passed + n))
        echo "ok    $name: $n tests"
    else
        bad "$name"
    fi
}

# Huge requests have to fail as they do without the sanitizer, which would end the program instead.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
export ANNOY_RS_SAMPLE=${ANNOY_RS_SAMPLE:-17}
address() {
    local tests=() name
    # With a target named, build scripts and procedural macros are compiled without the sanitizer.
    local cargo=(env "RUSTFLAGS=-Zsanitizer=address -Cforce-frame-pointers=yes"
        cargo test --quiet --manifest-path "$root/Cargo.toml" --target "$triple" --target-dir "$target/address")
    for name in bad_input bytes corrupt damaged damaged_sections described disk edge fuzzed graph labels removal search states; do
        tests+=("$name::")
    done
    caught "AddressSanitizer: a write of the library past a buffer" heap-buffer-overflow \
        "${cargo[@]}" --test sanitizers -- --ignored
    counted "the Rust tests under AddressSanitizer" '[0-9]+ passed' "${cargo[@]}" --test rust -- "${tests[@]}"
}

# compile SOURCE OUT: a C program with the library, both instrumented.
compile() {
    gcc -std=c99 -g -O1 -fsanitize=thread -c -I"$root/include" -I"$root/tests/c" -o "$2.o" "$root/tests/c/$1" &&
        gcc -o "$2" "$2.o" "$target/thread/$triple/debug/libannoy_rs.a" \
            "$(rustc --print sysroot)/lib/rustlib/$triple/lib/librustc-stable_rt.tsan.a" -lstdc++ -lpthread -ldl -lm -lrt
}
thread() {
    # The standard library is compiled anew, too: what its mutexes and conditions order would not be
    # seen otherwise.
    local flags="-Zsanitizer=thread -Cforce-frame-pointers=yes"
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/src" ] && ! rustup component add rust-src >"$tmp/log" 2>&1; then
        bad "ThreadSanitizer: needs the source of the standard library, rustup component add rust-src"
        return
    fi
    if ! RUSTFLAGS=$flags cargo rustc --quiet -Zbuild-std --lib --crate-type staticlib --manifest-path "$root/Cargo.toml" \
        --target "$triple" --target-dir "$target/thread" >"$tmp/log" 2>&1 ||
        ! compile canary.c "$tmp/canary" >"$tmp/log" 2>&1 || ! compile threads.c "$tmp/threads" >"$tmp/log" 2>&1 ||
        ! compile lock.c "$tmp/lock" >"$tmp/log" 2>&1; then
        bad "ThreadSanitizer: the build"
        return
    fi
    caught "ThreadSanitizer: two threads that change one index" "data race" "$tmp/canary" race
    counted "tests/c/threads.c under ThreadSanitizer" '^tests [0-9]+' env "SCRATCH=$tmp" "$tmp/threads"
    counted "tests/c/lock.c under ThreadSanitizer" '^tests [0-9]+' env "SCRATCH=$tmp" "$tmp/lock"
}

[ $# -gt 0 ] || set -- address thread
for sanitizer in "$@"; do
    case $sanitizer in
        address | thread) "$sanitizer" ;;
        *) echo "no sanitizer $sanitizer; there are: address, thread" >&2; exit 2 ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
