"""Vectors as callers have them, to NumPy arrays: without a copy where one can be done without.

NumPy of any layout and type, everything with the buffer protocol, `__array__` or DLPack (torch on
the CPU, JAX), Arrow (pyarrow, polars) and pandas columns, scipy's sparse matrices, sequences of
sequences, and generators of rows.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Iterator, Optional

import numpy as np
from numpy.typing import NDArray

from . import arrow
from .errors import ArgumentError

# Rows of a generator that are taken at a time, and at most so many of a sparse matrix.
BLOCK = 16_384
# Numbers of a sparse matrix that are taken at a time.
_BLOCK_SIZE = 1 << 23

# NumPy has no such type; this one keeps its bits apart from whole numbers.
BF16 = np.dtype([("bfloat16", np.uint16)])


def as_array(values: Any) -> NDArray[Any]:
    """All of it as one array. Rows of different lengths are told by their number."""
    if type(values) is np.ndarray and values.dtype.kind in "fiub":  # nearly always
        return values
    if isinstance(values, np.ndarray):
        return _of_array(values)
    if not isinstance(values, (list, tuple, int, np.generic)):
        arrays = _of_others(values, None)
        if arrays is not None:
            return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        _ragged(values)
        raise ArgumentError(f"cannot make an array: {error}") from None
    return array if array.dtype.kind in "fiub" else _of_array(array)


def chunks(values: Any, scalar: str) -> list[NDArray[Any]]:
    """Arrays whose rows, one array after the other, are those of `values`, for an index of
    `scalar`: those that Arrow has, or one."""
    if isinstance(values, (np.ndarray, list, tuple)):
        return [as_array(values)]
    return _of_others(values, scalar) or [as_array(values)]


def is_sparse(values: Any) -> bool:
    """Whether this is one of scipy's sparse matrices or arrays."""
    return not isinstance(values, (np.ndarray, list, tuple)) and hasattr(values, "tocsr") and hasattr(values, "nnz")


def as_rows(matrix: Any, scalar: str) -> Any:
    """A sparse matrix by rows, for an index of `scalar`."""
    if len(matrix.shape) != 2:
        raise ArgumentError(f"vectors have the shape {matrix.shape}, expected (n, f)")
    matrix = matrix.tocsr()
    # For hamming zeros and ones, not words.
    return matrix if scalar in ("float32", "float64") else matrix.astype(np.float32)


def block_lengths(matrix: Any) -> list[int]:
    """Of how many rows the blocks of a sparse matrix are."""
    n, f = matrix.shape
    step = max(1, min(BLOCK, _BLOCK_SIZE // max(1, f)))
    return [min(step, n - start) for start in range(0, n, step)]


def sparse_blocks(matrix: Any) -> Iterator[NDArray[Any]]:
    """The rows of a sparse matrix, some at a time."""
    rows, start = matrix.tocsr(), 0
    for length in block_lengths(rows):
        yield rows[start : start + length].toarray()
        start += length


def _is_arrow(values: Any) -> bool:
    # pandas needs pyarrow for its own, and mostly has arrays instead.
    is_array = type(values).__module__.split(".")[0] == "pandas" and type(getattr(values, "dtype", None)).__name__ != "ArrowDtype"
    return arrow.is_arrow(values) and not is_array


def _of_others(values: Any, scalar: Optional[str]) -> Optional[list[NDArray[Any]]]:
    """Arrays of what is no sequence; None for what NumPy makes an array of."""
    if is_sparse(values):
        return list(sparse_blocks(values)) or [np.empty(values.shape, np.float32)]
    if type(values).__module__.split(".")[0] == "torch":
        return [_of_torch(values)]
    if _is_arrow(values):
        return arrow.chunks(values)
    if hasattr(values, "__next__"):
        return _of_rows(values, scalar)
    if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        return [np.from_dlpack(values)]
    return None


def _of_torch(tensor: Any) -> NDArray[Any]:
    import torch

    if tensor.device.type != "cpu":
        raise ArgumentError(f"the tensor is on {tensor.device}, expected one on the CPU (tensor.cpu())")
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        bits: NDArray[Any] = tensor.view(torch.int16).numpy().view(BF16)
        return bits
    array: NDArray[Any] = tensor.numpy()
    return array


def _of_rows(rows: Iterator[Any], scalar: Optional[str]) -> list[NDArray[Any]]:
    """The rows of a generator. They are gathered, as nothing may be added when a later one is
    wrong."""
    blocks: list[NDArray[Any]] = []
    n = 0
    while block := list(islice(rows, BLOCK)):
        _ragged(block, n)
        array = as_array(block)
        if array.ndim != 2:
            raise ArgumentError(f"a generator gives vectors of the shape {array.shape[1:]}, expected (f,)")
        if blocks and array.shape[1] != blocks[0].shape[1]:
            raise ArgumentError(f"row {n} has {array.shape[1]} elements, expected {blocks[0].shape[1]} as in row 0")
        if scalar == "float32" and array.dtype == np.float64:
            array = array.astype(np.float32)  # half the memory
        blocks.append(array)
        n += len(block)
    return [np.concatenate(blocks)] if blocks else [np.empty((0, 0), np.float32)]


def _of_array(array: NDArray[Any]) -> NDArray[Any]:
    """An array whose elements are numbers: pandas has rows and None in arrays of objects."""
    if array.dtype == object and array.ndim:
        for place, value in enumerate(array.flat):
            row = place // (array.size // len(array))
            if value is None or type(value).__name__ == "NAType":
                raise ArgumentError(f"row {row} is null, or has a null in it, expected numbers")
            if isinstance(value, (str, bytes, bytearray)):  # in which Python would read numbers
                raise TypeError(f"row {row} has {value!r} of {type(value).__name__}, expected numbers")
        if array.ndim == 1 and array.size and hasattr(array[0], "__len__"):
            rows = array.tolist()
            _ragged(rows)
            return as_array(rows)
        try:
            return array.astype(np.float64)
        except TypeError as error:
            raise TypeError(f"vectors are of objects that are no numbers: {error}") from None
        except ValueError as error:
            raise ArgumentError(f"vectors are of objects that are no numbers: {error}") from None
    if isinstance(array, np.ma.MaskedArray) and (masked := np.ma.getmaskarray(array)).any():
        raise ArgumentError(f"row {np.argwhere(masked)[0][0]} has a masked element, expected numbers")
    return array.view(BF16) if array.dtype.name == "bfloat16" else array


def _ragged(rows: Any, first: int = 0) -> None:
    """Raises if rows of a list are not of one length."""
    if not isinstance(rows, (list, tuple)):
        return
    lengths = [len(row) if hasattr(row, "__len__") else 0 if row is None else 1 for row in rows]
    for i, length in enumerate(lengths):
        if rows[i] is None:
            raise ArgumentError(f"row {first + i} is null, expected numbers")
        if length != lengths[0]:
            raise ArgumentError(f"row {first + i} has {length} elements, expected {lengths[0]} as in row {first}")
