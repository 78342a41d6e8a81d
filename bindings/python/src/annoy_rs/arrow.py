"""Vectors out of Arrow's memory, through its C data interface and PyCapsules: no Arrow library is
needed, and nothing is copied.

https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

import ctypes
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError

_ELEMENTS = {
    b"e": np.float16, b"f": np.float32, b"g": np.float64, b"c": np.int8, b"C": np.uint8, b"s": np.int16,
    b"S": np.uint16, b"i": np.int32, b"I": np.uint32, b"l": np.int64, b"L": np.uint64,
}  # fmt: skip
_OFFSETS = {b"+l": np.int32, b"+L": np.int64}


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", ctypes.c_void_p),
]

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]


class _Owned:
    """A structure that a stream filled, and that is ours to release."""

    def __init__(self, kind: Any) -> None:
        self.it = kind()

    def __del__(self) -> None:
        if self.it.release:
            self.it.release(ctypes.byref(self.it))


def is_arrow(values: Any) -> bool:
    return hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__")


def chunks(values: Any) -> list[NDArray[Any]]:
    """The vectors of an array, a chunked array, or a table: one array of shape (n, f) for each
    piece of memory they lie in. A table has one column of lists, or columns of numbers."""
    found = []
    if hasattr(values, "__arrow_c_array__"):
        schema_capsule, array_capsule = values.__arrow_c_array__()
        schema = _Schema.from_address(_pointer_of(schema_capsule, b"arrow_schema"))
        array = _Array.from_address(_pointer_of(array_capsule, b"arrow_array"))
        if not array.release:
            raise ArgumentError("the Arrow array was released, expected one that is there")
        found.append(_vectors(schema, array, array_capsule, 0))
    else:
        capsule = values.__arrow_c_stream__()
        stream = _Stream.from_address(_pointer_of(capsule, b"arrow_array_stream"))
        if not stream.release:
            raise ArgumentError("the Arrow stream was read already, expected one that is there")
        try:
            schema_owner = _Owned(_Schema)
            _called(stream, stream.get_schema(ctypes.byref(stream), ctypes.byref(schema_owner.it)))
            first = 0
            while True:
                owner = _Owned(_Array)
                _called(stream, stream.get_next(ctypes.byref(stream), ctypes.byref(owner.it)))
                if not owner.it.release:
                    break
                found.append(_vectors(schema_owner.it, owner.it, owner, first))
                first += owner.it.length
        finally:
            stream.release(ctypes.byref(stream))  # it is read once
    found = [part for part in found if len(part)]
    first = 0
    for part in found:
        if part.ndim == 2 and part.shape[1] != found[0].shape[1]:
            raise ArgumentError(f"row {first} has {part.shape[1]} elements, expected {found[0].shape[1]} as in row 0")
        first += len(part)
    return found or [np.empty((0, 0), np.float32)]


def _called(stream: Any, code: int) -> None:
    if code:
        text = stream.get_last_error(ctypes.byref(stream)) or b""
        raise ArgumentError(f"an Arrow stream failed with {code}: {text.decode('utf-8', 'replace')}")


def _vectors(schema: Any, array: Any, owner: Any, first: int) -> NDArray[Any]:
    """An array of vectors, as a NumPy array that keeps `owner` alive. `first` is the number of its
    first row, for errors."""
    form: bytes = schema.format
    if schema.dictionary:
        raise ArgumentError("vectors are of a dictionary of Arrow's, expected lists of numbers")
    if form == b"+s":
        _no_nulls(array, array.offset, array.length, first, 1)
        columns = [(schema.children[i].contents, array.children[i].contents) for i in range(schema.n_children)]
        columns = [(a, _Slice(b, array.offset, array.length)) for a, b in columns]
        if len(columns) == 1 and columns[0][0].format not in _ELEMENTS:
            return _vectors(*columns[0], owner, first)
        if not columns:
            raise ArgumentError("the table has no columns, expected one of lists, or columns of numbers")
        return np.column_stack([_numbers(*column, owner, first, 1) for column in columns])
    if form in _ELEMENTS:  # one vector, or ids
        return _numbers(schema, array, owner, first, 1)
    _no_nulls(array, array.offset, array.length, first, 1)
    if schema.n_children != 1 or array.n_children != 1:
        raise ArgumentError(f"vectors are of Arrow's type {form.decode()!r}, expected lists of numbers")
    child_schema, child = schema.children[0].contents, array.children[0].contents
    if form.startswith(b"+w:"):
        length = int(form[3:])
        begin, end = array.offset * length, (array.offset + array.length) * length
    elif form in _OFFSETS:
        offsets = _memory(array, 1, _OFFSETS[form], array.offset, array.length + 1, owner)
        lengths = np.diff(offsets)
        length = int(lengths[0]) if len(lengths) else 0
        if (wrong := np.flatnonzero(lengths != length)).size:
            raise ArgumentError(f"row {first + wrong[0]} has {lengths[wrong[0]]} elements, expected {length} as in row {first}")
        begin, end = (int(offsets[0]), int(offsets[-1])) if array.length else (0, 0)
    else:
        raise ArgumentError(f"vectors are of Arrow's type {form.decode()!r}, expected lists of numbers")
    numbers = _numbers(child_schema, _Slice(child, begin, end - begin), owner, first, length)
    return numbers.reshape(array.length, length)


class _Slice:
    """A part of an array: its fields, with another offset and length."""

    def __init__(self, array: Any, begin: int, length: int) -> None:
        if begin < 0 or begin + length > array.length:
            raise ArgumentError(f"an Arrow array has {array.length} elements, expected {begin + length}")
        self.buffers, self.null_count = array.buffers, array.null_count
        self.children, self.n_children = array.children, array.n_children
        self.offset, self.length = array.offset + begin, length


def _numbers(schema: Any, array: Any, owner: Any, first: int, row: int) -> NDArray[Any]:
    """Numbers as they lie; `row` of them are a row."""
    _no_nulls(array, array.offset, array.length, first, row)
    if schema.format == b"b":
        bits = _memory(array, 1, np.uint8, 0, -(-(array.offset + array.length) // 8), owner)
        return np.unpackbits(bits, count=array.offset + array.length, bitorder="little")[array.offset :]
    if schema.dictionary or schema.format not in _ELEMENTS:
        raise ArgumentError(f"elements are of Arrow's type {schema.format.decode()!r}, expected numbers")
    return _memory(array, 1, _ELEMENTS[schema.format], array.offset, array.length, owner)


def _no_nulls(array: Any, offset: int, length: int, first: int, row: int) -> None:
    """Raises if one of `length` elements is null."""
    if array.null_count == 0 or not array.buffers[0] or length == 0:
        return
    bits = _memory(array, 0, np.uint8, 0, -(-(offset + length) // 8), None)
    there = np.unpackbits(bits, count=offset + length, bitorder="little")[offset:]
    if (wrong := np.flatnonzero(there == 0)).size:
        raise ArgumentError(f"row {first + wrong[0] // max(row, 1)} is null, or has a null in it, expected numbers")


def _memory(array: Any, which: int, dtype: Any, begin: int, n: int, owner: Optional[Any]) -> NDArray[Any]:
    """`n` elements of a buffer, from element `begin` on; read-only."""
    size = np.dtype(dtype).itemsize
    address = array.buffers[which]
    if n == 0 or not address:
        return np.empty(0, dtype)
    memory = (ctypes.c_uint8 * (n * size)).from_address(address + begin * size)
    memory.owner = owner  # as long as the array lives
    view = np.frombuffer(memory, dtype)
    view.flags.writeable = False
    return view
