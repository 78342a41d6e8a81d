//! A file that says it is not finished.
//!
//! Should the process be killed, the file stays under its temporary name. Nobody must take it for
//! an index: until it is published it ends in a mark that says so, and its length is no multiple of
//! the node size, which makes Annoy refuse it. That holds at every moment. Whatever makes the file
//! longer first writes the mark, far enough behind, in one write; what comes before the mark is
//! filled in afterwards.
//!
//! A file whose name cannot be given to another is written over where it is, under the same mark.

use super::system::{self, FileId};
use super::PendingFile;
use crate::error::{reserve, Error, Result};
use crate::fault::{self, Kind};
use crate::memory;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// The last bytes of a file that is not finished.
pub const UNFINISHED: [u8; MARK] = *b"ANN\xffUNFINISHED\n\xff";
const MARK: usize = 16;

/// A write that crosses none of these comes whole or not at all: no file system has smaller pages.
const PAGE: u64 = 4096;

/// How far behind what is appended the mark is put, so that not every write moves it.
const AHEAD: u64 = 1 << 20;

/// A file under a temporary name, or one that is written over, and its mark.
pub struct UnfinishedFile {
    file: PendingFile,
    node_size: u64,
    /// Length of the file. In front of the mark there may be anything.
    end: u64,
}

impl UnfinishedFile {
    /// An empty file that will be called `target`, of nodes of this size.
    ///
    /// # Errors
    /// As [`PendingFile::create`]; [`Error::Io`] when it cannot be written to.
    pub fn create(target: &Path, node_size: usize) -> Result<Self> {
        let mut file = UnfinishedFile {
            file: PendingFile::create(target)?,
            node_size: node_size as u64,
            end: 0,
        };
        let marked = file.mark_behind(0);
        marked.map_err(file.error("write"))?;
        Ok(file)
    }

    /// Takes the name already, with a file that says what it is, where nothing has it yet.
    ///
    /// # Errors
    /// As [`PendingFile::hold_name`].
    pub fn hold_name(&mut self) -> Result<()> {
        let mut bytes = memory::filled(0, self.place_behind(0) as usize)?;
        reserve(&mut bytes, UNFINISHED.len())?;
        bytes.extend_from_slice(&UNFINISHED);
        self.file.hold_name(&bytes)
    }

    /// Opens the file that has the name, to be written over. It is as before until
    /// [`begin`](Self::begin).
    ///
    /// # Errors
    /// As [`PendingFile::over`]; [`Error::Io`] when its length cannot be found out.
    pub fn over(target: &Path, node_size: usize) -> Result<Self> {
        let file = PendingFile::over(target)?;
        let found = fault::check(Kind::Read).and_then(|()| file.file().metadata());
        let found = found.map_err(|e| Error::io("read the size of", file.target(), e))?;
        Ok(UnfinishedFile {
            file,
            node_size: node_size as u64,
            end: found.len(),
        })
    }

    /// Marks a file that is to be written over and has room made for `len` bytes, on the disk too.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is then as before.
    pub fn begin(&mut self, len: u64) -> Result<()> {
        let before = self.end;
        let begun = self
            .mark_behind(before.max(len))
            .and_then(|_| system::reserve_file(self.file(), 0..len))
            .map_err(self.error("make room in"))
            .and_then(|()| self.file.sync());
        if begun.is_err() {
            let _ = self.set_len(before);
        }
        begun
    }

    /// Which file it is.
    pub fn id(&self) -> Option<FileId> {
        FileId::of(&self.file().metadata().ok()?)
    }

    /// The open file.
    pub fn file(&self) -> &File {
        self.file.file()
    }

    /// The name it has or will have.
    pub fn target(&self) -> &Path {
        self.file.target()
    }

    /// Bytes of a node.
    pub fn node_size(&self) -> usize {
        self.node_size as usize
    }

    /// Whether it has its name.
    pub fn is_published(&self) -> bool {
        self.file.is_published()
    }

    /// Length of the file, mark and all.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// What makes an [`Error`] of the system's answer.
    pub fn error(&self, action: &'static str) -> impl Fn(io::Error) -> Error + '_ {
        move |source| Error::io(action, self.file.target(), source)
    }

    /// Where behind the first `len` bytes the mark can stand.
    fn place_behind(&self, len: u64) -> u64 {
        let fits = |place: &u64| {
            let end = place + MARK as u64;
            !end.is_multiple_of(self.node_size) && place / PAGE == (end - 1) / PAGE
        };
        (len..).find(fits).unwrap_or(len)
    }

    fn write_at(&self, place: u64, bytes: &[u8]) -> io::Result<()> {
        let mut writer = self.file.writer();
        writer.seek(SeekFrom::Start(place))?;
        writer.write_all(bytes)
    }

    fn mark(&mut self, place: u64) -> io::Result<()> {
        self.write_at(place, &UNFINISHED)?;
        self.end = self.end.max(place + MARK as u64);
        Ok(())
    }

    /// Writes the mark behind the first `len` bytes, and says where. Where that is behind its
    /// present place, the file becomes longer.
    ///
    /// # Errors
    /// The system's answer.
    pub fn mark_behind(&mut self, len: u64) -> io::Result<u64> {
        let place = self.place_behind(len);
        self.mark(place).map(|()| place)
    }

    /// Writes bytes, with the mark behind them.
    ///
    /// # Errors
    /// The system's answer. The mark is where it was, or farther behind.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let end = at + bytes.len() as u64;
        if end + MARK as u64 > self.end {
            self.mark_behind(end + AHEAD)
                .or_else(|_| self.mark_behind(end))?;
        }
        self.write_at(at, bytes)
    }

