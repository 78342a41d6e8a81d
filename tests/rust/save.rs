//! What a save keeps of the file it replaces, and how it writes where a file cannot be replaced.
//!
//! What depends on users, mounts and directories that may not be changed needs root, and is skipped
//! without. Other users are this program itself, started again with `ANNOY_RS_SAVE_AS` in its
//! environment.

#![cfg(target_os = "linux")]

use crate::common::{
    built, directory, filled, random_items, saved, temporary_files, Item, Snapshot,
};
use annoy_rs::{Access, Cancel, Error, Index, LogLevel, Metric, Options, Work};
use std::fs::{self, Permissions};
use std::os::unix::fs::{chown, symlink, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const USER: u32 = 54321;
const OTHER: u32 = 54322;

fn small() -> (Options, Vec<Item>) {
    let options = Options::new(Metric::Euclidean, 8);
    (options, random_items(options, 300, 1))
}

fn index() -> Index {
    let (options, items) = small();
    built(options, &items, 2)
}

/// Another file, longer or shorter than that of [`index`].
fn old(n: usize) -> Vec<u8> {
    let options = small().0;
    saved(&built(options, &random_items(options, n, 2), 1))
}

fn is_root() -> bool {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !root {
        println!("skipped: not run as root");
    }
    root
}

/// A directory that other users can reach.
fn open_directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    set_mode(directory.path(), 0o755);
    directory
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn file(path: &Path, bytes: &[u8], owner: u32, group: u32, mode: u32) {
    fs::write(path, bytes).unwrap();
    chown(path, Some(owner), Some(group)).unwrap();
    set_mode(path, mode);
}

/// Inode, owner, group, mode.
fn attributes(path: &Path) -> (u64, u32, u32, u32) {
    let found = fs::metadata(path).unwrap();
    let mode = found.mode() & 0o7777;
    (found.ino(), found.uid(), found.gid(), mode)
}

const SAVE_AS: &str = "ANNOY_RS_SAVE_AS";

/// Saves [`index`] as another user. Nothing in an ordinary run.
#[test]
fn child() {
    let Ok(what) = std::env::var(SAVE_AS) else {
        return;
    };
    let (user, path) = what.split_once(' ').unwrap();
    let user = user.parse().unwrap();
    // SAFETY: calls with plain numbers; this process has one thread beside the one that waits for
    // the test.
    unsafe {
        assert_eq!(libc::setgroups(0, std::ptr::null()), 0);
        assert_eq!(libc::setgid(user), 0);
        assert_eq!(libc::setuid(user), 0);
    }
    match index().save(path) {
        Ok(()) => println!("saved"),
        Err(error) => println!("refused: {error}"),
    }
}

/// What that says.
fn save_as(user: u32, path: &Path) -> Result<(), String> {
    let output = crate::common::this_program()
        .args(["--exact", "save::child", "--nocapture", "--test-threads=1"])
        .env(SAVE_AS, format!("{user} {}", path.to_str().unwrap()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match said.split_once("refused: ") {
        Some((_, why)) => Err(why.lines().next().unwrap().to_string()),
        None => {
            let complained = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("saved"), "{said}{complained}");
            Ok(())
        }
    }
}

/// A file that has a name of its own: mounted there.
struct Mounted {
    directory: TempDir,
}

impl Mounted {
    fn new(bytes: &[u8]) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("real"), bytes).unwrap();
        fs::create_dir(at("place")).unwrap();
        fs::write(at("place/x.ann"), "").unwrap();
        let mounted = Command::new("mount")
            .arg("--bind")
            .args([at("real"), at("place/x.ann")])
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: nothing can be mounted here");
        }
        mounted.then_some(Mounted { directory })
    }

    fn place(&self) -> PathBuf {
        self.directory.path().join("place")
    }

    fn path(&self) -> PathBuf {
        self.place().join("x.ann")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// What an index says of warnings.
fn hear(index: &mut Index) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let to = heard.clone();
    index.set_log(Some(Box::new(move |level, text: &str| {
        if level == LogLevel::Warn {
            to.lock().unwrap().push(text.to_string());
        }
    })));
    heard
}

