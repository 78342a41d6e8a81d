//! Files that say what they are: opening without metric and f, what does not fit, metadata,
//! verifying, probing.

use crate::common::{
    all_types, built, filled, loaded, name, plain, random_items, saved, scratch, Item, Random,
    Snapshot, Struct, SIGNATURE, SUPERBLOCK,
};
use annoy_rs::{probe, Access, Error, IdWidth, Index, Metric, Options, ScalarType, MAX_METADATA};
use std::fs;
use std::hash::Hasher;
use std::path::PathBuf;

/// Where the superblock stands.
fn superblock(options: Options, bytes: &[u8]) -> usize {
    let layout = Struct::of(options);
    let last = layout.count(bytes) - 1;
    let at = layout.descendants(bytes, last) as usize * layout.size;
    assert_eq!(bytes[at..at + 8], SIGNATURE);
    at
}

/// Gives a changed superblock a checksum that is right.
fn reseal(block: &mut [u8]) {
    let mut hasher = twox_hash::XxHash3_64::default();
    hasher.write(&block[..16]);
    hasher.write(&block[24..]);
    block[16..24].copy_from_slice(&hasher.finish().to_le_bytes());
}

/// Sizes from the smallest up: none, one, a few, more than a leaf, many.
fn sizes() -> [usize; 5] {
    [0, 1, 2, 30, 300]
}

