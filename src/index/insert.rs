//! Putting more items into an index that is built, and taking removed ones out.

use super::change::{self, Changed};
use super::state::State;
use super::vector::Vector;
use super::Index;
use crate::error::{Error, Result};
use crate::graph::build::GraphPlan;
use crate::labels::Label;
use crate::memory;
use crate::removed::{Marks, Removed};
use crate::work::{Stage, Work};

/// The label of a row.
pub type Labels<'a> = dyn Fn(usize) -> Label<'a> + 'a;

/// Which items [`insert_items`](Index::insert_items) inserts.
#[derive(Clone, Copy, Default)]
pub struct Insertion<'a> {
    /// The id of each row; none for those behind the last item.
    pub ids: Option<&'a [i64]>,
    /// The label of each row; none where they get none.
    pub labels: Option<&'a Labels<'a>>,
    /// Whether items that have one of the ids are replaced, also removed ones. Else they are an
    /// error.
    pub replace: bool,
}

impl Index {
    /// Inserts items into a built index, all or none, without building it anew. The next search
    /// finds them, in trees, graph and scan. An item that is replaced keeps its label if it is
    /// given none.
    ///
    /// An item goes down each tree to a leaf, which is split when it is full; in the graph its
    /// neighbours are chosen by a search. A few items, no more than one for 64 there are, are put
    /// in where trees and graph lie, by one thread, in time that does not grow with the index. Now
    /// and then such a call takes longer, as all is written anew: when one in 16 has come. So do
    /// calls with more items, those that replace, and all on an index with a scan. What
    /// [`tune`](Self::tune) measured stays.
    ///
    /// The same calls give the same bytes, for any number of threads and on any processor. A file
    /// has the nodes in another order than memory, so that where distances to planes are equal a
    /// search may come upon other items first.
    ///
    /// ```
    /// use annoy_rs::{Index, Insertion, Metric, Work};
    /// let mut index = Index::new(Metric::Euclidean, 1)?;
    /// for id in 0..100 {
    ///     index.add_item(id, &[id as f32])?;
    /// }
    /// index.build(Some(5), None)?;
    /// index.insert_items(&Insertion::default(), |_| &[7.2f32], 1, &mut Work::default())?;
    /// assert_eq!(index.get_nns_by_vector(&[7.3f32], 1, None)?[0].id, 100);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::State`] when not built, built on disk, or loaded; [`Error::Item`] for an id that is
    /// there twice, or that an item has, also a removed one, which is not to be replaced; those of
    /// [`add_items_with`](Self::add_items_with), [`build_with`](Self::build_with),
    /// [`build_graph`](Self::build_graph) and [`set_labels`](Self::set_labels). The index is then
    /// as before.
    pub fn insert_items<'a, V: Into<Vector<'a>>>(
        &mut self,
        insertion: &Insertion<'_>,
        rows: impl Fn(usize) -> V + Sync,
        n_rows: usize,
        work: &mut Work<'_>,
    ) -> Result<()> {
        self.check_changeable("insert items")?;
        let changed = self.to_be_inserted(insertion, n_rows)?;
        if n_rows == 0 {
            return Ok(());
        }
        let n_items = self.n_items() as i64;
        let finish = |index: &mut Self| {
            let Some(label) = insertion.labels else {
                return Ok(());
            };
            let behind;
            let ids = match insertion.ids {
                Some(ids) => ids,
                None => {
                    behind = memory::collect((0..n_rows as i64).map(|row| n_items + row))?;
                    &behind
                }
            };
            index.set_labels(Some(ids), (0..n_rows).map(label))
        };
        let row = |i: usize| rows(i).into();
        let inserted = match self.has_room_for(&changed) {
            Ok(true) => self.insert_in_place(&changed, insertion, &row, work, finish),
            other => other,
        };
        let inserted = match inserted {
            Ok(false) => self.change(
                &changed,
                work,
                |index, work| index.add_items_with(insertion.ids, rows, n_rows, work),
                finish,
            ),
            other => other.map(drop),
        };
        self.log.heard("insert items", &inserted);
        inserted
    }

