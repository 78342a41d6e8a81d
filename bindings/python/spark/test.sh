#!/usr/bin/env bash
# annoy_rs.spark on a cluster of two executors on this machine: bindings/python/spark/test.sh [TEST]
#
# Needs Java; PySpark comes from PyPI, into an environment under target/spark.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
root=$PWD
work=$root/target/spark
python=$work/venv/bin/python
command -v java >/dev/null || { echo "missing: java (Debian: default-jre-headless)" >&2; exit 1; }
needed="pyspark==3.5.5 numpy pandas pyarrow cffi setuptools>=77 wheel maturin pytest"
if [ "$(cat "$work/venv/ready" 2>/dev/null)" != "$needed" ]; then
    python3 -m venv --clear "$work/venv"
    # shellcheck disable=SC2086 # words
    "$python" -m pip install --quiet --disable-pip-version-check $needed
    echo "$needed" >"$work/venv/ready"
fi
export PATH=$work/venv/bin:$PATH PYO3_PYTHON=$python
rm -rf "$work/wheels"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$work/wheels" ./bindings/python
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
    "$work"/wheels/annoy_rs-*.whl
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
cd "$elsewhere"
# The cluster's executors log to the directory it was started in.
SPARK_WORKER_DIR=$elsewhere/work PYSPARK_PYTHON=$python "$python" -m pytest -q -p no:cacheprovider \
    -c /dev/null --rootdir "$root/bindings/python/spark" "$root/bindings/python/spark/${1:-test_spark.py}"
