//! Looking at the whole of an index or a file.

use super::either::Held;
use super::guard::{either, either_for, guard, path, place, slice_mut};
use super::handle::{annoy_index, annoy_scalar, scalar_number};
use super::library::{annoy_metric, metric_number};
use super::sized::{self, Growing};
use super::status::{annoy_error, annoy_status, cut};
use super::work::{annoy_work, Given};
use crate::error::Result;
use crate::index::probe::probe;
use crate::index::verify::{Info, Report};
use crate::storage::Access;
use std::ffi::c_char;

/// Something wrong in an index. Its size will not change.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_fault {
    /// The node; -1 when it is about a section or the file as a whole.
    pub node: i64,
    /// What is wrong: UTF-8, always NUL-terminated, cut off if too long.
    pub text: [c_char; 248],
}

/// The facts about an index. Set `struct_size`; fields that it leaves no room for are left out, and
/// bytes that it has beyond those of the library stay as they are.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct annoy_info {
    /// `sizeof(annoy_info)`.
    pub struct_size: usize,
    /// The largest id plus one.
    pub n_items: i64,
    /// Items that are not missing.
    pub n_present: i64,
    /// Trees.
    pub n_trees: i64,
    /// All nodes: items, splits, leaves, copies of roots, and those that say what the file is.
    pub n_nodes: i64,
    /// Splits of all trees.
    pub n_splits: i64,
    /// Splits by coin tosses, where no plane was found.
    pub n_coin_splits: i64,
    /// Leaves of all trees.
    pub n_leaves: i64,
    /// Nodes from a root to the farthest item, without the item.
    pub depth: i64,
    /// Bytes of the index in memory, or of its file.
    pub bytes: u64,
    /// Seed of the build; 0 where `has_seed` is.
    pub seed: u64,
    /// Bytes of a node.
    pub node_size: u64,
    /// The most items in a leaf (Annoy's K).
    pub max_leaf: u64,
    /// Mean share of `max_leaf` that leaves hold, 0 to 1.
    pub leaf_fill: f64,
    /// Mean share of a split's items that lie on its larger side, 0.5 to 1.
    pub imbalance: f64,
    /// 1 when a file, or the bytes of one, is loaded.
    pub is_loaded: i32,
    /// 1 when that file says what it is: it has checksums, and `annoy_open` opens it.
    pub is_described: i32,
    /// 1 when the seed of the build is known.
    pub has_seed: i32,
    /// 0.
    pub reserved: i32,
    /// Items that are removed; they are counted in `n_present` too, until the next build.
    pub n_removed: i64,
    /// Neighbours of an item at the most in the graph; 0 when there is none.
    pub graph_degree: i64,
    /// Bytes of an item's code, which walks of the graph compare; 0 where they compare the vectors,
    /// as codes did not tell near items apart, and where there is no graph.
    pub graph_code_bytes: i64,
    /// Share of the nearest 10 that searches of the graph found when it was built, at the usual
    /// `search_k`, of 64 items as if those were not there: 0 to 1. -1 where it was not tried, and
    /// where there is no graph.
    pub graph_recall: f64,
    /// Lists of the scan; 0 when there is none.
    pub scan_lists: i64,
    /// What searches of the scan look at by default for each ten results; 0 when there is none.
    pub scan_search_k: i64,
    /// Share of the nearest 10 that such searches found when the scan was built, of 64 items as if
    /// those were not there: 0 to 1. -1 where there is no scan.
    pub scan_recall: f64,
    /// Queries that `annoy_tune` measured searches with; 0 when it did not.
    pub n_tuned: i64,
}

// SAFETY: numbers.
unsafe impl Growing for annoy_info {
    const SIZE: &'static str = "struct_size of annoy_info";
}

/// What a file may be. Its size will not change.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_kind {
    /// The metric.
    pub metric: annoy_metric,
    /// The element type.
    pub scalar: annoy_scalar,
    /// Width of its ids in bits: 32 or 64.
    pub id_bits: i32,
    /// 0.
    pub reserved: i32,
    /// Length of its vectors: numbers, or bits for hamming.
    pub f: usize,
    /// Items it would have.
    pub n_items: i64,
    /// Trees it would have.
    pub n_trees: i64,
    /// Annoy's version of its layout: "1.17", "1.16 (packed)" or "main", NUL-terminated.
    pub layout: [c_char; 24],
}

fn hand_over(
    report: Report,
    faults: &mut [annoy_fault],
    n_faults: super::guard::Place<usize>,
) -> Result<()> {
    for (to, fault) in faults.iter_mut().zip(&report.faults) {
        *to = annoy_fault {
            node: fault.node.map_or(-1, |node| node as i64),
            text: cut(&fault.text),
        };
    }
    n_faults.put(report.n_faults);
    report.into_result()
}

/// Verifies a built or loaded index: checksums, kinds of nodes, ids, that each item is in every
/// tree once, that values are finite. Reads all of it; takes 4 bytes of memory for each item.
///
/// The first `capacity` faults go to `faults` (may be NULL if `capacity` is 0), the number of all
/// to `*n_faults`. `work` may be NULL.
/// Errors: `ANNOY_ERR_CORRUPT`, with the first fault, when there are faults; `ANNOY_ERR_NULL`;
/// `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`.
///
/// # Safety
/// `index` is NULL or a live handle, `faults` is NULL or has room for
/// `capacity` faults, `n_faults` is NULL or points to room for a `size_t`, `work` is NULL or as
/// `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_verify(
    index: *const annoy_index,
    faults: *mut annoy_fault,
    capacity: usize,
    n_faults: *mut usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, n_faults) = unsafe { (Given::read(work)?, place("n_faults", n_faults)?) };
        // SAFETY: as above.
        let faults = unsafe { slice_mut("faults", faults, capacity) }?;
        // SAFETY: as above.
        let index = unsafe { either_for(index, &work) }?;
        let report = work.call(|work| index.verify_with(capacity.max(1), work))?;
        hand_over(report, faults, n_faults)
    })
}

