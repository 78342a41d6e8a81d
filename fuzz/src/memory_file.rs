//! A file that is written thousands of times a second.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file in memory, with a name to open it by.
pub struct MemoryFile {
    file: File,
    path: PathBuf,
}

impl MemoryFile {
    pub fn new() -> Self {
        // SAFETY: a call with a NUL-terminated name.
        let fd = unsafe { libc::memfd_create(c"fuzz".as_ptr(), libc::MFD_CLOEXEC) };
        assert!(fd >= 0, "memfd_create: {}", std::io::Error::last_os_error());
        // SAFETY: just made, and nobody else has it.
        let file = unsafe { File::from_raw_fd(fd) };
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        MemoryFile { file, path }
    }

    /// Gives it these contents. No map of the old ones may be left.
    pub fn put(&self, bytes: &[u8]) {
        self.file.set_len(bytes.len() as u64).unwrap();
        self.file.write_all_at(bytes, 0).unwrap();
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