#[test]
fn opens_without_being_told_what_it_is() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    for options in [all_types(1, 1), all_types(3, 20), all_types(40, 700)].concat() {
        for n in sizes() {
            let context = format!("{} f={}, {n} items", name(options), options.f);
            let mut index = filled(options, &random_items(options, n, 1));
            index.set_seed(99);
            index.build(Some(3), Some(1)).unwrap();
            index.set_metadata(context.as_bytes()).unwrap();
            index.save(&path).unwrap();
            let opened = Index::open(&path, Access::Map).unwrap();
            assert_eq!(opened.options(), options, "{context}");
            assert_eq!(opened.metadata(), context.as_bytes());
            assert_eq!(opened.n_trees(), 3, "{context}");
            let mut expected = Snapshot::of(&index);
            expected.seed = opened.seed();
            assert!(expected == Snapshot::of(&opened), "{context}");
            let report = opened.verify(10).unwrap();
            assert!(
                report.is_sound() && report.has_checksums,
                "{context}: {report:?}"
            );
            let info = opened.info().unwrap();
            assert_eq!(
                (info.n_items, info.n_present, info.seed),
                (n, n, Some(99)),
                "{context}"
            );
            assert!(info.is_loaded && info.is_described);
            let kinds = probe(&path).unwrap();
            assert_eq!(kinds.len(), 1, "{context}");
            assert_eq!(kinds[0].options, options);
            // In memory it is sound as well.
            assert!(index.verify(10).unwrap().is_sound(), "{context}");
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    let of_file = Options::new(Metric::Euclidean, 40);
    built(of_file, &random_items(of_file, 500, 1), 2)
        .save(&path)
        .unwrap();
    let others = [
        Options::new(Metric::Manhattan, 40),
        Options::new(Metric::Angular, 40),
        Options::new(Metric::Angular, 41),
        Options::new(Metric::Euclidean, 39),
        Options::new(Metric::Euclidean, 7),
        Options::new(Metric::Hamming, 1280),
        Options {
            scalar: ScalarType::F64,
            ..of_file
        },
        Options {
            scalar: ScalarType::F64,
            f: 20,
            ..of_file
        },
        Options {
            id_width: IdWidth::Bits64,
            ..of_file
        },
    ];
    for other in others {
        let mut index = Index::with_options(other).unwrap();
        let text = index.load(&path, Access::Map).unwrap_err().to_string();
        let both = ["by its own word it is a euclidean index of f = 40 (f32, 32-bit ids)"];
        let article = if other.metric == Metric::Angular {
            "an"
        } else {
            "a"
        };
        let expected = format!(
            "is not {article} {} index of f = {} ({}",
            other.metric, other.f, other.scalar
        );
        assert!(
            both.iter().all(|word| text.contains(word)) && text.contains(&expected),
            "{text}"
        );
    }
}

/// Kinds that plain files are mistaken for (tests/rust/corrupt.rs lists them) cannot be confused
/// when files say what they are.
#[test]
fn never_mistaken_for_another_kind() {
    let kinds: Vec<Options> = [1, 2, 3, 4, 5, 6, 7, 8, 12]
        .into_iter()
        .flat_map(|elements| all_types(elements, 64 * elements))
        .collect();
    let directory = scratch();
    let path = directory.path().join("x.ann");
    let (mut tried, mut mistaken) = (0, Vec::new());
    for &of_file in &kinds {
        for n in [50, 150, 151, 160] {
            let bytes = saved(&built(of_file, &random_items(of_file, n, 3), 2));
            fs::write(&path, &bytes).unwrap();
            for &of_index in kinds.iter().filter(|&&kind| kind != of_file) {
                // Others are refused by their size, in any case.
                if !bytes.len().is_multiple_of(Struct::of(of_index).size) {
                    continue;
                }
                tried += 1;
                let pair = || {
                    format!(
                        "{} {} < {} {}",
                        name(of_file),
                        of_file.f,
                        name(of_index),
                        of_index.f
                    )
                };
                match Index::with_options(of_index)
                    .unwrap()
                    .load(&path, Access::Map)
                {
                    Ok(()) => mistaken.push(pair()),
                    Err(error) => {
                        let text = error.to_string();
                        assert!(text.contains("by its own word"), "{}: {text}", pair());
                    }
                }
            }
        }
    }
    println!("{tried} pairs of files and kinds");
    assert!(tried > 500 && mistaken.is_empty(), "{tried}: {mistaken:#?}");
}

/// Nor can they in files of a megabyte and more, of which load does not try every size of nodes:
/// those of Annoy's other layouts, and of small multiples, it does.
#[test]
fn never_mistaken_for_another_layout() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    let of = |metric, scalar, f| Options {
        scalar,
        ..Options::new(metric, f)
    };
    let (f32, f64) = (ScalarType::F32, ScalarType::F64);
    let (u64, u32, u8) = (ScalarType::Bits64, ScalarType::Bits32, ScalarType::Bits8);
    // The nodes of a 1.17 file on the left are as large as those of the kind on the right in
    // another layout.
    for (of_file, of_index) in [
        (of(Metric::Dot, f32, 40), of(Metric::Dot, f32, 38)),
        (of(Metric::Dot, f64, 40), of(Metric::Dot, f64, 38)),
        (of(Metric::Hamming, u32, 512), of(Metric::Hamming, u64, 512)),
        (of(Metric::Hamming, u8, 512), of(Metric::Hamming, u64, 512)),
        (of(Metric::Hamming, u32, 192), of(Metric::Euclidean, f64, 2)),
        (of(Metric::Hamming, u64, 192), of(Metric::Dot, f32, 4)),
        // Twice as large.
        (
            Options {
                id_width: IdWidth::Bits64,
                ..of(Metric::Hamming, u64, 64)
            },
            of(Metric::Angular, f32, 1),
        ),
    ] {
        let n = (1 << 20) / Struct::of(of_file).size + 5000;
        let mut index = built(of_file, &random_items(of_file, n, 3), 2);
        index.set_metadata(b"who I am").unwrap();
        index.save(&path).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 1 << 20);
        let text = Index::with_options(of_index)
            .unwrap()
            .load(&path, Access::Map)
            .expect_err(&format!("{} < {}", name(of_file), name(of_index)))
            .to_string();
        assert!(text.contains("by its own word"), "{text}");
    }
}

