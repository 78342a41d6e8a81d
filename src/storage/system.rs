//! What only some systems can do, each with a portable twin.

use memmap2::MmapMut;
use std::fs::File;
use std::io;
use std::path::Path;

type Grown = Result<MmapMut, (Option<MmapMut>, io::Error)>;

/// Whether [`grow_anonymous`] leaves the bytes in the memory that they are in.
pub const GROWS_IN_PLACE: bool = cfg!(target_os = "linux");

/// Grows an anonymous map whose first `len` bytes matter; on failure it is handed back.
#[cfg(target_os = "linux")]
pub fn grow_anonymous(mut map: MmapMut, _len: usize, capacity: usize) -> Grown {
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

/// Gives the file `len` bytes with their blocks reserved, so that writing through a map cannot hit a full disk
/// (which would be a SIGBUS).
#[cfg(target_os = "linux")]
pub fn reserve_file(file: &File, from: u64, len: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let size = |n: u64| libc::off_t::try_from(n).map_err(io::Error::other);
    // SAFETY: a call on an open descriptor, which `file` keeps open, with plain numbers.
    let code = unsafe { libc::posix_fallocate(file.as_raw_fd(), size(from)?, size(len - from)?) };
    match code {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Gives the file `len` bytes by writing zeros.
#[cfg(not(target_os = "linux"))]
pub fn reserve_file(mut file: &File, from: u64, len: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut io::repeat(0).take(len - from), &mut file).map(|_| ())
}

/// Makes a rename in this directory durable.
#[cfg(unix)]
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Directories cannot be synced here; the rename itself is still atomic.
#[cfg(not(unix))]
pub fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}
