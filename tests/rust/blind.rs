//! Graphs over data whose codes tell near items apart badly, and over zero vectors: what is found
//! without saying how much to look at, and what the index says of it.

use crate::common::graphs::{add_graph, gaussian, items, kind, recall, with_graph, Rows};
use crate::common::{built, ids, in_turn, Item, Random};
use annoy_rs::{GraphPlan, Index, LogLevel, Metric, Options, ScalarType, Search, Work};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// More than are all looked at when nothing is said.
const N: usize = 3400;
const QUERIES: usize = 30;

const BY_DISTANCE: [Metric; 2] = [Metric::Euclidean, Metric::Manhattan];
const OF_NUMBERS: [Metric; 4] = [
    Metric::Angular,
    Metric::Euclidean,
    Metric::Manhattan,
    Metric::Dot,
];

/// The last rows are queries. Metrics take turns with the scalars; where tries are sampled, half of
/// the sets have the first and third metric, the others the second and fourth.
fn finds(name: &str, rows: Rows, metrics: &[Metric]) {
    for (i, &metric) in in_turn(metrics.iter().enumerate(), name.len() / 2) {
        let scalar = [ScalarType::F32, ScalarType::F64][(i + name.len()) % 2];
        finds_as(name, &rows, metric, scalar);
    }
}

fn finds_as(name: &str, rows: &Rows, metric: Metric, scalar: ScalarType) -> Index {
    let options = kind(metric, scalar, rows[0].len());
    let all = items(options, rows);
    let (items, queries) = all.split_at(rows.len() - QUERIES);
    let index = with_graph(options, items, 2);
    let found = recall(&index, queries, &Search::new(10));
    // So few that what walks keep is no place for many that may be any.
    let few = Search {
        search_k: Some(600),
        ..Search::new(10)
    };
    let of_few = recall(&index, queries, &few);
    let info = index.info().unwrap();
    let told = info.graph_recall.unwrap();
    println!(
        "{name}, {metric} {scalar}: {found:.3}, {of_few:.3}, told {told:.3}, {} bytes",
        info.graph_code_bytes
    );
    // Long items are on the way to all others where products count, and those are few.
    let least_of_few = if metric == Metric::Dot { 0.7 } else { 0.85 };
    assert!(
        found >= 0.95 && of_few >= least_of_few,
        "{name}, {metric} {scalar}: {found} {of_few}"
    );
    assert!(
        (0.9..=1.0).contains(&told),
        "{name}, {metric} {scalar}: told {told}"
    );
    index
}

#[test]
fn one_item_a_thousand_times_as_long() {
    let mut rows = gaussian(N + QUERIES, 24, &mut Random(1));
    rows[1000].iter_mut().for_each(|x| *x *= 1000.0);
    finds("outlier", rows, &OF_NUMBERS);
}

#[test]
fn a_column_of_flags() {
    let mut random = Random(2);
    let mut rows = gaussian(N + QUERIES, 25, &mut random);
    rows.iter_mut()
        .for_each(|row| row[24] = 1000.0 * random.below(2) as f64);
    finds("flag", rows, &OF_NUMBERS);
}

#[test]
fn two_wide_columns() {
    let mut random = Random(3);
    let mut rows = gaussian(N + QUERIES, 64, &mut random);
    for row in &mut rows {
        for x in &mut row[..2] {
            *x += [-300.0, 300.0][random.below(2)];
        }
    }
    finds("wide columns", rows, &BY_DISTANCE);
}

#[test]
fn tight_clusters_far_apart() {
    let mut random = Random(4);
    let centres = gaussian(8, 16, &mut random);
    let mut rows = gaussian(N + QUERIES, 16, &mut random);
    for row in &mut rows {
        let centre = &centres[random.below(centres.len())];
        for (x, c) in row.iter_mut().zip(centre) {
            *x = 0.001 * *x + 30.0 * c;
        }
    }
    finds("clusters", rows, &OF_NUMBERS);
}

