//! The same items, seed and number of trees give the same file, byte for byte: for any number of
//! threads, in memory or on disk, with every kernel, today and tomorrow. The checksums below are
//! those of files as they have been.

use crate::common::{all_types, checksum, filled, in_turn, name, plain, random_items, saved, Item};
use annoy_rs::{kernel_name, Index, Metric, Options};
use std::fs;

const ITEMS: usize = 700;
const TREES: usize = 5;

/// FNV-1a (64 bits) of the plain file of each type, without what it says of itself. A change here
/// is a new `superblock::REVISION`: files built before differ.
#[rustfmt::skip]
const GOLDEN: [(&str, u64); 27] = [
    ("angular f32 i32 f=37", 0x1eff513c39f44f3f),
    ("angular f32 i64 f=37", 0xea0f34ae07964e68),
    ("angular f64 i32 f=37", 0xce607a53598ef180),
    ("angular f64 i64 f=37", 0x809ead811093315b),
    ("euclidean f32 i32 f=37", 0xa42190a90ae8d1d5),
    ("euclidean f32 i64 f=37", 0x21e4f36006af35a2),
    ("euclidean f64 i32 f=37", 0x5ecb46335d0409fe),
    ("euclidean f64 i64 f=37", 0xb251d0a67fb130a1),
    ("manhattan f32 i32 f=37", 0x4fae70e69df2a76f),
    ("manhattan f32 i64 f=37", 0x27c1b44a96d6c806),
    ("manhattan f64 i32 f=37", 0x779e08f8dbc49edb),
    ("manhattan f64 i64 f=37", 0x4e80941b3058e752),
    ("dot f32 i32 f=37", 0xabf81496cc1a5c97),
    ("dot f32 i64 f=37", 0xc26c631301e3c6fe),
    ("dot f64 i32 f=37", 0x53789747d4dd0be5),
    ("dot f64 i64 f=37", 0xd80fe77a720b681f),
    ("hamming u64 i32 f=150", 0x077cd0c38edaac13),
    ("hamming u64 i64 f=150", 0x3430731a22c00d64),
    ("hamming u32 i32 f=150", 0x299748a1f591ae70),
    ("hamming u32 i64 f=150", 0xd9217dea82d72de6),
    ("hamming u8 i32 f=150", 0x47cf9ced65174047),
    ("hamming u8 i64 f=150", 0x022e539545ab28a0),
    ("angular f32 i32 f=200", 0x0580852877cf3672),
    ("euclidean f32 i32 f=200", 0x1739ba0bd736a7ca),
    ("manhattan f32 i32 f=200", 0x9a2d73bb645b9ff5),
    ("dot f32 i32 f=200", 0x9150c53947012f9b),
    ("hamming u64 i32 f=8192", 0x84666bb059754b6d),
];

/// Not multiples of any register's width; and more items than fit one leaf.
fn types() -> Vec<Options> {
    all_types(37, 150)
}

/// The usual types with so much data that a tree has several levels before a subset fits a local
/// copy.
fn large_types() -> Vec<Options> {
    let f = |metric| if metric == Metric::Hamming { 8192 } else { 200 };
    let options = |metric| Options::new(metric, f(metric));
    Metric::ALL.into_iter().map(options).collect()
}

fn all() -> Vec<Options> {
    types().into_iter().chain(large_types()).collect()
}

fn title(options: Options) -> String {
    format!("{} f={}", name(options), options.f)
}

fn items(options: Options) -> Vec<Item> {
    let n = if options.f < 200 { ITEMS } else { 6000 };
    let mut items = random_items(options, n, 2026);
    // Some equal ones and a zero, which are split by coin tosses.
    for id in 100..160 {
        items[id] = items[99].clone();
    }
    items[7] = Item::zero(options);
    items
}

fn golden(options: Options) -> u64 {
    let name = title(options);
    let found = GOLDEN.iter().find(|(known, _)| *known == name);
    found.map_or(0, |(_, checksum)| *checksum)
}

fn memory(options: Options, items: &[Item], threads: usize) -> Index {
    let mut index = filled(options, items);
    index.build(Some(TREES), Some(threads)).unwrap();
    index
}

#[test]
fn checksums_are_those_of_before() {
    println!("kernel: {}", kernel_name().unwrap());
    let mut differ = Vec::new();
    for options in all() {
        let file = saved(&memory(options, &items(options), 1));
        let found = checksum(&plain(options, &file));
        if found != golden(options) {
            differ.push(format!("    ({:?}, {found:#018x}),", title(options)));
        }
    }
    assert!(
        differ.is_empty(),
        "files have changed. If that is meant, the new values are:\n{}",
        differ.join("\n")
    );
}

/// The test above on each kernel.
#[test]
fn every_kernel_gives_the_same_files() {
    for (kernel, text) in crate::on_every_kernel("determinism::checksums_are_those_of_before") {
        assert!(text.contains(&format!("kernel: {kernel}")), "{text}");
    }
}

