"""Functions of Python that the library calls, on the thread that called the library.

An exception in one ends the call as soon as may be, and is raised when the library has returned.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Optional

from ._native import ffi, lib
from .errors import OutOfMemoryError, check

Filter = Callable[[int], Any]
# Called with how much is done and of how much; or a progress bar as tqdm has them.
Progress = Any


def reporter(progress: Progress) -> Any:
    """The function of (done, total) that a progress is."""
    if progress is None or not hasattr(progress, "update"):
        return progress

    def update(done: int, total: int) -> None:
        progress.total = total
        progress.update(done - progress.n)

    return update


class Call:
    """A call of the library with callbacks: what they are, how they ended, and the token
    that cancels it."""

    def __init__(self, filter: Optional[Filter] = None, progress: Optional[Progress] = None) -> None:
        self.filter = filter
        self.progress: Optional[Callable[[int, int], Any]] = reporter(progress)
        self.error: Optional[BaseException] = None
        self.user = ffi.new_handle(self)
        self.reports = ffi.new("guarded_reports *", {"user": self.user, "next": 0})
        self.token = ffi.gc(lib.annoy_cancel_new(), lib.annoy_cancel_free)
        if self.token == ffi.NULL:
            raise OutOfMemoryError("cannot get memory for a cancel token")

    def failed(self, error: BaseException) -> None:
        if self.error is None:
            self.error = error
        lib.annoy_cancel_set(self.token)

    def finish(self, status: int, raise_status: Callable[[int], None]) -> None:
        """Raises what a callback raised, else what the status stands for."""
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None  # no cycle through its traceback
        raise_status(status)


def _on_error(kind: Any, error: BaseException, trace: Any) -> Optional[int]:
    """Where cffi takes what gets out of a callback: KeyboardInterrupt may at any line of it."""
    frame = trace.tb_frame if trace is not None else None
    user = frame.f_locals.get("user") if frame is not None else None
    if user is not None:
        call = ffi.from_handle(user)
        if isinstance(call, Call):
            call.failed(error)
    return None


@ffi.def_extern(error=0, onerror=_on_error)  # type: ignore[untyped-decorator]
def python_filter(user: Any, item: int) -> int:
    call = ffi.from_handle(user)
    if call.error is not None:
        return 0
    return 1 if call.filter(item) else 0


@ffi.def_extern(onerror=_on_error)  # type: ignore[untyped-decorator]
def python_progress(user: Any, done: int, total: int) -> None:
    call = ffi.from_handle(user)
    # Without a function of the caller's, this is where Ctrl-C is noticed.
    if call.error is None and call.progress is not None:
        call.progress(done, total)


@ffi.def_extern(onerror=lambda kind, error, trace: None)  # type: ignore[untyped-decorator]
def python_log(user: Any, level: int, text: Any) -> None:
    ffi.from_handle(user)(level, ffi.string(text).decode("utf-8", "replace"))


def on_main_thread() -> bool:
    """Whether this is the thread that gets KeyboardInterrupt."""
    return threading.current_thread() is threading.main_thread()


def work(n_threads: int, call: Optional[Call]) -> Any:
    """An `annoy_work *` for a call."""
    raw = ffi.new("annoy_work *")
    raw.struct_size, raw.n_threads = ffi.sizeof("annoy_work"), n_threads
    if call is not None:
        raw.cancel, raw.progress, raw.progress_user = call.token, lib.guarded_progress, call.reports
    return raw


def run(call: Optional[Call], invoke: Callable[[], int], raise_status: Callable[[int], None] = check) -> None:
    """Calls the library, and raises what comes of it."""
    if call is None:
        raise_status(invoke())
    else:
        call.finish(invoke(), raise_status)


def run_long(
    n_threads: int,
    progress: Optional[Progress],
    invoke: Callable[[Any], int],
    raise_status: Callable[[int], None] = check,
) -> None:
    """Makes a long call of the library, which takes an `annoy_work *`. On the main thread it looks
    up now and then, for Ctrl-C."""
    call = Call(progress=progress) if progress is not None or on_main_thread() else None
    raw = work(n_threads, call)
    run(call, lambda: invoke(raw), raise_status)
