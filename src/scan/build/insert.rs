//! Puts more items into the lists: into those of the nearest centroids there are, coded by the
//! codebooks there are. Those that are gone are left out.

use super::{books, kmeans, Listed, LEAST_MEAN};
use crate::error::{Error, Result};
use crate::graph::build::encode;
use crate::graph::format::header::GraphHeader;
use crate::graph::quantize::vectors::Source;
use crate::graph::threads::Team;
use crate::kernel::{CodeRows, Isa, Measure};
use crate::memory;
use crate::removed::Changes;
use crate::scan::format::{ScanBytes, ScanHeader};
use crate::scan::Scan;
use crate::work::Meter;

/// Lists are made anew where they have, on the mean, so many times as many items as a build gives
/// them.
const MOST: usize = 2;

impl Scan {
    /// The lists of before with these changes; none where no items are left. The same for any
    /// number of threads and on any processor.
    ///
    /// # Errors
    /// As [`Scan::build`]; [`Error::Corrupt`].
    pub fn change(
        old: &ScanBytes<'_>,
        source: &Source<'_>,
        n_items: usize,
        changes: Changes<'_>,
        isa: Isa,
        meter: &Meter<'_>,
    ) -> Result<Option<Self>> {
        let Changes { gone, new, .. } = changes;
        let was = old.header;
        let n_staying = was
            .n_listed
            .saturating_sub(gone.map_or(0, |gone| gone.count()));
        let n_listed = n_staying + new.len();
        if n_listed == 0 {
            return Ok(None);
        }
        let mean = n_listed / was.n_lists.max(1);
        let is_most_new = new.len() >= was.n_listed || n_staying < was.n_listed / 2;
        if mean >= MOST * was.n_lists.max(LEAST_MEAN) || is_most_new {
            return Scan::build(source, n_items, isa, meter).map(Some);
        }
        meter.set_total((n_items + new.len()) as u64);
        let (team, view) = (Team::new(meter), old.view(isa));
        let options = source.nodes.layout().options;
        let whole = GraphHeader::new(&options, n_items, was.scale.copy()?, None);
        let section = encode::fill(source, &whole, &[], isa, &team)?;
        let codes = whole.codes(section.bytes(), isa, Measure::Squares).rows;
        let new = memory::collect(new.iter().map(|&id| id as u32))?;
        let of_new = kmeans::nearest(&codes, &new, &view.centroids, isa, &team)?;
        // Behind the last there is none.
        let mut list_of = memory::filled(u32::MAX, n_items)?;
        for list in 0..was.n_lists {
            for &id in view.list(list)?.ids {
                let id = u32::from_le_bytes(id) as usize;
                let to = list_of.get_mut(id);
                *to.ok_or_else(|| Error::corrupt(id, "a list of the scan has it"))? = list as u32;
            }
        }
        for (&id, &list) in new.iter().zip(&of_new) {
            list_of[id as usize] = list;
        }
        let is_there =
            |&id: &u32| list_of[id as usize] != u32::MAX && source.item(id as usize).is_some();
        let there = memory::collect((0..n_items as u32).filter(is_there))?;
        let nearest = memory::collect(there.iter().map(|&id| list_of[id as usize]))?;
        let listed = Listed::new(&there, &nearest, was.n_lists)?;
        let header = ScanHeader {
            n_lists: was.n_lists,
            n_listed: there.len(),
            n_blocks: listed.n_blocks(),
            n_reranked: was.n_reranked,
            // The same share.
            search_k: (u128::from(was.search_k) * there.len() as u128 / was.n_listed.max(1) as u128)
                as u64,
            recall: was.recall,
            ..ScanHeader::new(&options, n_items, was.scale.copy()?)
        };
        let centroids = CodeRows::new(view.centroids.bytes(), codes.row_bytes());
        let residuals = books::Residuals {
            codes: &codes,
            centroids: &centroids,
            f: options.f,
        };
        let books = books::Books::read(view.books, header.group)?;
        let mut scan = Scan {
            bytes: header.room()?,
            header,
        };
        listed.fill(&residuals, &books, &mut scan, &team)?;
        meter.finish()?;
        Ok(Some(scan))
    }
}
