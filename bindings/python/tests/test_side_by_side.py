"""PyPI annoy and ours take the same calls, and give the same values, types and exceptions.

Scripts are generated. Where ours is stricter on purpose (README) they do not go; where Annoy would
do harm to the process (an item added to built trees, wild arguments) they cannot.
"""

from __future__ import annotations

import math
import random
import warnings
from pathlib import Path
from typing import Any, Callable

import annoy
import annoy_rs
import numpy as np
import pytest

F = 6
METRICS = ["angular", "euclidean", "manhattan", "hamming", "dot"]
MAKERS: tuple[Any, Any] = (annoy.AnnoyIndex, annoy_rs.AnnoyIndex)
ALL = 1_000_000  # search_k for which everything is looked at


def outcome(index: Any, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return getattr(index, call)(*args, **kwargs)
    except Exception as error:
        return error


def assert_same(theirs: Any, ours: Any, context: Any) -> None:
    if isinstance(theirs, BaseException):
        assert isinstance(ours, type(theirs)), f"{context}: {theirs!r} {ours!r}"
        # Their text comes first in ours; TypeErrors are Python's own and OSErrors end in
        # the system's words.
        if type(theirs) in (IndexError, Exception) or "hasn't been built" in str(theirs):
            assert str(ours).startswith(str(theirs)), f"{context}: {theirs!r} {ours!r}"
        return
    assert type(theirs) is type(ours), f"{context}: {theirs!r} {ours!r}"
    if isinstance(theirs, (list, tuple)):
        assert len(theirs) == len(ours), f"{context}: {theirs} {ours}"
        for a, b in zip(theirs, ours):
            assert_same(a, b, context)
    elif isinstance(theirs, float):
        assert math.isclose(theirs, ours, rel_tol=1e-5, abs_tol=2e-3), f"{context}: {theirs} {ours}"
    else:
        assert theirs == ours, f"{context}: {theirs!r} {ours!r}"


class Script:
    """Calls at random, each with what is legal now and what is not."""

    def __init__(self, metric: str, seed: int, directory: Path) -> None:
        self.random = random.Random(f"{metric} {seed}")
        self.metric = metric
        self.directory = directory
        self.state = "empty"
        self.n_items = 0
        self.was_built = False
        self.saved: list[str] = []

    def vector(self) -> Any:
        if self.metric == "hamming":
            values = [float(self.random.randrange(2)) for _ in range(F)]
        else:
            values = [self.random.gauss(0, 1) for _ in range(F)]
        forms: list[Callable[[list[float]], Any]] = [
            list,
            tuple,
            np.array,
            lambda v: np.array(v, np.float32),
            lambda v: np.array(v, np.float16) if self.metric == "hamming" else np.array(v, np.float32)[::1],
            lambda v: np.array([v, v]).T[:, 0],
            lambda v: dict(enumerate(v)),
        ]
        return self.random.choice(forms)(values)

    def bad_vector(self) -> Any:
        return self.random.choice([[1.0] * (F + 1), [], [1.0] * (F - 1), ["a"] * F, None, 7, [None] * F, np.zeros(F + 2)])

    def item(self) -> int:
        return self.random.choice([0, self.random.randrange(max(1, self.n_items)), self.n_items - 1])

    def bad_item(self) -> Any:
        return self.random.choice([-1, self.n_items, self.n_items + 5, 2**31, -(2**40), 1.5, "1", None])

    def search(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        n = self.random.choice([1, 3, 10, 100])
        return self.random.choice(
            [
                ((n, ALL), {}),
                ((n, ALL, True), {}),
                ((n,), {"search_k": ALL, "include_distances": True}),
                ((n, ALL, 0), {}),
                ((), {"n": n, "search_k": ALL, "include_distances": 1}),
            ]
        )

    def next(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """A call; `state` and `n_items` are as they will be after it."""
        choice = self.random.random()
        item = self.item() if choice < 0.8 else self.bad_item()
        # An item cannot be added to built trees: Annoy would overwrite one.
        calls = ["search item", "search vector", "distance", "get", "counts", "verbose", "seed", "bad vector"]
        if self.state != "loaded":
            # Annoy would forget that it has a file, and end the process when it lets go of it.
            calls += ["bad path"]
        if self.state in ("empty", "items", "loaded"):
            calls += ["add"] * (1 if self.state == "loaded" else 8)
        if self.state in ("items", "built", "loaded"):
            calls += ["build"]
        if self.state == "built":
            calls += ["unbuild", "save"]
        if self.state == "items":
            calls += ["save unbuilt", "unbuild"]
        if self.state == "loaded":
            calls += ["unbuild", "load", "save"]
        call = self.random.choice(calls)
        if call == "search item":
            args, kwargs = self.search()
            return "get_nns_by_item", (item, *args), kwargs
        if call == "search vector":
            args, kwargs = self.search()
            return "get_nns_by_vector", (self.vector(), *args), kwargs
        if call == "distance":
            return "get_distance", (item, self.item()), {}
        if call == "get":
            return "get_item_vector", (item,), {}
        if call == "counts":
            # Annoy counts the trees of small files twice.
            small = self.state == "loaded" or self.n_items == 0
            return ("get_n_items" if small else self.random.choice(["get_n_items", "get_n_trees"])), (), {}
        if call == "verbose":
            return "verbose", (False,), {}
        if call == "seed":
            return "set_seed", (self.random.randrange(-3, 1000),), {}
        if call == "bad vector":
            if self.state in ("empty", "items"):
                return "add_item", (self.item() if self.n_items else 0, self.bad_vector()), {}
            return "get_nns_by_vector", (self.bad_vector(), 3, ALL), {}
        if call == "bad path":
            path = str(self.directory / "no" / "such")
            return self.random.choice([("load", (path,), {}), ("load", (7,), {}), ("load", (), {"fn": None})])
        if call == "add":
            # Holes only as long as nothing was built: then there are remains of trees in
            # them with Annoy.
            hole = 0 if self.was_built else 2
            new = self.random.choice([self.n_items, self.n_items, self.n_items + hole, self.item(), -1, "0", 2.0])
            if self.state != "loaded" and isinstance(new, int) and new >= 0:
                self.n_items, self.state = max(self.n_items, new + 1), "items"
            return self.random.choice(
                [("add_item", (new, self.vector()), {}), ("add_item", (), {"i": new, "vector": self.vector()})]
            )
        if call == "build":
            if self.state == "items":
                self.state, self.was_built = "built", True
            n_trees, n_jobs = self.random.randrange(1, 5), self.random.choice([-1, 1, 2])
            return self.random.choice(
                [("build", (n_trees, n_jobs), {}), ("build", (), {"n_trees": n_trees, "n_jobs": n_jobs})]
            )
        if call == "unbuild":
            self.state = "items" if self.state == "built" else self.state
            return "unbuild", (), {}
        if call == "save unbuilt":
            return "save", (str(self.directory / "unbuilt"),), {}
        if call == "save":
            self.state = "loaded"
            self.saved.append(f"{len(self.saved)}.ann")
            return "save", (self.saved[-1],), {"prefault": self.random.choice([True, False])}
        assert call == "load"
        name = self.random.choice(self.saved)
        return "load", (name,), {}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(12))
def test_generated_script(metric: str, seed: int, tmp_path: Path) -> None:
    script = Script(metric, seed, tmp_path)
    theirs, ours = (maker(F, metric) for maker in MAKERS)
    done = []
    for _ in range(250):
        call, args, kwargs = script.next()
        done.append((call, args, kwargs))
        if call in ("save", "load") and isinstance(args[:1] and args[0], str) and args[0].endswith(".ann"):
            # Each has its own file; they are compared by what is found in them.
            results = [
                outcome(index, call, (str(tmp_path / f"{who}-{args[0]}"),), kwargs)
                for index, who in ((theirs, "theirs"), (ours, "ours"))
            ]
        else:
            results = [outcome(index, call, args, kwargs) for index in (theirs, ours)]
        assert_same(results[0], results[1], done[-1])
        if call == "load" and results[0] is True:
            script.n_items = theirs.get_n_items()
        assert theirs.get_n_items() == ours.get_n_items(), done[-1]


@pytest.mark.parametrize("metric", METRICS)
def test_same_file_same_answers(metric: str, tmp_path: Path) -> None:
    """Each loads the other's file: at any search_k the same nodes are inspected, so the
    same ids come."""
    numbers = np.random.default_rng(5).normal(size=(800, 20))
    vectors = (numbers > 0).astype(np.float32) if metric == "hamming" else numbers.astype(np.float32)
    for maker in MAKERS:
        index = maker(20, metric)
        index.set_seed(3)
        for i, vector in enumerate(vectors):
            index.add_item(i, vector)
        # By one thread: of trees that several of Annoy's built, its load may count some twice.
        index.build(7, n_jobs=1)
        path = str(tmp_path / maker.__module__)
        index.save(path)
        theirs, ours = (make(20, metric) for make in MAKERS)
        assert theirs.load(path) is True and ours.load(path) is True
        assert theirs.get_n_trees() == ours.get_n_trees() == 7
        assert theirs.f == ours.f
        for i in range(0, 800, 40):
            for args in ((5,), (10, 50), (3, 1000, True), (10, -1, True), (4, 0)):
                context = (maker.__module__, i, args)
                assert_same(theirs.get_nns_by_item(i, *args), ours.get_nns_by_item(i, *args), context)
                query = vectors[i] * 0.75 + vectors[i - 1] * 0.25
                assert_same(theirs.get_nns_by_vector(query, *args), ours.get_nns_by_vector(query, *args), context)


def test_trees_of_many_threads(tmp_path: Path) -> None:
    """Annoy's threads leave their roots in any order. Annoy then counts some of them twice."""
    vectors = np.random.default_rng(6).normal(size=(60, F))
    path = str(tmp_path / "threads")
    for seed in range(200):
        index = annoy.AnnoyIndex(F, "euclidean")
        index.set_seed(seed)
        for i, vector in enumerate(vectors):
            index.add_item(i, vector)
        index.build(7, n_jobs=7)
        index.save(path)
        theirs, ours = (make(F, "euclidean") for make in MAKERS)
        assert theirs.load(path) is True and ours.load(path) is True
        assert ours.get_n_trees() == 7
        assert_same(theirs.get_nns_by_item(3, 10, ALL), ours.get_nns_by_item(3, 10, ALL), seed)


CONSTRUCTIONS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((3, "angular"), {}),
    ((3,), {"metric": "dot"}),
    ((), {"f": 3, "metric": "euclidean"}),
    ((3,), {}),
    ((3, "no such"), {}),
    ((3, 7), {}),
    ((3, None), {}),
    ((3,), {"metric": None}),
    (("3", "angular"), {}),
    ((3.5, "angular"), {}),
    ((3, "angular", 1), {}),
    ((3,), {"metrik": "dot"}),
]


@pytest.mark.parametrize("args,kwargs", CONSTRUCTIONS)
def test_construction(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    results = []
    for make in MAKERS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                made: Any = make(*args, **kwargs).f
            except Exception as error:
                made = error
        results.append((made, [(w.category, str(w.message), w.filename == __file__) for w in caught]))
    (theirs, their_warnings), (ours, our_warnings) = results
    assert_same(theirs, ours, args)
    assert [w[:2] for w in their_warnings] == [w[:2] for w in our_warnings]
    assert all(here for _, _, here in our_warnings)


@pytest.mark.parametrize(
    "call",
    [
        lambda index: index.get_nns_by_item(),
        lambda index: index.get_nns_by_item(0, 1, -1, False, 5),
        lambda index: index.get_nns_by_item(0, 1, k=5),
        lambda index: index.get_nns_by_vector([1.0, 2.0], "1"),
        lambda index: index.get_nns_by_vector([1.0, 2.0], 1.0),
        lambda index: index.get_nns_by_item(0, 1, search_k=2.5),
        lambda index: index.add_item(0),
        lambda index: index.add_item(5, [1.0, [2.0]]),
        lambda index: index.build("3"),
        lambda index: index.save(),
        lambda index: index.save(3),
        lambda index: index.load("nul\0inside"),
        lambda index: index.get_item_vector(),
        lambda index: index.get_item_vector(0, 1),
        lambda index: index.get_distance(0),
        lambda index: index.get_distance(0, 0.5),
        lambda index: index.set_seed("x"),
        lambda index: index.on_disk_build("/no/such/directory/file"),
        lambda index: index.on_disk_build(None),
        lambda index: index.no_such_method(),
        lambda index: index.unload(),
        lambda index: index.verbose(0),
        lambda index: index.unbuild(),
    ],
)
def test_one_call(call: Callable[[Any], Any]) -> None:
    results = []
    for make in MAKERS:
        index = make(2, "euclidean")
        index.add_item(0, [1.0, 2.0])
        try:
            results.append(call(index))
        except Exception as error:
            results.append(error)
    assert_same(results[0], results[1], call)


def test_every_name_of_theirs() -> None:
    names = {name for name in dir(annoy.AnnoyIndex) if not name.startswith("_")}
    assert names <= set(dir(annoy_rs.AnnoyIndex))
    assert annoy_rs.Annoy is annoy_rs.AnnoyIndex


def test_on_disk_build(tmp_path: Path) -> None:
    found = []
    for make in MAKERS:
        index = make(2, "manhattan")
        path = str(tmp_path / make.__module__)
        results = [index.on_disk_build(path)]
        results += [index.add_item(i, [i, -i]) for i in range(100)]
        results += [index.build(3), index.get_nns_by_item(50, 3, ALL, True)]
        again = make(2, "manhattan")
        results += [again.load(path), again.get_nns_by_item(50, 3, ALL, True)]
        found.append(results)
    assert_same(found[0], found[1], "on_disk_build")
