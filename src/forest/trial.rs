//! Which way of splitting finds most, where that depends on the data: found out with small forests
//! over a sample.

use super::roots::Roots;
use super::search::search;
use super::tree::{map_children, Builder, TreeBuilder};
use crate::error::{reserve, Result};
use crate::layout::{NodeLayout, Nodes, Points};
use crate::memory::{self, reserve_heap};
use crate::metric::{Position, Space};
use crate::query::filter::All;
use crate::query::scorer::VectorScorer;
use crate::query::{Best, Wanted};
use crate::rng::{Key, Stream};
use crate::storage::HeapBytes;

/// Items of a sample: a quarter, within these bounds.
const SAMPLE: [usize; 2] = [1024, 2048];
/// Bytes that a sample takes at the most. Where vectors are so long that this is few of them, there
/// is no trial.
const SAMPLE_BYTES: usize = 64 << 20;
/// Fewer items than this tell too little. So do trees of a split or two.
const FEWEST: usize = 256;
const FEWEST_LEAVES: usize = 2;

/// The small forests: so many trees, of so many leaves at the least that there are several splits
/// above each.
const TREES: usize = 4;
const LEAVES: usize = 64;

/// What is searched for: the nearest of some of the items. The item itself is counted apart: a
/// query by a vector that is no item does not find it.
const QUERIES: usize = 48;
const NEAREST: usize = 10;
/// Among so many items, of which the sample holds what is to be found: a plain sample of many items
/// has neither the copies of one nor all of the few that outdo it.
const POOL: usize = 12_000;
/// Items that are looked at together.
const BLOCK: usize = 64;
/// One candidate for so many items of the sample. With the fewest only one leaf is looked at, which
/// tells whether items find themselves where there are more levels than in a sample.
const ITEMS_BY_CANDIDATE: [usize; 3] = [160, 40, 10];

/// What another than the first must find more, in parts of what that finds: less is chance.
const LEAD: usize = 25;
/// And not at the cost of items that no longer find themselves: one is worth so many others. Where
/// they find themselves that much more often, it is enough that others are not found that much
/// less.
const ITSELF: usize = 4;

/// The way of splitting that finds most: the spaces that trees take in turn; none where `space`
/// itself is to be taken. The same for any number of trees and threads.
///
/// # Errors
/// Those of `pace`, which is called now and then; [`crate::Error::NoMemory`].
pub fn choose<S: Space, P: Position>(
    space: &S,
    nodes: &Nodes<'_>,
    present: &[P],
    extras: Option<&[S::T]>,
    seed: u64,
    pace: &dyn Fn() -> Result<()>,
) -> Result<Option<Vec<S>>> {
    let mut layout = nodes.layout().clone();
    let len = (present.len() / 4)
        .clamp(SAMPLE[0], SAMPLE[1])
        .min(SAMPLE_BYTES / layout.node_size)
        .min(present.len());
    let is_deep = present.len() > FEWEST_LEAVES * layout.max_leaf;
    if len < FEWEST || !is_deep {
        return Ok(None);
    }
    layout.max_leaf = layout.max_leaf.min(len / LEAVES);
    // No tree has this number.
    let mut random = Key::root(seed, u64::MAX).stream();
    let mut pool = Vec::new();
    spread(
        present.len(),
        POOL.min(present.len()),
        &mut random,
        &mut pool,
    )?;
    for place in &mut pool {
        *place = present[*place].get();
    }
    let beside = |ids: &[usize]| -> Result<Vec<S::T>> {
        let mut some = Vec::new();
        if let Some(extras) = extras {
            reserve(&mut some, ids.len())?;
            some.extend(ids.iter().map(|&id| extras[id]));
        }
        Ok(some)
    };
    let ways = space.variants(&beside(&pool)?)?;
    if ways.len() < 2 {
        return Ok(None);
    }
    let Trial { ids, queries } = Trial::new(space, nodes, &pool, len, &mut random, pace)?;
    let mut bytes = HeapBytes::default();
    bytes.reserve(2 * len * layout.node_size)?;
    let some = beside(&ids)?;
    for id in ids {
        bytes.extend(nodes.get(id).bytes())?;
    }
    let mut best: Option<([usize; 2], Vec<S>)> = None;
    for way in ways {
        let found = hits(
            &way,
            &layout,
            &mut bytes,
            extras.map(|_| &some[..]),
            &queries,
            seed,
            pace,
        )?;
        if best
            .as_ref()
            .is_none_or(|(most, _)| is_better(found, *most))
        {
            best = Some((found, way));
        }
    }
    Ok(best.map(|(_, way)| way))
}

/// Whether these numbers of others and of items themselves are better than those of a way before.
fn is_better(found: [usize; 2], before: [usize; 2]) -> bool {
    let leads = |found: usize, before: usize| found > before + before / LEAD;
    let all = |[others, selves]: [usize; 2]| others + ITSELF * selves;
    (leads(found[0], before[0]) && all(found) > all(before))
        || (leads(found[1], before[1]) && !leads(before[0], found[0]))
}

/// Adds `len` of the numbers below `end`, ascending: one each of as many runs.
fn spread(end: usize, len: usize, random: &mut Stream, to: &mut Vec<usize>) -> Result<()> {
    reserve(to, len)?;
    for i in 0..len {
        let start = i * end / len;
        let run = (i + 1) * end / len - start;
        to.push(start + random.index(run));
    }
    Ok(())
}

/// The nearest of a pool to one of its items.
struct Nearest {
    at: usize,
    /// Distances and places, without the item itself.
    best: Best,
    farthest: u64,
}

