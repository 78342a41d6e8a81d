#!/usr/bin/env bash
# The tests of the C++ headers: tests/cpp/run.sh [TEXT]     (only those with TEXT in their name)
#
# Needs cargo, g++, python3 with its headers (Python.h) and pip; clang++ joins in when it is there.
# Downloads the source package of Annoy 1.17.3. Understood from the environment: CARGO_TARGET_DIR;
# JOBS, how many at a time (default 2); ANNOY_RS_PYTHON, a python that has annoy 1.17.3 and numpy,
# for comparison (default: python3, with or without them); ANNOY_RS_ANNOY_DIR, where the source
# package is or is put (default: annoy-source in cargo's target directory); ANNOY_RS_THOROUGH=1: all
# types of index by each compiler, each source in each standard, and all that must not compile by
# each compiler; otherwise each id, item type and distance with one generator and policy of nine,
# each source in one standard, and what must not compile by one compiler.
set -u
. "$(dirname "$0")/../tasks.sh"
python=${ANNOY_RS_PYTHON:-python3}

include=("-I$root/bindings/cpp/include" "-I$root/include")
warnings=(-Wall -Wextra -Werror)
strict=(-Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor -Wdeprecated)
# Which types of index matrix.cc and same_source.cc are compiled for.
some=-DSOME
[ -n "${ANNOY_RS_THOROUGH:-}" ] && some=
sources=(matrix patterns patterns_r threads overhead strict own_names two_units/main two_units/other)

run() { # COMPILER STANDARD SOURCE... [FLAG]
    local compiler=$1 standard=$2 sources=() argument
    shift 2
    for argument in "$@"; do
        case $argument in -*) sources+=("$argument") ;; *) sources+=("$here/$argument") ;; esac
    done
    "$compiler" "-std=$standard" "${warnings[@]}" "${include[@]}" "${sources[@]}" -o program "${link[@]}" && ./program
}

# All sources, or every fourth from the FIRST.
compiles() { # COMPILER STANDARD FIRST
    local source number=0 compiled=2
    for source in "${sources[@]}"; do
        number=$((number + 1))
        [ -n "${ANNOY_RS_THOROUGH:-}" ] || [ $(((number - $3) % 4)) -eq 0 ] || continue
        "$1" "-std=$2" "${warnings[@]}" "${include[@]}" $some -fsyntax-only "$here/$source.cc" || return 1
        compiled=$((compiled + 1))
    done
    "$1" "-std=$2" "${warnings[@]}" "${strict[@]}" "${include[@]}" -fsyntax-only "$here/strict.cc" &&
        "$1" "-std=$2" "${warnings[@]}" -fno-exceptions -fno-rtti "${include[@]}" -fsyntax-only "$here/strict.cc" &&
        echo "$compiled compiled"
}

# What must not compile says why, in these words.
negative() { # COMPILER
    local number=0 words
    "$1" -std=c++11 -DCASE=0 "${warnings[@]}" "${include[@]}" -fsyntax-only "$here/negative.cc" || return 1
    for words in \
        "use Angular, Euclidean, Manhattan, DotProduct or Hamming" \
        "cannot call a Distance of your own" \
        "T must be float or double for Angular, Euclidean, Manhattan and DotProduct" \
        "T must be an integer of 8, 32 or 64 bits for Hamming" \
        "T must be an integer of 8, 32 or 64 bits for Hamming" \
        "S must be an integer of 32 or 64 bits" \
        "AnnoyIndexInterface<int, double>"; do
        number=$((number + 1))
        if "$1" -std=c++11 "-DCASE=$number" "${include[@]}" -fsyntax-only "$here/negative.cc" 2>said; then
            echo "case $number compiles"
            return 1
        fi
        grep -qF -- "$words" said || { echo "case $number: no \"$words\" in:"; cat said; return 1; }
    done
    echo "$number refused with the right words"
}

# What annoylib.h brings along of names that are not Annoy's: no macro, and no function
# under its own name.
names() {
    echo '#include "annoylib.h"' | g++ -std=c++11 "-I$root/bindings/cpp/include" -dM -E -x c++ - >macros &&
        grep -ioE '^#define annoy[a-z_]*' macros | cut -d' ' -f2 | sort >found || return 1
    printf '%s\n' ANNOYLIB_V_ARRAY_SIZE ANNOY_ANNOYLIB_H ANNOY_RS_ANNOYLIB_C_H annoylib_showUpdate | sort | diff - found &&
        run g++ c++11 own_names.cc
}

drift() { # COMPILER
    local order
    for order in "" -DANNOY_H_FIRST; do
        "$1" -std=c++11 "${warnings[@]}" "${strict[@]}" $order "${include[@]}" "$here/drift.cc" -o program "${link[@]}" &&
            ./program || return 1
    done
}

annoy_headers() {
    PYTHON="$python" "$root/benches/compare/fetch_annoy.sh" "${ANNOY_RS_ANNOY_DIR:-$target/annoy-source}"
}

