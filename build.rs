//! Gives the shared library its SONAME (on macOS its install name), with the number of its ABI: by
//! that programs find it. And a link of that name, so that they also find it where cargo puts it.

use std::path::Path;

fn main() {
    let source = "src/ffi/library.rs";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={source}");
    let text = std::fs::read_to_string(source).expect(source);
    let behind = text.split("ANNOY_ABI_VERSION: u32 = ").nth(1);
    let number = behind.and_then(|behind| behind.split(';').next());
    let number = number.expect("the number of the ABI in src/ffi/library.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => {
            let soname = format!("libannoy_rs.so.{number}");
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");
            link("libannoy_rs.so", &soname);
        }
        Ok("macos") => {
            let name = format!("libannoy_rs.{number}.dylib");
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/{name}");
            link("libannoy_rs.dylib", &name);
        }
        // Elsewhere a program looks for the file by its name.
        _ => (),
    }
}

/// Cargo's file has no number in its name. It lies in target/PROFILE, and what a build script may
/// write to is target/PROFILE/build/PACKAGE/out; where that is elsewhere there is no link.
fn link(file: &str, soname: &str) {
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    let mut above = Path::new(&out).ancestors().skip(2);
    if let (Some(build), Some(profile)) = (above.next(), above.next()) {
        if build.ends_with("build") {
            #[cfg(unix)]
            let _ = std::os::unix::fs::symlink(file, profile.join(soname));
            #[cfg(not(unix))]
            let _ = (profile, file, soname);
        }
    }
}
