//! Names of items: numbers or strings, one kind in an index, no two items alike.

use super::guard::{exclusive, guard, guard_value, place, shared, slice, slice_mut};
use super::handle::annoy_index;
use super::sized::{self, Growing};
use super::status::{annoy_error, annoy_status};
use crate::error::{reserve, Error, Result};
use crate::index::Index;
use crate::labels::{Label, LabelKind};
use std::ffi::c_char;

/// What the labels of an index are.
pub type annoy_label_kind = i32;

/// There are none.
pub const ANNOY_LABELS_NONE: annoy_label_kind = 0;
/// Numbers of 64 bits.
pub const ANNOY_LABELS_U64: annoy_label_kind = 1;
/// Strings.
pub const ANNOY_LABELS_UTF8: annoy_label_kind = 2;

/// The caller's string.
///
/// # Safety
/// `label` is NULL or points to `len` bytes that stay as they are.
unsafe fn text<'a>(label: *const c_char, len: usize) -> Result<&'a str> {
    // SAFETY: handed on.
    utf8("label", unsafe { slice("label", label.cast::<u8>(), len) }?)
}

fn utf8<'a>(name: &'static str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let found = format!("the byte {:#04x} at {at}", bytes[at]);
        Error::argument(name, found, "UTF-8")
    })
}

/// The ids, or none where the first items are meant.
///
/// # Safety
/// `items` is NULL or points to `n` ids.
unsafe fn ids<'a>(items: *const i64, n: usize) -> Result<Option<&'a [i64]>> {
    if items.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; n ids by the caller's word.
    unsafe { slice("items", items, n) }.map(Some)
}

/// Gives an item a number as its label, in place of the one it had. Legal in every state; labels go
/// along when the index is saved, and the file of an on-disk build has those given before the
/// build. The first change on a loaded file copies the labels there are to memory.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
/// `ANNOY_ERR_LABEL` when another item has that label; `ANNOY_ERR_UNSUPPORTED` when labels are
/// strings; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CORRUPT` when the labels of a loaded file cannot be
/// copied.
///
/// # Safety
/// `index` is NULL or a live handle.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_label_u64(
    index: *mut annoy_index,
    item: i64,
    label: u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL or live by the caller's word.
        unsafe { exclusive(index) }?.set_label(item, label)
    })
}

/// Gives an item a string as its label: `len` bytes of UTF-8, copied, which may be none and may
/// have NULs among them. As `annoy_set_label_u64`.
///
/// Errors: as there; `ANNOY_ERR_UNSUPPORTED` when labels are numbers; `ANNOY_ERR_ARGUMENT` for what
/// is not UTF-8.
///
/// # Safety
/// As `annoy_set_label_u64`; `label` is NULL or points to `len` bytes.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_label(
    index: *mut annoy_index,
    item: i64,
    label: *const c_char,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, label) = unsafe { (exclusive(index)?, text(label, len)?) };
        index.set_label(item, label)
    })
}

/// Labels of the caller's, all of one kind. Zero everything, then set `struct_size` and what is
/// there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_labels {
    /// `sizeof(annoy_labels)`.
    pub struct_size: usize,
    /// `ANNOY_LABELS_U64` or `ANNOY_LABELS_UTF8`.
    pub kind: annoy_label_kind,
    /// Must be 0.
    pub reserved: i32,
    /// How many labels.
    pub n: usize,
    /// `n` numbers.
    pub numbers: *const u64,
    /// The strings, one behind the other: UTF-8.
    pub bytes: *const c_char,
    /// `n + 1` offsets, none smaller than the one before: string `i` is from `bytes[offsets[i]]` to
    /// before `bytes[offsets[i + 1]]`.
    pub offsets: *const usize,
}

// SAFETY: numbers, and pointers that may be anything until they are used.
unsafe impl Growing for annoy_labels {
    const SIZE: &'static str = "struct_size of annoy_labels";
}

