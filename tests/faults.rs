//! Every call of the system fails once: an error that says what failed, the index as it was, the
//! old file whole, nothing left behind, and another try succeeds. See src/fault.rs for how calls
//! are made to fail.

mod common;
#[path = "faults/graphs.rs"]
mod graphs;
#[path = "faults/inserts.rs"]
mod inserts;
#[path = "faults/labels.rs"]
mod labels;
#[path = "faults/scans.rs"]
mod scans;
#[path = "faults/shards.rs"]
mod shards;
#[path = "faults/threads.rs"]
mod threads;
#[path = "faults/walk.rs"]
mod walk;

use annoy_rs::fault::{control, Kind};
use annoy_rs::{probe, Access, IdWidth, Index, Metric, Options, ScalarType};
use common::{built, filled, plain, random_items, saved, scratch, Item, Snapshot};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use walk::{walk_all, Operation};

/// Calls are counted for the whole process, so tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Descriptors of this process, and maps of files in a directory.
#[derive(Debug, PartialEq)]
struct Held {
    descriptors: usize,
    maps: usize,
}

impl Held {
    fn now(root: &Path) -> Self {
        let root = root.to_str().unwrap();
        Held {
            descriptors: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            maps: fs::read_to_string("/proc/self/maps").map_or(0, |maps| {
                maps.lines().filter(|line| line.contains(root)).count()
            }),
        }
    }
}

const NAME: &str = "x.ann";
const TREES: usize = 3;

fn small() -> (Options, Vec<Item>) {
    let options = Options::new(Metric::Euclidean, 8);
    (options, random_items(options, 300, 1))
}

/// More than a leaf holds, and more than a local copy does: the upper levels of trees are built
/// apart.
fn long() -> (Options, Vec<Item>) {
    let options = common::options(Metric::Dot, ScalarType::F32, IdWidth::Bits64, 700);
    (options, random_items(options, 400, 2))
}

fn small_built() -> Index {
    let (options, items) = small();
    let mut index = built(options, &items, TREES);
    index.set_metadata(b"of the index").unwrap();
    index
}

/// The file that is there before.
fn old_file(root: &Path) {
    let (options, items) = small();
    let index = built(options, &items[..200], 1);
    fs::write(root.join(NAME), saved(&index)).unwrap();
}

fn empty(options: Options) -> Index {
    Index::with_options(options).unwrap()
}

fn on_disk(options: Options, root: &Path, items: &[Item]) -> Index {
    let mut index = empty(options);
    index.on_disk_build(root.join(NAME)).unwrap();
    index.add_items(None, items.iter()).unwrap();
    index
}

fn add(items: Vec<Item>) -> impl Fn(&mut Index, &Path) -> annoy_rs::Result<()> {
    move |index, _| index.add_items(None, items.iter())
}

fn saves() -> Vec<Operation> {
    let save = |index: &mut Index, path: &Path| index.save(path);
    let to_slice = |index: &mut Index, _: &Path| {
        let mut room = vec![0; index.saved_size()?];
        index.write_to_slice(&mut room).map(drop)
    };
    let and_load = |index: &mut Index, path: &Path| index.save_and_load(path, Access::Map);
    let over = |index: fn() -> Index| {
        move |root: &Path| {
            old_file(root);
            index()
        }
    };
    let of_plain = |root: &Path| {
        old_file(root);
        let (options, items) = small();
        common::loaded(options, &plain(options, &saved(&built(options, &items, 2)))).unwrap()
    };
    vec![
        Operation::new("save, new name", |_| small_built(), save),
        Operation::new("save, old name", over(small_built), save),
        Operation::new("save, loaded plain file", of_plain, save),
        Operation::new("write_to_slice", |_| small_built(), to_slice),
        Operation::new("save_and_load", over(small_built), and_load).may_be_new(),
        Operation::new("save, written over", over(small_built), save)
            .refused(Kind::Rename, libc::EBUSY),
        Operation::new("save_and_load, written over", over(small_built), and_load)
            .may_be_new()
            .refused(Kind::Rename, libc::EBUSY),
        Operation::new(
            "set_metadata",
            |_| small_built(),
            |index, _| index.set_metadata(&[5; 5000]),
        ),
    ]
}

