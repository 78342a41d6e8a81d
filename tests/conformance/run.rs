//! Takes the steps of a case with the engine.

use super::labels;
use crate::common::Item;
use annoy_rs::{
    Access, Bitmap, Error, IdWidth, Index, Insertion, Neighbor, Options, ScalarType, Search,
    VectorMut, Way, Work,
};
use serde_json::{json, Map, Value};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

pub struct Runner<'a> {
    index: Index,
    directory: &'a Path,
}

pub type Outcome = Result<Value, &'static str>;

/// The name of the status that the C ABI gives for an error.
pub fn status(error: Error) -> &'static str {
    match error {
        Error::Argument { .. } => "ANNOY_ERR_ARGUMENT",
        Error::Dimension { .. } => "ANNOY_ERR_DIMENSION",
        Error::Item { .. } => "ANNOY_ERR_ITEM",
        Error::State { .. } => "ANNOY_ERR_STATE",
        Error::Io { .. } => "ANNOY_ERR_IO",
        Error::Format { .. } => "ANNOY_ERR_FORMAT",
        Error::NotFinite { .. } => "ANNOY_ERR_NOT_FINITE",
        Error::Label(_) => "ANNOY_ERR_LABEL",
        Error::Unsupported(_) => "ANNOY_ERR_UNSUPPORTED",
        error => panic!("no case has {error:?}"),
    }
}

/// What comes of a call that gives nothing.
pub fn done(result: annoy_rs::Result<()>) -> Outcome {
    result.map(|()| Value::Null).map_err(status)
}

/// A count that -1 leaves to the library, as the C ABI reads it.
fn or_choose<T: TryFrom<i64>>(number: i64, least: i64) -> Result<Option<T>, &'static str> {
    match number {
        -1 => Ok(None),
        n if n < least => Err("ANNOY_ERR_ARGUMENT"),
        n => Ok(T::try_from(n).ok()),
    }
}

impl<'a> Runner<'a> {
    pub fn new(options: Options, directory: &'a Path) -> Self {
        let index = Index::with_options(options).unwrap();
        Runner { index, directory }
    }

    fn options(&self) -> Options {
        self.index.options()
    }

    fn path(&self, step: &Value) -> PathBuf {
        self.directory.join(step["file"].as_str().unwrap())
    }

    pub fn run(&mut self, step: &Value) -> Outcome {
        let long = |key: &str| {
            step[key]
                .as_i64()
                .unwrap_or_else(|| panic!("{key} in {step}"))
        };
        if let Some(outcome) = labels::run(&mut self.index, step) {
            return outcome;
        }
        match step["call"].as_str().unwrap() {
            "set_seed" => self.index.set_seed(step["seed"].as_u64().unwrap()),
            "add_item" => {
                let item = self.vector(step).unwrap();
                return done(self.index.add_item(long("item"), &item));
            }
            "add_items" => {
                let rows = self.rows(step).unwrap();
                let ids = step.get("ids").map(ids);
                return done(self.index.add_items(ids.as_deref(), rows.iter()));
            }
            "insert_items" => return self.insert_items(step),
            "thaw_built" => return done(self.index.thaw_built()),
            "consolidate" => return done(self.index.consolidate(&mut Work::default())),
            "compact" => return done(self.index.compact(&mut Work::default())),
            "build" => {
                let (n_trees, n_threads) = (
                    or_choose(long("n_trees"), 1)?,
                    or_choose(long("n_threads"), 1)?,
                );
                return done(self.index.build(n_trees, n_threads));
            }
            "unbuild" => return done(self.index.unbuild()),
            "unload" => self.index.unload(),
            "on_disk_build" => return done(self.index.on_disk_build(self.path(step))),
            "save" => {
                let path = self.path(step);
                self.index.save(&path).map_err(status)?;
                return Ok(json!({ "sha256": sha256(&path) }));
            }
            "load" => return done(self.index.load(self.path(step), Access::Map)),
            "save_and_load" => return done(self.index.save_and_load(self.path(step), Access::Map)),
            "open" => self.index = Index::open(self.path(step), Access::Map).map_err(status)?,
            "counts" => {
                let options = self.options();
                return Ok(json!({
                    "n_items": self.index.n_items(), "n_trees": self.index.n_trees(), "f": options.f,
                    "metric": options.metric.name(), "scalar": options.scalar.name(),
                    "id_bits": match options.id_width { IdWidth::Bits32 => 32, IdWidth::Bits64 => 64 },
                }));
            }
            "set_metadata" => {
                return done(
                    self.index
                        .set_metadata(step["text"].as_str().unwrap().as_bytes()),
                )
            }
            "get_metadata" => {
                return Ok(
                    json!({ "text": String::from_utf8(self.index.metadata().to_vec()).unwrap() }),
                );
            }
            "verify" => return done(self.index.verify(1).and_then(|report| report.into_result())),
            "get_item" => return self.get_item(long("item"), step["as"] == "words"),
            "get_distance" => {
                let distance = self
                    .index
                    .get_distance(long("i"), long("j"))
                    .map_err(status)?;
                return Ok(json!({ "distance": distance }));
            }
            "get_nns_by_item" => {
                let search_k = or_choose(long("search_k"), 0)?;
                let found = self
                    .index
                    .get_nns_by_item(long("item"), long("n") as usize, search_k);
                return self.found(found.map_err(status)?);
            }
            "get_nns_by_vector" => {
                let search_k = or_choose(long("search_k"), 0)?;
                let query = self.vector(step).unwrap();
                let found = self
                    .index
                    .get_nns_by_vector(&query, long("n") as usize, search_k);
                return self.found(found.map_err(status)?);
            }
            "search" => {
                let found = self.with_search(step, |index, search, _| match self.vector(step) {
                    Some(query) => index.search(&query, search).map_err(status),
                    None => index.search_item(long("item"), search).map_err(status),
                })?;
                return self.found(found);
            }
            "search_batch" => return self.batch(step),
            call => panic!("no call {call}"),
        }
        Ok(Value::Null)
    }

