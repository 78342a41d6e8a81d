//! Vectors of callers, of any element type: adding them, and reading them back.

use super::guard::{check_slice, either, exclusive_for, guard, slice};
use super::handle::annoy_index;
use super::sized::{self, Growing};
use super::status::{annoy_error, annoy_status};
use super::work::{annoy_work, Given};
use crate::error::{Error, Result};
use crate::index::vector::{Vector, VectorMut};
use std::ffi::c_void;
use std::marker::PhantomData;

/// What vectors of the caller's are made of: one of `ANNOY_ELEMENT_F32` to `ANNOY_ELEMENT_I8`, or 0
/// for f32.
pub type annoy_element = i32;

/// 32-bit floats; for hamming one for each bit, over 0.5 is 1. So is 0, the default.
pub const ANNOY_ELEMENT_F32: annoy_element = 1;
/// 64-bit floats; for hamming as above.
pub const ANNOY_ELEMENT_F64: annoy_element = 2;
/// For hamming: bits in words of 64, the first in the least significant place of the first word,
/// those past f 0.
pub const ANNOY_ELEMENT_BITS: annoy_element = 3;
/// 16-bit floats of IEEE 754 (binary16).
pub const ANNOY_ELEMENT_F16: annoy_element = 4;
/// 16-bit floats that are the upper half of 32-bit ones (bfloat16).
pub const ANNOY_ELEMENT_BF16: annoy_element = 5;
/// 8-bit whole numbers with a sign.
pub const ANNOY_ELEMENT_I8: annoy_element = 6;

/// Vectors of the caller's: `n` rows in memory. Zero everything, then set `struct_size` and what is
/// there.
///
/// An index of f32 takes rows of f32, one of f64 those of f64, one for hamming both, and words of
/// bits. Rows of f16, bf16 and i8 go into an index of f32 or f64, as the numbers they stand for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_vectors {
    /// `sizeof(annoy_vectors)`.
    pub struct_size: usize,
    /// The first element of the first row, at an address that fits its type. Written to by
    /// `annoy_get_vectors` alone.
    pub data: *mut c_void,
    /// What the rows are made of; 0 for f32.
    pub element: annoy_element,
    /// Must be 0.
    pub reserved: i32,
    /// Rows.
    pub n: usize,
    /// Elements of a row: f, or for words of bits f / 64 rounded up.
    pub len: usize,
    /// Bytes from the start of a row to that of the next, a multiple of the size of an element;
    /// 0 when one is right behind the other.
    pub stride: usize,
}

// SAFETY: numbers, and a pointer that may be anything until it is used.
unsafe impl Growing for annoy_vectors {
    const SIZE: &'static str = "struct_size of annoy_vectors";
}

#[derive(Clone, Copy)]
enum Element {
    F32,
    F64,
    Bits,
    F16,
    Bf16,
    I8,
}

/// The caller's rows.
pub(super) struct Rows<'a> {
    at: *mut u8,
    element: Element,
    n: usize,
    len: usize,
    /// From one row to the next, in bytes.
    stride: usize,
    of: PhantomData<&'a [u8]>,
}

// SAFETY: rows are shared between threads to be read only, and stay as they are by the caller's
// word.
unsafe impl Sync for Rows<'_> {}

/// From one row of `T` to the next, in bytes; checks that the rows can be where they are said to
/// be.
fn stride<T>(given: &annoy_vectors) -> Result<usize> {
    let most = isize::MAX as usize;
    let row = given.len.checked_mul(size_of::<T>());
    let row = row
        .filter(|&row| row <= most)
        .ok_or_else(|| Error::argument("len", given.len, "a length that memory can hold"))?;
    let stride = match given.stride {
        0 => row,
        stride => stride,
    };
    if stride < row || !stride.is_multiple_of(align_of::<T>()) {
        let expected = format!("0 or a multiple of {} from {row} up", align_of::<T>());
        return Err(Error::argument("stride", stride, expected));
    }
    // The last row ends where its elements end, not a stride behind its start.
    let bytes = match given.n {
        0 => 0,
        n => (n - 1).saturating_mul(stride).saturating_add(row),
    };
    let n = bytes.div_ceil(size_of::<T>());
    check_slice("data", given.data.cast::<T>().cast_const(), n)?;
    Ok(stride)
}

impl<'a> Rows<'a> {
    /// # Safety
    /// `given` is NULL or points to an `annoy_vectors` whose data are NULL or as it says.
    pub(super) unsafe fn read(name: &'static str, given: *const annoy_vectors) -> Result<Self> {
        if given.is_null() {
            return Err(Error::Null(name));
        }
        // SAFETY: not NULL; as large as it says by the caller's word.
        let given = unsafe { sized::read(given) }?;
        if given.reserved != 0 {
            return Err(Error::argument("reserved", given.reserved, "0"));
        }
        let (element, stride) = match given.element {
            0 | ANNOY_ELEMENT_F32 => (Element::F32, stride::<f32>(&given)?),
            ANNOY_ELEMENT_F64 => (Element::F64, stride::<f64>(&given)?),
            ANNOY_ELEMENT_BITS => (Element::Bits, stride::<u64>(&given)?),
            ANNOY_ELEMENT_F16 => (Element::F16, stride::<u16>(&given)?),
            ANNOY_ELEMENT_BF16 => (Element::Bf16, stride::<u16>(&given)?),
            ANNOY_ELEMENT_I8 => (Element::I8, stride::<i8>(&given)?),
            other => {
                let expected = "0 to 6, one of the element types";
                return Err(Error::argument("element", other, expected));
            }
        };
        Ok(Rows {
            at: given.data.cast(),
            element,
            n: given.n,
            len: given.len,
            stride,
            of: PhantomData,
        })
    }

    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// Where row `i` starts; panics past the end.
    fn start<T>(&self, i: usize) -> *mut T {
        assert!(i < self.n, "row {i} of {}", self.n);
        if self.len == 0 {
            return std::ptr::NonNull::dangling().as_ptr();
        }
        self.at.wrapping_add(i * self.stride).cast()
    }

