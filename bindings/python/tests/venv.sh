#!/usr/bin/env bash
# Prints the Python that tests run in: an environment under target/python with all they need. Made
# once, by whichever of them comes first.
set -euo pipefail
work=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/target/python
python=$work/venv/bin/python

# PyPI annoy is compiled from its source package.
needed="annoy==1.17.3 cffi joblib matplotlib maturin ml_dtypes mypy numpy pandas polars pyarrow pytest pyyaml"
needed="$needed scikit-learn scipy setuptools>=77 wheel"
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
