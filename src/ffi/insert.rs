//! Changing what a built index holds.

use super::guard::{exclusive_for, guard};
use super::handle::annoy_index;
use super::labels::{annoy_labels, GivenLabels};
use super::status::{annoy_error, annoy_status};
use super::vectors::{annoy_vectors, ids, Rows};
use super::work::{annoy_work, Given};
use crate::error::Error;
use crate::index::insert::{Insertion, Labels};

/// Flag of `annoy_insert`: items that have one of the ids are replaced, instead of being an error.
pub const ANNOY_INSERT_REPLACE: u64 = 1;

/// Inserts items into a built index, all or none, without building it anew: the next search finds
/// them, in trees, graph and scan.
///
/// `ids` has an id for each of the `vectors`, or is NULL: then they follow the last item. `labels`
/// has a label for each, or is NULL. `flags` is 0 or `ANNOY_INSERT_REPLACE`: then ids may be those
/// of items there are, also of removed ones, which get other vectors, and keep their labels where
/// `labels` is NULL.
///
/// An item goes down each tree to a leaf, which is split when it is full; in the graph its
/// neighbours are chosen by a search; it comes into the list of the nearest centroid. A few items,
/// no more than one for 64 there are, are put in where trees and graph lie, by one thread, in time
/// that does not grow with the index. Now and then such a call takes longer, as all is written
/// anew: when one in 16 has come. So do calls with more items, those that replace, and all on an
/// index with a scan. What `annoy_tune` measured stays. A loaded index needs `annoy_thaw` with
/// `ANNOY_THAW_BUILT` first.
///
/// The same calls give the same bytes, for any number of threads and on any processor. Progress is
/// told of adding, trees, graph and scan one after the other, each from 0; of a few items once.
/// `work` may be NULL.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built, built on disk, or loaded;
/// `ANNOY_ERR_ITEM` for an id that is there twice, that cannot be, or, without
/// `ANNOY_INSERT_REPLACE`, that an item has, also a removed one; `ANNOY_ERR_DIMENSION`;
/// `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_ARGUMENT` for fields of `vectors` and `labels` that cannot
/// be, other flags, and when there are not as many labels as vectors; `ANNOY_ERR_LABEL` when
/// another item has one of the labels; `ANNOY_ERR_UNSUPPORTED` for elements that the index does not
/// take, and labels that are not of the kind it has; `ANNOY_ERR_CORRUPT` when the trees of a file
/// that was thawed turn out to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an
/// error the index is as before.
///
/// # Safety
/// As `annoy_add`; `labels` is NULL or points to an `annoy_labels` whose pointers are NULL or as it
/// says.
#[no_mangle]
pub unsafe extern "C" fn annoy_insert(
    index: *mut annoy_index,
    ids: *const i64,
    vectors: *const annoy_vectors,
    labels: *const annoy_labels,
    flags: u64,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, rows) = unsafe { (Given::read(work)?, Rows::read("vectors", vectors)?) };
        // SAFETY: as above.
        let (labels, ids) = unsafe { (GivenLabels::read(labels)?, self::ids(ids, rows.n())?) };
        if flags & !ANNOY_INSERT_REPLACE != 0 {
            let expected = "0 or ANNOY_INSERT_REPLACE (1)";
            return Err(Error::argument("flags", flags, expected));
        }
        if let Some(labels) = labels.filter(|labels| labels.n() != rows.n()) {
            let expected = format!("one for each of {} vectors", rows.n());
            return Err(Error::argument(
                "the number of labels",
                labels.n(),
                expected,
            ));
        }
        // SAFETY: as above.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        let label = labels.map(|labels| move |i| labels.get(i));
        let insertion = Insertion {
            ids,
            labels: label.as_ref().map(|label| label as &Labels<'_>),
            replace: flags & ANNOY_INSERT_REPLACE != 0,
        };
        work.call(|work| index.insert_items(&insertion, |i| rows.row(i), rows.n(), work))
    })
}

/// Takes the items that are marked as removed out of trees, graph and scan of a built index,
/// without building it anew: no search is led through them any more, they are missing from then on,
/// their labels gone, and their ids can be inserted again. Does nothing when none is marked.
///
/// Takes less time than a build where few are marked: trees and graph are copied, and items with
/// neighbours that are gone choose among the others and the neighbours of those. Where fewer than
/// three of four stay, trees and graph are built anew. The same calls give the same bytes, for any
/// number of threads and on any processor. `work` may be NULL.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built, built on disk, or loaded
/// (`annoy_thaw` with `ANNOY_THAW_BUILT` is for that); `ANNOY_ERR_CORRUPT` when the trees of a file
/// that was thawed turn out to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an
/// error the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_consolidate(
    index: *mut annoy_index,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let work = unsafe { Given::read(work) }?;
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        work.call(|work| index.consolidate(work))
    })
}

/// Builds trees, graph and scan of a built index anew, those of them that it has, without the items
/// that are marked as removed. The bytes are those of a fresh build of what is left, with as many
/// trees and the seed it was built with, its graph by default options but for degree and alpha. Ids
/// stay as they are; those behind the last item that is left are free again. What `annoy_tune`
/// measured is dropped. `work` may be NULL.
///
/// Errors: as `annoy_consolidate`.
///
/// # Safety
/// As `annoy_consolidate`.
#[no_mangle]
pub unsafe extern "C" fn annoy_compact(
    index: *mut annoy_index,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let work = unsafe { Given::read(work) }?;
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        work.call(|work| index.compact(work))
    })
}
