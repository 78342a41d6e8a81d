//! `annoy map`.

use super::page::Page;
use super::svg;
use super::{name, Drawn, Shown};
use crate::args::Threads;
use crate::output::write_whole;
use crate::progress::Progress;
use crate::query::item_of;
use annoy_rs::{Access, Index};
use anyhow::{bail, ensure, Context, Result};
use clap::Args;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  annoy map words.ann -o words.svg --highlight king\n  \
    annoy map words.ann -o words.html --color id\n  \
    annoy map items.ann -o items.svg --columns items.csv --color kind"
)]
pub struct MapArgs {
    pub index: PathBuf,
    /// Write here: .svg, or .html, where names show below the pointer
    #[arg(long, short)]
    pub output: PathBuf,
    #[command(flatten)]
    pub drawn: Drawn,
    /// Colour by id, length (of the vector), distance (to the nearest), hubs (among how many
    /// others' neighbours it is), or a column of --columns
    #[arg(long, value_name = "COLUMN")]
    pub color: Option<String>,
    /// A CSV with a header, and a row for each item in order
    #[arg(long, value_name = "FILE", requires = "color")]
    pub columns: Option<PathBuf>,
    /// Mark the item with this label (without labels: this id) and its neighbours
    #[arg(long, value_name = "LABEL")]
    pub highlight: Vec<String>,
    /// Items that are named in an .svg
    #[arg(long, default_value_t = 60)]
    pub names: usize,
    #[command(flatten)]
    pub threads: Threads,
}

/// What items are coloured by.
pub struct Colors {
    pub name: String,
    pub values: Values,
}

pub enum Values {
    Numbers(Vec<f64>),
    /// Which group, by its place among the names.
    Groups(Vec<usize>, Vec<String>),
}

/// More groups than colours that are told apart are one.
pub const GROUPS: usize = 7;
/// Colours of numbers, from the least to the largest.
pub const STEPS: usize = 8;

pub fn map(args: &MapArgs, is_quiet: bool) -> Result<()> {
    let extension = args
        .output
        .extension()
        .and_then(|extension| extension.to_str());
    let is_page = match extension {
        Some("svg") => false,
        Some("html") => true,
        _ => bail!(
            "{}: the name ends in neither .svg nor .html",
            args.output.display()
        ),
    };
    let go = Progress::new(args.threads.threads, is_quiet);
    let index = Index::open(&args.index, Access::Map)?;
    let highlight: Vec<i64> = args
        .highlight
        .iter()
        .map(|label| match index.label_kind() {
            Some(_) => item_of(&index, label),
            None => label
                .parse()
                .ok()
                .with_context(|| format!("{label:?} is no id")),
        })
        .collect::<Result<_>>()?;
    let shown = Shown::new(&index, &args.drawn, &go)?;
    let positions = shown.positions();
    let highlight: Vec<usize> = highlight
        .iter()
        .map(|id| {
            let at = positions.get(id).map(|&at| at as usize);
            at.with_context(|| format!("item {id} is not among the {} shown", shown.ids.len()))
        })
        .collect::<Result<_>>()?;
    let colors = match &args.color {
        None => None,
        Some(column) => Some(colors(&index, &shown, column, args.columns.as_deref())?),
    };
    let file = args.index.file_name().unwrap_or_default().to_string_lossy();
    let title = format!("Map of {file}");
    let text = match is_page {
        true => Page::new(&title, &index, &shown, colors.as_ref(), &highlight)?.text(),
        false => svg::draw(
            &index,
            &shown,
            &title,
            colors.as_ref(),
            &highlight,
            args.names,
        )?,
    };
    write_whole(&args.output, |out| Ok(out.write_all(text.as_bytes())?))
}

fn colors(index: &Index, shown: &Shown, column: &str, file: Option<&Path>) -> Result<Colors> {
    let (name, values) = match (column, file) {
        (_, Some(path)) => (column, from_file(path, column, shown)?),
        ("id", None) => ("id", shown.ids.iter().map(|&id| id as f64).collect::<Vec<_>>().into()),
        ("length", None) => {
            let block = crate::vectors::Block::of(index, &shown.ids)?;
            let length = |at: usize| block.numbers(at).map(|x| x * x).sum::<f64>().sqrt();
            ("length", (0..block.len()).map(length).collect::<Vec<_>>().into())
        }
        ("distance", None) => {
            let first = shown.near.iter().map(|near| near.first().map_or(0.0, |one| one.distance));
            ("distance to the nearest", first.collect::<Vec<_>>().into())
        }
        ("hubs", None) => {
            let mut times: HashMap<i64, f64> = HashMap::new();
            for one in shown.near.iter().flatten() {
                *times.entry(one.id).or_default() += 1.0;
            }
            let of_id = |id: &i64| times.get(id).copied().unwrap_or(0.0);
            let times: Vec<f64> = shown.ids.iter().map(of_id).collect();
            ("times among the nearest 10 of others", times.into())
        }
        _ => bail!("--color {column}: id, length, distance and hubs are known; --columns names a file with others"),
    };
    Ok(Colors {
        name: name.to_owned(),
        values,
    })
}

