//! Threads that may not be there: `std::thread` ends the process when it gets no memory for what it
//! keeps about one.

use crate::fault::{self, Kind};
use std::any::Any;
use std::cell::Cell;
use std::panic;
use std::sync::{Mutex, PoisonError};

thread_local! {
    /// Whether this thread is one of ours.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread was started by [`beside`].
pub fn is_ours() -> bool {
    IS_OURS.try_with(Cell::get).unwrap_or(false)
}

/// What a thread runs, and the first panic of any.
struct Task<'a> {
    body: &'a (dyn Fn() + Sync),
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Task<'_> {
    fn run(&self) {
        IS_OURS.with(|is_ours| is_ours.set(true));
        if let Err(caught) = panic::catch_unwind(panic::AssertUnwindSafe(self.body)) {
            let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(caught);
        }
    }
}

/// Runs `body` on `n` threads more, or as many as the system gives, and meanwhile `here`, which is
/// told how many those are, on the calling one. Comes back when all are done; a panic of `body`
/// goes on here.
pub fn beside<R>(n: usize, body: &(dyn Fn() + Sync), here: impl FnOnce(usize) -> R) -> R {
    let task = Task {
        body,
        panic: Mutex::new(None),
    };
    let result = run_beside(n, &task, here);
    let caught = task.panic.into_inner();
    if let Some(panic) = caught.unwrap_or_else(PoisonError::into_inner) {
        panic::resume_unwind(panic);
    }
    result
}

#[cfg(unix)]
mod system {
    use super::{fault, Kind, Task};
    use crate::memory;
    use std::ffi::c_void;
    use std::marker::PhantomData;
    use std::mem::MaybeUninit;

    /// What the standard library's threads have too.
    const STACK: usize = 2 << 20;

    /// Threads that run; waited for when this is dropped, so that what they borrow stays.
    pub struct Threads<'a> {
        started: Vec<libc::pthread_t>,
        task: PhantomData<&'a Task<'a>>,
    }

    extern "C" fn run(task: *mut c_void) -> *mut c_void {
        // SAFETY: the task that `start` was given, which outlives the `Threads` that wait for this
        // thread.
        unsafe { &*task.cast::<Task<'_>>() }.run();
        std::ptr::null_mut()
    }

    impl<'a> Threads<'a> {
        pub fn start(n: usize, task: &'a Task<'a>) -> Self {
            let mut threads = Threads {
                started: memory::with_room(n).unwrap_or_default(),
                task: PhantomData,
            };
            let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
            // SAFETY: room for the attributes, which this initialises.
            if unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) } != 0 {
                return threads;
            }
            // SAFETY: initialised above; where this size is refused, the system's own stays.
            unsafe { libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK) };
            // Never more than there is room for.
            for _ in 0..threads.started.capacity().min(n) {
                if fault::check(Kind::Thread).is_err() {
                    break;
                }
                let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
                let task: *const Task<'_> = task;
                // SAFETY: room for the id; attributes initialised above; `run` takes the task,
                // which lives until `drop` has waited for the thread.
                let code = unsafe {
                    libc::pthread_create(
                        thread.as_mut_ptr(),
                        attributes.as_ptr(),
                        run,
                        task.cast_mut().cast(),
                    )
                };
                if code != 0 {
                    break;
                }
                // SAFETY: the call above has succeeded, so the id is there.
                threads.started.push(unsafe { thread.assume_init() });
            }
            // SAFETY: initialised above, and not used again.
            unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
            threads
        }

        pub fn count(&self) -> usize {
            self.started.len()
        }
    }

    impl Drop for Threads<'_> {
        fn drop(&mut self) {
            for &thread in &self.started {
                // SAFETY: a thread that was started, is not detached, and was not waited for
                // before.
                unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
            }
        }
    }
}

#[cfg(unix)]
fn run_beside<R>(n: usize, task: &Task<'_>, here: impl FnOnce(usize) -> R) -> R {
    let threads = system::Threads::start(n, task);
    here(threads.count())
}

/// By the standard library's threads.
#[cfg(not(unix))]
fn run_beside<R>(n: usize, task: &Task<'_>, here: impl FnOnce(usize) -> R) -> R {
    std::thread::scope(|scope| {
        let start = |_: &usize| {
            let thread = std::thread::Builder::new();
            fault::check(Kind::Thread).is_ok() && thread.spawn_scoped(scope, || task.run()).is_ok()
        };
        here((0..n).take_while(start).count())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn all_are_done_when_it_comes_back() {
        let count = AtomicUsize::new(0);
        let body = || {
            assert!(is_ours());
            std::thread::sleep(std::time::Duration::from_millis(20));
            count.fetch_add(1, Ordering::Relaxed);
        };
        let started = beside(3, &body, |started| started);
        assert!(!is_ours());
        assert_eq!(started, 3);
        assert_eq!(count.into_inner(), 3);
    }

    #[test]
    fn panics_go_on_after_all_are_done() {
        let ended = AtomicUsize::new(0);
        let first = AtomicUsize::new(0);
        let body = || {
            if first.fetch_add(1, Ordering::Relaxed) == 0 {
                panic::resume_unwind(Box::new("thrown"));
            }
            ended.fetch_add(1, Ordering::Relaxed);
        };
        let caught = panic::catch_unwind(|| beside(3, &body, |_| ()));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"thrown"));
        assert_eq!(ended.into_inner(), 2);
    }

    #[test]
    fn panics_here_wait_too() {
        let ended = AtomicUsize::new(0);
        let body = || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            ended.fetch_add(1, Ordering::Relaxed);
        };
        let here = |_| panic::resume_unwind(Box::new(5));
        let caught: Result<(), _> = panic::catch_unwind(|| beside(2, &body, here));
        assert!(caught.is_err());
        assert_eq!(ended.into_inner(), 2);
    }
}
