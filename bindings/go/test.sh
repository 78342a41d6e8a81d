#!/usr/bin/env bash
# Every test of the Go binding:
#
#   bindings/go/test.sh
#
# - formatting, go vet, the tests; those of concurrency again under the race detector and with the
#   collector always at work;
# - benchmarks once; with ANNOY_RS_THOROUGH=1 the fuzzers, for a short time;
# - linked dynamically, to an installation by CMake.
#
# Needs go (1.19 or later), cargo, a C compiler, cmake, pkg-config and readelf. KEEP=1 keeps the
# temporary directory.
set -u
. "$(dirname "$0")/../../tests/shell.sh"
export CARGO_TARGET_DIR=$target
# The toolchain that is there, whatever is set outside.
export GOTOOLCHAIN=local GOFLAGS= GOPROXY=off
unset GOGC

# tests NAME COMMAND...: as ok, and counts the tests of a `go test -v`; one that ran
# none has failed.
tests() {
    local before=$failed
    ok "$@"
    [ "$failed" -gt "$before" ] && return
    local n
    n=$(grep -cE '^ *--- PASS: ' "$tmp/log")
    [ "$n" -gt 0 ] || bad "$1: no test ran"
    passed=$((passed + n))
}
without_cgo() {
    ! CGO_ENABLED=0 go build . 2>"$tmp/said" && cat "$tmp/said" &&
        [ "$(grep -c undefined "$tmp/said")" = 1 ] && grep -q set_CGO_ENABLED_to_1 "$tmp/said"
}
nothing() { [ -z "$("$@" | tee /dev/stderr)" ]; }
needs() { readelf -d "$1" | grep NEEDED | grep -qF libannoy_rs.so; }
needs_not() { ! needs "$1"; }

cd "$here" || exit 1
go version
ok "build-lib.sh" ./build-lib.sh
ok "gofmt" nothing gofmt -l .
ok "go vet" go vet ./...
ok "without cgo one sentence says what is missing" without_cgo
tests "go test" go test -count=1 -v ./...
tests "go test -race" go test -count=1 -v -race -short ./...
tests "GOGC=1" env GOGC=1 go test -count=1 -v -run 'Races|Collector|Conformance|Labels' .
# Go compiles all it has for fuzzing once more. The tests above run the fuzzers' seeds, and
# fuzz/run.sh has other inputs every day. A number of runs, not a time: if the time ends while an
# input runs, go may call that a failure.
if [ -n "${ANNOY_RS_THOROUGH:-}" ]; then
    ok "FuzzOpen" go test -run '^$' -fuzz FuzzOpen -fuzztime 5000x -fuzzminimizetime 10x .
    ok "FuzzSearch" go test -run '^$' -fuzz FuzzSearch -fuzztime 50000x -fuzzminimizetime 10x .
fi
ok "benchmarks run" go test -run '^$' -bench . -benchtime 10x .
ok "static: build" go test -c -o "$tmp/static" ./annoyindex
ok "static: needs no libannoy_rs" needs_not "$tmp/static"

ok "dynamic: configure" cmake -S "$root" -B "$tmp/build" -DCMAKE_BUILD_TYPE=Release \
    -DANNOY_RS_CARGO_TARGET_DIR="$CARGO_TARGET_DIR" -DCMAKE_INSTALL_PREFIX="$tmp/installed"
ok "dynamic: install" cmake --build "$tmp/build" --target install
library=$(dirname "$(find "$tmp/installed" -name libannoy_rs.so)")
export PKG_CONFIG_PATH=$library/pkgconfig LD_LIBRARY_PATH=$library
ok "dynamic: build" go test -c -tags annoy_dynamic -o "$tmp/dynamic" ./annoyindex
ok "dynamic: needs libannoy_rs" needs "$tmp/dynamic"
tests "dynamic: go test" go test -count=1 -v -short -tags annoy_dynamic ./annoyindex

finish
