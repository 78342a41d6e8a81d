//! Vectors of every length that floats can have, side by side: distances are those of arithmetic
//! without bounds, multiples of a vector are at distance 0, an item is its own nearest, and a
//! forest tells items apart whatever their length.

use crate::common::{built, checksum, filled, name, options, random_items, round_trip, saved};
use crate::common::{in_turn, sampled_kinds, Item, Random, Struct};
use annoy_rs::{
    kernel_name, GraphPlan, IdWidth, Index, Metric, Options, ScalarType, Search, Way, Work,
};
use std::collections::BTreeSet;

/// Largest numbers of vectors, from where squares vanish to where they overflow.
fn sizes(scalar: ScalarType) -> &'static [f64] {
    match scalar {
        ScalarType::F64 => &[
            5e-322, 1e-310, 1e-300, 1e-200, 1e-160, 1e-140, 1e-100, 1e-50, 1.0, 1e50, 1e100, 1e140,
            1e154, 1e160, 1e200, 1e300, 1.7e308,
        ],
        _ => &[
            1e-43, 1e-40, 1e-38, 1e-30, 1e-22, 1e-20, 1e-15, 1e-12, 1e-10, 1e-5, 1.0, 1e5, 1e9,
            1e12, 1e15, 1e18, 1e20, 1e30, 1e38, 3.4e38,
        ],
    }
}

/// Of floats of both kinds, with ids of both widths; with one of them each where tries are sampled.
fn floats(metric: Metric, f: usize) -> Vec<Options> {
    let scalars = [ScalarType::F32, ScalarType::F64];
    let of =
        |scalar| [IdWidth::Bits32, IdWidth::Bits64].map(|width| options(metric, scalar, width, f));
    sampled_kinds(scalars.into_iter().flat_map(of).collect(), 2)
}

/// The numbers with the largest of them at 1; none for a zero vector.
fn scaled(item: &Item) -> Option<Vec<f64>> {
    let numbers = item.numbers();
    let largest = numbers.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    (largest > 0.0).then(|| numbers.iter().map(|x| x / largest).collect())
}

/// The angular distance, by nothing that could overflow, vanish or cancel.
fn angle(a: &Item, b: &Item) -> f64 {
    let (Some(a), Some(b)) = (scaled(a), scaled(b)) else {
        return 2f64.sqrt();
    };
    let unit = |x: Vec<f64>| {
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        x.into_iter().map(move |x| x / norm)
    };
    let squared = |(x, y): (f64, f64)| (x - y) * (x - y);
    unit(a).zip(unit(b)).map(squared).sum::<f64>().sqrt()
}

/// How far an angular distance may be from the exact one: above the line by what rounding leaves of
/// `2 - 2 cos`, below it by next to nothing.
fn slack(options: Options, expected: f64) -> f64 {
    match options.scalar {
        ScalarType::F64 => 1e-8,
        _ if expected < 0.99 * (options.f as f64).sqrt() / 1024.0 => 3e-7,
        _ => 3e-6 / expected,
    }
}

/// Three items of each size, and two zero vectors.
fn of_all_sizes(options: Options, seed: u64) -> Vec<Item> {
    let mut random = Random(seed);
    let mut items = Vec::new();
    for &size in sizes(options.scalar) {
        for _ in 0..3 {
            let direction: Vec<f64> = (0..options.f).map(|_| random.number()).collect();
            let largest = direction.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            items.push(Item::new(options, |i| direction[i] / largest * size));
        }
    }
    items.insert(5, Item::zero(options));
    items.push(Item::zero(options));
    items
}

