"""Searching."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Iterable, Optional

import numpy as np
from numpy.typing import ArrayLike

from .. import convert, search
from .._native import ffi, lib
from ..base import Base
from ..callbacks import reporter
from ..convert import as_array
from ..errors import ArgumentError, raise_search
from ..results import Results, results
from ..samples import full
from ..search import Distances, Ids
from ..vectors import as_ids, distance_of, row, rows
from .ndarray import sparse_parts

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..options import ItemSearchOptions, SearchOptions

# What the everyday search needs, found once.
_F32 = np.dtype(np.float32)
_I64 = np.dtype(np.int64)
_from_buffer = ffi.from_buffer
_by_vector = lib.guarded_by_vector
_empty = np.empty
_ndarray = np.ndarray


class VectorOpsMixin(Base):
    """The part of `Index` that searches."""

    def search(
        self, query: Any, n: int = 10, search_k: int = -1, **options: Unpack[SearchOptions]
    ) -> tuple[Ids, Distances]:
        """Finds the `n` items nearest to each vector: their ids, and their
        distances, nearest first.

        A query of shape (f,) gives two arrays of shape (n,), shorter when fewer are found. One of
        shape (q, f) gives arrays of shape (q, n), found by `n_threads` threads (-1: all); places
        left over hold -1 and NaN. Queries may be all that `add_items` takes; of a sparse matrix
        some rows are searched for at a time.

        `search_k` is the number of candidates (0 or -1: n times the number of trees; with a graph
        or a scan, one that suits it). More take longer and find more. `recall`, up to 1, is the
        share of the nearest to be found, in place of `search_k`, of an index that `tune` or
        `build_auto` has measured. A search finds only items
        that are within `max_distance`, not in `exclude` (ids), in `allow` or not in `deny` (one of
        the two; ids, or a mask of bool for all items), and for whose id `filter` returns true.
        `exact` looks at all items. `way` is "forest", "graph" or "scan"; the default is the graph
        if there is one, else the scan, else the forest. `progress(done, total)`, or a tqdm bar,
        gets the progress of a batch.
        """
        guarded = self._everyday
        if (
            guarded is not None
            and not options
            and type(query) is _ndarray
            and query.dtype is _F32
            and query.ndim == 1
        ):
            # To look at its flags first costs a third of all that Python adds to a search.
            try:
                vector = _from_buffer(query)
            except ValueError:  # its numbers do not lie side by side
                return search.one(self._owner, row(query, self._scalar), n, search_k, options)
            room = n if n <= 4096 else min(n, self.n_items)
            ids, distances = _empty(room, _I64), _empty(room, _F32)
            found = _by_vector(
                guarded,
                vector,
                len(query),
                n,
                search_k or -1,
                _from_buffer(ids),
                _from_buffer(distances),
            )
            if found == room:
                return ids, distances
            if found < 0:
                if not query.flags.aligned or found == -1 - lib.GUARDED_AGAIN:
                    return search.one(self._owner, row(query, self._scalar), n, search_k, options)
                raise_search(found)
            return ids[:found], distances[:found]
        if convert.is_sparse(query):
            return self._search_sparse(query, n, search_k, dict(options))
        array = as_array(query)
        if array.ndim == 2:
            return search.many(self._owner, rows(array, self._scalar, self._f), n, search_k, options)
        return search.one(self._owner, row(array, self._scalar), n, search_k, options)

    def _search_sparse(self, matrix: Any, n: int, search_k: int, options: Any) -> tuple[Ids, Distances]:
        blocks, lengths = sparse_parts(matrix, self._scalar)
        report, done = reporter(options.pop("progress", None)), 0
        found = []
        with self._owner.shared():
            for block, length in zip(blocks, lengths):
                if report is not None:
                    options["progress"] = lambda part, _, before=done: report(before + part, sum(lengths))
                found.append(search.many(self._owner, rows(block, self._scalar, self._f), n, search_k, options))
                done += length
        return _one_after_the_other(found)

    def search_items(
        self, items: Any, n: int = 10, search_k: int = -1, **options: Unpack[ItemSearchOptions]
    ) -> tuple[Ids, Distances]:
        """Finds the `n` items nearest to an item, or to each of several. As `search`; with
        `exclude_self` an item is not among its own neighbours. Items are ids, or strings: the
        labels of items."""
        if isinstance(items, str):
            items = self.find_label(items)
        if type(items) is int or (array := as_array(items)).ndim == 0:
            item = operator.index(items)
            return search.one_item(self._owner, item, distance_of(self._scalar), n, search_k, options)
        if array.dtype.kind in "UT":
            array = np.array([self.find_label(label) for label in array.tolist()], np.int64)
        return search.many_items(self._owner, as_ids(array), distance_of(self._scalar), n, search_k, options)

    def results(self, ids: Ids, distances: Distances) -> Results:
        """What a search returned, as a table with labels: `index.results(*index.search(q, 5))`,
        then `to_pandas()` or `to_arrow()`. Places that were left over are not in it."""
        return results(self, ids, distances)

    # As scikit-plots has them.

    def query_by_item(
        self,
        item: int,
        n_neighbors: Optional[int] = None,
        *,
        search_k: int = -1,
        include_distances: bool = False,
        exclude_self: bool = False,
        exclude_item_ids: Optional[Iterable[int]] = None,
    ) -> Any:
        """The ids of the nearest of an item; with `include_distances` a tuple of ids and distances.
        Raises if there are fewer than asked for."""
        n = self._params["n_neighbors"] if n_neighbors is None else n_neighbors
        found = self.search_items(item, n, search_k, exclude_self=exclude_self, **_excluded(exclude_item_ids))
        ids, distances = full(found, n)
        return (ids, distances) if include_distances else ids

    def query_by_vector(
        self,
        vector: ArrayLike,
        n_neighbors: Optional[int] = None,
        *,
        search_k: int = -1,
        include_distances: bool = False,
        exclude_self: bool = False,
        exclude_item_ids: Optional[Iterable[int]] = None,
    ) -> Any:
        """As `query_by_item`, of a vector. `exclude_self` leaves out one item that is the
        same vector."""
        n = self._params["n_neighbors"] if n_neighbors is None else n_neighbors
        query = as_array(vector).ravel()
        found = self._beside_itself(query[None], n, search_k, exclude_self, _excluded(exclude_item_ids))
        ids, distances = full(found, n)
        return (ids[0], distances[0]) if include_distances else ids[0]

    def query_vectors_by_item(self, item: int, n_neighbors: Optional[int] = None, *, dtype: Any = None, **options: Any) -> Any:
        """As `query_by_item`, but the vectors of those it finds, of shape (n, f)."""
        return self._as_vectors(self.query_by_item(item, n_neighbors, **options), dtype)

    def query_vectors_by_vector(
        self,
        vector: ArrayLike,
        n_neighbors: Optional[int] = None,
        *,
        dtype: Any = None,
        output_type: str = "vector",
        **options: Any,
    ) -> Any:
        """As `query_by_vector`, but the vectors of those it finds, of shape (n, f)."""
        found = self.query_by_vector(vector, n_neighbors, **options)
        return found if output_type == "item" else self._as_vectors(found, dtype)

    def _as_vectors(self, found: Any, dtype: Any) -> Any:
        ids = found[0] if isinstance(found, tuple) else found
        vectors = self.get_items(ids.ravel()).reshape(*ids.shape, self._f)
        vectors = vectors if dtype is None else vectors.astype(dtype, copy=False)
        return (vectors, found[1]) if isinstance(found, tuple) else vectors

    def _beside_itself(
        self, queries: Any, n: int, search_k: int, exclude_self: bool, options: Any
    ) -> tuple[Ids, Distances]:
        """The nearest of vectors; with `exclude_self` without one that is the same vector."""
        if not exclude_self:
            return self.search(queries, n, search_k, **options)
        if convert.is_sparse(queries):
            with self._owner.shared():
                blocks = convert.sparse_blocks(convert.as_rows(queries, self._scalar))
                return _one_after_the_other([self._beside_itself(block, n, search_k, True, options) for block in blocks])
        ids, distances = self.search(queries, n + 1, search_k, **options)
        vectors = self.get_items(np.maximum(ids, 0).ravel()).reshape(*ids.shape, self._f)
        same = (vectors == np.asarray(queries, vectors.dtype)[:, None, :]).all(axis=2) & (ids >= 0)
        # The place of the first, or behind the last.
        place = np.where(same.any(axis=1), same.argmax(axis=1), n)[:, None]
        places = np.arange(n, dtype=np.int64) + (np.arange(n, dtype=np.int64) >= place)
        return np.take_along_axis(ids, places, 1), np.take_along_axis(distances, places, 1)

    # As scikit-learn has them.

    def kneighbors(
        self,
        X: Any = None,
        n_neighbors: Optional[int] = None,
        return_distance: bool = True,
        *,
        search_k: int = -1,
        include_distances: Optional[bool] = None,
        exclude_self: bool = False,
        exclude_item_ids: Optional[Iterable[int]] = None,
        output_type: str = "item",
        n_threads: Optional[int] = None,
    ) -> Any:
        """Distances and ids of the nearest items to each row of X, of shape (q, n_neighbors), in
        scikit-learn's order; without `return_distance` (`include_distances`) the ids alone.

        Without X the queries are the items, and none is its own neighbour. With
        `output_type="vector"` vectors stand in place of ids, in the shape (q, n_neighbors, f).
        Raises if a row has fewer neighbours than asked for.
        """
        if output_type not in ("item", "vector"):
            raise ArgumentError(f"output_type is {output_type!r}, expected 'item' or 'vector'")
        self._check_fitted()
        n = self._params["n_neighbors"] if n_neighbors is None else n_neighbors
        options = {"n_threads": self._n_threads(n_threads), **_excluded(exclude_item_ids)}
        if X is None:
            found = self.search_items(self.ids, n, search_k, exclude_self=True, **options)
        else:
            found = self._beside_itself(self._queries(X), n, search_k, exclude_self, options)
        ids, distances = full(found, n)
        neighbors = ids if output_type == "item" else self._as_vectors(ids, None)
        told = return_distance if include_distances is None else include_distances
        return (distances, neighbors) if told else neighbors

    def kneighbors_graph(
        self,
        X: Any = None,
        n_neighbors: Optional[int] = None,
        mode: str = "connectivity",
        *,
        search_k: int = -1,
        exclude_self: bool = False,
        exclude_item_ids: Optional[Iterable[int]] = None,
    ) -> Any:
        """The nearest of each row as a scipy CSR matrix of shape (q, n_items): 1, or with mode
        "distance" the distance. As `kneighbors`; without X there is a row for each of `ids`."""
        from scipy.sparse import csr_matrix

        if mode not in ("connectivity", "distance"):
            raise ArgumentError(f"mode is {mode!r}, expected 'connectivity' or 'distance'")
        distances, ids = self.kneighbors(
            X, n_neighbors, search_k=search_k, exclude_self=exclude_self, exclude_item_ids=exclude_item_ids
        )
        data = np.ones(ids.size) if mode == "connectivity" else distances.ravel().astype(np.float64)
        starts = np.arange(len(ids) + 1, dtype=np.int64) * ids.shape[1]
        return csr_matrix((data, ids.ravel(), starts), shape=(len(ids), self.n_items))


def _one_after_the_other(found: list[tuple[Ids, Distances]]) -> tuple[Ids, Distances]:
    if len(found) == 1:
        return found[0]
    return np.concatenate([ids for ids, _ in found]), np.concatenate([distances for _, distances in found])


def _excluded(ids: Optional[Iterable[int]]) -> Any:
    return {} if ids is None else {"exclude": list(ids)}
