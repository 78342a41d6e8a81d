//! Puts one item into a graph, where its sections lie: there is room for it. The rest is as where
//! [many](super::insert) come.

use super::insert::Insert;
use super::prune;
use crate::error::Result;
use crate::forest::roots::Roots;
use crate::graph::format::header::Apart;
use crate::graph::quantize::points::Points;
use crate::graph::quantize::vectors::{Source, Vectors};
use crate::graph::quantize::{write, EXTRA};
use crate::graph::threads::Team;
use crate::graph::Graph;
use crate::kernel::Isa;
use crate::memory;
use crate::storage::{HeapBytes, Journal};
use crate::work::Meter;
use std::ops::Range;

/// A graph as it was before items were put in.
pub struct Before {
    n_items: usize,
    n_null: usize,
    apart: Apart,
    has_old_routes: bool,
    codes: Journal,
    lists: Journal,
}

impl Graph {
    /// What is needed to undo what comes.
    pub fn before(&self) -> Before {
        Before {
            n_items: self.header.n_items(),
            n_null: self.header.n_null(),
            apart: self.header.apart,
            has_old_routes: self.header.has_old_routes,
            codes: Journal::default(),
            lists: Journal::default(),
        }
    }

    /// Undoes what was done since.
    pub fn undo(&mut self, before: Before) {
        let Graph {
            header,
            codes,
            lists,
        } = self;
        before.codes.undo(codes.bytes_mut());
        before.lists.undo(lists.bytes_mut());
        header.cut_null(before.n_null, lists);
        header.set_n_items(before.n_items, codes, lists);
        header.apart = before.apart;
        header.has_old_routes = before.has_old_routes;
    }

    /// Puts one item in, which is in the trees; others up to the last may be there that are yet to
    /// be put in. False where there is no room, where it would have
    /// to be named among others that have no neighbours, or where codes no longer tell items apart:
    /// then the graph may have changed, and is to be made anew.
    ///
    /// # Errors
    /// As [`Graph::change`]; the graph may then have changed.
    pub fn insert_one(
        &mut self,
        source: &Source<'_>,
        roots: &Roots,
        item: usize,
        isa: Isa,
        before: &mut Before,
        meter: &Meter<'_>,
    ) -> Result<bool> {
        let (was, n_items) = (self.header.n_items(), roots.n_items);
        if !self.header.has_place(n_items.saturating_sub(1)) {
            return Ok(false);
        }
        self.header.has_old_routes = true;
        // All that are there by now: a search may look at any.
        self.encode(source, was..n_items, isa, before)?;
        if item < before.n_items {
            self.encode(source, item..item + 1, isa, before)?;
        }
        let Graph {
            header,
            codes,
            lists,
        } = self;
        if was < n_items {
            header.set_n_items(n_items, codes, lists);
        }
        let measure = source.space.measure();
        if !source.takes_part(item) {
            let view = header.view(codes.bytes(), lists.bytes(), isa, measure);
            let is_last = view.null().last().is_none_or(|last| last < item);
            if is_last {
                header.add_null(item as u32, lists)?;
            }
            return Ok(is_last);
        }
        let insert = Insert {
            source,
            roots,
            isa,
            header,
            codes,
            slack: prune::slack(measure, header.alpha),
        };
        let team = Team::new(meter);
        let item = item as u32;
        let found = match header.by_vectors {
            true => {
                let points = Vectors::of(source, roots.n_items);
                insert.put(&points, lists, item, &team, &mut before.lists)?
            }
            false => {
                let points = header.codes(codes.bytes(), isa, measure);
                insert.put(&points, lists, item, &team, &mut before.lists)?
            }
        };
        header.apart.add(found);
        Ok(header.apart.may_go_on())
    }

    /// Writes codes, of missing items too.
    fn encode(
        &mut self,
        source: &Source<'_>,
        ids: Range<usize>,
        isa: Isa,
        before: &mut Before,
    ) -> Result<()> {
        if self.header.by_vectors {
            return Ok(());
        }
        let (mut room, mut row) = (Vec::new(), memory::filled(0, self.header.stride)?);
        for id in ids {
            let [at, extra_at] = self.header.code_place(id);
            let mut extra = [0; EXTRA];
            let extra = &mut extra[..extra_at.len()];
            let view = self.stored().view(isa, source.space.measure());
            write(source, &view.coder, id..id + 1, &mut room, &mut row, extra)?;
            for (at, bytes) in [(at, &row[..]), (extra_at, extra)] {
                before.codes.note(self.codes.bytes(), at.clone())?;
                self.codes.bytes_mut()[at].copy_from_slice(bytes);
            }
        }
        Ok(())
    }
}

impl Insert<'_> {
    /// Chooses the neighbours of an item, and offers it to them.
    fn put<P: Points>(
        &self,
        points: &P,
        lists: &mut HeapBytes,
        item: u32,
        team: &Team<'_, '_>,
        journal: &mut Journal,
    ) -> Result<Apart> {
        let mut apart = Apart::default();
        let mut set = |lists: &mut HeapBytes, item, row: &[_]| -> Result<()> {
            journal.note(lists.bytes(), self.header.row_range(item))?;
            self.set_row(lists, item, row);
            Ok(())
        };
        let chosen = self.choose_neighbors(points, lists, &[item], team)?;
        for (item, row, found) in &chosen {
            set(lists, *item, row)?;
            apart.add(*found);
        }
        for (other, row) in self.choose_again(points, lists, &chosen, team)? {
            set(lists, other, &row)?;
        }
        Ok(apart)
    }
}