impl Nearest {
    #[inline]
    fn see(&mut self, distance: u64, at: usize) {
        if at == self.at {
            return;
        }
        self.farthest = self.farthest.max(distance);
        if self.best.len() < NEAREST {
            self.best.push((distance, at));
        } else if let Some(mut worst) = self.best.peek_mut() {
            if (distance, at) < *worst {
                *worst = (distance, at);
            }
        }
    }
}

/// What is tried.
struct Trial {
    /// The items of the sample, ascending.
    ids: Vec<usize>,
    /// Places of some in the sample, each with the distance of the last that is to be found.
    queries: Vec<(usize, f64)>,
}

impl Trial {
    /// Searches with some of the items in `pool`, and takes a sample with all that there is to
    /// find.
    fn new<S: Space>(
        space: &S,
        nodes: &Nodes<'_>,
        pool: &[usize],
        len: usize,
        random: &mut Stream,
        pace: &dyn Fn() -> Result<()>,
    ) -> Result<Self> {
        let mut is_in = Vec::new();
        reserve(&mut is_in, pool.len())?;
        is_in.resize(pool.len(), false);
        let mut searches = [(); QUERIES].map(|()| Nearest {
            at: random.index(pool.len()),
            best: Best::new(),
            farthest: 0,
        });
        for search in &mut searches {
            reserve_heap(&mut search.best, NEAREST)?;
        }
        // A few items at a time, so that they are fetched once for all searches.
        for (block, ids) in pool.chunks(BLOCK).enumerate() {
            for search in &mut searches {
                let query = space.query(nodes.get(pool[search.at]).row());
                for (i, &id) in (block * BLOCK..).zip(ids) {
                    search.see(space.distance(&query, nodes.get(id)), i);
                }
            }
            pace()?;
        }
        let mut queries = Vec::new();
        reserve(&mut queries, QUERIES)?;
        for search in searches {
            // Nothing is to be found where all are equally near, to a zero.
            let Some(&(last, _)) = search.best.peek().filter(|last| last.0 < search.farthest)
            else {
                continue;
            };
            queries.push((search.at, space.report(last)));
            is_in[search.at] = true;
            for (_, i) in search.best {
                is_in[i] = true;
            }
        }
        let mut others = Vec::new();
        spread(pool.len(), len, random, &mut others)?;
        let mut count = is_in.iter().filter(|&&is_in| is_in).count();
        // Every other one first, so that what there is no room for is not all at the end.
        let (evens, odds) = (others.iter().step_by(2), others.iter().skip(1).step_by(2));
        for &other in evens.chain(odds) {
            if count < len && !std::mem::replace(&mut is_in[other], true) {
                count += 1;
            }
        }
        let mut ids = Vec::new();
        reserve(&mut ids, count)?;
        let mut places = Vec::new();
        reserve(&mut places, pool.len())?;
        for (&id, &is_in) in pool.iter().zip(&is_in) {
            places.push(ids.len());
            if is_in {
                ids.push(id);
            }
        }
        for (at, _) in &mut queries {
            *at = places[*at];
        }
        Ok(Trial { ids, queries })
    }
}

/// How many of the nearest are found, and how many items themselves, in trees that `spaces` build
/// over the items in `bytes`, which are put behind these and taken away again.
fn hits<S: Space>(
    spaces: &[S],
    layout: &NodeLayout,
    bytes: &mut HeapBytes,
    extras: Option<&[S::T]>,
    queries: &[(usize, f64)],
    seed: u64,
    pace: &dyn Fn() -> Result<()>,
) -> Result<[usize; 2]> {
    let size = layout.node_size;
    let items = bytes.bytes().len();
    let n_items = items / size;
    let present: Vec<u32> = memory::collect(0..n_items as u32)?;
    // No tree has these numbers either.
    let keys: [Key; TREES] = std::array::from_fn(|i| Key::root(seed, u64::MAX - 1 - i as u64));
    let mut trees = HeapBytes::default();
    let mut roots = HeapBytes::default();
    let mut points = Points::in_place(bytes.bytes(), layout, S::split_extra);
    if let Some(extras) = extras {
        points = points.with_extras(extras);
    }
    let mut builder = TreeBuilder::new(spaces, layout, &points, &present, n_items)?;
    let mut taken = Ok(());
    builder.build(0, &keys, &|_| pace(), &mut |tree| {
        let before = trees.bytes().len() / size;
        map_children(tree.bytes_mut(), layout, n_items, |id| id + before);
        let root = tree.bytes().len() - size;
        taken = trees.extend(tree.bytes());
        if taken.is_ok() {
            taken = roots.extend(&tree.bytes()[root..]);
        }
        taken.is_ok()
    })?;
    taken?;
    bytes.extend(trees.bytes())?;
    bytes.extend(roots.bytes())?;
    let nodes = Nodes::new(bytes.bytes(), layout);
    let roots = Roots {
        n_items,
        n_nodes: nodes.count(),
        n_trees: TREES,
        trees: n_items..nodes.count() - TREES,
    };
    // All of them search alike.
    let space = &spaces[0];
    let (mut others, mut selves) = (0, 0);
    for &(id, distance) in queries {
        let scorer = VectorScorer {
            space,
            nodes: &nodes,
            query: space.query(nodes.get(id).row()),
        };
        for by in ITEMS_BY_CANDIDATE {
            let wanted = Wanted {
                n: NEAREST + 1,
                search_k: Some((n_items / by) as u64),
                max_distance: Some(distance),
            };
            let near = search(&scorer, &roots, wanted, &All)?;
            let itself = near.iter().filter(|near| near.id == id as i64).count();
            others += (near.len() - itself).min(NEAREST);
            selves += itself;
        }
    }
    bytes.resize(items)?;
    pace()?;
    Ok([others, selves])
}
