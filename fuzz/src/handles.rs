//! Handles, and what the indexes behind them looked like before a call.

use annoy_rs::ffi::file::annoy_get_metadata;
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::item::annoy_get_item;
use annoy_rs::ffi::labels::*;
use annoy_rs::ffi::nearest::annoy_get_nns_by_item;
use annoy_rs::ffi::status::*;
use annoy_rs::ffi::vectors::{annoy_get_vectors, annoy_vectors, ANNOY_ELEMENT_F64};
use annoy_rs::ffi::verify::{annoy_get_info, annoy_info};
use std::ptr::null_mut;

/// What can be seen of an index from outside, of its items and answers a sample.
#[derive(Debug, PartialEq)]
pub struct Sight {
    pub n_items: i64,
    pub n_trees: i64,
    pub f: usize,
    pub kind: [i32; 3],
    pub metadata: Vec<u8>,
    pub item: Vec<u64>,
    pub labels: Labels,
    pub n_removed: i64,
    pub graph_degree: i64,
    pub scan_lists: i64,
    pub n_tuned: i64,
    /// The status of the search, and what it found.
    pub nearest: (annoy_status, Vec<(i64, u32)>),
}

const NEAREST: usize = 5;

/// Looks at a live handle.
pub fn look(index: *const annoy_index) -> Sight {
    // SAFETY: the handle is live and used by nobody else; all room is of the length given.
    unsafe {
        let (n_items, f) = (annoy_get_n_items(index), annoy_get_f(index));
        let mut len = 0;
        annoy_get_metadata(index, null_mut(), 0, &mut len, null_mut());
        let mut metadata = vec![0u8; len];
        let place = metadata.as_mut_ptr().cast();
        let status = annoy_get_metadata(index, place, len, &mut len, null_mut());
        assert_eq!(status, ANNOY_OK);
        let item = if n_items == 0 {
            Vec::new()
        } else if made_with(index).scalar == ANNOY_F64 {
            let mut vector = vec![0.0f64; f];
            let to = annoy_vectors {
                struct_size: size_of::<annoy_vectors>(),
                data: vector.as_mut_ptr().cast(),
                element: ANNOY_ELEMENT_F64,
                reserved: 0,
                n: 1,
                len: f,
                stride: 0,
            };
            let status = annoy_get_vectors(index, &(n_items - 1), &to, null_mut());
            assert_eq!(status, ANNOY_OK);
            vector.iter().map(|x| x.to_bits()).collect()
        } else {
            let mut vector = vec![0.0f32; f];
            let status = annoy_get_item(index, n_items - 1, vector.as_mut_ptr(), f, null_mut());
            assert_eq!(status, ANNOY_OK);
            vector.iter().map(|x| u64::from(x.to_bits())).collect()
        };
        let (mut ids, mut distances, mut n_found) = ([0; NEAREST], [0f32; NEAREST], 0);
        let status = annoy_get_nns_by_item(
            index,
            n_items / 2,
            NEAREST,
            -1,
            ids.as_mut_ptr(),
            distances.as_mut_ptr(),
            &mut n_found,
            null_mut(),
        );
        let found = ids.into_iter().zip(distances.map(f32::to_bits));
        let mut info = annoy_info {
            struct_size: size_of::<annoy_info>(),
            ..annoy_info::default()
        };
        assert_eq!(annoy_get_info(index, &mut info, null_mut()), ANNOY_OK);
        Sight {
            n_items,
            n_trees: annoy_get_n_trees(index),
            f,
            kind: [
                annoy_get_fact(index, ANNOY_FACT_METRIC) as i32,
                made_with(index).scalar,
                made_with(index).id_bits,
            ],
            metadata,
            item,
            labels: labels(index),
            n_removed: annoy_get_fact(index, ANNOY_FACT_N_REMOVED),
            graph_degree: info.graph_degree,
            scan_lists: info.scan_lists,
            n_tuned: info.n_tuned,
            nearest: (status, found.take(n_found).collect()),
        }
    }
}

/// How many there are of which kind, and the status of asking for the last item's: a number, a
/// string.
pub type Labels = ((i64, annoy_label_kind), [annoy_status; 2], u64, Vec<u8>);

/// # Safety
/// The handle is live and used by nobody else.
unsafe fn labels(index: *const annoy_index) -> Labels {
    // SAFETY: as above; all room is there, and the text is as long as the call says.
    unsafe {
        let last = annoy_get_n_items(index) - 1;
        let (mut number, mut text, mut len) = (0, Vec::new(), 0);
        let text_of = |to, room, len: &mut usize| {
            annoy_get_labels(index, &last, 1, to, room, null_mut(), len, null_mut())
        };
        let mut status = [
            annoy_get_labels_u64(index, &last, 1, &mut number, null_mut(), null_mut()),
            text_of(null_mut(), 0, &mut len),
        ];
        if status[1] == ANNOY_ERR_TOO_SMALL {
            text.resize(len, 0u8);
            let to = text.as_mut_ptr().cast();
            status[1] = text_of(to, len, &mut len);
        }
        let kind = annoy_get_fact(index, ANNOY_FACT_LABEL_KIND) as annoy_label_kind;
        let n_labels = annoy_get_fact(index, ANNOY_FACT_N_LABELS);
        ((n_labels, kind), status, number, text)
    }
}

/// What an index is made of; zeros where there is none.
///
/// # Safety
/// The handle is NULL, or live and changed by nobody.
pub unsafe fn made_with(index: *const annoy_index) -> annoy_options {
    let mut options = annoy_options {
        struct_size: size_of::<annoy_options>(),
        metric: 0,
        scalar: 0,
        id_bits: 0,
        flags: 0,
        f: 0,
    };
    // SAFETY: as above; the room is as large as it says.
    let status = unsafe { annoy_get_options(index, &mut options, null_mut()) };
    assert_eq!(
        status,
        if index.is_null() {
            ANNOY_ERR_NULL
        } else {
            ANNOY_OK
        }
    );
    options
}

/// A place for a handle.
pub struct Slot {
    raw: *mut annoy_index,
    /// What it looked like after the last call that changed it.
    pub seen: Option<Sight>,
}

impl Slot {
    pub const fn empty() -> Self {
        Slot {
            raw: null_mut(),
            seen: None,
        }
    }

    pub fn raw(&self) -> *mut annoy_index {
        self.raw
    }

    /// Takes a new handle over, and frees the old one.
    pub fn put(&mut self, raw: *mut annoy_index) {
        self.free();
        assert!(!raw.is_null());
        self.raw = raw;
        self.seen = Some(look(raw));
    }

    pub fn free(&mut self) {
        // SAFETY: NULL or live, and forgotten here.
        unsafe { annoy_free(std::mem::replace(&mut self.raw, null_mut())) };
        self.seen = None;
    }

    /// After a call that succeeded and may have changed it.
    pub fn changed(&mut self) {
        if !self.raw.is_null() {
            self.seen = Some(look(self.raw));
        }
    }

    /// After a call that failed.
    pub fn is_as_before(&self) -> bool {
        self.raw.is_null() || self.seen.as_ref() == Some(&look(self.raw))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.free();
    }
}
