#!/usr/bin/env bash
# The tests of annoy.hpp and of the C++ examples; with TEXT, those with TEXT in their name:
# tests/hpp/run.sh [TEXT]
#
# - the whole API under AddressSanitizer and UBSan, by g++ and (when it is there) clang++, in C++17
#   and C++20, and -O2; with ANNOY_RS_THOROUGH=1 all of these, otherwise one half by g++ in C++17,
#   the other by clang++ in C++20;
# - what must not compile does not, and says why; without exceptions and RTTI;
# - every function and number of annoy.h is used;
# - the examples; the migration example with the headers of Annoy 1.17.3 (from its source package,
#   downloaded) and ours.
#
# Needs cargo, g++ and python3 with pip. Understood from the environment: CARGO_TARGET_DIR; JOBS,
# how many at a time (default 2); PYTHON; ANNOY_RS_ANNOY_DIR, where Annoy's source package is or is
# put (default: annoy-source in cargo's target directory).
set -u
. "$(dirname "$0")/../tasks.sh"
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

cpp=$root/bindings/cpp
flags=("-I$cpp/include" "-I$root/include" "-DEXPECTED_VERSION=\"$version\""
    "-DCONFORMANCE=\"$root/tests/conformance\"" -Wall -Wextra -Wpedantic -Werror)
