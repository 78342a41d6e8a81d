//! The cases: what is called, without what comes of it.

use super::{living, names};
use crate::common::Random;
use annoy_rs::{Metric, Options};
use serde_json::{json, Value};

/// Numbers in a vector.
pub const F: usize = 5;
/// Bits in a vector of hamming: two words, the second not full.
pub const BITS: usize = 70;
pub const N: usize = 60;
/// An id that is left out.
pub const HOLE: usize = 31;

pub struct Case {
    pub name: &'static str,
    pub options: Options,
    pub steps: Vec<Value>,
}

pub fn all(options: Options) -> Vec<Case> {
    let data = Data::new(options);
    let cases = [
        ("searches", searches(&data)),
        ("files", files(&data)),
        ("errors", errors(&data)),
        ("few items", few(&data)),
        ("without trees", without_trees(&data)),
        ("labels", names::labels(&data)),
        ("ids", names::ids(&data)),
        ("living", living::living(&data)),
    ];
    let case = |(name, steps)| Case {
        name,
        options,
        steps,
    };
    cases.into_iter().map(case).collect()
}

fn is_hamming(options: Options) -> bool {
    options.metric == Metric::Hamming
}

/// Items and queries of a type.
pub struct Data {
    pub options: Options,
    pub items: Vec<Value>,
    pub queries: Vec<Value>,
}

impl Data {
    fn new(options: Options) -> Self {
        let mut random = Random(12);
        let mut vectors = |n| (0..n).map(|_| vector(options, &mut random)).collect();
        Data {
            options,
            items: vectors(N),
            queries: vectors(6),
        }
    }

    /// A step with a vector of numbers, which every index takes.
    fn zero(&self, len: usize, mut step: Value) -> Value {
        step["vector"] = json!(vec![0.0; len]);
        step
    }

    pub fn with(&self, vector: &Value, mut step: Value) -> Value {
        step[if is_hamming(self.options) {
            "words"
        } else {
            "vector"
        }] = vector.clone();
        step
    }

    pub fn with_rows(&self, vectors: &[Value], mut step: Value) -> Value {
        step[if is_hamming(self.options) {
            "word_rows"
        } else {
            "rows"
        }] = json!(vectors);
        step
    }

    /// All items but the hole: some alone, some together, some with ids.
    pub fn add(&self) -> Vec<Value> {
        let mut steps: Vec<_> = (0..3)
            .map(|id| self.with(&self.items[id], json!({"call": "add_item", "item": id})))
            .collect();
        steps.push(self.with_rows(&self.items[3..HOLE], json!({"call": "add_items"})));
        let ids: Vec<_> = (HOLE + 1..N).rev().collect();
        let rows: Vec<_> = ids.iter().map(|&id| self.items[id].clone()).collect();
        steps.push(self.with_rows(&rows, json!({"call": "add_items", "ids": ids})));
        steps
    }
}

/// Numbers that every type holds exactly, or words of bits.
fn vector(options: Options, random: &mut Random) -> Value {
    if is_hamming(options) {
        let (low, high) = (random.next(), random.next() & ((1 << (BITS - 64)) - 1));
        return json!([format!("{low:016x}"), format!("{high:016x}")]);
    }
    let values: Vec<f64> = (0..F)
        .map(|_| (random.below(65) as f64 - 32.0) / 8.0)
        .collect();
    json!(values)
}