#[test]
fn angles_between_vectors_of_all_lengths() {
    for f in [1, 2, 7, 64, 300] {
        for options in floats(Metric::Angular, f) {
            let context = format!("{}, f = {f}", name(options));
            let items = of_all_sizes(options, 1);
            let index = round_trip(&built(options, &items, 3), &context);
            for (i, a) in items.iter().enumerate() {
                for (j, b) in items.iter().enumerate() {
                    let found = index.get_distance(i as i64, j as i64).unwrap();
                    let expected = angle(a, b);
                    assert!(
                        (found - expected).abs() <= slack(options, expected),
                        "{context}: {i} and {j} are {found} apart, expected {expected}"
                    );
                }
                let own = index.get_distance(i as i64, i as i64).unwrap();
                let is_zero = scaled(a).is_none();
                assert!(is_zero || own == 0.0, "{context}: {i} is {own} from itself");
                let by_item = index.get_nns_by_item(i as i64, items.len(), Some(u64::MAX));
                let found = by_item.unwrap();
                let by_vector = index.get_nns_by_vector(a, items.len(), Some(u64::MAX));
                assert_eq!(found, by_vector.unwrap(), "{context}: {i}");
                assert_eq!(found.len(), items.len(), "{context}: {i}");
                for neighbor in &found {
                    let expected = angle(a, &items[neighbor.id as usize]);
                    let off = (neighbor.distance - expected).abs();
                    assert!(
                        off <= slack(options, expected),
                        "{context}: {i} finds {neighbor:?}, expected {expected}"
                    );
                }
                assert!(found.is_sorted_by(|a, b| a.distance <= b.distance));
                // With one number there is more than one item of the same direction.
                let first = found.iter().take_while(|found| found.distance == 0.0);
                let among_first = first.into_iter().any(|found| found.id == i as i64);
                assert!(is_zero || among_first, "{context}: {i} is not its nearest");
                assert!(
                    is_zero || f < 7 || found[0].id == i as i64,
                    "{context}: {i}"
                );
            }
        }
    }
}

/// One by one: the product of the squares vanished, and overflowed.
#[test]
fn short_and_long_vectors_at_a_right_angle_or_less() {
    for (a, b) in [(1e-12, 1e-12), (1e-12, 1.0), (1e30, 1e30), (1e-30, 1e30)] {
        let options = Options::new(Metric::Angular, 2);
        let vector = |x: f64, y: f64| Item::new(options, |i| [x, y][i]);
        let items = [vector(a, 0.0), vector(b, 0.0), vector(0.0, b), vector(b, b)];
        let index = built(options, &items, 1);
        let distance = |j| index.get_distance(0, j).unwrap();
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
        assert_eq!(distance(1), 0.0, "{a:e} and {b:e}");
        assert!(near(distance(2), 2f64.sqrt()), "{a:e} and {b:e}");
        let expected = (2.0 - 2f64.sqrt()).sqrt();
        assert!(near(distance(3), expected), "{a:e} and {b:e}");
    }
}

/// Items of one direction, each with a factor of its own, among others.
#[test]
fn multiples_are_copies() {
    for f in [2, 7, 64, 300, 5000] {
        for options in floats(Metric::Angular, f) {
            let context = format!("{}, f = {f}", name(options));
            let mut random = Random(3);
            let mut items = random_items(options, 120, 2);
            let one = items[40].numbers();
            let copies: BTreeSet<i64> = (0..120).step_by(3).chain([40]).collect();
            for &id in copies.iter().filter(|&&id| id != 40) {
                let factor =
                    (random.number() * 20.0).exp2() * 10f64.powi(random.below(13) as i32 - 6);
                items[id as usize] = Item::new(options, |i| one[i] * factor);
            }
            let index = built(options, &items, 3);
            for id in [0, 40, 117] {
                for most in [1e-4, 1e-6] {
                    let search = Search {
                        search_k: Some(u64::MAX),
                        max_distance: Some(most),
                        ..Search::new(120)
                    };
                    let by_item = index.search_item(id, &search).unwrap();
                    let by_vector = index.search(&items[id as usize], &search).unwrap();
                    assert_eq!(by_item, by_vector, "{context}");
                    let found: BTreeSet<i64> = by_item.iter().map(|found| found.id).collect();
                    assert_eq!(found, copies, "{context}: {id} within {most:e}");
                }
                assert_eq!(index.get_distance(id, id).unwrap(), 0.0, "{context}: {id}");
                for &copy in &copies {
                    let distance = index.get_distance(id, copy).unwrap();
                    assert!(distance <= 1e-6, "{context}: {id} and {copy}: {distance:e}");
                }
            }
        }
    }
}