#[test]
fn a_kernel_that_is_not_there() {
    let output = crate::common::this_program()
        .args(["--exact", "determinism::checksums_are_those_of_before"])
        .env("ANNOY_RS_KERNEL", "abacus")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        text.contains("abacus") && text.contains("it has: portable"),
        "{text}"
    );
}

#[test]
fn threads_and_place_do_not_matter() {
    let directory = crate::common::scratch();
    for (number, options) in all().into_iter().enumerate() {
        let items = items(options);
        let first = saved(&memory(options, &items, 1));
        let ways = [
            (1, false),
            (1, true),
            (2, true),
            (2, false),
            (7, false),
            (7, true),
        ];
        for (threads, on_disk) in in_turn(ways, number) {
            let context = format!("{}, {threads} threads", name(options));
            if !on_disk {
                let again = saved(&memory(options, &items, threads));
                assert!(first == again, "{context}, memory");
                continue;
            }
            let path = directory.path().join("x.ann");
            let mut index = Index::with_options(options).unwrap();
            index.on_disk_build(&path).unwrap();
            index.add_items(None, items.iter()).unwrap();
            index.build(Some(TREES), Some(threads)).unwrap();
            assert!(first == fs::read(&path).unwrap(), "{context}, disk");
            assert!(first == saved(&index), "{context}, disk, saved again");
        }
    }
}

#[test]
fn threads_do_not_matter_when_the_number_of_trees_is_chosen() {
    for options in types() {
        let items = items(options);
        let build = |threads| {
            let mut index = filled(options, &items);
            index.build(None, threads).unwrap();
            saved(&index)
        };
        let first = build(Some(1));
        for threads in [Some(2), Some(7), None] {
            assert!(first == build(threads), "{} {threads:?}", name(options));
        }
    }
}

#[test]
fn the_order_of_adding_does_not_matter() {
    for options in types() {
        let items = items(options);
        let others = random_items(options, ITEMS, 1);
        // Every seventh id is a hole, but the last is there.
        let there = |id: usize| id % 7 != 3 || id == ITEMS - 1;
        let build = |order: &mut dyn Iterator<Item = usize>, overwrite: bool| {
            let mut index = Index::with_options(options).unwrap();
            for id in order.filter(|&id| there(id)) {
                if overwrite {
                    index.add_item(id as i64, &others[id]).unwrap();
                }
                index.add_item(id as i64, &items[id]).unwrap();
            }
            index.build(Some(TREES), Some(2)).unwrap();
            saved(&index)
        };
        let first = build(&mut (0..ITEMS), false);
        assert!(
            first == build(&mut (0..ITEMS).rev(), false),
            "{}",
            name(options)
        );
        let scattered = |i: usize| i * 333 % ITEMS;
        assert!(
            first == build(&mut (0..ITEMS).map(scattered), true),
            "{}",
            name(options)
        );
        // In one call, with ids; the later of two rows with the same id counts.
        let ids: Vec<i64> = (0..ITEMS)
            .filter(|&id| there(id))
            .map(|id| id as i64)
            .collect();
        let twice: Vec<i64> = ids.iter().chain(&ids).copied().collect();
        let rows = ids.iter().map(|&id| &others[id as usize]);
        let rows: Vec<&Item> = rows
            .chain(ids.iter().map(|&id| &items[id as usize]))
            .collect();
        let mut index = Index::with_options(options).unwrap();
        index.add_items(Some(&twice), rows.into_iter()).unwrap();
        index.build(Some(TREES), Some(1)).unwrap();
        assert!(first == saved(&index), "{}", name(options));
    }
}

#[test]
fn seeds_and_items_do_matter() {
    for options in types() {
        let mut items = items(options);
        let build = |seed, items: &[Item]| {
            let mut index = filled(options, items);
            index.set_seed(seed);
            index.build(Some(TREES), Some(1)).unwrap();
            saved(&index)
        };
        let first = build(1, &items);
        for seed in [0, 2, 1 << 32, u64::MAX] {
            assert!(first != build(seed, &items), "{} {seed}", name(options));
        }
        assert!(first == build(1, &items));
        items[ITEMS - 1] = Item::zero(options);
        assert!(first != build(1, &items));
    }
}

/// More trees continue a forest: tree number t is the same in all of them.
#[test]
fn trees_do_not_depend_on_how_many_there_are() {
    for options in types() {
        let items = items(options);
        let layout = crate::common::Struct::of(options);
        let build = |n_trees| {
            plain(
                options,
                &saved(&crate::common::built(options, &items, n_trees)),
            )
        };
        let (few, many) = (build(2), build(4));
        // All but the copies of the roots.
        let same = few.len() - 2 * layout.size;
        assert!(few[..same] == many[..same], "{}", name(options));
    }
}
