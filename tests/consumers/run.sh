#!/usr/bin/env bash
# Builds and installs annoy_rs with CMake into a temporary directory, then builds and runs
# programs against it in every way a C or C++ project can: find_package, add_subdirectory,
# FetchContent, pkg-config.
#
#   tests/consumers/run.sh
#
# Needs cargo, a C and a C++ compiler, cmake, make or ninja, pkg-config, and readelf (binutils).
# Cargo's release build is shared with the repository's target directory (or CARGO_TARGET_DIR);
# KEEP=1 keeps the temporary directory.
set -u
. "$(dirname "$0")/../shell.sh"
# What the host's environment says about where to search must not help a broken package along.
unset CMAKE_PREFIX_PATH LD_LIBRARY_PATH PKG_CONFIG_PATH LD_PRELOAD annoy_rs_DIR annoy_rs_ROOT

for tool in cmake cargo pkg-config readelf cc c++; do
    command -v "$tool" > /dev/null || { bad "$tool not found"; finish; }
done
# Different generators for different projects, when there are two.
first="Unix Makefiles" second="Unix Makefiles"
command -v make > /dev/null || first=Ninja
command -v ninja > /dev/null && second=Ninja

# refused NAME TEXT COMMAND...: passes when the command fails and says TEXT.
refused() {
    local name=$1 text=$2
    shift 2
    # CMake breaks its messages into lines, so both are compared without regard to white space.
    if "$@" > "$tmp/log" 2>&1; then bad "$name: succeeded: $*"
    elif tr -s ' \n' ' ' < "$tmp/log" | grep -qF -- "$text"; then good "$name"
    else bad "$name: no \"$text\" in:" "$tmp/log"
    fi
}

# programs NAME BUILD_DIR: the programs of a consumer by ctest, each counted.
programs() {
    local name=$1 build=$2 program
    for program in c_annoy_rs c_static cpp_annoy_rs cpp_static; do
        # -R is a search; --no-tests=error would be CMake 3.26's, so the summary has
        # to name one test.
        ok "$name: ctest consumer_$program" one_test "$build" "consumer_$program"
        if [ "${program#*_}" = annoy_rs ]; then
            ok "$name: consumer_$program needs libannoy_rs.so.$abi" needs "$build/consumer_$program"
        else
            ok "$name: consumer_$program needs no libannoy_rs" needs_not "$build/consumer_$program"
        fi
    done
    for program in cpp annoylib; do
        ok "$name: ctest consumer_$program" one_test "$build" "consumer_$program"
    done
}
one_test() {
    (cd "$1" && ctest --output-on-failure -R "^$2\$") | tee "$tmp/ctest" &&
        grep -q "100% tests passed, 0 tests failed out of 1" "$tmp/ctest"
}
needs() { readelf -d "$1" | grep -F "NEEDED" | grep -qF "[libannoy_rs.so.$abi]"; }
needs_not() { [ -x "$1" ] && ! readelf -d "$1" | grep -F "NEEDED" | grep -F "libannoy_rs"; }
says() { "${@:2}" | tee "$tmp/says" && grep -qwF -- "$1" "$tmp/says"; }
# The third word of its lines is the recall.
more_by_graph() {
    "$@" | tee "$tmp/says" &&
        awk '{recall[$1] = $3} END {exit !(recall["forest:"] > 0 && recall["graph:"] > recall["forest:"] &&
            recall["opened:"] == recall["graph:"])}' "$tmp/says"
}
same_link() { [ "$(readlink "$1")" = "$2" ]; }
nothing_names() { ! grep -rIlF -- "$1" "$2"; }

# --- build, install, and move what was installed: nothing in it may depend on where it was put
ok "configure" cmake -S "$root" -B "$tmp/build" -G "$first" -DCMAKE_BUILD_TYPE=Release -DANNOY_RS_BUILD_EXAMPLES=ON \
    -DANNOY_RS_CARGO_TARGET_DIR="$target" -DCMAKE_INSTALL_PREFIX="$tmp/first"
