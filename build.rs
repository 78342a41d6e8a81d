//! Gives the shared library its SONAME: the number of its ABI, by which programs find it. And a
//! link of that name, so that they also find it where cargo puts it.

use std::path::Path;

fn main() {
    let source = "src/ffi/library.rs";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={source}");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let text = std::fs::read_to_string(source).expect(source);
        let behind = text.split("ANNOY_ABI_VERSION: u32 = ").nth(1);
        let number = behind.and_then(|behind| behind.split(';').next());
        let number = number.expect("the number of the ABI in src/ffi/library.rs");
        let soname = format!("libannoy_rs.so.{number}");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");
        link(&soname);
    }
}

/// Cargo's file has no number in its name. It lies in target/PROFILE, and what a build script may
/// write to is target/PROFILE/build/PACKAGE/out; where that is elsewhere there is no link.
fn link(soname: &str) {
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    let mut above = Path::new(&out).ancestors().skip(2);
    if let (Some(build), Some(profile)) = (above.next(), above.next()) {
        if build.ends_with("build") {
            #[cfg(unix)]
            let _ = std::os::unix::fs::symlink("libannoy_rs.so", profile.join(soname));
            #[cfg(not(unix))]
            let _ = (profile, soname);
        }
    }
}
