//! A file that takes its name only when it is whole.

use super::system::{self, Directory, FileId};
use super::target::Target;
use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempPath};

/// A file under a temporary name beside its target. [`publish`](Self::publish) gives it the
/// target's name; dropping it before that removes it. So the target holds the old file or the new
/// one, whole, at every moment.
///
/// Or, where that cannot be, the target itself, open to be [written over](Self::over).
pub struct PendingFile {
    file: File,
    /// The temporary name; none once published, or when the file is written over.
    temp: Option<TempPath>,
    /// What holds the target's name until then.
    holder: Option<NameHolder>,
    target: PathBuf,
    directory: PathBuf,
}

impl PendingFile {
    /// Creates the temporary file. It gets owner, group and mode of a target that is there, where
    /// the system allows it; where the target is a symbolic link, the link stays.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be written to, or the target exists and is not a
    /// regular file.
    pub fn create(target: &Path) -> Result<Self> {
        let fail = |source| Error::io("create", target, source);
        let found = Target::of(target).map_err(fail)?;
        let name = found.path.file_name().ok_or_else(|| {
            let what = "the path ends in no file name";
            fail(io::Error::new(io::ErrorKind::InvalidInput, what))
        })?;
        let directory = match found.path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        // Names the target where that fits: a name may already be as long as the system allows.
        let mut prefix = std::ffi::OsString::from(".");
        if name.len() <= 200 {
            prefix.push(name);
        }
        // Who may not read the old file must not open the new one before it has the old one's mode.
        let mode = if found.is_there() { 0o600 } else { NEW_MODE };
        // Opened by hand: `tempfile_in` would hide the system's error number.
        let temp = Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            .make_in(&directory, |path| create_new(path, mode))
            .map_err(fail)?;
        let (file, temp) = temp.into_parts();
        found.pass_on(&file).map_err(fail)?;
        Ok(PendingFile {
            file,
            temp: Some(temp),
            holder: None,
            target: found.path,
            directory,
        })
    }

    /// Opens the target itself, as it is: for where its name cannot be given to another file.
    ///
    /// # Errors
    /// [`Error::Io`] when it is not there, not a regular file, or may not be written to.
    pub fn over(target: &Path) -> Result<Self> {
        let fail = |source| Error::io("write over", target, source);
        let found = Target::of(target).map_err(fail)?;
        let file = fault::check(Kind::Open)
            .and_then(|()| {
                fs::OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(&found.path)
            })
            .map_err(fail)?;
        Ok(PendingFile {
            file,
            temp: None,
            holder: None,
            target: found.path,
            directory: PathBuf::new(),
        })
    }

    /// Puts a file with these bytes where the target is to be, should nothing be there, until this
    /// one takes its place or is given up.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn hold_name(&mut self, bytes: &[u8]) -> Result<()> {
        let held = NameHolder::create(&self.target, bytes);
        self.holder = held.map_err(|e| Error::io("create", self.target.as_path(), e))?;
        Ok(())
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes to it, from where it stands.
    pub fn writer(&self) -> Writer<'_> {
        Writer(&self.file)
    }

    /// The name it has or will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Whether it has its name, or none any more.
    pub fn is_published(&self) -> bool {
        self.temp.is_none()
    }

    /// Makes the contents durable.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<()> {
        fault::check(Kind::Sync)
            .and_then(|()| system::sync(&self.file))
            .map_err(|e| Error::io("write", self.target.as_path(), e))
    }

    /// Makes the contents durable, gives the file its name, makes the name durable.
    ///
    /// # Errors
    /// [`Error::Io`]. Unless the file [is published](Self::is_published) all the same, because only
    /// the directory's sync failed, the target is as it was, and another attempt may be made.
    pub fn publish(&mut self) -> Result<()> {
        self.sync()?;
        if self.is_published() {
            return Ok(());
        }
        let fail = |action, source| Error::io(action, self.target.as_path(), source);
        // While a failure still leaves everything as it was.
        let directory =
            Directory::open(&self.directory).map_err(|e| fail("open the directory of", e))?;
        fault::check(Kind::Rename).map_err(|e| fail("rename the temporary file to", e))?;
        if let Some(temp) = self.temp.take() {
            if let Err(refused) = system::rename(temp, &self.target) {
                self.temp = Some(refused.path);
                return Err(fail("rename the temporary file to", refused.error));
            }
        }
        self.holder = None;
        directory
            .sync(&self.file)
            .map_err(|e| fail("sync the directory of", e))
    }

    /// Gives the name up, where the target has got the same bytes in another way. What is mapped
    /// stays.
    pub fn give_up_name(&mut self) {
        self.temp = None;
        self.holder = None;
    }
}

