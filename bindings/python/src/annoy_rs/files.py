"""Files: paths, what is loaded, bytes, looking into one."""

from __future__ import annotations

import io
import json
import os
import stat
import tempfile
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from ._native import ffi, lib
from .callbacks import Progress, run_long
from .errors import ArgumentError, check
from .metrics import metric_name

Bytes = Union[bytes, bytearray, memoryview]

# Bytes of a vector's element, by what is stored.
DTYPES = {name: np.dtype(name).newbyteorder("<") for name in ("float32", "float64", "uint64", "uint32", "uint8")}
SCALAR_NAMES = {
    lib.ANNOY_F32: "float32",
    lib.ANNOY_F64: "float64",
    lib.ANNOY_BITS64: "uint64",
    lib.ANNOY_BITS32: "uint32",
    lib.ANNOY_BITS8: "uint8",
}


def encoded(path: Any) -> bytes:
    """A path as annoy.h takes it; the caller's strings may hold what it cannot."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise ArgumentError(f"path is {path!r}, expected none with a NUL in it")
    return name


def flags(prefault: bool, copy: bool) -> int:
    return (lib.ANNOY_LOAD_PREFAULT if prefault else 0) | (lib.ANNOY_LOAD_COPY if copy else 0)


def _identity(path: Union[str, int]) -> Optional[tuple[int, ...]]:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


class Loaded:
    """The file that an index has loaded."""

    def __init__(self, name: bytes, before: Optional[tuple[int, ...]] = None) -> None:
        self.path = os.path.abspath(os.fsdecode(name))
        after = _identity(self.path)
        # The file that was loaded is known only if it was there all the time.
        self.identity = after if before in (None, after) else None

    def vectors(self, index: Any, scalar: str) -> Optional[NDArray[Any]]:
        """A view of the file's vectors; None if the file is no longer there, or another."""
        n_items = lib.annoy_get_n_items(index)
        if self.identity is None or n_items == 0:
            return None
        try:
            with open(self.path, "rb") as file:
                if _identity(file.fileno()) != self.identity:
                    return None
                bytes_ = np.memmap(file, np.uint8, mode="r")
        except OSError:
            return None
        node_size = info(index)["node_size"]
        dtype = DTYPES[scalar]
        f = lib.annoy_get_f(index)
        length = f if dtype.kind == "f" else -(-f // (8 * dtype.itemsize))
        # A node ends with its vector; nodes may be unaligned, which NumPy minds by itself.
        offset = node_size - length * dtype.itemsize
        view: NDArray[Any] = np.ndarray(
            (n_items, length), dtype, buffer=bytes_.data, offset=offset, strides=(node_size, dtype.itemsize)
        )
        return view


def load(index: Any, name: bytes, flags: int) -> Loaded:
    before = _identity(os.fsdecode(name))
    check(lib.annoy_load(index, name, flags, lib.guarded_error()), os.fsdecode(name))
    return Loaded(name, before)


def open_index(name: bytes, flags: int) -> tuple[Any, Loaded]:
    """A new `annoy_index *`, the caller's to free."""
    before = _identity(os.fsdecode(name))
    opened = ffi.new("annoy_index **")
    check(lib.annoy_open(name, flags | lib.ANNOY_UNLOCKED, opened, lib.guarded_error()), os.fsdecode(name))
    return opened[0], Loaded(name, before)


def to_bytes(index: Any) -> bytes:
    size = ffi.new("size_t *")
    status = lib.annoy_save_to_buffer(index, ffi.NULL, 0, size, ffi.NULL, lib.guarded_error())
    if status != lib.ANNOY_ERR_TOO_SMALL:
        check(status)
    # Written in place, as nobody else knows these bytes yet: a copy would double them.
    data = bytes(size[0])
    room = ffi.cast("void *", ffi.from_buffer(data))
    check(lib.annoy_save_to_buffer(index, room, len(data), size, ffi.NULL, lib.guarded_error()))
    return data


# Of an index as large as this, bytes on the way to a file object are on disk, not in memory.
_LARGE = 1 << 24
_PIECE = 1 << 20


def write_to(file: Any, size: int, to_bytes: Callable[[], bytes], save: Callable[[str], Any]) -> None:
    """Writes an index of about `size` bytes to a file object."""

    def write(data: memoryview) -> None:
        while len(data):
            # It may take a part of it; some say nothing, and took all.
            n = file.write(data[:_PIECE])
            data = data[_PIECE if n is None else n :]

    if size < _LARGE:
        write(memoryview(to_bytes()))
        return
    with tempfile.TemporaryDirectory(prefix="annoy_rs-") as directory:
        path = os.path.join(directory, "index")
        save(path)
        with open(path, "rb") as written:
            while piece := written.read(_PIECE):
                write(memoryview(piece))


def source(file: Any) -> tuple[Optional[Bytes], bytes]:
    """What is to be opened: bytes; or None, and a path."""
    # No path has a NUL in it, and every file.
    if isinstance(file, (bytearray, memoryview)) or (isinstance(file, bytes) and b"\0" in file):
        return file, b""
    if not hasattr(file, "read"):
        return None, encoded(file)
    path = _path_of(file)
    if path is not None:
        return None, path
    data = file.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ArgumentError(f"the file gives {type(data).__name__}, expected bytes (a file that is open in binary mode)")
    return data, b""


def _path_of(file: Any) -> Optional[bytes]:
    """The path of an open file, if it is one of the disk and at its beginning: it can be mapped."""
    # Others have a name and a descriptor too, but other bytes: gzip's.
    if not isinstance(file, (io.FileIO, io.BufferedReader, io.BufferedRandom)):
        return None
    try:
        path, there = os.fsencode(file.name), os.fstat(file.fileno())
        if stat.S_ISREG(there.st_mode) and file.tell() == 0 and os.path.samestat(there, os.stat(path)):
            return path
    except (AttributeError, TypeError, ValueError, OSError):
        pass
    return None


def write_text(path: Any, text: str) -> None:
    """Writes a file whole or not at all: with the rights that the old one has, and where a link
    leads."""
    name = os.path.realpath(os.fsdecode(path))
    try:
        mode = stat.S_IMODE(os.stat(name).st_mode)
    except OSError:
        os.umask(mask := os.umask(0o77))
        mode = 0o666 & ~mask
    handle, temporary = tempfile.mkstemp(prefix=".annoy_rs-", dir=os.path.dirname(name))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, name)
    except BaseException:
        os.unlink(temporary)
        raise


