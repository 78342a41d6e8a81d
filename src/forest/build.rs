//! Builds the trees of a forest, by as many threads as asked for, and hands them over in order.

use super::extend::OldTrees;
use super::roots::MAX_TREES;
use super::tree::{map_children, steps, Builder, TreeBuilder};
use super::trial;
use super::upper::MAX_GROUP;
use crate::error::{reserve, Error, Result};
use crate::layout::{NodeLayout, Nodes, Points};
use crate::memory;
use crate::metric::{Position, Space};
use crate::queue::{Queue, Received};
use crate::rng::Key;
use crate::storage::{boxed, HeapBytes};
use crate::work::{self, Meter};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// How often the calling thread tells how far the others are.
const TICK: Duration = Duration::from_millis(50);

/// What to build.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of trees; none: until there are twice as many nodes as items, as Annoy does.
    pub n_trees: Option<usize>,
    /// Number of threads, at least 1.
    pub n_threads: usize,
    /// Seed of all trees.
    pub seed: u64,
    /// Id of the first tree's first node.
    pub first_tree: usize,
}

/// Nodes of a tree over so many items, about: its leaves are filled to two thirds, and there are as
/// many splits.
fn usual_nodes(n_items: usize, layout: &NodeLayout) -> usize {
    (3 * n_items / layout.max_leaf).max(1)
}

impl Plan {
    /// More nodes than all trees over so many items are likely to have.
    pub fn likely_nodes(&self, n_items: usize, layout: &NodeLayout) -> usize {
        let per_tree = usual_nodes(n_items, layout).saturating_mul(3) / 2 + 1;
        match self.n_trees {
            Some(n_trees) => per_tree.saturating_mul(n_trees),
            None => per_tree.saturating_add(n_items),
        }
    }
}

/// A run of trees to build next.
#[derive(Clone, Copy)]
struct Batch {
    first: usize,
    len: usize,
    n_threads: usize,
    seed: u64,
}

impl Batch {
    /// How many trees are built together: as many as their number, spread over the threads, allows.
    fn group_len(&self) -> usize {
        let rounds = self.len.div_ceil(MAX_GROUP * self.n_threads);
        self.len.div_ceil(rounds * self.n_threads)
    }

    /// Number of the first tree of a group, and the keys of all; none past the last.
    fn group(&self, group: usize) -> Result<(usize, Vec<Key>)> {
        let start = self.len.min(group * self.group_len());
        let end = self.len.min(start + self.group_len());
        let key = |tree| Key::root(self.seed, (self.first + tree) as u64);
        Ok((self.first + start, memory::collect((start..end).map(key))?))
    }
}

/// Receives the nodes of each tree, in order.
pub type Emit<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

/// Builds trees over `items` (item nodes, already prepared) and returns copies of their roots.
/// Their number is made known to `meter`, which counts steps.
///
/// # Errors
/// [`Error::Cancelled`]; those of `emit`; [`Error::NoMemory`]; [`Error::Argument`] for too many
/// nodes.
pub fn build<S: Space>(
    space: &S,
    layout: &NodeLayout,
    items: &[u8],
    plan: Plan,
    meter: &Meter<'_>,
    emit: &mut Emit<'_>,
) -> Result<HeapBytes> {
    if items.len() / layout.node_size <= u32::MAX as usize {
        build_over::<S, u32>(space, layout, items, plan, meter, emit)
    } else {
        build_over::<S, u64>(space, layout, items, plan, meter, emit)
    }
}

