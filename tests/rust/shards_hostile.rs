//! Manifests and shards that are not what they say, and writers that meet.

use crate::common::{built, random_items, scratch};
use annoy_rs::{
    Error, Manifest, Metric, NewShard, Options, Removal, Search, Shard, ShardAccess, Shards, Sum,
};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn checksum(bytes: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(bytes)
}

fn shard(path: &Path, name: &str, options: Options, n: usize) {
    built(options, &random_items(options, n, 1), 2)
        .save(path.join(name))
        .unwrap();
}

fn two(path: &Path) -> String {
    let options = Options::new(Metric::Euclidean, 3);
    shard(path, "a.ann", options, 30);
    shard(path, "b.ann", options, 20);
    Shards::commit(path, 0, &[NewShard::file("a.ann"), NewShard::file("b.ann")]).unwrap();
    fs::read_to_string(path.join("MANIFEST")).unwrap()
}

/// The text with its checksum made right.
fn signed(text: &str) -> String {
    let at = text.rfind("\"checksum\": \"").unwrap() + 13;
    let zeros = format!("{}{}{}", &text[..at], "0".repeat(16), &text[at + 16..]);
    format!(
        "{}{:016x}{}",
        &text[..at],
        checksum(zeros.as_bytes()),
        &text[at + 16..]
    )
}

fn open(path: &Path) -> annoy_rs::Result<Shards> {
    Shards::open(path, ShardAccess::default())
}

/// What is otherwise than it should be: nothing.
fn unlike(path: &Path, text: &str, expected: &str) -> Option<String> {
    fs::write(path.join("MANIFEST"), text).unwrap();
    let error = match open(path) {
        Ok(_) => return Some(format!("{expected}: it was opened")),
        Err(error) => error,
    };
    let is_good = matches!(error, Error::Format { .. }) && error.to_string().contains(expected);
    (!is_good).then(|| format!("{expected}: {error}"))
}

fn refused(path: &Path, text: &str, expected: &str) {
    assert_eq!(unlike(path, text, expected), None);
}

#[test]
fn manifests_that_cannot_be_are_refused() {
    let directory = scratch();
    let path = directory.path();
    let good = two(path);
    assert_eq!(signed(&good), good);
    refused(path, "", "EOF");
    refused(path, "{}", "\"format\" is not");
    refused(
        path,
        &good.replace("\"generation\": 1,\n  \"m", "\"generation\": 2,\n  \"m"),
        "checksum",
    );
    refused(
        path,
        &good[..good.len() - 1],
        "does not end with its checksum",
    );
    refused(path, &format!("{good} "), "does not end with its checksum");
    let deep = format!("{{\"more\": {}", "[".repeat(100_000));
    refused(path, &deep, "EOF");
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        (
            "\"version\": 1",
            "\"version\": 2, \"new\": []",
            "it is of version 2, expected 1",
        ),
        ("\"version\": 1", "\"version\": -1", "invalid"),
        ("annoy_rs shards", "others", "\"format\" is not"),
        ("\"euclidean\"", "\"hyperbolic\"", "its metric is"),
        ("\"f32\"", "\"u64\"", "scalar"),
        ("\"f\": 3", "\"f\": 0", "f is 0"),
        (
            "\"f\": 3",
            "\"f\": 18446744073709551615",
            "f is 18446744073709551615",
        ),
        ("\"f\": 3", "\"f\": 1e300", "invalid type"),
        ("\"id_bits\": 32", "\"id_bits\": 33", "ids have 33 bits"),
        (
            "\"labels\": \"none\"",
            "\"labels\": \"some\"",
            "\"labels\" are not",
        ),
        ("a.ann", "../a.ann", "it names the file"),
        ("a.ann", "/a.ann", "it names the file"),
        ("a.ann", "b/a.ann", "it names the file"),
        ("a.ann", "..ann", "it names the file"),
        ("a.ann", ".ann", "it names the file"),
        ("a.ann", "", "it names the file"),
        ("a.ann", "a.ann\\u0000", "it names the file"),
        ("a.ann", "C:a.ann", "it names the file"),
        ("a.ann", "b.ann", "names \"b.ann\" twice"),
        ("a.ann", "B.ANN", "it names the file"),
        ("a.ann", "B.ann", "names \"b.ann\" twice"),
        (
            "\"items\": 30",
            "\"items\": 9223372036854775807",
            "more items or bytes",
        ),
        (
            "\"items\": 30",
            "\"items\": 99999999999999999999",
            "invalid type",
        ),
        ("\"items\": 30", "\"items\": -30", "invalid value"),
        ("\"items\": 30", "\"items\": 29", "it has 30 items"),
        ("\"items\": 30,", "", "missing field"),
        (
            "\"items\": 30",
            "\"items\": 30, \"items\": 30",
            "duplicate field",
        ),
        (
            "\"items\": 30",
            "\"items\": 30, \"more\": 1",
            "unknown field",
        ),
        (
            "\"generation\": 1,\n  \"metric\"",
            "\"generation\": 0,\n  \"metric\"",
            "generation is 0",
        ),
        (
            "\"generation\": 1\n",
            "\"generation\": 7\n",
            "of a later generation",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        wrong.extend(unlike(path, &signed(&text), expected));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    refused(
        path,
        &signed(&good.replace("a.ann", &format!("{}.ann", "a".repeat(300)))),
        "it names",
    );
    // Too large to be looked at.
    let file = fs::File::create(path.join("MANIFEST")).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = open(path).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("more than"), "{error}");
}

