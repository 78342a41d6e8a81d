"""The owner of an index of the library: who may get at it when, and its end."""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any, Callable, Optional, Type

from ._native import ffi, lib
from .errors import OutOfMemoryError, check, refused


def _wait(lock: Callable[[], int]) -> None:
    """Waits for a lock of guarded.h, which lets Python look for signals now and then."""
    while (reason := lock()) == lib.GUARDED_AGAIN:
        pass
    if reason:
        raise refused(reason)


class Lock:
    """`with handle.shared() as index:` and the like; `index` is the `annoy_index *`."""

    __slots__ = ("_exclusive", "_place", "handle")

    def __init__(self, handle: Handle, exclusive: bool) -> None:
        self.handle = handle
        self._exclusive = exclusive
        self._place: Any = None

    def __enter__(self) -> Any:
        while True:
            guarded = self.handle.guarded
            self._place = place = ffi.new("guarded_hold **")
            try:
                _wait(lambda: lib.guarded_lock(guarded, self._exclusive, place))
                if self.handle.replaced_by is None:
                    return lib.guarded_index(guarded)
            except BaseException:
                # KeyboardInterrupt may come while this waits, and when it has what it waited for.
                lib.guarded_unlock(place)
                raise
            lib.guarded_unlock(place)
            self.handle = self.handle.replaced_by

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        lib.guarded_unlock(self._place)


class Handle:
    """Owns an `annoy_index *`. Calls that take it const may run together, the others run alone;
    closing waits for all."""

    __slots__ = ("__weakref__", "guarded", "kept", "log", "replaced_by")

    def __init__(self, index: Any) -> None:
        guarded = lib.guarded_new(index)
        if guarded == ffi.NULL:
            raise OutOfMemoryError("cannot get memory for an index")
        # The bytes that the index has loaded and reads where they are: they live as long as
        # anybody searches it, who may have nothing but `guarded`.
        self.kept = kept = list[Any]([None])
        self.guarded = ffi.gc(guarded, lambda guarded, kept=kept: lib.guarded_free(guarded))
        # What the library's `user` of the log points to, the log, and its level.
        self.log: Any = None
        # The one that its owner has now: to it go the calls that waited for this one.
        self.replaced_by: Optional[Handle] = None
        _handles.add(self)

    def shared(self) -> Lock:
        """For calls that take the index const."""
        return Lock(self, exclusive=False)

    def exclusive(self) -> Lock:
        """For calls that change the index."""
        return Lock(self, exclusive=True)

    def set_log(self, log: Optional[Callable[[int, str], Any]], level: int) -> None:
        """Sets the function that gets messages."""
        with (lock := self.exclusive()) as index:
            user = ffi.NULL if log is None else ffi.new_handle(log)
            function = ffi.NULL if log is None else lib.python_log
            check(lib.annoy_set_log(index, level, function, user, lib.guarded_error()))
            lock.handle.log = None if log is None else (user, log, level)

    def close(self) -> None:
        """Waits for the calls under way and frees the index; the second time it does nothing."""
        place = ffi.new("guarded_hold **")
        try:
            _wait(lambda: lib.guarded_close(self.guarded, place))
        finally:
            lib.guarded_unlock(place)


class Owner:
    """What has a handle, as its parts see it."""

    @property
    def _owner(self) -> Handle:
        raise NotImplementedError


# For indexes whose handle is made when their f is known: only one makes it.
# Whoever makes one may be made to collect garbage, and that to close another.
making = threading.RLock()

_handles: weakref.WeakSet[Handle] = weakref.WeakSet()
# Those whose mutexes a fork that is under way holds.
_locked: list[Handle] = []


def _before_fork() -> None:
    lib.guarded_fork_begins()
    for handle in list(_handles):
        lib.guarded_before_fork(handle.guarded)
        _locked.append(handle)


def _after_fork(child: bool) -> None:
    global making
    if child:
        making = threading.RLock()
    for handle in _locked:
        lib.guarded_after_fork(handle.guarded, child)
    _locked.clear()
    lib.guarded_fork_ends(child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=lambda: _after_fork(child=False),
        after_in_child=lambda: _after_fork(child=True),
    )
