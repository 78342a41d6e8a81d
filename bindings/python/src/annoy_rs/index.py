"""The index for NumPy."""

from __future__ import annotations

import operator
from html import escape
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from . import graph
from . import handle as handles
from ._native import ffi, lib
from .callbacks import Progress, run_long
from .convert import as_array
from .errors import ClosedError, check
from .metrics import Metric
from .mixins.inspection import Inspection
from .mixins.io import IndexIOMixin
from .mixins.labels import Labels
from .mixins.meta import MetaMixin
from .mixins.ndarray import NDArrayMixin
from .mixins.pickle import PickleMixin
from .mixins.plotting import PlottingMixin
from .mixins.vector_ops import VectorOpsMixin
from .search import Ids
from .vectors import ids_pointer, rows

if TYPE_CHECKING:
    from typing_extensions import Self


class Index(MetaMixin, IndexIOMixin, PickleMixin, VectorOpsMixin, NDArrayMixin, PlottingMixin, Labels, Inspection):
    """An index of vectors that finds approximate nearest neighbours, in Annoy's file format.

    `f` is the length of the vectors (for hamming, bits), or None to have it from the first vectors
    or the file loaded. `metric` is "angular", "euclidean", "manhattan", "dot" or "hamming" (or an
    alias, such as "cosine" or "l2"); `dtype` what is stored: "float32" or "float64", for hamming
    words of "uint64", "uint32" or "uint8"; `id_bits` 32 or 64 (None: 32, or what a file has that is
    loaded).

    The rest are defaults of methods, and what scikit-plots' `Index` takes: `n_neighbors` of
    searches in scikit-learn's way, `n_trees` and `n_jobs` of `build` (-1: as many as fit, all
    processors), `seed` or `random_state`, `on_disk_path` for a file that is not there yet and that
    the index is built in, `prefault` of `load`, `verbose` (1: messages on stderr). `schema_version`
    and `l1_ratio` are 0.

    An index is not built (items are added), built, or loaded. Any number of threads may search at
    the same time; searches release the interpreter's lock. Calls that change the index wait until
    no other call uses it. After `close` every call raises `ClosedError`.

    An `Index` is an `AnnoyIndex`, and a scikit-learn estimator. Those methods of `AnnoyIndex` that
    change it return it.
    """

    def __init__(
        self,
        f: Optional[int] = None,
        metric: Optional[Metric] = "angular",
        *,
        dtype: Optional[str] = None,
        id_bits: Optional[int] = None,
        n_neighbors: int = 5,
        n_trees: int = -1,
        n_jobs: Optional[int] = -1,
        seed: Optional[int] = None,
        random_state: Any = None,
        on_disk_path: Any = None,
        prefault: Optional[bool] = False,
        verbose: Optional[int] = None,
        schema_version: Optional[int] = 0,
        l1_ratio: float = 0.0,
    ) -> None:
        self._pickle_mode = "auto"
        self._compress_mode = None
        self._closed = False
        params = locals()
        self._start({name: params[name] for name in params if name != "self"})

    @property
    def backend(self) -> Self:
        """The index itself, which scikit-plots' class has inside."""
        return self

    # What it holds.

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
        if not 0 <= i < 2**63 or self._empty:
            return False
        with self._owner.shared() as index:
            return bool(lib.annoy_has_item(index, i))

    @property
    def ids(self) -> Ids:
        """The ids that hold items, ascending: holes and removed items are left out."""
        if self._empty:
            return np.empty(0, np.int64)
        with self._owner.shared() as index:
            room, n = np.empty(lib.annoy_get_n_items(index), np.int64), ffi.new("size_t *")
            check(lib.annoy_get_ids(index, ids_pointer(room), len(room), n, lib.guarded_error()))
        return room[: n[0]].copy()

    def is_built(self) -> bool:
        """Whether it has trees."""
        return self.n_trees > 0

    def __repr__(self) -> str:
        types = f"f={self._f or None}, metric={self.metric!r}, dtype={self._scalar!r}"
        if self._closed:
            return f"<{type(self).__name__} {types}, closed>"
        return f"<{type(self).__name__} {types}, {self.n_items} items, {self.n_trees} trees>"

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        facts = {"closed": True} if self._closed else self.info()
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
        return f"<details><summary><code>{escape(repr(self))}</code></summary><table>{rows}</table></details>"

    # Trees.

    def set_seed(self, seed: Optional[int] = None) -> Self:  # type: ignore[override]
        """Sets the seed of the next build (None: the library's own); it stays through save, load
        and unload."""
        number = None if seed is None else operator.index(seed)
        if self._closed:
            raise ClosedError("the index is closed")
        self._params.update(seed=number, random_state=None)
        self._seed_again()
        return self

    def build(  # type: ignore[override]
        self,
        n_trees: Optional[int] = None,
        n_jobs: Optional[int] = None,
        *,
        n_threads: Optional[int] = None,
        progress: Optional[Progress] = None,
    ) -> Self:
        """Builds `n_trees` trees (-1: until there are twice as many nodes as items) by `n_threads`
        threads (-1: all), which may also be called `n_jobs`. None: as the parameters say.

        The same items, seed and number of trees give the same file, for any number of threads.
        `progress(done, total)`, or a tqdm bar, gets the progress. An exception in it, or Ctrl-C,
        ends the build and leaves the index as it was.
        """
        trees = operator.index(self._params["n_trees"] if n_trees is None else n_trees)
        threads = self._n_threads(n_jobs if n_threads is None else n_threads)
        with self._owner.exclusive() as index:
            build = lambda work: lib.annoy_build_trees(index, trees, work, lib.guarded_error())  # noqa: E731
            run_long(threads, progress, build)
        return self

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
    ) -> Self:
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
        return self

    def build_scan(self, *, n_threads: int = -1, progress: Optional[Progress] = None) -> Self:
        """Puts the items of a built or loaded index into lists of near ones; they replace older
        lists. Searches read lists in a row: with `way="scan"`, and by default where there is no
        graph. They are saved with the index, where Annoy does not see them, and go when the trees
        go. The same index gives the same file, for any number of threads.

        Not for manhattan and hamming (`UnsupportedError`). `progress`: as `build`, in items, each
        counted twice or four times.
        """
        with self._owner.exclusive() as index:
            build = lambda work: lib.annoy_build_scan(index, work, lib.guarded_error())  # noqa: E731
            run_long(n_threads, progress, build)
        return self

    def build_auto(
        self, recall: Optional[float] = None, *, n_threads: int = -1, progress: Optional[Progress] = None
    ) -> Self:
        """Builds a graph or a scan, whichever is expected to find `recall` of the nearest (default
        0.95) in less time, in place of both; then measures it, as `tune`. The same index gives the
        same file, for any number of threads. `progress`: as `build`, of one build or search
        after the other, each from 0.
        """
        with self._owner.exclusive() as index:
            build = lambda work: lib.annoy_build_auto(index, recall or 0, work, lib.guarded_error())  # noqa: E731
            run_long(n_threads, progress, build)
        return self

    def tune(self, queries: Any = None, *, n_threads: int = -1, progress: Optional[Progress] = None) -> Self:
        """Measures what share of the nearest ten searches find, by how much they look at, so that
        `search` can be asked for a `recall`. What searches go through by default is measured: the
        graph if there is one, else the scan, else the forest.

        `queries` are vectors such as will be asked, of shape (q, f); None for 512 of the items. The
        measurement is saved with the index, where Annoy does not see it, and goes when trees,
        graph or scan are built anew. Looks at all items for each query. `progress`: as `build`, in
        queries.
        """
        given = None if queries is None else rows(as_array(queries), self._scalar, self._f)
        with self._owner.exclusive() as index:
            if given is None:
                tune = lambda work: lib.annoy_tune(index, ffi.NULL, work, lib.guarded_error())  # noqa: E731
            else:
                fields = given.fields
                tune = lambda work: lib.views_tune(index, *fields, work, lib.guarded_error())  # noqa: E731
            run_long(n_threads, progress, tune)
        return self

    def unbuild(self) -> Self:  # type: ignore[override]
        """Takes the trees away, so that items can be added and trees built again."""
        with self._owner.exclusive() as index:
            check(lib.annoy_unbuild(index, lib.guarded_error()))
        return self

    def thaw(self) -> Self:  # type: ignore[override]
        """Makes it possible to add items to a loaded index: copies the items to memory and
        drops the trees.

        Labels, marks of removed items, metadata and the seed stay. A built index is unbuilt.
        """
        if not self._empty:
            with self._owner.exclusive() as index:
                check(lib.annoy_thaw(index, 0, lib.guarded_error()))
                self._file = self._bytes = None
        return self

    def thaw_built(self) -> Self:
        """Copies a loaded index to memory with its trees, graph and scan, so that items can be
        inserted. Labels, marks of removed items, metadata, the seed and what `tune` measured
        stay."""
        with self._owner.exclusive() as index:
            check(lib.annoy_thaw(index, lib.ANNOY_THAW_BUILT, lib.guarded_error()))
            self._file = self._bytes = None
        return self

    def unload(self) -> Self:  # type: ignore[override]
        """Drops items, trees, metadata and file."""
        if not self._empty:
            with self._owner.exclusive() as index:
                check(lib.annoy_unload(index, lib.guarded_error()))
                self._file, self._bytes, self._on_disk = None, None, False
                self._forget_fit()
        return self

    # Its end.

    def close(self) -> None:
        """Frees the index, once calls under way in other threads are done. A second time it
        does nothing."""
        with handles.making:
            self._closed = True
        if self._handle is not None:
            self._handle.close()
        self._file = self._bytes = None

    def __enter__(self) -> Self:
        if self._closed:
            raise ClosedError("the index is closed")
        return self
