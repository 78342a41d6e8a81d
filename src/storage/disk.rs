//! A file mapped for writing while an index is built in it.

use super::{system, PendingFile};
use crate::error::{Error, Result};
use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A growing file under a temporary name, mapped, that takes its final name when the build is done.
///
/// Blocks are reserved before they are written to, so a full disk is an error of [`resize`](Self::resize).
pub struct DiskBytes {
    file: Backing,
    target: PathBuf,
    map: Option<MmapMut>,
    len: usize,
}

enum Backing {
    Pending(PendingFile),
    Published(File),
    /// Only while one becomes the other.
    Lost,
}

impl Backing {
    fn file(&self) -> io::Result<&File> {
        match self {
            Backing::Pending(pending) => Ok(pending.file()),
            Backing::Published(file) => Ok(file),
            Backing::Lost => Err(io::Error::other("publishing the file failed before")),
        }
    }
}

impl DiskBytes {
    /// An empty file that will be called `target`.
    ///
    /// # Errors
    /// As [`PendingFile::create`].
    pub fn create(target: &Path) -> Result<Self> {
        let pending = PendingFile::create(target)?;
        Ok(DiskBytes {
            target: pending.target().to_path_buf(),
            file: Backing::Pending(pending),
            map: None,
            len: 0,
        })
    }

    /// The name the file has or will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    fn error(&self, action: &'static str) -> impl Fn(io::Error) -> Error + '_ {
        move |source| Error::io(action, &self.target, source)
    }

    /// Sets the length. New bytes are zero.
    ///
    /// # Errors
    /// [`Error::Io`]; the bytes are then as before.
    pub fn resize(&mut self, len: usize) -> Result<()> {
        let capacity = self.map.as_ref().map_or(0, |map| map.len());
        if len > capacity {
            let roomy = capacity.saturating_add(capacity / 2).max(1 << 16);
            if len >= roomy || self.grow(capacity, roomy).is_err() {
                self.grow(capacity, len)?;
            }
        }
        if let (Some(map), true) = (&mut self.map, len < self.len) {
            map[len..self.len].fill(0);
        }
        self.len = len;
        Ok(())
    }

    fn grow(&mut self, old: usize, capacity: usize) -> Result<()> {
        let file = self.file.file().map_err(self.error("grow"))?;
        system::reserve_file(file, old as u64, capacity as u64).map_err(self.error("grow"))?;
        let map = map_file(file, capacity).map_err(self.error("map"))?;
        self.map = Some(map);
        Ok(())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_ref().map_or(&[], |map| &map[..self.len])
    }

    /// The bytes, for writing.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let len = self.len;
        self.map.as_mut().map_or(&mut [], |map| &mut map[..len])
    }

    /// The bytes so far, beside a writer that appends to the file behind them.
    ///
    /// # Errors
    /// [`Error::Io`] when the file was lost.
    pub fn tail(&mut self) -> Result<(&[u8], DiskTail<'_>)> {
        let file = self.file.file().map_err(self.error("write"))?;
        let tail = DiskTail {
            file,
            target: &self.target,
            end: self.len as u64,
        };
        Ok((self.bytes(), tail))
    }

    /// Takes in what a [`DiskTail`] wrote, up to `len`; what lies beyond is cut off.
    ///
    /// # Errors
    /// [`Error::Io`]; the bytes are then as before.
    pub fn adopt(&mut self, len: usize) -> Result<()> {
        let file = self.file.file().map_err(self.error("truncate"))?;
        file.set_len(len as u64).map_err(self.error("truncate"))?;
        let map = map_file(file, len).map_err(self.error("map"))?;
        self.map = (len > 0).then_some(map);
        self.len = len;
        Ok(())
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is then gone and only its bytes in memory are left.
    pub fn publish(&mut self) -> Result<()> {
        if let Some(map) = &self.map {
            map.flush().map_err(self.error("write"))?;
        }
        if let Backing::Pending(pending) = std::mem::replace(&mut self.file, Backing::Lost) {
            self.file = Backing::Published(pending.publish()?);
        }
        Ok(())
    }
}

fn map_file(file: &File, len: usize) -> io::Result<MmapMut> {
    // A map of no bytes is refused by the system; the caller keeps none.
    // SAFETY: the file is ours under a temporary name (or was until it was published): nobody else knows to shorten
    // it, and `len` bytes of it exist because they were reserved or written just before.
    unsafe { MmapOptions::new().len(len.max(1)).map_mut(file) }
}

/// Appends to the file of a [`DiskBytes`] while its bytes are being read.
pub struct DiskTail<'a> {
    file: &'a File,
    target: &'a Path,
    end: u64,
}

impl DiskTail<'_> {
    /// Writes bytes behind those before.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.end))
            .and_then(|_| file.write_all(bytes))
            .map_err(|source| Error::io("write", self.target, source))?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn grows_takes_a_tail_and_publishes() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x.ann");
        let mut disk = DiskBytes::create(&target).unwrap();
        disk.resize(3).unwrap();
        disk.bytes_mut().copy_from_slice(&[1, 2, 3]);
        disk.resize(100_000).unwrap();
        disk.resize(4).unwrap();
        assert_eq!(disk.bytes(), [1, 2, 3, 0]);
        let (before, mut tail) = disk.tail().unwrap();
        assert_eq!(before.len(), 4);
        tail.write(&[9; 5]).unwrap();
        disk.adopt(9).unwrap();
        assert!(!target.exists());
        disk.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), [1, 2, 3, 0, 9, 9, 9, 9, 9]);
        assert_eq!(disk.bytes().len(), 9);
    }
}