/// Gives labels to many items, all or none: label `i` to item `items[i]`, or, where `items` is
/// NULL, to item `i`. Of labels for the same item the last counts; items may swap labels. As
/// `annoy_set_label_u64`.
///
/// Errors: as there; `ANNOY_ERR_ARGUMENT` for a kind that is none of the two, offsets that descend,
/// or what is not UTF-8. The message names the item. On an error all labels are as before.
///
/// # Safety
/// As `annoy_set_label_u64`; `items` is NULL or points to as many ids as there are labels, `labels`
/// is NULL or points to an `annoy_labels` whose pointers are NULL or as it says.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_labels(
    index: *mut annoy_index,
    items: *const i64,
    labels: *const annoy_labels,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let labels = unsafe { GivenLabels::read(labels) }?.ok_or(Error::Null("labels"))?;
        // SAFETY: as above.
        let (mut index, items) = unsafe { (exclusive(index)?, ids(items, labels.n())?) };
        index.set_labels(items, (0..labels.n()).map(|i| labels.get(i)))
    })
}

/// Labels of the caller's, checked.
#[derive(Clone, Copy)]
pub enum GivenLabels<'a> {
    Numbers(&'a [u64]),
    /// One more offset than there are.
    Texts {
        bytes: &'a [u8],
        offsets: &'a [usize],
    },
}

impl<'a> GivenLabels<'a> {
    /// None for NULL.
    ///
    /// # Safety
    /// `labels` is NULL or points to an `annoy_labels` whose pointers are NULL or as it says.
    pub unsafe fn read(labels: *const annoy_labels) -> Result<Option<Self>> {
        if labels.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL; as large as it says by the caller's word.
        let given = unsafe { sized::read(labels) }?;
        if given.reserved != 0 {
            return Err(Error::argument("reserved", given.reserved, "0"));
        }
        let n = given.n;
        match given.kind {
            ANNOY_LABELS_U64 => {
                // SAFETY: NULL is checked, the rest is the caller's part as documented.
                let numbers = unsafe { slice("numbers", given.numbers, n) }?;
                Ok(Some(GivenLabels::Numbers(numbers)))
            }
            ANNOY_LABELS_UTF8 if n == 0 => Ok(Some(GivenLabels::Numbers(&[]))),
            ANNOY_LABELS_UTF8 => {
                // SAFETY: as above.
                let offsets = unsafe { slice("offsets", given.offsets, n.saturating_add(1)) }?;
                // SAFETY: as above.
                let bytes = unsafe { slice("bytes", given.bytes.cast::<u8>(), offsets[n]) }?;
                for pair in offsets.windows(2) {
                    let label = bytes.get(pair[0]..pair[1]).ok_or_else(|| {
                        let found = format!("{} before {}", pair[0], pair[1]);
                        Error::argument("offsets", found, "offsets that do not descend")
                    })?;
                    utf8("bytes", label)?;
                }
                Ok(Some(GivenLabels::Texts { bytes, offsets }))
            }
            other => {
                let expected = "ANNOY_LABELS_U64 or ANNOY_LABELS_UTF8";
                Err(Error::argument("kind", other, expected))
            }
        }
    }

    /// How many.
    pub fn n(&self) -> usize {
        match self {
            GivenLabels::Numbers(numbers) => numbers.len(),
            GivenLabels::Texts { offsets, .. } => offsets.len() - 1,
        }
    }

    /// Label `i`; panics past the end.
    pub fn get(&self, i: usize) -> Label<'a> {
        match *self {
            GivenLabels::Numbers(numbers) => Label::U64(numbers[i]),
            GivenLabels::Texts { bytes, offsets } => {
                // All checked: none becomes an empty one.
                let text = bytes.get(offsets[i]..offsets[i + 1]).unwrap_or_default();
                Label::Utf8(std::str::from_utf8(text).unwrap_or_default())
            }
        }
    }
}

/// Takes the labels of `n` items away, or, where `items` is NULL and `n` 0, all: those to come may
/// then be of the other kind. Nothing happens where there is none. As `annoy_set_label_u64`.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM`; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CORRUPT`. On an
/// error all labels are as before.
///
/// # Safety
/// `index` is NULL or a live handle; `items` is NULL or points to `n`
/// ids.
#[no_mangle]
pub unsafe extern "C" fn annoy_clear_labels(
    index: *mut annoy_index,
    items: *const i64,
    n: usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (mut index, ids) = unsafe { (exclusive(index)?, slice("items", items, n)?) };
        if items.is_null() {
            index.clear_labels();
        }
        // A wrong id is found before anything is cleared; what else can fail fails at the first.
        let n_items = index.n_items() as i64;
        let wrong = ids.iter().find(|id| !(0..n_items).contains(*id));
        let mut ids = wrong.into_iter().chain(ids);
        ids.try_for_each(|&id| index.clear_label(id))
    })
}

