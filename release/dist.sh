#!/usr/bin/env bash
# Makes what each registry wants, in target/dist; docs/releasing.md says how it is published.
#
#   release/dist.sh [PART...]     all, unless some are named
#
# - libraries: the shared and the static library for each system of release/systems.sh;
# - wheels: annoy_rs for each system, its source package, and annoy-rs-compat;
# - gems: for each system with the library inside, and the source gem;
# - go: the Go module with the static libraries;
# - archives: headers, libraries, CMake package and pkg-config file, for each system;
# - debian: packages of the library and for compiling, amd64 and arm64;
# - crate: the package for Rust's registry;
# - check: what is in them (release/contents.sh), then each installed in an empty place, where it
#   runs a short program (release/check/run.sh).
#
# From the environment: ANNOY_RS_DIST_SYSTEMS, systems of release/systems.sh that are to be made in
# place of all; what release/names.sh names. Needs cargo, a C compiler and python3, and with root
# installs the rest; without, it says what is missing. What cannot be made is named in the end, and
# the exit status tells.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/target/release-work
dist=$root/target/dist
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
abi=$(sed -n 's/^#define ANNOY_ABI_VERSION //p' "$root/include/annoy.h")
. "$root/release/names.sh"
. "$root/release/systems.sh"
. "$root/release/tools.sh"

lost=()
# made NAME COMMAND...: notes whether it worked, and goes on.
made() {
    local name=$1 start=$SECONDS status
    shift
    # Not in a condition, where `set -e` would not hold.
    "$@" > "$work/log" 2>&1
    status=$?
    if [ $status -eq 0 ]; then
        echo "made  $name ($((SECONDS - start)) s)"
    else
        lost+=("$name")
        echo "LOST  $name:"
        tail -n 30 "$work/log" | cut -c 1-300 | sed 's/^/      /'
    fi
}

# library SYSTEM: the libraries of a system, stripped of what is for debugging.
library() (
    set -e
    cargo_build "$1"
    built=$work/cargo/$1/release
    to=$work/libraries/$1
    rm -rf "$to"
    mkdir -p "$to"
    cp "$built/$(shared_name "$1")" "$built/libannoy_rs.a" "$to"
    case $1 in
        *-musl)
            # zig calls musl libc.so. Where musl is the system's library, that is found by another
            # name.
            patchelf --replace-needed libc.so "libc.musl-${1%%-*}.so.1" "$to/libannoy_rs.so"
            ;;
        *-windows-*) cp "$built/libannoy_rs.dll.a" "$to" ;;
    esac
    # What Rust's own library has along: line tables, and what its compiler would optimise once
    # more. As much again, in every program that links it.
    rust_objcopy --strip-debug --remove-section=.llvmbc --remove-section=.llvmcmd \
        --remove-section=__LLVM,__bitcode --remove-section=__LLVM,__cmdline "$to/libannoy_rs.a"
    case $1 in
        *-musl)
            # What unwinds the stack is part of it, as not every C compiler for musl has that.
            unwind=$(rustc --print target-libdir --target "$1")/self-contained/libunwind.a
            printf 'CREATE joined.a\nADDLIB libannoy_rs.a\nADDLIB %s\nSAVE\nEND\n' "$unwind" | (cd "$to" && llvm-ar -M)
            mv "$to/joined.a" "$to/libannoy_rs.a"
            ;;
    esac
)
libraries() { for system in $wanted_systems; do made "library for $system" library "$system"; done; }
has_library() { [ -f "$work/libraries/$1/libannoy_rs.a" ] || { echo "no library for $1" && false; }; }

. "$root/release/wheels.sh"
. "$root/release/packages.sh"

check() {
    made "look at the contents" bash "$root/release/contents.sh" "$dist"
    cat "$work/log"
    bash "$root/release/check/run.sh" || lost+=("the check: see above")
}

[ $# -gt 0 ] || set -- libraries wheels gems go archives debian crate check
mkdir -p "$work" "$dist"
install_tools
for part in "$@"; do
    case $part in
        libraries | wheels | gems | go | archives | debian | crate | check) "$part" ;;
        *) echo "no part $part" >&2; exit 2 ;;
    esac
done
[ ${#lost[@]} -eq 0 ] || { printf 'not made: %s\n' "${lost[@]}"; exit 1; }
