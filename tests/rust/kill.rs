//! The process is killed at a random moment of a save, an on-disk build, or an insertion into an
//! index whose file is then saved anew: the file has its old contents or its new ones, whole, and
//! what is left behind passes for no index.
//!
//! Killed is this program itself, started again with `ANNOY_RS_KILL` in its environment.
//! `ANNOY_RS_KILLS` is the number of kills but for insertions, 500 unless given.

#![cfg(unix)]

use crate::common::graphs::add_graph;
use crate::common::{built, random_items, saved, scratch, Item, Random, Struct};
use annoy_rs::{probe, Access, Error, Index, Insertion, Metric, Options, Work};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const WHAT: &str = "ANNOY_RS_KILL";
const WHERE: &str = "ANNOY_RS_KILL_DIRECTORY";
const KILLS: &str = "ANNOY_RS_KILLS";
const NAME: &str = "x.ann";
const UNFINISHED: &[u8; 16] = b"ANN\xffUNFINISHED\n\xff";

/// What an on-disk build is made from. Adding the items takes about as long as the trees.
const BUILD_TREES: usize = 1;
fn to_build() -> (Options, Vec<Item>) {
    let options = Options::new(Metric::Euclidean, 8);
    (options, random_items(options, 20_000, 1))
}

/// What is saved: some megabytes, which take a while to write.
fn to_save() -> Index {
    let options = Options::new(Metric::Euclidean, 1000);
    built(options, &random_items(options, 4000, 1), 2)
}

/// What is put into that, into trees and graph.
fn grow(index: &mut Index) {
    let more = random_items(index.options(), 30, 3);
    let insertion = Insertion::default();
    index
        .insert_items(&insertion, |i| &more[i], more.len(), &mut Work::default())
        .unwrap();
}

/// Does what it is told to, in a process that is to be killed. Nothing in an ordinary run.
#[test]
fn child() {
    let (Ok(what), Ok(place)) = (std::env::var(WHAT), std::env::var(WHERE)) else {
        return;
    };
    let path = Path::new(&place).join(NAME);
    let (options, items) = to_build();
    let mut index = match what.as_str() {
        "build" => Index::with_options(options).unwrap(),
        "grow" => Index::open(&path, Access::Map).unwrap(),
        // In memory, as if it had been built there.
        _ => Index::open(Path::new(&place).join("new"), Access::Copy).unwrap(),
    };
    let mut word = [0];
    println!("ready");
    std::io::stdin().read_exact(&mut word).unwrap();
    match what.as_str() {
        "save" => index.save(path).unwrap(),
        "save_and_load" => index.save_and_load(path, Access::Map).unwrap(),
        "grow" => {
            index.thaw_built().unwrap();
            grow(&mut index);
            index.save(path).unwrap();
        }
        _ => {
            index.on_disk_build(path).unwrap();
            for (id, item) in items.iter().enumerate() {
                index.add_item(id as i64, item).unwrap();
            }
            index.build(Some(BUILD_TREES), Some(1)).unwrap();
        }
    }
    println!("done");
    let _ = std::io::stdin().read_exact(&mut word);
}