#[test]
fn a_plain_file_with_ids_of_the_other_width_is_named() {
    for options in all_types(20, 600) {
        let file = plain(
            options,
            &saved(&built(options, &random_items(options, 400, 1), 2)),
        );
        let (wrong, hint) = match options.id_width {
            IdWidth::Bits64 => (IdWidth::Bits32, "id_bits = 64"),
            IdWidth::Bits32 => (IdWidth::Bits64, "id_bits = 32"),
        };
        let wrong = Options {
            id_width: wrong,
            ..options
        };
        if Struct::of(wrong).size == Struct::of(options).size {
            continue;
        }
        let text = loaded(wrong, &file).err().unwrap().to_string();
        assert!(text.contains(hint), "{}: {text}", name(options));
        // Where it is not that, nothing is said of it.
        let text = loaded(wrong, &file[..file.len() - 1]).err().unwrap();
        assert!(!text.to_string().contains("id_bits"), "{text}");
    }
}

#[test]
fn plain_files_do_not_say_what_they_are() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    for options in all_types(20, 600) {
        let file = saved(&built(options, &random_items(options, 400, 1), 2));
        fs::write(&path, plain(options, &file)).unwrap();
        let text = Index::open(&path, Access::Map).err().unwrap().to_string();
        assert!(
            text.contains("it has no superblock, as a file by Annoy itself"),
            "{text}"
        );
        let kinds = probe(&path).unwrap();
        let found = kinds
            .iter()
            .find(|kind| kind.options.metric == options.metric);
        let found = found.unwrap_or_else(|| panic!("{}: {kinds:?}", name(options)));
        assert_eq!((found.n_items, found.n_trees), (400, 2));
        if options.metric != Metric::Hamming {
            assert!(
                kinds.iter().any(|kind| kind.options == options),
                "{}",
                name(options)
            );
        }
        // Loaded and saved it says what it is, with the same bytes but for the origin of its
        // forest.
        let mut index = Index::with_options(options).unwrap();
        index.load(&path, Access::Map).unwrap();
        assert!(index.verify(9).unwrap().is_sound());
        let again = saved(&index);
        assert!(
            plain(options, &again) == plain(options, &file),
            "{}",
            name(options)
        );
        let opened = loaded(options, &again).unwrap();
        assert!(opened.verify(9).unwrap().is_sound());
        assert_eq!(opened.info().unwrap().seed, None);
        assert!(Snapshot::of(&index).answers == Snapshot::of(&opened).answers);
    }
}

#[test]
fn other_files_are_of_no_kind() {
    let directory = scratch();
    let path = directory.path().join("x");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        for error in [probe(&path).err(), Index::open(&path, Access::Map).err()] {
            let error = error.expect("refused");
            assert!(matches!(error, Error::Format { .. }), "{error}");
        }
    };
    refused(b"");
    refused(b"x");
    refused(
        "the quick brown fox jumps over the lazy dog\n"
            .repeat(500)
            .as_bytes(),
    );
    let mut random = Random(5);
    for len in [12, 4096, 1 << 20] {
        refused(&(0..len).map(|_| random.next() as u8).collect::<Vec<_>>());
    }
    assert!(matches!(probe(directory.path()), Err(Error::Io { .. })));
    assert!(matches!(
        probe(directory.path().join("none")),
        Err(Error::Io { .. })
    ));
}

fn of_metadata(options: Options, items: &[Item], bytes: &[u8]) -> Index {
    let mut index = built(options, items, 2);
    index.set_metadata(bytes).unwrap();
    index
}

