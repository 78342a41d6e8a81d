//! Many queries at a time: each list is read by all that want it while it is in the processor's
//! cache.

use super::{resize, with_cursors, Cursor, ScanSearch, Scratch, SHELVES};
use crate::error::Result;
use crate::graph::quantize::vectors::GraphQuery;
use crate::memory;
use crate::query::filter::All;
use crate::query::{Neighbor, Wanted};
use crate::scan::format::ScanView;

/// Queries that are searched for together at the most: what they keep fits the second cache.
pub const TOGETHER: usize = 128;

/// Queries with more candidates than this are searched for one by one: together they would take
/// much memory.
const MOST_KEPT: usize = 8192;

/// Lists that each of them reads first, and alone: with the nearest known, little of the others is
/// kept.
const FIRST: usize = 3;

/// What [`search`](super::search) finds for each of several queries, at most [`TOGETHER`].
///
/// # Errors
/// As there.
pub fn search_all(
    queries: &[&dyn GraphQuery],
    scan: &ScanView<'_>,
    wanted: Wanted,
) -> Result<Vec<Vec<Neighbor>>> {
    let search = ScanSearch::new(scan, wanted, &All);
    let is_exact = wanted.n == 0 || search.search_k == 0 || search.is_exact();
    let is_null = queries.iter().any(|query| query.is_null_query());
    if is_exact || is_null || search.keep > MOST_KEPT {
        let found = queries
            .iter()
            .map(|&query| super::search(query, scan, wanted, &All));
        return memory::try_collect(found);
    }
    SHELVES.lend(|scratch| {
        with_cursors(&mut scratch.cursors, queries.len())?;
        let mut cursors = std::mem::take(&mut scratch.cursors);
        let found = search.find_all(queries, &mut cursors[..queries.len()], scratch);
        scratch.cursors = cursors;
        found
    })
}

impl ScanSearch<'_, All> {
    /// Searches for several queries.
    fn find_all(
        &self,
        queries: &[&dyn GraphQuery],
        cursors: &mut [Cursor],
        scratch: &mut Scratch,
    ) -> Result<Vec<Vec<Neighbor>>> {
        for (&query, cursor) in queries.iter().zip(&mut *cursors) {
            self.prepare(query, cursor, scratch)?;
            let (mut looked, mut n) = (0, 0);
            while looked < self.search_k {
                if n == cursor.lists.len() {
                    self.choose(self.likely(), cursor, scratch)?;
                }
                let Some(&(base, list)) = cursor.lists.get(n) else {
                    break;
                };
                n += 1;
                let list = self.scan.list(list as usize)?;
                looked += list.ids.len() as u64;
                if n <= FIRST {
                    self.read_list(&list, base, cursor, scratch)?;
                }
            }
            cursor.lists.truncate(n);
        }
        self.read_by_list(cursors, scratch)?;
        let found = queries
            .iter()
            .zip(cursors)
            .map(|(&query, cursor)| self.rerank(query, cursor, scratch));
        memory::try_collect(found)
    }

    /// Reads each list that a cursor has not read yet, for all that want it.
    fn read_by_list(&self, cursors: &mut [Cursor], scratch: &mut Scratch) -> Result<()> {
        let n_lists = self.scan.header.n_lists;
        let mut starts = std::mem::take(&mut scratch.starts);
        let mut wanted = std::mem::take(&mut scratch.wanted);
        let rest = |cursor: &Cursor| FIRST.min(cursor.lists.len())..cursor.lists.len();
        let read = resize(&mut starts, 0, n_lists + 2).and_then(|()| {
            let mut n = 0;
            for cursor in &*cursors {
                for &(_, list) in &cursor.lists[rest(cursor)] {
                    starts[list as usize + 2] += 1;
                    n += 1;
                }
            }
            for list in 2..starts.len() {
                starts[list] += starts[list - 1];
            }
            resize(&mut wanted, (0, 0), n)?;
            for (number, cursor) in cursors.iter().enumerate() {
                for &(base, list) in &cursor.lists[rest(cursor)] {
                    let place = &mut starts[list as usize + 1];
                    wanted[*place as usize] = (number as u32, base);
                    *place += 1;
                }
            }
            // Now each list begins where `starts` says, and ends where the next one begins.
            for number in 0..n_lists {
                let range = starts[number] as usize..starts[number + 1] as usize;
                if range.is_empty() {
                    continue;
                }
                if number + 1 < n_lists {
                    self.scan.prefetch(number + 1);
                }
                let list = self.scan.list(number)?;
                for &(cursor, base) in &wanted[range] {
                    self.read_list(&list, base, &mut cursors[cursor as usize], scratch)?;
                }
            }
            Ok(())
        });
        scratch.starts = starts;
        scratch.wanted = wanted;
        read
    }
}
