//! A file that takes its name only when it is whole.

use super::system::Directory;
use crate::error::{Error, Result};
use crate::fault::{self, Kind};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempPath};

/// A file under a temporary name beside its target. [`publish`](Self::publish) gives it the target's name; dropping it
/// before that removes it. So the target holds the old file or the new one, whole, at every moment.
pub struct PendingFile {
    file: File,
    /// The temporary name; none once published.
    temp: Option<TempPath>,
    target: PathBuf,
    directory: PathBuf,
}

impl PendingFile {
    /// Creates the temporary file. A target that is there keeps its permissions; where it is a symbolic link to a file, the
    /// link stays.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be written to, or the target exists and is not a regular file.
    pub fn create(target: &Path) -> Result<Self> {
        let fail = |source| Error::io("create", target, source);
        let mut permissions = None;
        let target = match fault::check(Kind::Read).and_then(|()| fs::metadata(target)) {
            Ok(found) if !found.is_file() => {
                let what = "the name is taken by something that is not a regular file";
                return Err(fail(io::Error::new(io::ErrorKind::AlreadyExists, what)));
            }
            Ok(found) => {
                permissions = Some(found.permissions());
                fault::check(Kind::Read)
                    .and_then(|()| fs::canonicalize(target))
                    .map_err(fail)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => target.to_path_buf(),
            Err(error) => return Err(fail(error)),
        };
        let name = target.file_name().ok_or_else(|| {
            let what = "the path ends in no file name";
            fail(io::Error::new(io::ErrorKind::InvalidInput, what))
        })?;
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        // Names the target where that fits: a name may already be as long as the system allows.
        let mut prefix = std::ffi::OsString::from(".");
        if name.len() <= 200 {
            prefix.push(name);
        }
        // Opened by hand: `tempfile_in` would hide the system's error number.
        let temp = Builder::new()
            .prefix(&prefix)
            .suffix(".tmp")
            .make_in(&directory, create_new)
            .map_err(fail)?;
        let (file, temp) = temp.into_parts();
        if let Some(permissions) = permissions {
            fault::check(Kind::Open)
                .and_then(|()| file.set_permissions(permissions))
                .map_err(fail)?;
        }
        Ok(PendingFile {
            file,
            temp: Some(temp),
            target,
            directory,
        })
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

    /// Whether it has its name.
    pub fn is_published(&self) -> bool {
        self.temp.is_none()
    }

    /// Makes the contents durable, gives the file its name, makes the name durable.
    ///
    /// # Errors
    /// [`Error::Io`]. Unless the file [is published](Self::is_published) all the same, because only the directory's
    /// sync failed, the target is as it was, and another attempt may be made.
    pub fn publish(&mut self) -> Result<()> {
        let fail = |action, source| Error::io(action, self.target.as_path(), source);
        fault::check(Kind::Sync)
            .and_then(|()| self.file.sync_all())
            .map_err(|e| fail("write", e))?;
        // While a failure still leaves everything as it was.
        let directory =
            Directory::open(&self.directory).map_err(|e| fail("open the directory of", e))?;
        fault::check(Kind::Rename).map_err(|e| fail("rename the temporary file to", e))?;
        if let Some(temp) = self.temp.take() {
            if let Err(refused) = temp.persist(&self.target) {
                self.temp = Some(refused.path);
                return Err(fail("rename the temporary file to", refused.error));
            }
        }
        directory
            .sync()
            .map_err(|e| fail("sync the directory of", e))
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

/// A new file with the permissions that fopen would ask for: the umask decides, as for any file.
fn create_new(path: &Path) -> io::Result<File> {
    fault::check(Kind::Open)?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o666);
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