ok "build" cmake --build "$tmp/build"
code_alone() { readelf -S -W "$1" | grep -F " .text." && ! readelf -S -W "$1" | grep -E ' \.(debug_|llvm(bc|cmd))'; }
ok "the static library is without line tables and intermediate code" code_alone "$tmp/build/stage/libannoy_rs.a"
ok "examples/quickstart.c runs from the build tree" says "prince" "$tmp/build/quickstart" -o "$tmp/words.ann" king
ok "examples/quickstart.c keeps the file it is told" test -s "$tmp/words.ann"
ok "examples/search.c leaves out what it is told to" says "(50, 51) 0.92 (50, 49)" "$tmp/build/search"
ok "examples/search.c gives up a batch" says "batch: cancelled" "$tmp/build/search"
ok "examples/labels.c finds items by key" says "key 9000000000000000007 is item 7" "$tmp/build/labels" "$tmp/labels.ann"
ok "examples/labels.c finds names" says "nearest to green: green lime" "$tmp/build/labels" "$tmp/labels.ann"
ok "examples/removal.c leaves out what is removed" says "nearest to 500, without it: 499 501" "$tmp/build/removal"
ok "examples/removal.c estimates recall" says "recall at search_k 5000: 1.000" "$tmp/build/removal"
ok "examples/living.c inserts and replaces" says "500 replaced: 1000 1001 499" "$tmp/build/living"
ok "examples/living.c gives ids back" says "its id is free" "$tmp/build/living"
ok "examples/progress.c tells how far it is" says "building: 100 %" "$tmp/build/progress"
ok "examples/progress.c gives up a build" says "build: cancelled; items: 20000, trees: 0" "$tmp/build/progress"
ok "examples/bytes.c opens bytes" says "nearest to 500.1: 500 501" "$tmp/build/bytes"
ok "examples/bytes.c adds to them" says "nearest to 500.1, with one more item: 1000 500" "$tmp/build/bytes"
ok "examples/graph.c finds more by the graph" more_by_graph "$tmp/build/graph" "$tmp/graph.ann"
ok "examples/graph.c opens the graph again" says "10 trees, a graph of degree 24" "$tmp/build/graph" "$tmp/graph.ann"
mkdir "$tmp/quickstart"
refused "examples/quickstart.c says when there is no data" "say where it is" \
    env TMPDIR="$tmp/quickstart" "$tmp/build/quickstart" -d "$tmp/none"
ok "examples/quickstart.c runs with a temporary file" env TMPDIR="$tmp/quickstart" "$tmp/build/quickstart" king
ok "examples/quickstart.c leaves no temporary file" rmdir "$tmp/quickstart"
ok "install" cmake --install "$tmp/build"
prefix=$tmp/moved/deep
mkdir -p "$tmp/moved"
ok "move the installation" mv "$tmp/first" "$prefix"
lib=$(dirname "$(find "$prefix" -name "libannoy_rs.so.$abi")")
for file in include/annoy.h "${lib#"$prefix"/}/libannoy_rs.a" "${lib#"$prefix"/}/pkgconfig/annoy_rs.pc"; do
    ok "installed: ${file##*/}" test -f "$prefix/$file"
done
ok "installed: libannoy_rs.so links to libannoy_rs.so.$abi" same_link "$lib/libannoy_rs.so" "libannoy_rs.so.$abi"
ok "nothing installed names the first prefix" nothing_names "$tmp/first" "$prefix"

