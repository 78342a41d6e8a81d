"""The pictures can be drawn, and show what they say."""

from __future__ import annotations

from typing import Any, Iterator

import matplotlib
import numpy as np
import pytest
from annoy_rs import ArgumentError, Index
from annoy_rs.plots import evaluate_embedding, pca_project_2d, plot_recall
from numpy.typing import NDArray

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_plot_index(built: Index, vectors: NDArray[Any]) -> None:
    y2, ids, ax = built.plot_index(["red"] * 500, title="all")
    assert len(ax.collections[0].get_offsets()) == len(y2) == 500 and ids.tolist() == list(range(500))
    np.testing.assert_allclose(y2, pca_project_2d(vectors), atol=1e-5)
    # No plane keeps more of the differences.
    assert y2.var(axis=0).sum() > vectors[:, :2].var(axis=0).sum()
    some, ids, ax = built.plot_index(list("ab"), ids=[3, 7], projection="dims", dims=(2, 5), ax=ax, plot_kwargs={"s": 9})
    np.testing.assert_array_equal(some, vectors[[3, 7]][:, [2, 5]])
    assert len(ax.collections) == 2 and ax.collections[1].get_sizes().tolist() == [9]
    scaled = built.plot_index(projection="dims", maxabs=True, l2_normalize=True)[0]
    assert np.abs(scaled).max() <= 1
    line = Index(1)
    line.add_items([[1.0], [2.0]])
    assert line.plot_index(ax=ax)[0].shape == (2, 2)
    for wrong in ({"projection": "tsne"}, {"labels": [1]}, {"projection": "dims", "dims": (1,)}):
        with pytest.raises(ArgumentError):
            built.plot_index(**wrong)


def test_plot_knn_edges(built: Index) -> None:
    y2, ids, ax = built.plot_index(ids=np.arange(0, 500, 5))
    built.plot_knn_edges(y2, ids=ids, k=30, search_k=100_000, ax=ax)
    drawn = ax.collections[-1].get_segments()
    found = built.search_items(ids, 30, 100_000, exclude_self=True)[0]
    pairs = {(min(a, b), max(a, b)) for a, row in zip(ids.tolist(), found.tolist()) for b in row if b % 5 == 0}
    assert len(drawn) == len(pairs) > 100
    both = built.plot_knn_edges(y2, ids=ids, k=30, search_k=100_000, ax=ax, undirected=False).collections[-1].get_segments()
    assert len(both) == sum(b % 5 == 0 for row in found.tolist() for b in row) > len(drawn)
    with pytest.raises(ArgumentError, match="y2"):
        built.plot_knn_edges(y2[:, :1])


def test_evaluate_embedding(vectors: NDArray[Any]) -> None:
    plane = vectors[:, :2]
    assert evaluate_embedding(plane, plane, k=5) == 1.0
    assert evaluate_embedding(plane, np.random.default_rng(0).normal(size=plane.shape), k=5) < 0.02
    assert 0.02 < evaluate_embedding(vectors, pca_project_2d(vectors), k=5) < 0.9


def test_plot_recall(built: Index, vectors: NDArray[Any]) -> None:
    ax = plot_recall(built, vectors[:50], n=5, search_ks=[10, 100_000])
    recalls = [float(x) for x in ax.lines[0].get_xdata()]
    assert recalls[0] < recalls[1] == 1.0
