#!/usr/bin/env bash
# C99 and C++17 programs over the whole of annoy.h, linked to the static library:
#
#   tests/c/run.sh
#
# - compiled without a warning by gcc and g++, and by clang and clang++ when they are there; the C
#   programs as C++ too;
# - run under AddressSanitizer (with leak checking) and UndefinedBehaviorSanitizer: as gcc or g++
#   compiles them, with ANNOY_RS_THOROUGH=1 as each compiler does;
# - run under valgrind, which sees the library's own reads and writes as well: those with the most
#   kinds of calls and of damaged files; with ANNOY_RS_THOROUGH=1 all, and whole: otherwise SOME is
#   defined, which leaves some of the largest tests out;
# - canaries first: what these are to find, they find.
#
# Needs cargo, gcc, g++, valgrind and nm. KEEP=1 keeps the temporary directory.
set -u
. "$(dirname "$0")/../shell.sh"

for tool in cargo gcc g++ valgrind nm; do
    command -v "$tool" > /dev/null || { bad "$tool not found"; finish; }
done
cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target" ||
    { bad "cargo build"; finish; }
library=$target/release/libannoy_rs.a
shared=$target/release/libannoy_rs.so
for file in "$library" "$shared"; do [ -f "$file" ] || { bad "no $file"; finish; }; done

# Huge requests have to fail as they do without the sanitizer, which would end the program instead.
# Sizes the library is refused come back to its caller as a status.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
warnings="-Wall -Wextra -Wpedantic -Werror -Wstrict-aliasing"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
libs="-lpthread -ldl -lm -lrt"
some=-DSOME
[ -n "${ANNOY_RS_THOROUGH:-}" ] && some=

# compile NAME OUT COMMAND...: with an OUT of - it is read and checked only, which takes a third of
# the time.
compile() {
    local name=$1 out=$2
    shift 2
    if [ "$out" = - ]; then set -- "$@" -fsyntax-only; else set -- "$@" -o "$out" "$library" $libs; fi
    if "$@" -g -O1 $warnings -DEXPECTED_VERSION="\"$version\"" \
        "-DGOLDEN=\"$root/tests/golden/annoy-1.17.3\"" "-DCONFORMANCE=\"$root/tests/conformance\"" \
        "-DSHARED_LIBRARY=\"$shared\"" -I"$root/include" -I"$here" > "$tmp/log" 2>&1; then return 0; fi
    bad "$name: does not compile" "$tmp/log"
    return 1
}

# run NAME COMMAND...: counts the test functions of a program; whatever ends it otherwise is a
# failure of its own.
run() {
    local name=$1 line tests failures
    shift
    rm -rf "$scratch" && mkdir "$scratch"
    SCRATCH=$scratch timeout 600 "$@" > "$tmp/log" 2>&1
    local code=$?
    line=$(grep -E '^tests [0-9]+ broken [0-9]+ checks [0-9]+$' "$tmp/log" | tail -n 1)
    if [ -z "$line" ]; then bad "$name: did not come to its end (exit $code)" "$tmp/log"; return; fi
    set -- $line
    tests=$2 failures=$4
    passed=$((passed + tests - failures)) failed=$((failed + failures))
    if [ "$code" -eq 0 ] && [ "$failures" -eq 0 ]; then
        echo "ok    $name: $tests tests, $6 checks"
    elif [ "$failures" -gt 0 ]; then
        echo "FAIL  $name: $failures of $tests tests"; tail -n 40 "$tmp/log" | sed 's/^/      /'
    else
        bad "$name: all tests passed, but exit $code" "$tmp/log"
    fi
}

# caught NAME TEXT COMMAND...: passes when the command fails and says TEXT.
caught() {
    local name=$1 text=$2
    shift 2
    rm -rf "$scratch" && mkdir "$scratch"
    if SCRATCH=$scratch "$@" > "$tmp/log" 2>&1; then bad "$name: not caught" "$tmp/log"
    elif grep -q -- "$text" "$tmp/log"; then good "$name is caught"
    else bad "$name: no \"$text\"" "$tmp/log"
    fi
}

# Every program with every compiler that takes its language. "-x c++" makes C++ of a C program.
has() { command -v "$1" > /dev/null; }
# clang's sanitizers are a package of their own.
clang_sanitize=
if has clang && echo 'int main(void) { return 0; }' > "$tmp/probe.c" &&
    clang $sanitize "$tmp/probe.c" -o "$tmp/probe" > /dev/null 2>&1; then clang_sanitize=$sanitize; fi

