//! The engines: one for each metric and scalar type, chosen once, when an index is made.

use super::engine::{Engine, Target, Ways};
use super::search::{Search, Way};
use super::vector::{Stored, Vector, VectorMut};
use crate::error::{reserve, Error, Result};
use crate::forest::build::{self, Emit, Plan};
use crate::forest::extend::OldTrees;
use crate::forest::insert::Grown;
use crate::forest::inspect::{self, Faults, Shape};
use crate::forest::peek::{Misfit, Peek};
use crate::forest::roots::Roots;
use crate::forest::search;
use crate::graph::format::routes::RouteBytes;
use crate::graph::quantize::vectors::{GraphQuery, Source};
use crate::graph::{self, Graph, GraphBytes};
use crate::kernel::{BitKernels, Float, Isa, Row, Scalar};
use crate::layout::{NodeLayout, NodeMut, NodeRef, Nodes};
use crate::memory;
use crate::metric::angular::Angular;
use crate::metric::dot::Dot;
use crate::metric::hamming::Hamming;
use crate::metric::minkowski::{Minkowski, L1, L2};
use crate::metric::Space;
use crate::query::filter::{All, Filter, Without};
use crate::query::scorer::{Scorer, VectorScorer};
use crate::query::{exact, exact_together, Neighbor, Wanted};
use crate::removed::{Changes, Removed};
use crate::scan::format::ScanBytes;
use crate::scan::{self, Scan};
use crate::storage;
use crate::storage::HeapBytes;
use crate::types::{Metric, Options, ScalarType};
use crate::work::Meter;
use std::marker::PhantomData;

/// The engine for these options, which must be valid.
///
/// # Errors
/// [`Error::Argument`] when `ANNOY_RS_KERNEL` names no kernel of this machine.
pub fn engine(options: Options) -> Result<Box<dyn Engine>> {
    let isa = Isa::choose().map_err(Error::Unsupported)?;
    match options.scalar {
        ScalarType::F32 => float_engine::<f32>(options, isa),
        ScalarType::F64 => float_engine::<f64>(options, isa),
        ScalarType::Bits64 => word_engine::<u64>(options, isa),
        ScalarType::Bits32 => word_engine::<u32>(options, isa),
        ScalarType::Bits8 => word_engine::<u8>(options, isa),
    }
}

fn float_engine<T: Float + Stored>(options: Options, isa: Isa) -> Result<Box<dyn Engine>> {
    let (kernels, f) = (T::kernels(isa), options.f);
    fn boxed<S: Space>(options: Options, isa: Isa, space: S) -> Result<Box<dyn Engine>>
    where
        S::T: Stored,
    {
        Ok(storage::boxed(Typed {
            space,
            options,
            isa,
        })?)
    }
    match options.metric {
        Metric::Angular => boxed(options, isa, Angular::new(kernels, f)),
        Metric::Dot => boxed(options, isa, Dot::new(kernels, f)),
        Metric::Euclidean => {
            let norm = PhantomData::<L2>;
            boxed(options, isa, Minkowski { kernels, f, norm })
        }
        // Hamming has no float scalar type: the options were checked.
        Metric::Manhattan | Metric::Hamming => {
            let norm = PhantomData::<L1>;
            boxed(options, isa, Minkowski { kernels, f, norm })
        }
    }
}

fn word_engine<W: crate::metric::hamming::Word + Stored>(
    options: Options,
    isa: Isa,
) -> Result<Box<dyn Engine>> {
    let space = Hamming::<W> {
        kernels: BitKernels::for_isa(isa),
        words: options.elements(),
        bits: options.f,
        word: PhantomData,
    };
    Ok(storage::boxed(Typed {
        space,
        options,
        isa,
    })?)
}

struct Typed<S> {
    space: S,
    options: Options,
    isa: Isa,
}