fn searches(data: &Data) -> Vec<Value> {
    let mut steps = vec![
        json!({"call": "counts"}),
        json!({"call": "set_seed", "seed": 7}),
    ];
    steps.extend(data.add());
    steps.push(json!({"call": "build", "n_trees": 3, "n_threads": 2}));
    steps.push(json!({"call": "counts"}));
    steps.push(json!({"call": "verify"}));
    for item in [0, 30, HOLE, N - 1] {
        for search_k in [-1, 20] {
            steps.push(
                json!({"call": "get_nns_by_item", "item": item, "n": 5, "search_k": search_k}),
            );
        }
        steps.push(json!({"call": "get_item", "item": item, "as": "vector"}));
    }
    for query in &data.queries[..3] {
        for (n, search_k) in [(1, 5), (4, -1), (10, 1000), (1000, -1)] {
            let step = json!({"call": "get_nns_by_vector", "n": n, "search_k": search_k});
            steps.push(data.with(query, step));
        }
    }
    steps.push(data.zero(
        data.options.f,
        json!({"call": "get_nns_by_vector", "n": 3, "search_k": -1}),
    ));
    for (i, j) in [(0, 0), (1, 2), (2, 1), (5, HOLE), (N - 1, 0)] {
        steps.push(json!({"call": "get_distance", "i": i, "j": j}));
    }
    if is_hamming(data.options) {
        steps.push(json!({"call": "get_item", "item": 1, "as": "words"}));
    }
    // A distance that about half of the items lie within.
    let near = match data.options.metric.name() {
        "angular" => 1.4,
        "manhattan" => 13.0,
        "hamming" => 34.0,
        "dot" => 0.5,
        _ => 7.0,
    };
    let even: String = (0..N)
        .map(|id| if id % 2 == 0 { '1' } else { '0' })
        .collect();
    let few: String = (0..N)
        .map(|id| if id % 20 == 3 { '1' } else { '0' })
        .collect();
    for options in [
        json!({}),
        json!({"exact": true}),
        json!({"exact": true, "max_distance": near}),
        json!({"search_k": 40, "max_distance": near}),
        json!({"exclude": [7, 3, 3, 44, 1000, -1], "search_k": 60}),
        json!({"allow": even, "search_k": 30}),
        json!({"deny": even, "search_k": 30}),
        json!({"allow": few}),
        json!({"deny": even, "exclude": [1, 3, 5, 7], "exact": true, "max_distance": near}),
    ] {
        let step = json!({"call": "search", "n": 6, "options": options});
        steps.push(data.with(&data.queries[3], step));
    }
    for options in [
        json!({}),
        json!({"exclude_self": true}),
        json!({"exclude_self": true, "exact": true}),
    ] {
        steps.push(json!({"call": "search", "item": 9, "n": 4, "options": options}));
    }
    let step = json!({"call": "search_batch", "n": 4, "options": {"n_threads": 2}});
    steps.push(data.with_rows(&data.queries, step));
    let step = json!({"call": "search_batch", "n": 4, "options": {"exact": true, "allow": few}});
    steps.push(data.with_rows(&data.queries[..2], step));
    steps.push(data.with_rows(&[], json!({"call": "search_batch", "n": 4, "options": {}})));
    let items = json!([9, 0, 9]);
    steps.push(
        json!({"call": "search_batch", "items": items, "n": 3, "options": {"exclude_self": true}}),
    );
    steps
}

fn files(data: &Data) -> Vec<Value> {
    let look = |steps: &mut Vec<Value>| {
        steps.push(json!({"call": "counts"}));
        let step = json!({"call": "get_nns_by_vector", "n": 5, "search_k": 30});
        steps.push(data.with(&data.queries[4], step));
        steps.push(json!({"call": "get_metadata"}));
    };
    let mut steps = data.add();
    steps.push(json!({"call": "set_metadata", "text": "words, größer"}));
    steps.push(json!({"call": "build", "n_trees": 4, "n_threads": 1}));
    steps.push(json!({"call": "save", "file": "saved.ann"}));
    look(&mut steps);
    steps.push(json!({"call": "unload"}));
    look_empty(&mut steps);
    steps.push(json!({"call": "load", "file": "saved.ann"}));
    look(&mut steps);
    steps.push(json!({"call": "verify"}));
    steps.push(json!({"call": "save", "file": "again.ann"}));
    steps.push(json!({"call": "open", "file": "again.ann"}));
    look(&mut steps);
    // The same items and seed once more, on disk.
    steps.push(json!({"call": "unload"}));
    steps.push(json!({"call": "on_disk_build", "file": "disk.ann"}));
    steps.extend(data.add());
    steps.push(json!({"call": "build", "n_trees": 4, "n_threads": 2}));
    look(&mut steps);
    steps.push(json!({"call": "open", "file": "disk.ann"}));
    steps.push(json!({"call": "save", "file": "disk-saved.ann"}));
    steps.push(json!({"call": "unload"}));
    steps.extend(data.add());
    steps.push(json!({"call": "build", "n_trees": 2, "n_threads": 1}));
    steps.push(json!({"call": "unbuild"}));
    steps.push(data.with(&data.queries[5], json!({"call": "add_item", "item": N})));
    steps.push(json!({"call": "build", "n_trees": 2, "n_threads": 1}));
    steps.push(json!({"call": "save_and_load", "file": "loaded.ann"}));
    look(&mut steps);
    steps.push(json!({"call": "unbuild", "error": "ANNOY_ERR_STATE"}));
    steps.push(json!({"call": "load", "file": "missing.ann", "error": "ANNOY_ERR_IO"}));
    steps.push(json!({"call": "open", "file": "missing.ann", "error": "ANNOY_ERR_IO"}));
    look(&mut steps);
    steps
}