/// Verifies a file that says what it is. As `annoy_verify`.
///
/// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. The file is mapped meanwhile, and
/// must not be shortened: see `annoy_load`.
/// Errors: as `annoy_open` and `annoy_verify`.
///
/// # Safety
/// `path` is NULL or a NUL-terminated string, `faults` is NULL or has room for `capacity` faults,
/// `n_faults` is NULL or points to room for a `size_t`, `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_verify_file(
    path: *const c_char,
    faults: *mut annoy_fault,
    capacity: usize,
    n_faults: *mut usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (path, n_faults) = unsafe { (self::path(path)?, place("n_faults", n_faults)?) };
        // SAFETY: as above.
        let faults = unsafe { slice_mut("faults", faults, capacity) }?;
        // SAFETY: as above.
        let work = unsafe { Given::read(work) }?;
        let report = work.call(|work| {
            crate::work::check(work.cancel)?;
            match Held::open(path, Access::Map, false)? {
                Held::One(index) => index.verify_with(capacity.max(1), work),
                Held::Shards(shards) => shards.now()?.verify_with(capacity.max(1), work),
            }
        })?;
        hand_over(report, faults, n_faults)
    })
}

fn facts(info: &Info) -> annoy_info {
    let shape = &info.shape;
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    annoy_info {
        struct_size: size_of::<annoy_info>(),
        n_items: info.n_items as i64,
        n_present: info.n_present as i64,
        n_trees: info.n_trees as i64,
        n_nodes: info.n_nodes as i64,
        n_splits: shape.n_splits as i64,
        n_coin_splits: shape.n_coin_splits as i64,
        n_leaves: shape.n_leaves as i64,
        depth: shape.depth as i64,
        bytes: info.bytes as u64,
        seed: info.seed.unwrap_or(0),
        node_size: info.node_size as u64,
        max_leaf: info.max_leaf as u64,
        leaf_fill: share(
            shape.n_in_leaves as f64,
            shape.n_leaves as f64 * info.max_leaf as f64,
        ),
        imbalance: share(shape.n_on_larger_side as f64, shape.n_below as f64),
        is_loaded: i32::from(info.is_loaded),
        is_described: i32::from(info.is_described),
        has_seed: i32::from(info.seed.is_some()),
        reserved: 0,
        n_removed: info.n_removed as i64,
        graph_degree: info.graph_degree as i64,
        graph_code_bytes: info.graph_code_bytes as i64,
        graph_recall: info.graph_recall.unwrap_or(-1.0),
        scan_lists: info.scan_lists as i64,
        scan_search_k: i64::try_from(info.scan_search_k).unwrap_or(i64::MAX),
        scan_recall: info.scan_recall.unwrap_or(-1.0),
        n_tuned: i64::try_from(info.n_tuned).unwrap_or(i64::MAX),
    }
}

/// Collects the facts about an index into `*info`, whose `struct_size` is set. Walks all trees;
/// takes 4 bytes of memory for each item. Legal in every state.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for a `struct_size` of less than the first field
/// or more than 4,096; `ANNOY_ERR_NO_MEMORY`.
///
/// # Safety
/// `index` is NULL or a live handle, `info` is NULL or points to
/// `struct_size` bytes.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_info(
    index: *const annoy_index,
    info: *mut annoy_info,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (to, index) = unsafe { (sized::room("info", info)?, either(index)?) };
        to.put(facts(&index.info()?));
        Ok(())
    })
}

/// Finds out what a file may be: one kind if it says so itself, else every kind whose structure it
/// has. Of plain Annoy files there are often several: nothing tells euclidean from manhattan, nor
/// always the words of hamming. However long the file is, no more than 256 MiB of it are read,
/// which takes a fraction of a second.
///
/// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. The first `capacity` kinds go to
/// `kinds` (may be NULL if `capacity` is 0), the number of all to `*n_kinds`.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_IO`; `ANNOY_ERR_FORMAT` when it is no
/// index, one that says what it is and is damaged, or could be so many that it would take more to
/// tell, as a long file of zeros; `ANNOY_ERR_UNSUPPORTED` as `annoy_new`.
///
/// # Safety
/// `path` is NULL or a NUL-terminated string, `kinds` is NULL or has room for `capacity` kinds,
/// `n_kinds` is NULL or points to room for a `size_t`.
#[no_mangle]
pub unsafe extern "C" fn annoy_probe(
    path: *const c_char,
    kinds: *mut annoy_kind,
    capacity: usize,
    n_kinds: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (path, n_kinds) = unsafe { (self::path(path)?, place("n_kinds", n_kinds)?) };
        // SAFETY: as above.
        let kinds = unsafe { slice_mut("kinds", kinds, capacity) }?;
        let found = probe(path)?;
        for (to, kind) in kinds.iter_mut().zip(&found) {
            *to = annoy_kind {
                metric: metric_number(kind.options.metric),
                scalar: scalar_number(kind.options.scalar),
                id_bits: kind.options.id_width.bits() as i32,
                reserved: 0,
                f: kind.options.f,
                n_items: kind.n_items as i64,
                n_trees: kind.n_trees as i64,
                layout: cut(kind.layout),
            };
        }
        n_kinds.put(found.len());
        Ok(())
    })
}
