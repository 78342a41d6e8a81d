# To be sourced. What the Rust tests and the command are built with, so that both have one library:
# each build has to name all packages, as their dependencies have their features together. Some
# tests need features of the library; calls of the system do not fail where no test makes them.
packages_of_rust=(-p annoy_rs -p annoy-cli --no-default-features
    --features annoy_rs/fault-injection,annoy_rs/internals,annoy-cli/parquet)
# It takes longer to compile than all that is tested of it.
[ -z "${ANNOY_RS_THOROUGH:-}" ] || packages_of_rust+=(--features annoy-cli/hdf5)
