//! Gives the shared library its SONAME: the full version, as nothing is promised across versions
//! before 1.0.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let version = env!("CARGO_PKG_VERSION");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libannoy_rs.so.{version}");
    }
}
