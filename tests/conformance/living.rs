//! The case of an index whose items come and go while it is built.

use super::cases::{Data, HOLE, N};
use serde_json::{json, Value};

pub fn living(data: &Data) -> Vec<Value> {
    let wrong = |error: &str, mut step: Value| {
        step["error"] = json!(format!("ANNOY_ERR_{error}"));
        step
    };
    let call = |name: &str| json!({ "call": name });
    // The first `n` queries as rows, which no item is.
    let insert = |n: usize, arguments: Value| {
        let mut step = call("insert_items");
        for (name, argument) in arguments.as_object().unwrap() {
            step[name] = argument.clone();
        }
        data.with_rows(&data.queries[..n], step)
    };
    let remove = |item: usize| json!({"call": "remove_item", "item": item});
    let save = |file: &str| json!({"call": "save", "file": file});
    let look = [
        call("counts"),
        call("label_counts"),
        call("get_ids"),
        call("verify"),
        data.with(
            &data.queries[0],
            json!({"call": "get_nns_by_vector", "n": 7, "search_k": 40}),
        ),
        data.with(
            &data.items[1],
            json!({"call": "get_nns_by_vector", "n": N, "search_k": 10000}),
        ),
    ];

    let mut steps = data.add();
    steps.extend(
        ["insert_items", "thaw_built", "consolidate", "compact"]
            .map(|name| wrong("STATE", insert_or(name, &insert))),
    );
    steps.push(json!({"call": "set_labels", "labels": ["zero", "one"], "ids": [0, 1]}));
    steps.push(json!({"call": "build", "n_trees": 3, "n_threads": 1}));
    steps.extend([call("thaw_built"), call("consolidate")]);
    steps.extend(look.clone());
    // Behind the last, into the hole, and behind a new one.
    steps.push(insert(3, json!({})));
    steps.push(insert(
        2,
        json!({"ids": [N + 8, HOLE], "labels": ["new", "größe"]}),
    ));
    steps.push(save("grown.ann"));
    steps.extend(look.clone());
    steps.push(json!({"call": "get_labels", "ids": [0, 1, 2, HOLE, N + 8]}));
    // Others in the place of some, one of them removed.
    steps.push(remove(2));
    for (error, step) in [
        ("ITEM", json!({"ids": [1, 2]})),
        ("ITEM", json!({"ids": [-1, 2], "replace": true})),
        ("ITEM", json!({"ids": [2, 2], "replace": true})),
        (
            "LABEL",
            json!({"ids": [1, 2], "replace": true, "labels": ["a", "zero"]}),
        ),
        (
            "LABEL",
            json!({"ids": [1, 2], "replace": true, "labels": ["a", "a"]}),
        ),
        (
            "UNSUPPORTED",
            json!({"ids": [1, 2], "replace": true, "labels": [3, 4]}),
        ),
        (
            "ARGUMENT",
            json!({"ids": [1, 2], "replace": true, "labels": ["a"]}),
        ),
    ] {
        steps.push(wrong(error, insert(2, step)));
    }
    let mut short = json!({"call": "insert_items", "ids": [1], "replace": true});
    short["rows"] = json!([vec![0.5; data.options.f - 1]]);
    steps.push(wrong("DIMENSION", short.clone()));
    let mut numbers = vec![json!(0.5); data.options.f];
    numbers[0] = json!("nan");
    short["rows"] = json!([numbers]);
    steps.push(wrong("NOT_FINITE", short));
    steps.push(save("as-before.ann"));
    steps.push(insert(2, json!({"ids": [1, 2], "replace": true})));
    steps.push(insert(
        1,
        json!({"ids": [3], "replace": true, "labels": ["three"]}),
    ));
    steps.push(save("replaced.ann"));
    steps.extend(look.clone());
    steps.push(json!({"call": "get_labels", "ids": [0, 1, 2, 3]}));
    // From a file, what is removed goes.
    for item in [0, 7, N - 1, N + 8] {
        steps.push(remove(item));
    }
    steps.push(save("removed.ann"));
    steps.push(json!({"call": "open", "file": "removed.ann"}));
    steps.extend(
        ["insert_items", "consolidate", "compact"]
            .map(|name| wrong("STATE", insert_or(name, &insert))),
    );
    steps.extend([
        call("thaw_built"),
        call("consolidate"),
        save("consolidated.ann"),
    ]);
    steps.extend(look.clone());
    steps.push(wrong(
        "LABEL",
        json!({"call": "find_label", "label": "zero"}),
    ));
    steps.push(insert(1, json!({"ids": [7], "labels": ["zero"]})));
    steps.push(json!({"call": "find_label", "label": "zero"}));
    steps.extend([remove(9), call("compact"), save("compacted.ann")]);
    steps.extend(look.clone());
    steps
}

/// A call that takes nothing, or an insertion.
fn insert_or(name: &str, insert: &dyn Fn(usize, Value) -> Value) -> Value {
    match name {
        "insert_items" => insert(1, json!({})),
        name => json!({ "call": name }),
    }
}