impl From<Vec<f64>> for Values {
    fn from(numbers: Vec<f64>) -> Self {
        Values::Numbers(numbers)
    }
}

/// A column, whose row 0 is of item 0: numbers, or else groups.
fn from_file(path: &Path, column: &str, shown: &Shown) -> Result<Values> {
    let context = || path.display().to_string();
    let mut csv = csv::Reader::from_path(path).with_context(context)?;
    let head = csv.headers().with_context(context)?;
    let Some(place) = head.iter().position(|name| name == column) else {
        let names: Vec<&str> = head.iter().collect();
        bail!(
            "{}: it has no column {column:?}, but {names:?}",
            path.display()
        );
    };
    let rows: Vec<String> = csv
        .records()
        .map(|row| Ok(row?.get(place).unwrap_or_default().to_owned()))
        .collect::<Result<_>>()
        .with_context(context)?;
    let last = shown.ids.last().map_or(0, |&id| id as usize);
    ensure!(
        last < rows.len(),
        "{}: it has {} rows, and the last item is {last}",
        path.display(),
        rows.len()
    );
    let values: Vec<&str> = shown
        .ids
        .iter()
        .map(|&id| rows[id as usize].as_str())
        .collect();
    let numbers: Option<Vec<f64>> = values
        .iter()
        .map(|text| text.trim().parse().ok().filter(|x: &f64| x.is_finite()))
        .collect();
    Ok(numbers.map_or_else(|| groups(&values), Values::Numbers))
}

/// The largest groups, and the rest.
fn groups(values: &[&str]) -> Values {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for &value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut names: Vec<&str> = counts.keys().copied().collect();
    names.sort_by_key(|&name| (std::cmp::Reverse(counts[name]), name));
    let mut kept: Vec<String> = names
        .iter()
        .take(GROUPS)
        .map(|&name| name.to_owned())
        .collect();
    let places: HashMap<&str, usize> = names.iter().copied().zip(0..GROUPS).collect();
    let of_value = |value: &&str| places.get(value).copied().unwrap_or(GROUPS);
    if names.len() > GROUPS {
        kept.push(format!("{} others", names.len() - GROUPS));
    }
    Values::Groups(values.iter().map(of_value).collect(), kept)
}

impl Values {
    /// The least and largest numbers that have colours of their own: a few outliers would leave one
    /// colour to all others.
    pub fn range(numbers: &[f64]) -> (f64, f64) {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        (at(0.02), at(0.98))
    }

    /// A class of style for each item.
    pub fn classes(&self) -> Vec<String> {
        match self {
            Values::Groups(places, _) => places.iter().map(|at| format!("g{at}")).collect(),
            Values::Numbers(numbers) => {
                let (low, high) = Values::range(numbers);
                let size = (high - low).max(f64::MIN_POSITIVE);
                let step = |x: &f64| ((x - low) / size * STEPS as f64) as usize;
                numbers
                    .iter()
                    .map(|x| format!("s{}", step(x).min(STEPS - 1)))
                    .collect()
            }
        }
    }
}

/// Items that stand for their surroundings, those of the fullest first: of each square the item
/// nearest to the middle of its items.
pub fn representatives(shown: &Shown, most: usize) -> Vec<usize> {
    let side = ((most as f64 * 2.5).sqrt().ceil() as usize).max(1);
    let mut squares: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
    for (at, place) in shown.places.iter().enumerate() {
        let [x, y] = place.map(|x| ((x * side as f32) as usize).min(side - 1));
        squares.entry((x, y)).or_default().push(at);
    }
    let mut squares: Vec<Vec<usize>> = squares.into_values().collect();
    squares.sort_by_key(|items| (std::cmp::Reverse(items.len()), items[0]));
    let middle = |items: &Vec<usize>| {
        let sum = items.iter().fold([0.0f32; 2], |sum, &at| {
            [0, 1].map(|axis: usize| sum[axis] + shown.places[at][axis])
        });
        let middle = sum.map(|x| x / items.len() as f32);
        let square = |at: usize| {
            let [dx, dy] = [0, 1].map(|axis: usize| shown.places[at][axis] - middle[axis]);
            dx * dx + dy * dy
        };
        items
            .iter()
            .copied()
            .min_by(|&a, &b| square(a).total_cmp(&square(b)))
    };
    squares.iter().take(most).filter_map(middle).collect()
}

/// Names of items that are shown.
pub fn names(index: &Index, shown: &Shown) -> Result<Vec<String>> {
    shown.ids.iter().map(|&id| name(index, id)).collect()
}
