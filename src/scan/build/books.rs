//! What is left of the items when their list's centroid is taken off, as codes of 4 bits: one for
//! each group of numbers, the nearest of 16 places (product quantization).

use super::number;
use crate::error::Result;
use crate::graph::threads::Team;
use crate::kernel::{CodeRows, ENTRIES, MAX_TABLES};
use crate::memory;
use crate::scan::format::{ScanHeader, TOP};
use crate::types::MAX_ELEMENTS;

/// Items that the places are found by, and rounds.
const SAMPLE: usize = 12_000;
const ROUNDS: usize = 12;

/// Numbers of the longest group there can be.
const MAX_GROUP: usize = MAX_ELEMENTS.div_ceil(MAX_TABLES);

/// Items, their lists' centroids, and how many numbers they have.
pub struct Residuals<'a> {
    pub codes: &'a CodeRows<'a>,
    pub centroids: &'a CodeRows<'a>,
    pub f: usize,
}

impl Residuals<'_> {
    /// What is left of a group's numbers; 0 for those past the last.
    fn read(&self, id: u32, list: usize, start: usize, to: &mut [i32]) {
        let (code, centroid) = (self.codes.row(id as usize), self.centroids.row(list));
        for (i, to) in to.iter_mut().enumerate() {
            let at = start + i;
            *to = match at < self.f {
                true => number(code[at]) - number(centroid[at]),
                false => 0,
            };
        }
    }

    /// What is added to -8 times the product of a query's and a centroid's code, so that it is the
    /// distance of the two but for what is the query's alone.
    pub fn add(&self, list: usize, by_distance: bool) -> i64 {
        let centroid = &self.centroids.row(list)[..self.f];
        let sum: i64 = centroid.iter().map(|&code| i64::from(code)).sum();
        let square: i64 = centroid
            .iter()
            .map(|&code| i64::from(number(code)).pow(2))
            .sum();
        4 * i64::from(TOP) * sum + if by_distance { square } else { 0 }
    }
}

/// The places that codes stand for.
pub struct Books {
    /// For each group, for each of its numbers, those of the 16.
    pub numbers: Vec<i16>,
    group: usize,
}

/// Finds the places for all groups.
///
/// # Errors
/// [`Error::NoMemory`](crate::Error::NoMemory), [`Error::Cancelled`](crate::Error::Cancelled).
pub fn train(
    residuals: &Residuals<'_>,
    header: &ScanHeader,
    there: &[u32],
    nearest: &[u32],
    team: &Team<'_, '_>,
) -> Result<Books> {
    let group = header.group;
    let n = there.len().min(SAMPLE);
    let books = team.parts(header.n_groups, 1, |range| {
        let mut points = memory::filled(0, n * group)?;
        for (i, to) in points.chunks_exact_mut(group).enumerate() {
            let at = i * there.len() / n;
            residuals.read(there[at], nearest[at] as usize, range.start * group, to);
        }
        place(&points, group)
    })?;
    let mut numbers = memory::with_room(header.n_groups * header.book_len())?;
    books.iter().for_each(|book| numbers.extend(book));
    Ok(Books { numbers, group })
}

/// 16 places for points, by k-means.
fn place(points: &[i32], group: usize) -> Result<Vec<i16>> {
    let n = points.len() / group;
    let mut book = memory::filled(0i16, group * ENTRIES)?;
    if n == 0 {
        return Ok(book);
    }
    for k in 0..ENTRIES {
        let point = &points[k * n / ENTRIES * group..][..group];
        for (j, &x) in point.iter().enumerate() {
            book[j * ENTRIES + k] = x as i16;
        }
    }
    let mut sums = memory::filled(0i64, group * ENTRIES)?;
    for _ in 0..ROUNDS {
        sums.fill(0);
        let mut counts = [0i64; ENTRIES];
        for point in points.chunks_exact(group) {
            let (k, _) = nearest_place(point, &book);
            counts[k] += 1;
            for (j, &x) in point.iter().enumerate() {
                sums[j * ENTRIES + k] += i64::from(x);
            }
        }
        for (k, &count) in counts.iter().enumerate().filter(|(_, &count)| count > 0) {
            for j in 0..group {
                let to = &mut book[j * ENTRIES + k];
                *to = (sums[j * ENTRIES + k] + count / 2).div_euclid(count) as i16;
            }
        }
    }
    Ok(book)
}

