"""Pictures of an index, and what they are made with. They need matplotlib."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .index import Index


def axes(ax: Any) -> Any:
    """The axes given, or matplotlib's current ones."""
    import matplotlib.pyplot as plt

    return plt.gca() if ax is None else ax


def pca_project_2d(x: ArrayLike, *, center: bool = True) -> NDArray[np.float64]:
    """Rows on the two axes along which they differ most, of shape (n, 2)."""
    rows = np.asarray(x, np.float64)
    if center and len(rows):
        rows = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(rows, full_matrices=False)
    flat: NDArray[np.float64] = rows @ directions[:2].T
    missing = 2 - flat.shape[1]
    return np.column_stack([flat, np.zeros((len(rows), missing))]) if missing > 0 else flat


def evaluate_embedding(x: ArrayLike, y2: ArrayLike, *, k: int = 10) -> float:
    """How well a picture keeps neighbours: the mean share, 0 to 1, of the `k` nearest of a row of
    `x` that are among the `k` nearest of its point in `y2`, by euclidean distance."""
    from .index import Index

    found = []
    for rows in (np.asarray(x, np.float32), np.asarray(y2, np.float32)):
        with Index(metric="euclidean") as index:
            index.add_items(rows)
            index.build(1)
            found.append(index.search_items(np.arange(len(rows), dtype=np.int64), k, exclude_self=True, exact=True)[0])
    return float(np.mean([len(np.intersect1d(a[a >= 0], b[b >= 0])) / max(1, (a >= 0).sum()) for a, b in zip(*found)]))


def plot_recall(
    index: Index, queries: ArrayLike, *, n: int = 10, search_ks: Sequence[int] = (100, 300, 1000, 3000, 10000), ax: Any = None
) -> Any:
    """Draws the recall of searches against their speed, for several `search_k`: the share of the
    `n` nearest, by an exact search, that is found, and queries per second of one thread.
    Returns the axes."""
    x = np.asarray(queries)
    exact = index.search(x, n, exact=True)[0]
    recalls, speeds = [], []
    for search_k in search_ks:
        start = time.perf_counter()
        found = index.search(x, n, search_k, n_threads=1)[0]
        speeds.append(len(x) / (time.perf_counter() - start))
        recalls.append(np.mean([len(np.intersect1d(a, b[b >= 0])) / n for a, b in zip(found, exact)]))
    ax = axes(ax)
    ax.plot(recalls, speeds, marker="o")
    for search_k, recall, speed in zip(search_ks, recalls, speeds):
        ax.annotate(f"{search_k:,}", (recall, speed), xytext=(4, 4), textcoords="offset points")
    ax.set_yscale("log")
    ax.set_xlabel(f"recall@{n}")
    ax.set_ylabel("queries per second")
    return ax
