//! From nearest neighbours to a graph that a walk can follow: of two neighbours that are near each
//! other one will do (the rule of relative neighbourhood; with slack as in Subramanya et al. 2019,
//! "DiskANN").

use super::lists::{Near, NeighborLists};
use super::GraphPlan;
use crate::error::{reserve, Result};
use crate::graph::quantize::points::Points;
use crate::graph::threads::Team;
use crate::kernel::Measure;

/// Room for choosing.
#[derive(Default)]
pub struct Room {
    /// What was chosen.
    pub kept: Vec<Near>,
    /// Their ids.
    ids: Vec<u32>,
    /// What was left out.
    others: Vec<Near>,
    distances: [u32; 8],
}

impl Room {
    /// Keeps those of the candidates, which come nearest first, that may stay: without slack, then
    /// with it, in 256ths.
    ///
    /// # Errors
    /// [`crate::Error::NoMemory`].
    pub fn choose<P: Points>(
        &mut self,
        points: &P,
        candidates: &[Near],
        degree: usize,
        slack: u64,
    ) -> Result<()> {
        self.kept.clear();
        self.ids.clear();
        self.others.clear();
        let most = degree.min(candidates.len());
        reserve(&mut self.kept, most)?;
        reserve(&mut self.ids, most)?;
        reserve(&mut self.others, candidates.len())?;
        for &near in candidates {
            if self.kept.len() == degree {
                return Ok(());
            }
            if self.may_stay(points, near, 256) {
                self.keep(near);
            } else {
                self.others.push(near);
            }
        }
        for i in 0..self.others.len() {
            if self.kept.len() == degree {
                break;
            }
            let near = self.others[i];
            if self.may_stay(points, near, slack) {
                self.keep(near);
            }
        }
        Ok(())
    }

    /// There is room.
    fn keep(&mut self, near: Near) {
        self.kept.push(near);
        self.ids.push(near.id());
    }

    fn may_stay<P: Points>(&mut self, points: &P, near: Near, slack: u64) -> bool {
        let from = points.get(near.id());
        let reach = near.distance();
        self.ids.chunks(self.distances.len()).all(|some| {
            let distances = &mut self.distances[..some.len()];
            points.distances(from, some, distances);
            distances.iter().all(|&d| points.are_apart(d, reach, slack))
        })
    }
}

/// The slack of [`GraphPlan::alpha`], in 256ths.
pub fn slack(measure: Measure, alpha: f64) -> u64 {
    // Squared distances take it squared.
    let slack = match measure {
        Measure::Squares => alpha * alpha,
        Measure::Differences | Measure::Bits => alpha,
    };
    (slack * 256.0) as u64
}

/// Chooses neighbours for each item among its list, then among these and the items that chose it.
/// What comes out has no distances: lists keep the order of choice. The items come in this order.
///
/// # Errors
/// [`crate::Error::NoMemory`].
pub fn prune<P: Points>(
    points: &P,
    lists: NeighborLists,
    measure: Measure,
    plan: &GraphPlan,
    order: &[u32],
    team: &Team<'_, '_>,
) -> Result<NeighborLists> {
    let n = points.count();
    let slack = slack(measure, plan.alpha);
    let choose = |from: &NeighborLists, take: &(dyn Fn(u32, &[Near]) + Sync)| {
        let room = || (Vec::new(), Room::default());
        team.share(n, room, |range, (candidates, room)| {
            for &item in &order[range] {
                candidates.clear();
                reserve(candidates, from.room())?;
                candidates.extend(from.of(item));
                room.choose(points, candidates, plan.degree, slack)?;
                take(item, &room.kept);
            }
            Ok(())
        })
    };
    let both = NeighborLists::new(n, plan.degree + plan.degree / 2)?;
    choose(&lists, &|item, kept| {
        for &near in kept {
            both.offer(item, near);
            both.offer(near.id(), Near::new(near.distance(), item));
        }
    })?;
    drop(lists);
    let graph = NeighborLists::new(n, plan.degree)?;
    choose(&both, &|item, kept| {
        for (place, near) in kept.iter().enumerate() {
            graph.offer(item, Near::new(place as u32, near.id()));
        }
    })?;
    Ok(graph)
}
