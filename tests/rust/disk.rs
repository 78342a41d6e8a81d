//! Places that cannot be written to, and a disk that is full: an error, the old file whole, no
//! temporary file, and the index as it was. A full disk is a small file system made for the test,
//! which needs root; without, it is skipped.

use crate::common::{
    all_types, built, directory, filled, random_items, saved, temporary_files, Item, Snapshot,
    Struct,
};
use annoy_rs::{probe, Access, Error, Index, Metric, Options};
use std::fs;
use std::path::{Path, PathBuf};

fn small() -> (Options, Vec<Item>) {
    let options = Options::new(Metric::Euclidean, 8);
    (options, random_items(options, 300, 1))
}

fn io(error: &Error, words: &[&str]) {
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} lacks {word:?}");
    }
}

#[test]
fn places_that_cannot_be_written_to() {
    let (options, items) = small();
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::write(at("file"), b"old").unwrap();
    fs::create_dir(at("directory")).unwrap();
    let mut places: Vec<PathBuf> = vec![
        at("missing/x.ann"),
        at("file/x.ann"),
        at("directory"),
        at("nul\0nul"),
        at("x".repeat(300).as_str()),
        PathBuf::new(),
        PathBuf::from("/"),
    ];
    if cfg!(target_os = "linux") {
        places.extend(["/proc/x.ann", "/dev/full", "/dev/null"].map(PathBuf::from));
    }
    let before = directory(root.path());
    for place in places {
        let named = format!("{place:?}");
        let mut done = built(options, &items, 2);
        let snapshot = Snapshot::of(&done);
        io(&done.save(&place).unwrap_err(), &[&named]);
        io(
            &done.save_and_load(&place, Access::Map).unwrap_err(),
            &[&named],
        );
        assert_eq!(snapshot, Snapshot::of(&done), "{place:?}");
        assert!(done.unbuild().is_ok(), "it is not loaded");
        let mut empty = Index::with_options(options).unwrap();
        io(&empty.on_disk_build(&place).unwrap_err(), &[&named]);
        // In memory, as if nothing had been asked for.
        empty.add_items(None, items.iter()).unwrap();
        empty.build(Some(2), Some(1)).unwrap();
        assert_eq!(snapshot, Snapshot::of(&empty), "{place:?}");
        assert_eq!(before, directory(root.path()), "{place:?}");
    }
}

/// What was there stays. Where nothing was, there is a file that says that it is not finished, and
/// goes when it is given up.
#[test]
fn an_unfinished_on_disk_build_leaves_nothing() {
    let (options, items) = small();
    for old in [Some(b"old"), None] {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("x.ann");
        if let Some(old) = old {
            fs::write(&target, old).unwrap();
        }
        let other = root.path().join("other.ann");
        built(options, &items, 2).save(&other).unwrap();
        let before = directory(root.path());
        let start = || {
            let mut index = Index::with_options(options).unwrap();
            index.on_disk_build(&target).unwrap();
            index.add_items(None, items.iter()).unwrap();
            assert_eq!(temporary_files(root.path()), 1);
            let found = fs::read(&target).unwrap();
            match old {
                Some(old) => assert_eq!(found, old),
                None => assert!(found.ends_with(b"ANN\xffUNFINISHED\n\xff")),
            }
            index
        };
        drop(start());
        assert_eq!(directory(root.path()), before, "dropped");
        start().unload();
        assert_eq!(directory(root.path()), before, "unloaded");
        start().load(&other, Access::Map).unwrap();
        assert_eq!(directory(root.path()), before, "loaded another");
        // What another has put there meanwhile is not ours to remove.
        let index = start();
        fs::remove_file(&target).unwrap();
        fs::write(&target, b"another's").unwrap();
        drop(index);
        assert_eq!(fs::read(&target).unwrap(), b"another's");
        let index = start_over(options, &target);
        built(options, &items, 1).save(&target).unwrap();
        let saved = fs::read(&target).unwrap();
        drop(index);
        assert_eq!(fs::read(&target).unwrap(), saved);
    }
}

