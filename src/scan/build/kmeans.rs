//! Centroids by k-means (Lloyd 1982), in codes of a byte a number.

use crate::error::Result;
use crate::graph::threads::Team;
use crate::kernel::{CodeKernel, CodeRows, Isa, Measure};
use crate::memory;
use std::sync::atomic::{AtomicU32, Ordering};

/// Items of the sample for each centroid, and rounds.
const SAMPLE: usize = 40;
const ROUNDS: usize = 6;

/// Centroids of a sample of the items that are there, as codes.
///
/// # Errors
/// [`Error::NoMemory`](crate::Error::NoMemory), [`Error::Cancelled`](crate::Error::Cancelled).
pub fn centroids(
    codes: &CodeRows<'_>,
    there: &[u32],
    n_lists: usize,
    isa: Isa,
    team: &Team<'_, '_>,
) -> Result<Vec<u8>> {
    let stride = codes.row_bytes();
    let mut centroids = memory::filled(0, n_lists * stride)?;
    if there.is_empty() {
        return Ok(centroids);
    }
    // Every so many-th, in 64ths: neither is a whole multiple of the other.
    let pick = |n: usize, of: usize| (0..n).map(move |i| i * of / n);
    let n_sample = there.len().min(n_lists * SAMPLE);
    let sample = memory::collect(pick(n_sample, there.len()).map(|at| there[at]))?;
    for (to, at) in centroids
        .chunks_exact_mut(stride)
        .zip(pick(n_lists, n_sample))
    {
        to.copy_from_slice(codes.row(sample[at] as usize));
    }
    let mut sums = memory::filled(0u32, n_lists * stride)?;
    let mut counts = memory::filled(0u32, n_lists)?;
    for _ in 0..ROUNDS {
        let rows = CodeRows::new(&centroids, stride);
        let nearest = nearest_of(codes, &sample, &rows, isa, team, false)?;
        sums.fill(0);
        counts.fill(0);
        for (&id, &list) in sample.iter().zip(&nearest) {
            counts[list as usize] += 1;
            let sums = &mut sums[list as usize * stride..][..stride];
            for (sum, &code) in sums.iter_mut().zip(codes.row(id as usize)) {
                *sum += u32::from(code);
            }
        }
        let all = centroids
            .chunks_exact_mut(stride)
            .zip(sums.chunks_exact(stride))
            .zip(&counts);
        // One that is nobody's nearest stays.
        for ((to, sums), &count) in all.filter(|(_, &count)| count > 0) {
            for (to, sum) in to.iter_mut().zip(sums) {
                *to = ((sum + count / 2) / count) as u8;
            }
        }
        team.check()?;
    }
    Ok(centroids)
}

/// The nearest centroid of each item that is there, in their order.
///
/// # Errors
/// As [`centroids`].
pub fn nearest(
    codes: &CodeRows<'_>,
    there: &[u32],
    centroids: &CodeRows<'_>,
    isa: Isa,
    team: &Team<'_, '_>,
) -> Result<Vec<u32>> {
    nearest_of(codes, there, centroids, isa, team, true)
}

/// Items that a thread takes at a time.
const TAKEN: usize = 256;

fn nearest_of(
    codes: &CodeRows<'_>,
    ids: &[u32],
    centroids: &CodeRows<'_>,
    isa: Isa,
    team: &Team<'_, '_>,
    is_counted: bool,
) -> Result<Vec<u32>> {
    let kernel = CodeKernel::new(isa, Measure::Squares);
    let places = memory::collect(0..centroids.count() as u32)?;
    let nearest = memory::collect(ids.iter().map(|_| AtomicU32::new(0)))?;
    let look = |range: std::ops::Range<usize>, distances: &mut Vec<u32>| {
        distances.clear();
        crate::error::reserve(distances, places.len())?;
        distances.resize(places.len(), 0);
        for at in range {
            let row = codes.row(ids[at] as usize);
            kernel.distances(row, centroids, &places, distances);
            let least = distances.iter().copied().min();
            let place = distances.iter().position(|&one| Some(one) == least);
            nearest[at].store(place.unwrap_or(0) as u32, Ordering::Relaxed);
        }
        Ok(())
    };
    match is_counted {
        true => team.share(ids.len(), Vec::new, look)?,
        false => {
            team.parts(ids.len(), TAKEN, |range| look(range, &mut Vec::new()))?;
        }
    }
    memory::collect(nearest.into_iter().map(AtomicU32::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::{Stage, Work};

    #[test]
    fn two_clusters_have_a_centroid_each() {
        let codes: Vec<u8> = (0..200u8)
            .flat_map(|i| {
                let mut row = [0; 16];
                row[0] = if i < 90 { 20 } else { 100 } + i % 3;
                row
            })
            .collect();
        let rows = CodeRows::new(&codes, 16);
        let there: Vec<u32> = (0..200).filter(|id| id % 7 != 0).collect();
        let mut work = Work::default();
        let all = work.run(Stage::Scan, 0, |meter| {
            let team = Team::new(meter);
            let found = centroids(&rows, &there, 2, Isa::Portable, &team)?;
            let found = CodeRows::new(&found, 16);
            let nearest = nearest(&rows, &there, &found, Isa::Portable, &team)?;
            Ok((found.row(0)[0], found.row(1)[0], nearest))
        });
        let (a, b, nearest) = all.unwrap();
        assert_eq!((a, b), (21, 101));
        for (&id, &list) in there.iter().zip(&nearest) {
            assert_eq!(list, u32::from(id >= 90), "{id}");
        }
    }
}