# --- find_package
find=("cmake" -S "$here/find_package" -G "$second" "-DCMAKE_PREFIX_PATH=$prefix")
ok "find_package: configure" "${find[@]}" -B "$tmp/find" "-DWANTED=${version%%-*}"
ok "find_package: build" cmake --build "$tmp/find"
programs find_package "$tmp/find"
major=${version%%.*}; rest=${version#*.}; minor=${rest%%.*}
refused "find_package: the next minor version is refused" "considered but not accepted" \
    "${find[@]}" -B "$tmp/find-minor" "-DWANTED=$major.$((minor + 1))"
# An older minor version is refused as well: before 1.0 each has an ABI of its own.
[ "$minor" -gt 0 ] && refused "find_package: the minor version before is refused" "considered but not accepted" \
    "${find[@]}" -B "$tmp/find-older" "-DWANTED=$major.$((minor - 1))"
refused "find_package: the next major version is refused" "considered but not accepted" \
    "${find[@]}" -B "$tmp/find-major" "-DWANTED=$((major + 1)).0"
mv "$lib/libannoy_rs.a" "$tmp/aside.a"
refused "find_package: an incomplete installation is named" "libannoy_rs.a is missing" "${find[@]}" -B "$tmp/find-part"
mv "$tmp/aside.a" "$lib/libannoy_rs.a"

# --- add_subdirectory, with cargo's dev profile; then FetchContent
# It is about projects, not about speed: the everyday run compiles the dev profile without
# optimisation. Cargo gives its files the same names however it compiles them, so these lie
# elsewhere, where stage abi has them too: the Rust tests would be compiled once more.
level=()
[ -n "${ANNOY_RS_THOROUGH:-}" ] || level=(CARGO_PROFILE_DEV_OPT_LEVEL=0)
apart=$target/plain
ok "add_subdirectory: configure" cmake -S "$here/add_subdirectory" -B "$tmp/default" -G "$second"
ok "add_subdirectory: cargo is to work below the binary directory" \
    grep -qF "ANNOY_RS_CARGO_TARGET_DIR:PATH=$tmp/default/annoy_rs/cargo" "$tmp/default/CMakeCache.txt"
ok "add_subdirectory: configure (Debug)" cmake -S "$here/add_subdirectory" -B "$tmp/sub" -G "$second" \
    -DCMAKE_BUILD_TYPE=Debug -DANNOY_RS_CARGO_TARGET_DIR="$apart"
ok "add_subdirectory: build" env "${level[@]}" cmake --build "$tmp/sub"
programs add_subdirectory "$tmp/sub"
ok "add_subdirectory: it was the dev profile" cmp "$apart/debug/libannoy_rs.a" "$tmp/sub/annoy_rs/stage/libannoy_rs.a"
ok "add_subdirectory: the project's own install leaves annoy_rs out" cmake --install "$tmp/sub" --prefix "$tmp/none"
ok "add_subdirectory: nothing was installed" test ! -e "$tmp/none/include/annoy.h"
ok "FetchContent: configure" cmake -S "$here/add_subdirectory" -B "$tmp/fetch" -G "$first" -DBY_FETCH=ON \
    -DANNOY_RS_CARGO_TARGET_DIR="$target"
# One target alone: its dependency on cargo's run has to be known, not left to the order of targets.
ok "FetchContent: build one program" cmake --build "$tmp/fetch" --target consumer_c_annoy_rs
ok "FetchContent: build" cmake --build "$tmp/fetch"
programs FetchContent "$tmp/fetch"

# --- pkg-config: shared, then static
export PKG_CONFIG_PATH=$lib/pkgconfig
expected=-DEXPECTED_VERSION="\"$(pkg-config --modversion annoy_rs)\""
ok "pkg-config: version" test "$(pkg-config --modversion annoy_rs)" = "$version"
mkdir "$tmp/pc"
for compiler in "cc -std=c99" "c++ -std=c++17"; do
    case $compiler in cc*) source=consumer.c ;; *) source=consumer.cpp ;; esac
    # What pkg-config gives and the compiler command are to be split into words.
    # shellcheck disable=SC2046,SC2086
    ok "pkg-config: $source, shared" $compiler "$expected" "$here/programs/$source" -o "$tmp/pc/$source.shared" \
        $(pkg-config --cflags --libs annoy_rs) -Wl,-rpath,"$(pkg-config --variable=libdir annoy_rs)"
    # pkg-config has no way to ask for the .a when a .so is beside it; the GNU and LLVM
    # linkers' "-l:" has.
    # shellcheck disable=SC2046,SC2086
    ok "pkg-config: $source, static" $compiler "$expected" "$here/programs/$source" -o "$tmp/pc/$source.static" \
        $(pkg-config --static --cflags --libs annoy_rs | sed 's/-lannoy_rs/-l:libannoy_rs.a/')
    ok "pkg-config: $source, shared, runs" "$tmp/pc/$source.shared"
    ok "pkg-config: $source, static, runs" "$tmp/pc/$source.static"
    ok "pkg-config: $source, shared, needs libannoy_rs.so.$abi" needs "$tmp/pc/$source.shared"
    ok "pkg-config: $source, static, needs no libannoy_rs" needs_not "$tmp/pc/$source.static"
