#!/usr/bin/env bash
# The fuzzers: libFuzzer under AddressSanitizer. docs/reliability.md has what they found and
# how long they ran.
#
#   fuzz/run.sh --test                     each target a number of times, from the corpus that
#                                          is checked in and with a fixed seed: what fails
#                                          once fails again
#   fuzz/run.sh TARGET [OPTION...]         one target (file, superblock, manifest, calls), with
#                                          libFuzzer's options, until it is stopped; new inputs go
#                                          to target/fuzz/corpus/TARGET
#   fuzz/run.sh TARGET FILE...             an input once more
#   fuzz/run.sh --keep TARGET [COUNT]      makes fuzz/corpus anew from itself and
#                                          target/fuzz/corpus: what adds to the edges reached, of
#                                          that COUNT inputs (250) of all lengths
#
# An input that fails is left in target/fuzz/artifacts; it goes to fuzz/regressions/TARGET with a
# name that says what it is, and tests/rust/fuzzed.rs runs it from then on.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/fuzz/flags.sh"
targets=(file superblock manifest calls)
fuzz_work=$fuzz_target/fuzz
artifacts=$fuzz_work/artifacts

# Inputs are short, and long ones are no better than short ones: no waiting for those to be used up.
# Edges alone count as new: that a loop ran once more does not. Nor does a shorter input take a
# longer one's place, which costs a look at each edge.
options=(-max_len=400 -len_control=0 -use_counters=0 -entropic=0 -reduce_inputs=0 -timeout=60 -rss_limit_mb=2048 -print_final_stats=1
    "-artifact_prefix=$artifacts/")

die() { echo "$1" >&2; exit 1; }

build() { mkdir -p "$artifacts" && cargo build --quiet --bins "${fuzz_build[@]}" || die "the build failed"; }

# directories TARGET GROWN: its corpora, the one that grows first.
directories() {
    mkdir -p "$2"
    echo "$2"
    for kept in "$root/fuzz/corpus/$1" "$root/fuzz/regressions/$1"; do [ -d "$kept" ] && echo "$kept"; done
}

# Executions of each in the test. The everyday one is compiled without optimisation: that takes
# longer to run than to compile with it only where there are more of them than these.
more=1
[ -n "${ANNOY_RS_THOROUGH:-}" ] && more=20
declare -A runs=([file]=$((3000 * more)) [superblock]=$((3000 * more)) [manifest]=$((3000 * more)) [calls]=$((1500 * more)))

test_all() {
    local target log corpora passed=0 failed=0
    for target in "${targets[@]}"; do
        log=$fuzz_work/$target.log
        # From what is checked in alone, so that a run does not depend on those before.
        rm -rf "$fuzz_work/grown"
        mapfile -t corpora < <(directories "$target" "$fuzz_work/grown")
        if "$fuzz_out/$target" "${options[@]}" -seed=1 -runs="${runs[$target]}" "${corpora[@]}" >"$log" 2>&1 </dev/null; then
            passed=$((passed + 1))
            echo "ok    $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions," \
                "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | grep -oE '[0-9]+') edges"
        else
            failed=$((failed + 1))
            echo "FAIL  $target"
            tail -n 60 "$log"
        fi
    done
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

case ${1:-} in
    --test)
        [ -n "${ANNOY_RS_THOROUGH:-}" ] || export CARGO_PROFILE_FUZZING_OPT_LEVEL=0
        build
        test_all
        ;;
    --keep)
        target=${2:?which target} count=${3:-250}
        build
        grown=$fuzz_work/corpus/$target kept=$root/fuzz/corpus/$target
        mkdir -p "$grown" "$kept"
        merged=$(mktemp -d)
        trap 'rm -rf "$merged"' EXIT
        "$fuzz_out/$target" -merge=1 -use_counters=0 "$merged" "$kept" "$grown" >"$fuzz_work/merge.log" 2>&1 ||
            die "the merge failed: target/fuzz/merge.log"
        rm -rf "$kept" && mkdir -p "$kept"
        find "$merged" -type f -printf '%s %f\n' | sort -n | cut -d' ' -f2 >"$merged.list"
        total=$(wc -l <"$merged.list")
        awk -v n="$total" -v keep="$count" 'int(NR * keep / n) > int((NR - 1) * keep / n) || keep >= n' "$merged.list" |
            while read -r name; do cp "$merged/$name" "$kept"; done
        rm -f "$merged.list"
        echo "$(ls "$kept" | wc -l) inputs"
        ;;
    file | superblock | manifest | calls)
        target=$1
        shift
        build
        if [ -f "${1:-}" ]; then exec "$fuzz_out/$target" "${options[@]}" "$@"; fi
        mapfile -t corpora < <(directories "$target" "$fuzz_work/corpus/$target")
        exec "$fuzz_out/$target" "${options[@]}" "$@" "${corpora[@]}"
        ;;
    *) sed -n '2,/^set/p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//' && exit 2 ;;
esac
