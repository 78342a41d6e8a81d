"""Files made by NumPy, pyarrow, pandas and Python are read as they are meant."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
from conftest import Annoy

ROWS, F = 60, 7
NUMBERS = np.random.default_rng(1).integers(-100, 100, size=(ROWS, F))
UNSIGNED = np.abs(NUMBERS)
NAMES = [f"näme {i}" for i in range(ROWS)]


def vecs(path: Path, rows: np.ndarray[Any, Any]) -> None:
    """As in http://corpus-texmex.irisa.fr: each row behind its length."""
    with path.open("wb") as file:
        for row in rows:
            file.write(np.int32(len(row)).tobytes() + row.tobytes())


def with_header(path: Path, rows: np.ndarray[Any, Any]) -> None:
    """As in https://big-ann-benchmarks.com: the number of rows, their length, the rows."""
    path.write_bytes(np.array(rows.shape, np.uint32).tobytes() + rows.tobytes())


def built(annoy: Annoy, data: Path, *more: str) -> np.ndarray[Any, Any]:
    """The vectors that an index of the file has."""
    annoy("build", data, "-o", "x.ann", "-m", "euclidean", "--trees", "2", "--beside", "none", *more)
    annoy("export", "x.ann", "-o", "x.npy")
    return np.asarray(np.load(annoy.directory / "x.npy"))


def names(annoy: Annoy) -> list[Any]:
    annoy("export", "x.ann", "-o", "x.jsonl")
    return [json.loads(line).get("label") for line in (annoy.directory / "x.jsonl").open()]


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<f2", ">f4", "i1", "<i2", "<i4", ">i8"])
def test_npy(annoy: Annoy, tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "a.npy", NUMBERS.astype(dtype))
    assert (built(annoy, tmp_path / "a.npy") == NUMBERS).all()


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<u4", "<u8", "?"])
def test_npy_unsigned(annoy: Annoy, tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "a.npy", UNSIGNED.astype(dtype))
    assert (built(annoy, tmp_path / "a.npy") == UNSIGNED.astype(dtype)).all()


def test_npy_keeps_doubles(annoy: Annoy, tmp_path: Path) -> None:
    rows = np.random.default_rng(2).normal(size=(20, 3))
    np.save(tmp_path / "a.npy", rows)
    assert (built(annoy, tmp_path / "a.npy", "--scalar", "f64") == rows).all()


def test_npz(annoy: Annoy, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", base=NUMBERS, other=UNSIGNED)
    assert (built(annoy, tmp_path / "a.npz", "--column", "base") == NUMBERS).all()
    assert "base" in annoy.fails("build", tmp_path / "a.npz", "-o", "y.ann")
    np.savez(tmp_path / "a.npz", UNSIGNED)
    assert (built(annoy, tmp_path / "a.npz") == UNSIGNED).all()


@pytest.mark.parametrize("name, dtype", [("fvecs", "<f4"), ("bvecs", "u1"), ("ivecs", "<i4")])
def test_vecs(annoy: Annoy, tmp_path: Path, name: str, dtype: str) -> None:
    vecs(tmp_path / f"a.{name}", UNSIGNED.astype(dtype))
    assert (built(annoy, tmp_path / f"a.{name}") == UNSIGNED).all()
    assert (built(annoy, tmp_path / f"a.{name}", "--limit", "9") == UNSIGNED[:9]).all()


@pytest.mark.parametrize("name, dtype", [("fbin", "<f4"), ("u8bin", "u1"), ("i8bin", "i1")])
def test_bin(annoy: Annoy, tmp_path: Path, name: str, dtype: str) -> None:
    rows = UNSIGNED if dtype == "u1" else NUMBERS
    with_header(tmp_path / f"a.{name}", rows.astype(dtype))
    assert (built(annoy, tmp_path / f"a.{name}") == rows).all()


@pytest.mark.parametrize("name, dtype", [("f16", "<f2"), ("f32", "<f4")])
def test_numbers_alone(annoy: Annoy, tmp_path: Path, name: str, dtype: str) -> None:
    NUMBERS.astype(dtype).tofile(tmp_path / f"a.{name}")
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    more = ("--width", str(F), "--names", str(tmp_path / "names.txt"))
    assert (built(annoy, tmp_path / f"a.{name}", *more) == NUMBERS).all()
    assert names(annoy) == NAMES
    assert "multiple" in annoy.fails("build", tmp_path / f"a.{name}", "--width", "11", "-o", "y.ann")
    assert "--width" in annoy.fails("build", tmp_path / f"a.{name}", "-o", "y.ann")


@pytest.mark.parametrize("name, delimiter", [("csv", ","), ("tsv", "\t")])
def test_csv(annoy: Annoy, tmp_path: Path, name: str, delimiter: str) -> None:
    path = tmp_path / f"a.{name}"
    frame = pandas.DataFrame(NUMBERS, columns=[f"x{i}" for i in range(F)])
    frame.to_csv(path, sep=delimiter, index=False)
    assert (built(annoy, path) == NUMBERS).all()
    frame.insert(3, "name", NAMES)
    frame.to_csv(path, sep=delimiter, index=False)
    assert (built(annoy, path, "--labels", "name") == NUMBERS).all()
    assert names(annoy) == NAMES
    frame.to_csv(path, sep=delimiter, index=False, header=False)
    assert (built(annoy, path, "--labels", "3") == NUMBERS).all()
    assert names(annoy) == NAMES


def test_csv_with_quotes(annoy: Annoy, tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["a,b", 1, 2], ['"c"', 3, 4]])
    assert (built(annoy, tmp_path / "a.csv", "--labels", "0") == [[1, 2], [3, 4]]).all()
    assert names(annoy) == ["a,b", '"c"']


