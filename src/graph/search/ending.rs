//! Where a beam search ends: at a distance, not at a number of candidates. It goes on while there
//! is a candidate that is not farther than the results by more than a slack. An easy query's
//! neighbours lie apart from the rest, and it ends soon; a hard one's do not, and it goes on.
//!
//! Sources: Iwasaki and Miyazaki 2018 (NGT's epsilon); Al-Jazzazi et al. 2025, "Distance adaptive
//! beam search for provably accurate graph-based nearest neighbor search".

use super::beam_search::Budget;
use crate::graph::format::view::GraphView;
use crate::graph::LOW_RECALL;
use crate::kernel::Measure;

/// The slack is that of one candidate's distance: the last of so many for each result, and of so
/// many at least, as the distance of few says little.
const FOR_EACH: usize = 2;
const LEAST_PLACES: usize = 20;

/// The slack, in 256ths of a squared distance, by which a search for ten computes about so many
/// distances in hard data; and what it grows by when `search_k` is doubled. Word vectors of 50
/// numbers, which are hard, need just that to compute twice as many.
const SLACK: u64 = 312;
const SEARCH_K: u64 = 4000;
const BY_DOUBLING: u64 = 22;

/// With less, the width of the beam is as good an end.
const LEAST_SEARCH_K: u64 = 1500;

/// A search computes one in so many of `search_k` in any case, as it may have begun in a wrong
/// place.
const LEAST_OF_SEARCH_K: u64 = 4;

/// A query is far from what was found when the nearest candidate is so many 256ths as far from it,
/// squared, as its neighbours are from that.
const FAR: u64 = 384;

/// The ending of one search.
#[derive(Clone, Copy)]
pub struct Ending {
    /// Whether a search ends by distance. Otherwise the ending knows what is far, and no more.
    pub is_by_distance: bool,
    /// A search does not end before it has computed so many distances.
    pub least: u64,
    /// Where in the beam the candidate is whose distance counts.
    pub place: usize,
    /// In 256ths of a distance as codes have it, which may be a square.
    slack: u64,
    far: u64,
    /// What coding alone makes of equal vectors.
    noise: u64,
}

impl Ending {
    /// The ending of a search. None for products, which few items may be the answers to, too soon
    /// found to go on from; with short codes, by which too much is as near; and in a graph that is
    /// poor or was not tried: where few ways lead to what is near, they lead through what is far.
    pub fn new(budget: Budget, graph: &GraphView<'_>, by_product: bool) -> Option<Self> {
        let coder = &graph.coder;
        let is_poor = graph.recall.is_none_or(|recall| recall < LOW_RECALL);
        if by_product || is_poor || coder.projector.is_some() {
            return None;
        }
        let numbers = coder.scale.offsets.len() as u64;
        // What codes differ by from numbers is spread evenly over a step.
        let noise = match graph.measure {
            Measure::Squares => numbers / 6,
            Measure::Differences => numbers / 3,
            Measure::Bits => 0,
        };
        let of_squares = |share: u64| match graph.measure {
            Measure::Squares => share,
            Measure::Differences | Measure::Bits => (share * 256).isqrt(),
        };
        let n_places = budget.wanted.saturating_mul(FOR_EACH).max(LEAST_PLACES);
        let each = budget.search_k.saturating_mul(LEAST_PLACES as u64) / n_places as u64;
        Some(Ending {
            is_by_distance: each >= LEAST_SEARCH_K,
            least: budget.search_k / LEAST_OF_SEARCH_K,
            place: n_places - 1,
            slack: of_squares(slack(each)),
            far: of_squares(FAR),
            noise,
        })
    }

    /// How far a search goes when the candidate in [`place`](Self::place) is at a distance.
    #[inline]
    pub fn reach(&self, distance: u32) -> u32 {
        let reach = (u64::from(distance) + self.noise) * self.slack / 256;
        u32::try_from(reach).unwrap_or(u32::MAX)
    }

    /// Whether a query is farther from the nearest candidate, which is at a distance, than that is
    /// from its neighbours. There may be nearer ones to which no way leads.
    pub fn is_far(&self, distance: u32, neighbors: &[u32]) -> bool {
        let n = neighbors.len().max(1) as u64;
        let sum: u64 = neighbors.iter().copied().map(u64::from).sum();
        u64::from(distance) * n * 256 > (sum + n * self.noise) * self.far
    }
}

/// The slack for a `search_k`.
fn slack(search_k: u64) -> u64 {
    let grown = BY_DOUBLING * log2(search_k) / 256;
    SLACK + grown - BY_DOUBLING * log2(SEARCH_K) / 256
}

/// The binary logarithm in 256ths, straight between powers of two; 0 for 0.
fn log2(x: u64) -> u64 {
    let whole = x.max(1).ilog2();
    let part = (u128::from(x.max(1)) << 8 >> whole) as u64 - 256;
    256 * u64::from(whole) + part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_grows_by_doubling() {
        assert_eq!(log2(0), 0);
        assert_eq!(log2(1), 0);
        assert_eq!(log2(3), 256 + 128);
        assert_eq!(log2(u64::MAX), 64 * 256 - 1);
        assert_eq!(slack(SEARCH_K), SLACK);
        assert_eq!(slack(2 * SEARCH_K), SLACK + BY_DOUBLING);
        assert_eq!(slack(SEARCH_K / 4), SLACK - 2 * BY_DOUBLING);
        assert_eq!(slack(1), 50);
        assert!((1..100_000).is_sorted_by_key(slack));
    }

    const ENDING: Ending = Ending {
        is_by_distance: true,
        least: 0,
        place: 19,
        slack: 320,
        far: FAR,
        noise: 8,
    };

    #[test]
    fn reach_is_no_nearer_than_the_distance() {
        assert_eq!(ENDING.reach(0), 10);
        assert_eq!(ENDING.reach(1000), 1260);
        assert_eq!(ENDING.reach(u32::MAX), u32::MAX);
    }

    #[test]
    fn far_is_half_as_far_again() {
        let neighbors = [42, 142];
        assert!(!ENDING.is_far(150, &neighbors));
        assert!(ENDING.is_far(151, &neighbors));
        assert!(!ENDING.is_far(0, &[]));
        assert!(ENDING.is_far(13, &[]));
        assert!(ENDING.is_far(u32::MAX, &[u32::MAX / 2; 8]));
    }
}
