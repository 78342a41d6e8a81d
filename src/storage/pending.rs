//! A file that takes its name only when it is whole.

use super::sync_directory;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A temporary file beside its target. [`publish`](Self::publish) gives it the target's name; dropping it before that
/// removes it. So the target holds the old file or the new one, whole, at every moment.
pub struct PendingFile {
    temp: NamedTempFile<File>,
    target: PathBuf,
    directory: PathBuf,
}

impl PendingFile {
    /// Creates the temporary file. A target that is a symbolic link is followed, so that the link stays.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be written to, or the target exists and is not a regular file.
    pub fn create(target: &Path) -> Result<Self> {
        let fail = |source| Error::io("create", target, source);
        let target = match fs::metadata(target) {
            Ok(found) if !found.is_file() => {
                let what = "the name is taken by something that is not a regular file";
                return Err(fail(io::Error::new(io::ErrorKind::AlreadyExists, what)));
            }
            Ok(_) => fs::canonicalize(target).map_err(fail)?,
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
        Ok(PendingFile {
            temp,
            target,
            directory,
        })
    }

    /// The open temporary file.
    pub fn file(&self) -> &File {
        self.temp.as_file()
    }

    /// The name it will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes the contents durable, gives the file its name, makes the name durable.
    ///
    /// # Errors
    /// [`Error::Io`]; the target is then as it was (unless only the directory's sync failed) and the temporary file gone.
    pub fn publish(self) -> Result<File> {
        let fail = |action, source| Error::io(action, &self.target, source);
        self.temp
            .as_file()
            .sync_all()
            .map_err(|e| fail("write", e))?;
        let file = self
            .temp
            .persist(&self.target)
            .map_err(|e| fail("rename the temporary file to", e.error))?;
        sync_directory(&self.directory).map_err(|e| fail("sync the directory of", e))?;
        Ok(file)
    }
}

/// A new file with the permissions that fopen would ask for: the umask decides, as for any file.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o666);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
        let pending = PendingFile::create(&target).unwrap();
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

    #[cfg(unix)]
    #[test]
    fn symbolic_link_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let pending = PendingFile::create(&link).unwrap();
        pending.file().write_all(b"new").unwrap();
        pending.publish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}
