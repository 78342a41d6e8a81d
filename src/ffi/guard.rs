//! What every function's body runs in, and how arguments are read. Nothing here trusts a caller.

use super::either::{Either, Held};
use super::handle::annoy_index;
use super::lock::{Alone, Asking, Refused, Sharing};
use super::status::{annoy_error, annoy_status, ANNOY_OK};
use super::work::Given;
use crate::error::{Error, Result};
use crate::index::Index;
use crate::kernel::FloatMode;
use crate::memory;
use crate::storage::thread::is_ours;
use std::cell::{Cell, OnceCell};
use std::ffi::{c_char, CStr};
use std::ops::{Deref, DerefMut};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Once, OnceLock};

/// What a thread has to do with the library.
#[derive(Clone, Copy)]
struct Call {
    /// How many guards are open.
    depth: u32,
    /// The floating-point mode of the host, which made the innermost call.
    host: FloatMode,
}

thread_local! {
    static CALL: Cell<Call> = const {
        Cell::new(Call {
            depth: 0,
            host: FloatMode::NORMAL,
        })
    };
}

type Hook = dyn Fn(&PanicHookInfo<'_>) + Sync + Send;

/// Keeps Rust's panic message off the host's stderr while one of our functions runs, and on our
/// build threads. Panics elsewhere in the process are reported as before.
#[allow(clippy::disallowed_methods)] // a hook of no size takes nothing
fn quiet_hook() {
    static INSTALL: Once = Once::new();
    static BEFORE: OnceLock<Box<Hook>> = OnceLock::new();
    // Hooks cannot be set while a panic is under way (a Rust host's, calling from a destructor).
    if std::thread::panicking() {
        return;
    }
    INSTALL.call_once(|| {
        let _ = BEFORE.set(panic::take_hook());
        // It captures nothing, and so takes no memory.
        panic::set_hook(Box::new(|info| {
            let guarded = CALL.try_with(|call| call.get().depth > 0);
            let ours = guarded.unwrap_or(false) || is_ours();
            if let Some(before) = BEFORE.get().filter(|_| !ours) {
                before(info);
            }
        }));
    });
}

/// Runs the body of an exported function: no panic gets out, an error fills `error` and becomes a
/// status.
#[inline]
pub(super) fn guard(error: *mut annoy_error, body: impl FnOnce() -> Result<()>) -> annoy_status {
    catch(|| body().map_or_else(|failure| tell(error, &failure), |()| ANNOY_OK))
        .unwrap_or_else(|text| tell(error, &Error::Panic(text)))
}

/// Fills `error`, unless it is NULL; the status.
#[cold]
fn tell(error: *mut annoy_error, failure: &Error) -> annoy_status {
    let described = annoy_error::new(failure);
    let code = described.code;
    if !error.is_null() {
        // SAFETY: not NULL by the check above; that it points to an annoy_error, of any alignment,
        // is the caller's part.
        unsafe { error.write_unaligned(described) };
    }
    code
}

/// Runs the body of an exported function that cannot fail, with a value to return should it panic.
pub(super) fn guard_value<R>(otherwise: R, body: impl FnOnce() -> R) -> R {
    catch(body).unwrap_or(otherwise)
}

#[inline]
fn catch<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    quiet_hook();
    let host = FloatMode::current();
    if !host.is_normal() {
        FloatMode::NORMAL.enter();
    }
    let outer = CALL.get();
    CALL.set(Call {
        depth: outer.depth + 1,
        host,
    });
    let caught = panic::catch_unwind(AssertUnwindSafe(body));
    // A function of the host may have changed it.
    let Call { host, .. } = CALL.replace(outer);
    if !host.is_normal() {
        host.enter();
    }
    caught.map_err(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(memory::text)
            .or_else(|| payload.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| format!("no message"))
    })
}

