#!/usr/bin/env bash
# Builds the site into target/site/html: docs/site/build.sh [--test] [report.csv...]. With --test
# every block of the pages runs, dead links are looked for, and pages with programs are opened in
# Chromium. Reports of benches/compare are plotted beside the published figures.
#
# Installs what is missing: Doxygen when run as root, Python packages below target/site.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
is_test=
[ "${1:-}" = --test ] && is_test=1 && shift
target=${CARGO_TARGET_DIR:-target}
work=$PWD/target/site
pages=$work/pages
mkdir -p "$work"

for package in doxygen:doxygen ruby:rdoc; do
    type -P "${package#*:}" >/dev/null && continue
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: ${package%:*} (Debian package name); install it, or run this as root to have it done" >&2
        exit 1
    fi
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${package%:*}" >/dev/null
done
triple=wasm32-unknown-unknown
[ -d "$(rustc --print target-libdir --target $triple)" ] || rustup target add $triple >/dev/null 2>&1 ||
    { echo "missing: rustup target add $triple" >&2; exit 1; }

# What the pages' programs need, ours among them.
python=$work/venv/bin/python
needed="annoy==1.17.3 cffi faiss-cpu hnswlib numpy pdoc setuptools>=77 typing_extensions wheel zensical"
if [ "$(cat "$work/venv/ready" 2>/dev/null)" != "$needed" ]; then
    python3 -m venv --clear "$work/venv"
    # shellcheck disable=SC2086 # words
    "$python" -m pip install --quiet --disable-pip-version-check $needed
    echo "$needed" >"$work/venv/ready"
fi
CARGO_TARGET_DIR=$target/site "$python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./bindings/python

annoy=$(bash cli/tests/build.sh)
"$python" docs/site/stage.py "$pages" "$@"
bash docs/site/api.sh "$python" "$pages/api"
cargo build --quiet --release --lib --target $triple --target-dir "$target/site"
cp "$target/site/$triple/release/annoy_rs.wasm" "$pages/try/"
"$annoy" --quiet build examples/data/glove-20k-50d.f16 --width 50 --names examples/data/glove-20k-words.txt \
    --trees 2 --beside graph -o "$pages/try/words.ann"
cp docs/site/mkdocs.yml "$work/"
(cd "$work" && venv/bin/zensical build --clean --config-file mkdocs.yml)

[ -n "$is_test" ] || { echo "the site is in target/site/html"; exit; }
"$python" docs/site/figures.py
"$python" docs/site/links.py "$work/html"
"$python" docs/site/blocks.py "$annoy" "$python"
browser=$(bash tests/browser/python.sh)
ANNOY_SITE=$work/html "$browser" -m pytest -q -p no:cacheprovider tests/browser/test_site.py
"$browser" -m mypy --strict --cache-dir target/browser/mypy docs/site
echo "1 passed, 0 failed"
