//! Builds the trees of a forest, by as many threads as asked for, and hands them over in order.

use super::tree::{map_children, TreeBuilder};
use super::upper::MAX_GROUP;
use crate::error::{reserve, Error, Result};
use crate::layout::{NodeLayout, Nodes, Points};
use crate::metric::{Position, Space};
use crate::rng::Key;
use crate::storage::HeapBytes;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// More threads than this are never of use, and the system might not give them.
const MAX_THREADS: usize = 1024;

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of trees; none: until there are twice as many nodes as items, as Annoy does.
    pub n_trees: Option<usize>,
    /// Number of threads, at least 1.
    pub n_threads: usize,
    /// Seed of all trees.
    pub seed: u64,
}

impl Plan {
    /// How many trees are built together: as many as their number, spread over the threads, allows.
    fn group_len(&self) -> usize {
        let Some(n_trees) = self.n_trees else {
            return 4;
        };
        let per_round = MAX_GROUP * self.n_threads.min(n_trees);
        let rounds = n_trees.div_ceil(per_round);
        n_trees.div_ceil(rounds * self.n_threads.min(n_trees))
    }

    /// The keys of a group of trees; none past the last.
    fn group(&self, group: usize) -> Vec<Key> {
        let start = group * self.group_len();
        let end = (start + self.group_len()).min(self.n_trees.unwrap_or(usize::MAX));
        (start..end)
            .map(|tree| Key::root(self.seed, tree as u64))
            .collect()
    }
}

/// Receives the forest in file order: the nodes of each tree, then the copies of the roots.
pub type Emit<'a> = dyn FnMut(HeapBytes) -> Result<()> + 'a;

/// Builds trees over `items` (item nodes, already prepared) and returns how many.
pub fn build<S: Space>(
    space: &S,
    layout: &NodeLayout,
    items: &[u8],
    common: S::T,
    plan: Plan,
    emit: &mut Emit<'_>,
) -> Result<usize> {
    if items.len() / layout.node_size <= u32::MAX as usize {
        build_over::<S, u32>(space, layout, items, common, plan, emit)
    } else {
        build_over::<S, u64>(space, layout, items, common, plan, emit)
    }
}

fn build_over<S: Space, P: Position>(
    space: &S,
    layout: &NodeLayout,
    items: &[u8],
    common: S::T,
    plan: Plan,
    emit: &mut Emit<'_>,
) -> Result<usize> {
    let nodes = Nodes::new(items, layout);
    let n_items = nodes.count();
    let mut present: Vec<P> = Vec::new();
    reserve(&mut present, n_items)?;
    present.extend(
        (0..n_items)
            .filter(|&id| nodes.get(id).n_descendants() == 1)
            .map(P::new),
    );
    let points = Points::in_place(items, layout, common);
    let builder = || TreeBuilder::new(space, layout, &points, &present, n_items);
    let mut forest = Forest {
        layout,
        plan,
        n_items,
        n_nodes: n_items,
        roots: HeapBytes::default(),
        n_trees: 0,
        emit,
    };
    if plan.n_threads == 1 {
        let mut builder = builder();
        while !forest.is_complete() {
            let keys = plan.group(forest.n_trees / plan.group_len());
            let mut added = Ok(());
            builder.build(&keys, |tree| {
                added = forest.add(tree);
                added.is_ok() && !forest.is_complete()
            })?;
            added?;
        }
    } else {
        build_in_parallel(&mut forest, builder)?;
    }
    forest.finish()
}

/// The calling thread takes the trees in as they come, so that `emit` runs on no other.
fn build_in_parallel<'a, S: Space, P: Position>(
    forest: &mut Forest<'_, '_>,
    builder: impl Fn() -> TreeBuilder<'a, S, P> + Sync,
) -> Result<()> {
    let plan = forest.plan;
    let most = forest.plan.n_trees.unwrap_or(usize::MAX);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    // Bounded, so that no thread runs far ahead of the one that takes the trees in.
    let (sender, receiver) = mpsc::sync_channel(plan.n_threads.min(MAX_THREADS));
    let (builder, next, stop) = (&builder, &next, &stop);
    std::thread::scope(move |scope| {
        // Dropped before the threads are waited for: none must wait to send to nobody.
        let receiver = receiver;
        // More threads than trees would have nothing to do.
        for _ in 0..plan.n_threads.min(most).min(MAX_THREADS) {
            let sender = sender.clone();
            let work = move || {
                let mut builder = builder();
                while !stop.load(Ordering::Relaxed) {
                    let group = next.fetch_add(1, Ordering::Relaxed);
                    let keys = plan.group(group);
                    if keys.is_empty() {
                        break;
                    }
                    let mut number = group * plan.group_len();
                    let built = builder.build(&keys, |tree| {
                        let sent = sender.send((number, Ok(tree)));
                        number += 1;
                        sent.is_ok() && !stop.load(Ordering::Relaxed)
                    });
                    if let Err(error) = built {
                        let _ = sender.send((number, Err(error)));
                        break;
                    }
                }
            };
            std::thread::Builder::new()
                .name(crate::BUILD_THREAD.to_string())
                .spawn_scoped(scope, work)
                .map_err(|error| {
                    stop.store(true, Ordering::Relaxed);
                    Error::Unsupported(format!("cannot start a thread: {error}"))
                })?;
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let taken = (|| {
            while !forest.is_complete() {
                match early.remove(&forest.n_trees) {
                    Some(tree) => forest.add(tree?)?,
                    None => {
                        let (number, tree) = receiver
                            .recv()
                            .map_err(|_| Error::Panic("a build thread panicked".to_string()))?;
                        early.insert(number, tree);
                    }
                }
            }
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        taken
    })
}

/// The forest so far, on its way to the caller.
struct Forest<'a, 'e> {
    layout: &'a NodeLayout,
    plan: Plan,
    n_items: usize,
    /// Items and tree nodes so far.
    n_nodes: usize,
    roots: HeapBytes,
    n_trees: usize,
    emit: &'a mut Emit<'e>,
}

impl Forest<'_, '_> {
    fn is_complete(&self) -> bool {
        match self.plan.n_trees {
            Some(n) => self.n_trees >= n,
            // One tree at least: a file needs a root.
            None => self.n_trees > 0 && self.n_nodes >= 2 * self.n_items,
        }
    }

    fn add(&mut self, mut tree: HeapBytes) -> Result<()> {
        let size = self.layout.node_size;
        let count = tree.bytes().len() / size;
        // The copies of the roots come behind and must be countable too.
        let most = self.layout.options.id_width.max_count();
        let total = self.n_nodes + count + self.n_trees + 1;
        if total as u64 > most {
            return Err(Error::argument(
                "the number of nodes",
                total,
                format!("{most} at the most"),
            ));
        }
        let shift = self.n_nodes - self.n_items;
        map_children(tree.bytes_mut(), self.layout, self.n_items, |id| id + shift);
        self.roots.extend(&tree.bytes()[(count - 1) * size..])?;
        (self.emit)(tree)?;
        self.n_nodes += count;
        self.n_trees += 1;
        Ok(())
    }

    fn finish(self) -> Result<usize> {
        (self.emit)(self.roots)?;
        Ok(self.n_trees)
    }
}
