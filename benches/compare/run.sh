#!/usr/bin/env bash
# Compares annoy_rs with Spotify's Annoy 1.17.3 on this machine, both compiled natively, on one core, taking turns.
# Prints a table of medians and saves it as WORK/report-NAME-METRIC.md and .csv.
#
#   --work DIR        where everything is put (default: target/compare of this repository)
#   --metric M        angular (default), euclidean, manhattan or dot
#   --npy X.npy       other data than GloVe; --name NAME for its files (default: the file's name)
#   --trees N         default 10
#   --threads N       for the build, default 1
#   --seed N          default 42
#   --search-k LIST   default "1000 10000 100000"
#   --passes N        timed passes over all queries for each search_k, default 5
#   --repeats N       turns, default 3
#   --cpus LIST       cores to run on, as taskset -c takes them (default: the last one)
#   --annoy-only      measure Annoy alone
#
# One turn: Annoy builds, saves, loads, queries; annoy_rs does the same; then each only loads and queries the file
# that Annoy made, and their answers are compared id by id.
# Needs bash, python3 with venv, g++, cc, taskset and cargo. To measure another build of the library set OURS_INCLUDE (directory of annoy.h),
# OURS_LIB (the library) and OURS_LDLIBS (what it needs, default "-lpthread -ldl -lm"); cargo is then not called.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

work="$root/target/compare"
metric=angular
npy=
name=
trees=10
threads=1
seed=42
search_ks=(1000 10000 100000)
passes=5
repeats=3
cpus=$(($(nproc --all) - 1))
annoy_only=false

fail() {
    echo "run.sh: $*" >&2
    exit 1
}

say() { echo "== $*" >&2; }

while [ $# -gt 0 ]; do
    case $1 in
        --annoy-only) annoy_only=true; shift; continue ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    esac
    [ $# -ge 2 ] || fail "unknown option, or one without its value: $1"
    case $1 in
        --work) work=$2 ;;
        --metric) metric=$2 ;;
        --npy) npy=$2 ;;
        --name) name=$2 ;;
        --trees) trees=$2 ;;
        --threads) threads=$2 ;;
        --seed) seed=$2 ;;
        --search-k) read -r -a search_ks <<<"$2" ;;
        --passes) passes=$2 ;;
        --repeats) repeats=$2 ;;
        --cpus) cpus=$2 ;;
        *) fail "unknown option: $1" ;;
    esac
    shift 2
done
[ ${#search_ks[@]} -gt 0 ] || fail "--search-k: an empty list"
[[ $repeats =~ ^[1-9][0-9]*$ ]] || fail "--repeats: $repeats"
taskset -c "$cpus" true || fail "--cpus: $cpus"
mkdir -p "$work"
work=$(cd "$work" && pwd)

python="$work/venv/bin/python"
if [ ! -f "$work/venv/ready" ]; then
    say "virtual environment"
    python3 -m venv --clear "$work/venv"
    "$python" -m pip install --quiet --disable-pip-version-check numpy setuptools wheel
    touch "$work/venv/ready"
fi

say "data"
make_args=(--metrics "$metric")
[ -z "$npy" ] || make_args+=(--npy "$npy")
[ -z "$name" ] || make_args+=(--name "$name")
facts=$("$python" "$here/data.py" make "$work" "${make_args[@]}")
IFS=$'\t' read -r name n d n_queries <<<"$facts"

say "programs"
headers=$(PYTHON="$python" "$here/fetch_annoy.sh" "$work")
# The flags of Annoy's own setup.py on Linux, x86-64.
annoy_flags=(-O3 -march=native -ffast-math -fno-associative-math -std=c++14 -DANNOYLIB_MULTITHREADED_BUILD -D_CRT_SECURE_NO_WARNINGS -fpermissive)
g++ "${annoy_flags[@]}" -pthread -isystem "$headers" -o "$work/bench_annoy" "$here/bench_annoy.cc"

ours_version=-
if ! $annoy_only; then
    if [ -z "${OURS_LIB:-}" ]; then
        (cd "$root" && CARGO_TARGET_DIR="$root/target" cargo build --release --quiet)
    fi
    include=${OURS_INCLUDE:-$root/include}
    [ -f "$include/annoy.h" ] || fail "no annoy.h in $include (--annoy-only measures Annoy alone)"
    read -r -a ours_libs <<<"${OURS_LDLIBS:--lpthread -ldl -lm}"
    ${CC:-cc} -std=c99 -O3 -march=native -Wall -Wextra -I "$include" -o "$work/bench_ours" "$here/bench_ours.c" \
        "${OURS_LIB:-$root/target/release/libannoy_rs.a}" "${ours_libs[@]}"
    ours_version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
fi

results="$work/results-$name-$metric.jsonl"
: >"$results"

# measure PROGRAM INDEX [OPTION...]
measure() {
    local program=$1 index=$2
    shift 2
    taskset -c "$cpus" "$work/bench_$program" --passes "$passes" "$@" "$metric" "$work/$name.f32" "$n" "$d" \
        "$work/$name.queries.f32" "$n_queries" "$trees" "$threads" "$seed" "$index" "$work/$name.$metric.truth.i32" \
        "${search_ks[@]}" | tee -a "$results" >&2
}

annoy_file="$work/$name-$metric.annoy.ann"
ours_file="$work/$name-$metric.ours.ann"
annoy_ids="$work/$name-$metric.annoy.ids"
ours_ids="$work/$name-$metric.ours.ids"
for ((turn = 1; turn <= repeats; turn++)); do
    say "turn $turn of $repeats"
    measure annoy "$annoy_file"
    $annoy_only || measure ours "$ours_file"
    measure annoy "$annoy_file" --query-only --ids-out "$annoy_ids"
    $annoy_only || measure ours "$annoy_file" --query-only --ids-out "$ours_ids"
done

report_args=()
$annoy_only || report_args+=(--ids "$annoy_ids" "$ours_ids")
cpu=$(LC_ALL=C lscpu | sed -n 's/^Model name: *//p' | head -n 1)
rust=$(rustc --version 2>/dev/null || echo -)
gxx=$(g++ --version | head -n 1)
"$python" "$here/data.py" report "$results" --out "$work/report-$name-$metric" --queries "$n_queries" --search-ks "${search_ks[*]}" \
    "${report_args[@]}" \
    --fact "date=$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    --fact "machine=$cpu, $(nproc --all) cores, run on core $cpus" \
    --fact "system=$(uname -sr)" \
    --fact "versions=Annoy 1.17.3; annoy_rs $ours_version; $gxx; $rust" \
    --fact "data=$name, $n items x $d, $n_queries queries, 10 neighbours" \
    --fact "index=$metric, $trees trees, $threads build thread(s), seed $seed" \
    --fact "runs=$repeats turn(s), each the median of $passes pass(es)"
say "saved: $work/report-$name-$metric.md and .csv"
