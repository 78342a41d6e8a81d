"""Pickles and copies of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from .errors import StateError

if TYPE_CHECKING:
    from .index import Index


def reduced(index: Index) -> tuple[Any, ...]:
    """What `__reduce__` gives: the bytes of the index; with `pickle_by_path` the path of the file that is loaded."""
    if index.pickle_by_path:
        if index.path is None:
            raise StateError("cannot pickle by path: the index is not loaded from a file")
        return reopened, (type(index), index.path)
    made_with = {"f": index.f, "metric": index.metric, "dtype": index.dtype, "id_bits": index.id_bits, "seed": index._seed}
    data = index.to_bytes() if index.n_items or index.n_trees else None
    kept = {key: value for key, value in index.__dict__.items() if not key.startswith("_")}
    return unpickled, (type(index), made_with, data), kept


def reopened(cls: type[Index], path: str) -> Index:
    index = cls.open(path)
    index.pickle_by_path = True
    return index


def unpickled(cls: type[Index], made_with: dict[str, Any], data: Optional[bytes]) -> Index:
    index = cls.__new__(cls)
    index._made(made_with, data)
    return index
