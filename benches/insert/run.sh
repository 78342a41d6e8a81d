#!/usr/bin/env bash
# Inserting into a built index: annoy_rs, hnswlib and usearch, one after the other on one set, by
# one thread. Prints Markdown.
# Usage: run.sh [--items N] [--dimensions D] [--ones N] [--only NAMES | --grow]
# Needs bash, python3 with venv and cargo. Makes its own Python environment.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/target/insert"
mkdir -p "$work"
# Versions are those of the comparison.
wanted=$(grep -E '^(numpy|hnswlib|usearch)==' "$root/benches/compare/requirements.txt")
if [ "$(cat "$work/venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    python3 -m venv --clear "$work/venv"
    xargs "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check <<<"$wanted" >&2
    echo "$wanted" >"$work/venv/wanted"
fi
(cd "$root" && cargo build --quiet --release --lib)
exec "$work/venv/bin/python" "$here/insert.py" \
    --library "${CARGO_TARGET_DIR:-$root/target}/release/libannoy_rs.so" "$@"
