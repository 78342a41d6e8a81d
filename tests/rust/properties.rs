//! Properties of small random indexes of every type: a search that looks at everything is exact
//! search.

use crate::common::{all_types, distance, exact, ids, loaded, sample, saved, tolerance, Item};
use annoy_rs::{Index, Metric, Options};
use proptest::prelude::*;

/// An index to be made: which ids there are, and what they hold.
#[derive(Clone, Debug)]
struct Case {
    options: Options,
    items: Vec<Option<Item>>,
    query: Item,
    n_trees: usize,
    seed: u64,
    n: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let types = prop::sample::select(all_types(0, 0));
    (types, 1usize..40, 1usize..80, 0u8..4).prop_flat_map(|(mut options, f, n_items, spread)| {
        options.f = f;
        // Few different values make duplicates, ties and zero vectors; for hamming over 0.5 is a
        // one.
        let number = match spread {
            0 => prop::sample::select(vec![0.0, 1.0]).boxed(),
            1 => prop::sample::select(vec![-1.0, 0.0, 0.5, 2.0]).boxed(),
            _ => (-100i32..100).prop_map(|x| f64::from(x) / 64.0).boxed(),
        };
        let numbers = prop::collection::vec(number, f);
        let item = numbers.prop_map(move |numbers| Item::new(options, |i| numbers[i]));
        let last = item.clone();
        let items = prop::collection::vec(prop::option::weighted(0.8, item.clone()), n_items);
        (items, last, item, 1usize..12, any::<u64>(), 1usize..100).prop_map(
            move |(mut items, last, query, n_trees, seed, n)| {
                items.push(Some(last));
                Case {
                    options,
                    items,
                    query,
                    n_trees,
                    seed,
                    n,
                }
            },
        )
    })
}

impl Case {
    fn build(&self) -> Index {
        let mut index = Index::with_options(self.options).unwrap();
        index.set_seed(self.seed);
        for (id, item) in self.items.iter().enumerate() {
            if let Some(item) = item {
                index.add_item(id as i64, item).unwrap();
            }
        }
        index.build(Some(self.n_trees), Some(1)).unwrap();
        index
    }

    fn metric(&self) -> Metric {
        self.options.metric
    }

    fn scale(&self) -> f64 {
        let largest = |item: &Item| item.numbers().iter().fold(0.0f64, |a, x| a.max(x.abs()));
        let most = self.items.iter().flatten().map(largest).fold(1.0, f64::max);
        most * most.max(largest(&self.query)) * self.options.f as f64
    }

    fn near(&self, found: f64, expected: f64) -> bool {
        (found - expected).abs() <= tolerance(self.metric(), expected, self.scale())
    }

    /// Neighbours are what exact search finds, up to the order of equal distances.
    fn check(&self, index: &Index, query: &Item, found: &[annoy_rs::Neighbor]) {
        let expected = exact(self.metric(), &self.items, query, self.n);
        assert_eq!(found.len(), expected.len(), "count");
        for (neighbor, expected) in found.iter().zip(&expected) {
            let item = self.items[neighbor.id as usize].as_ref().expect("a hole");
            let own = distance(self.metric(), item, query);
            assert!(self.near(neighbor.distance, own), "{neighbor:?}, is {own}");
            assert!(
                self.near(neighbor.distance, expected.0),
                "{neighbor:?}, expected {expected:?}"
            );
        }
        let sign = if self.metric() == Metric::Dot {
            -1.0
        } else {
            1.0
        };
        for pair in found.windows(2) {
            let keys = [0, 1].map(|i| (sign * pair[i].distance, pair[i].id));
            // The root may make one of two near distances; then their order is that before it.
            let rooted = matches!(self.metric(), Metric::Angular | Metric::Euclidean);
            assert!(
                keys[0] < keys[1] || rooted && keys[0].0 == keys[1].0,
                "{pair:?}"
            );
        }
        let mut distinct = ids(found);
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), found.len(), "repeated ids");
        assert!(index.n_items() == self.items.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400 / sample().min(8) as u32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn looking_at_everything_is_exact(case in case()) {
        let index = case.build();
        for search_k in [u64::MAX, i64::MAX as u64] {
            let found = index.get_nns_by_vector(&case.query, case.n, Some(search_k)).unwrap();
            case.check(&index, &case.query, &found);
        }
    }

    #[test]
    fn default_search_is_sorted_distinct_and_present(case in case()) {
        let index = case.build();
        let found = index.get_nns_by_vector(&case.query, case.n, None).unwrap();
        prop_assert!(found.len() <= case.n);
        let mut rest = case.clone();
        rest.items = vec![None; case.items.len()];
        for neighbor in &found {
            rest.items[neighbor.id as usize] = case.items[neighbor.id as usize].clone();
        }
        // Exact among what was found: right distances, right order, no holes, no repeats.
        rest.check(&index, &case.query, &found);
    }

    #[test]
    fn a_file_answers_as_its_maker(case in case()) {
        let index = case.build();
        let again = loaded(case.options, &saved(&index)).unwrap();
        prop_assert_eq!(again.n_items(), index.n_items());
        prop_assert_eq!(again.n_trees(), index.n_trees());
        for search_k in [None, Some(0), Some(1), Some(20), Some(u64::MAX)] {
            prop_assert_eq!(
                again.get_nns_by_vector(&case.query, case.n, search_k).unwrap(),
                index.get_nns_by_vector(&case.query, case.n, search_k).unwrap()
            );
        }
        for id in 0..index.n_items() as i64 {
            prop_assert_eq!(Item::read(&again, id).unwrap(), Item::read(&index, id).unwrap());
        }
    }

    #[test]
    fn distances_are_symmetric_and_right(case in case()) {
        let index = case.build();
        for (i, a) in case.items.iter().enumerate() {
            for (j, b) in case.items.iter().enumerate().skip(i) {
                let there = index.get_distance(i as i64, j as i64).unwrap();
                let back = index.get_distance(j as i64, i as i64).unwrap();
                prop_assert_eq!(there, back, "{} {}", i, j);
                if let (Some(a), Some(b)) = (a, b) {
                    let own = distance(case.metric(), a, b);
                    prop_assert!(case.near(there, own), "{} {}: {}, is {}", i, j, there, own);
                }
            }
        }
    }

    /// Dot has items nearer to one than itself, angular has zero vectors, which are near to
    /// nothing.
    #[test]
    fn an_item_is_its_own_nearest(case in case()) {
        let index = case.build();
        for (id, item) in case.items.iter().enumerate() {
            let Some(item) = item else { continue };
            let found = index.get_nns_by_item(id as i64, case.n, Some(u64::MAX)).unwrap();
            case.check(&index, item, &found);
            let is_zero = item.numbers().iter().all(|&x| x == 0.0);
            if case.metric() != Metric::Dot && !(case.metric() == Metric::Angular && is_zero) {
                let first = found.iter().take_while(|other| case.near(other.distance, 0.0));
                let ties = case.items.iter().flatten()
                    .filter(|other| case.near(distance(case.metric(), item, other), 0.0)).count();
                prop_assert!(
                    ids(&found[..first.count()]).contains(&(id as i64)) || ties > case.n,
                    "{} not among {:?}", id, found
                );
            }
        }
    }
}
