//! What can go wrong. Every message names what was found and what was expected.

use crate::fault::{self, Kind};
use std::fmt::Display;
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
    #[error("cannot {action}{}: {source}", at(.path))]
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
    #[error("cannot get {bytes} bytes of memory: {reason}")]
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

fn at(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or(String::new(), |path| format!(" {path:?}"))
}

fn file(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or("the buffer".to_string(), |path| format!("{path:?}"))
}

fn at_node(node: &Option<usize>) -> String {
    node.map_or(String::new(), |node| format!(" at node {node}"))
}

fn of_item(id: &Option<i64>) -> String {
    id.map_or(String::new(), |id| format!(" of item {id}"))
}

impl Error {
    pub(crate) fn argument(
        name: &'static str,
        found: impl Display,
        expected: impl Into<String>,
    ) -> Self {
        Error::Argument {
            name,
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    pub(crate) fn io<'a>(
        action: &'static str,
        path: impl Into<Option<&'a Path>>,
        source: io::Error,
    ) -> Self {
        Error::Io {
            action,
            path: path.into().map(Path::to_path_buf),
            source,
        }
    }

    pub(crate) fn no_memory(bytes: usize, reason: impl Display) -> Self {
        Error::NoMemory {
            bytes: bytes as u64,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn corrupt(node: usize, reason: impl Into<String>) -> Self {
        Error::Corrupt {
            node: Some(node),
            reason: reason.into(),
        }
    }
}

/// Makes room in a vector whose length depends on the number of items: running out of memory there is an error, not
/// the end of the process.
#[inline]
pub(crate) fn reserve<T>(vector: &mut Vec<T>, additional: usize) -> Result<()> {
    if vector.capacity() - vector.len() >= additional {
        return Ok(());
    }
    enlarge(vector, additional)
}

#[cold]
fn enlarge<T>(vector: &mut Vec<T>, additional: usize) -> Result<()> {
    let bytes = additional.saturating_mul(size_of::<T>());
    fault::check(Kind::Memory).map_err(|reason| Error::no_memory(bytes, reason))?;
    vector
        .try_reserve(additional)
        .map_err(|reason| Error::no_memory(bytes, reason))
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
