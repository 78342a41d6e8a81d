//! Threads, progress and cancellation: the same for every long call.

use crate::error::{Error, Result};
use crate::kernel::FloatMode;
use crate::storage::thread;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;

/// No call works by more threads than this, whatever it is told: more are never of use, and each
/// takes memory.
pub const MAX_THREADS: usize = 256;

/// Tells a long call to give up. Any thread may, at any time.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Not yet cancelled.
    pub fn new() -> Self {
        Cancel::default()
    }

    /// Tells the calls that look at it to give up.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// Whether that has been done.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a long call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Adding items; counted in items.
    Add,
    /// Building trees; counted in steps that take about as long as each other.
    Build,
    /// Searching for many; counted in queries.
    Search,
    /// Writing a file; counted in bytes.
    Save,
    /// Verifying; counted in nodes.
    Verify,
    /// Building a graph; counted in items, each many times.
    Graph,
    /// Building the lists of a scan; counted in items, each twice or four times.
    Scan,
}

/// How a long call is to work. The default is as many threads as there are processors, and nothing
/// told.
///
/// ```
/// use annoy_rs::{Cancel, Error, Index, Metric, Stage, Work};
/// let mut index = Index::new(Metric::Euclidean, 1)?;
/// for id in 0..100 {
///     index.add_item(id, &[id as f32])?;
/// }
/// let cancel = Cancel::new();
/// let mut give_up = |stage, done, total| {
///     assert!(stage == Stage::Build && done <= total);
///     cancel.cancel();
/// };
/// let mut work = Work {
///     cancel: Some(&cancel),
///     progress: Some(&mut give_up),
///     ..Work::default()
/// };
/// assert!(matches!(index.build_with(Some(5), &mut work), Err(Error::Cancelled)));
/// // As it was before.
/// index.build(Some(5), None)?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Default)]
pub struct Work<'a> {
    /// Threads, at least 1, of which no more than [`MAX_THREADS`] are used; `None` for one per
    /// processor. Saving and verifying take one in any case.
    pub n_threads: Option<usize>,
    /// Looked at all the time. Once it is set the call fails with [`Error::Cancelled`], and the
    /// index is as before.
    pub cancel: Option<&'a Cancel>,
    /// Told what the call does, how much of it is done, and how much there is to do; on the calling
    /// thread. What is done never becomes less.
    pub progress: Option<&'a mut dyn FnMut(Stage, u64, u64)>,
}

impl Work<'_> {
    /// Runs the body of a call, unless that is cancelled already. A panic of `progress` ends the
    /// body with [`Error::Cancelled`], so that whatever it has begun is undone, and goes on
    /// afterwards.
    pub(crate) fn run<R>(
        &mut self,
        stage: Stage,
        total: u64,
        body: impl FnOnce(&Meter<'_>) -> Result<R>,
    ) -> Result<R> {
        if self.n_threads == Some(0) {
            let expected = "at least 1, or -1 for one per processor";
            return Err(Error::argument("n_threads", 0, expected));
        }
        let meter = Meter {
            stage,
            n_threads: self.n_threads,
            cancel: self.cancel,
            progress: RefCell::new(match &mut self.progress {
                Some(progress) => Some(&mut **progress),
                None => None,
            }),
            done: Cell::new(0),
            total: Cell::new(total),
            panic: Cell::new(None),
        };
        meter.go_on()?;
        let result = body(&meter);
        if let Some(panic) = meter.panic.take() {
            panic::resume_unwind(panic);
        }
        result
    }
}

/// Hears how far a call has come.
type Progress<'a> = dyn FnMut(Stage, u64, u64) + 'a;

/// Progress and cancellation of a call that runs. Stays on the thread that made the call.
pub(crate) struct Meter<'a> {
    stage: Stage,
    n_threads: Option<usize>,
    cancel: Option<&'a Cancel>,
    progress: RefCell<Option<&'a mut Progress<'a>>>,
    done: Cell<u64>,
    total: Cell<u64>,
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

impl<'a> Meter<'a> {
    /// The threads for work that has use for `most`, no more than [`MAX_THREADS`]. The system is
    /// not asked when that is one: it takes its time.
    pub fn n_threads(&self, most: usize) -> usize {
        let wanted = match self.n_threads {
            Some(n) => n,
            None if most < 2 => 1,
            None => n_processors(),
        };
        wanted.min(most).clamp(1, MAX_THREADS)
    }

    /// For threads to look at.
    pub fn cancel(&self) -> Option<&'a Cancel> {
        self.cancel
    }

    /// Sets how much there is to do.
    pub fn set_total(&self, total: u64) {
        self.total.set(total.max(self.done.get()));
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn go_on(&self) -> Result<()> {
        check(self.cancel)
    }

    /// Tells how much is done, then looks whether to go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn report(&self, done: u64) -> Result<()> {
        let total = self.total.get();
        let done = done.min(total).max(self.done.get());
        self.done.set(done);
        let mut progress = self.progress.borrow_mut();
        if let Some(tell) = progress.as_mut() {
            if let Err(panic) =
                panic::catch_unwind(AssertUnwindSafe(|| tell(self.stage, done, total)))
            {
                self.panic.set(Some(panic));
                *progress = None;
                return Err(Error::Cancelled);
            }
        }
        self.go_on()
    }

    /// [Reports](Self::report) that no more is done, where it is known how much there is to do;
    /// looks whether to go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn repeat(&self) -> Result<()> {
        match self.total.get() {
            0 => self.go_on(),
            _ => self.report(self.done.get()),
        }
    }

    /// [Reports](Self::report) that more is done.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn advance(&self, by: u64) -> Result<()> {
        self.report(self.done.get() + by)
    }

    /// [Reports](Self::report) that all is done.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn finish(&self) -> Result<()> {
        self.report(self.total.get())
    }
}

/// Whether to go on.
///
/// # Errors
/// [`Error::Cancelled`].
pub(crate) fn check(cancel: Option<&Cancel>) -> Result<()> {
    match cancel.is_some_and(Cancel::is_cancelled) {
        true => Err(Error::Cancelled),
        false => Ok(()),
    }
}

/// Processors that this process may use. Asked for once: on Linux the answer takes reading of
/// several files.
fn n_processors() -> usize {
    static KNOWN: OnceLock<usize> = OnceLock::new();
    *KNOWN.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// Runs `body` on `n` threads more, or as many as the system gives: those there are do the work.
/// Meanwhile `here`, which is told how many, runs on the calling thread. Comes back when all are
/// done; a panic goes on here.
pub(crate) fn beside<R>(n: usize, body: &(dyn Fn() + Sync), here: impl FnOnce(usize) -> R) -> R {
    let body = || {
        // Systems differ in what a new thread starts with.
        FloatMode::NORMAL.enter();
        body();
    };
    match n {
        0 => here(0),
        n => thread::beside(n, &body, here),
    }
}
