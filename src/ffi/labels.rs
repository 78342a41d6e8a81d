//! Names of items: numbers or strings, one kind in an index, no two items alike.

use super::either::Either;
use super::guard::{either, exclusive, guard, place, slice, slice_mut};
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

/// For callers.
pub(super) fn label_kind(kind: Option<LabelKind>) -> annoy_label_kind {
    match kind {
        None => ANNOY_LABELS_NONE,
        Some(LabelKind::U64) => ANNOY_LABELS_U64,
        Some(LabelKind::Utf8) => ANNOY_LABELS_UTF8,
    }
}

/// The caller's string.
///
/// # Safety
/// `label` is NULL or points to `len` bytes that stay as they are.
unsafe fn text<'a>(label: *const c_char, len: usize) -> Result<&'a str> {
    // SAFETY: handed on.
    utf8(unsafe { slice("label", label.cast::<u8>(), len) }?)
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let found = format!("the byte {:#04x} at {at}", bytes[at]);
        Error::argument("label", found, "UTF-8")
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

/// Labels of the caller's, all of one kind. Zero everything, then set `struct_size` and what is
/// there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct annoy_labels {
    /// `sizeof(annoy_labels)`.
    pub struct_size: usize,
    /// `ANNOY_LABELS_U64` or `ANNOY_LABELS_UTF8`; `ANNOY_LABELS_NONE`, with all pointers NULL,
    /// where `annoy_set_labels` is to take labels away.
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

/// Gives labels to items, all or none: label `i` to item `items[i]`, or, where `items` is NULL, to
/// item `i`, in place of the one it had. Of labels for the same item the last counts; items may
/// swap labels. Strings are copied; they may be empty, and may have NULs among their bytes.
///
/// Labels of kind `ANNOY_LABELS_NONE` take the labels of the `n` items away; nothing happens to an
/// item that has none. Where `items` is NULL and `n` is 0, they take all labels away: those to come
/// may then be of the other kind.
///
/// Legal in every state. Labels go along when the index is saved, and the file of an on-disk build
/// has those given before the build. The first change on a loaded file copies the labels there are
/// to memory.
///
/// Errors: `ANNOY_ERR_NULL`, also for labels of kind `ANNOY_LABELS_NONE` without `items` where `n`
/// is not 0; `ANNOY_ERR_ITEM` for an id that the index does not have; `ANNOY_ERR_LABEL` when
/// another item has that label; `ANNOY_ERR_UNSUPPORTED` for strings where the index has numbers,
/// and the other way; `ANNOY_ERR_ARGUMENT` for a kind that is none of the three, one of
/// `ANNOY_LABELS_NONE` where there are numbers or strings, offsets that descend, or what is not
/// UTF-8; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CORRUPT` when the labels of a loaded file cannot be
/// copied. The message names the item. On an error all labels are as before.
///
/// # Safety
/// `index` is NULL or a live handle; `items` is NULL or points to as many ids as there are labels,
/// `labels` is NULL or points to an `annoy_labels` whose pointers are NULL or as it says.
#[no_mangle]
pub unsafe extern "C" fn annoy_set_labels(
    index: *mut annoy_index,
    items: *const i64,
    labels: *const annoy_labels,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: handed on.
        let given = unsafe { read(labels) }?.ok_or(Error::Null("labels"))?;
        if given.kind == ANNOY_LABELS_NONE && given.is_bare() {
            // SAFETY: NULL is checked, the rest is the caller's part as documented.
            let (mut index, ids) = unsafe { (exclusive(index)?, slice("items", items, given.n)?) };
            return clear(&mut index, (!items.is_null()).then_some(ids));
        }
        // SAFETY: as the caller's struct says, by their word.
        let labels = unsafe { GivenLabels::of(&given) }?;
        // SAFETY: as above.
        let (mut index, items) = unsafe { (exclusive(index)?, ids(items, labels.n())?) };
        index.set_labels(items, (0..labels.n()).map(|i| labels.get(i)))
    })
}

