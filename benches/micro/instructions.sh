#!/usr/bin/env bash
# Counts the instructions of small fixed pieces of work and compares them with those in a file:
# instructions.sh [--update] [--aarch64] [--baseline FILE] [CASE...]
# Timings hide small regressions in their noise; this does not. It fails when a case needs over 3 %
# more than it did. --update makes the file anew. Without CASEs it counts all. Without --baseline
# the file is instructions.txt beside this script. --aarch64 counts that processor's instructions
# under qemu; the file is then instructions-aarch64.txt.
set -uo pipefail
# awk writes decimal points.
export LC_ALL=C

# Ratios to what was counted before that are worth a word.
most=1.03
least=0.97

usage() {
    sed -n '2,7s/^# \?//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

here=$(dirname "${BASH_SOURCE[0]}")
baseline=
update=
aarch64=
while [[ ${1:-} == -* ]]; do
    case $1 in
        --update) update=yes ;;
        --aarch64) aarch64=yes ;;
        --baseline) shift; baseline=${1:-}; [ "$baseline" ] || usage ;;
        *) usage ;;
    esac
    shift
done
[ "$baseline" ] || baseline=$here/instructions${aarch64:+-aarch64}.txt
[ "$update" ] && [ $# -gt 0 ] && { echo "--update takes all cases" >&2; exit 2; }
baseline=$(realpath -m "$baseline")
cd "$here/../.." || exit 2

target=${CARGO_TARGET_DIR:-target}
if [ "$aarch64" ]; then
    triple=aarch64-unknown-linux-gnu
    # Debian's names.
    for tool in qemu-aarch64 aarch64-linux-gnu-gcc gcc; do
        command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 2; }
    done
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    program=$target/$triple/release/examples/instructions
    clean=(env -i QEMU_LD_PREFIX=/usr/aarch64-linux-gnu "$(command -v qemu-aarch64)" -cpu max)
    tool=$(qemu-aarch64 --version | head -n 1)
    plugin=$(mktemp) || exit 2
    trap 'rm -f "$plugin"' EXIT
    gcc -shared -fPIC -O1 "benches/micro/count_plugin.c" -o "$plugin" || exit 2
else
    triple=
    valgrind=$(command -v valgrind) || { echo "valgrind is missing" >&2; exit 2; }
    program=$target/release/examples/instructions
    # valgrind knows no AVX-512. Nothing else of the environment gets in, as it moves the stack.
    clean=(env -i ANNOY_RS_KERNEL=avx2)
    tool=$(valgrind --version)
fi

cargo build --quiet --release -p annoy_rs_micro --example instructions ${triple:+--target $triple} || exit 2
mapfile -t cases < <("${clean[@]}" "$program")
[ ${#cases[@]} -gt 0 ] || { echo "the program has no cases; does this processor have AVX2?" >&2; exit 2; }
[ $# -gt 0 ] && cases=("$@")

# What the counts depend on beside the code.
versions() { echo "$(rustc --version), $tool, $(getconf GNU_LIBC_VERSION 2>/dev/null || echo no glibc)"; }

# Prints how many instructions of aarch64 the program runs.
executed() {
    local said number
    said=$("${clean[@]}" -plugin "file=$plugin" "$program" "$@" 2>&1 >/dev/null)
    number=$(sed -n 's/^instructions: //p' <<<"$said")
    [ "${number:-0}" -gt 0 ] && echo "$number" && return
    printf '%s\n%s: nothing was counted\n' "$said" "$1" >&2
    return 1
}

# Prints how many instructions the case needs, or fails with what was said instead.
count() {
    if [ "$aarch64" ]; then
        local with without
        with=$(executed "$1") && without=$(executed "$1" without) && echo $((with - without))
        return
    fi
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