    /// A writer of the whole file, from its start.
    pub fn writer(&mut self) -> UnfinishedWriter<'_> {
        UnfinishedWriter {
            file: self,
            at: 0,
            len: 0,
        }
    }

    /// As [`PendingFile::give_up_name`].
    pub fn give_up_name(&mut self) {
        self.file.give_up_name();
    }

    /// Makes a file that has become longer as long as it was, with the mark where it was. When that
    /// fails, it stays longer.
    pub fn cut_back(&mut self, end: u64) {
        if self.end > end {
            let _ = self
                .mark(end - MARK as u64)
                .and_then(|()| self.set_len(end));
        }
    }

    /// As [`cut_back`](Self::cut_back), to the shortest that `len` bytes and the mark take.
    pub fn cut_back_behind(&mut self, len: u64) {
        self.cut_back(self.place_behind(len) + MARK as u64);
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        fault::check(Kind::Resize)?;
        self.file().set_len(len)?;
        self.end = len;
        Ok(())
    }

    /// Cuts the mark off behind the first `len` bytes, makes the file durable and gives it its
    /// name.
    ///
    /// # Errors
    /// As [`PendingFile::publish`]; it has its mark again then, unless it is published.
    pub fn publish(&mut self, len: u64) -> Result<()> {
        if self.is_published() {
            // The bytes before the mark goes.
            self.file.sync()?;
        }
        let cut = self.set_len(len);
        cut.map_err(self.error("truncate"))?;
        let published = self.file.publish();
        if !self.is_published() && self.mark_behind(len).is_err() {
            // Without the mark, but of a length that is none of an index.
            let _ = self.set_len(self.place_behind(len) + MARK as u64);
        }
        published
    }
}

/// Writes over the file that has the name, after a file of its own was refused it, which is the
/// `refused`.
///
/// This is no longer all or nothing: should the process end before `write` has done its work, the
/// file is left with the mark, and what was in it is lost. Who has it mapped sees it change. So
/// `write` should fail for nothing but the disk.
///
/// # Errors
/// The `refused` itself, when something else was wrong or there is no file that may be written
/// over; [`Error::Unsupported`] when it is `mapped` to be read from; [`Error::Io`].
pub fn write_over(
    target: &Path,
    node_size: usize,
    refused: Error,
    mapped: Option<FileId>,
    len: impl FnOnce() -> Result<u64>,
    write: impl FnOnce(&mut UnfinishedWriter<'_>) -> Result<()>,
) -> Result<Error> {
    let is_name = matches!(&refused, Error::Io { source, .. } if system::is_name_refused(source));
    if !is_name {
        return Err(refused);
    }
    let mut file = match UnfinishedFile::over(target, node_size) {
        Ok(file) => file,
        // There is none that may be written to: what was refused first says more.
        Err(Error::Io { source, .. })
            if source.kind() == io::ErrorKind::NotFound || system::is_name_refused(&source) =>
        {
            return Err(refused)
        }
        Err(error) => return Err(error),
    };
    if mapped.is_some() && file.id() == mapped {
        return Err(Error::Unsupported(format!(
            "{refused}; and the file cannot be written over, because the index has it mapped: \
             load it as a copy to save there"
        )));
    }
    let len = len()?;
    file.begin(len)?;
    let written = write(&mut file.writer()).and_then(|()| file.publish(len));
    match written {
        Ok(()) => Ok(refused),
        Err(Error::Io { path, source, .. }) => Err(Error::Io {
            action: "write all over the file, which is now neither the old nor the new one:",
            path,
            source,
        }),
        Err(error) => Err(error),
    }
}

/// Writes a file from its start; may go back and change what it has written.
pub struct UnfinishedWriter<'a> {
    file: &'a mut UnfinishedFile,
    at: u64,
    len: u64,
}

impl UnfinishedWriter<'_> {
    /// How much has been written.
    pub fn len(&self) -> u64 {
        self.len
    }
}

impl Write for UnfinishedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(self.at, bytes)?;
        self.at += bytes.len() as u64;
        self.len = self.len.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for UnfinishedWriter<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