/// Takes the labels of items away, or all.
fn clear(index: &mut Index, ids: Option<&[i64]>) -> Result<()> {
    let Some(ids) = ids else {
        index.clear_labels();
        return Ok(());
    };
    // A wrong id is found before anything is cleared; what else can fail fails at the first.
    let n_items = index.n_items() as i64;
    let wrong = ids.iter().find(|id| !(0..n_items).contains(*id));
    let mut ids = wrong.into_iter().chain(ids);
    ids.try_for_each(|&id| index.clear_label(id))
}

impl annoy_labels {
    /// Whether there are neither numbers nor strings.
    fn is_bare(&self) -> bool {
        self.numbers.is_null() && self.bytes.is_null() && self.offsets.is_null()
    }
}

/// The caller's struct, None for NULL.
///
/// # Safety
/// `labels` is NULL or points to an `annoy_labels`.
unsafe fn read(labels: *const annoy_labels) -> Result<Option<annoy_labels>> {
    if labels.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; as large as it says by the caller's word.
    let given = unsafe { sized::read(labels) }?;
    match given.reserved {
        0 => Ok(Some(given)),
        reserved => Err(Error::argument("reserved", reserved, "0")),
    }
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
        // SAFETY: handed on.
        let given = unsafe { read(labels) }?;
        // SAFETY: handed on.
        given.map(|given| unsafe { Self::of(&given) }).transpose()
    }

    /// # Safety
    /// The pointers are NULL or as the struct says, for as long as the labels are used.
    unsafe fn of(given: &annoy_labels) -> Result<Self> {
        let n = given.n;
        match given.kind {
            ANNOY_LABELS_U64 => {
                // SAFETY: NULL is checked, the rest is the caller's part as documented.
                let numbers = unsafe { slice("numbers", given.numbers, n) }?;
                Ok(GivenLabels::Numbers(numbers))
            }
            ANNOY_LABELS_UTF8 if n == 0 => Ok(GivenLabels::Numbers(&[])),
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
                    utf8(label)?;
                }
                Ok(GivenLabels::Texts { bytes, offsets })
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

/// An item's label, if it has one of the kind asked for.
fn number_of(index: &Either<'_>, item: i64) -> Result<Option<u64>> {
    match index.label(item)? {
        Some(Label::U64(number)) => Ok(Some(number)),
        Some(other) => other.kind().check(LabelKind::U64).map(|()| None),
        None => Ok(None),
    }
}

fn text_of<'a>(index: &'a Either<'_>, item: i64) -> Result<Option<&'a str>> {
    match index.label(item)? {
        Some(Label::Utf8(text)) => Ok(Some(text)),
        Some(other) => other.kind().check(LabelKind::Utf8).map(|()| None),
        None => Ok(None),
    }
}

/// The labels of `n` items, such as a search found, into `labels`. `found[i]` gets 1 where item `i`
/// has a label, and 0 where it has none, or where its id is -1, which a batch has in places left
/// over: then `labels[i]` gets 0. `found` may be NULL: then each item must have a label.
///
/// Legal in every state. Of a loaded file only those labels are read.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
/// `ANNOY_ERR_LABEL` for an item without a label where `found` is NULL; `ANNOY_ERR_UNSUPPORTED`
/// when labels are strings; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged. Nothing
/// is written on an error.
///
/// # Safety
/// `index` is NULL or a live handle, `items` is NULL or points to `n` ids, `labels` is NULL or has
/// room for `n` numbers, `found` is NULL or has room for `n` bytes.
#[no_mangle]
pub unsafe extern "C" fn annoy_get_labels_u64(
    index: *const annoy_index,
    items: *const i64,
    n: usize,
    labels: *mut u64,
    found: *mut u8,
    error: *mut annoy_error,
) -> annoy_status {
    guard(error, || {
        // SAFETY: NULL is checked, the rest is the caller's part as documented.
        let (index, items) = unsafe { (either(index)?, slice("items", items, n)?) };
        // SAFETY: as above.
        let (labels, found) = unsafe {
            (
                slice_mut("labels", labels, n)?,
                optional("found", found, n)?,
            )
        };
        let read = all_of(items, found.is_none(), |item| number_of(&index, item))?;
        for (to, label) in labels.iter_mut().zip(&read) {
            *to = label.unwrap_or(0);
        }
        for (to, label) in found.into_iter().flatten().zip(&read) {
            *to = label.is_some().into();
        }
        Ok(())
    })
}

/// Copies the labels of `n` items, such as a search found, one behind the other to `labels`, which
/// has room for `capacity` bytes; their lengths to `lens`, and that of all to `*written`. They are
/// UTF-8, with no NUL behind them. An item without a label, and the id -1, have -1 for a length.
/// `lens` may be NULL: then each item must have a label. `(NULL, 0)` for `labels` asks how much
/// room they take.
///
/// Legal in every state. Of a loaded file only those labels are read.
/// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
/// `ANNOY_ERR_LABEL` for an item without a label where `lens` is NULL; `ANNOY_ERR_UNSUPPORTED` when
/// labels are numbers; `ANNOY_ERR_TOO_SMALL`; `ANNOY_ERR_CORRUPT` when a loaded file turns out to
/// be damaged. Nothing is written on an error, but for `*written` on `ANNOY_ERR_TOO_SMALL`.
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
        let (index, items) = unsafe { (either(index)?, slice("items", items, n)?) };
        // SAFETY: as above.
        let to = unsafe { slice_mut("labels", labels.cast::<u8>(), capacity) }?;
        // SAFETY: as above.
        let (lens, written) = unsafe { (optional("lens", lens, n)?, place("written", written)?) };
        let read = all_of(items, lens.is_none(), |item| text_of(&index, item))?;
        let needed = read.iter().flatten().map(|text| text.len()).sum();
        written.put(needed);
        let mut to = room(to, needed)?;
        for text in read.iter().flatten() {
            let (here, rest) = to.split_at_mut(text.len());
            here.copy_from_slice(text.as_bytes());
            to = rest;
        }
        for (len, text) in lens.into_iter().flatten().zip(&read) {
            *len = text.map_or(-1, |text| text.len() as i64);
        }
        Ok(())
    })
}

