# To be sourced: how the library is compiled for AddressSanitizer and libFuzzer.
#
# RUSTC_BOOTSTRAP opens the compiler's unstable flags, so that no nightly toolchain is needed. The
# coverage flags are those of cargo-fuzz without its tracing of comparisons, which takes more time
# than it finds: inputs know what a file is made of.

export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=2 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table"
RUSTFLAGS=$(echo $RUSTFLAGS)

# With a target named, build scripts and procedural macros are compiled without these flags.
triple=$(rustc -vV | sed -n 's/^host: //p')
fuzz_target=${CARGO_TARGET_DIR:-$root/target}
fuzz_build=(--manifest-path "$root/Cargo.toml" -p annoy_rs_fuzz --profile fuzzing --target "$triple" --target-dir "$fuzz_target")
fuzz_out=$fuzz_target/$triple/fuzzing

# libFuzzer comes compiled with clang; without that its sources are compiled.
libfuzzer=$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a 2>/dev/null)
[ -f "$libfuzzer" ] && export CUSTOM_LIBFUZZER_PATH=$libfuzzer

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0:malloc_context_size=2:quarantine_size_mb=16