fn loads() -> Vec<Operation> {
    let written = |root: &Path| {
        fs::write(root.join(NAME), saved(&small_built())).unwrap();
        filled(small().0, &small().1[..10])
    };
    let plainly = |root: &Path| {
        let (options, items) = small();
        let bytes = plain(options, &saved(&built(options, &items[..30], 2)));
        fs::write(root.join(NAME), bytes).unwrap();
        filled(options, &items[..10])
    };
    let mut all = Vec::new();
    for access in [Access::Map, Access::MapPrefaulted, Access::Copy] {
        let load = move |index: &mut Index, path: &Path| index.load(path, access);
        let open = move |index: &mut Index, path: &Path| {
            *index = Index::open(path, access)?;
            Ok(())
        };
        all.push(Operation::new(format!("load {access:?}"), written, load));
        all.push(Operation::new(
            format!("load plain {access:?}"),
            plainly,
            load,
        ));
        all.push(Operation::new(format!("open {access:?}"), written, open));
    }
    let bytes = |index: &mut Index, path: &Path| index.load_bytes(fs::read(path).unwrap());
    all.push(Operation::new("load_bytes", written, bytes));
    all.push(Operation::new("load_bytes plain", plainly, bytes));
    all.push(Operation::new("probe", written, |_, path| {
        probe(path).map(|_| ())
    }));
    all.push(Operation::new("probe plain", plainly, |_, path| {
        probe(path).map(|_| ())
    }));
    all.push(Operation::new("verify_file", written, |_, path| {
        Index::verify_file(path, 1).map(|_| ())
    }));
    all
}

fn in_memory() -> Vec<Operation> {
    // Beyond the room that there is at first.
    let many = random_items(small().0, 4000, 3);
    let mut all = vec![
        Operation::new("add_items, the first", |_| empty(small().0), add(small().1)),
        Operation::new(
            "add_items, more",
            |_| filled(small().0, &small().1),
            add(many),
        ),
    ];
    for set in [small, long] {
        let f = set().0.f;
        for threads in [1, 3] {
            all.push(Operation::new(
                format!("build, f {f}, {threads} threads"),
                move |_| filled(set().0, &set().1),
                move |index, _| index.build(Some(TREES), Some(threads)),
            ));
        }
    }
    all.extend(graphs::operations());
    all.extend(scans::operations());
    all.extend(inserts::operations());
    all.push(Operation::new(
        "search",
        |_| small_built(),
        |index, _| {
            let item = &small().1[0];
            graphs::on_a_new_thread(|| index.get_nns_by_vector(item, 50, Some(500)).map(drop))
        },
    ));
    all
}

fn on_disk_builds() -> Vec<Operation> {
    let (options, items) = small();
    // Beyond the room that a file has at first.
    let many = random_items(options, 4000, 3);
    let few = items.clone();
    let build = |index: &mut Index, _: &Path| index.build(Some(TREES), Some(1));
    let start = |root: &Path| {
        old_file(root);
        empty(small().0)
    };
    let done = move |root: &Path| {
        old_file(root);
        let mut index = on_disk(small().0, root, &small().1);
        index.set_metadata(b"of the index").unwrap();
        build(&mut index, root).unwrap();
        index
    };
    let undone = move |root: &Path| {
        let mut index = done(root);
        index.unbuild().unwrap();
        index
    };
    let mut all = vec![
        Operation::new("on_disk_build", start, |index, path| {
            index.on_disk_build(path)
        }),
        Operation::new(
            "on_disk_build, a new name",
            |_| empty(small().0),
            |index, path| index.on_disk_build(path),
        ),
        Operation::new(
            "add_items on disk, the first",
            move |root| {
                old_file(root);
                on_disk(options, root, &[])
            },
            add(few.clone()),
        ),
        Operation::new(
            "add_items on disk, more",
            move |root| on_disk(options, root, &few),
            add(many),
        ),
        Operation::new("unbuild on disk", done, |index, _| index.unbuild()),
        Operation::new("build on disk again", undone, build).may_be_built(),
        Operation::new("build on disk, written over", undone, build)
            .may_be_built()
            .refused(Kind::Rename, libc::EBUSY),
    ];
    for set in [small, long] {
        for threads in [1, 3] {
            all.push(
                Operation::new(
                    format!("build on disk, f {}, {threads} threads", set().0.f),
                    move |root| {
                        let mut index = on_disk(set().0, root, &set().1);
                        index.set_metadata(b"of the index").unwrap();
                        index
                    },
                    move |index, _| index.build(Some(TREES), Some(threads)),
                )
                .may_be_built(),
            );
        }
    }
    all
}

