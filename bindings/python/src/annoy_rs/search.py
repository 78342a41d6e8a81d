"""Searches through annoy.h: one query or many, from vectors or from items."""

from __future__ import annotations

import operator
from typing import Any, Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ._native import ffi, lib
from .callbacks import run
from .errors import ArgumentError
from .handle import Handle
from .options import Options
from .vectors import F64, Rows, ids_pointer, pointer

Ids = NDArray[np.int64]
Distances = NDArray[Any]
Found = tuple[Ids, Distances]
Given = Mapping[str, Any]

_VOID_POINTER = ffi.typeof("void *")
_RESULTS_SIZE = ffi.sizeof("annoy_results")


def one(handle: Handle, query: Rows, n: int, search_k: int, options: Given) -> Found:
    """The nearest of a vector."""
    return many(handle, query, n, search_k, options, one=True)


def one_item(handle: Handle, item: int, distance: np.dtype[Any], n: int, search_k: int, options: Given) -> Found:
    """The nearest of an item."""
    return many_items(handle, np.array([item], np.int64), distance, n, search_k, options, one=True)


def many(handle: Handle, queries: Rows, n: int, search_k: int, options: Given, one: bool = False) -> Found:
    """The nearest of each of many vectors."""
    vectors = queries.view()
    search = lambda index, *given: lib.annoy_search(index, vectors, *given)  # noqa: E731
    return _search(handle, search, queries.n, queries.distance, n, search_k, options, one)


def many_items(
    handle: Handle, items: Ids, distance: np.dtype[Any], n: int, search_k: int, options: Given, one: bool = False
) -> Found:
    """The nearest of each of many items."""
    where = ids_pointer(items), len(items)
    search = lambda index, *given: lib.annoy_search_items(index, *where, *given)  # noqa: E731
    return _search(handle, search, len(items), distance, n, search_k, options, one)


def _search(
    handle: Handle,
    search: Callable[..., int],
    n_queries: int,
    distance: np.dtype[Any],
    n: int,
    search_k: int,
    options: Given,
    one: bool,
) -> Found:
    """The results have a row for each query; those of `one` query are as many as were found."""
    n = _count(n)
    with handle.shared() as index:
        n_items = lib.annoy_get_n_items(index)
        given = Options(n_items, search_k=search_k, batch=not one, **options)
        if one:
            n = min(n, n_items)
        ids, distances = np.empty((n_queries, n), np.int64), np.empty((n_queries, n), distance)
        count = ffi.new("size_t *") if one else ffi.NULL
        element = lib.ANNOY_ELEMENT_F64 if distance == F64 else lib.ANNOY_ELEMENT_F32
        to = ids_pointer(ids), pointer(distances, _VOID_POINTER), element, 0, count, n
        results = ffi.new("annoy_results *", (_RESULTS_SIZE, *to))
        run(given.call, lambda: search(index, given.pointer, results, given.work, lib.guarded_error()))
    if one:
        return ids[0, : count[0]], distances[0, : count[0]]
    return ids, distances


def _count(n: int) -> int:
    n = operator.index(n)
    if n < 0:
        raise ArgumentError(f"n is {n}, expected at least 0")
    return n
