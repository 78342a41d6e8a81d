//! Adding items.

use super::engine::Engine;
use super::state::State;
use super::vector::Vector;
use super::Index;
use crate::error::{reserve, Error, Result};
use crate::layout::{NodeLayout, NodeMut};
use crate::work::{self, Meter, Stage, Work};
use std::ops::{Range, RangeInclusive};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

/// Bytes of nodes that a thread fills between two looks at the meter.
const PART_BYTES: usize = 4 << 20;

/// The ids of rows.
#[derive(Clone, Copy)]
struct Ids<'a> {
    given: Option<&'a [i64]>,
    /// The first row's, where none are given.
    next: i64,
}

impl Ids<'_> {
    fn of(&self, row: usize) -> i64 {
        self.given.map_or_else(
            || self.next.saturating_add(row.try_into().unwrap_or(i64::MAX)),
            |ids| ids[row],
        )
    }

    /// The smallest and the largest of some rows, of which there are any.
    fn bounds(&self, rows: Range<usize>) -> RangeInclusive<i64> {
        match self.given {
            Some(ids) => {
                let first = ids[rows.start];
                ids[rows].iter().fold(first..=first, |bounds, &id| {
                    id.min(*bounds.start())..=id.max(*bounds.end())
                })
            }
            None => self.of(rows.start)..=self.of(rows.end - 1),
        }
    }
}

/// Nodes of items that are there already and get other vectors, should the call fail.
#[derive(Default)]
struct Replaced {
    ids: Vec<usize>,
    nodes: Vec<u8>,
}

