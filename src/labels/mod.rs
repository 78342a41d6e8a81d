//! Labels: the names that items have outside the index, numbers or strings, one kind in an index,
//! no two items alike.
//!
//! - [`memory`]: those that are being given.
//! - [`section`]: those of a file, looked up where they lie.
//! - [`encode`]: making that.
//! - [`check`]: looking at a whole section.

mod check;
pub mod encode;
pub mod memory;
pub mod section;

use crate::error::{Error, Result};
use std::fmt;

/// What the labels of an index are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// Numbers of 64 bits.
    U64,
    /// Strings.
    Utf8,
}

impl LabelKind {
    /// For messages.
    fn name(self) -> &'static str {
        match self {
            LabelKind::U64 => "numbers",
            LabelKind::Utf8 => "strings",
        }
    }

    /// Whether labels that are given or asked for are of the kind there is.
    pub(crate) fn check(self, given: LabelKind) -> Result<()> {
        if self == given {
            return Ok(());
        }
        Err(Error::Unsupported(format!(
            "the labels of the index are {}, not {}",
            self.name(),
            given.name()
        )))
    }
}

/// A label of an item. Numbers come before strings, and those in the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label<'a> {
    /// A number.
    U64(u64),
    /// A string, which may be empty.
    Utf8(&'a str),
}

impl Label<'_> {
    /// What it is.
    pub fn kind(self) -> LabelKind {
        match self {
            Label::U64(_) => LabelKind::U64,
            Label::Utf8(_) => LabelKind::Utf8,
        }
    }
}

impl From<u64> for Label<'_> {
    fn from(number: u64) -> Self {
        Label::U64(number)
    }
}

impl<'a> From<&'a str> for Label<'a> {
    fn from(text: &'a str) -> Self {
        Label::Utf8(text)
    }
}

impl<'a> From<&'a String> for Label<'a> {
    fn from(text: &'a String) -> Self {
        Label::Utf8(text)
    }
}

/// The most characters of a label in a message.
const SHOWN: usize = 60;

/// For messages: long strings are cut off.
impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::U64(number) => write!(f, "{number}"),
            Label::Utf8(text) => match text.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "{:?}... ({} bytes)", &text[..end], text.len()),
                None => write!(f, "{text:?}"),
            },
        }
    }
}

/// A label that is kept.
#[derive(Debug)]
pub enum Owned {
    U64(u64),
    Utf8(Box<str>),
}

impl Owned {
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn copy_of(label: Label<'_>) -> Result<Self> {
        Ok(match label {
            Label::U64(number) => Owned::U64(number),
            Label::Utf8(text) => {
                // Checked already, as it came from a string; this never fails.
                let copy = Owned::copy_of_bytes(text.as_bytes())?;
                copy.unwrap_or(Owned::Utf8(Box::default()))
            }
        })
    }

    /// The string of these bytes, if they are one. Looked at when they are copied: a file's may be
    /// changing.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn copy_of_bytes(bytes: &[u8]) -> Result<Option<Self>> {
        // No more room than it needs: making a box of it would give the rest back, and ask for
        // memory again.
        let text = String::from_utf8(crate::memory::copy(bytes)?).ok();
        Ok(text.map(|text| Owned::Utf8(text.into_boxed_str())))
    }

    pub fn as_label(&self) -> Label<'_> {
        match self {
            Owned::U64(number) => Label::U64(*number),
            Owned::Utf8(text) => Label::Utf8(text),
        }
    }
}

/// Where the search for a label starts among `n_slots` slots: they are divided evenly among the
/// hashes.
fn home(hash: u64, n_slots: usize) -> usize {
    ((u128::from(hash) * n_slots as u128) >> 64) as usize
}
