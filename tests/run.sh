#!/usr/bin/env bash
# Runs every test of the project, or the stages named: tests/run.sh [--list] [thorough] [STAGE...]
#
# `thorough`: what is tried many times over (each byte damaged, processes killed, kinds of data,
# compilers) is tried whole, where the everyday run takes a fixed share of it; and stages run that
# otherwise run when they are named only.
#
# Two stages run side by side, and the next begins when one has ended. Named ones run one after the
# other.
#
# Installs what is missing: Debian packages when run as root, Python packages into target/venv.
# Stops at the first broken stage with the end of its output. The last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# Nothing is compiled a second time after a change, for which an incremental build would be work,
# and line tables are for debugging.
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0

# In this order: lint, which is where most runs end that are red; the longest; and cargo's builds
# of one profile one after the other, as they wait for each other. What begins last is short.
stages=(lint c rust cpp fuzz faults gauntlet consumers differential go python ruby cli abi compare examples docs)
# These take longer, and run when they are named only.
when_named=(sanitizers loom clients everywhere wrappers browser site spark)
logs=target/test-logs
# The longest that any stage may take, in seconds: more than twice what the longest takes.
limit=${ANNOY_RS_STAGE_SECONDS:-1800}
passed=0
failed=0

# The Debian packages that hold commands or files the stages need: "package:what to look for".
packages=(
    gcc:gcc g++:g++ cmake:cmake make:make pkg-config:pkg-config python3:python3 valgrind:valgrind
    python3-venv:/usr/lib/python3*/ensurepip/__main__.py python3-dev:/usr/include/python3*/Python.h
    acl:setfacl acl:getfacl clang:clang libclang-dev:/usr/lib/llvm-*/lib/libclang*.so golang-go:go
    ruby:ruby rake:rake ruby-ffi:/usr/lib/*/rubygems-integration/*/gems/ffi-*/lib/ffi.rb
    ruby-minitest:/usr/share/rubygems-integration/all/gems/minitest-*/lib/minitest.rb
)

