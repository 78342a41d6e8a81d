//! Labels, removed items and the estimate of recall, when memory or the disk is short.

use super::common::{filled, saved};
use super::walk::{walk_all, Operation};
use super::{on_disk, small, NAME, TREES};
use annoy_rs::fault::Kind;
use annoy_rs::{Access, Index, Result, Work};
use std::fs;
use std::path::Path;

/// Labels of some items, and some items removed.
fn named(mut index: Index) -> Index {
    for id in (0..100).step_by(3) {
        index.set_label(id, &format!("item {id}")).unwrap();
        index.remove_item(id + 1 - id % 2).unwrap();
    }
    index
}

fn items() -> Index {
    named(filled(small().0, &small().1))
}

fn forest() -> Index {
    let mut index = filled(small().0, &small().1);
    index.build(Some(TREES), Some(1)).unwrap();
    named(index)
}

fn file(root: &Path) -> Index {
    fs::write(root.join(NAME), saved(&forest())).unwrap();
    let mut index = Index::with_options(small().0).unwrap();
    index.load(root.join(NAME), Access::Map).unwrap();
    index
}

/// Items swap labels, and one gets a new one.
fn set_labels(index: &mut Index, _: &Path) -> Result<()> {
    let labels = ["item 6", "item 3", "a longer one than there was"];
    index.set_labels(Some(&[3, 6, 8]), labels.into_iter())
}

#[test]
fn labels_and_removed_items() {
    let build = |index: &mut Index, _: &Path| index.build(Some(TREES), Some(1));
    let remove = |index: &mut Index, _: &Path| index.remove_item(40);
    let operations = [
        Operation::new(
            "set_labels, the first",
            |_| filled(small().0, &small().1),
            |index, _| index.set_labels(None, (0..200u32).map(u64::from)),
        ),
        Operation::new("set_labels, more", |_| items(), set_labels),
        Operation::new("set_labels, loaded", file, set_labels),
        Operation::new("clear_label, loaded", file, |index, _| index.clear_label(3)),
        Operation::new(
            "remove_item, the first",
            |_| filled(small().0, &small().1),
            remove,
        ),
        Operation::new("remove_item, loaded", file, remove),
        Operation::new("restore_item, loaded", file, |index, _| {
            index.restore_item(1)
        }),
        Operation::new("build without the removed", |_| items(), build),
        Operation::new(
            "build without the removed on disk",
            |root| named(on_disk(small().0, root, &small().1)),
            build,
        )
        .may_be_built(),
        Operation::new(
            "save with labels",
            |_| forest(),
            |index, path| index.save(path),
        ),
        Operation::new(
            "to_bytes with labels",
            |_| forest(),
            |index, _| index.to_bytes().map(drop),
        ),
        Operation::new("thaw", file, |index, _| index.thaw()),
        Operation::new("verify labels", file, |index, _| {
            index.verify(1).map(|_| ())
        }),
        Operation::new(
            "estimate_recall",
            |_| forest(),
            |index, _| {
                let mut work = Work {
                    n_threads: Some(1),
                    ..Work::default()
                };
                index.estimate_recall(5, 5, None, 1, &mut work).map(|_| ())
            },
        ),
    ];
    walk_all(&operations, &[(Kind::Memory, 30)]);
}
