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
# Asked for its version, it leaves an empty a.o where it is.
if [ "${arguments[*]}" = --version ]; then
    empty=$(mktemp -d)
    trap 'rm -r "$empty"' EXIT
    cd "$empty" && python -m ziglang cc --version
    exit
fi
exec python -m ziglang cc -target "$ZIG_TARGET" "${arguments[@]}"
