//! A finished file: read here and there, mapped, copied to memory, or there already.

use super::{Bytes, FileId, HeapBytes};
use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use crate::memory;
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What is to be loaded: a regular file, open for reading, or the bytes of one.
pub struct Source {
    place: Place,
    len: u64,
}

enum Place {
    File {
        file: File,
        path: PathBuf,
        access: Access,
        id: Option<FileId>,
    },
    Memory(Bytes),
}

const IS_DIRECTORY: &str = "it is a directory, expected a regular file";

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
    /// Opens a file, to be held as `access` says, and looks at its size.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be opened or is not a regular file.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let fail = |action, source| Error::io(action, path, source);
        let file = fault::check(Kind::Open)
            .and_then(|()| open_without_waiting(path))
            .map_err(|e| fail("open", e))?;
        let found = fault::check(Kind::Read)
            .and_then(|()| file.metadata())
            .map_err(|e| fail("read the size of", e))?;
        if !found.is_file() {
            let what = if found.is_dir() {
                IS_DIRECTORY
            } else {
                "it is a device, pipe or socket, expected a regular file"
            };
            let error = io::Error::new(io::ErrorKind::InvalidInput, what);
            return Err(fail("open", error));
        }
        Ok(Source {
            len: found.len(),
            place: Place::File {
                file,
                path: memory::path(path)?,
                access,
                id: FileId::of(&found),
            },
        })
    }

    /// Bytes in the file when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Its name; bytes in memory have none.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File { path, .. } => Some(path),
            Place::Memory(_) => None,
        }
    }

    /// Reads the bytes at a place, without mapping them. They must be there, as far as the length
    /// tells.
    ///
    /// # Errors
    /// [`Error::Io`], also when the file has become shorter.
    pub fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        match &self.place {
            Place::File { file, path, .. } => read_at(file, path, offset, bytes),
            Place::Memory(all) => {
                bytes.copy_from_slice(&all[offset as usize..][..bytes.len()]);
                Ok(())
            }
        }
    }

    /// All its bytes; it must not be empty.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NoMemory`] for a copy.
    pub fn into_bytes(self) -> Result<FileBytes> {
        let len = usize::try_from(self.len)
            .map_err(|_| Error::no_memory(usize::MAX, "more than can be addressed"))?;
        let (file, path, access, id) = match self.place {
            Place::File {
                file,
                path,
                access,
                id,
            } => (file, path, access, id),
            Place::Memory(bytes) => return Ok(FileBytes::Memory(bytes)),
        };
        if access == Access::Copy {
            let mut copy = HeapBytes::default();
            copy.resize(len)?;
            read_at(&file, &path, 0, copy.bytes_mut())?;
            return Ok(FileBytes::Copy(copy));
        }
        let mut options = MmapOptions::new();
        // The size is known: asking for it once more would cost as much as the map itself.
        options.len(len);
        if access == Access::MapPrefaulted {
            options.populate();
        }
        let fail = |source| Error::io("map", path.as_path(), source);
        fault::check(Kind::Map).map_err(fail)?;
        // SAFETY: the map is read-only and private to this value; that nobody shortens or rewrites
        // the file is the documented contract of `annoy_load`. Every value read from it is treated
        // as hostile.
        let map = unsafe { options.map(&file) }.map_err(fail)?;
        Ok(FileBytes::Map(map, id))
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Source {
            len: bytes.len() as u64,
            place: Place::Memory(bytes),
        }
    }
}

fn read_at(file: &File, path: &Path, offset: u64, bytes: &mut [u8]) -> Result<()> {
    fault::check(Kind::Read)
        .and_then(|()| read_exact_at(file, offset, bytes))
        .map_err(|e| Error::io("read", path, e))
}

/// Opening a pipe that nobody writes to would wait for ever.
#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}

/// Windows opens no directory, and says that access is denied.
#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(_) if path.is_dir() => Err(io::Error::new(io::ErrorKind::InvalidInput, IS_DIRECTORY)),
        opened => opened,
    }
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
/// The contract of every memory-mapped reader holds for those: nobody may shorten the file while it
/// is mapped (the system would deliver SIGBUS), nor rewrite it in place. Replacing it by rename, as
/// our save does, is fine.
pub enum FileBytes {
    Map(Mmap, Option<FileId>),
    Copy(HeapBytes),
    Memory(Bytes),
}

impl FileBytes {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            FileBytes::Map(map, _) => map,
            FileBytes::Copy(copy) => copy.bytes(),
            FileBytes::Memory(bytes) => bytes,
        }
    }
    /// The file that they are mapped from.
    pub fn mapped(&self) -> Option<FileId> {
        match self {
            FileBytes::Map(_, id) => *id,
            _ => None,
        }
    }
}