/// The caller's room for `n` values, None for NULL.
///
/// # Safety
/// `to` is NULL or has room for `n` values, which nobody else uses meanwhile.
unsafe fn optional<'a, T>(name: &'static str, to: *mut T, n: usize) -> Result<Option<&'a mut [T]>> {
    if to.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; room for n by the caller's word.
    unsafe { slice_mut(name, to, n) }.map(Some)
}

/// The first `needed` bytes of the caller's room.
fn room(to: &mut [u8], needed: usize) -> Result<&mut [u8]> {
    let found = to.len();
    to.get_mut(..needed)
        .ok_or(Error::TooSmall { needed, found })
}

/// The labels of all items, before any is handed over. Where `each` is set, none may be missing.
fn all_of<T>(
    items: &[i64],
    each: bool,
    label: impl Fn(i64) -> Result<Option<T>>,
) -> Result<Vec<Option<T>>> {
    let mut found = Vec::new();
    reserve(&mut found, items.len())?;
    for &item in items {
        found.push(match item {
            -1 if !each => None,
            _ => label(item)?,
        });
        if each && found.last().is_some_and(Option::is_none) {
            return Err(Error::Label(format!("item {item} has no label")));
        }
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
        let (index, item) = unsafe { (either(index)?, place("item", item)?) };
        item.put(
            index
                .find_label(label.into())?
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
        let (index, label) = unsafe { (either(index)?, text(label, len)?) };
        // SAFETY: as above.
        let item = unsafe { place("item", item) }?;
        item.put(
            index
                .find_label(label.into())?
                .ok_or_else(|| not_found(label.into()))?,
        );
        Ok(())
    })
}
