"""Arrays as callers have them to pointers as annoy.h takes them, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._native import ffi, lib
from .convert import BF16, as_array
from .errors import ArgumentError


class Kind(NamedTuple):
    """A form in which annoy.h takes vectors."""

    element: int
    dtype: np.dtype[Any]


F32, F64 = np.dtype(np.float32), np.dtype(np.float64)

FLOAT = Kind(lib.ANNOY_ELEMENT_F32, F32)
DOUBLE = Kind(lib.ANNOY_ELEMENT_F64, F64)
WORDS = Kind(lib.ANNOY_ELEMENT_BITS, np.dtype(np.uint64))
# The library widens these as it takes them.
SHORT = {
    np.dtype(np.float16): Kind(lib.ANNOY_ELEMENT_F16, np.dtype(np.float16)),
    np.dtype(np.int8): Kind(lib.ANNOY_ELEMENT_I8, np.dtype(np.int8)),
    BF16: Kind(lib.ANNOY_ELEMENT_BF16, BF16),
}

_BYTES = ffi.typeof("char[]")
_LONGS = ffi.typeof("int64_t[]")
_from_buffer = ffi.from_buffer


def pointer(array: NDArray[Any], kind: Any = _BYTES) -> Any:
    """Where an array's elements are. The array has to live as long as that is used."""
    try:
        return _from_buffer(kind, array)
    except ValueError:  # rows that lie apart
        return ffi.cast("void *", array.__array_interface__["data"][0])


def ids_pointer(ids: NDArray[np.int64]) -> Any:
    return pointer(ids, _LONGS)


class Rows(NamedTuple):
    """Vectors for a call, and the type that distances to them have."""

    array: NDArray[Any]
    kind: Kind
    distance: np.dtype[Any]

    @property
    def n(self) -> int:
        return int(self.array.shape[0])

    @property
    def len(self) -> int:
        return int(self.array.shape[1])

    @property
    def fields(self) -> Fields:
        """As `fields` gives them."""
        return fields(self.array, self.kind, self.array.strides[0] if self.n > 1 else 0)


# Address, element, rows, length and stride, as the calls of views.h take them.
Fields = tuple[Any, int, int, int, int]


def fields(array: NDArray[Any], kind: Kind, stride: int = 0) -> Fields:
    """The fields of an `annoy_vectors` for a 2-D array, good for as long as that."""
    return (pointer(array), kind.element, *array.shape, stride)


def distance_of(scalar: str) -> np.dtype[Any]:
    """The type that distances in an index of `scalar` have."""
    return F64 if scalar == "float64" else F32


def kind_of(array: NDArray[Any], scalar: str) -> Kind:
    """The form for an array given to an index of `scalar`: hamming takes uint64 arrays as
    packed words."""
    if scalar not in ("float32", "float64"):
        return WORDS if array.dtype == np.uint64 else FLOAT
    return SHORT.get(array.dtype) or (DOUBLE if scalar == "float64" else FLOAT)


def rows(array: NDArray[Any], scalar: str, f: int) -> Rows:
    """A 2-D array's rows; only what annoy.h cannot take as it lies is copied."""
    if array.size == 0 and (array.ndim == 1 or array.shape == (0, 0)):
        array = array.reshape(0, f)
    if array.ndim != 2:
        raise ArgumentError(f"vectors have the shape {array.shape}, expected (n, {f or 'f'})")
    kind = kind_of(array, scalar)
    array = converted(array, kind)
    itemsize = array.itemsize
    # Rows may lie apart, but not their elements.
    row_by_row = array.strides[1] == itemsize and array.strides[0] >= array.shape[1] * itemsize
    if not (row_by_row and array.strides[0] % itemsize == 0 and array.flags.aligned):
        array = np.require(array, requirements=("C", "A"))
    return Rows(array, kind, distance_of(scalar))


def row(values: ArrayLike, scalar: str) -> Rows:
    """A 1-D array as one row."""
    array = as_array(values)
    if array.ndim != 1:
        raise ArgumentError(f"the vector has the shape {array.shape}, expected one dimension")
    kind = kind_of(array, scalar)
    array = converted(array, kind)
    if not ((flags := array.flags).c_contiguous and flags.aligned):
        array = np.require(array, requirements=("C", "A"))
    return Rows(array.reshape(1, -1), kind, distance_of(scalar))


def converted(array: NDArray[Any], kind: Kind) -> NDArray[Any]:
    if array.dtype == kind.dtype:
        return array
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_) or np.iscomplexobj(array):
        raise ArgumentError(f"vectors are of {array.dtype}, expected numbers")
    with np.errstate(over="ignore"):  # infinite then, which the library refuses
        return array.astype(kind.dtype)


def as_ids(values: ArrayLike) -> NDArray[np.int64]:
    """Item ids, as a 1-D array."""
    array = as_array(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ArgumentError(f"ids are of {array.dtype} in the shape {array.shape}, expected integers in one dimension")
    if array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(f"an id is {array.max()}, expected one that 63 bits hold")
    return np.ascontiguousarray(array, dtype=np.int64)
