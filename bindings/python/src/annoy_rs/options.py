"""What a search may be told, as annoy.h takes it."""

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._native import ffi, lib
from .callbacks import Call, Filter, Progress, on_main_thread, work
from .convert import as_array
from .errors import ArgumentError, ItemError
from .vectors import as_ids, ids_pointer, pointer


Way = Literal["forest", "graph", "scan"]

_WAYS = {"forest": lib.ANNOY_METHOD_FOREST, "graph": lib.ANNOY_METHOD_GRAPH, "scan": lib.ANNOY_METHOD_SCAN}


class SearchOptions(TypedDict, total=False):
    """What `Index.search` takes besides."""

    max_distance: Optional[float]
    exclude: Optional[ArrayLike]
    allow: Optional[ArrayLike]
    deny: Optional[ArrayLike]
    filter: Optional[Filter]
    exact: bool
    way: Optional[Way]
    recall: Optional[float]
    shards: Optional[ArrayLike]
    n_threads: int
    progress: Optional[Progress]


class ItemSearchOptions(SearchOptions, total=False):
    """What `Index.search_items` takes besides."""

    exclude_self: bool


_WORDS = ffi.typeof("uint64_t[]")
_SIZES = ffi.typeof("size_t[]")


def bitmap(which: ArrayLike, n_items: int) -> NDArray[np.uint64]:
    """A bit for each item, from a mask of bool or from ids."""
    array = as_array(which)
    if array.dtype == np.bool_:
        if array.shape != (n_items,):
            raise ArgumentError(f"the mask has the shape {array.shape}, expected ({n_items},), one for each item")
        mask = array
    else:
        ids = as_ids(array)
        wrong = ids[(ids < 0) | (ids >= n_items)]
        if wrong.size:
            raise ItemError(f"item id is {wrong[0]}, expected one of the index's {n_items} items")
        mask = np.zeros(n_items, np.bool_)
        mask[ids] = True
    padded = np.zeros(-(-max(n_items, 1) // 64) * 64, np.bool_)
    padded[:n_items] = mask
    return np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64, copy=False)


class Options:
    """An `annoy_search_options` and all that it points to, and the work of the call."""

    def __init__(
        self,
        n_items: int,
        *,
        search_k: int = -1,
        max_distance: Optional[float] = None,
        exclude: Optional[ArrayLike] = None,
        exclude_self: bool = False,
        allow: Optional[ArrayLike] = None,
        deny: Optional[ArrayLike] = None,
        filter: Optional[Filter] = None,
        exact: bool = False,
        way: Optional[Way] = None,
        recall: Optional[float] = None,
        shards: Optional[ArrayLike] = None,
        n_threads: int = -1,
        progress: Optional[Progress] = None,
        batch: bool = False,
    ) -> None:
        self.kept: list[Any] = []
        self.call: Optional[Call] = None
        self.pointer = options = ffi.new("annoy_search_options *")
        options.struct_size = ffi.sizeof("annoy_search_options")
        options.search_k = search_k
        if exact:
            options.method = lib.ANNOY_METHOD_EXACT
        if way is not None:
            if way not in _WAYS:
                raise ArgumentError(f"way is {way!r}, expected one of {', '.join(_WAYS)}")
            if exact:
                raise ArgumentError("exact and way are both given, expected one of them")
            options.method = _WAYS[way]
        if recall is not None:
            options.recall = recall
        if shards is not None:
            places = np.ascontiguousarray(as_ids(shards), np.uintp)
            self.kept.append(places)
            options.shards, options.n_shards = pointer(places, _SIZES), len(places)
        if exclude_self:
            options.flags |= lib.ANNOY_SEARCH_EXCLUDE_SELF
        if max_distance is not None:
            options.flags |= lib.ANNOY_SEARCH_MAX_DISTANCE
            options.max_distance = max_distance
        if exclude is not None:
            ids = as_ids(exclude)
            self.kept.append(ids)
            options.exclude, options.n_exclude = ids_pointer(ids), len(ids)
        if allow is not None and deny is not None:
            raise ArgumentError("allow and deny are both given, expected one of them")
        which = deny if allow is None else allow
        if which is not None:
            words = bitmap(which, n_items)
            self.kept.append(words)
            options.bitmap, options.bitmap_bits = pointer(words, _WORDS), n_items
            if deny is not None:
                options.flags |= lib.ANNOY_SEARCH_DENY
        # On the main thread a batch looks up now and then, for Ctrl-C.
        if filter is not None or progress is not None or (batch and on_main_thread()):
            self.call = call = Call(filter, progress)
            if filter is not None:
                options.filter, options.filter_user = lib.python_filter, call.user
        # One query needs no threads, and has nothing to report.
        self.work = work(n_threads, self.call) if batch or self.call is not None else ffi.NULL
