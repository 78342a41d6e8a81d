"""Many threads on one index: searches together, changes alone, a close at any time; garbage collected throughout."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, ClosedError, Index, ItemError, StateError
from annoy_rs._native import ffi, lib
from numpy.typing import NDArray

Array = NDArray[Any]


@pytest.fixture
def eager_gc() -> Iterator[None]:
    """Collects at almost every allocation."""
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*before)


def in_threads(n: int, work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, range(n)))


def test_searches_together(built: Index, vectors: Array) -> None:
    alone = [built.search(v, 5) for v in vectors]
    batch = built.search(vectors, 5)

    def work(thread: int) -> None:
        for i in range(thread, len(vectors), 3):
            ids, distances = built.search(vectors[i], 5)
            np.testing.assert_array_equal(ids, alone[i][0])
            np.testing.assert_array_equal(distances, alone[i][1])
        np.testing.assert_array_equal(built.search(vectors, 5, n_threads=2)[0], batch[0])

    in_threads(6, work)


def test_gil_is_let_go(vectors: Array) -> None:
    """While one thread builds, another runs Python."""
    index = Index(100)
    index.add_items(np.random.default_rng(0).normal(size=(20_000, 100)))
    done = threading.Event()

    def build() -> None:
        index.build(10, n_threads=1)
        done.set()

    thread = threading.Thread(target=build)
    thread.start()
    turns = 0
    while not done.wait(0.001):
        turns += 1
    thread.join()
    assert turns > 5


@pytest.mark.parametrize("kind", ["search", "batch", "filter", "annoy"])
def test_close_while_others_search(kind: str, vectors: Array, eager_gc: None) -> None:
    for _ in range(15):
        index: Any = AnnoyIndex(12, "euclidean") if kind == "annoy" else Index(12, "euclidean")
        (index.index if kind == "annoy" else index).add_items(vectors)
        index.build(3)
        started = threading.Barrier(4)
        calls = {
            "search": lambda: index.search(vectors[0], 5),
            "batch": lambda: index.search(vectors[:50], 5, n_threads=2),
            "filter": lambda: index.search(vectors[0], 5, filter=lambda item: True),
            "annoy": lambda: index.get_nns_by_vector(vectors[0], 5),
        }

        def search(call: Callable[[], Any] = calls[kind]) -> int:
            started.wait()
            n = 0
            try:
                while True:
                    call()
                    n += 1
            except ClosedError:
                return n

        def close() -> int:
            started.wait()
            time.sleep(0.002)
            index.close()
            index.close()
            return 1

        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(work) for work in (search, search, search, close)]
            assert all(future.result(30) >= 0 for future in futures)


def test_changes_while_others_search(vectors: Array, eager_gc: None) -> None:
    """Calls that would be a data race in C take turns here: each search sees the index before or after a change."""
    large = np.tile(vectors, (20, 1))
    index = Index(12, "euclidean")
    stop = threading.Event()
    barrier = threading.Barrier(4)

    def search(thread: int) -> int:
        found = 0
        barrier.wait()
        while not stop.is_set():
            try:
                assert index.search(vectors[thread], 1, 100_000)[0].tolist() in ([thread], [])
                assert index.search(large[:200], 3, n_threads=1)[0].shape == (200, 3)
                np.testing.assert_array_equal(index[thread], vectors[thread])
                found += 1
            except (StateError, ItemError):
                pass  # not built, or without items, just now
        return found

    def change() -> None:
        barrier.wait()
        for _ in range(60):
            index.add_items(large)
            index.build(2, n_threads=1)
            time.sleep(0.001)
            index.unload()
        stop.set()

    with ThreadPoolExecutor(4) as pool:
        searching = [pool.submit(search, i) for i in range(3)]
        pool.submit(change).result(60)
        assert sum(future.result(60) for future in searching) > 0


def test_lazy_f_is_settled_once() -> None:
    for _ in range(50):
        index = Index()
        barrier = threading.Barrier(4)

        def work(thread: int) -> int:
            barrier.wait()
            try:
                index.add_item(thread, [1.0] * (thread + 1))
                return 1
            except ValueError:
                return 0

        assert sum(in_threads(4, work)) == 1
        assert index.f in (1, 2, 3, 4)


def test_collected_indexes_are_freed(vectors: Array) -> None:
    index = Index(12)
    index.add_items(vectors)
    index.build(2)
    index.search(vectors[0], 3, filter=lambda item: len(index) > 0)
    gone = weakref.ref(index)
    handle = weakref.ref(index._handle)
    del index
    gc.collect()
    assert gone() is None and handle() is None


def test_views_and_results_outlive_the_index(vectors: Array, tmp_path: Any, eager_gc: None) -> None:
    index = Index(12)
    index.add_items(vectors)
    index.build(2)
    index.save(tmp_path / "x")
    view = Index.open(tmp_path / "x").to_numpy()
    found = Index.open(tmp_path / "x").search(vectors[:3], 4)
    del index
    gc.collect()
    np.testing.assert_array_equal(view, vectors)
    assert found[0][:, 0].tolist() == [0, 1, 2]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_of_many_indexes_is_given_back(vectors: Array) -> None:
    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    def churn() -> None:
        for _ in range(100):
            index = Index(12)
            index.add_items(np.tile(vectors, (20, 1)))
            index.build(1)
            index.search(vectors[:50], 5, filter=lambda item: True)
            del index

    churn()
    before = resident()
    churn()
    assert resident() - before < 30 << 20  # a hundred of them have 90 MB


def test_errors_of_threads_are_their_own(built: Index) -> None:
    def work(thread: int) -> None:
        for _ in range(200):
            with pytest.raises(IndexError, match=f"item id is {1000 + thread},"):
                built.search_items(1000 + thread, 1)

    in_threads(6, work)


def test_lock_after_close() -> None:
    index = Index(3)
    guarded = index._owner.guarded
    index.close()
    held = ffi.new("int *")
    assert lib.guarded_lock(guarded, 0, held) == lib.guarded_lock(guarded, 1, held) == lib.GUARDED_CLOSED
    assert held[0] == 0
    assert lib.guarded_by_item(guarded, 0, 0, -1, ffi.NULL, ffi.NULL) == -1 - lib.GUARDED_CLOSED
