"""PyPI annoy's class: the same methods, keywords, defaults, return values and exceptions."""

from __future__ import annotations

import copy
import operator
import os
import warnings
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Optional, Protocol, Union, cast, overload

import numpy as np

from ._native import ffi, lib
from .errors import (
    AnnoyError,
    ArgumentError,
    CallbackError,
    ClosedError,
    FileError,
    ItemError,
    StateError,
    error_of,
    file_error,
    raise_search,
)
from .estimator import Estimator
from .metrics import metric_name, metric_number
from .params import checked_types, seed_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from .index import Index

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

_F32 = np.dtype(np.float32)
_FLOATS = ffi.typeof("float[]")
_LONGS = ffi.typeof("int64_t[]")
_new = ffi.new
_unpack = ffi.unpack
_from_buffer = ffi.from_buffer
_NULL = ffi.NULL
_ndarray = np.ndarray
_by_vector = lib.guarded_by_vector_as_annoy
_by_item = lib.guarded_by_item_as_annoy
# What they give when others have the index for long: between two calls Python looks for signals.
_AGAIN = -1 - lib.GUARDED_AGAIN

# Stands for a metric that was not given: None given together with an f is a TypeError, as in Annoy.
_DEFAULT: Any = type("Default", (), {"__repr__": lambda self: "'angular'"})()

# Annoy's words for what the library says in its own.
_LENGTH = "Vector has wrong length (expected {}, got {})"
_UNBUILT_SAVE = "You can't save an index that hasn't been built"