#[test]
fn shards_that_are_others_are_refused() {
    let directory = scratch();
    let path = directory.path();
    two(path);
    let (options, n) = (Options::new(Metric::Euclidean, 3), 30);
    let good = fs::read(path.join("a.ann")).unwrap();
    let check = |expected: &str| {
        let error = open(path).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    // As many items, another seed.
    let mut other = built(options, &random_items(options, n, 2), 2);
    other.save(path.join("a.ann")).unwrap();
    check("the superblock");
    other = built(
        Options::new(Metric::Manhattan, 3),
        &random_items(options, n, 2),
        2,
    );
    other.save(path.join("a.ann")).unwrap();
    check("it is manhattan of 3 f32s");
    fs::write(path.join("a.ann"), b"").unwrap();
    check("it is empty");
    fs::write(path.join("a.ann"), &good[..good.len() / 2]).unwrap();
    check("a.ann");
    // A byte that is found when all is read.
    let mut bytes = good.clone();
    bytes[20] ^= 1;
    fs::write(path.join("a.ann"), &bytes).unwrap();
    let view = open(path).unwrap().now().unwrap();
    let report = view.verify_with(9, &mut Default::default()).unwrap();
    assert!(
        report.faults[0]
            .text
            .starts_with("shard \"a.ann\": its checksum is"),
        "{report:?}"
    );
    fs::write(path.join("a.ann"), &good).unwrap();
    open(path).unwrap();
}

#[test]
fn marks_that_are_not_those_named_are_refused() {
    let directory = scratch();
    let path = directory.path();
    two(path);
    let first = NewShard {
        removed: &[1, 5],
        ..NewShard::file("a.ann")
    };
    Shards::commit(path, 1, &[first, NewShard::file("b.ann")]).unwrap();
    let marks = path.join("a.2.removed");
    let good = fs::read(&marks).unwrap();
    assert_eq!(good, [1u64.to_le_bytes(), 5u64.to_le_bytes()].concat());
    for bad in [
        &good[..8],
        &[&good[..], &[0; 8]].concat(),
        &[good[8..].to_vec(), good[..8].to_vec()].concat(),
    ] {
        fs::write(&marks, bad).unwrap();
        assert!(matches!(open(path), Err(Error::Format { .. })));
    }
    let manifest = Manifest::read(path).unwrap();
    // Right by their checksums, and yet no ids of the shard.
    for ids in [[5u64, 1], [1, 30], [5, 5]] {
        let bytes = ids.map(u64::to_le_bytes).concat();
        fs::write(&marks, &bytes).unwrap();
        let mut manifest = manifest.clone();
        manifest.shards[0].removed.as_mut().unwrap().checksum = Sum(checksum(&bytes));
        fs::write(path.join("MANIFEST"), manifest.encode().unwrap()).unwrap();
        assert!(matches!(open(path), Err(Error::Format { .. })));
    }
    fs::remove_file(&marks).unwrap();
    let partial = ShardAccess {
        partial: true,
        ..ShardAccess::default()
    };
    // Its items would be found again: the shard is missing then.
    assert_eq!(
        Shards::open(path, partial)
            .unwrap()
            .now()
            .unwrap()
            .n_missing(),
        1
    );
}

#[test]
fn shards_of_several_kinds_are_no_index() {
    let directory = scratch();
    let path = directory.path();
    two(path);
    shard(path, "f.ann", Options::new(Metric::Euclidean, 4), 9);
    shard(path, "m.ann", Options::new(Metric::Manhattan, 3), 9);
    let mut labelled = [0, 1].map(|i| {
        built(
            Options::new(Metric::Euclidean, 3),
            &random_items(Options::new(Metric::Euclidean, 3), 5, i),
            1,
        )
    });
    labelled[0].set_label(0, 7u64).unwrap();
    labelled[0].save(path.join("n.ann")).unwrap();
    labelled[1].set_label(0, "seven").unwrap();
    labelled[1].save(path.join("t.ann")).unwrap();
    let before = fs::read(path.join("MANIFEST")).unwrap();
    let commit = |expected, names: &[&str]| {
        let new: Vec<_> = names.iter().map(|name| NewShard::file(name)).collect();
        Shards::commit(path, expected, &new)
    };
    for names in [
        &["a.ann", "f.ann"],
        &["a.ann", "m.ann"],
        &["n.ann", "t.ann"],
    ] {
        let error = commit(1, names).unwrap_err();
        assert!(
            error.to_string().contains("the kind that the others are"),
            "{error}"
        );
    }
    for names in [&["../a.ann"][..], &["a.ann", "a.ann"], &["MANIFEST"], &[]] {
        assert!(
            matches!(commit(1, names), Err(Error::Argument { .. })),
            "{names:?}"
        );
    }
    assert!(matches!(commit(1, &["none.ann"]), Err(Error::Io { .. })));
    fs::write(path.join("x.ann"), b"no index").unwrap();
    assert!(matches!(commit(1, &["x.ann"]), Err(Error::Format { .. })));
    assert_eq!(before, fs::read(path.join("MANIFEST")).unwrap());
    assert_eq!(commit(1, &["a.ann", "n.ann"]).unwrap(), 2);
}

#[test]
fn of_two_writers_the_later_one_fails_and_says_so() {
    let directory = scratch();
    let path = directory.path();
    two(path);
    let shards = [NewShard::file("b.ann")];
    for wrong in [0, 2] {
        let error = Shards::commit(path, wrong, &shards).unwrap_err();
        assert!(
            error.to_string().contains("another writer was first"),
            "{error}"
        );
    }
    let won: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Shards::commit(path, 1, &shards)))
            .collect();
        let ended = writers.into_iter().map(|writer| writer.join().unwrap());
        ended
            .map(|ended| match ended {
                Ok(generation) => usize::from(generation == 2),
                Err(Error::State { .. }) => 0,
                Err(other) => panic!("{other}"),
            })
            .sum()
    });
    assert_eq!(won, 1);
    assert_eq!(Manifest::read(path).unwrap().generation, 2);
    // What a writer left that ended between its two files is written over.
    fs::write(path.join("MANIFEST.3"), "half").unwrap();
    assert_eq!(Shards::commit(path, 2, &shards).unwrap(), 3);
    let [now, kept] = ["MANIFEST", "MANIFEST.3"].map(|name| fs::read(path.join(name)).unwrap());
    assert_eq!(now, kept);
}

