//! Takes items out of a graph.
//!
//! ```text
//! for each item with neighbours that are gone:
//!   neighbours = RobustPrune(those that stay, and the neighbours of those that are gone)
//! ```
//!
//! Source: Singh et al. 2021, "FreshDiskANN", algorithm 4.

use super::insert::{distances_from, neighbors, Insert};
use super::prune::Room;
use crate::error::{reserve, Result};
use crate::graph::quantize::points::Points;
use crate::graph::threads::{Team, TAKEN};
use crate::memory;
use crate::removed::Removed;
use crate::storage::HeapBytes;

/// Items whose neighbours are chosen before any of them is written.
const AT_A_TIME: usize = 1 << 14;

impl Insert<'_> {
    /// Takes out the items that are `gone`. What stays is not told apart from what is new.
    pub(super) fn take_out<P: Points>(
        &self,
        points: &P,
        lists: &mut HeapBytes,
        gone: Option<Removed<'_>>,
        team: &Team<'_, '_>,
    ) -> Result<()> {
        let Some(gone) = gone.filter(|gone| gone.count() > 0) else {
            return Ok(());
        };
        let n_items = self.header.n_items();
        for start in (0..n_items).step_by(AT_A_TIME) {
            let n = AT_A_TIME.min(n_items - start);
            // Reads the rows of these and of those that are gone: the latter are still there.
            let chosen = team.parts(n, TAKEN, |range| {
                self.without(points, lists, gone, start + range.start..start + range.end)
            })?;
            for (item, row) in chosen.into_iter().flatten() {
                self.set_row(lists, item, &row);
            }
            team.advance(n)?;
        }
        for item in gone.ids() {
            self.set_row(lists, item as u32, &[]);
        }
        Ok(())
    }

    /// The neighbours of those of `items` that stay and have some that are gone.
    fn without<P: Points>(
        &self,
        points: &P,
        lists: &HeapBytes,
        gone: Removed<'_>,
        items: std::ops::Range<usize>,
    ) -> Result<Vec<(u32, Vec<super::lists::Near>)>> {
        let view = self.view(lists);
        let neighbors = |item: u32| neighbors(&view, self.header.n_items(), item);
        let stays = |&id: &u32| !gone.has(id as usize);
        let (mut room, mut ids, mut all) = (Room::default(), Vec::new(), Vec::new());
        for item in items.filter(|&item| stays(&(item as u32))) {
            let item = item as u32;
            if neighbors(item).all(|id| stays(&id)) {
                continue;
            }
            ids.clear();
            reserve(&mut ids, self.header.degree * (self.header.degree + 1))?;
            for id in neighbors(item) {
                match stays(&id) {
                    true => ids.push(id),
                    false => ids.extend(neighbors(id).filter(stays)),
                }
            }
            ids.retain(|&id| id != item);
            ids.sort_unstable();
            ids.dedup();
            let mut candidates = distances_from(points, item, &ids)?;
            candidates.sort_unstable();
            room.choose(points, &candidates, self.header.degree, self.slack)?;
            memory::push(&mut all, (item, memory::copy(&room.kept)?))?;
        }
        Ok(all)
    }
}
