#!/usr/bin/env bash
# Compares annoy_rs with Annoy, hnswlib, faiss, ScaNN and other libraries on this machine; --help
# lists the options, README.md says what is measured. Makes its own Python environment and starts
# the package `compare` in it.
#
# Needs bash, python3 (3.11 or later) with venv, a C and a C++ compiler, cargo, and
# npm for the images and the sentences.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work="$here/../../target/compare"
arguments=("$@")
for ((i = 0; i < $#; i++)); do
    case ${arguments[i]} in
        --work) work=${arguments[i + 1]:?--work needs a directory} ;;
        --work=*) work=${arguments[i]#--work=} ;;
    esac
done
mkdir -p "$work"
work=$(cd "$work" && pwd)
python="$work/venv/bin/python"

# The peers are installed from inside, one by one, when they are wanted.
if ! cmp -s "$here/requirements.txt" "$work/venv/requirements.txt"; then
    echo "== Python environment" >&2
    python3 -m venv --clear "$work/venv"
    grep -E '^(numpy|matplotlib)==' "$here/requirements.txt" | xargs "$python" -m pip install --quiet --disable-pip-version-check >&2
    cp "$here/requirements.txt" "$work/venv/"
fi

PYTHONPATH="$here" exec "$python" -m compare "$@" --work "$work"
