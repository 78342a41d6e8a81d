//! Work on many items by several threads.

use crate::error::Result;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Items that a thread takes at a time.
const TAKEN: usize = 256;

/// Calls `body` for ranges of `0..n` until all are done, from as many threads as the system gives, each with room of its
/// own.
///
/// # Errors
/// The first that `body` returns.
pub fn share<R>(
    n_threads: usize,
    n: usize,
    room: impl Fn() -> R + Sync,
    body: impl Fn(Range<usize>, &mut R) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut room = room();
        loop {
            let start = next.fetch_add(TAKEN, Ordering::Relaxed);
            if start >= n {
                return Ok(());
            }
            body(start..n.min(start + TAKEN), &mut room)?;
        }
    };
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 1..n_threads.min(n.div_ceil(TAKEN)) {
            let thread = std::thread::Builder::new().name(crate::WORK_THREAD.to_string());
            match thread.spawn_scoped(scope, work) {
                Ok(thread) => threads.push(thread),
                Err(_) => break,
            }
        }
        let mut result = work();
        for thread in threads {
            match thread.join() {
                Ok(of_thread) => result = result.and(of_thread),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    })
}
