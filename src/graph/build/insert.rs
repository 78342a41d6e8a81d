//! Puts more items into a graph, after others were taken out.
//!
//! ```text
//! take out what is gone
//! in rounds, each as large as all before it, up to a share of the graph:
//!   for each item: neighbours = RobustPrune(search(graph, item))
//!   for each neighbour of these: neighbours = RobustPrune(its own, and the items that chose it)
//! ```
//!
//! An item of a round reads what the rounds before have finished, so that the outcome does not
//! depend on threads. Sources: Subramanya et al. 2019, "DiskANN"; Manohar et al. 2024, "ParlayANN".

use super::leaves::Leaves;
use super::lists::{self, Near};
use super::prune::{self, Room};
use super::trial::NEAREST;
use super::{routes, GraphPlan};
use crate::error::{reserve, Result};
use crate::forest::roots::Roots;
use crate::graph::format::header::{Apart, GraphHeader};
use crate::graph::format::routes::RouteBytes;
use crate::graph::format::view::GraphView;
use crate::graph::quantize::points::Points;
use crate::graph::quantize::vectors::{GraphQuery, Source, Vectors};
use crate::graph::quantize::{write, EXTRA};
use crate::graph::threads::Team;
use crate::graph::{search, Graph, GraphBytes, END};
use crate::kernel::{prefetch, Isa};
use crate::memory;
use crate::query::filter::Without;
use crate::query::Wanted;
use crate::removed::{Changes, Removed};
use crate::storage::HeapBytes;
use crate::work::Meter;

/// A round is at most one in so many of the items that have neighbours.
const SHARE: usize = 50;

/// Items that a search for neighbours looks at.
const SEARCH_K: u64 = 1000;

/// Where fewer of a thousand of the nearest ten of new items are among their nearest [`AMONG`] by
/// codes, these do not tell them apart: the graph is built anew, with codes of their own.
const LEAST_TOLD_APART: usize = 930;
const AMONG: usize = 20;

/// That is looked at where one item of so many comes: to measure vectors takes a tenth of the time.
const LOOKED_AT: u32 = 4;

/// Trees whose leaves items to start from are taken of.
const TREES: usize = 10;

/// Items that a thread takes at a time.
const TAKEN: usize = 16;

/// The graph is built anew where fewer than so many of four stay: neighbours of neighbours that are
/// gone are then not near enough.
const LEAST_STAYING: usize = 3;

impl Graph {
    /// The graph of before with these changes. `roots` are the trees that go with it; there is room
    /// for more items, unless it is built anew. The same for any number of threads and on any
    /// processor.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NoMemory`], [`Error::Unsupported`], [`Error::Cancelled`].
    pub fn change(
        old: &GraphBytes<'_>,
        source: &Source<'_>,
        roots: &Roots,
        changes: Changes<'_>,
        isa: Isa,
        meter: &Meter<'_>,
    ) -> Result<Self> {
        let Changes { gone, new, .. } = changes;
        let n_items = roots.n_items;
        let anew = || Graph::build(source, roots, isa, &GraphPlan::of(old.header), meter);
        let takes_part = |id: &usize| source.takes_part(*id);
        let is_staying = |id: &usize| takes_part(id) && new.binary_search(id).is_err();
        let n_staying = (0..old.header.n_items()).filter(is_staying).count();
        let n_gone = gone.map_or(0, |gone| gone.count());
        if n_items >= lists::MAX_ITEMS
            || new.len() >= old.header.n_items()
            || 4 * n_staying < LEAST_STAYING * (n_staying + n_gone)
        {
            return anew();
        }
        let n_looked_at = if n_gone > 0 { old.header.n_items() } else { 0 };
        meter.set_total((n_looked_at + new.len()) as u64);
        let mut graph = Graph::with_places(old, source, roots, changes, isa)?;
        let new = new.iter().filter(|id| takes_part(id));
        let new: Vec<u32> = memory::collect(new.map(|&id| id as u32))?;
        let measure = source.space.measure();
        let team = Team::new(meter);
        let Graph {
            header,
            codes,
            lists,
        } = &mut graph;
        let insert = Insert {
            source,
            roots,
            isa,
            header,
            codes,
            slack: prune::slack(measure, header.alpha),
        };
        let apart = match header.by_vectors {
            true => {
                let points = Vectors::of(source, n_items);
                insert.take_out(&points, lists, gone, &team)?;
                insert.all(&points, lists, &new, n_staying, &team)?
            }
            false => {
                let points = header.codes(codes.bytes(), isa, measure);
                insert.take_out(&points, lists, gone, &team)?;
                insert.all(&points, lists, &new, n_staying, &team)?
            }
        };
        if !apart.may_go_on() {
            return anew();
        }
        header.apart = apart;
        meter.finish()?;
        Ok(graph)
    }

