//! Where each field of a node lies: the only file where bytes become fields.
//!
//! Annoy writes C structs, so the offsets follow from the natural alignment of the id and scalar
//! types; releases up to 1.16.3 packed them, and the unreleased main branch gave dot nodes two more
//! fields. FORMAT.md has the tables.

mod points;

pub use points::{Gathered, Points};

use crate::kernel::{Row, Scalar};
use crate::types::{IdWidth, Metric, Options};
use std::ops::Range;

/// Which of Annoy's struct layouts the nodes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// 1.17.0 to 1.17.3: every release people have. The one we write.
    V117,
    /// The unreleased main branch: dot nodes carry a norm and a flag as well.
    Main,
    /// Up to 1.16.3: no padding between fields.
    Packed,
}

impl Flavor {
    const ALL: [Flavor; 3] = [Flavor::V117, Flavor::Main, Flavor::Packed];

    /// A name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Flavor::V117 => "1.17",
            Flavor::Main => "main",
            Flavor::Packed => "1.16 (packed)",
        }
    }
}

/// Offsets and sizes of the nodes of one index, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLayout {
    /// What was asked for.
    pub options: Options,
    /// Which struct this is.
    pub flavor: Flavor,
    /// Distance from one node to the next.
    pub node_size: usize,
    /// Where child ids start.
    pub offset_children: usize,
    /// Where the metric's own number lies, if it has one: angular's squared norm (items only: it
    /// shares the place of the children), the plane's offset for euclidean and manhattan, dot's
    /// extra coordinate.
    pub offset_extra: Option<usize>,
    /// Where the vector starts.
    pub offset_vector: usize,
    /// Bytes of the vector.
    pub vector_bytes: usize,
    /// The most ids a leaf holds: K.
    pub max_leaf: usize,
}

/// Appends C struct fields one by one.
struct StructOffsets {
    end: usize,
    packed: bool,
}

impl StructOffsets {
    fn field(&mut self, size: usize, align: usize) -> usize {
        let at = if self.packed {
            self.end
        } else {
            self.end.next_multiple_of(align)
        };
        self.end = at + size;
        at
    }
}

impl NodeLayout {
    /// The layout of `flavor`. The options must be valid.
    pub fn new(options: Options, flavor: Flavor) -> Self {
        let id = options.id_width.size();
        let scalar = options.scalar.size();
        let mut fields = StructOffsets {
            end: 0,
            packed: flavor == Flavor::Packed,
        };
        fields.field(id, id); // n_descendants
        let (offset_children, offset_extra) = match options.metric {
            Metric::Angular => {
                // A union of children[2] and the norm.
                let at = fields.field((2 * id).max(scalar), id.max(scalar));
                (at, Some(at))
            }
            Metric::Euclidean | Metric::Manhattan => {
                let extra = fields.field(scalar, scalar);
                (fields.field(2 * id, id), Some(extra))
            }
            Metric::Dot => {
                let children = fields.field(2 * id, id);
                let extra = fields.field(scalar, scalar);
                if flavor == Flavor::Main {
                    fields.field(scalar, scalar); // norm
                    fields.field(1, 1); // built
                }
                (children, Some(extra))
            }
            Metric::Hamming => (fields.field(2 * id, id), None),
        };
        let offset_vector = fields.field(0, scalar);
        let vector_bytes = options.elements() * scalar;
        let node_size = offset_vector + vector_bytes;
        NodeLayout {
            options,
            flavor,
            node_size,
            offset_children,
            offset_extra,
            offset_vector,
            vector_bytes,
            max_leaf: (node_size - offset_children) / id,
        }
    }

    /// The layout we write.
    pub fn written(options: Options) -> Self {
        NodeLayout::new(options, Flavor::V117)
    }

    /// Every layout a file with these options may have, each once, the likeliest first.
    pub fn candidates(options: Options) -> impl Iterator<Item = Self> {
        let layout = move |flavor| NodeLayout::new(options, flavor);
        let offsets = |l: NodeLayout| (l.offset_vector, l.offset_children, l.offset_extra);
        (0..Flavor::ALL.len()).filter_map(move |i| {
            let (before, this) = (&Flavor::ALL[..i], layout(Flavor::ALL[i]));
            let is_known = |&other: &Flavor| offsets(layout(other)) == offsets(this.clone());
            (!before.iter().any(is_known)).then_some(this)
        })
    }

    /// Whether this is the layout we write.
    pub fn is_written(&self) -> bool {
        self.flavor == Flavor::V117
    }

    /// Whether splits are planes; for hamming they are bits.
    pub fn has_planes(&self) -> bool {
        self.options.metric != Metric::Hamming
    }

    /// Words for messages: "an angular index of f = 50 (f32, 32-bit ids)".
    pub fn describe(&self) -> String {
        let o = &self.options;
        let article = match o.metric {
            Metric::Angular => "an",
            _ => "a",
        };
        format!(
            "{article} {} index of f = {} ({}, {}-bit ids)",
            o.metric,
            o.f,
            o.scalar,
            o.id_width.bits()
        )
    }

