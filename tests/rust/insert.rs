//! Items inserted into a built index: found by the next search, in trees and graph; as much of the
//! nearest is found as in an index that was built with them; what is saved holds together.

use crate::common::graphs::{add_graph, gaussian, items, kind, recall, Rows};
use crate::common::scans::{add_scan, clustered};
use crate::common::{
    all_types, built, filled, given_up_at_each_step, in_turn, loaded, name, plain, random_items,
    round_trip, saved, Item, Random,
};
use annoy_rs::{Cancel, Error, Index, Insertion, Metric, ScalarType, Search, Way, Work};

const METRICS: [Metric; 4] = [
    Metric::Angular,
    Metric::Euclidean,
    Metric::Manhattan,
    Metric::Dot,
];

const SCALARS: [ScalarType; 4] = [
    ScalarType::F32,
    ScalarType::F64,
    ScalarType::F32,
    ScalarType::F64,
];

fn with(ids: Option<&[i64]>) -> Insertion<'_> {
    Insertion {
        ids,
        ..Insertion::default()
    }
}

fn threads(n: usize) -> Work<'static> {
    Work {
        n_threads: Some(n),
        ..Work::default()
    }
}

fn insert(index: &mut Index, more: &[Item], n_threads: usize) {
    index
        .insert_items(
            &with(None),
            |i| &more[i],
            more.len(),
            &mut threads(n_threads),
        )
        .unwrap();
}

fn by<'a>(way: Way, search_k: u64) -> Search<'a> {
    Search {
        way,
        search_k: Some(search_k),
        ..Search::new(10)
    }
}

/// Whatever the index went through: it verifies, is the same when it is loaded, and each item is
/// found where it is.
fn holds_together(index: &Index, items: &[Item], context: &str) {
    holds(index, items, true, context);
}

/// Nodes that were appended have other numbers in a file, by which ties are broken: what a search
/// comes upon first may differ.
fn holds(index: &Index, items: &[Item], alike: bool, context: &str) {
    assert_eq!(index.n_items(), items.len(), "{context}");
    let report = index.verify(10).unwrap();
    assert!(report.is_sound(), "{context}: {:?}", report.faults);
    let loaded = Index::open_bytes(saved(index)).unwrap();
    let report = loaded.verify(10).unwrap();
    assert!(report.is_sound(), "{context}: {:?}", report.faults);
    let (info, of_loaded) = (index.info().unwrap(), loaded.info().unwrap());
    assert_eq!(info.shape, of_loaded.shape, "{context}");
    let is_dot = index.options().metric == Metric::Dot;
    let has_scan = index.info().unwrap().scan_lists > 0;
    for (id, item) in items.iter().enumerate().step_by(items.len() / 300 + 1) {
        assert_eq!(Item::read(index, id as i64).unwrap(), *item, "{context}");
        for way in [Way::Fastest, Way::Forest] {
            // Annoy's trees of dot seldom find the item itself at once; a scan knows how far to
            // look.
            let search_k = match way {
                Way::Fastest if has_scan => None,
                _ if is_dot => Some(3000),
                _ => Some(400),
            };
            let search = Search {
                way,
                search_k,
                // The nearest by codes of 4 bits may be another.
                ..Search::new(if has_scan { 10 } else { 1 })
            };
            let found = index.search(item, &search).unwrap();
            let of_loaded = loaded.search(item, &search).unwrap();
            match alike {
                true => assert_eq!(of_loaded, found, "{context}"),
                false => assert!(of_loaded[0].distance == found[0].distance, "{context}"),
            }
            let itself = index.get_distance(id as i64, id as i64).unwrap();
            let is_found = match is_dot {
                true => found[0].distance >= itself,
                false => found[0].distance <= itself,
            };
            assert!(is_found, "{context}: {id} {way:?}: {found:?}, {itself}");
        }
    }
}