#[test]
fn owner_group_and_mode_stay() {
    if !is_root() {
        return;
    }
    let root = open_directory();
    let path = root.path().join("x.ann");
    for mode in [0o640, 0o600, 0o664, 0o4755] {
        file(&path, b"old", USER, OTHER, mode);
        let before = attributes(&path);
        index().save(&path).unwrap();
        let after = attributes(&path);
        assert_ne!(after.0, before.0, "replaced");
        assert_eq!((after.1, after.2, after.3), (USER, OTHER, mode));
    }
    // An on-disk build, too.
    let (options, items) = small();
    file(&path, b"old", USER, OTHER, 0o640);
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(&path).unwrap();
    index.add_items(None, items.iter()).unwrap();
    index.build(Some(2), Some(1)).unwrap();
    let (_, user, group, mode) = attributes(&path);
    assert_eq!((user, group, mode), (USER, OTHER, 0o640));
}

/// What lists of access say stays, too, and none comes from the directory.
#[test]
fn access_lists_stay() {
    for tool in ["setfacl", "getfacl"] {
        if Command::new(tool).arg("--version").output().is_err() {
            println!("skipped: there is no {tool}");
            return;
        }
    }
    let root = TempDir::new().unwrap();
    let path = root.path().join("x.ann");
    let list = |change: &[&str], file: &Path| {
        let changed = Command::new("setfacl").args(change).arg(file).output();
        changed.is_ok_and(|output| output.status.success())
    };
    fs::write(&path, "old").unwrap();
    set_mode(&path, 0o600);
    if !list(&["-m", "u:54321:r"], &path) {
        println!("skipped: there are no access lists here");
        return;
    }
    let said = || {
        let output = Command::new("getfacl").args(["-cpn"]).arg(&path).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let before = said();
    assert!(before.contains("user:54321:r--") && before.contains("group::---"));
    index().save(&path).unwrap();
    assert_eq!(said(), before);
    assert!(list(&["-b"], &path));
    assert!(list(&["-d", "-m", "u:54322:rw"], root.path()));
    let before = said();
    index().save(&path).unwrap();
    assert_eq!(said(), before);
}

/// Who may not give files away replaces another's by one of its own. What the group may does not
/// become its own group's.
#[test]
fn another_owner_where_files_cannot_be_given_away() {
    if !is_root() {
        return;
    }
    let root = open_directory();
    set_mode(root.path(), 0o777);
    let path = root.path().join("x.ann");
    for (mode, expected) in [(0o640, 0o600), (0o664, 0o644), (0o6755, 0o755)] {
        file(&path, b"old", OTHER, OTHER, mode);
        save_as(USER, &path).unwrap();
        let (_, user, group, mode) = attributes(&path);
        assert_eq!((user, group, mode), (USER, USER, expected), "{mode:o}");
    }
    // A group that it may choose stays.
    file(&path, b"old", OTHER, USER, 0o640);
    save_as(USER, &path).unwrap();
    let (_, user, group, mode) = attributes(&path);
    assert_eq!((user, group, mode), (USER, USER, 0o640));
}

#[test]
fn a_directory_that_may_be_written_to_and_not_read() {
    if !is_root() {
        return;
    }
    let root = open_directory();
    chown(root.path(), Some(USER), Some(USER)).unwrap();
    set_mode(root.path(), 0o300);
    let path = root.path().join("x.ann");
    for _ in 0..2 {
        save_as(USER, &path).unwrap();
        assert!(fs::read(&path).unwrap() == saved(&index()));
        fs::write(&path, "old").unwrap();
    }
    assert_eq!(temporary_files(root.path()), 0);
}

#[test]
fn a_writable_file_in_a_directory_that_is_not() {
    if !is_root() {
        return;
    }
    let root = open_directory();
    let path = root.path().join("x.ann");
    let new = saved(&index());
    for n in [10, 1000] {
        file(&path, &old(n), OTHER, OTHER, 0o666);
        let before = attributes(&path);
        save_as(USER, &path).unwrap();
        assert!(fs::read(&path).unwrap() == new, "{n}");
        assert_eq!(attributes(&path), before);
    }
    // A directory in which only the owner of a file may replace it.
    set_mode(root.path(), 0o1777);
    file(&path, &old(10), OTHER, OTHER, 0o666);
    let before = attributes(&path);
    save_as(USER, &path).unwrap();
    assert!(fs::read(&path).unwrap() == new);
    assert_eq!(attributes(&path), before);
    // Neither.
    set_mode(root.path(), 0o755);
    file(&path, b"old", OTHER, OTHER, 0o644);
    let refused = save_as(USER, &path).unwrap_err();
    assert!(refused.contains("cannot create"), "{refused}");
    assert!(refused.contains("Permission denied"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let refused = save_as(USER, &root.path().join("new.ann")).unwrap_err();
    assert!(refused.contains("Permission denied"), "{refused}");
    assert_eq!(directory(root.path()).len(), 1);
}

#[test]
fn a_mounted_file() {
    for n in [10, 1000] {
        let Some(mounted) = Mounted::new(&old(n)) else {
            return;
        };
        let mut index = index();
        let heard = hear(&mut index);
        let before = attributes(&mounted.path());
        index.save(mounted.path()).unwrap();
        assert!(fs::read(mounted.path()).unwrap() == saved(&index));
        assert_eq!(attributes(&mounted.path()), before);
        assert_eq!(temporary_files(&mounted.place()), 0);
        let heard = heard.lock().unwrap().join("\n");
        assert!(heard.contains("busy"), "{heard}");
        assert!(heard.contains("written over"), "{heard}");
    }
}

/// The index would be read from the file that is being written.
#[test]
fn a_mounted_file_that_the_index_has_mapped() {
    let Some(mounted) = Mounted::new(&old(300)) else {
        return;
    };
    let before = fs::read(mounted.path()).unwrap();
    let mut index = Index::open(mounted.path(), Access::Map).unwrap();
    index.set_metadata(b"other bytes").unwrap();
    let snapshot = Snapshot::of(&index);
    let refused = index.save(mounted.path()).unwrap_err();
    assert!(matches!(refused, Error::Unsupported(_)), "{refused:?}");
    let refused = refused.to_string();
    assert!(refused.contains("x.ann") && refused.contains("as a copy"));
    assert!(fs::read(mounted.path()).unwrap() == before);
    assert!(snapshot == Snapshot::of(&index));
    let mut index = Index::open(mounted.path(), Access::Copy).unwrap();
    index.set_metadata(b"other bytes").unwrap();
    index.save(mounted.path()).unwrap();
    assert!(fs::read(mounted.path()).unwrap() == snapshot.file.unwrap());
}

/// Whatever can be wrong, or be cancelled, is found out before the file is touched.
#[test]
fn a_mounted_file_is_whole_after_cancellation() {
    let Some(mounted) = Mounted::new(&old(300)) else {
        return;
    };
    let before = fs::read(mounted.path()).unwrap();
    let index = index();
    let size = index.saved_size().unwrap() as u64;
    let mut told = Vec::new();
    let mut progress = |_, done, total| told.push((done, total));
    let mut work = Work {
        progress: Some(&mut progress),
        ..Work::default()
    };
    index.save_with(mounted.path(), &mut work).unwrap();
    assert_eq!(told.last(), Some(&(size, size)));
    fs::write(mounted.path(), &before).unwrap();
    for (at, _) in told {
        let cancel = Cancel::new();
        let mut progress = |_, done, _| {
            if done >= at {
                cancel.cancel();
            }
        };
        let mut work = Work {
            cancel: Some(&cancel),
            progress: Some(&mut progress),
            ..Work::default()
        };
        let cancelled = index.save_with(mounted.path(), &mut work);
        assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
        assert!(fs::read(mounted.path()).unwrap() == before);
    }
    assert_eq!(temporary_files(&mounted.place()), 0);
}

#[test]
fn an_on_disk_build_of_a_mounted_file() {
    for bytes in [b"old".to_vec(), old(1000), Vec::new()] {
        let Some(mounted) = Mounted::new(&bytes) else {
            return;
        };
        let (options, items) = small();
        let mut index = Index::with_options(options).unwrap();
        index.on_disk_build(mounted.path()).unwrap();
        index.add_items(None, items.iter()).unwrap();
        assert!(fs::read(mounted.path()).unwrap() == bytes);
        index.build(Some(2), Some(1)).unwrap();
        let expected = Snapshot::of(&built(options, &items, 2));
        assert!(Snapshot::of(&index) == expected);
        assert!(fs::read(mounted.path()).unwrap() == expected.file.clone().unwrap());
        assert_eq!(temporary_files(&mounted.place()), 0);
        // Again, with more.
        index.unbuild().unwrap();
        index.add_item(300, &items[0]).unwrap();
        index.build(Some(2), Some(1)).unwrap();
        assert!(fs::read(mounted.path()).unwrap() == Snapshot::of(&index).file.unwrap());
        drop(index);
        assert!(mounted.path().exists());
    }
}

/// All that was built is there, and can be saved elsewhere.
#[test]
fn an_on_disk_build_whose_name_is_taken_is_built() {
    let (options, items) = small();
    let root = TempDir::new().unwrap();
    let at = |name: &str| root.path().join(name);
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(at("x.ann")).unwrap();
    index.add_items(None, items.iter()).unwrap();
    fs::remove_file(at("x.ann")).unwrap();
    fs::create_dir(at("x.ann")).unwrap();
    let error = index.build(Some(2), Some(1)).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("x.ann"), "{error}");
    let expected = Snapshot::of(&built(options, &items, 2));
    assert_eq!(index.n_trees(), 2);
    assert!(Snapshot::of(&index) == expected);
    index.save(at("elsewhere.ann")).unwrap();
    assert!(fs::read(at("elsewhere.ann")).unwrap() == expected.file.clone().unwrap());
    // Or, once the name is free, there.
    fs::remove_dir(at("x.ann")).unwrap();
    index.unbuild().unwrap();
    assert!(Snapshot::of(&index) == Snapshot::of(&filled(options, &items)));
    index.build(Some(2), Some(1)).unwrap();
    assert!(fs::read(at("x.ann")).unwrap() == expected.file.unwrap());
    drop(index);
    let names: Vec<String> = directory(root.path()).into_keys().collect();
    assert_eq!(names, ["elsewhere.ann", "x.ann"]);
}

#[test]
fn links_stay_and_what_they_name_is_written() {
    let (options, items) = small();
    let new = saved(&index());
    let save = |path: &Path| index().save(path);
    let build = |path: &Path| {
        let mut index = Index::with_options(options).unwrap();
        index.on_disk_build(path)?;
        index.add_items(None, items.iter())?;
        index.build(Some(2), Some(1))
    };
    type Way<'a> = &'a dyn Fn(&Path) -> annoy_rs::Result<()>;
    let ways: [Way<'_>; 2] = [&save, &build];
    for write in ways {
        let root = TempDir::new().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/second", at("first")).unwrap();
        symlink(at("real"), at("sub/second")).unwrap();
        for _ in 0..2 {
            write(&at("first")).unwrap();
            assert!(fs::read(at("real")).unwrap() == new);
            for link in ["first", "sub/second"] {
                assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink());
            }
        }
        symlink("missing/x", at("nowhere")).unwrap();
        symlink("circle", at("circle")).unwrap();
        for bad in ["nowhere", "circle"] {
            let error = write(&at(bad)).unwrap_err();
            assert!(matches!(error, Error::Io { .. }), "{error:?}");
            assert!(fs::symlink_metadata(at(bad)).unwrap().is_symlink());
        }
        assert_eq!(temporary_files(root.path()), 0);
    }
}