fn look_empty(steps: &mut Vec<Value>) {
    steps.push(json!({"call": "counts"}));
    steps.push(json!({"call": "get_metadata"}));
}

/// Before the build all items are looked at, where there are few, and nothing else was asked for.
fn without_trees(data: &Data) -> Vec<Value> {
    let search = |options: Value| json!({"call": "search", "n": 4, "options": options});
    let batch = |options: Value| json!({"call": "search_batch", "n": 4, "options": options});
    let nns = |search_k: i64| json!({"call": "get_nns_by_vector", "n": 5, "search_k": search_k});
    let ask = |step: Value| data.with(&data.queries[0], step);
    let mut refused = ask(nns(9));
    refused["error"] = json!("ANNOY_ERR_STATE");
    let mut steps = vec![ask(nns(-1))];
    steps.extend(data.add());
    steps.extend([
        ask(nns(-1)),
        refused,
        json!({"call": "get_nns_by_item", "item": 2, "n": 3, "search_k": -1}),
        json!({"call": "remove_item", "item": 2}),
        ask(search(json!({}))),
        ask(search(json!({"exact": true, "exclude": [4, 5]}))),
        data.with_rows(&data.queries, batch(json!({}))),
        json!({"call": "search_batch", "items": [0, 7], "n": 3, "options": {"exclude_self": true}}),
        json!({"call": "build", "n_trees": 2, "n_threads": 1}),
        ask(nns(9)),
    ]);
    steps
}