#[test]
fn latitude_and_longitude() {
    let mut random = Random(5);
    let cities: Vec<_> = (0..8)
        .map(|_| [55.0 * random.number(), 170.0 * random.number()])
        .collect();
    let rows = (0..N + QUERIES)
        .map(|_| {
            let city = cities[random.below(cities.len())];
            city.iter().map(|x| x + 0.01 * random.normal()).collect()
        })
        .collect();
    finds("places", rows, &BY_DISTANCE);
}

#[test]
fn cauchy() {
    let mut random = Random(6);
    let mut row = || (0..16).map(|_| random.normal() / random.normal()).collect();
    let rows = (0..N + QUERIES).map(|_| row()).collect();
    finds("cauchy", rows, &OF_NUMBERS);
}

/// Few items near each other, and those are what is looked for: near zero, so that they are near
/// all others too, at places that are tried; and somewhere, at places that are not, so that only
/// their nearness tells that they are there.
#[test]
fn a_minority_on_a_scale_of_its_own() {
    let kinds = [
        (Metric::Euclidean, ScalarType::F32, 128, 0),
        (Metric::Manhattan, ScalarType::F32, 128, 7),
        (Metric::Euclidean, ScalarType::F64, 512, 7),
    ];
    for (metric, scalar, f, place) in in_turn(kinds, 1) {
        let mut rows = gaussian(N + QUERIES, f, &mut Random(7));
        let centre: Vec<f64> = match place {
            0 => vec![0.0; f],
            _ => rows[1].clone(),
        };
        let few = (0..N).filter(|i| i % N.div_ceil(64) == place);
        for i in few.chain(N..N + QUERIES) {
            let both = rows[i].iter_mut().zip(&centre);
            both.for_each(|(x, c)| *x = 0.01 * *x + c);
        }
        finds_as("minority", &rows, metric, scalar);
    }
}

/// What walks compare is said, the same after a load, and a share that is one.
#[test]
fn what_info_says() {
    let rows = gaussian(N + QUERIES, 20, &mut Random(8));
    let mut flags = rows.clone();
    flags
        .iter_mut()
        .enumerate()
        .for_each(|(i, row)| row[3] += 1000.0 * (i % 2) as f64);
    for (rows, bytes) in [(rows, 32), (flags, 0)] {
        for metric in BY_DISTANCE {
            let index = finds_as("said", &rows, metric, ScalarType::F32);
            let info = index.info().unwrap();
            assert_eq!(info.graph_code_bytes, bytes, "{metric}");
            let again = Index::open_bytes(index.to_bytes().unwrap()).unwrap();
            let other = again.info().unwrap();
            assert_eq!(other.graph_code_bytes, bytes, "{metric}");
            assert_eq!(other.graph_recall, info.graph_recall, "{metric}");
            assert!(again.verify(3).unwrap().is_sound(), "{metric}");
        }
    }
    let none = Index::new(Metric::Euclidean, 3).unwrap().info().unwrap();
    assert_eq!((none.graph_code_bytes, none.graph_recall), (0, None));
}

type Heard = Arc<Mutex<Vec<(LogLevel, String)>>>;

fn with_log(index: &mut Index) -> Heard {
    let heard = Heard::default();
    let to = heard.clone();
    index.set_log(Some(Box::new(move |level, text| {
        to.lock().unwrap().push((level, text.to_string()));
    })));
    heard
}

fn heard_of_graph(rows: &Rows) -> (LogLevel, String, f64) {
    let options = kind(Metric::Euclidean, ScalarType::F32, rows[0].len());
    let mut index = built(options, &items(options, rows), 5);
    let heard = with_log(&mut index);
    add_graph(&mut index, 2);
    let heard = heard.lock().unwrap();
    let [(level, text)] = &heard[..] else {
        panic!("{heard:?}")
    };
    (
        *level,
        text.clone(),
        index.info().unwrap().graph_recall.unwrap(),
    )
}

