//! Directories of shards: a manifest is the old one or the new one, whatever fails.

use super::common::{built, random_items, scratch, temporary_files};
use super::{turn, Held};
use annoy_rs::fault::{control, Kind};
use annoy_rs::{Manifest, Metric, NewShard, Options, Search, ShardAccess, Shards};
use std::fs;
use std::path::Path;

fn set_up(root: &Path) {
    let options = Options::new(Metric::Euclidean, 4);
    for (name, n) in [("a.ann", 40), ("b.ann", 30)] {
        let index = built(options, &random_items(options, n, n as u64), 2);
        index.save(root.join(name)).unwrap();
    }
    Shards::commit(root, 0, &[NewShard::file("a.ann")]).unwrap();
}

fn commit(root: &Path) -> annoy_rs::Result<u64> {
    let first = NewShard {
        removed: &[3, 4],
        ..NewShard::file("a.ann")
    };
    Shards::commit(root, 1, &[first, NewShard::file("b.ann")])
}

/// Each call of each kind fails, once or from then on, until none is left; `run` is told nothing of
/// it, and `check` whether it said that it failed.
fn walk(run: impl Fn(&Path) -> annoy_rs::Result<()>, check: impl Fn(&Path, bool)) -> usize {
    let (_turn, mut n_failed) = (turn(), 0);
    for (kind, lasting) in Kind::ALL.into_iter().flat_map(|k| [(k, false), (k, true)]) {
        for nth in 1.. {
            let directory = scratch();
            set_up(directory.path());
            let before = Held::now(directory.path());
            control::arm(&[kind], nth, lasting);
            let result = run(directory.path());
            let has_failed = control::disarm();
            if !has_failed {
                result.unwrap();
                break;
            }
            n_failed += 1;
            check(directory.path(), result.is_err());
            assert_eq!(temporary_files(directory.path()), 0, "{kind:?} {nth}");
            assert_eq!(Held::now(directory.path()), before, "{kind:?} {nth}");
            // The same once more.
            if Manifest::read(directory.path()).unwrap().generation == 1 {
                commit(directory.path()).unwrap();
            }
            let view = Shards::open(directory.path(), ShardAccess::default())
                .unwrap()
                .now();
            let view = view.unwrap();
            assert_eq!((view.n_items(), view.n_removed()), (70, 2));
        }
    }
    n_failed
}

#[test]
fn committing_is_all_or_nothing() {
    let n = walk(
        |root| commit(root).map(|_| ()),
        |root, is_error| {
            let generation = Manifest::read(root).unwrap().generation;
            // Only the directory's sync comes after the name.
            assert!(
                generation == 2 || is_error && generation == 1,
                "{generation}"
            );
        },
    );
    assert!(n > 20, "{n}");
}

#[test]
fn opening_refreshing_and_pruning() {
    let n = walk(
        |root| {
            let shards = Shards::open(root, ShardAccess::default())?;
            let generation = Manifest::read(root)?.generation;
            if generation == 1 {
                commit(root)?;
            }
            shards.refresh()?;
            let view = shards.now()?;
            assert!(view.search(&[0f32; 4], &Search::new(3))?.len() <= 3);
            Shards::prune(root, 1).map(|_| ())
        },
        |root, _| {
            Manifest::read(root).unwrap();
            // Nothing that is named is gone.
            for shard in &Manifest::read(root).unwrap().shards {
                assert!(fs::exists(root.join(&shard.name)).unwrap());
            }
        },
    );
    assert!(n > 30, "{n}");
}
