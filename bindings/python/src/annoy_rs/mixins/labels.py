"""Labels, the numbers or strings by which callers know the items, saved with the
index. And removal."""

from __future__ import annotations

import operator
from typing import Any, Callable, Iterable, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._native import ffi, lib
from ..base import Base
from ..convert import as_array
from ..errors import ArgumentError, check
from ..vectors import as_ids, ids_pointer, pointer

Label = Union[int, str]

_KINDS = {lib.ANNOY_LABELS_NONE: None, lib.ANNOY_LABELS_U64: "int", lib.ANNOY_LABELS_UTF8: "str"}
_UINT64 = ffi.typeof("uint64_t[]")
_UINT8 = ffi.typeof("uint8_t[]")
_SIZE = ffi.typeof("size_t[]")


def _kind(index: Any) -> int:
    return int(lib.annoy_get_fact(index, lib.ANNOY_FACT_LABEL_KIND))


def _no_labels(n: int) -> Any:
    """An annoy_labels of no kind, which takes away those of `n` items."""
    none = ffi.new("annoy_labels *")
    none.struct_size, none.kind, none.n = ffi.sizeof("annoy_labels"), lib.ANNOY_LABELS_NONE, n
    return none


class LabelView:
    """An annoy_labels of what `listed` gave, and what it points to."""

    def __init__(self, given: Any) -> None:
        n = len(given)
        self.pointer = _no_labels(n)
        texts = [text for text in given if isinstance(text, str)]
        if n and len(texts) == n:
            encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
            self._offsets = np.zeros(n + 1, np.uintp)
            np.cumsum([len(text) for text in encoded], out=self._offsets[1:])
            self._joined = b"".join(encoded)
            self.pointer.kind = lib.ANNOY_LABELS_UTF8
            self.pointer.bytes, self.pointer.offsets = ffi.from_buffer(self._joined), pointer(self._offsets, _SIZE)
        else:
            self._numbers = _numbers(given)
            self.pointer.kind, self.pointer.numbers = lib.ANNOY_LABELS_U64, pointer(self._numbers, _UINT64)


