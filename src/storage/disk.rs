//! A file mapped for writing while an index is built in it.

use super::unfinished::{self, UnfinishedFile};
use super::{system, FileId};
use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use memmap2::{MmapMut, MmapOptions};
use std::io::{self, Write};
use std::path::Path;

/// A growing file under a temporary name, mapped, that takes its final name when the build is done.
/// Until then it says that it is not finished.
///
/// Blocks are reserved before they are written to, so a full disk is an error of
/// [`resize`](Self::resize).
pub struct DiskBytes {
    file: UnfinishedFile,
    /// All of it may be written to.
    map: Option<MmapMut>,
    len: usize,
}

fn map(file: &UnfinishedFile, len: usize) -> io::Result<MmapMut> {
    fault::check(Kind::Map)?;
    // A map of no bytes is refused by the system; no index has none. SAFETY: the file is ours under
    // a temporary name (or was until it was published): nobody else knows to shorten it, and `len`
    // bytes of it exist because they were reserved or written just before. We cut it to no less
    // than is mapped.
    unsafe { MmapOptions::new().len(len).map_mut(file.file()) }
}

impl DiskBytes {
    /// An empty file that will be called `target`, of nodes of this size. Where there is no file of
    /// that name, one that says that it is not finished has it until then.
    ///
    /// # Errors
    /// As [`UnfinishedFile::create`] and [`UnfinishedFile::hold_name`].
    pub fn create(target: &Path, node_size: usize) -> Result<Self> {
        let mut file = UnfinishedFile::create(target, node_size)?;
        file.hold_name()?;
        Ok(DiskBytes {
            file,
            map: None,
            len: 0,
        })
    }

