"""Arrays as callers have them to pointers as annoy.h takes them, and back."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._native import ffi
from .errors import ArgumentError


class Kind(NamedTuple):
    """A form in which annoy.h takes vectors: the end of its functions' names, and the elements."""

    suffix: str
    dtype: np.dtype[Any]
    pointer: Any
    # Distances come as doubles from the calls for doubles only.
    distance: np.dtype[Any]
    distance_pointer: Any


_FLOAT_POINTER = ffi.typeof("float *")
_DOUBLE_POINTER = ffi.typeof("double *")
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)

FLOAT = Kind("", _F32, _FLOAT_POINTER, _F32, _FLOAT_POINTER)
DOUBLE = Kind("_f64", _F64, _DOUBLE_POINTER, _F64, _DOUBLE_POINTER)
WORDS = Kind("_bits", np.dtype(np.uint64), ffi.typeof("uint64_t *"), _F32, _FLOAT_POINTER)

_INT64_POINTER = ffi.typeof("int64_t *")


def pointer(array: NDArray[Any], kind: Any) -> Any:
    """Where an array's elements are. The array has to live as long as that is used."""
    return ffi.cast(kind, array.__array_interface__["data"][0])


def ids_pointer(ids: NDArray[np.int64]) -> Any:
    return pointer(ids, _INT64_POINTER)


class Rows(NamedTuple):
    """Vectors for a call: `array` owns what `pointer` points to."""

    array: NDArray[Any]
    kind: Kind
    pointer: Any

    @property
    def n(self) -> int:
        return int(self.array.shape[0])

    @property
    def len(self) -> int:
        return int(self.array.shape[1])

    @property
    def stride(self) -> int:
        return self.array.strides[0] if self.n > 1 else 0


def kind_of(array: NDArray[Any], scalar: str) -> Kind:
    """The form for an array given to an index of `scalar`: hamming takes uint64 arrays as packed words."""
    if scalar == "float64":
        return DOUBLE
    if scalar != "float32" and array.dtype == np.uint64:
        return WORDS
    return FLOAT


def as_array(values: ArrayLike) -> NDArray[Any]:
    """`np.asarray`, with words of our own where rows are not of one length."""
    try:
        return np.asarray(values)
    except ValueError as error:
        lengths = [len(row) if hasattr(row, "__len__") else 1 for row in values] if isinstance(values, (list, tuple)) else []
        for i, length in enumerate(lengths):
            if length != lengths[0]:
                text = f"row {i} has {length} elements, expected {lengths[0]} as in row 0"
                raise ArgumentError(text) from None
        raise ArgumentError(f"cannot make an array: {error}") from None


def rows(values: ArrayLike, scalar: str, f: Optional[int]) -> Rows:
    """A 2-D array's rows; only what annoy.h cannot take as it lies is copied."""
    array = as_array(values)
    if array.ndim == 1 and array.size == 0:
        array = array.reshape(0, f or 0)
    if array.ndim != 2:
        raise ArgumentError(f"vectors have the shape {array.shape}, expected (n, {f or 'f'})")
    kind = kind_of(array, scalar)
    array = converted(array, kind)
    itemsize = array.itemsize
    # Rows may lie apart, but not their elements.
    row_by_row = array.strides[1] == itemsize and array.strides[0] >= array.shape[1] * itemsize
    if not (row_by_row and array.strides[0] % itemsize == 0 and array.flags.aligned):
        array = np.require(array, requirements=("C", "A"))
    return Rows(array, kind, pointer(array, kind.pointer))


def row(values: ArrayLike, scalar: str) -> Rows:
    """A 1-D array as one row."""
    array = as_array(values)
    if array.ndim != 1:
        raise ArgumentError(f"the vector has the shape {array.shape}, expected one dimension")
    kind = kind_of(array, scalar)
    array = np.require(converted(array, kind), requirements=("C", "A")).reshape(1, -1)
    return Rows(array, kind, pointer(array, kind.pointer))


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
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ArgumentError(f"ids are of {array.dtype} in the shape {array.shape}, expected integers in one dimension")
    if array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise ArgumentError(f"an id is {array.max()}, expected one that 63 bits hold")
    return np.ascontiguousarray(array, dtype=np.int64)
