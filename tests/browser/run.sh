#!/usr/bin/env bash
# Opens what `annoy report` and `annoy map` write in Chromium, without a screen:
# tests/browser/run.sh [--pictures]. With --pictures, docs/pictures is written anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$(bash tests/browser/python.sh)
annoy=$(bash cli/tests/build.sh)
words=target/browser/words
mkdir -p "$words"
"$annoy" --quiet build examples/data/glove-20k-50d.f16 --width 50 --names examples/data/glove-20k-words.txt \
    -o "$words/words.ann"
"$annoy" --quiet tune "$words/words.ann" --write >/dev/null
"$annoy" report "$words/words.ann" -o "$words/report.html"
"$annoy" map "$words/words.ann" -o "$words/map.html" --color id
"$annoy" map "$words/words.ann" -o "$words/map.svg" --highlight king
if [ "${1:-}" = --pictures ]; then
    "$python" tests/browser/pictures.py "$words" docs/pictures
    exit
fi
ANNOY_PAGES=$PWD/$words "$python" -m pytest -q -p no:cacheprovider tests/browser/test_pages.py
"$python" -m mypy --strict --cache-dir target/browser/mypy tests/browser
echo "1 passed, 0 failed"
