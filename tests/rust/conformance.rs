//! The cases that every binding runs (`tests/conformance`): what is checked in is what the engine
//! gives. `ANNOY_RS_BLESS=1` writes them anew.

#[path = "../conformance/cases.rs"]
mod cases;
#[path = "../conformance/labels.rs"]
mod labels;
#[path = "../conformance/living.rs"]
mod living;
#[path = "../conformance/names.rs"]
mod names;
#[path = "../conformance/run.rs"]
mod run;

use crate::common::{all_types, scratch};
use serde_json::{json, Value};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// The steps of a case, with what came of them.
fn completed(case: &cases::Case) -> Vec<Value> {
    let directory = scratch();
    let mut runner = run::Runner::new(case.options, directory.path());
    let with_outcome = |step: &Value| {
        let mut step = step.clone();
        let outcome = runner.run(&step);
        let context = format!(
            "{} of {}: {step}",
            case.name,
            crate::common::name(case.options)
        );
        match (outcome, step.get("error").and_then(Value::as_str)) {
            (Ok(_), Some(error)) => panic!("{context}: succeeded instead of {error}"),
            (Err(found), Some(error)) => assert_eq!(found, error, "{context}"),
            (Err(found), None) => panic!("{context}: {found}"),
            (Ok(Value::Null), None) => {}
            (Ok(outcome), None) => step["expect"] = outcome,
        }
        step
    };
    case.steps.iter().map(with_outcome).collect()
}

/// One step to a line, so that a change shows as the lines it changes.
fn written(cases: &[cases::Case]) -> String {
    let mut text = String::from("[\n");
    for (i, case) in cases.iter().enumerate() {
        let options = case.options;
        let index = json!({
            "metric": options.metric.name(), "scalar": options.scalar.name(),
            "id_bits": options.id_width.bits(), "f": options.f,
        });
        let name = json!(case.name);
        let _ = write!(text, "{{\"name\":{name},\"index\":{index},\n \"steps\":[\n");
        let steps: Vec<String> = completed(case)
            .iter()
            .map(|step| format!("  {step}"))
            .collect();
        let comma = if i + 1 < cases.len() { "," } else { "" };
        let _ = writeln!(text, "{}]}}{comma}", steps.join(",\n"));
    }
    text + "]\n"
}

#[test]
fn files_are_what_the_engine_gives() {
    let bless = env::var_os("ANNOY_RS_BLESS").is_some();
    let mut names = Vec::new();
    // A file has both widths of ids.
    for types in all_types(cases::F, cases::BITS).chunks(2) {
        let name = format!("{}-{}.json", types[0].metric, types[0].scalar);
        let path = directory().join(&name);
        let all: Vec<_> = types
            .iter()
            .flat_map(|&options| cases::all(options))
            .collect();
        let text = written(&all);
        if bless {
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{name} is not what the engine gives; to write it anew: ANNOY_RS_BLESS=1 cargo test --test rust conformance"
        );
        names.push(name);
    }
    // And there is no other.
    for entry in fs::read_dir(directory()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.ends_with(".json") || names.contains(&name),
            "{name} is nobody's"
        );
    }
}