/// How many items have labels, 0 for NULL. `*kind` gets what these are, `ANNOY_LABELS_NONE` (0)
/// where there are none; it may be NULL.
///
/// # Safety
/// `index` is NULL or a live handle, `kind` is NULL or points to room for a number.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_n_labels(
    index: *const annoy_index,
    kind: *mut annoy_label_kind,
) -> i64 {
    guard_value(0, || {
        // SAFETY: NULL or live by the caller's word.
        let index = unsafe { shared(index) }.ok();
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        if let Ok(to) = unsafe { place("kind", kind) } {
            to.put(match index.as_ref().and_then(|index| index.label_kind()) {
                None => ANNOY_LABELS_NONE,
                Some(LabelKind::U64) => ANNOY_LABELS_U64,
                Some(LabelKind::Utf8) => ANNOY_LABELS_UTF8,
            });
        }
        index.map_or(0, |index| index.n_labels() as i64)
    })
}

/// An item's label, if it has one of the kind asked for.
fn number_of(index: &Index, item: i64) -> Result<Option<u64>> {
    match index.label(item)? {
        Some(Label::U64(number)) => Ok(Some(number)),
        Some(other) => other.kind().check(LabelKind::U64).map(|()| None),
        None => Ok(None),
    }
}

fn text_of(index: &Index, item: i64) -> Result<Option<&str>> {
    match index.label(item)? {
        Some(Label::Utf8(text)) => Ok(Some(text)),
        Some(other) => other.kind().check(LabelKind::Utf8).map(|()| None),
        None => Ok(None),
    }
}

fn no_label(item: i64) -> Error {
    Error::Label(format!("item {item} has no label"))
}

/// An item's label into `*label`. Legal in every state; on a loaded file nothing but that label is
/// read.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
/// `ANNOY_ERR_LABEL` when it has no label; `ANNOY_ERR_UNSUPPORTED` when labels are strings;
/// `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged.
///
/// # Safety
/// `index` is NULL or a live handle, `label` is NULL or points to room for
/// a number.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_label_u64(
    index: *const annoy_index,
    item: i64,
    label: *mut u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, label) = unsafe { (shared(index)?, place("label", label)?) };
        label.put(number_of(&index, item)?.ok_or_else(|| no_label(item))?);
        Ok(())
    })
}

/// Copies an item's label to `label`, which has room for `capacity` bytes, and its length to
/// `*len`: UTF-8, with no NUL behind it. `(NULL, 0)` for `label` asks how long it is. The rest
/// is as `annoy_get_label_u64`.
///
/// Errors: as there; `ANNOY_ERR_UNSUPPORTED` when labels are numbers; `ANNOY_ERR_TOO_SMALL`
/// when it is longer, with `*len` set and nothing copied.
///
/// # Safety
/// `index` is NULL or a live handle, `label` is NULL or has room for `capacity` bytes, `len` is
/// NULL or points to room for a `size_t`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_label(
    index: *const annoy_index,
    item: i64,
    label: *mut c_char,
    capacity: usize,
    len: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, len) = unsafe { (shared(index)?, place("len", len)?) };
        // SAFETY: as above.
        let to = unsafe { slice_mut("label", label.cast::<u8>(), capacity) }?;
        let text = text_of(&index, item)?.ok_or_else(|| no_label(item))?;
        len.put(text.len());
        let to = room(to, text.len())?;
        to.copy_from_slice(text.as_bytes());
        Ok(())
    })
}

/// The first `needed` bytes of the caller's room.
fn room(to: &mut [u8], needed: usize) -> Result<&mut [u8]> {
    let found = to.len();
    to.get_mut(..needed)
        .ok_or(Error::TooSmall { needed, found })
}

/// The labels of `n` items, such as a search found, into `labels`. An item without a label, and the
/// id -1, which a batch has in places left over, give `otherwise`. Legal in every state.
///
/// Errors: as `annoy_get_label_u64`, but for items without labels. Nothing is written on an error.
///
/// # Safety
/// `index` is NULL or a live handle, `items` is NULL or points to `n` ids,
/// `labels` is NULL or has room for `n` numbers.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_labels_u64(
    index: *const annoy_index,
    items: *const i64,
    n: usize,
    otherwise: u64,
    labels: *mut u64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, items) = unsafe { (shared(index)?, slice("items", items, n)?) };
        // SAFETY: as above.
        let labels = unsafe { slice_mut("labels", labels, n) }?;
        let found = all_of(items, |item| number_of(&index, item))?;
        for (to, label) in labels.iter_mut().zip(found) {
            *to = label.unwrap_or(otherwise);
        }
        Ok(())
    })
}

