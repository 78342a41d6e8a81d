//! Labels and marks of removed items in our files: Annoy does not see them. It still finds what is removed.

use crate::annoy::Annoy;
use crate::{answer, build, cases, compare, load, paths, with, Tally};
use annoy_rs::Index;

/// Labels for the items of case `number`: none, numbers, or strings of many lengths; not for all items.
pub fn label(index: &mut Index, number: usize) {
    for id in (0..index.n_items() as i64).filter(|id| id % 7 != 3) {
        match number % 3 {
            0 => return,
            1 => index.set_label(id, id as u64 * 0x9e37_79b9).unwrap(),
            _ => {
                let text = "é".repeat(id as usize % 20) + &id.to_string();
                index.set_label(id, &text).unwrap();
            }
        }
    }
}

#[test]
fn removed_items_in_annoy() {
    let Some(annoy) = Annoy::find() else { return };
    // Large searches and small indexes are in the other matrix.
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|case| case.n_items() >= 700)
        .step_by(3)
        .collect();
    assert!(cases.len() >= 15, "{} files", cases.len());
    let paths = paths(&annoy, &cases);
    let jobs = with(&cases, &paths);
    let mut all_ours = Vec::new();
    for (number, (case, path)) in jobs.iter().enumerate() {
        let mut index = build(case, number, path);
        all_ours.push(answer(case, &load(case, path)));
        let removed = case.ids.iter().step_by(3);
        let n_removed = removed.filter(|&&id| index.remove_item(id).is_ok()).count();
        index.save(path).unwrap();
        let loaded = load(case, path);
        assert!(
            n_removed > 0 && loaded.n_removed() == n_removed,
            "{}",
            case.name
        );
        loaded.verify(3).unwrap().into_result().unwrap();
    }
    let mut tally = Tally::default();
    for ((case, ours), annoys) in cases.iter().zip(&all_ours).zip(&annoy.answer(&jobs)) {
        assert_eq!(annoys.n_trees, ours.n_trees, "{}", case.name);
        tally.add(compare(case, ours, annoys));
    }
    println!("files with labels and removed items: {tally:?}");
    assert!(tally.searches >= 1000, "{tally:?}");
    assert!(tally.near_equal * 100 <= tally.searches, "{tally:?}");
    assert!(tally.different * 5000 <= tally.searches, "{tally:?}");
}