    /// The count of descendants of a node that begins with these bytes, whatever the file says.
    pub fn n_descendants(&self, head: &[u8]) -> i64 {
        self.read_id(head, 0)
    }

    /// Where a node has the id of child `i`.
    #[inline]
    pub fn child_place(&self, i: usize) -> Range<usize> {
        let size = self.options.id_width.size();
        let at = self.offset_children + i * size;
        at..at + size
    }

    fn read_id(&self, bytes: &[u8], at: usize) -> i64 {
        match self.options.id_width {
            IdWidth::Bits32 => i64::from(i32::from_le_bytes(array(bytes, at))),
            IdWidth::Bits64 => i64::from_le_bytes(array(bytes, at)),
        }
    }

    fn write_id(&self, bytes: &mut [u8], at: usize, id: usize) {
        match self.options.id_width {
            IdWidth::Bits32 => {
                let id = i32::try_from(id).expect("node counts are checked against the id width");
                bytes[at..at + 4].copy_from_slice(&id.to_le_bytes());
            }
            IdWidth::Bits64 => {
                bytes[at..at + 8].copy_from_slice(&(id as i64).to_le_bytes());
            }
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("the slice has the array's length")
}

/// A run of nodes in memory, a map or a file's copy.
#[derive(Clone, Copy)]
pub struct Nodes<'a> {
    bytes: &'a [u8],
    layout: &'a NodeLayout,
    count: usize,
}

impl<'a> Nodes<'a> {
    /// Trailing bytes that do not make a whole node are left out.
    pub fn new(bytes: &'a [u8], layout: &'a NodeLayout) -> Self {
        Nodes {
            bytes,
            layout,
            count: bytes.len() / layout.node_size,
        }
    }

    /// Number of nodes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Their layout.
    pub fn layout(&self) -> &'a NodeLayout {
        self.layout
    }

    /// One node; `index` must be below [`count`](Self::count).
    #[inline]
    pub fn get(&self, index: usize) -> NodeRef<'a> {
        let size = self.layout.node_size;
        NodeRef {
            bytes: &self.bytes[index * size..][..size],
            layout: self.layout,
        }
    }
}

/// One node, read only.
#[derive(Clone, Copy)]
pub struct NodeRef<'a> {
    bytes: &'a [u8],
    layout: &'a NodeLayout,
}

impl<'a> NodeRef<'a> {
    /// Number of items below; 1 for an item, 0 for a missing one. Whatever the file says.
    #[inline]
    pub fn n_descendants(&self) -> i64 {
        self.layout.read_id(self.bytes, 0)
    }

    /// Child or leaf id number `i`, unchecked by value; `i` must be below K.
    #[inline]
    pub fn child(&self, i: usize) -> i64 {
        self.layout
            .read_id(self.bytes, self.layout.child_place(i).start)
    }

    /// The metric's own number, 0 where it has none.
    #[inline]
    pub fn extra<T: Scalar>(&self) -> T {
        self.layout
            .offset_extra
            .map_or(T::default(), |at| T::read(self.bytes, at))
    }

    /// The vector.
    #[inline]
    pub fn row<T: Scalar>(&self) -> Row<'a, T> {
        Row::from_bytes(&self.bytes[self.layout.offset_vector..])
    }

    /// The layout.
    #[inline]
    pub fn layout(&self) -> &'a NodeLayout {
        self.layout
    }

    /// All bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// One node, being written.
pub struct NodeMut<'a> {
    bytes: &'a mut [u8],
    layout: &'a NodeLayout,
}

impl<'a> NodeMut<'a> {
    /// Over the bytes of one whole node.
    pub fn new(bytes: &'a mut [u8], layout: &'a NodeLayout) -> Self {
        assert_eq!(bytes.len(), layout.node_size);
        NodeMut { bytes, layout }
    }

    /// Takes over the bytes of another node.
    pub fn copy_from(&mut self, bytes: &[u8]) {
        self.bytes.copy_from_slice(bytes);
    }

    /// Makes every byte zero: a missing item.
    pub fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// Sets the count of items below.
    pub fn set_n_descendants(&mut self, n: usize) {
        self.layout.write_id(self.bytes, 0, n);
    }

    /// Sets child or leaf id number `i`.
    pub fn set_child(&mut self, i: usize, id: usize) {
        self.layout
            .write_id(self.bytes, self.layout.child_place(i).start, id);
    }

    /// Sets the metric's own number; nothing where it has none.
    pub fn set_extra<T: Scalar>(&mut self, value: T) {
        if let Some(at) = self.layout.offset_extra {
            value.write(self.bytes, at);
        }
    }

