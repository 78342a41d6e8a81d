"""Vectors of every kind, in and out."""

from __future__ import annotations

import array
import gc
import io
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from annoy_rs import AnnoyIndex, ArgumentError, Index, ItemError, LabelError
from numpy.typing import NDArray

ROWS = np.random.default_rng(5).integers(-8, 9, (50, 6)).astype(np.float32)
LISTS = ROWS.tolist()


class Tensor:
    """What has DLPack and nothing else."""

    def __init__(self, rows: NDArray[Any]) -> None:
        self.rows = rows

    def __dlpack__(self, **options: Any) -> Any:
        return self.rows.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.rows.__dlpack_device__()


def fixed(rows: NDArray[Any], kind: Any = None) -> Any:
    values = pa.array(rows.ravel(), kind)
    return pa.FixedSizeListArray.from_arrays(values, rows.shape[1])


def listed(rows: NDArray[Any], kind: Any = pa.ListArray) -> Any:
    offsets = pa.array(np.arange(len(rows) + 1) * rows.shape[1], pa.int32() if kind is pa.ListArray else pa.int64())
    return kind.from_arrays(offsets, pa.array(rows.ravel()))


def strided() -> NDArray[Any]:
    wide = np.zeros((50, 20), np.float32)
    wide[:, 3:9] = ROWS
    return wide[:, 3:9]


SHAPES: dict[str, Callable[[], Any]] = {
    "list of lists": lambda: LISTS,
    "tuple of arrays": lambda: tuple(ROWS),
    "fortran order": lambda: np.asfortranarray(ROWS),
    "strided rows": strided,
    "reversed rows": lambda: ROWS[::-1].copy()[::-1],
    "every other column": lambda: np.repeat(ROWS, 2, axis=1)[:, ::2],
    "other byte order": lambda: ROWS.astype(">f4"),
    "float16": lambda: ROWS.astype(np.float16),
    "float64": lambda: ROWS.astype(np.float64),
    "longdouble": lambda: ROWS.astype(np.longdouble),
    "int8": lambda: ROWS.astype(np.int8),
    "int64": lambda: ROWS.astype(np.int64),
    "objects": lambda: ROWS.astype(object),
    "memoryview": lambda: memoryview(np.ascontiguousarray(ROWS)),  # type: ignore[arg-type]
    "masked, nothing masked": lambda: np.ma.masked_array(ROWS),
    "dlpack": lambda: Tensor(ROWS),
    "generator of lists": lambda: (row for row in LISTS),
    "generator of arrays": lambda: iter(ROWS),
    "map": lambda: map(lambda row: array.array("f", row), LISTS),
    "arrow fixed size list": lambda: fixed(ROWS),
    "arrow fixed size list, float16": lambda: fixed(ROWS.astype(np.float16)),
    "arrow fixed size list, int16": lambda: fixed(ROWS.astype(np.int16)),
    "arrow list": lambda: listed(ROWS),
    "arrow large list": lambda: listed(ROWS, pa.LargeListArray),
    "arrow slice": lambda: fixed(np.vstack([ROWS[:3], ROWS, ROWS[:2]])).slice(3, 50),
    "arrow slice of lists": lambda: listed(np.vstack([ROWS[:3], ROWS, ROWS[:2]])).slice(3, 50),
    "arrow chunked": lambda: pa.chunked_array([fixed(ROWS[:7]), fixed(ROWS[7:7]), fixed(ROWS[7:])]),
    "arrow table of a column": lambda: pa.table({"v": pa.chunked_array([listed(ROWS[:20]), listed(ROWS[20:])])}),
    "arrow table column": lambda: pa.table({"v": fixed(ROWS), "other": pa.array(range(50))})["v"],
    "arrow table of numbers": lambda: pa.table({str(i): ROWS[:, i] for i in range(6)}),
    "arrow record batch": lambda: pa.record_batch({str(i): ROWS[:, i] for i in range(6)}).slice(0),
    "polars array": lambda: pl.Series(LISTS, dtype=pl.Array(pl.Float32, 6)),
    "polars list": lambda: pl.Series(LISTS, dtype=pl.List(pl.Float64)),
    "polars frame": lambda: pl.DataFrame(ROWS),
    "polars frame of a column": lambda: pl.DataFrame({"v": pl.Series(LISTS)}),
    "pandas frame": lambda: pd.DataFrame(ROWS),
    "pandas column of lists": lambda: pd.Series(LISTS),
    "pandas column of arrays": lambda: pd.DataFrame({"v": list(ROWS)})["v"],
    "pandas column of arrow": lambda: pd.Series(pd.arrays.ArrowExtensionArray(listed(ROWS))),
    "scipy csr": lambda: sp.csr_matrix(ROWS),
    "scipy csc": lambda: sp.csc_array(ROWS),
    "scipy coo": lambda: sp.coo_matrix(ROWS),
    "scipy dok": lambda: sp.dok_array(ROWS),
}


