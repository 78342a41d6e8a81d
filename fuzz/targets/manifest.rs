#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| annoy_rs_fuzz::manifest::run(data));