    fn capacity(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.len())
    }

    /// Sets the length. New bytes are zero.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); the bytes are then as before.
    pub fn resize(&mut self, len: usize) -> Result<()> {
        let capacity = self.capacity();
        if len > capacity {
            let roomy = capacity.saturating_add(capacity / 2).max(1 << 16);
            if len >= roomy || self.grow(roomy).is_err() {
                self.grow(len)?;
            }
        }
        if let (Some(map), true) = (&mut self.map, len < self.len) {
            map[len..self.len].fill(0);
        }
        self.len = len;
        Ok(())
    }

    /// Makes room ahead of need, of blocks on the disk too.
    ///
    /// # Errors
    /// [`Error::Io`]; the bytes are then as before.
    pub fn reserve(&mut self, capacity: usize) -> Result<()> {
        if capacity > self.capacity() {
            self.grow(capacity)?;
        }
        Ok(())
    }

    fn grow(&mut self, capacity: usize) -> Result<()> {
        let file = &mut self.file;
        let (used, end) = (self.map.as_ref().map_or(0, |map| map.len()), file.end());
        let marked = file.mark_behind(capacity as u64);
        let place = marked.map_err(file.error("grow"))?;
        let mapped = system::reserve_file(file.file(), used as u64..place)
            .map_err(file.error("grow"))
            .and_then(|()| map(file, place as usize).map_err(file.error("map")));
        match mapped {
            Ok(mut map) => {
                // The mark of before, and what a failed build may have left in front of it.
                map[used..place.min(end) as usize].fill(0);
                self.map = Some(map);
                Ok(())
            }
            Err(error) => {
                file.cut_back(end);
                Err(error)
            }
        }
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

    /// The bytes so far, beside a writer that appends to the file behind them. What it wrote is to
    /// be taken in by [`adopt`](Self::adopt) or thrown away by
    /// [`discard_tail`](Self::discard_tail).
    pub fn tail(&mut self) -> (&[u8], DiskTail<'_>) {
        let bytes = self.map.as_ref().map_or(&[][..], |map| &map[..self.len]);
        let tail = DiskTail {
            file: &mut self.file,
            end: self.len as u64,
        };
        (bytes, tail)
    }

    /// Takes in what a [`DiskTail`] wrote, up to `len`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); the bytes are then as before.
    pub fn adopt(&mut self, len: usize) -> Result<()> {
        // Exactly as much: what lies behind is not reserved, and is cut off in the end.
        self.map = Some(map(&self.file, len).map_err(self.file.error("map"))?);
        self.len = len;
        Ok(())
    }

    /// Throws away what a [`DiskTail`] wrote: it may lie in room that the map has already, and must
    /// not turn up in items to come. Where a file that is mapped cannot be cut it stays longer.
    pub fn discard_tail(&mut self) {
        self.file.cut_back_behind(self.capacity() as u64);
        let len = self.len;
        if let Some(map) = &mut self.map {
            map[len..].fill(0);
        }
    }

    /// Makes the file durable and gives it its name; to be called after [`adopt`](Self::adopt).
    /// Where the name cannot be given to it, its bytes are written over the file that has the name,
    /// and it says why.
    ///
    /// # Errors
    /// As [`UnfinishedFile::publish`] and [`unfinished::write_over`]; the bytes are still there.
    pub fn publish(&mut self) -> Result<Option<Error>> {
        if self.capacity() != self.len {
            self.adopt(self.len)?;
        }
        if let Some(map) = &self.map {
            fault::check(Kind::Sync)
                .and_then(|()| map.flush())
                .map_err(self.file.error("write"))?;
        }
        let len = self.len as u64;
        if !system::CUTS_WHILE_MAPPED {
            self.map = None;
        }
        let published = self.file.publish(len);
        if self.map.is_none() {
            // The mark that is there again may be in another place.
            self.map = Some(map(&self.file, self.len).map_err(self.file.error("map"))?);
        }
        let refused = match published {
            Ok(()) => return Ok(None),
            Err(error) if self.file.is_published() => return Err(error),
            Err(refused) => refused,
        };
        let (target, node_size) = (self.file.target(), self.file.node_size());
        let fail = self.file.error("write over");
        let refused = unfinished::write_over(
            target,
            node_size,
            refused,
            None,
            || Ok(len),
            |to| to.write_all(self.bytes()).map_err(fail),
        )?;
        self.file.give_up_name();
        Ok(Some(refused))
    }

    /// Which file it is.
    pub fn id(&self) -> Option<FileId> {
        self.file.id()
    }

    /// Goes back to the first `len` bytes, to be built upon again. A file that is public already
    /// stays as it is; a new one takes its place when it is published.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when a new file cannot be made; nothing has changed then.
    pub fn restart(&mut self, len: usize) -> Result<()> {
        let file = &self.file;
        if file.is_published() {
            let mut fresh = DiskBytes::create(file.target(), file.node_size())?;
            fresh.resize(len)?;
            fresh.bytes_mut().copy_from_slice(&self.bytes()[..len]);
            *self = fresh;
        }
        self.resize(len)
    }
}

/// Appends to the file of a [`DiskBytes`] while its bytes are being read.
pub struct DiskTail<'a> {
    file: &'a mut UnfinishedFile,
    end: u64,
}

