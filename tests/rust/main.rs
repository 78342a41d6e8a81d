//! The Rust tests of the public API, in one program: to link one for each file would take longer
//! than most of them run.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::common;

/// Runs one of these tests once more for each kernel that this machine has, in a process of its
/// own, as the choice is an environment variable. What each said. Where tries are sampled they are
/// two: the portable one, and one of the others, which take turns from test to test.
fn on_every_kernel(test: &str) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    let mut kernels = if cfg!(target_arch = "aarch64") {
        vec!["portable", "neon", "dotprod"]
    } else {
        vec!["portable", "sse2", "avx2", "avx512"]
    };
    let others = &mut kernels[1..];
    others.rotate_left(test.len() / 2 % others.len());
    for kernel in kernels {
        if common::sample() > 1 && said.len() == 2 {
            break;
        }
        let output = common::this_program()
            .args(["--exact", test, "--nocapture", "--include-ignored"])
            .env("ANNOY_RS_KERNEL", kernel)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        if !text.contains("is not a kernel this machine can run") {
            assert!(output.status.success(), "{kernel}: {text}");
            said.push((kernel, text));
        }
    }
    assert_eq!(said[0].0, "portable");
    assert!(said.len() > 1 || cfg!(not(any(target_arch = "x86_64", target_arch = "aarch64"))));
    said
}

/// Runs a test that prints its kernel and `n` lines of checksums: they are the same on all kernels.
fn every_kernel_prints(test: &str, n: usize) {
    let mut all = Vec::new();
    for (kernel, text) in on_every_kernel(test) {
        assert!(text.contains(&format!("kernel: {kernel}")), "{text}");
        let lines = text.lines().filter(|line| line.starts_with("checksum: "));
        all.push(lines.map(String::from).collect::<Vec<_>>());
    }
    assert_eq!(all[0].len(), n);
    assert!(all.iter().all(|one| *one == all[0]), "{all:#?}");
}

mod auto;
mod bad_input;
mod blind;
mod bounded;
mod bytes;
mod changing;
mod concurrency;
mod conformance;
mod consolidate;
mod corrupt;
mod damaged;
mod damaged_graphs;
mod damaged_scans;
mod damaged_sections;
mod described;
mod determinism;
mod disk;
mod dot;
mod edge;
mod edge_data;
mod format;
mod fuzzed;
mod golden;
mod graph;
mod graph_bytes;
mod graph_falls;
mod graph_filters;
mod insert;
mod kill;
mod labels;
mod lengths;
mod living;
mod projection;
mod properties;
mod recall;
mod removal;
mod save;
mod scan;
mod scan_bytes;
mod search;
mod shards;
mod shards_conformance;
mod shards_hostile;
mod states;
mod thaw;
mod tune;
mod views;
mod work;
