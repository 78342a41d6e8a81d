//! Searches that are asked for a recall: they find it, in all ways and metrics; and what measures
//! them is the same on any number of threads, and kept in files.

use crate::common::graphs::{add_graph, gaussian, items, kind, recall};
use crate::common::scans::{add_scan, clustered};
use crate::common::{built, in_turn, random_items, saved, section, Item, Random};
use annoy_rs::{Error, Index, Metric, Options, ScalarType, Search, Way, Work};

const CURVE: u32 = 10;
const QUERIES: usize = 200;

fn threads(n: usize) -> Work<'static> {
    Work {
        n_threads: Some(n),
        ..Work::default()
    }
}

fn asking<'a>(recall: f64) -> Search<'a> {
    Search {
        recall: Some(recall),
        ..Search::new(10)
    }
}

/// An index of all but the last items, which are queries.
fn split(options: Options, mut all: Vec<Item>) -> (Index, Vec<Item>) {
    let queries = all.split_off(all.len() - QUERIES);
    (built(options, &all, 5), queries)
}

fn sets() -> Vec<(Index, Vec<Item>)> {
    let mut random = Random(3);
    let mut float = |metric, scalar, f, clusters: usize| {
        let options = kind(metric, scalar, f);
        let rows = match clusters {
            0 => gaussian(6000, f, &mut random),
            n => clustered(6000, f, n, &mut random),
        };
        split(options, items(options, &rows))
    };
    let bits = Options::new(Metric::Hamming, 128);
    vec![
        float(Metric::Angular, ScalarType::F32, 16, 0),
        float(Metric::Euclidean, ScalarType::F64, 12, 40),
        float(Metric::Dot, ScalarType::F32, 12, 0),
        float(Metric::Manhattan, ScalarType::F32, 8, 0),
        split(bits, random_items(bits, 3000, 4)),
    ]
}

#[test]
fn a_search_finds_what_it_is_asked_for() {
    for (mut index, queries) in in_turn(sets(), 0) {
        let metric = index.options().metric;
        for way in ["forest", "scan", "graph"] {
            match way {
                "scan" if matches!(metric, Metric::Manhattan | Metric::Hamming) => continue,
                "scan" => add_scan(&mut index, 2),
                "graph" => add_graph(&mut index, 2),
                _ => {}
            }
            index.tune(&mut threads(2)).unwrap();
            let mut before = 0.0;
            for wanted in [0.8, 0.9, 0.95, 0.99, 1.0] {
                let found = recall(&index, &queries, &asking(wanted));
                println!("{metric:?} {way}: asked {wanted}, found {found:.3}");
                // 200 queries and 512: chance alone makes as much.
                assert!(
                    found >= wanted - 0.035,
                    "{metric:?} {way} {wanted}: {found}"
                );
                assert!(found >= before - 0.01, "{metric:?} {way} {wanted}: {found}");
                before = found;
            }
            assert_eq!(before, 1.0, "{metric:?} {way}");
            let little = recall(&index, &queries, &asking(0.01));
            // Clusters are found with the least that was measured.
            let is_easy = metric == Metric::Euclidean;
            assert!(is_easy || little < 0.99, "{metric:?} {way}: {little}");
        }
    }
}

#[test]
fn more_results_take_more() {
    let (mut index, queries) = sets().swap_remove(0);
    add_graph(&mut index, 2);
    index.tune(&mut threads(2)).unwrap();
    let search = Search {
        n: 55,
        ..asking(0.9)
    };
    let found = recall(&index, &queries, &search);
    assert!(found > 0.87, "{found}");
}

#[test]
fn queries_of_the_callers() {
    let (mut index, queries) = sets().swap_remove(1);
    add_graph(&mut index, 2);
    // Queries from nowhere near the items find less with as much.
    let far = gaussian(QUERIES, index.f(), &mut Random(8));
    let far = items(index.options(), &far);
    for queries in [&queries, &far] {
        index
            .tune_for(|i| &queries[i], queries.len(), &mut threads(2))
            .unwrap();
        assert_eq!(index.info().unwrap().n_tuned, QUERIES as u64);
        for wanted in [0.8, 0.95] {
            let found = recall(&index, queries, &asking(wanted));
            // Between two measurements it is a guess.
            assert!(found >= wanted - 0.02, "{wanted}: {found}");
        }
    }
    let before = saved(&index);
    let mut tune = |n, query: &[f64]| index.tune_for(|_| query, n, &mut threads(1));
    let row = vec![0.5; 12];
    assert!(matches!(tune(0, &row), Err(Error::Argument { .. })));
    assert!(matches!(tune(2, &row[1..]), Err(Error::Dimension { .. })));
    assert!(matches!(
        tune(2, &[f64::NAN; 12]),
        Err(Error::NotFinite { .. })
    ));
    assert_eq!(saved(&index), before);
}

