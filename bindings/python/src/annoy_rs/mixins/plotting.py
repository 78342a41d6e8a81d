"""Pictures of an index. They need matplotlib."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import Base
from ..errors import ArgumentError
from ..plots import axes, pca_project_2d

# So many items are drawn where it is not said which.
MOST = 5000


class PlottingMixin(Base):
    """The part of `Index` that draws."""

    def plot_index(
        self,
        labels: Optional[Sequence[Any]] = None,
        *,
        ids: Optional[ArrayLike] = None,
        projection: str = "pca",
        dims: tuple[int, int] = (0, 1),
        center: bool = True,
        maxabs: bool = False,
        l2_normalize: bool = False,
        ax: Any = None,
        title: Optional[str] = None,
        plot_kwargs: Optional[Mapping[str, Any]] = None,
    ) -> tuple[NDArray[Any], NDArray[np.int64], Any]:
        """Draws items as points: `ids`, or up to 5,000 of all, evenly chosen.

        `projection` is "pca", the two axes along which they differ most (without `center`: from the
        origin), or "dims", two dimensions as they are. `maxabs` divides dimensions by their largest
        magnitude before, and `l2_normalize` vectors by their length. `labels`, one for each point
        or one for each item of the index, give the colours. `plot_kwargs` go to matplotlib's
        `scatter`.

        Returns the points, of shape (n, 2), their ids, and the axes.
        """
        if ids is None:
            present = self.ids
            which = present[np.unique(np.linspace(0, len(present) - 1, min(MOST, len(present))).astype(np.int64))]
        else:
            which = np.asarray(ids, np.int64)
        x = self.get_items(which).astype(np.float64)
        if maxabs:
            x = x / np.maximum(np.abs(x).max(axis=0, initial=0), 1e-12)
        if l2_normalize:
            x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        if projection == "pca":
            flat = pca_project_2d(x, center=center)
        elif projection == "dims":
            if len(dims) < 2:
                raise ArgumentError(f"dims are {dims!r}, expected two")
            flat = x[:, list(dims)[:2]]
        else:
            raise ArgumentError(f"projection is {projection!r}, expected 'pca' or 'dims'")
        options = {"s": 4, **(plot_kwargs or {})}
        if labels is not None:
            options["c"] = _colours(labels, which, self.n_items)
        ax = axes(ax)
        ax.scatter(flat[:, 0], flat[:, 1], **options)
        if title is not None:
            ax.set_title(title)
        return flat, which, ax

    def plot_knn_edges(
        self,
        y2: ArrayLike,
        *,
        ids: Optional[ArrayLike] = None,
        k: int = 10,
        search_k: int = -1,
        ax: Any = None,
        line_kwargs: Optional[Mapping[str, Any]] = None,
        undirected: bool = True,
    ) -> Any:
        """Draws a line from each item to each of its `k` nearest, where `plot_index` drew both:
        `y2` and `ids` are what it returned (without ids: all items). Lines that would be drawn
        twice, from either end, are drawn once if `undirected`. `line_kwargs` go to matplotlib's
        `LineCollection`. Returns the axes."""
        from matplotlib.collections import LineCollection

        points = np.asarray(y2, np.float64)
        which = np.arange(len(points), dtype=np.int64) if ids is None else np.asarray(ids, np.int64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(which):
            raise ArgumentError(f"y2 has the shape {points.shape}, expected ({len(which)}, 2)")
        places = {item: place for place, item in enumerate(which.tolist())}
        found = self.search_items(which, k, search_k, exclude_self=True)[0]
        edges: dict[tuple[int, ...], None] = {}
        for place, row in enumerate(found.tolist()):
            for other in (places[item] for item in row if item in places):
                edges[tuple(sorted((place, other))) if undirected else (place, other)] = None
        ax = axes(ax)
        pairs = np.array(list(edges), np.int64).reshape(-1, 2)
        ax.add_collection(LineCollection(list(points[pairs]), **{"linewidths": 0.5, "alpha": 0.5, **(line_kwargs or {})}))
        ax.autoscale_view()
        return ax


def _colours(labels: Sequence[Any], ids: NDArray[np.int64], n_items: int) -> Any:
    """A colour for each point: of labels that are no colours, a number for each kind."""
    from matplotlib.colors import is_color_like

    if len(labels) not in (len(ids), n_items):
        raise ArgumentError(f"the number of labels is {len(labels)}, expected one for each of {len(ids)} points")
    chosen = list(labels) if len(labels) == len(ids) else [labels[item] for item in ids.tolist()]
    if all(isinstance(label, str) and is_color_like(label) for label in chosen):
        return chosen
    return np.unique(np.array([str(label) for label in chosen]), return_inverse=True)[1].tolist()
