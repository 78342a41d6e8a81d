#!/usr/bin/env bash
# zig as C compiler for macOS, for the system in ZIG_TARGET: it knows Apple's headers, but
# not what Apple's own compiler is told.
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        -arch | -isysroot) shift ;;
        --target=* | -m*-version-min=*) ;;
        *) arguments+=("$1") ;;
    esac
    shift
done
exec python -m ziglang cc -target "$ZIG_TARGET" "${arguments[@]}"
