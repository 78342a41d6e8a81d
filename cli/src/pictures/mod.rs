//! `annoy map` and `annoy report`: what an index holds, as pictures.

mod layout;
mod map;
mod page;
mod report;
mod svg;

pub use map::{map, MapArgs};
pub use report::{report, ReportArgs};

use crate::look::sample;
use crate::progress::Progress;
use crate::query::label_of;
use crate::vectors::Block;
use annoy_rs::{Bitmap, Index, Metric, Neighbor, Search, Way};
use anyhow::{ensure, Result};
use clap::{Args, ValueEnum};
use layout::{Place, Random};
use std::collections::HashMap;

/// Neighbours that hold an item in its place.
const HOLDING: usize = 15;
/// Neighbours that are shown.
pub const SHOWN: usize = 10;
/// Of a layout.
const SEED: u64 = 1;
/// Longer labels are cut.
const LABEL: usize = 60;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// Neighbours are near each other
    Neighbors,
    /// The two principal components
    Pca,
}

#[derive(Args)]
pub struct Drawn {
    /// Items that are shown: of more, every so many
    #[arg(long, default_value_t = 20_000)]
    pub items: usize,
    /// Where items are on the map
    #[arg(long, default_value = "neighbors")]
    pub layout: Layout,
    /// Seed of the layout
    #[arg(long, default_value_t = SEED)]
    pub seed: u64,
}

/// Items with their neighbours and places.
pub struct Shown {
    pub ids: Vec<i64>,
    /// All that the index holds.
    pub total: usize,
    /// Of all items, by nearness.
    pub near: Vec<Vec<Neighbor>>,
    pub places: Vec<Place>,
    pub layout: Layout,
}

impl Shown {
    pub fn new(index: &Index, drawn: &Drawn, go: &Progress) -> Result<Self> {
        let ids = sample(index, drawn.items);
        ensure!(!ids.is_empty(), "it holds no items");
        let total = index.ids().count();
        let is_all = ids.len() == total;
        let near = near(index, &ids, if is_all { HOLDING } else { SHOWN }, None, go)?;
        let mut shown = Shown {
            // Too few for neighbours to say where they are.
            layout: if ids.len() < 8 {
                Layout::Pca
            } else {
                drawn.layout
            },
            ids,
            total,
            near,
            places: Vec::new(),
        };
        let mut random = Random::new(drawn.seed);
        shown.places = layout::principal(&rows(index, &shown.ids)?, index.f(), &mut random);
        go.go_on()?;
        if shown.layout == Layout::Neighbors {
            let of_shown;
            let holding = match is_all {
                true => &shown.near,
                false => {
                    of_shown = self::near(index, &shown.ids, HOLDING, Some(&shown.ids), go)?;
                    &of_shown
                }
            };
            let holding = distances(index, &shown.positions(), holding);
            layout::unfold(&mut shown.places, &holding, &mut random);
        }
        shown.near.iter_mut().for_each(|near| near.truncate(SHOWN));
        fit(&mut shown.places);
        Ok(shown)
    }

    /// Where an item is among those that are shown.
    pub fn positions(&self) -> HashMap<i64, u32> {
        let places = self.ids.iter().enumerate();
        places.map(|(at, &id)| (id, at as u32)).collect()
    }

    pub fn is_sample(&self) -> bool {
        self.ids.len() < self.total
    }

    /// What a reader of the map has to know.
    pub fn note(&self) -> String {
        let places = match self.layout {
            Layout::Neighbors => {
                "Items that are near in the index are near on the map; how far groups are from each \
                 other says little."
            }
            Layout::Pca => "The first two principal components.",
        };
        match self.is_sample() {
            true => format!(
                "{} of {} items, evenly chosen. {places}",
                thousands(self.ids.len()),
                thousands(self.total)
            ),
            false => places.to_owned(),
        }
    }
}

/// Places of all items.
pub fn places(index: &Index, go: &Progress) -> Result<Vec<Place>> {
    let drawn = Drawn {
        items: usize::MAX,
        layout: Layout::Neighbors,
        seed: SEED,
    };
    Ok(Shown::new(index, &drawn, go)?.places)
}

