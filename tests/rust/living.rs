//! Random sequences of calls that change a built index, against a model that knows which items
//! there are: what is there is found, and nothing else; also through saving, loading and thawing.

use crate::common::graphs::{add_graph, gaussian, items, kind};
use crate::common::scans::add_scan;
use crate::common::{built, sample, saved, Item, Random};
use annoy_rs::{Error, Index, Insertion, Label, Metric, ScalarType, Search, Way, Work};
use std::collections::{BTreeMap, BTreeSet};

const F: usize = 5;
const STEPS: usize = 30;

/// What there is to be.
#[derive(Default)]
struct Model {
    items: BTreeMap<i64, Item>,
    labels: BTreeMap<i64, u64>,
    /// Removed, and still taking up a place.
    removed: BTreeSet<i64>,
    n_items: i64,
    next_label: u64,
}

impl Model {
    fn is_there(&self, id: i64) -> bool {
        self.items.contains_key(&id) && !self.removed.contains(&id)
    }

    fn drop_removed(&mut self) {
        for id in std::mem::take(&mut self.removed) {
            self.items.remove(&id);
            self.labels.remove(&id);
        }
    }

    /// Some ids of items, each once.
    fn some(&self, most: usize, random: &mut Random) -> Vec<i64> {
        let ids: Vec<i64> = self.items.keys().copied().collect();
        let n = random.below(most.min(ids.len()) + 1);
        let some: BTreeSet<i64> = (0..n).map(|_| ids[random.below(ids.len())]).collect();
        some.into_iter().collect()
    }

    fn check(&self, index: &Index, random: &mut Random, context: &str) {
        let there = || self.items.keys().copied().filter(|&id| self.is_there(id));
        assert_eq!(index.n_items() as i64, self.n_items, "{context}");
        assert_eq!(index.n_removed(), self.removed.len(), "{context}");
        assert!(index.ids().eq(there()), "{context}");
        assert_eq!(index.n_labels(), self.labels.len(), "{context}");
        for (&id, &label) in self.labels.iter().take(20) {
            assert_eq!(
                index.label(id).unwrap(),
                Some(Label::U64(label)),
                "{context}"
            );
            assert_eq!(index.find_label(label).unwrap(), Some(id), "{context}");
        }
        let report = index.verify(5).unwrap();
        assert!(report.is_sound(), "{context}: {:?}", report.faults);
        let n = there().count();
        for id in self.some(3, random) {
            let item = &self.items[&id];
            assert_eq!(Item::read(index, id).unwrap(), *item, "{context}");
            for way in [Way::Exact, Way::Forest, Way::Fastest] {
                let search = Search {
                    way,
                    search_k: Some(u64::MAX),
                    ..Search::new(n + 3)
                };
                let found = index.search(item, &search).unwrap();
                let ids: BTreeSet<i64> = found.iter().map(|one| one.id).collect();
                assert!(ids.into_iter().eq(there()), "{context}: {way:?} from {id}");
            }
        }
    }
}

