//! The lock of an index that several Python threads share, which waits as Python has to: a little
//! at a time, so that it can look for signals. guarded.h says what each function is for.
//!
//! Turns: calls that come after a waiting change wait for it, and when it is done, those that
//! waited meanwhile go before the next change.

use annoy_rs::ffi::handle::{annoy_free, annoy_get_n_trees, annoy_index};
use annoy_rs::ffi::status::{annoy_error, ANNOY_OK};
use std::alloc::{alloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_int;
use std::mem::{forget, replace};
use std::ptr::{eq, null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a call waits before Python looks for signals.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a call does not have the index: the numbers of guarded.h.
#[derive(Clone, Copy, PartialEq)]
#[repr(i32)]
pub(super) enum Refused {
    Closed = 1,
    Busy = 2,
    Shared = 3,
    Lost = 4,
    Memory = 5,
    Again = 6,
}

fn number(result: Result<(), Refused>) -> i32 {
    result.map_or_else(|refused| refused as i32, |()| 0)
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Calls that share the index.
    sharing: usize,
    /// Whether one has it alone.
    alone: bool,
    want_to_share: usize,
    /// Only calls that are let in go before these.
    want_it_alone: usize,
    /// Calls that wait to share it and whose turn it is, after one that had it alone.
    let_in: usize,
    /// Set before the close has its turn, so that nobody else comes in.
    closed: bool,
    /// In a forked child: a thread that is not there was changing it.
    lost: bool,
}

/// `guarded`.
pub struct Guarded {
    /// NULL once it is closed.
    pub(super) index: AtomicPtr<annoy_index>,
    /// Whether a call that shares it has seen trees, since one last had it alone.
    has_trees: AtomicBool,
    /// Held for moments only.
    state: Mutex<State>,
    turn: Condvar,
    /// The mutex, while it is kept over a fork.
    fork: Cell<Option<MutexGuard<'static, State>>>,
}

/// `guarded_hold`: one call's part in an index.
pub struct Hold {
    /// NULL before and after.
    of: Cell<*const Guarded>,
    alone: bool,
    closes: bool,
    /// Whether it has what it waited for.
    holds: Cell<bool>,
    /// The next that its thread holds.
    next: Cell<*const Hold>,
}

/// What a thread has here. To find it takes longer than to use it, so a call does that once.
pub(super) struct Thread {
    /// What it holds, the last first.
    last: Cell<*const Hold>,
    /// `guarded_error`.
    pub(super) error: UnsafeCell<annoy_error>,
}

thread_local! {
    pub(super) static THREAD: Thread = const {
        Thread {
            last: Cell::new(null()),
            error: UnsafeCell::new(annoy_error { code: ANNOY_OK, os_errno: 0, message: [0; 504] }),
        }
    };
    /// `FORKING`, while this thread forks.
    static FORK: Cell<Option<MutexGuard<'static, ()>>> = const { Cell::new(None) };
}

/// Held by a thread that forks.
static FORKING: Mutex<()> = Mutex::new(());

impl Thread {
    /// What it holds.
    fn holds(&self) -> impl Iterator<Item = &Hold> {
        // SAFETY: they stay where they are while they are in the list; nobody keeps what this
        // gives.
        let read = |hold: *const Hold| unsafe { hold.as_ref() };
        std::iter::successors(read(self.last.get()), move |hold| read(hold.next.get()))
    }

    fn list(&self, hold: &Hold) {
        hold.holds.set(true);
        hold.next.set(self.last.replace(hold));
    }

    fn unlist(&self, hold: &Hold) {
        let next = hold.next.get();
        match self.holds().find(|before| eq(before.next.get(), hold)) {
            Some(before) => before.next.set(next),
            None => self.last.set(next),
        }
    }
}

/// On the heap; NULL when there is no memory, where `Box::new` would end the process.
fn boxed<T>(value: T) -> *mut T {
    // SAFETY: no type here has size 0.
    let place = unsafe { alloc(Layout::new::<T>()) }.cast::<T>();
    if !place.is_null() {
        // SAFETY: just allocated for it.
        unsafe { place.write(value) };
    }
    place
}

impl Hold {
    pub(super) fn new(alone: bool, closes: bool) -> Self {
        Hold {
            of: Cell::new(null()),
            alone,
            closes,
            holds: Cell::new(false),
            next: Cell::new(null()),
        }
    }

    /// Ends it, whether it waits or holds.
    pub(super) fn leave(&self, thread: &Thread) {
        // SAFETY: an index is freed when there is no call left.
        if let Some(guarded) = unsafe { self.of.replace(null()).as_ref() } {
            guarded.leave(self, thread);
        }
    }
}

impl State {
    /// How many wait for the same as the hold.
    fn waiting(&mut self, hold: &Hold) -> &mut usize {
        if hold.alone {
            &mut self.want_it_alone
        } else {
            &mut self.want_to_share
        }
    }

    /// (Nobody is counted as waiting in the child of a fork, though a signal's handler may have
    /// forked while this thread did.)
    fn no_longer_waits(&mut self, hold: &Hold) {
        let count = self.waiting(hold);
        *count = count.saturating_sub(1);
        self.let_in = self.let_in.min(self.want_to_share);
    }
}

impl Guarded {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: &State) {
        if state.want_it_alone > 0 || state.want_to_share > 0 {
            self.turn.notify_all();
        }
    }

    fn is_freed(&self) -> bool {
        self.index.load(Relaxed).is_null()
    }

    pub(super) fn has_trees(&self) -> bool {
        if self.has_trees.load(Relaxed) {
            return true;
        }
        // SAFETY: called by those that share the index.
        let found = unsafe { annoy_get_n_trees(self.index.load(Relaxed)) > 0 };
        self.has_trees.store(found, Relaxed);
        found
    }

    /// Whether a call can have the index, or cannot however long it waits; None if it has to wait.
    /// A thread that holds an index, this or another, does not wait for those that wait, who may be
    /// waiting for it.
    fn verdict(&self, state: &State, hold: &Hold, thread: &Thread) -> Option<Result<(), Refused>> {
        if self.is_freed() || (state.closed && !hold.closes) {
            return Some(Err(Refused::Closed));
        }
        if state.lost {
            return Some(Err(Refused::Lost));
        }
        let mut is_inside = false;
        for other in thread.holds() {
            is_inside = true;
            if eq(other.of.get(), self) && other.alone {
                return Some(Err(Refused::Busy));
            }
            if eq(other.of.get(), self) && hold.alone {
                return Some(Err(Refused::Shared));
            }
        }
        let is_free = if state.alone {
            false
        } else if hold.alone {
            state.sharing == 0 && state.let_in == 0
        } else {
            state.want_it_alone == 0 || state.let_in > 0 || is_inside
        };
        is_free.then_some(Ok(()))
    }

    /// Waits for the turn, at most `PAUSE`. `hold` is new, or one for which this said `Again`.
    pub(super) fn enter(&self, hold: &Hold, thread: &Thread) -> Result<(), Refused> {
        let mut state = self.lock();
        let mut is_counted = !hold.of.replace(self).is_null();
        let mut verdict = self.verdict(&state, hold, thread);
        if verdict.is_none() {
            if !is_counted {
                *state.waiting(hold) += 1;
                is_counted = true;
            }
            let waited = self.turn.wait_timeout_while(state, PAUSE, |state| {
                verdict = self.verdict(state, hold, thread);
                verdict.is_none()
            });
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let verdict = verdict.unwrap_or(Err(Refused::Again));
        if verdict == Err(Refused::Again) {
            return verdict;
        }
        if is_counted {
            state.no_longer_waits(hold);
        }
        if verdict.is_err() {
            hold.of.set(null());
            if hold.closes {
                state.closed = self.is_freed();
            }
            self.wake(&state);
        } else {
            if hold.alone {
                state.alone = true;
                self.has_trees.store(false, Relaxed);
            } else {
                state.sharing += 1;
            }
            thread.list(hold);
        }
        verdict
    }

    fn leave(&self, hold: &Hold, thread: &Thread) {
        let mut state = self.lock();
        if !hold.holds.get() {
            state.no_longer_waits(hold);
            if hold.closes {
                state.closed = false;
            }
        } else if hold.alone {
            thread.unlist(hold);
            state.alone = false;
            state.let_in = state.want_to_share;
        } else {
            thread.unlist(hold);
            state.sharing -= 1;
        }
        self.wake(&state);
    }
}

#[no_mangle]
extern "C" fn guarded_error() -> *mut annoy_error {
    THREAD.with(|thread| thread.error.get())
}

#[no_mangle]
unsafe extern "C" fn guarded_new(index: *mut annoy_index) -> *mut Guarded {
    let guarded = boxed(Guarded {
        index: AtomicPtr::new(index),
        has_trees: AtomicBool::new(false),
        state: Mutex::new(State::default()),
        turn: Condvar::new(),
        fork: Cell::new(None),
    });
    if guarded.is_null() {
        // SAFETY: the caller has handed it over.
        unsafe { annoy_free(index) };
    }
    guarded
}

/// A hold of the caller's, at `place`, enters.
unsafe fn enter(
    guarded: *const Guarded,
    place: *mut *mut Hold,
    new: impl FnOnce() -> Hold,
) -> Result<(), Refused> {
    // SAFETY: both are the caller's; what is in a place was put there by this.
    unsafe {
        if (*place).is_null() {
            *place = boxed(new());
        }
        let hold = (*place).as_ref().ok_or(Refused::Memory)?;
        THREAD.with(|thread| (*guarded).enter(hold, thread))
    }
}

#[no_mangle]
unsafe extern "C" fn guarded_lock(
    guarded: *const Guarded,
    alone: c_int,
    place: *mut *mut Hold,
) -> c_int {
    // SAFETY: handed on.
    number(unsafe { enter(guarded, place, || Hold::new(alone != 0, false)) })
}

#[no_mangle]
unsafe extern "C" fn guarded_unlock(place: *mut *mut Hold) {
    // SAFETY: NULL, or made by `boxed`.
    unsafe {
        let hold = replace(&mut *place, null_mut());
        if !hold.is_null() {
            THREAD.with(|thread| (*hold).leave(thread));
            drop(Box::from_raw(hold));
        }
    }
}

#[no_mangle]
unsafe extern "C" fn guarded_index(guarded: *const Guarded) -> *mut annoy_index {
    // SAFETY: the caller's.
    unsafe { (*guarded).index.load(Relaxed) }
}

#[no_mangle]
unsafe extern "C" fn guarded_close(guarded: *const Guarded, place: *mut *mut Hold) -> c_int {
    // SAFETY: the caller's, for as long as the call takes.
    let (this, is_new) = unsafe { (&*guarded, (*place).is_null()) };
    if is_new {
        let mut state = this.lock();
        if replace(&mut state.closed, true) || state.lost {
            return 0;
        }
    }
    // SAFETY: handed on.
    let entered = unsafe { enter(guarded, place, || Hold::new(true, true)) };
    match entered {
        // SAFETY: this call has it alone, and nobody finds it from now on.
        Ok(()) => unsafe { annoy_free(this.index.swap(null_mut(), Relaxed)) },
        Err(Refused::Memory) => this.lock().closed = false,
        Err(_) => {}
    }
    number(entered)
}

#[no_mangle]
unsafe extern "C" fn guarded_free(guarded: *mut Guarded) {
    // SAFETY: made by `boxed`, and not used any more.
    let mut guarded = unsafe { Box::from_raw(guarded) };
    if !guarded.lock().lost {
        // SAFETY: NULL, or an index that nobody uses.
        unsafe { annoy_free(*guarded.index.get_mut()) };
    }
}

#[no_mangle]
extern "C" fn guarded_fork_begins() {
    FORK.set(Some(FORKING.lock().unwrap_or_else(PoisonError::into_inner)));
}

#[no_mangle]
extern "C" fn guarded_fork_ends(_child: c_int) {
    FORK.take();
}

#[no_mangle]
unsafe extern "C" fn guarded_before_fork(guarded: *const Guarded) {
    // SAFETY: the caller's, and kept until `guarded_after_fork`.
    let guarded: &'static Guarded = unsafe { &*guarded };
    guarded.fork.set(Some(guarded.lock()));
}

#[no_mangle]
unsafe extern "C" fn guarded_after_fork(guarded: *mut Guarded, child: c_int) {
    // SAFETY: the caller's. This thread has its mutex, or is the only one.
    let guard = unsafe { (*guarded).fork.take() };
    let (Some(before), 1..) = (guard.as_deref().copied(), child) else {
        return;
    };
    // SAFETY: as above.
    let this = unsafe { &*guarded };
    // Of all calls those of this thread are left.
    let (alone, sharing) = THREAD.with(|thread| {
        let holds = || thread.holds().filter(|hold| eq(hold.of.get(), this));
        (
            holds().any(|hold| hold.alone),
            holds().filter(|hold| !hold.alone).count(),
        )
    });
    let state = State {
        alone,
        sharing,
        closed: this.is_freed(),
        // Half changed: nothing is safe to do with it, not even to free it.
        lost: before.lost || (before.alone && !alone),
        ..State::default()
    };
    // Other threads may have waited for the old ones, which are no good then.
    forget(guard);
    // SAFETY: as above. Calls that are under way, whose callbacks this thread is in, have no
    // reference to them.
    unsafe {
        (&raw mut (*guarded).state).write(Mutex::new(state));
        (&raw mut (*guarded).turn).write(Condvar::new());
    }
}
