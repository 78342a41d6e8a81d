"""The owner of an index of the library: who may get at it when, and its end."""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any, Optional, Type

from ._native import ffi, lib
from .errors import CallbackError, OutOfMemoryError, refused


class Lock:
    """`with handle.shared() as index:` and the like; `index` is the `annoy_index *`."""

    __slots__ = ("_exclusive", "_handle")

    def __init__(self, handle: Handle, exclusive: bool) -> None:
        self._handle = handle
        self._exclusive = exclusive

    def __enter__(self) -> Any:
        handle = self._handle
        if self._exclusive:
            handle.refuse_in_callback()
        held = ffi.new("int *")
        try:
            reason = lib.guarded_lock(handle.guarded, self._exclusive, held)
            if reason:
                raise refused(reason)
            return lib.guarded_index(handle.guarded)
        except BaseException:
            # KeyboardInterrupt, which came while this waited, comes here when the lock is taken.
            if held[0]:
                lib.guarded_unlock(handle.guarded)
            raise

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        lib.guarded_unlock(self._handle.guarded)


class Handle:
    """Owns an `annoy_index *`. Calls that take it const share it, the others have it alone; closing waits for them."""

    __slots__ = ("__weakref__", "calling", "guarded", "log")

    def __init__(self, index: Any) -> None:
        guarded = lib.guarded_new(index)
        if guarded == ffi.NULL:
            raise OutOfMemoryError("cannot get memory for an index")
        self.guarded = ffi.gc(guarded, lib.guarded_free)
        # Threads that are in a search with a callback: they share the index, so they must not wait to have it alone.
        self.calling: list[int] = []
        # What the library's `user` of the log points to.
        self.log: Any = None
        _handles.add(self)

    def shared(self) -> Lock:
        """For calls that take the index const."""
        return Lock(self, exclusive=False)

    def exclusive(self) -> Lock:
        """For calls that change the index."""
        return Lock(self, exclusive=True)

    def refuse_in_callback(self) -> None:
        if self.calling and threading.get_ident() in self.calling:
            raise CallbackError("a callback cannot change the index it is called about")

    def close(self) -> None:
        """Waits for the calls under way and frees the index; the second time it does nothing."""
        self.refuse_in_callback()
        reason = lib.guarded_close(self.guarded)
        if reason:
            raise refused(reason)


_handles: weakref.WeakSet[Handle] = weakref.WeakSet()


def _after_fork() -> None:
    for handle in _handles:
        handle.calling.clear()
        lib.guarded_after_fork(handle.guarded)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
