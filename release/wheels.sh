# Part of release/dist.sh: what PyPI wants.

# maturin_build SYSTEM OPTION...
maturin_build() {
    local system=$1
    shift
    for_system "$system" env "PYO3_PYTHON=$work/tools/bin/python" maturin build --quiet --release --locked --target "$system" \
        --interpreter "$work/tools/bin/python" --manifest-path "$root/bindings/python/native/Cargo.toml" "$@"
}

one_wheel() (
    set -e
    tag=$(name_of "$1" 2)
    to=$work/wheel
    rm -rf "$to"
    options=(--out "$to")
    [ "$tag" = - ] || options+=(--zig --compatibility "$tag")
    maturin_build "$1" "${options[@]}"
    case $1 in
        *-musl)
            # As for the library itself.
            wheel unpack --dest "$to/unpacked" "$to"/*.whl
            rm "$to"/*.whl
            patchelf --replace-needed libc.so "libc.musl-${1%%-*}.so.1" "$to"/unpacked/annoy_rs-*/annoy_rs/_native.abi3.so
            wheel pack --dest-dir "$to" "$to"/unpacked/annoy_rs-*/
            ;;
    esac
    # What it says it needs it does need.
    case $tag in
        manylinux2014) auditwheel show "$to"/*.whl | grep -q '"manylinux_2_17_' ;;
        musllinux_1_2) auditwheel show "$to"/*.whl | grep -q '"musllinux_1_2_' ;;
    esac
    cp "$to"/*.whl "$dist"
)
source_package() {
    maturin sdist --manifest-path "$root/bindings/python/native/Cargo.toml" --out "$dist"
}
compat() {
    python -m build --no-isolation --outdir "$dist" "$root/bindings/python/compat"
}
wheels() {
    local system
    rm -f "$dist"/*.whl "$dist"/annoy_rs*.tar.gz
    for system in $wanted_systems; do made "wheel for $system" one_wheel "$system"; done
    made "source package for PyPI" source_package
    made "annoy-rs-compat" compat
}
