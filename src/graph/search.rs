//! The walk: from items that the forest names, always on to the neighbours of the nearest not yet looked from.

use super::codes::Coded;
use super::View;
use crate::error::{reserve, Error, Result};
use crate::kernel::{prefetch, Measure, Row};
use crate::metric::Space;

/// An item met, nearest first: distance of its code, id, and whether it was looked from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Met(u64);

impl Met {
    fn new(distance: u32, id: u32) -> Self {
        Met(u64::from(distance) << 32 | u64::from(id) << 1)
    }
    fn id(self) -> u32 {
        self.0 as u32 >> 1
    }
    fn is_done(self) -> bool {
        self.0 & 1 == 1
    }
    fn done(self) -> Self {
        Met(self.0 | 1)
    }
}

/// Room that a thread keeps from one search to the next.
#[derive(Default)]
pub struct Walk {
    code: Vec<u8>,
    pool: Vec<Met>,
    batch: Vec<u32>,
    distances: Vec<u32>,
    met: Vec<u32>,
}

/// The pool of a walk holds one for so many that it looks at: it looks from no more than that anyway.
const LOOKED_AT_FROM_ONE: u64 = 8;

impl Walk {
    /// What the last walk met, nearest code first.
    pub fn found(&self) -> impl Iterator<Item = usize> + '_ {
        self.pool.iter().map(|one| one.id() as usize)
    }

    /// Walks from `entries` until about `search_k` items have been looked at, and keeps `keep` of the nearest at the least.
    /// `marks` has a bit for each item, zero before and after.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a neighbour cannot be; [`Error::NoMemory`].
    #[allow(clippy::too_many_arguments)]
    pub fn walk<S: Space>(
        &mut self,
        space: &S,
        graph: &View<'_>,
        query: Row<'_, S::T>,
        entries: &[usize],
        keep: usize,
        search_k: u64,
        marks: &mut [u64],
    ) -> Result<()> {
        let Walk {
            code,
            pool,
            batch,
            distances,
            met,
        } = self;
        let n_items = graph.codes.rows.count();
        let breadth = (search_k / LOOKED_AT_FROM_ONE)
            .max(keep as u64)
            .min(n_items as u64)
            .max(1) as usize;
        let codes = &graph.codes;
        let stride = codes.rows.row_bytes();
        code.clear();
        reserve(code, stride)?;
        code.resize(stride, 0);
        if S::MEASURE == Measure::Bits {
            code[..query.bytes().len()].copy_from_slice(query.bytes());
        } else {
            let factor = if S::COMPLETES_NORMS {
                graph.scale.longest(query)
            } else {
                space.code_factor(query)
            };
            graph.scale.encode(query, factor, code);
        }
        let query = Coded {
            row: code,
            extra: 0,
        };
        pool.clear();
        reserve(pool, breadth + 1)?;
        met.clear();
        batch.clear();
        for &id in entries {
            let (word, bit) = (&mut marks[id / 64], 1u64 << (id % 64));
            if *word & bit == 0 {
                *word |= bit;
                prefetch(codes.rows.row(id));
                batch.push(id as u32);
            }
        }
        let mut looked_at = 0;
        let mut next = 0;
        let result = loop {
            // Measure what was gathered and put it in its place.
            distances.resize(batch.len(), 0);
            codes.distances(query, batch, distances);
            looked_at += batch.len() as u64;
            met.extend_from_slice(batch);
            for (&id, &distance) in batch.iter().zip(distances.iter()) {
                let one = Met::new(distance, id);
                if pool.len() == breadth {
                    if pool.last().is_some_and(|last| one >= *last) {
                        continue;
                    }
                    pool.pop();
                }
                let at = pool.partition_point(|other| *other < one);
                pool.insert(at, one);
                next = next.min(at);
            }
            while pool.get(next).is_some_and(|one| one.is_done()) {
                next += 1;
            }
            let Some(&one) = pool.get(next) else {
                break Ok(());
            };
            if looked_at >= search_k {
                break Ok(());
            }
            pool[next] = one.done();
            // Most likely the next.
            if let Some(other) = pool.get(next + 1) {
                prefetch(graph.row(other.id() as usize));
            }
            batch.clear();
            let mut wrong = None;
            for bytes in graph.row(one.id() as usize).chunks_exact(4) {
                let id = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                if id as usize >= n_items {
                    if id != super::END {
                        wrong = Some(id);
                    }
                    break;
                }
                let (word, bit) = (&mut marks[id as usize / 64], 1u64 << (id % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    prefetch(codes.rows.row(id as usize));
                    batch.push(id);
                }
            }
            if let Some(wrong) = wrong {
                break Err(Error::corrupt(
                    one.id() as usize,
                    format!("its neighbour {wrong} is no item"),
                ));
            }
        };
        for &id in met.iter().chain(batch.iter()) {
            marks[id as usize / 64] = 0;
        }
        result
    }
}
