#!/usr/bin/env bash
# Publishes what release/dist.sh has made, to each registry that a token is set for:
#
#   PYPI_TOKEN=... RUBYGEMS_TOKEN=... CRATES_TOKEN=... release/publish.sh
#
# GO_REPOSITORY=URL pushes the Go module there, with the tag of this version. `--dry-run` says what
# it would do.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
dist=$root/target/dist
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
. "$root/release/names.sh"
run() { if [ "${dry:-}" ]; then echo "would run: $*"; else "$@"; fi; }
[ "${1:-}" != --dry-run ] || dry=1

if [ -n "${PYPI_TOKEN:-}" ]; then
    python3 -m venv "$root/target/publish"
    "$root/target/publish/bin/python" -m pip install --quiet twine
    TWINE_USERNAME=__token__ TWINE_PASSWORD=$PYPI_TOKEN run "$root/target/publish/bin/twine" upload "$dist"/*.whl \
        "$dist/annoy_rs-$version.tar.gz" "$dist/annoy_rs_compat-$version.tar.gz"
else echo "PyPI: no PYPI_TOKEN"; fi
if [ -n "${RUBYGEMS_TOKEN:-}" ]; then
    for gem in "$dist"/*.gem; do GEM_HOST_API_KEY=$RUBYGEMS_TOKEN run gem push "$gem"; done
else echo "RubyGems: no RUBYGEMS_TOKEN"; fi
if [ -n "${CRATES_TOKEN:-}" ]; then
    mkdir -p "$root/target/publish-crate"
    tar -xzf "$dist/$crate_name-$version.crate" -C "$root/target/publish-crate" --strip-components 1
    # What cargo adds to a package it takes from no one else.
    (cd "$root/target/publish-crate" && rm -f .cargo_vcs_info.json && mv Cargo.toml.orig Cargo.toml &&
        CARGO_REGISTRY_TOKEN=$CRATES_TOKEN run cargo publish --allow-dirty)
else echo "Rust's package registry: no CRATES_TOKEN"; fi
if [ -n "${GO_REPOSITORY:-}" ]; then
    # The whole history is one commit for each version: the libraries are large.
    rm -rf "$root/target/publish-go"
    git clone --quiet --depth 1 "$GO_REPOSITORY" "$root/target/publish-go"
    cd "$root/target/publish-go"
    git rm -rq --ignore-unmatch .
    cp -r "$dist/go/." .
    git add -A
    git commit --quiet -m "v$version"
    git tag "v$version"
    run git push origin HEAD "v$version"
else echo "Go: no GO_REPOSITORY"; fi
