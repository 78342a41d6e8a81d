//! Whether a graph is what it should be.

use super::build::routes;
use super::quantize::vectors::Source;
use super::quantize::{self, EXTRA};
use super::{GraphBytes, END};
use crate::error::{Error, Result};
use crate::forest::inspect::Faults;
use crate::forest::roots::Roots;
use crate::kernel::Isa;
use crate::memory;
use crate::work::Meter;

/// Compares each code with that of its item, and routes with those of the trees; looks at each
/// neighbour, and at which items have none. `meter` counts items.
///
/// # Errors
/// [`Error::Cancelled`], [`Error::NoMemory`]. Faults are no errors.
pub fn check(
    source: &Source<'_>,
    roots: &Roots,
    graph: &GraphBytes<'_>,
    isa: Isa,
    meter: &Meter<'_>,
    faults: &mut Faults,
) -> Result<()> {
    let (view, n_items) = (graph.view(isa, source.space.measure()), roots.n_items);
    if !view.routes.starts.is_empty() && !graph.header.has_old_routes {
        let expected = match routes::build(source, roots, view.coder.scale) {
            Err(Error::Corrupt { .. }) => None,
            other => Some(other?),
        };
        if !expected.is_some_and(|expected| view.routes.are(&expected)) {
            faults.add(None, || {
                format!("the routes in the graph are not those of the trees")
            });
        }
    }
    let mut code = memory::filled(0, view.codes.rows.row_bytes())?;
    let mut room = Vec::new();
    let mut extra = [0; EXTRA];
    let extra = match source.space.by_product() {
        true => &mut extra[..],
        false => &mut [],
    };
    for (i, bytes) in view.entries.chunks_exact(4).enumerate() {
        let id = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        let is_right = id < n_items && view.entry_codes.row(i) == view.codes.rows.row(id);
        if !is_right || source.item(id).is_none() {
            faults.add((id < n_items).then_some(id), || {
                format!("item {id} cannot be one to start from in the graph, or its code there is another")
            });
        }
    }
    let mut null = view.null().peekable();
    // Those made before graphs were tried out name none: there all items take part.
    let is_before = graph.header.recall.is_none() && view.n_null() == 0;
    let takes_part = |id| source.takes_part(id) || is_before && source.item(id).is_some();
    for id in 0..n_items {
        let is_null = source.item(id).is_some() && !takes_part(id);
        if is_null != null.next_if_eq(&id).is_some() {
            faults.add(Some(id), || {
                format!("the graph does not say rightly whether it can have neighbours")
            });
        }
        if !view.by_vectors {
            quantize::write(source, &view.coder, id..id + 1, &mut room, &mut code, extra)?;
            let stored = view.codes.extras.get(id * EXTRA..).unwrap_or(&[]);
            if code != view.codes.rows.row(id) || !stored.starts_with(extra) {
                faults.add(Some(id), || format!("its code is not that of its vector"));
            }
        }
        if view.degree > 0 {
            let mut ended = false;
            for bytes in view.row(id).chunks_exact(4) {
                let other = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                if other == END {
                    ended = true;
                    continue;
                }
                let is_other = |other: usize| other < n_items && other != id && takes_part(other);
                if ended || !takes_part(id) || !is_other(other as usize) {
                    faults.add(Some(id), || {
                        format!("item {other} cannot be its neighbour in the graph")
                    });
                    break;
                }
            }
        }
        meter.advance(1)?;
    }
    let n_right = view.null().count();
    if n_right != view.n_null() {
        faults.add(None, || {
            let n_wrong = view.n_null() - n_right;
            format!("the graph names {n_wrong} as items without neighbours that are none, or out of order")
        });
    }
    Ok(())
}
