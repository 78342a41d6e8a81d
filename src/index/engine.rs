//! One metric over one scalar type behind a plain interface.

use super::search::Search;
use super::vector::{Vector, VectorMut};
use crate::error::Result;
use crate::forest::build::{Emit, Plan};
use crate::forest::extend::OldTrees;
use crate::forest::insert::Grown;
use crate::forest::inspect::{Faults, Shape};
use crate::forest::peek::{Misfit, Peek};
use crate::forest::roots::Roots;
use crate::graph::build::insert_one;
use crate::graph::build::GraphPlan;
use crate::graph::format::routes::RouteBytes;
use crate::graph::{Graph, GraphBytes};
use crate::layout::{NodeLayout, NodeMut, NodeRef, Nodes};
use crate::query::Neighbor;
use crate::removed::{Changes, Removed};
use crate::scan::format::ScanBytes;
use crate::scan::Scan;
use crate::storage::HeapBytes;
use crate::work::Meter;

/// What a search starts from.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// An item's vector.
    Item(usize),
    /// An item's vector, as if the item was not there.
    Stranger(usize),
    /// A vector of the caller's.
    Vector(Vector<'a>),
}

/// What a search may go through besides the trees.
#[derive(Clone, Copy)]
pub struct Ways<'a> {
    pub graph: Option<GraphBytes<'a>>,
    pub scan: Option<ScanBytes<'a>>,
}

/// All that depends on the metric and the scalar type.
pub trait Engine: Send + Sync {
    /// Whether the vector can be taken: its type, length and values.
    fn check(&self, vector: Vector<'_>, id: Option<i64>) -> Result<()>;
    /// Fills an item's node.
    fn write_item(&self, node: NodeMut<'_>, vector: Vector<'_>, id: i64) -> Result<()>;
    /// Fills the nodes of `n_items` items, which are zero, from those of a loaded file, of whatever
    /// layout.
    fn copy_items(
        &self,
        from: &Nodes<'_>,
        n_items: usize,
        to: &mut [u8],
        layout: &NodeLayout,
    ) -> Result<()>;
    /// Copies an item's vector out.
    fn read_item(&self, node: NodeRef<'_>, to: VectorMut<'_>) -> Result<()>;
    /// The distance between two items.
    fn distance(&self, a: NodeRef<'_>, b: NodeRef<'_>) -> f64;
    /// Completes the item nodes before a build.
    fn prepare(&self, items: &mut [u8], layout: &NodeLayout);
    /// What [`prepare`](Self::prepare) found out about all items.
    fn largest(&self, items: &Nodes<'_>) -> f64;
    /// Completes the node of one more item; not where that would change others.
    fn prepare_one(&self, item: NodeMut<'_>, largest: f64) -> bool;
    /// Where an item that is there is to be put in among others; those that have no neighbours in
    /// a graph come first.
    fn place_in_trees(&self, trees: &Grown<'_>, item: usize) -> Result<usize>;
    /// Puts one item into all trees, where they lie.
    fn insert_in_trees(&self, trees: &mut Grown<'_>, item: usize) -> Result<()>;
    /// Puts one item into a graph, where it lies. See [`Graph::insert_one`].
    fn insert_in_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        graph: &mut Graph,
        item: usize,
        before: &mut insert_one::Before,
        meter: &Meter<'_>,
    ) -> Result<bool>;
    /// The routes of a graph.
    fn routes(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        graph: &GraphBytes<'_>,
    ) -> Result<RouteBytes>;
    /// Builds trees over prepared item nodes; returns copies of their roots.
    fn build(
        &self,
        items: &[u8],
        layout: &NodeLayout,
        plan: Plan,
        meter: &Meter<'_>,
        emit: &mut Emit<'_>,
    ) -> Result<HeapBytes>;
    /// Puts the new items, which are among the item nodes and prepared, into the trees of before,
    /// and takes those out that are gone; returns copies of the roots.
    fn extend(
        &self,
        items: &[u8],
        layout: &NodeLayout,
        old: &OldTrees<'_>,
        plan: Plan,
        meter: &Meter<'_>,
        emit: &mut Emit<'_>,
    ) -> Result<HeapBytes>;
    /// Finds the trees in the nodes of a plain file.
    fn find_roots(&self, nodes: Peek<'_>) -> Result<Roots, Misfit>;
    /// Walks all trees; `meter` counts nodes.
    fn inspect(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        meter: &Meter<'_>,
        faults: &mut Faults,
    ) -> Result<Shape>;
    /// Searches the forest.
    fn search(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        target: Target<'_>,
        search: &Search<'_>,
        removed: Option<Removed<'_>>,
        ways: Ways<'_>,
    ) -> Result<Vec<Neighbor>>;
    /// Builds the graph.
    fn build_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        plan: &GraphPlan,
        meter: &Meter<'_>,
    ) -> Result<Graph>;
    /// Takes items out of the lists of before, and puts others in; none where no items are left.
    fn change_scan(
        &self,
        nodes: &Nodes<'_>,
        n_items: usize,
        old: &ScanBytes<'_>,
        changes: Changes<'_>,
        meter: &Meter<'_>,
    ) -> Result<Option<Scan>>;
    /// Takes items out of the graph of before, and puts others in.
    fn change_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        old: &GraphBytes<'_>,
        changes: Changes<'_>,
        meter: &Meter<'_>,
    ) -> Result<Graph>;
    /// Searches the lists of a scan for several.
    fn scan(
        &self,
        nodes: &Nodes<'_>,
        targets: &[Target<'_>],
        search: &Search<'_>,
        scan: ScanBytes<'_>,
    ) -> Result<Vec<Vec<Neighbor>>>;
    /// Looks at all items for several; `check` is asked all the time whether to go on.
    fn exact(
        &self,
        nodes: &Nodes<'_>,
        n_items: usize,
        targets: &[Target<'_>],
        search: &Search<'_>,
        removed: Option<Removed<'_>>,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<Neighbor>>>;
    /// Builds the lists of a scan.
    fn build_scan(&self, nodes: &Nodes<'_>, n_items: usize, meter: &Meter<'_>) -> Result<Scan>;
    /// Looks at all lists of a scan; `meter` counts items.
    fn check_scan(
        &self,
        nodes: &Nodes<'_>,
        scan: &ScanBytes<'_>,
        meter: &Meter<'_>,
        faults: &mut Faults,
    ) -> Result<()>;
    /// Looks at all of a graph; `meter` counts items.
    fn check_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        graph: &GraphBytes<'_>,
        meter: &Meter<'_>,
        faults: &mut Faults,
    ) -> Result<()>;
}
