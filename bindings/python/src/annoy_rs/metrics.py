"""Names of metrics."""

from __future__ import annotations

from ._native import ffi, lib
from .errors import ArgumentError

# The name of a metric; see `ALIASES` for others that are taken.
Metric = str

ALIASES = {
    "cosine": "angular",
    "l2": "euclidean",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "taxicab": "manhattan",
    "dotproduct": "dot",
    "inner": "dot",
    "innerproduct": "dot",
}


def metric_number(name: Metric) -> int:
    """The number of a metric in annoy.h."""
    if not isinstance(name, str):
        raise TypeError(f"metric is of {type(name).__name__}, expected str")
    plain = name.strip().lower()
    plain = ALIASES.get(plain, plain)
    metric = ffi.new("annoy_metric *")
    if lib.annoy_metric_from_name(plain.encode(), metric, ffi.NULL):
        known = "angular, euclidean, manhattan, dot, hamming"
        raise ArgumentError(f"metric is {name!r}, expected {known}, or {', '.join(ALIASES)}")
    return int(metric[0])


def metric_name(number: int) -> str:
    name: str = ffi.string(lib.annoy_metric_name(number)).decode()
    return name
