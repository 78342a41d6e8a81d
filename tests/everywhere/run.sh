#!/usr/bin/env bash
# The library on processors and C libraries that are not this machine's:
#
#   tests/everywhere/run.sh [PART...]      aarch64 x86-64 musl windows macos big-endian, unless some
#                                          are named
#
# - aarch64: Rust tests and the C programs under qemu, on a processor with all that it knows; the
#   kernels and the checksums of built files also on one without dot products (cortex-a53);
# - x86-64: the same on one without AVX (nehalem);
# - musl: the Rust tests as static programs;
# - windows: Rust tests and the C programs that are not for POSIX under wine. What wine cannot do is
#   ignored, with the reason;
# - macos: the library and the tests compile for both processors, nothing is run;
# - big-endian: it does not compile, and says why.
#
# An emulator says nothing about time, and takes many times as long as a processor. So it runs the
# tests of what depends on the machine (with ANNOY_RS_THOROUGH=1 all), and where they sample what
# they try, they try one in ANNOY_RS_SAMPLE (100 unless given).
#
# Needs cargo and gcc. Rust's libraries for those systems are installed by rustup, the emulators and
# the other compilers by apt-get as root; otherwise what is missing is named.
set -u
. "$(dirname "$0")/../shell.sh"
. "$here/wine.sh"
export ANNOY_RS_SAMPLE=${ANNOY_RS_SAMPLE:-100} ANNOY_RS_KILLS=${ANNOY_RS_KILLS:-5}
unset CARGO_BUILD_TARGET RUSTFLAGS

