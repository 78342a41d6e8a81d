//! Index files: written whole or not at all, opened with suspicion.

use crate::error::{Error, Result};
use crate::forest::roots::Roots;
use crate::layout::{NodeLayout, Nodes};
use crate::storage::{FileMap, PendingFile};
use std::io::Write;
use std::path::Path;

/// A file found to be an index.
pub struct OpenFile {
    /// Its bytes.
    pub map: FileMap,
    /// How its nodes are laid out.
    pub layout: NodeLayout,
    /// Its trees.
    pub roots: Roots,
}

/// Writes a file under a temporary name, makes it durable, and gives it its name.
///
/// # Errors
/// [`Error::Io`]; what the name held before is then still there.
pub fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut pending = PendingFile::create(path)?;
    let mut file = pending.file();
    file.write_all(bytes)
        .map_err(|source| Error::io("write", path, source))?;
    pending.publish()
}

/// Maps a file and finds out which of the `candidates` its layout is: the first in which it holds together, by the
/// word of `find`.
///
/// # Errors
/// [`Error::Io`], or [`Error::Format`] that says what was tried and why it did not fit.
pub fn open(
    path: &Path,
    prefault: bool,
    candidates: Vec<NodeLayout>,
    find: impl Fn(&Nodes<'_>) -> Result<Roots, String>,
) -> Result<OpenFile> {
    let expected = candidates[0].describe();
    let map = FileMap::open(path, prefault, &expected)?;
    let size = map.bytes().len();
    let mut reasons = Vec::new();
    for layout in candidates {
        let found = if size % layout.node_size == 0 {
            find(&Nodes::new(map.bytes(), &layout))
        } else {
            Err(format!(
                "its size of {size} bytes is not a multiple of the node size {}",
                layout.node_size
            ))
        };
        match found {
            Ok(roots) => return Ok(OpenFile { map, layout, roots }),
            Err(reason) => reasons.push(format!("as layout {}, {reason}", layout.flavor.name())),
        }
    }
    Err(Error::Format {
        path: path.to_path_buf(),
        expected,
        reason: reasons.join("; "),
    })
}
