//! `annoy build`, `merge`, `upgrade`, `insert`, `remove`, `compact`: what writes indexes.

use crate::args::{Beside, Build, Insert, Merge, Remove, Threads, To, Upgrade};
use crate::input::{Name, Row, Rows};
use crate::progress::Progress;
use crate::vectors::Block;
use annoy_rs::{Access, GraphPlan, Index, Insertion, Label, Metric, Options, ScalarType};
use anyhow::{bail, ensure, Context, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Bytes of numbers that are read before they are added.
const BLOCK: usize = 32 << 20;

/// Names of items, all of one kind.
#[derive(Default)]
struct Names(Vec<Name>);

impl Names {
    fn push(&mut self, name: Name) -> Result<()> {
        if let Some(first) = self.0.first() {
            let same = std::mem::discriminant(first) == std::mem::discriminant(&name);
            ensure!(
                same,
                "label {name} and label {first} are of two kinds: strings and numbers"
            );
        }
        self.0.push(name);
        Ok(())
    }

    fn give(&self, index: &mut Index) -> Result<()> {
        if !self.0.is_empty() {
            index.set_labels(None, self.0.iter().map(Name::label))?;
        }
        Ok(())
    }
}

/// Rows that are added together.
struct Batch {
    rows: Vec<Row>,
    f: usize,
}

impl Batch {
    /// The next rows; none at the end.
    fn read(rows: &mut Rows) -> Result<Self> {
        let mut read = Vec::new();
        let mut f = 0;
        while read.len() * f.max(1) * 8 < BLOCK {
            match rows.next() {
                None => break,
                Some(row) => {
                    let row = row?;
                    f = row.vector.len();
                    read.push(row);
                }
            }
        }
        Ok(Batch { rows: read, f })
    }

    fn block(&self, options: Options) -> Result<Block> {
        Block::new(options, self.rows.iter().map(|row| row.vector.as_slice()))
    }

    fn take_names(self, names: &mut Names) -> Result<()> {
        let mut named = self.rows.into_iter().filter_map(|row| row.name);
        named.try_for_each(|name| names.push(name))
    }
}

fn add_beside(index: &mut Index, beside: Beside, recall: Option<f64>, go: &Progress) -> Result<()> {
    ensure!(
        recall.is_none() || beside == Beside::Auto,
        "--recall is for --beside auto"
    );
    match beside {
        Beside::None => Ok(()),
        Beside::Auto => go.run(|work| index.build_auto(recall, work)),
        Beside::Graph => go.run(|work| index.build_graph(&GraphPlan::default(), work)),
        Beside::Scan => go.run(|work| index.build_scan(work)),
    }
}

pub fn build(args: &Build, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let mut rows = Rows::open(&args.data)?;
    let mut batch = Batch::read(&mut rows)?;
    ensure!(
        !batch.rows.is_empty(),
        "{}: it holds no rows",
        args.data.data.display()
    );
    let mut options = Options::new(args.metric, batch.f);
    if args.metric != Metric::Hamming {
        options.scalar = ScalarType::from(args.scalar);
    }
    let mut index = Index::with_options(options)?;
    if let Some(seed) = args.seed {
        index.set_seed(seed);
    }
    if args.on_disk {
        index.on_disk_build(&args.output)?;
    }
    let bar = go.bar("reading", rows.n);
    let mut names = Names::default();
    while !batch.rows.is_empty() {
        go.go_on()?;
        let block = batch.block(options)?;
        // No bar of its own: reading takes longer.
        let quiet = Progress::new(args.threads.threads, true);
        quiet.run(|work| index.add_items_with(None, |i| block.row(i), block.len(), work))?;
        bar.inc(block.len() as u64);
        batch.take_names(&mut names)?;
        batch = Batch::read(&mut rows)?;
    }
    bar.finish_and_clear();
    names.give(&mut index)?;
    drop(names);
    go.run(|work| index.build_with(Some(args.trees), work))?;
    add_beside(&mut index, args.beside, args.recall, &go)?;
    // The file of an on-disk build is there already, without what lies beside its trees.
    if !args.on_disk || args.beside != Beside::None {
        go.run(|work| index.save_with(&args.output, work))?;
    }
    Ok(())
}

/// The index in a file, and where it goes.
fn to_change(path: &Path, to: &To) -> Result<(Index, PathBuf)> {
    let index = Index::open(path, Access::Map)?;
    let to = to.output.clone().unwrap_or_else(|| path.to_owned());
    Ok((index, to))
}

pub fn insert(args: &Insert, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let (mut index, to) = to_change(&args.index, &args.to)?;
    ensure!(
        !args.replace || args.data.labels.is_some() || index.n_labels() > 0,
        "--replace finds items by their labels, and the index has none"
    );
    let options = index.options();
    let mut rows = Rows::open(&args.data)?;
    let mut all = Vec::new();
    let bar = go.bar("reading", rows.n);
    for row in rows.by_ref() {
        go.go_on()?;
        all.push(row?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    ensure!(
        !all.is_empty(),
        "{}: it holds no rows",
        args.data.data.display()
    );
    index.thaw_built()?;
    let named = all.iter().filter(|row| row.name.is_some()).count();
    ensure!(
        named == 0 || named == all.len(),
        "{}: some rows have labels, and some have none",
        args.data.data.display()
    );
    let block = Block::new(options, all.iter().map(|row| row.vector.as_slice()))?;
    let mut next = index.n_items() as i64;
    let mut ids = Vec::with_capacity(all.len());
    let mut seen = HashSet::new();
    for row in &all {
        let known = match &row.name {
            Some(name) if args.replace => {
                ensure!(
                    seen.insert(name.to_string()),
                    "label {name} is there twice in {}",
                    args.data.data.display()
                );
                index.find_label(name.label())?
            }
            _ => None,
        };
        ids.push(known.unwrap_or_else(|| {
            next += 1;
            next - 1
        }));
    }
    let label = |i: usize| -> Label<'_> { all[i].name.as_ref().expect("all have names").label() };
    let insertion = Insertion {
        ids: Some(&ids),
        labels: (named > 0).then_some(&label),
        replace: args.replace,
    };
    go.run(|work| index.insert_items(&insertion, |i| block.row(i), block.len(), work))?;
    go.run(|work| index.save_with(&to, work))
}

pub fn remove(args: &Remove, is_quiet: bool) -> Result<()> {
    let go = Progress::new(None, is_quiet);
    let (mut index, to) = to_change(&args.index, &args.to)?;
    for item in &args.items {
        let id = match args.label {
            true => crate::query::item_of(&index, item)?,
            false => item
                .parse()
                .ok()
                .with_context(|| format!("{item:?} is no id; --label is for labels"))?,
        };
        index.remove_item(id)?;
    }
    go.run(|work| index.save_with(&to, work))
}

pub fn compact(path: &Path, to: &To, threads: &Threads, is_quiet: bool) -> Result<()> {
    let go = Progress::new(threads.threads, is_quiet);
    let (mut index, to) = to_change(path, to)?;
    index.thaw_built()?;
    go.run(|work| index.compact(work))?;
    go.run(|work| index.save_with(&to, work))
}

pub fn upgrade(args: &Upgrade, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let mut index = match (args.metric, args.f) {
        (Some(metric), Some(f)) => {
            let mut options = Options::new(metric, f);
            options.id_width = args.id_width();
            if metric != Metric::Hamming {
                options.scalar = ScalarType::from(args.scalar);
            }
            let mut index = Index::with_options(options)?;
            index.load(&args.old, Access::Map)?;
            index
        }
        (None, None) => Index::open(&args.old, Access::Map).with_context(|| {
            format!(
                "--metric and --f say it; `annoy probe {}` what it may be",
                args.old.display()
            )
        })?,
        _ => bail!("--metric and --f go together"),
    };
    if let Some(path) = &args.labels {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let labels: Vec<&str> = text.lines().collect();
        ensure!(
            labels.len() <= index.n_items(),
            "{} has {} lines, and the index {} items",
            path.display(),
            labels.len(),
            index.n_items()
        );
        index.set_labels(None, labels.iter().copied())?;
    }
    if let Some(path) = &args.metadata {
        index.set_metadata(&std::fs::read(path).with_context(|| path.display().to_string())?)?;
    }
    add_beside(&mut index, args.beside, None, &go)?;
    go.run(|work| index.save_with(&args.new, work))
}

pub fn merge(args: &Merge, is_quiet: bool) -> Result<()> {
    let go = Progress::new(args.threads.threads, is_quiet);
    let open = |path: &PathBuf| Ok(Index::open(path, Access::Map)?);
    let indexes: Vec<Index> = args.indexes.iter().map(open).collect::<Result<_>>()?;
    let options = indexes[0].options();
    let mut merged = Index::with_options(options)?;
    let mut names = Names::default();
    let mut unnamed = 0;
    for (index, path) in indexes.iter().zip(&args.indexes) {
        let found = index.options();
        ensure!(
            (found.metric, found.f, found.scalar) == (options.metric, options.f, options.scalar),
            "{}: {} of {} {}, and {}: {} of {} {}",
            path.display(),
            found.metric,
            found.f,
            found.scalar,
            args.indexes[0].display(),
            options.metric,
            options.f,
            options.scalar
        );
        let ids: Vec<i64> = index.ids().collect();
        let block = Block::of(index, &ids)?;
        go.run(|work| merged.add_items_with(None, |i| block.row(i), block.len(), work))?;
        for id in ids {
            match index.label(id)? {
                Some(Label::U64(number)) => names.push(Name::Number(number))?,
                Some(Label::Utf8(text)) => names.push(Name::Text(text.to_owned()))?,
                None => unnamed += 1,
            }
        }
    }
    ensure!(
        unnamed == 0 || names.0.is_empty(),
        "{unnamed} items have no labels, and the others have"
    );
    names.give(&mut merged)?;
    let trees = args.trees.unwrap_or_else(|| indexes[0].n_trees());
    drop(indexes);
    go.run(|work| merged.build_with(Some(trees), work))?;
    add_beside(&mut merged, args.beside, None, &go)?;
    go.run(|work| merged.save_with(&args.output, work))
}
