"""The lists of a scan: built, searched, saved, dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import ArgumentError, Index, StateError, UnsupportedError
from annoy_rs.metrics import Metric


def clustered(metric: Metric) -> Index:
    """2,000 vectors around 40 centres."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(2000, 16)) * 0.3 + random.normal(size=(40, 16)).repeat(50, axis=0)
    index = Index(16, metric)
    index.add_items(rows)
    index.build(3)
    return index


def found(index: Index, search_k: int = -1, **options: Any) -> list[list[int]]:
    ids: list[list[int]] = index.search_items(np.arange(0, 2000, 40), 10, search_k, **options)[0].tolist()
    assert index.search(index[40], 10, search_k, **options)[0].tolist() == ids[1]
    return ids


def told(index: Index) -> list[Any]:
    info = index.info()
    return [info[name] for name in ("scan_lists", "scan_search_k", "scan_recall")]


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_searched_saved_and_dropped(metric: Metric, tmp_path: Path) -> None:
    index = clustered(metric)
    of_forest = found(index)
    assert told(index) == [0, 0, None]
    assert index.build_scan(n_threads=1) is index
    lists, search_k, recall = told(index)
    assert lists > 1 and search_k > 0 and 0.9 < recall <= 1
    of_scan, of_few = found(index, way="scan"), found(index, 30, way="scan")
    hits = sum(len({*ids} & {*truth}) for ids, truth in zip(of_scan, found(index, exact=True)))
    assert hits >= 450
    assert found(index) == of_scan and found(index, 30) == of_few != of_forest == found(index, way="forest")
    index.save(tmp_path / "x")
    with Index.open(tmp_path / "x") as loaded:
        assert told(loaded) == told(index) and loaded.verify() == []
        assert found(loaded, way="scan") == of_scan and found(loaded, 30) == of_few
        loaded.build_scan(n_threads=2)
        assert loaded.to_bytes() == index.to_bytes()
    # Where there is a graph, it goes first.
    index.build_graph()
    assert found(index, 30) == found(index, 30, way="graph") and found(index, 30, way="scan") == of_few
    index.unbuild()
    assert told(index) == [0, 0, None]


def test_where_there_is_none(built: Index) -> None:
    for query in (0, [0, 1]):
        with pytest.raises(StateError, match="scan"):
            built.search_items(query, way="scan")
    with pytest.raises(ArgumentError, match="n_threads"):
        built.build_scan(n_threads=-2)
    built.unbuild()
    with pytest.raises(StateError, match="not built"):
        built.build_scan()
    with pytest.raises(StateError):
        Index().build_scan()
    with pytest.raises(UnsupportedError, match="manhattan"):
        clustered("manhattan").build_scan()
