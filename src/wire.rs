//! The headers in a file as structs: each field is named here and in FORMAT.md, and nowhere else.
//! All numbers are little-endian. Bytes that no field names are 0.

/// A number, or some bytes, in a header.
trait Field: Copy {
    const SIZE: usize;
    fn get(bytes: &[u8]) -> Self;
    fn put(self, to: &mut [u8]);
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Field for $t {
            const SIZE: usize = size_of::<$t>();

            #[inline]
            fn get(bytes: &[u8]) -> Self {
                <$t>::from_le_bytes(Field::get(bytes))
            }

            fn put(self, to: &mut [u8]) {
                self.to_le_bytes().put(to);
            }
        }
    )*};
}

numbers!(u8, u32, u64, f64);

impl<const N: usize> Field for [u8; N] {
    const SIZE: usize = N;

    #[inline]
    fn get(bytes: &[u8]) -> Self {
        let mut field = [0; N];
        field.copy_from_slice(bytes);
        field
    }

    fn put(self, to: &mut [u8]) {
        to.copy_from_slice(&self);
    }
}

/// The number at an offset; panics past the end.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    Field::get(&bytes[at..at + u32::SIZE])
}

/// The number at an offset; panics past the end.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    Field::get(&bytes[at..at + u64::SIZE])
}

