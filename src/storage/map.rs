//! A finished file: read here and there, mapped, or copied to memory.

use super::HeapBytes;
use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use memmap2::{Mmap, MmapOptions};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A regular file, open for reading.
pub struct Source {
    file: File,
    path: PathBuf,
    len: u64,
}

/// How the bytes of a file are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Mapped: pages come in as they are touched.
    Map,
    /// Mapped, and read in at once.
    MapPrefaulted,
    /// Copied to memory of our own: what happens to the file then is of no concern.
    Copy,
}

impl Source {
    /// Opens a file and looks at its size.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened or is not a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |action, source| Error::io(action, path, source);
        let file = fault::check(Kind::Open)
            .and_then(|()| open_without_waiting(path))
            .map_err(|e| fail("open", e))?;
        let found = fault::check(Kind::Read)
            .and_then(|()| file.metadata())
            .map_err(|e| fail("read the size of", e))?;
        if !found.is_file() {
            let what = if found.is_dir() {
                "it is a directory, expected a regular file"
            } else {
                "it is a device, pipe or socket, expected a regular file"
            };
            let error = io::Error::new(io::ErrorKind::InvalidInput, what);
            return Err(fail("open", error));
        }
        Ok(Source {
            file,
            path: path.to_path_buf(),
            len: found.len(),
        })
    }

    /// Bytes in the file when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the bytes at a place, without mapping them.
    ///
    /// # Errors
    /// [`Error::Io`], also when they are not there.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        fault::check(Kind::Read)
            .and_then(|()| read_exact_at(&self.file, offset, bytes))
            .map_err(|e| Error::io("read", &self.path, e))
    }

    /// All its bytes; it must not be empty.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NoMemory`] for a copy.
    pub fn bytes(&self, access: Access) -> Result<FileBytes> {
        let fail = |action, source| Error::io(action, &self.path, source);
        let len = usize::try_from(self.len)
            .map_err(|_| Error::no_memory(usize::MAX, "more than can be addressed"))?;
        if access == Access::Copy {
            let mut copy = HeapBytes::default();
            copy.resize(len)?;
            self.read_at(0, copy.bytes_mut())?;
            return Ok(FileBytes::Copy(copy));
        }
        let mut options = MmapOptions::new();
        // The size is known: asking for it once more would cost as much as the map itself.
        options.len(len);
        if access == Access::MapPrefaulted {
            options.populate();
        }
        fault::check(Kind::Map).map_err(|e| fail("map", e))?;
        // SAFETY: the map is read-only and private to this value; that nobody shortens or rewrites the file is the
        // documented contract of `annoy_load`. Every value read from it is treated as hostile.
        let map = unsafe { options.map(&self.file) }.map_err(|e| fail("map", e))?;
        Ok(FileBytes::Map(map))
    }
}

/// Opening a pipe that nobody writes to would wait for ever.
#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

/// The bytes of a finished file. Maps are shared between processes.
///
/// The contract of every memory-mapped reader holds for those: nobody may shorten the file while it is mapped (the system
/// would deliver SIGBUS), nor rewrite it in place. Replacing it by rename, as our save does, is fine.
pub enum FileBytes {
    Map(Mmap),
    Copy(HeapBytes),
}

impl FileBytes {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            FileBytes::Map(map) => map,
            FileBytes::Copy(copy) => copy.bytes(),
        }
    }
}
