//! What only some systems can do, each with a portable twin.

use crate::fault::{self, Kind};
use memmap2::MmapMut;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

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
    // SAFETY: the map is anonymous, so no file can be too short for it, and we own it: no pointer into it outlives
    // this call. New pages of an anonymous map are zero.
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

/// Asks for huge pages: each covers five hundred ordinary ones, so that reading here and there waits less for addresses.
#[cfg(target_os = "linux")]
pub fn prefer_huge_pages(map: &MmapMut) {
    // Refused where the system has none; then ordinary pages serve.
    let _ = map.advise(memmap2::Advice::HugePage);
}

/// Other systems choose for themselves.
#[cfg(not(target_os = "linux"))]
pub fn prefer_huge_pages(_map: &MmapMut) {}

/// Reserves the blocks of a part of the file, so that writing there through a map cannot hit a full disk (which would be a
/// SIGBUS). The file must be that long already.
#[cfg(target_os = "linux")]
pub fn reserve_file(file: &File, part: Range<u64>) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    fault::check(Kind::Resize)?;
    let size = |n: u64| libc::off_t::try_from(n).map_err(io::Error::other);
    let (start, len) = (size(part.start)?, size(part.end - part.start)?);
    // SAFETY: a call on an open descriptor, which `file` keeps open, with plain numbers.
    let code = unsafe { libc::posix_fallocate(file.as_raw_fd(), start, len) };
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Reserves them by writing zeros.
#[cfg(not(target_os = "linux"))]
pub fn reserve_file(mut file: &File, part: Range<u64>) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    fault::check(Kind::Resize)?;
    file.seek(SeekFrom::Start(part.start))?;
    let zeros = &mut io::repeat(0).take(part.end - part.start);
    io::copy(zeros, &mut file).map(|_| ())
}

/// A directory, open so that renames in it can be made durable.
#[cfg(unix)]
pub struct Directory(File);

#[cfg(unix)]
impl Directory {
    pub fn open(path: &Path) -> io::Result<Self> {
        fault::check(Kind::Open)?;
        File::open(path).map(Directory)
    }

    pub fn sync(&self) -> io::Result<()> {
        fault::check(Kind::Sync)?;
        self.0.sync_all()
    }
}

/// Directories cannot be synced here; the rename itself is still atomic.
#[cfg(not(unix))]
pub struct Directory;

#[cfg(not(unix))]
impl Directory {
    pub fn open(_path: &Path) -> io::Result<Self> {
        Ok(Directory)
    }

    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What the system says of an error number, as `io::Error` has it, but in no memory that has to be asked for.
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
