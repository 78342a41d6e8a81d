"""The pictures can be drawn, and show what they say."""

from __future__ import annotations

from typing import Any, Iterator

import matplotlib
import pytest
from annoy_rs import Index
from numpy.typing import NDArray

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")
from annoy_rs.plots import plot_index, plot_recall  # noqa: E402  (after the choice of a backend)


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_plot_index(built: Index) -> None:
    ax = plot_index(built, n=100, colors=["red"] * 500)
    assert len(ax.collections[0].get_offsets()) == 100
    line = Index(1)
    line.add_items([[1.0], [2.0]])
    assert len(plot_index(line, ax=ax).collections) == 2


def test_plot_recall(built: Index, vectors: NDArray[Any]) -> None:
    ax = plot_recall(built, vectors[:50], n=5, search_ks=[10, 100_000])
    recalls = [float(x) for x in ax.lines[0].get_xdata()]
    assert recalls[0] < recalls[1] == 1.0
