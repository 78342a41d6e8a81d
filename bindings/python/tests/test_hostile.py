"""What strangers tried on `Index`, and found broken."""

from __future__ import annotations

import copy
import gzip
import io
import os
import pickle
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp
from annoy_rs import AnnoyIndex, ArgumentError, ClosedError, FileError, Index, ItemError, OutOfMemoryError, StateError

X = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
TWO = [[1, 1], [2, 2]]


def test_searches_keep_the_bytes_that_they_read() -> None:
    index = Index.from_bytes(bytes(bytearray(Index(metric="l2").fit(X).to_bytes())))
    stop, wrong = threading.Event(), []

    def search() -> None:
        while not stop.is_set():
            try:
                index.search(X[:50], 5, n_threads=1)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        index.fit(X[:500])
        index.deserialize(Index(metric="l2").fit(X).to_bytes())
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_garbage_is_collected_while_one_is_made() -> None:
    class Holder:
        def __init__(self) -> None:
            self.itself = self
            self.index = Index(2)

        def __del__(self) -> None:
            self.index.close()

    for _ in range(2000):
        Holder()


def test_an_arrow_stream_is_read_once() -> None:
    capsule = pa.chunked_array([pa.array([[1.0, 2.0]])]).__arrow_c_stream__()

    class Stream:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return capsule

    assert len(Index(2).add_items(Stream())) == 1
    with pytest.raises(ArgumentError, match="read already"):
        Index(2).add_items(Stream())
    empty = pa.array([], pa.list_(pa.float32()))
    assert len(Index(2).add_items(pa.chunked_array([empty, pa.array([[1, 2]], empty.type)]))) == 1


def test_blocks_are_added_all_or_none() -> None:
    """Also where a number is too large only for what is stored."""
    large = np.zeros((40_000, 3))
    large[39_999, 0] = 1e300
    index = Index(3)
    with pytest.raises(ArgumentError, match="value 0 of row 39999 is infinite"):
        index.add_items(sp.csr_matrix(large))
    five = pa.array([[1.0, 2.0, 3.0]] * 5)
    with pytest.raises(ArgumentError, match="row 5"):
        index.add_items(pa.chunked_array([five, pa.array([[1.0, 2.0, 1e300]])]))
    with pytest.raises(KeyError):
        index.add_items(pa.chunked_array([five, five]), progress=lambda *report: {}[report])
    with pytest.raises(ArgumentError, match="row 20000 has 2 elements"):
        index.add_items([1.0] * (2 if i == 20_000 else 3) for i in range(20_010))
    with pytest.raises(ArgumentError, match="shape"):
        index.add_items(sp.coo_array(np.ones(3)))
    assert len(index) == 0
    index.add_item(0, [1, 2, 3])
    with pytest.raises(ItemError):
        index.remove_items([0, 77])
    assert not index.is_removed(0)


def test_what_fit_leaves_alone() -> None:
    index = Index(metric="l2").fit(X[:100])
    index.set_labels([f"word {i}" for i in range(100)])
    index.metadata = b"mine"
    index.remove_items([3])
    heard: list[str] = []
    index.set_log(lambda level, text: heard.append(text))
    index.fit(X[100:110], reset=False)
    n_heard = len(heard)
    index.unbuild().build(2)
    assert len(heard) > n_heard
    for one in (index, index.rebuild("l1")):
        assert one.get_label(5) == "word 5" and one.metadata == b"mine" and 3 not in one
    unbuilt = Index(2, "l2").add_item(0, [1, 1])
    for labels in ({99: "a"}, {"q": "a"}):
        with pytest.raises(ItemError):
            unbuilt.fit(y_map=labels)  # type: ignore[arg-type]
        with pytest.raises(ItemError):
            unbuilt.fit(TWO, y_map=labels)  # type: ignore[arg-type]
    assert unbuilt.n_trees == 0 and len(unbuilt) == 1
    named = Index(metric="l2").fit(TWO, ["a", "b"])
    assert named.fit([[5, 5]], reset=False, start_index=0).y == [None, "b"]
    with pytest.raises(ArgumentError, match="value 7"):
        named.fit([{0: 1.0, 7: 5.0}], missing_value=0, reset=False)
    compatible = AnnoyIndex(2, "l2").fit(TWO, ["a", "b"])
    compatible.deserialize(Index(2, "l2").fit([[1, 1]]).to_bytes())
    assert compatible.y is None


def test_parameters_that_are_wrong_change_nothing(tmp_path: Path) -> None:
    index = Index(2)
    with pytest.raises(ArgumentError):
        index.set_params(metric="nope")
    assert index.f == 2 and index.metric == "angular"
    index.on_disk_build(tmp_path / "x")
    with pytest.raises(StateError):
        index.metric = "l2"
    index.set_params(id_bits=64).add_items(TWO)
    index.build(1)
    assert (tmp_path / "x").exists()
    built = Index(2, "l2", on_disk_path=tmp_path / "y").fit(TWO)
    with pytest.raises(FileError):
        built.fit([[1, 1]])
    assert len(built) == 2 == len(Index.open(tmp_path / "y"))


