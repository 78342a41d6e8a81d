//! What share of the nearest searches find, by how much they look at: measured once and kept with
//! the index, so that a search may be told how much to find in place of how much to look at.
//! FORMAT.md has the table.

use crate::error::Result;
use crate::memory;
use crate::wire;

/// The most points of a curve.
pub const MAX_POINTS: usize = 128;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    Forest,
    Graph,
    Scan,
}

impl Measured {
    const ALL: [Measured; 3] = [Measured::Forest, Measured::Graph, Measured::Scan];

    fn number(self) -> u32 {
        match self {
            Measured::Forest => 1,
            Measured::Graph => 2,
            Measured::Scan => 4,
        }
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Measured::Forest => "forest",
            Measured::Graph => "graph",
            Measured::Scan => "scan",
        }
    }
}

/// A search's `search_k` for each ten results, and the recall it was measured to have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub search_k: u64,
    pub recall: f64,
}

/// Points by ascending `search_k`, of which no recall is less than that before.
pub struct Curve {
    pub of: Measured,
    /// Queries it was measured with.
    pub n_queries: u64,
    section: Vec<u8>,
}

impl Curve {
    /// From measurements; a point that finds less than one before gets that one's recall.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn new(of: Measured, n_queries: u64, points: &[Point]) -> Result<Self> {
        let n_points = points.len().min(MAX_POINTS);
        let size = wire::Curve::SIZE + n_points * wire::CurvePoint::SIZE;
        let mut section = memory::filled(0, size)?;
        let (header, rows) = section.split_at_mut(wire::Curve::SIZE);
        wire::Curve {
            method: of.number(),
            n_points: n_points as u32,
            n_queries,
        }
        .write(header);
        let mut most = 0.0f64;
        for (point, to) in points
            .iter()
            .zip(rows.chunks_exact_mut(wire::CurvePoint::SIZE))
        {
            most = most.max(point.recall);
            wire::CurvePoint {
                search_k: point.search_k,
                recall: most,
            }
            .write(to);
        }
        Ok(Curve {
            of,
            n_queries,
            section,
        })
    }

    /// From a file.
    ///
    /// # Errors
    /// Words that say what is wrong; [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn read(section: &[u8]) -> Result<Result<Self, String>> {
        let size = wire::Curve::SIZE;
        let Some(header) = section.get(..size) else {
            return Ok(Err(format!(
                "its curve section has {} bytes, expected at least {size}",
                section.len()
            )));
        };
        let header = wire::Curve::read(header);
        let of = Measured::ALL
            .into_iter()
            .find(|of| of.number() == header.method);
        let Some(of) = of else {
            let method = header.method;
            return Ok(Err(format!(
                "its curve section is of method {method}, expected 1, 2 or 4"
            )));
        };
        let n_points = header.n_points as usize;
        let expected = size + n_points.min(MAX_POINTS) * wire::CurvePoint::SIZE;
        if n_points > MAX_POINTS || section.len() != expected {
            return Ok(Err(format!(
                "its curve section has {} bytes for {n_points} points, expected {expected} for {}",
                section.len(),
                n_points.min(MAX_POINTS)
            )));
        }
        let curve = Curve {
            of,
            n_queries: header.n_queries,
            section: memory::copy(section)?,
        };
        let mut before = Point {
            search_k: 0,
            recall: 0.0,
        };
        for (i, point) in curve.points().enumerate() {
            let Point { search_k, recall } = point;
            if search_k <= before.search_k || !(before.recall..=1.0).contains(&recall) {
                return Ok(Err(format!(
                    "point {i} of its curve section has search_k {search_k} and recall {recall}, \
                     expected more than {} and {} to 1",
                    before.search_k, before.recall
                )));
            }
            before = point;
        }
        Ok(Ok(curve))
    }

    /// Its bytes in a file.
    pub fn section(&self) -> &[u8] {
        &self.section
    }

    /// Its points.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        let rows = self.section[wire::Curve::SIZE..].chunks_exact(wire::CurvePoint::SIZE);
        rows.map(|row| {
            let wire::CurvePoint { search_k, recall } = wire::CurvePoint::read(row);
            Point { search_k, recall }
        })
    }

    /// The least `search_k` for each ten results that finds so much: on the line between two
    /// points. All items, where no point finds so much, and for a recall of 1.
    pub fn search_k(&self, recall: f64) -> u64 {
        let mut before: Option<Point> = None;
        for point in self.points().filter(|_| recall < 1.0) {
            if point.recall >= recall {
                let Some(before) = before else {
                    return point.search_k;
                };
                let part = (recall - before.recall) / (point.recall - before.recall);
                let more = (point.search_k - before.search_k) as f64 * part;
                return before.search_k + more.ceil() as u64;
            }
            before = Some(point);
        }
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(u64, f64)]) -> Curve {
        let points: Vec<Point> = points
            .iter()
            .map(|&(search_k, recall)| Point { search_k, recall })
            .collect();
        Curve::new(Measured::Graph, 7, &points).unwrap()
    }

    #[test]
    fn search_k_is_the_least_that_finds_enough() {
        let curve = curve(&[(64, 0.5), (96, 0.8), (128, 0.7), (256, 0.9)]);
        for (recall, expected) in [
            (0.1, 64),
            (0.5, 64),
            (0.65, 80),
            (0.8, 96),
            (0.85, 192),
            (0.9, 256),
            (0.91, u64::MAX),
            (1.0, u64::MAX),
        ] {
            assert_eq!(curve.search_k(recall), expected, "{recall}");
        }
        let recalls: Vec<f64> = curve.points().map(|point| point.recall).collect();
        assert_eq!(recalls, [0.5, 0.8, 0.8, 0.9]);
    }

    #[test]
    fn without_points_all_is_looked_at() {
        assert_eq!(curve(&[]).search_k(0.01), u64::MAX);
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let good = curve(&[(64, 0.5), (96, 1.0)]);
        let read = Curve::read(good.section()).unwrap().unwrap();
        assert_eq!((read.of, read.n_queries), (Measured::Graph, 7));
        assert!(read.points().eq(good.points()));
        let refused = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.section().to_vec();
            change(&mut bytes);
            Curve::read(&bytes).unwrap().err()
        };
        assert_eq!(refused(&|_| ()), None);
        assert!(refused(&|bytes| bytes.truncate(31)).is_some());
        assert!(refused(&|bytes| bytes.truncate(63)).is_some());
        assert!(refused(&|bytes| bytes.push(0)).is_some());
        assert!(refused(&|bytes| bytes[0] = 3).is_some());
        assert!(refused(&|bytes| bytes[7] = 1).is_some());
        let second = wire::Curve::SIZE + wire::CurvePoint::SIZE;
        assert!(refused(&|bytes| bytes[second] = 64).is_some());
        let recall = second + 8..second + 16;
        for wrong in [0.49, 1.01, f64::NAN, f64::INFINITY, -1.0] {
            let put = |bytes: &mut Vec<u8>| {
                bytes[recall.clone()].copy_from_slice(&wrong.to_le_bytes());
            };
            assert!(refused(&put).is_some(), "{wrong}");
        }
    }
}
