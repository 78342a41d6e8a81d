"""Labels, removed items, recall."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import ArgumentError, Index, ItemError, LabelError, UnsupportedError
from numpy.typing import NDArray

Array = NDArray[Any]


def test_strings(built: Index, tmp_path: Path) -> None:
    assert built.label_kind is None and built.n_labels == 0
    words = [f"wört {i}" for i in range(500)]
    built.set_labels(words)
    built.set_label(3, "nul\0inside")
    built.set_label(4, "")
    built.clear_label(5)
    built.save(tmp_path / "x")
    for index in (built, Index.open(tmp_path / "x"), pickle.loads(pickle.dumps(built))):
        assert index.label_kind == "str" and index.n_labels == 499
        assert index.get_label(0) == "wört 0" and index.get_label(3) == "nul\0inside" and index.get_label(4) == ""
        assert index.find_label("wört 77") == 77 and index.find_label("nul\0inside") == 3
        assert index.get_labels([1, 5, -1, 4]).tolist() == ["wört 1", None, None, ""]
        ids, _ = index.search_items([7, 8], 2)
        assert index.get_labels(ids)[:, 0].tolist() == ["wört 7", "wört 8"]
        with pytest.raises(LabelError) as caught:
            index.find_label("none")
        assert isinstance(caught.value, KeyError) and "none" in str(caught.value) and '"' != str(caught.value)[0]
        with pytest.raises(KeyError):
            index.get_label(5)
    with pytest.raises(LabelError):
        built.set_label(9, "wört 10")
    with pytest.raises(UnsupportedError):
        built.set_label(9, 10)
    with pytest.raises(ArgumentError, match="UTF-8"):
        built.set_label(9, "\ud800")
    with pytest.raises(ItemError):
        built.set_labels(["a"], [500])
    built.clear_labels()
    assert built.n_labels == 0


def test_numbers(built: Index) -> None:
    built.set_labels(np.arange(500, dtype=np.int32) + 1000)
    built.set_labels([2**64 - 1, 0, 1], ids=[0, 1, 2])
    assert built.label_kind == "int"
    assert built.get_label(0) == 2**64 - 1 and built.find_label(2**64 - 1) == 0 and built.find_label(1003) == 3
    built.clear_label(4)
    assert built.get_labels([[0, 1], [4, 2]], otherwise="-").tolist() == [[2**64 - 1, 0], ["-", 1]]
    built.set_labels([0, 1], [2, 1])
    assert built.get_labels([1, 2]).tolist() == [1, 0]
    wrongs: list[Any] = [[-1], [1.5], ["a", 1], [[1]], [None]]
    for wrong in wrongs:
        with pytest.raises((ArgumentError, OverflowError)):
            built.set_labels(wrong)
    with pytest.raises(ArgumentError, match="number of ids"):
        built.set_labels([1], [1, 2])
    built.set_labels([])


def test_removal(built: Index, vectors: Array, tmp_path: Path) -> None:
    built.remove_items(7)
    built.remove_items([8, 9])
    assert built.n_removed == 3 and built.is_removed(8) and not built.is_removed(6)
    built.restore_items(9)
    built.save(tmp_path / "x")
    for index in (built, Index.open(tmp_path / "x")):
        found = index.search(vectors[7], 500, 100_000)[0]
        assert len(found) == 498 and 7 not in found and 9 in found
    with pytest.raises(ItemError):
        built.remove_items(500)
    built.unbuild()
    built.build(2)
    assert built.info()["n_present"] == 498 and built.n_removed == 0


def test_recall(built: Index) -> None:
    low, high = built.estimate_recall(10, 10), built.estimate_recall(10, 100_000, n_threads=1)
    assert 0 < low < high == 1.0
    assert built.estimate_recall(10, 10, seed=0) == low
    with pytest.raises(ArgumentError):
        built.estimate_recall(0)
