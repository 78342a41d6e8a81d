//! What only some systems can do, each with a portable twin.

use crate::fault::{self, Kind};
use memmap2::MmapMut;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::Path;
use tempfile::{PathPersistError, TempPath};

type Grown = Result<MmapMut, (Option<MmapMut>, io::Error)>;

/// Whether [`grow_anonymous`] leaves the bytes in the memory that they are in.
pub const GROWS_IN_PLACE: bool = cfg!(target_os = "linux");

/// Grows an anonymous map whose first `len` bytes matter; on failure it is handed back.
#[cfg(target_os = "linux")]
pub fn grow_anonymous(mut map: MmapMut, _len: usize, capacity: usize) -> Grown {
    if let Err(error) = fault::check(Kind::Map) {
        return Err((Some(map), error));
    }
    let options = memmap2::RemapOptions::new().may_move(true);
    // SAFETY: the map is anonymous, so no file can be too short for it, and we own it: no pointer
    // into it outlives this call. New pages of an anonymous map are zero.
    match unsafe { map.remap(capacity, options) } {
        Ok(()) => Ok(map),
        Err(error) => Err((Some(map), error)),
    }
}

/// Grows by copying into a larger map.
#[cfg(not(target_os = "linux"))]
pub fn grow_anonymous(map: MmapMut, len: usize, capacity: usize) -> Grown {
    match MmapMut::map_anon(capacity) {
        Ok(mut larger) => {
            larger[..len].copy_from_slice(&map[..len]);
            Ok(larger)
        }
        Err(error) => Err((Some(map), error)),
    }
}

/// Bytes of a huge page, where maps are best measured in those.
pub const HUGE_PAGE: usize = 2 << 20;

/// Asks for huge pages: each covers five hundred ordinary ones, so that reading here and there
/// waits less for addresses.
#[cfg(target_os = "linux")]
pub fn prefer_huge_pages(map: &MmapMut) {
    // Refused where the system has none; then ordinary pages serve.
    let _ = map.advise(memmap2::Advice::HugePage);
}

/// Other systems choose for themselves.
#[cfg(not(target_os = "linux"))]
pub fn prefer_huge_pages(_map: &MmapMut) {}

/// Reserves the blocks of a part of the file, so that writing there through a map cannot hit a full
/// disk (which would be a SIGBUS). The file must be that long already.
#[cfg(target_os = "linux")]
pub fn reserve_file(file: &File, part: Range<u64>) -> io::Result<()> {
    let (mut at, mut step) = (part.start, part.end - part.start);
    while at < part.end {
        let len = step.min(part.end - at);
        match fault::check(Kind::Resize).and_then(|()| allocate(file, at, len)) {
            Ok(()) => at += len,
            // A signal came. Some file systems undo what they have reserved until then: less at a
            // time gets done between two.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                step = (step / 2).max(1 << 16)
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, at: u64, len: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let size = |n: u64| libc::off_t::try_from(n).map_err(io::Error::other);
    // SAFETY: a call on an open descriptor, which `file` keeps open, with plain numbers.
    let code = unsafe { libc::posix_fallocate(file.as_raw_fd(), size(at)?, size(len)?) };
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Reserves them by writing what is there: zeros, unless it is a file that is to be written over.
#[cfg(not(target_os = "linux"))]
pub fn reserve_file(mut file: &File, part: Range<u64>) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom, Write};
    fault::check(Kind::Resize)?;
    let mut block = [0u8; 1 << 16];
    let mut at = part.start;
    while at < part.end {
        let len = block.len().min((part.end - at) as usize);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut block[..len])?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&block[..len])?;
        at += len as u64;
    }
    Ok(())
}

/// Makes a file, or what a directory names, durable. On macOS that is F_FULLFSYNC, which some file
/// systems of others do not have.
pub fn sync(file: &File) -> io::Result<()> {
    let synced = file.sync_all();
    #[cfg(target_vendor = "apple")]
    if let Err(error) = &synced {
        use std::os::fd::AsRawFd;
        let code = error.raw_os_error();
        if matches!(code, Some(libc::ENOTSUP | libc::ENOTTY | libc::EINVAL)) {
            // SAFETY: a call on an open descriptor, which `file` keeps open.
            return match unsafe { libc::fsync(file.as_raw_fd()) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            };
        }
    }
    synced
}

/// A directory, open so that renames in it can be made durable; none where it may be written to but
/// not read, and so not opened.
#[cfg(unix)]
pub struct Directory(Option<File>);

#[cfg(unix)]
impl Directory {
    pub fn open(path: &Path) -> io::Result<Self> {
        fault::check(Kind::Open)?;
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Directory(None)),
            opened => opened.map(|directory| Directory(Some(directory))),
        }
    }

    /// `renamed` is a file in it.
    pub fn sync(&self, renamed: &File) -> io::Result<()> {
        fault::check(Kind::Sync)?;
        match &self.0 {
            Some(directory) => sync(directory),
            None => sync_file_system(renamed),
        }
    }
}