    /// Sets element `i` of the vector.
    pub fn set_element<T: Scalar>(&mut self, i: usize, value: T) {
        value.write(self.bytes, self.layout.offset_vector + i * T::SIZE);
    }

    /// Sets the whole vector.
    pub fn set_vector<T: Scalar>(&mut self, values: Row<'_, T>) {
        self.bytes[self.layout.offset_vector..].copy_from_slice(values.bytes());
    }

    /// For reading back.
    pub fn as_ref(&self) -> NodeRef<'_> {
        NodeRef {
            bytes: self.bytes,
            layout: self.layout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ScalarType::{self, *};

    /// Angular: children, v. Euclidean and manhattan: a, children, v. Dot: children, dot_factor, v.
    /// Dot main: v.
    type Offsets = ([usize; 2], [usize; 3], [usize; 3], usize);

    #[rustfmt::skip]
    const FLOAT: [(IdWidth, ScalarType, Offsets); 4] = [
        (IdWidth::Bits32, F32, ([4, 12], [4, 8, 16], [4, 12, 16], 24)),
        (IdWidth::Bits32, F64, ([8, 16], [8, 16, 24], [4, 16, 24], 40)),
        (IdWidth::Bits64, F32, ([8, 24], [8, 16, 32], [8, 24, 28], 36)),
        (IdWidth::Bits64, F64, ([8, 24], [8, 16, 32], [8, 24, 32], 48)),
    ];

    fn layout(metric: Metric, scalar: ScalarType, ids: IdWidth, flavor: Flavor) -> NodeLayout {
        let mut options = Options::new(metric, 10);
        options.scalar = scalar;
        options.id_width = ids;
        NodeLayout::new(options, flavor)
    }

    #[test]
    fn float_offsets_are_those_of_annoy() {
        for (ids, scalar, (angular, minkowski, dot, main)) in FLOAT {
            let l = layout(Metric::Angular, scalar, ids, Flavor::V117);
            assert_eq!([l.offset_children, l.offset_vector], angular);
            let l = layout(Metric::Manhattan, scalar, ids, Flavor::V117);
            assert_eq!(
                [l.offset_extra.unwrap(), l.offset_children, l.offset_vector],
                minkowski
            );
            let l = layout(Metric::Dot, scalar, ids, Flavor::V117);
            assert_eq!(
                [l.offset_children, l.offset_extra.unwrap(), l.offset_vector],
                dot
            );
            assert_eq!(
                layout(Metric::Dot, scalar, ids, Flavor::Main).offset_vector,
                main
            );
        }
    }

    #[test]
    fn hamming_offsets_are_those_of_annoy() {
        for (ids, word, vector) in [
            (IdWidth::Bits32, Bits64, 16),
            (IdWidth::Bits32, Bits32, 12),
            (IdWidth::Bits32, Bits8, 12),
            (IdWidth::Bits64, Bits64, 24),
            (IdWidth::Bits64, Bits8, 24),
        ] {
            assert_eq!(
                layout(Metric::Hamming, word, ids, Flavor::V117).offset_vector,
                vector
            );
        }
    }

    #[test]
    fn packed_offsets_are_those_of_1_16() {
        let at = |metric, scalar, ids| layout(metric, scalar, ids, Flavor::Packed).offset_vector;
        assert_eq!(at(Metric::Hamming, Bits64, IdWidth::Bits32), 12);
        assert_eq!(at(Metric::Angular, F64, IdWidth::Bits32), 12);
        assert_eq!(at(Metric::Dot, F64, IdWidth::Bits32), 20);
        assert_eq!(at(Metric::Euclidean, F64, IdWidth::Bits32), 20);
        assert_eq!(at(Metric::Euclidean, F32, IdWidth::Bits64), 28);
    }

    #[test]
    fn candidates_are_distinct() {
        let names = |metric| -> Vec<Flavor> {
            NodeLayout::candidates(Options::new(metric, 10))
                .map(|l| l.flavor)
                .collect()
        };
        assert_eq!(names(Metric::Angular), [Flavor::V117]);
        assert_eq!(names(Metric::Dot), [Flavor::V117, Flavor::Main]);
        assert_eq!(names(Metric::Hamming), [Flavor::V117, Flavor::Packed]);
    }

    #[test]
    fn fields_come_back() {
        let l = layout(Metric::Dot, F64, IdWidth::Bits32, Flavor::V117);
        let mut bytes = vec![0xAAu8; l.node_size];
        let mut node = NodeMut::new(&mut bytes, &l);
        node.clear();
        node.set_n_descendants(7);
        node.set_child(0, 3);
        node.set_child(1, 4);
        node.set_extra(2.5f64);
        node.set_element(9, -1.0f64);
        let node = node.as_ref();
        assert_eq!(
            (node.n_descendants(), node.child(0), node.child(1)),
            (7, 3, 4)
        );
        assert_eq!(node.extra::<f64>(), 2.5);
        assert_eq!(node.row::<f64>().get(9), -1.0);
    }
}
