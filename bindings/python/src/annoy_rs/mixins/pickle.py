"""Pickles and copies."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, Callable, Literal, Optional

import numpy as np

from ..base import Base
from ..errors import ArgumentError, ClosedError, StateError

if TYPE_CHECKING:
    from .. import Index

PickleMode = Literal["auto", "disk", "byte"]
CompressMode = Optional[Literal["zlib", "gzip"]]

_PACKERS: dict[Any, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "zlib": (zlib.compress, zlib.decompress),
    # Without the time, so that the same index gives the same pickle.
    "gzip": (lambda data: gzip.compress(data, mtime=0), gzip.decompress),
}


class PickleMixin(Base):
    """The part of `Index` that is about pickles and copies, in every state that an index has."""

    _pickle_mode: PickleMode
    _compress_mode: CompressMode

    @property
    def pickle_mode(self) -> PickleMode:
        """What a pickle has: "byte", all of the index; "disk", the path of the file that is loaded,
        which has to be there when the pickle is loaded; what was changed since it was loaded is
        not in it. "auto" is "byte"."""
        return self._pickle_mode

    @pickle_mode.setter
    def pickle_mode(self, mode: PickleMode) -> None:
        if mode not in ("auto", "disk", "byte"):
            raise ArgumentError(f"pickle_mode is {mode!r}, expected 'auto', 'disk' or 'byte'")
        self._pickle_mode = mode

    @property
    def compress_mode(self) -> CompressMode:
        """How the bytes in a pickle are compressed: None, "zlib" or "gzip"."""
        return self._compress_mode

    @compress_mode.setter
    def compress_mode(self, mode: CompressMode) -> None:
        if mode is not None and mode not in _PACKERS:
            raise ArgumentError(f"compress_mode is {mode!r}, expected None, 'zlib' or 'gzip'")
        self._compress_mode = mode

    def __reduce__(self) -> tuple[Any, ...]:
        if self._closed:
            raise ClosedError("the index is closed, so it cannot be copied or pickled")
        kept = {name: value for name, value in self.__dict__.items() if name not in _NOT_KEPT}
        params, data, items = dict(self._params), None, None
        if self._pickle_mode == "disk":
            if self.path is None:
                raise StateError("cannot pickle by path: the index is not loaded from a file")
            return _reopened, (type(self), params, self._types(), self.path), kept
        if self._f:
            with self._owner.shared():
                if self.n_trees:
                    data = self.to_bytes()
                    if self._compress_mode is not None:
                        data = _PACKERS[self._compress_mode][0](data)
                else:
                    items = self._contents() if self.n_items or self.metadata else None
        return _unpickled, (type(self), params, self._types(), data, self._compress_mode, items), kept

    def _types(self) -> dict[str, Any]:
        """What it is made of, whatever the parameters say for the next fit."""
        types = {"metric": self.metric, "dtype": self.dtype, "id_bits": self.id_bits, "on_disk_path": None}
        return {**types, "f": self._f} if self._f else {"on_disk_path": None}

    def _contents(self) -> tuple[Any, ...]:
        """What an index that is not built holds. Missing ids behind the last item are not kept."""
        removed = [item for item in range(self.n_items) if self.is_removed(item)] if self.n_removed else []
        ids = np.union1d(self.ids, np.array(removed, np.int64))
        named = np.arange(ids[-1] + 1 if len(ids) else 0, dtype=np.int64)
        labels = {item: label for item, label in enumerate(self.get_labels(named).tolist()) if label is not None}
        return ids, self._stored(ids), removed, labels, self.metadata

    def _fill(self, contents: tuple[Any, ...]) -> None:
        """Takes what another has that is of the same types."""
        ids, vectors, removed, labels, metadata = contents
        self.add_items(vectors, ids)
        self.remove_items(removed)
        self.set_labels(list(labels.values()), np.array(list(labels), np.int64))
        self.metadata = metadata

    def _copy_names(self, other: Any) -> None:
        """Takes labels and metadata of another with the same items."""
        ids = self.ids
        labels = dict(zip(ids.tolist(), other.get_labels(ids).tolist()))
        labels = {item: label for item, label in labels.items() if label is not None}
        self.set_labels(list(labels.values()), np.array(list(labels), np.int64))
        self.metadata = other.metadata

    @classmethod
    def from_low_level(cls, index: Any, *, prefault: Optional[bool] = None) -> Any:
        """A copy of an `AnnoyIndex` as an `Index`. (`index.index` is the same index without a
        copy.)"""
        from ..annoy_index import AnnoyIndex

        if not isinstance(index, AnnoyIndex):
            raise TypeError(f"the index is a {type(index).__name__}, expected an AnnoyIndex")
        make, (_, *given), kept = index.index.__reduce__()
        self = make(cls, *given)
        self.__dict__.update(kept)
        return self


# What is made anew.
_NOT_KEPT = {
    *("_params", "_f", "_metric", "_scalar", "_id_bits", "_handle", "_first", "_everyday", "_closed", "_file", "_on_disk"),
}


def _reopened(cls: type[Index], params: dict[str, Any], types: dict[str, Any], path: str) -> Index:
    index = cls.__new__(cls)
    index._made({**params, **types})
    index.load(path)
    index._params.update(params)
    return index


def _unpickled(
    cls: type[Index],
    params: dict[str, Any],
    types: dict[str, Any],
    data: Optional[bytes],
    compress_mode: CompressMode,
    items: Optional[tuple[Any, ...]],
) -> Index:
    index = cls.__new__(cls)
    if data is not None and compress_mode is not None:
        data = _PACKERS[compress_mode][1](data)
    index._made({**params, **types, **({} if data is None else {"f": None})}, data)
    if items is not None:
        index._fill(items)
    index._params.update({**params, "on_disk_path": None})
    return index
