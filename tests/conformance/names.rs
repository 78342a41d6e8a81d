//! The cases of labels, and of which ids hold items.

use super::cases::{Data, HOLE, N};
use serde_json::{json, Value};

pub fn labels(data: &Data) -> Vec<Value> {
    let counts = json!({"call": "label_counts"});
    let wrong = |error: &str, mut step: Value| {
        step["error"] = json!(format!("ANNOY_ERR_{error}"));
        step
    };
    let find = |label: Value| json!({"call": "find_label", "label": label});
    let names: Vec<String> = (0..N).map(|id| format!("größe {id}")).collect();
    let mut steps = data.add();
    steps.push(counts.clone());
    steps.push(json!({"call": "set_labels", "labels": names}));
    steps.push(
        json!({"call": "set_labels", "labels": ["größe 2", "größe 1", ""], "ids": [1, 2, 3]}),
    );
    steps.push(json!({"call": "set_label", "item": 4, "label": "four"}));
    steps.push(json!({"call": "clear_label", "item": 5}));
    steps.push(wrong(
        "LABEL",
        json!({"call": "set_label", "item": 6, "label": "four"}),
    ));
    steps.push(wrong(
        "UNSUPPORTED",
        json!({"call": "set_label", "item": 6, "label": 6}),
    ));
    steps.push(wrong(
        "ITEM",
        json!({"call": "set_label", "item": N, "label": "none"}),
    ));
    steps.push(wrong(
        "ITEM",
        json!({"call": "set_labels", "labels": ["a", "b"], "ids": [0, -1]}),
    ));
    steps.push(json!({"call": "remove_item", "item": 9}));
    steps.push(wrong("ITEM", json!({"call": "remove_item", "item": HOLE})));
    steps.push(json!({"call": "build", "n_trees": 3, "n_threads": 1}));
    steps.push(counts.clone());
    for item in [10, 11, 12] {
        steps.push(json!({"call": "remove_item", "item": item}));
    }
    steps.push(json!({"call": "restore_item", "item": 12}));
    steps.push(json!({"call": "save", "file": "labels.ann"}));
    let mut look = vec![counts.clone()];
    for label in ["four", "", "größe 1", "größe 59"] {
        look.push(find(json!(label)));
    }
    for label in ["größe 3", "größe 5", "größe"] {
        look.push(wrong("LABEL", find(json!(label))));
    }
    look.push(wrong("UNSUPPORTED", find(json!(4))));
    look.push(json!({"call": "get_labels", "ids": [0, 1, 2, 3, 4, 5, 9, 10, N - 1]}));
    look.push(wrong("ITEM", json!({"call": "get_labels", "ids": [0, N]})));
    for item in [9, 10, 12] {
        look.push(json!({"call": "is_removed", "item": item}));
    }
    let step = json!({"call": "get_nns_by_vector", "n": N, "search_k": 1000});
    look.push(data.with(&data.items[10], step));
    look.push(wrong(
        "ITEM",
        json!({"call": "get_nns_by_item", "item": 10, "n": 1, "search_k": -1}),
    ));
    let recall =
        json!({"call": "estimate_recall", "n_sample": 20, "n": 5, "search_k": 20, "seed": 3});
    look.push(recall);
    steps.extend(look.clone());
    steps.push(json!({"call": "open", "file": "labels.ann"}));
    steps.extend(look);
    steps.push(json!({"call": "clear_labels"}));
    steps.push(json!({"call": "set_labels", "labels": [u64::MAX, 0, 7]}));
    steps.push(json!({"call": "save", "file": "numbers.ann"}));
    steps.push(json!({"call": "open", "file": "numbers.ann"}));
    steps.push(counts);
    steps.push(find(json!(u64::MAX)));
    steps.push(wrong("LABEL", find(json!(5))));
    steps.push(wrong("UNSUPPORTED", find(json!("5"))));
    steps.push(json!({"call": "get_labels", "ids": [2, 1, 0, 3]}));
    steps
}

/// Which ids hold items, whatever becomes of the index.
pub fn ids(data: &Data) -> Vec<Value> {
    let asked = [
        0,
        4,
        5,
        HOLE as i64,
        59,
        60,
        -1,
        1 << 40,
        i64::MAX,
        i64::MIN,
    ];
    let look = [
        json!({"call": "has_items", "items": asked}),
        json!({"call": "get_ids"}),
        json!({"call": "counts"}),
    ];
    let with_item = |call: &str, item: usize| json!({"call": call, "item": item});
    let mut steps = look.to_vec();
    let mut then = |more: &[Value]| {
        steps.extend_from_slice(more);
        steps.extend_from_slice(&look);
    };
    then(&data.add());
    then(&[with_item("remove_item", 4), with_item("remove_item", N - 1)]);
    then(&[with_item("restore_item", N - 1)]);
    // What is removed is missing from now on.
    then(&[json!({"call": "build", "n_trees": 2, "n_threads": 1})]);
    then(&[with_item("remove_item", 5), with_item("remove_item", 0)]);
    then(&[
        json!({"call": "save", "file": "ids.ann"}),
        json!({"call": "unload"}),
    ]);
    then(&[json!({"call": "load", "file": "ids.ann"})]);
    then(&[with_item("restore_item", 0)]);
    then(&[json!({"call": "open", "file": "ids.ann"})]);
    then(&[
        json!({"call": "unload"}),
        json!({"call": "on_disk_build", "file": "disk.ann"}),
        data.with(&data.items[0], with_item("add_item", 5)),
    ]);
    then(&[json!({"call": "build", "n_trees": 1, "n_threads": 1})]);
    steps
}
