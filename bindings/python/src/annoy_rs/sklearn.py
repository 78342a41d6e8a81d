"""A transformer for scikit-learn, in place of its KNeighborsTransformer. Needs scikit-learn."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .errors import ArgumentError
from .index import Index


class AnnoyTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Finds nearest neighbours with annoy_rs, and gives them as a sparse graph.

    As scikit-learn's KNeighborsTransformer: of the items that it was fitted with, `transform` has
    each item among its own neighbours, and `n_neighbors` more with mode "distance". Metrics are
    those of annoy_rs ("dot" is no distance).
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        mode: str = "distance",
        metric: str = "euclidean",
        n_trees: int = 10,
        search_k: int = -1,
        n_jobs: Optional[int] = None,
        random_state: Optional[int] = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.metric = metric
        self.n_trees = n_trees
        self.search_k = search_k
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> AnnoyTransformer:
        """Builds an index of the rows."""
        X = validate_data(self, X, dtype=np.float32)
        if self.mode not in ("distance", "connectivity"):
            raise ArgumentError(f"mode is {self.mode!r}, expected 'distance' or 'connectivity'")
        self.index_ = Index(
            X.shape[1], self.metric, n_trees=self.n_trees, n_jobs=self.n_jobs, random_state=self.random_state
        ).fit(X)
        return self

    def kneighbors(self, X: Any = None, n_neighbors: Optional[int] = None, return_distance: bool = True) -> Any:
        """Distances and ids of the nearest items to each row, of shape (n_queries, n_neighbors).
        Without X the queries are the fitted items, and no item is its own neighbour. Raises if
        it finds fewer than asked for."""
        check_is_fitted(self)
        n = self.n_neighbors if n_neighbors is None else n_neighbors
        X = None if X is None else validate_data(self, X, dtype=np.float32, reset=False)
        return self.index_.kneighbors(X, n, return_distance, search_k=self.search_k)

    def kneighbors_graph(self, X: Any = None, n_neighbors: Optional[int] = None, mode: str = "connectivity") -> Any:
        """The nearest of each row as a matrix of shape (n_queries, n_items): 1, or with mode
        "distance" the distance."""
        check_is_fitted(self)
        n = self.n_neighbors if n_neighbors is None else n_neighbors
        X = None if X is None else validate_data(self, X, dtype=np.float32, reset=False)
        return self.index_.kneighbors_graph(X, n, mode, search_k=self.search_k)

    def transform(self, X: Any) -> Any:
        """The graph of the nearest of each row."""
        # One more, as the first neighbour of an item is itself.
        return self.kneighbors_graph(X, self.n_neighbors + (self.mode == "distance"), self.mode)
