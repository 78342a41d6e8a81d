"""How a graph is built, as annoy.h takes it."""

from __future__ import annotations

from typing import Any, Optional

from ._native import ffi


def options(**given: Optional[float]) -> Any:
    """An `annoy_graph_options *`; None and 0 stand for the default."""
    raw = ffi.new("annoy_graph_options *")
    raw.struct_size = ffi.sizeof("annoy_graph_options")
    for name, value in given.items():
        if value is not None:
            setattr(raw, name, value)
    return raw