/// A field's name, its offset and its length in bytes.
type Place = (&'static str, usize, usize);

/// Whether fields follow each other within `size` bytes.
const fn fit(places: &[Place], size: usize) -> bool {
    let (mut end, mut i) = (0, 0);
    while i < places.len() {
        if places[i].1 < end {
            return false;
        }
        end = places[i].1 + places[i].2;
        i += 1;
    }
    end <= size
}

/// Declares a struct of `size` bytes, with the offset of each field.
macro_rules! wire {
    (
        $(#[$doc:meta])*
        struct $name:ident: $size:literal {
            $($(#[$field_doc:meta])* $at:literal $field:ident: $t:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $t,)*
        }

        impl $name {
            /// Bytes in the file.
            pub const SIZE: usize = $size;

            const PLACES: &[Place] = &[$((stringify!($field), $at, <$t as Field>::SIZE)),*];

            /// Reads the first [`SIZE`](Self::SIZE) bytes; panics if there are fewer.
            #[inline]
            pub fn read(bytes: &[u8]) -> Self {
                $name {
                    $($field: Field::get(&bytes[$at..$at + <$t as Field>::SIZE]),)*
                }
            }

            /// Writes the fields to the start of bytes that are 0.
            pub fn write(self, to: &mut [u8]) {
                $(self.$field.put(&mut to[$at..$at + <$t as Field>::SIZE]);)*
            }
        }

        const _: () = assert!(fit($name::PLACES, $size));
    };
}

wire! {
    /// What a file says of itself; its entries, one a section, follow.
    struct Superblock: 128 {
        0 signature: [u8; 8],
        8 version: u32,
        12 superblock_size: u32,
        16 checksum: u64,
        24 metric: u8,
        25 scalar: u8,
        26 id_bits: u8,
        28 node_size: u32,
        32 f: u64,
        40 n_items: u64,
        48 n_present: u64,
        56 n_nodes: u64,
        64 n_trees: u64,
        72 seed: u64,
        80 revision: u32,
        84 n_sections: u32,
    }
}

wire! {
    /// An entry of the superblock.
    struct Section: 32 {
        0 kind: u32,
        4 flags: u32,
        8 offset: u64,
        16 length: u64,
        24 checksum: u64,
    }
}

wire! {
    /// Before the labels.
    struct Labels: 64 {
        0 kind: u32,
        4 slot: u32,
        8 n_places: u64,
        16 n_labels: u64,
        24 n_slots: u64,
        32 hash: u64,
        40 n_bytes: u64,
    }
}

wire! {
    /// Before the codes.
    struct Codes: 64 {
        0 stride: u32,
        4 extras: u32,
        8 n_items: u64,
        16 n_offsets: u64,
        24 step: f64,
        /// Numbers of a short code; 0 for whole ones.
        32 n_short: u64,
        40 short_step: f64,
        /// 1 where there are no codes, and searches compare the vectors.
        48 by_vectors: u32,
    }
}

wire! {
    /// Before the neighbour lists.
    struct Graph: 64 {
        0 id_bytes: u32,
        4 degree: u32,
        8 n_items: u64,
        16 alpha: f64,
        24 n_entries: u64,
        32 n_routes: u64,
        40 n_starts: u32,
        /// 1 where `recall` was measured.
        44 has_recall: u32,
        48 n_null: u64,
        56 recall: f64,
    }
}

wire! {
    /// Before the lists of a scan.
    struct Scan: 128 {
        0 stride: u32,
        4 n_groups: u32,
        8 n_items: u64,
        16 group: u32,
        20 n_lists: u32,
        24 n_listed: u64,
        32 n_blocks: u64,
        40 step: f64,
        48 search_k: u64,
        56 recall: f64,
        64 bias_shift: u32,
        68 n_reranked: u32,
    }
}

wire! {
    /// Where a list of a scan begins: how many items and blocks are in those before it.
    struct ScanList: 8 {
        0 items: u32,
        4 blocks: u32,
    }
}

wire! {
    /// Before the points of a curve.
    struct Curve: 32 {
        0 method: u32,
        4 n_points: u32,
        8 n_queries: u64,
    }
}

wire! {
    /// What searches found with this `search_k`.
    struct CurvePoint: 16 {
        0 search_k: u64,
        8 recall: f64,
    }
}

impl Superblock {
    /// Where its checksum is.
    pub const CHECKSUM: std::ops::Range<usize> = 16..24;
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../FORMAT.md");

    /// The offsets, lengths and texts of the table below a heading, but for reserved bytes.
    fn table(heading: &str) -> Vec<(usize, usize, &'static str)> {
        let start = PAGE.find(heading).expect(heading);
        let rows = PAGE[start..]
            .lines()
            .skip_while(|line| !line.starts_with("|--"))
            .skip(1)
            .take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (
                cells[1].parse().unwrap(),
                cells[2].parse().unwrap(),
                cells[3],
            )
        })
        .filter(|row| row.2 != "0")
        .collect()
    }

    /// Where the rows are that the page has, but for one that this file has no field for.
    fn compare(heading: &str, places: &[Place], without: Option<(usize, usize)>) {
        let mut told: Vec<_> = table(heading).iter().map(|row| (row.0, row.1)).collect();
        told.retain(|place| Some(*place) != without);
        let here: Vec<_> = places.iter().map(|place| (place.1, place.2)).collect();
        assert_eq!(here, told, "{heading}");
    }

    #[test]
    fn fields_are_where_the_page_says() {
        let entries = (Superblock::SIZE, 16 * Section::SIZE);
        compare("## Superblock", Superblock::PLACES, Some(entries));
        compare("An entry:", Section::PLACES, None);
        compare("## Labels", Labels::PLACES, None);
        compare("## Codes", Codes::PLACES, None);
        compare("## Graph", Graph::PLACES, None);
        compare("## Scan", Scan::PLACES, None);
        compare("An entry of the lists:", ScanList::PLACES, None);
        compare("## Curve", Curve::PLACES, None);
        compare("A point:", CurvePoint::PLACES, None);
        let checksum = Superblock::PLACES
            .iter()
            .find(|place| place.0 == "checksum");
        let &(_, at, len) = checksum.unwrap();
        assert_eq!(at..at + len, Superblock::CHECKSUM);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = [0; Graph::SIZE];
        let graph = Graph {
            id_bytes: 4,
            degree: 32,
            alpha: 1.2,
            n_null: 1 << 40,
            ..Graph::default()
        };
        graph.write(&mut bytes);
        assert_eq!(Graph::read(&bytes), graph);
        assert_eq!(bytes[48..56], (1u64 << 40).to_le_bytes());
    }
}
