"""Files of h5py and faiss, which the everyday run does without: they take long to compile and to
install."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import faiss
import h5py
import numpy as np
import pytest
from conftest import Annoy
from faiss.contrib import vecs_io
from test_formats import NUMBERS, built

STORED: list[dict[str, Any]] = [
    {},
    {"chunks": (16, 3)},
    {"chunks": True, "compression": "gzip", "shuffle": True},
    {"chunks": (7, 7), "compression": "gzip", "fletcher32": True},
    {"maxshape": (None, 7), "chunks": (8, 7)},
]


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f4", "i1", "<i8"])
def test_hdf5(annoy: Annoy, tmp_path: Path, dtype: str, stored: dict[str, Any]) -> None:
    """As ann-benchmarks writes them: items, queries, and what is near those."""
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file.attrs["distance"] = "euclidean"
        file.create_dataset("train", data=NUMBERS.astype(dtype), **stored)
        file.create_dataset("test", data=NUMBERS[:5].astype(dtype))
        file.create_dataset("neighbors", data=np.arange(50).reshape(5, 10))
    assert (built(annoy, tmp_path / "a.hdf5") == NUMBERS).all()
    lines = annoy("query", "x.ann", "--file", tmp_path / "a.hdf5", "-n", "1", "--exact", "--json").splitlines()
    assert [json.loads(line)[0]["id"] for line in lines] == [0, 1, 2, 3, 4]
    assert (built(annoy, tmp_path / "a.hdf5", "--column", "test") == NUMBERS[:5]).all()


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_hdf5_by_name(annoy: Annoy, tmp_path: Path, libver: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        file.create_group("deep").create_dataset("rows", data=NUMBERS)
        file["one"] = NUMBERS
    assert (built(annoy, tmp_path / "a.h5") == NUMBERS).all()
    assert (built(annoy, tmp_path / "a.h5", "--column", "deep/rows") == NUMBERS).all()


def test_hdf5_that_cannot_be_read(annoy: Annoy, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"] = NUMBERS
        file["b"] = NUMBERS[0]
        file["c"] = ["x", "y"]
        file["d"] = np.where(NUMBERS == NUMBERS[5, 2], np.nan, NUMBERS)
    build = ("build", path, "-o", "y.ann")
    assert '"a", "b"' in annoy.fails(*build)
    assert "shape" in annoy.fails(*build, "--column", "b")
    assert "shape" in annoy.fails(*build, "--column", "c")
    assert "no dataset" in annoy.fails(*build, "--column", "e")
    said = annoy.fails(*build, "--column", "d")
    assert "row" in said and "NaN" in said
    whole = path.read_bytes()
    path.write_bytes(b"no such thing")
    assert "no HDF5" in annoy.fails(*build)
    # Cut or damaged anywhere: it is read or refused, and does not crash.
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at])
        assert annoy.run(*build, "--column", "a").returncode in (0, 1)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        assert annoy.run(*build, "--column", "a").returncode in (0, 1)


def test_memory_of_hdf5(annoy: Annoy, tmp_path: Path) -> None:
    """A file is read as it is needed: 256 MB of it are never in memory together."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        rows = file.create_dataset("train", (500_000, 128), "f4", chunks=(1000, 128))
        for at in range(0, 500_000, 50_000):
            rows[at : at + 50_000] = np.random.default_rng(at).random((50_000, 128), "f4")
    limited = ("build", "a.h5", "-o", "x.ann", "--on-disk", "--beside", "none", "--trees", "1", "--quiet")
    command = ["/usr/bin/env", "python3", "-c", MEASURED, annoy.program, *limited]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 450_000, done.stdout


# How many KiB of memory a command takes at the most, with the file that it maps.
MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_faiss_vecs(annoy: Annoy, tmp_path: Path) -> None:
    """What faiss writes for its own benchmarks."""
    write: Any = vecs_io
    write.fvecs_write(tmp_path / "a.fvecs", NUMBERS.astype("f4"))
    write.ivecs_write(tmp_path / "a.ivecs", NUMBERS.astype("i4"))
    for name in ("a.fvecs", "a.ivecs"):
        assert (built(annoy, tmp_path / name) == NUMBERS).all()


def test_faiss_index(annoy: Annoy, tmp_path: Path) -> None:
    """Moving from faiss (docs/from-faiss.md): its index gives back its vectors."""
    index = faiss.IndexHNSWFlat(7, 16)
    index.add(NUMBERS.astype("f4"))
    faiss.write_index(index, str(tmp_path / "old.faiss"))
    old = faiss.read_index(str(tmp_path / "old.faiss"))
    np.save(tmp_path / "rows.npy", old.reconstruct_n(0, old.ntotal))
    assert (built(annoy, tmp_path / "rows.npy") == NUMBERS).all()
