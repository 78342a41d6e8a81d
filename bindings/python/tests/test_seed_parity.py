"""What scikit-plots' annoy has, as data: each name is there, the call is made, and the value is
right. The table is shared by `AnnoyIndex` and `Index`; names of the mixins are `Index`'s alone."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any, Callable

import annoy_rs
import numpy as np
import pytest
from annoy_rs import Annoy, AnnoyError, AnnoyIndex, ArgumentError, FileError, Index, StateError

F, N = 4, 12
ROWS = [[float(i)] * F for i in range(N)]
QUERY = [0.2] * F

Check = Callable[[Any, Path], bool]


def made(cls: Any, **params: Any) -> Any:
    index = cls(F, "euclidean", **params)
    for i, row in enumerate(ROWS):
        index.add_item(i, row)
    index.build(5)
    return index


def saved(index: Any, directory: Path) -> str:
    path = str(directory / "saved.ann")
    index.save(path)
    return path


def names_of(index: Any) -> bool:
    return [str(name) for name in index.get_feature_names_out()] == [f"neighbor_{i}" for i in range(5)]


def same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(np.asarray(a), np.asarray(b)))


def rebuilt(index: Any) -> bool:
    other = index.rebuild(metric="l1", n_trees=3)
    return type(other) is type(index) and (other.metric, other.get_n_trees(), other.get_n_items()) == ("manhattan", 3, N)


def gone(index: Any) -> bool:
    index.unload()
    return bool(index.get_n_items() == 0)


def reset(index: Any, name: str, value: Any) -> bool:
    setattr(index, name, value)
    return bool(getattr(index, name) == value)


# Name of what is tried, and how, on a built index of ROWS and a directory.
LOW_LEVEL: dict[str, Check] = {
    "f": lambda x, d: x.f == F,
    "n_features": lambda x, d: x.n_features == F,
    "metric": lambda x, d: x.metric == "euclidean",
    "n_neighbors": lambda x, d: x.n_neighbors == 5 and reset(x, "n_neighbors", 3) and len(x.get_nns_by_item(0)) == 3,
    "prefault": lambda x, d: x.prefault is False and reset(x, "prefault", True),
    "seed": lambda x, d: x.seed is None and reset(x, "seed", 7),
    "random_state": lambda x, d: x.random_state is None and reset(x, "random_state", 7),
    "schema_version": lambda x, d: x.schema_version == 0,
    "on_disk_path": lambda x, d: x.load(saved(x, d)) is not None and x.on_disk_path == str(d / "saved.ann"),
    "y": lambda x, d: x.y is None and reset(x, "y", list("abcdefghijkl")) and x.y_map[2] == "c",
    "y_map": lambda x, d: x.y_map is None and reset(x, "y_map", {1: "one"}) and x.y[:2] == [None, "one"],
    "n_features_in_": lambda x, d: x.n_features_in_ == F,
    "n_features_": lambda x, d: x.n_features_ == F,
    "n_features_out_": lambda x, d: x.n_features_out_ == 5,
    "feature_names_in_": lambda x, d: x.fit(ROWS, feature_names="abcd").feature_names_in_.tolist() == list("abcd"),
    "add_item": lambda x, d: x.unbuild() is not None and x.add_item(N, QUERY) in (None, x) and len(x) == N + 1,
    "build": lambda x, d: x.unbuild() is not None and bool(x.build(3, n_jobs=1)) and x.get_n_trees() == 3,
    "unbuild": lambda x, d: bool(x.unbuild()) and x.get_n_trees() == 0,
    "rebuild": lambda x, d: rebuilt(x),
    "on_disk_build": lambda x, d: bool(type(x)(F, "dot").on_disk_build(str(d / "disk.ann"))),
    "save": lambda x, d: bool(x.save(str(d / "a.ann"))) and (d / "a.ann").exists(),
    "load": lambda x, d: bool(x.load(saved(x, d), prefault=True)) and x.get_n_items() == N,
    "unload": lambda x, d: gone(x),
    "serialize": lambda x, d: x.serialize() == x.serialize("portable") == x.serialize(format="canonical"),
    "deserialize": lambda x, d: type(x)(F, "l2").deserialize(x.serialize(), prefault=True).get_n_items() == N,
    "get_nns_by_item": lambda x, d: x.get_nns_by_item(3, 3, -1) and sorted(x.get_nns_by_item(3, 3)) == [2, 3, 4],
    "get_nns_by_vector": lambda x, d: x.get_nns_by_vector(QUERY, 2, -1, True)[0] == [0, 1],
    "get_item": lambda x, d: x.get_item(3) == ROWS[3],
    "get_item_vector": lambda x, d: x.get_item_vector(3) == ROWS[3],
    "get_distance": lambda x, d: x.get_distance(0, 1) == 2.0,
    "get_n_items": lambda x, d: x.get_n_items() == N,
    "get_n_trees": lambda x, d: x.get_n_trees() == 5,
    "memory_usage": lambda x, d: x.memory_usage() == len(x.serialize()) and type(x)(F, "dot").memory_usage() is None,
    "info": lambda x, d: x.info()["n_items"] == N and "n_trees" not in x.info(include_n_trees=False),
    "set_seed": lambda x, d: x.set_seed(3) in (None, x) and x.seed == 3,
    "set_verbose": lambda x, d: x.set_verbose(1) is x and x.set_verbose(0) is x,
    "set_verbosity": lambda x, d: x.set_verbosity(0) is x,
    "fit": lambda x, d: x.fit(ROWS[:6], list("aabbcc")) is x and x.y == list("aabbcc") and len(x) == 6,
    "transform": lambda x, d: x.transform([QUERY], 2).tolist() == [[ROWS[0], ROWS[1]]],
    "fit_transform": lambda x, d: x.fit_transform(ROWS, n_neighbors=1, output_type="item").tolist() == [[i] for i in range(N)],
    "get_params": lambda x, d: x.get_params()["metric"] == "euclidean" and x.get_params(deep=False)["f"] == F,
    "set_params": lambda x, d: x.set_params(n_neighbors=2, **{"seed": 3}) is x and x.n_neighbors == 2,
    "get_feature_names_out": lambda x, d: names_of(x),
    "__sklearn_is_fitted__": lambda x, d: x.__sklearn_is_fitted__() and not type(x)().__sklearn_is_fitted__(),
    "__sklearn_tags__": lambda x, d: x.__sklearn_tags__().input_tags.sparse,
    "__sklearn_clone__": lambda x, d: x.__sklearn_clone__().get_params() == x.get_params(),
    "__len__": lambda x, d: len(x) == N,
    "__repr__": lambda x, d: "euclidean" in repr(x),
    "_repr_html_": lambda x, d: x._repr_html_().startswith("<") and "euclidean" in x._repr_html_(),
    "__reduce__": lambda x, d: same(pickle.loads(pickle.dumps(x)).get_item(2), ROWS[2]),
    "__copy__": lambda x, d: copy.copy(x).get_n_items() == N,
}

# Of data without them, the defaults.
TYPES = {"dtype": "float32", "id_bits": 32}

HIGH_LEVEL: dict[str, Check] = {
    "backend": lambda x, d: x.backend is x,
    "from_low_level": lambda x, d: Index.from_low_level(made(AnnoyIndex)).get_nns_by_item(0, 3) == x.get_nns_by_item(0, 3),
    "verbose": lambda x, d: x.verbose is None and reset(x, "verbose", 0),
    "to_metadata": lambda x, d: x.to_metadata()["params"]["metric"] == "euclidean",
    "from_metadata": lambda x, d: Index.from_metadata(x.to_metadata()).get_params() == x.get_params() | TYPES,
    "to_json": lambda x, d: json.loads(x.to_json(d / "a.json")) == json.loads((d / "a.json").read_text()),
    "from_json": lambda x, d: bool(x.to_json(d / "a.json")) and Index.from_json(d / "a.json").f == F,
    "to_yaml": lambda x, d: "euclidean" in x.to_yaml(d / "a.yaml"),
    "from_yaml": lambda x, d: bool(x.to_yaml(d / "a.yaml")) and Index.from_yaml(d / "a.yaml").metric == "euclidean",
    "save_index": lambda x, d: x.save_index(d / "new" / "a.ann") is x and x.path == str(d / "new" / "a.ann"),
    "load_index": lambda x, d: Index.load_index(F, "euclidean", saved(x, d)).get_n_items() == N,
    "save_bundle": lambda x, d: x.save_bundle(d / "m.json", "i.ann") == [str(d / "m.json"), str(d / "i.ann")],
    "load_bundle": lambda x, d: bool(x.save_bundle(d / "m.json")) and Index.load_bundle(d / "m.json").get_n_items() == N,
    "to_bytes": lambda x, d: x.to_bytes(format=None) == x.to_bytes("canonical"),
    "from_bytes": lambda x, d: Index.from_bytes(x.to_bytes(), f=F, metric="l2", prefault=False).get_n_items() == N,
    "pickle_mode": lambda x, d: x.pickle_mode == "auto" and reset(x, "pickle_mode", "byte"),
    "compress_mode": lambda x, d: x.compress_mode is None and reset(x, "compress_mode", "zlib"),
    "add_items": lambda x, d: x.unbuild().add_items(ROWS, start_id=20).tolist() == list(range(20, 20 + N)),
    "get_item_vectors": lambda x, d: same(x.get_item_vectors([1, 2], return_ids=True)[0], ROWS[1:3]),
    "to_numpy": lambda x, d: same(x.to_numpy(), ROWS) and same(x.to_numpy(start=2, stop=4), ROWS[2:4]),
    "iter_item_vectors": lambda x, d: [i for i, v in x.iter_item_vectors() if same(v, ROWS[i])] == list(range(N)),
    "to_pandas": lambda x, d: x.to_pandas(id_location="both", columns=list("abcd")).loc[3].tolist() == [3.0, *ROWS[3]],
    "query_by_item": lambda x, d: x.query_by_item(0, 3).tolist() == [0, 1, 2],
    "query_by_vector": lambda x, d: x.query_by_vector(ROWS[1], 1, exclude_self=True, exclude_item_ids=[0]).tolist() == [2],
    "query_vectors_by_item": lambda x, d: same(x.query_vectors_by_item(0, 2), ROWS[:2]),
    "query_vectors_by_vector": lambda x, d: same(x.query_vectors_by_vector(QUERY, 2), ROWS[:2]),
    "kneighbors": lambda x, d: x.kneighbors([QUERY], 2)[1].tolist() == [[0, 1]],
    "kneighbors_graph": lambda x, d: x.kneighbors_graph([QUERY], 2).toarray()[0, :3].tolist() == [1, 1, 0],
    "plot_index": lambda x, d: x.plot_index(labels=range(N))[0].shape == (N, 2),
    "plot_knn_edges": lambda x, d: len(x.plot_knn_edges(x.plot_index()[0], k=1).collections) > 0,
    "__getitem__": lambda x, d: same(x[0:3], ROWS[:3]) and same(x[-1], ROWS[-1]),
    "__contains__": lambda x, d: 0 in x and N not in x,
    "__iter__": lambda x, d: same(list(x), ROWS),
    "is_built": lambda x, d: x.is_built() and not Index(3).is_built(),
}


@pytest.fixture(autouse=True)
def figures_are_closed() -> Any:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.parametrize("cls,name", [(cls, name) for cls in (AnnoyIndex, Index) for name in LOW_LEVEL])
def test_low_level(cls: Any, name: str, tmp_path: Path) -> None:
    assert LOW_LEVEL[name](made(cls), tmp_path)


@pytest.mark.parametrize("name", HIGH_LEVEL)
def test_high_level(name: str, tmp_path: Path) -> None:
    assert HIGH_LEVEL[name](made(Index), tmp_path)


def test_classes() -> None:
    assert Annoy is AnnoyIndex and issubclass(Index, Annoy) and isinstance(Index(), Annoy)
    mixins = {"MetaMixin", "IndexIOMixin", "PickleMixin", "VectorOpsMixin", "NDArrayMixin", "PlottingMixin"}
    assert mixins <= {cls.__name__ for cls in Index.__mro__} and mixins <= set(annoy_rs.__all__)
    for name in ("lstsq", "l2", "L2 "):
        assert Index(2, name).metric == AnnoyIndex(2, name).metric == "euclidean"
    for name in ("@", ".", "dotproduct"):
        assert Index(2, name).metric == "dot"


def test_mutators_return_the_index(tmp_path: Path) -> None:
    index = Index(F, "euclidean")
    assert index.add_item(0, ROWS[0]).build(2).save(tmp_path / "x").unload().load(tmp_path / "x") is index
    assert index.thaw().set_seed(3).add_item(1, ROWS[1]).build(1).unbuild() is index
    assert Index(F, "dot").on_disk_build(tmp_path / "y").get_n_items() == 0


@pytest.mark.parametrize("cls", [AnnoyIndex, Index])
def test_quick_start_of_the_seed(cls: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    index = cls(10, "angular")
    for i in range(1000):
        index.add_item(i, random.normal(size=10).tolist())
    index.build(10)
    index.save(str(tmp_path / "test.ann"))
    other = cls(10, "angular")
    other.load(str(tmp_path / "test.ann"))
    assert len(other.get_nns_by_item(0, 1000)) == 1000


# Where a name is the seed's, its faults are not.


def test_files_are_never_truncated(tmp_path: Path) -> None:
    """on_disk_path among the parameters truncates the file there."""
    index = made(Index)
    path = tmp_path / "x.ann"
    index.save_index(path)
    before = path.read_bytes()
    metadata = index.to_metadata()
    assert metadata["params"]["on_disk_path"] == str(path)
    for load in (True, False):
        assert Index.from_metadata(metadata, load=load).get_n_items() == (N if load else 0)
    index.to_json(tmp_path / "x.json")
    assert Index.from_json(tmp_path / "x.json").get_nns_by_item(0, 3) == index.get_nns_by_item(0, 3)
    index.set_params(**index.get_params())
    with pytest.raises(FileExistsError, match="it is there already"):
        Index(F, "euclidean", on_disk_path=path)
    lazy = Index(on_disk_path=path)
    with pytest.raises(FileError):
        lazy.add_items(ROWS)
    assert path.read_bytes() == before and len(lazy) == 0
    built = made(Index, on_disk_path=tmp_path / "new.ann")
    assert (tmp_path / "new.ann").exists() and Index.open(tmp_path / "new.ann").to_bytes() == built.to_bytes()


def test_holes_stay_holes(tmp_path: Path) -> None:
    """`rebuild` and bytes make zero vectors of ids without items."""
    index = Index(F, "euclidean")
    index.add_items(ROWS[:3], [1, 4, 9])
    index.build(3)
    others = [index.rebuild("l1"), Index.from_bytes(index.to_bytes()), pickle.loads(pickle.dumps(index)), copy.copy(index)]
    index.save_bundle(tmp_path / "m.json")
    for other in [*others, Index.load_bundle(tmp_path / "m.json")]:
        assert other.ids.tolist() == [1, 4, 9]
        assert sorted(other.get_nns_by_vector(QUERY, 20)) == [1, 4, 9]
    assert index.metric == "euclidean" and index.get_params()["n_trees"] == -1


def test_saving_what_was_built_on_disk_elsewhere(tmp_path: Path) -> None:
    """A save to another path writes nothing, and says that it did."""
    index = made(Index, on_disk_path=tmp_path / "a.ann")
    index.save(tmp_path / "b.ann")
    assert (tmp_path / "b.ann").read_bytes() == (tmp_path / "a.ann").read_bytes()


def test_parameters_do_not_undo_calls(tmp_path: Path) -> None:
    heard: list[str] = []
    index = Index(F, "l2")
    index.set_log(lambda level, text: heard.append(text))
    index.on_disk_build(tmp_path / "x.ann").set_params(n_neighbors=3, seed=4)
    index.set_params(**index.get_params()).add_items(ROWS)
    index.build(2)
    assert heard and (tmp_path / "x.ann").exists() and Index.open(tmp_path / "x.ann").info()["seed"] == 4


def test_unload_then_add_and_build() -> None:
    index = made(Index)
    assert index.unload().add_item(0, ROWS[0]).build(1).get_n_items() == 1


def test_bundles_can_be_moved(tmp_path: Path) -> None:
    """The manifest's name of the file is not read, and relative to the working directory."""
    index = made(Index, n_neighbors=3)
    index.y = list(range(N))
    index.save_bundle(tmp_path / "a" / "manifest.json", "other.ann")
    (tmp_path / "a").rename(tmp_path / "b")
    other = Index.load_bundle(tmp_path / "b" / "manifest.json", prefault=True)
    assert other.y == list(range(N)) and other.n_neighbors == 3 and other.get_n_items() == N
    with pytest.raises(ArgumentError, match="index_file"):
        index.to_json(tmp_path / "b" / "other.json")
        Index.load_bundle(tmp_path / "b" / "other.json")