same_source() {
    local headers who mode
    headers=$(annoy_headers) &&
        g++ -std=c++14 -ffp-contract=off -w $some -DANNOYLIB_MULTITHREADED_BUILD "-I$headers" "$here/same_source.cc" \
            -o annoy -lpthread &&
        g++ -std=c++14 "${warnings[@]}" $some -DANNOYLIB_MULTITHREADED_BUILD "${include[@]}" "$here/same_source.cc" \
            -o ours "${link[@]}" && mkdir by_annoy by_ours || return 1
    # Annoy prints its errors whether or not they are taken, so stderr is not compared.
    for mode in write calls read; do
        for who in annoy ours; do
            case $mode in
                write) "./$who" write "by_$who" ;;
                calls) mkdir "calls_$who" && "./$who" calls "calls_$who" ;;
                read) "./$who" read "$root/tests/golden/annoy-1.17.3" by_annoy by_ours ;;
            esac >"$mode.$who" 2>>stderr || { echo "$who $mode failed"; tail -n 5 stderr; return 1; }
        done
        "$python" "$here/same_answers.py" "$mode.annoy" "$mode.ours" || return 1
    done
}

extension() {
    local headers paths
    headers=$(annoy_headers) && cp "$headers/annoymodule.cc" . &&
        paths=$("$python" -c 'import sysconfig as s; print(s.get_paths()["include"], s.get_config_var("EXT_SUFFIX"))') &&
        mkdir -p package/over_rs && echo "from .annoylib import Annoy as AnnoyIndex" >package/over_rs/__init__.py &&
        g++ -std=c++14 -O1 -fPIC -shared -DANNOYLIB_MULTITHREADED_BUILD "${include[@]}" "-I${paths% *}" annoymodule.cc \
            -o "package/over_rs/annoylib${paths##* }" "${link[@]}" &&
        cmp annoymodule.cc "$headers/annoymodule.cc" &&
        REQUIRE_ANNOY="${ANNOY_RS_PYTHON:+1}" "$python" "$here/extension/test_annoy_module.py" package
}

sanitized() { # SANITIZERS SOURCE
    # The program may have to do without address randomisation, with which older sanitizers do
    # not run everywhere.
    local fixed=()
    setarch -R true 2>/dev/null && fixed=(setarch -R)
    g++ -std=c++17 -g -DFEW "-fsanitize=$1" -fno-sanitize-recover=all -fno-omit-frame-pointer "${warnings[@]}" \
        "${include[@]}" "$here/$2" -o program "${link[@]}" &&
        TSAN_OPTIONS=halt_on_error=1 "${fixed[@]}" ./program
}

overhead() {
    g++ -std=c++17 -O2 "${warnings[@]}" "${include[@]}" $some "$here/overhead.cc" -o program "${link[@]}" &&
        ./program ${some:+5000}
}

# The long ones first.
task "same source, Annoy 1.17.3's header and ours" same_source
# g++'s is the one with the sanitizers.
for compiler in "${compilers[@]}"; do
    [ -z "${ANNOY_RS_THOROUGH:-}" ] && [ "$compiler" != "${compilers[-1]}" ] ||
        task "$compiler: matrix, c++17" run "$compiler" c++17 matrix.cc $some
done
task "g++: matrix, AddressSanitizer and UBSan" sanitized address,undefined matrix.cc
# Each standard by one of the compilers in turn, or by all.
number=0
for standard in c++11 c++14 c++17 c++20; do
    for compiler in "${compilers[@]}"; do
        [ -n "${ANNOY_RS_THOROUGH:-}" ] || [ "$compiler" = "${compilers[$number % ${#compilers[@]}]}" ] || continue
        task "$compiler: sources compile, $standard" compiles "$compiler" "$standard" $number
    done
    number=$((number + 1))
done
for compiler in "${compilers[@]}"; do
    task "$compiler: patterns, c++11" run "$compiler" c++11 patterns.cc
    task "$compiler: patterns_r, c++11" run "$compiler" c++11 patterns_r.cc
    task "$compiler: two translation units, c++11" run "$compiler" c++11 two_units/main.cc two_units/other.cc
    [ -z "${ANNOY_RS_THOROUGH:-}" ] && [ "$compiler" != g++ ] || task "$compiler: negative" negative "$compiler"
    task "$compiler: annoylib.h's declarations are annoy.h's" drift "$compiler"
done
task "g++: beside a program's own names of annoy.h" names
task "g++: patterns, AddressSanitizer and UBSan" sanitized address,undefined patterns.cc
task "g++: patterns_r, AddressSanitizer and UBSan" sanitized address,undefined patterns_r.cc
# The library itself is not instrumented.
task "g++: two threads, ThreadSanitizer" sanitized thread threads.cc
task "PyPI annoy's Python extension over our header" extension
wait
# Alone, as it measures; fewer items and rounds with SOME.
task "overhead over the C ABI (measured, no limit)" overhead
finish
