//! FORMAT.md's worked example is the file it describes.

use annoy_rs::{Index, Metric};

fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (i, line) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        text += &format!("{:08x}  {}\n", i * 16, hex.join(" "));
    }
    text
}

#[test]
fn worked_example_is_what_we_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("two.ann");
    let mut index = Index::new(Metric::Angular, 2).unwrap();
    index.add_item(0, &[1.0f32, 0.0]).unwrap();
    index.add_item(1, &[0.0f32, 1.0]).unwrap();
    index.build(Some(1), Some(1)).unwrap();
    index.save(&path).unwrap();

    let page = include_str!("../FORMAT.md");
    let example = page
        .split("<!-- hexdump:begin -->\n```\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("FORMAT.md has its marks");
    assert_eq!(dump(&std::fs::read(&path).unwrap()), example);
}