impl<S: Space> Typed<S>
where
    S::T: Stored,
{
    /// The vector as stored elements, checked.
    fn import<'a>(
        &self,
        vector: Vector<'a>,
        id: Option<i64>,
        buffer: &'a mut Vec<S::T>,
    ) -> Result<Row<'a, S::T>> {
        let row = S::T::import(&self.options, vector, buffer)?;
        // Words of bits came from floats that have to be looked at themselves.
        if self.options.scalar.is_bits() || !self.space.all_finite(row) {
            if let Some((position, value)) = S::T::first_not_finite(vector) {
                return Err(Error::NotFinite {
                    id,
                    position,
                    value,
                });
            }
        }
        Ok(row)
    }

    /// Searches what `way` says.
    fn search_by<F: Filter>(
        &self,
        way: Way,
        scorer: &VectorScorer<'_, S>,
        roots: &Roots,
        wanted: Wanted,
        filter: &F,
        ways: Ways<'_>,
    ) -> Result<Vec<Neighbor>> {
        match (way, ways.graph, ways.scan) {
            (Way::Exact, _, _) => exact(scorer, roots.n_items, wanted, filter),
            (Way::Fastest | Way::Graph, Some(graph), _) => {
                let graph = graph.view(self.isa, S::MEASURE);
                graph::search::search(scorer, roots, &graph, wanted, filter)
            }
            (Way::Fastest | Way::Scan, _, Some(scan)) => {
                scan::search::search(scorer, &scan.view(self.isa), wanted, filter)
            }
            (Way::Scan, _, None) => Err(Error::State {
                operation: "scan",
                state: "without lists to scan",
                expected: "one that has them",
            }),
            (Way::Graph, None, _) => Err(Error::State {
                operation: "search the graph",
                state: "without a graph",
                expected: "one that has one",
            }),
            (Way::Forest | Way::Fastest, _, _) => search::search(scorer, roots, wanted, filter),
        }
    }

    /// The items, for a graph.
    fn source<'a>(&'a self, nodes: &Nodes<'a>) -> Source<'a> {
        Source {
            space: &self.space,
            nodes: *nodes,
        }
    }

    /// The target's vector.
    fn row<'a>(
        &self,
        nodes: &Nodes<'a>,
        target: Target<'a>,
        buffer: &'a mut Vec<S::T>,
    ) -> Result<Row<'a, S::T>> {
        match target {
            Target::Item(id) | Target::Stranger(id) => Ok(nodes.get(id).row()),
            Target::Vector(vector) => self.import(vector, None, buffer),
        }
    }

    /// Targets as queries; vectors that are stored otherwise go to `buffers`, one for each.
    fn scorers<'a>(
        &'a self,
        nodes: &'a Nodes<'a>,
        targets: &[Target<'a>],
        buffers: &'a mut [Vec<S::T>],
    ) -> Result<Vec<VectorScorer<'a, S>>> {
        memory::try_collect(targets.iter().zip(buffers).map(|(&target, buffer)| {
            let row = self.row(nodes, target, buffer)?;
            Ok(VectorScorer {
                space: &self.space,
                nodes,
                query: self.space.query(row),
            })
        }))
    }

    /// Fills an item's node, which is zero.
    fn fill(&self, mut node: NodeMut<'_>, row: Row<'_, S::T>) {
        node.set_n_descendants(1);
        node.set_extra(self.space.item_extra(row));
        node.set_vector(row);
    }
}