    /// The ids of the rows.
    fn to_be_inserted(&self, insertion: &Insertion<'_>, n_rows: usize) -> Result<Changed> {
        let n_items = self.n_items();
        let Some(ids) = insertion.ids else {
            return Ok(Changed {
                new: change::behind(n_items, n_rows)?,
                gone: Marks::default(),
            });
        };
        if ids.len() != n_rows {
            let expected = format!("one for each of {n_rows} rows");
            return Err(Error::argument("the number of ids", ids.len(), expected));
        }
        let nodes = self.nodes();
        let is_there = |&id: &usize| id < n_items && nodes.get(id).n_descendants() == 1;
        let new = memory::try_collect(ids.iter().map(|&id| {
            let place = usize::try_from(id).ok();
            let place = place.filter(|place| insertion.replace || !is_there(place));
            place.ok_or_else(|| Error::Item {
                id,
                expected: match id < 0 {
                    true => format!("0 or more"),
                    false => format!("one that no item has, as it is not to be replaced"),
                },
            })
        }))?;
        let new = change::ascending(new)?;
        let gone = change::marks_of(new.iter().copied().filter(is_there), n_items)?;
        Ok(Changed { new, gone })
    }

    /// Takes the items that are marked as removed out of trees, graph and scan of a built index,
    /// without building it anew, so that no search is led through them. They are missing from then
    /// on, their labels gone, and their ids can be [inserted](Self::insert_items) again. In the
    /// graph, items with neighbours that are gone choose among the others and the neighbours of
    /// those (FreshDiskANN); subtrees and graph are built anew where fewer than three of four
    /// stay. Does nothing when none is marked.
    ///
    /// # Errors
    /// [`Error::State`] when not built, built on disk, or loaded; those of
    /// [`build_with`](Self::build_with) and [`build_graph`](Self::build_graph). The index is then
    /// as before.
    pub fn consolidate(&mut self, work: &mut Work<'_>) -> Result<()> {
        self.check_changeable("consolidate")?;
        if self.n_removed() == 0 {
            return Ok(());
        }
        let changed = Changed {
            new: Vec::new(),
            gone: self.copied_marks()?,
        };
        let done = self.change(&changed, work, |_, _| Ok(()), |_| Ok(()));
        if done.is_ok() {
            self.forget(&changed.gone);
        }
        self.log.heard("consolidate", &done);
        done
    }

    /// Builds trees, graph and scan of a built index anew, those of them that it has, without the
    /// items that are marked as removed: the bytes are those of a build of what is left, with as
    /// many trees and the same seed, by the default [`GraphPlan`] but for its degree and alpha. Ids
    /// stay; those behind the last item that is left are free again. What [`tune`](Self::tune)
    /// measured is dropped.
    ///
    /// # Errors
    /// As [`consolidate`](Self::consolidate).
    pub fn compact(&mut self, work: &mut Work<'_>) -> Result<()> {
        self.check_changeable("compact")?;
        let marks = self.copied_marks()?;
        let n_trees = self.n_trees();
        let plan = self.graph().map(|graph| GraphPlan::of(graph.header));
        let has_scan = self.scan().is_some();
        let done = self.rebuild(marks.copy()?, |index, seed| {
            index.cut_off(&marks)?;
            work.run(Stage::Build, 0, |meter| {
                index.build_those_left(Some(n_trees), seed, meter)
            })?;
            if let Some(plan) = plan {
                index.build_graph(&plan, work)?;
            }
            match has_scan && index.ids().next().is_some() {
                true => index.build_scan(work),
                false => Ok(()),
            }
        });
        if done.is_ok() {
            self.forget(&marks);
        }
        self.log.heard("compact", &done);
        done
    }

    /// Makes the last item the last id, or one that has a label and is not gone.
    fn cut_off(&mut self, gone: &Marks) -> Result<()> {
        let (nodes, gone) = (self.nodes(), gone.view());
        let labels = self.attached.labels.as_ref();
        let is_labelled = |id: usize| {
            let is_gone = gone.is_some_and(|gone| gone.has(id));
            !is_gone && labels.is_some_and(|labels| labels.get(id).is_some())
        };
        let is_kept = |&id: &usize| nodes.get(id).n_descendants() == 1 || is_labelled(id);
        let n_left = (0..self.n_items()).rev().find(is_kept);
        let n_left = n_left.map_or(0, |id| id + 1);
        let State::Building { store, n_items } = &mut self.state else {
            return Ok(());
        };
        *n_items = n_left;
        store.resize(n_left * self.layout.node_size)
    }

    fn copied_marks(&self) -> Result<Marks> {
        let marks = self.attached.removed.as_ref().map(Marks::copy);
        marks.unwrap_or_else(|| Ok(Marks::default()))
    }

    /// Drops the labels of items that are gone, and all marks.
    fn forget(&mut self, gone: &Marks) {
        if let Some(labels) = &mut self.attached.labels {
            for id in gone.view().into_iter().flat_map(Removed::ids) {
                labels.take(id);
            }
        }
        self.attached.removed = None;
    }
}
