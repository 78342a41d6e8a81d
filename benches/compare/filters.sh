#!/usr/bin/env bash
# Filtered search, annoy_rs's graph against hnswlib's, both from C++: README.md, "Filters", says
# what is measured.
# Usage: filters.sh [--work DIR] [--set words,images] [--cpu N]
# Prints Markdown. Needs what run.sh left in DIR (default: target/compare); OURS_LIB, OURS_INCLUDE,
# CXX, CARGO_TARGET_DIR and PYTHON as with run.sh. Needs bash, python3 with pip, a C++ compiler,
# cargo, and taskset and flock of util-linux.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
cxx=${CXX:-c++}
flags=(-std=c++17 -O3 -march=native -Wall -Wextra)
version=0.8.0
sha256=cb6d037eedebb34a7134e7dc78966441dfd04c9cf5ee93911be911ced951c44c

usage() {
    echo "usage: $0 [--work DIR] [--set words,images] [--cpu N]" >&2
    exit 2
}

work="$root/target/compare"
sets=words,images
cpu=$("$python" -c 'import os; print(max(os.sched_getaffinity(0)))')
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
        --work) work=$2 ;;
        --set) sets=$2 ;;
        --cpu) cpu=$2 ;;
        *) usage ;;
    esac
    shift 2
done
IFS=, read -ra names <<<"$sets"

# The newest index of hnswlib: run.sh names them by version, settings and data.
newest() {
    local newest=""
    for file in "$work/indexes/$1"/hnswlib-*.index; do
        if [ -f "$file" ] && { [ -z "$newest" ] || [ "$file" -nt "$newest" ]; }; then newest=$file; fi
    done
    echo "$newest"
}

for name in "${names[@]}"; do
    for file in "$work/data/$name/meta.json" "$work/data/$name/queries.rows" "$work/indexes/$name/graph-10.ann" "$(newest "$name")"; do
        if [ ! -f "$file" ]; then
            echo "no data or indexes of '$name' in $work; this makes them:" >&2
            echo "    bash benches/compare/run.sh --set $name --only graph,hnswlib --trees 10 --one-core --work $work" >&2
            exit 1
        fi
    done
done
work=$(cd "$work" && pwd)

# Not while run.sh measures, or builds these files anew.
exec 9>>"$work/lock"
flock --nonblock 9 || { echo "another run is using $work" >&2; exit 1; }

# hnswlib's headers (Apache-2.0, from PyPI). To name its version pip makes what the package needs
# for building; that may come in wheels.
headers="$work/downloads/hnswlib-$version"
if [ ! -f "$headers/hnswlib/hnswlib.h" ]; then
    mkdir -p "$work/downloads"
    scratch=$(mktemp -d "$work/downloads/fetch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary hnswlib \
        --dest "$scratch" "hnswlib==$version" >&2
    echo "$sha256  $scratch/hnswlib-$version.tar.gz" | sha256sum --check --quiet - >&2
    tar -xzf "$scratch/hnswlib-$version.tar.gz" -C "$scratch"
    mv "$scratch/hnswlib-$version" "$headers" # whole or not at all
fi

library=${OURS_LIB:-}
ours="the library named by OURS_LIB"
if [ -z "$library" ]; then
    target=${CARGO_TARGET_DIR:-$root/target}
    (cd "$root" && CARGO_TARGET_DIR=$target cargo build --release --quiet)
    library="$target/release/libannoy_rs.a"
    commit=$(git -C "$root" describe --always --dirty --abbrev=10 2>/dev/null) || commit=-
    ours="$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1), commit $commit"
fi
mkdir -p "$work/programs"
"$cxx" "${flags[@]}" -isystem "$headers" -I"${OURS_INCLUDE:-$root/include}" "$here/native/filters.cc" \
    "$library" -lpthread -ldl -lm -o "$work/programs/filters"

processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
memory=$(awk '/^MemTotal:/ {printf "%.0f", $2 / 1048576}' /proc/meminfo)
cat <<TEXT
# Filtered search

| | |
|---|---|
| date | $(date -u +%Y-%m-%dT%H:%M:%SZ) |
| machine | ${processor:-$(uname -m)}, $(nproc --all) cores, $memory GiB |
| core used | $cpu |
| system | $(uname -sr) |
| annoy_rs | $ours |
| hnswlib | $version |
| compilers | $("$cxx" --version | head -n 1); $(rustc --version 2>/dev/null || echo -) |
| flags | ${flags[*]} |
| command | \`bash benches/compare/filters.sh --set $sets --cpu $cpu\` |
TEXT

for name in "${names[@]}"; do
    IFS=$'\t' read -r metric d n source < <("$python" - "$work/data/$name/meta.json" <<'PYTHON'
import json, sys

facts = json.load(open(sys.argv[1]))["set"]
print(facts["metric"], facts["d"], facts["n"], facts["source"], sep="\t")
PYTHON
    )
    printf '\n## %s\n\n%s. %s x %s, %s.\n\n' "$name" "$source" "$n" "$d" "$metric"
    taskset --cpu-list "$cpu" "$work/programs/filters" "$metric" "$d" "$n" "$work/data/$name/queries.rows" \
        "$work/indexes/$name/graph-10.ann" "$(newest "$name")"
done