def test_pickle_modes(tmp_path: Path) -> None:
    """Both settings do nothing there, and a lock cannot be pickled."""
    index = made(Index)
    whole = len(pickle.dumps(index))
    for mode in ("zlib", "gzip"):
        index.compress_mode = mode
        index.to_json()
        data = pickle.dumps(index)
        other = pickle.loads(data)
        assert len(data) < whole / 2 and other.compress_mode == mode and pickle.dumps(other) == data
        assert other.get_nns_by_item(0, 3) == index.get_nns_by_item(0, 3)
    index.pickle_mode = "disk"
    with pytest.raises(StateError, match="by path"):
        pickle.dumps(index)
    index.save_and_load(tmp_path / "x")
    assert len(pickle.dumps(index)) < 700 and pickle.loads(pickle.dumps(index)).path == str(tmp_path / "x")
    wrong: Any
    for name, wrong in (("pickle_mode", "other"), ("compress_mode", "lz4")):
        with pytest.raises(ArgumentError):
            setattr(index, name, wrong)


def test_negative_ids_are_refused() -> None:
    for cls in (AnnoyIndex, Index):
        with pytest.raises(IndexError):
            cls(F, "dot").add_item(-1, ROWS[0])


def test_metadata_that_is_wrong() -> None:
    good = made(Index).to_metadata()
    wrong: list[Any] = [
        {**good, "index_schema_version": 7},
        {**good, "params": None},
        {**good, "params": {**good["params"], "f": None}},
        {**good, "params": {**good["params"], "other": 1}},
    ]
    for metadata in wrong:
        with pytest.raises(ValueError):
            Index.from_metadata(metadata)
    with pytest.raises(TypeError):
        Index.from_metadata([])  # type: ignore[arg-type]
    with pytest.raises(AnnoyError):
        Index.from_bytes(made(Index).to_bytes(), metric="dot")
    with pytest.raises(ArgumentError, match="format"):
        made(Index).to_bytes("xml")