#[test]
fn metadata_of_every_length() {
    let directory = scratch();
    let (memory, disk) = (directory.path().join("a"), directory.path().join("b"));
    for options in [
        Options::new(Metric::Angular, 3),
        Options::new(Metric::Hamming, 64),
    ] {
        let items = random_items(options, 50, 1);
        for len in [0, 1, 63, 64, 65, 1000, MAX_METADATA] {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let index = of_metadata(options, &items, &bytes);
            index.save(&memory).unwrap();
            let mut on_disk = Index::with_options(options).unwrap();
            on_disk.set_metadata(&bytes).unwrap();
            on_disk.on_disk_build(&disk).unwrap();
            on_disk.add_items(None, items.iter()).unwrap();
            on_disk.build(Some(2), Some(1)).unwrap();
            assert!(
                fs::read(&memory).unwrap() == fs::read(&disk).unwrap(),
                "{len}"
            );
            let mut opened = Index::open(&disk, Access::Copy).unwrap();
            assert_eq!(opened.metadata(), bytes);
            assert!(opened.verify(9).unwrap().is_sound());
            // Replaced, taken away, forgotten.
            opened.set_metadata(b"new").unwrap();
            opened.save(&memory).unwrap();
            assert_eq!(
                Index::open(&memory, Access::Map).unwrap().metadata(),
                b"new"
            );
            opened.set_metadata(b"").unwrap();
            opened.save(&memory).unwrap();
            assert!(fs::read(&memory).unwrap() == saved(&built(options, &items, 2)));
            opened.load(&disk, Access::Map).unwrap();
            assert_eq!(opened.metadata(), bytes);
            opened.unload();
            assert!(opened.metadata().is_empty());
        }
    }
    let mut index = Index::new(Metric::Dot, 2).unwrap();
    index.set_metadata(b"old").unwrap();
    let error = index.set_metadata(&vec![0; MAX_METADATA + 1]).unwrap_err();
    assert!(
        error.to_string().contains("65537, expected 65536"),
        "{error}"
    );
    assert_eq!(index.metadata(), b"old");
}