echo "--- the header alone, in every standard it is for"
for compiler in gcc clang; do
    has $compiler || continue
    for standard in c99 c11 c17 c++11 c++14 c++17 c++20; do
        case $standard in c++*) language=c++ ;; *) language=c ;; esac
        if $compiler -x $language -std=$standard -fsyntax-only $warnings -Wconversion -Wundef -Wshadow \
            -include "$root/include/annoy.h" /dev/null > "$tmp/log" 2>&1; then good "annoy.h: $compiler -std=$standard"
        else bad "annoy.h: $compiler -std=$standard" "$tmp/log"; fi
    done
done

echo "--- canaries"
if compile canary "$tmp/canary-asan" gcc -std=c99 $sanitize "$here/canary.c"; then
    caught "AddressSanitizer: a write past a buffer" heap-buffer-overflow "$tmp/canary-asan" overflow
    # A vector register may still hold an address that leads to all that was lost.
    caught "AddressSanitizer: a leak" LeakSanitizer env LSAN_OPTIONS=use_registers=0 "$tmp/canary-asan" leak
    caught "UndefinedBehaviorSanitizer: an overflow" "signed integer overflow" "$tmp/canary-asan" undefined
    caught "a check that fails" "annoy_get_n_items(index) == 11" "$tmp/canary-asan" check
    run "the canary without a fault" "$tmp/canary-asan"
fi
valgrind="valgrind --quiet --error-exitcode=99 --leak-check=full --suppressions=$here/valgrind.supp"
if compile canary "$tmp/canary" gcc -std=c99 "$here/canary.c"; then
    caught "valgrind: a write past a buffer" "Invalid write" $valgrind "$tmp/canary" overflow
    caught "valgrind: a write of the library past a buffer" "Invalid write" $valgrind "$tmp/canary" library-overflow
    caught "valgrind: a read of the library after a free" "Invalid read" $valgrind "$tmp/canary" use-after-free
    caught "valgrind: a leak" "definitely lost" $valgrind "$tmp/canary" leak
    run "the canary without a fault" $valgrind "$tmp/canary"
fi

# The programs say which functions they call; the header says which there are.
echo "--- every function is called"
grep -oE '\bannoy_[a-z0-9_]+\(' "$root/include/annoy.h" | sort -u > "$tmp/declared"
grep -ohE '\bannoy_[a-z0-9_]+\(' "$here/null.c" "$here/library.c" "$here/views.h" | sort -u > "$tmp/called"
missing=$(comm -23 "$tmp/declared" "$tmp/called" | tr -d '(' | tr '\n' ' ')
if [ -z "$missing" ] && [ -s "$tmp/declared" ]; then good "null.c and library.c call all $(wc -l < "$tmp/declared") functions"
else bad "not called by null.c or library.c: $missing"; fi

for source in "$here"/*.c "$here"/*.cpp; do
    program=$(basename "$source")
    [ "$program" = canary.c ] && continue
    echo "--- $program"
    case $program in
        *.c) variants="gcc:-std=c99 g++:-std=c++17:-xc++ clang:-std=c99 clang++:-std=c++17:-xc++" ;;
        *) variants="g++:-std=c++17 clang++:-std=c++17" ;;
    esac
    first=${variants%% *}
    for variant in $variants; do
        compiler=${variant%%:*}
        has "$compiler" || continue
        flags=$(echo "${variant#*:}" | tr : ' ')
        language=none
        case $flags in *-xc++*) flags=${flags% -xc++}; language=c++ ;; esac
        with=$sanitize
        case $compiler in clang*) with=$clang_sanitize ;; esac
        if [ "$variant" != "$first" ] && [ -z "${ANNOY_RS_THOROUGH:-}" ]; then
            name="$program ($compiler $flags)"
            compile "$name" - "$compiler" $flags -x $language "$source" && good "$name compiles"
            continue
        fi
        name="$program ($compiler $flags${with:+, sanitizers})"
        out=$tmp/program
        rm -f "$out"
        compile "$name" "$out" "$compiler" $flags $with -x $language "$source" -x none || continue
        if [ -n "$with" ] && ! nm "$out" | grep -q __asan_init; then bad "$name: AddressSanitizer is not in it"; continue; fi
        run "$name" "$out"
    done
    [ -n "${ANNOY_RS_THOROUGH:-}" ] || [[ $program =~ ^(arguments|files|library|null)\.c$ ]] || continue
    case $program in *.c) compiler="gcc -std=c99" ;; *) compiler="g++ -std=c++17" ;; esac
    name="$program ($compiler, valgrind)"
    compile "$name" "$tmp/program" $compiler -DVALGRIND $some "$source" || continue
    if nm "$tmp/program" | grep -q __asan; then bad "$name: has AddressSanitizer in it"; continue; fi
    run "$name" $valgrind "$tmp/program"
done

finish
