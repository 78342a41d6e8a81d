"""A recall in place of `search_k`; building what is fastest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import ArgumentError, Index, StateError
from annoy_rs.metrics import Metric

N, F = 4000, 12
ROWS = np.random.default_rng(1).normal(size=(N, F))
QUERIES = np.random.default_rng(2).normal(size=(100, F))


def built(metric: Metric = "angular") -> Index:
    index = Index(F, metric)
    index.add_items(ROWS)
    index.build(4)
    return index


def hits(index: Index, **options: Any) -> float:
    found, truth = index.search(QUERIES, **options)[0], index.search(QUERIES, exact=True)[0]
    return sum(len({*ids} & {*true}) for ids, true in zip(found.tolist(), truth.tolist())) / truth.size


def test_a_recall(tmp_path: Path) -> None:
    index = built()
    assert index.info()["n_tuned"] == 0
    with pytest.raises(StateError, match="tuned"):
        index.search(QUERIES, recall=0.9)
    assert index.tune(n_threads=2) is index
    assert index.info()["n_tuned"] == 512
    assert hits(index, recall=0.8) > 0.75 and hits(index, recall=0.95) > 0.92 and hits(index, recall=1) == 1
    index.tune(QUERIES)
    assert index.info()["n_tuned"] == 100
    assert hits(index, recall=0.9) > 0.88
    index.save(tmp_path / "x")
    with Index.open(tmp_path / "x") as loaded:
        assert loaded.info()["n_tuned"] == 100
        one = loaded.search(QUERIES[0], recall=0.95)[0]
        assert one.tolist() == index.search(QUERIES, recall=0.95)[0][0].tolist()
        assert loaded.search_items([3], recall=0.95)[0].tolist() == index.search_items([3], recall=0.95)[0].tolist()


def test_what_cannot_be() -> None:
    index = built("euclidean")
    with pytest.raises(ArgumentError, match="12"):
        index.tune(QUERIES[:, :5])
    with pytest.raises(ArgumentError, match="queries"):
        index.tune(QUERIES[:0])
    with pytest.raises(ArgumentError, match="recall"):
        index.build_auto(1.5)
    index.tune()
    for wrong in (-1, 1.01, float("nan")):
        with pytest.raises(ArgumentError, match="recall"):
            index.search(QUERIES, recall=wrong)
    with pytest.raises(ArgumentError, match="search_k"):
        index.search(QUERIES, 10, 50, recall=0.9)
    with pytest.raises(StateError):
        Index(F).tune()
    with pytest.raises(StateError):
        Index(F).build_auto()


@pytest.mark.parametrize("metric", ["angular", "dot", "manhattan"])
def test_what_is_fastest(metric: Metric) -> None:
    index = built(metric)
    assert index.build_auto(n_threads=1) is index
    info = index.info()
    assert (info["graph_degree"] > 0) != (info["scan_lists"] > 0)
    assert hits(index) > 0.9 and hits(index, recall=0.95) > 0.9
    bytes_ = index.to_bytes()
    assert index.build_auto(0.95, n_threads=2).to_bytes() == bytes_