strict=(-Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor -Wformat=2)
# Optimisation would make g++ take five times as long over them.
sanitize=(-g1 -O0 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
units=(main views index errors described bytes labels removal graph scan shards tune living searches work conformance together)

clang_sanitize=()
if [[ " ${compilers[*]} " == *" clang++ "* ]]; then
    # clang's sanitizers are a package of their own.
    echo 'int main() {}' >"$tmp/probe.cc"
    clang++ "${sanitize[@]}" "$tmp/probe.cc" -o "$tmp/probe" 2>/dev/null && clang_sanitize=("${sanitize[@]}")
fi

# Every unit includes check.hpp, and with it annoy.hpp: half of the work, which is done once.
run() { # COMPILER STANDARD FLAG...
    local compiler=$1 standard=$2 unit
    shift 2
    local compile=("$compiler" "-std=$standard" "${flags[@]}" "${strict[@]}" "$@")
    "${compile[@]}" -x c++-header "$here/check.hpp" -o check.hpp.gch || return 1
    for unit in "${units[@]}"; do
        "${compile[@]}" -include check.hpp -c "$here/$unit.cc" -o "$unit.o" || return 1
    done
    "$compiler" "$@" "${units[@]/%/.o}" -o program "${link[@]}" && ./program
}

# main, and every second of the other units.
half() { # FIRST COMPILER STANDARD FLAG...
    local number=$1 unit some=(main)
    shift
    for unit in "${units[@]:1}"; do
        [ $((number++ % 2)) -ne 0 ] || some+=("$unit")
    done
    local units=("${some[@]}")
    run "$@"
}

# Exceptions off: it works, and a throwing form says why it aborts.
no_exceptions() { # COMPILER
    "$1" -std=c++17 -fno-exceptions -fno-rtti "${flags[@]}" "${strict[@]}" "$here/no_exceptions.cc" -o program \
        "${link[@]}" && ./program && ! ./program raise 2>said && cat said && grep -q "^annoy: .*built" said
}

negative() { # COMPILER
    local number=0 words
    # How compilers say that an argument is of a wrong type.
    local wrong="no matching \(member \)\?function\|no viable conversion\|could not convert\|cannot bind\|cannot convert"
    wrong="$wrong\|cannot initialize a parameter"
    # annoy.hpp is most of the work, and is read once.
    local compile=("$1" -std=c++17 "${flags[@]}")
    echo '#include <annoy.hpp>' >all.hpp
    "${compile[@]}" -x c++-header all.hpp -o all.hpp.gch || return 1
    compile+=(-include all.hpp -fsyntax-only)
    "${compile[@]}" -DCASE=0 "$here/negative.cc" || return 1
    for words in "deleted" "$wrong" "$wrong" "nodiscard" "elements are float, double or std::uint64_t" \
        "discards qualifiers\|not marked const" "$wrong" "$wrong" "$wrong" "nodiscard" "$wrong" "nodiscard" "$wrong"; do
        number=$((number + 1))
        if "${compile[@]}" "-DCASE=$number" "$here/negative.cc" 2>said; then
            echo "case $number compiles"
            return 1
        fi
        grep -q -- "$words" said || { echo "case $number: no \"$words\" in:"; cat said; return 1; }
    done
    ! grep -q "CASE == $((number + 1))" "$here/negative.cc" || { echo "case $((number + 1)) is not tried"; return 1; }
    echo "$number refused with the right words"
}

# What annoy.hpp does by a call that does more; and all its indexes have the lock.
cat >"$tmp/needless" <<'END'
annoy_build
annoy_get_item
annoy_get_nns_by_item
annoy_get_nns_by_vector
annoy_new
annoy_save
ANNOY_UNLOCKED
END

# unused C_HEADER: what it declares that annoy.hpp and its parts do not use, comments apart.
unused() {
    sed 's://.*::' "$cpp/include/annoy.hpp" "$cpp"/include/annoy/*.hpp >code
    { grep -oE '\bannoy_[a-z0-9_]+\(' "$1" | tr -d '('
      sed -n 's/^#define \(ANNOY_[A-Z0-9_]*\) .*/\1/p' "$1"; } | sort -u |
        grep -vxFf "$tmp/needless" >declared
    while read -r name; do grep -qw -- "$name" code || echo "$name"; done <declared
}

coverage() {
    local missing
    # First that it finds what is not there, and what is only in a comment.
    sed 's/^#endif .*ANNOY_H .*/annoy_status annoy_not_there(void);\n#define ANNOY_NOT_THERE 1\n&/' \
        "$root/include/annoy.h" >more.h
    [ "$(unused more.h | tr '\n' ' ')" = "ANNOY_NOT_THERE annoy_not_there " ] || { echo "finds nothing"; return 1; }
    missing=$(unused "$root/include/annoy.h")
    if [ -z "$missing" ] && [ "$(wc -l <declared)" -gt 50 ]; then
        echo "$(wc -l <declared) names of annoy.h are used"
        return
    fi
    echo "annoy.hpp does not use:" $missing
    return 1
}

precision() {
    g++ -std=c++17 -O2 "${flags[@]}" "${strict[@]}" "-DANNOY_RS_DATA_DIR=\"$root/examples/data\"" \
        "$cpp/examples/precision.cc" -o program "${link[@]}" && ./program >said && cat said &&
        awk '$1 ~ /^1000$/ && $2 > 0.9 {good++} $1 ~ /^10$/ && $2 < 0.9 {good++} END {exit good != 2}' said &&
        ! ./program nowhere 2>said && grep -q "nowhere.*not there" said && echo "recall above 0.9 at search_k 1000"
}

migrate() {
    local annoy
    annoy=$("$root/benches/compare/fetch_annoy.sh" "${ANNOY_RS_ANNOY_DIR:-$target/annoy-source}") &&
        g++ -std=c++14 -w "-I$annoy" "$cpp/examples/migrate.cc" -o with_annoy -lpthread &&
        g++ -std=c++11 "${flags[@]}" "$cpp/examples/migrate.cc" -o with_ours "${link[@]}" &&
        ./with_annoy a.ann >said_by_annoy && ./with_ours b.ann >said_by_ours && cat said_by_ours &&
        [ "$(wc -l <said_by_ours)" -eq 7 ] && diff said_by_annoy said_by_ours &&
        ./with_annoy b.ann load | diff - said_by_ours && ./with_ours a.ann load | diff - said_by_ours &&
        ! ./with_ours nowhere load && echo "both print the same and read each other's file"
}

# The halves of every day, which together run all.
halves=" g++:c++17 clang++:c++20 "
[ ${#compilers[@]} -gt 1 ] || halves=" g++:c++17 g++:c++20 "
half=0
api() { # COMPILER STANDARD FLAGS_SAID KEY FLAG...
    local name="$1: annoy.hpp, $2$3" key=$4 compiler=$1 standard=$2
    shift 4
    if [ -n "${ANNOY_RS_THOROUGH:-}" ]; then
        task "$name" run "$compiler" "$standard" "$@"
    elif [[ $halves == *" $key "* ]]; then
        task "$name, a half" half $((half++)) "$compiler" "$standard" "$@"
    fi
}
for compiler in "${compilers[@]}"; do
    with=("${sanitize[@]}")
    [ "$compiler" = clang++ ] && with=("${clang_sanitize[@]}")
    for standard in c++17 c++20; do
        api "$compiler" "$standard" "${with:+, AddressSanitizer and UBSan}" "$compiler:$standard" "${with[@]}"
    done
done
api g++ c++17 ", -O2" g++:-O2 -O2
for compiler in "${compilers[@]}"; do
    task "$compiler: no exceptions" no_exceptions "$compiler"
    # By one of them every day, the other one than in tests/cpp.
    [ -z "${ANNOY_RS_THOROUGH:-}" ] && [ "$compiler" != "${compilers[-1]}" ] || task "$compiler: negative" negative "$compiler"
done
task "annoy.hpp uses all of annoy.h" coverage
task "example: precision" precision
task "example: migrate, Annoy 1.17.3's header and ours" migrate
finish