    /// The graph of before with codes of the new items, which are not neighbours of any yet, and
    /// without codes of those that are gone, which still are.
    fn with_places(
        old: &GraphBytes<'_>,
        source: &Source<'_>,
        roots: &Roots,
        changes: Changes<'_>,
        isa: Isa,
    ) -> Result<Self> {
        let Changes { gone, new, places } = changes;
        let (options, measure) = (source.nodes.layout().options, source.space.measure());
        let (mut header, mut codes) = GraphHeader::of_more(old, &options, roots.n_items, places)?;
        let view = old.view(isa, measure);
        let (rows, extras) = header.code_parts(codes.bytes_mut());
        let (stride, mut room) = (header.stride, Vec::new());
        let gone_ids = gone.into_iter().flat_map(Removed::ids);
        let changed = gone_ids.chain(new.iter().copied());
        for id in changed.filter(|_| !header.by_vectors) {
            let row = &mut rows[id * stride..][..stride];
            let extra = extras.get_mut(id * EXTRA..(id + 1) * EXTRA);
            let extra = extra.unwrap_or_default();
            write(source, &view.coder, id..id + 1, &mut room, row, extra)?;
        }
        let (mut entries, mut routes) = (Vec::new(), RouteBytes::default());
        if header.is_projected() {
            let takes_part = |id| source.takes_part(id);
            let leaves = Leaves::collect(&source.nodes, roots, TREES, &takes_part)?;
            entries = leaves.spread(roots.n_items.isqrt())?;
        } else if !header.by_vectors {
            routes = routes::build(source, roots, header.scale())?;
        }
        let is_null = |id: &usize| !source.takes_part(*id);
        let stays = |id: &usize| gone.is_none_or(|gone| !gone.has(*id));
        let null = view.null().filter(stays);
        let null = null.chain(new.iter().copied().filter(is_null));
        let mut null = memory::collect(null.map(|id| id as u32))?;
        null.sort_unstable();
        let lists = header.of_more_lists(
            old,
            &entries,
            &header.codes(codes.bytes(), isa, measure),
            &routes,
            &null,
        )?;
        Ok(Graph {
            header,
            codes,
            lists,
        })
    }
}

/// What is known while items are inserted.
pub(super) struct Insert<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) roots: &'a Roots,
    pub(super) isa: Isa,
    pub(super) header: &'a GraphHeader,
    pub(super) codes: &'a HeapBytes,
    /// See [`Room::choose`].
    pub(super) slack: u64,
}

/// An item, the neighbours chosen for it, and how it is told from others.
pub(super) type Chosen = (u32, Vec<Near>, Apart);

impl Apart {
    /// By ids, the nearest first, by vectors and by what is compared.
    fn of(by_vectors: &[u32], compared: &[Near]) -> Self {
        let ten = &by_vectors[..by_vectors.len().min(NEAREST)];
        let among = &compared[..compared.len().min(AMONG)];
        let is_told = |id: &&u32| among.iter().any(|near| near.id() == **id);
        Apart {
            of_ten: ten.len(),
            told: ten.iter().filter(is_told).count(),
        }
    }

    pub(super) fn add(&mut self, other: Apart) {
        self.of_ten += other.of_ten;
        self.told += other.told;
    }

    /// Whether items are told apart, or they are too few to judge by.
    pub(super) fn may_go_on(self) -> bool {
        let are_many = self.of_ten >= 20 * NEAREST;
        !are_many || self.told * 1000 >= self.of_ten * LEAST_TOLD_APART
    }
}

