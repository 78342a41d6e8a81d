//! Compiles the C code that cffi writes: the cffi of the Python that PYO3_PYTHON names, which
//! pyo3-ffi builds for.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn main() {
    for source in [
        "build_native.py",
        "guarded.h",
        "views.h",
        "../../../include/annoy.h",
    ] {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rerun-if-env-changed=PYO3_PYTHON");
    let python = env::var_os("PYO3_PYTHON").unwrap_or_else(|| "python3".into());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let code = out.join("_native.c");
    let system = env::var("CARGO_CFG_TARGET_OS").expect("set by cargo");
    let command = Command::new(&python)
        .arg("build_native.py")
        .args([code.as_os_str(), system.as_ref()])
        .stderr(Stdio::inherit())
        .output();
    let written = command.unwrap_or_else(|error| panic!("cannot run {python:?}: {error}"));
    assert!(
        written.status.success(),
        "{python:?} build_native.py: {}",
        written.status
    );
    let include = String::from_utf8(written.stdout).expect("the path of Python.h");
    cc::Build::new()
        .file(&code)
        .include(include.trim_end())
        .include(".")
        .include("../../../include")
        // Rust exports that name, and calls this one.
        .define("PyInit__native", "annoy_rs_native_init")
        .warnings(false)
        .compile("annoy_rs_native");
    if system == "linux" {
        // Of the library that is in it, whatever else the process has loaded.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic");
    }
}
