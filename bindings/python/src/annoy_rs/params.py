"""What the parameters of an index say."""

from __future__ import annotations

import operator
from typing import Any, Optional

from . import files
from ._native import lib
from .errors import ArgumentError
from .metrics import metric_number

# What an index has that is told no seed.
ANNOYS_SEED = 1234567890987654321
SCALARS = {name: number for number, name in files.SCALAR_NAMES.items()}


def checked_types(params: dict[str, Any]) -> tuple[int, str, int]:
    """Number of the metric, name of the scalar type and width of ids that parameters ask for."""
    name = params["metric"]
    metric = metric_number("angular" if name is None else name)
    dtype = params["dtype"]
    if dtype is None:
        scalar = "uint64" if metric == lib.ANNOY_HAMMING else "float32"
    else:
        scalar = files.dtype_name(dtype)
    if scalar not in SCALARS:
        raise ArgumentError(f"dtype is {scalar!r}, expected one of {', '.join(SCALARS)}")
    for only in ("schema_version", "l1_ratio"):
        # They do nothing; scikit-plots' parameters can be passed on.
        if params[only] not in (None, 0):
            raise ArgumentError(f"{only} is {params[only]!r}, expected 0: there is one form of files")
    id_bits = params["id_bits"]
    return metric, scalar, 32 if id_bits is None else operator.index(id_bits)


def seed_of(params: dict[str, Any]) -> Optional[int]:
    """The seed that parameters ask for, in 64 bits. None: the library's own."""
    seed, state = params["seed"], params["random_state"]
    if seed is not None and state is not None:
        raise TypeError("seed and random_state are both given, expected one of them")
    if hasattr(state, "randint"):  # a RandomState, as scikit-learn has them
        state = state.randint(2**31 - 1)
    chosen = state if seed is None else seed
    return None if chosen is None else operator.index(chosen) & (2**64 - 1)
