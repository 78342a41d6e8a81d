#!/usr/bin/env bash
# Usage: fetch_annoy.sh DIR
# Puts the source of Annoy 1.17.3 (Apache-2.0, from PyPI) into DIR and prints the directory of its
# headers. Does nothing when it is already there. $PYTHON names the python whose pip is used
# (default: python3).
set -euo pipefail

version=1.17.3
sha256=9cbfebefe0a5f843eba29c6be4c84d601f4f41ad4ded0486f1b88c3b07739c15

if [ $# -ne 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
headers="$dir/annoy-$version/src"

if [ ! -f "$headers/annoylib.h" ]; then
    scratch=$(mktemp -d "$dir/fetch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    "${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --dest "$scratch" "annoy==$version" >&2
    echo "$sha256  $scratch/annoy-$version.tar.gz" | sha256sum --check --quiet - >&2
    tar -xzf "$scratch/annoy-$version.tar.gz" -C "$scratch"
    mv "$scratch/annoy-$version" "$dir/" # whole or not at all
fi
echo "$headers"
