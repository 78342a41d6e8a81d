//! Searching all shards as one index.

use super::merge;
use super::open::{Mapped, View};
use crate::error::{Error, Result};
use crate::index::batch::{self, At, TAKEN};
use crate::index::search::{ascending, Search};
use crate::index::vector::{Vector, VectorMut};
use crate::memory;
use crate::query::filter::{Ask, Bitmap};
use crate::query::Neighbor;
use crate::scan::search::TOGETHER;
use crate::types::ScalarType;
use crate::work::{self, Cancel, Stage, Work};
use std::ops::Range;

/// Queries that are searched for in one shard after the other: as many as read lists together.
const BLOCK: usize = TOGETHER;

/// Searches of one shard that are worth a thread.
const FOR_A_THREAD: usize = 4;

/// Of so many shards, each looks at one part in their number to the power of this.
const EXPONENT: f64 = 0.6;

/// Walks of a graph that look at fewer items for each ten results do not come near the query,
/// however few there are.
const LEAST: u64 = 128;

/// What is searched for.
#[derive(Clone, Copy)]
enum Queries<'a> {
    Vectors(&'a (dyn Fn(usize) -> Vector<'a> + Sync)),
    Items(&'a [i64]),
}

/// What a search asks of one shard, but for the caller's filter.
struct Asked<'a> {
    shard: &'a Mapped,
    start: u64,
    search_k: Option<u64>,
    exclude: Vec<i64>,
    bitmap: Option<Vec<u64>>,
}