@pytest.fixture(scope="module")
def reference() -> bytes:
    index = Index(6, "euclidean")
    index.add_items(ROWS)
    return index.build(3).to_bytes()


@pytest.mark.parametrize("f", [None, 6])
@pytest.mark.parametrize("name", SHAPES)
def test_adding(name: str, f: Any, reference: bytes) -> None:
    index = Index(f, "euclidean")
    assert index.add_items(SHAPES[name]()).tolist() == list(range(50))
    assert index.build(3).to_bytes() == reference
    again = Index(f, "euclidean")
    again.add_items(SHAPES[name](), np.arange(50)[::-1])
    np.testing.assert_array_equal(again.to_numpy(), ROWS[::-1])


@pytest.mark.parametrize("name", SHAPES)
def test_searching(name: str, reference: bytes) -> None:
    index = Index.from_bytes(reference)
    ids, distances = index.search(SHAPES[name](), 3)
    expected = index.search(ROWS, 3)
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_array_equal(distances, expected[1])


def test_one_vector(reference: bytes) -> None:
    index = Index.from_bytes(reference)
    ids = index.search(ROWS[4], 3)[0].tolist()
    vector: Any
    for vector in (pa.array(ROWS[4]), pl.Series(ROWS[4]), pd.Series(ROWS[4]), array.array("d", LISTS[4]), Tensor(ROWS[4]), LISTS[4]):
        assert index.search(vector, 3)[0].tolist() == ids
        other = Index(6, "euclidean")
        other.add_item(0, vector)
        np.testing.assert_array_equal(other[0], ROWS[4])
    assert index.search_items(pa.array([4, 5]), 3)[0].tolist()[0] == ids


def test_bfloat16_of_torch(reference: bytes) -> None:
    torch = pytest.importorskip("torch")
    for tensor in (torch.tensor(ROWS), torch.tensor(ROWS, requires_grad=True), torch.tensor(ROWS).bfloat16(), torch.tensor(ROWS).T.T):
        index = Index(6, "euclidean")
        index.add_items(tensor)
        assert index.build(3).to_bytes() == reference
        assert index.search(tensor, 1)[0].ravel().tolist() == list(range(len(ROWS)))
        assert index.search(tensor[4], 1)[0].tolist() == [4]
        assert AnnoyIndex(6, "euclidean").fit(tensor).get_nns_by_vector(tensor[4], 1) == [4]
    with pytest.raises(ArgumentError, match="expected one on the CPU"):
        index.add_items(torch.tensor(ROWS).to("meta"))


def test_bfloat16_of_numpy(reference: bytes) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    index = Index(6, "euclidean")
    index.add_items(ROWS.astype(ml_dtypes.bfloat16))
    assert index.build(3).to_bytes() == reference


def wrong(row: int, value: float) -> NDArray[Any]:
    rows = ROWS.copy()
    rows[row, 2] = value
    return rows


def ragged(row: int) -> list[list[float]]:
    return [values[:5] if i == row else values for i, values in enumerate(LISTS)]


