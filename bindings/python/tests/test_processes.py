"""Many processes on one mapped file: fork, spawn, pools; and a fork while threads search."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import AnnoyIndex, ClosedError, Index, StateError
from conftest import held_up
from numpy.typing import NDArray

Array = NDArray[Any]


def find(job: tuple[Any, int]) -> list[int]:
    index, item = job
    if isinstance(index, str):
        index = Index.open(index)
    return [int(i) for i in index.search_items(item, 3)[0]]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("by", ["path", "pickle"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_pool(method: str, by: str, built: Index, tmp_path: Path) -> None:
    built.save(tmp_path / "x")
    index: Any = str(tmp_path / "x") if by == "path" else built
    expected = [find((built, item)) for item in range(8)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(find, [(index, item) for item in range(8)]) == expected


def in_child(work: Any) -> int:
    """Whether `work` gives true in a forked child."""
    pid = os.fork()
    if pid == 0:
        status = 1
        signal.alarm(20)
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_open_indexes_work_on_in_a_forked_child(built: Index, vectors: Array, tmp_path: Path) -> None:
    built.save(tmp_path / "x")
    loaded = AnnoyIndex(12, "euclidean")
    loaded.load(str(tmp_path / "x"))
    expected = loaded.get_nns_by_item(3, 5)

    def work() -> bool:
        same = loaded.get_nns_by_item(3, 5) == expected == built.search_items(3, 5)[0].tolist()
        same = same and built.search(vectors, 3, n_threads=2)[0].shape == (500, 3)
        built.unbuild()
        built.add_item(500, vectors[0])
        built.build(2)
        loaded.close()
        return same and len(built) == 501

    assert in_child(work) == 0
    assert len(built) == 500 and loaded.get_nns_by_item(3, 5) == expected


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_while_threads_search(built: Index, vectors: Array) -> None:
    """Locks that other threads hold at the fork do not stay held in the child."""
    stop = threading.Event()
    batch = np.tile(vectors, (10, 1))

    def search() -> None:
        while not stop.is_set():
            built.search(batch, 3, n_threads=1)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:

        def work() -> bool:
            built.search(vectors[0], 3)
            built.close()
            return True

        for _ in range(10):
            assert in_child(work) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_while_a_thread_changes_the_index(built: Index, vectors: Array, tmp_path: Path) -> None:
    """An index that was being changed refuses in the child; otherwise it is there.
    Nothing crashes."""
    paths = [str(tmp_path / "small"), str(tmp_path / "large")]
    built.save(paths[0])
    large = Index(12, "euclidean")
    large.add_items(np.tile(vectors, (20, 1)))
    large.build(2)
    large.save(paths[1])
    served = Index.open(paths[0])
    stop = threading.Event()

    def reload() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            served.load(paths[turn % 2])

    thread = threading.Thread(target=reload)
    thread.start()
    refusals = 0
    try:

        def work() -> bool:
            try:
                served.search(vectors[0], 3)
                served.search(vectors[:3], 3, n_threads=2)
                served.load(paths[0])
                return len(served.search(vectors[0], 3)[0]) == 3
            except StateError as error:
                assert "forked" in str(error)
                served.close()
                os._exit(3)

        for _ in range(150):
            status = in_child(work)
            assert status in (0, 3)
            refusals += status == 3
    finally:
        stop.set()
        thread.join()
    assert served.search(vectors[0], 3)[0].shape == (3,)
    assert refusals > 0, "no fork came while the index was being changed"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("batch", [False, True])
def test_fork_in_a_filter(batch: bool, built: Index, vectors: Array) -> None:
    """The child goes on with the search, and has the index for itself then."""
    parent = os.getpid()
    pids: list[int] = []
    expected = built.search(vectors[0], 10)[0].tolist()

    def accepts(item: int) -> bool:
        if not pids and os.getpid() == parent:
            pid = os.fork()
            if pid:
                pids.append(pid)
            else:
                pids.append(0)
                signal.alarm(20)
        return True

    found = built.search(vectors[:1] if batch else vectors[0], 10, filter=accepts)[0].ravel().tolist()
    if os.getpid() != parent:
        status = 1
        try:
            built.search(vectors[1], 5)
            built.remove_items([3])
            built.close()
            status = 0 if found == expected else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]) == 0
    built.remove_items([3])
    assert found == expected


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_in_progress_of_a_build(built: Index, vectors: Array) -> None:
    """The child goes on with the build. One that another thread is at refuses."""
    built.unbuild()
    parent = os.getpid()
    children: list[int] = []

    def fork(done: int, total: int) -> None:
        if not children and os.getpid() == parent:
            children.append(os.fork())
            if not children[0]:
                signal.alarm(20)

    built.build(3, n_threads=1, progress=fork)
    if os.getpid() != parent:
        status = 1
        try:
            status = 0 if built.search(vectors[0], 1)[0].tolist() == [0] and built.n_trees == 3 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0

    def work() -> bool:
        for call in (lambda: built.n_items, built.unbuild, lambda: built.search(vectors[0], 1)):
            with pytest.raises(StateError, match="forked"):
                call()
        built.close()
        with pytest.raises(ClosedError):
            built.unbuild()
        return True

    built.unbuild()
    with held_up(lambda wait: built.build(3, n_threads=1, progress=wait)):
        assert in_child(work) == 0
    assert built.n_trees == 3
