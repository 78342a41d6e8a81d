//! Indexes with the lists of a scan, and small files of such.

use super::graphs::{gaussian, items, Rows};
use super::{options, Item, Random};
use annoy_rs::{IdWidth, Index, Metric, Options, ScalarType, Search, Way, Work};

/// An index with a scan, whatever the number of threads.
pub fn with_scan(options: Options, items: &[Item], n_threads: usize) -> Index {
    let mut index = super::built(options, items, 1);
    add_scan(&mut index, n_threads);
    index
}

pub fn add_scan(index: &mut Index, n_threads: usize) {
    let mut work = Work {
        n_threads: Some(n_threads),
        ..Work::default()
    };
    index.build_scan(&mut work).unwrap();
}

/// A search by it.
pub fn scan<'a>(n: usize) -> Search<'a> {
    Search {
        way: Way::Scan,
        ..Search::new(n)
    }
}

/// Rows around so many centres.
pub fn clustered(n: usize, f: usize, n_centres: usize, random: &mut Random) -> Rows {
    let centres = gaussian(n_centres, f, random);
    let mut rows = gaussian(n, f, random);
    for row in &mut rows {
        let centre = &centres[random.below(n_centres)];
        for (x, c) in row.iter_mut().zip(centre) {
            *x = 0.2 * *x + c;
        }
    }
    rows
}

/// Items of [`small_scans`]; those missing.
pub const SMALL: usize = 200;
pub fn is_missing(id: usize) -> bool {
    id % 13 == 3
}

/// Small files with several lists: of each metric, with short and long ids, with zero vectors; of
/// numbers that share codes in fours. Some items are missing.
pub fn small_scans() -> Vec<(Options, Vec<u8>)> {
    use IdWidth::{Bits32, Bits64};
    let kinds = [
        (Metric::Euclidean, ScalarType::F32, Bits32, 3),
        (Metric::Dot, ScalarType::F64, Bits64, 3),
        (Metric::Angular, ScalarType::F32, Bits64, 3),
        (Metric::Euclidean, ScalarType::F64, Bits32, 193),
    ];
    let file = |(metric, scalar, ids, f)| {
        let options = options(metric, scalar, ids, f);
        let mut rows = gaussian(SMALL, f, &mut Random(1));
        for row in rows.iter_mut().skip(5).step_by(7) {
            if metric == Metric::Angular {
                row.fill(0.0);
            }
        }
        let mut index = super::filled(options, &[]);
        let items = items(options, &rows);
        for (id, item) in items.iter().enumerate().filter(|(id, _)| !is_missing(*id)) {
            index.add_item(id as i64, item).unwrap();
        }
        index.build(Some(2), Some(1)).unwrap();
        add_scan(&mut index, 1);
        assert!(index.info().unwrap().scan_lists > 1, "{options:?}");
        (options, super::saved(&index))
    };
    kinds.into_iter().map(file).collect()
}
