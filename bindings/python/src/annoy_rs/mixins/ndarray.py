"""Items in and out, as arrays."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Literal, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import convert
from .._native import ffi, lib
from ..base import Base
from ..callbacks import Progress, reporter, run_long, work
from ..errors import ArgumentError, ItemError, check
from ..search import Ids
from ..vectors import DOUBLE, FLOAT, WORDS, Kind, as_ids, fields, ids_pointer, row, rows
from .labels import LabelView, listed

if TYPE_CHECKING:
    from typing_extensions import Self

_FLOATS = ffi.typeof("float[]")
_from_buffer = ffi.from_buffer


class NDArrayMixin(Base):
    """The part of `Index` that takes and gives vectors."""

    def add_item(self, item: int, vector: ArrayLike) -> Self:  # type: ignore[override]
        """Adds an item, or replaces it. Space is taken for all ids up to the largest."""
        self._settle()
        v = row(vector, self._scalar)
        item = operator.index(item)

        def add(index: Any) -> None:
            if v.kind is FLOAT:
                floats = _from_buffer(_FLOATS, v.array)
                check(lib.annoy_add_item(index, item, floats, v.len, lib.guarded_error()))
            else:
                which = ffi.new("int64_t *", item)
                check(lib.views_add(index, which, *v.fields, ffi.NULL, lib.guarded_error()))

        self._adding(v.len, add)
        return self

    def add_items(
        self,
        vectors: Any,
        ids: Optional[ArrayLike] = None,
        *,
        start_id: Optional[int] = None,
        n_threads: int = -1,
        progress: Optional[Progress] = None,
    ) -> Ids:
        """Adds the rows of an array of shape (n, f), all or none, and returns their ids. Without
        `ids` they follow the last item, or begin at `start_id`.

        `vectors` is what `annoy_rs.convert` makes arrays of: NumPy of any layout and type, tensors,
        Arrow, pandas and polars columns, sparse matrices, sequences, generators of rows. float32
        (float64 for such an index, uint64 words for hamming) is taken as it lies, also from several
        chunks. Other types are copied, but for float16, bfloat16 and int8.

        `n_threads` threads (-1: all) copy where there is much to copy. `progress`: as `build`, in
        items.
        """
        self._settle()
        if convert.is_sparse(vectors):
            parts, lengths = sparse_parts(vectors, self._scalar)
        else:
            arrays = convert.chunks(vectors, self._scalar)
            parts, lengths = iter(arrays), [len(array) if array.ndim else 1 for array in arrays]
            if len(arrays) > 1:
                _finite(arrays, self._scalar)
        first = rows(next(parts), self._scalar, self._params["f"] or self._f)
        n = sum(lengths)
        if ids is not None and start_id is not None:
            raise ArgumentError("ids and start_id are both given, expected one of them")
        which = None if ids is None else as_ids(ids)
        if which is not None and len(which) != n:
            raise ArgumentError(f"the number of ids is {len(which)}, expected one for each of {n} rows")
        if start_id is not None:
            which = np.arange(operator.index(start_id), operator.index(start_id) + n, dtype=np.int64)
        if n == 0 and self._handle is None:
            return np.empty(0, np.int64)

        def add(index: Any) -> Ids:
            n_items = lib.annoy_get_n_items(index)
            to = np.arange(n_items, n_items + n, dtype=np.int64) if which is None else which
            if len(lengths) > 1:
                # So that nothing is left that could stop it half way.
                if to.min(initial=0) < 0:
                    raise ItemError(f"item id is {to.min()}, expected at least 0")
                if first.len != (f := lib.annoy_get_f(index)):
                    raise ArgumentError(f"vector has length {first.len}, expected {f}")
                check(lib.annoy_reserve(index, int(to.max(initial=-1)) + 1, lib.guarded_error()))
                report = reporter(progress) or (lambda done, total: None)
                report(0, n)
                done = 0
                for length in lengths:
                    part = first if done == 0 else rows(next(parts), self._scalar, first.len)
                    given = index, ids_pointer(to[done : done + length]), *part.fields
                    check(lib.views_add(*given, work(n_threads, None), lib.guarded_error()))
                    done += length
                report(n, n)
                return to
            given = index, ids_pointer(to), *first.fields
            try:
                run_long(n_threads, progress, lambda work: lib.views_add(*given, work, lib.guarded_error()))
            except ArgumentError as error:
                if error.status == "ANNOY_ERR_NOT_FINITE":
                    _finite([first.array], self._scalar)  # which knows the row
                raise
            return to

        return self._adding(first.len, add)

    def insert_items(
        self,
        vectors: Any,
        ids: Optional[ArrayLike] = None,
        *,
        labels: Union[Iterable[str], ArrayLike, None] = None,
        replace: bool = False,
        n_threads: int = -1,
        progress: Optional[Progress] = None,
    ) -> Ids:
        """Inserts the rows of an array of shape (n, f) into a built index without building it anew,
        all or none, and returns their ids: those given, each once, or those behind the last item.
        The next search finds them. With `replace` ids may be those of items there are, also of
        removed ones: these get other vectors, and keep their labels if they are given none.

        Many together take less time than one by one. A loaded index needs `thaw_built` first.
        `vectors` is as `add_items` takes it; `labels`, one for each, is as `set_labels` takes it.
        `progress`: as `build`, of one step after the other, each from 0.
        """
        given = rows(convert.as_array(vectors), self._scalar, self._f)
        which = None if ids is None else as_ids(ids)
        if which is not None and len(which) != given.n:
            raise ArgumentError(f"the number of ids is {len(which)}, expected one for each of {given.n} rows")
        labelled = None if labels is None else LabelView(listed(labels))
        names = ffi.NULL if labelled is None else labelled.pointer
        flags = lib.ANNOY_INSERT_REPLACE if replace else 0
        with self._owner.exclusive() as index:
            n_items = lib.annoy_get_n_items(index)
            to = np.arange(n_items, n_items + given.n, dtype=np.int64) if which is None else which
            fields = index, ids_pointer(to), *given.fields, names, flags
            run_long(n_threads, progress, lambda work: lib.views_insert(*fields, work, lib.guarded_error()))
        return to

    def consolidate(self, *, n_threads: int = -1, progress: Optional[Progress] = None) -> Self:
        """Takes the removed items out of trees, graph and scan of a built index without building it
        anew: no search is led through them any more, they are missing from then on, their labels
        gone, and their ids can be inserted again. Does nothing when none is removed. Takes less
        time than a build where few are. A loaded index needs `thaw_built` first. `progress`: as
        `insert_items`.
        """
        with self._owner.exclusive() as index:
            run_long(n_threads, progress, lambda work: lib.annoy_consolidate(index, work, lib.guarded_error()))
        return self

    def compact(self, *, n_threads: int = -1, progress: Optional[Progress] = None) -> Self:
        """Builds trees, graph and scan of a built index anew, those of them that it has, without
        the removed items. The bytes are those of a fresh build of what is left. Ids stay as they
        are; those behind the last item that is left are free again. What `tune` measured is
        dropped. `progress`: as `insert_items`.
        """
        with self._owner.exclusive() as index:
            run_long(n_threads, progress, lambda work: lib.annoy_compact(index, work, lib.guarded_error()))
        return self

    def reserve(self, n_items: int) -> None:
        """Takes room for so many items ahead of need; their number stays."""
        with self._owner.exclusive() as index:
            check(lib.annoy_reserve(index, operator.index(n_items), lib.guarded_error()))

    # Out.

    def __getitem__(self, item: Union[int, slice]) -> NDArray[Any]:
        """A copy of an item's vector, of shape (f,), or of those of a slice, of shape (n, f)."""
        if isinstance(item, slice):
            return self.get_items(np.arange(self.n_items, dtype=np.int64)[item])
        item = operator.index(item)
        if item < 0 and -item <= (n_items := self.n_items):
            item += n_items
        return self._vector(item)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for item in range(self.n_items):
            yield self[item]

    def get_item_vector(self, i: int) -> list[float]:
        """An item's vector as a list; `index[i]` is it as an array. Zeros and ones for hamming. A
        missing item reads as zeros."""
        vector: list[float] = self._vector(operator.index(i)).tolist()
        return vector

    get_item = get_item_vector

    def _vector(self, item: int) -> NDArray[Any]:
        kind = DOUBLE if self._scalar == "float64" else FLOAT
        vector: NDArray[Any] = self._vectors(ffi.new("int64_t *", item), 1, kind, self._f)[0]
        return vector

    def get_items(self, ids: ArrayLike) -> NDArray[Any]:
        """Copies of items' vectors, of shape (n, f), in float32 (float64 for such an index)."""
        which = as_ids(ids)
        kind = DOUBLE if self._scalar == "float64" else FLOAT
        return self._vectors(ids_pointer(which), len(which), kind, self._f)

    def get_words(self, item: int) -> NDArray[np.uint64]:
        """A copy of an item's bits in words of 64, the first bit in the least significant
        place (hamming)."""
        words: NDArray[np.uint64] = self._words([operator.index(item)])[0]
        return words

    def _words(self, ids: ArrayLike) -> NDArray[np.uint64]:
        which = as_ids(ids)
        return self._vectors(ids_pointer(which), len(which), WORDS, -(-self._f // 64))

    def _stored(self, ids: ArrayLike) -> NDArray[Any]:
        """Items' vectors in the form in which `add_items` takes them at the least cost."""
        return self._words(ids) if self.metric == "hamming" else self.get_items(ids)

    def _vectors(self, ids: Any, n: int, kind: Kind, length: int) -> NDArray[Any]:
        with self._owner.shared() as index:
            to = np.empty((n, length), kind.dtype)
            check(lib.views_get(index, ids, *fields(to, kind)[:4], lib.guarded_error()))
        return to

    def get_distance(self, i: int, j: int) -> float:
        """The distance between two items; for dot their inner product."""
        distance = ffi.new("double *")
        with self._owner.shared() as index:
            i, j = operator.index(i), operator.index(j)
            check(lib.annoy_get_distance(index, i, j, distance, lib.guarded_error()))
        return float(distance[0])

    def to_numpy(
        self, ids: Optional[ArrayLike] = None, *, dtype: Any = None, start: int = 0, stop: Optional[int] = None
    ) -> NDArray[Any]:
        """All vectors, of shape (n_items, f), read-only; or copies of those of `ids`, or of the
        items from `start` to `stop`.

        For a loaded file all vectors are a view of the mapped file. It takes no memory and stays
        valid after `close`; for hamming it has the stored words. For an index in memory they are a
        copy.
        """
        if ids is not None or dtype is not None or start or stop is not None:
            vectors: NDArray[Any] = self.get_item_vectors(ids, dtype=dtype, start=start, stop=stop)
            return vectors
        with self._owner.shared() as index:
            view = self._file.vectors(index, self._scalar) if self._file is not None else None
        if view is None:
            view = self.get_items(np.arange(self.n_items, dtype=np.int64))
            view.flags.writeable = False
        return view

    def get_item_vectors(
        self,
        ids: Optional[ArrayLike] = None,
        *,
        dtype: Any = None,
        start: int = 0,
        stop: Optional[int] = None,
        return_ids: bool = False,
    ) -> Any:
        """Copies of items' vectors, of shape (n, f), of `dtype` if that is given: of `ids`, or of
        the items from `start` to `stop` (None: the last). With `return_ids` a tuple of those and
        the ids."""
        which = self._chosen(ids, start, stop)
        vectors = self.get_items(which)
        if dtype is not None:
            vectors = vectors.astype(dtype, copy=False)
        return (vectors, which) if return_ids else vectors

    def iter_item_vectors(
        self,
        ids: Optional[ArrayLike] = None,
        *,
        start: int = 0,
        stop: Optional[int] = None,
        with_ids: bool = True,
        dtype: Any = None,
    ) -> Iterator[Any]:
        """Items one by one, as `get_item_vectors` chooses them: (id, vector), or vectors."""
        which = self._chosen(ids, start, stop)
        for first in range(0, len(which), 1024):  # in memory at a time
            some = which[first : first + 1024]
            for item, vector in zip(some.tolist(), self.get_item_vectors(some, dtype=dtype)):
                yield (item, vector) if with_ids else vector

    def _chosen(self, ids: Optional[ArrayLike], start: int, stop: Optional[int]) -> Ids:
        if ids is not None:
            return as_ids(ids if hasattr(ids, "__len__") else list(ids))  # type: ignore[call-overload]
        return np.arange(self.n_items, dtype=np.int64)[start:stop]

    def to_pandas(
        self,
        ids: Optional[ArrayLike] = None,
        *,
        dtype: Any = None,
        start: int = 0,
        stop: Optional[int] = None,
        id_location: Literal["index", "column", "both", "none"] = "index",
        id_name: str = "id",
        columns: Optional[Sequence[str]] = None,
    ) -> Any:
        """Items as a pandas DataFrame of a row for each item, as `get_item_vectors` chooses them.
        The columns are `columns`, or the names that `fit` found, or 0, 1, ..."""
        import pandas

        if id_location not in ("index", "column", "both", "none"):
            raise ArgumentError(f"id_location is {id_location!r}, expected 'index', 'column', 'both' or 'none'")
        vectors, which = self.get_item_vectors(ids, dtype=dtype, start=start, stop=stop, return_ids=True)
        names = self._feature_names if columns is None else columns
        frame = pandas.DataFrame(vectors, columns=None if names is None else list(names))
        if id_location in ("index", "both"):
            frame.index = pandas.Index(which, name=id_name)
        if id_location in ("column", "both"):
            frame.insert(0, id_name, which)
        return frame


def sparse_parts(matrix: Any, scalar: str) -> tuple[Iterator[NDArray[Any]], list[int]]:
    """The rows of a sparse matrix as blocks to come, and their lengths."""
    matrix = convert.as_rows(matrix, scalar)
    _finite(convert.sparse_blocks(matrix), scalar, matrix.data)
    if matrix.shape[0] == 0:
        return iter([np.empty(matrix.shape, np.float32)]), [0]
    return convert.sparse_blocks(matrix), convert.block_lengths(matrix)


def _finite(arrays: Iterable[NDArray[Any]], scalar: str, values: Optional[NDArray[Any]] = None) -> None:
    """Raises for what is NaN or infinite in an index of `scalar`, with the number of its row among
    all. `values` are all there are, if that is less to look at."""
    kind = np.float64 if scalar == "float64" else np.float32
    with np.errstate(over="ignore"):
        if values is not None and np.isfinite(values.astype(kind)).all():
            return
        first = 0
        for array in arrays:
            for start in range(0, len(array) if array.dtype.kind == "f" else 0, convert.BLOCK):
                block = array[start : start + convert.BLOCK].astype(kind, copy=False)
                wrong = np.argwhere(~np.isfinite(block))
                if len(wrong):
                    row, place = wrong[0]
                    value = "NaN" if np.isnan(block[row, place]) else "infinite"
                    text = f"value {place} of row {first + start + row} is {value}, expected a finite number"
                    error = ArgumentError(text)
                    error.status = "ANNOY_ERR_NOT_FINITE"
                    raise error from None
            first += len(array)
