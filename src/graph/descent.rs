//! The nearest neighbours of every item, nearly: pairs inside the leaves of the forest, then NN-descent (Dong, Moses and Li
//! 2011, "Efficient k-nearest neighbor graph construction for generic similarity measures"): neighbours of neighbours are
//! likely to be neighbours.

use super::codes::{Coded, Codes};
use super::leaves::Leaves;
use super::lists::{Lists, Near};
use super::threads::Team;
use super::Plan;
use crate::error::Result;
use crate::kernel::{prefetch, CodeRows};
use crate::rng::mix;

/// Items that are compared each with each, at the most: larger leaves are split.
const BLOCK: usize = 96;

/// How many items ahead memory is asked for codes and lists.
const LOOK_AHEAD: usize = 4;

/// A copy of some rows, to be compared each with each.
#[derive(Default)]
struct Local {
    ids: Vec<u32>,
    rows: Vec<u8>,
    extras: Vec<u8>,
    last: Vec<Near>,
    places: Vec<u32>,
    distances: Vec<u32>,
}

impl Local {
    /// Copies what `ids` names.
    fn gather(&mut self, codes: &Codes<'_>, lists: &Lists) {
        self.rows.clear();
        self.extras.clear();
        self.last.clear();
        for (i, &id) in self.ids.iter().enumerate() {
            if let Some(&soon) = self.ids.get(i + LOOK_AHEAD) {
                prefetch(codes.rows.row(soon as usize));
                lists.prefetch(soon);
            }
            let Coded { row, extra } = codes.get(id);
            self.rows.extend_from_slice(row);
            if !codes.extras.is_empty() {
                self.extras.extend_from_slice(&extra.to_le_bytes());
            }
            self.last.push(lists.last(id));
        }
        let n = self.ids.len();
        self.places.clear();
        self.places.extend(0..n as u32);
        self.distances.resize(n, 0);
    }

    /// Compares each of the first `n_new` with all behind it and offers either to the other.
    fn join(&mut self, codes: &Codes<'_>, lists: &Lists, n_new: usize) {
        let stride = codes.rows.row_bytes();
        let local = Codes {
            rows: CodeRows::new(&self.rows, stride),
            extras: &self.extras,
            kernel: codes.kernel,
        };
        for i in 0..n_new {
            let others = &self.places[i + 1..];
            let distances = &mut self.distances[..others.len()];
            local.distances(local.get(i as u32), others, distances);
            let id = self.ids[i];
            for ((&distance, &other), &last) in distances
                .iter()
                .zip(&self.ids[i + 1..])
                .zip(&self.last[i + 1..])
            {
                let (to_me, to_other) = (Near::new(distance, other), Near::new(distance, id));
                if to_me < self.last[i] && id != other {
                    lists.offer(id, to_me);
                }
                if to_other < last && id != other {
                    lists.offer(other, to_other);
                }
            }
        }
    }
}

/// Fills the lists with the nearest in the same leaves.
pub fn start(codes: &Codes<'_>, leaves: &Leaves, lists: &Lists, team: &Team<'_, '_>) -> Result<()> {
    team.share(leaves.count(), Local::default, |range, local| {
        for leaf in range {
            let mut parts = vec![leaves.ids(leaf).to_vec()];
            while let Some(ids) = parts.pop() {
                if ids.len() <= BLOCK {
                    local.ids = ids;
                    local.gather(codes, lists);
                    local.join(codes, lists, local.ids.len());
                    continue;
                }
                // By which of two of them is nearer. Two halves of any kind where that does not tell them apart.
                let pick = |i: u64| {
                    ids[(mix(leaf as u64 ^ i << 32 ^ (ids.len() as u64) << 40) % ids.len() as u64)
                        as usize]
                };
                let (mut to_a, mut to_b) = (vec![0; ids.len()], vec![0; ids.len()]);
                codes.distances(codes.get(pick(1)), &ids, &mut to_a);
                codes.distances(codes.get(pick(2)), &ids, &mut to_b);
                let near_a = |i: usize| to_a[i] < to_b[i];
                let part = |wanted: bool| -> Vec<u32> {
                    (0..ids.len())
                        .filter(|&i| near_a(i) == wanted)
                        .map(|i| ids[i])
                        .collect()
                };
                let (a, b) = (part(true), part(false));
                if a.len().min(b.len()) * 16 < ids.len() {
                    let (a, b) = ids.split_at(ids.len() / 2);
                    parts.extend([a.to_vec(), b.to_vec()]);
                } else {
                    parts.extend([a, b]);
                }
            }
        }
        Ok(())
    })
}