/// Multiples by powers of two, which nothing rounds, and whole numbers: at 0, and so in the order
/// of ids.
#[test]
fn exact_multiples_are_at_zero() {
    for f in [1, 2, 7, 64, 300, 5000] {
        for options in floats(Metric::Angular, f) {
            let mut random = Random(4);
            let numbers: Vec<f64> = (0..f).map(|_| 1.0 + random.below(1000) as f64).collect();
            let factors = [
                3.0,
                1.0,
                7.0,
                0.5,
                1024.0,
                11.0,
                1e3,
                2f64.powi(90),
                2f64.powi(-90),
            ];
            let items = factors.map(|factor| Item::new(options, |i| numbers[i] * factor));
            let index = built(options, &items, 2);
            for id in 0..9 {
                let found = index.get_nns_by_item(id, 9, Some(u64::MAX)).unwrap();
                assert!(
                    found
                        .iter()
                        .zip(0..)
                        .all(|(n, i)| n.id == i && n.distance == 0.0),
                    "{}, f = {f}: {found:?}",
                    name(options)
                );
            }
        }
    }
}

/// Distances between neighbours a little apart, on both sides of the line below which they are
/// worked out anew.
#[test]
fn small_angles_are_right_and_in_order() {
    for f in [2, 7, 64, 300] {
        for options in floats(Metric::Angular, f) {
            let context = format!("{}, f = {f}", name(options));
            let mut random = Random(5);
            let one: Vec<f64> = (0..f).map(|_| random.normal()).collect();
            let other: Vec<f64> = (0..f).map(|_| random.normal()).collect();
            let items: Vec<Item> = (0..200)
                .map(|k| {
                    let share = 10f64.powf(-7.0 + f64::from(k) * 0.035);
                    Item::new(options, |i| one[i] + share * other[i])
                })
                .collect();
            let index = built(options, &items, 3);
            let found = index.get_nns_by_item(0, 200, Some(u64::MAX)).unwrap();
            assert_eq!((found.len(), found[0].distance), (200, 0.0), "{context}");
            for neighbor in &found {
                let expected = angle(&items[0], &items[neighbor.id as usize]);
                assert!(
                    (neighbor.distance - expected).abs() <= slack(options, expected),
                    "{context}: {neighbor:?}, expected {expected}"
                );
            }
        }
    }
}

/// A zero vector has no angle to anything: the root of 2, by convention, also to the shortest and
/// the longest.
#[test]
fn zero_vectors_beside_them() {
    for options in floats(Metric::Angular, 7) {
        let items = of_all_sizes(options, 6);
        let index = built(options, &items, 3);
        let last = items.len() as i64 - 1;
        for zero in [5, last] {
            let found = index.get_nns_by_item(zero, items.len(), Some(u64::MAX));
            let found = found.unwrap();
            assert_eq!(found.len(), items.len());
            assert!(
                found
                    .iter()
                    .all(|n| (n.distance - 2f64.sqrt()).abs() < 1e-6),
                "{}: {found:?}",
                name(options)
            );
        }
    }
}

/// Items in clusters, all their numbers times the same power of two.
fn clusters(options: Options, exponent: i32) -> Vec<Item> {
    let mut random = Random(7);
    let f = options.f;
    let centres: Vec<f64> = (0..40 * f).map(|_| random.normal()).collect();
    let factor = 2f64.powi(exponent);
    let mut item = || {
        let centre = &centres[random.below(40) * f..][..f];
        Item::new(options, |i| (centre[i] + 0.5 * random.normal()) * factor)
    };
    (0..2000).map(|_| item()).collect()
}

