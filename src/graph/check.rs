//! Whether a graph is what it should be.

use super::codes::{self, EXTRA};
use super::{GraphBytes, END};
use crate::error::Result;
use crate::forest::inspect::Faults;
use crate::kernel::Isa;
use crate::layout::Nodes;
use crate::metric::Space;
use crate::work::Meter;

/// Compares each code with that of its item, and looks at each neighbour. `meter` counts items.
///
/// # Errors
/// [`crate::Error::Cancelled`]. Faults are no errors.
pub fn check<S: Space>(
    space: &S,
    nodes: &Nodes<'_>,
    n_items: usize,
    graph: &GraphBytes<'_>,
    isa: Isa,
    meter: &Meter<'_>,
    faults: &mut Faults,
) -> Result<()> {
    let view = graph.view(isa, S::MEASURE);
    let mut code = vec![0; view.codes.rows.row_bytes()];
    let longest = codes::longest::<S>(nodes, n_items);
    for id in 0..n_items {
        let item = codes::item::<S>(nodes, id);
        code.fill(0);
        if let Some(row) = item {
            view.scale.encode_item(space, row, &mut code);
        }
        let mut is_right = code == view.codes.rows.row(id);
        if S::COMPLETES_NORMS {
            let extra = view.scale.extra(item, longest).to_le_bytes();
            is_right &= view.codes.extras[id * EXTRA..][..EXTRA] == extra;
        }
        if !is_right {
            faults.add(Some(id), || {
                "its code is not that of its vector".to_string()
            });
        }
        if view.degree > 0 {
            let mut ended = false;
            for bytes in view.row(id).chunks_exact(4) {
                let other = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                if other == END {
                    ended = true;
                    continue;
                }
                let is_item =
                    |other: usize| other < n_items && nodes.get(other).n_descendants() == 1;
                if ended || item.is_none() || other as usize == id || !is_item(other as usize) {
                    faults.add(Some(id), || {
                        format!("item {other} cannot be its neighbour in the graph")
                    });
                    break;
                }
            }
        }
        meter.advance(1)?;
    }
    Ok(())
}