/// Copies the labels of `n` items, such as a search found, one behind the other to `labels`,
/// which has room for `capacity` bytes; their lengths to `lens`, and that of all to `*written`.
/// An item without a label, and the id -1, have -1 for a length. `(NULL, 0)` for `labels` asks
/// how much room they take. Legal in every state.
///
/// Errors: as `annoy_get_label`, but for items without labels. Nothing is written on an error,
/// but for `*written` on `ANNOY_ERR_TOO_SMALL`.
///
/// # Safety
/// `index` is NULL or a live handle, `items` is NULL or points to `n` ids, `labels` is NULL or
/// has room for `capacity` bytes, `lens` is NULL or has room for `n` numbers, `written` is NULL
/// or points to room for a `size_t`.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_labels(
    index: *const annoy_index,
    items: *const i64,
    n: usize,
    labels: *mut c_char,
    capacity: usize,
    lens: *mut i64,
    written: *mut usize,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, items) = unsafe { (shared(index)?, slice("items", items, n)?) };
        // SAFETY: as above.
        let to = unsafe { slice_mut("labels", labels.cast::<u8>(), capacity) }?;
        // SAFETY: as above.
        let (lens, written) = unsafe { (slice_mut("lens", lens, n)?, place("written", written)?) };
        let found = all_of(items, |item| text_of(&index, item))?;
        let needed = found.iter().flatten().map(|text| text.len()).sum();
        written.put(needed);
        let mut to = room(to, needed)?;
        for (len, text) in lens.iter_mut().zip(found) {
            *len = text.map_or(-1, |text| text.len() as i64);
            let (here, rest) = to.split_at_mut(text.map_or(0, str::len));
            here.copy_from_slice(text.unwrap_or_default().as_bytes());
            to = rest;
        }
        Ok(())
    })
}

/// The labels of all items, before any is handed over.
fn all_of<T>(items: &[i64], label: impl Fn(i64) -> Result<Option<T>>) -> Result<Vec<Option<T>>> {
    let mut found = Vec::new();
    reserve(&mut found, items.len())?;
    for &item in items {
        found.push(if item == -1 { None } else { label(item)? });
    }
    Ok(found)
}

fn not_found(label: Label<'_>) -> Error {
    Error::Label(format!("no item has the label {label}"))
}

/// The item with a label into `*item`. Legal in every state; on a loaded file little more than that
/// label is read.
///
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_LABEL` when no item has that label; `ANNOY_ERR_UNSUPPORTED`
/// when labels are strings; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged.
///
/// # Safety
/// `index` is NULL or a live handle, `item` is NULL or points to room for
/// an id.
#[no_mangle]
pub unsafe extern "C" fn annoy_find_label_u64(
    index: *const annoy_index,
    label: u64,
    item: *mut i64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, item) = unsafe { (shared(index)?, place("item", item)?) };
        item.put(
            index
                .find_label(label)?
                .ok_or_else(|| not_found(label.into()))?,
        );
        Ok(())
    })
}

/// The item with a label of `len` bytes of UTF-8 into `*item`. As `annoy_find_label_u64`.
///
/// Errors: as there; `ANNOY_ERR_UNSUPPORTED` when labels are numbers; `ANNOY_ERR_ARGUMENT` for what
/// is not UTF-8.
///
/// # Safety
/// As `annoy_find_label_u64`; `label` is NULL or points to `len` bytes.
#[no_mangle]
pub unsafe extern "C" fn annoy_find_label(
    index: *const annoy_index,
    label: *const c_char,
    len: usize,
    item: *mut i64,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, label) = unsafe { (shared(index)?, text(label, len)?) };
        // SAFETY: as above.
        let item = unsafe { place("item", item) }?;
        item.put(
            index
                .find_label(label)?
                .ok_or_else(|| not_found(label.into()))?,
        );
        Ok(())
    })
}