#[test]
fn saving() {
    let least = [
        (Kind::Open, 10),
        (Kind::Read, 10),
        (Kind::Write, 25),
        (Kind::Sync, 8),
        (Kind::Rename, 4),
        (Kind::Memory, 8),
    ];
    walk_all(&saves(), &least);
}

#[test]
fn loading() {
    let least = [
        (Kind::Open, 12),
        (Kind::Read, 500),
        (Kind::Map, 8),
        (Kind::Memory, 12),
    ];
    walk_all(&loads(), &least);
}

#[test]
fn adding_building_and_searching_in_memory() {
    walk_all(&in_memory(), &[(Kind::Map, 10), (Kind::Memory, 60)]);
}

#[test]
fn building_on_disk() {
    let least = [
        (Kind::Open, 8),
        (Kind::Read, 3),
        (Kind::Write, 30),
        (Kind::Sync, 12),
        (Kind::Rename, 4),
        (Kind::Resize, 8),
        (Kind::Map, 15),
        (Kind::Memory, 60),
    ];
    walk_all(&on_disk_builds(), &least);
}

/// Signals that come while room for a file is made stop nothing; whether the system is interrupted
/// depends on the file system.
#[test]
fn signals_do_not_stop_an_on_disk_build() {
    let _turn = turn();
    let root = scratch();
    let (options, items) = small();
    let mut index = on_disk(options, root.path(), &[]);
    for times in [1, 3, 100] {
        control::refuse(Kind::Resize, libc::EINTR, times);
        index.reserve(times as usize * 3000).unwrap();
    }
    control::refuse(Kind::Resize, libc::EINTR, 0);
    index.add_items(None, items.iter()).unwrap();
    index.build(Some(TREES), Some(1)).unwrap();
    assert!(fs::read(root.path().join(NAME)).unwrap() == saved(&built(options, &items, TREES)));
    // Other numbers are not got over.
    let root = scratch();
    let mut index = on_disk(options, root.path(), &[]);
    control::refuse(Kind::Resize, libc::ENOSPC, 100);
    let error = index.reserve(100_000).unwrap_err().to_string();
    control::refuse(Kind::Resize, libc::ENOSPC, 0);
    assert!(error.contains("No space left"), "{error}");
}

/// Looks at the temporary file in a directory before every call that `work` makes: at what would be
/// there, were the process killed then. Says how often.
fn unfinished_all_along(
    options: Options,
    finished: &[u8],
    root: &Path,
    work: impl FnOnce(),
) -> usize {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (place, to) = (root.to_path_buf(), seen.clone());
    control::watch(Some(Box::new(move |kind| {
        if let Some(file) = unpublished(&place) {
            to.lock().unwrap().push((kind, fs::read(file).unwrap()));
        }
    })));
    work();
    control::watch(None);
    assert!(fs::read(root.join(NAME)).unwrap() == finished);
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let size = common::Struct::of(options).size;
    let (mut marked, mut whole) = (0, 0);
    for (i, (kind, bytes)) in seen.iter().enumerate() {
        let context = format!(
            "{options:?}, look {i}, before {kind:?}: {} bytes",
            bytes.len()
        );
        if *bytes == finished {
            whole += 1;
        } else if bytes.is_empty() {
            assert!(i < 5, "{context}");
        } else {
            assert!(!bytes.len().is_multiple_of(size), "{context}");
            assert!(bytes.ends_with(b"ANN\xffUNFINISHED\n\xff"), "{context}");
            marked += 1;
        }
    }
    // Before the file is synced, the directory opened, and the file renamed.
    assert_eq!(whole, 3, "{options:?}");
    assert!(marked > 10, "{options:?}: {marked}");
    seen.len()
}

