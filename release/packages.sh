# Part of release/dist.sh: what the other registries want.

# --- RubyGems
gem_of() {
    has_library "$1" && rake --silent --rakefile "$root/bindings/ruby/Rakefile" native "PLATFORM=$(name_of "$1" 3)" \
        "LIBRARY=$work/libraries/$1/$(shared_name "$1")" "TO=$dist"
}
source_gem() {
    CARGO_TARGET_DIR=$work/cargo rake --silent --rakefile "$root/bindings/ruby/Rakefile" gem &&
        cp "$root/bindings/ruby/pkg/annoy_rs-$version.gem" "$dist"
}
gems() {
    local system
    debian_packages ruby:ruby rake:rake
    rm -f "$dist"/*.gem
    for system in $wanted_systems; do made "gem for $(name_of "$system" 3)" gem_of "$system"; done
    made "source gem" source_gem
}

# --- Go: a repository to be pushed, and the same as a module proxy has it
go_module_tree() (
    set -e
    to=$dist/go
    rm -rf "$to" "$dist/go-proxy"
    mkdir -p "$to"
    (cd "$root/bindings/go" && git ls-files -z | xargs -0 cp --parents -t "$to")
    rm -f "$to"/build-lib.sh "$to"/test.sh "$to"/conformance_*test.go "$to"/coverage_test.go
    cp "$root/LICENSE" "$root/THIRD-PARTY-LICENSES.txt" "$to"
    cp "$root/include/annoy.h" "$to/libannoy_rs.h"
    for system in $wanted_systems; do
        has_library "$system"
        cp "$work/libraries/$system/libannoy_rs.a" "$to/libannoy_rs_$(name_of "$system" 4).a"
    done
    # The module's name stands in go.mod, and in what imports it.
    grep -rlZ annoy_rs/bindings/go "$to" | xargs -0 sed -i "s|annoy_rs/bindings/go|$go_module|g"
    python3 "$root/release/go_proxy.py" "$to" "$go_module" "v$version" "$dist/go-proxy"
)
go() { made "Go module $go_module" go_module_tree; }

# --- C and C++
installed() (
    set -e
    # installed SYSTEM PREFIX OPTION...: what CMake installs, of the libraries that are there.
    system=$1 prefix=$2
    shift 2
    has_library "$system"
    case $system in *-darwin) os=Darwin ;; *-windows-*) os=Windows ;; *) os=Linux ;; esac
    build=$work/cmake-$system
    rm -rf "$build"
    # Nothing is compiled.
    cmake -S "$root" -B "$build" -DCMAKE_SYSTEM_NAME="$os" -DCMAKE_C_COMPILER=cc -DCMAKE_C_COMPILER_WORKS=1 \
        -DCMAKE_INSTALL_NAME_TOOL=true -DCMAKE_BUILD_TYPE=Release -DANNOY_RS_BUILT="$work/libraries/$system" \
        -DCMAKE_INSTALL_PREFIX="$prefix" "$@"
    cmake --build "$build" --target annoy_rs_cargo
    DESTDIR=$work/root cmake --install "$build"
)
archive() (
    set -e
    name=annoy_rs-$version-$(name_of "$1" 5)
    rm -rf "$work/root"
    installed "$1" "/$name" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_BINDIR=bin
    cd "$work/root"
    case $1 in
        *-windows-*)
            # Microsoft's linker wants a file of its own that says what is in the DLL.
            { echo "LIBRARY annoy_rs.dll"; echo EXPORTS; grep -o 'annoy_[a-z0-9_]*(' "$root/include/annoy.h" | tr -d '(' | sort -u; } > "$work/exports"
            llvm-nm --defined-only -g "$work/libraries/$1/libannoy_rs.dll.a" | awk '$2 == "T" {print $3}' | sort -u > "$work/there"
            { echo "LIBRARY annoy_rs.dll"; echo EXPORTS; grep '^annoy_' "$work/there"; } > "$work/annoy_rs.def"
            python -m ziglang dlltool -m i386:x86-64 -d "$work/annoy_rs.def" -l "$name/lib/annoy_rs.lib"
            python3 -m zipfile -c "$dist/$name.zip" "$name"
            ;;
        *) tar --owner=0 --group=0 --sort=name -czf "$dist/$name.tar.gz" "$name" ;;
    esac
)
archives() {
    local system
    rm -f "$dist/annoy_rs-$version"-{linux,macos,windows}-*
    for system in $wanted_systems; do made "archive for $(name_of "$system" 5)" archive "$system"; done
}

# --- Debian
debian_package() (
    set -e
    arch=$(name_of "$1" 6)
    libdir=usr/lib/${1%%-*}-linux-gnu
    runtime=libannoy-rs$abi
    rm -rf "$work/root" "$work/debian"
    installed "$1" /usr "-DCMAKE_INSTALL_LIBDIR=lib/${1%%-*}-linux-gnu"
    mkdir -p "$work/debian/$runtime/$libdir" "$work/debian/libannoy-rs-dev"
    mv "$work/root/usr" "$work/debian/libannoy-rs-dev"
    rm -rf "$work/debian/libannoy-rs-dev/usr/share/doc"
    mv "$work/debian/libannoy-rs-dev/$libdir/libannoy_rs.so.$abi" "$work/debian/$runtime/$libdir"
    chmod 644 "$work/debian/$runtime/$libdir/libannoy_rs.so.$abi"
    describe() { # PACKAGE SECTION DEPENDS SUMMARY TEXT
        local to=$work/debian/$1
        mkdir -p "$to/DEBIAN" "$to/usr/share/doc/$1"
        # The whole licences of all that is in it.
        cat "$root/LICENSE" "$root/THIRD-PARTY-LICENSES.txt" > "$to/usr/share/doc/$1/copyright"
        cat > "$to/DEBIAN/control" << EOF
Package: $1
Source: annoy-rs
Version: $version-1
Architecture: $arch
Maintainer: $maintainer
Section: $2
Priority: optional
Multi-Arch: same
Depends: $3
Installed-Size: $(du -sk --exclude=DEBIAN "$to" | cut -f1)
Description: $4
 $5
EOF
        dpkg-deb --root-owner-group --build "$to" "$dist/$1_$version-1_$arch.deb"
    }
    mkdir -p "$work/debian/$runtime/DEBIAN"
    echo "libannoy_rs $abi $runtime" > "$work/debian/$runtime/DEBIAN/shlibs"
    echo "activate-noawait ldconfig" > "$work/debian/$runtime/DEBIAN/triggers"
    describe "$runtime" libs "libc6 (>= $oldest_glibc), libgcc-s1" "approximate nearest neighbours in memory-mapped files" \
        "Annoy rebuilt in Rust, behind a C ABI: the shared library."
    describe libannoy-rs-dev libdevel "$runtime (= $version-1)" "approximate nearest neighbours - for compiling" \
        "Headers for C and C++, the static library, CMake package and pkg-config file."
)
debian() {
    local system
    debian_packages dpkg:dpkg-deb
    rm -f "$dist"/*.deb
    for system in $wanted_systems; do
        [ "$(name_of "$system" 6)" = - ] || made "Debian packages for $(name_of "$system" 6)" debian_package "$system"
    done
}

# --- Rust's package registry
# From a copy of what belongs to the crate, under its name there: what else the repository has
# (bindings, tests, benchmarks, the fuzzers' inputs) is not the crate's.
crate_package() (
    set -e
    to=$work/crate
    rm -rf "$to"
    mkdir -p "$to"
    cd "$root"
    git ls-files -z src include build.rs Cargo.lock README.md CHANGELOG.md FORMAT.md LICENSE THIRD-PARTY-LICENSES.txt |
        xargs -0 cp --parents -t "$to"
    python3 release/crate_manifest.py Cargo.toml "$crate_name" > "$to/Cargo.toml"
    cargo package --quiet --allow-dirty --manifest-path "$to/Cargo.toml" --target-dir "$work/package"
    cp "$work/package/package/$crate_name-$version.crate" "$dist"
)
crate() {
    rm -f "$dist"/*.crate
    made "crate" crate_package
}
