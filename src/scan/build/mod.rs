//! Makes the lists.
//!
//! 1. [`kmeans`]: centroids of a sample, then the nearest one of each item.
//! 2. [`books`]: for each group of numbers 16 places where what is left of the items lies.
//! 3. this file: codes and biases of all items, list by list, and a trial by searches, which says
//!    how far they have to look.
//!
//! - [`insert`]: more items in lists there are.
//!
//! All is done with codes of a byte a number, in integers, and in the order of ids: the same bytes
//! for any number of threads and on any processor.

mod books;
mod insert;
mod kmeans;

use super::format::{ScanHeader, ScanView, MAX_LISTS, TOP};
use super::{search, Scan};
use crate::error::{Error, Result};
use crate::graph::build::encode::{self, ScaleRule};
use crate::graph::build::trial::{Trial, NEAREST};
use crate::graph::format::header::GraphHeader;
use crate::graph::quantize::vectors::Source;
use crate::graph::threads::Team;
use crate::kernel::{CodeRows, Isa, Measure, BLOCK};
use crate::memory;
use crate::query::Wanted;
use crate::wire;
use crate::work::Meter;
use std::sync::{Mutex, PoisonError};

/// Items of a list, on the mean, at least. From the square of this on there are as many lists as
/// items in them: choosing lists then takes about as long as reading what is chosen.
const LEAST_MEAN: usize = 64;

/// What a search may be like: it looks at one in so many items by default, and re-ranks so many
/// candidates for each result. The trial takes the cheapest that finds [`ENOUGH`].
const SHARES: [u64; 6] = [64, 32, 16, 8, 4, 2];
const RERANKED: [u32; 4] = [6, 24, 96, 384];
const ENOUGH: f64 = 0.95;

/// To measure a vector takes as long as to look at so many items.
const RERANK_COST: u64 = 50;

/// It looks at so many at least: with a filter too there are more than ten then, if there are any.
const LEAST_SEARCH_K: u64 = 100;

/// Lists that a thread codes at a time.
const LISTS_TAKEN: usize = 8;

impl Scan {
    /// The same for any number of threads and on any processor.
    ///
    /// # Errors
    /// [`Error::NoMemory`], [`Error::Unsupported`], [`Error::Cancelled`].
    pub fn build(source: &Source<'_>, n_items: usize, isa: Isa, meter: &Meter<'_>) -> Result<Self> {
        if source.space.measure() != Measure::Squares {
            return Err(Error::Unsupported(format!(
                "a scan by {}: its codes are of sums of products, which that is not",
                source.nodes.layout().options.metric
            )));
        }
        if n_items > u32::MAX as usize {
            return Err(Error::Unsupported(format!(
                "a scan of {n_items} items; there may be {}",
                u32::MAX
            )));
        }
        meter.set_total(2 * n_items as u64);
        let team = Team::new(meter);
        let trial = Trial::new(source, n_items, &team)?;
        let mut best: Option<Scan> = None;
        for kind in [ScaleRule::Least, ScaleRule::Most] {
            meter.set_total(team.done() + 2 * n_items as u64);
            let Some(scan) = Scan::by(kind, source, n_items, isa, &team, &trial)? else {
                continue;
            };
            let is_good = scan.header.recall >= ENOUGH && scan.header.n_reranked <= RERANKED[1];
            if best.as_ref().is_none_or(|best| scan.is_better_than(best)) {
                best = Some(scan);
            }
            if is_good {
                break;
            }
        }
        meter.finish()?;
        best.ok_or_else(|| Error::Unsupported(format!("a scan of items without a scale")))
    }

