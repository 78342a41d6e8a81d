//! FORMAT.md is right: its worked example is the file it describes, its table says where the fields
//! are.

use annoy_rs::{Index, Metric};
use std::collections::BTreeMap;

/// As `hexdump` has it, equal lines shortened to `*`.
fn dump(bytes: &[u8]) -> String {
    let (mut text, mut before) = (String::new(), &[][..]);
    for (i, line) in bytes.chunks(16).enumerate() {
        if line == before {
            if !text.ends_with("*\n") {
                text += "*\n";
            }
            continue;
        }
        before = line;
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{:08x}  {}\n", i * 16, hex.join(" "));
    }
    text
}

fn example() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("two.ann");
    let mut index = Index::new(Metric::Angular, 2).unwrap();
    index.add_item(0, &[1.0f32, 0.0]).unwrap();
    index.add_item(1, &[0.0f32, 1.0]).unwrap();
    index.set_seed(7);
    index.set_metadata(b"hi").unwrap();
    index.build(Some(1), Some(1)).unwrap();
    index.save(&path).unwrap();
    std::fs::read(&path).unwrap()
}

const PAGE: &str = include_str!("../../FORMAT.md");

#[test]
fn worked_example_is_what_we_write() {
    let example_on_page = PAGE
        .split("<!-- hexdump:begin -->\n```\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("FORMAT.md has its marks");
    assert_eq!(dump(&example()), example_on_page);
}

/// The rows of a table behind a heading: offset, bytes, first word of the field.
fn table(heading: &str) -> BTreeMap<String, (usize, usize)> {
    let behind = PAGE.split(heading).nth(1).expect(heading);
    let rows = behind.lines().skip_while(|line| !line.starts_with("|--:"));
    rows.skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let name = cells[3].split([':', ';', ' ']).next().unwrap();
            let number = |cell: &str| cell.parse().unwrap();
            (name.to_string(), (number(cells[1]), number(cells[2])))
        })
        .collect()
}

fn field(bytes: &[u8], (offset, len): (usize, usize)) -> u64 {
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(&bytes[offset..][..len]);
    u64::from_le_bytes(wide)
}

#[test]
fn tables_say_where_the_fields_are() {
    let file = example();
    let superblock = &file[2 * 20..];
    let fields = table("## Superblock");
    let expected = [
        ("version", 1),
        ("superblock", 640),
        ("metric", 1),
        ("scalar", 1),
        ("id", 32),
        ("node", 20),
        ("f", 2),
        ("n_items", 2),
        ("n_present", 2),
        ("n_nodes", file.len() as u64 / 20),
        ("n_trees", 1),
        ("seed", 7),
        ("revision", 4),
        ("n_sections", 4),
    ];
    for (name, value) in expected {
        assert_eq!(field(superblock, fields[name]), value, "{name}");
    }
    let entries = fields["16"];
    assert_eq!(entries, (128, 512));
    let entry = table("An entry:");
    let sections = (0..4).map(|i| {
        let bytes = &superblock[entries.0 + 32 * i..];
        let (offset, len) = (field(bytes, entry["offset"]), field(bytes, entry["length"]));
        (field(bytes, entry["kind"]), offset, len)
    });
    let expected = [(1, 0, 40), (2, 0x2bc, 20), (3, 0x30c, 60), (4, 0x300, 2)];
    assert_eq!(sections.collect::<Vec<_>>(), expected);
}

/// The bytes of a section.
fn section_of(bytes: &[u8], kind: u32) -> &[u8] {
    let at = bytes
        .windows(8)
        .position(|w| w == b"ANN\xffRS\n\xff")
        .unwrap()
        + 128;
    let entry = (0..16)
        .map(|i| &bytes[at + 32 * i..][..32])
        .find(|entry| entry[..4] == kind.to_le_bytes())
        .unwrap();
    &bytes[field(entry, (8, 8)) as usize..][..field(entry, (16, 8)) as usize]
}

/// Reads labels and marks as the page says they are.
#[test]
fn labels_and_removed_items_are_where_the_page_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("five.ann");
    let texts = ["", "eins", "zwei", "drei"];
    for is_text in [false, true] {
        let mut index = Index::new(Metric::Euclidean, 1).unwrap();
        for id in 0..11 {
            index.add_item(id, &[id as f32]).unwrap();
        }
        let ids = [0usize, 1, 4, 8];
        for (i, &id) in ids.iter().enumerate() {
            match is_text {
                true => index.set_label(id as i64, texts[i]).unwrap(),
                false => index.set_label(id as i64, i as u64 * 1_000_003).unwrap(),
            }
        }
        index.build(Some(1), Some(1)).unwrap();
        index.remove_item(9).unwrap();
        index.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(section_of(&bytes, 6), [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);

        let labels = section_of(&bytes, 5);
        let fields = table("The header:");
        let header = |name: &str| field(labels, fields[name]) as usize;
        let n_bytes = if is_text { 12 } else { 0 };
        let expected = [
            ("kind", 1 + usize::from(is_text)),
            ("slot", 4),
            ("n_places", 9),
            ("n_labels", 4),
            ("n_slots", 8),
            ("hash", 0),
            ("n_bytes", n_bytes),
        ];
        for (name, value) in expected {
            assert_eq!(header(name), value, "{name}");
        }
        let start = 64;
        assert_eq!(labels[start..start + 8], [0b0001_0011, 1, 0, 0, 0, 0, 0, 0]);
        let values = start + 8;
        let slots = values + 8 * (9 + usize::from(is_text));
        let strings = slots + 8 * 4;
        assert_eq!(labels.len(), strings + n_bytes);
        let mut table = [0u32; 8];
        for (i, &id) in ids.iter().enumerate() {
            let value = field(labels, (values + 8 * id, 8));
            let hashed = match is_text {
                true => {
                    let end = field(labels, (values + 8 * (id + 1), 8)) as usize;
                    labels[strings..][value as usize..end].to_vec()
                }
                false => value.to_le_bytes().to_vec(),
            };
            match is_text {
                true => assert_eq!(hashed, texts[i].as_bytes()),
                false => assert_eq!(value, i as u64 * 1_000_003),
            }
            let hash = twox_hash::XxHash3_64::oneshot_with_seed(0, &hashed);
            let mut slot = ((u128::from(hash) * 8) >> 64) as usize;
            while table[slot] != 0 {
                slot = (slot + 1) % 8;
            }
            table[slot] = id as u32 + 1;
        }
        let found: Vec<u32> = (0..8)
            .map(|i| field(labels, (slots + 4 * i, 4)) as u32)
            .collect();
        assert_eq!(found, table);
    }
}
