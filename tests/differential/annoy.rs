//! Runs Annoy: a Python process that works through many cases at a time.

use crate::data::Case;
use annoy_rs::Options;
use serde_json::{json, Value};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A Python that has Annoy, and a directory to exchange files in.
pub struct Annoy {
    python: PathBuf,
    folder: TempDir,
}

/// What an index says to a case's questions, Annoy's or ours.
#[derive(Debug, Default)]
pub struct Answers {
    pub n_items: usize,
    pub n_trees: usize,
    /// Ids and distances for every query and shape, in the order of [`Case::searches`].
    pub found: Vec<Vec<(i64, f64)>>,
    pub distances: Vec<f64>,
    pub vectors: Vec<Vec<f64>>,
}

impl Annoy {
    /// `None`, said aloud, when there is no Python to use; a failure when there has to be one.
    pub fn find() -> Option<Annoy> {
        let Some(python) = std::env::var_os("ANNOY_RS_PYTHON").filter(|path| !path.is_empty())
        else {
            let required = std::env::var("ANNOY_RS_REQUIRE_PYTHON").is_ok_and(|value| value == "1");
            assert!(
                !required,
                "ANNOY_RS_REQUIRE_PYTHON=1, but ANNOY_RS_PYTHON names no Python with annoy==1.17.3 and numpy"
            );
            // Not println!, which the test harness keeps to itself when a test passes.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED, nothing compared: set ANNOY_RS_PYTHON to a Python with annoy==1.17.3 and numpy"
            );
            return None;
        };
        Some(Annoy {
            python: python.into(),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// A path in the directory of exchange.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, work: &str, cases: Vec<Value>) -> Value {
        let job = self.path(&format!("{work}.json"));
        fs::write(&job, Value::from(cases).to_string()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/annoy_side.py");
        let output = Command::new(&self.python)
            .arg(script)
            .arg(work)
            .arg(job)
            .output()
            .unwrap_or_else(|error| panic!("{:?} does not run: {error}", self.python));
        assert!(
            output.status.success(),
            "{work}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn write_floats(&self, name: &str, values: &[f32]) -> PathBuf {
        let path = self.path(name);
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Annoy builds and saves each case to its `path`. Returns n_items and n_trees as counted
    /// before the save.
    pub fn build(&self, cases: &[(&Case, &Path)]) -> Vec<(usize, usize)> {
        let jobs = cases.iter().enumerate().map(|(number, (case, path))| {
            json!({
                "metric": case.metric.name(),
                "f": case.f,
                "seed": case.seed,
                "n_trees": case.n_trees.map_or(-1, |n| n as i64),
                "ids": case.ids,
                "rows": self.write_floats(&format!("{number}.rows"), &case.rows),
                "ann": path,
            })
        });
        let counts = self.run("build", jobs.collect());
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let counts: Vec<_> = (counts.as_array().unwrap().iter())
            .map(|pair| (number(&pair[0]), number(&pair[1])))
            .collect();
        assert_eq!(counts.len(), cases.len());
        counts
    }

    /// What Annoy says when it is to open each file; none where it opens it.
    pub fn refuse(&self, cases: &[(Options, PathBuf)]) -> Vec<Option<String>> {
        let jobs = cases.iter().map(|(options, path)| {
            json!({ "metric": options.metric.name(), "f": options.f, "ann": path })
        });
        let said = self.run("refuse", jobs.collect());
        let said = said.as_array().unwrap().iter();
        said.map(|text| text.as_str().map(str::to_string)).collect()
    }

    /// Annoy opens each `path` and answers all questions of its case.
    pub fn answer(&self, cases: &[(&Case, &Path)]) -> Vec<Answers> {
        let out = |number| self.path(&format!("{number}.out"));
        let jobs = cases.iter().enumerate().map(|(number, (case, path))| {
            json!({
                "metric": case.metric.name(),
                "f": case.f,
                "ann": path,
                "queries": self.write_floats(&format!("{number}.queries"), &case.queries),
                "items": case.items,
                "shapes": case.shapes,
                "pairs": case.pairs,
                "vectors": case.vectors,
                "out": out(number),
            })
        });
        self.run("answer", jobs.collect());
        let read = |(number, (case, _)): (usize, &(&Case, &Path))| {
            let path = out(number);
            let answers = read_answers(case, &fs::read(&path).unwrap());
            fs::remove_file(path).unwrap();
            answers
        };
        cases.iter().enumerate().map(read).collect()
    }
}

fn read_answers(case: &Case, mut bytes: &[u8]) -> Answers {
    fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
        let (first, rest) = bytes.split_first_chunk().unwrap();
        *bytes = rest;
        *first
    }
    let bytes = &mut bytes;
    let n_items = i64::from_le_bytes(take(bytes)) as usize;
    let n_trees = i64::from_le_bytes(take(bytes)) as usize;
    let found = case
        .searches()
        .map(|_| {
            let count = i64::from_le_bytes(take(bytes));
            let ids: Vec<i32> = (0..count)
                .map(|_| i32::from_le_bytes(take(bytes)))
                .collect();
            (ids.into_iter())
                .map(|id| (i64::from(id), f64::from_le_bytes(take(bytes))))
                .collect()
        })
        .collect();
    let mut floats = |count| -> Vec<f64> {
        (0..count)
            .map(|_| f64::from_le_bytes(take(bytes)))
            .collect()
    };
    let distances = floats(case.pairs.len());
    let vectors = case.vectors.iter().map(|_| floats(case.f)).collect();
    assert!(bytes.is_empty(), "{} bytes too many", bytes.len());
    Answers {
        n_items,
        n_trees,
        found,
        distances,
        vectors,
    }
}
