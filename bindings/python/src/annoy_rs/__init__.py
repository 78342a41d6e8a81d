"""Approximate nearest neighbours in memory-mapped files.

`AnnoyIndex` is PyPI annoy's class, method for method. `Index` is one, too; it is for NumPy arrays,
and all else.
"""

from __future__ import annotations

from ._native import ffi as _ffi
from ._native import lib as _lib
from .annoy_index import Annoy, AnnoyIndex
from .errors import (
    AnnoyError,
    ArgumentError,
    CallbackError,
    CancelledError,
    ClosedError,
    FileError,
    ItemError,
    LabelError,
    OutOfMemoryError,
    StateError,
    UnsupportedError,
)
from .files import Fault, Kind, probe, verify_file
from .index import Index
from .mixins.io import IndexIOMixin
from .mixins.meta import MetaMixin
from .mixins.ndarray import NDArrayMixin
from .mixins.pickle import CompressMode, PickleMixin, PickleMode
from .mixins.plotting import PlottingMixin
from .mixins.vector_ops import VectorOpsMixin
from .results import Results
from .shards import Shard, Shards

__version__: str = _ffi.string(_lib.annoy_version()).decode()

if _lib.annoy_abi_version() != _lib.ANNOY_ABI_VERSION:
    raise ImportError(f"the library has ABI {_lib.annoy_abi_version()}, expected {_lib.ANNOY_ABI_VERSION}")


def kernel_name() -> str:
    """The distance kernels in use: "avx512", "avx2" or "sse2" on x86-64, "dotprod" or
    "neon" on aarch64, "portable" elsewhere; raises `UnsupportedError` when the environment
    variable ANNOY_RS_KERNEL names none that this machine has."""
    name = _lib.annoy_kernel_name()
    if name == _ffi.NULL:
        raise UnsupportedError("ANNOY_RS_KERNEL names no kernel of this machine")
    text: str = _ffi.string(name).decode()
    return text


__all__ = [
    "Annoy",
    "AnnoyError",
    "AnnoyIndex",
    "ArgumentError",
    "CallbackError",
    "CancelledError",
    "ClosedError",
    "CompressMode",
    "Fault",
    "FileError",
    "Index",
    "IndexIOMixin",
    "ItemError",
    "Kind",
    "LabelError",
    "MetaMixin",
    "NDArrayMixin",
    "OutOfMemoryError",
    "PickleMixin",
    "PickleMode",
    "PlottingMixin",
    "Results",
    "Shard",
    "Shards",
    "StateError",
    "UnsupportedError",
    "VectorOpsMixin",
    "kernel_name",
    "probe",
    "verify_file",
]