    /// Row `i`; panics past the end.
    pub(super) fn row(&self, i: usize) -> Vector<'a> {
        /// # Safety
        /// The element is a `T`.
        unsafe fn elements<'a, T>(rows: &Rows<'a>, i: usize) -> &'a [T] {
            // SAFETY: a row that `read` was promised and checked for NULL, size and alignment.
            unsafe { std::slice::from_raw_parts(rows.start(i), rows.len) }
        }
        // SAFETY: of the type that is matched.
        unsafe {
            match self.element {
                Element::F32 => Vector::F32(elements(self, i)),
                Element::F64 => Vector::F64(elements(self, i)),
                Element::Bits => Vector::Bits(elements(self, i)),
                Element::F16 => Vector::F16(elements(self, i)),
                Element::Bf16 => Vector::Bf16(elements(self, i)),
                Element::I8 => Vector::I8(elements(self, i)),
            }
        }
    }

    /// Refuses rows of what vectors are not given out as.
    fn check_room(&self) -> Result<()> {
        match self.element {
            Element::F32 | Element::F64 | Element::Bits => Ok(()),
            Element::F16 | Element::Bf16 | Element::I8 => Err(Error::Unsupported(format!(
                "vectors are given out as f32, f64 or words of bits only"
            ))),
        }
    }

    /// Room for row `i`; panics past the end, and where `check_room` refuses.
    ///
    /// # Safety
    /// Nobody else uses the row.
    unsafe fn room(&self, i: usize) -> VectorMut<'a> {
        /// # Safety
        /// As `room`; the element is a `T`.
        unsafe fn elements<'a, T>(rows: &Rows<'a>, i: usize) -> &'a mut [T] {
            // SAFETY: a row that `read` was promised and checked for NULL, size and alignment.
            unsafe { std::slice::from_raw_parts_mut(rows.start(i), rows.len) }
        }
        // SAFETY: handed on; of the type that is matched.
        unsafe {
            match self.element {
                Element::F32 => VectorMut::F32(elements(self, i)),
                Element::F64 => VectorMut::F64(elements(self, i)),
                Element::Bits => VectorMut::Bits(elements(self, i)),
                Element::F16 | Element::Bf16 | Element::I8 => unreachable!("not given out"),
            }
        }
    }
}

/// As many ids; NULL for none.
///
/// # Safety
/// `ids` is NULL or points to `n` ids.
pub(super) unsafe fn ids<'a>(ids: *const i64, n: usize) -> Result<Option<&'a [i64]>> {
    match ids.is_null() {
        true => Ok(None),
        // SAFETY: not NULL; `n` ids by the caller's word.
        false => Ok(Some(unsafe { slice("ids", ids, n) }?)),
    }
}

/// Adds items, or replaces them, all or none.
///
/// `ids` has an id for each of the `vectors`, or is NULL: then they follow the last item. Of
/// vectors with the same id the last counts. Several threads copy where there is much to copy.
/// Vectors that are replaced are kept until all is done. `work` may be NULL.
/// Errors: as `annoy_add_item`; the message names the id; `ANNOY_ERR_ARGUMENT` for fields of
/// `vectors` that cannot be; `ANNOY_ERR_UNSUPPORTED` for elements that the index does not take;
/// `ANNOY_ERR_CANCELLED`. On an error no item is added.
///
/// # Safety
/// `index` is NULL or a live handle, `vectors` is NULL or as
/// `annoy_vectors` says, `ids` is NULL or points to as many ids, `work` is NULL or as `annoy_work`
/// says.
#[no_mangle]
pub unsafe extern "C" fn annoy_add(
    index: *mut annoy_index,
    ids: *const i64,
    vectors: *const annoy_vectors,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (work, rows) = unsafe { (Given::read(work)?, Rows::read("vectors", vectors)?) };
        // SAFETY: as above.
        let (ids, mut index) = unsafe { (self::ids(ids, rows.n())?, exclusive_for(index, &work)?) };
        if let (Some(&[id]), false) = (ids, work.has_progress()) {
            work.check()?;
            return index.add_item(id, rows.row(0));
        }
        work.call(|work| index.add_items_with(ids, |i| rows.row(i), rows.n(), work))
    })
}

/// Copies the vectors of `to->n` items to the rows of `to`, which are f32, f64 or words of bits.
///
/// `ids` has an id for each row, or is NULL: then they are 0, 1 and so on. Missing and removed
/// items are as in `annoy_get_item`. Legal in every state.
/// Errors: as `annoy_get_item`; `ANNOY_ERR_ARGUMENT` for fields of `to` that cannot be;
/// `ANNOY_ERR_UNSUPPORTED` for other elements, and those that do not fit the index. Nothing is
/// written on an error.
///
/// # Safety
/// `index` is NULL or a live handle, `to` is NULL or an `annoy_vectors`
/// with room that nobody else uses, `ids` is NULL or points to as many ids.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_vectors(
    index: *const annoy_index,
    ids: *const i64,
    to: *const annoy_vectors,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, to) = unsafe { (either(index)?, Rows::read("to", to)?) };
        // SAFETY: as above.
        let ids = unsafe { self::ids(ids, to.n()) }?;
        to.check_room()?;
        // SAFETY: nobody else uses the rows by the caller's word, and each is asked for once.
        index.get_items(ids, to.n(), |i| unsafe { to.room(i) })
    })
}
