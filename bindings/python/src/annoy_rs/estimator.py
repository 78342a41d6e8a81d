"""Parameters, and scikit-learn's methods: what `AnnoyIndex` has in common with estimators, as
scikit-plots' classes have."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import AnnoyError, ArgumentError, ItemError
from .params import checked_types, seed_of
from .samples import check_names, feature_names_of, full, imputed, not_fitted, samples

if TYPE_CHECKING:
    from typing_extensions import Self

    from .index import Index


class Estimator:
    """The part of `AnnoyIndex` that is an estimator.

    The parameters are those of the constructor. `fit` makes the index of the rows of X, and gives
    them the ids 0, 1, ...; `transform` finds the neighbours of rows. Labels `y` are kept beside the
    index: they go into pickles, not into files.
    """

    _index: Index
    # Parameters of the `Index` that are not of this class.
    _OTHER_PARAMS: tuple[str, ...] = ("dtype", "id_bits")

    # Parameters.

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What the index was made with. `deep` changes nothing."""
        return {name: value for name, value in self._index._params.items() if name not in self._OTHER_PARAMS}

    def set_params(self, **params: Any) -> Self:
        """Changes parameters. Metric, f and types of an index that has items stay what they are
        until the next `fit`."""
        index = self._index
        known = self.get_params()
        unknown = sorted(params.keys() - known.keys())
        if unknown:
            raise ArgumentError(f"parameters are {', '.join(unknown)}, expected {', '.join(known)}")
        wanted = {**index._params, **params}
        if isinstance(wanted["f"], (int, np.integer)) and wanted["f"] > 0 and index._f:
            # Told at once, as by a constructor with an f.
            checked_types(wanted)
            seed_of(wanted)
        changed = {name for name, value in params.items() if value is not index._params[name]}
        index._params.update(params)
        if changed & {"f", "metric", "dtype", "id_bits", "on_disk_path"} and index._is_blank:
            index._start(index._params)
        elif changed & {"seed", "random_state"}:
            index._seed_again()
        if "verbose" in changed:
            index._say()
        return self

    def _param(name: str, doc: str) -> Any:  # type: ignore[misc]  # noqa: N805
        def get(self: Estimator) -> Any:
            return self._index._params[name]

        def put(self: Estimator, value: Any) -> None:
            self.set_params(**{name: value})

        return property(get, put, doc=doc)

    n_neighbors: Any = _param("n_neighbors", "How many neighbours searches give that are not told.")
    prefault: Any = _param("prefault", "Whether `load` reads the whole file at once, where it is not told.")
    schema_version: Any = _param("schema_version", "0: there is one form of files.")
    del _param

    @property
    def seed(self) -> Any:
        """The seed of the next build; None for the library's own."""
        params = self._index._params
        return params["random_state"] if params["seed"] is None else params["seed"]

    @seed.setter
    def seed(self, seed: Any) -> None:
        self.set_params(seed=seed, random_state=None)

    random_state = seed

    @property
    def n_features(self) -> int:
        """Length of the vectors: `f`."""
        return self._index.f

    @n_features.setter
    def n_features(self, f: int) -> None:
        self._index.f = f

    @property
    def on_disk_path(self) -> Optional[str]:
        """The file that is loaded; without one, the parameter."""
        path: Optional[str] = self._index.path
        return self._index._params["on_disk_path"] if path is None else path

    # Labels.

    @property
    def y_map(self) -> Optional[dict[int, Any]]:
        """The labels that `fit` was given, by item; otherwise those in the file. None when there
        are none."""
        index = self._index
        if index._y_map is not None:
            return dict(index._y_map)
        if index._handle is None or index.label_kind is None:
            return None
        ids = np.arange(index.n_items, dtype=np.int64)
        return {i: label for i, label in enumerate(index.get_labels(ids).tolist()) if label is not None}

    @y_map.setter
    def y_map(self, labels: Optional[Mapping[int, Any]]) -> None:
        index = self._index
        _check_labels(labels, index.n_items)
        index._y_map = None if labels is None else dict(labels)

    @property
    def y(self) -> Optional[list[Any]]:
        """The labels of all items in their order, None for items that have none; None when there
        are no labels."""
        labels = self.y_map
        return None if labels is None else [labels.get(item) for item in range(self._index.n_items)]

    @y.setter
    def y(self, labels: Optional[Sequence[Any]]) -> None:
        if isinstance(labels, Mapping):
            raise TypeError("y is a mapping, expected a sequence (y_map takes mappings)")
        if labels is not None and len(labels) != self._index.n_items:
            raise ArgumentError(f"y has {len(labels)} labels, expected one for each of {self._index.n_items} items")
        self._index._y_map = None if labels is None else dict(enumerate(labels))

    # Fitting.

    def fit(
        self,
        X: Any = None,
        y: Optional[Sequence[Any]] = None,
        *,
        y_map: Optional[Mapping[int, Any]] = None,
        n_trees: Optional[int] = None,
        n_jobs: Optional[int] = None,
        reset: bool = True,
        start_index: Optional[int] = None,
        missing_value: Optional[float] = None,
        feature_names: Optional[Iterable[str]] = None,
    ) -> Self:
        """Makes the index of the rows of X, and builds it; on an error it is as before.

        Without X it builds what was added. Ids begin at `start_index`, which is 0, or without
        `reset` the number of items: the rows are then added to the items there are (trees are built
        anew). Rows may be sequences or `{column: value}`; `missing_value` stands for None and for
        columns that are missing, which otherwise are an error. `y` has a label for each row.
        """
        from .index import Index

        index = self._index
        if y is not None and y_map is not None:
            raise ArgumentError("y and y_map are both given, expected one of them")
        if X is None:
            if y is not None:
                raise ArgumentError("y is given without X, expected both")
            _check_labels(y_map, index.n_items)
            index.build(n_trees, n_jobs)
            if y_map is not None:
                index._y_map = dict(y_map)
            return self
        names = feature_names_of(X) if feature_names is None else np.asarray(list(feature_names), object)
        f = index._params["f"] if reset else index.f
        given = imputed(X, missing_value, f or 0)
        # Words of hamming are fewer than f.
        rows = samples(given, type(self).__name__, None if index.metric == "hamming" else f)
        n = rows.shape[0]
        y = y if y is None or hasattr(y, "__len__") else list(y if hasattr(y, "__next__") else np.asarray(y))
        if y is not None and len(y) != n:
            raise ArgumentError(f"y has {len(y)} labels, expected one for each of {n} rows")

        def fill(new: Index, n_items: int) -> None:
            """Puts the rows behind or among the `n_items` that are kept, and builds."""
            start = n_items if start_index is None else start_index
            _check_labels(y_map, max(start + n, n_items))
            labels = None if reset or index._y_map is None else dict(index._y_map)
            if labels is not None:
                labels = {item: label for item, label in labels.items() if not start <= item < start + n}
            if y is not None:
                labels = {**(labels or {}), **{start + i: label for i, label in enumerate(y)}}
            if y_map is not None:
                labels = {**(labels or {}), **y_map}
            new.add_items(rows, np.arange(start, start + n, dtype=np.int64))
            new.build(n_trees, n_jobs)
            new._y_map, new._feature_names = labels, names

        if index._is_blank and index._params["on_disk_path"] is not None:
            # It builds in the file itself: another could not have that.
            try:
                fill(index, 0)
            except BaseException:
                index._start(index._params)
                raise
            return self
        if reset:
            fill(new := Index(**index._params), 0)
            index._take(new)
            return self
        while True:
            # What others do meanwhile waits, and is then done to what comes of this.
            with index._unchanged() as kept:
                new = Index(**{**index._params, "f": index.f or None})
                try:
                    if kept is not None:
                        new._fill(index._contents())
                    fill(new, 0 if kept is None else index.n_items)
                except AnnoyError:
                    if index._handle is kept:  # and not what another fit has made
                        raise
                if index._replace(new, kept):
                    return self

    def fit_transform(self, X: Any, y: Optional[Sequence[Any]] = None, **options: Any) -> Any:
        """`fit`, then `transform` of the same rows. Options of both are told apart by their
        names."""
        fitting = {name: options.pop(name) for name in _OF_FIT & options.keys()}
        return self.fit(X, y, **fitting).transform(X, **options)

    def transform(
        self,
        X: Any,
        n_neighbors: Optional[int] = None,
        search_k: int = -1,
        include_distances: bool = False,
        return_labels: bool = False,
        y_fill_value: Any = None,
        input_type: str = "vector",
        output_type: str = "vector",
        exclude_self: bool = False,
        exclude_items: Optional[Iterable[int]] = None,
        missing_value: Optional[float] = None,
    ) -> Any:
        """The neighbours of each row of X (with `input_type="item"`, of each item): their vectors,
        of shape (q, n_neighbors, f), or with `output_type="item"` their ids, of shape (q,
        n_neighbors).

        With `include_distances` and `return_labels` a tuple that has those too, in this order;
        items without a label have `y_fill_value`. Raises if a row has fewer neighbours than asked
        for.
        """
        index = self._index
        for name, value in (("input_type", input_type), ("output_type", output_type)):
            if value not in ("vector", "item"):
                raise ArgumentError(f"{name} is {value!r}, expected 'vector' or 'item'")
        self._check_fitted()
        n = index._params["n_neighbors"] if n_neighbors is None else n_neighbors
        options: dict[str, Any] = {} if exclude_items is None else {"exclude": list(exclude_items)}
        if input_type == "item":
            found = index.search_items(np.atleast_1d(np.asarray(X)), n, search_k, exclude_self=exclude_self, **options)
        else:
            if exclude_self:
                raise ArgumentError("exclude_self is given with vectors, expected input_type='item'")
            found = index.search(self._queries(X, missing_value), n, search_k, **options)
        ids, distances = full(found, n)
        given: list[Any] = [ids if output_type == "item" else index.get_items(ids.ravel()).reshape(*ids.shape, index.f)]
        if include_distances:
            given.append(distances)
        if return_labels:
            labels = self.y_map or {}
            named = np.empty(ids.shape, object)
            named.ravel()[:] = [labels.get(item, y_fill_value) for item in ids.ravel().tolist()]
            given.append(named)
        return given[0] if len(given) == 1 else tuple(given)

    def _queries(self, X: Any, missing_value: Optional[float] = None) -> Any:
        """Rows to search for, checked as scikit-learn's estimators check theirs."""
        index = self._index
        check_names(index._feature_names, feature_names_of(X), type(self).__name__)
        f = None if index.metric == "hamming" else index.f  # whose words are fewer
        return samples(imputed(X, missing_value, index.f), type(self).__name__, f)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise not_fitted(type(self).__name__)

    # What scikit-learn asks.

    @property
    def n_features_in_(self) -> int:
        """Number of columns of the X that was fitted."""
        if self._index.f == 0:
            raise AttributeError("n_features_in_ is not known before fit")
        return self._index.f

    n_features_ = n_features_in_

    @property
    def n_features_out_(self) -> int:
        """Number of neighbours that `transform` gives."""
        if self._index.n_trees == 0:
            raise AttributeError("n_features_out_ is not known before fit")
        return int(self._index._params["n_neighbors"])

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns of the X that was fitted, if it had any."""
        if self._index._feature_names is None:
            raise AttributeError("feature_names_in_ is there only when X had names, or feature_names was given")
        names: NDArray[Any] = self._index._feature_names
        return names

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """("neighbor_0", ...): one for each neighbour that `transform` gives."""
        self._check_fitted()
        names: NDArray[Any] = np.array([f"neighbor_{i}" for i in range(self.n_features_out_)], object)
        return names

    def __sklearn_is_fitted__(self) -> bool:
        return self._index.n_trees > 0

    def __sklearn_clone__(self) -> Self:
        params = copy.deepcopy(self.get_params())
        # Not on_disk_path: two indexes cannot build in one file.
        params.update({name: None for name in params if name == "on_disk_path"})
        try:
            inspect.signature(type(self)).bind(**params)
        except TypeError as error:
            expected = "expected a constructor that takes what get_params gives"
            raise TypeError(f"cannot clone a {type(self).__name__}: {error}, {expected}") from None
        return type(self)(**params)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float32"]),
            input_tags=InputTags(sparse=True),
        )


_OF_FIT = {"y_map", "n_trees", "n_jobs", "reset", "start_index", "missing_value", "feature_names"}


def _check_labels(labels: Optional[Mapping[int, Any]], n_items: int) -> None:
    for item in labels or {}:
        if not isinstance(item, (int, np.integer)) or not 0 <= item < n_items:
            raise ItemError(f"y_map has a label for item {item!r}, expected ids of the index's {n_items} items")