class Labels(Base):
    """The part of `Index` that is about labels and removed items."""

    @property
    def label_kind(self) -> Optional[str]:
        """What the labels are, "int" or "str"; None when no item has one."""
        with self._owner.shared() as index:
            return _KINDS[_kind(index)]

    @property
    def n_labels(self) -> int:
        """How many items have labels."""
        with self._owner.shared() as index:
            return int(lib.annoy_get_fact(index, lib.ANNOY_FACT_N_LABELS))

    def set_label(self, item: int, label: Label) -> None:
        """Gives an item a label, in place of the one it had: a string, or a number from 0 to 2**64
        - 1. All labels of an index are of one kind, and no two items have the same."""
        where = ffi.new("int64_t *", operator.index(item))
        labelled = _no_labels(1)
        if isinstance(label, str):
            text = label.encode("utf-8", "surrogatepass")
            offsets = ffi.new("size_t[]", [0, len(text)])
            labelled.kind, labelled.bytes, labelled.offsets = lib.ANNOY_LABELS_UTF8, ffi.from_buffer(text), offsets
        else:
            number = ffi.new("uint64_t *", operator.index(label))
            labelled.kind, labelled.numbers = lib.ANNOY_LABELS_U64, number
        with self._owner.exclusive() as index:
            check(lib.annoy_set_labels(index, where, labelled, lib.guarded_error()))

    def set_labels(self, labels: Union[Iterable[str], ArrayLike], ids: Optional[ArrayLike] = None) -> None:
        """Gives labels to items, all or none: label `i` to item `ids[i]`, or to item `i`. Items
        may swap labels. Arrow's, polars' and pandas' columns are labels, too."""
        given = listed(labels)
        which = None if ids is None else as_ids(ids)
        if which is not None and len(which) != len(given):
            raise ArgumentError(f"the number of ids is {len(which)}, expected one for each of {len(given)} labels")
        where = ffi.NULL if which is None else ids_pointer(which)
        labelled = LabelView(given)
        with self._owner.exclusive() as index:
            check(lib.annoy_set_labels(index, where, labelled.pointer, lib.guarded_error()))

    def clear_label(self, item: int) -> None:
        """Takes an item's label away, if it has one."""
        which = ffi.new("int64_t *", operator.index(item))
        with self._owner.exclusive() as index:
            check(lib.annoy_set_labels(index, which, _no_labels(1), lib.guarded_error()))

    def clear_labels(self) -> None:
        """Takes all labels away; those to come may be of the other kind."""
        with self._owner.exclusive() as index:
            check(lib.annoy_set_labels(index, ffi.NULL, _no_labels(0), lib.guarded_error()))

    def get_label(self, item: int) -> Label:
        """An item's label; `LabelError`, a KeyError, when it has none."""
        which = ffi.new("int64_t *", operator.index(item))
        with self._owner.shared() as index:
            error = lib.guarded_error()
            if _kind(index) == lib.ANNOY_LABELS_U64:
                number = ffi.new("uint64_t *")
                check(lib.annoy_get_labels_u64(index, which, 1, number, ffi.NULL, error))
                return int(number[0])
            return _in_room(
                64,
                lambda text, room, size: lib.annoy_get_labels(index, which, 1, text, room, ffi.NULL, size, error),
            ).decode()

    def get_labels(self, ids: ArrayLike, otherwise: Any = None) -> NDArray[Any]:
        """The labels of items, such as a search found, as an array of objects of the same shape;
        `otherwise` for an item without one, and for the id -1."""
        array = as_array(ids)
        which = as_ids(array.ravel())
        n = len(which)
        found = np.full(n, otherwise, object)
        with self._owner.shared() as index:
            error = lib.guarded_error()
            kind = _kind(index)
            if kind == lib.ANNOY_LABELS_U64:
                numbers, there = np.empty(n, np.uint64), np.empty(n, np.uint8)
                check(
                    lib.annoy_get_labels_u64(
                        index, ids_pointer(which), n, pointer(numbers, _UINT64), pointer(there, _UINT8), error
                    )
                )
                there = there.view(np.bool_)
                found[there] = numbers[there].tolist()
            else:
                sizes = np.empty(n, np.int64)
                texts = _in_room(
                    32 * n,
                    lambda text, room, size: lib.annoy_get_labels(
                        index, ids_pointer(which), n, text, room, ids_pointer(sizes), size, error
                    ),
                )
                ends = np.cumsum(np.maximum(sizes, 0))
                for at in np.flatnonzero(sizes >= 0):
                    found[at] = texts[ends[at] - sizes[at] : ends[at]].decode()
        return found.reshape(array.shape)

    def find_label(self, label: Label) -> int:
        """The item with a label; `LabelError`, a KeyError, when there is none."""
        item = ffi.new("int64_t *")
        with self._owner.shared() as index:
            error = lib.guarded_error()
            if isinstance(label, str):
                text = label.encode("utf-8", "surrogatepass")
                check(lib.annoy_find_label(index, text, len(text), item, error))
            else:
                check(lib.annoy_find_label_u64(index, operator.index(label), item, error))
        return int(item[0])

    def remove_items(self, items: Union[int, Sequence[int], NDArray[Any]]) -> None:
        """Marks items as removed: no search finds them any more, and the next build leaves them
        out. Legal in every state."""
        self._mark(lib.annoy_remove_item, items)

    def restore_items(self, items: Union[int, Sequence[int], NDArray[Any]]) -> None:
        """Takes the marks of removed items away."""
        self._mark(lib.annoy_restore_item, items)

    def _mark(self, mark: Any, items: Any) -> None:
        with self._owner.exclusive() as index:
            which = as_ids(np.atleast_1d(as_array(items))).tolist()
            known = lambda item: lib.annoy_has_item(index, item) or lib.annoy_is_removed(index, item)  # noqa: E731
            # First one that is refused, if there is one, so that no other is marked.
            for item in sorted(which, key=known):
                check(mark(index, item, lib.guarded_error()))

    def is_removed(self, item: int) -> bool:
        """Whether an item is marked as removed."""
        with self._owner.shared() as index:
            return bool(lib.annoy_is_removed(index, operator.index(item)))

    @property
    def n_removed(self) -> int:
        """How many items are marked as removed."""
        with self._owner.shared() as index:
            return int(lib.annoy_get_fact(index, lib.ANNOY_FACT_N_REMOVED))


def listed(labels: Any) -> Any:
    """Labels as an array, or as a list of Python's strings or numbers."""
    if isinstance(labels, np.ndarray):
        return labels.tolist() if labels.dtype.kind in "OUT" else labels
    for name in ("to_pylist", "to_list"):
        if hasattr(labels, name):
            labels = getattr(labels, name)()
            break
    given = list(labels)
    missing = next((i for i, label in enumerate(given) if label is None), None)
    if missing is not None:
        raise ArgumentError(f"label {missing} is null, expected a string or a number")
    return given


def _in_room(room: int, call: Callable[[Any, int, Any], int]) -> bytes:
    """What a call writes to room for so many bytes, or for as many as it says it takes."""
    size = ffi.new("size_t *")
    while True:
        text = ffi.new("char[]", max(room, 1))
        status = call(text, room, size)
        if status != lib.ANNOY_ERR_TOO_SMALL:
            check(status)
            return bytes(ffi.buffer(text, size[0]))
        room = size[0]


def _numbers(labels: Any) -> NDArray[np.uint64]:
    """Numbers as 64 bits hold them, none of them rounded."""
    if isinstance(labels, np.ndarray) and labels.dtype != object:
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            found = f"of {labels.dtype} in the shape {labels.shape}"
            raise ArgumentError(f"labels are {found}, expected strings, or integers in one dimension")
        if labels.size and int(labels.min()) < 0:
            raise ArgumentError(f"a label is {labels.min()}, expected a number from 0 to 2**64 - 1")
        return np.ascontiguousarray(labels, dtype=np.uint64)
    try:
        return np.array([operator.index(label) for label in labels], np.uint64)
    except TypeError as error:
        raise ArgumentError(f"labels are of several kinds, expected strings or integers: {error}") from None