    /// With a scale of this kind; none if there is none.
    fn by(
        kind: ScaleRule,
        source: &Source<'_>,
        n_items: usize,
        isa: Isa,
        team: &Team<'_, '_>,
        trial: &Trial,
    ) -> Result<Option<Self>> {
        let options = source.nodes.layout().options;
        let Some(scale) = encode::scale(source, n_items, kind, team)? else {
            return Ok(None);
        };
        let whole = GraphHeader::new(&options, n_items, scale.copy()?, None);
        let section = encode::fill(source, &whole, &[], isa, team)?;
        let codes = whole.codes(section.bytes(), isa, Measure::Squares).rows;
        let there =
            memory::collect((0..n_items as u32).filter(|&id| source.item(id as usize).is_some()))?;
        let n_lists = (there.len() / LEAST_MEAN)
            .min(there.len().isqrt())
            .clamp(1, MAX_LISTS);
        let centroids = kmeans::centroids(&codes, &there, n_lists, isa, team)?;
        let centroids = CodeRows::new(&centroids, codes.row_bytes());
        let nearest = kmeans::nearest(&codes, &there, &centroids, isa, team)?;
        let mut header = ScanHeader::new(&options, n_items, scale);
        header.n_lists = n_lists;
        header.n_listed = there.len();
        let build = Listed::new(&there, &nearest, n_lists)?;
        header.n_blocks = build.n_blocks();
        let residuals = books::Residuals {
            codes: &codes,
            centroids: &centroids,
            f: options.f,
        };
        let books = books::train(&residuals, &header, &there, &nearest, team)?;
        let mut scan = Scan {
            bytes: header.room()?,
            header,
        };
        build.fill(&residuals, &books, &mut scan, team)?;
        scan.try_out(source, trial, isa)?;
        Ok(Some(scan))
    }

    /// Whether a search by default finds more, or enough in less time.
    fn is_better_than(&self, other: &Scan) -> bool {
        let recall = |scan: &Scan| scan.header.recall.min(ENOUGH);
        let cost = |scan: &Scan| cost(scan.header.search_k, scan.header.n_reranked);
        recall(self) > recall(other) || recall(self) == recall(other) && cost(self) < cost(other)
    }

    /// Finds out how far searches have to look.
    fn try_out(&mut self, source: &Source<'_>, trial: &Trial, isa: Isa) -> Result<()> {
        let n_items = self.header.n_items;
        let search_k = |share: u64| (n_items as u64 / share).max(LEAST_SEARCH_K);
        let all = SHARES.map(|share| RERANKED.map(|n| (search_k(share), n)));
        let mut all = memory::copy(all.as_flattened())?;
        all.sort_unstable_by_key(|&(k, n)| (cost(k, n), n));
        // Of few items all shares may be the least there is.
        all.dedup();
        let mut best = (-1.0, all[0]);
        for tried in all {
            (self.header.search_k, self.header.n_reranked) = tried;
            let view: ScanView<'_> = self.stored().view(isa);
            let recall = trial.recall_of(source, n_items, &|query, wanted, without| {
                // As a search for ten: one for eleven looks at twice as many by default.
                let wanted = Wanted {
                    n: NEAREST,
                    search_k: Some(tried.0),
                    ..wanted
                };
                search::search(query, &view, wanted, without)
            })?;
            if recall > best.0 {
                best = (recall, tried);
            }
            if recall >= ENOUGH {
                break;
            }
        }
        self.header.recall = best.0;
        (self.header.search_k, self.header.n_reranked) = best.1;
        self.header.write(self.bytes.bytes_mut());
        Ok(())
    }
}

/// The time of a search, in that of looking at an item.
fn cost(search_k: u64, n_reranked: u32) -> u64 {
    search_k + RERANK_COST * search::n_reranked(NEAREST, search_k, search_k, n_reranked)
}

/// Which items are in which list.
struct Listed {
    /// Their ids, list by list, ascending in each.
    ids: Vec<u32>,
    /// Items and blocks before each list, and of all.
    starts: Vec<(u32, u32)>,
}

impl Listed {
    fn new(there: &[u32], nearest: &[u32], n_lists: usize) -> Result<Self> {
        let mut counts = memory::filled(0u32, n_lists)?;
        for &list in nearest {
            counts[list as usize] += 1;
        }
        let mut starts = memory::with_room(n_lists + 1)?;
        let (mut items, mut blocks) = (0, 0);
        for count in &mut counts {
            starts.push((items, blocks));
            items += *count;
            blocks += count.div_ceil(BLOCK as u32);
            *count = items - *count;
        }
        starts.push((items, blocks));
        let mut ids = memory::filled(0, there.len())?;
        for (&id, &list) in there.iter().zip(nearest) {
            let next = &mut counts[list as usize];
            ids[*next as usize] = id;
            *next += 1;
        }
        Ok(Listed { ids, starts })
    }

    fn n_blocks(&self) -> usize {
        self.starts.last().map_or(0, |&(_, blocks)| blocks as usize)
    }