/// A process that waits for a word, works, and waits to be killed.
struct Victim {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Victim {
    fn start(what: &str, place: &Path) -> Self {
        let mut child = crate::common::this_program()
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(WHAT, what)
            .env(WHERE, place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut victim = Victim { child, output };
        victim.hear("ready");
        victim
    }

    /// Waits for a word. (The test harness talks too.)
    fn hear(&mut self, word: &str) {
        let mut line = String::new();
        while !line.trim_end().ends_with(word) {
            line.clear();
            let n = self.output.read_line(&mut line).unwrap();
            assert!(n > 0, "the process ended before it was {word}");
        }
    }

    fn go(&mut self) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(&[1]).unwrap();
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Removes the temporary files and gives their contents.
fn take_temporary(place: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(place)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let temporary = entries.filter(|path| path.extension().is_some_and(|end| end == "tmp"));
    let take = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        bytes
    };
    temporary.map(take).collect()
}

fn refused<T>(result: annoy_rs::Result<T>, words: &str) {
    match result {
        Err(error @ Error::Format { .. }) => {
            assert!(error.to_string().contains(words), "{error}");
        }
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("an unfinished file is taken for an index"),
    }
}

/// No call takes the file for an index, and says why.
fn check_refused(options: Options, bytes: &[u8], words: &str) {
    let place = scratch();
    let path = place.path().join(NAME);
    fs::write(&path, bytes).unwrap();
    let mut index = Index::with_options(options).unwrap();
    refused(index.load(&path, Access::Map), words);
    refused(Index::open(&path, Access::Map), words);
    refused(probe(&path), words);
    refused(Index::verify_file(&path, 1), words);
}

/// What the temporary files were.
#[derive(Debug, Default)]
struct Left {
    none: usize,
    empty: usize,
    marked: usize,
    whole: usize,
}

impl Left {
    fn take(&mut self, place: &Path, options: Options, finished: &[u8]) {
        let files = take_temporary(place);
        assert!(files.len() < 2);
        let Some(bytes) = files.first() else {
            self.none += 1;
            return;
        };
        if bytes == finished {
            self.whole += 1;
            return;
        }
        if bytes.is_empty() {
            self.empty += 1;
            return check_refused(options, bytes, "");
        }
        let size = Struct::of(options).size;
        assert!(!bytes.len().is_multiple_of(size), "{} bytes", bytes.len());
        assert!(bytes.ends_with(UNFINISHED), "{} bytes", bytes.len());
        check_refused(options, bytes, "its build or save was not finished");
        self.marked += 1;
    }
}

fn kills(what: &str, kills: usize, [old, new]: [&Index; 2], random: &mut Random) {
    let place = scratch();
    let path = place.path().join(NAME);
    let (options, old, new) = (new.options(), &saved(old), &saved(new)[..]);
    assert!(old != new);
    let put_old = || fs::write(&path, old).unwrap();
    put_old();
    if what != "build" {
        fs::write(place.path().join("new"), new).unwrap();
    }
    // How long it takes when nothing happens.
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            put_old();
            let mut victim = Victim::start(what, place.path());
            let start = Instant::now();
            victim.go();
            victim.hear("done");
            let time = start.elapsed();
            victim.kill();
            assert!(fs::read(&path).unwrap() == new, "{what}");
            time
        })
        .collect();
    times.sort();
    let time = times[3];
    put_old();
    let (mut kept, mut replaced, mut left) = (0, 0, Left::default());
    for _ in 0..kills {
        let mut victim = Victim::start(what, place.path());
        // To some time after the end, as not every run takes as long.
        let part = random.next() as f64 / u64::MAX as f64 * 1.3;
        let start = Instant::now();
        victim.go();
        std::thread::sleep(time.mul_f64(part).saturating_sub(start.elapsed()));
        victim.kill();
        let found = fs::read(&path).unwrap();
        if found == *old {
            kept += 1;
        } else {
            assert!(found == new, "{what}: {} bytes, neither", found.len());
            replaced += 1;
            put_old();
        }
        left.take(place.path(), options, new);
    }
    println!(
        "{what}: {time:?}; {kills} kills, old file {kept}, new file {replaced}, left behind {left:?}"
    );
    if kills >= 30 {
        assert!(kept > 0 && replaced > 0, "{what}: not spread");
        assert!(left.marked > 0, "{what}: not spread");
    }
}

#[test]
fn killed_at_random_moments() {
    let number = std::env::var(KILLS).map_or(500, |number| number.parse().unwrap());
    let mut random = Random(std::process::id().into());
    println!("seed {}", random.0);
    let other = |options| built(options, &random_items(options, 500, 2), 1);
    let index = to_save();
    let both = [&other(index.options()), &index];
    kills("save", number * 3 / 10, both, &mut random);
    kills("save_and_load", number / 10, both, &mut random);
    let (options, items) = to_build();
    let new = built(options, &items, BUILD_TREES);
    kills(
        "build",
        number * 6 / 10,
        [&other(options), &new],
        &mut random,
    );
    let mut index = to_save();
    add_graph(&mut index, 1);
    let mut grown = Index::open_bytes(saved(&index)).unwrap();
    grown.thaw_built().unwrap();
    grow(&mut grown);
    kills("grow", number * 4 / 10, [&index, &grown], &mut random);
}