impl Index {
    /// Adds an item, or replaces it; one that was removed is there again. Ids may come in any order
    /// and leave holes; space is taken for all up to the largest.
    ///
    /// # Errors
    /// [`Error::State`] unless not built; [`Error::Item`] for a negative or too large id;
    /// [`Error::Dimension`], [`Error::Unsupported`] or [`Error::NotFinite`] for the vector;
    /// [`Error::NoMemory`] or [`Error::Io`] when there is no room.
    pub fn add_item<'a>(&mut self, id: i64, vector: impl Into<Vector<'a>>) -> Result<()> {
        let vector = vector.into();
        self.engine.check(vector, Some(id))?;
        self.grow_to(id..=id, "add an item")?;
        if let State::Building { store, .. } = &mut self.state {
            let size = self.layout.node_size;
            let node = &mut store.bytes_mut()[id as usize * size..][..size];
            let node = NodeMut::new(node, &self.layout);
            self.engine.write_item(node, vector, id)?;
        }
        if let Some(removed) = &mut self.attached.removed {
            removed.take(id as usize);
        }
        Ok(())
    }

    /// Adds many items, all or none: row `i` has the id `ids[i]`, or, without ids, follows the last
    /// item. With an id given twice the later row counts.
    ///
    /// # Errors
    /// As [`add_item`](Self::add_item); [`Error::Argument`] when there are not as many ids as rows.
    pub fn add_items<'a, V: Into<Vector<'a>>>(
        &mut self,
        ids: Option<&[i64]>,
        rows: impl ExactSizeIterator<Item = V>,
    ) -> Result<()> {
        let mut vectors: Vec<Vector<'a>> = Vec::new();
        reserve(&mut vectors, rows.len())?;
        vectors.extend(rows.map(Into::into));
        let work = &mut Work::default();
        self.add_items_with(ids, |i| vectors[i], vectors.len(), work)
    }

    /// Adds many items as [`add_items`](Self::add_items) does, `rows(i)` being the vector of row
    /// `i`. Several threads copy where there is much to copy.
    ///
    /// Vectors that are replaced are kept until all is done.
    ///
    /// # Errors
    /// As [`add_items`](Self::add_items), of the first row that fails; [`Error::Cancelled`];
    /// [`Error::Argument`] for 0 threads.
    pub fn add_items_with<'a, V: Into<Vector<'a>>>(
        &mut self,
        ids: Option<&[i64]>,
        rows: impl Fn(usize) -> V + Sync,
        n_rows: usize,
        work: &mut Work<'_>,
    ) -> Result<()> {
        work.run(Stage::Add, n_rows as u64, |meter| {
            if let Some(ids) = ids.filter(|ids| ids.len() != n_rows) {
                let expected = format!("one for each of {n_rows} rows");
                return Err(Error::argument("the number of ids", ids.len(), expected));
            }
            let State::Building { n_items, .. } = self.state else {
                return Err(self.state.illegal("add items", "not built"));
            };
            if n_rows == 0 {
                return Ok(());
            }
            let ids = Ids {
                given: ids,
                next: n_items as i64,
            };
            // Before any room is taken: most often all rows have what is wrong with one.
            self.engine.check(rows(0).into(), Some(ids.of(0)))?;
            let replaced = self.keep_replaced(ids)?;
            self.grow_to(ids.bounds(0..n_rows), "add items")?;
            let copied = panic::catch_unwind(AssertUnwindSafe(|| {
                self.copy_rows(ids, |row| rows(row).into(), n_rows, meter)
            }));
            if !matches!(copied, Ok(Ok(()))) {
                self.take_back(n_items, replaced)?;
            } else if let Some(removed) = &mut self.attached.removed {
                for row in 0..n_rows {
                    removed.take(ids.of(row) as usize);
                }
            }
            copied.unwrap_or_else(|panic| panic::resume_unwind(panic))
        })
    }

    /// Takes room for `n_items` items ahead of need; their number stays. Does nothing when there is
    /// room already.
    ///
    /// # Errors
    /// [`Error::State`] unless not built; [`Error::Argument`] for more than the id width can count;
    /// [`Error::NoMemory`] or [`Error::Io`] when there is no room.
    pub fn reserve(&mut self, n_items: usize) -> Result<()> {
        let most = self.most_items();
        let State::Building { store, .. } = &mut self.state else {
            return Err(self.state.illegal("reserve", "not built"));
        };
        if n_items as u64 > most {
            let expected = format!("{most} at the most");
            return Err(Error::argument("n_items", n_items, expected));
        }
        store.reserve(bytes_of(n_items, &self.layout)?)
    }

    /// A tree needs two nodes more than there are items.
    fn most_items(&self) -> u64 {
        self.options.id_width.max_count() - 2
    }

    /// Makes items of all ids up to the largest.
    fn grow_to(&mut self, ids: RangeInclusive<i64>, operation: &'static str) -> Result<()> {
        let most = self.most_items() as i64;
        let State::Building { store, n_items } = &mut self.state else {
            return Err(self.state.illegal(operation, "not built"));
        };
        for id in [*ids.start(), *ids.end()] {
            if !(0..most).contains(&id) {
                let expected = format!("0 to {}", most - 1);
                return Err(Error::Item { id, expected });
            }
        }
        let needed = *ids.end() as usize + 1;
        if needed > *n_items {
            store.resize(bytes_of(needed, &self.layout)?)?;
            *n_items = needed;
        }
        Ok(())
    }

    fn keep_replaced(&self, ids: Ids<'_>) -> Result<Replaced> {
        let mut replaced = Replaced::default();
        let nodes = self.nodes();
        let there = |id: &&i64| usize::try_from(**id).is_ok_and(|id| id < nodes.count());
        let given = ids.given.unwrap_or(&[]);
        let n = given.iter().filter(there).count();
        reserve(&mut replaced.ids, n)?;
        reserve(&mut replaced.nodes, n * self.layout.node_size)?;
        for &id in given.iter().filter(there) {
            replaced.ids.push(id as usize);
            replaced
                .nodes
                .extend_from_slice(nodes.get(id as usize).bytes());
        }
        Ok(replaced)
    }

    /// Goes back to the items that there were.
    fn take_back(&mut self, n_before: usize, replaced: Replaced) -> Result<()> {
        let State::Building { store, n_items } = &mut self.state else {
            return Ok(());
        };
        let size = self.layout.node_size;
        for (id, node) in replaced
            .ids
            .into_iter()
            .zip(replaced.nodes.chunks_exact(size))
        {
            store.bytes_mut()[id * size..][..size].copy_from_slice(node);
        }
        *n_items = n_before;
        store.resize(n_before * size)
    }

    /// Fills the nodes of rows, some rows at a time.
    fn copy_rows<'a>(
        &mut self,
        ids: Ids<'_>,
        rows: impl Fn(usize) -> Vector<'a> + Sync,
        n_rows: usize,
        meter: &Meter<'_>,
    ) -> Result<()> {
        let State::Building { store, .. } = &mut self.state else {
            return Ok(());
        };
        let size = self.layout.node_size;
        let in_part = (PART_BYTES / size).max(1);
        let n_threads = meter.n_threads(n_rows / in_part);
        for start in (0..n_rows).step_by(in_part * n_threads) {
            let run = start..n_rows.min(start + in_part * n_threads);
            let bounds = ids.bounds(run.clone());
            let (first, end) = (*bounds.start() as usize, *bounds.end() as usize + 1);
            // Each thread has ids of its own, so that none writes where another does, and of rows
            // with the same id the last counts.
            let share = (end - first).div_ceil(n_threads);
            let nodes = store.bytes_mut()[first * size..end * size].chunks_mut(share * size);
            let parts = nodes.enumerate().map(|(i, nodes)| Part {
                first: first + i * share,
                nodes,
            });
            let fill = |part: Part<'_>| {
                part.fill(run.clone(), ids, &rows, self.engine.as_ref(), &self.layout)
            };
            fill_in_threads(parts, n_threads, &fill)?;
            meter.advance(run.len() as u64)?;
        }
        Ok(())
    }
}

