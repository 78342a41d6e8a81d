"""The neighbour graph: built, searched, saved, dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import ArgumentError, Index, StateError
from numpy.typing import NDArray

Array = NDArray[Any]


def found(index: Index, vectors: Array, **options: Any) -> list[list[int]]:
    """Looking at so few items that forest and graph find others."""
    ids: list[list[int]] = index.search(vectors[:50], 10, 20, **options)[0].tolist()
    assert index.search(vectors[3], 10, 20, **options)[0].tolist() == [item for item in ids[3] if item >= 0]
    return ids


def test_searched_saved_and_dropped(built: Index, vectors: Array, tmp_path: Path) -> None:
    of_forest = found(built, vectors)
    assert built.info()["graph_degree"] == 0
    built.build_graph(7, candidates=12, alpha=1.5, rounds=2, sample=5, n_trees=3, n_threads=1)
    assert built.info()["graph_degree"] == 7
    of_graph = found(built, vectors, way="graph")
    assert found(built, vectors) == of_graph != of_forest
    assert found(built, vectors, way="forest") == found(built, vectors, way="forest", exclude=[]) == of_forest
    assert found(built, vectors, way=None, exclude=[]) == of_graph
    saved = built.to_bytes()
    built.save(tmp_path / "x")
    with Index.open(tmp_path / "x") as loaded:
        assert loaded.info()["graph_degree"] == 7 and loaded.verify() == []
        assert found(loaded, vectors, way="graph") == of_graph
        assert loaded.to_bytes() == saved
        loaded.build_graph()
        assert loaded.info()["graph_degree"] > 0
    built.build_graph(7, candidates=12, alpha=1.5, rounds=2, sample=5, n_trees=3, n_threads=2)
    assert built.to_bytes() == saved
    built.unbuild()
    built.build(5)
    assert built.info()["graph_degree"] == 0 and found(built, vectors) == of_forest


@pytest.mark.parametrize("apart", [0, 1e7])
def test_what_info_says(apart: float, tmp_path: Path) -> None:
    rows = np.array([[i, apart * (i % 2)] for i in range(100)], np.float32)
    index = Index(2, "euclidean")
    index.add_items(rows)
    index.build(2)

    def told(index: Index) -> tuple[Any, Any]:
        info = index.info()
        return info["graph_code_bytes"], info["graph_recall"]

    assert told(index) == (0, None)
    index.build_graph()
    assert told(index) == (0 if apart else 16, 1.0)
    index.save(tmp_path / "x")
    with Index.open(tmp_path / "x") as loaded:
        assert told(loaded) == told(index)
    index.unbuild()
    assert told(index) == (0, None)


def test_options_that_cannot_be(built: Index, vectors: Array) -> None:
    for name, wrong in (("degree", 256), ("candidates", 1025), ("alpha", 0.5), ("rounds", 1001), ("sample", 256), ("trees", -1)):
        for value in (wrong, -2):
            options: dict[str, Any] = {"n_trees" if name == "trees" else name: value}
            with pytest.raises(ArgumentError, match=rf"{name}\b.*{value}"):
                built.build_graph(**options)
    with pytest.raises(TypeError):
        built.build_graph(2.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="n_threads"):
        built.build_graph(n_threads=-2)
    assert built.info()["graph_degree"] == 0
    with pytest.raises(ArgumentError, match="way is 'exact', expected one of forest, graph, scan"):
        built.search(vectors[0], way="exact")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="both"):
        built.search(vectors[0], way="forest", exact=True)


def test_none_and_zero_are_the_defaults(built: Index) -> None:
    built.build_graph()
    usual = built.to_bytes()
    built.build_graph(0, candidates=0, alpha=0, rounds=0, sample=0, n_trees=0, n_threads=0)
    assert built.to_bytes() == usual
    built.build_graph(rounds=-1)
    assert built.to_bytes() != usual


def test_where_there_is_none(built: Index, vectors: Array) -> None:
    for query in (vectors[0], vectors[:2]):
        with pytest.raises(StateError, match="graph"):
            built.search(query, way="graph")
    built.unbuild()
    with pytest.raises(StateError, match="not built"):
        built.build_graph()
    with pytest.raises(StateError):
        Index().build_graph()
