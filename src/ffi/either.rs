//! A handle is an index of one file, or of a directory of shards: what calls can do with both.

use super::guard::Loan;
use crate::error::{Error, Result};
use crate::index::search::Search;
use crate::index::vector::{Vector, VectorMut};
use crate::index::verify::{Info, Report};
use crate::index::Index;
use crate::labels::{Label, LabelKind};
use crate::query::Neighbor;
use crate::shards::open::{join, View};
use crate::shards::{manifest, ShardAccess, Shards};
use crate::storage::Access;
use crate::types::Options;
use crate::work::Work;
use std::path::Path;
use std::sync::Arc;

/// What a handle has: an index lies in it, without another step to get there.
#[allow(clippy::large_enum_variant)]
pub(super) enum Held {
    One(Index),
    Shards(Shards),
}

impl Held {
    /// Opens what a path names.
    ///
    /// # Errors
    /// As [`Index::open`] and [`Shards::open`].
    pub fn open(path: &Path, access: Access, partial: bool) -> Result<Self> {
        match Index::open(path, access) {
            Ok(index) => Ok(Held::One(index)),
            // Looked at only where it is no file, so that files are opened as fast as ever.
            Err(error @ Error::Io { .. }) if path.is_dir() => {
                if !join(path, manifest::NAME)?.is_file() {
                    return Err(error);
                }
                Shards::open(path, ShardAccess { access, partial }).map(Held::Shards)
            }
            Err(error) => Err(error),
        }
    }

    /// The index, of calls that are for one file.
    pub fn one(&self) -> Result<&Index> {
        match self {
            Held::One(index) => Ok(index),
            Held::Shards(_) => Err(of_shards("do that with it")),
        }
    }

    /// As [`one`](Self::one), to change it.
    pub fn one_mut(&mut self) -> Result<&mut Index> {
        match self {
            Held::One(index) => Ok(index),
            Held::Shards(_) => Err(of_shards("change it")),
        }
    }
}

#[cold]
fn of_shards(operation: &'static str) -> Error {
    Error::State {
        operation,
        state: "a directory of shards, whose files stay as they are",
        expected: "an index of one file",
    }
}

/// What a handle has now, on loan for reading.
pub(super) struct Either<'a> {
    of: Of<'a>,
    loan: Loan<'a>,
}

enum Of<'a> {
    One(&'a Index),
    Shards(&'a Shards, Arc<View>),
}

/// The same call of either.
macro_rules! either {
    ($self:ident, $name:ident($($argument:expr),*)) => {
        match &$self.of {
            Of::One(index) => index.$name($($argument),*),
            Of::Shards(_, view) => view.$name($($argument),*),
        }
    };
}

impl<'a> Either<'a> {
    pub fn new(held: &'a Held, loan: Loan<'a>) -> Result<Self> {
        let of = match held {
            Held::One(index) => Of::One(index),
            Held::Shards(shards) => Of::Shards(shards, shards.now()?),
        };
        Ok(Either { of, loan })
    }

    /// To be called before functions of the host are: they may use the index.
    pub fn ask(&self) -> Result<()> {
        self.loan.ask()
    }

    /// The shards, if it has them.
    pub fn shards(&self) -> Option<(&'a Shards, &View)> {
        match &self.of {
            Of::One(_) => None,
            Of::Shards(shards, view) => Some((shards, view)),
        }
    }

    pub fn options(&self) -> Options {
        either!(self, options())
    }

    pub fn n_items(&self) -> usize {
        either!(self, n_items())
    }

    pub fn n_trees(&self) -> usize {
        either!(self, n_trees())
    }

    pub fn n_labels(&self) -> usize {
        either!(self, n_labels())
    }

    pub fn n_removed(&self) -> usize {
        either!(self, n_removed())
    }

    pub fn label_kind(&self) -> Option<LabelKind> {
        either!(self, label_kind())
    }

    pub fn has_item(&self, id: i64) -> bool {
        either!(self, has_item(id))
    }

    pub fn is_removed(&self, id: i64) -> bool {
        either!(self, is_removed(id))
    }

    /// Calls for each id that holds an item, ascending.
    pub fn each_id(&self, call: impl FnMut(i64)) {
        match &self.of {
            Of::One(index) => index.ids().for_each(call),
            Of::Shards(_, view) => view.ids().for_each(call),
        }
    }

    pub fn label(&self, id: i64) -> Result<Option<Label<'_>>> {
        either!(self, label(id))
    }

    pub fn find_label(&self, label: Label<'_>) -> Result<Option<i64>> {
        either!(self, find_label(label))
    }

    pub fn get_item(&self, id: i64, to: VectorMut<'_>) -> Result<()> {
        either!(self, get_item(id, to))
    }

    pub fn get_items<'v>(
        &self,
        ids: Option<&[i64]>,
        n: usize,
        to: impl FnMut(usize) -> VectorMut<'v>,
    ) -> Result<()> {
        either!(self, get_items(ids, n, to))
    }

    pub fn get_distance(&self, i: i64, j: i64) -> Result<f64> {
        either!(self, get_distance(i, j))
    }

    pub fn info(&self) -> Result<Info> {
        either!(self, info())
    }

    pub fn verify_with(&self, most: usize, work: &mut Work<'_>) -> Result<Report> {
        either!(self, verify_with(most, work))
    }

    pub fn search<'v>(
        &self,
        vector: impl Into<Vector<'v>>,
        search: &Search<'_>,
    ) -> Result<Vec<Neighbor>> {
        either!(self, search(vector, search))
    }

    pub fn search_item(&self, id: i64, search: &Search<'_>) -> Result<Vec<Neighbor>> {
        either!(self, search_item(id, search))
    }

    pub fn search_batch<'v, V: Into<Vector<'v>>>(
        &self,
        queries: impl Fn(usize) -> V + Sync,
        n_queries: usize,
        search: &Search<'_>,
        work: &mut Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        either!(self, search_batch(queries, n_queries, search, work, take))
    }

    pub fn search_batch_items(
        &self,
        ids: &[i64],
        search: &Search<'_>,
        work: &mut Work<'_>,
        take: impl FnMut(usize, Vec<Neighbor>),
    ) -> Result<()> {
        either!(self, search_batch_items(ids, search, work, take))
    }
}
