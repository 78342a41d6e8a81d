//! A file that is written thousands of times a second.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

/// A file with a name to open it by: in memory, where the system has such.
pub struct MemoryFile {
    file: File,
    path: PathBuf,
    #[cfg(not(target_os = "linux"))]
    _removed_in_the_end: tempfile::TempPath,
}

impl MemoryFile {
    #[cfg(target_os = "linux")]
    pub fn new() -> Self {
        use std::os::fd::{AsRawFd, FromRawFd};
        // SAFETY: a call with a NUL-terminated name.
        let fd = unsafe { libc::memfd_create(c"fuzz".as_ptr(), libc::MFD_CLOEXEC) };
        assert!(fd >= 0, "memfd_create: {}", std::io::Error::last_os_error());
        // SAFETY: just made, and nobody else has it.
        let file = unsafe { File::from_raw_fd(fd) };
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        MemoryFile { file, path }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new() -> Self {
        let (file, temp) = tempfile::NamedTempFile::new().unwrap().into_parts();
        let path = temp.to_path_buf();
        MemoryFile {
            file,
            path,
            _removed_in_the_end: temp,
        }
    }

    /// Gives it these contents. No map of the old ones may be left.
    pub fn put(&self, bytes: &[u8]) {
        let mut file = &self.file;
        file.set_len(bytes.len() as u64).unwrap();
        file.rewind().unwrap();
        file.write_all(bytes).unwrap();
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
