"""Pictures of an index. Needs matplotlib."""

from __future__ import annotations

import time
from typing import Any, Optional, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from .index import Index


def plot_index(index: Index, *, colors: Optional[Sequence[Any]] = None, n: int = 5000, ax: Any = None) -> Any:
    """Draws up to `n` items, evenly chosen, on the two axes along which they differ most. `colors`
    has one for each item of the index. Returns the axes."""
    ids = np.unique(np.linspace(0, len(index) - 1, min(n, len(index))).astype(np.int64))
    vectors = index.get_items(ids).astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ directions[:2].T
    if flat.shape[1] == 1:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    ax = plt.gca() if ax is None else ax
    ax.scatter(flat[:, 0], flat[:, 1], s=4, c=None if colors is None else [colors[i] for i in ids])
    ax.set_xlabel("first principal axis")
    ax.set_ylabel("second principal axis")
    return ax


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
    ax = plt.gca() if ax is None else ax
    ax.plot(recalls, speeds, marker="o")
    for search_k, recall, speed in zip(search_ks, recalls, speeds):
        ax.annotate(f"{search_k:,}", (recall, speed), xytext=(4, 4), textcoords="offset points")
    ax.set_yscale("log")
    ax.set_xlabel(f"recall@{n}")
    ax.set_ylabel("queries per second")
    return ax