done

# --- where cargo puts it, without installing: docs/languages.md's lines
plain=(cc -std=c99 "$expected" "$here/programs/consumer.c" -I"$root/include")
ok "cargo's own: shared" "${plain[@]}" -L"$target/release" -lannoy_rs -Wl,-rpath,"$target/release" -o "$tmp/pc/rpath"
ok "cargo's own: shared, runs" "$tmp/pc/rpath"
ok "cargo's own: shared, without a path in it" "${plain[@]}" -L"$target/release" -lannoy_rs -o "$tmp/pc/plain"
ok "cargo's own: shared, runs where the loader is told" env LD_LIBRARY_PATH="$target/release" "$tmp/pc/plain"
ok "cargo's own: shared, needs libannoy_rs.so.$abi" needs "$tmp/pc/plain"
ok "cargo's own: static" "${plain[@]}" "$target/release/libannoy_rs.a" -lpthread -ldl -lm -o "$tmp/pc/archive"
ok "cargo's own: static, runs" "$tmp/pc/archive"

# --- other directories, and a staged installation as packagers make it
ok "GNUInstallDirs: configure" cmake -S "$root" -B "$tmp/dirs" -G "$first" -DANNOY_RS_CARGO_TARGET_DIR="$target" \
    -DCMAKE_INSTALL_PREFIX=/opt/annoy -DCMAKE_INSTALL_LIBDIR=lib/deeper -DCMAKE_INSTALL_INCLUDEDIR=headers
ok "GNUInstallDirs: build" cmake --build "$tmp/dirs"
ok "GNUInstallDirs: install with DESTDIR" env DESTDIR="$tmp/stage" cmake --install "$tmp/dirs"
ok "GNUInstallDirs: header" test -f "$tmp/stage/opt/annoy/headers/annoy.h"
ok "GNUInstallDirs: library" test -f "$tmp/stage/opt/annoy/lib/deeper/libannoy_rs.so.$abi"
ok "GNUInstallDirs: find_package" cmake -S "$here/find_package" -B "$tmp/find-dirs" -G "$second" \
    "-Dannoy_rs_DIR=$tmp/stage/opt/annoy/lib/deeper/cmake/annoy_rs"
ok "GNUInstallDirs: find_package, build" cmake --build "$tmp/find-dirs"
ok "GNUInstallDirs: find_package, run" one_test "$tmp/find-dirs" consumer_c_annoy_rs
pc_include=$(PKG_CONFIG_PATH=$tmp/stage/opt/annoy/lib/deeper/pkgconfig pkg-config --variable=includedir annoy_rs)
ok "GNUInstallDirs: pkg-config" test -f "$pc_include/annoy.h"

# --- parts of it, and stripped
ok "components: runtime" cmake --install "$tmp/build" --prefix "$tmp/runtime" --component annoy_rs_runtime --strip
ok "components: the library and licences alone" test "$(cd "$tmp/runtime" && find . -type f | sed 's|.*/||' | sort | xargs)" = \
    "LICENSE THIRD-PARTY-LICENSES.txt libannoy_rs.so.$abi"
ok "components: an absolute directory of libraries" cmake -S "$root" -B "$tmp/dirs" -DCMAKE_INSTALL_LIBDIR=/opt/lib
ok "components: it is stripped there, too" env DESTDIR="$tmp/absolute" cmake --install "$tmp/dirs" --strip
no_symbols() { readelf -S "$1" | grep -F .dynsym && ! readelf -S "$1" | grep -F .symtab; }
ok "components: it is stripped" no_symbols "$(find "$tmp/runtime" -name "libannoy_rs.so.$abi")"
ok "components: and there" no_symbols "$tmp/absolute/opt/lib/libannoy_rs.so.$abi"

