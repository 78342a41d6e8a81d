//! Every call in every state. This is the table; the test reads it from here and walks each cell.
//!
//! A cell names the state after the call. `error` is `Error::State`, and the index stays as it was.
//! `no item` is `Error::Item`: legal, but an empty index has no ids. "on disk" means that the bytes
//! are in the file given to `on_disk_build`. An index without items for which an on-disk build was
//! started counts as empty: starting another is legal, and the last one holds.
//!
//! | call | empty | building | building on disk | built | built on disk | loaded |
//! |---|---|---|---|---|---|---|
//! | add_item | building | building | building on disk | error | error | error |
//! | add_items | building | building | building on disk | error | error | error |
//! | insert_items | error | error | error | built | error | error |
//! | consolidate | error | error | error | built | error | error |
//! | compact | error | error | error | built | error | error |
//! | thaw_built | error | error | error | built | error | built |
//! | reserve | empty | building | building on disk | error | error | error |
//! | build | built | built | built on disk | error | error | error |
//! | build_graph | error | error | error | built | built on disk | loaded |
//! | build_scan | error | error | error | built | built on disk | loaded |
//! | build_auto | error | error | error | built | built on disk | loaded |
//! | tune | error | error | error | built | built on disk | loaded |
//! | unbuild | empty | building | building on disk | building | building on disk | error |
//! | thaw | empty | building | building on disk | building | building on disk | building |
//! | on_disk_build | empty on disk | error | error | error | error | error |
//! | save | error | error | error | built | built on disk | loaded |
//! | save_and_load | error | error | error | loaded | loaded | loaded |
//! | load | loaded | loaded | loaded | loaded | loaded | loaded |
//! | to_bytes | error | error | error | built | built on disk | loaded |
//! | load_bytes | loaded | loaded | loaded | loaded | loaded | loaded |
//! | unload | empty | empty | empty | empty | empty | empty |
//! | set_seed | empty | building | building on disk | built | built on disk | loaded |
//! | set_metadata | empty | building | building on disk | built | built on disk | loaded |
//! | set_label | no item | building | building on disk | built | built on disk | loaded |
//! | get_label | no item | building | building on disk | built | built on disk | loaded |
//! | remove_item | no item | building | building on disk | built | built on disk | loaded |
//! | restore_item | no item | building | building on disk | built | built on disk | loaded |
//! | estimate_recall | error | error | error | built | built on disk | loaded |
//! | info | empty | building | building on disk | built | built on disk | loaded |
//! | verify | error | error | error | built | built on disk | loaded |
//! | get_item | no item | building | building on disk | built | built on disk | loaded |
//! | get_distance | no item | building | building on disk | built | built on disk | loaded |
//! | get_nns_by_item | error | error | error | built | built on disk | loaded |
//! | get_nns_by_vector | error | error | error | built | built on disk | loaded |

use crate::common::{built, directory, filled, random_items, temporary_files, Item, Snapshot};
use annoy_rs::{Access, Error, GraphPlan, Index, Insertion, Metric, Options, Work};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const N: usize = 60;
const STATES: [&str; 6] = [
    "empty",
    "building",
    "building on disk",
    "built",
    "built on disk",
    "loaded",
];

/// What a message calls an operation, a state, and the states where the operation is legal.
fn words(call: &str, state: &str) -> [&'static str; 3] {
    let (operation, mut expected) = match call {
        "add_item" => ("add an item", "not built"),
        "add_items" => ("add items", "not built"),
        "insert_items" | "consolidate" | "compact" => {
            let operation = match call {
                "insert_items" => "insert items",
                "consolidate" => "consolidate",
                _ => "compact",
            };
            match state {
                "loaded" => (operation, "in memory: thaw it with its trees"),
                "built on disk" => (operation, "built in memory: load and thaw it"),
                _ => (operation, "built: add items instead"),
            }
        }
        "thaw_built" => ("thaw", "loaded, or built in memory"),
        "reserve" => ("reserve", "not built"),
        "build" => ("build", "not built"),
        "build_graph" => ("build a graph", "built or loaded"),
        "build_scan" => ("build a scan", "built or loaded"),
        "build_auto" => ("build a graph or a scan", "built or loaded"),
        "tune" => ("tune", "built or loaded"),
        "unbuild" => ("unbuild", "built, not loaded"),
        "on_disk_build" => ("start an on-disk build", "not built and empty"),
        "save" | "save_and_load" | "to_bytes" => ("save", "built or loaded"),
        "verify" => ("verify", "built or loaded"),
        "estimate_recall" => ("estimate recall", "built or loaded"),
        _ => ("search", "built or loaded"),
    };
    let found = match (call, state) {
        ("on_disk_build", "building" | "building on disk") => {
            expected = "empty";
            "holding items already"
        }
        (_, "built" | "built on disk") => "built",
        (_, "loaded") => "the index is loaded",
        _ => "not built",
    };
    [operation, found, expected]
}

