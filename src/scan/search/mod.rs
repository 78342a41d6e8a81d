//! A search of the lists.
//!
//! ```text
//! exact search, if search_k or the filter leaves no more items than that looks at
//! code = quantize(query)
//! tables = for each group of numbers, what each of 16 codes is from the query
//! lists by the distance of their centroids, until search_k items are in those taken
//! candidates = the nearest by tables
//! results = re-rank the candidates by their vectors
//! ```
//!
//! Distances are those of codes. With x = c + r, c the centroid of its list and r what its code
//! stands for: |q - x|^2 - |q|^2 = (|c|^2 - 2 qc) + (|x|^2 - |c|^2) - 2 qr. The first is the
//! list's, the second the item's (its bias), and the third the sum of what tables say, which are of
//! the query alone. With products only qc and qr count.
//!
//! Many queries are searched for together: a list is read by all that want it while it is in the
//! processor's cache. What is found is the same.
//!
//! - [`tables`]: a query's tables, and the unit of distances.
//! - [`candidates`]: the nearest so far.
//! - [`together`]: many queries.

mod candidates;
mod tables;
mod together;

use super::format::{List, ScanView, MAX_LISTS};
use crate::error::{reserve, Error, Result};
use crate::graph::quantize::vectors::GraphQuery;
use crate::kernel::{Sums, BLOCK, MAX_BLOCKS};
use crate::memory::reserve_heap;
use crate::query::filter::Filter;
use crate::query::scratch::{self, Shelves};
use crate::query::{exact, Best, Neighbor, Wanted};
use candidates::Candidates;
use tables::Unit;
pub use together::{search_all, TOGETHER};

/// With a `search_k` so large, or as large as the default, twice as many candidates are re-ranked.
/// They must not become a smaller share of what is looked at: where codes tell little, more to look
/// at would then find less.
const SEARCH_K_OF_TWICE: u64 = 24_000;

/// No less is kept than this many candidates.
const LEAST_RERANKED: usize = 40;

/// A first portion of the candidates is re-ranked, no less than one in so many, and then as many
/// more at a time for as long as some of them are results.
const PORTIONS: usize = 4;

/// One of so many lists that are probably needed is chosen in vain.
const SPARE: usize = 8;

/// Of the numbers that lists are ordered by these are the list's own, and no distance is more.
const LIST_BITS: u32 = MAX_LISTS.ilog2();
const MOST: u64 = (1 << (64 - LIST_BITS)) - 1;

/// Room for one query.
#[derive(Default)]
struct Cursor {
    tables: Vec<u8>,
    unit: Unit,
    /// The lists to be read, nearest first: what no item of it is nearer than, and its number.
    lists: Vec<(u32, u32)>,
    candidates: Candidates,
}

/// Room for searches.
#[derive(Default)]
struct Scratch {
    code: Vec<u8>,
    whole: Vec<u8>,
    tables: tables::Room,
    places: Vec<u32>,
    products: Vec<u32>,
    /// Distances of all lists.
    distances: Vec<i64>,
    /// Each list's distance over that of the nearest, and its number.
    order: Vec<u64>,
    hits: Vec<u32>,
    /// Whether the filter accepts each item of a list.
    accepted: Vec<bool>,
    cursors: Vec<Cursor>,
    /// For each list, where those that want it begin in `wanted`.
    starts: Vec<u32>,
    /// Number of a query, and distance.
    wanted: Vec<(u32, u32)>,
    ids: Vec<usize>,
    best: Best,
}

impl scratch::Scratch for Scratch {
    fn clean(&mut self) {
        self.best.clear();
    }
}

static SHELVES: Shelves<Scratch> = Shelves::new();

/// The nearest items among those in the lists nearest to the query, of which together about
/// `search_k` are looked at. All is looked at if that is all items, or the filter is known to
/// accept fewer.
///
/// # Errors
/// [`Error::Corrupt`], [`Error::NoMemory`].
pub fn search<F: Filter>(
    query: &dyn GraphQuery,
    scan: &ScanView<'_>,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let n_items = scan.header.n_items;
    let search = ScanSearch::new(scan, wanted, filter);
    if wanted.n == 0 || search.search_k == 0 {
        return Ok(Vec::new());
    }
    if search.is_exact() || query.is_null_query() {
        return exact(query, n_items, wanted, filter);
    }
    SHELVES.lend(|scratch| {
        with_cursors(&mut scratch.cursors, 1)?;
        let mut cursors = std::mem::take(&mut scratch.cursors);
        let found = search
            .prepare(query, &mut cursors[0], scratch)
            .and_then(|()| {
                search.read_in_order(&mut cursors[0], scratch)?;
                search.rerank(query, &mut cursors[0], scratch)
            });
        scratch.cursors = cursors;
        found
    })
}

