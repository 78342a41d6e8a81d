//! The edges of data: all items equal, points on a line, extreme numbers, zero vectors, the
//! shortest and longest vectors.

use crate::common::{
    all_types, built, filled, ids, loaded, name, options, random_items, round_trip, sample, saved,
    Item, Struct,
};
use annoy_rs::{IdWidth, Index, Metric, Options, ScalarType};

#[test]
fn twenty_thousand_equal_items() {
    for metric in Metric::ALL {
        for zero in [false, true] {
            let options = Options::new(metric, 10);
            let one = match zero {
                true => Item::zero(options),
                false => random_items(options, 1, 1).remove(0),
            };
            let index = built(options, &vec![one.clone(); 20_000], 2);
            let found = index.get_nns_by_vector(&one, 5, Some(u64::MAX)).unwrap();
            assert_eq!(ids(&found), [0, 1, 2, 3, 4], "{metric}");
            assert_eq!(
                index
                    .get_nns_by_item(7, 50_000, Some(u64::MAX))
                    .unwrap()
                    .len(),
                20_000
            );
            let nearest = index.get_nns_by_item(19_999, 10, None).unwrap();
            assert_eq!(nearest.len(), 10, "{metric}");
        }
    }
}

/// The length of the longest way down.
fn depth(options: Options, bytes: &[u8]) -> usize {
    let layout = Struct::of(options);
    let mut open = vec![(layout.count(bytes) - 1, 1)];
    let mut deepest = 0;
    while let Some((node, depth)) = open.pop() {
        deepest = deepest.max(depth);
        if layout.descendants(bytes, node) > layout.leaf as i64 {
            open.extend([0, 1].map(|side| (layout.child(bytes, node, side) as usize, depth + 1)));
        }
    }
    deepest
}

/// The worst a line can be: nearly all splits take off less than two in a hundred points, the ones
/// farthest out, but more than the one in a hundred at which coin tosses take over. In a thread
/// with a small stack.
#[test]
fn points_on_a_line() {
    let many = if sample() == 1 { 2_000_000 } else { 250_000 };
    for (f, n) in [(1, many), (1, 200_000), (2, 100_000)] {
        let work = move || {
            let options = options(Metric::Euclidean, ScalarType::F64, IdWidth::Bits32, f);
            let mut index = Index::with_options(options).unwrap();
            let (mut x, mut level, mut left) = (500f64.exp2(), 0, n);
            for id in 0..n {
                if level == 0 {
                    // The next level: so many points at less than half the distance.
                    level = (left as f64 * 0.018).ceil() as i64;
                    left -= level;
                    x /= 2.5;
                }
                level -= 1;
                index.add_item(id, &vec![x; f]).unwrap();
            }
            index.build(Some(1), Some(1)).unwrap();
            let found = index.get_nns_by_item(n / 3, 10, Some(u64::MAX)).unwrap();
            assert_eq!((found.len(), found[0].distance), (10, 0.0));
            if n > 200_000 {
                return; // a large file for a scratch directory
            }
            let bytes = saved(&index);
            println!("f = {f}: {n} points, depth {}", depth(options, &bytes));
            assert!(depth(options, &bytes) > 100);
            loaded(options, &bytes)
                .unwrap()
                .get_nns_by_item(0, 10, None)
                .unwrap();
        };
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn(work).unwrap().join().unwrap();
    }
}

#[test]
fn the_shortest_and_the_longest_vectors() {
    for options in all_types(1, 1) {
        let unit = if options.scalar.is_bits() {
            options.scalar.size() * 8
        } else {
            1
        };
        for (f, n) in [(1, 300), (2, 300), (4096 * unit, 12), (65_536 * unit, 4)] {
            let options = Options { f, ..options };
            let items = random_items(options, n, 1);
            let mut index = filled(options, &items);
            index.build(Some(3), Some(2)).unwrap();
            let context = format!("{}, f = {f}", name(options));
            let again = round_trip(&index, &context);
            assert_eq!(Item::read(&again, n as i64 - 1).unwrap(), items[n - 1]);
            let found = again.get_nns_by_item(1, n, Some(u64::MAX)).unwrap();
            assert_eq!(found.len(), n, "{context}");
        }
    }
}

/// Numbers at the ends of what floats can be. Sums overflow or vanish; whatever was built must load
/// again.
#[test]
fn extreme_numbers() {
    let (mut nans, mut broken) = (Vec::new(), Vec::new());
    for options in all_types(6, 64) {
        if options.metric == Metric::Hamming {
            continue;
        }
        let double = options.scalar == ScalarType::F64;
        let single = [
            1e30,
            1e15,
            f64::from(f32::MAX),
            1e-15,
            1e-20,
            3e-22,
            1e-30,
            1e-38,
            1e-44,
        ];
        let wide = [
            1e300,
            1e154,
            f64::MAX,
            1e-150,
            1e-160,
            1e-162,
            1e-300,
            5e-324,
        ];
        for &scale in if double { &wide[..] } else { &single } {
            let context = format!("{}, about {scale:e}", name(options));
            let mut random = crate::common::Random(5);
            let items: Vec<Item> = (0..300)
                .map(|_| Item::new(options, |_| random.number() * scale))
                .collect();
            let index = built(options, &items, 3);
            let again = match loaded(options, &saved(&index)) {
                Ok(again) => again,
                Err(error) => {
                    broken.push(format!("{context}: {error}"));
                    continue;
                }
            };
            for id in [0, 150, 299] {
                let found = again.get_nns_by_item(id, 300, Some(u64::MAX)).unwrap();
                let before = index.get_nns_by_item(id, 300, Some(u64::MAX)).unwrap();
                assert_eq!(ids(&found), ids(&before), "{context}");
                assert_eq!(found.len(), 300, "{context}");
                assert_eq!(
                    Item::read(&again, id).unwrap(),
                    items[id as usize],
                    "{context}"
                );
                if found.iter().any(|neighbor| neighbor.distance.is_nan()) {
                    nans.push(context.clone());
                }
            }
        }
    }
    nans.dedup();
    assert!(nans.is_empty(), "distances that are not numbers: {nans:#?}");
    assert!(broken.is_empty(), "cannot load what was saved: {broken:#?}");
}

#[test]
fn zero_vectors_among_others() {
    for options in all_types(6, 64) {
        let mut items = random_items(options, 300, 1);
        for id in (0..300).step_by(3) {
            items[id] = Item::zero(options);
        }
        let index = built(options, &items, 3);
        let again = round_trip(&index, &name(options));
        let zero = Item::zero(options);
        let found = again.get_nns_by_vector(&zero, 300, Some(u64::MAX)).unwrap();
        assert_eq!(found.len(), 300);
        assert!(found.iter().all(|neighbor| neighbor.distance.is_finite()));
        // Angular: no angle to a zero vector, so the root of 2 by convention. Dot: 0 to all.
        match options.metric {
            Metric::Angular => assert!((found[0].distance - 2f64.sqrt()).abs() < 1e-6),
            Metric::Dot => assert!(found.iter().all(|neighbor| neighbor.distance == 0.0)),
            _ => assert_eq!((found[0].id, found[0].distance), (0, 0.0)),
        }
    }
}