class Vector(Protocol):
    """What has a length and numbers at 0, 1, ...: a list, a tuple, an array."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class AnnoyIndex(Estimator):
    """Approximate nearest neighbours: a replacement for AnnoyIndex of the PyPI package annoy.

    `f` is the length of the vectors, or None to have it from the first vector; `metric` is
    "angular", "euclidean", "manhattan", "hamming" or "dot" (or an alias, such as "cosine" or "l2").
    The rest are defaults of the methods, as `Index` has them. `index` is the same index as an
    `Index`, which takes and gives NumPy arrays.
    """

    def __init__(
        self,
        f: Optional[int] = None,
        metric: Optional[str] = _DEFAULT,
        *,
        n_neighbors: int = 5,
        n_trees: int = -1,
        n_jobs: Optional[int] = -1,
        seed: Optional[int] = None,
        random_state: Any = None,
        on_disk_path: Optional[Path] = None,
        prefault: Optional[bool] = False,
        verbose: Optional[int] = None,
        schema_version: Optional[int] = 0,
        l1_ratio: float = 0.0,
    ) -> None:
        from .index import Index

        # None is no metric, but leaves an index without an f without one, too.
        if metric is _DEFAULT or (metric is None and not f):
            if f:
                text = "The default argument for metric will be removed in future version of Annoy."
                warnings.warn(f"{text} Please pass metric='angular' explicitly.", FutureWarning, stacklevel=2)
            metric = "angular"
        if f is not None and (f := operator.index(f)) < 0:
            raise ArgumentError(f"f is {f}, expected at least 1 (or 0, for that of the first vector)")
        try:
            # None, beside an f, is refused there, as any other that is no metric.
            metric_number(cast(str, metric))
        except ArgumentError as error:
            raise ArgumentError(f"No such metric: {error}") from None
        self._index = Index(
            f or None,
            metric,
            n_neighbors=n_neighbors,
            n_trees=n_trees,
            n_jobs=n_jobs,
            seed=seed,
            random_state=random_state,
            on_disk_path=on_disk_path,
            prefault=prefault,
            verbose=verbose,
            schema_version=schema_version,
            l1_ratio=l1_ratio,
        )

    @property
    def index(self) -> Index:
        """The same index, for NumPy arrays, filters, batches and the rest."""
        return self._index

    @property
    def f(self) -> int:
        """Length of the vectors; 0 before it is known."""
        return self._index.f

    @f.setter
    def f(self, f: Optional[int]) -> None:
        self._index.f = f

    @property
    def metric(self) -> str:
        return self._index.metric

    @metric.setter
    def metric(self, metric: Optional[str]) -> None:
        self._index.metric = metric

    # Items.

    def add_item(self, i: int, vector: Vector) -> None:
        """Adds item `i` (any nonnegative integer) with vector `vector`. Memory is taken for
        `max(i)+1` items."""
        item = operator.index(i)
        index = self._index
        if item < 0:
            self._refuse(item, 0)
        values = self._floats(vector)

        def add(handle: Any) -> None:
            if len(values) != (f := lib.annoy_get_f(handle)):
                raise IndexError(_LENGTH.format(f, len(values)))
            error = lib.guarded_error()
            if status := lib.annoy_add_item(handle, item, values, len(values), error):
                self._failed(status, item)

        index._adding(len(values), add)

    def get_item_vector(self, i: int) -> list[float]:
        """The vector of item `i` as it was added."""
        item = operator.index(i)
        index = self._index
        values = _new(_FLOATS, index.f)
        with index._owner.shared() as handle:
            status = lib.annoy_get_item(handle, item, values, len(values), lib.guarded_error())
        if status:
            self._failed(status, item)
        vector: list[float] = _unpack(values, len(values))
        return vector

    get_item = get_item_vector

    def get_distance(self, i: int, j: int) -> float:
        """The distance between items `i` and `j`."""
        i, j = operator.index(i), operator.index(j)
        n_items = self.get_n_items()
        for item in (i, j):
            if not 0 <= item < n_items:
                self._refuse(item, n_items)
        # Annoy's distances are floats made double.
        return float(np.float32(self._index.get_distance(i, j)))

    def get_n_items(self) -> int:
        """The number of items: the largest id plus one."""
        return self._index.n_items

    def get_n_trees(self) -> int:
        """The number of trees."""
        return self._index.n_trees

    def _floats(self, vector: Vector) -> Any:
        """A vector as floats in C. It has the length f, except where the library has
        to refuse it."""
        if isinstance(vector, np.ndarray):
            array = np.require(vector, _F32, ("C", "A"))
            if array.ndim == 1:
                return _from_buffer(_FLOATS, array)
        length, f = len(vector), self._index.f
        if f and length != f:
            raise IndexError(_LENGTH.format(f, length))
        if type(vector) is not list and type(vector) is not tuple:
            vector = [vector[z] for z in range(length)]
        return _new(_FLOATS, vector)

    # Trees.

    def set_seed(self, seed: int) -> None:
        """Sets the seed of the next build. Unlike Annoy's it stays through save,
        load and unload."""
        self._index.set_seed(seed)

    def build(self, n_trees: Optional[int] = None, n_jobs: Optional[int] = None) -> Literal[True]:
        """Builds a forest of `n_trees` trees (-1: until there are twice as many nodes as items) by
        `n_jobs` threads (-1: all).

        More trees give higher precision. No more items can be added then. The number of threads
        does not change the result.
        """
        with self._in_words_of_annoy("build"):
            self._index.build(n_trees, n_jobs)
        return True

    def unbuild(self) -> Literal[True]:
        """Takes the trees away, so that items can be added; then it has to be built again."""
        with self._in_words_of_annoy("unbuild"):
            self._index.unbuild()
        return True

    def thaw(self) -> Literal[True]:
        """Makes it possible to add items to a loaded index: copies the items to memory and
        drops the trees."""
        self._index.thaw()
        return True

    def rebuild(
        self,
        metric: Optional[str] = None,
        *,
        on_disk_path: Optional[Path] = None,
        n_trees: Optional[int] = None,
        n_jobs: Optional[int] = None,
    ) -> Self:
        """A new index of the same items, with `metric` if given, built. Ids that are missing here
        are missing there. This index stays as it is. The constructor of a subclass is not called;
        what its instances have besides is taken over."""
        index = self._index
        with index._unchanged():
            params = {**index._params, "f": self.f, "metric": metric or self.metric, "on_disk_path": on_disk_path}
            if "hamming" in (metric, self.metric):
                params["dtype"] = None
            new = self._alike(params)
            ids = index.ids
            for start in range(0, len(ids), 65536):
                some = ids[start : start + 65536]
                new._index.add_items(index.get_items(some), some)
            new._index._copy_names(index)
        new.build(self.get_n_trees() or None if n_trees is None else n_trees, n_jobs)
        if index._y_map is not None:
            new._index._y_map = {item: label for item, label in index._y_map.items() if item in new._index}
        return new

    def _alike(self, params: dict[str, Any]) -> Self:
        """An index of this class without items."""
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._index = self._index._alike(params)
        return new

    # Searching.

    @overload
    def get_nns_by_item(
        self, i: int, n: Optional[int] = ..., search_k: int = ..., include_distances: Literal[False] = ...
    ) -> list[int]: ...
    @overload
    def get_nns_by_item(
        self, i: int, n: Optional[int], search_k: int, include_distances: Literal[True]
    ) -> tuple[list[int], list[float]]: ...
    @overload
    def get_nns_by_item(
        self, i: int, n: Optional[int] = ..., search_k: int = ..., *, include_distances: Literal[True]
    ) -> tuple[list[int], list[float]]: ...
    @overload
    def get_nns_by_item(
        self, i: int, n: Optional[int] = ..., search_k: int = ..., include_distances: bool = ...
    ) -> Union[list[int], tuple[list[int], list[float]]]: ...

    def get_nns_by_item(
        self, i: int, n: Optional[int] = None, search_k: int = -1, include_distances: bool = False
    ) -> Union[list[int], tuple[list[int], list[float]]]:
        """The `n` items closest to item `i`, itself among them.

        `search_k` is the number of nodes inspected: more take longer and find more. The
        default, -1, is `n_trees * n`. With `include_distances` the result is a tuple of two
        lists: ids and distances.
        """
        if n is None:
            n = self.n_neighbors
        index = self._index
        room = n if n <= 4096 else min(n, index.n_items)
        if room < 0:
            raise ArgumentError(f"n is {n}, expected at least 0")
        ids = _new(_LONGS, room)
        distances = _new(_FLOATS, room) if include_distances else _NULL
        handle = (index._handle or index._owner).guarded
        while (found := _by_item(handle, i, n, search_k, ids, distances)) == _AGAIN:
            pass
        if found < 0:
            found = self._nothing(found, i)
        if include_distances:
            return _unpack(ids, found), _unpack(distances, found)
        return _unpack(ids, found)  # type: ignore[no-any-return]

    @overload
    def get_nns_by_vector(
        self, vector: Vector, n: Optional[int] = ..., search_k: int = ..., include_distances: Literal[False] = ...
    ) -> list[int]: ...
    @overload
    def get_nns_by_vector(
        self, vector: Vector, n: Optional[int], search_k: int, include_distances: Literal[True]
    ) -> tuple[list[int], list[float]]: ...
    @overload
    def get_nns_by_vector(
        self, vector: Vector, n: Optional[int] = ..., search_k: int = ..., *, include_distances: Literal[True]
    ) -> tuple[list[int], list[float]]: ...
    @overload
    def get_nns_by_vector(
        self, vector: Vector, n: Optional[int] = ..., search_k: int = ..., include_distances: bool = ...
    ) -> Union[list[int], tuple[list[int], list[float]]]: ...

    def get_nns_by_vector(
        self, vector: Vector, n: Optional[int] = None, search_k: int = -1, include_distances: bool = False
    ) -> Union[list[int], tuple[list[int], list[float]]]:
        """The `n` items closest to a vector. As `get_nns_by_item`."""
        if n is None:
            n = self.n_neighbors
        index = self._index
        if type(vector) is _ndarray and vector.dtype is _F32 and vector.ndim == 1:
            # As in `Index.search`, without a look at its flags.
            try:
                query = _from_buffer(_FLOATS, vector)
            except ValueError:
                query = self._floats(vector)
        else:
            query = self._floats(vector)
        room = n if n <= 4096 else min(n, index.n_items)
        if room < 0:
            raise ArgumentError(f"n is {n}, expected at least 0")
        ids = _new(_LONGS, room)
        distances = _new(_FLOATS, room) if include_distances else _NULL
        handle = (index._handle or index._owner).guarded
        while (found := _by_vector(handle, query, len(query), n, search_k, ids, distances)) == _AGAIN:
            pass
        if found < 0:
            if len(query) != index.f:
                raise IndexError(_LENGTH.format(index.f, len(query)))
            if index.dtype == "float64" and index.n_trees:  # of an `Index`
                found_ids, far = index.search(vector, n, search_k)
                return (found_ids.tolist(), far.tolist()) if include_distances else found_ids.tolist()
            if type(vector) is _ndarray and not vector.flags.aligned:
                return self.get_nns_by_vector(vector.copy(), n, search_k, include_distances)
            found = self._nothing(found, None)
        if include_distances:
            return _unpack(ids, found), _unpack(distances, found)
        return _unpack(ids, found)  # type: ignore[no-any-return]

    def _nothing(self, result: int, item: Optional[int]) -> int:
        """A search that failed: raises, except for an index that is not built, in which Annoy
        finds nothing."""
        try:
            raise_search(result)
        except ItemError:
            self._refuse(item or 0, self.get_n_items())
        except StateError:
            n_items = self.get_n_items()
            if item is not None and not 0 <= item < n_items:
                self._refuse(item, n_items)
            return 0

    # Files.

    def on_disk_build(self, fn: Path) -> Literal[True]:
        """Makes the index build in a file instead of memory; to be called before
        items are added."""
        try:
            self._index.on_disk_build(fn)
        except AnnoyError as error:
            raise _os_error(error) from None
        return True

    def save(self, fn: Path, prefault: Optional[bool] = None) -> Literal[True]:
        """Saves the index, then loads the file in place of what is in memory."""
        try:
            self._index.save_and_load(fn, prefault=prefault)
        except StateError as error:
            raise FileError(f"{_UNBUILT_SAVE}: {error}") from error
        except AnnoyError as error:
            raise _os_error(error) from None
        return True

    def load(self, fn: Path, prefault: Optional[bool] = None) -> Literal[True]:
        """Loads (maps) a file, ours or Annoy's. With `prefault` all of it is read at once."""
        try:
            self._index.load(fn, prefault=prefault)
        except AnnoyError as error:
            raise _os_error(error) from None
        return True

    def unload(self) -> Literal[True]:
        """Drops items, trees and file."""
        self._index.unload()
        return True

    def serialize(self, format: Optional[str] = None) -> bytes:
        """The bytes of the file that a save would write. There is one `format`, whatever its
        name."""
        return self._index.to_bytes(format)

    def deserialize(self, data: bytes, prefault: Optional[bool] = None) -> Self:
        """Loads what `serialize` gave, in place of what is here; metric and f must be the same (or
        f not known yet). `prefault` does nothing: the bytes are in memory."""
        from .index import Index

        new = Index.from_bytes(data)
        old = self._index
        if (new.metric, new.dtype) != (old.metric, old.dtype) or (old.f and new.f != old.f):
            raise ArgumentError(f"the bytes are of {new!r}, expected f={old.f}, metric={old.metric!r}")
        if (seed := seed_of(old._params)) is not None:
            new.set_seed(seed)
        old._take(new)
        return self

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._index = copy.copy(self._index)
        return copied

    # About it.

    def verbose(self, v: bool) -> Literal[True]:
        """Whether the index says on stderr what it does."""
        self._index.set_verbose(1 if v else 0)
        return True

    def set_verbose(self, level: int = 1) -> Self:
        """From level 1 on the index says on stderr what it does."""
        self._index._params["verbose"] = level
        self._index._say()
        return self

    def set_verbosity(self, level: int = 1) -> Self:
        """Another name of `set_verbose`."""
        return self.set_verbose(level)

    def info(
        self, include_n_items: bool = True, include_n_trees: bool = True, include_memory: Optional[bool] = None
    ) -> dict[str, Any]:
        """The facts about the index, and its parameters."""
        return self._index.info(include_n_items, include_n_trees, include_memory)

    def memory_usage(self) -> Optional[int]:
        """Bytes of the index in memory, or of its file; None before it is built."""
        return self._index.memory_usage()

    def set_params(self, **params: Any) -> Self:
        """Changes what the index was made with; `f` and `metric` only while it is empty."""
        index = self._index
        wanted = {**index._params, **params}
        if params.keys() <= index._params.keys():
            metric, scalar, _ = checked_types(wanted)
            if (index.n_items or index.n_trees) and (wanted["f"] or index.f, metric_name(metric)) != (index.f, index.metric):
                raise StateError("f and metric cannot be changed: the index has items, expected an empty one")
        return super().set_params(**params)

    def close(self) -> None:
        """Frees the index; every call raises ClosedError then."""
        self._index.close()

    def __enter__(self) -> AnnoyIndex:
        self._index.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.get_n_items()

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return repr(self._index).replace("<Index", f"<{type(self).__name__}", 1)

    def _repr_html_(self) -> str:
        return self._index._repr_html_()

    # Errors.

    def _refuse(self, item: int, n_items: int) -> NoReturn:
        """Raises what Annoy does for an id it cannot have."""
        if not -(2**31) <= item < 2**31:
            raise OverflowError(f"signed integer is {'greater than maximum' if item > 0 else 'less than minimum'}")
        if item < 0:
            raise IndexError("Item index can not be negative")
        raise IndexError("Item index larger than the largest item index")

    def _failed(self, status: int, item: int) -> NoReturn:
        error = error_of(status)
        if isinstance(error, ItemError):
            self._refuse(item, 0)
        if isinstance(error, StateError) and "loaded" in str(error):
            error.args = (f"You can't add an item to a loaded index: {error}",)
        raise error

    def _in_words_of_annoy(self, operation: str) -> _Words:
        return _Words(operation)


class _Words:
    """Puts Annoy's sentence before the library's, where they say the same."""

    def __init__(self, operation: str) -> None:
        self.operation = operation

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        if isinstance(error, StateError):
            state = "loaded" if "is loaded" in str(error) else "built"
            error.args = (f"You can't {self.operation} a {state} index: {error}",)


def _os_error(error: AnnoyError) -> AnnoyError:
    """The OSError that Annoy raises, whatever went wrong with a file; but not for a path
    that can be none."""
    if isinstance(error, (ArgumentError, CallbackError, ClosedError)):
        return error
    number = getattr(error, "errno", None)
    text = f"Unable to open: {os.strerror(number)} ({number}): {error}" if number else str(error)
    return file_error(text, number, getattr(error, "filename", None), error.status)


Annoy = AnnoyIndex
