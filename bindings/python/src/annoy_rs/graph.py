"""How a graph is built, as annoy.h takes it."""

from __future__ import annotations

from typing import Any, Optional

from ._native import ffi
from .errors import ArgumentError


def options(**given: Optional[float]) -> Any:
    """An `annoy_graph_options *`; None stands for the usual."""
    raw = ffi.new("annoy_graph_options *")
    raw.struct_size = ffi.sizeof("annoy_graph_options")
    for name, value in given.items():
        if value is None:
            continue
        if value == 0:
            # To annoy.h that is the default.
            raise ArgumentError(f"{name} is 0, expected at least 1, or None for the usual")
        setattr(raw, name, value)
    return raw
