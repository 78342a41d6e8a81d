"""Files, and their bytes in memory."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any, Callable, Union

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, ArgumentError, FileError, Index, StateError, probe, verify_file
from numpy.typing import NDArray

Array = NDArray[Any]


def test_files(built: Index, vectors: Array, tmp_path: Path) -> None:
    path = tmp_path / "größe.ann"
    built.metadata = b"\0some bytes"
    built.save(path)
    assert built.path is None
    opened = Index.open(path)
    assert opened.metadata == b"\0some bytes" and opened.path == str(path)
    assert probe(path)[0][:6] == ("euclidean", "float32", 32, 12, 500, 5)
    assert opened.info()["is_loaded"] is True and opened.info()["n_present"] == 500
    assert opened.verify() == [] == verify_file(os.fsencode(path))
    for prefault, copied in ((True, False), (False, True)):
        other = Index(12, "euclidean")
        other.load(str(path), prefault=prefault, copy=copied)
        np.testing.assert_array_equal(other.search(vectors[:9], 3)[0], built.search(vectors[:9], 3)[0])
    with pytest.raises(FileError) as caught:
        Index.open(tmp_path / "none")
    assert caught.value.errno == 2 and caught.value.filename == str(tmp_path / "none")
    assert caught.value.status == "ANNOY_ERR_IO"
    with pytest.raises(FileError, match="angular"):
        Index(12, "angular").load(path)
    with pytest.raises(TypeError):
        Index.open(3)
    built.save_and_load(path)
    assert built.path == str(path)
    with pytest.raises(StateError):
        built.add_item(0, vectors[0])
    built.unload()
    assert len(built) == 0 and built.path is None and built.metadata == b""


def test_damage_is_found(built: Index, tmp_path: Path) -> None:
    path = tmp_path / "x"
    built.save(path)
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(data)
    faults = Index.open(path).verify()
    assert faults and faults[0].text
    assert verify_file(path, 1)[0] == faults[0] and verify_file(path, 0) == []


def test_on_disk_build(vectors: Array, tmp_path: Path) -> None:
    index = Index(12, "euclidean")
    index.on_disk_build(tmp_path / "x")
    index.add_items(vectors)
    index.build(5)
    assert Index.open(tmp_path / "x").verify() == []


def test_errors_of_files_are_those_of_python(built: Index, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    calls: list[Callable[[], object]] = [
        lambda: Index.open(missing),
        lambda: built.load(missing),
        lambda: probe(missing),
        lambda: verify_file(missing),
        lambda: AnnoyIndex(12, "euclidean").load(str(missing)),
    ]
    for call in calls:
        with pytest.raises(FileNotFoundError) as caught:
            call()
        error = caught.value
        assert isinstance(error, FileError) and error.status == "ANNOY_ERR_IO" and "none" in str(error)
        assert (error.errno, error.strerror, error.filename) == (2, os.strerror(2), str(missing))
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
        assert (again.errno, again.strerror, again.filename, again.status) == (2, os.strerror(2), str(missing), error.status)
    with pytest.raises(FileNotFoundError):
        built.save(tmp_path / "no" / "place")
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file").write_bytes(b"x")
        built.save(tmp_path / "file" / "x")
    # One that is no index is another thing.
    with pytest.raises(FileError) as other:
        Index.open(tmp_path / "file")
    assert other.value.errno is None and other.value.strerror is None and type(other.value) is FileError


def test_paths_that_are_not_utf8(built: Index, tmp_path: Path) -> None:
    names: list[Union[str, bytes]] = [os.fsencode(tmp_path) + b"/n\xe4chste.ann", os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")]
    for i, name in enumerate(names):
        built.save(name)
        assert os.path.exists(name) and len(os.listdir(tmp_path)) == i + 1
        opened = Index.open(name)
        assert len(opened) == 500 and opened.path == os.fsdecode(name)
        np.testing.assert_array_equal(opened.to_numpy(), built.to_numpy())
        assert verify_file(name) == [] and len(probe(name)) == 1
        opened.load(name)
        assert AnnoyIndex(12, "euclidean").load(name)
    with pytest.raises(FileNotFoundError) as caught:
        Index.open(os.fsencode(tmp_path) + b"/\xe4")
    assert caught.value.filename == str(tmp_path) + "/\udce4"


def test_metadata_is_counted_in_bytes(built: Index) -> None:
    data: Any = np.arange(3, dtype=np.int32)
    built.metadata = memoryview(data)  # type: ignore[assignment]
    assert built.metadata == np.arange(3, dtype=np.int32).tobytes()


def test_from_bytes_that_are_no_index() -> None:
    for data in (b"", b"no index", bytes(10_000)):
        with pytest.raises(FileError):
            Index.from_bytes(data)


def test_bytes_are_those_of_the_file(built: Index, vectors: Array, tmp_path: Path) -> None:
    built.save(tmp_path / "x")
    data = built.to_bytes()
    assert data == (tmp_path / "x").read_bytes()
    mutable = bytearray(b"x" + data)
    for source in (data, memoryview(data), mutable[1:], memoryview(mutable)[1:]):
        index = Index.from_bytes(source)
        other = Index(12, built.metric)
        other.load_bytes(source)
        untold = Index(metric=built.metric)
        untold.load_bytes(source)
        for one in (index, other, untold):
            np.testing.assert_array_equal(one.search(vectors[:5], 3)[0], built.search(vectors[:5], 3)[0])
            assert one.path is None and one.to_bytes() == data
    # What can change is copied, what cannot is kept for as long as it is loaded.
    copied = Index.from_bytes(mutable[1:])
    copied.load_bytes(memoryview(mutable)[1:])
    mutable[1:] = bytes(len(data))
    assert copied.verify() == []
    with pytest.raises(BufferError):
        Index.from_bytes(memoryview(data)[::2])


def test_bytes_are_kept_while_they_are_loaded(built: Index, tmp_path: Path) -> None:
    built.save(tmp_path / "x")
    data = built.to_bytes()
    free = sys.getrefcount(data)
    leave: list[Callable[[Index], Any]] = [
        lambda index: index.unload(),
        lambda index: index.thaw(),
        lambda index: index.load(tmp_path / "x"),
        lambda index: index.save_and_load(tmp_path / "y"),
        lambda index: index.load_bytes(bytearray(data)),
        lambda index: index.close(),
    ]
    for way in leave:
        index = Index.from_bytes(data)
        assert sys.getrefcount(data) > free
        way(index)
        assert sys.getrefcount(data) == free
    with pytest.raises(FileError, match="the buffer is not a"):
        Index.from_bytes(data[:-1])
    with pytest.raises(FileError, match="the buffer is not a"):
        built.load_bytes(data[:-1])
    with pytest.raises(ArgumentError, match="the file is of"):
        Index(metric="hamming").load_bytes(data)


def test_the_width_of_ids_is_the_file_s(vectors: Array, tmp_path: Path) -> None:
    wide = Index(12, "euclidean", id_bits=64, seed=3)
    wide.add_items(vectors)
    wide.build(3).save(tmp_path / "wide")
    for cls in (Index, AnnoyIndex):
        index = cls(12, "euclidean")
        index.load(tmp_path / "wide")
        assert index.index.id_bits == 64 and index.get_nns_by_item(3, 5) == wide.get_nns_by_item(3, 5)
        wrong = cls(11, "euclidean")
        with pytest.raises(OSError, match="12"):
            wrong.load(tmp_path / "wide")
    told = Index(12, "euclidean", id_bits=32)
    told.add_items(vectors)
    with pytest.raises(OSError, match="64"):
        told.load(tmp_path / "wide")
    assert len(told) == len(vectors)


@pytest.mark.parametrize("metric", ["angular", "dot", "euclidean", "manhattan"])
def test_the_width_of_ids_of_files_of_annoy(metric: str) -> None:
    golden = Path(__file__).parents[3] / "tests" / "golden" / "annoy-1.17.3" / f"{metric}-i64-f32.ann"
    expected = json.loads(golden.with_suffix(".json").read_text())
    for index in (AnnoyIndex(expected["f"], metric), Index(expected["f"], metric)):
        index.load(golden)
        assert index.index.id_bits == 64 and index.get_n_items() == expected["n_items"]
        for query in expected["queries"]:
            if "vector" in query:
                assert index.get_nns_by_vector(query["vector"], query["n"], query["search_k"]) == query["ids"]
