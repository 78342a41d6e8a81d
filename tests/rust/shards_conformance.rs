//! A directory of shards and what is found in it, which every binding finds too: made here, and
//! checked in as tests/conformance/shards.

use crate::common::{directory, scratch, Random};
use annoy_rs::{
    GraphPlan, Index, Metric, Neighbor, NewShard, Search, ShardAccess, Shards, View, Way, Work,
};
use serde_json::{json, Value};
use std::fs;
use std::path::Path;

const F: usize = 6;
const SIZES: [usize; 3] = [70, 50, 65];

fn vectors(n: usize, random: &mut Random) -> Vec<Vec<f32>> {
    let number = |random: &mut Random| (random.below(2001) as f32 - 1000.0) / 64.0;
    (0..n)
        .map(|_| (0..F).map(|_| number(random)).collect())
        .collect()
}

fn make(path: &Path, random: &mut Random) {
    let mut first = 0;
    for (i, n) in SIZES.into_iter().enumerate() {
        let mut index = Index::new(Metric::Angular, F).unwrap();
        index.add_items(None, vectors(n, random).iter()).unwrap();
        let labels = (first..first + n).map(|label| format!("item {label}"));
        let labels: Vec<_> = labels.collect();
        index.set_labels(None, labels.iter()).unwrap();
        index.build(Some(4), None).unwrap();
        if i < 2 {
            index
                .build_graph(&GraphPlan::default(), &mut Work::default())
                .unwrap();
        }
        index.save(path.join(format!("part-{i}.ann"))).unwrap();
        first += n;
    }
    let last = NewShard {
        partition: Some("late"),
        removed: &[3, 64],
        ..NewShard::file("part-2.ann")
    };
    let new = [
        NewShard::file("part-0.ann"),
        NewShard::file("part-1.ann"),
        last,
    ];
    Shards::commit(path, 0, &new).unwrap();
    // What is of no use to who reads it.
    fs::remove_file(path.join("MANIFEST.lock")).unwrap();
    fs::remove_file(path.join("MANIFEST.1")).unwrap();
}

fn row(found: &[Neighbor]) -> Value {
    let ids: Vec<_> = found.iter().map(|n| n.id).collect();
    let distances: Vec<_> = found.iter().map(|n| f64::from(n.distance as f32)).collect();
    json!({"ids": ids, "distances": distances})
}

fn answers(view: &View, random: &mut Random) -> Value {
    let queries = vectors(5, random);
    let items = [0i64, 69, 70, 119, 184 - 10];
    let mut searches = Vec::new();
    for (n, search_k) in [(1, -1), (10, -1), (7, 30), (40, 5000)] {
        let search = Search {
            search_k: u64::try_from(search_k).ok(),
            ..Search::new(n)
        };
        let by_vector: Vec<_> = queries
            .iter()
            .map(|q| row(&view.search(q, &search).unwrap()))
            .collect();
        let by_item: Vec<_> = items
            .iter()
            .map(|&i| row(&view.search_item(i, &search).unwrap()))
            .collect();
        searches.push(
            json!({"n": n, "search_k": search_k, "by_vector": by_vector, "by_item": by_item}),
        );
    }
    let exact = Search {
        way: Way::Exact,
        ..Search::new(10)
    };
    let one: Vec<_> = queries
        .iter()
        .map(|q| {
            row(&view
                .search(
                    q,
                    &Search {
                        shards: &[1],
                        ..exact
                    },
                )
                .unwrap())
        })
        .collect();
    json!({
        "f": F, "n_items": view.n_items(), "n_shards": view.n_shards(), "generation": 1, "n_labels": 185,
        "n_removed": view.n_removed(), "queries": queries, "items": items, "searches": searches,
        "second_alone": one, "distance": view.get_distance(3, 184).unwrap(),
    })
}

#[test]
fn the_directory_and_its_answers_are_what_is_made_here() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/shards");
    let there = kept.join("three.annd");
    let made = scratch();
    let mut random = Random(26);
    make(made.path(), &mut random);
    let view = Shards::open(made.path(), ShardAccess::default())
        .unwrap()
        .now()
        .unwrap();
    let answers = serde_json::to_string_pretty(&answers(&view, &mut random)).unwrap() + "\n";
    if std::env::var_os("ANNOY_RS_BLESS").is_some() {
        let _ = fs::remove_dir_all(&there);
        fs::create_dir_all(&there).unwrap();
        for (name, bytes) in directory(made.path()) {
            fs::write(there.join(name), bytes).unwrap();
        }
        fs::write(kept.join("answers.json"), &answers).unwrap();
    }
    assert_eq!(directory(&there), directory(made.path()));
    assert_eq!(
        fs::read_to_string(kept.join("answers.json")).unwrap(),
        answers
    );
}
