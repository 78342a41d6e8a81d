#!/usr/bin/env bash
# Counts the instructions of small fixed pieces of work and compares them with those in a file:
# instructions.sh [--update] [--baseline FILE] [CASE...]
# Timings hide small regressions in their noise; this does not. It fails when a case needs over 3 %
# more than it did. --update makes the file anew. Without CASEs it counts all. Without --baseline
# the file is instructions.txt beside this script.
set -uo pipefail
# awk writes decimal points.
export LC_ALL=C

# Ratios to what was counted before that are worth a word.
most=1.03
least=0.97

usage() {
    sed -n '2,6s/^# \?//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

here=$(dirname "${BASH_SOURCE[0]}")
baseline=$here/instructions.txt
update=
while [[ ${1:-} == -* ]]; do
    case $1 in
        --update) update=yes ;;
        --baseline) shift; baseline=${1:-} ;;
        *) usage ;;
    esac
    shift
done
[ "$baseline" ] || usage
[ "$update" ] && [ $# -gt 0 ] && { echo "--update takes all cases" >&2; exit 2; }
baseline=$(realpath -m "$baseline")
cd "$here/../.." || exit 2
valgrind=$(command -v valgrind) || { echo "valgrind is missing" >&2; exit 2; }
program=${CARGO_TARGET_DIR:-target}/release/examples/instructions
# valgrind knows no AVX-512. Nothing else of the environment gets in, as it moves the stack.
clean=(env -i ANNOY_RS_KERNEL=avx2)

cargo build --quiet --release -p annoy_rs_micro --example instructions || exit 2
mapfile -t cases < <("${clean[@]}" "$program")
[ ${#cases[@]} -gt 0 ] || { echo "the program has no cases; does this processor have AVX2?" >&2; exit 2; }
[ $# -gt 0 ] && cases=("$@")

# What the counts depend on beside the code.
versions() { echo "$(rustc --version), $(valgrind --version), $(getconf GNU_LIBC_VERSION 2>/dev/null || echo no glibc)"; }

# Prints how many instructions the case needs, or fails with what was said instead.
count() {
    local said number
    said=$("${clean[@]}" "$valgrind" --tool=callgrind --callgrind-out-file=/dev/null \
        '--toggle-collect=*counted_region*' "$program" "$1" 2>&1 >/dev/null)
    number=$(sed -n 's/^==[0-9]*== Collected *: *//p' <<<"$said")
    [ "${number:-0}" -gt 0 ] && echo "$number" && return
    printf '%s\n%s: nothing was counted\n' "$said" "$1" >&2
    return 1
}

before() { awk -v name="$1" '$1 == name {print $2}' "$baseline" 2>/dev/null; }

# Three decimals, for reading and for comparing.
ratio() { awk -v now="$1" -v before="$2" 'BEGIN {printf "%.3f", now / before}'; }

exceeds() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a > b)}'; }

known=$(sed -n 's/^# made with: //p' "$baseline" 2>/dev/null)
if [ ! "$update" ] && [ "$known" != "$(versions)" ]; then
    echo "note: counted before with ${known:-nothing}" >&2
    echo "      now with            $(versions)" >&2
    echo "      Count the commit to compare with anew (--update) before believing a difference." >&2
fi

counted=()
worse=()
better=()
printf '%-26s %14s %14s %7s\n' case instructions before ratio
for case in "${cases[@]}"; do
    now=$(count "$case") || exit 2
    counted+=("$case $now")
    before=$(before "$case")
    if [ "$before" ]; then
        ratio=$(ratio "$now" "$before")
        exceeds "$ratio" "$most" && worse+=("$case")
        exceeds "$least" "$ratio" && better+=("$case")
    else
        ratio=new
        worse+=("$case")
    fi
    printf '%-26s %14d %14s %7s\n' "$case" "$now" "${before:--}" "$ratio"
done

if [ "$update" ]; then
    {
        echo "# Instructions of each case, counted and compared by instructions.sh; --update makes this file."
        echo "# made with: $(versions)"
        printf '%s\n' "${counted[@]}"
    } >"$baseline"
    exit
fi
# Left as it is, the file would let the same instructions come back unseen.
[ ${#better[@]} -gt 0 ] && echo "better, for --update to keep: ${better[*]}"
[ ${#worse[@]} -eq 0 ] && exit
echo "over $most of what it was, or not in the file: ${worse[*]}" >&2
exit 1
