#!/usr/bin/env bash
# What Spark and annoy_rs take for so many vectors of 96 numbers, on two executors of this machine:
#
#   bash benches/scale/run.sh ROWS SHARDS [DIRECTORY]
#
# Uses the environment of bindings/python/spark/test.sh, which has to have run. The directory
# (target/scale by default) gets the shards and Spark's spill: some 1,500 bytes for each row.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$PWD/target/spark/venv/bin/python
directory=${3:-$PWD/target/scale}
mkdir -p "$directory"
script=$PWD/benches/scale/scale.py
cd "$directory"
PYSPARK_PYTHON=$python "$python" "$script" "$1" "$2" "$directory"
