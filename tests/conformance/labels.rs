//! The calls about labels, removed items and recall.

use super::run::{done, ids, status, Outcome};
use annoy_rs::{Index, Label, LabelKind, Work};
use serde_json::{json, Value};

/// Takes a step; none when it is about something else.
pub fn run(index: &mut Index, step: &Value) -> Option<Outcome> {
    let item = || step["item"].as_i64().unwrap();
    Some(match step["call"].as_str().unwrap() {
        "set_label" => done(index.set_label(item(), label(&step["label"]))),
        "set_labels" => {
            let labels = step["labels"].as_array().unwrap();
            let ids = step.get("ids").map(ids);
            done(index.set_labels(ids.as_deref(), labels.iter().map(label)))
        }
        "clear_label" => done(index.clear_label(item())),
        "clear_labels" => {
            index.clear_labels();
            Ok(Value::Null)
        }
        "get_labels" => ids(&step["ids"])
            .into_iter()
            .map(|id| index.label(id).map(value).map_err(status))
            .collect::<Result<Vec<_>, _>>()
            .map(|labels| json!({ "labels": labels })),
        "find_label" => match index.find_label(label(&step["label"])) {
            Ok(Some(item)) => Ok(json!({ "item": item })),
            Ok(None) => Err("ANNOY_ERR_LABEL"),
            Err(error) => Err(status(error)),
        },
        "label_counts" => Ok(json!({
            "kind": match index.label_kind() {
                None => "none",
                Some(LabelKind::U64) => "u64",
                Some(LabelKind::Utf8) => "utf8",
            },
            "n_labels": index.n_labels(), "n_removed": index.n_removed(),
        })),
        "remove_item" => done(index.remove_item(item())),
        "restore_item" => done(index.restore_item(item())),
        "has_items" => {
            let present = ids(&step["items"])
                .into_iter()
                .map(|id| match index.has_item(id) {
                    true => '1',
                    false => '0',
                });
            Ok(json!({ "present": present.collect::<String>() }))
        }
        "get_ids" => Ok(json!({ "ids": index.ids().collect::<Vec<_>>() })),
        "is_removed" => Ok(json!({ "removed": index.is_removed(item()) })),
        "estimate_recall" => {
            let number = |key: &str| step[key].as_u64().unwrap();
            let (n_sample, n) = (number("n_sample") as usize, number("n") as usize);
            let (search_k, seed) = (number("search_k"), number("seed"));
            let recall =
                index.estimate_recall(n_sample, n, Some(search_k), seed, &mut Work::default());
            recall
                .map(|recall| json!({ "recall": recall }))
                .map_err(status)
        }
        _ => return None,
    })
}

pub fn label(value: &Value) -> Label<'_> {
    match value.as_str() {
        Some(text) => Label::Utf8(text),
        None => Label::U64(value.as_u64().unwrap()),
    }
}

fn value(label: Option<Label<'_>>) -> Value {
    match label {
        None => Value::Null,
        Some(Label::U64(number)) => json!(number),
        Some(Label::Utf8(text)) => json!(text),
    }
}
