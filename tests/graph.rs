//! The neighbour graph, which is reached with the feature `internals` only.

use annoy_rs::internals::Plan;
use annoy_rs::{Error, Index, Metric, Neighbor, Search};

const N: usize = 3000;
const F: usize = 24;

/// Vectors around a few centres, of lengths that differ; for hamming their signs are what counts.
fn vectors(n: usize, mut state: u64) -> Vec<Vec<f32>> {
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let centres: Vec<Vec<f32>> = (0..20)
        .map(|_| (0..F).map(|_| random()).collect())
        .collect();
    (0..n)
        .map(|i| {
            let length = 1.0 + 2.0 * (random() + 0.5);
            let centre = &centres[i % centres.len()];
            centre
                .iter()
                .map(|x| length * (x + 0.6 * random()))
                .collect()
        })
        .collect()
}

fn bits(vector: &[f32]) -> Vec<f32> {
    vector
        .iter()
        .map(|&x| f32::from(u8::from(x > 0.0)))
        .collect()
}

fn built(metric: Metric, items: &[Vec<f32>]) -> Index {
    let mut index = Index::new(metric, F).unwrap();
    for (id, item) in items.iter().enumerate() {
        let item = if metric == Metric::Hamming {
            bits(item)
        } else {
            item.clone()
        };
        index.add_item(id as i64, &item).unwrap();
    }
    index.build(Some(6), Some(2)).unwrap();
    index
}

fn answers(index: &Index, queries: &[Vec<f32>], search_k: u64) -> Vec<Vec<Neighbor>> {
    let search = |query: &Vec<f32>| {
        let query = match index.options().metric {
            Metric::Hamming => bits(query),
            _ => query.clone(),
        };
        index.get_nns_by_vector(&query, 10, Some(search_k)).unwrap()
    };
    queries.iter().map(search).collect()
}

#[test]
fn finds_what_is_near_and_says_how_far() {
    let mut items = vectors(N + 60, 1);
    let queries = items.split_off(N);
    for metric in Metric::ALL {
        let mut index = built(metric, &items);
        index.build_graph(Plan::default()).unwrap();
        let found = answers(&index, &queries, 600);
        let (mut near, mut wanted) = (0, 0);
        for (query, found) in queries.iter().zip(&found) {
            let query = if metric == Metric::Hamming {
                bits(query)
            } else {
                query.clone()
            };
            let all = Search {
                exact: true,
                ..Search::new(N)
            };
            let exact = index.search(&query, &all).unwrap();
            for one in found {
                assert!(exact.contains(one), "{metric}: {one:?}");
            }
            let tenth = exact[9].distance;
            let as_near = |one: &&Neighbor| match metric {
                Metric::Dot => one.distance >= tenth,
                _ => one.distance <= tenth,
            };
            near += found.iter().filter(as_near).count();
            wanted += 10;
        }
        let recall = f64::from(near as u32) / f64::from(wanted);
        assert!(recall > 0.9, "{metric}: recall {recall}");
    }
}

#[test]
fn threads_change_nothing() {
    let mut items = vectors(N + 60, 3);
    let queries = items.split_off(N);
    for metric in Metric::ALL {
        let graphs = [1, 2, 5].map(|n_threads| {
            let mut index = built(metric, &items);
            let plan = Plan {
                n_threads,
                ..Plan::default()
            };
            index.build_graph(plan).unwrap();
            answers(&index, &queries, 60)
        });
        assert_eq!(graphs[0], graphs[1], "{metric}");
        assert_eq!(graphs[0], graphs[2], "{metric}");
    }
}

#[test]
fn few_items_equal_items_and_holes() {
    for metric in Metric::ALL {
        for n in [1usize, 2, 11] {
            let mut index = Index::new(metric, F).unwrap();
            for id in 0..n {
                index.add_item(3 * id as i64, &[1.0f32; F]).unwrap();
            }
            index.build(Some(3), Some(1)).unwrap();
            index.build_graph(Plan::default()).unwrap();
            let found = index
                .get_nns_by_vector(&[1.0f32; F], 20, Some(1000))
                .unwrap();
            let ids: Vec<i64> = found.iter().map(|one| one.id).collect();
            let expected: Vec<i64> = (0..n as i64).map(|id| 3 * id).collect();
            assert_eq!(ids, expected, "{metric}");
        }
        let mut index = Index::new(metric, F).unwrap();
        index.build(Some(2), Some(1)).unwrap();
        index.build_graph(Plan::default()).unwrap();
        assert!(index
            .get_nns_by_vector(&[1.0f32; F], 5, None)
            .unwrap()
            .is_empty());
    }
}

#[test]
fn filters_and_exact_searches_do_without_it() {
    let items = vectors(N, 5);
    let forest = built(Metric::Euclidean, &items);
    let mut graph = built(Metric::Euclidean, &items);
    graph.build_graph(Plan::default()).unwrap();
    let even = |id: i64| id % 2 == 0;
    for search in [
        Search {
            filter: Some(&even),
            ..Search::new(10)
        },
        Search {
            exact: true,
            ..Search::new(10)
        },
    ] {
        let found = graph.search(&items[7], &search).unwrap();
        assert_eq!(found, forest.search(&items[7], &search).unwrap());
    }
}

#[test]
fn goes_with_the_trees() {
    let mut items = vectors(N + 20, 6);
    let queries = items.split_off(N);
    let mut index = built(Metric::Angular, &items);
    let of_forest = answers(&index, &queries, 50);
    index.build_graph(Plan::default()).unwrap();
    assert_ne!(answers(&index, &queries, 50), of_forest);
    index.unbuild().unwrap();
    index.build(Some(6), Some(1)).unwrap();
    assert_eq!(answers(&index, &queries, 50), of_forest);

    let mut loaded = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
    loaded.build_graph(Plan::default()).unwrap();
    assert_ne!(answers(&loaded, &queries, 50), of_forest);
    loaded.thaw().unwrap();
    loaded.build(Some(6), Some(1)).unwrap();
    assert_eq!(answers(&loaded, &queries, 50), of_forest);
}

#[test]
fn plans_that_cannot_be() {
    let mut index = Index::new(Metric::Angular, F).unwrap();
    let refused = index.build_graph(Plan::default());
    assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
    index.add_item(0, &[1.0f32; F]).unwrap();
    index.build(Some(1), Some(1)).unwrap();
    let plan = Plan::default();
    for plan in [
        Plan { degree: 0, ..plan },
        Plan {
            degree: 256,
            ..plan
        },
        Plan {
            candidates: 0,
            ..plan
        },
        Plan { sample: 0, ..plan },
        Plan { trees: 0, ..plan },
        Plan {
            n_threads: 0,
            ..plan
        },
        Plan { alpha: 0.5, ..plan },
        Plan {
            alpha: f64::NAN,
            ..plan
        },
    ] {
        let refused = index.build_graph(plan);
        assert!(
            matches!(refused, Err(Error::Argument { .. })),
            "{plan:?}: {refused:?}"
        );
    }
}