def json_of(content: Any, **options: Any) -> str:
    """JSON, also of NumPy's numbers."""

    def plain(value: Any) -> Any:
        if hasattr(value, "item"):
            return value.item()
        raise TypeError(f"a {type(value).__name__} cannot be written as JSON")

    return json.dumps(content, default=plain, **{"indent": 2, "sort_keys": True, "ensure_ascii": False, **options})


def check_format(format: Optional[str]) -> None:
    """Takes the names that scikit-plots has for forms of bytes: there is one, which has what all of
    them have."""
    names = (None, "native", "legacy", "raw", "portable", "portable-v1", "canonical", "canonical-v1")
    if format not in names:
        raise ArgumentError(f"format is {format!r}, expected one of {', '.join(map(str, names[1:]))}")


def dtype_name(dtype: Any) -> str:
    """The name of what NumPy takes for a type."""
    try:
        return str(np.dtype(dtype))
    except TypeError as error:
        raise ArgumentError(f"dtype is {dtype!r}, expected one of {', '.join(DTYPES)}: {error}") from None


def borrowed(data: Bytes) -> Optional[bytes]:
    """The object to keep alive while an index has these bytes loaded. The index uses `bytes` in
    place, because they cannot change. It copies anything else."""
    return data if isinstance(data, bytes) else None


def load_bytes(index: Any, data: Bytes) -> None:
    flags = lib.ANNOY_LOAD_COPY if borrowed(data) is None else 0
    buffer = ffi.from_buffer(data)
    check(lib.annoy_load_from_buffer(index, buffer, len(buffer), flags, lib.guarded_error()))


def open_bytes(data: Bytes) -> Any:
    """A new `annoy_index *`, the caller's to free."""
    flags = lib.ANNOY_LOAD_COPY if borrowed(data) is None else 0
    buffer, opened = ffi.from_buffer(data), ffi.new("annoy_index **")
    check(lib.annoy_open_buffer(buffer, len(buffer), flags | lib.ANNOY_UNLOCKED, opened, lib.guarded_error()))
    return opened[0]


