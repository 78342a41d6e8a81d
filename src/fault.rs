//! Calls of the system that fail when a test wants them to.
//!
//! Every call that opens, reads, writes, maps, takes memory in proportion to the data or starts a
//! thread passes by [`check`]. Without the feature `fault-injection` that is nothing, and compiled
//! to nothing. With it, `tests/faults.rs` can [`arm`](control::arm) a failure, or
//! [`watch`](control::watch) what lies on the disk between two calls. Counted are the calls of the
//! whole process, because builds have threads: tests that use this take turns.

use std::io;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Opens a file or directory, creates a file, sets its permissions.
    Open,
    /// Reads, or asks about a file.
    Read,
    /// Writes.
    Write,
    /// Waits until a file, a map of it, or a directory is on the disk.
    Sync,
    /// Renames.
    Rename,
    /// Sets the length of a file, or reserves its blocks.
    Resize,
    /// Maps a file or anonymous memory, or changes the size of a map.
    Map,
    /// Allocates.
    Memory,
    /// Starts a thread.
    Thread,
}

#[cfg(feature = "fault-injection")]
impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Open,
        Kind::Read,
        Kind::Write,
        Kind::Sync,
        Kind::Rename,
        Kind::Resize,
        Kind::Map,
        Kind::Memory,
        Kind::Thread,
    ];
}

/// To be called before a call of this kind, which is to fail when this does.
///
/// # Errors
/// When a test has armed it.
#[cfg(not(feature = "fault-injection"))]
#[inline(always)]
pub(crate) fn check(_kind: Kind) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "fault-injection")]
pub(crate) use control::check;

/// What tests reach.
#[cfg(feature = "fault-injection")]
pub mod control {
    use super::{io, Kind};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// Which calls are to fail.
    struct Plan {
        kinds: Vec<Kind>,
        /// The first, counted from 1.
        nth: u64,
        /// All that follow too.
        lasting: bool,
        seen: u64,
    }

    /// Calls that the system refuses, with its error number, and how many more of them.
    static REFUSED: Mutex<Option<(Kind, i32, u64)>> = Mutex::new(None);

    type Watcher = Box<dyn FnMut(Kind) + Send>;

    static PLAN: Mutex<Option<Plan>> = Mutex::new(None);
    static WATCHER: Mutex<Option<Watcher>> = Mutex::new(None);

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the `nth` call of these kinds fail, from 1, and with `lasting` all that follow.
    #[allow(clippy::disallowed_methods)] // a test has memory
    pub fn arm(kinds: &[Kind], nth: u64, lasting: bool) {
        *lock(&PLAN) = Some(Plan {
            kinds: kinds.to_vec(),
            nth,
            lasting,
            seen: 0,
        });
    }

    /// Lets all calls through again. Says whether one has failed.
    pub fn disarm() -> bool {
        lock(&PLAN).take().is_some_and(|plan| plan.seen >= plan.nth)
    }

    /// Lets the next calls of a kind, as many as `times`, be refused with an error number of the
    /// system, beside what is armed.
    pub fn refuse(kind: Kind, number: i32, times: u64) {
        *lock(&REFUSED) = Some((kind, number, times));
    }

    /// Calls `watcher` before every call, until it is taken away by `None`. Calls that it makes
    /// itself are not watched.
    pub fn watch(watcher: Option<Watcher>) {
        *lock(&WATCHER) = watcher;
    }

    pub(crate) fn check(kind: Kind) -> io::Result<()> {
        if let Ok(mut watcher) = WATCHER.try_lock() {
            if let Some(watcher) = watcher.as_mut() {
                watcher(kind);
            }
        }
        if let Some(plan) = lock(&PLAN)
            .as_mut()
            .filter(|plan| plan.kinds.contains(&kind))
        {
            plan.seen += 1;
            if plan.seen == plan.nth || plan.lasting && plan.seen > plan.nth {
                return Err(io::Error::other("injected fault"));
            }
        }
        match &mut *lock(&REFUSED) {
            Some((refused, number, times)) if *refused == kind && *times > 0 => {
                *times -= 1;
                Err(io::Error::from_raw_os_error(*number))
            }
            _ => Ok(()),
        }
    }
}
