//! A finished file, mapped read-only.

use crate::error::{Error, Result};
use memmap2::{Mmap, MmapOptions};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// A file mapped for reading. Pages come in as they are touched and are shared between processes.
///
/// The contract of every memory-mapped reader holds: nobody may shorten the file while it is mapped (the system would
/// deliver SIGBUS), nor rewrite it in place. Replacing it by rename, as our save does, is fine.
pub struct FileMap {
    map: Mmap,
}

impl FileMap {
    /// Maps a whole file; `prefault` reads it in at once.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened, is not a regular file, or cannot be mapped; [`Error::Format`] when empty.
    pub fn open(path: &Path, prefault: bool, expected: &str) -> Result<Self> {
        let fail = |action, source| Error::io(action, path, source);
        // Asked before opening: opening a pipe nobody writes to would wait for ever.
        let kind = fs::metadata(path).map_err(|e| fail("open", e))?;
        if !kind.is_file() {
            let what = if kind.is_dir() {
                "it is a directory, expected a regular file"
            } else {
                "it is a device, pipe or socket, expected a regular file"
            };
            return Err(fail(
                "open",
                io::Error::new(io::ErrorKind::InvalidInput, what),
            ));
        }
        let file = File::open(path).map_err(|e| fail("open", e))?;
        let len = file
            .metadata()
            .map_err(|e| fail("read the size of", e))?
            .len();
        if len == 0 {
            return Err(Error::Format {
                path: path.to_path_buf(),
                expected: expected.to_string(),
                reason: "the file is empty, expected at least one node".to_string(),
            });
        }
        let mut options = MmapOptions::new();
        if prefault {
            options.populate();
        }
        // SAFETY: the map is read-only and private to this value; that nobody shortens or rewrites the file is the
        // documented contract of `annoy_load`. Every value read from it is treated as hostile.
        let map = unsafe { options.map(&file) }.map_err(|e| fail("map", e))?;
        Ok(FileMap { map })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}
