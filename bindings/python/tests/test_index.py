"""`Index`, and what `AnnoyIndex` has beyond PyPI annoy."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any, Callable

import annoy_rs
import joblib
import numpy as np
import pytest
from annoy_rs import (
    AnnoyError,
    AnnoyIndex,
    ArgumentError,
    ClosedError,
    Index,
    ItemError,
    StateError,
    kernel_name,
)
from conftest import nearest
from numpy.typing import NDArray

Array = NDArray[Any]


def test_search(built: Index, vectors: Array) -> None:
    ids, distances = built.search(vectors[7], 5, 100_000)
    assert ids.tolist() == nearest(vectors, vectors[7], 5)
    np.testing.assert_allclose(distances, np.linalg.norm(vectors[ids] - vectors[7], axis=1), rtol=1e-5)
    by_item = built.search_items(7, 5, 100_000)
    np.testing.assert_array_equal(by_item[0], ids)
    np.testing.assert_array_equal(built.search_items([7, 8], 5, 100_000)[0][0], ids)
    assert built.search(vectors[7], 10_000, 100_000)[0].shape == (500,)
    assert built.search(vectors[7], 0)[0].shape == (0,)
    with pytest.raises(ValueError):
        built.search(vectors[7], -1)
    with pytest.raises(ArgumentError, match="n is -1"):
        built.search(vectors[:2], -1)
    with pytest.raises(TypeError):
        built.search(vectors[7], 2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        built.search(vectors[7], 2, unknown=3)  # type: ignore[call-arg]


def test_filters(built: Index, vectors: Array) -> None:
    query = vectors[7]
    order = nearest(vectors, query, 500)
    mask = np.arange(500) % 3 == 0
    some = [i for i in order if i % 3 == 0]

    def found(**options: Any) -> list[int]:
        ids: list[int] = built.search(query, 4, 100_000, **options)[0].tolist()
        assert built.search(query[None], 4, 100_000, **options)[0][0].tolist()[: len(ids)] == ids
        return ids

    assert found(allow=mask) == found(allow=np.flatnonzero(mask)) == some[:4]
    assert found(deny=~mask) == found(deny=np.flatnonzero(~mask).tolist()) == some[:4]
    assert found(filter=lambda item: item % 3 == 0) == some[:4]
    assert found(exclude=order[:2]) == order[2:6]
    assert found(exclude=[]) == order[:4]
    radius = float(np.linalg.norm(vectors[order[2]] - query)) * 1.0001
    assert found(max_distance=radius) == order[:3]
    assert found(exact=True) == order[:4]
    assert built.search_items(7, 4, 100_000, exclude_self=True)[0].tolist() == order[1:5]
    for wrong, error in (
        ({"allow": mask[:-1]}, ArgumentError),
        ({"allow": [500]}, ItemError),
        ({"deny": [-1]}, ItemError),
        ({"allow": mask, "deny": mask}, ArgumentError),
        ({"max_distance": float("nan")}, ArgumentError),
        ({"exclude": [0.5]}, ArgumentError),
    ):
        with pytest.raises(error):
            built.search(query, 4, **wrong)
    all_options: list[dict[str, Any]] = [{}, {"n_threads": 0}, {"exclude": []}]
    for options in all_options:
        usual = [built.search(query, 4, search_k, **options) for search_k in (-1, 0)]
        np.testing.assert_array_equal(usual[0][0], usual[1][0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_short_numbers_are_widened(dtype: str) -> None:
    numbers = np.random.default_rng(3).integers(-100, 100, (60, 5))
    made = []
    for short in (np.float16, np.int8, dtype):
        index = Index(5, "euclidean", dtype=dtype, seed=1)
        index.add_items(numbers[:59].astype(short))
        index.add_item(59, numbers[59].astype(short))
        index.build(2)
        made.append((index.to_bytes(), index.search(numbers.astype(short), 3)[1], index.search(numbers[0].astype(short))[1]))
        assert made[-1][1].dtype == made[-1][2].dtype == dtype
    for data, many, one in made[:2]:
        assert data == made[2][0]
        np.testing.assert_array_equal(many, made[2][1])
        np.testing.assert_array_equal(one, made[2][2])


def test_threads_of_a_batch_change_nothing(built: Index, vectors: Array) -> None:
    one, two = (built.search(vectors, 5, n_threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    with pytest.raises(ArgumentError, match="n_threads"):
        built.search(vectors, 5, n_threads=-3)


def test_container(built: Index, vectors: Array) -> None:
    assert len(built) == 500 and bool(Index(3)) and bool(AnnoyIndex(3, "dot"))
    assert 0 in built and 499 in built and 500 not in built and -1 not in built and "x" not in built
    np.testing.assert_array_equal(built[-1], vectors[-1])
    np.testing.assert_array_equal(list(built), vectors)
    for wrong in (500, -501):
        with pytest.raises(IndexError):
            built[wrong]
    with pytest.raises(TypeError):
        built["x"]  # type: ignore[index]


def test_f_is_inferred(vectors: Array, tmp_path: Path) -> None:
    index = Index(metric="l1")
    assert index.f == 0 and len(index) == 0 and index.n_trees == 0
    with pytest.raises(StateError, match="f is not known"):
        index.build(1)
    index.add_item(0, [1.0, 2.0, 3.0])
    assert index.f == 3 and index.metric == "manhattan"
    with pytest.raises(ArgumentError, match="expected 3"):
        index.add_item(1, [1.0])
    index.build(2)
    index.save(tmp_path / "x")
    lazy = AnnoyIndex(metric="taxicab")
    assert lazy.f == 0 and lazy.get_n_items() == 0
    assert lazy.load(tmp_path / "x") is True
    assert lazy.f == 3
    with pytest.raises(OSError):
        AnnoyIndex(4, "manhattan").load(str(tmp_path / "x"))
    with pytest.raises(ArgumentError, match="expected .'dot'"):
        AnnoyIndex(metric="dot").load(str(tmp_path / "x"))
    of_first = AnnoyIndex(metric="angular")
    of_first.add_item(0, [1.0, 2.0])
    assert of_first.f == 2
    with pytest.raises(IndexError, match=r"expected 2, got 3"):
        of_first.add_item(1, [1.0, 2.0, 3.0])
    with pytest.raises(ArgumentError):
        Index(70_000)
    for wrong in (-1, "3"):
        # scikit-learn wants constructors that take anything.
        with pytest.raises((ArgumentError, TypeError)):
            Index(wrong).add_item(0, [1.0])  # type: ignore[arg-type]
    assert Index(0).add_item(0, [1.0, 2.0]).f == 2
    with pytest.raises(ArgumentError, match="f is -1"):
        AnnoyIndex(-1, "dot")


@pytest.mark.parametrize("alias,name", [("cosine", "angular"), ("L2", "euclidean"), (" inner ", "dot"), ("hamming", "hamming")])
def test_aliases(alias: str, name: str) -> None:
    assert Index(3, alias).metric == AnnoyIndex(3, alias).metric == name


def test_names_of_metrics_are_those_of_the_library() -> None:
    for alias, name in [("l1", "manhattan"), ("cityblock", "manhattan"), ("taxicab", "manhattan"), ("innerproduct", "dot")]:
        assert Index(3, alias).metric == name
    for wrong in ("cos", "", "angular\0x", "\udcff"):
        with pytest.raises(ArgumentError, match="metric"):
            Index(3, wrong)
    with pytest.raises(ArgumentError, match="angular.*cosine"):
        Index(3, "cos")


def test_ids_that_are_there(tmp_path: Path) -> None:
    index = Index(metric="euclidean")
    assert 0 not in index and index.ids.tolist() == []
    index.add_items([[1, 2], [3, 4], [5, 6]], [2, 5, 9])
    index.remove_items([5])

    def look(one: Index) -> list[int]:
        ids: list[int] = one.ids.tolist()
        assert [i for i in range(12) if i in one] == ids and -1 not in one
        assert "x" not in one and 2**70 not in one and 2.0 not in one and (np.int64(2) in one) == (2 in ids)
        assert one.ids.dtype == np.int64
        return ids

    assert look(index) == [2, 9]
    index.build(1)
    index.save(tmp_path / "x")
    opened = Index.open(tmp_path / "x")
    assert look(opened) == look(index) == [2, 9]
    opened.remove_items([2, 9])
    assert look(opened) == []
    opened.close()
    with pytest.raises(ClosedError):
        opened.ids
    with pytest.raises(ClosedError):
        0 in opened


@pytest.mark.parametrize(
    "metric,dtype", [("euclidean", "float32"), ("dot", "float64"), ("hamming", "uint64"), ("hamming", "uint8")]
)
def test_copies_of_an_index_that_is_not_built(metric: str, dtype: str, vectors: Array) -> None:
    """They are made by its items, and build the same file."""
    index = Index(12, metric, dtype=dtype, seed=77)
    index.add_items((vectors > 0).astype(np.float32) if metric == "hamming" else vectors, np.arange(500) * 2)
    index.set_labels(["null", "vier"], [0, 4])
    index.remove_items([8])
    index.metadata = b"mine"
    copies = [pickle.loads(pickle.dumps(index)), copy.copy(index), copy.deepcopy(index)]
    index.build(3)
    for other in copies:
        assert other.is_removed(8) and other.get_label(4) == "vier" and other.n_items == 999
        other.build(3)
        assert other.to_bytes() == index.to_bytes()
    removed = Index(2)
    removed.add_items([[1, 2], [3, 4]])
    removed.set_labels([7, 0])
    removed.remove_items([0, 1])
    again = copy.copy(removed)
    assert len(again) == 2 and again.ids.tolist() == [] and again.get_labels([0, 1]).tolist() == [7, 0]
    again.restore_items([1])
    assert again[1].tolist() == [3, 4] and removed.n_removed == 2


def test_ragged_lists_are_told_by_their_rows(built: Index) -> None:
    calls: list[Callable[[Any], object]] = [Index(2).add_items, Index().add_items, built.search]
    for call in calls:
        with pytest.raises(ArgumentError, match="row 1 has 3 elements, expected 2 as in row 0"):
            call([[1, 2], [1, 2, 3]])
    with pytest.raises(ArgumentError, match="row 1 has"):
        built.search_items([[1], [2, 3]])
    with pytest.raises(ArgumentError):
        Index(2).add_items([[1, [2]], [3, 4]])
    with pytest.raises(ArgumentError):
        built.search([[1, 2], 3])


@pytest.mark.parametrize("metric", ["angular", "dot", "hamming"])
def test_pickle_copy_joblib(metric: str, vectors: Array, tmp_path: Path) -> None:
    x = vectors > 0 if metric == "hamming" else vectors
    index = Index(metric=metric, seed=5)
    index.add_items(x)
    index.build(4)
    index.metadata = b"kept"
    joblib.dump(index, tmp_path / "joblib")
    copies: list[Index] = [
        pickle.loads(pickle.dumps(index)),
        pickle.loads(pickle.dumps(index, protocol=2)),
        copy.copy(index),
        copy.deepcopy(index),
        joblib.load(tmp_path / "joblib"),
        Index.from_bytes(index.to_bytes()),
        Index.from_bytes(memoryview(index.to_bytes())),
    ]
    for other in copies:
        np.testing.assert_array_equal(other.search(x[:9], 5)[0], index.search(x[:9], 5)[0])
        assert other.metadata == b"kept" and other.metric == metric
    assert pickle.dumps(index) == pickle.dumps(index)
    empty = pickle.loads(pickle.dumps(Index(3, "dot", dtype="float64")))
    assert (empty.f, empty.metric, empty.dtype, len(empty)) == (3, "dot", "float64", 0)
    assert pickle.loads(pickle.dumps(Index())).f == 0
    unbuilt = Index(12)
    unbuilt.add_item(0, vectors[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(unbuilt))[0], vectors[0])


def test_pickle_by_path(built: Index, vectors: Array, tmp_path: Path) -> None:
    built.pickle_mode = "disk"
    with pytest.raises(StateError, match="by path"):
        pickle.dumps(built)
    built.save_and_load(tmp_path / "x")
    data = pickle.dumps(built)
    assert len(data) < 700
    other: Index = pickle.loads(pickle.dumps(pickle.loads(data)))
    assert other.path == str(tmp_path / "x")
    np.testing.assert_array_equal(other.search(vectors[:5], 3)[0], built.search(vectors[:5], 3)[0])


def test_pickle_of_annoy_index(vectors: Array) -> None:
    index = AnnoyIndex(12, "angular", n_neighbors=3, n_trees=7)
    for i, vector in enumerate(vectors):
        index.add_item(i, vector)
    index.build()
    other: AnnoyIndex = pickle.loads(pickle.dumps(index))
    assert other.get_nns_by_item(3) == index.get_nns_by_item(3) and len(other.get_nns_by_item(3)) == 3
    assert other.get_n_trees() == 7 and other.get_params() == index.get_params()


def test_thaw(built: Index, vectors: Array, tmp_path: Path) -> None:
    fresh = Index(12, built.metric)
    fresh.add_items(vectors)
    fresh.add_item(len(vectors), vectors[0])
    fresh.build(3)
    built.metadata = b"kept"
    built.save_and_load(tmp_path / "x")
    for index in (built, Index.open(tmp_path / "x"), Index.from_bytes(built.to_bytes())):
        with pytest.raises(StateError):
            index.add_item(len(vectors), vectors[0])
        index.thaw()
        assert (index.n_trees, index.path, index.metadata) == (0, None, b"kept")
        index.add_item(len(vectors), vectors[0])
        index.metadata = b""
        index.build(3)
        assert index.to_bytes() == fresh.to_bytes()
        index.thaw()
        assert index.n_trees == 0 and len(index) == len(vectors) + 1
    Index().thaw()
    compatible = AnnoyIndex(12, "euclidean")
    compatible.load(str(tmp_path / "x"))
    assert compatible.thaw() and compatible.get_n_trees() == 0


def test_params() -> None:
    index = AnnoyIndex(3, "angular", seed=4)
    assert index.get_params() == {
        "f": 3, "metric": "angular", "n_neighbors": 5, "n_trees": -1, "n_jobs": -1, "seed": 4, "random_state": None,
        "on_disk_path": None, "prefault": False, "verbose": None, "schema_version": 0, "l1_ratio": 0.0,
    }  # fmt: skip
    assert Index(3, seed=4).get_params() == {**index.get_params(), "dtype": None, "id_bits": None}
    assert index.set_params(n_neighbors=2, metric="dot") is index
    assert index.metric == "dot" and index.n_neighbors == 2
    index.add_item(0, [1, 2, 3])
    assert index.set_params(**index.get_params()) is index and index.get_n_items() == 1
    wrong: Any
    for wrong in ({"metric": "l1"}, {"f": 4}):
        with pytest.raises(StateError):
            index.set_params(**wrong)
    with pytest.raises(ArgumentError, match="parameters are other"):
        index.set_params(other=3)
    assert index.metric == "dot" and index.get_n_items() == 1
    assert index.info()["n_neighbors"] == 2 and index.info()["n_present"] == 1


def test_rebuild_keeps_holes(vectors: Array) -> None:
    index = AnnoyIndex(12, "euclidean")
    for i in (0, 3, 7):
        index.add_item(i, vectors[i])
    index.build(3)
    other = index.rebuild("cosine", n_trees=2)
    assert (other.metric, other.get_n_trees(), other.get_n_items()) == ("angular", 2, 8)
    assert sorted(other.get_nns_by_item(0, 10, 1000)) == [0, 3, 7]
    assert index.metric == "euclidean" and index.get_n_trees() == 3


def test_serialize(vectors: Array) -> None:
    index = AnnoyIndex(12, "dot")
    with pytest.raises(StateError):
        index.serialize()
    for i in range(50):
        index.add_item(i, vectors[i])
    index.build(2)
    for other in (AnnoyIndex(12, "dot"), AnnoyIndex(metric="dot")):
        assert other.deserialize(index.serialize()) is other
        assert other.get_nns_by_item(3, 5) == index.get_nns_by_item(3, 5)
    for wrong in (AnnoyIndex(12, "angular"), AnnoyIndex(11, "dot")):
        with pytest.raises(ArgumentError):
            wrong.deserialize(index.serialize())


def test_close(built: Index, vectors: Array) -> None:
    with built as same:
        assert same is built and not built.closed
    built.close()
    assert built.closed and "closed" in repr(built)
    annoy_index = AnnoyIndex(3, "dot")
    annoy_index.close()
    for call in (
        lambda: built.search(vectors[0]),
        lambda: built.search(vectors[:2]),
        lambda: built.search_items(0),
        lambda: len(built),
        lambda: built.build(3),
        lambda: built.add_item(0, vectors[0]),
        lambda: built.save("x"),
        lambda: built.metadata,
        lambda: built.__enter__(),
        lambda: list(built),
        lambda: annoy_index.get_nns_by_item(0, 1),
        lambda: annoy_index.get_nns_by_vector([1.0, 2.0, 3.0], 1),
        lambda: annoy_index.add_item(0, [1.0, 2.0, 3.0]),
        lambda: annoy_index.load("x"),
        lambda: annoy_index.get_n_items(),
    ):
        with pytest.raises(ClosedError):
            call()
    never = Index()
    never.close()
    with pytest.raises(ClosedError):
        never.add_item(0, [1.0])


def test_log(vectors: Array, capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[int, str]] = []
    index = Index(12)
    index.set_log(lambda level, text: heard.append((level, text)))
    index.add_items(vectors)
    index.build(3)
    assert heard and all(level == 3 and text for level, text in heard)
    index.set_log(None)
    n = len(heard)
    index.unbuild()
    index.build(3)
    assert len(heard) == n
    loud = AnnoyIndex(12, "dot")
    assert loud.verbose(True) is True
    loud.add_item(0, vectors[0])
    loud.build(1)
    captured = capsys.readouterr()
    assert captured.err and not captured.out
    assert loud.verbose(False) is True


def test_log_levels(vectors: Array) -> None:
    for level in (1, 2, 3, 4):
        index = Index(12)
        index.add_items(vectors)
        heard: list[int] = []
        index.set_log(lambda which, text: heard.append(which), level)
        index.build(3)
        with pytest.raises(StateError):
            index.build(3)
        assert heard and set(heard) <= set(range(1, level + 1)) and heard[-1] == 1
        assert (4 in heard) == (level == 4)
        with pytest.raises(ArgumentError, match="level"):
            index.set_log(None, level + 4)


def test_reserve(vectors: Array) -> None:
    index = Index(12)
    index.reserve(1000)
    assert len(index) == 0
    index.add_items(vectors)
    with pytest.raises(ArgumentError, match="n_items"):
        index.reserve(2**40)
    index.build(1)
    with pytest.raises(StateError):
        index.reserve(1)


def test_log_that_fails_or_uses_the_index(vectors: Array) -> None:
    index = Index(12)
    seen: list[BaseException] = []

    def log(level: int, text: str) -> None:
        try:
            len(index)
        except AnnoyError as error:
            seen.append(error)
        raise ValueError

    index.set_log(log)
    index.add_items(vectors)
    index.build(2)
    assert isinstance(seen[0], annoy_rs.CallbackError)


def test_seed(vectors: Array) -> None:
    def built_with(seed: Any) -> bytes:
        index = Index(12, seed=seed)
        index.add_items(vectors)
        index.build(3)
        assert seed is None or index.info()["seed"] == seed % 2**64
        return index.to_bytes()

    assert built_with(3) == built_with(3) != built_with(-4) != built_with(None)


def test_module() -> None:
    assert annoy_rs.__version__ and kernel_name() in ("avx512", "avx2", "sse2", "dotprod", "neon", "portable")
    assert set(annoy_rs.__all__) <= set(dir(annoy_rs))
    for wrong in ({"dtype": "int32"}, {"dtype": "uint64"}, {"id_bits": 16}):
        with pytest.raises(ArgumentError):
            Index(3, **wrong)
    with pytest.raises(TypeError):
        Index(3, 5)  # type: ignore[arg-type]


def test_as_annoy_nothing_is_found_without_trees(vectors: Array, tmp_path: Path) -> None:
    """However often trees come and go."""
    index = AnnoyIndex(vectors.shape[1], "euclidean")
    empty, path = AnnoyIndex(vectors.shape[1], "euclidean"), tmp_path / "a.ann"
    empty.build(1)
    empty.save(path)

    def found() -> tuple[list[int], list[int]]:
        return index.get_nns_by_vector(vectors[3], 1), index.get_nns_by_item(3, 1) if len(index) else []

    index.index.add_items(vectors)
    assert found() == ([], [])
    for again in (index.unbuild, index.thaw, lambda: index.load(path)):
        index.build(2)
        assert found() == ([3], [3])
        assert found() == ([3], [3])
        again()
        assert found() == ([], [])


def test_few_items_are_searched_without_trees(vectors: Array) -> None:
    index = Index(12, "euclidean")
    index.add_items(vectors)
    for ids in (index.search(vectors[7], 5)[0], index.search(vectors[6:8], 5)[0][1], index.search_items(7, 5)[0]):
        assert ids.tolist() == nearest(vectors, vectors[7], 5)
    with pytest.raises(StateError):
        index.search(vectors[7], 5, 100)
    many = Index(1, "euclidean")
    many.add_items(np.arange(3001, dtype=np.float32)[:, None])
    with pytest.raises(StateError, match="not built"):
        many.search([3.0], 1)
    assert many.search([3.0], 1, exact=True)[0].tolist() == [3]
    # Annoy finds nothing then.
    compatible = AnnoyIndex(12, "euclidean")
    compatible.add_item(0, vectors[0])
    for annoy in (compatible, index):
        assert annoy.get_nns_by_vector(vectors[0], 3) == annoy.get_nns_by_item(0, 3) == []
        assert annoy.get_nns_by_item(0, 3, include_distances=True) == ([], [])
        with pytest.raises(IndexError):
            annoy.get_nns_by_item(500, 3)