/// How many candidates are re-ranked for `n` results, if that is `each` for one.
pub fn n_reranked(n: usize, search_k: u64, default: u64, each: u32) -> u64 {
    let least = n as u128 * u128::from(each);
    let of_twice = default.clamp(1, SEARCH_K_OF_TWICE);
    let more = least.saturating_mul(search_k.into()) / u128::from(of_twice);
    u64::try_from(least.saturating_add(more)).unwrap_or(u64::MAX)
}

fn with_cursors(cursors: &mut Vec<Cursor>, n: usize) -> Result<()> {
    let missing = n.saturating_sub(cursors.len());
    reserve(cursors, missing)?;
    cursors.extend((0..missing).map(|_| Cursor::default()));
    Ok(())
}

/// As many of the same.
fn resize<T: Copy>(room: &mut Vec<T>, value: T, n: usize) -> Result<()> {
    room.clear();
    reserve(room, n)?;
    room.resize(n, value);
    Ok(())
}

struct ScanSearch<'a, F> {
    scan: &'a ScanView<'a>,
    filter: &'a F,
    wanted: Wanted,
    search_k: u64,
    /// Candidates to be re-ranked.
    keep: usize,
}

impl<'a, F: Filter> ScanSearch<'a, F> {
    fn new(scan: &'a ScanView<'a>, wanted: Wanted, filter: &'a F) -> Self {
        let header = scan.header;
        let tens = (wanted.n as u64).div_ceil(10).max(1);
        let by_default = || header.search_k.saturating_mul(tens);
        let search_k = wanted.search_k.unwrap_or_else(by_default);
        let keep = n_reranked(wanted.n, search_k, header.search_k, header.n_reranked);
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let keep = keep.clamp(LEAST_RERANKED, header.n_items.max(LEAST_RERANKED));
        ScanSearch {
            scan,
            filter,
            wanted,
            search_k,
            keep,
        }
    }

    /// Whether all that may be found is looked at.
    fn is_exact(&self) -> bool {
        self.search_k >= self.filter.at_most(self.scan.header.n_items) as u64
    }

    /// Makes a query's tables, and measures all lists.
    fn prepare(
        &self,
        query: &dyn GraphQuery,
        cursor: &mut Cursor,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let scan = self.scan;
        let n_lists = scan.header.n_lists;
        let Scratch {
            code,
            whole,
            tables,
            places,
            products,
            distances,
            order,
            ..
        } = scratch;
        resize(code, 0, scan.header.stride)?;
        query.encode(&scan.coder, whole, code)?;
        cursor.unit = tables::fill(scan, code, tables, &mut cursor.tables)?;
        cursor.candidates.begin(self.keep);
        cursor.lists.clear();
        if places.len() < n_lists {
            places.clear();
            reserve(places, n_lists)?;
            places.extend(0..n_lists as u32);
        }
        resize(products, 0, n_lists)?;
        let places = &places[..n_lists];
        scan.products
            .distances(code, &scan.centroids, places, products);
        distances.clear();
        reserve(distances, n_lists)?;
        let all = scan.adds.iter().zip(&*products);
        distances.extend(all.map(|(&add, &product)| {
            i64::from_le_bytes(add).wrapping_sub(8 * i64::from(product as i32))
        }));
        let nearest = distances.iter().copied().min().unwrap_or(0);
        order.clear();
        reserve(order, n_lists)?;
        let far = distances.iter().map(|distance| distance.abs_diff(nearest));
        // Distances of codes have less than 48 bits, numbers of lists 16.
        let lists = far
            .zip(0u64..)
            .map(|(far, list)| far.min(MOST) << LIST_BITS | list);
        order.extend(lists);
        Ok(())
    }

    /// The next of the lists by their distance, for which there is a place in the cursor; they go
    /// from `order`.
    fn choose(&self, n: usize, cursor: &mut Cursor, scratch: &mut Scratch) -> Result<()> {
        let (scan, order) = (self.scan, &mut scratch.order);
        let n = n.min(order.len());
        if n < order.len() {
            // The nearest come last, to be taken off.
            let at = order.len() - n;
            order.select_nth_unstable_by(at, |a, b| b.cmp(a));
        }
        let first = order.len() - n;
        order[first..].sort_unstable();
        reserve(&mut cursor.lists, n)?;
        for one in order.drain(first..) {
            let list = (one & ((1 << LIST_BITS) - 1)) as usize;
            let bias = scan.least_biases.get(list);
            let bias = bias.map_or(0, |&bias| u64::from_le_bytes(bias));
            let base = cursor
                .unit
                .distance((one >> LIST_BITS).saturating_add(bias));
            cursor.lists.push((base, list as u32));
        }
        Ok(())
    }

