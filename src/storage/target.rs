//! What a path that is to be written to names, and what is there.

use super::system;
use crate::fault::{self, Kind};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// As many as the system itself follows.
const MAX_LINKS: usize = 40;

/// A file that is to be replaced, or to come.
pub struct Target {
    /// Its own name, with symbolic links followed: they stay, whether or not there is a file at
    /// their end.
    pub path: PathBuf,
    /// What it is to keep; none when there is no file.
    found: Option<Metadata>,
}

impl Target {
    /// Looks at what is there.
    ///
    /// # Errors
    /// The system's answer; when there is something that is not a regular file.
    pub fn of(path: &Path) -> io::Result<Self> {
        match fault::check(Kind::Read).and_then(|()| fs::metadata(path)) {
            Ok(found) if !found.is_file() => {
                let what = "the name is taken by something that is not a regular file";
                Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
            }
            Ok(found) => {
                fault::check(Kind::Read)?;
                Ok(Target {
                    path: fs::canonicalize(path)?,
                    found: Some(found),
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Target {
                path: end_of_links(path)?,
                found: None,
            }),
            Err(error) => Err(error),
        }
    }

    /// Whether there is a file.
    pub fn is_there(&self) -> bool {
        self.found.is_some()
    }

    /// Gives a file that is to take its place its owner, group, mode and access control list, as
    /// far as the system allows.
    ///
    /// # Errors
    /// The system's answer, other than that it does not allow it.
    pub fn pass_on(&self, file: &File) -> io::Result<()> {
        let Some(found) = &self.found else {
            return Ok(());
        };
        fault::check(Kind::Open)?;
        let done = pass_on(found, file).and_then(|is_same_group| {
            let from = is_same_group.then_some(self.path.as_path());
            system::copy_access_list(from, file)
        });
        match done {
            // File systems without modes or owners, or with fixed ones.
            Err(error) if is_not_allowed(&error) => Ok(()),
            done => done,
        }
    }
}

fn is_not_allowed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
    )
}

/// What the last link names, where nothing is.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut end = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let is_link = fs::symlink_metadata(&end).is_ok_and(|found| found.is_symlink());
        if !is_link {
            break;
        }
        let named = fs::read_link(&end)?;
        end = match end.parent() {
            Some(parent) => parent.join(named),
            None => named,
        };
    }
    Ok(end)
}

/// Says whether the group is the same then.
#[cfg(unix)]
fn pass_on(found: &Metadata, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::{fchown, MetadataExt, PermissionsExt};
    let mut mode = found.mode() & 0o7777;
    let (uid, gid) = (found.uid(), found.gid());
    let made = file.metadata()?;
    let mut is_same_group = true;
    if (made.uid(), made.gid()) != (uid, gid) && fchown(file, Some(uid), Some(gid)).is_err() {
        // Only root gives files away. What the file's group may must not become another group's,
        // nor its owner's powers another owner's.
        mode &= 0o1777;
        if made.gid() != gid && fchown(file, None, Some(gid)).is_err() {
            mode = mode & !0o070 | (mode & 0o007) << 3;
            is_same_group = false;
        }
    }
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(is_same_group)
}

#[cfg(not(unix))]
fn pass_on(found: &Metadata, file: &File) -> io::Result<bool> {
    file.set_permissions(found.permissions()).map(|()| true)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_where_nothing_is() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/b", at("a")).unwrap();
        symlink("../c", at("sub/b")).unwrap();
        let end = Target::of(&at("a")).unwrap();
        assert!(!end.is_there());
        assert_eq!(end.path, at("sub/../c"));
        fs::write(at("c"), "c").unwrap();
        let end = Target::of(&at("a")).unwrap();
        assert!(end.is_there());
        assert_eq!(end.path, fs::canonicalize(at("c")).unwrap());
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        assert!(Target::of(&at("a")).is_err());
    }
}
