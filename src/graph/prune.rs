//! From nearest neighbours to a graph that a walk can follow: of two neighbours that are near each other one will do (the
//! rule of relative neighbourhood; with slack as in Subramanya et al. 2019, "DiskANN").

use super::codes::Codes;
use super::lists::{Lists, Near};
use super::threads::share;
use crate::error::Result;
use crate::kernel::Measure;

/// Who may stay.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Neighbours at the most.
    pub degree: usize,
    /// How much nearer to a chosen neighbour than to the item one must be to be left out.
    pub alpha: f64,
}

/// Neighbours of an item that were chosen, in order.
fn choose(codes: &Codes<'_>, candidates: &[Near], rule: Rule, power: i32, room: &mut Room) {
    let Room {
        chosen, distances, ..
    } = room;
    chosen.clear();
    let slack = (rule.alpha.powi(power) * 256.0) as u64;
    'candidates: for near in candidates {
        if chosen.len() == rule.degree {
            break;
        }
        let from = codes.get(near.id());
        for some in chosen.chunks(8) {
            codes.distances(from, some, &mut distances[..some.len()]);
            let mut between = distances[..some.len()].iter();
            if between.any(|&between| u64::from(between) * slack < u64::from(near.distance()) * 256)
            {
                continue 'candidates;
            }
        }
        chosen.push(near.id());
    }
}

#[derive(Default)]
struct Room {
    candidates: Vec<Near>,
    chosen: Vec<u32>,
    distances: [u32; 8],
}

/// The graph: `degree` ids for each item, fewer followed by [`END`].
pub fn prune(
    codes: &Codes<'_>,
    lists: Lists,
    measure: Measure,
    rule: Rule,
    n_threads: usize,
) -> Result<Lists> {
    let n = codes.rows.count();
    // Squared distances take the slack squared.
    let power = if measure == Measure::Squares { 2 } else { 1 };
    let both = Lists::new(n, rule.degree + rule.degree / 2)?;
    share(n_threads, n, Room::default, |range, room| {
        for item in range {
            let item = item as u32;
            room.candidates.clear();
            room.candidates.extend(lists.of(item));
            let candidates = std::mem::take(&mut room.candidates);
            choose(codes, &candidates, rule, power, room);
            for &id in &room.chosen {
                let distance = candidates
                    .iter()
                    .find(|near| near.id() == id)
                    .map_or(0, |near| near.distance());
                both.offer(item, Near::new(distance, id));
                both.offer(id, Near::new(distance, item));
            }
            room.candidates = candidates;
        }
        Ok(())
    })?;
    drop(lists);
    let graph = Lists::new(n, rule.degree)?;
    share(n_threads, n, Room::default, |range, room| {
        for item in range {
            let item = item as u32;
            room.candidates.clear();
            room.candidates.extend(both.of(item));
            let candidates = std::mem::take(&mut room.candidates);
            choose(codes, &candidates, rule, power, room);
            for (at, &id) in room.chosen.iter().enumerate() {
                graph.offer(item, Near::new(at as u32, id));
            }
            room.candidates = candidates;
        }
        Ok(())
    })?;
    Ok(graph)
}
