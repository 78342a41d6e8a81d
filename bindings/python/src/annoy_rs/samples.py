"""Samples as scikit-learn's estimators take and check them, without scikit-learn."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Mapping, Optional

import numpy as np
from numpy.typing import NDArray

from . import convert
from .errors import AnnoyError, ArgumentError, StateError
from .search import Distances, Ids


def samples(X: Any, estimator: str, f: Optional[int]) -> Any:
    """X as an array of shape (n, f), or as the sparse matrix that it is; n and f are at least 1."""
    array = X if convert.is_sparse(X) else convert.as_array(X)
    if np.issubdtype(array.dtype, np.complexfloating):
        raise ArgumentError("Complex data not supported: X has complex numbers, expected real ones")
    if array.ndim != 2:
        raise ArgumentError(
            f"Expected 2D array, got {array.ndim}D array instead: X has the shape {array.shape}. Reshape your data"
        )
    for axis, what in enumerate(("sample", "feature")):
        if array.shape[axis] == 0:
            raise ArgumentError(f"Found array with 0 {what}(s) (shape={array.shape}) while a minimum of 1 is required.")
    if f and array.shape[1] != f:
        raise ArgumentError(f"X has {array.shape[1]} features, but {estimator} is expecting {f} features as input")
    return array


def imputed(X: Any, missing_value: Optional[float], f: int) -> Any:
    """X; rows that are mappings, or have None in them, as rows of numbers."""
    if not isinstance(X, (list, tuple)) or not any(
        isinstance(row, Mapping) or isinstance(row, (list, tuple)) and None in row for row in X
    ):
        return X
    for i, row in enumerate(X):
        for key in row if isinstance(row, Mapping) else ():
            if key < 0 or (f and key >= f):
                raise ArgumentError(f"row {i} has a value {key}, expected values from 0 to {f - 1 if f else 'f - 1'}")
    keys = max((max(row, default=-1) for row in X if isinstance(row, Mapping)), default=-1)
    length = f or max(keys + 1, max(len(row) for row in X if not isinstance(row, Mapping)) if keys < 0 else keys + 1)
    array = np.empty((len(X), length), np.float64)
    for i, row in enumerate(X):
        values = [row.get(j) for j in range(length)] if isinstance(row, Mapping) else list(row)
        if len(values) != length:
            raise ArgumentError(f"row {i} has {len(values)} elements, expected {length}")
        if missing_value is None and None in values:
            raise ArgumentError(f"row {i} has no value {values.index(None)}, expected one (or a missing_value)")
        array[i] = [missing_value if value is None else value for value in values]
    return array


def feature_names_of(X: Any) -> Optional[NDArray[Any]]:
    """The names of X's columns, if it has columns and all names are strings."""
    columns = getattr(X, "columns", None)
    if columns is None or callable(columns):
        return None
    names = np.asarray(list(columns), object)
    return names if len(names) and all(isinstance(name, str) for name in names) else None


def check_names(fitted: Optional[NDArray[Any]], given: Optional[NDArray[Any]], estimator: str) -> None:
    """Says that names of columns are not those of the X that was fitted, as scikit-learn does."""
    if fitted is None and given is not None:
        warnings.warn(f"X has feature names, but {estimator} was fitted without feature names", UserWarning, stacklevel=4)
    elif given is None and fitted is not None:
        text = f"X does not have valid feature names, but {estimator} was fitted with feature names"
        warnings.warn(text, UserWarning, stacklevel=4)
    elif fitted is not None and given is not None and not np.array_equal(fitted, given):
        lines = ["The feature names should match those that were passed during fit."]
        if new := sorted(set(given) - set(fitted)):
            lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in new)]
        if missing := sorted(set(fitted) - set(given)):
            lines += ["Feature names seen at fit time, yet now missing:", *(f"- {name}" for name in missing)]
        if not new and not missing:
            lines.append("Feature names must be in the same order as they were in fit.")
        raise ArgumentError("\n".join(lines) + "\n")


def full(found: tuple[Ids, Distances], n: int) -> tuple[Ids, Distances]:
    """What a search found, if that are `n` neighbours for every row."""
    ids = found[0]
    if ids.ndim == 1:
        there, row = len(ids), "the query"
    else:
        short = np.flatnonzero((ids < 0).any(axis=1))
        there, row = (int((ids[short[0]] >= 0).sum()), f"row {short[0]}") if short.size else (n, "")
    if there < n:
        raise ArgumentError(f"{row} has {there} neighbours, expected {n}: a larger search_k finds more")
    return found


def not_fitted(estimator: str) -> AnnoyError:
    """The error for an estimator that is not fitted: also scikit-learn's, if that is there to be
    caught."""
    text = f"this {estimator} is not fitted: expected a call of fit, or of build, before"
    if "sklearn" not in sys.modules:
        return StateError(text)
    from sklearn.exceptions import NotFittedError

    made: AnnoyError = type("NotFittedError", (StateError, NotFittedError), {})(text)
    return made
