//! A file mapped for writing while an index is built in it.

use super::{system, PendingFile};
use crate::error::{Error, Result};
use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// A growing file under a temporary name, mapped, that takes its final name when the build is done.
///
/// Blocks are reserved before they are written to, so a full disk is an error of [`resize`](Self::resize).
pub struct DiskBytes {
    file: PendingFile,
    map: Option<MmapMut>,
    len: usize,
}

impl DiskBytes {
    /// An empty file that will be called `target`.
    ///
    /// # Errors
    /// As [`PendingFile::create`].
    pub fn create(target: &Path) -> Result<Self> {
        Ok(DiskBytes {
            file: PendingFile::create(target)?,
            map: None,
            len: 0,
        })
    }

    fn error(&self, action: &'static str) -> impl Fn(io::Error) -> Error + '_ {
        move |source| Error::io(action, self.file.target(), source)
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
        let file = self.file.file();
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

    /// The bytes so far, beside a writer that appends to the file behind them. What it wrote is to be taken in by
    /// [`adopt`](Self::adopt) or thrown away by [`discard_tail`](Self::discard_tail).
    pub fn tail(&mut self) -> (&[u8], DiskTail<'_>) {
        let tail = DiskTail {
            file: self.file.file(),
            target: self.file.target(),
            end: self.len as u64,
        };
        (self.bytes(), tail)
    }

    /// Takes in what a [`DiskTail`] wrote, up to `len`; what lies beyond is cut off.
    ///
    /// # Errors
    /// [`Error::Io`]; the bytes are then as before.
    pub fn adopt(&mut self, len: usize) -> Result<()> {
        let file = self.file.file();
        file.set_len(len as u64).map_err(self.error("truncate"))?;
        let map = map_file(file, len).map_err(self.error("map"))?;
        self.map = (len > 0).then_some(map);
        self.len = len;
        Ok(())
    }

    /// Throws away what a [`DiskTail`] wrote: it may lie in room that the map has already, and must not turn up in
    /// items to come.
    pub fn discard_tail(&mut self) {
        let len = self.len;
        let room = self.map.as_ref().map_or(0, |map| map.len());
        // Should even that fail, there is nothing left to try.
        let _ = self.file.file().set_len(room as u64);
        if let Some(map) = &mut self.map {
            map[len..].fill(0);
        }
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// As [`PendingFile::publish`].
    pub fn publish(&mut self) -> Result<()> {
        if let Some(map) = &self.map {
            map.flush().map_err(self.error("write"))?;
        }
        self.file.publish()
    }

    /// Goes back to the first `len` bytes, to be built upon again. A file that is public already stays as it is; a new one
    /// takes its place when it is published.
    ///
    /// # Errors
    /// [`Error::Io`] when a new file cannot be made; nothing has changed then.
    pub fn restart(&mut self, len: usize) -> Result<()> {
        if self.file.is_published() {
            let mut fresh = DiskBytes::create(self.file.target())?;
            fresh.resize(len)?;
            fresh.bytes_mut().copy_from_slice(&self.bytes()[..len]);
            *self = fresh;
        }
        self.resize(len)
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
        let (before, mut tail) = disk.tail();
        assert_eq!(before.len(), 4);
        tail.write(&[9; 5]).unwrap();
        disk.adopt(9).unwrap();
        assert!(!target.exists());
        disk.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), [1, 2, 3, 0, 9, 9, 9, 9, 9]);
        assert_eq!(disk.bytes().len(), 9);
    }
}