/// An on-disk build where nothing is.
fn start_over(options: Options, target: &Path) -> Index {
    fs::remove_file(target).unwrap();
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(target).unwrap();
    assert!(target.exists());
    index
}

/// What would stay there if the process were killed, under both names: no call takes it for an
/// index, nor does Annoy, which refuses a file whose length is no multiple of the node size.
#[test]
fn an_unfinished_on_disk_build_is_no_index() {
    fn refused<T>(result: annoy_rs::Result<T>) {
        let error = result.err().expect("taken for an index");
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("its build or save was not finished"),
            "{text}"
        );
    }
    let root = tempfile::tempdir().unwrap();
    let place = root.path();
    for options in [all_types(1, 1), all_types(37, 150)].concat() {
        let mut index = Index::with_options(options).unwrap();
        index.on_disk_build(place.join("x.ann")).unwrap();
        for item in [&[], &random_items(options, 3000, 1)[..]] {
            index.add_items(None, item.iter()).unwrap();
            let temporary = directory(place).into_keys().find(|n| n.ends_with(".tmp"));
            for path in [place.join(temporary.unwrap()), place.join("x.ann")] {
                let size = Struct::of(options).size as u64;
                assert!(!fs::metadata(&path).unwrap().len().is_multiple_of(size));
                let mut other = Index::with_options(options).unwrap();
                refused(other.load(&path, Access::Map));
                refused(other.load(&path, Access::Copy));
                refused(Index::open(&path, Access::Map));
                refused(probe(&path));
                refused(Index::verify_file(&path, 1));
            }
        }
    }
}

/// As it is right after it has grown for its first items: of zeros, and, as chance would have it,
/// as long as a file of a main-branch layout with no items and many trees.
#[test]
#[cfg_attr(windows, ignore = "Windows does not cut a file that is mapped")]
fn an_unfinished_on_disk_build_is_no_index_of_another_layout() {
    let options = Options::new(Metric::Dot, 10);
    let (size, size_on_main) = (Struct::of(options).size, 64);
    let mut bytes = vec![0; size_on_main * 20_000];
    assert!(!bytes.len().is_multiple_of(size));
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("x.ann");
    let mut index = Index::with_options(options).unwrap();
    fs::write(&path, &bytes).unwrap();
    index.load(&path, Access::Map).unwrap();
    let mark = bytes.len() - 16;
    bytes[mark..].copy_from_slice(b"ANN\xffUNFINISHED\n\xff");
    fs::write(&path, &bytes).unwrap();
    let error = index.load(&path, Access::Map).unwrap_err().to_string();
    assert!(error.contains("not finished"), "{error}");
}

/// A file system of 256 KiB, and a file that takes up what the test wants taken.
struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// None where there may be none.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = cfg!(target_os = "linux")
            && std::process::Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
                .arg(directory.path())
                .stderr(std::process::Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            println!("skipped: no file system can be mounted here");
        }
        mounted.then_some(SmallDisk { directory })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn fill(&self, kilobytes: usize) {
        fs::write(self.at("filler"), vec![1; kilobytes << 10]).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the index under test may still have a file of it mapped.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.directory.path())
            .status();
    }
}

const FULL: &str = "No space left on device";

#[test]
fn full_disk_when_saving() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let (options, items) = small();
    let mut index = built(options, &items, 4);
    let before = Snapshot::of(&index);
    index.save(disk.at("x.ann")).unwrap();
    let old = fs::read(disk.at("x.ann")).unwrap();
    disk.fill(256 - old.len().div_ceil(4096) * 4 - 8);
    let files = directory(disk.path());
    io(
        &index.save(disk.at("x.ann")).unwrap_err(),
        &["cannot write", "x.ann", FULL],
    );
    io(
        &index.save(disk.at("new.ann")).unwrap_err(),
        &["cannot write", "new.ann", FULL],
    );
    io(
        &index
            .save_and_load(disk.at("x.ann"), Access::Map)
            .unwrap_err(),
        &[FULL],
    );
    assert_eq!(
        files,
        directory(disk.path()),
        "old file whole, nothing left behind"
    );
    assert_eq!(before, Snapshot::of(&index));
    fs::remove_file(disk.at("filler")).unwrap();
    index.save_and_load(disk.at("x.ann"), Access::Map).unwrap();
    assert_eq!(before, Snapshot::of(&index));
}

