//! A query, compared with items by their vectors.

use super::{Best, Neighbor, Wanted};
use crate::error::{reserve, Result};
use crate::kernel::prefetch;
use crate::layout::{NodeRef, Nodes};
use crate::metric::{Query, Space};

/// How many candidates ahead a vector is asked for: far enough for memory to answer, near enough to
/// stay cached.
const LOOK_AHEAD: usize = 8;

/// A query and the nodes of an index, whatever their metric and scalar type: a search that asks by
/// this trait is compiled once for all of them. Distances and priorities are integers that sort
/// alike (see [`order`](crate::metric::order)).
pub trait Scorer {
    /// The items' nodes, and those of the trees.
    fn nodes(&self) -> &Nodes<'_>;

    /// The distance of an item.
    fn distance(&self, id: usize) -> u64;

    /// Whether the query is as far from every item as from any other.
    fn is_null_query(&self) -> bool;

    /// Whether an item is as far from every query.
    fn is_null(&self, id: usize) -> bool;

    /// Whether near means a large product.
    fn by_product(&self) -> bool;

    /// Priority of the roots.
    fn root_priority(&self) -> u64;

    /// Priorities of the children of a split that has `priority` itself; see [`Space::descend`].
    fn descend(&self, split: NodeRef<'_>, priority: u64) -> Option<[u64; 2]>;

    /// Keeps the `n` wanted items with the smallest (distance, id) of those in `best` and the
    /// candidates, for which there is room. How often one was taken in, or is as near as the last
    /// of them.
    fn rank(&self, wanted: Wanted, candidates: &[usize], best: &mut Best) -> usize;

    /// What was kept, in order.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    fn take(&self, best: &mut Best) -> Result<Vec<Neighbor>>;
}

/// The scorer of one metric over one scalar type.
pub struct VectorScorer<'a, S: Space> {
    pub space: &'a S,
    pub nodes: &'a Nodes<'a>,
    pub query: Query<'a, S::T>,
}

impl<S: Space> Scorer for VectorScorer<'_, S> {
    fn nodes(&self) -> &Nodes<'_> {
        self.nodes
    }

    fn distance(&self, id: usize) -> u64 {
        self.space.distance(&self.query, self.nodes.get(id))
    }

    fn is_null_query(&self) -> bool {
        self.space.is_null(self.query.row)
    }

    fn is_null(&self, id: usize) -> bool {
        self.space.is_null(self.nodes.get(id).row())
    }

    fn by_product(&self) -> bool {
        S::BY_PRODUCT
    }

    fn root_priority(&self) -> u64 {
        self.space.root_priority()
    }

    #[inline]
    fn descend(&self, split: NodeRef<'_>, priority: u64) -> Option<[u64; 2]> {
        self.space.descend(split, &self.query, priority)
    }

    fn rank(&self, wanted: Wanted, candidates: &[usize], best: &mut Best) -> usize {
        let n = wanted.n;
        if n == 0 {
            return 0;
        }
        let mut n_taken = 0;
        let near_enough = |distance: u64| {
            let most = wanted.max_distance;
            most.is_none_or(|most| self.space.is_within(distance, most))
        };
        for (i, &id) in candidates.iter().enumerate() {
            if let Some(&soon) = candidates.get(i + LOOK_AHEAD) {
                prefetch(self.nodes.get(soon).bytes());
            }
            let item = self.nodes.get(id);
            // Leaves of files with missing items may name those.
            if item.n_descendants() != 1 {
                continue;
            }
            let found = (self.space.distance(&self.query, item), id);
            if best.len() < n {
                if near_enough(found.0) {
                    n_taken += 1;
                    best.push(found);
                }
            } else if let Some(mut worst) = best.peek_mut() {
                if found.0 <= worst.0 && near_enough(found.0) {
                    n_taken += 1;
                    *worst = found.min(*worst);
                }
            }
        }
        n_taken
    }

    fn take(&self, best: &mut Best) -> Result<Vec<Neighbor>> {
        let mut found = Vec::new();
        reserve(&mut found, best.len())?;
        let none = Neighbor {
            id: 0,
            distance: 0.0,
        };
        found.resize(best.len(), none);
        for place in found.iter_mut().rev() {
            if let Some((distance, id)) = best.pop() {
                *place = Neighbor {
                    id: id as i64,
                    distance: self.space.report(distance),
                };
            }
        }
        Ok(found)
    }
}
