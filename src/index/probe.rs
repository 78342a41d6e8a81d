//! Finds out what an index file may be.

use super::typed::engine;
use crate::error::{Error, Result};
use crate::file;
use crate::forest::peek::{Allowance, Misfit, Peek};
use crate::layout::NodeLayout;
use crate::memory;
use crate::storage::{Access, Source};
use crate::types::{IdWidth, Metric, Options, ScalarType};
use std::path::Path;

/// What a file may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Metric, f and types to load it with.
    pub options: Options,
    /// Annoy's version of the layout: "1.17", "1.16 (packed)" or "main".
    pub layout: &'static str,
    /// Items it would have.
    pub n_items: usize,
    /// Trees it would have.
    pub n_trees: usize,
}

/// Element types of a metric.
fn scalars(metric: Metric) -> &'static [ScalarType] {
    match metric {
        Metric::Hamming => &[ScalarType::Bits64, ScalarType::Bits32, ScalarType::Bits8],
        _ => &[ScalarType::F32, ScalarType::F64],
    }
}

/// Every type of index, with vectors of one element.
fn types() -> impl Iterator<Item = Options> {
    Metric::ALL.into_iter().flat_map(|metric| {
        scalars(metric).iter().flat_map(move |&scalar| {
            [IdWidth::Bits32, IdWidth::Bits64].map(|id_width| Options {
                metric,
                f: 1,
                scalar,
                id_width,
            })
        })
    })
}

/// What a file may be: one kind if it says so itself, else all whose structure it has. For a plain
/// Annoy file these are often several: nothing tells euclidean from manhattan, nor always the words
/// of hamming. No more of it is looked at the longer it is, and what could be too much to tell,
/// such as a long file of zeros, is none.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] when it is none, or says what it is and is damaged.
pub fn probe(path: impl AsRef<Path>) -> Result<Vec<Kind>> {
    let path = path.as_ref();
    let source = Source::open(path, Access::Map)?;
    let fail = |reason| Error::Format {
        path: memory::try_path(path).ok(),
        expected: format!("an index"),
        reason,
    };
    if source.len() == 0 {
        return Err(fail(format!("it is empty")));
    }
    if let Some(superblock) = file::described(&source)? {
        let superblock = superblock.map_err(fail)?;
        let layout = NodeLayout::written(superblock.options);
        return memory::collect([Kind {
            options: superblock.options,
            layout: layout.flavor.name(),
            n_items: superblock.n_items,
            n_trees: superblock.n_trees,
        }]);
    }
    let (mut kinds, allowance) = (Vec::new(), Allowance::new());
    for node_size in file::node_sizes(source.len())? {
        for one in types() {
            for layout in NodeLayout::candidates(one) {
                let vector = node_size as usize - layout.offset_vector.min(node_size as usize);
                let elements = vector / one.scalar.size();
                let per_element = if one.scalar.is_bits() {
                    one.scalar.size() * 8
                } else {
                    1
                };
                let options = Options {
                    f: elements * per_element,
                    ..one
                };
                let layout = NodeLayout::new(options, layout.flavor);
                if options.validate().is_err() || layout.node_size as u64 != node_size {
                    continue;
                }
                let peek = Peek::new(&source, &layout, &allowance);
                let found = engine(options)?.find_roots(peek);
                if allowance.is_spent() {
                    let reason =
                        "it may be so much that it takes too long to tell, as a file of zeros may";
                    return Err(fail(memory::text(reason)));
                }
                match found {
                    Ok(roots) => {
                        let kind = Kind {
                            options,
                            layout: layout.flavor.name(),
                            n_items: roots.n_items,
                            n_trees: roots.n_trees,
                        };
                        memory::push(&mut kinds, kind)?;
                    }
                    Err(Misfit::Reason(_)) => {}
                    Err(Misfit::Unreadable(error)) => return Err(error),
                }
            }
        }
    }
    if kinds.is_empty() {
        return Err(fail(format!(
            "its structure is that of no index, of whatever metric and f"
        )));
    }
    Ok(kinds)
}