# needs RUST_TARGET [PACKAGE:COMMAND...]: what is missing is installed, or named.
needs() {
    local triple=$1 entry missing=()
    shift
    for entry in "$@"; do
        case ${entry#*:} in
            /*) [ -e "${entry#*:}" ] || missing+=("${entry%%:*}") ;;
            *) command -v "${entry#*:}" > /dev/null || missing+=("${entry%%:*}") ;;
        esac
    done
    if [ ${#missing[@]} -gt 0 ]; then
        if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
            bad "missing: ${missing[*]} (Debian package names)"
            return 1
        fi
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
            > "$tmp/log" 2>&1 || { bad "apt-get install ${missing[*]}" "$tmp/log"; return 1; }
    fi
    [ -d "$(rustc --print target-libdir --target "$triple")" ] || rustup target add "$triple" > "$tmp/log" 2>&1 ||
        { bad "missing: rustup target add $triple" "$tmp/log"; return 1; }
}

# counted NAME COMMAND...: adds up the Rust tests that passed.
counted() {
    local name=$1 start=$SECONDS status n
    shift
    "$@" > "$tmp/log" 2>&1
    status=$?
    n=$(grep -oE '[0-9]+ passed' "$tmp/log" | awk '{n += $1} END {print n + 0}')
    if [ $status -eq 0 ] && [ "$n" -gt 0 ]; then
        passed=$((passed + n))
        echo "ok    $name: $n tests, $((SECONDS - start)) s"
    else
        bad "$name" "$tmp/log"
    fi
}
says() { "${@:2}" 2>&1 | tee "$tmp/says" && grep -qF -- "$1" "$tmp/says"; }

. "$root/tests/packages.sh"
features=(--features fault-injection,internals)
rust_tests() { cargo test --quiet --manifest-path "$root/Cargo.toml" --target-dir "$target" "${features[@]}" "$@"; }
rust_library() {
    cargo build --quiet --lib --manifest-path "$root/Cargo.toml" --target-dir "$target" "${features[@]}" "$@"
}
# What decides bytes and answers: files of every kind, by every kernel, are those of before.
bytes=(conformance:: determinism::checksums determinism::every_kernel determinism::a_kernel format:: golden::
    graph_bytes::every_kernel graph_bytes::zero_vectors scan_bytes::every_kernel)
# And what has to do with memory, files and processes.
system=(bytes:: disk:: labels:: kill:: save:: states:: views::)
# What the storage of a system decides.
files=(bad_input:: described:: edge:: work:: scan_bytes::)
[ -z "${ANNOY_RS_THOROUGH:-}" ] || bytes=() system=() files=()

aarch64() {
    local triple=aarch64-unknown-linux-gnu source program
    local -x CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    local -x CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64 ANNOY_RS_RUNNER=qemu-aarch64
    local -x QEMU_LD_PREFIX=/usr/aarch64-linux-gnu QEMU_CPU=max
    needs $triple gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc libc6-dev-arm64-cross:$QEMU_LD_PREFIX/include/stdio.h \
        qemu-user:qemu-aarch64 || return
    counted "aarch64: unit tests" rust_tests --target $triple --lib
    counted "aarch64: tests of the API" rust_tests --target $triple --test rust -- "${bytes[@]}" "${system[@]}"
    ok "aarch64: with dot products where they are" says "kernel: dotprod" \
        rust_tests --target $triple --test rust -- --exact determinism::checksums_are_those_of_before --nocapture
    export QEMU_CPU=cortex-a53
    counted "aarch64 (cortex-a53): kernels" rust_tests --target $triple --lib kernel::
    ok "aarch64 (cortex-a53): built files, without dot products" says "kernel: neon" \
        rust_tests --target $triple --test rust -- --exact determinism::checksums_are_those_of_before --nocapture
    export QEMU_CPU=max
    # Cargo's tests need no static library, so they leave none.
    ok "aarch64: the library for C" rust_library --target $triple
    for source in "$root"/tests/c/*.c; do
        program=$(basename "$source" .c)
        [ "$program" = canary ] && continue
        rm -rf "$scratch" && mkdir "$scratch"
        if ! aarch64-linux-gnu-gcc -std=c99 -g -O1 "-DEXPECTED_VERSION=\"$version\"" -DSOME \
            "-DGOLDEN=\"$root/tests/golden/annoy-1.17.3\"" "-DCONFORMANCE=\"$root/tests/conformance\"" \
            "-DSHARED_LIBRARY=\"$target/$triple/debug/libannoy_rs.so\"" -I"$root/include" -I"$root/tests/c" "$source" \
            "$target/$triple/debug/libannoy_rs.a" -lpthread -ldl -lm -lrt -o "$tmp/$program" > "$tmp/log" 2>&1; then
            bad "aarch64: $program.c does not compile" "$tmp/log"
            continue
        fi
        SCRATCH=$scratch timeout 600 qemu-aarch64 "$tmp/$program" > "$tmp/log" 2>&1
        if [[ $(tail -n 1 "$tmp/log") =~ ^tests\ ([0-9]+)\ broken\ 0\ checks\ ([0-9]+)$ ]]; then
            passed=$((passed + BASH_REMATCH[1]))
            echo "ok    aarch64: $program.c: ${BASH_REMATCH[1]} tests, ${BASH_REMATCH[2]} checks"
        else
            bad "aarch64: $program.c" "$tmp/log"
        fi
    done
}

x86-64() {
    local triple=x86_64-unknown-linux-gnu
    local -x CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=qemu-x86_64 ANNOY_RS_RUNNER=qemu-x86_64 QEMU_CPU=Nehalem
    local here=() features=("${features[@]}")
    # What the stage "rust" has compiled, where it is for this system.
    if [ "$(rustc -vV | sed -n 's/^host: //p')" = $triple ]; then
        features=("${packages_of_rust[@]}")
    else
        here=(--target $triple)
    fi
    needs $triple qemu-user:qemu-x86_64 || return
    counted "x86-64 without AVX: kernels" rust_tests "${here[@]}" --lib kernel::
    counted "x86-64 without AVX: bytes and answers" rust_tests "${here[@]}" --test rust -- "${bytes[@]}"
    ok "x86-64 without AVX: with SSE2" says "kernel: sse2" \
        rust_tests "${here[@]}" --test rust -- --exact determinism::checksums_are_those_of_before --nocapture
}

musl() {
    local triple=x86_64-unknown-linux-musl
    needs $triple || return
    counted "musl: tests of the API" rust_tests --target $triple --test rust
}

windows() {
    local triple=x86_64-pc-windows-gnu program source
    local -x CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
    local -x CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine64 ANNOY_RS_RUNNER=
    needs $triple gcc-mingw-w64-x86-64:x86_64-w64-mingw32-gcc wine:wine wine64:wine64 || return
    ok "windows: wine" wine_ready
    counted "windows: unit tests" rust_tests --target $triple --lib
    counted "windows: tests of the API" rust_tests --target $triple --test rust -- "${bytes[@]}" "${system[@]}" "${files[@]}"
    grep -E ', .*ignored$|ignored, ' "$tmp/log" | sed 's/^test /      not under wine: /'
    ok "windows: the library for C" rust_library --target $triple
    # files.c is for POSIX: modes, errno, names that are not UTF-8. Rust tests do its part.
    for program in conformance described labels graph scan results; do
        source=$root/tests/c/$program.c
        if ! x86_64-w64-mingw32-gcc -std=c99 -g -O1 "-DEXPECTED_VERSION=\"$version\"" -DSOME \
            "-DGOLDEN=\"$root/tests/golden/annoy-1.17.3\"" "-DCONFORMANCE=\"$root/tests/conformance\"" \
            -I"$root/include" -I"$root/tests/c" "$source" "$target/$triple/debug/libannoy_rs.a" \
            -lkernel32 -lntdll -luserenv -lws2_32 -ldbghelp -o "$tmp/$program.exe" > "$tmp/log" 2>&1; then
            bad "windows: $program.c does not compile" "$tmp/log"
            continue
        fi
        rm -rf "$scratch" && mkdir "$scratch"
        SCRATCH=$scratch timeout 600 wine64 "$tmp/$program.exe" < /dev/null 2>&1 | tr -d '\r' > "$tmp/log"
        if [[ $(tail -n 1 "$tmp/log") =~ ^tests\ ([0-9]+)\ broken\ 0\ checks\ ([0-9]+)$ ]]; then
            passed=$((passed + BASH_REMATCH[1]))
            echo "ok    windows: $program.c: ${BASH_REMATCH[1]} tests, ${BASH_REMATCH[2]} checks"
        else
            bad "windows: $program.c" "$tmp/log"
        fi
    done
    wineserver -w
}

# Nothing is linked: that release/dist.sh does.
macos() {
    local triple
    for triple in aarch64-apple-darwin x86_64-apple-darwin; do
        needs $triple || return
        ok "$triple: the library and the tests compile" cargo check --quiet --lib --tests --manifest-path "$root/Cargo.toml" \
            --target-dir "$target" --target $triple "${features[@]}"
    done
}

big-endian() {
    local triple=s390x-unknown-linux-gnu
    needs $triple || return
    if cargo check --quiet --lib --manifest-path "$root/Cargo.toml" --target-dir "$target" --target $triple \
        > "$tmp/log" 2>&1; then bad "big-endian: it compiles"
    elif grep -q "big-endian hosts cannot read them" "$tmp/log"; then good "big-endian: it does not compile, and says why"
    else bad "big-endian: another message" "$tmp/log"; fi
}

[ $# -gt 0 ] || set -- aarch64 x86-64 musl windows macos big-endian
for part in "$@"; do
    case $part in
        aarch64 | x86-64 | musl | windows | macos | big-endian) "$part" ;;
        *) echo "no $part; there are: aarch64, x86-64, musl, windows, macos, big-endian" >&2; exit 2 ;;
    esac
done
finish