/// Calls a function of the host, in its own floating-point mode; if it changes that, it has changed
/// the host's.
pub(super) fn call_host<R>(function: impl FnOnce() -> R) -> R {
    let call = CALL.get();
    if !call.host.is_normal() {
        call.host.enter();
    }
    let result = function();
    let host = FloatMode::current();
    if !(host.is_normal() && call.host.is_normal()) {
        CALL.set(Call { host, ..call });
        FloatMode::NORMAL.enter();
    }
    result
}

/// Marks the handle as unusable when a panic passes through.
struct Poison<'a>(&'a annoy_index);

impl Drop for Poison<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poisoned.store(true, Ordering::Relaxed);
        }
    }
}

/// A handle that the caller holds, not yet on loan.
///
/// # Safety
/// `index` is NULL or a live handle.
unsafe fn live<'a>(index: *const annoy_index) -> Result<&'a annoy_index> {
    // SAFETY: live by the caller's word; NULL gives none.
    unsafe { index.as_ref() }.ok_or(Error::Null("index"))
}

fn check_poison(handle: &annoy_index) -> Result<()> {
    if handle.poisoned.load(Ordering::Relaxed) {
        return Err(Error::Panic(format!(
            "an earlier call on this index hit a bug; it can only be freed"
        )));
    }
    Ok(())
}

#[cold]
fn refused(why: Refused) -> Error {
    let (operation, state, expected) = match why {
        Refused::Cancelled => return Error::Cancelled,
        Refused::InsideChange => (
            "use it in this callback",
            "being changed by the call that made the callback",
            "no use of it until that call is over",
        ),
        Refused::InsideSharing => (
            "change it in this callback",
            "in use by the call that made the callback",
            "no change until that call is over",
        ),
        Refused::TooDeep => (
            "use it in this callback",
            "one of many that this thread is in a call on",
            "callbacks in callbacks sixteen deep at the most",
        ),
        Refused::Forked => (
            "use it",
            "half changed, by a thread that was at it when this process was forked",
            "one that no thread was changing",
        ),
    };
    Error::State {
        operation,
        state,
        expected,
    }
}

#[cold]
fn closed() -> Error {
    Error::State {
        operation: "use it",
        state: "closed",
        expected: "an open one",
    }
}

/// That a handle is on loan for reading.
pub(super) struct Loan<'a> {
    _poison: Poison<'a>,
    // To be let go of in this order.
    asking: OnceCell<Asking<'a>>,
    sharing: Option<Sharing<'a>>,
}

impl Loan<'_> {
    /// To be called before functions of the host are: they may use the index.
    pub(super) fn ask(&self) -> Result<()> {
        if let (None, Some(sharing)) = (self.asking.get(), &self.sharing) {
            let asking = sharing.ask().map_err(refused)?;
            let _ = self.asking.set(asking);
        }
        Ok(())
    }
}

/// An index of one file on loan for reading.
pub(super) struct Shared<'a> {
    index: &'a Index,
    loan: Loan<'a>,
}

impl Shared<'_> {
    /// As [`Loan::ask`].
    pub(super) fn ask(&self) -> Result<()> {
        self.loan.ask()
    }
}

impl Deref for Shared<'_> {
    type Target = Index;
    fn deref(&self) -> &Index {
        self.index
    }
}

/// Borrows a handle for reading.
///
/// # Safety
/// `index` is NULL or a live handle; of an unlocked one, no thread is changing it.
pub(super) unsafe fn shared<'a>(index: *const annoy_index) -> Result<Shared<'a>> {
    // SAFETY: handed on.
    unsafe { shared_for(index, &Given::default()) }
}

/// Borrows a handle for reading, for a long call. One that is cancelled does not wait.
///
/// # Safety
/// As [`shared`].
pub(super) unsafe fn shared_for<'a>(
    index: *const annoy_index,
    work: &Given<'_>,
) -> Result<Shared<'a>> {
    // SAFETY: handed on.
    let (held, loan) = unsafe { borrow(index, work) }?;
    let index = held.one()?;
    Ok(Shared { index, loan })
}

