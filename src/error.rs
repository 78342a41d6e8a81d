//! What can go wrong. Every message names what was found and what was expected.

pub(crate) use crate::memory::reserve;
use crate::memory::{self, text};
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

/// The error of every fallible call of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A required pointer was NULL (C ABI only).
    #[error("{0} is NULL, expected a valid pointer")]
    Null(&'static str),

    /// A parameter has a value it cannot have.
    #[error("{name} is {found}, expected {expected}")]
    Argument {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },

    /// A vector has the wrong length.
    #[error("vector has {found} {unit}, expected {expected}")]
    Dimension {
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
        /// What is counted: "values" or "words".
        unit: &'static str,
    },

    /// An item id that the index does not have or cannot have.
    #[error("item id is {id}, expected {expected}")]
    Item {
        /// The id.
        id: i64,
        /// The ids that would do.
        expected: String,
    },

    /// A label that is another item's already, or that is not there.
    #[error("{0}")]
    Label(String),

    /// The call is not legal in the state the index is in.
    #[error("cannot {operation}: the index is {state}, expected {expected}")]
    State {
        /// The call.
        operation: &'static str,
        /// The state found.
        state: &'static str,
        /// The states in which the call is legal.
        expected: &'static str,
    },

    /// The operating system refused something.
    #[error("cannot {action}{}: {}", at(.path), said_by(.source))]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file; none for a writer of the caller's.
        path: Option<PathBuf>,
        /// The system's answer.
        source: io::Error,
    },

    /// A file that is not an index of the expected kind.
    #[error("{} is not {expected}: {reason}", file(.path))]
    Format {
        /// The file; none for bytes in memory.
        path: Option<PathBuf>,
        /// What the index is: metric, f, types; with its article.
        expected: String,
        /// What was found.
        reason: String,
    },

    /// A loaded file turned out to be damaged.
    #[error("the index is corrupt{}: {reason}", at_node(.node))]
    Corrupt {
        /// The node; none where it is about a section or the file as a whole.
        node: Option<usize>,
        /// What is wrong with it.
        reason: String,
    },

    /// NaN or infinity in a vector.
    #[error("value {position} of the vector{} is {value}, expected a finite number", of_item(.id))]
    NotFinite {
        /// The item the vector is for; none for a query.
        id: Option<i64>,
        /// Index of the first such value.
        position: usize,
        /// The value.
        value: f64,
    },

    /// Memory could not be had.
    #[error("cannot get {bytes} bytes of memory{}", because(.reason))]
    NoMemory {
        /// How many bytes were asked for.
        bytes: u64,
        /// The system's answer.
        reason: String,
    },

    /// The caller told the call to give up.
    #[error("cancelled")]
    Cancelled,

    /// The caller's room is too small.
    #[error("there is room for {found}, expected {needed}")]
    TooSmall {
        /// How much is needed.
        needed: usize,
        /// How much there is.
        found: usize,
    },

    /// Something this build or this index cannot do.
    #[error("{0}")]
    Unsupported(String),

    /// A bug in this library; the handle refuses further work (C ABI only).
    #[error("internal error: {0}")]
    Panic(String),
}

/// Displays what a function writes.
struct Shown<F>(F);

impl<F: Fn(&mut Formatter<'_>) -> fmt::Result> Display for Shown<F> {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        self.0(to)
    }
}

fn at(path: &Option<PathBuf>) -> impl Display + '_ {
    Shown(move |to: &mut Formatter<'_>| match path {
        Some(path) => write!(to, " {path:?}"),
        None => Ok(()),
    })
}

fn file(path: &Option<PathBuf>) -> impl Display + '_ {
    Shown(move |to: &mut Formatter<'_>| match path {
        Some(path) => write!(to, "{path:?}"),
        None => to.write_str("the buffer"),
    })
}

fn at_node(node: &Option<usize>) -> impl Display {
    let node = *node;
    Shown(move |to: &mut Formatter<'_>| match node {
        Some(node) => write!(to, " at node {node}"),
        None => Ok(()),
    })
}

fn of_item(id: &Option<i64>) -> impl Display {
    let id = *id;
    Shown(move |to: &mut Formatter<'_>| match id {
        Some(id) => write!(to, " of item {id}"),
        None => Ok(()),
    })
}

/// What the system says, in no memory of its own.
pub(crate) fn said_by(source: &io::Error) -> impl Display + '_ {
    Shown(move |to: &mut Formatter<'_>| match source.raw_os_error() {
        Some(number) => crate::storage::describe_os_error(number, to),
        None => write!(to, "{source}"),
    })
}

/// Nothing where there was no memory to say it.
fn because(reason: &str) -> impl Display + '_ {
    Shown(move |to: &mut Formatter<'_>| match reason {
        "" => Ok(()),
        reason => write!(to, ": {reason}"),
    })
}

impl Error {
    #[cold]
    #[inline(never)]
    pub(crate) fn argument(
        name: &'static str,
        found: impl Display,
        expected: impl Display,
    ) -> Self {
        Error::Argument {
            name,
            found: text(found),
            expected: text(expected),
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn io<'a>(
        action: &'static str,
        path: impl Into<Option<&'a Path>>,
        source: io::Error,
    ) -> Self {
        Error::Io {
            action,
            path: path.into().and_then(|path| memory::try_path(path).ok()),
            source,
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn no_memory(bytes: usize, reason: impl Display) -> Self {
        Error::NoMemory {
            bytes: bytes as u64,
            reason: text(reason),
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn corrupt(node: usize, reason: impl Display) -> Self {
        Error::Corrupt {
            node: Some(node),
            reason: text(reason),
        }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
