//! Gives the shared library its SONAME: the number of its ABI, by which programs find it.

fn main() {
    let source = "src/ffi/library.rs";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={source}");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let text = std::fs::read_to_string(source).expect(source);
        let behind = text.split("ANNOY_ABI_VERSION: u32 = ").nth(1);
        let number = behind.and_then(|behind| behind.split(';').next());
        let number = number.expect("the number of the ABI in src/ffi/library.rs");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libannoy_rs.so.{number}");
    }
}
