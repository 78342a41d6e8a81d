# For scripts whose commands are tests: where things are, and functions that run tests, count them
# and say how they ended. To be sourced, by a script that is two directories below the root; KEEP=1
# keeps the temporary directory.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=$(mktemp -d)
# What tests save: in memory where there is room for it, as each save waits for the disk otherwise.
scratch=$tmp/scratch
[ "$(df --output=avail /dev/shm 2> /dev/null | tail -n 1)" -gt 1000000 ] 2> /dev/null &&
    scratch=$(mktemp -d -p /dev/shm)
[ -n "${KEEP:-}" ] && echo "in $tmp and $scratch" || trap 'rm -rf "$tmp" "$scratch"' EXIT
target=${CARGO_TARGET_DIR:-$root/target}
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
abi=$(sed -n 's/^#define ANNOY_ABI_VERSION //p' "$root/include/annoy.h")
# What happens to be set outside must not decide.
unset ANNOY_RS_KERNEL

passed=0 failed=0
good() { passed=$((passed + 1)); echo "ok    $1"; }

# bad NAME [LOG]: with the end of the log.
bad() { failed=$((failed + 1)); echo "FAIL  $1"; [ -f "${2:-}" ] && tail -n 60 "$2" | sed 's/^/      /'; }

# ok NAME COMMAND...: passes when the command exits 0.
ok() {
    local name=$1
    shift
    if "$@" > "$tmp/log" 2>&1; then good "$name"; else bad "$name: $*" "$tmp/log"; fi
}

# finish: ends the script with the counts; one that ran nothing has failed.
finish() { echo "$passed passed, $failed failed"; [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; exit $?; }
