//! How much of a file is in memory.

use std::fs::File;

/// The share of a file's pages that the system has in memory. None where it does not tell.
#[cfg(unix)]
pub fn share(file: &File) -> Option<f64> {
    // SAFETY: it takes a number and gives one.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    // SAFETY: nothing reads what is mapped; a file that is cut meanwhile does no harm.
    let map = unsafe { memmap2::Mmap::map(file) }.ok()?;
    let mut states = vec![0u8; map.len().div_ceil(page)];
    // SAFETY: the range is mapped, and there is a byte for each of its pages.
    let code = unsafe {
        let start = map.as_ptr().cast_mut().cast();
        libc::mincore(start, map.len(), states.as_mut_ptr().cast())
    };
    let cached = states.iter().filter(|&state| state & 1 == 1).count();
    (code == 0 && !states.is_empty()).then(|| cached as f64 / states.len() as f64)
}

#[cfg(not(unix))]
pub fn share(_: &File) -> Option<f64> {
    None
}
