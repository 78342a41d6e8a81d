use annoy_rs::{Access, Index, Metric};

fn main() -> Result<(), annoy_rs::Error> {
    let mut index = Index::new(Metric::Angular, 3)?;
    for (id, row) in [[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]].iter().enumerate() {
        index.add_item(id as i64, row)?;
    }
    index.build(Some(10), None)?;
    index.save("three.ann")?;
    let opened = Index::open("three.ann", Access::Map)?;
    let found = opened.get_nns_by_vector(&[1.0f32, 0.1, 0.0], 2, None)?;
    println!("{} {} {:.3}", found[0].id, found[1].id, found[0].distance);
    Ok(())
}