#[test]
fn full_disk_when_adding() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let (options, items) = small();
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(disk.at("x.ann")).unwrap();
    index.add_items(None, items.iter()).unwrap();
    let before = Snapshot::of(&index);
    for far in [100_000, i64::from(i32::MAX) / 2] {
        io(
            &index.add_item(far, &items[0]).unwrap_err(),
            &["cannot grow", "x.ann", FULL],
        );
        let ids = [0, far];
        io(
            &index.add_items(Some(&ids), items[1..3].iter()).unwrap_err(),
            &[FULL],
        );
        assert_eq!(before, Snapshot::of(&index));
    }
    // Item by item up to the last that fits, then what is there can be used.
    let error =
        (300..100_000i64).find_map(|id| index.add_item(id, &items[id as usize % 300]).err());
    io(&error.unwrap(), &[FULL]);
    let n = index.n_items();
    assert!(n > 2000, "{n} items in 256 KiB of 48 bytes each");
    for id in 0..n {
        assert_eq!(Item::read(&index, id as i64).unwrap(), items[id % 300]);
    }
    assert!(Index::open(disk.at("x.ann"), Access::Map).is_err());
    drop(index);
    assert!(directory(disk.path()).is_empty());
}

#[test]
fn full_disk_when_building() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let (options, items) = small();
    fs::write(disk.at("x.ann"), b"old").unwrap();
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(disk.at("x.ann")).unwrap();
    index.add_items(None, items.iter()).unwrap();
    let before = Snapshot::of(&index);
    for threads in [1, 3] {
        let error = index.build(Some(100), Some(threads)).unwrap_err();
        io(&error, &["cannot write", "x.ann", FULL]);
        assert_eq!(before, Snapshot::of(&index));
        assert_eq!(fs::read(disk.at("x.ann")).unwrap(), b"old");
    }
    // What the failed build wrote must not come to light in a hole. (It begins with zeros, a
    // superblock of them.)
    index.add_item(400, &items[0]).unwrap();
    for id in 300..400 {
        assert_eq!(
            Item::read(&index, id).unwrap(),
            Item::zero(options),
            "hole {id}"
        );
    }
    index.build(Some(2), Some(1)).unwrap();
    let mut fresh = filled(options, &items);
    fresh.add_item(400, &items[0]).unwrap();
    fresh.build(Some(2), Some(1)).unwrap();
    assert!(
        fs::read(disk.at("x.ann")).unwrap() == saved(&fresh),
        "other bytes than in memory"
    );
}

#[test]
fn full_disk_when_unbuilding() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let (options, items) = small();
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(disk.at("x.ann")).unwrap();
    index.add_items(None, items.iter()).unwrap();
    index.build(Some(2), Some(1)).unwrap();
    let before = Snapshot::of(&index);
    let size = fs::metadata(disk.at("x.ann")).unwrap().len() as usize;
    disk.fill(256 - size.div_ceil(4096) * 4 - 8);
    let files = directory(disk.path());
    io(&index.unbuild().unwrap_err(), &["x.ann", FULL]);
    assert_eq!(before, Snapshot::of(&index));
    assert_eq!(files, directory(disk.path()));
    fs::remove_file(disk.at("filler")).unwrap();
    index.unbuild().unwrap();
    index.build(Some(2), Some(1)).unwrap();
    assert_eq!(before, Snapshot::of(&index));
}
