//! What must hold of an index that a hostile file was opened as.

use super::common::{ids, Item};
use annoy_rs::{Error, Index, Neighbor, MAX_METADATA};

/// A list found, as numbers that can be compared, or why there is none.
type Found = Result<Vec<(i64, u64)>, String>;

/// What an index says to a fixed list of questions.
#[derive(Debug, PartialEq)]
pub struct Answers {
    pub n_items: usize,
    pub n_trees: usize,
    pub metadata: Vec<u8>,
    found: Vec<Found>,
    items: Vec<Vec<u64>>,
}

impl Answers {
    /// Whether no search met damage.
    pub fn are_all_good(&self) -> bool {
        self.found.iter().all(Result::is_ok)
    }
}

fn take(index: &Index, n: usize, result: annoy_rs::Result<Vec<Neighbor>>) -> Found {
    match result {
        Ok(found) => {
            let mut ids = ids(&found);
            assert!(ids.len() <= n);
            let n_items = index.n_items() as i64;
            assert!(ids.iter().all(|id| (0..n_items).contains(id)), "{ids:?}");
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), found.len(), "repeated ids");
            let bits = |neighbor: &Neighbor| (neighbor.id, neighbor.distance.to_bits());
            Ok(found.iter().map(bits).collect())
        }
        Err(error) => {
            assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
            Err(error.to_string())
        }
    }
}

/// A label that is there is found, unless it is damaged.
fn label(index: &Index, id: i64) {
    let found = index.label(id).and_then(|label| {
        let found = label.map(|label| index.find_label(label)).transpose()?;
        Ok(found.flatten())
    });
    match found {
        Ok(found) => assert!(found.is_none_or(|id| (0..index.n_items() as i64).contains(&id))),
        Err(error) => assert!(matches!(error, Error::Corrupt { .. }), "{error:?}"),
    }
}

/// Asks for items, distances and neighbours.
pub fn ask(index: &Index, query: &Item) -> Answers {
    let n_items = index.n_items() as i64;
    assert!(index.metadata().len() <= MAX_METADATA);
    let mut answers = Answers {
        n_items: index.n_items(),
        n_trees: index.n_trees(),
        metadata: index.metadata().to_vec(),
        found: Vec::new(),
        items: Vec::new(),
    };
    // The last so few that a graph is walked.
    for (n, search_k) in [
        (3, None),
        (10, Some(u64::MAX)),
        (usize::MAX, Some(1)),
        (5, Some(12)),
    ] {
        let found = index.get_nns_by_vector(query, n, search_k);
        answers.found.push(take(index, n, found));
    }
    let mut asked = vec![0, n_items / 2, n_items - 1];
    asked.dedup();
    for id in asked.into_iter().filter(|id| (0..n_items).contains(id)) {
        if !index.is_removed(id) {
            let found = index.get_nns_by_item(id, 100, Some(u64::MAX));
            answers.found.push(take(index, 100, found));
        }
        label(index, id);
        let item = Item::read(index, id).unwrap();
        let mut bits: Vec<u64> = item.numbers().iter().map(|x| x.to_bits()).collect();
        bits.push(index.get_distance(id, 0).unwrap().to_bits());
        answers.items.push(bits);
    }
    answers
}

/// Looks at the whole index. Where that finds no fault, every search has to succeed, and one for
/// all finds all.
pub fn verify(index: &Index, query: &Item, answers: &Answers) {
    let report = index.verify(2).unwrap();
    let info = index.info().unwrap();
    assert!(info.n_present <= info.n_items);
    assert_eq!(report.is_sound(), report.faults.is_empty());
    if report.is_sound() {
        assert!(answers.are_all_good(), "sound, but {answers:?}");
        let all = index.get_nns_by_vector(query, usize::MAX, Some(u64::MAX));
        assert_eq!(
            all.unwrap().len(),
            info.n_present - info.n_removed,
            "sound, but some are not found"
        );
    }
}

/// Writes the index to memory and loads that: it opens, and answers what was answered before.
/// (Where some searches met damage others may meet it earlier or later, as there are more nodes
/// than there were.)
pub fn save(index: &Index, query: &Item, answers: &Answers) {
    match index.to_bytes() {
        Ok(bytes) => {
            assert_eq!(index.saved_size().unwrap(), bytes.len());
            let mut again = Index::with_options(index.options()).unwrap();
            again
                .load_bytes(bytes.clone())
                .unwrap_or_else(|error| panic!("a file of ours: {error}"));
            let described = Index::open_bytes(bytes).unwrap();
            assert_eq!(described.options(), index.options());
            let found = ask(&again, query);
            if answers.are_all_good() {
                assert_eq!(*answers, found, "after a save");
            }
            if index.verify(0).unwrap().is_sound() {
                let report = again.verify(1).unwrap();
                assert!(report.is_sound(), "sound before the save: {report:?}");
            }
        }
        Err(Error::Corrupt { .. } | Error::Unsupported(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// Thaws the index, which works where it is sound, and builds it anew, which then is sound.
pub fn thaw(mut index: Index, query: &Item) {
    let is_sound = index.verify(0).unwrap().is_sound();
    let before = ask(&index, query);
    match index.thaw() {
        Ok(()) => {
            assert_eq!(index.n_trees(), 0);
            index.build(Some(2), Some(1)).unwrap();
            let answers = ask(&index, query);
            verify(&index, query, &answers);
            let report = index.verify(1).unwrap();
            assert!(report.is_sound(), "thawed and built: {report:?}");
        }
        Err(Error::Corrupt { .. } | Error::NotFinite { .. }) => {
            assert!(!is_sound, "sound, but does not thaw");
            assert_eq!(before, ask(&index, query));
        }
        Err(error) => panic!("{error:?}"),
    }
}
