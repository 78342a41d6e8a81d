//! The beam: the nearest candidates of a search. `W` of HNSW, the search list of Vamana.

use std::collections::BinaryHeap;

/// A visited item, in one number that sorts by distance, then id. The mark says that it was
/// expanded, or that a filter refused it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate(u64);

impl Candidate {
    pub fn new(distance: u32, id: u32) -> Self {
        Candidate(u64::from(distance) << 32 | u64::from(id) << 1)
    }
    pub fn id(self) -> u32 {
        self.0 as u32 >> 1
    }
    pub fn distance(self) -> u32 {
        (self.0 >> 32) as u32
    }
    pub fn is_marked(self) -> bool {
        self.0 & 1 == 1
    }
    pub fn marked(self) -> Self {
        Candidate(self.0 | 1)
    }
}

/// Puts one into a sorted beam of at most `size`; its place, if it got one.
#[inline]
pub fn put(beam: &mut Vec<Candidate>, size: usize, one: Candidate) -> Option<usize> {
    if beam.len() >= size {
        if beam.last().is_some_and(|last| one >= *last) {
            return None;
        }
        beam.pop();
    }
    let at = beam.partition_point(|other| *other < one);
    beam.insert(at, one);
    Some(at)
}

/// A beam of limited size.
pub trait Beam {
    /// Whether one is near enough for a place.
    fn is_near(&self, one: Candidate) -> bool;
    /// Gives a place to one that is near enough; the candidate that lost its own. There is room.
    fn put(&mut self, one: Candidate) -> Option<Candidate>;
    /// Whether one is nearer than the candidate at a place; true where finding out takes long.
    fn is_before(&self, one: Candidate, place: usize) -> bool;
}

/// Sorted: for some thousands at most, as inserting moves half of it.
pub struct SortedBeam {
    pub beam: Vec<Candidate>,
    pub size: usize,
}

impl Beam for SortedBeam {
    #[inline]
    fn is_near(&self, one: Candidate) -> bool {
        self.beam.len() < self.size || self.beam.last().is_some_and(|last| one < *last)
    }

    #[inline]
    fn put(&mut self, one: Candidate) -> Option<Candidate> {
        let last = self.beam.last().copied();
        let last = last.filter(|_| self.beam.len() >= self.size);
        put(&mut self.beam, self.size, one);
        last
    }

    #[inline]
    fn is_before(&self, one: Candidate, place: usize) -> bool {
        self.beam.get(place).is_none_or(|other| one < *other)
    }
}

/// A heap with the farthest on top: for any size.
pub struct HeapBeam {
    pub beam: BinaryHeap<Candidate>,
    pub size: usize,
}

impl Beam for HeapBeam {
    fn is_near(&self, one: Candidate) -> bool {
        self.beam.len() < self.size || self.beam.peek().is_some_and(|last| one < *last)
    }

    fn put(&mut self, one: Candidate) -> Option<Candidate> {
        if self.beam.len() < self.size {
            self.beam.push(one);
            return None;
        }
        let mut last = self.beam.peek_mut()?;
        Some(std::mem::replace(&mut *last, one))
    }

    fn is_before(&self, _one: Candidate, _place: usize) -> bool {
        true
    }
}
