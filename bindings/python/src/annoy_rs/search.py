"""Searches through annoy.h: one query or many, from vectors or from items."""

from __future__ import annotations

import operator
from typing import Any, Mapping

import numpy as np
from numpy.typing import NDArray

from ._native import ffi, lib
from .callbacks import run
from .errors import ArgumentError, check
from .handle import Handle
from .options import Options
from .vectors import DOUBLE, FLOAT, Kind, Rows, ids_pointer, pointer

Ids = NDArray[np.int64]
Distances = NDArray[Any]
Found = tuple[Ids, Distances]
Given = Mapping[str, Any]


def one(handle: Handle, query: Rows, n: int, search_k: int, options: Given) -> Found:
    """The nearest of a vector."""
    return _one(handle, ("vector", "_one"), (query.pointer, query.len), query.kind, n, search_k, options)


def one_item(handle: Handle, item: int, scalar: str, n: int, search_k: int, options: Given) -> Found:
    """The nearest of an item."""
    kind = DOUBLE if scalar == "float64" else FLOAT
    return _one(handle, ("item", "_item"), (item,), kind, n, search_k, options)


def many(handle: Handle, queries: Rows, n: int, search_k: int, options: Given) -> Found:
    """The nearest of each of many vectors."""
    target = (queries.pointer, queries.n, queries.len, queries.stride)
    return _many(handle, queries.kind.suffix, target, queries.n, queries.kind, n, search_k, options)


def many_items(handle: Handle, items: Ids, n: int, search_k: int, options: Given) -> Found:
    """The nearest of each of many items; distances come as floats for every type."""
    return _many(handle, "_items", (ids_pointer(items), len(items)), len(items), FLOAT, n, search_k, options)


def _one(
    handle: Handle, by: tuple[str, str], target: tuple[Any, ...], kind: Kind, n: int, search_k: int, options: Given
) -> Found:
    n_found = ffi.new("size_t *")
    with handle.shared() as index:
        n_items = lib.annoy_get_n_items(index)
        room = min(_count(n), n_items)
        ids, distances = np.empty(room, np.int64), np.empty(room, kind.distance)
        results = (ids_pointer(ids), pointer(distances, kind.distance_pointer), n_found, lib.guarded_error())
        if options:
            given = Options(n_items, search_k=search_k, **options)
            search = getattr(lib, f"annoy_search{by[1]}{kind.suffix}")
            run(given.call, lambda: search(index, *target, n, given.pointer, *results))
        else:
            search = getattr(lib, f"annoy_get_nns_by_{by[0]}{kind.suffix}")
            check(search(index, *target, n, search_k, *results))
    found = n_found[0]
    return ids[:found], distances[:found]


def _many(
    handle: Handle,
    suffix: str,
    target: tuple[Any, ...],
    n_queries: int,
    kind: Kind,
    n: int,
    search_k: int,
    options: Given,
) -> Found:
    search = getattr(lib, f"annoy_search_batch{suffix}")
    with handle.shared() as index:
        given = Options(lib.annoy_get_n_items(index), search_k=search_k, batch=True, **options)
        shape = (n_queries, _count(n))
        ids, distances = np.empty(shape, np.int64), np.empty(shape, kind.distance)
        results = (ids_pointer(ids), pointer(distances, kind.distance_pointer), ffi.NULL, lib.guarded_error())
        run(given.call, lambda: search(index, *target, n, given.pointer, *results))
    return ids, distances


def _count(n: int) -> int:
    n = operator.index(n)
    if n < 0:
        raise ArgumentError(f"n is {n}, expected at least 0")
    return n
