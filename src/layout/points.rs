//! The vectors of many items as a build goes over them.

use super::NodeLayout;
use crate::error::Error;
use crate::kernel::{prefetch, Eight, Matrix, Row, Scalar, Strided, ROWS};
use crate::memory::{ask, reserve};

/// How many vectors ahead one is asked for when they are copied.
const GATHER_AHEAD: usize = 8;

/// How much of a long vector is asked for ahead of its use when many are: more gets in the way of
/// what is needed first.
const PREFETCH_BYTES: usize = 256;

/// The vectors of items for building: the nodes in place, or a compact copy of some of them.
pub struct Points<'a, T> {
    rows: Strided<'a, T>,
    /// Whether these are the nodes themselves.
    in_place: bool,
    extras: Extras<'a, T>,
}

/// Where the metric's own numbers are.
enum Extras<'a, T> {
    None,
    /// Made of those in the nodes, and of the vectors.
    InPlace(Strided<'a, T>, fn(T, Row<'_, T>) -> T),
    /// Beside them: copied from there, or others in their place.
    Beside(&'a [T]),
}

/// Room for a compact copy of some vectors.
pub struct Gathered<T> {
    rows: Matrix<T>,
    extras: Vec<T>,
}

impl<T: Scalar> Gathered<T> {
    /// For vectors of `len` elements.
    pub fn new(len: usize) -> Self {
        Gathered {
            rows: Matrix::new(len),
            extras: Vec::new(),
        }
    }
}

impl<'a, T: Scalar> Points<'a, T> {
    /// The items in place; positions are item ids. `extra` makes the metric's own number of the one
    /// in a node.
    pub fn in_place(bytes: &'a [u8], layout: &NodeLayout, extra: fn(T, Row<'_, T>) -> T) -> Self {
        let field = |start, size| Strided::new(bytes, start, layout.node_size, size);
        Points {
            rows: field(layout.offset_vector, layout.vector_bytes),
            in_place: true,
            extras: match layout.offset_extra {
                None => Extras::None,
                Some(at) => Extras::InPlace(field(at, T::SIZE), extra),
            },
        }
    }

    /// The same with other numbers, one for each item, in place of the nodes' own.
    pub fn with_extras(self, extras: &'a [T]) -> Self {
        Points {
            extras: Extras::Beside(extras),
            ..self
        }
    }

    /// Copies the vectors at `positions` into `gathered`, each aligned and padded with zeros;
    /// positions in the result count from 0.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn gather<'b>(
        &self,
        positions: impl ExactSizeIterator<Item = usize> + Clone,
        gathered: &'b mut Gathered<T>,
    ) -> Result<Points<'b, T>, Error> {
        let Gathered { rows, extras } = gathered;
        let stride = Matrix::<T>::stride(self.len());
        let bytes = positions.len() * stride;
        ask(bytes)?;
        rows.resize(positions.len())
            .map_err(|reason| Error::no_memory(bytes, reason))?;
        extras.clear();
        reserve(extras, positions.len())?;
        let mut soon = positions.clone().skip(GATHER_AHEAD);
        for (i, at) in positions.enumerate() {
            if let Some(soon) = soon.next() {
                prefetch(self.row(soon).bytes());
            }
            rows.set(i, self.row(at));
            extras.push(self.extra(at));
        }
        Ok(Points {
            rows: Strided::new(rows.bytes(), 0, stride, stride),
            in_place: false,
            extras: match self.extras {
                Extras::None => Extras::None,
                _ => Extras::Beside(extras),
            },
        })
    }

    /// Elements of a vector, with the zeros behind it where it is padded.
    #[inline]
    pub fn len(&self) -> usize {
        self.rows.row_bytes() / T::SIZE
    }

    /// The vector at a position.
    #[inline]
    pub fn row(&self, at: usize) -> Row<'a, T> {
        self.rows.get(at)
    }

    /// The vectors at eight positions.
    #[inline]
    pub fn eight(&self, at: [usize; ROWS]) -> Eight<'a, T> {
        self.rows.eight(at)
    }

    /// Asks for vectors ahead of their use, unless they are a copy, which the cache holds.
    #[inline]
    pub fn prefetch(&self, at: [usize; ROWS]) {
        if self.in_place {
            self.prefetch_nodes(at);
        }
    }

    #[inline(never)]
    fn prefetch_nodes(&self, at: [usize; ROWS]) {
        for at in at {
            let bytes = self.row(at).bytes();
            prefetch(&bytes[..bytes.len().min(PREFETCH_BYTES)]);
        }
    }

    /// The metric's own number at a position, 0 where it has none.
    #[inline]
    pub fn extra(&self, at: usize) -> T {
        match &self.extras {
            Extras::None => T::default(),
            Extras::InPlace(extras, of) => of(extras.get(at).get(0), self.row(at)),
            Extras::Beside(extras) => extras[at],
        }
    }

    /// The metric's own numbers at eight positions.
    #[inline]
    pub fn extras(&self, at: [usize; ROWS]) -> [T; ROWS] {
        match &self.extras {
            Extras::None => [T::default(); ROWS],
            Extras::InPlace(..) => at.map(|at| self.extra(at)),
            Extras::Beside(extras) => at.map(|at| extras[at]),
        }
    }
}
