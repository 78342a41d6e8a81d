#!/usr/bin/env bash
# The linker that comes with Rust, called as a C compiler would be: rustc passes on to it what
# build scripts and maturin mean for one (-Wl,...).
arguments=()
for argument in "$@"; do
    case $argument in
        -Wl,*) IFS=, read -ra parts <<< "${argument#-Wl,}"; arguments+=("${parts[@]}") ;;
        *) arguments+=("$argument") ;;
    esac
done
directory=$(rustc --print target-libdir)
[ "${arguments[0]}" = -flavor ] || arguments=(-flavor darwin "${arguments[@]}")
exec "$directory/../bin/rust-lld" "${arguments[@]}"
