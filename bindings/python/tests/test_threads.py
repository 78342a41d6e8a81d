"""Many threads on one index: searches together, changes alone, a close at any time; garbage
collected throughout."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Callable, Iterator

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, ClosedError, Index, ItemError, StateError
from annoy_rs._native import ffi, lib
from conftest import held_up
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
    """Calls that would be a data race in C take turns here: each search sees the index before or
    after a change."""
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
    place = ffi.new("guarded_hold **")
    assert lib.guarded_lock(guarded, 0, place) == lib.GUARDED_CLOSED
    lib.guarded_unlock(place)
    assert lib.guarded_lock(guarded, 1, place) == lib.GUARDED_CLOSED
    lib.guarded_unlock(place)
    assert lib.guarded_by_item_as_annoy(guarded, 0, 0, -1, ffi.NULL, ffi.NULL) == -1 - lib.GUARDED_CLOSED


def test_a_change_gets_its_turn_while_others_search(vectors: Array) -> None:
    index = Index(12, "euclidean")
    index.add_items(np.tile(vectors, (20, 1)))
    index.build(4)
    batch = np.tile(vectors, (2, 1))
    stop = threading.Event()

    def search() -> int:
        n = 0
        while not stop.is_set():
            index.search(batch, 5, n_threads=1)
            n += 1
        return n

    with ThreadPoolExecutor(5) as pool:
        searching = [pool.submit(search) for _ in range(4)]
        try:
            time.sleep(0.2)
            for _ in range(5):
                pool.submit(index.remove_items, [5]).result(20)
        finally:
            stop.set()
        assert sum(future.result(20) for future in searching) > 4


def test_searches_get_their_turn_while_others_change(built: Index, vectors: Array) -> None:
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            built.set_labels([f"label {i}" for i in range(500)])

    with ThreadPoolExecutor(4) as pool:
        changing = [pool.submit(change) for _ in range(3)]
        try:
            for _ in range(20):
                pool.submit(built.search, vectors[0], 5).result(20)
        finally:
            stop.set()
        for future in changing:
            future.result(20)


@pytest.mark.parametrize("several", [False, True])
def test_a_filter_searches_while_a_change_waits(several: bool, built: Index, vectors: Array) -> None:
    """The change waits for the search that asks the filter, so what the filter searches must not
    wait for the change: nor where two filters search each other's index."""
    other = Index(12, "euclidean")
    other.add_items(vectors)
    other.build(2)
    indexes = [built, other] if several else [built, built]
    inside = threading.Barrier(2)
    changes: list[Any] = []

    with ThreadPoolExecutor(4) as pool:

        def search(i: int) -> int:
            mine, its = indexes[i], indexes[1 - i]
            first = True

            def accepts(item: int) -> bool:
                nonlocal first
                if first:
                    first = False
                    inside.wait(20)
                    changes.append(pool.submit(mine.remove_items, [7]))
                    time.sleep(0.1)  # it waits by now
                    its.search(vectors[0], 3)
                    its.search(vectors[:5], 3, n_threads=2)
                    its.search_items(3, 3)
                    assert len(its.get_item(0)) == 12
                return True

            return len(mine.search(vectors[i], 3, filter=accepts)[0])

        searches = [pool.submit(search, i) for i in range(2)]
        assert [future.result(20) for future in searches] == [3, 3]
        for change in changes:
            change.result(20)


@contextmanager
def interrupted_soon() -> Iterator[None]:
    """As by Ctrl-C, in a fifth of a second."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("what", ["change", "search", "plain", "annoy", "close"])
def test_ctrl_c_ends_a_wait(what: str, built: Index, vectors: Array) -> None:
    """In the main thread, while another one has the index for long."""

    def meanwhile(wait: Callable[..., bool]) -> None:
        if what == "change":
            built.search(vectors[0], 1, filter=wait)
        else:
            built.build(3, n_threads=1, progress=wait)

    if what != "change":
        built.unbuild()
    annoy = AnnoyIndex(12, "euclidean")
    annoy._index = built
    calls: dict[str, Callable[[], Any]] = {
        "change": lambda: built.remove_items([3]),
        "search": lambda: built.search(vectors[0], 3, exact=True),
        "plain": lambda: built.search(vectors[0], 3),
        "annoy": lambda: annoy.get_nns_by_item(0, 3),
        "close": built.close,
    }
    with held_up(meanwhile):
        start = time.monotonic()
        with interrupted_soon():
            calls[what]()
        assert time.monotonic() - start < 5
    # Nobody waits for the one that has given up.
    built.remove_items([4])
    assert built.is_removed(4) and not built.is_removed(3)


@pytest.mark.parametrize("batch", [False, True])
def test_a_signal_ends_a_search_with_a_filter(batch: bool, built: Index, vectors: Array) -> None:
    calls = 0

    def slow(item: int) -> bool:
        nonlocal calls
        calls += 1
        time.sleep(0.02)
        return True

    with interrupted_soon():
        built.search(vectors if batch else vectors[0], 5, 3000, filter=slow)
    assert calls < 20
    built.set_seed(1)


def test_arrays_in_use_cannot_be_resized(vectors: Array) -> None:
    """Another thread (here a progress function) cannot take an array's memory away while the
    library reads it."""
    index = Index(12)
    array = np.tile(vectors, (200, 1))
    refused: list[Any] = []

    def resize(done: int, total: int) -> None:
        try:
            array.resize((1, 12))
        except ValueError as error:
            refused.append(error)

    index.add_items(array, n_threads=1, progress=resize)
    assert refused and len(array) == 100_000
    index.build(1)
    data = bytearray(index.to_bytes())
    np.testing.assert_array_equal(index.get_item(99_999), vectors[-1])
    opened = Index.from_bytes(data)
    data.clear()
    np.testing.assert_array_equal(opened.get_item(99_999), vectors[-1])


def test_in_coroutines_and_pools(built: Index, vectors: Array) -> None:
    """Searches leave the event loop and other threads alone while they run."""
    expected = built.search(vectors, 5)[0]

    async def search_all() -> list[Any]:
        return list(await asyncio.gather(*(asyncio.to_thread(built.search, vector, 5) for vector in vectors)))

    np.testing.assert_array_equal([found[0] for found in asyncio.run(search_all())], expected)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda vector: built.search(vector, 5)[0], vectors))
    np.testing.assert_array_equal(found, expected)

    async def cancelled() -> bool:
        """A loop goes on while a long call runs, and can end it: by an exception in its
        progress."""
        index, stop = Index(12), threading.Event()
        index.add_items(np.random.default_rng(0).normal(size=(60_000, 12)).astype(np.float32))

        def progress(done: int, total: int) -> None:
            if stop.is_set():
                raise TimeoutError

        building = asyncio.create_task(asyncio.to_thread(index.build, 200, n_threads=1, progress=progress))
        await asyncio.sleep(0.01)
        stop.set()
        try:
            await building
        except TimeoutError:
            return index.n_trees == 0
        return False

    assert asyncio.run(cancelled())
