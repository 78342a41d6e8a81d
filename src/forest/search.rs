//! Best-first search over all trees at once.
//!
//! Annoy's visiting order and tie rules: the node with the largest (priority, id) comes next; the
//! search ends when `search_k` ids have been seen, counted with repeats; smallest (distance, id)
//! first. Ids that a filter refuses are not counted, so that a filter costs time and not recall.

use super::roots::Roots;
use super::trees::{Node, Trees};
use crate::error::{reserve, Result};
use crate::kernel::prefetch;
use crate::memory::reserve_heap;
use crate::metric::Space;
use crate::query::filter::Filter;
use crate::query::scorer::{Scorer, VectorScorer};
use crate::query::scratch::{self, cover_items, Shelves};
use crate::query::{exact, nearest, Best, Neighbor, Wanted};
use std::collections::BinaryHeap;

/// A node to visit: the one with the largest (priority, id) comes first. One number, which is
/// compared without a branch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit(u128);

impl Visit {
    fn new(priority: u64, node: usize) -> Self {
        Visit(u128::from(priority) << 64 | node as u128)
    }

    fn priority(self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn node(self) -> usize {
        self.0 as u64 as usize
    }
}

/// Room for one search.
#[derive(Default)]
pub struct Scratch {
    open: BinaryHeap<Visit>,
    /// One bit per item: already met. All zero between searches.
    pub marks: Vec<u64>,
    /// Ids of the candidates.
    pub candidates: Vec<usize>,
    /// One bit per item: met and refused by the filter. All zero between searches.
    refused_marks: Vec<u64>,
    /// Ids of those.
    refused: Vec<usize>,
    /// The nearest of the candidates.
    pub best: Best,
}

impl Scratch {
    /// Forgets the candidates and their marks.
    pub fn clear_candidates(&mut self) {
        for id in self.candidates.drain(..) {
            self.marks[id / 64] = 0;
        }
    }
}

impl scratch::Scratch for Scratch {
    fn clean(&mut self) {
        self.open.clear();
        self.best.clear();
        self.clear_candidates();
        for id in self.refused.drain(..) {
            self.marks[id / 64] = 0;
            self.refused_marks[id / 64] = 0;
        }
    }
}

/// The `n` nearest of the first `search_k` candidates that the filter accepts: where nothing is
/// said, `n` for each tree.
///
/// Where it is known to accept no more than that, all of them are looked at.
///
/// # Errors
/// [`Error::Corrupt`](crate::Error::Corrupt) when a node names another that cannot be, or the trees
/// run in a circle; [`Error::NoMemory`](crate::Error::NoMemory).
pub fn search<S: Space, F: Filter>(
    scorer: &VectorScorer<'_, S>,
    roots: &Roots,
    wanted: Wanted,
    filter: &F,
) -> Result<Vec<Neighbor>> {
    let n_trees = roots.n_trees as u64;
    let search_k = wanted
        .search_k
        .unwrap_or((wanted.n as u64).saturating_mul(n_trees));
    let few = |at_most: usize| (at_most as u64) < search_k && at_most < roots.n_items;
    if few(filter.at_most(roots.n_items)) {
        return exact(scorer, roots.n_items, wanted, filter);
    }
    static SHELVES: Shelves<Scratch> = Shelves::new();
    SHELVES.lend(|scratch| {
        collect(scorer, roots, search_k, filter, scratch)?;
        let Scratch {
            candidates, best, ..
        } = scratch;
        nearest(scorer, wanted, candidates, best)
    })
}

/// Fills `scratch.candidates`, each id once.
pub fn collect<S: Scorer + ?Sized, F: Filter>(
    scorer: &S,
    roots: &Roots,
    search_k: u64,
    filter: &F,
    scratch: &mut Scratch,
) -> Result<()> {
    let nodes = scorer.nodes();
    let n_items = roots.n_items;
    cover_items(&mut scratch.marks, n_items)?;
    if !F::ALL {
        cover_items(&mut scratch.refused_marks, n_items)?;
    }
    let Scratch {
        open,
        marks,
        candidates,
        refused_marks,
        refused,
        ..
    } = scratch;
    // Whether it counts. There is room for it in both lists.
    let mut add = |id: usize, candidates: &mut Vec<usize>, refused: &mut Vec<usize>| {
        let (word, bit) = (&mut marks[id / 64], 1u64 << (id % 64));
        if *word & bit != 0 {
            return F::ALL || refused_marks[id / 64] & bit == 0;
        }
        *word |= bit;
        if F::ALL || filter.accepts(id) {
            candidates.push(id);
            return true;
        }
        refused_marks[id / 64] |= bit;
        refused.push(id);
        false
    };
    let make_room = |candidates: &mut Vec<usize>, refused: &mut Vec<usize>, n: usize| {
        reserve(candidates, n)?;
        if F::ALL {
            return Ok(());
        }
        reserve(refused, n)
    };
    reserve_heap(open, roots.n_trees)?;
    let priority = scorer.root_priority();
    open.extend(roots.ids().map(|root| Visit::new(priority, root)));
    let mut seen = 0u64;
    let trees = Trees::new(nodes, roots);
    let mut visits = trees.visits();
    while seen < search_k {
        let Some(visit) = open.pop() else {
            break;
        };
        match trees.visit(visit.node(), &mut visits)? {
            Node::Missing => {} // Files by Annoy name those too.
            Node::Item => {
                make_room(candidates, refused, 1)?;
                seen += u64::from(add(visit.node(), candidates, refused));
            }
            Node::Leaf(leaf) => {
                make_room(candidates, refused, leaf.len())?;
                for place in 0..leaf.len() {
                    let counts = add(leaf.item(place)?, candidates, refused);
                    seen += u64::from(F::ALL || counts);
                }
            }
            Node::Split(split) => {
                let [left, right] = split.priorities(scorer, visit.priority())?;
                reserve_heap(open, 2)?;
                for (priority, side) in [(right, 1), (left, 0)] {
                    let child = split.child(side)?;
                    prefetch(nodes.get(child).bytes());
                    open.push(Visit::new(priority, child));
                }
            }
        }
    }
    Ok(())
}