fn errors(data: &Data) -> Vec<Value> {
    let f = data.options.f;
    let wrong = |error: &str, mut step: Value| {
        step["error"] = json!(format!("ANNOY_ERR_{error}"));
        step
    };
    let search = json!({"call": "get_nns_by_item", "item": 0, "n": 1, "search_k": -1});
    let forest = json!({"call": "get_nns_by_item", "item": 0, "n": 1, "search_k": 9});
    let mut steps = vec![
        wrong("STATE", forest),
        wrong("ITEM", search.clone()),
        wrong("STATE", json!({"call": "save", "file": "none.ann"})),
        wrong("STATE", json!({"call": "verify"})),
        wrong(
            "ITEM",
            json!({"call": "get_item", "item": 0, "as": "vector"}),
        ),
        wrong("ITEM", json!({"call": "get_distance", "i": 0, "j": 0})),
        wrong(
            "DIMENSION",
            data.zero(f + 1, json!({"call": "add_item", "item": 0})),
        ),
        wrong(
            "DIMENSION",
            data.zero(0, json!({"call": "add_item", "item": 0})),
        ),
        wrong(
            "ITEM",
            data.zero(f, json!({"call": "add_item", "item": -1})),
        ),
        wrong(
            "ITEM",
            data.zero(f, json!({"call": "add_item", "item": i64::MAX})),
        ),
        json!({"call": "counts"}),
    ];
    for bad in ["nan", "inf"] {
        let mut vector = vec![json!(0.5); f];
        vector[f - 1] = json!(bad);
        let item = json!({"call": "add_item", "item": 0, "vector": vector.clone()});
        steps.push(wrong("NOT_FINITE", item));
        let rows = json!({"call": "add_items", "rows": [vec![0.5; f], vector]});
        steps.push(wrong("NOT_FINITE", rows));
    }
    if is_hamming(data.options) {
        let words = ["0000000000000000", "8000000000000000"];
        let past = json!({"call": "add_item", "item": 0, "words": words});
        steps.push(wrong("ARGUMENT", past));
    }
    let rows: Vec<_> = data.items[..2].to_vec();
    steps.push(wrong(
        "ITEM",
        data.with_rows(&rows, json!({"call": "add_items", "ids": [4, -3]})),
    ));
    steps.push(json!({"call": "counts"}));
    steps.extend(data.add());
    steps.push(wrong(
        "ARGUMENT",
        json!({"call": "build", "n_trees": 0, "n_threads": 1}),
    ));
    steps.push(wrong(
        "ARGUMENT",
        json!({"call": "build", "n_trees": -2, "n_threads": 1}),
    ));
    steps.push(wrong(
        "ARGUMENT",
        json!({"call": "build", "n_trees": 2, "n_threads": -2}),
    ));
    steps.push(wrong(
        "STATE",
        json!({"call": "on_disk_build", "file": "late.ann"}),
    ));
    steps.push(json!({"call": "counts"}));
    steps.push(json!({"call": "build", "n_trees": 2, "n_threads": 1}));
    steps.push(wrong(
        "STATE",
        json!({"call": "build", "n_trees": 2, "n_threads": 1}),
    ));
    steps.push(wrong(
        "STATE",
        data.with(&data.items[0], json!({"call": "add_item", "item": N})),
    ));
    steps.push(wrong(
        "STATE",
        data.with_rows(&rows, json!({"call": "add_items"})),
    ));
    for item in [-1, N as i64, i64::MAX] {
        let nns = json!({"call": "get_nns_by_item", "item": item, "n": 1, "search_k": -1});
        steps.push(wrong("ITEM", nns));
        steps.push(wrong(
            "ITEM",
            json!({"call": "search", "item": item, "n": 1, "options": {}}),
        ));
        steps.push(wrong(
            "ITEM",
            json!({"call": "get_item", "item": item, "as": "vector"}),
        ));
        steps.push(wrong(
            "ITEM",
            json!({"call": "get_distance", "i": 0, "j": item}),
        ));
        let batch = json!({"call": "search_batch", "items": [0, item], "n": 1, "options": {}});
        steps.push(wrong("ITEM", batch));
    }
    let nns = json!({"call": "get_nns_by_vector", "n": 1, "search_k": -1});
    steps.push(wrong("DIMENSION", data.zero(f - 1, nns)));
    let nns = json!({"call": "get_nns_by_vector", "n": 1, "search_k": -2});
    steps.push(wrong("ARGUMENT", data.zero(f, nns)));
    for options in [
        json!({"search_k": -7}),
        json!({"max_distance": "nan"}),
        json!({"allow": "101"}),
        json!({"deny": "1".repeat(N + 1)}),
    ] {
        let step = json!({"call": "search", "n": 1, "options": options});
        steps.push(wrong("ARGUMENT", data.with(&data.queries[0], step)));
    }
    let missing = json!({"call": "save", "file": "no/such/directory.ann"});
    steps.push(wrong("IO", missing));
    steps.push(search);
    steps
}

fn few(data: &Data) -> Vec<Value> {
    let all = json!({"call": "get_nns_by_vector", "n": 9, "search_k": -1});
    let look = |steps: &mut Vec<Value>| {
        steps.push(json!({"call": "counts"}));
        steps.push(data.with(&data.queries[0], all.clone()));
    };
    let mut steps = vec![json!({"call": "build", "n_trees": 10, "n_threads": -1})];
    look(&mut steps);
    steps.push(json!({"call": "save", "file": "empty.ann"}));
    steps.push(json!({"call": "open", "file": "empty.ann"}));
    look(&mut steps);
    steps.push(json!({"call": "unload"}));
    steps.push(data.with(&data.items[0], json!({"call": "add_item", "item": 0})));
    steps.push(json!({"call": "build", "n_trees": 3, "n_threads": 1}));
    steps.push(json!({"call": "save_and_load", "file": "one.ann"}));
    look(&mut steps);
    steps.push(json!({"call": "get_nns_by_item", "item": 0, "n": 0, "search_k": -1}));
    steps.push(json!({"call": "unload"}));
    // Equal ones, and the second of two under one id.
    for (item, which) in [(2, 1), (5, 1), (3, 1), (5, 0), (4, 1)] {
        steps.push(data.with(
            &data.items[which],
            json!({"call": "add_item", "item": item}),
        ));
    }
    steps.push(json!({"call": "build", "n_trees": -1, "n_threads": 1}));
    look(&mut steps);
    steps.push(json!({"call": "get_nns_by_item", "item": 3, "n": 3, "search_k": 100}));
    steps.push(json!({"call": "save", "file": "equal.ann"}));
    steps
}