    fn insert_items(&mut self, step: &Value) -> Outcome {
        let rows = self.rows(step).unwrap();
        let ids = step.get("ids").map(ids);
        let labels = step.get("labels").map(|labels| labels.as_array().unwrap());
        if labels.is_some_and(|labels| labels.len() != rows.len()) {
            return Err("ANNOY_ERR_ARGUMENT");
        }
        let label = labels.map(|labels| move |i: usize| labels::label(&labels[i]));
        let insertion = Insertion {
            ids: ids.as_deref(),
            labels: label.as_ref().map(|label| label as _),
            replace: step.get("replace").is_some(),
        };
        let inserted =
            self.index
                .insert_items(&insertion, |i| &rows[i], rows.len(), &mut Work::default());
        done(inserted)
    }

    fn batch(&self, step: &Value) -> Outcome {
        let rows = self.rows(step);
        let items = step.get("items").map(ids).unwrap_or_default();
        let n_queries = rows.as_ref().map_or(items.len(), Vec::len);
        let mut found: Vec<Vec<Neighbor>> = vec![Vec::new(); n_queries];
        self.with_search(step, |index, search, work| {
            let take = |i: usize, neighbors| found[i] = neighbors;
            match &rows {
                Some(rows) => index.search_batch(|i| &rows[i], n_queries, search, work, take),
                None => index.search_batch_items(&items, search, work, take),
            }
            .map_err(status)
        })?;
        let exact = self.is_double();
        let all: Vec<Value> = found.into_iter().map(|row| results(row, exact)).collect();
        let column = |key: &str| all.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
        Ok(json!({ "ids": column("ids"), "distances": column("distances") }))
    }

