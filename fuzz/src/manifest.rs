//! Manifests of any text, with a checksum that is right where there is one.

use annoy_rs::Manifest;
use std::path::Path;
use twox_hash::XxHash3_64;

const BEFORE: &[u8] = b"\n  \"checksum\": \"";
const AFTER: &[u8] = b"\"\n}\n";

/// Runs one input. Whatever is wrong is a panic.
pub fn run(data: &[u8]) {
    read(data);
    // Without the end that hardly any text has by itself.
    let body = data.strip_suffix(b"}\n").unwrap_or(data);
    let zeros = [body, b",", BEFORE, &[b'0'; 16], AFTER].concat();
    let sum = format!("{:016x}", XxHash3_64::oneshot(&zeros));
    read(&[body, b",", BEFORE, sum.as_bytes(), AFTER].concat());
}

/// What can be read is what is written, and names no file elsewhere.
fn read(bytes: &[u8]) {
    let Ok(manifest) = Manifest::decode(bytes, Path::new("MANIFEST")) else {
        return;
    };
    let written = manifest.encode().unwrap();
    let again = Manifest::decode(&written, Path::new("MANIFEST")).unwrap();
    assert_eq!(manifest, again);
    assert!(manifest.n_items() <= i64::MAX as u64);
    for shard in &manifest.shards {
        let removed = shard.removed.iter().map(|removed| &removed.name);
        for name in removed.chain([&shard.name]) {
            assert!(!name.contains(['/', '\\', ':', '\0']) && !name.starts_with('.'));
            assert_eq!(Path::new(name).components().count(), 1);
        }
    }
}