/// Borrows a handle for reading, of an index of one file or of shards.
///
/// # Safety
/// As [`shared`].
pub(super) unsafe fn either<'a>(index: *const annoy_index) -> Result<Either<'a>> {
    // SAFETY: handed on.
    unsafe { either_for(index, &Given::default()) }
}

/// [`either`], for a long call. One that is cancelled does not wait.
///
/// # Safety
/// As [`shared`].
pub(super) unsafe fn either_for<'a>(
    index: *const annoy_index,
    work: &Given<'_>,
) -> Result<Either<'a>> {
    // SAFETY: handed on.
    let (held, loan) = unsafe { borrow(index, work) }?;
    Either::new(held, loan)
}

/// # Safety
/// As [`shared`].
unsafe fn borrow<'a>(index: *const annoy_index, work: &Given<'_>) -> Result<(&'a Held, Loan<'a>)> {
    // SAFETY: handed on.
    let handle = unsafe { live(index) }?;
    let sharing = match &handle.lock {
        Some(lock) => Some(lock.share(work.cancelled()).map_err(refused)?),
        None => None,
    };
    check_poison(handle)?;
    // SAFETY: nobody changes it: by the lock, or by the caller's word.
    let held = unsafe { &*handle.held.get() };
    let loan = Loan {
        _poison: Poison(handle),
        asking: OnceCell::new(),
        sharing,
    };
    let held = held.as_ref().ok_or_else(closed)?;
    if work.has_progress() {
        loan.ask()?;
    }
    Ok((held, loan))
}

/// A handle on loan for changing.
pub(super) struct Exclusive<'a> {
    index: &'a mut Index,
    _poison: Poison<'a>,
    _alone: Option<Alone<'a>>,
}

impl Deref for Exclusive<'_> {
    type Target = Index;
    fn deref(&self) -> &Index {
        self.index
    }
}

impl DerefMut for Exclusive<'_> {
    fn deref_mut(&mut self) -> &mut Index {
        self.index
    }
}

/// Borrows a handle for changing.
///
/// # Safety
/// `index` is NULL or a live handle; of an unlocked one, no other thread is using it.
pub(super) unsafe fn exclusive<'a>(index: *mut annoy_index) -> Result<Exclusive<'a>> {
    // SAFETY: handed on.
    unsafe { exclusive_for(index, &Given::default()) }
}

/// Borrows a handle for changing, for a long call. One that is cancelled does not wait.
///
/// # Safety
/// As [`exclusive`].
pub(super) unsafe fn exclusive_for<'a>(
    index: *mut annoy_index,
    work: &Given<'_>,
) -> Result<Exclusive<'a>> {
    // SAFETY: handed on.
    let handle = unsafe { live(index) }?;
    let alone = match &handle.lock {
        Some(lock) => Some(lock.alone(work.cancelled()).map_err(refused)?),
        None => None,
    };
    check_poison(handle)?;
    // SAFETY: nobody else uses it: by the lock, or by the caller's word.
    let held = unsafe { &mut *handle.held.get() };
    Ok(Exclusive {
        index: held.as_mut().ok_or_else(closed)?.one_mut()?,
        _poison: Poison(handle),
        _alone: alone,
    })
}

/// Takes what it has out of a handle, when all calls under way are done. None when it was taken out
/// before.
///
/// # Safety
/// As [`exclusive`].
pub(super) unsafe fn take(index: *mut annoy_index) -> Result<Option<Held>> {
    // SAFETY: handed on.
    let handle = unsafe { live(index) }?;
    let _alone = match &handle.lock {
        Some(lock) => Some(lock.alone(None).map_err(refused)?),
        None => None,
    };
    // SAFETY: nobody else uses it: by the lock, or by the caller's word.
    Ok(unsafe { &mut *handle.held.get() }.take())
}

