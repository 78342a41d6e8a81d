//! A system that gives no threads, or fewer than asked for.

use super::common::{built, filled, random_items, saved};
use super::{small, turn};
use annoy_rs::fault::{control, Kind};
use annoy_rs::{Cancel, Error, Index, Options, Search, Work};

const TREES: usize = 3;

type Call<'a> = &'a dyn Fn(&mut Index, &mut Work<'_>) -> annoy_rs::Result<()>;

/// Calls do their work all the same, tell how far they are, and give up when told.
#[test]
fn fewer_threads_than_asked_for() {
    let _turn = turn();
    let (options, items) = small();
    let wide = Options { f: 3000, ..options };
    let many = random_items(wide, 2000, 5);
    let add = |index: &mut Index, work: &mut Work<'_>| {
        index.add_items_with(None, |row| &many[row], many.len(), work)
    };
    let build = |index: &mut Index, work: &mut Work<'_>| index.build_with(Some(TREES), work);
    let search = |index: &mut Index, work: &mut Work<'_>| {
        let query = |i: usize| &items[i];
        index.search_batch(query, items.len(), &Search::new(3), work, |_, _| {})
    };
    let calls: [(&dyn Fn() -> Index, Call<'_>); 3] = [
        (&|| Index::with_options(wide).unwrap(), &add),
        (&|| filled(options, &items), &build),
        (&|| built(options, &items, TREES), &search),
    ];
    for (make, call) in calls {
        let mut expected = make();
        call(&mut expected, &mut Work::default()).unwrap();
        // The first thread is refused, the second, none.
        for nth in 1..4 {
            for give_up in [false, true] {
                let (cancel, mut last) = (Cancel::new(), (0, 0));
                let mut progress = |_, done, total| {
                    assert!(done >= last.0 && done <= total);
                    last = (done, total);
                    if give_up {
                        cancel.cancel();
                    }
                };
                let mut work = Work {
                    n_threads: Some(3),
                    cancel: Some(&cancel),
                    progress: Some(&mut progress),
                };
                let mut index = make();
                control::arm(&[Kind::Thread], nth, true);
                let done = call(&mut index, &mut work);
                control::disarm();
                if give_up {
                    assert!(matches!(done, Err(Error::Cancelled)), "{done:?}");
                    let before = make();
                    assert_eq!(index.n_items(), before.n_items());
                    assert_eq!(index.n_trees(), before.n_trees());
                    continue;
                }
                done.unwrap();
                assert!(last.0 == last.1 && last.0 > 0, "{last:?}");
                assert_eq!(index.n_items(), expected.n_items());
                if index.n_trees() > 0 {
                    assert!(saved(&index) == saved(&expected));
                }
            }
        }
    }
}