def get_metadata(index: Any) -> bytes:
    size = ffi.new("size_t *")
    status = lib.annoy_get_metadata(index, ffi.NULL, 0, size, lib.guarded_error())
    if status != lib.ANNOY_ERR_TOO_SMALL:
        check(status)
    room = ffi.new("char[]", max(1, size[0]))
    check(lib.annoy_get_metadata(index, room, size[0], size, lib.guarded_error()))
    return bytes(ffi.buffer(room, size[0]))


class Fault(NamedTuple):
    """Something wrong in an index; node -1 is the file as a whole."""

    node: int
    text: str


def faults(
    verify: Callable[..., int],
    limit: int,
    path: Optional[str],
    progress: Optional[Progress] = None,
) -> list[Fault]:
    """What a call that verifies finds."""
    room, count = ffi.new("annoy_fault[]", max(1, limit)), ffi.new("size_t *")

    def raise_status(status: int) -> None:
        if status != lib.ANNOY_ERR_CORRUPT or count[0] == 0:
            check(status, path)

    run_long(-1, progress, lambda work: verify(room, limit, count, work, lib.guarded_error()), raise_status)
    found = (room[i] for i in range(min(limit, count[0])))
    return [Fault(fault.node, ffi.string(fault.text).decode("utf-8", "replace")) for fault in found]


def verify_file(path: Any, limit: int = 20, *, progress: Optional[Progress] = None) -> list[Fault]:
    """Verifies a file that says what it is: the first `limit` faults; none when all is well.
    `progress`: as `Index.build`, in nodes."""
    name = encoded(path)
    verify = lambda *where: lib.annoy_verify_file(name, *where)  # noqa: E731
    return faults(verify, limit, os.fsdecode(name), progress=progress)


def made_with(index: Any) -> Any:
    """The annoy_options that an index has."""
    options = ffi.new("annoy_options *")
    options.struct_size = ffi.sizeof("annoy_options")
    check(lib.annoy_get_options(index, options, lib.guarded_error()))
    return options


def info(index: Any) -> dict[str, Any]:
    facts = ffi.new("annoy_info *")
    facts.struct_size = ffi.sizeof("annoy_info")
    check(lib.annoy_get_info(index, facts, lib.guarded_error()))
    options = made_with(index)
    names = [name for name, _ in ffi.typeof("annoy_info").fields if name not in ("struct_size", "reserved", "has_seed")]
    found = {
        "f": lib.annoy_get_f(index),
        "metric": metric_name(lib.annoy_get_fact(index, lib.ANNOY_FACT_METRIC)),
        "dtype": SCALAR_NAMES[options.scalar],
        "id_bits": options.id_bits,
        **{name: getattr(facts, name) for name in names},
    }
    found["seed"] = found["seed"] if facts.has_seed else None
    for name in ("graph_recall", "scan_recall"):
        found[name] = found[name] if found[name] >= 0 else None
    for name in ("is_loaded", "is_described"):
        found[name] = bool(found[name])
    return found


class Kind(NamedTuple):
    """What a file may be."""

    metric: str
    dtype: str
    id_bits: int
    f: int
    n_items: int
    n_trees: int
    layout: str


def probe(path: Any) -> list[Kind]:
    """Finds out what a file may be: one kind if the file says so itself, otherwise every kind whose
    structure it has."""
    name = encoded(path)
    count, room, capacity = ffi.new("size_t *"), ffi.NULL, 0
    while True:
        check(lib.annoy_probe(name, room, capacity, count, lib.guarded_error()), os.fsdecode(name))
        if count[0] <= capacity:
            break
        capacity = count[0]
        room = ffi.new("annoy_kind[]", capacity)
    return [
        Kind(
            metric_name(kind.metric),
            SCALAR_NAMES[kind.scalar],
            kind.id_bits,
            kind.f,
            kind.n_items,
            kind.n_trees,
            ffi.string(kind.layout).decode(),
        )
        for kind in (room[i] for i in range(count[0]))
    ]