# --- for another processor
cat > "$tmp/other-cc" <<'EOF'
#!/bin/sh
case $* in *-dumpmachine*) echo "$OTHER_MACHINE" ;; *) exec cc "$@" ;; esac
EOF
chmod +x "$tmp/other-cc"
other() {
    env OTHER_MACHINE="$1" cmake -S "$root" -B "$tmp/other" -G "$first" -DCMAKE_C_COMPILER="$tmp/other-cc" "${@:2}"
}
ok "another processor: cargo builds for it" says "cargo builds for riscv64gc-unknown-linux-gnu" other riscv64-linux-gnu
ok "another processor: make says so to cargo" grep -rqF -- "--target riscv64gc-unknown-linux-gnu" "$tmp/other"
ok "another C library: cargo builds for it" says "cargo builds for x86_64-unknown-linux-musl" other x86_64-linux-musl
printf '#!/bin/sh\necho "host: armv7-unknown-linux-gnueabihf"\n' > "$tmp/arm-cargo"
chmod +x "$tmp/arm-cargo"
native() { rm -rf "$tmp/other" && other "$@" -DANNOY_RS_CARGO="$tmp/arm-cargo" && ! grep -rqF -- "--target " "$tmp/other"; }
ok "the same processor by another name: cargo builds for its own" native arm-linux-gnueabihf
refused "another processor: one that is not known is named" "C compiler is for mips-linux-gnu" other mips-linux-gnu

# --- for musl, where there is a compiler and Rust's library for it
musl=x86_64-unknown-linux-musl
if [ -z "${ANNOY_RS_THOROUGH:-}" ]; then
    echo "      musl: with ANNOY_RS_THOROUGH=1, as all is compiled for it"
elif command -v musl-gcc > /dev/null && [ -d "$(rustc --print target-libdir --target $musl)" ]; then
    ok "musl: configure" says "cargo builds for $musl" cmake -S "$root" -B "$tmp/musl build" -G "$first" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=musl-gcc -DANNOY_RS_CARGO_TARGET_DIR="$target" \
        -DCMAKE_INSTALL_PREFIX="$tmp/musl"
    refused "musl: without Rust for it one sentence says what is missing" "rustup target add $musl" \
        cmake -S "$root" -B "$tmp/musl-none" -G "$first" -DCMAKE_C_COMPILER=musl-gcc -DANNOY_RS_RUSTC=false
    ok "musl: install" cmake --build "$tmp/musl build" --target install
    lib=$(dirname "$(find "$tmp/musl" -name "libannoy_rs.so.$abi")")
    export PKG_CONFIG_PATH=$lib/pkgconfig
    of_musl() { readelf -d "$1" | grep -F NEEDED | grep -F "[libc.so]" && ! readelf -d "$1" | grep -F "[libc.so.6]"; }
    ok "musl: the shared library is musl's" of_musl "$lib/libannoy_rs.so"
    # Words again.
    # shellcheck disable=SC2046
    {
        ok "musl: consumer.c, shared" musl-gcc -std=c99 "$expected" "$here/programs/consumer.c" -o "$tmp/pc/musl.shared" \
            $(pkg-config --cflags --libs annoy_rs) -Wl,-rpath,"$lib"
        for how in static-pie static; do
            ok "musl: consumer.c, $how" musl-gcc -std=c99 "$expected" "$here/programs/consumer.c" -$how \
                -o "$tmp/pc/musl.$how" $(pkg-config --static --cflags --libs annoy_rs | sed 's/-lannoy_rs/-l:libannoy_rs.a/')
        done
    }
    for how in shared static-pie static; do ok "musl: consumer.c, $how, runs" "$tmp/pc/musl.$how"; done
    ok "musl: the shared one needs libannoy_rs.so.$abi" needs "$tmp/pc/musl.shared"
else
    echo "      no musl-gcc (Debian: musl-tools), or no Rust for it (rustup target add $musl): not tested"
fi

# --- without cargo
# An empty ANNOY_RS_CARGO is what a search that found nothing leaves, whatever this machine
# has in its PATH.
refused "no cargo: the message says what to do" "cargo not found" \
    cmake -S "$root" -B "$tmp/no-cargo" -G "$first" -DANNOY_RS_CARGO=

finish