#[test]
fn every_type_in_trees() {
    for options in in_turn(all_types(6, 70), 0) {
        for (n, more) in [(0, 3), (1, 1), (3, 200), (40, 41), (400, 1), (400, 150)] {
            let all = random_items(options, n + more, 5);
            let mut index = built(options, &all[..n], 3);
            insert(&mut index, &all[n..], 1);
            let context = format!("{}, {n} and {more}", name(options));
            assert_eq!(index.n_trees(), 3, "{context}");
            holds_together(&index, &all, &context);
            round_trip(&index, &context);
            // All that is there is found where all is looked at.
            let search = Search {
                way: Way::Forest,
                search_k: Some(u64::MAX),
                ..Search::new(n + more)
            };
            assert_eq!(index.search(&all[0], &search).unwrap().len(), n + more);
        }
    }
}

/// Whether as much is found as in an index of the same items that was built.
fn finds_as_much(what: &str, metric: Metric, scalar: ScalarType, rows: &Rows, parts: &[usize]) {
    let options = kind(metric, scalar, rows[0].len());
    let mut all = items(options, rows);
    let queries = all.split_off(all.len() - 100);
    let first = parts[0];
    let mut index = built(options, &all[..first], 5);
    add_graph(&mut index, 2);
    let mut start = first;
    for &end in parts[1..].iter().chain([&all.len()]) {
        insert(&mut index, &all[start..end], 2);
        start = end;
    }
    let context = format!("{what}, {metric:?} {scalar:?}, {parts:?}");
    holds_together(&index, &all, &context);
    let mut fresh = built(options, &all, 5);
    add_graph(&mut fresh, 2);
    for (way, search_k) in [(Way::Forest, 600), (Way::Graph, 150), (Way::Graph, 600)] {
        let search = by(way, search_k);
        let found = recall(&index, &queries, &search);
        let wanted = recall(&fresh, &queries, &search);
        println!("{context}: {way:?} {search_k}: {found:.3}, built {wanted:.3}");
        let slack = if way == Way::Forest { 0.04 } else { 0.02 };
        assert!(
            found >= wanted - slack,
            "{context}: {way:?} {search_k}: {found} {wanted}"
        );
    }
}

#[test]
fn twice_and_ten_times_as_many() {
    for (metric, scalar) in in_turn(METRICS.into_iter().zip(SCALARS), 0) {
        let rows = gaussian(4100, 12, &mut Random(2));
        finds_as_much("gaussian", metric, scalar, &rows, &[2000]);
        finds_as_much(
            "gaussian",
            metric,
            scalar,
            &rows,
            &[400, 700, 1300, 2500, 3900],
        );
    }
}

#[test]
fn another_distribution_clusters_in_order_and_duplicates() {
    let mut random = Random(3);
    for metric in in_turn([Metric::Euclidean, Metric::Angular], 0) {
        let mut drifted = gaussian(4100, 8, &mut random);
        for row in drifted.iter_mut().skip(2000) {
            row.iter_mut().for_each(|x| *x = 0.5 * *x + 6.0);
        }
        // Queries of both.
        let n = drifted.len();
        for i in 0..50 {
            drifted.swap(i, n - 1 - i);
        }
        finds_as_much("drift", metric, ScalarType::F32, &drifted, &[2000, 3000]);
        let mut rows = clustered(4100, 8, 20, &mut random);
        let queries = rows.split_off(4000);
        rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
        rows.extend(queries);
        finds_as_much(
            "sorted",
            metric,
            ScalarType::F32,
            &rows,
            &[500, 1000, 2000, 3000],
        );
        let mut copies = gaussian(2050, 8, &mut random);
        copies.extend_from_within(..2050);
        finds_as_much("copies", metric, ScalarType::F32, &copies, &[2050, 2500]);
    }
}

#[test]
fn the_same_bytes_for_any_threads() {
    for metric in in_turn(METRICS, 0) {
        let options = kind(metric, ScalarType::F32, 10);
        let all = items(options, &gaussian(3000, 10, &mut Random(4)));
        let mut of_threads = Vec::new();
        for n_threads in [1, 2, 7] {
            let mut index = built(options, &all[..1500], 3);
            add_graph(&mut index, n_threads);
            if metric != Metric::Manhattan {
                add_scan(&mut index, n_threads);
            }
            insert(&mut index, &all[1500..2900], n_threads);
            insert(&mut index, &all[2900..], n_threads);
            of_threads.push(saved(&index));
        }
        assert!(
            of_threads.windows(2).all(|two| two[0] == two[1]),
            "{metric:?}"
        );
    }
}