/// A number with a comma behind each three digits from the end.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What an item is called: its label, or its number.
pub fn name(index: &Index, id: i64) -> Result<String> {
    let label = label_of(index, id)?;
    let mut chars = label.chars();
    Ok(match label.is_empty() {
        true => format!("#{id}"),
        false if label.chars().count() > LABEL => {
            let start: String = chars.by_ref().take(LABEL).collect();
            start + "…"
        }
        false => label,
    })
}

/// Neighbours of items, among all or some.
fn near(
    index: &Index,
    ids: &[i64],
    n: usize,
    among: Option<&[i64]>,
    go: &Progress,
) -> Result<Vec<Vec<Neighbor>>> {
    let words = among.map(|among| {
        let mut words = vec![0u64; index.n_items().div_ceil(64)];
        among
            .iter()
            .for_each(|&id| words[id as usize / 64] |= 1 << (id % 64));
        words
    });
    let mut search = Search {
        exclude_self: true,
        bitmap: words.as_ref().map(|words| Bitmap { words, deny: false }),
        ..Search::new(n)
    };
    let info = index.info()?;
    if info.n_tuned > 0 && among.is_none() {
        search.recall = Some(0.99);
    } else if info.graph_degree == 0 && info.scan_lists == 0 {
        // Trees find little by default: all items are compared, where that is a matter of seconds.
        let among = among.map_or(index.n_items(), <[i64]>::len);
        let numbers = ids.len() as f64 * among as f64 * index.f() as f64;
        match numbers < 5e10 {
            true => search.way = Way::Exact,
            false => search.search_k = Some(20 * n as u64 * info.n_trees as u64),
        }
    } else if info.graph_recall.is_some_and(|recall| recall > 0.98) {
        // The default is for the hardest data.
        search.search_k = Some(60 * n as u64);
    }
    let mut found = vec![Vec::new(); ids.len()];
    go.run(|work| index.search_batch_items(ids, &search, work, |at, near| found[at] = near))?;
    Ok(found)
}

/// Neighbours as the layout takes them: for inner products, by how much less they are than the
/// largest.
fn distances(
    index: &Index,
    positions: &HashMap<i64, u32>,
    near: &[Vec<Neighbor>],
) -> Vec<layout::Near> {
    let is_product = index.options().metric == Metric::Dot;
    let of_one = |near: &Vec<Neighbor>| -> layout::Near {
        let first = near.first().map_or(0.0, |one| one.distance);
        let known = near
            .iter()
            .filter_map(|one| Some((*positions.get(&one.id)?, one.distance)));
        known
            .map(|(at, distance)| {
                (
                    at,
                    if is_product {
                        first - distance
                    } else {
                        distance
                    },
                )
            })
            .collect()
    };
    near.iter().map(of_one).collect()
}

/// Vectors for the principal components; of one length, where only angles count.
fn rows(index: &Index, ids: &[i64]) -> Result<Vec<f32>> {
    let block = Block::of(index, ids)?;
    let mut rows = Vec::with_capacity(ids.len() * index.f());
    let is_angular = index.options().metric == Metric::Angular;
    for at in 0..block.len() {
        let length = block.numbers(at).map(|x| x * x).sum::<f64>().sqrt();
        let scale = if is_angular && length > 0.0 {
            length.recip()
        } else {
            1.0
        };
        rows.extend(block.numbers(at).map(|x| (x * scale) as f32));
    }
    Ok(rows)
}

/// Into a square from 0 to 1, in the middle of it.
fn fit(places: &mut [Place]) {
    let bounds = |axis: usize| {
        let numbers = places.iter().map(|place| place[axis]);
        let ends = (f32::INFINITY, f32::NEG_INFINITY);
        numbers.fold(ends, |(low, high), x| (low.min(x), high.max(x)))
    };
    let [(x0, x1), (y0, y1)] = [bounds(0), bounds(1)];
    let size = (x1 - x0).max(y1 - y0).max(f32::MIN_POSITIVE);
    for place in places {
        let [x, y] = *place;
        *place = [
            0.5 + (x - (x0 + x1) / 2.0) / size,
            0.5 + (y - (y0 + y1) / 2.0) / size,
        ];
    }
}
