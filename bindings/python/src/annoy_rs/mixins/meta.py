"""What an index is, as data: parameters and facts, in JSON and YAML."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Mapping, Optional

from .. import files
from ..base import Base
from ..errors import ArgumentError
from .io import Path

if TYPE_CHECKING:
    from typing_extensions import Self

SCHEMA_VERSION = 0


class MetaMixin(Base):
    """The part of `Index` that says what it is. Items and trees are not part of it: see
    `save_bundle`."""

    def to_metadata(self, *, include_info: bool = True) -> dict[str, Any]:
        """Parameters, facts (`include_info`) and ways to pickle, as values that JSON has."""
        params = self.get_params()
        params.update(f=self.f or params["f"], metric=self.metric, dtype=self.dtype, id_bits=self.id_bits)
        params["on_disk_path"] = None if self.on_disk_path is None else os.fsdecode(self.on_disk_path)
        if hasattr(params["random_state"], "randint"):
            params["random_state"] = None  # a generator is no data
        return {
            "index_schema_version": SCHEMA_VERSION,
            "params": params,
            "info": self.info() if include_info else None,
            "persistence": {"pickle_mode": self.pickle_mode, "compress_mode": self.compress_mode},
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], *, load: bool = True) -> Self:
        """An index with these parameters. With `load`, the file that they name is loaded; it is
        never written."""
        if not isinstance(metadata, Mapping):
            raise TypeError(f"metadata is a {type(metadata).__name__}, expected a mapping")
        version = metadata.get("index_schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise ArgumentError(f"index_schema_version is {version!r}, expected {SCHEMA_VERSION}")
        params = metadata.get("params")
        if not isinstance(params, Mapping) or not params.get("f") or not params.get("metric"):
            raise ArgumentError(f"params are {params!r}, expected a mapping with f and metric")
        params = dict(params)
        path = params.pop("on_disk_path", None)
        self = cls.__new__(cls)
        try:
            self._made(params)
        except TypeError as error:
            raise ArgumentError(f"params are not those of {cls.__name__}: {error}") from None
        for name, value in (metadata.get("persistence") or {}).items():
            if name in ("pickle_mode", "compress_mode"):
                setattr(self, name, value)
        if load and path is not None:
            self.load(path)
        return self

    def to_json(
        self,
        path: Optional[Path] = None,
        *,
        indent: Optional[int] = 2,
        sort_keys: bool = True,
        ensure_ascii: bool = False,
        include_info: bool = True,
    ) -> str:
        """`to_metadata` as JSON; also written to `path`, whole or not at all."""
        metadata = self.to_metadata(include_info=include_info)
        text = files.json_of(metadata, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii)
        if path is not None:
            files.write_text(path, text)
        return text

    @classmethod
    def from_json(cls, path: Path, *, load: bool = True) -> Self:
        """`from_metadata` of a file in JSON."""
        with open(path, encoding="utf-8") as file:
            return cls.from_metadata(json.load(file), load=load)

    def to_yaml(self, path: Optional[Path] = None, *, include_info: bool = True) -> str:
        """`to_metadata` as YAML; also written to `path`, whole or not at all. Needs PyYAML."""
        import yaml

        text: str = yaml.safe_dump(
            json.loads(files.json_of(self.to_metadata(include_info=include_info))), sort_keys=True, allow_unicode=True
        )
        if path is not None:
            files.write_text(path, text)
        return text

    @classmethod
    def from_yaml(cls, path: Path, *, load: bool = True) -> Self:
        """`from_metadata` of a file in YAML. Needs PyYAML."""
        import yaml

        with open(path, encoding="utf-8") as file:
            return cls.from_metadata(yaml.safe_load(file), load=load)