impl Insert<'_> {
    /// How well the points tell the new items' neighbours apart, and those before; it stops where
    /// they do not.
    fn all<P: Points>(
        &self,
        points: &P,
        lists: &mut HeapBytes,
        new: &[u32],
        n_staying: usize,
        team: &Team<'_, '_>,
    ) -> Result<Apart> {
        let (mut done, mut apart) = (0, self.header.apart);
        while done < new.len() {
            let most = ((n_staying + done) / SHARE).max(1);
            let round = &new[done..new.len().min(done + done.clamp(1, most))];
            let chosen = self.choose_neighbors(points, lists, round, team)?;
            for (item, kept, found) in &chosen {
                self.set_row(lists, *item, kept);
                apart.add(*found);
            }
            if !apart.may_go_on() {
                break;
            }
            for (item, kept) in self.choose_again(points, lists, &chosen, team)? {
                self.set_row(lists, item, &kept);
            }
            done += round.len();
            team.advance(round.len())?;
        }
        Ok(apart)
    }

    pub(super) fn view<'v>(&'v self, lists: &'v HeapBytes) -> GraphView<'v> {
        let measure = self.source.space.measure();
        self.header
            .view(self.codes.bytes(), lists.bytes(), self.isa, measure)
    }

    pub(super) fn set_row(&self, lists: &mut HeapBytes, item: u32, kept: &[Near]) {
        let row = &mut lists.bytes_mut()[self.header.row_range(item)];
        let ids = kept.iter().map(|near| near.id());
        for (to, id) in row
            .chunks_exact_mut(4)
            .zip(ids.chain(std::iter::repeat(END)))
        {
            to.copy_from_slice(&id.to_le_bytes());
        }
    }

    /// For each item of a round.
    pub(super) fn choose_neighbors<P: Points>(
        &self,
        points: &P,
        lists: &HeapBytes,
        round: &[u32],
        team: &Team<'_, '_>,
    ) -> Result<Vec<Chosen>> {
        let view = self.view(lists);
        let wanted = Wanted {
            n: GraphPlan::default().candidates,
            search_k: Some(SEARCH_K),
            max_distance: None,
        };
        let chosen = team.parts(round.len(), TAKEN, |range| {
            let (mut room, mut ids) = (Room::default(), Vec::new());
            let mut candidates = Vec::new();
            memory::try_collect(round[range].iter().map(|&item| {
                ids.clear();
                let is_looked_at = item % LOOKED_AT == 0;
                let search = &mut |query: &dyn GraphQuery| {
                    let (roots, without) = (self.roots, Without(item as usize));
                    let found = match is_looked_at {
                        true => {
                            let found = search::search(query, roots, &view, wanted, &without)?;
                            memory::collect(found.iter().map(|one| one.id as usize))?
                        }
                        false => search::search_compared(query, roots, &view, wanted, &without)?,
                    };
                    reserve(&mut ids, found.len())?;
                    let others = |&id: &usize| id != item as usize && self.source.takes_part(id);
                    ids.extend(found.into_iter().filter(others).map(|id| id as u32));
                    Ok(())
                };
                let nodes = &self.source.nodes;
                self.source.space.query_from(nodes, item, search)?;
                candidates = distances_from(points, item, &ids)?;
                candidates.sort_unstable();
                room.choose(points, &candidates, self.header.degree, self.slack)?;
                let apart = match is_looked_at {
                    true => Apart::of(&ids, &candidates),
                    false => Apart::default(),
                };
                Ok((item, memory::copy(&room.kept)?, apart))
            }))
        })?;
        memory::collect(chosen.into_iter().flatten())
    }

    /// For each item that was chosen as a neighbour: among those it has, and those that chose it.
    pub(super) fn choose_again<P: Points>(
        &self,
        points: &P,
        lists: &HeapBytes,
        chosen: &[Chosen],
        team: &Team<'_, '_>,
    ) -> Result<Vec<(u32, Vec<Near>)>> {
        let mut turned = Vec::new();
        for (item, kept, _) in chosen {
            reserve(&mut turned, kept.len())?;
            turned.extend(kept.iter().map(|near| (near.id(), *item)));
        }
        turned.sort_unstable();
        let groups = memory::collect(turned.chunk_by(|a, b| a.0 == b.0))?;
        let view = self.view(lists);
        let chosen = team.parts(groups.len(), TAKEN, |range| {
            // What all of them will ask memory for.
            for group in &groups[range.clone()] {
                prefetch(view.row(group[0].0 as usize));
                points.prefetch(group[0].0);
            }
            for group in &groups[range.clone()] {
                let ids = neighbors(&view, self.roots.n_items, group[0].0);
                ids.for_each(|id| points.prefetch(id));
            }
            memory::try_collect(groups[range].iter().map(|group| {
                let item = group[0].0;
                let mut ids = memory::with_room(self.header.degree + group.len())?;
                ids.extend(neighbors(&view, self.roots.n_items, item));
                let n = ids.len();
                let is_new = |&&(_, new): &&(u32, u32)| !ids.contains(&new);
                let new = memory::collect(group.iter().filter(is_new).map(|&(_, new)| new))?;
                ids.extend(&new);
                let mut all = distances_from(points, item, &ids)?;
                let new = memory::copy(&all[n..])?;
                all.truncate(n);
                let mut chosen = ChosenRow::new(all, self.header.degree, self.slack);
                for near in new {
                    chosen.take(points, near)?;
                }
                Ok((item, chosen.row))
            }))
        })?;
        memory::collect(chosen.into_iter().flatten())
    }
}