fn build_over<S: Space, P: Position>(
    space: &S,
    layout: &NodeLayout,
    items: &[u8],
    plan: Plan,
    meter: &Meter<'_>,
    emit: &mut Emit<'_>,
) -> Result<HeapBytes> {
    let nodes = Nodes::new(items, layout);
    let n_items = nodes.count();
    let present: Vec<P> = present(&nodes)?;
    let extras = space.extras(&nodes)?;
    let pace = || work::check(meter.cancel());
    let chosen = match S::HAS_VARIANTS {
        true => trial::choose(space, &nodes, &present, extras.as_deref(), plan.seed, &pace)?,
        false => None,
    };
    let spaces = chosen.as_deref().unwrap_or(std::slice::from_ref(space));
    let mut points = Points::in_place(items, layout, S::split_extra);
    if let Some(extras) = &extras {
        points = points.with_extras(extras);
    }
    let builder = || -> Result<Box<dyn Builder + '_>> {
        let builder = TreeBuilder::new(spaces, layout, &points, &present, n_items)?;
        Ok(boxed(builder)?)
    };
    let mut forest = Forest::new(layout, plan, n_items, present.len(), emit);
    // And one for each tree that is taken in.
    let per_tree = steps(present.len(), layout) as u64 + 1;
    let done = &AtomicI64::new(0);
    while !forest.is_complete() {
        let batch = forest.next_batch();
        meter.set_total(forest.expected_trees(batch) as u64 * per_tree);
        if batch.n_threads == 1 {
            build_alone(&mut forest, batch, done, meter, &mut *builder()?)?;
        } else {
            build_in_parallel(&mut forest, batch, done, meter, &builder)?;
        }
    }
    Ok(forest.roots)
}

/// The items that are there, ascending.
fn present<P: Position>(nodes: &Nodes<'_>) -> Result<Vec<P>> {
    let mut present = Vec::new();
    reserve(&mut present, nodes.count())?;
    let ids = (0..nodes.count()).filter(|&id| nodes.get(id).n_descendants() == 1);
    present.extend(ids.map(P::new));
    Ok(present)
}

/// Puts the new items into the trees of before, and takes those out that are gone: as [`build`], of
/// as many trees.
///
/// # Errors
/// As [`build`]; [`Error::Corrupt`].
pub fn extend<S: Space>(
    space: &S,
    layout: &NodeLayout,
    items: &[u8],
    old: &OldTrees<'_>,
    plan: Plan,
    meter: &Meter<'_>,
    emit: &mut Emit<'_>,
) -> Result<HeapBytes> {
    if items.len() / layout.node_size <= u32::MAX as usize {
        extend_over::<S, u32>(space, layout, items, old, plan, meter, emit)
    } else {
        extend_over::<S, u64>(space, layout, items, old, plan, meter, emit)
    }
}

fn extend_over<S: Space, P: Position>(
    space: &S,
    layout: &NodeLayout,
    items: &[u8],
    old: &OldTrees<'_>,
    plan: Plan,
    meter: &Meter<'_>,
    emit: &mut Emit<'_>,
) -> Result<HeapBytes> {
    let nodes = Nodes::new(items, layout);
    let n_items = nodes.count();
    let present: Vec<P> = present(&nodes)?;
    let extras = space.extras(&nodes)?;
    let pace = || work::check(meter.cancel());
    let chosen = match S::HAS_VARIANTS {
        true => trial::choose(space, &nodes, &present, extras.as_deref(), plan.seed, &pace)?,
        false => None,
    };
    let spaces = chosen.as_deref().unwrap_or(std::slice::from_ref(space));
    let mut points = Points::in_place(items, layout, S::split_extra);
    if let Some(extras) = &extras {
        points = points.with_extras(extras);
    }
    let mut builder = TreeBuilder::new(spaces, layout, &points, &present, n_items)?;
    let mut forest = Forest::new(layout, plan, n_items, present.len(), emit);
    let n_trees = old.roots.n_trees;
    meter.set_total(n_trees as u64);
    let pace = |_| work::check(meter.cancel());
    for number in 0..n_trees {
        let key = Key::root(plan.seed, number as u64);
        let mut added = Ok(());
        builder.extend(old, number, key, &pace, &mut |tree| {
            added = forest.add(tree);
            false
        })?;
        added?;
        meter.advance(1)?;
    }
    Ok(forest.roots)
}