/// Times that a round goes over all items.
pub const PASSES: usize = 3;

/// A round that takes in fewer new entries than one for this many items is the last.
const TOO_FEW: usize = 50;

/// Makes the lists better, round by round, the items in this order: threads that are among near items are seldom at the same lists.
pub fn refine(
    codes: &Codes<'_>,
    lists: &Lists,
    plan: &Plan,
    order: &[u32],
    team: &Team<'_, '_>,
) -> Result<()> {
    let n = codes.rows.count();
    let reverse = || Lists::new(n, plan.sample);
    let mut reverse = [reverse()?, reverse()?];
    for number in 0..plan.rounds {
        let n_new = round(
            codes,
            lists,
            &mut reverse,
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

/// One round: new neighbours of an item are compared with each other and with its old ones. Returns how many entries
/// were new.
///
/// `sample`: how many of either kind are taken of a list, and of those in whose lists an item is.
fn round(
    codes: &Codes<'_>,
    lists: &Lists,
    reverse: &mut [Lists; 2],
    sample: usize,
    round: u64,
    order: &[u32],
    team: &Team<'_, '_>,
) -> Result<usize> {
    let n = codes.rows.count();
    let taken = std::sync::atomic::AtomicUsize::new(0);
    // By drawn numbers, so that neither near nor low ids are preferred.
    let draw = |from: u32, to: u32| {
        (mix(u64::from(from) << 32 | u64::from(to) ^ round << 20) >> 32) as u32
    };
    for reverse in reverse.iter_mut() {
        reverse.clear();
    }
    team.share(
        n,
        || (),
        |range, ()| {
            for &item in &order[range] {
                let (mut n_new, mut n_old) = (0, 0);
                for near in lists.of(item) {
                    let count = if near.is_new() {
                        &mut n_new
                    } else {
                        &mut n_old
                    };
                    if *count < sample {
                        *count += 1;
                        let to = &reverse[usize::from(near.is_new())];
                        to.offer(near.id(), Near::new(draw(item, near.id()), item));
                    }
                }
                taken.fetch_add(n_new, std::sync::atomic::Ordering::Relaxed);
            }
            Ok(())
        },
    )?;
    let reverse = &*reverse;
    // What each item takes of its list must be known before any list changes.
    let chosen = Lists::new(n, 2 * sample)?;
    team.share(
        n,
        || (),
        |range, ()| {
            for &item in &order[range] {
                let mut counts = [0, 0];
                let entries: Vec<Near> = lists.of(item).collect();
                for (at, near) in entries.into_iter().enumerate() {
                    let kind = usize::from(near.is_new());
                    if counts[kind] < sample {
                        counts[kind] += 1;
                        // First the new ones.
                        chosen.offer(item, Near::new((1 - kind) as u32, near.id()));
                        lists.age(item, at);
                    }
                }
            }
            Ok(())
        },
    )?;
    team.share(n, Local::default, |range, local| {
        for &item in &order[range] {
            local.ids.clear();
            local
                .ids
                .extend(chosen.of(item).filter(|n| n.distance() == 0).map(Near::id));
            local.ids.extend(reverse[1].of(item).map(Near::id));
            local.ids.sort_unstable();
            local.ids.dedup();
            let n_new = local.ids.len();
            if n_new == 0 {
                continue;
            }
            local
                .ids
                .extend(chosen.of(item).filter(|n| n.distance() == 1).map(Near::id));
            local.ids.extend(reverse[0].of(item).map(Near::id));
            local.ids[n_new..].sort_unstable();
            local.gather(codes, lists);
            local.join(codes, lists, n_new);
        }
        Ok(())
    })?;
    Ok(taken.into_inner())
}