    /// The ids of a list.
    fn of(&self, list: usize) -> &[u32] {
        &self.ids[self.starts[list].0 as usize..self.starts[list + 1].0 as usize]
    }

    /// Writes all parts of the section.
    fn fill(
        &self,
        residuals: &books::Residuals<'_>,
        books: &books::Books,
        scan: &mut Scan,
        team: &Team<'_, '_>,
    ) -> Result<()> {
        let header = &mut scan.header;
        let n_lists = header.n_lists;
        // The least and the greatest bias of each list.
        let reach = |list: usize| {
            let mut reach = [i64::MAX, i64::MIN];
            let mut codes = memory::filled(0, header.n_groups)?;
            for &id in self.of(list) {
                let bias = books.encode(residuals, id, list, &mut codes);
                reach = [reach[0].min(bias), reach[1].max(bias)];
            }
            Ok(if reach[0] > reach[1] { [0, 0] } else { reach })
        };
        let reaches = match header.has_biases {
            true => team.parts(n_lists, LISTS_TAKEN, |range| {
                memory::try_collect(range.map(reach))
            })?,
            false => Vec::new(),
        };
        let reaches = memory::collect(reaches.into_iter().flatten())?;
        let widest = reaches.iter().map(|[least, most]| most - least).max();
        header.bias_shift = widest
            .unwrap_or(0)
            .checked_ilog2()
            .map_or(0, |bits| (bits + 1).saturating_sub(15));
        header.write(scan.bytes.bytes_mut());
        let ranges = header.ranges().unwrap_or_default();
        let shift = header.bias_shift;
        let bytes = scan.bytes.bytes_mut();
        bytes[ranges.centroids].copy_from_slice(residuals.centroids.bytes());
        let table = bytes[ranges.lists].chunks_exact_mut(wire::ScanList::SIZE);
        for (&(items, blocks), to) in self.starts.iter().zip(table) {
            wire::ScanList { items, blocks }.write(to);
        }
        for (list, to) in bytes[ranges.adds].as_chunks_mut().0.iter_mut().enumerate() {
            *to = residuals.add(list, header.has_biases).to_le_bytes();
        }
        let first = reaches.iter().map(|[least, _]| *least).min().unwrap_or(0);
        let leasts = bytes[ranges.least_biases].as_chunks_mut().0;
        for ([least, _], to) in reaches.iter().zip(leasts) {
            *to = least.abs_diff(first).to_le_bytes();
        }
        for (number, to) in books
            .numbers
            .iter()
            .zip(bytes[ranges.books].chunks_exact_mut(2))
        {
            to.copy_from_slice(&number.to_le_bytes());
        }
        for (id, to) in self.ids.iter().zip(bytes[ranges.ids].chunks_exact_mut(4)) {
            to.copy_from_slice(&id.to_le_bytes());
        }
        let (mut blocks, size) = (&mut bytes[ranges.blocks], header.block_bytes());
        // Each lock is taken once: they share the places out among the threads.
        let mut parts = memory::with_room(n_lists)?;
        for list in 0..n_lists {
            let n = (self.starts[list + 1].1 - self.starts[list].1) as usize;
            let part = blocks.split_off_mut(..n * size).unwrap_or_default();
            parts.push(Mutex::new(part));
        }
        team.parts(n_lists, LISTS_TAKEN, |range| {
            let mut codes = memory::filled(0, header.n_groups)?;
            for list in range {
                let mut part = parts[list].lock().unwrap_or_else(PoisonError::into_inner);
                let least = reaches.get(list).map_or(0, |reach| reach[0]);
                for (place, &id) in self.of(list).iter().enumerate() {
                    let bias = books.encode(residuals, id, list, &mut codes);
                    let i = place % BLOCK;
                    let block = &mut part[place / BLOCK * size..][..size];
                    let (rows, biases) = block.split_at_mut(header.n_groups / 2 * BLOCK);
                    if let Some(to) = biases.chunks_exact_mut(2).nth(i) {
                        to.copy_from_slice(&(((bias - least) >> shift) as u16).to_le_bytes());
                    }
                    for (row, pair) in codes.chunks_exact(2).enumerate() {
                        rows[row * BLOCK + 2 * (i % 32) + i / 32] = pair[0] | pair[1] << 4;
                    }
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// A number of a code as it is compared.
fn number(code: u8) -> i32 {
    2 * i32::from(code) - TOP
}
