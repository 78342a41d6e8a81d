//! Labels, marks of removed items and graphs in our files: Annoy does not see them. It still finds
//! what is removed, and searches the trees.

use crate::annoy::Annoy;
use crate::common::in_turn;
use crate::data::{Case, Kind};
use crate::{answer, build, cases, compare, load, paths, with, Tally};
use annoy_rs::{GraphPlan, Index, Metric, Work};

/// Labels for the items of case `number`: none, numbers, or strings of many lengths; not for all
/// items.
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

/// What Annoy answers from a file it answers from the same file with a graph and
/// lists of a scan.
#[test]
fn graphs_in_annoy() {
    let Some(annoy) = Annoy::find() else { return };
    // Codes of the longest are made short.
    let long = [Metric::Angular, Metric::Euclidean, Metric::Dot].map(|metric| {
        let shape = [(10, -1), (100, 1000)];
        Case::new(metric, 200, 900, Some(4), Kind::Normal, &shape)
    });
    let cases: Vec<_> = cases().into_iter().step_by(3).chain(long).collect();
    assert!(cases.len() >= 100, "{} files", cases.len());
    let cases = in_turn(cases, 0);
    let paths = paths(&annoy, &cases);
    let jobs = with(&cases, &paths);
    for (number, (case, path)) in jobs.iter().enumerate() {
        build(case, number, path);
    }
    let before = annoy.answer(&jobs);
    for (case, path) in &jobs {
        let mut index = load(case, path);
        let plan = GraphPlan {
            degree: 8,
            ..GraphPlan::default()
        };
        index.build_graph(&plan, &mut Work::default()).unwrap();
        let metric = index.options().metric;
        let has_scan = !matches!(metric, Metric::Manhattan | Metric::Hamming);
        if has_scan {
            index.build_scan(&mut Work::default()).unwrap();
        }
        index.save(path).unwrap();
        let loaded = load(case, path);
        assert_eq!(loaded.graph_degree(), 8, "{}", case.name);
        assert_eq!(
            loaded.info().unwrap().scan_lists > 0,
            has_scan,
            "{}",
            case.name
        );
        loaded.verify(3).unwrap().into_result().unwrap();
    }
    let mut searches = 0;
    for ((case, before), after) in cases.iter().zip(&before).zip(&annoy.answer(&jobs)) {
        assert_eq!(
            (after.n_items, after.n_trees),
            (before.n_items, before.n_trees)
        );
        assert!(after.found == before.found, "{}", case.name);
        assert!(after.vectors == before.vectors, "{}", case.name);
        searches += before.found.len();
    }
    assert!(searches > 5000, "{searches}");
}
