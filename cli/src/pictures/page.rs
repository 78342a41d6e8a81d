//! A page with all in it that it needs: it asks no network for anything, and its own policy would
//! forbid it.

use super::map::{names, Colors, Values, STEPS};
use super::{name, Shown};
use annoy_rs::{Index, Metric};
use anyhow::Result;
use serde_json::{json, Map, Value};
use std::collections::HashMap;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("colors.css"), include_str!("page.css"));
const SCRIPT: &str = include_str!("page.js");

pub struct Page {
    title: String,
    /// What the script draws.
    data: Map<String, Value>,
}

impl Page {
    /// A page with a map, and neighbours to look up.
    pub fn new(
        title: &str,
        index: &Index,
        shown: &Shown,
        colors: Option<&Colors>,
        highlight: &[usize],
    ) -> Result<Self> {
        let mut data = Map::new();
        data.insert("title".into(), title.into());
        data.insert("version".into(), env!("CARGO_PKG_VERSION").into());
        let axis = |axis: usize| -> Value {
            let numbers = shown
                .places
                .iter()
                .map(|place| rounded(f64::from(place[axis])));
            numbers.collect()
        };
        let map = json!({
            "note": shown.note(),
            "x": axis(0),
            "y": axis(1),
            "color": colors.map(key),
            "marked": highlight,
        });
        data.insert("map".into(), map);
        data.insert("items".into(), items(index, shown)?);
        Ok(Page {
            title: title.to_owned(),
            data,
        })
    }

    pub fn set(&mut self, part: &str, value: Value) {
        self.data.insert(part.to_owned(), value);
    }

    pub fn text(self) -> String {
        // What is in a label may not end the element.
        let data = Value::from(self.data).to_string().replace('<', "\\u003c");
        let title: String = self.title.replace('&', "&amp;").replace('<', "&lt;");
        PAGE.replace("{title}", &title)
            .replace("{style}", STYLE)
            .replace("{script}", SCRIPT)
            .replace("{data}", &data)
    }
}

/// Items with their neighbours. Those of a neighbour that is not among them have a name, and no
/// neighbours of their own.
fn items(index: &Index, shown: &Shown) -> Result<Value> {
    let mut names = names(index, shown)?;
    let mut ids = shown.ids.clone();
    let mut positions: HashMap<i64, usize> =
        ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let mut near = Vec::with_capacity(ids.len());
    let mut distances = Vec::with_capacity(ids.len());
    for found in &shown.near {
        let mut places = Vec::with_capacity(found.len());
        for one in found {
            let next = ids.len();
            let at = *positions.entry(one.id).or_insert(next);
            if at == next {
                ids.push(one.id);
                names.push(name(index, one.id)?);
            }
            places.push(at);
        }
        near.push(places);
        let numbers = found.iter().map(|one| rounded(one.distance));
        distances.push(numbers.collect::<Vec<f64>>());
    }
    let is_row = ids.iter().enumerate().all(|(at, &id)| at as i64 == id);
    Ok(json!({
        "shown": shown.ids.len(),
        "total": shown.total,
        // Rows in a row need not be numbered.
        "ids": if is_row { None } else { Some(ids) },
        "names": names,
        "labels": index.n_labels() > 0,
        "near": near,
        "distances": distances,
        "product": index.options().metric == Metric::Dot,
        "metric": index.options().metric.to_string(),
    }))
}

fn key(colors: &Colors) -> Value {
    let classes = colors.values.classes();
    let keys = match &colors.values {
        Values::Numbers(numbers) => {
            let (low, high) = Values::range(numbers);
            json!({"low": rounded(low), "high": rounded(high), "steps": STEPS})
        }
        Values::Groups(_, names) => json!({"groups": names}),
    };
    json!({"name": colors.name, "classes": classes, "key": keys})
}

/// Five digits are as many as are shown, and half of the page's bytes.
pub fn rounded(x: f64) -> f64 {
    format!("{x:.4e}").parse().unwrap_or(x)
}