/// The file of an on-disk build or a save, at every moment.
#[test]
fn unfinished_between_any_two_calls() {
    let _turn = turn();
    // Nodes of 13 to 8192 bytes; what a page, a mark or a step of growth is a multiple of among
    // them.
    let sizes = [
        (Metric::Hamming, ScalarType::Bits8, 8),
        (Metric::Angular, ScalarType::F32, 1),
        (Metric::Angular, ScalarType::F32, 5),
        (Metric::Euclidean, ScalarType::F32, 8),
        (Metric::Angular, ScalarType::F32, 1021),
        (Metric::Dot, ScalarType::F64, 1021),
    ];
    let mut looks = 0;
    for (metric, scalar, f) in sizes {
        let options = common::options(metric, scalar, IdWidth::Bits32, f);
        let size = common::Struct::of(options).size;
        let items = random_items(options, (4 << 20) / size.max(700), 4);
        let n_trees = 3 + 400 / size;
        let finished = saved(&built(options, &items, n_trees));
        let root = scratch();
        let mut index = Index::with_options(options).unwrap();
        looks += unfinished_all_along(options, &finished, root.path(), || {
            index = on_disk(options, root.path(), &items[..10]);
            for some in items[10..].chunks(1000) {
                index.add_items(None, some.iter()).unwrap();
            }
            index.build(Some(n_trees), Some(2)).unwrap();
        });
        // Another name, so that it is written anew.
        let root = scratch();
        looks += unfinished_all_along(options, &finished, root.path(), || {
            index.save(root.path().join(NAME)).unwrap();
        });
    }
    println!("{looks} looks");
}

/// The temporary file in a directory.
fn unpublished(root: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(root).ok()?;
    let is_temporary = |path: &PathBuf| path.extension().is_some_and(|end| end == "tmp");
    entries.find_map(|entry| Some(entry.ok()?.path()).filter(is_temporary))
}

#[test]
fn ten_thousand_failed_loads_keep_nothing() {
    let _turn = turn();
    let root = scratch();
    let (options, items) = small();
    let good = saved(&small_built());
    let write = |name: &str, bytes: &[u8]| {
        let path = root.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let with = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let size = common::Struct::of(options).size;
    let metadata = good.windows(12).position(|w| w == b"of the index");
    let files = [
        root.path().join("missing"),
        root.path().to_path_buf(),
        write("empty", b""),
        write("no multiple", &good[..good.len() - 1]),
        write("ones", &vec![1; size * 1000]),
        write("cut off", &good[..good.len() - size]),
        write("superblock", &with(items.len() * size + 100)),
        write("metadata", &with(metadata.unwrap())),
        write("unfinished", b"ANN\xffUNFINISHED\n\xff"),
    ];
    let mut index = small_built();
    let (before, held) = (Snapshot::of(&index), Held::now(root.path()));
    let accesses = [Access::Map, Access::MapPrefaulted, Access::Copy];
    for i in 0..10_000 {
        let (file, access) = (&files[i / 3 % files.len()], accesses[i % 3]);
        match i % 2 {
            0 => assert!(index.load(file, access).is_err(), "{file:?}"),
            _ => assert!(Index::open(file, access).is_err(), "{file:?}"),
        }
    }
    assert_eq!(Held::now(root.path()), held);
    assert!(Snapshot::of(&index) == before);
}
