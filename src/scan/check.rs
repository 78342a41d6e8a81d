//! Whether lists are what they should be.

use super::format::ScanBytes;
use crate::error::Result;
use crate::forest::inspect::Faults;
use crate::graph::quantize::vectors::Source;
use crate::kernel::Isa;
use crate::memory;
use crate::work::Meter;

/// Whether each item that is there is in one list, and no other id, those of a list in order.
/// `meter` counts items.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), [`Error::NoMemory`](crate::Error::NoMemory).
/// Faults are no errors.
pub fn check(
    source: &Source<'_>,
    scan: &ScanBytes<'_>,
    isa: Isa,
    meter: &Meter<'_>,
    faults: &mut Faults,
) -> Result<()> {
    let (view, n_items) = (scan.view(isa), scan.header.n_items);
    let mut is_listed = memory::filled(false, n_items)?;
    let (mut n_ids, mut n_blocks) = (0, 0);
    for number in 0..scan.header.n_lists {
        let entry = view.entry(number);
        let list = match view.list(number) {
            Ok(list) if (entry.items as usize, entry.blocks as usize) == (n_ids, n_blocks) => list,
            _ => {
                faults.add(None, || {
                    format!("list {number} of the scan is not where the one before it ends")
                });
                return Ok(());
            }
        };
        n_ids += list.ids.len();
        n_blocks = view.entry(number + 1).blocks as usize;
        // In order, or they may be those of another list, with codes of others.
        let mut least = 0;
        for &id in list.ids {
            let id = u32::from_le_bytes(id) as usize;
            match is_listed.get_mut(id) {
                Some(is_listed) if id >= least && !*is_listed && source.item(id).is_some() => {
                    *is_listed = true;
                    least = id + 1;
                }
                _ => faults.add(None, || {
                    format!("list {number} of the scan has item {id}, which cannot be there")
                }),
            }
        }
    }
    let (header, counted) = (scan.header, (n_ids, n_blocks));
    if counted != (header.n_listed, header.n_blocks) {
        faults.add(None, || {
            format!(
                "the lists of the scan have {n_ids} items in {n_blocks} blocks, its header counts {} \
                 in {}",
                header.n_listed, header.n_blocks
            )
        });
    }
    for (id, &is_listed) in is_listed.iter().enumerate() {
        if !is_listed && source.item(id).is_some() {
            faults.add(Some(id), || format!("it is in no list of the scan"));
        }
        meter.advance(1)?;
    }
    Ok(())
}