#[test]
fn the_curve_is_the_same_for_any_threads_and_kept_in_the_file() {
    for (mut index, queries) in in_turn(sets(), 1) {
        add_graph(&mut index, 2);
        let mut curves = Vec::new();
        for n in [1, 2, 7] {
            index.tune(&mut threads(n)).unwrap();
            curves.push(section(&saved(&index), CURVE).unwrap().to_vec());
        }
        assert!(curves.windows(2).all(|two| two[0] == two[1]));
        let bytes = saved(&index);
        let loaded = Index::open_bytes(bytes.clone()).unwrap();
        assert_eq!(loaded.info().unwrap().n_tuned, 512);
        for query in &queries[..20] {
            let found = index.search(query, &asking(0.9)).unwrap();
            assert_eq!(loaded.search(query, &asking(0.9)).unwrap(), found);
        }
        assert_eq!(saved(&loaded), bytes);
        assert!(loaded.verify(10).unwrap().is_sound());
    }
}

#[test]
fn without_a_curve_it_is_an_error() {
    let options = Options::new(Metric::Euclidean, 4);
    let mut index = built(options, &random_items(options, 4000, 1), 3);
    let query = [0.5f32; 4];
    let refused = |index: &Index, search: &Search<'_>| {
        let batch = index.search_batch(|_| &query, 2, search, &mut threads(1), |_, _| ());
        match (index.search(&query, search), batch) {
            (Err(one), Err(other)) => {
                assert_eq!(one.to_string(), other.to_string());
                Some(one)
            }
            (Ok(_), Ok(())) => None,
            other => panic!("{other:?}"),
        }
    };
    let is_untuned = |index: &Index, search: &Search<'_>| {
        matches!(refused(index, search), Some(Error::State { .. }))
    };
    let by = |way| Search { way, ..asking(0.9) };
    assert!(is_untuned(&index, &asking(0.9)));
    assert!(refused(&index, &by(Way::Exact)).is_none());
    index.tune(&mut threads(1)).unwrap();
    assert!(refused(&index, &asking(0.9)).is_none());
    assert!(refused(&index, &by(Way::Forest)).is_none());
    let both = Search {
        search_k: Some(5),
        ..asking(0.9)
    };
    assert!(matches!(
        refused(&index, &both),
        Some(Error::Argument { .. })
    ));
    for wrong in [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY] {
        let error = refused(&index, &asking(wrong));
        assert!(matches!(error, Some(Error::Argument { .. })), "{wrong}");
    }
    // What is measured is gone with what it was measured of.
    add_scan(&mut index, 1);
    assert!(is_untuned(&index, &asking(0.9)));
    index.tune(&mut threads(1)).unwrap();
    assert!(refused(&index, &by(Way::Scan)).is_none());
    assert!(is_untuned(&index, &by(Way::Forest)));
    add_graph(&mut index, 1);
    assert!(is_untuned(&index, &asking(0.9)) && is_untuned(&index, &by(Way::Scan)));
    index.tune(&mut threads(1)).unwrap();
    index.unbuild().unwrap();
    index.build(Some(3), Some(1)).unwrap();
    assert!(is_untuned(&index, &asking(0.9)));
}

#[test]
fn few_items_and_none() {
    for n in [0, 1, 10, 127, 128] {
        let options = Options::new(Metric::Angular, 3);
        let all = random_items(options, n, 1);
        let mut index = built(options, &all, 2);
        index.tune(&mut threads(1)).unwrap();
        let found = index.search(&[1.0f32, 0.5, 0.2], &asking(0.95)).unwrap();
        assert_eq!(found.len(), n.min(10));
        let loaded = Index::open_bytes(saved(&index)).unwrap();
        assert_eq!(loaded.info().unwrap().n_tuned, n as u64);
    }
    // Without trees few items are all looked at.
    let mut index = Index::new(Metric::Euclidean, 1).unwrap();
    index.add_item(0, &[1.0f32]).unwrap();
    assert_eq!(index.search(&[1.0f32], &asking(0.9)).unwrap().len(), 1);
    assert!(matches!(
        index.tune(&mut threads(1)),
        Err(Error::State { .. })
    ));
}

#[test]
fn a_damaged_curve_is_refused() {
    let options = Options::new(Metric::Euclidean, 4);
    let mut index = built(options, &random_items(options, 500, 1), 3);
    index.tune(&mut threads(1)).unwrap();
    let good = saved(&index);
    let curve = section(&good, CURVE).unwrap();
    let start = curve.as_ptr() as usize - good.as_ptr() as usize;
    for at in start..start + curve.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        let error = Index::open_bytes(bytes).err().unwrap();
        assert!(error.to_string().contains("curve section"), "{error}");
    }
}