impl View {
    /// The items nearest to a vector among those wanted, in all shards, nearest first; equal
    /// distances by label, or, without labels, by id. `search_k` is what one index of all items
    /// would be given: each shard looks at a part of it, which is so large that no less is found
    /// (see docs/shards.md for how much that is together).
    ///
    /// # Errors
    /// As [`Index::search`](crate::Index::search).
    pub fn search<'a>(
        &self,
        vector: impl Into<Vector<'a>>,
        search: &Search<'_>,
    ) -> Result<Vec<Neighbor>> {
        let vector = vector.into();
        self.one(Queries::Vectors(&|_| vector), search)
    }

    /// The items nearest to an item. As [`search`](Self::search).
    ///
    /// # Errors
    /// As [`search`](Self::search); [`Error::Item`].
    pub fn search_item(&self, id: i64, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        self.one(Queries::Items(&[id]), search)
    }

    fn one(&self, queries: Queries<'_>, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        let asked = self.asked(search)?;
        self.check(queries, 1)?;
        let mut all = Vec::new();
        for asked in &asked {
            for found in self.some(asked, queries, 0..1, search, None)? {
                memory::reserve(&mut all, found.len())?;
                all.extend(found);
            }
        }
        merge::nearest(self, all, search.n)
    }

    /// Searches for many vectors, each in all shards, by threads; hands the results of query `i` to
    /// `take(i, results)` on the calling thread, in any order. As
    /// [`Index::search_batch`](crate::Index::search_batch).
    ///
    /// # Errors
    /// As there.
    pub fn search_batch<'a, V: Into<Vector<'a>>>(
        &self,
        queries: impl Fn(usize) -> V + Sync,
        n_queries: usize,
        search: &Search<'_>,
        work: &mut Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        let vector = |i: usize| queries(i).into();
        self.many(Queries::Vectors(&vector), n_queries, search, work, take)
    }

    /// Searches for many items. As [`search_batch`](Self::search_batch).
    ///
    /// # Errors
    /// As there; [`Error::Item`].
    pub fn search_batch_items(
        &self,
        ids: &[i64],
        search: &Search<'_>,
        work: &mut Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        self.many(Queries::Items(ids), ids.len(), search, work, take)
    }

    fn many(
        &self,
        queries: Queries<'_>,
        n_queries: usize,
        search: &Search<'_>,
        work: &mut Work<'_>,
        mut take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        let asked = self.asked(search)?;
        let n_shards = asked.len();
        if n_shards == 0 {
            self.check(queries, n_queries)?;
            (0..n_queries).for_each(|i| take(i, Vec::new()));
            return Ok(());
        }
        // Searches of one query in one shard: those of a block for the same shard are neighbours.
        let parts = Parts {
            n_queries,
            n_shards,
        };
        let n_parts = n_queries.checked_mul(n_shards);
        let n_parts = n_parts.ok_or_else(|| {
            let expected = format!("fewer, in {n_shards} shards");
            Error::argument("the number of queries", n_queries, expected)
        })?;
        work.run(Stage::Search, n_parts as u64, |meter| {
            self.check(queries, n_queries)?;
            let cancel = meter.cancel();
            let some = |range: Range<usize>| {
                let mut all = memory::with_room(range.len())?;
                let mut at = range.start;
                while at < range.end {
                    let (shard, queries_there) = parts.from(at, range.end);
                    at += queries_there.len();
                    all.extend(self.some(&asked[shard], queries, queries_there, search, cancel)?);
                }
                Ok(all)
            };
            // What was found of each query so far, and in how many shards.
            let nothing = || (0usize, Vec::new());
            let mut so_far = memory::collect((0..n_queries).map(|_| nothing()))?;
            let mut failed = None;
            let take_in = |part: usize, found: Vec<Neighbor>| {
                let query = parts.from(part, part + 1).1.start;
                let (n, all) = &mut so_far[query];
                *n += 1;
                let merged = memory::reserve(all, found.len()).and_then(|()| {
                    all.extend(found);
                    match *n == n_shards {
                        true => merge::nearest(self, std::mem::take(all), search.n).map(Some),
                        false => Ok(None),
                    }
                });
                match merged {
                    Ok(Some(found)) if failed.is_none() => take(query, found),
                    Ok(_) => {}
                    Err(error) => failed = failed.take().or(Some(error)),
                }
            };
            let n_threads = meter.n_threads(n_parts.div_ceil(FOR_A_THREAD));
            batch::run(&some, n_parts, [TAKEN; 2], n_threads, meter, take_in)?;
            failed.map_or(Ok(()), Err)
        })
    }

    /// What is asked of each shard that is to be searched.
    fn asked(&self, search: &Search<'_>) -> Result<Vec<Asked<'_>>> {
        let exclude = ascending(search.exclude)?;
        let n_items = self.n_items();
        if let Some(bitmap) = search.bitmap {
            let expected = n_items.div_ceil(64);
            if bitmap.words.len() != expected {
                return Err(Error::argument(
                    "the number of words in the bitmap",
                    bitmap.words.len(),
                    format!("{expected}, for {n_items} items"),
                ));
            }
        }
        let all = self.shards.iter().zip(&self.starts).enumerate();
        let wanted = ascending_places(search.shards, self.shards.len())?;
        let is_wanted = |at: usize| wanted.is_empty() || wanted.binary_search(&at).is_ok();
        let there = all.filter_map(|(at, (shard, start))| {
            let shard = shard.as_deref().filter(|_| is_wanted(at))?;
            Some((*start, shard))
        });
        // Of all, also of those that are not searched: what is found in each is the same then.
        let n_shards = self.shards.len();
        memory::try_collect(there.map(|(start, shard)| {
            let n = shard.index.n_items();
            let first = exclude.partition_point(|&id| id < start as i64);
            let last = exclude.partition_point(|&id| id < (start + n as u64) as i64);
            let local = exclude[first..last].iter().map(|&id| id - start as i64);
            let bitmap = search.bitmap.map(|bitmap| part(bitmap.words, start, n));
            Ok(Asked {
                shard,
                start,
                search_k: search_k(shard, search, n_shards),
                exclude: memory::collect(local)?,
                bitmap: bitmap.transpose()?,
            })
        }))
    }

    /// Searches one shard for some of the queries.
    fn some(
        &self,
        asked: &Asked<'_>,
        queries: Queries<'_>,
        range: Range<usize>,
        search: &Search<'_>,
        cancel: Option<&Cancel>,
    ) -> Result<Vec<Vec<Neighbor>>> {
        let start = asked.start as i64;
        let ask = search.filter.map(|ask| move |id: i64| ask(id + start));
        let local = Search {
            search_k: asked.search_k,
            exclude: &asked.exclude,
            bitmap: asked.bitmap.as_deref().map(|words| Bitmap {
                words,
                deny: search.bitmap.is_some_and(|bitmap| bitmap.deny),
            }),
            filter: ask.as_ref().map(|ask| ask as &Ask<'_>),
            shards: &[],
            ..*search
        };
        let index = &asked.shard.index;
        let mut found = match queries {
            Queries::Vectors(vector) => {
                let there = At::Vectors(vector, range.end);
                index.search_some(there, range, &local, cancel)?
            }
            Queries::Items(ids) => memory::try_collect(range.map(|i| {
                work::check(cancel)?;
                let (own, id) = self.shard_of(ids[i])?;
                if std::ptr::eq(own, asked.shard) {
                    return index.search_item(id, &local);
                }
                let row = Row::of(own, id)?;
                index.search(row.vector(), &local)
            }))?,
        };
        for one in found.iter_mut().flatten() {
            one.id += start;
        }
        Ok(found)
    }

    /// Whether all queries are good.
    fn check(&self, queries: Queries<'_>, n_queries: usize) -> Result<()> {
        let Some((_, first)) = self.there().next() else {
            return Ok(());
        };
        for i in 0..n_queries {
            match queries {
                Queries::Vectors(vector) => first.index.check_query(vector(i))?,
                Queries::Items(ids) => {
                    let (shard, id) = self.shard_of(ids[i])?;
                    if shard.index.is_removed(id) {
                        let expected = format!("an item that is not removed");
                        return Err(Error::Item {
                            id: ids[i],
                            expected,
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// Searches of single queries in single shards, numbered: block by block of queries, in a block
/// shard by shard.
#[derive(Clone, Copy)]
struct Parts {
    n_queries: usize,
    n_shards: usize,
}

impl Parts {
    /// The shard of a part, and the queries from there on, before another, for the same shard.
    fn from(&self, part: usize, end: usize) -> (usize, Range<usize>) {
        let block = part / (BLOCK * self.n_shards);
        let first = block * BLOCK;
        let in_block = BLOCK.min(self.n_queries - first);
        let within = part - first * self.n_shards;
        let (shard, query) = (within / in_block, within % in_block);
        let n = (in_block - query).min(end - part);
        (shard, first + query..first + query + n)
    }
}

/// The vector of an item.
enum Row {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bits(Vec<u64>),
}

impl Row {
    fn of(shard: &Mapped, id: i64) -> Result<Self> {
        let options = shard.index.options();
        let f = options.f;
        let mut row = match options.scalar {
            ScalarType::F32 => Row::F32(memory::filled(0.0, f)?),
            ScalarType::F64 => Row::F64(memory::filled(0.0, f)?),
            _ => Row::Bits(memory::filled(0, f.div_ceil(64))?),
        };
        let to = match &mut row {
            Row::F32(values) => VectorMut::F32(values),
            Row::F64(values) => VectorMut::F64(values),
            Row::Bits(words) => VectorMut::Bits(words),
        };
        shard.index.get_item(id, to)?;
        Ok(row)
    }

    fn vector(&self) -> Vector<'_> {
        match self {
            Row::F32(values) => Vector::F32(values),
            Row::F64(values) => Vector::F64(values),
            Row::Bits(words) => Vector::Bits(words),
        }
    }
}

/// The places of shards in ascending order.
fn ascending_places(places: &[usize], n_shards: usize) -> Result<Vec<usize>> {
    if let Some(wrong) = places.iter().find(|place| **place >= n_shards) {
        let expected = format!("0 to {}", n_shards - 1);
        return Err(Error::argument("the place of a shard", wrong, expected));
    }
    let mut places = memory::copy(places)?;
    places.sort_unstable();
    Ok(places)
}

/// What a shard looks at; none for what it would by itself.
fn search_k(shard: &Mapped, search: &Search<'_>, n_shards: usize) -> Option<u64> {
    if n_shards == 1 || search.recall.is_some() {
        // As much of what is near is found in each as would be found in one.
        return search.search_k;
    }
    let (usual, is_walk) = shard.index.usual_search_k(search)?;
    let given = search.search_k.unwrap_or(usual);
    Some(share(given, search.n, n_shards, is_walk))
}

/// The bits of `n` items from `start` on.
fn part(words: &[u64], start: u64, n: usize) -> Result<Vec<u64>> {
    let (first, shift) = ((start / 64) as usize, start % 64);
    let word = |at: usize| words.get(at).copied().unwrap_or(0);
    memory::collect((first..first + n.div_ceil(64)).map(|at| match shift {
        0 => word(at),
        _ => word(at) >> shift | word(at + 1) << (64 - shift),
    }))
}

/// What each of so many shards looks at, of what one index of all items would: more than its part,
/// as what is near the query may be in any of them, and each has its own way to go there.
/// docs/shards.md has the measurements.
fn share(search_k: u64, n: usize, n_shards: usize, is_walk: bool) -> u64 {
    let part = (search_k as f64 / (n_shards as f64).powf(EXPONENT)).ceil() as u64;
    let least = match is_walk {
        true => LEAST.saturating_mul((n as u64).div_ceil(10).max(1)),
        false => 0,
    };
    part.max(search_k.min(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_each_query_in_each_shard_once() {
        for (n_queries, n_shards) in [(1, 1), (1, 7), (BLOCK, 3), (2 * BLOCK + 5, 4)] {
            let parts = Parts {
                n_queries,
                n_shards,
            };
            let n_parts = n_queries * n_shards;
            let mut seen = std::collections::BTreeSet::new();
            let mut at = 0;
            while at < n_parts {
                let (shard, queries) = parts.from(at, n_parts.min(at + 5));
                assert!(shard < n_shards && !queries.is_empty());
                at += queries.len();
                for query in queries {
                    assert!(query < n_queries && seen.insert((query, shard)));
                }
            }
            assert_eq!(seen.len(), n_parts);
        }
    }

    #[test]
    fn bits_of_a_part_are_those_of_the_whole() {
        let words = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0x55];
        let bit = |words: &[u64], at: usize| words[at / 64] >> (at % 64) & 1;
        for start in [0, 1, 63, 64, 65, 100] {
            let n = 135 - start;
            let part = part(&words, start as u64, n).unwrap();
            assert_eq!(part.len(), n.div_ceil(64));
            assert!(
                (0..n).all(|i| bit(&part, i) == bit(&words, start + i)),
                "{start}"
            );
        }
    }

    #[test]
    fn shares_are_no_more_than_all_and_no_less_than_a_part() {
        assert_eq!(share(1000, 10, 1, true), 1000);
        assert_eq!(share(1, 10, 16, true), 1);
        assert_eq!(share(0, 10, 16, true), 0);
        assert_eq!(share(100, 10, 16, true), 100);
        assert_eq!(share(u64::MAX, usize::MAX, 16, true), u64::MAX);
        for n_shards in [2, 16, 1000] {
            let one = share(100_000, 10, n_shards, false);
            assert!(one < 100_000 && one * n_shards as u64 > 100_000);
        }
    }
}
