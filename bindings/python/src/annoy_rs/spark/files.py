"""Where shards are: file systems, the manifest of a directory, copies on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from typing import Any, Optional, Sequence, Union

import numpy as np
from pyarrow import fs as pafs

from ..errors import ArgumentError, LabelError, StateError
from ..shards import Shard, Shards


def located(path: str) -> tuple[Any, str]:
    """The file system of a path, and the path there."""
    if "://" not in path:
        return pafs.LocalFileSystem(), os.path.abspath(path)
    found: tuple[Any, str] = pafs.FileSystem.from_uri(path)
    return found


def is_local(fs: Any) -> bool:
    return isinstance(fs, pafs.LocalFileSystem)


def read(fs: Any, path: str) -> Optional[bytes]:
    if fs.get_file_info(path).type == pafs.FileType.NotFound:
        return None
    with fs.open_input_stream(path) as file:
        data: bytes = file.read()
        return data


def put(fs: Any, local: str, path: str) -> None:
    """Copies a file to where it is to be: whole, under another name first where files grow."""
    to = path
    if isinstance(fs, (pafs.LocalFileSystem, pafs.HadoopFileSystem)):
        to = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        with open(local, "rb") as source, fs.open_output_stream(to) as target:
            shutil.copyfileobj(source, target, 1 << 22)
        if to != path:
            fs.move(to, path)
    except BaseException:
        if to != path and fs.get_file_info(to).type != pafs.FileType.NotFound:
            fs.delete_file(to)
        raise


_opened: dict[tuple[str, str, Optional[int]], Shards] = {}


def open_shards(path: str, manifest: str, cache: Optional[str], only: Optional[int] = None) -> Shards:
    """The shards of a manifest, mapped once for all tasks of a process. What is elsewhere is copied
    to a directory of this machine, once for all its processes: names tell what is in files."""
    key = (path, manifest, only)
    if key in _opened:
        return _opened[key]
    fs, there = located(path)
    said = json.loads(manifest)
    kept = cache or os.path.join(tempfile.gettempdir(), f"annoy_rs-shards-{os.getuid()}")
    # What is on this machine is not copied, and another directory may have the same manifest.
    names = [said["checksum"], *([] if only is None else [str(only)])]
    names += [hashlib.sha256(there.encode()).hexdigest()[:16]] if is_local(fs) else []
    here = os.path.join(kept, "-".join(names) + ".annd")
    os.makedirs(kept, mode=0o700, exist_ok=True)
    if os.stat(kept).st_uid != os.getuid():
        raise StateError(f"{kept} belongs to somebody else")
    os.makedirs(here, exist_ok=True)
    files = said["shards"] if only is None else [said["shards"][only]]
    for shard in files:
        for name in [shard["name"], *([shard["removed"]["name"]] if "removed" in shard else [])]:
            target = os.path.join(here, name)
            if is_local(fs):
                _link(f"{there}/{name}", target)
                continue
            if os.path.exists(target):
                continue
            with tempfile.NamedTemporaryFile(dir=here, delete=False) as file:
                with fs.open_input_stream(f"{there}/{name}") as source:
                    shutil.copyfileobj(source, file, 1 << 22)
            os.replace(file.name, target)
    _replace(os.path.join(here, "MANIFEST"), manifest)
    shards = Shards.open(here, partial=only is not None)
    _opened.clear()  # one at a time: a newer manifest takes the place of an older one
    _opened[key] = shards
    return shards


def _link(source: str, target: str) -> None:
    """Makes a link, in place of one that may lead to what is gone."""
    temporary = f"{target}.{os.getpid()}.{os.urandom(4).hex()}"
    os.symlink(source, temporary)
    os.replace(temporary, target)


def _replace(path: str, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False, encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)


def places(path: str, manifest: str, labels: list[Any]) -> list[str]:
    """Where items with these labels are that are not removed: pairs of shard and item, as JSON."""
    old, said = open_shards(path, manifest, None), json.loads(manifest)
    starts = np.cumsum([0, *(shard["items"] for shard in said["shards"])])
    found = []
    for label in labels:
        try:
            item = old.find_label(label)
        except LabelError:
            continue
        if item in old:
            shard = int(np.searchsorted(starts, item, "right")) - 1
            found.append(json.dumps([shard, item - int(starts[shard])]))
    return found


def without(manifest: Optional[str], removed: list[list[int]]) -> list[Shard]:
    """The shards of a manifest, with some of their items removed."""
    if manifest is None:
        return []
    names = [shard["name"] for shard in json.loads(manifest)["shards"]]
    gone: dict[int, list[int]] = {}
    for shard, item in removed:
        gone.setdefault(shard, []).append(item)
    return [Shard(name, removed=np.array(gone[i]) if i in gone else None) for i, name in enumerate(names)]


def delete(path: str, labels: Sequence[Union[int, str]]) -> int:
    """Removes items from a directory of shards by their labels; those that are not there are passed
    over. How many were removed."""
    fs, there = located(path)
    text = read(fs, f"{there}/MANIFEST")
    if text is None:
        raise ArgumentError(f"{path} has no manifest of shards")
    gone = [json.loads(place) for place in dict.fromkeys(places(path, text.decode(), list(labels)))]
    if gone:
        commit(fs, there, without(text.decode(), gone), int(json.loads(text)["generation"]))
    return len(gone)


def commit(fs: Any, path: str, shards: list[Shard], expected: int) -> int:
    """Writes the manifest of a directory, wherever that is."""
    if is_local(fs):
        return Shards.commit(path, shards, expected=expected)
    with tempfile.TemporaryDirectory(prefix="annoy_rs-") as here:
        # Where there are no locks: as late as can be.
        text = read(fs, f"{path}/MANIFEST")
        if text is not None:
            with open(os.path.join(here, "MANIFEST"), "wb") as file:
                file.write(text)
            for shard in json.loads(text)["shards"]:
                if "removed" in shard:
                    name = shard["removed"]["name"]
                    with open(os.path.join(here, name), "wb") as file:
                        file.write(read(fs, f"{path}/{name}") or b"")
        generation = Shards.commit(here, shards, expected=expected)
        for name in sorted(os.listdir(here)):
            if name.endswith(f".{generation}.removed"):
                put(fs, os.path.join(here, name), f"{path}/{name}")
        for name in (f"MANIFEST.{generation}", "MANIFEST"):
            put(fs, os.path.join(here, f"MANIFEST.{generation}"), f"{path}/{name}")
        return generation
