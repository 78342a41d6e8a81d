"""What a search found, as a table."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

from .search import Distances, Ids


class Results(NamedTuple):
    """Neighbours, one after the other: `Index.results` makes it of what a search returns."""

    queries: Optional[NDArray[np.int64]]
    """Number of the query, for each neighbour; None when there was one query, of shape (f,)."""
    ids: Ids
    distances: Distances
    labels: Optional[NDArray[Any]]
    """Their labels, None where an item has none; None when the index has no labels."""

    def columns(self) -> dict[str, NDArray[Any]]:
        """What there is, by name: query, id, distance, label."""
        named = {"query": self.queries, "id": self.ids, "distance": self.distances, "label": self.labels}
        return {name: values for name, values in named.items() if values is not None}

    def to_pandas(self) -> Any:
        """A pandas DataFrame with a row for each neighbour."""
        import pandas

        return pandas.DataFrame(self.columns())

    def to_arrow(self) -> Any:
        """A pyarrow Table with a row for each neighbour."""
        import pyarrow

        return pyarrow.table({name: pyarrow.array(values) for name, values in self.columns().items()})


def results(index: Any, ids: Ids, distances: Distances) -> Results:
    """Neighbours as a table, without the places that were left over."""
    there = ids >= 0
    queries = None if ids.ndim == 1 else np.nonzero(there)[0]
    found = ids[there]
    labels = None if index.label_kind is None else index.get_labels(found)
    return Results(queries, found, distances[there], labels)
