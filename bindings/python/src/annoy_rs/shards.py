"""Directories of shards: one index of many files."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple, Optional, Union

from numpy.typing import ArrayLike

from . import files
from ._native import ffi, lib
from .errors import ArgumentError, check
from .index import Index
from .mixins.io import Path, Source
from .vectors import as_ids, ids_pointer

if TYPE_CHECKING:
    from typing_extensions import Self


class Shard(NamedTuple):
    """A shard that a directory is to have: the name of its file there, or the text of a manifest,
    whose shards are all taken over on its word; what its items have in common; ids within it that
    are removed from now on."""

    file: str
    partition: Optional[str] = None
    removed: Optional[ArrayLike] = None


class Shards(Index):
    """A directory of shards, searched as one index: `Shards.open`. What an `Index` has for
    searching and looking is here too; what changes an index raises `StateError`, as the files stay
    as they are. `Shards.commit` changes the directory, `refresh` takes that up."""

    @classmethod
    def open(cls, file: Source, *, prefault: bool = False, copy: bool = False, partial: bool = False) -> Self:
        """Opens a directory. With `partial` shards that are not there are left out, instead of
        being an error: `n_missing` says how many they are."""
        name = files.encoded(file)
        flags = files.flags(prefault, copy) | (lib.ANNOY_OPEN_PARTIAL if partial else 0)
        opened, loaded = files.open_index(name, flags)
        if lib.annoy_get_fact(opened, lib.ANNOY_FACT_N_SHARDS) == 0:
            lib.annoy_free(opened)
            raise ArgumentError(f"{os.fsdecode(name)} is one file, expected a directory of shards")
        self = cls.__new__(cls)
        self._made({})
        self._adopt_and_say(opened)
        self._file = loaded
        return self

    def _fact(self, fact: int) -> int:
        with self._owner.shared() as index:
            return int(lib.annoy_get_fact(index, fact))

    @property
    def n_shards(self) -> int:
        """How many shards the manifest names."""
        return self._fact(lib.ANNOY_FACT_N_SHARDS)

    @property
    def n_missing(self) -> int:
        """How many of them are not there, and are not searched."""
        return self._fact(lib.ANNOY_FACT_N_MISSING)

    @property
    def generation(self) -> int:
        """Of the manifest that is searched."""
        return self._fact(lib.ANNOY_FACT_GENERATION)

    def refresh(self) -> int:
        """Takes up the manifest that the directory has now, while searches go on: its
        generation. Ids stay where shards were only added behind those there were."""
        generation = ffi.new("uint64_t *")
        with self._owner.shared() as index:
            check(lib.annoy_refresh(index, generation, lib.guarded_error()))
        return int(generation[0])

    @staticmethod
    def commit(
        path: Path, shards: Iterable[Union[str, Shard]], *, expected: Optional[int] = None, keep: int = 0
    ) -> int:
        """Makes these the shards of a directory, in this order, all or nothing: the generation of
        the new manifest. They are files in it that `Index.save` wrote, of one metric, f, types and
        kind of labels, and must not change any more.

        `expected` is the generation that is there, 0 for none: if another writer was first,
        StateError. None takes whichever is there. Manifests before the last `keep` are taken away,
        with the files that only those name; 0 keeps all."""
        name = files.encoded(path)
        wanted = [Shard(shard) if isinstance(shard, str) else shard for shard in shards]
        if expected is None:
            expected = int((Shards.manifest(path) or {"generation": 0})["generation"])
        rows, kept = ffi.new("annoy_shard[]", max(1, len(wanted))), []
        for row, shard in zip(rows, wanted):
            file = ffi.new("char[]", shard.file.encode())
            kept.append(file)
            row.file = file
            if shard.partition is not None:
                partition = ffi.new("char[]", shard.partition.encode())
                kept.append(partition)
                row.partition = partition
            if shard.removed is not None:
                ids = as_ids(shard.removed)
                kept.append(ids)
                row.removed, row.n_removed = ids_pointer(ids), len(ids)
        generation = ffi.new("uint64_t *")
        told = name, rows, len(wanted), expected, keep, generation, lib.guarded_error()
        check(lib.annoy_commit_shards(*told), os.fsdecode(name))
        return int(generation[0])

    @staticmethod
    def manifest(path: Path) -> Optional[Mapping[str, Any]]:
        """What the directory says of itself, unchecked; None when it has no manifest."""
        try:
            with open(os.path.join(os.fsdecode(path), "MANIFEST"), encoding="utf-8") as file:
                content: Mapping[str, Any] = json.load(file)
                return content
        except FileNotFoundError:
            return None