/// A directory with one index in the state and a file to load.
struct Scene {
    directory: TempDir,
    items: Vec<Item>,
    index: Index,
}

fn all_of(metric: Metric) -> (Options, Vec<Item>) {
    let options = Options::new(metric, 6);
    (options, random_items(options, N, 5))
}

impl Scene {
    fn new(metric: Metric, state: &str) -> Self {
        let directory = crate::common::scratch();
        let at = |name| directory.path().join(name);
        let (options, items) = all_of(metric);
        let other = random_items(options, 30, 6);
        built(options, &other, 3).save(at("other.ann")).unwrap();
        let mut index = Index::with_options(options).unwrap();
        if state.ends_with("on disk") {
            index.on_disk_build(at("disk.ann")).unwrap();
        }
        if state != "empty" {
            index.add_items(None, items.iter()).unwrap();
        }
        if state.starts_with("built") || state == "loaded" {
            index.build(Some(4), Some(2)).unwrap();
        }
        if state == "loaded" {
            index.save_and_load(at("loaded.ann"), Access::Map).unwrap();
        }
        Scene {
            directory,
            items,
            index,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn call(&mut self, call: &str) -> annoy_rs::Result<()> {
        let at = |name| self.directory.path().join(name);
        let (index, items) = (&mut self.index, &self.items);
        match call {
            "add_item" => index.add_item(N as i64 + 2, &items[0]),
            "add_items" => index.add_items(Some(&[3, N as i64]), items[..2].iter()),
            "insert_items" => index.insert_items(
                &Insertion {
                    ids: Some(&[N as i64 + 1]),
                    ..Insertion::default()
                },
                |_| &items[0],
                1,
                &mut Work::default(),
            ),
            "consolidate" => index.consolidate(&mut Work::default()),
            "compact" => index.compact(&mut Work::default()),
            "thaw_built" => index.thaw_built(),
            "reserve" => index.reserve(5000),
            "build" => index.build(Some(4), Some(1)),
            "build_graph" => index.build_graph(&GraphPlan::default(), &mut Work::default()),
            "build_scan" => index.build_scan(&mut Work::default()),
            "build_auto" => index.build_auto(None, &mut Work::default()),
            "tune" => index.tune(&mut Work::default()),
            "unbuild" => index.unbuild(),
            "thaw" => index.thaw(),
            "on_disk_build" => index.on_disk_build(at("disk.ann")),
            "save" => index.save(at("saved.ann")),
            "save_and_load" => index.save_and_load(at("saved.ann"), Access::MapPrefaulted),
            "load" => index.load(at("other.ann"), Access::Map),
            "to_bytes" => index
                .to_bytes()
                .map(|bytes| assert_eq!(index.saved_size().unwrap(), bytes.len())),
            "load_bytes" => index.load_bytes(fs::read(at("other.ann")).unwrap()),
            "unload" => {
                index.unload();
                Ok(())
            }
            "set_seed" => {
                index.set_seed(77);
                Ok(())
            }
            "set_metadata" => index.set_metadata(b"about it"),
            "set_label" => index.set_label(1, "one"),
            "get_label" => index.label(1).map(|label| assert_eq!(label, None)),
            "remove_item" => index.remove_item(1),
            "restore_item" => index.restore_item(1),
            "estimate_recall" => index
                .estimate_recall(5, 5, Some(1000), 1, &mut Work::default())
                .map(|recall| assert_eq!(recall, 1.0)),
            "info" => index.info().map(|info| {
                assert_eq!(info.n_items, index.n_items());
                assert_eq!(info.n_present, index.n_items());
                assert_eq!(info.n_trees, index.n_trees());
            }),
            "verify" => index
                .verify(1)
                .map(|report| assert!(report.is_sound(), "{report:?}")),
            "get_item" => Item::read(index, 1).map(|item| assert_eq!(item, items[1])),
            "get_distance" => index.get_distance(1, 1).map(drop),
            "get_nns_by_item" => index.get_nns_by_item(1, 5, Some(1000)).map(|found| {
                assert_eq!(found.len(), 5);
            }),
            "get_nns_by_vector" => index
                .get_nns_by_vector(&items[1], 5, Some(1000))
                .map(|found| assert_eq!(found.len(), 5)),
            other => panic!("the table names a call {other:?}"),
        }
    }

    /// Finds out the state without asking the library for it. The index is used up.
    fn state(mut self) -> &'static str {
        let temporary = temporary_files(self.path());
        let search = self.index.get_nns_by_vector(&self.items[0], 1, Some(1));
        if search.is_err() {
            return match (self.index.n_items(), temporary) {
                (0, 0) => "empty",
                (0, _) => "empty on disk",
                (_, 0) => "building",
                _ => "building on disk",
            };
        }
        // Only what is not loaded can be unbuilt, and a temporary file appears if it was on disk.
        if self.index.unbuild().is_err() {
            return "loaded";
        }
        match temporary_files(self.path()) {
            0 => "built",
            _ => "built on disk",
        }
    }
}

/// (call, cells) of each row.
fn table() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut rows = include_str!("states.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect::<Vec<_>>());
    assert_eq!(rows.next().unwrap()[1..], STATES);
    rows.map(|row| (row[0], row[1..].to_vec())).collect()
}

fn walk(metric: Metric, call: &str, state: &'static str, cell: &str) {
    let context = format!("{metric}: {call} when {state}");
    let mut scene = Scene::new(metric, state);
    let before = (Snapshot::of(&scene.index), directory(scene.path()));
    let result = scene.call(call);
    let after = (Snapshot::of(&scene.index), directory(scene.path()));
    match cell {
        "error" => {
            let error = result.expect_err(&context);
            assert!(matches!(error, Error::State { .. }), "{context}: {error:?}");
            for word in words(call, state) {
                let text = error.to_string();
                assert!(text.contains(word), "{context}: {text:?} lacks {word:?}");
            }
            assert_eq!(before, after, "{context}");
            assert_eq!(scene.state(), state, "{context}");
        }
        "no item" => {
            let error = result.expect_err(&context);
            assert!(matches!(error, Error::Item { .. }), "{context}: {error:?}");
            assert_eq!(before, after, "{context}");
        }
        _ if call == "build_scan" && matches!(metric, Metric::Manhattan | Metric::Hamming) => {
            let error = result.expect_err(&context);
            assert!(
                matches!(error, Error::Unsupported(_)),
                "{context}: {error:?}"
            );
            assert_eq!(before, after, "{context}");
            assert_eq!(scene.state(), state, "{context}");
        }
        next => {
            result.unwrap_or_else(|error| panic!("{context}: {error}"));
            check_effect(&scene, &context, call, &before.0, &after.0);
            let reads = ["get", "set", "info", "verify", "to_bytes"]
                .iter()
                .any(|word| call.starts_with(word));
            if reads {
                assert_eq!(before.1, after.1, "{context}: files changed");
            }
            assert_eq!(scene.state(), next, "{context}");
        }
    }
}

/// What a legal call must have done.
fn check_effect(scene: &Scene, context: &str, call: &str, before: &Snapshot, after: &Snapshot) {
    let (index, items) = (&scene.index, &scene.items);
    let read = |name: &str| fs::read(scene.path().join(name)).unwrap();
    match call {
        "add_item" => {
            assert_eq!(index.n_items(), N + 3, "{context}");
            let there = |id: usize| Item::read(index, id as i64).unwrap();
            assert_eq!(there(N + 2), items[0]);
            assert_eq!(there(N + 1), Item::zero(index.options()), "a hole");
            assert_eq!(after.items[..before.n_items], before.items);
        }
        "add_items" => {
            assert_eq!(index.n_items(), N + 1, "{context}");
            assert_eq!(Item::read(index, 3).unwrap(), items[0]);
            assert_eq!(Item::read(index, N as i64).unwrap(), items[1]);
        }
        "insert_items" => {
            assert_eq!(index.n_items(), N + 2, "{context}");
            assert_eq!(Item::read(index, N as i64 + 1).unwrap(), items[0]);
            assert_eq!((index.n_trees(), &after.items[..N]), (4, &before.items[..]));
        }
        // Nothing is removed, and a build of the same has the same bytes.
        "thaw_built" | "consolidate" | "compact" => assert_eq!(before, after, "{context}"),
        "build" => {
            assert_eq!((index.n_trees(), &after.items), (4, &before.items));
            let fresh = built(index.options(), &items[..before.n_items], 4);
            assert_eq!(*after, Snapshot::of(&fresh), "{context}");
            if scene.path().join("disk.ann").exists() {
                assert_eq!(Some(read("disk.ann")), after.file, "{context}");
            }
        }
        "build_graph" => {
            assert!(index.graph_degree() > 0, "{context}");
            assert_eq!((index.n_trees(), &after.items), (4, &before.items));
            assert_ne!(after.file, before.file, "{context}");
        }
        "build_scan" => {
            assert!(index.info().unwrap().scan_lists > 0, "{context}");
            assert_eq!((index.n_trees(), &after.items), (4, &before.items));
            assert_ne!(after.file, before.file, "{context}");
        }
        "tune" | "build_auto" => {
            assert_eq!(index.info().unwrap().n_tuned, N as u64, "{context}");
            assert_eq!((index.n_trees(), &after.items), (4, &before.items));
            assert_ne!(after.file, before.file, "{context}");
        }
        "unbuild" | "thaw" => {
            assert_eq!((index.n_trees(), &after.items), (0, &before.items));
        }
        "on_disk_build" | "unload" => assert_eq!(index.n_items(), 0),
        "save" | "save_and_load" => {
            assert_eq!(before, after, "{context}");
            assert_eq!(Some(read("saved.ann")), after.file, "{context}");
        }
        "load" | "load_bytes" => {
            assert_eq!((index.n_items(), index.n_trees()), (30, 3), "{context}");
            assert_eq!(Some(read("other.ann")), after.file, "{context}");
        }
        "set_seed" => {
            assert_eq!(after.seed, 77);
            assert_eq!(
                Snapshot {
                    seed: 0,
                    ..after.clone()
                },
                Snapshot {
                    seed: 0,
                    ..before.clone()
                }
            );
        }
        "set_metadata" => {
            assert_eq!(index.metadata(), b"about it");
            assert_eq!(after.items, before.items);
            assert_eq!(after.answers, before.answers);
            // It is in what is saved.
            assert_eq!(after.file.is_some(), before.file.is_some());
            assert!(after.file.is_none() || after.file != before.file);
        }
        "set_label" => {
            assert_eq!(index.find_label("one").unwrap(), Some(1));
            assert_eq!(after.answers, before.answers);
            assert!(after.file.is_none() || after.file != before.file);
        }
        "remove_item" => {
            assert!(index.is_removed(1) && index.n_removed() == 1);
            assert_eq!(after.items, before.items);
            let found = index.get_nns_by_vector(&items[1], N, Some(u64::MAX));
            assert!(found.is_err() || found.unwrap().iter().all(|one| one.id != 1));
        }
        _ => assert_eq!(before, after, "{context}"),
    }
    if call != "set_seed" {
        assert_eq!(before.seed, after.seed, "{context}");
    }
}

#[test]
fn every_call_in_every_state() {
    let mut cells = 0;
    for (call, row) in table() {
        assert_eq!(row.len(), STATES.len(), "{call}");
        for (state, cell) in STATES.into_iter().zip(row) {
            for metric in Metric::ALL {
                walk(metric, call, state, cell);
            }
            cells += 1;
        }
    }
    assert_eq!(cells, 34 * 6);
}

/// An on-disk build without items yet: the row "empty" holds for it, but stays on disk.
#[test]
fn an_on_disk_build_may_be_started_again_while_empty() {
    let mut scene = Scene::new(Metric::Euclidean, "empty");
    let at = |name| scene.directory.path().join(name);
    scene.index.on_disk_build(at("first.ann")).unwrap();
    scene.index.on_disk_build(at("second.ann")).unwrap();
    assert_eq!(temporary_files(scene.directory.path()), 1);
    scene.index.unbuild().unwrap();
    scene.index.add_items(None, scene.items.iter()).unwrap();
    scene.index.build(Some(2), Some(1)).unwrap();
    assert!(!at("first.ann").exists());
    let expected = built(scene.index.options(), &scene.items, 2);
    assert_eq!(
        Some(fs::read(at("second.ann")).unwrap()),
        Snapshot::of(&expected).file
    );
    assert_eq!(temporary_files(scene.directory.path()), 0);
}

/// Round trips through several states come back to the same bytes, and the seed stays all the way.
#[test]
fn a_round_trip_through_all_states() {
    for metric in Metric::ALL {
        let mut scene = Scene::new(metric, "building");
        let at = |name| scene.directory.path().join(name);
        let (index, items) = (&mut scene.index, &scene.items);
        index.set_seed(9);
        index.build(Some(4), Some(1)).unwrap();
        let first = Snapshot::of(index);
        index.unbuild().unwrap();
        index.unbuild().unwrap();
        index.build(Some(4), Some(1)).unwrap();
        assert_eq!(first, Snapshot::of(index), "{metric}");
        index.save_and_load(at("a.ann"), Access::Map).unwrap();
        assert_eq!(first, Snapshot::of(index), "{metric}");
        index.unload();
        index.on_disk_build(at("b.ann")).unwrap();
        index.add_items(None, items.iter()).unwrap();
        index.build(Some(4), Some(1)).unwrap();
        assert_eq!(first, Snapshot::of(index), "{metric}");
        index.unbuild().unwrap();
        assert_eq!(
            fs::read(at("b.ann")).unwrap(),
            first.file.clone().unwrap(),
            "unbuild leaves the file"
        );
        index.build(Some(4), Some(1)).unwrap();
        assert_eq!(first, Snapshot::of(index), "{metric}");
        assert_eq!(first.file, Some(fs::read(at("b.ann")).unwrap()));
        index.unload();
        assert_eq!(index.seed(), 9);
        assert_eq!(temporary_files(scene.directory.path()), 0);
        let again = filled(index.options(), items);
        assert_eq!(again.n_trees(), 0);
    }
}