/// How many of the ten nearest a search finds, on average; the ten nearest are those of the items
/// times 1.
fn recall(index: &Index, unscaled: &Index, way: Way) -> f64 {
    let mut hits = 0;
    for id in (0..2000).step_by(20) {
        let ids = |index: &Index, search_k, way| -> BTreeSet<i64> {
            let search = Search {
                search_k: Some(search_k),
                way,
                ..Search::new(10)
            };
            let found = index.search_item(id, &search).unwrap();
            assert!(
                way == Way::Exact || found.iter().any(|found| found.id == id),
                "{id}"
            );
            found.iter().map(|found| found.id).collect()
        };
        hits += ids(index, 100, way)
            .intersection(&ids(unscaled, 1, Way::Exact))
            .count();
    }
    hits as f64 / 1000.0
}

/// Where tries are sampled, the kinds of one metric take exponents in turn with those of the next.
#[test]
fn forests_of_short_and_long_vectors_split() {
    let metrics = [Metric::Angular, Metric::Euclidean, Metric::Manhattan];
    for (number, metric) in metrics.into_iter().enumerate() {
        for options in floats(metric, 16) {
            let unscaled = built(options, &clusters(options, 0), 10);
            let expected = recall(&unscaled, &unscaled, Way::Forest);
            let exponents: &[i32] = match options.scalar {
                ScalarType::F64 => &[-1020, -1000, -600, -500, -200, 200, 500, 600, 1000, 1015],
                _ => &[-126, -120, -100, -70, -50, -40, 40, 50, 70, 100, 115, 120],
            };
            for exponent in in_turn(exponents.iter().copied(), number) {
                let context = format!("{}, times 2^{exponent}", name(options));
                let index = built(options, &clusters(options, exponent), 10);
                let index = round_trip(&index, &context);
                let shape = index.info().unwrap().shape;
                assert_eq!(shape.n_coin_splits, 0, "{context}");
                let found = recall(&index, &unscaled, Way::Forest);
                println!("{context}: {found}, times 1 {expected}");
                assert!(found > expected - 0.05, "{context}: {found}, {expected}");
            }
        }
    }
}

#[test]
fn graphs_of_short_and_long_vectors_find() {
    for (number, scalar) in [ScalarType::F32, ScalarType::F64].into_iter().enumerate() {
        let options = options(Metric::Angular, scalar, IdWidth::Bits32, 16);
        let graph = |exponent| {
            let mut index = built(options, &clusters(options, exponent), 5);
            let mut work = Work::default();
            index.build_graph(&GraphPlan::default(), &mut work).unwrap();
            index
        };
        let unscaled = graph(0);
        let expected = recall(&unscaled, &unscaled, Way::Graph);
        let exponents: &[i32] = match options.scalar {
            ScalarType::F64 => &[-1000, -600, 600, 1000],
            _ => &[-120, -80, 80, 120],
        };
        for exponent in in_turn(exponents.iter().copied(), number) {
            let found = recall(&graph(exponent), &unscaled, Way::Graph);
            let context = format!("{}, times 2^{exponent}", name(options));
            println!("{context}: {found}, times 1 {expected}");
            assert!(found > expected - 0.03, "{context}: {found}, {expected}");
        }
    }
}

/// Euclidean and manhattan: what cannot be said is infinite, nothing is not a number, and nothing
/// is nearer than the item itself.
#[test]
fn distances_of_all_sizes() {
    for metric in [Metric::Euclidean, Metric::Manhattan] {
        for f in [1, 2, 7, 64, 300] {
            for options in floats(metric, f) {
                let context = format!("{}, f = {f}", name(options));
                let items = of_all_sizes(options, 8);
                let index = round_trip(&built(options, &items, 3), &context);
                for (i, a) in items.iter().enumerate() {
                    let found = index.get_nns_by_item(i as i64, items.len(), Some(u64::MAX));
                    let found = found.unwrap();
                    assert_eq!(found.len(), items.len(), "{context}: {i}");
                    assert!(found.is_sorted_by(|a, b| a.distance <= b.distance));
                    for neighbor in &found {
                        let expected = distance(options, a, &items[neighbor.id as usize]);
                        let is_right = match expected.is_finite() {
                            true => {
                                let least = smallest(options);
                                let slack = 1e-5 * expected + 3.0 * f as f64 * least;
                                (neighbor.distance - expected).abs() <= slack
                            }
                            false => neighbor.distance == f64::INFINITY,
                        };
                        assert!(
                            is_right,
                            "{context}: {i} finds {neighbor:?}, not {expected:e}"
                        );
                    }
                    let first = found.iter().take_while(|found| found.distance == 0.0);
                    assert!(
                        first.into_iter().any(|n| n.id == i as i64),
                        "{context}: {i}"
                    );
                    // The two zero vectors are copies of each other.
                    let is_zero = scaled(a).is_none();
                    assert!(
                        is_zero || f == 1 || found[0].id == i as i64,
                        "{context}: {i}"
                    );
                }
            }
        }
    }
}

