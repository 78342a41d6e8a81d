# For scripts that compile and run many programs against the static library, several at a time:
# SCRIPT [TEXT] runs those with TEXT in their name. To be sourced, by a script that is two
# directories below the root. Understood from the environment: CARGO_TARGET_DIR; JOBS, how many at a
# time (default 2).
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
wanted=${1:-}
jobs=${JOBS:-2}
# To memory where that is possible: the tests save hundreds of indexes, each of which waits for
# the disk otherwise.
tmp=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# What happens to be set outside must not decide.
unset ANNOY_RS_KERNEL

fail() {
    echo "$*"
    echo "0 passed, 1 failed"
    exit 1
}

command -v g++ >/dev/null || fail "g++ not found"
cargo build --quiet --release --lib --manifest-path "$root/Cargo.toml" --target-dir "$target" ||
    fail "cargo build failed"
library=$target/release/libannoy_rs.a
[ -f "$library" ] || fail "$library is missing"
link=("$library" -lpthread -ldl -lm)
compilers=(g++)
command -v clang++ >/dev/null && compilers+=(clang++)

# task NAME FUNCTION [ARGUMENT...]: runs the function in a directory of its own, `jobs` of them at a
# time. Its last line may be "N tests, N failed, ...", otherwise it counts as one. `set -e` would
# not hold in it: every step is joined by &&.
task() {
    [[ $1 == *"$wanted"* ]] || return 0
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    local dir
    dir=$(mktemp -d "$tmp/task.XXXXXX")
    (
        trap - EXIT
        start=$SECONDS
        cd "$dir" && mkdir scratch || exit 1
        export SCRATCH=$dir/scratch
        name=$1
        shift
        "$@" >log 2>&1
        code=$?
        last=$(tail -n 1 log)
        tests=1 failed=$((code != 0))
        if [[ $last =~ ^([0-9]+)\ tests,\ ([0-9]+)\ failed, ]]; then
            tests=${BASH_REMATCH[1]}
            [ "${BASH_REMATCH[2]}" -gt "$failed" ] && failed=${BASH_REMATCH[2]}
        fi
        echo "$((tests - failed)) $failed" >status
        if [ "$failed" -eq 0 ]; then
            printf 'ok    %-60s %3d s  %s\n' "$name" $((SECONDS - start)) "$last"
        else
            printf 'FAIL  %s\n' "$name"
            tail -n 40 log | sed 's/^/      /'
        fi
    ) &
}

# finish: waits for all, and ends the script with the counts.
finish() {
    wait
    read -r passed failed < <(cat "$tmp"/task.*/status 2>/dev/null | awk '{p += $1; f += $2} END {print p + 0, f + 0}')
    # One that died left no status.
    failed=$((failed + $(find "$tmp" -maxdepth 1 -name 'task.*' | wc -l) - $(find "$tmp" -path '*/task.*/status' | wc -l)))
    [ $((passed + failed)) -gt 0 ] || fail "no test has \"$wanted\" in its name"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit $?
}
