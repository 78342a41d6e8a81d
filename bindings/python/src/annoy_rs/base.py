"""What `Index` is made of besides its mixins: its parameters, its handle, and what it is."""

from __future__ import annotations

import errno
import operator
import os
import sys
from typing import TYPE_CHECKING, Any, Optional

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

class Base(AnnoyIndex, Owner):
    """The part of `Index` that the others stand on."""

    _params: dict[str, Any]
    # What the everyday search goes by: the handle's pointer, unless vectors are 64-bit floats.
    _everyday: Any
    # The file that is loaded, and what told it from others when it was.
    _file: Optional[files.Loaded]

    def _start(self, params: dict[str, Any]) -> None:
        """What a constructor does: in place of `__init__`, which a subclass may have changed."""
        self._params = params
        self._f = 0
        self._handle: Optional[Handle] = None
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
            self._make(int(f))

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

    def _make(self, f: int) -> Handle:
        """The handle, made now if there was none: of vectors of length `f`, unless the parameters
        say another."""
        if self._handle is not None:
            return self._handle
        with handles.making:
            if self._closed:
                raise ClosedError("the index is closed")
            if self._handle is None:
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
                self._f = f
                self._own(handle)
                self._say()
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
        self._say()

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

    def _say(self) -> None:
        """Has messages written to stderr, or not, as the parameter `verbose` says."""
        if self._handle is not None and self._params["verbose"] is not None:
            loud = self._params["verbose"] >= 1
            self.set_log((lambda level, text: print(text, file=sys.stderr)) if loud else None)

    def _take(self, other: Base) -> None:
        """Becomes what another index is, all at once; the parameters stay, and the log."""
        if self._handle is not None and self._handle.log is not None:
            other.set_log(*self._handle.log[1:])
        with handles.making:
            if self._closed:
                raise ClosedError("the index is closed")
            self._f, self._metric, self._scalar, self._id_bits = other._f, other._metric, other._scalar, other._id_bits
            self._handle, self._everyday = other._handle, other._everyday
            self._file, self._on_disk = other._file, other._on_disk
        self._forget_fit()

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
            return not self._closed
        return not (self._closed or self.n_items or self.n_trees or self._file or self._on_disk or self.metadata)

    def _forget_fit(self) -> None:
        """What `fit` noted goes with the items."""
        self._y_map: Optional[dict[int, Any]] = None
        self._feature_names: Any = None

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
        if self._handle is not None and not self._closed:
            seed = seed_of(self._params)
            with self._owner.exclusive() as index:
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