#[test]
fn manifests_of_others_are_taken_over_on_their_word() {
    let (here, there) = (scratch(), scratch());
    let text = two(there.path());
    assert_eq!(
        Shards::commit(here.path(), 0, &[NewShard::file(&text)]).unwrap(),
        1
    );
    assert_eq!(
        text,
        fs::read_to_string(here.path().join("MANIFEST")).unwrap()
    );
    assert!(matches!(open(here.path()), Err(Error::Io { .. })));
    for name in ["a.ann", "b.ann"] {
        fs::copy(there.path().join(name), here.path().join(name)).unwrap();
    }
    let found = open(here.path())
        .unwrap()
        .now()
        .unwrap()
        .search(&[0f32; 3], &Search::new(50));
    assert_eq!(found.unwrap().len(), 50);
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let metric = prop::sample::select(Metric::ALL.to_vec());
    let marks = prop::option::of((0u64..9, any::<u64>()));
    let shard = (
        9u64..1 << 40,
        any::<u64>(),
        any::<u64>(),
        1u64..5,
        marks,
        prop::option::of("[ -~é]{0,40}"),
    );
    let shards = prop::collection::vec(shard, 1..20);
    (5u64..1 << 60, metric, 1usize..5000, shards).prop_map(|(generation, metric, f, shards)| {
        Manifest {
            generation,
            options: Options::new(metric, f),
            labels: None,
            shards: shards
                .into_iter()
                .enumerate()
                .map(
                    |(i, (items, sum, superblock, generation, marks, partition))| Shard {
                        name: format!("p=1_{i}.ann"),
                        items,
                        bytes: items * 13,
                        checksum: Sum(sum),
                        superblock: Sum(superblock),
                        generation,
                        partition,
                        removed: marks.map(|(items, sum)| Removal {
                            name: format!("p=1_{i}.{generation}.removed"),
                            items,
                            checksum: Sum(sum),
                        }),
                    },
                )
                .collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_is_read(manifest in manifests()) {
        let bytes = manifest.encode().unwrap();
        let read = Manifest::decode(&bytes, Path::new("MANIFEST")).unwrap();
        prop_assert_eq!(&read, &manifest);
        prop_assert_eq!(read.encode().unwrap(), bytes);
    }

    #[test]
    fn a_byte_that_differs_is_noticed(manifest in manifests(), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut bytes = manifest.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        prop_assert!(Manifest::decode(&bytes, Path::new("MANIFEST")).is_err());
    }
}