/// A graph that finds little says so, and how much it finds.
#[test]
fn what_the_log_says() {
    let mut random = Random(9);
    let good = gaussian(N, 12, &mut random);
    let mut flags = good.clone();
    flags
        .iter_mut()
        .enumerate()
        .for_each(|(i, row)| row[3] += 1000.0 * (i % 2) as f64);
    // Lengths that differ so much that the short ones are near everything.
    let mut poor = gaussian(8000, 64, &mut random);
    for row in &mut poor {
        let length = random.normal().exp();
        row.iter_mut().for_each(|x| *x *= length);
    }
    for (rows, expected, words) in [
        (good, LogLevel::Info, "walked by codes of 16 bytes"),
        (
            flags,
            LogLevel::Info,
            "walked by vectors, as codes do not tell near items apart",
        ),
        (poor, LogLevel::Warn, "walked by"),
    ] {
        let (level, text, recall) = heard_of_graph(&rows);
        assert_eq!(level, expected, "{text}");
        let start = format!("built a graph over {} items, {words}", rows.len());
        assert!(text.starts_with(&start), "{text}");
        let share = format!("it found {recall:.3} of the nearest 10");
        assert!(text.contains(&share), "{text}");
        let is_little = text.ends_with(": little; a larger search_k finds more");
        assert_eq!(is_little, expected == LogLevel::Warn, "{text}");
        assert_eq!(recall < 0.9, is_little, "{text}");
    }
}

/// It is that of the searches there will be, which in a good graph end by distance.
#[test]
fn recall_told_of_a_barely_good_graph() {
    let n = 8000;
    let rows = gaussian(n + 100, 24, &mut Random(11));
    let options = kind(Metric::Euclidean, ScalarType::F32, 24);
    let all = items(options, &rows);
    let (items, queries) = all.split_at(n);
    let mut index = built(options, items, 2);
    let plan = GraphPlan {
        degree: 16,
        rounds: 2,
        ..GraphPlan::default()
    };
    index.build_graph(&plan, &mut Work::default()).unwrap();
    let told = index.info().unwrap().graph_recall.unwrap();
    let found = recall(&index, queries, &Search::new(10));
    assert!((found - told).abs() < 0.02, "told {told}, found {found}");
}

/// The less a graph found when it was tried, the more its searches look at by default.
#[test]
fn poor_graphs_are_searched_farther() {
    let rows = gaussian(30_000, 24, &mut Random(13));
    let options = kind(Metric::Euclidean, ScalarType::F32, 24);
    let items = items(options, &rows);
    let mut index = built(options, &items, 2);
    // How many times 3,000 for each ten wanted, told by how many items a filter is asked about.
    let usual = |index: &Index, n: usize| {
        let looked_at = |search_k| {
            let count = AtomicUsize::new(0);
            let count_all = |_| count.fetch_add(1, Ordering::Relaxed) < usize::MAX;
            let search = Search {
                search_k,
                filter: Some(&count_all),
                ..Search::new(n)
            };
            for item in &items[..20] {
                index.search(item, &search).unwrap();
            }
            count.into_inner()
        };
        let by_default = looked_at(None);
        let is_it =
            |times: &u64| looked_at(Some(3000 * n.div_ceil(10) as u64 * times)) == by_default;
        let times: Vec<u64> = (1..=4).filter(is_it).collect();
        let recall = index.info().unwrap().graph_recall.unwrap();
        let expected = 1 + u64::from(recall < 0.9) + 2 * u64::from(recall < 0.6);
        assert_eq!(times, [expected], "{recall}: {n}");
        expected
    };
    let mut times = Vec::new();
    for degree in [1, 4, 32] {
        let plan = GraphPlan {
            degree,
            rounds: 2,
            ..GraphPlan::default()
        };
        index.build_graph(&plan, &mut Work::default()).unwrap();
        times.push(usual(&index, 10));
    }
    times.dedup();
    assert_eq!(times, [4, 2, 1]);
}

