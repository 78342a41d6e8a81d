"""Names of metrics."""

from __future__ import annotations

from ._native import ffi, lib
from .errors import ArgumentError, check

# The name of a metric, or one of its aliases, which annoy.h has.
Metric = str


def metric_number(name: Metric) -> int:
    """The number of a metric in annoy.h."""
    if not isinstance(name, str):
        raise TypeError(f"metric is of {type(name).__name__}, expected str")
    plain = name.strip().lower()
    if not plain.isascii() or "\0" in plain:
        raise ArgumentError(f"metric is {name!r}, expected a name in ASCII")
    metric = ffi.new("annoy_metric *")
    check(lib.annoy_metric_from_name(plain.encode(), metric, lib.guarded_error()))
    return int(metric[0])


def metric_name(number: int) -> str:
    name: str = ffi.string(lib.annoy_metric_name(number)).decode()
    return name
