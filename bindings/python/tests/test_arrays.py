"""Arrays of every layout and type."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, ArgumentError, Index
from numpy.typing import NDArray

Array = NDArray[Any]


def read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


def misaligned(x: Array) -> Array:
    raw = np.zeros(x.nbytes + 1, np.uint8)
    view: Array = np.ndarray(x.shape, x.dtype, raw.data, 1)
    view[:] = x
    assert not view.flags.aligned
    return view


def within(x: Array) -> Array:
    """Rows that lie apart: columns 2 to 2 + f of a wider array."""
    wide = np.full((x.shape[0], x.shape[1] + 5), np.nan, x.dtype)
    wide[:, 2 : 2 + x.shape[1]] = x
    return wide[:, 2 : 2 + x.shape[1]]


def every_other(x: Array) -> Array:
    return np.repeat(x, 2, axis=0)[::2]


LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "contiguous": lambda x: x,
    "fortran": np.asfortranarray,
    "transposed": lambda x: x.T.copy().T,
    "within a wider array": within,
    "every other row": every_other,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "columns backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "read-only": read_only,
    "misaligned": misaligned,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "float64": lambda x: x.astype(np.float64),
    "list": lambda x: x.tolist(),
    "list of arrays": list,
    "subclass": lambda x: x.view(type("Sub", (np.ndarray,), {})),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts_of_floats(layout: str, dtype: str, vectors: Array) -> None:
    x = LAYOUTS[layout](vectors.astype(dtype) if layout != "float64" else vectors)
    index = Index(metric="euclidean", dtype=dtype)
    index.add_items(x)
    assert (index.f, len(index)) == (vectors.shape[1], len(vectors))
    np.testing.assert_array_equal(index.to_numpy(), vectors)
    index.build(3)
    plain = index.search(vectors[:20].astype(dtype), 4)
    batch = index.search(x[:20], 4)
    for a, b in zip(plain, batch):
        np.testing.assert_array_equal(a, b)
        assert b.dtype == (np.int64 if a is plain[0] else np.dtype(dtype))
    for i in range(5):
        ids, distances = index.search(x[i], 4)
        np.testing.assert_array_equal(ids, plain[0][i])
        np.testing.assert_array_equal(distances, plain[1][i])
        index_of_one = Index(vectors.shape[1], dtype=dtype)
        index_of_one.add_item(3, x[i])
        np.testing.assert_array_equal(index_of_one[3], vectors[i])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_in_annoy_index(layout: str, vectors: Array) -> None:
    x = LAYOUTS[layout](vectors)
    index = AnnoyIndex(vectors.shape[1], "euclidean")
    for i in range(50):
        index.add_item(i, x[i])
    index.build(2)
    for i in range(50):
        assert index.get_item_vector(i) == vectors[i].tolist()
        assert index.get_nns_by_vector(x[i], 1, 1000) == [i]


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int64", "uint64", "bool", "longdouble"])
def test_other_types_of_numbers(dtype: str) -> None:
    x = np.random.default_rng(0).integers(0, 2, (40, 9)).astype(dtype)
    index = Index(9, "manhattan")
    index.add_items(x)
    np.testing.assert_array_equal(index.to_numpy(), x.astype(np.float32))
    index.build(2)
    assert index.search(x[0], 1, 1000)[1][0] == 0.0


@pytest.mark.parametrize("bad", [np.zeros((3, 2), complex), np.array([["a", "b"]]), np.zeros((2, 2), "datetime64[s]")])
def test_what_is_not_numbers(bad: Array) -> None:
    with pytest.raises(ArgumentError, match="expected numbers"):
        Index(2).add_items(bad)


@pytest.mark.parametrize("bad", [np.zeros(4), np.zeros((2, 3, 4)), np.float32(3), None])
def test_wrong_shapes(bad: Any) -> None:
    with pytest.raises(ArgumentError, match="shape|numbers"):
        Index(4).add_items(bad)


def test_wrong_lengths(built: Index) -> None:
    for query in (np.zeros(11, np.float32), np.zeros((3, 13), np.float32), np.zeros(0, np.float32), np.zeros((0, 3))):
        if query.ndim == 2 and len(query) == 0:
            assert built.search(query, 3)[0].shape == (0, 3)
            continue
        with pytest.raises(ArgumentError, match="expected 12"):
            built.search(query, 3)


def test_not_finite(built: Index, vectors: Array) -> None:
    bad = vectors[:3].copy()
    bad[1, 4] = np.nan
    with pytest.raises(ArgumentError, match="NaN, expected a finite"):
        built.search(bad, 1)
    with pytest.raises(ArgumentError, match="inf, expected a finite"):
        built.search([1e300] * 12, 1)  # infinite as a float
    index = Index(12)
    with pytest.raises(ArgumentError, match="row 1 is NaN"):
        index.add_items(bad)
    assert len(index) == 0


def test_empty_arrays() -> None:
    nothing: Any
    for nothing in ([], np.empty((0, 7)), np.empty((0, 0), np.float32)):
        index = Index(7)
        index.add_items(nothing)
        assert len(index) == 0
    lazy = Index()
    lazy.add_items([])
    assert lazy.f == 0
    index.build(3)
    ids, distances = index.search(np.zeros(7, np.float32), 5)
    assert ids.shape == distances.shape == (0,)
    ids, distances = index.search(np.zeros((2, 7), np.float32), 3)
    assert (ids == -1).all() and np.isnan(distances).all() and ids.shape == (2, 3)


def test_ids(vectors: Array) -> None:
    index = Index(12)
    index.add_items(vectors[:3], ids=np.array([7, 1, 3], np.uint8))
    index.add_items(vectors[3:5])
    assert len(index) == 10
    np.testing.assert_array_equal(index.get_items([7, 1, 3, 8, 9]), vectors[:5])
    assert not index[0].any()
    for ids in ([1, 2], [1.0, 2.0, 3.0], [[1, 2, 3]], ["a", "b", "c"], np.array([0, 1, 2**63], np.uint64)):
        with pytest.raises(ArgumentError, match="ids|id is"):
            index.add_items(vectors[:3], ids=ids)


def test_hamming_in_words(tmp_path: Path) -> None:
    f = 100
    bits = np.random.default_rng(3).integers(0, 2, (60, f)).astype(np.uint8)
    padded = np.zeros((60, 128), np.uint8)
    padded[:, :f] = bits
    words = np.packbits(padded, axis=1, bitorder="little").view("<u8")
    by_numbers, by_words = Index(f, "hamming"), Index(f, "hamming")
    by_numbers.add_items(bits)
    by_words.add_items(words)
    for index in (by_numbers, by_words):
        index.build(4)
        np.testing.assert_array_equal(index[5], bits[5])
        np.testing.assert_array_equal(index.get_words(5), words[5])
        for query in (bits[5], words[5]):
            ids, distances = index.search(query, 3, 1000)
            assert ids[0] == 5 and distances[0] == 0
            assert distances[1] == sorted((bits != bits[5]).sum(axis=1))[1]
        np.testing.assert_array_equal(index.search(bits[:9], 3, 1000)[0], index.search(words[:9], 3, 1000)[0])
    assert by_numbers.to_bytes() == by_words.to_bytes()
    by_words.save(tmp_path / "words")
    np.testing.assert_array_equal(Index.open(tmp_path / "words").to_numpy(), words)


@pytest.mark.parametrize("metric,dtype", [("dot", "float32"), ("angular", "float64"), ("hamming", "uint8")])
@pytest.mark.parametrize("id_bits", [32, 64])
def test_view_of_the_mapped_file(metric: str, dtype: str, id_bits: int, vectors: Array, tmp_path: Path) -> None:
    x = (vectors > 0) if metric == "hamming" else vectors
    index = Index(None, metric, dtype=dtype, id_bits=id_bits)
    index.add_items(x)
    index.build(3)
    in_memory = index.to_numpy()
    np.testing.assert_array_equal(in_memory, x)
    index.save(tmp_path / "file")
    loaded = Index.open(tmp_path / "file")
    view = loaded.to_numpy()
    loaded.close()  # the view stays
    for array in (in_memory, view):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    if metric == "hamming":
        np.testing.assert_array_equal(np.unpackbits(view, axis=1, bitorder="little")[:, :12], x)
    else:
        np.testing.assert_array_equal(view, x)
    assert not view.flags.owndata and view.strides[0] > view.shape[1] * view.itemsize


def test_no_view_of_another_file(built: Index, vectors: Array, tmp_path: Path) -> None:
    """When the file's name has gone to another, the vectors still are those of the index."""
    path = tmp_path / "file"
    built.save(path)
    loaded = Index.open(path)
    other = Index(12)
    other.add_items(vectors[::-1])
    other.build(1)
    other.save(path)
    np.testing.assert_array_equal(loaded.to_numpy(), vectors)
    path.unlink()
    np.testing.assert_array_equal(loaded.to_numpy(), vectors)
