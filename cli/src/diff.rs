//! `annoy diff`.

use crate::args::Diff;
use crate::output::Facts;
use crate::vectors::Block;
use annoy_rs::{Access, Index, Search};
use anyhow::Result;
use std::collections::HashSet;

/// Whether the two are alike: of one kind, with the same items, vectors, labels and answers.
pub fn diff(args: &Diff, is_json: bool) -> Result<bool> {
    let [a, b] = [&args.a, &args.b].map(|path| Index::open(path, Access::Map));
    let (a, b) = (a?, b?);
    let mut facts = Facts::default();
    let (of_a, of_b) = (a.options(), b.options());
    let same_kind = (of_a.metric, of_a.f, of_a.scalar) == (of_b.metric, of_b.f, of_b.scalar);
    facts.add("same_kind", same_kind);
    let [in_a, in_b] = [&a, &b].map(|index| index.ids().collect::<HashSet<i64>>());
    let mut common: Vec<i64> = in_a.intersection(&in_b).copied().collect();
    common.sort_unstable();
    facts.add("items_in_both", common.len());
    facts.add("items_only_in_the_first", in_a.len() - common.len());
    facts.add("items_only_in_the_second", in_b.len() - common.len());
    let mut alike = same_kind && in_a.len() == common.len() && in_b.len() == common.len();
    if of_a.f == of_b.f {
        let (mut vectors, mut labels) = (0, 0);
        for &id in &common {
            let [one, other] = [&a, &b].map(|index| Block::of(index, &[id]));
            vectors += usize::from(!one?.numbers(0).eq(other?.numbers(0)));
            labels += usize::from(a.label(id)? != b.label(id)?);
        }
        facts.add("other_vectors", vectors);
        facts.add("other_labels", labels);
        alike &= vectors == 0 && labels == 0;
    }
    if same_kind {
        let step = common.len().div_ceil(args.sample.max(1)).max(1);
        let search = Search::new(args.n);
        let (mut found, mut both) = (0, 0);
        for &id in common.iter().step_by(step) {
            let near: HashSet<i64> = a
                .search_item(id, &search)?
                .iter()
                .map(|one| one.id)
                .collect();
            let other = b.search_item(id, &search)?;
            found += near.len().max(other.len());
            both += other.iter().filter(|one| near.contains(&one.id)).count();
        }
        let overlap = if found == 0 {
            1.0
        } else {
            both as f64 / found as f64
        };
        facts.add("overlap_of_answers", overlap);
        alike &= both == found;
    }
    facts.add("alike", alike);
    facts.print(is_json)?;
    Ok(alike)
}