fn bytes_of(n_items: usize, layout: &NodeLayout) -> Result<usize> {
    n_items
        .checked_mul(layout.node_size)
        .filter(|&bytes| bytes <= isize::MAX as usize)
        .ok_or_else(|| Error::no_memory(usize::MAX, "more than can be addressed"))
}

/// Nodes of a run of ids.
struct Part<'s> {
    first: usize,
    nodes: &'s mut [u8],
}

impl Part<'_> {
    /// Fills those nodes that rows have the ids of. The first row that cannot be had comes with its
    /// error.
    fn fill<'a>(
        self,
        run: Range<usize>,
        ids: Ids<'_>,
        rows: &impl Fn(usize) -> Vector<'a>,
        engine: &dyn Engine,
        layout: &NodeLayout,
    ) -> Result<(), (usize, Error)> {
        let size = layout.node_size;
        for row in run {
            let id = ids.of(row);
            let place = (id as usize).wrapping_sub(self.first);
            if place < self.nodes.len() / size {
                let node = NodeMut::new(&mut self.nodes[place * size..][..size], layout);
                let written = engine.write_item(node, rows(row), id);
                written.map_err(|error| (row, error))?;
            }
        }
        Ok(())
    }
}

/// Fills parts by several threads, the calling one among them. The error is that of the first row
/// that has one.
fn fill_in_threads<'s>(
    mut parts: impl Iterator<Item = Part<'s>> + Send,
    n_threads: usize,
    fill: &(impl Fn(Part<'s>) -> Result<(), (usize, Error)> + Sync),
) -> Result<()> {
    if n_threads == 1 {
        return parts.try_for_each(fill).map_err(|(_, error)| error);
    }
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let parts = Mutex::new(parts);
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let body = || {
        while let Some(part) = next() {
            if let Err((row, error)) = fill(part) {
                let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if failed.as_ref().is_none_or(|(before, _)| row < *before) {
                    *failed = Some((row, error));
                }
            }
        }
    };
    work::beside(n_threads - 1, &body, |_| body());
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |(_, error)| Err(error))
}