impl DiskTail<'_> {
    /// Writes bytes behind those before.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io).
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write(self.end, bytes);
        written.map_err(self.file.error("write"))?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::UNFINISHED;
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    /// Of 16 too, which divides all that is a multiple of 16.
    const NODE_SIZES: [usize; 5] = [13, 16, 20, 48, 4096];

    /// The only temporary file in a directory, which must not pass for an index. Nor must what else
    /// there is.
    fn unfinished(directory: &Path, node_size: usize) -> PathBuf {
        let entries = fs::read_dir(directory).unwrap();
        let mut temporary = Vec::new();
        for path in entries.map(|entry| entry.unwrap().path()) {
            let bytes = fs::read(&path).unwrap();
            assert!(bytes.ends_with(&UNFINISHED), "{path:?}");
            assert!(
                !bytes.len().is_multiple_of(node_size),
                "{path:?}: {} bytes",
                bytes.len()
            );
            if path.extension().is_some_and(|end| end == "tmp") {
                temporary.push(path);
            }
        }
        assert_eq!(temporary.len(), 1);
        temporary.remove(0)
    }

    #[test]
    fn grows_takes_a_tail_and_publishes() {
        for node_size in NODE_SIZES {
            let directory = tempfile::tempdir().unwrap();
            let look = || unfinished(directory.path(), node_size);
            let target = directory.path().join("x.ann");
            let mut disk = DiskBytes::create(&target, node_size).unwrap();
            look();
            disk.resize(3).unwrap();
            look();
            disk.bytes_mut().copy_from_slice(&[1, 2, 3]);
            for len in [70_000, 100_000, 300_000, 1_000_000] {
                disk.resize(len).unwrap();
                look();
                // Marks of before among them.
                assert!(disk.bytes()[3..].iter().all(|&byte| byte == 0));
            }
            disk.resize(4).unwrap();
            assert_eq!(disk.bytes(), [1, 2, 3, 0]);
            let (before, mut tail) = disk.tail();
            assert_eq!(before.len(), 4);
            let mut expected = before.to_vec();
            for piece in [&[9; 5][..], &vec![8; 2 << 20], &[7; 6], &[6; 3 << 20]] {
                tail.write(piece).unwrap();
                expected.extend_from_slice(piece);
                look();
            }
            disk.adopt(expected.len()).unwrap();
            look();
            assert!(disk.bytes() == expected);
            disk.publish().unwrap();
            assert!(fs::read(&target).unwrap() == expected);
            assert!(disk.bytes() == expected);
        }
    }

    #[test]
    fn a_tail_thrown_away_leaves_nothing() {
        for node_size in NODE_SIZES {
            let directory = tempfile::tempdir().unwrap();
            let target = directory.path().join("x.ann");
            let mut disk = DiskBytes::create(&target, node_size).unwrap();
            disk.resize(100).unwrap();
            disk.bytes_mut().fill(1);
            let path = unfinished(directory.path(), node_size);
            let len = fs::metadata(&path).unwrap().len();
            for _ in 0..2 {
                for size in [10, 1 << 20, 3 << 20] {
                    disk.tail().1.write(&vec![2; size]).unwrap();
                    unfinished(directory.path(), node_size);
                }
                disk.discard_tail();
                unfinished(directory.path(), node_size);
                if system::CUTS_WHILE_MAPPED {
                    assert_eq!(fs::metadata(&path).unwrap().len(), len);
                }
            }
            disk.resize(4 << 20).unwrap();
            unfinished(directory.path(), node_size);
            assert!(disk.bytes()[..100].iter().all(|&byte| byte == 1));
            assert!(disk.bytes()[100..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn refused_publishing_can_be_tried_again() {
        for node_size in NODE_SIZES {
            let directory = tempfile::tempdir().unwrap();
            let target = directory.path().join("x.ann");
            fs::write(&target, "old").unwrap();
            let mut disk = DiskBytes::create(&target, node_size).unwrap();
            fs::remove_file(&target).unwrap();
            disk.resize(node_size).unwrap();
            disk.bytes_mut().fill(1);
            let mut expected = vec![1; node_size];
            for len in [node_size * 700, node_size * 10_000] {
                disk.tail().1.write(&vec![2; len]).unwrap();
                disk.adopt(node_size + len).unwrap();
                fs::create_dir(&target).unwrap();
                assert!(disk.publish().is_err());
                fs::remove_dir(&target).unwrap();
                unfinished(directory.path(), node_size);
                disk.restart(node_size).unwrap();
                unfinished(directory.path(), node_size);
                assert_eq!(disk.bytes(), expected);
                // More room than there was.
                disk.resize(len * 2).unwrap();
                unfinished(directory.path(), node_size);
                assert!(disk.bytes()[node_size..].iter().all(|&byte| byte == 0));
                disk.restart(node_size).unwrap();
            }
            disk.tail().1.write(&[3; 5]).unwrap();
            expected.extend_from_slice(&[3; 5]);
            disk.adopt(expected.len()).unwrap();
            disk.publish().unwrap();
            assert_eq!(fs::read(&target).unwrap(), expected);
        }
    }
}
