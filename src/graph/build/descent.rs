//! The nearest neighbours of every item, nearly: pairs inside the leaves of the forest, then
//! NN-descent (Dong, Moses and Li 2011, "Efficient k-nearest neighbor graph construction for
//! generic similarity measures"): neighbours of neighbours are likely to be neighbours.

use super::leaves::Leaves;
use super::lists::{Near, NeighborLists};
use super::GraphPlan;
use crate::error::{reserve, Result};
use crate::graph::quantize::points::{Copies, Points};
use crate::graph::threads::Team;
use crate::memory;
use crate::rng::mix;

/// Items that are compared each with each, at the most: larger leaves are split.
const BLOCK: usize = 96;

/// How many items ahead memory is asked for codes and lists.
const LOOK_AHEAD: usize = 4;

/// A copy of some rows, to be compared each with each.
#[derive(Default)]
struct Local {
    ids: Vec<u32>,
    copies: Copies,
    last: Vec<Near>,
    places: Vec<u32>,
    distances: Vec<u32>,
    offers: Vec<(u32, Near)>,
}

impl Local {
    /// Copies what `ids` names.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    fn gather<P: Points>(&mut self, points: &P, lists: &NeighborLists) -> Result<()> {
        let n = self.ids.len();
        self.copies.clear();
        self.last.clear();
        reserve(&mut self.last, n)?;
        for (i, &id) in self.ids.iter().enumerate() {
            if let Some(&soon) = self.ids.get(i + LOOK_AHEAD) {
                points.prefetch(soon);
                lists.prefetch(soon);
            }
            points.copy(id, &mut self.copies)?;
            self.last.push(lists.last(id));
        }
        self.places.clear();
        reserve(&mut self.places, n)?;
        self.places.extend(0..n as u32);
        let missing = n.saturating_sub(self.distances.len());
        reserve(&mut self.distances, missing)?;
        self.distances.resize(n, 0);
        let missing = (2 * n).saturating_sub(self.offers.len());
        reserve(&mut self.offers, missing)?;
        Ok(())
    }

    /// Compares each of the first `n_new` of what was gathered with all behind it and offers either
    /// to the other.
    fn join<P: Points>(&mut self, points: &P, lists: &NeighborLists, n_new: usize) {
        let local = points.local(&self.copies);
        for i in 0..n_new {
            let others = &self.places[i + 1..];
            let distances = &mut self.distances[..others.len()];
            local.distances(local.get(i as u32), others, distances);
            let (id, my_last) = (self.ids[i], self.last[i]);
            self.offers.resize(2 * others.len(), (0, Near::NONE));
            let offers = &mut self.offers[..];
            let mut n = 0;
            for ((&distance, &other), &last) in distances
                .iter()
                .zip(&self.ids[i + 1..])
                .zip(&self.last[i + 1..])
            {
                // Without a branch, as nothing tells which are near.
                let (to_me, to_other) = (Near::new(distance, other), Near::new(distance, id));
                offers[n] = (id, to_me);
                n += usize::from((to_me < my_last) & (id != other));
                offers[n] = (other, to_other);
                n += usize::from((to_other < last) & (id != other));
            }
            lists.offer_all(&offers[..n]);
        }
    }
}

/// Fills the lists with the nearest in the same leaves.
pub fn start<P: Points>(
    points: &P,
    leaves: &Leaves,
    lists: &NeighborLists,
    team: &Team<'_, '_>,
) -> Result<()> {
    team.share(leaves.count(), Local::default, |range, local| {
        for leaf in range {
            let mut parts = memory::collect([memory::copy(leaves.ids(leaf))?])?;
            while let Some(ids) = parts.pop() {
                if ids.len() <= BLOCK {
                    local.ids = ids;
                    local.gather(points, lists)?;
                    local.join(points, lists, local.ids.len());
                    continue;
                }
                // By which of two of them is nearer. Two halves of any kind where that does not
                // tell them apart.
                let pick = |i: u64| {
                    ids[(mix(leaf as u64 ^ i << 32 ^ (ids.len() as u64) << 40) % ids.len() as u64)
                        as usize]
                };
                let mut to_a = memory::filled(0, ids.len())?;
                let mut to_b = memory::filled(0, ids.len())?;
                points.distances(points.get(pick(1)), &ids, &mut to_a);
                points.distances(points.get(pick(2)), &ids, &mut to_b);
                let near_a = |i: usize| to_a[i] < to_b[i];
                let part = |wanted: bool| {
                    let places = (0..ids.len()).filter(|&i| near_a(i) == wanted);
                    memory::collect(places.map(|i| ids[i]))
                };
                let (a, b) = (part(true)?, part(false)?);
                reserve(&mut parts, 2)?;
                if a.len().min(b.len()) * 16 < ids.len() {
                    let (a, b) = ids.split_at(ids.len() / 2);
                    parts.extend([memory::copy(a)?, memory::copy(b)?]);
                } else {
                    parts.extend([a, b]);
                }
            }
        }
        Ok(())
    })
}