/// The place that is nearest to a point, and its distance, squared.
#[inline]
fn nearest_place(point: &[i32], book: &[i16]) -> (usize, i32) {
    let mut distances = [0i32; ENTRIES];
    for (&x, row) in point.iter().zip(book.chunks_exact(ENTRIES)) {
        for (distance, &place) in distances.iter_mut().zip(row) {
            let apart = x - i32::from(place);
            *distance += apart * apart;
        }
    }
    let mut best = (0, distances[0]);
    for (k, &distance) in distances.iter().enumerate() {
        if distance < best.1 {
            best = (k, distance);
        }
    }
    best
}

impl Books {
    /// Those of a section.
    ///
    /// # Errors
    /// [`Error::NoMemory`](crate::Error::NoMemory).
    pub fn read(section: &[[u8; 2]], group: usize) -> Result<Self> {
        let numbers = section.iter().map(|&number| i16::from_le_bytes(number));
        Ok(Books {
            numbers: memory::collect(numbers)?,
            group,
        })
    }

    /// Writes an item's codes, one for each group; its bias: what its square is over that of its
    /// list's centroid.
    pub fn encode(&self, residuals: &Residuals<'_>, id: u32, list: usize, to: &mut [u8]) -> i64 {
        let centroid = &residuals.centroids.row(list)[..residuals.f];
        let mut room = [0; MAX_GROUP];
        let mut bias = 0;
        let books = self.numbers.chunks_exact(self.group * ENTRIES);
        for ((g, book), to) in books.enumerate().zip(to) {
            let start = g * self.group;
            let point = &mut room[..self.group.min(MAX_GROUP)];
            residuals.read(id, list, start, point);
            let (k, _) = nearest_place(point, book);
            *to = k as u8;
            let rest = centroid.get(start..).unwrap_or_default();
            for (row, &code) in book.chunks_exact(ENTRIES).zip(rest) {
                let place = i64::from(row[k]);
                bias += place * (place + 2 * i64::from(number(code)));
            }
        }
        bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_points_have_a_place_each() {
        let of_one = |i: i32| [i % 4 * 20 - 30, i / 4 * 20 - 30];
        let points: Vec<i32> = (0..160).flat_map(|i| of_one(i / 10)).collect();
        let book = place(&points, 2).unwrap();
        for i in 0..16 {
            assert_eq!(nearest_place(&of_one(i), &book).1, 0, "{i}");
        }
    }

    /// What the search adds up is the distance of what the codes stand for.
    #[test]
    fn biases_and_adds_make_up_the_distance() {
        let f = 5;
        let mut codes = vec![0; 32];
        codes[..f].copy_from_slice(&[3, 127, 64, 0, 90]);
        codes[16..16 + f].copy_from_slice(&[10, 100, 60, 7, 90]);
        let rows = CodeRows::new(&codes, 16);
        let residuals = Residuals {
            codes: &rows,
            centroids: &rows,
            f,
        };
        let numbers: Vec<i16> = (0..96).map(|i| i * 37 % 101 - 50).collect();
        let books = Books { numbers, group: 2 };
        let mut found = [0; 4];
        // An item in the list of the other one.
        let bias = books.encode(&residuals, 0, 1, &mut found[..3]);
        let query: [u8; 5] = [1, 2, 120, 99, 50];
        let [mut product, mut exact, mut tables, mut sum] = [0i64; 4];
        for at in 0..f {
            let (q, c) = (
                i64::from(number(query[at])),
                i64::from(number(codes[16 + at])),
            );
            let k = usize::from(found[at / 2]);
            let place = i64::from(books.numbers[(at / 2 * 2 + at % 2) * ENTRIES + k]);
            exact += (q - c - place).pow(2) - q * q;
            tables -= 2 * q * place;
            product += i64::from(query[at]) * i64::from(codes[16 + at]);
            sum += i64::from(query[at]);
        }
        // The last two are the same for all lists.
        let top = i64::from(TOP);
        let of_query = 4 * top * sum - 2 * top * top * f as i64;
        let by_parts = residuals.add(1, true) - 8 * product + bias + tables + of_query;
        assert_eq!(by_parts, exact);
    }
}