def test_copies_have_everything(tmp_path: Path) -> None:
    class Mine(Index):
        pass

    index = Mine(metric="l2", n_neighbors=3).fit(X)
    index._mine = 4  # type: ignore[attr-defined]
    index.set_params(metric="dot")
    for other in (copy.copy(index), copy.deepcopy(index)):
        assert (other._mine, other.metric, other.get_params()["metric"]) == (4, "euclidean", "dot")  # type: ignore[attr-defined]
    by_path = Index(metric="l2", n_neighbors=3).fit(X).save_and_load(tmp_path / "x")
    by_path.pickle_mode = "disk"
    assert pickle.loads(pickle.dumps(by_path)).n_neighbors == 3
    compatible = AnnoyIndex(2, "dot")
    compatible.add_item(0, [1, 2])
    copy.copy(compatible).unload()
    assert compatible.get_n_items() == 1


def test_files_of_all_sorts(tmp_path: Path) -> None:
    seed: Any = np.int64(5)
    index = Index(2, "l2", seed=seed, id_bits=64).fit(TWO)

    class Short(io.RawIOBase):
        data = b""

        def write(self, data: Any) -> int:
            self.data += bytes(data[:1000])
            return min(1000, len(data))

    short = Short()
    index.save(short)
    assert short.data == index.to_bytes()
    with gzip.open(tmp_path / "packed", "wb") as packed:
        index.save(packed)
    with gzip.open(tmp_path / "packed") as packed:
        assert Index.open(packed).to_bytes() == index.to_bytes()
    with pytest.raises(ArgumentError, match="same name"):
        index.save_bundle(tmp_path / "x", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    (tmp_path / "json").write_text("old")
    os.chmod(tmp_path / "json", 0o640)
    os.symlink(tmp_path / "json", tmp_path / "link")
    index.to_json(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "json").stat().st_mode & 0o777 == 0o640
    assert Index.from_json(tmp_path / "link").seed == 5 and "seed: 5" in index.to_yaml()
    for data in (index.to_bytes(), io.BytesIO(index.to_bytes())):
        assert Index(2, "l2").load(data).id_bits == 64
    with pytest.raises(ArgumentError, match="64"):
        Index(None, "l2", id_bits=32).load_bytes(index.to_bytes())


def test_exclude_self_leaves_out_the_same_vector() -> None:
    index = Index(metric="dot").fit(X)
    ids = index.kneighbors(X[:200], 5, exclude_self=True, search_k=100_000)[1]
    assert not (ids == np.arange(200)[:, None]).any()
    assert 0 in Index(metric="dot").fit([[0, -1], [0, -2], [0, -3]]).kneighbors([[1, 0]], 2, exclude_self=True)[1]


def test_other_types() -> None:
    doubles = Index(dtype="float64", metric="l2").fit(X.astype(np.float64))
    assert doubles.get_nns_by_vector(X[3], 3)[0] == doubles.get_nns_by_item(3, 3)[0] == 3
    assert doubles.get_nns_by_vector(X[3], 1, -1, True) == ([3], [0.0])
    with pytest.raises(ArgumentError):
        AnnoyIndex(20, "l2").deserialize(doubles.to_bytes())
    words = np.random.default_rng(1).integers(0, 2**63, (50, 2)).astype(np.uint64)
    assert Index(128, "hamming").fit(words).kneighbors(words[:3], 1)[1].ravel().tolist() == [0, 1, 2]
    assert len(Index(4, "hamming").add_items(sp.csr_matrix(np.eye(4, dtype=np.uint64)))) == 4


class Named(Index):
    def __init__(self, name: str) -> None:
        super().__init__(2, "l2", n_neighbors=3)
        self.name = name


class NamedToo(AnnoyIndex):
    def __init__(self, name: str) -> None:
        super().__init__(2, "l2", n_neighbors=3)
        self.name = name


class Unlike(Index):
    """As scikit-learn wants them: `get_params` gives what the constructor takes."""

    def __init__(self, metric: str = "l2", *, extra: int = 0) -> None:
        super().__init__(metric=metric)
        self.extra = extra

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"metric": self._params["metric"], "extra": self.extra}


