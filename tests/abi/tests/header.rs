//! `include/annoy.h` is what cbindgen makes of `src/ffi`; every export is guarded and documented.

use std::fs;
use std::path::{Path, PathBuf};

/// In the order a C reader meets them.
const FILES: [&str; 22] = [
    "status", "library", "handle", "log", "work", "vectors", "item", "build", "graph", "scan",
    "auto", "file", "bytes", "shards", "labels", "removal", "insert", "nearest", "options",
    "search", "recall", "verify",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn source(name: &str) -> String {
    fs::read_to_string(root().join(format!("src/ffi/{name}.rs"))).unwrap()
}

fn generate() -> String {
    let mut builder = cbindgen::Builder::new()
        .with_config(cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap());
    for name in FILES {
        builder = builder.with_src(root().join(format!("src/ffi/{name}.rs")));
    }
    let mut bytes = Vec::new();
    builder.generate().unwrap().write(&mut bytes);
    let mut text = String::new();
    let mut skipping = false;
    for line in String::from_utf8(bytes).unwrap().lines() {
        // rustdoc's "# Safety" sections repeat for Rust callers what the text above says to C.
        let comment = line.trim_start().strip_prefix("//");
        skipping = match comment.map(str::trim) {
            Some("# Safety") => true,
            Some(_) => skipping,
            None => false,
        };
        if !skipping {
            text.push_str(line);
            text.push('\n');
        }
    }
    // The blank comment line that stood before such a section.
    let mut lines: Vec<&str> = text.lines().collect();
    let mut i = 0;
    while i + 1 < lines.len() {
        if lines[i].trim() == "//" && !lines[i + 1].trim_start().starts_with("//") {
            lines.remove(i);
        } else {
            i += 1;
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn header_is_up_to_date() {
    let path = root().join("include/annoy.h");
    let generated = generate();
    if std::env::var_os("ANNOY_RS_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &generated).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "include/annoy.h is not what src/ffi gives: see CONTRIBUTING.md for how to write it anew"
    );
}

#[test]
fn defaults_of_graphs_are_those_of_the_engine() {
    let header = fs::read_to_string(root().join("include/annoy.h")).unwrap();
    // Wherever its lines end.
    let words: Vec<&str> = header
        .split_whitespace()
        .filter(|word| *word != "//")
        .collect();
    let header = words.join(" ");
    let plan = annoy_rs::GraphPlan::default();
    for text in [
        format!("at the most, 1 to 255; by default {}.", plan.degree),
        format!("chosen from, 1 to 1,024; by default {}.", plan.candidates),
        format!("beside short ones. By default {}.", plan.alpha),
        format!(
            "NN-descent at the most, 1 to 1,000; by default {}. `ANNOY_ROUNDS_NONE` for none.",
            plan.rounds
        ),
        format!("an item is, 1 to 255; by default {}.", plan.sample),
        format!("made use of, 1 to 65,536; by default {}.", plan.n_trees),
    ] {
        assert!(header.contains(&text), "{text}");
    }
}

/// The functions of a file: name and the text from the comment above to the closing brace.
fn exports(text: &str) -> Vec<(String, String)> {
    let chunks: Vec<&str> = text.split("#[no_mangle]").collect();
    chunks
        .windows(2)
        .map(|pair| {
            let comment: Vec<&str> = pair[0]
                .lines()
                .rev()
                .take_while(|line| line.starts_with("///"))
                .collect();
            let body = pair[1].split("\n}\n").next().unwrap();
            let name = body.split("fn ").nth(1).unwrap().split('(').next().unwrap();
            (name.to_string(), format!("{}\n{body}", comment.join("\n")))
        })
        .collect()
}

#[test]
fn every_export_is_guarded_documented_and_prefixed() {
    let mut names = Vec::new();
    for file in fs::read_dir(root().join("src/ffi")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        for (name, text) in exports(&source(name.trim_end_matches(".rs"))) {
            assert!(name.starts_with("annoy_"), "{name}");
            assert!(text.starts_with("///"), "{name} has no comment");
            let guarded = text.contains("guard(error,")
                || text.contains("guard_value(")
                || text.contains("// No guard:");
            assert!(guarded, "{name} is not guarded");
            names.push(name);
        }
    }
    let header = fs::read_to_string(root().join("include/annoy.h")).unwrap();
    for name in &names {
        assert!(
            header.contains(&format!("{name}(")),
            "{name} is not in annoy.h"
        );
    }
    // As many as there were when the ABI was last gone through as a whole. One more is to be
    // thought over, and then counted here.
    assert!(
        (30..=70).contains(&names.len()),
        "{} {names:?}",
        names.len()
    );
}