/// The smallest number above 0.
fn smallest(options: Options) -> f64 {
    match options.scalar {
        ScalarType::F64 => 5e-324,
        _ => 1.5e-45,
    }
}

/// The distance in arithmetic without bounds, then what the scalar type makes of it.
fn distance(options: Options, a: &Item, b: &Item) -> f64 {
    let pairs = || a.numbers().into_iter().zip(b.numbers());
    // Halved, so that the difference of the longest fits.
    let halves: Vec<f64> = pairs().map(|(x, y)| (x / 2.0 - y / 2.0).abs()).collect();
    let largest = halves.iter().fold(0.0f64, |most, &x| most.max(x));
    if largest == 0.0 {
        // Halves of the smallest number are 0.
        return pairs().map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    }
    let shares = halves.iter().map(|x| x / largest);
    let share = match options.metric {
        Metric::Euclidean => shares.map(|x| x * x).sum::<f64>().sqrt(),
        _ => shares.sum::<f64>(),
    };
    let found = 2.0 * (largest * share);
    match options.scalar {
        ScalarType::F64 => found,
        _ => f64::from(found as f32),
    }
}

/// What is stored beside a vector is what Annoy stores: its squared norm, as far as that can be
/// said.
#[test]
fn squared_norms_in_the_file() {
    for (number, stored) in [
        (1e-30, 0.0),
        (1e-24, 0.0),
        (1.5, 4.5),
        (1e18, 2e36f32),
        (1e30, f32::INFINITY),
    ] {
        let options = Options::new(Metric::Angular, 2);
        let items = [(); 3].map(|()| Item::new(options, |_| number));
        let bytes = saved(&built(options, &items, 1));
        let layout = Struct::of(options);
        for id in 0..3 {
            let at = id * layout.size + layout.children;
            let found = f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(found, stored, "{number:e}");
        }
    }
}

/// The bits of files, distances and answers.
#[test]
#[ignore = "every_kernel_gives_the_same_distances runs it"]
fn checksum_of_everything() {
    let mut bits = Vec::new();
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Manhattan] {
        for f in [2, 37] {
            for options in floats(metric, f) {
                let mut items = of_all_sizes(options, 9);
                let one = items[32].numbers();
                for k in 1..40 {
                    items.push(Item::new(options, |i| one[i] * f64::from(k) * 0.37));
                }
                let mut index = filled(options, &items);
                index.build(Some(3), Some(1)).unwrap();
                let mut work = Work::default();
                index.build_graph(&GraphPlan::default(), &mut work).unwrap();
                bits.extend(saved(&index));
                for id in 0..items.len() as i64 {
                    for found in index.get_nns_by_item(id, 50, Some(u64::MAX)).unwrap() {
                        bits.extend(found.id.to_le_bytes());
                        bits.extend(found.distance.to_bits().to_le_bytes());
                    }
                }
            }
        }
    }
    println!("{} sees {:#018x}", kernel_name().unwrap(), checksum(&bits));
}

#[test]
fn every_kernel_gives_the_same_distances() {
    let mut seen = BTreeSet::new();
    for (kernel, text) in crate::on_every_kernel("lengths::checksum_of_everything") {
        let sum = text.split(" sees ").nth(1).and_then(|rest| rest.get(..18));
        println!("{kernel}: {sum:?}");
        seen.insert(sum.unwrap().to_owned());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}
