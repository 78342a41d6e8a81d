# What a contributor does, each by its name; CONTRIBUTING.md says more. `make` alone
# is `make check`.
#
#   make check                  within a minute of a change: format, clippy, unit tests
#   make test                   everything, some of it sampled
#   make thorough               everything, whole
#   make stage STAGE="rust abi" stages of that alone; `make stages` lists them
#   make bless-header           writes include/annoy.h anew, after a change to src/ffi
#   make bless-conformance      writes the cases of tests/conformance anew
#   make bench                  the micro-benchmarks
#   make compare                a short comparison with Annoy
#   make fuzz                   the fuzzers, a short time each; `make fuzz TARGET=file` runs one
#                               until it is stopped
#   make docs                   the Rust documentation
#   make site                   all documentation, as a site: target/site/html
#   make dist                   packages for all registries and systems: docs/releasing.md
SHELL := /bin/sh
.DEFAULT_GOAL := check
.PHONY: check test thorough stage stages bless-header bless-conformance bench compare fuzz docs site dist

check:
	cargo fmt --all --check
	cargo clippy --quiet --lib --tests -- -D warnings
	ANNOY_RS_SAMPLE=25 cargo test --quiet --config profile.dev.package.annoy_rs.opt-level=0 --lib

test:
	bash tests/run.sh

thorough:
	bash tests/run.sh thorough

stage:
	bash tests/run.sh $(or $(STAGE),$(error which? `make stages` lists them))

stages:
	@bash tests/run.sh --list

bless-header:
	ANNOY_RS_BLESS=1 cargo test --quiet -p annoy_rs_abi --test header

bless-conformance:
	ANNOY_RS_BLESS=1 cargo test --quiet --test rust conformance

bench:
	cargo bench -p annoy_rs_micro

compare:
	bash benches/compare/run.sh --quick --only ours,annoy

fuzz:
	bash fuzz/run.sh $(or $(TARGET),--test)

dist:
	bash release/dist.sh

site:
	bash docs/site/build.sh

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
