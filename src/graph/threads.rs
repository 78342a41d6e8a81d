//! Work on many items by several threads.

use crate::error::Result;
use crate::work;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

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
    let take_part = || {
        let mut room = room();
        loop {
            let start = next.fetch_add(TAKEN, Ordering::Relaxed);
            if start >= n {
                return Ok(());
            }
            body(start..n.min(start + TAKEN), &mut room)?;
        }
    };
    let failed = Mutex::new(None);
    let result = std::thread::scope(|scope| {
        let threads = work::start(
            scope,
            n_threads.min(n.div_ceil(TAKEN)).saturating_sub(1),
            || {
                || {
                    if let Err(error) = take_part() {
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                    }
                }
            },
        );
        let result = take_part();
        work::join(threads);
        result
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(result, Err)
}
