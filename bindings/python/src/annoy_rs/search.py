"""Searches through annoy.h: one query or many, from vectors or from items."""

from __future__ import annotations

import operator
from typing import Any, Mapping

import numpy as np
from numpy.typing import NDArray

from ._native import ffi, lib
from .callbacks import run
from .errors import ArgumentError, OutOfMemoryError, check
from .handle import Handle
from .options import Options
from .vectors import F64, Fields, Rows, ids_pointer, pointer

Ids = NDArray[np.int64]
Distances = NDArray[Any]
Found = tuple[Ids, Distances]
Given = Mapping[str, Any]

_F32_ELEMENT: int = lib.ANNOY_ELEMENT_F32
_F64_ELEMENT: int = lib.ANNOY_ELEMENT_F64


def one(handle: Handle, query: Rows, n: int, search_k: int, options: Given) -> Found:
    """The nearest of a vector."""
    return _one(handle, ffi.NULL, query.fields, query.distance, n, search_k, options)


def one_item(handle: Handle, item: int, distance: np.dtype[Any], n: int, search_k: int, options: Given) -> Found:
    """The nearest of an item."""
    items = ffi.new("int64_t *", item)
    return _one(handle, items, (ffi.NULL, 0, 1, 0, 0), distance, n, search_k, options)


def many(handle: Handle, queries: Rows, n: int, search_k: int, options: Given) -> Found:
    """The nearest of each of many vectors."""
    return _many(handle, ffi.NULL, queries.fields, queries.distance, n, search_k, options)


def many_items(handle: Handle, items: Ids, distance: np.dtype[Any], n: int, search_k: int, options: Given) -> Found:
    """The nearest of each of many items."""
    fields = ffi.NULL, 0, len(items), 0, 0
    return _many(handle, ids_pointer(items), fields, distance, n, search_k, options)


def _one(
    handle: Handle, item: Any, vector: Fields, distance: np.dtype[Any], n: int, search_k: int, options: Given
) -> Found:
    count = ffi.new("size_t *")
    with handle.shared() as index:
        n_items = lib.annoy_get_n_items(index)
        n = min(_count(n), n_items)
        ids, distances = np.empty(n, np.int64), np.empty(n, distance)
        to = ids_pointer(ids), pointer(distances), _element(distance), count, n
        if options:
            given = Options(n_items, search_k=search_k, **options)
            told = search_k, given.pointer, *to, given.work, lib.guarded_error()
            run(given.call, lambda: lib.views_search(index, item, *vector, *told))
        else:
            told = search_k, ffi.NULL, *to, ffi.NULL, lib.guarded_error()
            check(lib.views_search(index, item, *vector, *told))
    return ids[: count[0]], distances[: count[0]]


def _many(
    handle: Handle, items: Any, vectors: Fields, distance: np.dtype[Any], n: int, search_k: int, options: Given
) -> Found:
    n_queries, n = vectors[2], _count(n)
    with handle.shared() as index:
        n_items = lib.annoy_get_n_items(index)
        given = Options(n_items, search_k=search_k, batch=True, **options)
        try:
            ids, distances = np.empty((n_queries, n), np.int64), np.empty((n_queries, n), distance)
        except (MemoryError, ValueError):  # the latter when it is more than addresses reach
            text = f"cannot get memory for {n} neighbours of each of {n_queries} queries: the index has {n_items} items"
            raise OutOfMemoryError(text) from None
        to = ids_pointer(ids), pointer(distances), _element(distance), ffi.NULL, n
        told = search_k, given.pointer, *to, given.work, lib.guarded_error()
        run(given.call, lambda: lib.views_search(index, items, *vectors, *told))
    return ids, distances


def _element(distance: np.dtype[Any]) -> int:
    return _F64_ELEMENT if distance is F64 else _F32_ELEMENT


def _count(n: int) -> int:
    n = operator.index(n)
    if n < 0:
        raise ArgumentError(f"n is {n}, expected at least 0")
    return n
