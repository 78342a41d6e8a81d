//! What searches find, and how long they take.

use crate::look::sample;
use crate::progress::Progress;
use crate::query::read_queries;
use crate::vectors::Block;
use annoy_rs::{Index, Neighbor, Search, Way};
use anyhow::{ensure, Result};
use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

/// Queries whose true neighbours are known.
pub struct Trial<'a> {
    index: &'a Index,
    go: &'a Progress,
    /// Items that are searched for as if they were not there; none, where the caller has queries.
    ids: Vec<i64>,
    queries: Block,
    truth: Vec<Vec<Neighbor>>,
    n: usize,
}

/// What a setting finds, and how long it takes.
#[derive(Clone, Copy)]
pub struct Point {
    pub search_k: Option<u64>,
    pub recall: f64,
    /// Of a search, one after the other on one thread.
    pub seconds: f64,
    /// Of all threads together.
    pub a_second: f64,
}

impl<'a> Trial<'a> {
    /// With the queries of a file, or without one with items; for `n` results.
    pub fn new(
        index: &'a Index,
        file: Option<&Path>,
        most: usize,
        n: usize,
        go: &'a Progress,
    ) -> Result<Self> {
        let ids = match file {
            Some(_) => Vec::new(),
            None => sample(index, most),
        };
        let queries = match file {
            Some(path) => read_queries(index, path, Some(most as u64))?,
            None => Block::of(index, &ids)?,
        };
        ensure!(queries.len() > 0, "there are no queries");
        let mut trial = Trial {
            index,
            go,
            ids,
            queries,
            truth: Vec::new(),
            n,
        };
        trial.truth = trial.batch(&Search {
            way: Way::Exact,
            ..trial.search()
        })?;
        let found: usize = trial.truth.iter().map(Vec::len).sum();
        ensure!(found > 0, "there is nothing to find");
        Ok(trial)
    }

    pub fn n_queries(&self) -> usize {
        self.queries.len()
    }

    fn search(&self) -> Search<'static> {
        Search {
            exclude_self: true,
            ..Search::new(self.n)
        }
    }

    fn batch(&self, search: &Search<'_>) -> Result<Vec<Vec<Neighbor>>> {
        let n = self.queries.len();
        let mut found = vec![Vec::new(); n];
        let take = |at: usize, near| found[at] = near;
        let (index, queries) = (self.index, &self.queries);
        match self.ids.is_empty() {
            true => self
                .go
                .run(|work| index.search_batch(|i| queries.row(i), n, search, work, take))?,
            false => self
                .go
                .run(|work| index.search_batch_items(&self.ids, search, work, take))?,
        }
        Ok(found)
    }

    pub fn measure(&self, way: Way, search_k: Option<u64>) -> Result<Point> {
        let search = Search {
            way,
            search_k,
            ..self.search()
        };
        let begun = Instant::now();
        let found = self.batch(&search)?;
        let a_second = found.len() as f64 / begun.elapsed().as_secs_f64();
        let both = found.iter().zip(&self.truth).map(|(found, truth)| {
            let near: HashSet<i64> = truth.iter().map(|one| one.id).collect();
            found.iter().filter(|one| near.contains(&one.id)).count()
        });
        let wanted: usize = self.truth.iter().map(Vec::len).sum();
        let recall = both.sum::<usize>() as f64 / wanted as f64;
        // Alone, one after the other, as most programs search; without what else the machine does.
        let timed = self.queries.len().min(200);
        let mut seconds = f64::INFINITY;
        for _ in 0..3 {
            self.go.go_on()?;
            let begun = Instant::now();
            for at in 0..timed {
                match self.ids.get(at) {
                    Some(&id) => self.index.search_item(id, &search)?,
                    None => self.index.search(self.queries.row(at), &search)?,
                };
            }
            seconds = seconds.min(begun.elapsed().as_secs_f64() / timed as f64);
        }
        Ok(Point {
            search_k,
            recall,
            seconds,
            a_second,
        })
    }

    /// Over `search_k`, doubled until all is found, or as much as is wanted where that is more.
    pub fn curve(&self, way: Way, wanted: f64) -> Result<Vec<Point>> {
        let all = self.index.n_items() as u64 * self.index.n_trees().max(1) as u64;
        let mut points = Vec::new();
        let mut search_k = (2 * self.n as u64).max(10);
        loop {
            let point = self.measure(way, Some(search_k))?;
            points.push(point);
            if search_k >= all || point.recall >= 0.9995 && point.recall >= wanted {
                return Ok(points);
            }
            search_k *= 2;
        }
    }
}