have() {
    case $1 in
        /*) compgen -G "$1" >/dev/null ;;
        *) type -P "$1" >/dev/null ;; # a program: a stage may have the same name
    esac
}

install_packages() {
    local missing=() entry
    for entry in "${packages[@]}"; do
        have "${entry#*:}" || missing+=("${entry%%:*}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: ${missing[*]} (Debian package names); install them, or run this as root to have it done" >&2
        exit 1
    fi
    echo "== installing ${missing[*]}"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

# A Python with the real Annoy, compiled from its source package. One stage makes it, and another
# waits for it.
venv() {
    (
        flock 9
        [ -f target/venv/ready ] || {
            python3 -m venv --clear target/venv &&
                target/venv/bin/pip install --quiet --disable-pip-version-check annoy==1.17.3 numpy setuptools wheel &&
                touch target/venv/ready
        }
    ) 9>target/venv.lock
}

lint() {
    # With the features, which some targets need, and without them, which is for the library alone:
    # no test looks at them. Nothing is linked, so libFuzzer need not be compiled: any path says
    # where it is. The Python module needs a Python with cffi, and its stage looks at it.
    local -x CUSTOM_LIBFUZZER_PATH=$PWD/target/libfuzzer.a
    cargo fmt --all --check && python3 tests/lines.py && python3 cmake/licenses.py --check &&
        find tests benches bindings fuzz release -name '*.sh' -print0 | xargs -0 -n 1 bash -n &&
        cargo clippy --quiet --workspace --exclude annoy_rs_python --all-targets --all-features -- -D warnings &&
        cargo clippy --quiet --lib -- -D warnings && echo "5 passed, 0 failed"
}
rust() {
    # Kernels this processor lacks are skipped unless ANNOY_RS_REQUIRE_KERNELS=1; what needs root,
    # mounts or access lists is skipped where there is none. The differential tests and the faults
    # have stages of their own.
    #
    # To optimise the unit tests takes longer than they run, all but the thorough ones.
    local plain=(--config profile.dev.package.annoy_rs.opt-level=0)
    [ -z "${ANNOY_RS_THOROUGH:-}" ] || plain=()
    cargo test --quiet "${packages_of_rust[@]}" "${plain[@]}" --lib &&
        cargo test --quiet "${packages_of_rust[@]}" --test rust && cargo test --quiet "${packages_of_rust[@]}" --doc
}
# The fuzzers under AddressSanitizer, each for a short time from the corpus that is checked in.
fuzz() { bash fuzz/run.sh --test; }
# And, when it is thorough, each micro-benchmark once, unmeasured: they run.
faults() {
    cargo test --quiet "${packages_of_rust[@]}" --test faults || return
    [ -z "${ANNOY_RS_THOROUGH:-}" ] ||
        { cargo test --quiet -p annoy_rs_micro --features annoy_rs/fault-injection --bench micro && echo "1 passed, 0 failed"; }
}
# Sizes and names are the same without optimisation, and without the features of the Rust tests. In
# the place where tests/consumers has the same: beside that of the Rust tests it would be compiled
# over it, and all of those with it.
abi() { CARGO_PROFILE_DEV_OPT_LEVEL=0 cargo test --quiet -p annoy_rs_abi --target-dir "${CARGO_TARGET_DIR:-target}/plain"; }
c() { bash tests/c/run.sh && bash tests/memory/run.sh; }
cpp() {
    # Both fetch Annoy's source package, to the same place.
    export ANNOY_RS_ANNOY_DIR="$PWD/target/annoy-source"
    venv && ANNOY_RS_PYTHON="$PWD/target/venv/bin/python" bash tests/cpp/run.sh && bash tests/hpp/run.sh
}
consumers() { bash tests/consumers/run.sh; }
differential() {
    venv && ANNOY_RS_PYTHON="$PWD/target/venv/bin/python" ANNOY_RS_REQUIRE_PYTHON=1 \
        cargo test --quiet "${packages_of_rust[@]}" --test differential
}
python() { bash bindings/python/tests/run.sh; }
go() { bash bindings/go/test.sh; }
ruby() { bash bindings/ruby/test.sh; }
# The command, on files that other programs made.
cli() { bash cli/tests/run.sh; }
# The pages that it writes, in Chromium.
browser() { bash tests/browser/run.sh; }
# docs as a site: each block of its pages runs, no link is dead.
site() { bash docs/site/build.sh --test; }
examples() {
    # The C one runs among the consumers, the C++ ones among the C++ tests.
    local words
    words=$(cargo run --quiet --release -p quickstart king queen) && echo "$words" &&
        [[ $words == *prince* ]] && echo "1 passed, 0 failed" || return
    cargo build --quiet --release --lib && python3 tests/readme.py "${CARGO_TARGET_DIR:-target}/release/libannoy_rs.a"
}
compare() {
    # The comparison itself, on a small set, with Annoy alone: it runs, and on one file
    # both find the same.
    local csv all same
    bash benches/compare/run.sh --set tiny --one-core --work target/compare-tiny || return 1
    csv=$(find target/compare-tiny/reports -name report.csv | sort | tail -n 1)
    all=$(grep -c 'identical answers,' "$csv")
    same=$(grep -c 'identical answers,100.00%' "$csv")
    echo "$same passed, $((all - same)) failed"
    [ "$all" -gt 0 ] && [ "$same" -eq "$all" ]
}
# Many kinds of data, against what Annoy and hnswlib find.
gauntlet() {
    local which=(--one-of 5)
    [ -n "${ANNOY_RS_THOROUGH:-}" ] && which=(--thorough)
    bash tests/gauntlet/run.sh "${which[@]}"
}
sanitizers() { bash tests/sanitizers/run.sh; }
# annoy_rs.spark, on two executors of this machine: starting them takes most of the time.
spark() { bash bindings/python/spark/test.sh; }
# Programs of others on annoy-rs-compat. With a warm cache of pip most of it is installing them.
clients() { bash bindings/python/compat/test.sh; }
# Other processors, C libraries and systems, by emulators.
everywhere() { bash tests/everywhere/run.sh; }
# Other people's wrappers of annoylib.h: R and Lua.
wrappers() { bash tests/wrappers/run.sh; }
loom() { cargo run --quiet --release -p annoy_rs_loom; }
docs() { RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps && echo "1 passed, 0 failed"; }

# Sums "N passed" and "N failed" over a log.
count() { grep -oE "[0-9]+ $2" "$1" | awk '{n += $1} END {print n + 0}'; }

all="${stages[*]}"
[ "${1:-}" = --list ] && { echo "$all"; exit; }
[ "${1:-}" = thorough ] && export ANNOY_RS_THOROUGH=1 && shift
. tests/packages.sh
# One damage of so many, which is odd so that all bytes of a number have their turn, and so many
# processes killed.
if [ -z "${ANNOY_RS_THOROUGH:-}" ]; then
    export ANNOY_RS_SAMPLE=${ANNOY_RS_SAMPLE:-41} ANNOY_RS_KILLS=${ANNOY_RS_KILLS:-25}
else
    stages+=("${when_named[@]}")
    limit=$((4 * limit))
fi
for stage in "$@"; do
    [[ " $all ${when_named[*]} " == *" $stage "* ]] ||
        { echo "no stage $stage; there are: $all, and when named: ${when_named[*]}" >&2; exit 1; }
done
side_by_side=2
[ $# -gt 0 ] && stages=("$@") side_by_side=1

install_packages || exit 1
mkdir -p "$logs"

# Runs a stage, and notes how it ended, how long it took, and of that how much of a processor.
run() {
    local start=$SECONDS code cpu
    "$1" </dev/null >"$logs/$1.log" 2>&1
    code=$?
    times >"$logs/$1.times"
    cpu=$(tail -n 1 "$logs/$1.times" | tr 'ms' '  ' | awk '{print int(60 * $1 + $2 + 60 * $3 + $4)}')
    echo "$code $((SECONDS - start)) $cpu" >"$logs/$1.status"
}

# Adds a stage up, prints its line, and says whether all is well.
report() {
    local log="$logs/$1.log" status=1 seconds=$limit cpu=0 stage_passed stage_failed
    if [ -f "$logs/$1.status" ]; then read -r status seconds cpu <"$logs/$1.status"; else echo "ended after $limit s" >>"$log"; fi
    stage_passed=$(count "$log" passed)
    stage_failed=$(count "$log" failed)
    # A stage that broke without saying how many tests did counts as one.
    [ "$status" -ne 0 ] && [ "$stage_failed" -eq 0 ] && stage_failed=1
    # One that ran nothing has proved nothing.
    [ "$status" -eq 0 ] && [ "$stage_passed" -eq 0 ] && status=1 stage_failed=1
    passed=$((passed + stage_passed))
    failed=$((failed + stage_failed))
    printf '%-13s %4d passed %4d failed %5d s, %5d s of CPU\n' "$1" "$stage_passed" "$stage_failed" "$seconds" "$cpu"
    [ "$status" -eq 0 ] && [ "$stage_failed" -eq 0 ] && return
    echo "== $1 failed; the end of $log:"
    tail -n 60 "$log"
    return 1
}

# Each in a process group of its own, so that an interrupt reaches it, and ends with this script.
set -m
trap 'for job in $(jobs -p); do kill -- "-$job" 2>/dev/null; done; exit 130' INT TERM
# The process of each stage that runs, and the one that ends it when it hangs, with all that
# it has started.
declare -A running=() watchdogs=()
broken=0

begin() {
    rm -f "$logs/$1.status"
    run "$1" &
    running[$1]=$!
    { sleep "$limit"; kill -- "-${running[$1]}" 2>/dev/null; } &
    watchdogs[$1]=$!
}

# Waits until one ends, and reports all that have.
await() {
    local stage
    wait -n "${running[@]}" 2>/dev/null
    for stage in "${!running[@]}"; do
        kill -0 "${running[$stage]}" 2>/dev/null && continue
        kill -- "-${watchdogs[$stage]}" 2>/dev/null
        wait "${watchdogs[$stage]}" "${running[$stage]}" 2>/dev/null
        unset "running[$stage]" "watchdogs[$stage]"
        report "$stage" || broken=1
    done
}

for stage in "${stages[@]}"; do
    while [ ${#running[@]} -ge $side_by_side ]; do await; done
    [ $broken -eq 0 ] || break
    begin "$stage"
done
while [ ${#running[@]} -gt 0 ] && [ $broken -eq 0 ]; do await; done
# After one that is broken the others are of no interest.
for stage in "${!running[@]}"; do
    echo "== $stage was stopped"
    kill -- "-${running[$stage]}" "-${watchdogs[$stage]}" 2>/dev/null
    wait "${running[$stage]}" "${watchdogs[$stage]}" 2>/dev/null
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
