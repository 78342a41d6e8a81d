"""What a call that fails raises: an `AnnoyError` that is also the built-in exception Python
programs expect."""

from __future__ import annotations

import os
from typing import Any, NoReturn, Optional

from ._native import ffi, lib


class AnnoyError(Exception):
    """A call of the library failed. `status` is its name in annoy.h, such as "ANNOY_ERR_IO"; ""
    where that has none."""

    status = ""

    def __str__(self) -> str:
        # Not KeyError's, which quotes.
        return Exception.__str__(self)


class ArgumentError(AnnoyError, ValueError):
    """A parameter has a value it cannot have, a vector another length than f, or NaN or
    infinity in it."""

    status = "ANNOY_ERR_ARGUMENT"


class ItemError(AnnoyError, IndexError):
    """An item id is negative, too large, or not in the index."""

    status = "ANNOY_ERR_ITEM"


class LabelError(AnnoyError, KeyError):
    """There is no such label, or it is another item's."""

    status = "ANNOY_ERR_LABEL"


class StateError(AnnoyError, RuntimeError):
    """The call is not legal now: the index is built, not built, or loaded."""

    status = "ANNOY_ERR_STATE"


class FileError(AnnoyError, OSError):
    """The operating system refused something (`errno`, `strerror` and `filename` say what), or a
    file is not an index, or it is damaged. If Python has a class for the errno, such as
    FileNotFoundError or PermissionError, the error is an instance of that class too."""

    def __reduce__(self) -> tuple[Any, ...]:
        return file_error, (str(self), self.errno, self.filename, self.status)


class NoFileError(FileError, FileNotFoundError):
    __doc__ = FileError.__doc__


class FilePermissionError(FileError, PermissionError):
    __doc__ = FileError.__doc__


class FileIsDirectoryError(FileError, IsADirectoryError):
    __doc__ = FileError.__doc__


class FileNotDirectoryError(FileError, NotADirectoryError):
    __doc__ = FileError.__doc__


class FileThereError(FileError, FileExistsError):
    __doc__ = FileError.__doc__


def file_error(message: str, errno: Optional[int], filename: Any, status: str) -> FileError:
    """The error for an errno, of the class for that."""
    builtin = type(OSError(errno, "")) if errno else OSError
    made = next((made for made in FileError.__subclasses__() if issubclass(made, builtin)), FileError)
    error = (FileError if builtin is OSError else made)(message)
    error.status, error.errno, error.filename = status, errno, filename
    error.strerror = os.strerror(errno) if errno else None
    return error


class OutOfMemoryError(AnnoyError, MemoryError):
    """There is not enough memory."""


class CancelledError(AnnoyError):
    """The call was cancelled."""


class UnsupportedError(AnnoyError, NotImplementedError):
    """This index, or this build of the library, cannot do that."""


class CallbackError(AnnoyError, RuntimeError):
    """A callback used the index in a way that would wait for the call it belongs to."""


class ClosedError(AnnoyError, ValueError):
    """The index is closed."""


_CLASSES = {
    lib.ANNOY_ERR_ARGUMENT: ArgumentError,
    lib.ANNOY_ERR_DIMENSION: ArgumentError,
    lib.ANNOY_ERR_NOT_FINITE: ArgumentError,
    lib.ANNOY_ERR_ITEM: ItemError,
    lib.ANNOY_ERR_STATE: StateError,
    lib.ANNOY_ERR_IO: FileError,
    lib.ANNOY_ERR_FORMAT: FileError,
    lib.ANNOY_ERR_CORRUPT: FileError,
    lib.ANNOY_ERR_NO_MEMORY: OutOfMemoryError,
    lib.ANNOY_ERR_CANCELLED: CancelledError,
    lib.ANNOY_ERR_UNSUPPORTED: UnsupportedError,
    lib.ANNOY_ERR_LABEL: LabelError,
}


def error_of(status: int, path: Optional[str] = None) -> AnnoyError:
    """The exception for a status that a call on this thread has just returned."""
    last = lib.guarded_error()
    message = ffi.string(last.message).decode("utf-8", "replace")
    name = ffi.string(lib.annoy_status_name(status)).decode()
    made = _CLASSES.get(status, AnnoyError)
    if made is FileError:
        return file_error(message, last.os_errno or None, path, name)
    error = made(message)
    error.status = name
    return error


def check(status: int, path: Optional[str] = None) -> None:
    """Raises what a status stands for, unless it is ANNOY_OK."""
    if status:
        raise error_of(status, path)


def raise_search(result: int) -> NoReturn:
    """Raises for what `guarded_by_vector` and the like returned instead of a number of
    results."""
    if result <= -100:
        raise error_of(-100 - result)
    raise refused(-1 - result)


def refused(reason: int) -> AnnoyError:
    """The exception for what `guarded_lock` or `guarded_close` returned."""
    if reason == lib.GUARDED_CLOSED:
        return ClosedError("the index is closed")
    if reason == lib.GUARDED_LOST:
        return StateError("the index was being changed by another thread when the process was forked")
    if reason == lib.GUARDED_MEMORY:
        return OutOfMemoryError("cannot get memory for a lock")
    if reason == lib.GUARDED_SHARED:
        return CallbackError("a callback cannot change the index it is called about")
    return CallbackError("a callback cannot use the index while the call it belongs to changes it")