def null(row: int, whole: bool) -> list[Any]:
    return [(None if whole else [*values[:5], None]) if i == row else values for i, values in enumerate(LISTS)]


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "NaN": (lambda: wrong(31, np.nan), "31"),
    "infinity, generator": (lambda: iter(wrong(31, np.inf)), "31"),
    "too large for float32": (lambda: wrong(31, 1).astype(np.float64) * np.float64(1e300), "0|31"),
    "NaN in a chunk": (lambda: pa.chunked_array([fixed(ROWS), fixed(wrong(11, np.nan))]), "value 2 of row 61 is NaN"),
    "NaN in a sparse matrix": (lambda: sp.csr_matrix(wrong(31, np.nan)), "value 2 of row 31 is NaN"),
    "ragged lists": (lambda: ragged(31), "row 31 has 5 elements, expected 6 as in row 0"),
    "ragged column": (lambda: pd.Series(ragged(31)), "row 31 has 5 elements, expected 6"),
    "ragged Arrow": (lambda: pa.array(ragged(31)), "row 31 has 5 elements, expected 6"),
    "ragged chunks": (lambda: pa.chunked_array([listed(ROWS), listed(ROWS[:, :5])]), "row 50 has 5 elements, expected 6"),
    "ragged generator": (lambda: (row for row in ragged(31)), "row 31 has 5 elements"),
    "null row": (lambda: null(31, True), "row 31 is null"),
    "null row, pandas": (lambda: pd.Series(null(31, True)), "row 31 is null"),
    "null row, Arrow": (lambda: pa.array(null(31, True)), "row 31 is null"),
    "null row, fixed": (lambda: pa.array(null(31, True), pa.list_(pa.float32(), 6)), "row 31 is null"),
    "null row, polars": (lambda: pl.Series(null(31, True)), "row 31 is null"),
    "null in a row, Arrow": (lambda: pa.array(null(31, False)), "row 31 is null, or has a null"),
    "null in a row, sliced": (lambda: pa.array(null(31, False)).slice(10), "row 21 is null, or has a null"),
    "null in a row": (lambda: np.array(null(31, False), object), "row 31 is null, or has a null"),
    "null in a table": (lambda: pa.table({"a": [1.0, 2.0], "b": [1.0, None]}), "row 1 is null"),
    "masked": (lambda: np.ma.masked_array(ROWS, ROWS == ROWS[31, 3]), "has a masked element"),
    "strings": (lambda: [["a"] * 6], "expected numbers"),
    "strings, Arrow": (lambda: pa.array(["a"]), "Arrow's type"),
    "lists of strings, Arrow": (lambda: pa.array([["a"]]), "Arrow's type"),
    "dictionary, Arrow": (lambda: pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array([[1.0] * 6])), "dictionary"),
    "three dimensions": (lambda: np.zeros((2, 3, 6)), "shape"),
    "generator of numbers": (lambda: iter([1.0, 2.0]), "shape"),
    "other length": (lambda: ROWS[:, :5], "5"),
    "chunks of another length": (lambda: pa.chunked_array([fixed(ROWS[:, :5]), fixed(ROWS[:, :5])]), "length 5, expected 6"),
    "sparse of another length": (lambda: sp.csr_matrix(ROWS[:, :5]), "5"),
    "nothing": (lambda: None, "None|object|shape"),
    "text": (lambda: "text", "U4|shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    make, text = BAD[name]
    index = Index(6, "euclidean")
    index.add_items(ROWS[:5])
    with pytest.raises(ArgumentError, match=text):
        index.add_items(make())
    assert len(index) == 5


def test_ids_that_are_refused_with_chunks() -> None:
    chunks = pa.chunked_array([fixed(ROWS), fixed(ROWS)])
    index = Index(6, "euclidean")
    ids = np.arange(100)
    ids[80] = -1
    with pytest.raises(ItemError, match="-1"):
        index.add_items(chunks, ids)
    with pytest.raises(ArgumentError, match="number of ids is 7, expected one for each of 100 rows"):
        index.add_items(chunks, np.arange(7))
    ids[80] = 2**40
    with pytest.raises(ArgumentError):
        index.add_items(chunks, ids)
    with pytest.raises(ArgumentError, match="start_id"):
        index.add_items(chunks, ids, start_id=3)
    assert len(index) == 0
    reports: list[tuple[int, int]] = []
    assert index.add_items(chunks, start_id=7, progress=lambda *report: reports.append(report)).tolist() == list(range(7, 107))
    assert reports[-1] == (100, 100) and reports == sorted(reports)
    assert index.add_items(chunks).tolist() == list(range(107, 207))
    assert index.add_items(sp.csr_matrix((0, 6))).tolist() == index.add_items(iter([])).tolist() == []


def test_no_second_copy(tmp_path: Path) -> None:
    """A million rows from Arrow's memory: what the index takes, and no more."""
    program = """
import resource, sys
import numpy as np, pyarrow as pa
from annoy_rs import Index
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
f, n = 64, 1_000_000
values = pa.array(np.ones(f * n // 2, np.float32))
half = pa.FixedSizeListArray.from_arrays(values, f)
rows = half if sys.argv[1] == "one" else pa.chunked_array([half, half])
index = Index(f, "euclidean")
index.add_items(rows.slice(0, 10))
index.reserve(n)
before = peak()
index.add_items(rows, start_id=0)
print((peak() - before) / (len(rows) * (4 * f + 16)))
"""
    for kind in ("one", "chunked"):
        run = subprocess.run([sys.executable, "-c", program, kind], capture_output=True, text=True, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert float(run.stdout) < 1.2, f"{kind}: {run.stdout} of the items' size were taken"


def test_arrow_memory_lives_as_long_as_arrays_of_it() -> None:
    pool = pa.default_memory_pool()
    gc.collect()
    before = pool.bytes_allocated()
    for _ in range(3):
        index = Index(6, "euclidean")
        index.add_items(pa.chunked_array([pa.array(LISTS), pa.array(LISTS)]))
        index.add_items(pa.array(LISTS))
        with pytest.raises(ArgumentError):
            index.add_items(pa.array(ragged(3)))
        np.testing.assert_array_equal(index.get_items(np.arange(150)), np.vstack([ROWS] * 3))
    gc.collect()
    assert pool.bytes_allocated() == before


# Labels.


@pytest.mark.parametrize("make", [list, np.array, pa.array, pl.Series, pd.Series, lambda x: pa.chunked_array([x[:20], x[20:]])])
def test_labels_of_columns(make: Any, reference: bytes) -> None:
    words = [f"word {i}" for i in range(50)]
    index = Index.from_bytes(reference)
    index.set_labels(make(words))
    assert index.get_labels(range(50)).tolist() == words
    np.testing.assert_array_equal(index.search_items("word 7", 3)[0], index.search_items(7, 3)[0])
    np.testing.assert_array_equal(index.search_items(["word 7", "word 3"], 3)[0], index.search_items([7, 3], 3)[0])
    for missing in ("no word", ["word 7", "no word"]):
        with pytest.raises(LabelError):
            index.search_items(missing)
    with pytest.raises(ArgumentError, match="label 1 is null"):
        index.set_labels(pa.array(["a", None]))
    index.clear_labels()
    index.set_labels(make(list(range(100, 150))))
    assert index.find_label(120) == 20


def test_results_as_tables(reference: bytes) -> None:
    index = Index.from_bytes(reference)
    one, many = index.search(ROWS[3], 3), index.search(ROWS[:4], 60)
    assert index.results(*one).labels is None
    frame = index.results(*one).to_pandas()
    assert list(frame.columns) == ["id", "distance"] and frame["id"].tolist() == one[0].tolist()
    index.set_labels([f"word {i}" for i in range(49)])
    frame = index.results(*many).to_pandas()
    table = index.results(*many).to_arrow()
    assert list(frame.columns) == table.column_names == ["query", "id", "distance", "label"]
    assert table.to_pydict() == {name: [x if x == x else None for x in frame[name].tolist()] for name in frame.columns}
    assert len(frame) == (many[0] >= 0).sum() < many[0].size
    row = frame[(frame["query"] == 2) & (frame["id"] == 2)].iloc[0]
    assert (row["distance"], row["label"]) == (0, "word 2")
    assert frame[frame["id"] == 49]["label"].isna().tolist() == [True] * 4
    assert table["label"].null_count == 4 and table["distance"].type == pa.float32()
    index.clear_labels()
    index.set_labels(range(50))
    assert index.results(*one).to_arrow()["label"].to_pylist() == one[0].tolist()


# File objects.


class Remote:
    """A file object that is no file: it gives its bytes, and takes them, in pieces."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.largest = 0

    def read(self, n: int = -1) -> bytes:
        return bytes(self.data)

    def write(self, data: Any) -> int:
        self.largest = max(self.largest, len(data))
        self.data += data
        return len(data)


def test_file_objects(reference: bytes, tmp_path: Path) -> None:
    index = Index.from_bytes(reference)
    buffer, remote = io.BytesIO(), Remote()
    assert index.save(buffer) is index and index.save(remote) is index
    with open(tmp_path / "a", "wb") as file:
        file.write(b"before")
        index.save(file)
    assert buffer.getvalue() == bytes(remote.data) == reference == (tmp_path / "a").read_bytes()[6:]
    index.save(tmp_path / "b")
    buffer.seek(0)
    source: Any
    with open(tmp_path / "a", "rb") as behind, open(tmp_path / "b", "rb") as file:
        behind.seek(6)
        for source in (buffer, Remote(reference), behind, file, reference, bytearray(reference), memoryview(reference)):
            opened = Index.open(source)
            assert opened.to_bytes() == reference
            assert opened.path == (str(tmp_path / "b") if source is file else None)
    for source in (io.BytesIO(reference), str(tmp_path / "b"), (tmp_path / "b").open("rb"), bytes(tmp_path / "b")):
        assert Index(6, "euclidean").load(source).to_bytes() == reference
        assert Index(metric="euclidean").load(source if not hasattr(source, "seek") or not source.seek(0) else source).f == 6
        if hasattr(source, "close"):
            source.close()
    with pytest.raises(ArgumentError, match="binary mode"):
        Index.open(io.StringIO("text"))
    with pytest.raises(OSError):
        Index.open(io.BytesIO(reference[:-50]))


def test_a_large_index_goes_through_a_file(tmp_path: Path) -> None:
    index = Index(64, "euclidean")
    index.add_items(np.random.default_rng(1).normal(size=(70_000, 64)).astype(np.float32))
    index.build(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    remote = open(tmp_path / "copy", "wb", buffering=0)

    class File:
        def write(self, data: Any) -> int:
            assert len(data) <= 1 << 20
            return remote.write(data)

    index.save(File())
    remote.close()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 8 << 20
    assert (tmp_path / "copy").read_bytes() == index.to_bytes()
