"""Files and bytes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, cast

from .. import files
from .. import handle as handles
from .._native import ffi, lib
from ..base import Base
from ..callbacks import Progress, run_long
from ..errors import AnnoyError, ArgumentError, FileError, check
from ..metrics import metric_name, metric_number
from ..params import seed_of

if TYPE_CHECKING:
    from typing_extensions import Self

# A path; an open file, or what has `read` or `write` as one has; or the bytes of a file.
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Source = Union[Path, bytearray, memoryview, Any]


class IndexIOMixin(Base):
    """The part of `Index` that is about files."""

    # To files.

    def on_disk_build(self, path: Path) -> Self:  # type: ignore[override]
        """Makes the index build in a file; to be called before items are added. `build` completes
        it: no save is needed."""
        with self._owner.exclusive() as index:
            name = files.encoded(path)
            check(lib.annoy_on_disk_build(index, name, lib.guarded_error()), os.fsdecode(name))
            self._on_disk = True
        return self

    def save(self, file: Any, prefault: Optional[bool] = None, *, progress: Optional[Progress] = None) -> Self:  # type: ignore[override]
        """Writes the index to a file that Annoy reads too. The index stays as it is.

        A path gets the file whole or not at all. To an object with a method `write` (an open binary
        file, BytesIO, a file of fsspec) the bytes are written in pieces; those of a large index are
        in a temporary file meanwhile, not in memory. `prefault` does nothing: nothing is mapped.
        `progress`: as `build`, in bytes.
        """
        if hasattr(file, "write"):
            files.write_to(file, self.memory_usage() or 0, self.to_bytes, self.save)
            return self
        name = files.encoded(file)
        with self._owner.shared() as index:
            save = lambda work: lib.annoy_save_to(index, name, work, lib.guarded_error())  # noqa: E731
            run_long(-1, progress, save, lambda status: check(status, os.fsdecode(name)))
        return self

    def save_and_load(self, path: Path, *, prefault: Optional[bool] = None, progress: Optional[Progress] = None) -> Self:
        """Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
        `progress`: as `build`, in bytes."""
        name = files.encoded(path)
        flags = files.flags(self._prefault(prefault), copy=False)
        with self._owner.exclusive() as index:
            save = lambda work: lib.annoy_save_and_load(index, name, flags, work, lib.guarded_error())  # noqa: E731
            run_long(-1, progress, save, lambda status: check(status, os.fsdecode(name)))
            self._file, self._bytes = files.Loaded(name), None
        return self

    def to_bytes(self, format: Optional[str] = None) -> bytes:
        """The bytes that a save writes. There is one `format`: "native", under whatever name."""
        files.check_format(format)
        with self._owner.shared() as index:
            return files.to_bytes(index)

    # From files.

    def load(self, file: Source, prefault: Optional[bool] = None, *, copy: bool = False) -> Self:  # type: ignore[override]
        """Maps a file, ours or Annoy's, in place of whatever the index holds; metric, f and types
        must be the index's. `file` is what `open` takes. The width of ids becomes the file's,
        unless `id_bits` was given.

        While the file is mapped, nobody may shorten it or rewrite it in place (replacing
        it by rename is fine). With `copy` it is read into memory instead. `prefault` reads
        all of it at once.
        """
        data, name = files.source(file)
        if data is not None:
            return self.load_bytes(data)
        flags = files.flags(self._prefault(prefault), copy)
        self._settle()
        if self._empty:
            opened, loaded = files.open_index(name, flags)
            if self._adopt_first(opened, os.fsdecode(name), loaded):
                return self
        try:
            with self._owner.exclusive() as index:
                self._file, self._bytes = files.load(index, name, flags), None
                self._forget_fit()
        except FileError:
            if not self._take_other_ids(lambda other: other.load(file, prefault, copy=copy)):
                raise
        return self

    def _take_other_ids(self, load: Callable[[Any], Any]) -> bool:
        """Loads what has the other width of ids, unless somebody said which it must have. Whether
        it did."""
        if self._params["id_bits"] is not None:
            return False
        other: Any = type(self).__new__(type(self))
        id_bits = 96 - self._id_bits  # of 32 and 64 the other
        other._made({**self._params, "f": self._f, "metric": self.metric, "id_bits": id_bits, "on_disk_path": None})
        try:
            load(other)
        except FileError:
            return False
        self._take(other)
        return True

    def load_bytes(self, data: files.Bytes) -> Self:
        """Loads the bytes of a file, as `load` loads the file. `bytes` are used as they lie;
        anything else is copied."""
        self._settle()
        if self._empty and self._adopt_first(files.open_bytes(data), "the file", None, files.borrowed(data)):
            return self
        try:
            with self._owner.exclusive() as index:
                # Both, as Ctrl-C may come between the call and its result.
                before, self._bytes = self._bytes, (self._bytes, files.borrowed(data))
                try:
                    files.load_bytes(index, data)
                except AnnoyError:
                    self._bytes = before
                    raise
                self._file, self._bytes = None, files.borrowed(data)
                self._forget_fit()
        except FileError:
            if not self._take_other_ids(lambda other: other.load_bytes(data)):
                raise
        return self

    def deserialize(self, data: files.Bytes, prefault: Optional[bool] = None) -> Self:
        """Loads what `serialize` or `to_bytes` gave: `load_bytes`. `prefault` does nothing: the
        bytes are in memory."""
        return self.load_bytes(data)

    def _adopt_first(
        self, opened: Any, name: str, file: Optional[files.Loaded], data: Optional[bytes] = None
    ) -> bool:
        """Takes over what is loaded into an index whose f is not known: the file says it. Whether
        it is still not known."""
        with handles.making:
            if not self._empty:
                lib.annoy_free(opened)
                return False
            options = files.made_with(opened)
            found, id_bits = (metric_name(options.metric), files.SCALAR_NAMES[options.scalar]), options.id_bits
            if found != (metric_name(self._metric), self._scalar) or self._params["id_bits"] not in (None, id_bits):
                lib.annoy_free(opened)
                expected = metric_name(self._metric), self._scalar, self._params["id_bits"] or "any"
                raise ArgumentError(f"{name} is of {(*found, id_bits)}, expected {expected} bits of ids")
            if (seed := seed_of(self._params)) is not None:
                check(lib.annoy_set_seed(opened, seed, lib.guarded_error()))
            self._file = file
            self._forget_fit()
            self._adopt(opened, data)
        return True

    def _prefault(self, prefault: Optional[bool]) -> bool:
        return bool(self._params["prefault"] if prefault is None else prefault)

    @classmethod
    def open(cls, file: Source, *, prefault: bool = False, copy: bool = False) -> Self:
        """Opens a file that says what it is, as all files of this library do. (`probe` helps with
        those of Annoy.) `file` is a path, the bytes of a file, or an object with a method `read`,
        which is read to memory unless it is a file on disk."""
        self = cls.__new__(cls)
        data, name = files.source(file)
        if data is not None:
            self._made({}, data)
            return self
        opened, loaded = files.open_index(name, files.flags(prefault, copy))
        self._made({})
        self._adopt_and_say(opened)
        self._file = loaded
        return self

    def _made(self, made_with: dict[str, Any], data: Optional[files.Bytes] = None) -> None:
        """In place of `__init__`, which a subclass may have changed."""
        from ..index import Index

        Index.__init__(cast(Index, self), **made_with)
        if data is not None:
            self._adopt_and_say(files.open_bytes(data))
            self._bytes = files.borrowed(data)
            if (seed := seed_of(self._params)) is not None:
                self.set_seed(seed)

    def _alike(self, params: dict[str, Any]) -> Self:
        new = type(self).__new__(type(self))
        new._made(params)
        besides = {name: value for name, value in self.__dict__.items() if name not in new.__dict__}
        new.__dict__.update(besides)
        return new

    def _adopt_and_say(self, opened: Any) -> None:
        """Takes over an index, and its types as parameters."""
        self._adopt(opened)
        self._params.update(f=self._f, metric=metric_name(self._metric), dtype=self._scalar, id_bits=self._id_bits)

    @classmethod
    def from_bytes(
        cls,
        data: files.Bytes,
        *,
        f: Optional[int] = None,
        metric: Optional[str] = None,
        prefault: Optional[bool] = None,
    ) -> Self:
        """An index from the bytes of a file that says what it is. `bytes` are used as they lie;
        anything else is copied. `f` and `metric` are checked if they are given; `prefault` does
        nothing."""
        self = cls.__new__(cls)
        self._made({}, data)
        wanted = {"f": self._f if f is None else f, "metric": metric}
        if wanted["f"] != self._f or metric is not None and metric_number(metric) != self._metric:
            raise ArgumentError(f"the bytes are of f={self._f}, metric={self.metric!r}, expected f={wanted['f']}, metric={metric!r}")
        return self

    @property
    def path(self) -> Optional[str]:
        """The file that is loaded."""
        return None if self._file is None else self._file.path

    @property
    def metadata(self) -> bytes:
        """Bytes of the caller that are saved with the index, at most 65,536."""
        with self._owner.shared() as index:
            return files.get_metadata(index)

    @metadata.setter
    def metadata(self, data: bytes) -> None:
        with self._owner.exclusive() as index:
            buffer = ffi.from_buffer(data)  # whose length is in bytes
            check(lib.annoy_set_metadata(index, buffer, len(buffer), lib.guarded_error()))

    # As scikit-plots has them.

    def save_index(self, path: Path, *, prefault: Optional[bool] = None) -> Self:
        """`save_and_load`, in a directory that is made if there is none."""
        os.makedirs(os.path.dirname(os.path.abspath(os.fsdecode(path))), exist_ok=True)
        return self.save_and_load(path, prefault=prefault)

    @classmethod
    def load_index(cls, f: int, metric: str, path: Path, *, prefault: Optional[bool] = None) -> Self:
        """A new index with a file loaded: ours, or one of Annoy, which does not say what it is."""
        self = cls.__new__(cls)
        self._made({"f": f, "metric": metric})
        return self.load(path, prefault)

    def save_bundle(
        self, manifest_filename: Path = "manifest.json", index_filename: Path = "index.ann", *, prefault: Optional[bool] = None
    ) -> list[str]:
        """Saves the index, and beside it a manifest: JSON with its metadata, labels of `fit` and
        the name of the index's file, relative to that of the manifest. Both can be moved together.
        Returns the two paths."""
        manifest = os.path.abspath(os.fsdecode(manifest_filename))
        path = os.path.join(os.path.dirname(manifest), os.fsdecode(index_filename))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.realpath(path) == os.path.realpath(manifest):
            raise ArgumentError(f"manifest and index have the same name {path}, expected two")
        content = self.to_metadata()
        content["params"]["on_disk_path"] = None
        content["index_file"] = os.path.relpath(path, os.path.dirname(manifest))
        content["y_map"] = None if self._y_map is None else [[item, label] for item, label in self._y_map.items()]
        text = files.json_of(content)
        self.save(path)
        files.write_text(manifest, text)
        return [manifest, path]

    @classmethod
    def load_bundle(
        cls, manifest_filename: Path = "manifest.json", index_filename: Optional[Path] = None, *, prefault: Optional[bool] = None
    ) -> Self:
        """The index of a bundle. `index_filename`, relative to the manifest, is used in place of
        the name that the manifest has."""
        manifest = os.path.abspath(os.fsdecode(manifest_filename))
        with open(manifest, encoding="utf-8") as file:
            content = json.load(file)
        name = content.get("index_file") if index_filename is None else os.fsdecode(index_filename)
        if not isinstance(name, str):
            raise ArgumentError(f"{manifest} names no index_file, expected the manifest of a bundle")
        self: Self = cls.from_metadata(content, load=False)
        self.load(os.path.join(os.path.dirname(manifest), name), prefault)
        if content.get("y_map") is not None:
            self._y_map = {item: label for item, label in content["y_map"]}
        return self