@pytest.mark.parametrize("head", ["", f"{ROWS} {F}\n"])
def test_words(annoy: Annoy, tmp_path: Path, head: str) -> None:
    lines = [f"w{i} " + " ".join(map(str, row)) for i, row in enumerate(NUMBERS)]
    (tmp_path / "a.txt").write_text(head + "\n".join(lines) + "\n")
    assert (built(annoy, tmp_path / "a.txt") == NUMBERS).all()
    assert names(annoy) == [f"w{i}" for i in range(ROWS)]


def test_json_lines(annoy: Annoy, tmp_path: Path) -> None:
    rows = [{"id": i + 2**60, "v": row.tolist(), "n": NAMES[i]} for i, row in enumerate(NUMBERS)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert (built(annoy, tmp_path / "a.jsonl") == NUMBERS).all()
    assert names(annoy) == [None] * ROWS
    assert (built(annoy, tmp_path / "a.jsonl", "--column", "v", "--labels", "id") == NUMBERS).all()
    assert names(annoy) == [i + 2**60 for i in range(ROWS)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, NUMBERS.tolist())))
    assert (built(annoy, tmp_path / "a.jsonl") == NUMBERS).all()


LISTS = [
    pyarrow.list_(pyarrow.float32()),
    pyarrow.large_list(pyarrow.float64()),
    pyarrow.list_(pyarrow.float16(), F),
    pyarrow.list_(pyarrow.int8(), F),
]


def table(kind: pyarrow.DataType) -> pyarrow.Table:
    dtype = kind.value_type.to_pandas_dtype()
    rows = [list(map(dtype, row)) for row in NUMBERS]
    columns = {
        "id": pyarrow.array(range(ROWS)),
        "vector": pyarrow.array(rows, kind),
        "name": pyarrow.array(NAMES),
    }
    return pyarrow.table(columns)


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("kind", LISTS, ids=str)
def test_parquet(annoy: Annoy, tmp_path: Path, kind: pyarrow.DataType, compression: str) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table(kind), path, compression=compression, row_group_size=17)
    assert (built(annoy, path, "--labels", "name") == NUMBERS).all()
    assert names(annoy) == NAMES
    assert (built(annoy, path, "--column", "vector", "--labels", "id") == NUMBERS).all()
    assert names(annoy) == list(range(ROWS))


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("kind", LISTS, ids=str)
def test_arrow(annoy: Annoy, tmp_path: Path, kind: pyarrow.DataType, compression: str) -> None:
    path = tmp_path / "a.arrow"
    pyarrow.feather.write_feather(table(kind), path, compression=compression, chunksize=17)
    assert (built(annoy, path, "--labels", "name") == NUMBERS).all()
    assert names(annoy) == NAMES


def test_standard_input(annoy: Annoy, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", NUMBERS)
    annoy.input = (tmp_path / "a.npy").read_bytes()
    assert (built(annoy, Path("-"), "--format", "npy") == NUMBERS).all()
    # A format whose end says where the beginning is.
    np.savez(tmp_path / "a.npz", a=NUMBERS)
    annoy.input = (tmp_path / "a.npz").read_bytes()
    assert (built(annoy, Path("-"), "--format", "npz") == NUMBERS).all()


def test_what_cannot_be_read(annoy: Annoy, tmp_path: Path) -> None:
    def fails(name: str, *expected: str, more: tuple[str, ...] = ()) -> None:
        said = annoy.fails("build", tmp_path / name, "-o", "y.ann", *more)
        for text in (name, *expected):
            assert text in said, said
        assert not list(annoy.directory.glob("y.ann*")), said

    fails("none.npy", "No such file")
    fails("a.xyz", "--format")
    np.save(tmp_path / "f.npy", np.asfortranarray(NUMBERS.astype("f4")))
    fails("f.npy", "Fortran")
    np.save(tmp_path / "d.npy", NUMBERS[0])
    fails("d.npy", "[7]")
    np.save(tmp_path / "t.npy", np.array([["a", "b"]]))
    fails("t.npy", "dtype")
    np.save(tmp_path / "n.npy", np.where(NUMBERS == NUMBERS[5, 2], np.nan, NUMBERS.astype("f4")))
    fails("n.npy", "row", "NaN")
    np.save(tmp_path / "s.npy", NUMBERS.astype("f4"))
    (tmp_path / "s.npy").write_bytes((tmp_path / "s.npy").read_bytes()[:-9])
    fails("s.npy", f"row {ROWS - 1}", "ends")
    (tmp_path / "r.csv").write_text("1,2,3\n4,5,6\n7,8\n")
    fails("r.csv", "row 2", "2 numbers", "3")
    (tmp_path / "w.csv").write_text("1,2\n4,five\n")
    fails("w.csv", "row 1", "five")
    (tmp_path / "l.csv").write_text("a,b\n4,5\n")
    fails("l.csv", "no column", "name", more=("--labels", "name"))
    (tmp_path / "e.csv").write_text("")
    fails("e.csv", "no rows")
    (tmp_path / "v.fvecs").write_bytes(b"\x02\0\0\0abcdefg")
    fails("v.fvecs", "row 0", "ends")
    (tmp_path / "h.fbin").write_bytes(b"\x02\0\0\0\x02\0\0\0abcd")
    fails("h.fbin", "24", "12")
    (tmp_path / "j.jsonl").write_text('{"a": [1], "b": [2]}\n')
    fails("j.jsonl", "--column")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and more of it")
    fails("p.parquet", "Parquet")
    pyarrow.parquet.write_table(table(LISTS[0]), tmp_path / "c.parquet")
    fails("c.parquet", "no column", "vector", more=("--column", "vectors"))
    fails("c.parquet", "expected lists", more=("--column", "name"))