    /// Lists that are probably needed, so that `search_k` items are in them.
    fn likely(&self) -> usize {
        let header = self.scan.header;
        let mean = (header.n_listed / header.n_lists).max(1) as u64;
        let likely = usize::try_from(self.search_k.div_ceil(mean)).unwrap_or(usize::MAX);
        likely.saturating_add(likely / SPARE + 1)
    }

    /// Reads the nearest lists one after the other.
    fn read_in_order(&self, cursor: &mut Cursor, scratch: &mut Scratch) -> Result<()> {
        let (mut looked, mut at) = (0, 0);
        while looked < self.search_k {
            if at == cursor.lists.len() {
                self.choose(self.likely(), cursor, scratch)?;
            }
            let Some(&(base, list)) = cursor.lists.get(at) else {
                break;
            };
            at += 1;
            if let Some(&(_, next)) = cursor.lists.get(at) {
                self.scan.prefetch(next as usize);
            }
            let list = self.scan.list(list as usize)?;
            looked += self.read_list(&list, base, cursor, scratch)?;
        }
        Ok(())
    }

    /// Reads one list; how many of its items are accepted.
    fn read_list(
        &self,
        list: &List<'_>,
        base: u32,
        cursor: &mut Cursor,
        scratch: &mut Scratch,
    ) -> Result<u64> {
        let header = self.scan.header;
        let n = list.ids.len();
        let n_accepted = if F::ALL {
            n
        } else {
            scratch.accepted.clear();
            reserve(&mut scratch.accepted, n)?;
            let accepts = |&id: &[u8; 4]| {
                let id = u32::from_le_bytes(id) as usize;
                id < header.n_items && self.filter.accepts(id)
            };
            scratch.accepted.extend(list.ids.iter().map(accepts));
            scratch.accepted.iter().filter(|&&is| is).count()
        };
        if n_accepted == 0 {
            return Ok(0);
        }
        let block_bytes = header.block_bytes();
        let n_room = BLOCK * MAX_BLOCKS.min(n.div_ceil(BLOCK));
        if scratch.hits.len() < n_room {
            resize(&mut scratch.hits, 0, n_room)?;
        }
        let candidates = &mut cursor.candidates;
        for (part, blocks) in list.blocks.chunks(MAX_BLOCKS * block_bytes).enumerate() {
            let Some(most) = candidates.farthest().checked_sub(base) else {
                break;
            };
            let start = part * MAX_BLOCKS * BLOCK;
            let factor = || cursor.unit.of_biases(header.bias_shift);
            let sums = Sums {
                tables: &cursor.tables,
                blocks,
                factor: header.has_biases.then(factor),
            };
            let most = most.min(u16::MAX.into()) as u16;
            let n_hits = self.scan.kernel.below(sums, most, &mut scratch.hits);
            candidates.reserve(n_hits)?;
            for &hit in &scratch.hits[..n_hits] {
                let place = start + (hit & 0xffff) as usize;
                // Behind the last item of a list its last block is empty.
                let Some(&id) = list.ids.get(place) else {
                    continue;
                };
                if F::ALL || scratch.accepted[place] {
                    let distance = base.saturating_add(hit >> 16);
                    candidates.offer(distance, u32::from_le_bytes(id));
                }
            }
            candidates.settle();
        }
        Ok(n_accepted as u64)
    }

    /// Re-ranks the candidates by their vectors, the nearest by codes first, while that finds
    /// results.
    fn rerank(
        &self,
        query: &dyn GraphQuery,
        cursor: &mut Cursor,
        scratch: &mut Scratch,
    ) -> Result<Vec<Neighbor>> {
        let Scratch { ids, best, .. } = scratch;
        ids.clear();
        reserve(ids, self.keep)?;
        let left_out = self.filter.left_out();
        let candidates = cursor.candidates.ids();
        ids.extend(candidates.filter(|&id| left_out != Some(id)));
        if let Some(&id) = ids.iter().find(|&&id| id >= self.scan.header.n_items) {
            let reason = "a list of the scan has it, and it is no item";
            return Err(Error::corrupt(id, reason));
        }
        let n = self.wanted.n;
        reserve_heap(best, n.min(ids.len()))?;
        let portion = n.saturating_mul(self.scan.header.n_reranked as usize);
        for some in ids.chunks(portion.max(self.keep / PORTIONS)) {
            let is_full = best.len() == n;
            if query.rank(self.wanted, some, best) == 0 && is_full {
                break;
            }
        }
        let mut found = query.take(best)?;
        // The lists of a damaged file may name an item twice.
        found.dedup_by_key(|one| one.id);
        Ok(found)
    }
}