/// Checks what a slice must fulfil: not NULL (unless empty), aligned, of a size that can be.
#[inline]
pub(super) fn check_slice<T>(name: &'static str, pointer: *const T, len: usize) -> Result<()> {
    let most = isize::MAX as usize / size_of::<T>();
    if len <= most && pointer.is_aligned() && (len == 0 || !pointer.is_null()) {
        return Ok(());
    }
    Err(refuse_slice(
        name,
        pointer.addr(),
        len,
        most,
        align_of::<T>(),
    ))
}

#[cold]
fn refuse_slice(name: &'static str, at: usize, len: usize, most: usize, align: usize) -> Error {
    if len > most {
        let expected = "a length that memory can hold";
        return Error::argument(name, format!("{len} elements long"), expected);
    }
    if at == 0 {
        return Error::Null(name);
    }
    let expected = format!("an address that is a multiple of {align}");
    Error::argument(name, format!("at address {at:#x}"), expected)
}

/// The caller's elements; `(NULL, 0)` is an empty slice.
///
/// # Safety
/// `pointer` is NULL or points to `len` elements that stay as they are.
pub(super) unsafe fn slice<'a, T>(
    name: &'static str,
    pointer: *const T,
    len: usize,
) -> Result<&'a [T]> {
    check_slice(name, pointer, len)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: checked above: not NULL, aligned, no larger than memory; the elements are there by
    // the caller's word.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// The caller's room; `(NULL, 0)` is an empty slice.
///
/// # Safety
/// `pointer` is NULL or points to room for `len` elements that nobody else uses.
pub(super) unsafe fn slice_mut<'a, T>(
    name: &'static str,
    pointer: *mut T,
    len: usize,
) -> Result<&'a mut [T]> {
    check_slice(name, pointer, len)?;
    if len == 0 {
        return Ok(&mut []);
    }
    // SAFETY: checked above: not NULL, aligned, no larger than memory; the room is there by the
    // caller's word.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, len) })
}

/// The caller's place for one result.
///
/// # Safety
/// `pointer` is NULL or points to room for one `T`.
pub(super) unsafe fn place<T>(name: &'static str, pointer: *mut T) -> Result<Place<T>> {
    if pointer.is_null() {
        return Err(Error::Null(name));
    }
    Ok(Place(pointer))
}

/// Somewhere to put one result; see [`place`].
pub(super) struct Place<T>(*mut T);

impl<T> Place<T> {
    pub(super) fn put(self, value: T) {
        // SAFETY: not NULL by the check in `place`; room for one value, of any alignment, by its
        // caller's word.
        unsafe { self.0.write_unaligned(value) };
    }
}

/// A NUL-terminated UTF-8 string.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated string that stays as it is.
pub(super) unsafe fn text<'a>(name: &'static str, pointer: *const c_char) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(Error::Null(name));
    }
    // SAFETY: not NULL by the check above, NUL-terminated by the caller's word.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes
        .to_str()
        .map_err(|_| Error::argument(name, format!("{bytes:?}"), "UTF-8"))
}

/// A path: on Unix the bytes as they are, for names may be in any encoding there; elsewhere UTF-8.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn path<'a>(pointer: *const c_char) -> Result<&'a Path> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        if pointer.is_null() {
            return Err(Error::Null("path"));
        }
        // SAFETY: not NULL by the check above, NUL-terminated by the caller's word.
        let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
        Ok(Path::new(std::ffi::OsStr::from_bytes(bytes)))
    }
    #[cfg(not(unix))]
    {
        // SAFETY: handed on.
        unsafe { text("path", pointer) }.map(Path::new)
    }
}

/// Annoy's -1 for "choose": anything else below `least` is an error.
pub(super) fn or_choose(name: &'static str, value: i64, least: i64) -> Result<Option<u64>> {
    match value {
        -1 => Ok(None),
        value if value >= least => Ok(Some(value as u64)),
        value => {
            let expected = format!("a number from {least} up, or -1 for the default");
            Err(Error::argument(name, value, expected))
        }
    }
}