/// Vectors without a direction are as far from everything, and take nobody's place.
#[test]
fn zero_vectors() {
    for (share, scalar) in [
        (170, ScalarType::F32),
        (2, ScalarType::F64),
        (2, ScalarType::F32),
    ] {
        let mut rows = gaussian(N + QUERIES, 24, &mut Random(10));
        let zeros = (0..N).filter(|i| i % share == 1);
        let n_zeros = zeros.clone().count();
        zeros.for_each(|i| rows[i].fill(0.0));
        let name = format!("{n_zeros} zeros");
        finds_as(&name, &rows, Metric::Angular, scalar);
    }
}

/// Where nothing is to be looked at nothing is found, not even what no walk comes to.
#[test]
fn nothing_looked_at() {
    let mut rows = gaussian(N, 24, &mut Random(12));
    rows[..20].iter_mut().for_each(|row| row.fill(0.0));
    let options = kind(Metric::Angular, ScalarType::F32, 24);
    let items = items(options, &rows);
    let index = with_graph(options, &items, 1);
    let none = Search {
        search_k: Some(0),
        ..Search::new(10)
    };
    for query in [&items[0], &items[100]] {
        assert!(index.search(query, &none).unwrap().is_empty());
    }
}

/// A query that all others point away from has the zero vectors for its nearest; to one without a
/// direction any are.
#[test]
fn queries_whose_nearest_have_no_direction() {
    for n_zeros in [20, N / 2] {
        for scalar in [ScalarType::F32, ScalarType::F64] {
            let mut rows = gaussian(N, 24, &mut Random(11));
            // All on one side.
            rows.iter_mut().for_each(|row| row[0] = 9.0 + row[0].abs());
            let zeros = (0..N).step_by(N / n_zeros).take(n_zeros);
            zeros.for_each(|i| rows[i].fill(0.0));
            let options = kind(Metric::Angular, scalar, 24);
            let index = with_graph(options, &items(options, &rows), 2);
            let is_zero = |one: &annoy_rs::Neighbor| rows[one.id as usize][0] == 0.0;
            let ahead = |x: f64| Item::new(options, |i| if i == 0 { x } else { 0.1 });
            for (query, n_least) in [
                (ahead(-1.0), n_zeros),
                (ahead(-9.0), n_zeros),
                (Item::zero(options), 0),
            ] {
                for (n, search_k) in [(10, None), (10, Some(50)), (30, Some(500)), (400, None)] {
                    let search = Search {
                        search_k,
                        ..Search::new(n)
                    };
                    let name = format!("{n_zeros} zeros, {scalar}, {n} by {search_k:?}");
                    let found = index.search(&query, &search).unwrap();
                    assert_eq!(found.len(), n, "{name}");
                    if n_least == 0 {
                        let first: Vec<i64> = (0..n as i64).collect();
                        assert_eq!(ids(&found), first, "{name}");
                    }
                    let n_found = found.iter().filter(|one| is_zero(one)).count();
                    assert!(n_found >= n.min(n_least), "{name}: {n_found}");
                    let share = recall(&index, std::slice::from_ref(&query), &search);
                    // Those behind the zero vectors are far from each other, and a short walk does
                    // not come to all.
                    let least = if search_k.is_none() { 0.95 } else { 0.6 };
                    assert!(share >= least, "{name}: {share}");
                }
            }
        }
    }
}

/// Nothing but zero vectors, and but for one.
#[test]
fn hardly_any_direction() {
    for n_others in [0, 1, 2] {
        let options = Options::new(Metric::Angular, 8);
        let mut rows = vec![vec![0.0; 8]; N];
        for i in 0..n_others {
            rows[1700 * i + 1][i] = 1.0;
        }
        let index = with_graph(options, &items(options, &rows), 2);
        assert!(index.verify(3).unwrap().is_sound());
        assert_eq!(index.info().unwrap().graph_recall, Some(1.0));
        for query in items(options, &[vec![1.0; 8], vec![-1.0; 8], vec![0.0; 8]]) {
            let search = Search {
                search_k: Some(100),
                ..Search::new(10)
            };
            let found = index.search(&query, &search).unwrap();
            assert_eq!(found.len(), 10, "{n_others}");
            assert_eq!(recall(&index, &[query], &search), 1.0, "{n_others}");
        }
    }
}
