"""What `Index` is made of besides its mixins: its parameters, its handle, and what it is."""

from __future__ import annotations

import errno
import operator
import os
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, TypeVar

import numpy as np

from . import files
from . import handle as handles
from ._native import ffi, lib
from .annoy_index import AnnoyIndex
from .errors import ArgumentError, ClosedError, StateError, check, file_error
from .estimator import Estimator
from .handle import Handle, Owner
from .metrics import metric_name
from .params import ANNOYS_SEED, SCALARS, checked_types, seed_of

T = TypeVar("T")


class Base(AnnoyIndex, Owner):
    """The part of `Index` that the others stand on."""

    _params: dict[str, Any]
    # What the everyday search goes by: the handle's pointer, unless vectors are 64-bit floats.
    _everyday: Any
    # What `fit` noted; it goes with the items.
    _y_map: Optional[dict[int, Any]]
    _feature_names: Any
    # The file that is loaded, and what told it from others when it was.
    _file: Optional[files.Loaded]

    def _start(self, params: dict[str, Any]) -> None:
        """What a constructor does: in place of `__init__`, which a subclass may have changed."""
        self._params = params
        self._f = 0
        self._handle: Optional[Handle] = None
        # In place of it, while vectors are added that f is not known before.
        self._first: Optional[Handle] = None
        self._everyday = None
        self._closed = False
        self._file = None
        # Whether `on_disk_build` was called.
        self._on_disk = False
        self._forget_fit()
        self._metric, self._scalar, self._id_bits = lib.ANNOY_ANGULAR, "float32", 32
        # What is wrong with parameters is told as soon as there is an f, and otherwise by the first
        # call that needs them: scikit-learn wants constructors that take anything.
        f = params["f"]
        if isinstance(f, (int, np.integer)) and f > 0:
            with handles.making:
                self._own(self._new_handle(int(f)))

    @property
    def _index(self) -> Any:  # type: ignore[override]
        return self

    _OTHER_PARAMS = ()
    # Of an index that has items, scikit-learn changes parameters too: they are for the next fit.
    set_params = Estimator.set_params

    @property  # type: ignore[override]
    def verbose(self) -> Optional[int]:
        """From 1 on, the index says on stderr what it does."""
        level: Optional[int] = self._params["verbose"]
        return level

    @verbose.setter
    def verbose(self, level: Optional[int]) -> None:
        self.set_verbose(level or 0)

    def _settle(self) -> None:
        """Takes the types from the parameters, for an index that has not been made."""
        if self._handle is None and not self._closed:
            self._metric, self._scalar, self._id_bits = checked_types(self._params)

    def _new_handle(self, f: int) -> Handle:
        """A handle of no items, of vectors of length `f`, unless the parameters say another."""
        self._settle()
        f = operator.index(self._params["f"] or f)
        if f < 1:
            raise ArgumentError(f"f is {f}, expected at least 1")
        seed, path = seed_of(self._params), self._params["on_disk_path"]
        options = ffi.new("annoy_options *")
        options.struct_size = ffi.sizeof("annoy_options")
        options.metric, options.scalar = self._metric, SCALARS[self._scalar]
        options.id_bits, options.flags, options.f = self._id_bits, lib.ANNOY_UNLOCKED, f
        index = ffi.new("annoy_index **")
        check(lib.annoy_new_with(options, index, lib.guarded_error()))
        handle = Handle(index[0])
        if seed is not None:
            check(lib.annoy_set_seed(index[0], seed, lib.guarded_error()))
        if path is not None:
            name = files.encoded(path)
            if os.path.lexists(name):
                # To parameters a file must not fall victim; on_disk_build replaces one.
                text = f"cannot build in {os.fsdecode(name)}, which on_disk_path names: it is there already"
                raise file_error(text, errno.EEXIST, os.fsdecode(name), "ANNOY_ERR_IO")
            check(lib.annoy_on_disk_build(index[0], name, lib.guarded_error()), os.fsdecode(name))
        self._say(handle)
        return handle

    def _adding(self, f: int, add: Callable[[Any], T]) -> T:
        """What `add` gives, which is called with the index and changes it. If f is not known yet,
        it is the length of these vectors when they are in: others, that fail, leave it unknown."""
        while self._handle is None:
            first: Optional[Handle] = None
            with ExitStack() as held:
                try:
                    with handles.making:
                        if self._closed:
                            raise ClosedError("the index is closed")
                        other = self._handle or self._first
                        if other is None:
                            first = self._new_handle(f)
                            index = held.enter_context(first.exclusive())
                            self._first = first
                    if first is not None:
                        result = add(index)
                        with handles.making:
                            if self._closed:
                                raise ClosedError("the index is closed")
                            # Unless the index has become another meanwhile, with which it went.
                            if self._first is first:
                                self._own(first)
                        return result
                except BaseException:
                    if first is not None and self._handle is not first:
                        # The file that it builds in goes, too.
                        lib.annoy_unload(lib.guarded_index(first.guarded), lib.guarded_error())
                        self._first = None if self._first is first else self._first
                    raise
            if other is not None:
                with other.shared():
                    pass  # then those of another thread are in, or failed
        with self._owner.exclusive() as index:
            return add(index)

    @contextmanager
    def _unchanged(self) -> Iterator[Optional[Handle]]:
        """Keeps others from changing the index. Gives its handle; None if there is none."""
        if (first := self._first) is not None:
            with first.shared():
                pass  # then they are in, or failed
        handle = self._handle
        with nullcontext() if handle is None else handle.shared():
            yield handle

    def _own(self, handle: Handle) -> None:
        index = lib.guarded_index(handle.guarded)
        self._f = lib.annoy_get_f(index)
        self._everyday = None if self._scalar == "float64" else handle.guarded
        self._first, self._handle = None, handle

    def _adopt(self, index: Any, data: Optional[bytes] = None) -> None:
        """Takes over an index that a file told the types of."""
        self._metric = lib.annoy_get_fact(index, lib.ANNOY_FACT_METRIC)
        options = files.made_with(index)
        self._scalar, self._id_bits = files.SCALAR_NAMES[options.scalar], options.id_bits
        handle = Handle(index)
        handle.kept[0] = data
        self._say(handle)
        self._own(handle)

    @property
    def _owner(self) -> Handle:
        if self._handle is None:
            if self._closed:
                raise ClosedError("the index is closed")
            raise StateError("the index has no vectors yet, so f is not known")
        return self._handle

    def _n_threads(self, n_threads: Optional[int] = None) -> int:
        """So many threads, or as many as the parameter says."""
        n = self._params["n_jobs"] if n_threads is None else n_threads
        return -1 if n is None else operator.index(n)

    def _say(self, handle: Optional[Handle] = None) -> None:
        """Has messages written to stderr, or not, as the parameter `verbose` says."""
        handle = handle or self._handle or self._first
        if handle is not None and self._params["verbose"] is not None:
            loud = self._params["verbose"] >= 1
            handle.set_log((lambda level, text: print(text, file=sys.stderr)) if loud else None, lib.ANNOY_LOG_INFO)

    def _take(self, other: Base) -> None:
        """Becomes what another index is, all at once; the parameters stay, and the log."""
        before = self._handle
        with nullcontext() if before is None else before.exclusive():
            self._replace(other)

    def _replace(self, other: Base, *instead_of: Optional[Handle]) -> bool:
        """As `_take`, while the caller keeps others from changing the index. With `instead_of` only
        if that is still the handle: whether it was."""
        with handles.making:
            if self._closed:
                raise ClosedError("the index is closed")
            before = self._handle
            if instead_of and (before is not instead_of[0] or self._first is not None):
                return False
            handle = other._owner
            if before is not None and before.log is not None:
                handle.set_log(*before.log[1:])
            self._metric, self._scalar, self._id_bits = other._metric, other._scalar, other._id_bits
            self._file, self._on_disk = other._file, other._on_disk
            self._y_map, self._feature_names = other._y_map, other._feature_names
            self._own(handle)
            if before is not None:
                before.replaced_by = handle
        return True

    def _anew(self, **params: Any) -> None:
        """Makes an index without items anew, with other parameters."""
        if not self._is_blank:
            names = ", ".join(params)
            raise StateError(f"cannot change {names}: the index has items, expected an empty one (`rebuild` makes another)")
        checked_types({**self._params, **params})
        self._params.update(params)
        self._start(self._params)

    @property
    def _is_blank(self) -> bool:
        """Whether nothing is lost when the index is made anew."""
        if self._handle is None:
            return not (self._closed or self._first)
        return not (self._closed or self.n_items or self.n_trees or self._file or self._on_disk or self.metadata)

    def _forget_fit(self) -> None:
        self._y_map = self._feature_names = None

    @property
    def _bytes(self) -> Any:
        """The bytes that are loaded, and are the index's as long as it has them."""
        return None if self._handle is None else self._handle.kept[0]

    @_bytes.setter
    def _bytes(self, data: Any) -> None:
        if self._handle is not None:
            self._handle.kept[0] = data

    def __copy__(self) -> Any:
        reduced: Any = self.__reduce__()
        make, given, kept = reduced
        copied = make(*given)
        copied.__dict__.update(kept)
        return copied

    def _seed_again(self) -> None:
        """Seeds the index that was made by other parameters."""
        owner = self._handle or self._first
        if owner is not None and not self._closed:
            seed = seed_of(self._params)
            with owner.exclusive() as index:
                check(lib.annoy_set_seed(index, ANNOYS_SEED if seed is None else seed, lib.guarded_error()))

    @property
    def _empty(self) -> bool:
        """Whether there is no handle yet, in an index that is not closed."""
        return self._handle is None and not self._closed

    if TYPE_CHECKING:
        # What mixins use of each other.
        pickle_mode: Any
        compress_mode: Any
        memory_usage: Any
        to_bytes: Any
        n_removed: Any
        ids: Any
        path: Any
        metadata: Any
        set_log: Any
        set_seed: Any
        add_items: Any
        get_items: Any
        get_labels: Any
        set_labels: Any
        find_label: Any
        label_kind: Any
        is_removed: Any
        remove_items: Any
        search_items: Any
        to_metadata: Any
        from_metadata: Any
        _stored: Any
        _made: Any

    # What it is.

    @property
    def f(self) -> int:
        """Length of the vectors: numbers, or bits for hamming. 0 before it is known."""
        return self._f

    @f.setter
    def f(self, f: Optional[int]) -> None:
        self._anew(f=f)

    @property
    def metric(self) -> str:
        """The metric's name."""
        self._settle()
        return metric_name(self._metric)

    @metric.setter
    def metric(self, metric: Optional[str]) -> None:
        self._anew(metric=metric)

    @property
    def dtype(self) -> str:
        """What is stored: "float32", "float64", or for hamming words of "uint64",
        "uint32" or "uint8"."""
        self._settle()
        return self._scalar

    @property
    def id_bits(self) -> int:
        """Width of ids in the file."""
        self._settle()
        return self._id_bits

    @property
    def n_items(self) -> int:
        """The largest id plus one, missing items included."""
        if self._empty:
            return 0
        with self._owner.shared() as index:
            return int(lib.annoy_get_n_items(index))

    @property
    def n_trees(self) -> int:
        """Number of trees, 0 before the build."""
        if self._empty:
            return 0
        with self._owner.shared() as index:
            return int(lib.annoy_get_n_trees(index))

    @property
    def closed(self) -> bool:
        return self._closed