/// A batch of rows with ids, mostly good ones.
fn insert(index: &mut Index, model: &mut Model, all: &[Item], random: &mut Random) -> String {
    let rows = [1, 1, 1, 2, 7, 60][random.below(6)];
    let start = random.below(all.len() - rows);
    let row = |i: usize| &all[start + i];
    let replace = random.below(2) == 0;
    let ids: Option<BTreeSet<i64>> = match random.below(4) {
        0 | 1 => None,
        2 => Some((0..rows).map(|_| random.below(2000) as i64).collect()),
        _ => Some(model.some(rows, random).into_iter().collect()),
    };
    let ids: Option<Vec<i64>> = ids.map(|ids| ids.into_iter().collect());
    let n = ids.as_ref().map_or(rows, Vec::len);
    let first_label = model.next_label;
    let label = |i: usize| Label::U64(first_label + i as u64);
    let labelled = random.below(3) == 0;
    let insertion = Insertion {
        ids: ids.as_deref(),
        labels: labelled.then_some(&label),
        replace,
    };
    let mut work = Work {
        n_threads: Some(1 + random.below(2)),
        ..Work::default()
    };
    let taken = |id: &i64| model.items.contains_key(id);
    let is_refused = !replace && ids.iter().flatten().any(taken);
    let inserted = index.insert_items(&insertion, row, n, &mut work);
    let what = format!("insert {n}, replace {replace}, ids {}", ids.is_some());
    if is_refused {
        assert!(matches!(inserted, Err(Error::Item { .. })), "{inserted:?}");
        return format!("{what}, refused");
    }
    inserted.unwrap();
    for i in 0..n {
        let id = ids.as_ref().map_or(model.n_items + i as i64, |ids| ids[i]);
        model.items.insert(id, row(i).clone());
        model.removed.remove(&id);
        if labelled {
            model.labels.insert(id, first_label + i as u64);
        }
    }
    let last = ids.map_or(model.n_items + n as i64, |ids| {
        ids.last().map_or(0, |last| last + 1)
    });
    model.n_items = model.n_items.max(last);
    model.next_label += n as u64;
    what
}

fn step(index: &mut Index, model: &mut Model, all: &[Item], random: &mut Random) -> String {
    let mut work = Work {
        n_threads: Some(1),
        ..Work::default()
    };
    match random.below(12) {
        0..=5 => insert(index, model, all, random),
        6 | 7 => {
            let some = model.some([3, 20, 200][random.below(3)], random);
            for &id in &some {
                index.remove_item(id).unwrap();
                model.removed.insert(id);
            }
            format!("remove {}", some.len())
        }
        8 => {
            let some = model.some(3, random);
            for id in some {
                index.restore_item(id).unwrap();
                model.removed.remove(&id);
            }
            "restore some".into()
        }
        9 => {
            index.consolidate(&mut work).unwrap();
            model.drop_removed();
            "consolidate".into()
        }
        10 => {
            index.compact(&mut work).unwrap();
            model.drop_removed();
            let last = model.items.keys().next_back();
            model.n_items = last.map_or(0, |last| last + 1);
            "compact".into()
        }
        _ => {
            let loaded = Index::open_bytes(saved(index)).unwrap();
            model.check(&loaded, random, "loaded");
            *index = loaded;
            index.thaw_built().unwrap();
            "save, load and thaw".into()
        }
    }
}

#[test]
fn sequences_of_calls() {
    let metrics = [
        (Metric::Angular, ScalarType::F32),
        (Metric::Euclidean, ScalarType::F64),
        (Metric::Manhattan, ScalarType::F32),
        (Metric::Dot, ScalarType::F32),
        (Metric::Dot, ScalarType::F64),
    ];
    let n_seeds = if sample() > 1 { 1 } else { 30 };
    for (seed, (metric, scalar)) in (0..n_seeds).flat_map(|seed| metrics.map(|kind| (seed, kind))) {
        let options = kind(metric, scalar, F);
        let all = items(options, &gaussian(1900, F, &mut Random(3 + seed)));
        let mut random = Random(100 + seed);
        let n = [0, 1, 300, 1500, 1500][random.below(5)];
        let mut index = built(options, &all[..n], 3);
        let with_graph = random.below(3) > 0;
        if with_graph {
            add_graph(&mut index, 1);
        }
        if n > 1 && metric != Metric::Manhattan && random.below(2) == 0 {
            add_scan(&mut index, 1);
        }
        let mut model = Model {
            items: (0..).zip(all[..n].iter().cloned()).collect(),
            n_items: n as i64,
            ..Model::default()
        };
        let mut done = Vec::new();
        for number in 0..STEPS {
            done.push(step(&mut index, &mut model, &all, &mut random));
            let context = format!("{metric:?} {scalar:?}, seed {seed}, step {number}: {done:#?}");
            model.check(&index, &mut random, &context);
        }
    }
}