fn build_alone(
    forest: &mut Forest<'_, '_>,
    batch: Batch,
    done: &AtomicI64,
    meter: &Meter<'_>,
    builder: &mut dyn Builder,
) -> Result<()> {
    let pace = |steps| meter.report(count(done, steps));
    for group in 0..batch.len.div_ceil(batch.group_len()) {
        let mut added = Ok(());
        let (first, keys) = batch.group(group)?;
        builder.build(first, &keys, &pace, &mut |tree| {
            added = forest.add(tree).and_then(|()| pace(1));
            added.is_ok() && !forest.is_complete()
        })?;
        added?;
        if forest.is_complete() {
            break;
        }
    }
    Ok(())
}

/// Counts steps; all of them so far.
fn count(done: &AtomicI64, steps: i64) -> u64 {
    let before = done.fetch_add(steps, Ordering::Relaxed);
    (before + steps).max(0) as u64
}

/// The calling thread takes the trees in as they come, so that `emit` and progress run on no other.
/// Trees whose turn has not come wait in memory. Should not a single thread start, the forest stays
/// as it is and one thread is all it will have.
fn build_in_parallel<'a>(
    forest: &mut Forest<'_, '_>,
    batch: Batch,
    done: &AtomicI64,
    meter: &Meter<'_>,
    builder: &(dyn Fn() -> Result<Box<dyn Builder + 'a>> + Sync),
) -> Result<()> {
    let (next, stop) = (&AtomicUsize::new(0), &AtomicBool::new(false));
    let cancel = meter.cancel();
    let pace = &|steps| {
        count(done, steps);
        match stop.load(Ordering::Relaxed) {
            true => Err(Error::Cancelled),
            false => work::check(cancel),
        }
    };
    // The room of trees that were taken in, for those to come.
    let spare = &Mutex::new(Vec::new());
    let take_spare = || {
        spare
            .lock()
            .map_or(None, |mut spare: MutexGuard<'_, Vec<HeapBytes>>| {
                spare.pop()
            })
    };
    let queue = Queue::new(batch.n_threads)?;
    // Builds one group; `false` when there is nothing left to do.
    let build_group = |builder: &mut dyn Builder, send: &dyn Fn(Built) -> bool| {
        let group = next.fetch_add(1, Ordering::Relaxed);
        let (mut number, keys) = batch.group(group).map_err(|error| (batch.first, error))?;
        if keys.is_empty() {
            return Ok(false);
        }
        let built = builder.build(number, &keys, pace, &mut |tree| {
            let tree = std::mem::replace(tree, take_spare().unwrap_or_default());
            let sent = send((number, Ok(tree)));
            number += 1;
            sent && !stop.load(Ordering::Relaxed)
        });
        built.map(|()| true).map_err(|error| (number, error))
    };
    let body = || {
        let sender = queue.sender();
        let result = builder().map_err(|error| (batch.first, error));
        let result = result.and_then(|mut builder| {
            let send = |built| sender.send(built);
            while !stop.load(Ordering::Relaxed) && build_group(&mut *builder, &send)? {}
            Ok(())
        });
        if let Err((number, error)) = result {
            sender.send((number, Err(error)));
        }
    };
    work::beside(batch.n_threads, &body, |n_threads| {
        if n_threads == 0 {
            forest.plan.n_threads = 1;
            return Ok(());
        }
        // None must wait to send to nobody, nor go on for nothing.
        let (receiver, _stopper) = (queue.receiver(n_threads), Stopper(stop));
        let end = batch.first + batch.len;
        let mut early: Vec<Built> = Vec::new();
        while forest.n_trees < end && !forest.is_complete() {
            match early
                .iter()
                .position(|(number, _)| *number == forest.n_trees)
            {
                Some(at) => {
                    let mut tree = early.swap_remove(at).1?;
                    forest.add(&mut tree)?;
                    meter.report(count(done, 1))?;
                    if let Ok(mut spare) = spare.lock() {
                        // Without room it is given back.
                        if reserve(&mut *spare, 1).is_ok() {
                            spare.push(tree);
                        }
                    }
                }
                None => match receiver.receive(TICK) {
                    Received::One((_, Err(error))) => return Err(error),
                    Received::One(built) => memory::push(&mut early, built)?,
                    Received::Nothing => meter.report(count(done, 0))?,
                    Received::Over => return Err(Error::Panic(format!("a build thread panicked"))),
                },
            }
        }
        Ok(())
    })
}