/// Times that a round goes over all items.
pub const PASSES: usize = 2;

/// A round that takes in fewer new entries than one for this many items is the last.
const TOO_FEW: usize = 50;

/// Makes the lists better, round by round, the items in this order: threads that are among near
/// items are seldom at the same lists.
pub fn refine<P: Points>(
    points: &P,
    lists: &NeighborLists,
    plan: &GraphPlan,
    order: &[u32],
    team: &Team<'_, '_>,
) -> Result<()> {
    let n = points.count();
    let both = || -> Result<_> {
        Ok([
            NeighborLists::new(n, plan.sample)?,
            NeighborLists::new(n, plan.sample)?,
        ])
    };
    let mut samples = Samples {
        chosen: both()?,
        reverse: both()?,
    };
    for number in 0..plan.rounds {
        let n_new = round(
            points,
            lists,
            &mut samples,
            plan.sample,
            number as u64,
            order,
            team,
        )?;
        if n_new < n / TOO_FEW {
            break;
        }
    }
    Ok(())
}

/// Of the lists, what a round compares: what is old, and what is new.
struct Samples {
    /// Of each item's list.
    chosen: [NeighborLists; 2],
    /// Of those in whose lists an item is.
    reverse: [NeighborLists; 2],
}

/// One round: new neighbours of an item are compared with each other and with its old ones. Returns
/// how many entries were new.
///
/// `sample`: how many of either kind are taken of a list, and of those in whose lists an item is.
fn round<P: Points>(
    points: &P,
    lists: &NeighborLists,
    samples: &mut Samples,
    sample: usize,
    round: u64,
    order: &[u32],
    team: &Team<'_, '_>,
) -> Result<usize> {
    let n = points.count();
    let taken = std::sync::atomic::AtomicUsize::new(0);
    // By drawn numbers, so that neither near nor low ids are preferred.
    let draw = |from: u32, to: u32| {
        (mix(u64::from(from) << 32 | u64::from(to) ^ round << 20) >> 32) as u32
    };
    let Samples { chosen, reverse } = samples;
    for lists in chosen.iter_mut().chain(reverse.iter_mut()) {
        lists.clear();
    }
    // What each item takes of its list must be known before any list changes.
    let (chosen, reverse) = (&*chosen, &*reverse);
    let room = || [Vec::new(), Vec::new()];
    team.share(n, room, |range, offers| {
        let items = &order[range];
        for offers in offers.iter_mut() {
            reserve(offers, sample)?;
        }
        for (i, &item) in items.iter().enumerate() {
            if let Some(&soon) = items.get(i + 2 * LOOK_AHEAD) {
                lists.prefetch(soon);
            }
            if let Some(&soon) = items.get(i + LOOK_AHEAD) {
                for near in lists.of(soon).take(2 * sample) {
                    reverse[usize::from(near.is_new())].prefetch(near.id());
                }
            }
            for (at, near) in lists.of(item).enumerate() {
                let kind = usize::from(near.is_new());
                let offers = &mut offers[kind];
                if offers.len() < sample {
                    chosen[kind].set(item, offers.len(), near);
                    lists.age(item, at);
                    offers.push((near.id(), Near::new(draw(item, near.id()), item)));
                }
            }
            taken.fetch_add(offers[1].len(), std::sync::atomic::Ordering::Relaxed);
            for (offers, reverse) in offers.iter_mut().zip(reverse) {
                reverse.offer_all(offers);
                offers.clear();
            }
        }
        Ok(())
    })?;
    team.share(n, Local::default, |range, local| {
        for &item in &order[range] {
            local.ids.clear();
            reserve(&mut local.ids, 4 * sample)?;
            local.ids.extend(chosen[1].of(item).map(Near::id));
            local.ids.extend(reverse[1].of(item).map(Near::id));
            local.ids.sort_unstable();
            local.ids.dedup();
            let n_new = local.ids.len();
            if n_new == 0 {
                continue;
            }
            local.ids.extend(chosen[0].of(item).map(Near::id));
            local.ids.extend(reverse[0].of(item).map(Near::id));
            local.ids[n_new..].sort_unstable();
            local.gather(points, lists)?;
            local.join(points, lists, n_new);
        }
        Ok(())
    })?;
    Ok(taken.into_inner())
}