#[test]
fn a_scan_finds_as_much() {
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        let options = kind(metric, ScalarType::F32, 10);
        let mut all = items(options, &clustered(4100, 10, 40, &mut Random(7)));
        let queries = all.split_off(4000);
        let mut index = built(options, &all[..2500], 2);
        add_scan(&mut index, 2);
        let lists = index.info().unwrap().scan_lists;
        for part in [2500..2600, 2600..3999, 3999..4000] {
            insert(&mut index, &all[part], 2);
        }
        assert_eq!(index.info().unwrap().scan_lists, lists);
        holds_together(&index, &all, &format!("scan, {metric:?}"));
        let mut fresh = built(options, &all, 2);
        add_scan(&mut fresh, 2);
        for search_k in [200, 1000] {
            let search = by(Way::Scan, search_k);
            let (found, wanted) = (
                recall(&index, &queries, &search),
                recall(&fresh, &queries, &search),
            );
            println!("scan, {metric:?} {search_k}: {found:.3}, built {wanted:.3}");
            assert!(
                found >= wanted - 0.03,
                "{metric:?} {search_k}: {found} {wanted}"
            );
        }
        // Twice as many in a list as a build has: made anew.
        let more = items(options, &clustered(6000, 10, 40, &mut Random(8)));
        insert(&mut index, &more, 2);
        assert!(index.info().unwrap().scan_lists > lists, "{metric:?}");
    }
}

#[test]
fn a_loaded_index_thaws_with_all_it_has() {
    for metric in METRICS {
        let options = kind(metric, ScalarType::F64, 6);
        let all = items(options, &gaussian(2000, 6, &mut Random(9)));
        let mut index = built(options, &all[..1500], 3);
        add_graph(&mut index, 1);
        if metric != Metric::Manhattan {
            add_scan(&mut index, 1);
        }
        index.set_label(3, "three").unwrap();
        index.set_metadata(b"mine").unwrap();
        index.remove_item(4).unwrap();
        index.tune(&mut threads(1)).unwrap();
        let bytes = saved(&index);
        let mut thawed = Index::open_bytes(bytes.clone()).unwrap();
        thawed.thaw_built().unwrap();
        assert!(!thawed.info().unwrap().is_loaded);
        assert!(saved(&thawed) == bytes, "{metric:?}");
        thawed.thaw_built().unwrap();
        insert(&mut thawed, &all[1500..], 1);
        insert(&mut index, &all[1500..], 1);
        assert!(saved(&thawed) == saved(&index), "{metric:?}");
        assert!(thawed.is_removed(4) && thawed.find_label("three").unwrap() == Some(3));
    }
    // By Annoy.
    let options = kind(Metric::Angular, ScalarType::F32, 5);
    let all = items(options, &gaussian(700, 5, &mut Random(10)));
    let index = built(options, &all[..600], 3);
    let mut thawed = loaded(options, &plain(options, &saved(&index))).unwrap();
    thawed.thaw_built().unwrap();
    let n_nodes = thawed.info().unwrap().n_nodes;
    insert(&mut thawed, &all[600..601], 1);
    let more = thawed.info().unwrap().n_nodes - n_nodes;
    assert!((1..100).contains(&more), "{more}");
    holds(&thawed, &all[..601], false, "one, by Annoy");
    insert(&mut thawed, &all[601..], 1);
    holds_together(&thawed, &all, "by Annoy");
    let error = Index::with_options(options).unwrap().thaw_built();
    assert!(matches!(error, Err(Error::State { .. })));
}