    fn with_search<R>(
        &self,
        step: &Value,
        go: impl FnOnce(&Index, &Search<'_>, &mut Work<'_>) -> Result<R, &'static str>,
    ) -> Result<R, &'static str> {
        let empty = Map::new();
        let options = step
            .get("options")
            .map_or(&empty, |options| options.as_object().unwrap());
        for key in options.keys() {
            let known = [
                "search_k",
                "max_distance",
                "exclude",
                "exclude_self",
                "exact",
                "n_threads",
                "allow",
                "deny",
            ];
            assert!(known.contains(&key.as_str()), "no option {key}");
        }
        let long = |key: &str| {
            options
                .get(key)
                .map_or(-1, |number| number.as_i64().unwrap())
        };
        let exclude = options.get("exclude").map(ids).unwrap_or_default();
        let bits = options
            .get("allow")
            .or(options.get("deny"))
            .map(|bits| bits.as_str().unwrap());
        let words = bits.map(words_of);
        let n_items = self.index.n_items();
        if bits.is_some_and(|bits| bits.len() != n_items) {
            return Err("ANNOY_ERR_ARGUMENT");
        }
        // 0 stands for -1 in the options of the C ABI.
        let search = Search {
            search_k: or_choose(long("search_k"), 0)?.filter(|&search_k: &u64| search_k > 0),
            max_distance: options.get("max_distance").and_then(number),
            exclude: &exclude,
            exclude_self: options.contains_key("exclude_self"),
            bitmap: words.as_deref().map(|words| Bitmap {
                words,
                deny: options.contains_key("deny"),
            }),
            way: match options.contains_key("exact") {
                true => Way::Exact,
                false => Way::Fastest,
            },
            ..Search::new(step["n"].as_u64().unwrap() as usize)
        };
        let mut work = Work {
            n_threads: or_choose(long("n_threads"), 0)?,
            ..Work::default()
        };
        go(&self.index, &search, &mut work)
    }

    fn is_double(&self) -> bool {
        self.options().scalar == ScalarType::F64
    }

    fn found(&self, found: Vec<Neighbor>) -> Outcome {
        Ok(results(found, self.is_double()))
    }

    fn get_item(&self, id: i64, as_words: bool) -> Outcome {
        let f = self.options().f;
        if as_words {
            let mut words = vec![0; f.div_ceil(64)];
            self.index
                .get_item(id, VectorMut::Bits(&mut words))
                .map_err(status)?;
            let words: Vec<String> = words.iter().map(|word| format!("{word:016x}")).collect();
            return Ok(json!({ "words": words }));
        }
        let mut vector = vec![0.0; f];
        if self.is_double() {
            self.index
                .get_item(id, VectorMut::F64(&mut vector))
                .map_err(status)?;
        } else {
            let mut short = vec![0f32; f];
            self.index
                .get_item(id, VectorMut::F32(&mut short))
                .map_err(status)?;
            vector = short.into_iter().map(f64::from).collect();
        }
        Ok(json!({ "vector": vector }))
    }

    /// The one vector of a step.
    fn vector(&self, step: &Value) -> Option<Item> {
        step.get("vector")
            .map(|v| self.numbers(v))
            .or_else(|| step.get("words").map(words))
    }

    fn rows(&self, step: &Value) -> Option<Vec<Item>> {
        let all = |rows: &Value, one: &dyn Fn(&Value) -> Item| {
            rows.as_array().unwrap().iter().map(one).collect()
        };
        let rows = step
            .get("rows")
            .map(|rows| all(rows, &|row| self.numbers(row)));
        rows.or_else(|| step.get("word_rows").map(|rows| all(rows, &words)))
    }

    fn numbers(&self, values: &Value) -> Item {
        let values = values
            .as_array()
            .unwrap()
            .iter()
            .map(|x| number(x).unwrap());
        match self.options().scalar {
            ScalarType::F64 => Item::F64(values.collect()),
            _ => Item::F32(values.map(|x| x as f32).collect()),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(name) => Some(name.parse().unwrap()),
        None => value.as_f64(),
    }
}

pub fn ids(value: &Value) -> Vec<i64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_i64().unwrap())
        .collect()
}

fn words(value: &Value) -> Item {
    let word = |word: &Value| u64::from_str_radix(word.as_str().unwrap(), 16).unwrap();
    Item::Bits(value.as_array().unwrap().iter().map(word).collect())
}

/// A string of 0 and 1 as a bitmap.
fn words_of(bits: &str) -> Vec<u64> {
    let mut words = vec![0; bits.len().div_ceil(64)];
    for (i, bit) in bits.bytes().enumerate() {
        words[i / 64] |= u64::from(bit == b'1') << (i % 64);
    }
    words
}

fn sha256(path: &Path) -> String {
    let hash = Sha256::digest(fs::read(path).unwrap());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Distances as the C ABI rounds them.
fn results(found: Vec<Neighbor>, exact: bool) -> Value {
    let distance = |n: &Neighbor| {
        if exact {
            n.distance
        } else {
            f64::from(n.distance as f32)
        }
    };
    json!({
        "ids": found.iter().map(|n| n.id).collect::<Vec<_>>(),
        "distances": found.iter().map(distance).collect::<Vec<_>>(),
    })
}