/// Makes all of the file system durable that a file is on.
#[cfg(target_os = "linux")]
fn sync_file_system(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: a call on an open descriptor, which `file` keeps open.
    match unsafe { libc::syncfs(file.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Starts it, at least.
#[cfg(all(unix, not(target_os = "linux")))]
fn sync_file_system(_file: &File) -> io::Result<()> {
    // SAFETY: it takes nothing and gives nothing.
    unsafe { libc::sync() };
    Ok(())
}

/// Directories cannot be synced here; the rename itself is still atomic.
#[cfg(not(unix))]
pub struct Directory;

#[cfg(not(unix))]
impl Directory {
    pub fn open(_path: &Path) -> io::Result<Self> {
        Ok(Directory)
    }

    pub fn sync(&self, _renamed: &File) -> io::Result<()> {
        Ok(())
    }
}

/// What the system says of an error number, as `io::Error` has it, but in no memory that has to be
/// asked for.
#[cfg(unix)]
pub fn describe_os_error(number: i32, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; 256];
    // SAFETY: the pointer and the length are those of one buffer, and the last byte is left zero.
    let code = unsafe { libc::strerror_r(number, text.as_mut_ptr().cast(), text.len() - 1) };
    let text = std::ffi::CStr::from_bytes_until_nul(&text).ok();
    match text.and_then(|text| text.to_str().ok()) {
        Some(text) if code == 0 => write!(to, "{text} (os error {number})"),
        _ => write!(to, "os error {number}"),
    }
}

/// As `io::Error` has it.
#[cfg(not(unix))]
pub fn describe_os_error(number: i32, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(to, "{}", io::Error::from_raw_os_error(number))
}

/// Gives a file the access control list of another, or none where that has none or is none: not the
/// one that its directory gives to new files.
#[cfg(target_os = "linux")]
pub fn copy_access_list(from: Option<&Path>, to: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    const NAME: &std::ffi::CStr = c"system.posix_acl_access";
    // Two thousand entries.
    let mut list = [0u8; 16 << 10];
    let mut len = -1;
    // No memory is taken for the name: there may be none. Longer ones the system refuses.
    let mut path = [0u8; libc::PATH_MAX as usize];
    let from = from.map(|from| from.as_os_str().as_bytes());
    if let Some(from) = from.filter(|from| from.len() < path.len()) {
        path[..from.len()].copy_from_slice(from);
        let (name, room) = (NAME.as_ptr(), list.as_mut_ptr().cast());
        // SAFETY: both strings end in NUL, as the name is shorter than `path`, and `room` has the
        // length that is said.
        len = unsafe { libc::getxattr(path.as_ptr().cast(), name, room, list.len()) };
    }
    let (to, name) = (to.as_raw_fd(), NAME.as_ptr());
    // SAFETY: `to` is open while it is borrowed, the name ends in NUL, and the system has written
    // `len` bytes, if any.
    let done = unsafe {
        match usize::try_from(len) {
            Ok(len) => libc::fsetxattr(to, name, list.as_ptr().cast(), len, 0),
            Err(_) => libc::fremovexattr(to, name),
        }
    };
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        _ if done == 0 => Ok(()),
        // There is none, or none can be.
        Some(libc::ENODATA | libc::EOPNOTSUPP) => Ok(()),
        _ => Err(error),
    }
}

/// Modes are all that is known here.
#[cfg(not(target_os = "linux"))]
pub fn copy_access_list(_from: Option<&Path>, _to: &File) -> io::Result<()> {
    Ok(())
}

/// Which file it is, whatever its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    pub fn of(file: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(FileId(file.dev(), file.ino()))
    }

    /// The system does not say.
    #[cfg(not(any(unix, windows)))]
    pub fn of(_file: &Metadata) -> Option<Self> {
        None
    }

    /// The system tells when it was made, to a ten-millionth of a second.
    #[cfg(windows)]
    pub fn of(file: &Metadata) -> Option<Self> {
        let made = std::os::windows::fs::MetadataExt::creation_time(file);
        (made != 0).then_some(FileId(made, 0))
    }
}

/// Whether it was the name that was refused to a file, while what has the name may still be
/// writable: it is mounted, or the directory is not ours to change.
#[cfg(unix)]
pub fn is_name_refused(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EACCES | libc::EPERM | libc::EROFS | libc::EBUSY | libc::EXDEV)
    )
}

/// Here a file that is mapped can be neither replaced nor written over.
#[cfg(not(unix))]
pub fn is_name_refused(_error: &io::Error) -> bool {
    false
}

/// Gives a file another's name, in one step, also where that other is open. (`tempfile` does not
/// ask Windows for what makes that possible there.)
pub fn rename(temp: TempPath, to: &Path) -> Result<(), PathPersistError> {
    #[cfg(windows)]
    {
        match std::fs::rename(&temp, to) {
            Ok(()) => {
                // The name is not there any more.
                let _ = temp.keep();
                Ok(())
            }
            Err(error) => Err(PathPersistError { error, path: temp }),
        }
    }
    #[cfg(not(windows))]
    temp.persist(to)
}

/// Whether a file can be cut while a part of it is mapped that stays.
pub const CUTS_WHILE_MAPPED: bool = cfg!(not(windows));
