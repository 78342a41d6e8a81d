#!/usr/bin/env bash
# Prints a Python with which pages are opened in Debian's Chromium: an environment below
# target/browser. Installs the browser where there is none, when run as root.
set -euo pipefail
work=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target/browser
if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: chromium (Debian package name); install it, or run this as root to have it done" >&2
        exit 1
    fi
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >&2
fi
python=$work/venv/bin/python
needed="mypy playwright pytest"
mkdir -p "$work"
exec 9>"$work/venv.lock"
flock 9
if [ "$(cat "$work/venv/ready" 2>/dev/null)" != "$needed" ]; then
    python3 -m venv --clear "$work/venv"
    # shellcheck disable=SC2086 # words
    "$python" -m pip install --quiet --disable-pip-version-check $needed >&2
    echo "$needed" >"$work/venv/ready"
fi
echo "$python"
