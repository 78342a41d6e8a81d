"""Pickles and copies of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from .errors import StateError

if TYPE_CHECKING:
    from .index import Index


def reduced(index: Index) -> tuple[Any, ...]:
    """What `__reduce__` gives: the bytes of the index, or its items when it is not built; with
    `pickle_by_path` the path of the file that is loaded."""
    if index.pickle_by_path:
        if index.path is None:
            raise StateError("cannot pickle by path: the index is not loaded from a file")
        return reopened, (type(index), index.path)
    made_with = {"f": index.f, "metric": index.metric, "dtype": index.dtype, "id_bits": index.id_bits, "seed": index._seed}
    kept = {key: value for key, value in index.__dict__.items() if not key.startswith("_")}
    data, items = None, None
    if index.f is not None:
        with index._owner.shared():
            if index.n_trees:
                data = index.to_bytes()
            elif index.n_items or index.metadata:
                items = contents(index)
    return unpickled, (type(index), made_with, data, items), kept


def contents(index: Index) -> tuple[Any, ...]:
    """What an index that is not built holds. Missing ids behind the last item are not kept."""
    removed = [item for item in range(index.n_items) if index.is_removed(item)] if index.n_removed else []
    ids = np.union1d(index.ids, np.array(removed, np.int64))
    if index.metric == "hamming":
        vectors = np.array([index.get_words(item) for item in ids.tolist()], np.uint64).reshape(len(ids), -1)
    else:
        vectors = index.get_items(ids)
    named = np.arange(ids[-1] + 1 if len(ids) else 0)
    labels = {item: label for item, label in enumerate(index.get_labels(named).tolist()) if label is not None}
    return ids, vectors, removed, labels, index.metadata


def reopened(cls: type[Index], path: str) -> Index:
    index = cls.open(path)
    index.pickle_by_path = True
    return index


def unpickled(
    cls: type[Index], made_with: dict[str, Any], data: Optional[bytes], items: Optional[tuple[Any, ...]] = None
) -> Index:
    index = cls.__new__(cls)
    index._made(made_with, data)
    if items is not None:
        ids, vectors, removed, labels, metadata = items
        index.add_items(vectors, ids)
        index.remove_items(removed)
        index.set_labels(list(labels.values()), np.array(list(labels), np.int64))
        index.metadata = metadata
    return index
