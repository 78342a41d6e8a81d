"""The index for NumPy."""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, Any, Iterator, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import files, graph, pickling, search
from . import handle as handles
from ._native import ffi, lib
from .callbacks import Progress, run_long
from .errors import AnnoyError, ArgumentError, ClosedError, StateError, check, raise_search
from .handle import Handle
from .inspection import Inspection
from .labels import Labels
from .metrics import Metric, metric_name, metric_number
from .options import ItemSearchOptions, SearchOptions
from .search import Distances, Ids
from .vectors import DOUBLE, FLOAT, WORDS, Kind, as_array, as_ids, distance_of, fields, ids_pointer, row, rows

if TYPE_CHECKING:
    from typing_extensions import Unpack

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

SCALARS = {name: number for number, name in files.SCALAR_NAMES.items()}

# What the everyday search needs, found once.
_F32 = np.dtype(np.float32)
_I64 = np.dtype(np.int64)
_FLOATS = ffi.typeof("float[]")
_LONGS = ffi.typeof("int64_t[]")
_from_buffer = ffi.from_buffer
_by_vector = lib.guarded_by_vector
_empty = np.empty
_ndarray = np.ndarray


class Index(Labels, Inspection):
    """An index of vectors that finds approximate nearest neighbours, in Annoy's file format.

    `f` is the length of the vectors (for hamming, bits), or None to have it from the first vectors
    or the file loaded. `metric` is "angular", "euclidean", "manhattan", "dot" or "hamming" (or an
    alias, such as "cosine" or "l2"); `dtype` what is stored: "float32" or "float64", for hamming
    words of "uint64", "uint32" or "uint8"; `id_bits` 32 or 64.

    An index is not built (items are added), built, or loaded. Any number of threads may search at
    the same time; searches release the interpreter's lock. Calls that change the index wait until
    no other call uses it. After `close` every call raises `ClosedError`.
    """

    def __init__(
        self,
        f: Optional[int] = None,
        metric: Metric = "angular",
        *,
        dtype: Optional[str] = None,
        id_bits: int = 32,
        seed: Optional[int] = None,
    ) -> None:
        self._metric = metric_number(metric)
        hamming = self._metric == lib.ANNOY_HAMMING
        self._scalar = ("uint64" if hamming else "float32") if dtype is None else str(np.dtype(dtype))
        if self._scalar not in SCALARS:
            raise ArgumentError(f"dtype is {self._scalar!r}, expected one of {', '.join(SCALARS)}")
        self._id_bits = id_bits
        self._f: Optional[int] = None
        self._seed = seed
        self._handle: Optional[Handle] = None
        # What the everyday search goes by: the handle's pointer, unless vectors are 64-bit floats.
        self._everyday: Any = None
        self._closed = False
        # Whether a pickle has the path of the loaded file, instead of all its bytes.
        self.pickle_by_path = False
        # The file that is loaded, and what told it from others when it was.
        self._file: Optional[files.Loaded] = None
        # The bytes that are loaded instead, and are the index's as long as it has them.
        self._bytes: Any = None
        if f is not None:
            self._make(operator.index(f))

    def _make(self, f: int) -> Handle:
        """The handle, made now if f was not known before."""
        with handles.making:
            if self._closed:
                raise ClosedError("the index is closed")
            if self._handle is None:
                if f < 1:
                    raise ArgumentError(f"f is {f}, expected at least 1")
                options = ffi.new("annoy_options *")
                options.struct_size = ffi.sizeof("annoy_options")
                options.metric, options.scalar = self._metric, SCALARS[self._scalar]
                options.id_bits, options.flags, options.f = self._id_bits, lib.ANNOY_UNLOCKED, f
                index = ffi.new("annoy_index **")
                check(lib.annoy_new_with(options, index, lib.guarded_error()))
                if self._seed is not None:
                    check(lib.annoy_set_seed(index[0], self._seed & (2**64 - 1), lib.guarded_error()))
                self._f = f
                self._own(Handle(index[0]))
            return self._owner

    def _own(self, handle: Handle) -> None:
        self._handle = handle
        self._everyday = None if self._scalar == "float64" else handle.guarded

    def _adopt(self, index: Any) -> None:
        """Takes over an index that a file told the types of."""
        self._metric = lib.annoy_get_metric(index)
        self._scalar = files.SCALAR_NAMES[lib.annoy_get_scalar(index)]
        self._id_bits = lib.annoy_get_id_bits(index)
        self._f = lib.annoy_get_f(index)
        self._own(Handle(index))

    def _made(self, made_with: dict[str, Any], data: Optional[files.Bytes] = None) -> None:
        """In place of `__init__`, which a subclass may have changed."""
        Index.__init__(self, **made_with)
        if data is not None:
            opened = files.open_bytes(data)
            self._bytes = files.borrowed(data)
            self._adopt(opened)
            if self._seed is not None:
                self.set_seed(self._seed)

    @property
    def _owner(self) -> Handle:
        if self._handle is None:
            if self._closed:
                raise ClosedError("the index is closed")
            raise StateError("the index has no vectors yet, so f is not known")
        return self._handle

    # What it is.

    @property
    def f(self) -> Optional[int]:
        """Length of the vectors: numbers, or bits for hamming. None before it is known."""
        return self._f

    @property
    def metric(self) -> str:
        """The metric's name."""
        return metric_name(self._metric)

    @property
    def dtype(self) -> str:
        """What is stored: "float32", "float64", or for hamming words of "uint64",
        "uint32" or "uint8"."""
        return self._scalar

    @property
    def id_bits(self) -> int:
        """Width of ids in the file."""
        return self._id_bits

    @property
    def n_items(self) -> int:
        """The largest id plus one, missing items included."""
        if self._handle is None and not self._closed:
            return 0
        with self._owner.shared() as index:
            return int(lib.annoy_get_n_items(index))

    @property
    def n_trees(self) -> int:
        """Number of trees, 0 before the build."""
        if self._handle is None and not self._closed:
            return 0
        with self._owner.shared() as index:
            return int(lib.annoy_get_n_trees(index))

    @property
    def closed(self) -> bool:
        return self._closed

    def __len__(self) -> int:
        return self.n_items

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: object) -> bool:
        """Whether an id holds an item: one that is neither missing (a hole, or past the
        last) nor removed."""
        try:
            i = operator.index(item)  # type: ignore[arg-type]
        except TypeError:
            return False
        if not 0 <= i < 2**63 or (self._handle is None and not self._closed):
            return False
        with self._owner.shared() as index:
            return bool(lib.annoy_has_item(index, i))

    @property
    def ids(self) -> Ids:
        """The ids that hold items, ascending: holes and removed items are left out."""
        if self._handle is None and not self._closed:
            return np.empty(0, np.int64)
        with self._owner.shared() as index:
            room, n = np.empty(lib.annoy_get_n_items(index), np.int64), ffi.new("size_t *")
            check(lib.annoy_get_ids(index, ids_pointer(room), len(room), n, lib.guarded_error()))
        return room[: n[0]].copy()

    def __getitem__(self, item: int) -> NDArray[Any]:
        item = operator.index(item)
        n_items = self.n_items
        return self.get_item(item + n_items if -n_items <= item < 0 else item)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for item in range(self.n_items):
            yield self.get_item(item)

    def __repr__(self) -> str:
        types = f"f={self._f}, metric={self.metric!r}, dtype={self._scalar!r}"
        if self._closed:
            return f"<{type(self).__name__} {types}, closed>"
        return f"<{type(self).__name__} {types}, {self.n_items} items, {self.n_trees} trees>"

    # Items.

    def add_item(self, item: int, vector: ArrayLike) -> None:
        """Adds an item, or replaces it. Space is taken for all ids up to the largest."""
        v = row(vector, self._scalar)
        item = operator.index(item)
        with self._make(v.len).exclusive() as index:
            if v.kind is FLOAT:
                floats = _from_buffer(_FLOATS, v.array)
                check(lib.annoy_add_item(index, item, floats, v.len, lib.guarded_error()))
            else:
                which = ffi.new("int64_t *", item)
                check(lib.views_add(index, which, *v.fields, ffi.NULL, lib.guarded_error()))

    def add_items(
        self,
        vectors: ArrayLike,
        ids: Optional[ArrayLike] = None,
        *,
        n_threads: int = -1,
        progress: Optional[Progress] = None,
    ) -> None:
        """Adds the rows of an array of shape (n, f), all or none. Without ids they
        follow the last item.

        float32 arrays (float64 for such an index, uint64 words for hamming) are taken as they lie;
        others are copied. `n_threads` threads (-1: all) copy where there is much to copy.
        `progress`: as `build`, in items.
        """
        v = rows(vectors, self._scalar, self._f)
        if v.n == 0 and self._handle is None:
            return
        which = None if ids is None else as_ids(ids)
        if which is not None and len(which) != v.n:
            raise ArgumentError(f"the number of ids is {len(which)}, expected one for each of {v.n} rows")
        where = ffi.NULL if which is None else ids_pointer(which)
        with self._make(v.len).exclusive() as index:
            given = index, where, *v.fields
            run_long(n_threads, progress, lambda work: lib.views_add(*given, work, lib.guarded_error()))

    def reserve(self, n_items: int) -> None:
        """Takes room for so many items ahead of need; their number stays."""
        with self._owner.exclusive() as index:
            check(lib.annoy_reserve(index, operator.index(n_items), lib.guarded_error()))

    def get_item(self, item: int) -> NDArray[Any]:
        """A copy of an item's vector, of shape (f,); zeros and ones for hamming. A missing item
        reads as zeros."""
        kind = DOUBLE if self._scalar == "float64" else FLOAT
        vector: NDArray[Any] = self._vectors(ffi.new("int64_t *", operator.index(item)), 1, kind, self._f or 0)[0]
        return vector

    def get_items(self, ids: ArrayLike) -> NDArray[Any]:
        """Copies of items' vectors, of shape (n, f), in float32 (float64 for such an index)."""
        which = as_ids(ids)
        kind = DOUBLE if self._scalar == "float64" else FLOAT
        return self._vectors(ids_pointer(which), len(which), kind, self._f or 0)

    def _vectors(self, ids: Any, n: int, kind: Kind, length: int) -> NDArray[Any]:
        with self._owner.shared() as index:
            to = np.empty((n, length), kind.dtype)
            check(lib.views_get(index, ids, *fields(to, kind)[:4], lib.guarded_error()))
        return to

    def get_words(self, item: int) -> NDArray[np.uint64]:
        """A copy of an item's bits in words of 64, the first bit in the least significant
        place (hamming)."""
        n_words = -(-(self._f or 0) // 64)
        words: NDArray[np.uint64] = self._vectors(ffi.new("int64_t *", operator.index(item)), 1, WORDS, n_words)[0]
        return words

    def get_distance(self, i: int, j: int) -> float:
        """The distance between two items; for dot their inner product."""
        distance = ffi.new("double *")
        with self._owner.shared() as index:
            i, j = operator.index(i), operator.index(j)
            check(lib.annoy_get_distance(index, i, j, distance, lib.guarded_error()))
        return float(distance[0])

    def to_numpy(self) -> NDArray[Any]:
        """All vectors, of shape (n_items, f), read-only.

        For a loaded file this is a view of the mapped file. It takes no memory and stays valid
        after `close`; for hamming it has the stored words. For an index in memory it is a copy.
        """
        with self._owner.shared() as index:
            view = self._file.vectors(index, self._scalar) if self._file is not None else None
        if view is None:
            view = self.get_items(np.arange(self.n_items))
            view.flags.writeable = False
        return view

    # Trees.

    def set_seed(self, seed: int) -> None:
        """Sets the seed of the next build; it stays through save, load and unload."""
        seed = operator.index(seed)
        if self._handle is None:
            self._seed = seed
            return
        with self._owner.exclusive() as index:
            check(lib.annoy_set_seed(index, seed & (2**64 - 1), lib.guarded_error()))
        self._seed = seed

    def build(self, n_trees: int = -1, *, n_threads: int = -1, progress: Optional[Progress] = None) -> None:
        """Builds `n_trees` trees (-1: until there are twice as many nodes as items) by `n_threads`
        threads (-1: all).

        The same items, seed and number of trees give the same file, for any number of threads.
        `progress(done, total)`, or a tqdm bar, gets the progress. An exception in it, or Ctrl-C,
        ends the build and leaves the index as it was.
        """
        with self._owner.exclusive() as index:
            n_trees = operator.index(n_trees)
            build = lambda work: lib.annoy_build_trees(index, n_trees, work, lib.guarded_error())  # noqa: E731
            run_long(n_threads, progress, build)

    def build_graph(
        self,
        degree: Optional[int] = None,
        *,
        candidates: Optional[int] = None,
        alpha: Optional[float] = None,
        rounds: Optional[int] = None,
        sample: Optional[int] = None,
        n_trees: Optional[int] = None,
        n_threads: int = -1,
        progress: Optional[Progress] = None,
    ) -> None:
        """Builds a graph over the items of a built or loaded index; it replaces an older graph.
        Searches then use it, and find more in less time. It is saved with the index, where Annoy
        does not see it. The graph goes when the trees go.

        None and 0 stand for the default. An item has at most `degree` neighbours (1 to 255, default
        32), chosen from the `candidates` nearest (1 to 1,024, default 48). A larger `alpha` (1 to
        16, default 1.2) keeps longer edges. The building time depends on the `rounds` of NN-descent
        (1 to 1,000, default 6; -1 for none), on the `sample` of neighbours that a round takes from
        each list (1 to 255, default 12), and on the `n_trees` whose leaves are used (default 10).
        The same index and options give the same file. `progress`: as `build`, in items, each
        counted many times.
        """
        options = graph.options(
            degree=degree, candidates=candidates, alpha=alpha, rounds=rounds, sample=sample, n_trees=n_trees
        )
        with self._owner.exclusive() as index:
            build = lambda work: lib.annoy_build_graph(index, options, work, lib.guarded_error())  # noqa: E731
            run_long(n_threads, progress, build)

    def unbuild(self) -> None:
        """Takes the trees away, so that items can be added and trees built again."""
        with self._owner.exclusive() as index:
            check(lib.annoy_unbuild(index, lib.guarded_error()))

    def thaw(self) -> None:
        """Makes it possible to add items to a loaded index: copies the items to memory and
        drops the trees.

        Labels, marks of removed items, metadata and the seed stay. A built index is unbuilt.
        """
        if self._handle is None and not self._closed:
            return
        with self._owner.exclusive() as index:
            check(lib.annoy_thaw(index, lib.guarded_error()))
            self._file = self._bytes = None

    def unload(self) -> None:
        """Drops items, trees, metadata and file."""
        if self._handle is None and not self._closed:
            return
        with self._owner.exclusive() as index:
            check(lib.annoy_unload(index, lib.guarded_error()))
            self._file = self._bytes = None

    # Searching.

    def search(
        self, query: ArrayLike, n: int = 10, search_k: int = -1, **options: Unpack[SearchOptions]
    ) -> tuple[Ids, Distances]:
        """Finds the `n` items nearest to each vector: their ids, and their
        distances, nearest first.

        A query of shape (f,) gives two arrays of shape (n,), shorter when fewer are found. One of
        shape (q, f) gives arrays of shape (q, n), found by `n_threads` threads (-1: all); places
        left over hold -1 and NaN.

        `search_k` is the number of candidates (0 or -1: n times the number of trees; with a graph,
        a number that suits it). More take longer and find more. A search finds only items that are
        within `max_distance`, not in `exclude` (ids), in `allow` or not in `deny` (one of the two;
        ids, or a mask of bool for all items), and for whose id `filter` returns true. `exact` looks
        at all items. `way` is "forest" or "graph"; the default is the graph if there is one.
        `progress(done, total)`, or a tqdm bar, gets the progress of a batch.
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
                vector = _from_buffer(_FLOATS, query)
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
                _from_buffer(_LONGS, ids),
                _from_buffer(_FLOATS, distances),
            )
            if found == room:
                return ids, distances
            if found < 0:
                if not query.flags.aligned or found == -1 - lib.GUARDED_AGAIN:
                    return search.one(self._owner, row(query, self._scalar), n, search_k, options)
                raise_search(found)
            return ids[:found], distances[:found]
        array = as_array(query)
        if array.ndim == 2:
            return search.many(self._owner, rows(array, self._scalar, self._f), n, search_k, options)
        return search.one(self._owner, row(array, self._scalar), n, search_k, options)

    def search_items(
        self,
        items: Union[int, Sequence[int], NDArray[Any]],
        n: int = 10,
        search_k: int = -1,
        **options: Unpack[ItemSearchOptions],
    ) -> tuple[Ids, Distances]:
        """Finds the `n` items nearest to an item, or to each of several. As `search`; with
        `exclude_self` an item is not among its own neighbours."""
        if as_array(items).ndim == 0:
            item = operator.index(items)  # type: ignore[arg-type]
            return search.one_item(self._owner, item, distance_of(self._scalar), n, search_k, options)
        return search.many_items(self._owner, as_ids(items), distance_of(self._scalar), n, search_k, options)

    # Files.

    def on_disk_build(self, path: Path) -> None:
        """Makes the index build in a file; to be called before items are added. `build` completes
        it: no save is needed."""
        with self._owner.exclusive() as index:
            name = files.encoded(path)
            check(lib.annoy_on_disk_build(index, name, lib.guarded_error()), os.fsdecode(name))

    def save(self, path: Path, *, progress: Optional[Progress] = None) -> None:
        """Writes the index to a file that Annoy reads too: whole or not at all. The index stays as
        it is. `progress`: as `build`, in bytes."""
        name = files.encoded(path)
        with self._owner.shared() as index:
            save = lambda work: lib.annoy_save_to(index, name, work, lib.guarded_error())  # noqa: E731
            run_long(-1, progress, save, lambda status: check(status, os.fsdecode(name)))

    def save_and_load(self, path: Path, *, prefault: bool = False, progress: Optional[Progress] = None) -> None:
        """Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
        `progress`: as `build`, in bytes."""
        name = files.encoded(path)
        flags = files.flags(prefault, copy=False)
        with self._owner.exclusive() as index:
            save = lambda work: lib.annoy_save_and_load(index, name, flags, work, lib.guarded_error())  # noqa: E731
            run_long(-1, progress, save, lambda status: check(status, os.fsdecode(name)))
            self._file, self._bytes = files.Loaded(name), None

    def load(self, path: Path, *, prefault: bool = False, copy: bool = False) -> None:
        """Maps a file, ours or Annoy's, in place of whatever the index holds; metric, f and types
        must be the index's.

        While the file is mapped, nobody may shorten it or rewrite it in place (replacing
        it by rename is fine). With `copy` it is read into memory instead. `prefault` reads
        all of it at once.
        """
        name = files.encoded(path)
        flags = files.flags(prefault, copy)
        if self._handle is None and not self._closed:
            opened, file = files.open_index(name, flags)
            self._adopt_first(opened, os.fsdecode(name))
            self._file = file
            return
        with self._owner.exclusive() as index:
            self._file, self._bytes = files.load(index, name, flags), None

    def load_bytes(self, data: files.Bytes) -> None:
        """Loads the bytes of a file, as `load` loads the file. `bytes` are used as they lie;
        anything else is copied."""
        if self._handle is None and not self._closed:
            opened = files.open_bytes(data)
            self._bytes = files.borrowed(data)
            self._adopt_first(opened, "the file")
            return
        with self._owner.exclusive() as index:
            # Both, as Ctrl-C may come between the call and its result.
            before, self._bytes = self._bytes, (self._bytes, files.borrowed(data))
            try:
                files.load_bytes(index, data)
            except AnnoyError:
                self._bytes = before
                raise
            self._file, self._bytes = None, files.borrowed(data)

    def _adopt_first(self, opened: Any, name: str) -> None:
        """Takes over what is loaded into an index whose f is not known: the file says it."""
        with handles.making:
            if lib.annoy_get_metric(opened) != self._metric or files.SCALAR_NAMES[lib.annoy_get_scalar(opened)] != self._scalar:
                found = metric_name(lib.annoy_get_metric(opened)), files.SCALAR_NAMES[lib.annoy_get_scalar(opened)]
                lib.annoy_free(opened)
                raise ArgumentError(f"{name} is of {found}, expected {(self.metric, self._scalar)}")
            if self._seed is not None:
                check(lib.annoy_set_seed(opened, self._seed & (2**64 - 1), lib.guarded_error()))
            self._adopt(opened)

    @classmethod
    def open(cls, path: Path, *, prefault: bool = False, copy: bool = False) -> Index:
        """Opens a file that says what it is, as all files of this library do. (`probe` helps with
        those of Annoy.)"""
        name = files.encoded(path)
        opened, file = files.open_index(name, files.flags(prefault, copy))
        self = cls.__new__(cls)
        self._made({})
        self._adopt(opened)
        self._file = file
        return self

    @property
    def path(self) -> Optional[str]:
        """The file that is loaded."""
        return None if self._file is None else self._file.path

    def to_bytes(self) -> bytes:
        """The bytes that a save writes."""
        with self._owner.shared() as index:
            return files.to_bytes(index)

    @classmethod
    def from_bytes(cls, data: files.Bytes) -> Index:
        """An index from the bytes of a file that says what it is. `bytes` are used as they lie;
        anything else is copied."""
        self = cls.__new__(cls)
        self._made({}, data)
        return self

    @property
    def metadata(self) -> bytes:
        """Bytes of the caller that are saved with the index, at most 65,536."""
        with self._owner.shared() as index:
            return files.get_metadata(index)

    @metadata.setter
    def metadata(self, data: bytes) -> None:
        with self._owner.exclusive() as index:
            buffer = ffi.from_buffer(data)  # whose length is in bytes
            check(lib.annoy_set_metadata(index, buffer, len(buffer), lib.guarded_error()))

    # Its end, and copies.

    def close(self) -> None:
        """Frees the index, once calls under way in other threads are done. A second time it
        does nothing."""
        with handles.making:
            self._closed = True
        if self._handle is not None:
            self._handle.close()
        self._file = self._bytes = None

    def __enter__(self) -> Index:
        if self._closed:
            raise ClosedError("the index is closed")
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return pickling.reduced(self)