impl<S: Space> Engine for Typed<S>
where
    S::T: Stored,
{
    fn check(&self, vector: Vector<'_>, id: Option<i64>) -> Result<()> {
        self.import(vector, id, &mut Vec::new()).map(|_| ())
    }

    fn write_item(&self, mut node: NodeMut<'_>, vector: Vector<'_>, id: i64) -> Result<()> {
        let mut buffer = Vec::new();
        let row = self.import(vector, Some(id), &mut buffer)?;
        node.clear();
        self.fill(node, row);
        Ok(())
    }

    fn copy_items(
        &self,
        from: &Nodes<'_>,
        n_items: usize,
        to: &mut [u8],
        layout: &NodeLayout,
    ) -> Result<()> {
        // What is looked at is a copy: a file's bytes may be changing.
        let mut copy = Vec::new();
        reserve(&mut copy, from.layout().node_size)?;
        for (id, bytes) in to
            .chunks_exact_mut(layout.node_size)
            .take(n_items)
            .enumerate()
        {
            copy.clear();
            copy.extend_from_slice(from.get(id).bytes());
            let item = Nodes::new(&copy, from.layout()).get(0);
            match item.n_descendants() {
                0 => continue,
                1 => {}
                n => {
                    let reason = format!("it is no item: it counts {n} descendants");
                    return Err(Error::corrupt(id, reason));
                }
            }
            let row = item.row();
            if !self.space.all_finite(row) {
                let mut values = row.iter().map(S::T::to_f64).enumerate();
                if let Some((position, value)) = values.find(|(_, value)| !value.is_finite()) {
                    return Err(Error::NotFinite {
                        id: Some(id as i64),
                        position,
                        value,
                    });
                }
            }
            let sound = self.space.plausible_item(item);
            sound.map_err(|reason| Error::corrupt(id, reason))?;
            self.fill(NodeMut::new(bytes, layout), row);
        }
        Ok(())
    }

    fn read_item(&self, node: NodeRef<'_>, to: VectorMut<'_>) -> Result<()> {
        S::T::export(&self.options, node.row(), to)
    }

    fn distance(&self, a: NodeRef<'_>, b: NodeRef<'_>) -> f64 {
        let query = self.space.query(a.row());
        self.space.report(self.space.distance(&query, b))
    }

    fn prepare(&self, items: &mut [u8], layout: &NodeLayout) {
        self.space.prepare(items, layout);
    }

    fn largest(&self, items: &Nodes<'_>) -> f64 {
        self.space.largest(items)
    }

    fn prepare_one(&self, mut item: NodeMut<'_>, largest: f64) -> bool {
        self.space.prepare_one(&mut item, largest)
    }

    fn place_in_trees(&self, trees: &Grown<'_>, item: usize) -> Result<usize> {
        let nodes = Nodes::new(trees.store.bytes(), trees.layout);
        match self.space.is_null(nodes.get(item).row()) {
            true => Ok(0),
            false => trees.place(&self.space, item),
        }
    }

    fn insert_in_trees(&self, trees: &mut Grown<'_>, item: usize) -> Result<()> {
        trees.insert(&self.space, item)
    }

    fn insert_in_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        graph: &mut Graph,
        item: usize,
        before: &mut graph::build::insert_one::Before,
        meter: &Meter<'_>,
    ) -> Result<bool> {
        graph.insert_one(&self.source(nodes), roots, item, self.isa, before, meter)
    }

    fn routes(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        graph: &GraphBytes<'_>,
    ) -> Result<RouteBytes> {
        graph::build::routes::build(&self.source(nodes), roots, graph.header.scale())
    }

    fn build(
        &self,
        items: &[u8],
        layout: &NodeLayout,
        plan: Plan,
        meter: &Meter<'_>,
        emit: &mut Emit<'_>,
    ) -> Result<HeapBytes> {
        build::build(&self.space, layout, items, plan, meter, emit)
    }

    fn extend(
        &self,
        items: &[u8],
        layout: &NodeLayout,
        old: &OldTrees<'_>,
        plan: Plan,
        meter: &Meter<'_>,
        emit: &mut Emit<'_>,
    ) -> Result<HeapBytes> {
        build::extend(&self.space, layout, items, old, plan, meter, emit)
    }

    fn find_roots(&self, nodes: Peek<'_>) -> Result<Roots, Misfit> {
        Roots::find(&self.space, nodes)
    }

    fn inspect(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        meter: &Meter<'_>,
        faults: &mut Faults,
    ) -> Result<Shape> {
        inspect::inspect(&self.space, nodes, roots, meter, faults)
    }

    fn search(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        target: Target<'_>,
        search: &Search<'_>,
        removed: Option<Removed<'_>>,
        ways: Ways<'_>,
    ) -> Result<Vec<Neighbor>> {
        let mut buffer = Vec::new();
        let row = self.row(nodes, target, &mut buffer)?;
        let scorer = VectorScorer {
            space: &self.space,
            nodes,
            query: self.space.query(row),
        };
        let wanted = search.wanted();
        let filter = search.filter(target, roots.n_items, removed)?;
        let way = search.way;
        // A search with a filter looks farther: what a stranger finds is found without.
        if let (Target::Stranger(id), None, false) = (target, removed, search.is_filtered()) {
            let leaves_out = match way {
                Way::Graph | Way::Scan => true,
                Way::Fastest => ways.graph.is_some() || ways.scan.is_some(),
                Way::Forest | Way::Exact => false,
            };
            if leaves_out {
                return self.search_by(way, &scorer, roots, wanted, &Without(id), ways);
            }
        }
        match filter {
            None => self.search_by(way, &scorer, roots, wanted, &All, ways),
            Some(some) => self.search_by(way, &scorer, roots, wanted, &some, ways),
        }
    }

    fn build_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        plan: &graph::build::GraphPlan,
        meter: &Meter<'_>,
    ) -> Result<Graph> {
        Graph::build(&self.source(nodes), roots, self.isa, plan, meter)
    }

    fn scan(
        &self,
        nodes: &Nodes<'_>,
        targets: &[Target<'_>],
        search: &Search<'_>,
        scan: ScanBytes<'_>,
    ) -> Result<Vec<Vec<Neighbor>>> {
        let mut buffers = memory::collect(targets.iter().map(|_| Vec::new()))?;
        let scorers = self.scorers(nodes, targets, &mut buffers)?;
        let queries = memory::collect(scorers.iter().map(|one| one as &dyn GraphQuery))?;
        scan::search::search_all(&queries, &scan.view(self.isa), search.wanted())
    }

    fn change_scan(
        &self,
        nodes: &Nodes<'_>,
        n_items: usize,
        old: &ScanBytes<'_>,
        changes: Changes<'_>,
        meter: &Meter<'_>,
    ) -> Result<Option<Scan>> {
        Scan::change(old, &self.source(nodes), n_items, changes, self.isa, meter)
    }

    fn change_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        old: &GraphBytes<'_>,
        changes: Changes<'_>,
        meter: &Meter<'_>,
    ) -> Result<Graph> {
        Graph::change(old, &self.source(nodes), roots, changes, self.isa, meter)
    }

    fn exact(
        &self,
        nodes: &Nodes<'_>,
        n_items: usize,
        targets: &[Target<'_>],
        search: &Search<'_>,
        removed: Option<Removed<'_>>,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<Neighbor>>> {
        let mut buffers = memory::collect(targets.iter().map(|_| Vec::new()))?;
        let scorers = self.scorers(nodes, targets, &mut buffers)?;
        let filtered = scorers.iter().zip(targets).map(|(scorer, target)| {
            let filter = search.filter(*target, n_items, removed)?;
            Ok((scorer as &dyn Scorer, filter.unwrap_or_default()))
        });
        let queries = memory::try_collect(filtered)?;
        exact_together(&queries, n_items, search.wanted(), check)
    }

    fn build_scan(&self, nodes: &Nodes<'_>, n_items: usize, meter: &Meter<'_>) -> Result<Scan> {
        Scan::build(&self.source(nodes), n_items, self.isa, meter)
    }

    fn check_scan(
        &self,
        nodes: &Nodes<'_>,
        scan: &ScanBytes<'_>,
        meter: &Meter<'_>,
        faults: &mut Faults,
    ) -> Result<()> {
        scan::check::check(&self.source(nodes), scan, self.isa, meter, faults)
    }

    fn check_graph(
        &self,
        nodes: &Nodes<'_>,
        roots: &Roots,
        graph: &GraphBytes<'_>,
        meter: &Meter<'_>,
        faults: &mut Faults,
    ) -> Result<()> {
        graph::check::check(&self.source(nodes), roots, graph, self.isa, meter, faults)
    }
}