#[test]
fn ids_and_holes() {
    let options = kind(Metric::Euclidean, ScalarType::F32, 4);
    let all = items(options, &gaussian(1000, 4, &mut Random(5)));
    let mut index = filled(options, &[]);
    for id in (0..800).filter(|id| id % 3 != 1) {
        index.add_item(id as i64, &all[id]).unwrap();
    }
    index.build(Some(4), Some(1)).unwrap();
    add_graph(&mut index, 1);
    let ids: Vec<i64> = (0..1000)
        .filter(|id| id % 3 == 1 || *id >= 800)
        .rev()
        .collect();
    index
        .insert_items(
            &with(Some(&ids)),
            |i| &all[ids[i] as usize],
            ids.len(),
            &mut threads(2),
        )
        .unwrap();
    holds_together(&index, &all, "holes");
    // Far behind the last: holes again.
    index
        .insert_items(&with(Some(&[5000])), |_| &all[0], 1, &mut threads(1))
        .unwrap();
    assert_eq!(index.n_items(), 5001);
    assert!(index.verify(5).unwrap().is_sound());
    let found = index.get_nns_by_vector(&all[0], 2, None).unwrap();
    assert_eq!((found[0].id, found[1].id), (0, 5000));
}

#[test]
fn on_an_error_nothing_has_changed() {
    let options = kind(Metric::Dot, ScalarType::F32, 6);
    let all = items(options, &gaussian(1500, 6, &mut Random(6)));
    let mut index = built(options, &all[..1200], 3);
    add_graph(&mut index, 1);
    add_scan(&mut index, 1);
    index.set_label(7, "seven").unwrap();
    index.remove_item(9).unwrap();
    let before = saved(&index);
    let row = [0.5f32; 6];
    let mut refused = |ids: Option<&[i64]>, rows: &[&[f32]], expected: &str| {
        let error = index
            .insert_items(&with(ids), |i| rows[i], rows.len(), &mut threads(1))
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(saved(&index) == before, "{error}");
    };
    refused(Some(&[1500, 7]), &[&row, &row], "7");
    refused(Some(&[9]), &[&row], "9");
    refused(Some(&[1300, 1300]), &[&row, &row], "1300");
    refused(Some(&[-1]), &[&row], "-1");
    refused(Some(&[1300]), &[&row, &row], "number of ids");
    refused(Some(&[i64::MAX]), &[&row], "9223372036854775807");
    refused(None, &[&row, &row[..5]], "5");
    refused(None, &[&row, &[f32::NAN; 6]], "NaN");
    index
        .insert_items(&with(None), |_| &row, 0, &mut threads(1))
        .unwrap();
    assert!(saved(&index) == before);

    // Given up at any step.
    let more = &all[1200..];
    let stages = given_up_at_each_step(&mut index, 8, &|index, work| {
        index.insert_items(&with(None), |i| &more[i], more.len(), work)
    });
    assert_eq!(stages.len(), 4, "{stages:?}");
    assert_eq!(index.n_items(), 1500);
    assert!(index.verify(5).unwrap().is_sound());
    assert!(index.is_removed(9) && index.find_label("seven").unwrap() == Some(7));

    let insert_one = |index: &mut Index, expected: &str| {
        let error = index
            .insert_items(&with(None), |_| &row, 1, &mut threads(1))
            .unwrap_err();
        assert!(matches!(error, Error::State { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let mut loaded = Index::open_bytes(before).unwrap();
    insert_one(&mut loaded, "thaw");
    loaded.thaw().unwrap();
    insert_one(&mut loaded, "not built");
}

/// One at a time, where trees and graph lie, beyond the room that there is for them.
#[test]
fn one_at_a_time() {
    const ROWS: usize = 2600;
    for (metric, scalar) in in_turn(METRICS.into_iter().zip(SCALARS), 1) {
        let options = kind(metric, scalar, 10);
        let mut all = items(options, &gaussian(ROWS + 100, 10, &mut Random(12)));
        let queries = all.split_off(ROWS);
        let mut index = built(options, &all[..1200], 5);
        add_graph(&mut index, 2);
        for item in &all[1200..] {
            insert(&mut index, std::slice::from_ref(item), 1);
        }
        holds(&index, &all, false, &format!("one at a time, {metric:?}"));
        let mut fresh = built(options, &all, 5);
        add_graph(&mut fresh, 2);
        for (way, search_k) in [(Way::Forest, 400), (Way::Graph, 150), (Way::Graph, 600)] {
            let search = by(way, search_k);
            let found = recall(&index, &queries, &search);
            let wanted = recall(&fresh, &queries, &search);
            println!("{metric:?}: {way:?} {search_k}: {found:.3}, built {wanted:.3}");
            let slack = if way == Way::Forest { 0.04 } else { 0.02 };
            assert!(found >= wanted - slack, "{metric:?}: {way:?} {search_k}");
        }
    }
}

#[test]
fn one_at_a_time_of_every_type() {
    for options in in_turn(all_types(6, 70), 1) {
        let all = random_items(options, 1300, 5);
        let mut index = built(options, &all[..1100], 3);
        let holes = [3, 700, 1099];
        for id in holes {
            index.remove_item(id).unwrap();
        }
        index.consolidate(&mut threads(1)).unwrap();
        for item in &all[1100..] {
            insert(&mut index, std::slice::from_ref(item), 1);
        }
        for id in holes {
            let ids = [id];
            let row = |_| &all[id as usize];
            index
                .insert_items(&with(Some(&ids)), row, 1, &mut threads(1))
                .unwrap();
        }
        let context = format!("one at a time, {}", name(options));
        assert_eq!(index.n_trees(), 3, "{context}");
        holds(&index, &all, false, &context);
        let search = Search {
            way: Way::Forest,
            search_k: Some(u64::MAX),
            ..Search::new(all.len())
        };
        assert_eq!(index.search(&all[0], &search).unwrap().len(), all.len());
    }
}

/// Where trees and graph lie, all is as before as well.
#[test]
fn a_few_or_none() {
    for metric in METRICS {
        let options = kind(metric, ScalarType::F32, 6);
        let all = items(options, &gaussian(2700, 6, &mut Random(13)));
        let mut index = built(options, &all[..2600], 3);
        add_graph(&mut index, 1);
        index.remove_item(9).unwrap();
        index.set_label(3, "three").unwrap();
        insert(&mut index, &all[2600..2601], 1);
        insert(&mut index, &all[2601..2603], 1);
        let before = saved(&index);
        let row = [0.1f32; 6];
        let rows: [&[f32]; 4] = [&row, &row, &[f32::NAN; 6], &row];
        for n in [3, 4] {
            let refused = index.insert_items(&with(None), |i| rows[i], n, &mut threads(1));
            assert!(
                matches!(refused, Err(Error::NotFinite { .. })),
                "{refused:?}"
            );
            assert!(saved(&index) == before, "{metric:?}");
        }
        let label = |i: usize| annoy_rs::Label::Utf8(["one", "three"][i]);
        let labelled = Insertion {
            labels: Some(&label),
            ..Insertion::default()
        };
        let refused = index.insert_items(&labelled, |_| &row, 2, &mut threads(1));
        assert!(matches!(refused, Err(Error::Label { .. })), "{refused:?}");
        assert!(saved(&index) == before, "{metric:?}");
        for at in 0..4 {
            let (cancel, mut n) = (Cancel::new(), 0);
            let mut progress = |_, _, _| {
                n += 1;
                if n > at {
                    cancel.cancel();
                }
            };
            let mut work = Work {
                n_threads: Some(1),
                cancel: Some(&cancel),
                progress: Some(&mut progress),
            };
            let refused = index.insert_items(&with(None), |_| &row, 5, &mut work);
            assert!(matches!(refused, Err(Error::Cancelled)), "{refused:?}");
            assert!(saved(&index) == before, "{metric:?}");
        }
        index
            .insert_items(&labelled, |_| &row, 1, &mut threads(1))
            .unwrap();
        assert_eq!(index.find_label("one").unwrap(), Some(2603));
        assert!(index.verify(5).unwrap().is_sound());
        assert!(Index::open_bytes(saved(&index)).unwrap().is_removed(9));
        // As large a step again as there was: the same in any case.
        let mut again = Index::open_bytes(before).unwrap();
        again.thaw_built().unwrap();
        insert(&mut again, &all[2603..2604], 1);
        assert!(again.verify(5).unwrap().is_sound());
    }
}
