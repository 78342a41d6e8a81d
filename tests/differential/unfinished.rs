//! The file of an on-disk build that is not finished: Annoy does not open it.

use crate::annoy::Annoy;
use crate::common::{directory, filled, random_items};
use annoy_rs::{Index, Metric, Options};
use std::fs;

#[test]
fn unfinished_files_in_annoy() {
    let Some(annoy) = Annoy::find() else {
        return;
    };
    let place = annoy.path("unfinished");
    fs::create_dir(&place).unwrap();
    let mut cases = Vec::new();
    for metric in Metric::ALL {
        for f in [1, 5, 8, 64, 1021] {
            let options = Options::new(metric, f);
            let items = random_items(options, 3000, 1);
            let mut index = Index::with_options(options).unwrap();
            index.on_disk_build(place.join("x.ann")).unwrap();
            for some in [&items[..0], &items[..10], &items[..]] {
                index.add_items(None, some.iter()).unwrap();
                let temporary = directory(&place).into_keys().find(|n| n.ends_with(".tmp"));
                let copy = annoy.path(&format!("{}.unfinished", cases.len()));
                fs::copy(place.join(temporary.unwrap()), &copy).unwrap();
                cases.push((options, copy));
            }
        }
    }
    for ((options, _), said) in cases.iter().zip(annoy.refuse(&cases)) {
        let said = said.unwrap_or_else(|| panic!("{options:?}: opened"));
        assert!(
            said.contains("not a multiple of vector size"),
            "{options:?}: {said}"
        );
    }
    // It opens what is finished.
    let options = Options::new(Metric::Angular, 8);
    let mut index = filled(options, &random_items(options, 100, 1));
    index.build(Some(1), Some(1)).unwrap();
    let path = annoy.path("finished.ann");
    index.save(&path).unwrap();
    assert_eq!(annoy.refuse(&[(options, path)]), [None]);
}