/// The neighbours of an item, in the order of their choice: those chosen without slack, nearest
/// first, then those with slack, nearest first. One more is weighed against them, as
/// [`Room::choose`] would, without weighing all of them against each other once more.
struct ChosenRow {
    row: Vec<Near>,
    /// How many were chosen without slack.
    n_first: usize,
    degree: usize,
    slack: u64,
}

impl ChosenRow {
    fn new(row: Vec<Near>, degree: usize, slack: u64) -> Self {
        let is_behind = |two: &[Near]| two[1].distance() < two[0].distance();
        let n_first = row.windows(2).position(is_behind);
        ChosenRow {
            n_first: n_first.map_or(row.len(), |at| at + 1),
            row,
            degree,
            slack,
        }
    }

    fn take<P: Points>(&mut self, points: &P, new: Near) -> Result<()> {
        let ids = memory::collect(self.row.iter().map(|near| near.id()))?;
        let mut between = memory::filled(0, ids.len())?;
        points.distances(points.get(new.id()), &ids, &mut between);
        let reach = new.distance();
        let apart = |i: usize, reach: u32, slack: u64| points.are_apart(between[i], reach, slack);
        let (first, with_slack) = self.row.split_at(self.n_first);
        let n_nearer = first.partition_point(|near| *near < new);
        let mut row = memory::with_room(self.row.len() + 1)?;
        let mut others = memory::with_room(self.row.len() + 1)?;
        if (0..n_nearer).all(|i| apart(i, reach, 256)) {
            row.extend_from_slice(&first[..n_nearer]);
            row.push(new);
            for (i, &near) in first.iter().enumerate().skip(n_nearer) {
                match apart(i, near.distance(), 256) {
                    true => row.push(near),
                    false => others.push((i, near)),
                }
            }
            let rest = with_slack.iter().enumerate();
            others.extend(rest.map(|(i, &near)| (self.n_first + i, near)));
            // The new one is chosen before them.
            others.retain(|&(i, near)| apart(i, near.distance(), self.slack));
        } else {
            row.extend_from_slice(first);
            let n_before = self.n_first + with_slack.partition_point(|near| *near < new);
            if !(0..n_before).all(|i| apart(i, reach, self.slack)) {
                return Ok(());
            }
            others.extend(with_slack.iter().map(|&near| (0, near)));
            others.push((0, new));
        }
        others.sort_unstable_by_key(|&(_, near)| near);
        self.n_first = row.len().min(self.degree);
        row.extend(others.iter().map(|&(_, near)| near));
        row.truncate(self.degree);
        self.row = row;
        Ok(())
    }
}

/// The neighbours of an item.
pub(super) fn neighbors<'v>(
    view: &GraphView<'v>,
    n_items: usize,
    item: u32,
) -> impl Iterator<Item = u32> + 'v {
    let (row, _) = view.row(item as usize).as_chunks::<4>();
    let ids = row.iter().map(|&id| u32::from_le_bytes(id));
    ids.take_while(move |&id| (id as usize) < n_items)
}

/// These items with their distances from one.
pub(super) fn distances_from<P: Points>(points: &P, item: u32, ids: &[u32]) -> Result<Vec<Near>> {
    let mut distances = memory::filled(0, ids.len())?;
    points.distances(points.get(item), ids, &mut distances);
    let all = ids.iter().zip(&distances);
    memory::collect(all.map(|(&id, &distance)| Near::new(distance, id)))
}