@pytest.mark.parametrize("made", [Named, NamedToo])
def test_subclasses_with_other_constructors(made: Any, tmp_path: Path) -> None:
    index = made("mine").fit(TWO, ["a", "b"])
    for other in (index.rebuild(), index.rebuild("l1"), copy.copy(index), copy.deepcopy(index), pickle.loads(pickle.dumps(index))):
        assert (type(other), other.name, other.n_neighbors, other.y) == (made, "mine", 3, ["a", "b"])
        other.unload()
    assert len(index) == 2
    clone = pytest.importorskip("sklearn.base").clone
    with pytest.raises(TypeError, match="cannot clone a Named.*get_params"):
        clone(index)
    (index if made is Named else index.index).save(tmp_path / "x")
    if made is Named:
        opened = [made.open(tmp_path / "x"), made.load_index(2, "l2", tmp_path / "x"), made.from_bytes(index.to_bytes(), metric="l2")]
        opened += [made.from_metadata(made.load_index(2, "l2", tmp_path / "x").to_metadata()), made.from_low_level(index.rebuild())]
        assert {(type(one), len(one)) for one in opened} == {(made, 2)}
    unlike = Unlike("l1", extra=4).fit(TWO)
    for other in (clone(unlike), unlike.rebuild()):
        assert (type(other), other.extra, other.metric) == (Unlike, 4, "manhattan")


def test_closed_indexes_are_not_copied() -> None:
    for made in (Index, AnnoyIndex):
        for f in (2, None):
            index = made(f, "l2")
            if isinstance(index, Index):
                index.pickle_mode = "disk"
            index.close()
            for call in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(ClosedError, match="closed, so it cannot be copied or pickled"):
                    call(index)


def test_strings_are_no_numbers() -> None:
    index = Index(2, "l2").fit(TWO)
    wrong: Any
    for wrong in (["1", 2.0], [1.0, b"2"], [bytearray(b"1"), 2.0], [np.str_("1"), 2.0], ["", 2.0]):
        vector = np.array(wrong, object)
        for given in (vector, vector[None], pd.Series(vector)):
            with pytest.raises(TypeError, match=f" of {type(next(v for v in wrong if type(v) is not float)).__name__}, expected numbers"):
                index.search(given, 1)
        with pytest.raises(TypeError):
            index.add_items(vector[None])
        with pytest.raises(TypeError):
            index.add_items(pd.DataFrame(vector[None]))
    assert index.search(np.array([1, 1.0], object), 1)[0] == [0]


def test_more_neighbours_than_memory_has() -> None:
    index = Index(2, "l2").fit(TWO)
    for n in (10**12, 2**62):
        text = f"{n} neighbours of each of 10000 queries: the index has 2 items"
        with pytest.raises(OutOfMemoryError, match=text):
            index.search(TWO * 5000, n)
        with pytest.raises(OutOfMemoryError, match=text):
            index.search_items([0, 1] * 5000, n)
    assert index.search(TWO[0], 10**9)[0].tolist() == [0, 1]


@pytest.mark.parametrize("exclude_self", [False, True])
def test_sparse_queries_are_taken_some_at_a_time(exclude_self: bool) -> None:
    """Whole, this matrix has 1.2 GB."""
    f = 5_000
    rows = sp.random_array((200, f), density=0.01, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    index = Index(f, "l2")
    index.add_items(rows)
    index.build(1)
    queries = sp.vstack([rows] * 150).tocsr()
    tracemalloc.start()
    try:
        found = index.kneighbors(queries, 2, search_k=1000, exclude_self=exclude_self)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expected = index.search(rows.toarray(), 3, exact=True)[0][:, exclude_self : 2 + exclude_self]
    np.testing.assert_array_equal(found[1], np.tile(expected, (150, 1)))
    assert peak < 200e6


def test_sparse_queries_as_others() -> None:
    index = Index(metric="l2").fit(X)
    many = sp.csr_matrix(np.tile(X, (7, 1)))
    reports: list[tuple[int, int]] = []
    ids, _ = index.search(many, 1, progress=lambda done, total: reports.append((done, total)))
    assert ids.ravel().tolist() == list(range(3000)) * 7
    assert reports == sorted(reports) and reports[-1] == (21_000, 21_000)
    many.data[20 * 20_000 + 7] = np.nan
    with pytest.raises(ArgumentError, match="value 7 of row 20000 is NaN"):
        index.search(many, 1)
    assert index.search(sp.csr_matrix((0, 20)), 3)[0].shape == (0, 3)
    for wrong in (sp.csr_matrix((2, 3)), sp.coo_array(np.ones(20))):
        with pytest.raises(ArgumentError):
            index.search(wrong, 1)
    bits = np.eye(70, dtype=np.uint64)
    signs = Index(70, "hamming")
    signs.add_items(sp.csr_matrix(bits))
    assert signs.search(sp.csr_matrix(bits[5:8]), 1)[0].ravel().tolist() == [5, 6, 7]


def test_pandas_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(np.eye(3))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for vectors in (frame, frame.astype("Float64"), pd.Series(list(np.eye(3))), pd.Series(np.eye(3).tolist())):
        index = Index(metric="l2")
        index.add_items(vectors)
        np.testing.assert_array_equal(index.to_numpy(), np.eye(3))
    with pytest.raises(ArgumentError, match="row 1 is null"):
        index.add_items(frame.astype("Float64").mask([[False] * 3, [True] * 3, [False] * 3]))