/// A file that stands where another is to be, and goes when it is dropped, unless it has been
/// replaced or written over.
struct NameHolder {
    /// Open, so that no other file is taken for it; but not on Windows, where files that are open
    /// are not replaced by everyone who is asked to.
    _file: Option<File>,
    id: Option<FileId>,
    path: PathBuf,
    len: u64,
}

impl NameHolder {
    /// None where there is something already.
    fn create(path: &Path, bytes: &[u8]) -> io::Result<Option<Self>> {
        let file = match create_new(path, NEW_MODE) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            created => created?,
        };
        let written = Writer(&file)
            .write_all(bytes)
            .and_then(|()| file.metadata());
        match written {
            Ok(found) => Ok(Some(NameHolder {
                _file: cfg!(not(windows)).then_some(file),
                id: FileId::of(&found),
                path: path.to_path_buf(),
                len: bytes.len() as u64,
            })),
            Err(error) => {
                drop(file);
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }
}

impl Drop for NameHolder {
    fn drop(&mut self) {
        let is_it = |there: &Metadata| {
            self.id.is_some() && FileId::of(there) == self.id && there.len() == self.len
        };
        if fs::symlink_metadata(&self.path).is_ok_and(|there| is_it(&there)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes to a file.
pub struct Writer<'a>(&'a File);

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        fault::check(Kind::Write).inspect_err(|_| {
            // A full disk takes a part before it refuses the rest.
            let _ = self.0.write(&bytes[..bytes.len() / 2]);
        })?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Writer<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// What fopen would ask for: the umask decides, as for any file.
const NEW_MODE: u32 = 0o666;

#[cfg_attr(not(unix), allow(unused_variables))]
fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    fault::check(Kind::Open)?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn target_appears_only_when_published() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x.ann");
        fs::write(&target, "old").unwrap();
        let mut pending = PendingFile::create(&target).unwrap();
        pending.file().write_all(b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        pending.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["x.ann"]);
    }

    #[test]
    fn dropped_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        drop(PendingFile::create(&directory.path().join("x.ann")).unwrap());
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn long_names_and_odd_targets() {
        let directory = tempfile::tempdir().unwrap();
        assert!(PendingFile::create(directory.path()).is_err());
        assert!(PendingFile::create(Path::new("/dev/null")).is_err());
        assert!(PendingFile::create(Path::new("")).is_err());
        let longest = directory.path().join("x".repeat(255));
        PendingFile::create(&longest).unwrap().publish().unwrap();
        assert!(longest.exists());
    }

    #[test]
    fn refused_publishing_can_be_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x.ann");
        let mut pending = PendingFile::create(&target).unwrap();
        fs::create_dir(&target).unwrap();
        assert!(pending.publish().is_err());
        assert!(!pending.is_published());
        fs::remove_dir(&target).unwrap();
        pending.publish().unwrap();
        assert_eq!(names(directory.path()), ["x.ann"]);
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_link_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut pending = PendingFile::create(&link).unwrap();
        pending.file().write_all(b"new").unwrap();
        pending.publish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}