def test_parameters_of_an_index_with_items() -> None:
    index = made(Index)
    for name, value in (("metric", "dot"), ("f", 3)):
        with pytest.raises(StateError, match="has items"):
            setattr(index, name, value)
        assert getattr(index, name) != value
    empty = Index(3)
    empty.metric, empty.f = "dot", 5
    assert (empty.metric, empty.f) == ("dot", 5)
    with pytest.raises(TypeError, match="seed and random_state"):
        Index(3, seed=1, random_state=2)
    with pytest.raises(ArgumentError, match="l1_ratio"):
        Index(3, l1_ratio=0.5)
    assert Index(3, random_state=5).add_items([[1, 2, 3]]).tolist() == [0]
    assert Index(random_state=np.random.RandomState(1)).fit(ROWS).get_n_items() == N
    seeded = Index(3, random_state=5)
    assert seeded.seed == seeded.random_state == 5
    seeded.seed = 6
    assert seeded.get_params()["random_state"] is None and seeded.random_state == 6
    assert seeded.add_item(0, [1, 2, 3]).build(1).info()["seed"] == 6
    for labels in (["a"], {0: "a"}):
        with pytest.raises((ValueError, TypeError)):
            index.y = labels
    with pytest.raises(IndexError):
        index.y_map = {N: "x"}