/// Number of a tree, and the tree or why there is none.
type Built = (usize, Result<HeapBytes>);

/// Tells the threads to stop, however the call ends.
struct Stopper<'a>(&'a AtomicBool);

impl Drop for Stopper<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The forest so far, on its way to the caller.
struct Forest<'a, 'e> {
    layout: &'a NodeLayout,
    plan: Plan,
    n_items: usize,
    n_present: usize,
    n_tree_nodes: usize,
    roots: HeapBytes,
    n_trees: usize,
    emit: &'a mut Emit<'e>,
}

impl<'a, 'e> Forest<'a, 'e> {
    fn new(
        layout: &'a NodeLayout,
        plan: Plan,
        n_items: usize,
        n_present: usize,
        emit: &'a mut Emit<'e>,
    ) -> Self {
        Forest {
            layout,
            plan,
            n_items,
            n_present,
            n_tree_nodes: 0,
            roots: HeapBytes::default(),
            n_trees: 0,
            emit,
        }
    }

    /// With one item or none all trees are the same.
    fn all_alike(&self) -> bool {
        self.n_present < 2
    }

    fn is_complete(&self) -> bool {
        match self.plan.n_trees {
            Some(n) => self.n_trees >= n,
            // One tree at least: a file needs a root.
            None => {
                let enough = self.n_tree_nodes >= self.n_items || self.n_trees >= MAX_TREES;
                self.n_trees > 0 && (enough || self.all_alike())
            }
        }
    }

    /// The trees that are missing: when their number is not given, one to see how many nodes it
    /// has, then as many as that makes likely.
    fn next_batch(&self) -> Batch {
        let len = match self.plan.n_trees {
            Some(n) => n - self.n_trees,
            None if self.n_trees == 0 => 1,
            None => {
                let per_tree = self.n_tree_nodes / self.n_trees;
                let missing = self.n_items - self.n_tree_nodes;
                missing.div_ceil(per_tree).min(MAX_TREES - self.n_trees)
            }
        };
        Batch {
            first: self.n_trees,
            len,
            // More threads than trees would have nothing to do.
            n_threads: self.plan.n_threads.min(len),
            seed: self.plan.seed,
        }
    }

    /// How many trees there will be: where that is not given, a guess until the first is there,
    /// from then on one that is about right.
    fn expected_trees(&self, batch: Batch) -> usize {
        if self.plan.n_trees.is_some() || self.n_trees > 0 || self.all_alike() {
            return self.n_trees + batch.len;
        }
        (self.n_items / usual_nodes(self.n_present, self.layout)).clamp(1, MAX_TREES)
    }

    fn add(&mut self, tree: &mut HeapBytes) -> Result<()> {
        let size = self.layout.node_size;
        let count = tree.bytes().len() / size;
        // The copies of the roots and two more nodes come behind and must be countable too.
        let most = self.layout.options.id_width.max_count();
        let first = self.plan.first_tree + self.n_tree_nodes;
        let total = first + count + self.n_trees + 3;
        if total as u64 > most {
            return Err(Error::argument(
                "the number of nodes",
                total,
                format!("{most} at the most"),
            ));
        }
        let shift = first - self.n_items;
        map_children(tree.bytes_mut(), self.layout, self.n_items, |id| id + shift);
        self.roots.extend(&tree.bytes()[(count - 1) * size..])?;
        (self.emit)(tree.bytes())?;
        self.n_tree_nodes += count;
        self.n_trees += 1;
        Ok(())
    }
}
