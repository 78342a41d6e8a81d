//! Building a graph.

use super::guard::{exclusive_for, guard};
use super::handle::annoy_index;
use super::sized::{self, Growing};
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};
use crate::error::{Error, Result};
use crate::index::graph::GraphPlan;

/// In `annoy_graph_options`: no rounds, which leaves the graph at what the leaves of the trees
/// tell.
pub const ANNOY_ROUNDS_NONE: i32 = -1;

/// How a graph is built. Zero everything, then set `struct_size` and what is wanted: 0 stands for
/// the default. The first three decide how much is found, the others how long the building takes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_graph_options {
    /// `sizeof(annoy_graph_options)`.
    pub struct_size: usize,
    /// Neighbours of an item at the most, 1 to 255; by default 32.
    pub degree: i32,
    /// Nearest neighbours they are chosen from, 1 to 1,024; by default 48.
    pub candidates: i32,
    /// Slack of that choice, 1 to 16: with more, longer ways are kept beside short ones. By default
    /// 1.2.
    pub alpha: f64,
    /// Rounds of NN-descent at the most, 1 to 1,000; by default 6. `ANNOY_ROUNDS_NONE` for none.
    pub rounds: i32,
    /// Neighbours that a round takes of a list, and of those in whose lists an item is, 1 to 255;
    /// by default 12.
    pub sample: i32,
    /// Trees whose leaves are made use of, 1 to 65,536; by default 10.
    pub n_trees: i32,
    /// Must be 0.
    pub reserved: i32,
}

// SAFETY: numbers.
unsafe impl Growing for annoy_graph_options {
    const SIZE: &'static str = "struct_size of annoy_graph_options";
}

/// # Safety
/// `options` is NULL or points to an `annoy_graph_options`.
unsafe fn read(options: *const annoy_graph_options) -> Result<GraphPlan> {
    let mut plan = GraphPlan::default();
    if options.is_null() {
        return Ok(plan);
    }
    // SAFETY: not NULL; as large as it says by the caller's word.
    let options = unsafe { sized::read(options) }?;
    if options.reserved != 0 {
        return Err(Error::argument("reserved", options.reserved, "0"));
    }
    for (name, given, to) in [
        ("degree", options.degree, &mut plan.degree),
        ("candidates", options.candidates, &mut plan.candidates),
        ("rounds", options.rounds, &mut plan.rounds),
        ("sample", options.sample, &mut plan.sample),
        ("n_trees", options.n_trees, &mut plan.n_trees),
    ] {
        *to = match given {
            0 => continue,
            ANNOY_ROUNDS_NONE if name == "rounds" => 0,
            given => usize::try_from(given)
                .map_err(|_| Error::argument(name, given, "at least 1, or 0 for the usual"))?,
        };
    }
    if options.alpha != 0.0 {
        plan.alpha = options.alpha;
    }
    Ok(plan)
}

/// Builds a graph over the items of a built or loaded index, in place of the one it has; `options`
/// and `work` may be NULL.
///
/// Searches then walk it, and find far more of the nearest among as many items looked at, which is
/// what `search_k` says. `annoy_save` writes it into the file, where Annoy does not see it; the
/// file of an on-disk build, which is complete by then, does not get it. It is gone when the trees
/// are. The same index and options give the same bytes, for any number of threads and on any
/// processor. For each item it takes 4 bytes for each neighbour and one for each number of a vector
/// (to a multiple of 64; fewer where fewer tell long vectors apart), some 20 for ways down ten
/// trees (80 where vectors are shortest), and while it is built 8 * (candidates + 4 * sample) bytes
/// and 4 for each tree. Walks compare codes made of the vectors, if those tell near items apart,
/// which is tried, else the vectors themselves; what was chosen and the share of the nearest that
/// was then found are in `annoy_info` and in the log, as a warning when it is less than 0.9:
/// searches then look at more by default (`annoy_get_nns_by_item`).
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT`;
/// `ANNOY_ERR_UNSUPPORTED` for 2^31 items or more; `ANNOY_ERR_CORRUPT` when a loaded file turns out
/// to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an error the index is as before.
///
/// # Safety
/// `index` is NULL or a live handle, `options` is NULL or points to an
/// `annoy_graph_options`, `work` is NULL or as `annoy_work` says.
#[no_mangle]
pub unsafe extern "C" fn annoy_build_graph(
    index: *mut annoy_index,
    options: *const annoy_graph_options,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: as documented.
        let (plan, work) = unsafe { (read(options)?, Given::read(work)?) };
        // SAFETY: NULL or live by the caller's word.
        let mut index = unsafe { exclusive_for(index, &work) }?;
        work.call(|work| index.build_graph(&plan, work))
    })
}
