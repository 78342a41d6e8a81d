"""Changing what a built index holds."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from annoy_rs import ArgumentError, CallbackError, ClosedError, Index, ItemError, LabelError, StateError, UnsupportedError

N, F = 1000, 12
ROWS = np.random.default_rng(1).normal(size=(N, F)).astype(np.float32)
MORE = np.random.default_rng(2).normal(size=(100, F)).astype(np.float32)


def built(rows: Any = ROWS) -> Index:
    index = Index(F, "euclidean")
    index.add_items(rows)
    return index.build(4).build_graph(12)


def test_insertion(tmp_path: Path) -> None:
    index = built()
    ids = index.insert_items(MORE[:40], n_threads=2)
    assert ids.tolist() == list(range(N, N + 40)) and index.n_items == N + 40
    assert index.search(MORE[:40], 1)[0][:, 0].tolist() == ids.tolist()
    assert index.insert_items(MORE[40:42], [N + 50, N + 49]).tolist() == [N + 50, N + 49]
    assert index.verify() == []
    with pytest.raises(ItemError, match="3"):
        index.insert_items(MORE[:1], [3])
    with pytest.raises(ArgumentError, match="ids"):
        index.insert_items(MORE[:2], [N + 60])
    index.save(tmp_path / "x")
    with Index.open(tmp_path / "x") as loaded:
        with pytest.raises(StateError, match="thaw"):
            loaded.insert_items(MORE[:1])
        assert loaded.thaw_built() is loaded
        loaded.insert_items(MORE[50:])
        index.insert_items(MORE[50:])
        assert loaded.to_bytes() == index.to_bytes()
    with pytest.raises(StateError):
        Index(F, "euclidean").insert_items(MORE)


def test_replacing_with_labels_along() -> None:
    index = built()
    index.set_labels(["three", "five"], [3, 5])
    index.remove_items([4])
    before = index.to_bytes()
    ids = [3, 4, N]
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ItemError, "not to be replaced", {}),
        (LabelError, "five", {"labels": ["3", "4", "five"], "replace": True}),
        (UnsupportedError, "strings", {"labels": [1, 2, 3], "replace": True}),
        (ArgumentError, "labels is 1", {"labels": ["3"], "replace": True}),
        (ArgumentError, "several kinds", {"labels": ["3", 4, "5"], "replace": True}),
        (ArgumentError, "label 0 is null", {"labels": [None] * 3, "replace": True}),
    ]
    for error, text, options in wrong:
        with pytest.raises(error, match=text):
            index.insert_items(MORE[:3], ids, **options)
    with pytest.raises(ItemError, match="once"):
        index.insert_items(MORE[:3], [3, 4, 3], replace=True)
    assert index.to_bytes() == before

    given = index.insert_items(MORE[:3], ids, labels=["3", "4", "new"], replace=True, n_threads=2)
    assert given.tolist() == ids and index.search(MORE[:3], 1)[0][:, 0].tolist() == ids
    assert index.get_labels([*ids, 5]).tolist() == ["3", "4", "new", "five"]
    assert 4 in index
    # Labels stay where none are given.
    index.insert_items(MORE[3:4], [5], replace=True)
    assert index.get_label(5) == "five"

    numbered = built()
    numbered.insert_items(MORE[:3], labels=np.array([7, 8, 2**63], np.uint64))
    assert numbered.find_label(2**63) == N + 2
    doubles = Index(F, "dot", dtype="float64")
    doubles.add_items(ROWS)
    doubles.build(2).insert_items(MORE.astype(np.float64), range(100), replace=True)
    np.testing.assert_array_equal(doubles.get_items(range(100)), MORE)


def test_space_is_given_back(tmp_path: Path) -> None:
    index = built()
    index.set_label(N - 1, 7)
    whole = index.to_bytes()
    assert index.consolidate() is index and index.to_bytes() == whole  # nothing to do
    index.remove_items(range(N - 10, N))
    index.save(tmp_path / "x")
    assert index.consolidate(n_threads=2) is index
    assert (index.n_removed, index.n_labels, index.n_items, N - 1 in index) == (0, 0, N, False)
    assert index.search(ROWS[-1], N)[0].size == N - 10
    index.insert_items(MORE[:1], [N - 5])
    index.remove_items(N - 5)
    assert index.compact(n_threads=2) is index
    assert (index.n_removed, index.n_items) == (0, N - 10)
    assert index.to_bytes() == built(ROWS[:-10]).to_bytes()
    with Index.open(tmp_path / "x") as loaded:
        for call in (loaded.consolidate, loaded.compact):
            with pytest.raises(StateError, match="thaw"):
                call()
        assert loaded.thaw_built().compact().to_bytes() == index.to_bytes()
    for other in (loaded.consolidate, loaded.compact):
        with pytest.raises(ClosedError):
            other()


def test_long_calls() -> None:
    calls: dict[str, Callable[[Index, Any], object]] = {
        "insert": lambda index, progress: index.insert_items(MORE, progress=progress),
        "consolidate": lambda index, progress: index.consolidate(progress=progress),
        "compact": lambda index, progress: index.compact(progress=progress),
    }
    for name, call in calls.items():
        index = built()
        index.remove_items(range(0, N, 9))
        before = index.to_bytes()
        failures: list[tuple[type[Exception], Callable[[int, int], object]]] = [
            (ValueError, lambda done, total: int("no number")),
            (CallbackError, lambda done, total: len(index)),
        ]
        for error, progress in failures:
            with pytest.raises(error):
                call(index, progress)
            assert index.to_bytes() == before, name
        heard: list[tuple[int, int, int]] = []
        call(index, lambda done, total: heard.append((done, total, threading.get_ident())))
        done, total, _ = heard[-1]
        assert done == total > 0 and all(done <= total for done, total, _ in heard), name
        assert {thread for _, _, thread in heard} == {threading.get_ident()}, name
        assert index.to_bytes() != before, name
