"""The owner of an index of the library: who may get at it when, and its end."""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any, Callable, Optional, Type

from ._native import ffi, lib
from .errors import OutOfMemoryError, check, refused

# What each lock needs, found once.
_PLACE = ffi.typeof("guarded_hold **")
_new = ffi.new
_lock = lib.guarded_lock
_unlock = lib.guarded_unlock
_AGAIN: int = lib.GUARDED_AGAIN


class Lock:
    """`with handle.shared() as index:` and the like; `index` is the `annoy_index *`."""

    __slots__ = ("_exclusive", "_place", "handle")

    def __init__(self, handle: Handle, exclusive: bool) -> None:
        self.handle = handle
        self._exclusive = exclusive
        self._place: Any = None

    def __enter__(self) -> Any:
        while True:
            handle = self.handle
            self._place = place = _new(_PLACE)
            try:
                while (reason := _lock(handle.guarded, self._exclusive, place)) == _AGAIN:
                    pass  # between two calls Python looks for signals
                if reason:
                    raise refused(reason)
                if handle.replaced_by is None:
                    return handle.index
            except BaseException:
                # KeyboardInterrupt may come while this waits, and when it has what it waited for.
                _unlock(place)
                raise
            _unlock(place)
            self.handle = handle.replaced_by

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        _unlock(self._place)


class Handle:
    """Owns an `annoy_index *`. Calls that take it const may run together, the others run alone;
    closing waits for all."""

    __slots__ = ("__weakref__", "guarded", "index", "kept", "log", "replaced_by")

    def __init__(self, index: Any) -> None:
        guarded = lib.guarded_new(index)
        if guarded == ffi.NULL:
            raise OutOfMemoryError("cannot get memory for an index")
        # The bytes that the index has loaded and reads where they are: they live as long as
        # anybody searches it, who may have nothing but `guarded`.
        self.kept = kept = list[Any]([None])
        self.guarded = ffi.gc(guarded, lambda guarded, kept=kept: lib.guarded_free(guarded))
        # What a lock gives; there is none once this is closed.
        self.index = index
        # What the library's `user` of the log points to, the log, and its level.
        self.log: Any = None
        # The one that its owner has now: to it go the calls that waited for this one.
        self.replaced_by: Optional[Handle] = None
        _handles.add(self)

    def shared(self) -> Lock:
        """For calls that take the index const."""
        return Lock(self, False)

    def exclusive(self) -> Lock:
        """For calls that change the index."""
        return Lock(self, True)

    def set_log(self, log: Optional[Callable[[int, str], Any]], level: int) -> None:
        """Sets the function that gets messages."""
        with (lock := self.exclusive()) as index:
            user = ffi.NULL if log is None else ffi.new_handle(log)
            function = ffi.NULL if log is None else lib.python_log
            check(lib.annoy_set_log(index, level, function, user, lib.guarded_error()))
            lock.handle.log = None if log is None else (user, log, level)

    def close(self) -> None:
        """Waits for the calls under way and frees the index; the second time it does nothing."""
        place = _new(_PLACE)
        try:
            while (reason := lib.guarded_close(self.guarded, place)) == _AGAIN:
                pass
            if reason:
                raise refused(reason)
        finally:
            _unlock(place)


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
