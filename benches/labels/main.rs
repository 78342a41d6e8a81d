//! Times lookups of labels in a loaded file, and what labels add to its loading:
//!
//! ```sh
//! cargo bench --bench labels [-- NUMBER_OF_ITEMS]      # 10 million unless said otherwise
//! ```
//!
//! The file is in the directory for temporary files and takes 32 bytes for each item without
//! labels, 48 with numbers.

use annoy_rs::{Access, Index, Metric, Result};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Lookups of each kind that are timed, one by one.
const LOOKUPS: usize = 200_000;

/// SplitMix64's finaliser: sparse labels, each once.
fn label(id: u64) -> u64 {
    let z = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn quantiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{what}: median {:?}, 99 % {:?}", at(0.5), at(0.99));
}

fn time<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn main() -> Result<()> {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let n = numbers.first().copied().unwrap_or(10_000_000);
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    let at = |name: &str| directory.path().join(name);

    let mut index = Index::new(Metric::Euclidean, 2)?;
    let rows = (0..n as usize)
        .map(|id| [id as f32, 0.0])
        .collect::<Vec<_>>();
    index.add_items(None, rows.iter())?;
    drop(rows);
    index.build(Some(1), Some(1))?;
    index.save(at("without.ann"))?;
    let labels: Vec<u64> = (0..n).map(label).collect();
    let (set, elapsed) = time(|| index.set_labels(None, labels.iter().copied()));
    set?;
    println!("{n} numbers given as labels: {elapsed:?}");
    let (saved, elapsed) = time(|| index.save(at("with.ann")));
    saved?;
    println!("saved with them: {elapsed:?}");
    drop(index);

    for name in ["without.ann", "with.ann", "without.ann", "with.ann"] {
        let opened = (0..101).map(|_| time(|| Index::open(at(name), Access::Map)));
        let times = opened.map(|(index, elapsed)| index.map(|_| elapsed));
        quantiles(&format!("open {name}"), times.collect::<Result<_>>()?);
    }

    let index = Index::open(at("with.ann"), Access::Map)?;
    let asked = |i: usize| label(i as u64 + 1) % n;
    let (mut to_label, mut to_id, mut in_vain) = (Vec::new(), Vec::new(), Vec::new());
    // The first round maps the pages, which are in memory since they were written.
    for round in 0..2 {
        for i in 0..LOOKUPS {
            let id = asked(i + round * LOOKUPS);
            let (found, elapsed) = time(|| black_box(index.label(id as i64)));
            assert_eq!(found?, Some(label(id).into()));
            to_label.push(elapsed);
            let id = asked(i + (2 + round) * LOOKUPS);
            let (found, elapsed) = time(|| black_box(index.find_label(label(id))));
            assert_eq!(found?, Some(id as i64));
            to_id.push(elapsed);
            let (found, elapsed) = time(|| black_box(index.find_label(label(n + id))));
            assert_eq!(found?, None);
            in_vain.push(elapsed);
        }
        let which = ["as pages are mapped", "after that"][round];
        quantiles(
            &format!("id to label, {which}"),
            std::mem::take(&mut to_label),
        );
        quantiles(&format!("label to id, {which}"), std::mem::take(&mut to_id));
        quantiles(
            &format!("no such label, {which}"),
            std::mem::take(&mut in_vain),
        );
    }
    Ok(())
}