/// Structure that checksums do not guard, as in a plain file.
#[test]
fn verify_finds_what_does_not_hold_together() {
    let options = Options::new(Metric::Euclidean, 3);
    let items = random_items(options, 300, 3);
    let good = plain(options, &saved(&built(options, &items, 2)));
    let layout = Struct::of(options);
    let is_leaf = |node: usize| (2..=layout.leaf as i64).contains(&layout.descendants(&good, node));
    let leaf = (300..).find(|&node| is_leaf(node)).unwrap();
    let split = (300..)
        .find(|&node| layout.descendants(&good, node) > 20)
        .unwrap();
    let finds = |node: usize, word: &str, damage: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        damage(&mut bytes);
        let report = loaded(options, &bytes).unwrap().verify(1000).unwrap();
        let found = report
            .faults
            .iter()
            .any(|f| f.node == Some(node) && f.text.contains(word));
        assert!(found, "{node} {word}: {report:?}");
        assert!(matches!(report.into_result(), Err(Error::Corrupt { .. })));
    };
    let id = |b: &[u8]| layout.child(b, leaf, 0);
    finds(leaf, "which the tree has elsewhere", &|b| {
        let twice = id(b);
        layout.set_child(b, leaf, 1, twice);
    });
    finds(leaf, "it names item 300, expected 0 to 299", &|b| {
        layout.set_child(b, leaf, 1, 300)
    });
    finds(leaf, "it names item -1", &|b| {
        layout.set_child(b, leaf, 1, -1)
    });
    finds(leaf, "it counts -7 descendants", &|b| {
        layout.set_descendants(b, leaf, -7)
    });
    finds(split, "its children count", &|b| {
        layout.set_descendants(b, split, 21)
    });
    let child = layout.child(&good, split, 0);
    finds(split, "which is another node's child already", &|b| {
        layout.set_child(b, split, 1, child)
    });
    finds(split, "expected an item or 300..", &|b| {
        layout.set_child(b, split, 1, 1_000_000)
    });
    finds(split, "not finite", &|b| {
        let at = split * layout.size + layout.vector;
        b[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    finds(250, "not finite", &|b| {
        let at = 250 * layout.size + layout.vector;
        b[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    });
    finds(250, "it is no item: it counts 2 descendants", &|b| {
        layout.set_descendants(b, 250, 2)
    });
    let first_root = layout.count(&good) - 2;
    finds(
        first_root,
        "the tree of this root holds 299 items, expected 300",
        &|b| layout.set_child(b, leaf, 0, 300),
    );
}

/// Superblocks that are whole, by their checksum, and wrong.
#[test]
fn superblocks_that_lie() {
    let options = Options::new(Metric::Euclidean, 40);
    let good = saved(&built(options, &random_items(options, 100, 1), 2));
    let at = superblock(options, &good);
    let lies = |word: &str, change: &dyn Fn(&mut [u8])| {
        let mut bytes = good.clone();
        let block = &mut bytes[at..at + SUPERBLOCK];
        change(block);
        reseal(block);
        let text = loaded(options, &bytes).err().expect(word).to_string();
        assert!(text.contains(word), "{text} lacks {word:?}");
    };
    let long = |at: usize, value: u64| {
        move |block: &mut [u8]| block[at..at + 8].copy_from_slice(&value.to_le_bytes())
    };
    let short = |at: usize, value: u32| {
        move |block: &mut [u8]| block[at..at + 4].copy_from_slice(&value.to_le_bytes())
    };
    let entry = |number: usize| 128 + 32 * number;
    lies("format has version 2", &short(8, 2));
    lies("superblock of 641 bytes", &short(12, 641));
    lies("metric 6", &|b| b[24] = 6);
    lies("metric 0", &|b| b[24] = 0);
    lies("element type 9", &|b| b[25] = 9);
    lies("ids of 33 bits", &|b| b[26] = 33);
    lies("scalar is u64", &|b| b[25] = 3);
    lies("nodes of 7 bytes", &short(28, 7));
    lies("f is 0", &long(32, 0));
    lies("dimensions", &long(32, u64::MAX));
    lies("nodes of 176 bytes, expected", &long(32, 41));
    lies(
        "counts 99 items of 176 bytes, but stands at 17600",
        &long(40, 99),
    );
    lies("items section cannot lie there", &long(entry(0) + 16, 176));
    lies("items, expected", &long(40, u64::MAX));
    lies("items present, expected 0 to 100", &long(48, 101));
    lies("counts", &long(56, 5));
    lies("nodes, expected", &long(56, u64::MAX / 176 + 2));
    lies("counts no trees", &long(64, 0));
    lies("section cannot lie there", &long(64, 3));
    lies("roots section cannot lie there", &long(64, 1));
    lies("trees, expected 0 to 65536", &long(64, 1 << 40));
    lies("17 sections", &short(84, 17));
    lies("lacks the roots section", &short(84, 2));
    lies("two sections of kind 1", &short(entry(1), 1));
    lies("section of kind 77 that has to be understood", &|b| {
        short(entry(3), 77)(b);
        short(entry(3) + 4, 1)(b);
        short(84, 4)(b);
        long(entry(3) + 8, good.len() as u64 - 176 * 4)(b);
    });
    lies("ends beyond the file", &long(entry(1) + 16, u64::MAX));
    lies("ends beyond the file", &long(entry(1) + 8, u64::MAX));
    lies("trees section cannot lie there", &long(entry(1) + 16, 175));
    lies("trees section cannot lie there", &long(entry(1) + 16, 0));
    lies("trees section cannot lie there", &long(entry(1) + 8, 0));
    lies("roots section cannot lie there", &long(entry(2) + 8, 176));
}

/// A later version may add sections. Those that need not be understood are skipped, and kept by a
/// save.
#[test]
fn unknown_sections_are_kept() {
    let options = Options::new(Metric::Manhattan, 5);
    let items = random_items(options, 100, 1);
    let mut bytes = saved(&of_metadata(options, &items, b"something to come"));
    let at = superblock(options, &bytes);
    // What was metadata is now of a kind nobody knows.
    bytes[at + 128 + 3 * 32] = 99;
    reseal(&mut bytes[at..at + SUPERBLOCK]);
    let index = loaded(options, &bytes).unwrap();
    assert!(index.metadata().is_empty());
    assert!(index.verify(9).unwrap().is_sound());
    assert!(Snapshot::of(&index).answers == Snapshot::of(&built(options, &items, 2)).answers);
    assert!(saved(&index) == bytes, "kept as it was");
}

/// A copy does not care what happens to the file.
#[test]
fn a_copy_outlives_its_file() {
    let options = Options::new(Metric::Angular, 10);
    let index = built(options, &random_items(options, 500, 1), 3);
    let directory = scratch();
    let path: PathBuf = directory.path().join("x.ann");
    index.save(&path).unwrap();
    let mut copy = Index::new(Metric::Angular, 10).unwrap();
    copy.load(&path, Access::Copy).unwrap();
    let before = Snapshot::of(&copy);
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    assert!(before == Snapshot::of(&copy));
}
