"""A transformer for scikit-learn, in place of its KNeighborsTransformer. Needs scikit-learn."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
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

    @property
    def _n_threads(self) -> int:
        return -1 if self.n_jobs is None else self.n_jobs

    def fit(self, X: Any, y: Any = None) -> AnnoyTransformer:
        """Builds an index of the rows."""
        X = validate_data(self, X, dtype=np.float32)
        if self.mode not in ("distance", "connectivity"):
            raise ArgumentError(f"mode is {self.mode!r}, expected 'distance' or 'connectivity'")
        self.index_ = Index(X.shape[1], self.metric, seed=self.random_state)
        self.index_.add_items(X)
        self.index_.build(self.n_trees, n_threads=self._n_threads)
        self.n_samples_fit_ = X.shape[0]
        return self

    def kneighbors(self, X: Any = None, n_neighbors: Optional[int] = None, return_distance: bool = True) -> Any:
        """Distances and ids of the nearest items to each row, of shape (n_queries, n_neighbors).
        Without X the queries are the fitted items, and no item is its own neighbour. Raises if
        it finds fewer than asked for."""
        n = self.n_neighbors if n_neighbors is None else n_neighbors
        check_is_fitted(self)
        if X is None:
            items = np.arange(self.n_samples_fit_)
            found = self.index_.search_items(items, n, self.search_k, exclude_self=True, n_threads=self._n_threads)
        else:
            X = validate_data(self, X, dtype=np.float32, reset=False)
            found = self.index_.search(X, n, self.search_k, n_threads=self._n_threads)
        ids, distances = found
        short = np.flatnonzero((ids < 0).any(axis=1))
        if short.size:
            there = int((ids[short[0]] >= 0).sum())
            raise ArgumentError(f"row {short[0]} has {there} neighbours, expected {n}: a larger search_k finds more")
        return (distances, ids) if return_distance else ids

    def kneighbors_graph(self, X: Any = None, n_neighbors: Optional[int] = None, mode: str = "connectivity") -> csr_matrix:
        """The nearest of each row as a matrix of shape (n_queries, n_items): 1, or with mode
        "distance" the distance."""
        distances, ids = self.kneighbors(X, n_neighbors)
        data: NDArray[Any] = np.ones(ids.size) if mode == "connectivity" else distances.ravel().astype(np.float64)
        starts = np.arange(0, ids.size + 1, ids.shape[1]) if ids.shape[1] else np.zeros(len(ids) + 1, int)
        return csr_matrix((data, ids.ravel(), starts), shape=(len(ids), self.n_samples_fit_))

    def transform(self, X: Any) -> csr_matrix:
        """The graph of the nearest of each row."""
        # One more, as the first neighbour of an item is itself.
        return self.kneighbors_graph(X, self.n_neighbors + (self.mode == "distance"), self.mode)
